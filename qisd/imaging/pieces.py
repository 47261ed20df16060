"""Large sources in pieces: so that a tile takes only those of them that it needs, and nobody decodes the source for it.

A source is kept at full size and at one half, a quarter, an eighth … of that, each level reduced in linear light from
the one before. A level is cut into sheets, which are what a cache keeps; a sheet is made of cells, each an image file
of its own, so that only those have to be decoded in which something is wanted. Which level, sheets and cells a
rendition needs follows from sizes alone.

Nothing of what was asked for is in them: they are upright, whole, and in the source's own colours. What comes from a
JPEG is kept as JPEG, at full size with its own tables, which loses next to nothing; everything else without a loss.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, BinaryIO

import attrs
from PIL import Image, JpegImagePlugin

from qisd.imaging import bases
from qisd.imaging.channels import continuous
from qisd.imaging.decoders import Opened
from qisd.imaging.decoders.faults import decoding
from qisd.imaging.geometry import Box, Plan, Size, cdiv
from qisd.imaging.picture import DecodeLimits, Picture, SourceInfo
from qisd.imaging.pipeline import FILTERS, begin
from qisd.imaging.reduction import sufficient_size
from qisd.imaging.resample import TransferCurve, resize
from qisd.imaging.source import open_source
from qisd.imaging.spec import ImageSpec
from qisd.imaging.window import Part, needed, part_of

CELL = 256
"""Sides of a cell, in pixels. Smaller ones hold less that isn't wanted, but each costs a tenth of a millisecond."""

SHEET = 1024
"""Sides of a sheet."""

LEAST_AREA = 2_000_000
"""Pixels of a source below which decoding it takes no longer than all this."""

SMALLEST = 256
"""Pixels of the longer side below which there are no levels."""

ALWAYS = 4
"""Times the area from which on sources count as large: those of this area are there to be zoomed into, and are cut up
whatever is asked for first."""

_LARGEST_READ = 8_000_000
"""Pixels of a level beyond which the source itself is as good, unless a tile is wanted."""

_IN_FULL: Mapping[str, Any] = MappingProxyType({"quality": 95, "subsampling": "4:4:4"})
"""How the full size is kept of a JPEG whose own tables don't fit, because it was turned upright."""

_LARGEST_STEP = 255
"""Of what an ordinary JPEG can have in its tables."""

_MAGIC = b"QSH1"
_HEAD = struct.Struct(">4sHHH")  # magic, width and height, number of cells

_PREDICTOR, _HORIZONTAL = 317, 2
"""A tag of TIFF, and its value."""

_LOSSY_BYTES, _LOSSLESS_BYTES = 0.6, 2.5
"""Bytes per pixel that sheets take, roughly."""

_MAKING = 24 * 1024 * 1024


@attrs.frozen(kw_only=True)
class Extract:
    """What of the pieces a rendition takes.

    :param level: 0 is the full size, each one more is half of it.
    :param size: of the level.
    :param region: the pixels of the level that are needed.
    :param part: what is made of the rendition; None: all of it.
    """

    level: int
    size: Size
    region: Box
    part: Part | None

    def sheets(self) -> tuple[int, ...]:
        """The numbers of the sheets in which the region lies."""
        columns = cdiv(self.size.width, SHEET)
        box = self.region
        return tuple(
            row * columns + column
            for row in range(box.top // SHEET, cdiv(box.bottom, SHEET))
            for column in range(box.left // SHEET, cdiv(box.right, SHEET))
        )


def levels(natural: Size) -> list[Size]:
    """The sizes of all levels, from the full one down."""
    sizes = [natural]
    while max(sizes[-1].width, sizes[-1].height) > 2 * SMALLEST:
        factor = 2 ** len(sizes)
        sizes.append(Size(cdiv(natural.width, factor), cdiv(natural.height, factor)))
    return sizes


def extract_for(info: SourceInfo, spec: ImageSpec, plan: Plan, *, large: int, room: int) -> Extract | None:
    """What the rendition is to be made of; None: of the source itself.

    :param large: pixels of a source from which on it is large; 0: none is ever cut up.
    :param room: bytes of the cache that is to keep the sheets.
    """
    natural = plan.natural
    area = natural.width * natural.height
    if not large or area < LEAST_AREA or (spec.tile is None and area < ALWAYS * large) or info.mode == "1":
        return None
    if area * 4 / 3 * (_LOSSY_BYTES if _is_lossy(info) else _LOSSLESS_BYTES) > room / 4:
        return None
    sizes = levels(natural)
    least = sufficient_size(spec, plan) or natural
    level = max(n for n, size in enumerate(sizes) if size.width >= least.width and size.height >= least.height)
    size = sizes[level]
    part = part_of(spec, plan)
    region = Box(0, 0, size.width, size.height) if part is None else needed(plan, part, size)
    if spec.tile is None and region.width * region.height > _LARGEST_READ:
        return None
    return Extract(level=level, size=size, region=region, part=part)


def making_memory(info: SourceInfo) -> int:
    """The most bytes that cutting a source up takes: decoded, once more in another mode, and its half."""
    area = info.width * info.height
    return info.decoder_bytes + info.decoded_bytes + (9 if info.mode in ("P", "PA") else 5) * area // 3 + _MAKING


def make(
    source: BinaryIO,
    *,
    extension: str,
    page: int | None,
    limits: DecodeLimits,
    auto_orient: bool,
    quality: int,
    gamma_correct: bool,
    keep: Callable[[int, int, bytes], None],
    checkpoint: Callable[[], None],
) -> None:
    """Decode a source and cut it up.

    :param quality: of resizing, 1 … 3; ``gamma_correct``: whether to do it in linear light.
    :param keep: takes each sheet as it is made, those of the smallest level first: its level, its number, and itself.
    :raises Unsupported: the source can't be decoded.
    """
    opened = open_source(source, extension=extension, page=page, limits=limits, auto_orient=auto_orient)
    write = _lossy(source, opened.info, auto_orient) if _is_lossy(opened.info) else None
    with decoding():
        picture = opened.load(None, checkpoint)
    sizes = levels(picture.full_size)
    work = begin(picture)
    del picture
    images = [continuous(work.image)]
    curves = work.profile.curves if work.profile else TransferCurve.srgb()
    curve = curves if gamma_correct and images[0].mode != "CMYK" else None
    del work
    for size in sizes[1:]:
        checkpoint()
        images.append(resize(images[-1], (size.width, size.height), filter=FILTERS[quality], curve=curve))
    for level in reversed(range(len(sizes))):
        image = images.pop()
        for number, sheet in enumerate(_boxes(Box(0, 0, image.width, image.height), SHEET)):
            checkpoint()
            keep(level, number, _written(image, sheet, level, write))


@attrs.frozen(kw_only=True)
class Pieces:
    """What a rendition is made of: what it takes, and the sheets in which that lies, by number."""

    extract: Extract
    sheets: Mapping[int, bytes] = attrs.field(repr=False)

    def picture(self, opened: Opened) -> Picture | None:
        """What :meth:`Opened.load` gives, as far as it is needed; None: the sheets are damaged."""
        try:
            return _assembled(opened, self.extract, self.sheets)
        except ValueError:
            return None


def _assembled(opened: Opened, extract: Extract, sheets: Mapping[int, bytes]) -> Picture:
    """:raises ValueError: the sheets are not those that are needed, or damaged."""
    box, image = extract.region, None
    columns = cdiv(extract.size.width, SHEET)
    for number in extract.sheets():
        row, column = divmod(number, columns)
        left, top = column * SHEET, row * SHEET
        whole = Box(left, top, min(left + SHEET, extract.size.width), min(top + SHEET, extract.size.height))
        if number not in sheets:
            raise ValueError(f"sheet {number} of level {extract.level} is missing")
        for place, cell in _cells(sheets[number], whole, box):
            if image is None:
                image = Image.new(cell.mode, (box.width, box.height))
            image.paste(cell, (place.left - box.left, place.top - box.top))
    assert image is not None  # noqa: S101 - a region is never empty
    return attrs.evolve(opened.with_pixels(image), reduced=extract.size, origin=(box.left, box.top))


def _is_lossy(info: SourceInfo) -> bool:
    return info.format == "jpg" and info.mode in ("L", "RGB")


Options = Callable[[int], Mapping[str, Any]]
"""How cells are written: what the encoder is told, by their level."""


def _lossy(source: BinaryIO, info: SourceInfo, auto_orient: bool) -> Options:
    """The options for a JPEG."""
    source.seek(0)
    own: dict[str, Any] | None = None
    header = JpegImagePlugin.JpegImageFile(source)
    tables = header.quantization
    if (info.orientation == 1 or not auto_orient) and all(max(table) <= _LARGEST_STEP for table in tables.values()):
        own = {"qtables": tables, "subsampling": max(JpegImagePlugin.get_sampling(header), 0)}

    def options(level: int) -> Mapping[str, Any]:
        return bases.JPEG if level else own or _IN_FULL

    return options


def _boxes(box: Box, side: int) -> Iterator[Box]:
    """``box`` in squares, row by row; those at its ends may be smaller."""
    for top in range(box.top, box.bottom, side):
        for left in range(box.left, box.right, side):
            yield Box(left, top, min(left + side, box.right), min(top + side, box.bottom))


def _written(image: Image.Image, sheet: Box, level: int, lossy: Options | None) -> bytes:
    files = []
    for box in _boxes(sheet, CELL):
        cell = image.crop((box.left, box.top, box.right, box.bottom))
        cell.info = {}
        out = io.BytesIO()
        if lossy is not None:
            cell.save(out, "JPEG", **lossy(level))
        else:
            cell.save(out, "TIFF", compression="zstd", tiffinfo={_PREDICTOR: _HORIZONTAL})
        files.append(out.getvalue())
    head = _HEAD.pack(_MAGIC, sheet.width, sheet.height, len(files))
    return b"".join((head, struct.pack(f">{len(files)}I", *map(len, files)), *files))


def _cells(data: bytes, sheet: Box, region: Box) -> Iterator[tuple[Box, Image.Image]]:
    """The cells of a sheet in which something of ``region`` lies, and their places.

    :raises ValueError: this is no such sheet.
    """
    boxes = list(_boxes(sheet, CELL))
    start = _HEAD.size + 4 * len(boxes)
    if len(data) < start or _HEAD.unpack_from(data) != (_MAGIC, sheet.width, sheet.height, len(boxes)):
        raise ValueError("not the sheet that it should be")
    for box, length in zip(boxes, struct.unpack_from(f">{len(boxes)}I", data, _HEAD.size), strict=True):
        file = data[start : start + length]
        start += length
        if box.left < region.right and box.right > region.left and box.top < region.bottom and box.bottom > region.top:
            yield box, _cell(file, box.size)


def _cell(file: bytes, size: Size) -> Image.Image:
    try:
        with Image.open(io.BytesIO(file), formats=("JPEG", "TIFF")) as image:
            if image.size != (size.width, size.height):
                raise ValueError("a cell has another size")
            image.load()
            return image
    except (OSError, SyntaxError) as error:
        raise ValueError("a cell is damaged") from error
