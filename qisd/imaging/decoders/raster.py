"""The raster formats, decoded by Pillow."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import IO, BinaryIO, cast

import attrs
from PIL import Image, ImageFile, Jpeg2KImagePlugin, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from qisd.errors import BadParameter, QisError, SourceTooLarge, Unsupported
from qisd.imaging import outside
from qisd.imaging.decoders import headers
from qisd.imaging.decoders.bounded import HeaderStream
from qisd.imaging.decoders.faults import DAMAGED, UNKNOWN, check_pixels
from qisd.imaging.decoders.jpeg2000 import CodeStream, code_stream
from qisd.imaging.decoders.plugins import OPENERS, WEAK_MARKS, kind_of
from qisd.imaging.formats import FORMATS, Format
from qisd.imaging.geometry import Size
from qisd.imaging.metadata import orientation_of, read_density, read_metadata
from qisd.imaging.picture import DecodeLimits, Header, Picture, SourceInfo

MAX_PAGES = 10_000
"""Pages of one TIFF beyond these are not found."""

_MAX_WHOLE_FILE = 256 * 1024 * 1024
_MAX_INTERPRETED_SAMPLES = 8_000_000
_INTERPRETED = frozenset({"ppm", "ppm_plain", "bmp_rle"})
"""Pillow's decoders written in Python: slow, and nothing else runs meanwhile."""

_WHOLE_FILE = frozenset({"WEBP", "AVIF"})
"""Kinds that are read into memory at opening, where their decoder stays as long as the image does."""

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture of each EXIF orientation upright."""
_AS_STORED = _UPRIGHT | {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
"""The inverse."""

_BLOCK_BYTES = 640
"""What the decoder keeps of each code block of JPEG 2000; measured."""
_PIXEL_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2}


def open_raster(
    stream: BinaryIO, *, size: int, extension: str, page: int | None, limits: DecodeLimits, auto_orient: bool
) -> RasterSource | None:
    """One of :data:`qisd.imaging.decoders.FAMILIES`."""
    stream.seek(0)
    kind = kind_of(stream.read(16), extension)
    if kind is None:
        return None
    try:
        if kind != "ICO":
            return _open(
                stream, kind=kind, size=size, extension=extension, page=page, limits=limits, upright=auto_orient
            )
        data = headers.icon(stream, size, limits.max_pixels)
        inner = "PNG" if data.startswith(b"\x89PNG") else kind
        source = _open(
            io.BytesIO(data), kind=inner, size=len(data), extension="", page=None, limits=limits, upright=auto_orient
        )
        return source.renamed(_row(kind, extension, codec=None))
    except QisError:
        raise
    except Exception as error:
        if kind in WEAK_MARKS:
            raise Unsupported(UNKNOWN, detail=repr(error)) from None
        raise


def _open(
    stream: BinaryIO, *, kind: str, size: int, extension: str, page: int | None, limits: DecodeLimits, upright: bool
) -> RasterSource:
    code = _check_before_opening(stream, kind, size, limits)
    header = HeaderStream(stream, size if kind in _WHOLE_FILE else None)
    image = OPENERS[kind](cast("IO[bytes]", header))
    pages = _choose_page(image, stream, page)
    header.unbound()
    check_pixels(*image.size, limits.max_pixels)
    _check_after_opening(image, kind, size, limits)
    orientation = orientation_of(image)
    # Pillow gives the upright size of a TIFF, whether it is to be upright or not.
    swap = orientation >= 5 and (upright != isinstance(image, TiffImagePlugin.TiffImageFile))
    width, height = image.size[::-1] if swap else image.size
    row = _row(kind, extension, codec=getattr(image, "codec", None))
    info = SourceInfo(
        format=row.name,
        width=width,
        height=height,
        mode=image.mode,
        pages=pages,
        has_alpha=image.has_transparency_data,
        orientation=orientation,
        decoded_bytes=width * height * _PIXEL_BYTES.get(image.mode, 4),
        decoder_bytes=_decoder_bytes(image, kind, size, orientation, code),
    )
    return RasterSource(info, image, header, row, kind, upright, code)


@attrs.frozen
class RasterSource:
    """A raster file whose header was read."""

    info: SourceInfo
    _image: ImageFile.ImageFile
    _stream: HeaderStream
    _format: Format
    _kind: str
    _auto_orient: bool
    _code: CodeStream | None

    def renamed(self, row: Format) -> RasterSource:
        """The same as the content of a file of another format."""
        return attrs.evolve(self, format=row, info=attrs.evolve(self.info, format=row.name))

    def header(self) -> Header:
        """All that comes with the picture, without decoding it."""
        image = self._image
        icc = image.info.get("icc_profile")
        return Header(
            info=self.info,
            metadata=read_metadata(image, xmp=image.info.get("xmp"), upright=self._auto_orient),
            icc=icc if isinstance(icc, bytes) and icc else None,
        )

    def with_pixels(self, image: Image.Image) -> Picture:
        """What :meth:`load` gives, with pixels from elsewhere."""
        header = self.header()
        return Picture(
            image=image,
            icc=header.icc,
            metadata=header.metadata,
            dpi=read_density(self._image),
            full_size=Size(self.info.width, self.info.height),
            format=self._format,
        )

    def load(self, reduce_to: Size | None, checkpoint: Callable[[], None]) -> Picture:
        """Decode; at a reduced size where the format can do that on the way."""
        image, info = self._image, self.info
        xmp = image.info.pop("xmp", None)  # Pillow would take an orientation from it
        metadata = read_metadata(image, xmp=xmp, upright=self._auto_orient)
        icc = image.info.get("icc_profile")
        dpi = read_density(image)
        if reduce_to is not None:
            swap = self._auto_orient and info.orientation >= 5
            self._reduce((reduce_to.height, reduce_to.width) if swap else (reduce_to.width, reduce_to.height))
        if self._kind == "JPEG" and image.info.get("progressive"):
            headers.check_jpeg_scans(cast("BinaryIO", self._stream))
        transparency = _transparency(image)
        picture = self._upright(self._decoded(checkpoint))
        picture.info = {} if transparency is None else {"transparency": transparency}
        return Picture(
            image=picture,
            icc=icc if isinstance(icc, bytes) and icc else None,
            metadata=metadata,
            dpi=dpi,
            full_size=Size(info.width, info.height),
            format=self._format,
        )

    def _reduce(self, least: tuple[int, int]) -> None:
        """Have the decoder reduce the picture to no less than ``least``, in the orientation in which it is stored."""
        image = self._image
        width, height = image.size
        times = min(width // max(least[0], 1), height // max(least[1], 1))
        if isinstance(image, JpegImagePlugin.JpegImageFile):
            if times > 1:
                image.draft(None, least)
        elif self._code is not None and isinstance(image, Jpeg2KImagePlugin.Jpeg2KImageFile):
            # The decoder rounds sizes to the nearest: one halving less where that would fall short.
            steps = min(times.bit_length() - 1, self._code.reductions)
            while steps and ((width >> steps) < least[0] or (height >> steps) < least[1]):
                steps -= 1
            image.reduce = steps

    def _decoded(self, checkpoint: Callable[[], None]) -> ImageFile.ImageFile:
        image = self._image
        if isinstance(image, Jpeg2KImagePlugin.Jpeg2KImageFile):
            pixels = outside.decode(
                cast("BinaryIO", self._stream),
                mode=image.mode,
                size=image.size,
                halvings=image._reduce,
                memory=self.info.decoder_bytes + self.info.decoded_bytes,
                checkpoint=checkpoint,
            )
            # As if it had decoded them itself.
            image.im, image._size, image.tile = pixels.im, pixels.size, []
        image.load()
        return image

    def _upright(self, image: ImageFile.ImageFile) -> Image.Image:
        """The picture alone, without its file, its decoder, and all that Pillow would write into other files."""
        orientation = self.info.orientation
        if isinstance(image, TiffImagePlugin.TiffImageFile):
            turn = None if self._auto_orient else _AS_STORED.get(orientation)
        else:
            turn = _UPRIGHT.get(orientation) if self._auto_orient else None
        if turn is not None:
            picture = image.transpose(turn)
        elif self._kind in _WHOLE_FILE:
            picture = image.copy()
        else:
            picture = image._new(image.im)
        if self._kind == "JPEG" and image.mode == "CMYK" and "adobe" not in image.info:
            # Only Adobe stores ink inverted, and marks it; Pillow takes every CMYK file for Adobe's.
            picture = Image.eval(picture, lambda ink: 255 - ink)
        return picture


def _check_before_opening(stream: BinaryIO, kind: str, size: int, limits: DecodeLimits) -> CodeStream | None:
    """What can't wait until Pillow has opened the file. Returns the header of JPEG 2000's code stream."""
    if kind in _WHOLE_FILE and size > _MAX_WHOLE_FILE:
        raise SourceTooLarge("The image file is too large for its format.")
    code = None
    if kind == "GIF":
        check_pixels(*headers.gif_size(stream), limits.max_pixels)
    elif kind == "WEBP":
        check_pixels(*headers.webp_size(stream, size), limits.max_pixels)
    elif kind == "JPEG2000":
        code = code_stream(stream)
        check_pixels(code.width, code.height, limits.max_pixels)
    stream.seek(0)
    return code


def _choose_page(image: ImageFile.ImageFile, stream: BinaryIO, page: int | None) -> int:
    """Turn to the wanted page; returns the number of pages."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return 1
    pages = max(1, headers.tiff_pages(stream, MAX_PAGES))
    if pages > 1 and page is not None and page > pages:
        raise BadParameter("page", f"{page} is out of range (the source has {pages} pages)")
    if pages > 1 and page is not None and page > 1:
        image.seek(page - 1)
    return pages


def _check_after_opening(image: ImageFile.ImageFile, kind: str, size: int, limits: DecodeLimits) -> None:
    """Refuse what would allocate or compute far more than the file can hold."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        tile = int(image.tag_v2.get(TiffImagePlugin.TILEWIDTH, 1)), int(image.tag_v2.get(TiffImagePlugin.TILELENGTH, 1))
        check_pixels(*tile, limits.max_pixels)
    for number, (codec, box, offset, arguments) in enumerate(image.tile):
        if codec in _INTERPRETED:
            _check_interpreted(image, number)
        if codec == "raw" and box is not None and kind not in _WHOLE_FILE:
            stride = arguments[1] if isinstance(arguments, tuple) and len(arguments) > 1 else 0
            least = max(int(stride or 0), (box[2] - box[0]) // 8)
            if offset + least * (box[3] - box[1]) > size:
                raise Unsupported(DAMAGED, detail=f"{kind} of {size} bytes is shorter than its size tells")


def _check_interpreted(image: ImageFile.ImageFile, number: int) -> None:
    tile = image.tile[number]
    if tile.codec_name == "ppm" and tile.args == ("RGB", 65535):
        # The common case has a fast decoder, which Pillow does not use.
        image.tile[number] = tile._replace(codec_name="raw", args=("RGB;16B", 0, 1))
    elif image.width * image.height * len(image.getbands()) > _MAX_INTERPRETED_SAMPLES:
        raise SourceTooLarge("The image is too large for its uncommon encoding.", detail=tile.codec_name)


def _transparency(image: ImageFile.ImageFile) -> object:
    """The transparent colour, in the values that the decoded pixels will have."""
    value = image.info.get("transparency")
    if isinstance(image, PngImagePlugin.PngImageFile) and image.tile:
        # A PNG gives it in its own depth, and Pillow leaves it so.
        rawmode = image.tile[0].args
        if isinstance(value, int):
            return value * {"L;2": 85, "L;4": 17}.get(str(rawmode), 1)
        if isinstance(value, tuple) and rawmode == "RGB;16B":
            return tuple(channel >> 8 for channel in value)
    return value


def _decoder_bytes(image: ImageFile.ImageFile, kind: str, size: int, orientation: int, code: CodeStream | None) -> int:
    """Memory for the decoder's own needs; measured, rounded up."""
    pixels = image.width * image.height
    own = 0
    if kind in _WHOLE_FILE:
        own = 2 * size + 16 * pixels
    elif code is not None:
        own = size + 4 * pixels * (len(image.getbands()) + 1) + _BLOCK_BYTES * code.blocks + outside.PROCESS_BYTES
    elif isinstance(image, JpegImagePlugin.JpegImageFile) and image.info.get("progressive"):
        own = 2 * pixels * image.layers
    elif image.tile and image.tile[0].codec_name in _INTERPRETED:
        own = 8 * pixels * len(image.getbands())
    if orientation > 1:
        own += pixels * _PIXEL_BYTES.get(image.mode, 4)
    return own


def _row(kind: str, extension: str, *, codec: str | None) -> Format:
    """The row that fits the name of the file, or else the first that fits its structure."""
    rows = [row for row in FORMATS if kind in row.kinds]
    by_name = (row for row in rows if extension in row.extensions)
    by_codec = (row for row in rows if row.name == codec)
    return next(by_name, next(by_codec, rows[0]))
