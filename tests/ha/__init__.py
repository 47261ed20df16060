"""Several servers of one site on this machine, and what becomes of requests when parts go: ``python -m tests.ha``."""
