"""Bases: reduced copies of sources, from which smaller renditions are made without decoding the source again.

They are steps of a ladder, each the one before divided by the square root of two, so that which one a rendition needs
follows from sizes alone. A base is the upright, whole picture in the source's own colours, reduced in linear light;
nothing of what was asked for is in it. It is good enough for renditions of half its size at most, as is a picture that
a decoder has reduced: what it is kept in (JPEG, for what comes from photographs) does not show there.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from typing import BinaryIO

import attrs
from PIL import Image

from qisd.imaging.channels import colour_space
from qisd.imaging.decoders.faults import decoding
from qisd.imaging.geometry import Plan, Size
from qisd.imaging.picture import DecodeLimits, SourceInfo
from qisd.imaging.profiles import embedded_profile
from qisd.imaging.reduction import sufficient_size
from qisd.imaging.resample import Filter, TransferCurve, resize
from qisd.imaging.source import open_source
from qisd.imaging.spec import ImageSpec

LEAST_AREA = 1_500_000
"""Pixels of a source below which decoding it takes no longer than making and keeping a base."""

SMALLEST = 256
"""Pixels of the longer side below which there are no steps."""

LARGER_LOOKED_FOR = 2
"""Steps above the smallest that is large enough, which will do as well if that one is not there."""

_LOSSY = frozenset({"jpg", "pjpg", "webp", "avif", "jp2", "jpx", "j2k"})
_QUALITY = 95

_MAKING = 10
"""Bytes per pixel of the source besides it: the largest step, and the encoder with its file."""

_PHOTOGRAPHIC = ("L", "RGB", "CMYK")
_OTHERS = ("L", "LA", "RGB", "RGBA")


@attrs.frozen(kw_only=True)
class Base:
    """A base, as a file.

    :param level: its step, 1 or more: both sides are those of the source, divided by the square root of two so often.
    """

    level: int
    data: bytes = attrs.field(repr=False)


def level_size(natural: Size, level: int) -> Size:
    """The size of a step, rounded up."""
    factor = 2 ** (level / 2)
    return Size(max(1, math.ceil(natural.width / factor)), max(1, math.ceil(natural.height / factor)))


def levels_for(info: SourceInfo, spec: ImageSpec, plan: Plan) -> list[int]:
    """The steps from which the rendition may be made, the best first; none: it takes the source itself."""
    natural = Size(info.width, info.height)
    needed = sufficient_size(spec, plan)
    if needed is None or not _has_bases(info):
        return []
    best = 0
    while _sufficient(level_size(natural, best + 1), needed) and _is_step(natural, best + 1):
        best += 1
    return list(range(best, max(0, best - 1 - LARGER_LOOKED_FOR), -1))


def memory(info: SourceInfo) -> int:
    """The most bytes that making bases takes."""
    return info.decoder_bytes + info.decoded_bytes + info.width * info.height * _MAKING


def make(
    source: BinaryIO,
    info: SourceInfo,
    *,
    extension: str,
    page: int | None,
    level: int,
    all_below: bool,
    limits: DecodeLimits,
    auto_orient: bool,
    gamma_correct: bool,
    checkpoint: Callable[[], None],
) -> list[Base]:
    """The base of ``level``, made of the whole source.

    :param info: as :func:`levels_for` got it.
    :param all_below: also those of all smaller steps.
    :raises Unsupported: the source can't be decoded.
    """
    opened = open_source(source, extension=extension, page=page, limits=limits, auto_orient=auto_orient)
    with decoding():
        picture = opened.load(None, checkpoint)
    if picture.image.mode not in _modes(info):
        return []
    natural, image = picture.full_size, picture.image
    curve: Sequence[TransferCurve] | TransferCurve | None = None
    if gamma_correct and image.mode != "CMYK":
        profile = embedded_profile(picture.icc, colour_space(image.mode))
        curve = profile.curves if profile else TransferCurve.srgb()
    del picture
    made: list[Base] = []
    while _is_step(natural, level) and (all_below or not made):
        checkpoint()
        size = level_size(natural, level)
        image = resize(image, (size.width, size.height), filter=Filter.LANCZOS, curve=curve)
        made.append(Base(level=level, data=_encoded(image, info)))
        level += 1
    return made


def pixels(data: bytes) -> Image.Image | None:
    """The picture of a base; None if it is damaged."""
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
            image.load()
            picture = image._new(image.im)
    except (OSError, ValueError, SyntaxError):
        return None
    picture.info = {}
    return picture


def _has_bases(info: SourceInfo) -> bool:
    return info.width * info.height >= LEAST_AREA and info.mode in _modes(info)


def _modes(info: SourceInfo) -> tuple[str, ...]:
    return _PHOTOGRAPHIC if _is_photographic(info) else _OTHERS


def _is_photographic(info: SourceInfo) -> bool:
    return info.format in _LOSSY and not info.has_alpha


def _is_step(natural: Size, level: int) -> bool:
    size = level_size(natural, level)
    return max(size.width, size.height) >= SMALLEST


def _sufficient(size: Size, needed: Size) -> bool:
    return size.width >= needed.width and size.height >= needed.height


def _encoded(image: Image.Image, info: SourceInfo) -> bytes:
    out = io.BytesIO()
    if _is_photographic(info):
        image.save(out, "JPEG", quality=_QUALITY, subsampling="4:2:0")
    else:
        image.save(out, "PNG", compress_level=1)
    return out.getvalue()
