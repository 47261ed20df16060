"""How far long work is, on the terminal of whoever waits for it."""

from __future__ import annotations

import shutil
import time
from types import TracebackType
from typing import Self, TextIO

from qisd.cli.console import Console, plain

_EVERY = 0.1
"""Seconds from one drawing to the next, at least."""

_BAR = 24
_CLEAR = "\r\x1b[K"


class ProgressBar:
    """A line that is drawn again and again, and is gone at the end.

    :param err: the terminal; None draws nothing.
    :param what: what is being done.
    """

    def __init__(self, err: TextIO | None, what: str = "") -> None:
        self._err = err
        self._what = what
        self._drawn_at = float("-inf")

    def __enter__(self) -> Self:
        self.show(None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Tell that ``done`` of ``total`` steps of ``what`` are done; of a total of 0 nobody knows how many."""
        self._what = what
        if total:
            self.show(100 * done / total, f"{done} of {total}")
        else:
            self.show(None, str(done) if done else "")

    def show(self, percent: float | None, text: str = "") -> None:
        """Tell how far it is; cheap enough to be called for every item.

        :param percent: 0 to 100; None when that isn't known.
        """
        now = time.monotonic()
        if self._err is not None and now - self._drawn_at >= _EVERY:
            self._drawn_at = now
            columns = shutil.get_terminal_size().columns
            self._draw(self._line(percent, text)[: columns - 1])

    def clear(self) -> None:
        """Take it off the terminal, for something else to be written; the next drawing brings it back."""
        if self._err is not None:
            self._drawn_at = float("-inf")
            self._draw("")

    def _draw(self, line: str) -> None:
        assert self._err is not None  # noqa: S101 - whoever calls has looked
        try:
            self._err.write(_CLEAR + line)
            self._err.flush()
        except OSError:  # the terminal has gone; the work goes on
            self._err = None

    def _line(self, percent: float | None, text: str) -> str:
        parts = [self._what]
        if percent is not None:
            percent = min(max(percent, 0.0), 100.0)
            full = round(percent * _BAR / 100)
            parts.append(f"[{'#' * full}{'.' * (_BAR - full)}] {percent:3.0f} %")
        if text:
            parts.append(plain(text))
        return "  ".join(parts)


def progress_bar(console: Console, what: str = "") -> ProgressBar:
    """A bar on the console's terminal; where nobody looks at it, or wants to, or could, it draws nothing."""
    able = console.err.isatty() and console.environ.get("TERM", "") != "dumb"
    seen = able and not console.quiet and not console.as_json
    return ProgressBar(console.err if seen else None, what)


def size_text(count: int) -> str:
    """A number of bytes for people."""
    size = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
