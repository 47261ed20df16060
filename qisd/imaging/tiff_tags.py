"""Adding tags to a finished TIFF file.

Pillow has compressed files written by libtiff, which knows nothing of EXIF directories and is particular about other
tags. So the tags are added behind: their values and directories, and then a new main directory with the old entries
and the new ones, to which the header is made to point.
"""

from __future__ import annotations

import struct

from PIL import Image, TiffImagePlugin, TiffTags

_ENTRY = 12
_POINTERS = (34665, 34853)
"""EXIF and GPS directories."""


def with_tags(tiff: bytes, *, exif: bytes | None, blocks: dict[int, bytes]) -> bytes:
    """The file with the tags of an EXIF structure, and blocks of bytes, by tag. The file's own tags win.

    :param tiff: little-endian, with 32-bit offsets and one directory, as Pillow writes it.
    :raises ValueError, struct.error, TypeError, LookupError: the EXIF structure is broken.
    """
    added = TiffImagePlugin.ImageFileDirectory_v2(b"II*\0\0\0\0\0")
    if exif:
        source = Image.Exif()
        source.load(exif)
        for tag in source:
            added[tag] = source.get_ifd(tag) if tag in _POINTERS else source[tag]
    for tag, block in blocks.items():
        added.tagtype[tag] = TiffTags.BYTE
        added[tag] = block
    start = len(tiff) + (len(tiff) & 1)
    values = added.tobytes(start)
    values += b"\0" * (len(values) & 1)
    entries = _entries(values, 0) | _entries(tiff, int.from_bytes(tiff[4:8], "little"))
    directory = struct.pack("<H", len(entries)) + b"".join(entries[tag] for tag in sorted(entries)) + bytes(4)
    position = struct.pack("<I", start + len(values))
    return b"".join((tiff[:4], position, tiff[8:], b"\0" * (len(tiff) & 1), values, directory))


def _entries(data: bytes, offset: int) -> dict[int, bytes]:
    (count,) = struct.unpack_from("<H", data, offset)
    first = offset + 2
    raw = (data[start : start + _ENTRY] for start in range(first, first + count * _ENTRY, _ENTRY))
    return {int.from_bytes(entry[:2], "little"): entry for entry in raw}
