"""Whether a file is what its name says. Blocks; for threads."""

from __future__ import annotations

from typing import BinaryIO

import attrs

from qisd.errors import QisError, Unsupported
from qisd.imaging.formats import FORMATS, Format
from qisd.imaging.source import probe
from qisd.library.rules import LibraryRules
from qisd.repository.catalogue import extension_of

_HEAD = 1024
_TIFF = (b"II*\0", b"MM\0*")
_POSTSCRIPT = (b"%!", b"\xc5\xd0\xd3\xc6")
_MARKS: dict[str, tuple[int, tuple[bytes, ...]]] = {
    "xcf": (0, (b"gimp xcf",)),
    "dcm": (128, (b"DICM",)),
    **dict.fromkeys(("eps", "epsi", "epsf", "ps"), (0, _POSTSCRIPT)),
    **dict.fromkeys(("arw", "cr2", "nef", "nrw"), (0, _TIFF)),
    "mrw": (0, (b"\0MRM",)),
    "orf": (0, (*_TIFF, b"IIRO", b"IIRS", b"MMOR")),
    "rw2": (0, (*_TIFF, b"IIU\0")),
    "raw": (0, (*_TIFF, b"IIU\0")),
    "raf": (0, (b"FUJIFILM",)),
    "x3f": (0, (b"FOVb",)),
}
"""How files begin that are known, but can't be read: where, and with which of these."""


@attrs.frozen
class PixelSize:
    """Width and height of the first page in pixels; 0 × 0 could not be read."""

    width: int = 0
    height: int = 0


def check_content(stream: BinaryIO, name: str, rules: LibraryRules) -> PixelSize:
    """The size of an image that is to be called ``name``.

    :raises Unsupported: there is no such type; or the content is empty, no image, of another type, or too large.
    """
    extension = extension_of(name)
    if not rules.is_known(extension):
        raise not_accepted(f"'{extension}' is not a known type of file")
    head = stream.read(_HEAD)
    if not head:
        raise not_accepted("the file is empty")
    row = rules.rendering.formats.by_extension(extension)
    if row is None:
        if not _begins_like(extension, head):
            raise not_accepted(f"the content is not {extension}")
        return PixelSize()
    info = probe(
        stream,
        extension=extension,
        page=None,
        limits=rules.rendering.limits,
        auto_orient=rules.rendering.auto_orient,
    )
    if not _is_of(row, info.format):
        raise not_accepted(f"the content is {info.format}, not {row.name}")
    return PixelSize(info.width, info.height)


def pixel_size(stream: BinaryIO, name: str, rules: LibraryRules) -> PixelSize:
    """The size of an image that is there already, whatever it is; 0 × 0 if it can't be read."""
    try:
        info = probe(
            stream,
            extension=extension_of(name),
            page=None,
            limits=rules.rendering.limits,
            auto_orient=rules.rendering.auto_orient,
        )
    except Unsupported:
        return PixelSize()
    return PixelSize(info.width, info.height)


def not_accepted(reason: str) -> QisError:
    """A file can't be taken into the library."""
    return Unsupported(f"Invalid or unsupported image file ({reason})")


def _begins_like(extension: str, head: bytes) -> bool:
    """Whether a file that can't be read begins as files of its type do, as far as that is known."""
    if extension == "pdf":  # other things may stand before
        return b"%PDF-" in head
    offset, marks = _MARKS.get(extension, (0, (b"",)))
    return head.startswith(marks, offset)


def _is_of(row: Format, found: str) -> bool:
    other = next(one for one in FORMATS if one.name == found)
    return other.mime == row.mime or bool(set(other.kinds) & set(row.kinds))
