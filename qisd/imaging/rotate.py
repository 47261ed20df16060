"""Rotation by any angle."""

from __future__ import annotations

import math

from PIL import Image

from qisd.imaging.channels import continuous, has_alpha
from qisd.imaging.ground import Ground
from qisd.imaging.spec import UNIT

QUARTER_TURN = 90 * UNIT
_TURNS = {
    1: Image.Transpose.ROTATE_270,
    2: Image.Transpose.ROTATE_180,
    3: Image.Transpose.ROTATE_90,
}
"""By quarter turns clockwise; Pillow counts the other way."""

_PREMULTIPLIED = {"RGBA": "RGBa", "LA": "La", "I;16": "F"}
BORDER = 1


def quarter_turned(image: Image.Image, rotation: int) -> Image.Image:
    """The image turned clockwise by a multiple of 90°, in 1/100000 degree; pixel by pixel."""
    return image.transpose(_TURNS[rotation // QUARTER_TURN])


def turned(
    image: Image.Image,
    rotation: int,
    *,
    canvas: tuple[float, float],
    centre: tuple[float, float],
    ground: Ground,
    quality: int,
) -> Image.Image:
    """The image turned clockwise around its centre, on a canvas of its own with the same centre.

    :param rotation: in 1/100000 degree.
    :param canvas: exact size of the canvas in pixels of the image; rounded up for the result, whose right and lower
        edge may thus lie a bit beyond it.
    :param centre: of the picture, in pixels of the image.
    :param ground: what shows in the corners.
    :param quality: 1 nearest neighbour, 2 bilinear, 3 bicubic.
    """
    image = continuous(image)
    mode = image.mode
    ink = ground.ink(mode)
    if quality > 1:
        # The edge is blended with the ground instead of ending in steps.
        image = _bordered(image, ink)
        centre = (centre[0] + BORDER, centre[1] + BORDER)
        if mode in _PREMULTIPLIED:
            image = image.convert(_PREMULTIPLIED[mode])
            ink = (0,) * len(ink) if has_alpha(mode) and not ink[-1] else ink
    radians = math.radians(rotation / UNIT)
    cosine, sine = math.cos(radians), math.sin(radians)
    left, top = canvas[0] / 2, canvas[1] / 2
    # From a place on the canvas back to the place in the picture.
    back = (
        *(cosine, sine, centre[0] - cosine * left - sine * top),
        *(-sine, cosine, centre[1] + sine * left - cosine * top),
    )
    size = math.ceil(canvas[0]), math.ceil(canvas[1])
    result = image.transform(size, Image.Transform.AFFINE, back, _RESAMPLING[quality], fillcolor=_scalar(ink))
    del image
    if result.mode == "F":
        return result.point(lambda value: value * 1 + 0.5).convert("I").convert("I;16")
    # To the same mode, convert() would copy.
    return result if result.mode == mode else result.convert(mode)


_RESAMPLING = {1: Image.Resampling.NEAREST, 2: Image.Resampling.BILINEAR, 3: Image.Resampling.BICUBIC}


def _bordered(image: Image.Image, ink: tuple[int, ...]) -> Image.Image:
    framed = Image.new(image.mode, (image.width + 2 * BORDER, image.height + 2 * BORDER), _scalar(ink))
    framed.paste(image, (BORDER, BORDER))
    return framed


def _scalar(ink: tuple[int, ...]) -> int | tuple[int, ...]:
    return ink if len(ink) > 1 else ink[0]
