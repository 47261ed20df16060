"""The ``qis`` command."""
