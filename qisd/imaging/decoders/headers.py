"""What has to be known of a file before Pillow opens it.

Some of Pillow's openers allocate memory for the picture, or follow tables of the file without a bound. So the few
fields that decide about that are read here first. All functions return sizes or raise; none decodes.
"""

from __future__ import annotations

import io
import struct
from typing import BinaryIO

from qisd.errors import SourceTooLarge, Unsupported
from qisd.imaging.decoders.faults import DAMAGED, check_pixels

MAX_SCANS = 100
"""Scans of one progressive JPEG. Encoders write about ten; each costs a pass over the whole picture."""

_MAX_GIF_BLOCKS = 100_000
_CHUNK = 1 << 20


def gif_size(stream: BinaryIO) -> tuple[int, int]:
    """The canvas, enlarged to hold the first frame."""
    stream.seek(0)
    width, height, flags = struct.unpack("<6xHHB2x", stream.read(13))
    if flags & 0x80:
        stream.seek(3 << (flags & 7) + 1, io.SEEK_CUR)
    for _ in range(_MAX_GIF_BLOCKS):
        mark = stream.read(1)
        if mark == b",":
            left, top, frame_width, frame_height = struct.unpack("<4H", stream.read(8))
            return max(width, left + frame_width), max(height, top + frame_height)
        if mark == b"!":
            stream.read(1)
            while length := stream.read(1)[0]:
                stream.seek(length, io.SEEK_CUR)
        elif mark in (b"", b";"):
            break
    raise Unsupported(DAMAGED, detail="GIF without a frame")


def webp_size(stream: BinaryIO, file_size: int) -> tuple[int, int]:
    """The canvas, which the decoder allocates twice at opening.

    :raises Unsupported: the file ends before its own end.
    """
    stream.seek(0)
    head = stream.read(30).ljust(30, b"\0")
    if int.from_bytes(head[4:8], "little") + 8 > file_size:
        raise Unsupported(DAMAGED, detail="WebP shorter than it says")
    kind = head[12:16]
    if kind == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack("<HH", head[26:30])
    return width & 0x3FFF, height & 0x3FFF


def check_jpeg_scans(stream: BinaryIO) -> None:
    """Refuse a progressive JPEG with an absurd number of scans: each is a few bytes to send and seconds to decode."""
    stream.seek(0)
    scans, last = 0, b""
    while block := stream.read(_CHUNK):
        scans += (last + block).count(b"\xff\xda")
        last = block[-1:]
        if scans > MAX_SCANS:
            raise SourceTooLarge("The image has too many scans to be decoded.")


def icon(stream: BinaryIO, file_size: int, max_pixels: int) -> bytes:
    """The largest picture of a Windows icon (with most colours, among equals): a PNG, or an icon of that one alone.

    Pillow decodes at opening, and believes both the directory and the picture's own header.
    """
    stream.seek(4)
    (count,) = struct.unpack("<H", stream.read(2))
    table = stream.read(16 * count)
    entries = [table[start : start + 16] for start in range(0, len(table) - 15, 16)]
    if not entries:
        raise Unsupported(DAMAGED, detail="icon without a picture")

    def worth(entry: bytes) -> tuple[int, int]:
        return (entry[0] or 256) * (entry[1] or 256), int.from_bytes(entry[6:8], "little")

    best = max(entries, key=worth)
    length, offset = struct.unpack("<II", best[8:])
    if offset + length > file_size:
        raise Unsupported(DAMAGED, detail="icon shorter than it says")
    stream.seek(offset)
    data = stream.read(length)
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return data
    width, double_height, bits = struct.unpack("<4xii2xH", data[:16])
    height = abs(double_height) // 2
    check_pixels(width, height, max_pixels)
    if width * height * bits // 8 > length:
        raise Unsupported(DAMAGED, detail="icon's picture shorter than it says")
    return struct.pack("<HHH", 0, 1, 1) + best[:12] + struct.pack("<I", 22) + data


def tiff_pages(stream: BinaryIO, most: int) -> int:
    """The number of image directories, no more than ``most``, counted without reading what is in them.

    A directory that was there before ends the chain.
    """
    stream.seek(0)
    head = stream.read(16)
    order = "<" if head.startswith(b"II") else ">"
    big = 43 in head[2:4]
    count_format, entry_size, offset_format = ("Q", 20, "Q") if big else ("H", 12, "I")
    (offset,) = struct.unpack_from(order + offset_format, head, 8 if big else 4)
    seen: set[int] = set()
    while offset and offset not in seen and len(seen) < most:
        stream.seek(offset)
        data = stream.read(struct.calcsize(count_format))
        if len(data) < struct.calcsize(count_format):
            break
        seen.add(offset)
        (entries,) = struct.unpack(order + count_format, data)
        stream.seek(min(entries, 65536) * entry_size, io.SEEK_CUR)
        data = stream.read(struct.calcsize(offset_format))
        if len(data) < struct.calcsize(offset_format):
            break
        (offset,) = struct.unpack(order + offset_format, data)
    return len(seen)
