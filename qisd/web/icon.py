"""The site's icon: a picture of hills below a sun, drawn here so that nothing has to be shipped as a file."""

from __future__ import annotations

import struct
import zlib

_SIDE = 32
_CORNER = 6
_SKY, _SUN, _FAR, _NEAR = (0x2B, 0x6C, 0xB0), (0xFF, 0xD1, 0x66), (0x5F, 0xA8, 0x5A), (0x2F, 0x6B, 0x3A)


def favicon() -> bytes:
    """An ICO file with one PNG of 32 × 32 pixels."""
    png = _png()
    directory = struct.pack("<HHH", 0, 1, 1)
    entry = struct.pack("<BBBBHHII", _SIDE, _SIDE, 0, 0, 1, 32, len(png), len(directory) + 16)
    return directory + entry + png


def _pixel(x: int, y: int) -> tuple[int, int, int, int]:
    inset_x = max(_CORNER - x, x - (_SIDE - 1 - _CORNER), 0)
    inset_y = max(_CORNER - y, y - (_SIDE - 1 - _CORNER), 0)
    if inset_x**2 + inset_y**2 > _CORNER**2:
        return (0, 0, 0, 0)
    colour = _SKY
    if (x - 22) ** 2 + (y - 9) ** 2 <= 16:
        colour = _SUN
    if y >= 12 + abs(x - 11):
        colour = _FAR
    if y >= 18 + abs(x - 22) * 3 // 4:
        colour = _NEAR
    return (*colour, 255)


def _png() -> bytes:
    rows = b"".join(b"\0" + bytes(v for x in range(_SIDE) for v in _pixel(x, y)) for y in range(_SIDE))
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
