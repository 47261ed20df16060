"""The standard streams of a process that runs a command, whatever they were made to be."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO, cast


def prepare() -> None:
    """Have all three of them, able to take any text.

    A stream that was closed leads nowhere: otherwise the next file that is opened would get its number, and with it
    what is meant for people. What an encoding doesn't know is written as an escape, not a reason to fail.
    """
    sys.stdin = sys.stdin or _nowhere(0, "r")
    sys.stdout = sys.stdout or _nowhere(1, "w")
    sys.stderr = sys.stderr or _nowhere(2, "w")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def silence(stream: TextIO) -> None:
    """Have what ``stream`` still holds, and all that follows, go nowhere: it has failed, and would fail again."""
    try:
        number = stream.fileno()
    except (OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)


def _nowhere(number: int, mode: str) -> TextIO:
    opened = os.open(os.devnull, os.O_RDWR)
    if opened != number:
        os.dup2(opened, number)
        os.close(opened)
    return cast(TextIO, os.fdopen(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False))
