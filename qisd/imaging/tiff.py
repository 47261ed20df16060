"""Writing TIFF: strip by strip, and with all tags.

Pillow hands compressed files over to libtiff, with two drawbacks. It compresses a picture of any size in one go while
no other thread can run; and it knows nothing of EXIF directories and is particular about other tags. So each strip is
made as a small file of its own. The first of them becomes the beginning of the file, the compressed pixels of the
others are put behind it, and at the end a new directory has the entries of the first one, corrected, and the rest.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from typing import Any

from PIL import Image, TiffImagePlugin, TiffTags

_STRIP_BYTES = 1 << 18
_NO_STRIPS = 1 << 30

_HEIGHT, _STRIP_OFFSETS, _ROWS_PER_STRIP, _STRIP_BYTE_COUNTS = 257, 273, 278, 279
_LONG = 4
_POINTERS = (34665, 34853)
"""EXIF and GPS directories."""
_ENTRY = struct.Struct("<HHI4s")

_PIXEL_BYTES = {"LA": 2, "I;16": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}

_BROKEN = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RuntimeError, struct.error)


def write(image: Image.Image, *, options: Mapping[str, Any], exif: bytes | None, blocks: Mapping[int, bytes]) -> bytes:
    """The file.

    :param options: of Pillow's encoder: compression, profile, density.
    :param exif: a TIFF structure whose tags are added, if it can be read; those of the file itself win.
    :param blocks: further tags that hold bytes.
    """
    rows = max(1, _STRIP_BYTES // (image.width * _PIXEL_BYTES.get(image.mode, 1)))
    parts: list[bytes] = []
    offsets: list[int] = []
    lengths: list[int] = []
    entries: dict[int, bytes] = {}
    end = 0
    for top in range(0, image.height, rows):
        strip = _save(image.crop((0, top, image.width, min(top + rows, image.height))), options)
        own = _entries(strip, int.from_bytes(strip[4:8], "little"))
        offset, length = _number(own[_STRIP_OFFSETS]), _number(own[_STRIP_BYTE_COUNTS])
        if not parts:
            entries = own
            data = strip
            offsets.append(offset)
        else:
            data = strip[offset : offset + length]
            offsets.append(end)
        lengths.append(length)
        data += b"\0" * (len(data) & 1)
        parts.append(data)
        end += len(data)
    added = _tags(end, exif, blocks)
    parts.append(added)
    entries = _entries(added, 0) | entries
    entries |= {tag: _longs(tag, [value]) for tag, value in ((_HEIGHT, image.height), (_ROWS_PER_STRIP, rows))}
    end += len(added)
    for tag, values in ((_STRIP_OFFSETS, offsets), (_STRIP_BYTE_COUNTS, lengths)):
        entries[tag] = _longs(tag, values, at=end)
        if len(values) > 1:
            parts.append(struct.pack(f"<{len(values)}I", *values))
            end += 4 * len(values)
    parts.append(struct.pack("<H", len(entries)) + b"".join(entries[tag] for tag in sorted(entries)) + bytes(4))
    first = parts[0]
    return b"".join((first[:4], struct.pack("<I", end), first[8:], *parts[1:]))


def _save(strip: Image.Image, options: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    strip.save(buffer, "TIFF", strip_size=_NO_STRIPS, **options)
    return buffer.getvalue()


def _tags(offset: int, exif: bytes | None, blocks: Mapping[int, bytes]) -> bytes:
    """A directory with its values, to stand at an offset; without the EXIF tags if they can't be understood."""
    directory = TiffImagePlugin.ImageFileDirectory_v2(b"II*\0\0\0\0\0")
    for tag, block in blocks.items():
        directory.tagtype[tag] = TiffTags.BYTE
        directory[tag] = block
    values = directory.tobytes(offset)
    try:
        if exif:
            source = Image.Exif()
            source.load(exif)
            for tag in source:
                directory[tag] = source.get_ifd(tag) if tag in _POINTERS else source[tag]
            values = directory.tobytes(offset)
    except _BROKEN:
        pass  # pictures are not refused for their metadata
    return values + b"\0" * (len(values) & 1)


def _entries(data: bytes, offset: int) -> dict[int, bytes]:
    """The raw entries of a directory, by tag."""
    (count,) = struct.unpack_from("<H", data, offset)
    starts = range(offset + 2, offset + 2 + count * _ENTRY.size, _ENTRY.size)
    raw = (data[start : start + _ENTRY.size] for start in starts)
    return {int.from_bytes(entry[:2], "little"): entry for entry in raw}


def _number(entry: bytes) -> int:
    """The value of an entry that has one, of 16 or 32 bits."""
    _, kind, _, value = _ENTRY.unpack(entry)
    return int.from_bytes(value if kind == _LONG else value[:2], "little")


def _longs(tag: int, values: list[int], *, at: int = 0) -> bytes:
    """An entry of 32-bit numbers: one stands in it, more of them elsewhere."""
    return _ENTRY.pack(tag, _LONG, len(values), struct.pack("<I", values[0] if len(values) == 1 else at))
