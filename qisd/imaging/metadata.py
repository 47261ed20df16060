"""What comes along with a picture besides its pixels and its colour profile: EXIF, XMP, IPTC, comments, density.

It is read once from the source, in one shape whatever the format, and corrected for the picture that is made of it:
a copy that says it lies on its side, is 6000 pixels wide and looks like its old thumbnail would be worse than none.
Metadata that can't be understood is dropped without a word; pictures are not refused for it.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping

import attrs
from PIL import ExifTags, Image, ImageFile, PsdImagePlugin, TiffImagePlugin

from qisd.imaging.geometry import Size

_FAULTS = (
    ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError, SyntaxError, TypeError, ValueError,
    struct.error,
)  # fmt: skip

_MAX_BLOCK = 4 * 1024 * 1024
"""Larger blocks of metadata are not carried about."""

_IPTC, _RESOLUTION, _PHOTOSHOP_EXIF, _PHOTOSHOP_XMP = 0x0404, 0x03ED, 0x0422, 0x0424
"""Numbers of Photoshop's image resources."""

_TIFF_XMP, _TIFF_IPTC, _TIFF_PHOTOSHOP = 700, 33723, 34377

_STRUCTURE = frozenset(
    {254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 284, 288, 289, 290, 291}
    | {292, 293, 297, 301, 317, 318, 319, 320, 321, 322, 323, 324, 325, 326, 327, 328, 330, 332, 338, 339, 340, 341}
    | {342, 343, 344, 346, 347, 351, *range(512, 522), *range(529, 533), _TIFF_XMP, _TIFF_IPTC, _TIFF_PHOTOSHOP}
    | {34675, 37724, 50341}
)
"""TIFF tags that describe how the old file was built, with the blocks that are carried by themselves."""

_IPTC_MARK = b"\x1c"
_PNG_TEXTS = ("Title", "Author", "Description", "Copyright", "Creation Time", "Software", "Disclaimer", "Source")


@attrs.frozen(kw_only=True)
class Metadata:
    """All as stored, without the wrapping of the file format.

    :param exif: a TIFF structure, beginning with its byte order.
    :param xmp: an XML packet.
    :param iptc: IPTC-IIM records.
    :param comment: of the file as a whole.
    :param texts: keywords and texts of a PNG.
    :param compression: of a TIFF, in Pillow's words.
    :param upright: the orientation that the EXIF data tell was applied to the pixels.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    comment: bytes | None = None
    texts: tuple[tuple[str, str], ...] = ()
    compression: str | None = None
    upright: bool = True

    def for_output(self, size: Size, *, dpi: tuple[float, float] | None = None) -> Metadata:
        """The same as it is true for a picture of this size and density: thumbnail dropped, orientation reset."""
        return attrs.evolve(
            self,
            exif=self.exif and _corrected_exif(self.exif, size=size, dpi=dpi, upright=self.upright),
            xmp=self.xmp and _corrected_xmp(self.xmp, size=size, upright=self.upright),
        )


def orientation_of(image: ImageFile.ImageFile) -> int:
    """EXIF orientation as the header tells, 1 … 8; 1 if it doesn't, or tells nonsense."""
    try:
        if isinstance(image, TiffImagePlugin.TiffImageFile):
            value = image.tag_v2.get(ExifTags.Base.Orientation, 1)
        else:
            value = _exif_of(image).get(ExifTags.Base.Orientation, 1)
    except _FAULTS:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def read_density(image: ImageFile.ImageFile) -> tuple[float, float] | None:
    """Pixels per inch, horizontally and vertically; None if unknown or absurd."""
    try:
        if isinstance(image, PsdImagePlugin.PsdImageFile):
            resolution = _photoshop_resources(image)[_RESOLUTION]
            horizontal, vertical = (fixed / 65536 for fixed in struct.unpack(">I4xI", resolution[:12]))
        elif "dpi" in image.info:
            horizontal, vertical = (float(value) for value in image.info["dpi"])
        else:
            exif = _exif_of(image)
            scale = 2.54 if exif.get(ExifTags.Base.ResolutionUnit, 2) == 3 else 1.0
            horizontal = float(exif[ExifTags.Base.XResolution]) * scale
            vertical = float(exif[ExifTags.Base.YResolution]) * scale
    except _FAULTS:
        return None
    plausible = all(math.isfinite(value) and 1 <= value <= 65535 for value in (horizontal, vertical))
    return (horizontal, vertical) if plausible else None


def read_metadata(image: ImageFile.ImageFile, *, xmp: object, upright: bool) -> Metadata:
    """Everything that the header of an opened, not yet decoded, image holds.

    :param xmp: the XMP packet as Pillow found it.
    :param upright: the pixels will be turned as the orientation tells.
    """
    resources = _photoshop_resources(image)
    compression = image.info.get("compression")
    return Metadata(
        exif=_block(_exif_bytes(image) or resources.get(_PHOTOSHOP_EXIF)),
        xmp=_block(xmp) or _block(resources.get(_PHOTOSHOP_XMP)),
        iptc=_block(_tiff_iptc(image)) or _block(resources.get(_IPTC)),
        comment=_block(image.info.get("comment") or image.info.get("Comment")),
        texts=tuple((key, str(image.info[key])) for key in _PNG_TEXTS if isinstance(image.info.get(key), str)),
        compression=compression if isinstance(compression, str) else None,
        upright=upright,
    )


def _block(value: object) -> bytes | None:
    if isinstance(value, str):
        value = value.encode("utf-8", "replace")
    elif isinstance(value, tuple):  # a TIFF that calls its bytes something else
        try:
            value = bytes(value)
        except (TypeError, ValueError):
            return None
    return value if isinstance(value, bytes) and 0 < len(value) <= _MAX_BLOCK else None


def _tiff_iptc(image: ImageFile.ImageFile) -> bytes | None:
    """The records as they stand in the file, where many call them 32-bit numbers and some turn their bytes round."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return None
    data = image.tag.tagdata.get(_TIFF_IPTC)
    if isinstance(data, bytes) and data[:1] != _IPTC_MARK and data[3:4] == _IPTC_MARK:
        return struct.pack(f">{len(data) // 4}I", *struct.unpack_from(f"<{len(data) // 4}I", data))
    return data if isinstance(data, bytes) else None


def _photoshop_resources(image: ImageFile.ImageFile) -> Mapping[int, bytes]:
    """Photoshop's image resource blocks, by number."""
    try:
        if isinstance(image, PsdImagePlugin.PsdImageFile):
            return {number: data for number, _, data in image.resources}
        if isinstance(image, TiffImagePlugin.TiffImageFile):
            return {number: block["data"] for number, block in image.get_photoshop_blocks().items()}
        if "photoshop" in image.info:
            return {number: data for number, data in image.info["photoshop"].items() if isinstance(data, bytes)}
        return _parse_resources(_raw_profile(image, "iptc"))
    except _FAULTS:
        return {}


def _parse_resources(data: bytes) -> dict[int, bytes]:
    resources: dict[int, bytes] = {}
    position = 0
    while data[position : position + 4] == b"8BIM":
        number, name = struct.unpack_from(">HB", data, position + 4)
        position += 6 + (name + 2 & ~1)
        (length,) = struct.unpack_from(">I", data, position)
        resources[number] = data[position + 4 : position + 4 + length]
        position += 4 + (length + 1 & ~1)
    return resources


def _raw_profile(image: ImageFile.ImageFile, name: str) -> bytes:
    """A block that ImageMagick hid in a PNG text: name, length, hexadecimal digits."""
    text = image.info.get(f"Raw profile type {name}")
    return bytes.fromhex("".join(text.split()[2:])) if isinstance(text, str) else b""


def _exif_bytes(image: ImageFile.ImageFile) -> bytes | None:
    try:
        if isinstance(image, TiffImagePlugin.TiffImageFile):
            return _unwrapped(_tiff_exif(image))
        data = image.info.get("exif") or _raw_profile(image, "exif")
    except _FAULTS:
        return None
    return _unwrapped(data) if isinstance(data, bytes) else None


def _tiff_exif(image: TiffImagePlugin.TiffImageFile) -> bytes:
    """The directory of the current page, as far as it describes the picture."""
    assert image.fp is not None  # noqa: S101 – not decoded yet
    image.fp.seek(0)
    head = image.fp.read(4)
    exif = Image.Exif()
    exif.endian = "<" if head.startswith(b"II") else ">"
    exif.bigtiff = 43 in head[2:]
    exif.load_from_fp(image.fp, image.tag_v2.offset)
    for tag in _STRUCTURE.intersection(exif):
        del exif[tag]
    exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo)
    exif.bigtiff = False  # EXIF data elsewhere is an ordinary TIFF
    return exif.tobytes()


def _unwrapped(exif: bytes) -> bytes:
    while exif.startswith(b"Exif\0\0"):
        exif = exif[6:]
    return exif


def _exif_of(image: ImageFile.ImageFile) -> Image.Exif:
    """:raises: any of ``_FAULTS``."""
    exif = Image.Exif()
    exif.load(_exif_bytes(image) or b"")
    return exif


def _corrected_exif(data: bytes, *, size: Size, dpi: tuple[float, float] | None, upright: bool) -> bytes | None:
    try:
        exif = Image.Exif()
        exif.load(data)
        for tag in _STRUCTURE.intersection(exif):
            del exif[tag]
        if upright and ExifTags.Base.Orientation in exif:
            exif[ExifTags.Base.Orientation] = 1
        if dpi is not None:
            exif[ExifTags.Base.XResolution], exif[ExifTags.Base.YResolution] = dpi
            exif[ExifTags.Base.ResolutionUnit] = 2
        if ExifTags.IFD.Exif in exif:
            details = exif.get_ifd(ExifTags.IFD.Exif)
            details[ExifTags.Base.ExifImageWidth] = size.width
            details[ExifTags.Base.ExifImageHeight] = size.height
        # Writing anew leaves the second directory, which is that of the thumbnail, behind.
        return _unwrapped(exif.tobytes())
    except _FAULTS:
        return None


_XMP_VALUES = re.compile(rb"((?:tiff:(Orientation|ImageWidth|ImageLength)|exif:(Pixel[XY]Dimension))(?:=[\"']|>))\d+")


def _corrected_xmp(data: bytes, *, size: Size, upright: bool) -> bytes:
    def corrected(match: re.Match[bytes]) -> bytes:
        name = match[2] or match[3]
        if name == b"Orientation":
            return match[1] + b"1" if upright else match[0]
        return match[1] + str(size.width if name in (b"ImageWidth", b"PixelXDimension") else size.height).encode()

    return _XMP_VALUES.sub(corrected, data)
