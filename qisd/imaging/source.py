"""Looking at a source without decoding it."""

from __future__ import annotations

import io
from typing import BinaryIO

from qisd.errors import SourceTooLarge, Unsupported
from qisd.imaging.decoders import FAMILIES, Opened
from qisd.imaging.decoders.faults import UNKNOWN, decoding
from qisd.imaging.picture import DecodeLimits, SourceInfo

__all__ = ["DecodeLimits", "SourceInfo", "open_source", "probe"]


def open_source(
    stream: BinaryIO, *, extension: str, page: int | None, limits: DecodeLimits, auto_orient: bool
) -> Opened:
    """Read the header of a source and hold it against the limits.

    :param stream: seekable; stays open and belongs to the caller. It has to stay open as long as the result is used.
    :param extension: of the file's name. A hint only: the first bytes decide, except for formats that have no mark.
    :param page: 1 or None is the first. Ignored where there is but one.
    :raises Unsupported: not an image, or damaged so that not even its size can be told.
    :raises SourceTooLarge: more bytes or pixels than allowed.
    :raises BadParameter: there is no such page.
    """
    with decoding():
        size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        if size > limits.max_bytes:
            raise SourceTooLarge(f"The image file is too large (more than {limits.max_bytes} bytes).")
        for family in FAMILIES:
            opened = family(
                stream, size=size, extension=extension.lower(), page=page, limits=limits, auto_orient=auto_orient
            )
            if opened is not None:
                return opened
    raise Unsupported(UNKNOWN, detail=f"no known format in {size} bytes")


def probe(
    stream: BinaryIO, *, extension: str, page: int | None, limits: DecodeLimits, auto_orient: bool = True
) -> SourceInfo:
    """What the header of a source says; parameters and errors as for :func:`open_source`."""
    return open_source(stream, extension=extension, page=page, limits=limits, auto_orient=auto_orient).info
