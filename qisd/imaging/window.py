"""What of a rendition is wanted, and what of the source that takes.

A tile, and what is cut out of a source, need only a part of it. Most things that can be done to a picture treat each
place by itself and what lies near it, so that the part alone can be made, and is the same as that part of the whole.
"""

from __future__ import annotations

import math

import attrs

from qisd.imaging.geometry import Box, Plan, Size
from qisd.imaging.spec import ImageSpec

SHARPENING = 8
"""Pixels around each one that decide what sharpening makes of it, and what blurring makes of it, besides ``_BLURRING``
for each pixel of σ; rounded up."""
_BLURRING = 5

LOBES = 3
"""Pixels of the rendition, to each side, that the widest of the resampling filters reaches."""


@attrs.frozen(kw_only=True)
class Part:
    """The part of a rendition that is made, instead of the whole.

    :param canvas: of the canvas: what is wanted, and what sharpening looks at around it.
    :param visible: of the scaled picture: what of it lies there; None: nothing, it is all padding.
    """

    canvas: Box
    visible: Box | None


def part_of(spec: ImageSpec, plan: Plan) -> Part | None:
    """What has to be made; None: everything, because something looks at the picture as a whole."""
    if spec.rotation or spec.flip or spec.overlay_src is not None or spec.fill == "auto":
        return None
    canvas = Box(0, 0, plan.canvas.width, plan.canvas.height)
    if plan.tile is not None:
        blurring = -min(spec.sharpen, 0) * _BLURRING // 100
        around = SHARPENING + blurring if spec.sharpen else 0
        canvas = _common(_grown(plan.tile, around), canvas) or canvas
    x, y = plan.offset
    inner = Box(x, y, x + plan.inner.width, y + plan.inner.height)
    seen = _common(canvas, inner)
    return Part(
        canvas=canvas,
        visible=Box(seen.left - x, seen.top - y, seen.right - x, seen.bottom - y) if seen else None,
    )


def cut(plan: Plan, scale: tuple[float, float]) -> tuple[float, float, float, float]:
    """The edges of what is cut out of the source, in pixels that stand for so many of it on x and y."""
    box = plan.crop or Box(0, 0, plan.rotated.width, plan.rotated.height)
    return box.left / scale[0], box.top / scale[1], box.right / scale[0], box.bottom / scale[1]


def whole_pixels(edges: tuple[float, float, float, float]) -> Box:
    """All pixels of which something is within ``edges``."""
    return Box(math.floor(edges[0]), math.floor(edges[1]), math.ceil(edges[2]), math.ceil(edges[3]))


def within(edges: tuple[float, float, float, float], inner: Size, visible: Box) -> tuple[float, float, float, float]:
    """Where ``visible`` comes from, when what is within ``edges`` is scaled to the size ``inner``."""
    x, y = (edges[2] - edges[0]) / inner.width, (edges[3] - edges[1]) / inner.height
    return (
        edges[0] + visible.left * x,
        edges[1] + visible.top * y,
        edges[0] + visible.right * x,
        edges[1] + visible.bottom * y,
    )


def needed(plan: Plan, part: Part, size: Size) -> Box:
    """The pixels that making ``part`` takes, of the whole source at the size ``size``."""
    edges = cut(plan, (plan.natural.width / size.width, plan.natural.height / size.height))
    pixels = whole_pixels(edges)
    limits = Box(pixels.left, pixels.top, min(pixels.right, size.width), min(pixels.bottom, size.height))
    if part.visible is None:
        return Box(limits.left, limits.top, limits.left + 1, limits.top + 1)
    left, top, right, bottom = within(edges, plan.inner, part.visible)
    # A filter reaches so many pixels of the larger of both sizes. One more, for what rounding adds.
    across = LOBES * max((edges[2] - edges[0]) / plan.inner.width, 1.0) + 1
    down = LOBES * max((edges[3] - edges[1]) / plan.inner.height, 1.0) + 1
    reached = whole_pixels((left - across, top - down, right + across, bottom + down))
    return _common(reached, limits) or limits


def _grown(box: Box, around: int) -> Box:
    return Box(box.left - around, box.top - around, box.right + around, box.bottom + around)


def _common(a: Box, b: Box) -> Box | None:
    box = Box(max(a.left, b.left), max(a.top, b.top), min(a.right, b.right), min(a.bottom, b.bottom))
    return box if box.width > 0 and box.height > 0 else None
