"""What a render will cost in memory, told before it starts."""

from __future__ import annotations

import attrs

from qisd.imaging.geometry import Box, Plan, Size, cdiv, overlay_box
from qisd.imaging.outside import PROCESS_BYTES
from qisd.imaging.picture import SourceInfo
from qisd.imaging.pieces import Extract
from qisd.imaging.reduction import sufficient_overlay_size, sufficient_size
from qisd.imaging.resample import HAVE_EXTENSION
from qisd.imaging.rotate import BORDER, QUARTER_TURN
from qisd.imaging.spec import ImageSpec

BASE = 8 * 1024 * 1024
"""Files' own bytes in buffers, tables, transforms: what every render needs, however small the picture."""

STRIP_COPIES = 8 * 1024 * 1024
"""The resampler's copies of strips, where Pillow's memory is not in one piece."""

_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2}
_PIXEL = 4
"""Bytes per pixel of every other mode, LA included."""

_ENCODER = 12
"""Bytes per pixel of the rendition: a copy in another mode, what the encoder keeps, and the file."""
_HUNGRY_ENCODERS = {"gif": 24, "avif": 32, "jp2": 76, "j2k": 76}
"""The same for those that need more; measured, rounded up. JPEG 2000 is encoded by a process with pixels of its own."""

_MEGABYTE = 1024 * 1024
"""What a sheet of pieces takes, more or less."""

_FLOATS = 0 if HAVE_EXTENSION else 48
"""Bytes per source pixel of the linear floats that the resampler's pure Pillow stand-in makes of the whole picture."""


def estimate_memory(info: SourceInfo, spec: ImageSpec, plan: Plan, overlay: SourceInfo | None) -> int:
    """The most bytes that this render will hold at any moment, an upper estimate.

    It follows the steps of the pipeline and takes the largest sum of what is alive together in any of them: the
    decoded picture (at the size to which it is going to be reduced), its copies, the canvas of a rotation, of the
    padding, the resampler's rows of floats, the overlay and its copies, and the encoder with the finished file.
    """
    decoded = _decoded_size(info, sufficient_size(spec, plan))
    scale = max(info.width / decoded.width, 1.0), max(info.height / decoded.height, 1.0)
    pixel = _working_bytes(info, spec)
    stored = _pixels(decoded) * _BYTES.get(info.mode, _PIXEL)
    picture = _pixels(decoded) * pixel
    part = _reduced(plan.crop.size if plan.crop else plan.rotated, scale)
    finished = _pixels(plan.canvas) * pixel

    peaks = [stored + info.decoder_bytes, stored + picture if pixel != _BYTES.get(info.mode, _PIXEL) else stored]
    if spec.flip or spec.rotation:
        peaks.append(2 * picture)
    if spec.rotation % QUARTER_TURN:
        peaks.append(_turning(decoded, _reduced(plan.rotated, scale), pixel))
    if plan.crop:
        peaks.append((_pixels(_reduced(plan.rotated, scale)) + _pixels(part)) * pixel)
    peaks.append(_resizing(part, plan.inner, pixel))
    peaks.append(_pixels(plan.inner) * pixel + finished)
    if spec.sharpen:
        peaks.append(_pixels(plan.canvas) * (7 * _PIXEL if _may_have_alpha(info, spec) else 3 * pixel))
    if overlay is not None:
        peaks.append(_overlaying(overlay, spec, plan))
        peaks = [peak + _overlay_bytes(overlay, spec, plan) for peak in peaks]
    # Conversions go by way of separate channels, or Lab.
    output = _pixels(plan.output)
    name = spec.format or info.format
    encoder = _HUNGRY_ENCODERS.get(name, _ENCODER)
    process = PROCESS_BYTES if name in ("jp2", "j2k") else 0
    peaks.append(finished + output * max(4 * _PIXEL, encoder + pixel) + process)
    return BASE + max(peaks)


def estimate_memory_from_pieces(
    info: SourceInfo, spec: ImageSpec, plan: Plan, overlay: SourceInfo | None, extract: Extract
) -> int:
    """The same of a render that gets what ``extract`` takes instead of the source: as of a source of that size."""
    size, part = extract.region.size, extract.part
    scale = info.width / extract.size.width, info.height / extract.size.height
    source = attrs.evolve(info, format="png", width=size.width, height=size.height, decoder_bytes=0)
    if part is None:
        crop = plan.crop and _box_of(_reduced(plan.crop.size, scale))
        scaled = attrs.evolve(plan, natural=size, rotated=_reduced(plan.rotated, scale), crop=crop)
    else:
        visible = part.visible.size if part.visible else Size(1, 1)
        scaled = attrs.evolve(
            plan, natural=size, rotated=size, crop=_box_of(size), inner=visible, canvas=part.canvas.size
        )
    wanted = attrs.evolve(spec, format=spec.format or info.format)
    return estimate_memory(source, wanted, scaled, overlay) + _MEGABYTE * len(extract.sheets())


def _box_of(size: Size) -> Box:
    return Box(0, 0, size.width, size.height)


def _pixels(size: Size) -> int:
    return size.width * size.height


def _working_bytes(info: SourceInfo, spec: ImageSpec) -> int:
    """Bytes per pixel in the pipeline, where palettes, transparency and alpha for the ground have been added."""
    if info.mode in ("P", "PA") or _may_have_alpha(info, spec):
        return _PIXEL
    return _BYTES.get(info.mode, _PIXEL)


def _may_have_alpha(info: SourceInfo, spec: ImageSpec) -> bool:
    return info.has_alpha or spec.fill == "none"


def _turning(decoded: Size, canvas: Size, pixel: int) -> int:
    """The picture, what was made of it with a frame and another mode, and the canvas, at last in two modes.

    In the other mode (premultiplied, or floats for 16 bits) there are always four bytes.
    """
    framed = _pixels(Size(decoded.width + 2 * BORDER, decoded.height + 2 * BORDER))
    extra = _PIXEL if pixel > 1 else 1
    picture = _pixels(decoded) * pixel
    return picture + max(2 * framed * extra, framed * extra + _pixels(canvas) * extra, 3 * _pixels(canvas) * extra)


def _decoded_size(info: SourceInfo, least: Size | None) -> Size:
    """To what the decoder is going to reduce the picture: JPEG to 1/2, 1/4 or 1/8, the others not for sure."""
    natural = Size(info.width, info.height)
    if least is None or info.format not in ("jpg", "pjpg"):
        return natural
    times = min(natural.width // least.width, natural.height // least.height)
    factor = next(factor for factor in (8, 4, 2, 1) if times >= factor or factor == 1)
    return Size(cdiv(natural.width, factor), cdiv(natural.height, factor))


def _reduced(size: Size, scale: tuple[float, float]) -> Size:
    # Which side is which after a quarter turn does not matter: both have the same factor, but for rounding.
    return Size(int(size.width / min(scale)) + 1, int(size.height / min(scale)) + 1)


def _resizing(part: Size, inner: Size, pixel: int) -> int:
    """The resampler holds both pictures, some rows of four floats per pixel, and its weights."""
    rows = 200 * part.width + 600 * inner.width + 100 * (part.height + inner.height)
    pixels = _pixels(part) * (pixel + _FLOATS) + _pixels(inner) * (pixel + _FLOATS)
    return pixels + rows + STRIP_COPIES


def _overlay_place(overlay: SourceInfo, spec: ImageSpec, plan: Plan) -> Box:
    natural = Size(overlay.width, overlay.height)
    return overlay_box(plan.canvas, natural, size=spec.overlay_size, pos=spec.overlay_pos)


def _overlay_bytes(overlay: SourceInfo, spec: ImageSpec, plan: Plan) -> int:
    """The decoded overlay, which is there from the start, or its decoder's needs, whatever is more."""
    natural = Size(overlay.width, overlay.height)
    decoded = _decoded_size(overlay, sufficient_overlay_size(natural, _overlay_place(overlay, spec, plan).size))
    return _pixels(decoded) * _BYTES.get(overlay.mode, _PIXEL) + overlay.decoder_bytes


def _overlaying(overlay: SourceInfo, spec: ImageSpec, plan: Plan) -> int:
    natural = Size(overlay.width, overlay.height)
    place = _overlay_place(overlay, spec, plan).size
    decoded = _decoded_size(overlay, sufficient_overlay_size(natural, place))
    # Expanded and resized; then its colours, its alpha and the composite besides two copies of the picture.
    return (
        max(_resizing(decoded, place, _PIXEL), 2 * _pixels(plan.canvas) * _PIXEL + 4 * _pixels(place) * _PIXEL)
        + _pixels(plan.canvas) * _PIXEL
    )
