"""What appears on the terminal that the daemon was started from: only what its operator has to see."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TextIO

from twisted.logger import ILogObserver, LogEvent, LogLevel
from zope.interface import implementer

from qisd.service.log_records import Record, record_of

_CACHE_COMPLAINT = "Unable to write to plugin cache"
"""What Twisted says when its list of plugins can't be kept because the program is not ours to write to: no fault."""


class Console:
    """Prints warnings and errors, and those other lines that were logged with ``console=True``.

    :param quiet: print nothing, because the whole log goes to the terminal anyway.
    """

    def __init__(self, stream: TextIO | None, *, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet

    @classmethod
    def beside(cls, target: str) -> Console:
        """The standard error, beside a log that goes to ``target``. Nothing is said twice in the same place."""
        same = target == "stdout" or (target == "journal" and _is_journal(sys.__stderr__, os.environ))
        return cls(sys.__stderr__, quiet=same)

    def write(self, event: LogEvent, record: Record) -> None:
        urgent = record.level >= LogLevel.warn and not record.text.startswith(_CACHE_COMPLAINT)
        if self._stream is None or self._quiet or not (urgent or event.get("console")):
            return
        prefix = f"{record.level_name}: " if urgent else ""
        lines = [f"{prefix}{record.text}", *(f"    {line}" for line in record.following)]
        try:
            self._stream.write("".join(f"{line}\n" for line in lines))
            self._stream.flush()
        except (OSError, ValueError):
            self._stream = None  # the terminal is gone


def _is_journal(stream: TextIO | None, environ: Mapping[str, str]) -> bool:
    """Whether what is written to ``stream`` ends in the journal; systemd tells its device and inode."""
    if stream is None:
        return False
    try:
        facts = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{facts.st_dev}:{facts.st_ino}"


@implementer(ILogObserver)
class FirstObserver:
    """Stands in until the log is open: what goes wrong before that is seen at least on the terminal."""

    def __init__(self) -> None:
        self._console = Console(sys.__stderr__)
        self._done = False

    def end(self) -> None:
        """The log is open and sees everything from now on."""
        self._done = True

    def __call__(self, event: LogEvent) -> None:
        if not self._done:
            self._console.write(event, record_of(event))


_the_first = FirstObserver()


def first_observer() -> FirstObserver:
    """The one observer of the start; ``twistd --logger`` calls this."""
    return _the_first
