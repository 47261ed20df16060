"""Resizing in linear light with Pillow alone: the reference for the C resampler, and what runs where that is missing.

Each band becomes a float image of linear light, is resized as such, and goes back through a table. Clear rather than
quick: about ten times the time of the extension, and 4 bytes of memory per sample.
"""

from __future__ import annotations

import itertools
import sys
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from PIL import Image, ImageMath

from qisd.imaging.transfer import TABLE_ENTRIES, TransferCurve, decode_table, encode_table

HALF_STEP = 0.5 / 255
"""Alpha below this is 0, and so is the colour there."""


def resize(
    image: Image.Image,
    size: tuple[int, int],
    *,
    resampling: Image.Resampling,
    curves: Sequence[TransferCurve],
    box: tuple[float, float, float, float],
) -> Image.Image:
    """As :func:`qisd.imaging.resample.resize`, with arguments checked there; one curve per colour channel."""

    def scaled(band: Image.Image) -> Image.Image:
        return band.resize(size, resampling, box)

    if image.mode == "I;16":
        return _to_16(scaled(_from_16(image, curves[0])), curves[0])
    bands = image.split()
    light = [_from_8(band, curve) for band, curve in zip(bands, curves, strict=False)]
    if not image.mode.endswith("A"):
        return Image.merge(image.mode, [_to_8(scaled(band), curve) for band, curve in zip(light, curves, strict=True)])
    alpha = _from_8(bands[-1], TransferCurve.identity())
    scaled_alpha = scaled(alpha)
    coded = [
        _to_8(_divided(scaled(_multiplied(band, alpha)), scaled_alpha), curve)
        for band, curve in zip(light, curves, strict=True)
    ]
    return Image.merge(image.mode, [*coded, _to_8(scaled_alpha, TransferCurve.identity())])


def _from_8(band: Image.Image, curve: TransferCurve) -> Image.Image:
    return band.point(list(decode_table(curve, 256)), "F")


def _calculated(expression: Any, **images: Image.Image) -> Image.Image:
    result = ImageMath.lambda_eval(expression, **images)
    assert isinstance(result, Image.Image)  # noqa: S101 - of float images, it always is
    return result


def _multiplied(band: Image.Image, alpha: Image.Image) -> Image.Image:
    return _calculated(lambda args: args["band"] * args["alpha"], band=band, alpha=alpha)


def _divided(band: Image.Image, alpha: Image.Image) -> Image.Image:
    """Straight colour; Pillow's division by 0 gives 0."""
    return _calculated(
        lambda args: args["band"] / (args["alpha"] * args["float"](args["alpha"] >= HALF_STEP)), band=band, alpha=alpha
    )


def _to_8(band: Image.Image, curve: TransferCurve) -> Image.Image:
    """Through a table over the fourth root of light, which keeps the shadows of any usual curve apart."""
    band = _calculated(lambda args: args["min"](args["max"](args["band"], 0.0), 1.0), band=band)
    if curve.is_identity:
        codes = _calculated(lambda args: args["band"] * 255.0 + 0.5, band=band)
        return codes.convert("I").point(_plain_codes(), "L")
    root = _calculated(lambda args: args["band"] ** 0.25 * (TABLE_ENTRIES - 1.0) + 0.5, band=band)
    return root.convert("I").point(_codes(curve), "L")


@lru_cache(maxsize=1)
def _plain_codes() -> list[int]:
    return [min(code, 255) for code in range(TABLE_ENTRIES)]


@lru_cache(maxsize=16)
def _codes(curve: TransferCurve) -> list[int]:
    return list(encode_table(curve, lambda light: light**0.25 * (TABLE_ENTRIES - 1) + 0.5))


def _from_16(image: Image.Image, curve: TransferCurve) -> Image.Image:
    codes = array("H", image.tobytes())
    if sys.byteorder == "big":
        codes.byteswap()
    light = array("f", map(decode_table(curve, TABLE_ENTRIES).__getitem__, codes))
    return Image.frombytes("F", image.size, light.tobytes(), "raw", "F;32NF")


def _to_16(band: Image.Image, curve: TransferCurve) -> Image.Image:
    begins = _begins_16(curve)
    codes = array("H", (bisect_right(begins, light) for light in array("f", band.tobytes("raw", "F;32NF"))))
    if sys.byteorder == "big":
        codes.byteswap()
    return Image.frombytes("I;16", band.size, codes.tobytes())


@lru_cache(maxsize=4)
def _begins_16(curve: TransferCurve) -> array[float]:
    """The light at which each 16-bit code from 1 on begins."""
    light = decode_table(curve, TABLE_ENTRIES)
    return array("d", ((low + high) / 2 for low, high in itertools.pairwise(light)))
