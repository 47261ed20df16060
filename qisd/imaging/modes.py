"""Pixel layouts: from whatever a source has to the few that the rest works with.

Working modes are ``L``, ``LA``, ``RGB``, ``RGBA``, ``CMYK`` and ``I;16`` (grey, 16 bits, in the machine's byte order).
Pillow has no 16-bit colour: such sources come as 8 bits from the decoder, the lower halves cut off.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from PIL import Image, ImageMath

WORKING_MODES = ("L", "LA", "RGB", "RGBA", "CMYK", "I;16")

_MODES = {
    "1": "L", "La": "LA", "PA": "RGBA", "RGBa": "RGBA", "RGBX": "RGB", "YCbCr": "RGB", "HSV": "RGB", "LAB": "RGB",
    "I;16L": "I;16", "I;16B": "I;16", "I;16N": "I;16",
}  # fmt: skip

_FULL = 65535
_LARGEST = 1e38
"""Larger numbers are taken for this one; differences of two such still are numbers."""


def to_working_mode(image: Image.Image) -> Image.Image:
    """The same picture in one of :data:`WORKING_MODES`; the image itself if it has one.

    Palettes become ``RGB``, or ``RGBA`` where an entry or a colour is transparent; 1 bit becomes ``L``; Lab becomes
    sRGB, so that an embedded profile is void. Numbers without an agreed white are taken as grey: integers of 0 … 65535
    as they are, other ranges stretched between the smallest and the largest value; floating-point numbers of 0 … 1
    times 65535, other ranges stretched likewise (what is not a number becomes black).
    """
    if image.mode in ("I", "F"):
        return _sixteen_bits(image)
    if "transparency" in image.info and image.mode in ("1", "L", "I;16", "RGB"):
        return _with_alpha(image)
    if image.mode == "P":
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    mode = _MODES.get(image.mode)
    return image if mode is None else image.convert(mode)


def to_eight_bits(image: Image.Image) -> Image.Image:
    """``I;16`` scaled, not clipped, to ``L``; other modes unchanged."""
    if image.mode != "I;16":
        return image
    return image.point(lambda value: value / 257 + 0.5).convert("L")


def _with_alpha(image: Image.Image) -> Image.Image:
    """One colour of the source is declared transparent."""
    if image.mode == "RGB":
        return image.convert("RGBA")
    if image.mode == "I;16":
        transparent = int(image.info["transparency"])
        alpha = _computed(
            image.convert("I"), lambda names: names["convert"]((names["image"] != transparent) * 255, "L")
        )
        return Image.merge("LA", (to_eight_bits(image), alpha))
    return image.convert("LA")


def _sixteen_bits(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        # Each comparison is false for what is not a number, so the first limit gets rid of it.
        lowest = _extrema(_at_least(_at_most(image, _LARGEST), -_LARGEST))[0]
        image = _at_most(_at_least(image, -_LARGEST), _LARGEST)
        highest, white = _extrema(image)[1], 1.0
        image = _at_least(image, lowest)
    else:
        (lowest, highest), white = _extrema(image), float(_FULL)
    if lowest >= 0 and highest <= white:
        lowest = 0.0
        if image.mode == "I":
            return image.convert("I;16")
    else:
        white = highest
    if white <= lowest:
        return Image.new("I;16", image.size)
    scale = _FULL / (white - lowest)
    return _computed(
        image, lambda names: names["convert"]((names["float"](names["image"]) - lowest) * scale + 0.5, "I")
    ).convert("I;16")


def _extrema(image: Image.Image) -> tuple[float, float]:
    lowest, highest = image.getextrema()
    assert isinstance(lowest, int | float) and isinstance(highest, int | float)  # noqa: S101, PT018 – one band
    return float(lowest), float(highest)


def _at_least(image: Image.Image, limit: float) -> Image.Image:
    return _computed(image, lambda names: names["max"](names["image"], limit))


def _at_most(image: Image.Image, limit: float) -> Image.Image:
    return _computed(image, lambda names: names["min"](names["image"], limit))


def _computed(image: Image.Image, expression: Callable[[dict[str, Any]], Any]) -> Image.Image:
    return cast("Image.Image", ImageMath.lambda_eval(expression, image=image))
