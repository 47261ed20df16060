"""Decoding a source."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from qisd.imaging.decoders.faults import decoding
from qisd.imaging.geometry import Size
from qisd.imaging.picture import DecodeLimits, Picture
from qisd.imaging.source import open_source

__all__ = ["Picture", "decode"]


def decode(
    stream: BinaryIO,
    *,
    extension: str,
    page: int | None,
    limits: DecodeLimits,
    auto_orient: bool = True,
    reduce_to: Size | None = None,
    checkpoint: Callable[[], None] = lambda: None,
) -> Picture:
    """Decode one page of a source.

    :param reduce_to: a smaller size (of the upright picture) that is good enough. The result is at least this large on
        both axes, or as large as the source; how near it comes depends on what the format offers for free.
    :param checkpoint: called now and then by decoders that can be ended; what it raises ends them.

    The other parameters, and the errors, are those of :func:`qisd.imaging.source.open_source`.

    :raises Unsupported: besides: the pixels can't be decoded because the file is truncated or damaged.
    """
    opened = open_source(stream, extension=extension, page=page, limits=limits, auto_orient=auto_orient)
    with decoding():
        return opened.load(reduce_to, checkpoint)
