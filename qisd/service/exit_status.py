"""The exit status of the process, when what decides it happens while the reactor runs."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading


class ExitStatus:
    """twistd ends with 0 whenever its reactor was stopped; this makes another status of it.

    It is done as the very last step of the interpreter, so that twistd has removed its pid file by then.
    """

    def __init__(self) -> None:
        self.code = 0

    def install(self) -> None:
        """Take part in the end of the process. To be called early, since the last to register is the first to run."""
        atexit.register(self._end)

    def leave_threads_behind(self) -> None:
        """End the process now, although threads are still at work that nobody can stop."""
        self._flush()
        os._exit(self.code)

    def _end(self) -> None:
        if self.code:
            self.leave_threads_behind()

    def _flush(self) -> None:
        for stream in (sys.__stdout__, sys.__stderr__):
            with contextlib.suppress(OSError, ValueError):
                if stream is not None:
                    stream.flush()


def stuck_threads(prefixes: tuple[str, ...]) -> list[str]:
    """Names of living threads that begin with one of ``prefixes``: they would keep the interpreter from ending."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(prefixes)]
