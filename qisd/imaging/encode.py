"""Encoding: from pixels to the bytes of a file. Equal pixels and options give equal bytes."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import attrs
from PIL import Image, ImageFile, JpegImagePlugin, PngImagePlugin

from qisd.errors import Unsupported
from qisd.imaging import outside, png, tiff
from qisd.imaging.formats import Format
from qisd.imaging.geometry import Size
from qisd.imaging.metadata import Metadata
from qisd.imaging.modes import to_eight_bits, to_working_mode
from qisd.imaging.palette import to_palette

DEFAULT_QUALITY = 80
DEFAULT_PNG_QUALITY = 79

_FULL_CHROMA_QUALITY = 90
_MARKER_BYTES = 65533 - 29
"""What fits into one segment of a JPEG behind the longest of the prefixes."""

_LOSSLESS_TIFF = frozenset({"raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "zstd", "lzma"})
_PREDICTED_TIFF = frozenset({"tiff_lzw", "tiff_adobe_deflate", "zstd"})
_HORIZONTAL = 2
_BILEVEL_TIFF = frozenset({"group3", "group4", "tiff_ccitt"})
_PREDICTOR, _XMP_TAG, _IPTC_TAG = 317, 700, 33723

Options = dict[str, Any]


@attrs.frozen(kw_only=True)
class Encoding:
    """How to write a picture.

    :param quality: 1 … 100; what it means depends on the format. None is the format's default. JPEG, WebP, AVIF: as
        usual. PNG: tens are the compression level, ones the filter (see :mod:`qisd.imaging.png`). Others: no meaning.
    :param progressive: JPEG only.
    :param dpi: pixels per inch to be written; None or 0 keeps the source's.
    :param strip: leave all metadata and the profile away, except the density.
    """

    format: Format
    quality: int | None = None
    progressive: bool = False
    dpi: int | None = None
    strip: bool = False


def encode(
    image: Image.Image,
    *,
    encoding: Encoding,
    icc: bytes | None,
    metadata: Metadata,
    source_dpi: tuple[float, float] | None,
    fill_rgb: tuple[int, int, int],
    checkpoint: Callable[[], None] = lambda: None,
) -> bytes:
    """The file.

    :param icc: profile of the pixels, written if the format can hold one.
    :param source_dpi: density in pixels per inch that the source had.
    :param fill_rgb: what is behind transparent pixels where the format can't keep them.
    :param checkpoint: called now and then by encoders that can be ended; what it raises ends them.
    :raises Unsupported: the picture is too large for the format, or its encoder fails.
    """
    row = encoding.format
    if max(image.size) > row.max_side:
        raise Unsupported(f"The format {row.name} limits images to {row.max_side} pixels on a side.")
    dpi = (float(encoding.dpi), float(encoding.dpi)) if encoding.dpi else source_dpi
    kept = Metadata(compression=metadata.compression) if encoding.strip else metadata
    kept = kept.for_output(Size(*image.size), dpi=dpi)
    fitted = fit_mode(image, row, fill_rgb)
    profile = icc if row.icc and not encoding.strip and _profile_fits(icc, fitted.mode) else None
    try:
        return _ENCODERS[row.encoder](_Job(fitted, encoding, profile, kept, dpi, checkpoint))
    except (OSError, ValueError, OverflowError, RuntimeError, struct.error, KeyError, TypeError) as error:
        raise Unsupported(f"This image can't be written as {row.name}.", detail=repr(error)) from error


def fit_mode(image: Image.Image, row: Format, fill_rgb: tuple[int, int, int]) -> Image.Image:
    """The picture in the richest of the format's modes that holds it.

    Colours that a format can't hold at all (ink in PNG) are converted naively: whoever knows the profiles has done it
    before.
    """
    if image.mode == "1" and "1" in row.modes:
        return image
    image = to_working_mode(image)
    if not row.alpha:
        image = flatten(image, fill_rgb)
    if row.modes == ("1",):
        return to_eight_bits(image).convert("L").convert("1")
    if "P" in row.modes:
        return image if image.mode == "L" else to_palette(to_eight_bits(image))
    if image.mode == "I;16" and "I;16" not in row.modes:
        image = to_eight_bits(image)
    if image.mode in row.modes:
        return image
    if image.mode in ("RGB", "CMYK") and "RGB" not in row.modes:
        return image.convert("L")
    return image.convert("RGBA" if image.mode == "LA" else "RGB")


def flatten(image: Image.Image, fill_rgb: tuple[int, int, int]) -> Image.Image:
    """The picture on an opaque ground; the image itself if it has no alpha channel."""
    if image.mode == "RGBA":
        ground = Image.new("RGB", image.size, fill_rgb)
    elif image.mode == "LA":
        red, green, blue = fill_rgb
        if not red == green == blue:
            return flatten(image.convert("RGBA"), fill_rgb)
        ground = Image.new("L", image.size, red)
    else:
        return image
    ground.paste(image.convert(ground.mode), mask=image.getchannel("A"))
    return ground


def _profile_fits(icc: bytes | None, mode: str) -> bool:
    """Whether a profile describes pixels of this mode, as its header tells."""
    space = {"1": b"GRAY", "L": b"GRAY", "LA": b"GRAY", "I;16": b"GRAY", "CMYK": b"CMYK"}.get(mode, b"RGB ")
    return icc is not None and icc[16:20] == space


@attrs.frozen
class _Job:
    image: Image.Image
    encoding: Encoding
    icc: bytes | None
    metadata: Metadata
    dpi: tuple[float, float] | None
    checkpoint: Callable[[], None]

    @property
    def quality(self) -> int:
        return self.encoding.quality or DEFAULT_QUALITY

    def save(self, image: Image.Image | None = None, **options: Any) -> bytes:
        """What Pillow makes of it.

        Into a file in memory: for one that has a descriptor Pillow's encoders let other threads work meanwhile.
        """
        with os.fdopen(os.memfd_create("rendition"), "w+b") as file:
            (image or self.image).save(file, self.encoding.format.encoder, **options)
            file.seek(0)
            return file.read()

    def with_density(self, options: Options) -> Options:
        return options if self.dpi is None else options | {"dpi": self.dpi}


def _jpeg(job: _Job) -> bytes:
    metadata = job.metadata
    options = job.with_density(
        {
            "quality": job.quality,
            "subsampling": "4:4:4" if job.quality >= _FULL_CHROMA_QUALITY else "4:2:0",
            "progressive": job.encoding.progressive,
            "icc_profile": job.icc,
            "exif": _segment(metadata.exif, b"Exif\0\0") or b"",
            "xmp": _segment(metadata.xmp),
            "comment": _segment(metadata.comment) or b"",
            "extra": _photoshop_segment(metadata.iptc),
        }
    )
    try:
        return job.save(**options)
    except OSError:
        if not job.encoding.progressive:
            raise
    return _progressive_with_room(job.image)


def _progressive_with_room(image: Image.Image) -> bytes:
    """The same once more, when the file was larger than Pillow expected.

    A progressive file is written in one piece, into a buffer for which Pillow guesses one or two bytes per pixel. Fine
    grain in full chroma needs more. Saving has left the encoder's options with the image.
    """
    tile = ImageFile._Tile("jpeg", (0, 0, *image.size), 0, JpegImagePlugin.RAWMODE[image.mode])
    with os.fdopen(os.memfd_create("rendition"), "w+b") as file:
        ImageFile._save(image, file, [tile], image.width * image.height * 6 + (1 << 20))
        file.seek(0)
        return file.read()


def _segment(data: bytes | None, prefix: bytes = b"") -> bytes | None:
    return prefix + data if data and len(data) <= _MARKER_BYTES else None


def _photoshop_segment(iptc: bytes | None) -> bytes:
    """IPTC records in a JPEG are one of Photoshop's image resources."""
    if not iptc or len(iptc) > _MARKER_BYTES - 32:
        return b""
    body = b"Photoshop 3.0\0" + b"8BIM" + struct.pack(">HHI", 0x0404, 0, len(iptc)) + iptc + b"\0" * (len(iptc) & 1)
    return b"\xff\xed" + struct.pack(">H", len(body) + 2) + body


def _png(job: _Job) -> bytes:
    metadata = job.metadata
    texts = PngImagePlugin.PngInfo()
    for keyword, text in metadata.texts:
        texts.add_text(keyword, text)
    if metadata.comment:
        texts.add_text("Comment", metadata.comment.decode("utf-8", "replace"))
    if metadata.xmp:
        texts.add_itxt("XML:com.adobe.xmp", metadata.xmp)
    if metadata.iptc:
        texts.add(b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(_hexadecimal(metadata.iptc)))
    options = job.with_density({"icc_profile": job.icc, "exif": metadata.exif, "pnginfo": texts})
    return png.write(job.image, quality=job.encoding.quality or DEFAULT_PNG_QUALITY, options=options)


def _hexadecimal(iptc: bytes) -> bytes:
    """Binary metadata as ImageMagick and ExifTool put them into PNG texts."""
    resource = b"8BIM" + struct.pack(">HHI", 0x0404, 0, len(iptc)) + iptc + b"\0" * (len(iptc) & 1)
    digits = resource.hex()
    lines = (digits[start : start + 72] for start in range(0, len(digits), 72))
    return f"\niptc\n{len(resource):8}\n{chr(10).join(lines)}\n".encode()


def _tiff(job: _Job) -> bytes:
    image, metadata = job.image, job.metadata
    compression = _tiff_compression(metadata.compression, image.mode)
    options = job.with_density({"compression": compression, "icc_profile": job.icc})
    if compression in _PREDICTED_TIFF and image.mode != "1":
        options["tiffinfo"] = {_PREDICTOR: _HORIZONTAL}
    blocks = {tag: block for tag, block in ((_XMP_TAG, metadata.xmp), (_IPTC_TAG, metadata.iptc)) if block}
    return tiff.write(image, options=options, exif=metadata.exif, blocks=blocks)


def _tiff_compression(source: str | None, mode: str) -> str:
    if source in _LOSSLESS_TIFF or (source in _BILEVEL_TIFF and mode == "1"):
        return "tiff_adobe_deflate" if source == "tiff_deflate" else str(source)
    return "tiff_lzw" if mode == "CMYK" else "tiff_adobe_deflate"


def _webp(job: _Job) -> bytes:
    metadata = job.metadata
    return job.save(
        quality=job.quality, method=4, icc_profile=job.icc, exif=metadata.exif or b"", xmp=metadata.xmp or b""
    )


def _avif(job: _Job) -> bytes:
    chroma = "4:4:4" if job.quality >= _FULL_CHROMA_QUALITY else "4:2:0"
    return job.save(
        quality=job.quality,
        subsampling="4:0:0" if job.image.mode == "L" else chroma,
        speed=8,
        # The tiling, and so the bytes, depend on the number of threads.
        max_threads=1,
        icc_profile=job.icc,
        exif=job.metadata.exif or b"",
        xmp=job.metadata.xmp or b"",
    )


def _gif(job: _Job) -> bytes:
    options: Options = {"comment": (job.metadata.comment or b"")[: 1 << 16]}
    if "transparency" in job.image.info:
        options["transparency"] = job.image.info["transparency"]
    return job.save(**options)


def _jpeg2000(job: _Job) -> bytes:
    return outside.encode(
        job.image,
        bare=job.encoding.format.name == "j2k",
        comment=_segment(job.metadata.comment),
        checkpoint=job.checkpoint,
    )


def _plain(job: _Job) -> bytes:
    return job.save(**job.with_density({}))


_ENCODERS: Mapping[str, Callable[[_Job], bytes]] = {
    "JPEG": _jpeg,
    "PNG": _png,
    "TIFF": _tiff,
    "WEBP": _webp,
    "AVIF": _avif,
    "GIF": _gif,
    "JPEG2000": _jpeg2000,
    "BMP": _plain,
    "PPM": _plain,
    "TGA": _plain,
    "PCX": _plain,
}
