"""Sizes and places of everything in a rendition, computed before a pixel is touched.

All arithmetic is on integers: products are compared and divided, never quotients, so that no pixel hangs on the
rounding of a binary fraction. Boxes are half open: columns ``left`` … ``right − 1``, rows ``top`` … ``bottom − 1``.
"""

from __future__ import annotations

import math

import attrs

from qisd.errors import BadParameter
from qisd.imaging.spec import MIDDLE, UNIT, ImageSpec, Position, Tile

_QUARTER_TURN = 90 * UNIT
_TRIGONOMETRIC = 10**12
"""Sines and cosines are integers in this scale. Coarser than a float's last digits, in which one machine's library
may differ from another's (and cos 60° from 1/2); fine enough for a millionth of a pixel in a million."""


@attrs.frozen
class Size:
    """In pixels, at least 1 × 1."""

    width: int
    height: int


@attrs.frozen
class Box:
    """A rectangle of an image, in pixels; ``right`` and ``bottom`` are outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def size(self) -> Size:
        return Size(self.width, self.height)


@attrs.frozen(kw_only=True)
class Point:
    """A place of an image: ``x`` / ``scale`` pixels from its left edge, ``y`` / ``scale`` from its top."""

    x: int
    y: int
    scale: int


@attrs.frozen(kw_only=True)
class Plan:
    """The sizes that an image has on its way through the pipeline.

    :param natural: as decoded, upright.
    :param rotated: the same after rotation, which also is the limit of what may be asked for.
    :param crop: what is cut out of the rotated image; None is all of it.
    :param inner: the scaled picture.
    :param canvas: the image with the padding around the picture.
    :param offset: where the picture lies on the canvas: x, y of its upper left corner.
    :param tile: what is cut out of the canvas; None is all of it.
    :param output: size of the answer.
    """

    natural: Size
    rotated: Size
    crop: Box | None
    inner: Size
    canvas: Size
    offset: tuple[int, int]
    tile: Box | None
    output: Size


def plan(spec: ImageSpec, natural: Size) -> Plan:
    """All sizes of the image that ``spec`` makes of a source of the size ``natural``.

    :raises BadParameter: it is to be cut into more tiles than it has pixels.
    """
    rotated = rotated_size(natural, spec.rotation)
    # Nobody gets more pixels than there are, on each axis by itself. A crop may nevertheless be scaled up to that:
    # pages rely on getting the canvas they asked for.
    width = min(spec.width or 0, rotated.width)
    height = min(spec.height or 0, rotated.height)
    covers = bool(width and height and spec.focus and spec.focus.cover)
    if covers:
        width, height = _of_one_shape(Size(spec.width or 0, spec.height or 0), rotated)
    crop = _crop_box(spec, rotated, width, height, focal_point(spec, natural, rotated), covers=covers)
    current = crop.size if crop else rotated
    inner, canvas = _resized(current, width, height, size_fit=spec.size_fit)
    if covers:  # it has the shape, but for a fraction of a pixel of the source: nothing needs to be filled
        inner = canvas = Size(width, height)
    offset = (
        _aligned(canvas.width, inner.width, spec.align_h),
        _aligned(canvas.height, inner.height, spec.align_v),
    )
    tile = tile_box(canvas, spec.tile) if spec.tile else None
    return Plan(
        natural=natural,
        rotated=rotated,
        crop=crop,
        inner=inner,
        canvas=canvas,
        offset=offset,
        tile=tile,
        output=tile.size if tile else canvas,
    )


def cdiv(a: int, b: int) -> int:
    """a/b rounded up, for b > 0."""
    return -(-a // b)


def rotated_size(size: Size, rotation: int) -> Size:
    """The smallest canvas, in whole pixels around the same centre, that holds ``size`` turned by ``rotation``."""
    w, h = size.width, size.height
    if rotation % _QUARTER_TURN == 0:
        return size if rotation % (2 * _QUARTER_TURN) == 0 else Size(h, w)
    radians = math.radians(rotation / UNIT)
    cosine = round(abs(math.cos(radians)) * _TRIGONOMETRIC)
    sine = round(abs(math.sin(radians)) * _TRIGONOMETRIC)
    return Size(_span(w, w * cosine + h * sine), _span(h, h * cosine + w * sine))


def _span(length: int, turned: int) -> int:
    """From ceil(length/2 + turned/2) down to floor(length/2 − turned/2), ``turned`` in the scale of the sines."""
    whole = length * _TRIGONOMETRIC
    return cdiv(whole + turned, 2 * _TRIGONOMETRIC) - (whole - turned) // (2 * _TRIGONOMETRIC)


def _of_one_shape(wanted: Size, image: Size) -> tuple[int, int]:
    """The width and height wanted, or the largest of their shape that the image has the pixels for."""
    w, h = wanted.width, wanted.height
    if w <= image.width and h <= image.height:
        return w, h
    if w * image.height > image.width * h:
        return image.width, max(1, _nearest(h * image.width, w))
    return max(1, _nearest(w * image.height, h)), image.height


def focal_point(spec: ImageSpec, natural: Size, rotated: Size) -> Point | None:
    """Where the place that the spec's focus names lies after flip and rotation. None: it leads nothing."""
    focus = spec.focus
    if focus is None or (focus.x is None and not focus.cover):
        return None
    x, y = (MIDDLE if place is None else place for place in (focus.x, focus.y))
    # From the centre, in halves of a unit.
    across = (2 * x - UNIT) * natural.width * (-1 if spec.flip == "h" else 1)
    down = (2 * y - UNIT) * natural.height * (-1 if spec.flip == "v" else 1)
    radians = math.radians(spec.rotation / UNIT)
    cosine, sine = round(math.cos(radians) * _TRIGONOMETRIC), round(math.sin(radians) * _TRIGONOMETRIC)
    return Point(
        x=rotated.width * UNIT * _TRIGONOMETRIC + across * cosine - down * sine,
        y=rotated.height * UNIT * _TRIGONOMETRIC + across * sine + down * cosine,
        scale=2 * UNIT * _TRIGONOMETRIC,
    )


def _crop_box(
    spec: ImageSpec, image: Size, width: int, height: int, point: Point | None, *, covers: bool
) -> Box | None:
    whole = Box(0, 0, image.width, image.height)
    box = Box(
        cdiv(image.width * (spec.left or 0), UNIT),
        cdiv(image.height * (spec.top or 0), UNIT),
        cdiv(image.width * (UNIT if spec.right is None else spec.right), UNIT),
        cdiv(image.height * (UNIT if spec.bottom is None else spec.bottom), UNIT),
    )
    # Edges that meet only because of rounding: nothing would be left, so nothing is cut off.
    if box == whole or box.width <= 0 or box.height <= 0:
        box = whole
    elif spec.crop_fit and width and height:
        box = _widened(box, image, width, height, point)
    if covers and point is not None:
        box = _cut(box, width, height, point)
    return None if box == whole else box


def _widened(box: Box, image: Size, width: int, height: int, point: Point | None) -> Box:
    """``box`` grown along one axis towards the shape of ``width`` × ``height``, as far as the image allows.

    :param point: to which it grows, all that was in it staying there; None: on both sides alike.
    """
    if width * box.height < box.width * height:
        want = cdiv(box.width * height, width) - box.height
        if point is None:
            top, bottom = _grown(box.top, box.bottom, image.height, want)
        else:
            top, bottom = _grown_towards(box.top, box.bottom, image.height, want, point.y, point.scale)
        return Box(box.left, top, box.right, bottom)
    want = cdiv(box.height * width, height) - box.width
    if point is None:
        left, right = _grown(box.left, box.right, image.width, want)
    else:
        left, right = _grown_towards(box.left, box.right, image.width, want, point.x, point.scale)
    return Box(left, box.top, right, box.bottom)


def _cut(box: Box, width: int, height: int, point: Point) -> Box:
    """The largest part of ``box`` of the shape of ``width`` × ``height``, its centre as near ``point`` as may be."""
    across, down = box.width, box.height
    if across * height > width * down:
        across = max(1, min(_nearest(width * down, height), across))
    else:
        down = max(1, min(_nearest(height * across, width), down))
    left = _around(point.x, point.scale, across, low=box.left, high=box.right - across)
    top = _around(point.y, point.scale, down, low=box.top, high=box.bottom - down)
    return Box(left, top, left + across, top + down)


def _around(place: int, scale: int, length: int, *, low: int, high: int) -> int:
    """Where something of this length starts that is to have ``place`` in its middle; from ``low`` to ``high``."""
    return max(low, min(_nearest(2 * place - length * scale, 2 * scale), high))


def _grown_towards(low: int, high: int, end: int, want: int, place: int, scale: int) -> tuple[int, int]:
    length = min(high - low + max(want, 0), end)
    start = _around(place, scale, length, low=max(0, high - length), high=min(low, end - length))
    return start, start + length


def _grown(low: int, high: int, end: int, want: int) -> tuple[int, int]:
    before, after = low, end - high
    if want <= 0:
        return low, high
    if before + after <= want:
        return 0, end
    if 2 * min(before, after) >= want:
        return low - want // 2, high + want // 2
    if before < after:
        return 0, high + want - before
    return low - (want - after), end


def _resized(size: Size, width: int, height: int, *, size_fit: bool) -> tuple[Size, Size]:
    """The scaled picture and its canvas, for a wanted width and height of which 0 means "whatever results"."""
    w, h = size.width, size.height
    if not width and not height:
        return size, size
    if not height:
        inner = Size(width, cdiv(width * h, w))
        return inner, inner
    if not width:
        inner = Size(cdiv(height * w, h), height)
        return inner, inner
    narrower = width * h < w * height
    inner = Size(width, cdiv(width * h, w)) if narrower else Size(cdiv(height * w, h), height)
    if size_fit:
        return inner, inner
    canvas = Size(width, height)
    return Size(_without_hairline(inner.width, width), _without_hairline(inner.height, height)), canvas


def _without_hairline(inner: int, canvas: int) -> int:
    """A padding of a single pixel looks like a mistake: the picture is stretched over it."""
    return canvas if abs(canvas - inner) == 1 else inner


def _aligned(canvas: int, inner: int, position: Position | None) -> int:
    if position is None:
        return (canvas - inner) // 2
    # The place of the picture's start in halves of a unit, since its middle may lie between two pixels.
    place = 2 * position.fraction * canvas
    if position.edge == "c":
        place -= inner * UNIT
    elif position.edge in "rb":
        place -= 2 * inner * UNIT
    return max(0, min(place // (2 * UNIT), canvas - inner))


def tile_box(canvas: Size, tile: Tile) -> Box:
    """Where a tile lies. What can't be divided evenly goes to the last column and the last row.

    :raises BadParameter: the canvas is smaller than the grid.
    """
    columns = math.isqrt(tile.grid)
    width, height = canvas.width // columns, canvas.height // columns
    if not width or not height:
        raise BadParameter("tile", "grid too fine for this image")
    row, column = divmod(tile.number - 1, columns)
    return Box(
        column * width,
        row * height,
        canvas.width if column == columns - 1 else (column + 1) * width,
        canvas.height if row == columns - 1 else (row + 1) * height,
    )


def overlay_box(canvas: Size, overlay: Size, *, size: int | None, pos: str | None) -> Box:
    """Where an overlay comes to lie on the canvas, and by that its size. It is never enlarged.

    :param size: the part of the canvas, each way, that it may take, in 1/100000; None is all of it.
    :param pos: a compass point (``n``, ``ne``, …); None and ``c`` are the centre.
    """
    part = UNIT if size is None else size
    fitted = _fitted(overlay, Size(max(1, canvas.width * part // UNIT), max(1, canvas.height * part // UNIT)))
    point = pos or "c"
    left = _docked(canvas.width - fitted.width, start="w" in point, end="e" in point)
    top = _docked(canvas.height - fitted.height, start="n" in point, end="s" in point)
    return Box(left, top, left + fitted.width, top + fitted.height)


def _fitted(size: Size, box: Size) -> Size:
    w, h = size.width, size.height
    if w <= box.width and h <= box.height:
        return size
    if box.width * h < box.height * w:
        return Size(box.width, max(1, min(_nearest(h * box.width, w), box.height)))
    return Size(max(1, min(_nearest(w * box.height, h), box.width)), box.height)


def _nearest(a: int, b: int) -> int:
    """a/b rounded to the nearest integer, halves up."""
    return (2 * a + b) // (2 * b)


def _docked(space: int, *, start: bool, end: bool) -> int:
    if start:
        return 0
    return space if end else space // 2
