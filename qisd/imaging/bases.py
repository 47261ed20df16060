"""Bases: reduced copies of large sources, from which smaller renditions are made without decoding the source again.

They are steps of a ladder, each the one before divided by the square root of two, so that which one a rendition needs
follows from sizes alone. A base is the upright, whole picture in the source's own colours, reduced in linear light;
nothing of what was asked for is in it. It is good enough for renditions of half its size at most, as is a picture that
a decoder has reduced: what it is kept in (JPEG, for what comes from photographs) does not show there.

A rendition that can be made from a base always is, also when that has to be made first: the same picture comes out,
whatever is in a cache.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import attrs
from PIL import Image

from qisd.imaging.channels import colour_space
from qisd.imaging.decoders import Opened
from qisd.imaging.geometry import Plan, Size
from qisd.imaging.picture import Picture, SourceInfo
from qisd.imaging.profiles import embedded_profile
from qisd.imaging.reduction import sufficient_size
from qisd.imaging.resample import Filter, TransferCurve, resize
from qisd.imaging.spec import ImageSpec

SMALLEST = 640
"""Pixels of the longer side below which there are no steps: the smaller a rendition, the more shows in it."""

_LOSSY = frozenset({"jpg", "pjpg", "webp", "avif", "jp2", "jpx", "j2k"})

JPEG: Mapping[str, Any] = MappingProxyType({"quality": 94, "subsampling": "4:4:4"})
"""How pictures of which smaller ones are going to be made are kept as JPEG. With this and the smallest step, renditions
of photographs 100 … 600 pixels wide had an SSIMULACRA2 of 88.7 and more (``bench/bases.py``). Chroma is kept in full:
reduced, it took 20 from that, and more bytes for the same."""

_MAKING = 12
"""Bytes per pixel of the base: its pixels, those that the resampler and the encoder hold, and the file."""

_PHOTOGRAPHIC = ("L", "RGB", "CMYK")
_OTHERS = ("L", "LA", "RGB", "RGBA")


def level_size(natural: Size, level: int) -> Size:
    """The size of a step, rounded up."""
    factor = 2 ** (level / 2)
    return Size(max(1, math.ceil(natural.width / factor)), max(1, math.ceil(natural.height / factor)))


def level_for(info: SourceInfo, spec: ImageSpec, plan: Plan, *, least_area: int) -> int:
    """The step from which the rendition is made: the smallest that is large enough; 0: the source itself.

    :param least_area: pixels of a source below which it has no bases; 0: none has.
    """
    natural = Size(info.width, info.height)
    needed = sufficient_size(spec, plan)
    if needed is None or not 0 < least_area <= info.width * info.height or info.mode not in _modes(info):
        return 0
    best = 0
    while _sufficient(level_size(natural, best + 1), needed) and _is_step(natural, best + 1):
        best += 1
    return best


def memory(info: SourceInfo, level: int) -> int:
    """The most bytes that making a base takes."""
    size = level_size(Size(info.width, info.height), level)
    return info.decoder_bytes + info.decoded_bytes + size.width * size.height * _MAKING


def make(picture: Picture, info: SourceInfo, level: int, *, gamma_correct: bool) -> bytes | None:
    """The base of a step, as a file; None if the pixels turn out to be of a kind that has none.

    :param picture: the whole source, at its full size.
    """
    image = picture.image
    if image.mode not in _modes(info) or "transparency" in image.info:
        return None
    curve: Sequence[TransferCurve] | TransferCurve | None = None
    if gamma_correct and image.mode != "CMYK":
        profile = embedded_profile(picture.icc, colour_space(image.mode))
        curve = profile.curves if profile else TransferCurve.srgb()
    size = level_size(picture.full_size, level)
    return _encoded(resize(image, (size.width, size.height), filter=Filter.LANCZOS, curve=curve), info)


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


def picture(opened: Opened, data: bytes) -> Picture | None:
    """What :meth:`Opened.load` gives, of a base; None if that is damaged."""
    image = pixels(data)
    return None if image is None else attrs.evolve(opened.with_pixels(image), reduced=Size(*image.size))


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
        image.save(out, "JPEG", **JPEG)
    else:
        image.save(out, "PNG", compress_level=1)
    return out.getvalue()
