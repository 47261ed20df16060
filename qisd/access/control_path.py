"""Where the main process listens to ``qis``."""

from __future__ import annotations

from pathlib import Path

from qisd.settings import Settings

NAME = "control.sock"

_RUN = Path("/run/qis")
_INSTALLED = Path("/var/lib/qis")


def control_path(settings: Settings) -> Path:
    """The socket's path: where the system keeps such things, for the server that is installed; else with its data."""
    if settings.state_dir == _INSTALLED and _RUN.is_dir():
        return _RUN / NAME
    return settings.state_dir / NAME
