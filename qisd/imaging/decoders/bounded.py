"""A stream that can be read only so much of, as long as a header is being read."""

from __future__ import annotations

import io
from typing import BinaryIO

_HEADER_BYTES = 24 * 1024 * 1024
"""Enough for the largest colour profile that fits into a JPEG, and what else is before the pixels."""
_HEADER_READS = 250_000


class HeaderStream(io.RawIOBase):
    """Reads through to another stream until the budget is used up; then reading raises :class:`OSError`.

    Headers are made of blocks of any length and number, which openers read one by one and keep. With this they can't
    be made to read for minutes, or to fill the memory.

    :param size: the budget in bytes, for openers that read all of the file; None for the ordinary one.
    """

    def __init__(self, stream: BinaryIO, size: int | None) -> None:
        super().__init__()
        self._stream = stream
        self._bytes = _HEADER_BYTES if size is None else size + 1024
        self._reads = _HEADER_READS
        self._bounded = True

    def unbound(self) -> None:
        """The header was read; from here on read whatever is wanted."""
        self._bounded = False

    def read(self, size: int = -1, /) -> bytes:
        if not self._bounded:
            return self._stream.read(size)
        data = self._stream.read(self._bytes + 1 if size < 0 else min(size, self._bytes + 1))
        self._bytes -= len(data)
        self._reads -= 1
        if self._bytes < 0 or self._reads < 0:
            raise OSError("the header is too long")
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._stream.fileno()

    def close(self) -> None:
        """Leave the other stream open: it belongs to somebody else."""
