"""The main header of a JPEG 2000 code stream: what it will cost to decode, and how far it can be reduced."""

from __future__ import annotations

import io
import struct
from typing import BinaryIO

import attrs

from qisd.errors import SourceTooLarge, Unsupported
from qisd.imaging.decoders.faults import DAMAGED

_MAX_TILES = 16_384
_MAX_COMPONENTS = 5
_MAX_BOXES = 1_000
_USUAL_BLOCK = 64 * 64

_SOC_SIZ = b"\xff\x4f\xff\x51"
_COD = 0xFF52
_SOT = 0xFF90


@attrs.frozen
class CodeStream:
    """
    :param reductions: how often the picture can be halved while it is decoded.
    :param blocks: into how many blocks its channels are divided, each coded for itself; about.
    """

    width: int
    height: int
    components: int
    reductions: int
    blocks: int


def code_stream(stream: BinaryIO) -> CodeStream:
    """Read the main header.

    :raises SourceTooLarge: it announces more tiles or components than the decoder should be asked to prepare for.
    """
    _find(stream)
    (length,) = struct.unpack(">H", stream.read(2))
    siz = stream.read(length - 2)
    right, bottom, left, top, tile_width, tile_height, tile_left, tile_top, components = struct.unpack_from(
        ">2x8IH", siz
    )
    tiles = -((tile_left - right) // tile_width) * -((tile_top - bottom) // tile_height)
    if tiles > _MAX_TILES or components > _MAX_COMPONENTS:
        raise SourceTooLarge("The image has too many tiles or components.", detail=f"{tiles=} {components=}")
    width, height = right - left, bottom - top
    reductions, block = _coding_style(stream)
    return CodeStream(width, height, components, reductions, components * width * height // block)


def _find(stream: BinaryIO) -> None:
    """Go behind the first two markers of the code stream, bare or in a box of a JP2 file."""
    stream.seek(0)
    if stream.read(4) == _SOC_SIZ:
        return
    stream.seek(0)
    for _ in range(_MAX_BOXES):
        length, kind = struct.unpack(">I4s", stream.read(8))
        head = 8
        if length == 1:
            (length,) = struct.unpack(">Q", stream.read(8))
            head = 16
        if kind == b"jp2c":
            if stream.read(4) == _SOC_SIZ:
                return
            break
        if length < head:
            break
        stream.seek(length - head, io.SEEK_CUR)
    raise Unsupported(DAMAGED, detail="JPEG 2000 without a code stream")


def _coding_style(stream: BinaryIO) -> tuple[int, int]:
    """The number of decomposition levels, and the pixels of a code block, of the default coding style."""
    for _ in range(_MAX_BOXES):
        marker, length = struct.unpack(">HH", stream.read(4))
        if marker == _COD:
            style = stream.read(8)
            return style[5], 1 << ((style[6] & 15) + 2 + (style[7] & 15) + 2)
        if marker == _SOT or length < 2:
            break
        stream.seek(length - 2, io.SEEK_CUR)
    return 0, _USUAL_BLOCK
