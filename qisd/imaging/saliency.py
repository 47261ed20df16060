"""A guess at what a picture is about: where a crop should keep what it shows.

What differs from its surroundings draws the eye, in light and above all in colour; so do skins. That is measured on a
picture of a few thousand pixels. Integers only, so that every machine guesses alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import attrs
from PIL import Image, ImageChops, ImageFilter

from qisd.imaging.spec import UNIT, Focus

GUESS = 1
"""To be raised whenever pictures are to be looked at again."""

_SIDE = 64
"""Pixels of the longer side of what is looked at."""

_REDUCIBLE = frozenset({"L", "LA", "RGB", "RGBA", "CMYK"})

_DETAIL, _SURROUNDINGS = 1, 12
"""Radii of the blurs whose difference is what stands out."""

_FAINT = 12
"""What stands out less, of 255, is noise: there is nothing in the picture."""

_SKIN_CB, _SKIN_CR = (77, 127), (135, 173)
_SKIN = 48
"""What skin counts for, of 255."""

_COLOUR = 2
"""How much more a difference in colour counts than one in light."""

_STEPS = 3
_FINE = 16


@attrs.frozen(kw_only=True)
class _Weights:
    """How much each pixel counts, row by row."""

    rows: Sequence[Sequence[int]]

    def places(self) -> Iterator[tuple[int, int, int]]:
        """Of each pixel that counts, how much, and its middle in 1/16 of a pixel."""
        for y, row in enumerate(self.rows):
            for x, weight in enumerate(row):
                if weight:
                    yield weight, x * _FINE + _FINE // 2, y * _FINE + _FINE // 2


def guessed_focus(image: Image.Image) -> Focus | None:
    """The place of ``image`` that a crop should keep; None: no place is better than another.

    :param image: upright. One of a hundred pixels on its longer side is as good as any larger one.
    """
    small, seen = _reduced(image)
    interest = ImageChops.multiply(_standing_out(small), seen)
    weights = _weights(interest)
    if weights is None:
        return None
    x, y = _centre(weights, small.size)
    width, height = small.size
    return Focus(x=x * UNIT // (width * _FINE), y=y * UNIT // (height * _FINE))


def _reduced(image: Image.Image) -> tuple[Image.Image, Image.Image]:
    """A small RGB picture, and how opaque it is."""
    factor = max(image.size) // _SIDE
    if factor > 1 and image.mode in _REDUCIBLE:  # what follows touches every pixel several times
        image = image.reduce(factor)
    whole = image.convert("RGBA" if "A" in image.getbands() or "transparency" in image.info else "RGB")
    longer = max(whole.size)
    if longer > _SIDE:
        width, height = (max(1, side * _SIDE // longer) for side in whole.size)
        whole = whole.resize((width, height), Image.Resampling.BOX)
    if whole.mode == "RGB":
        return whole, Image.new("L", whole.size, 255)
    ground = Image.new("RGBA", whole.size, "white")
    ground.alpha_composite(whole)
    return ground.convert("RGB"), whole.getchannel("A")


def _standing_out(small: Image.Image) -> Image.Image:
    light, blue, red = small.convert("YCbCr").split()
    contrast = _contrast(light)
    for colour in (blue, red):
        contrast = ImageChops.add(contrast, _contrast(colour).point(lambda value: min(255, _COLOUR * value)))
    skin = ImageChops.darker(_within(blue, *_SKIN_CB), _within(red, *_SKIN_CR)).point(lambda value: min(value, _SKIN))
    return ImageChops.add(contrast, skin.filter(ImageFilter.BoxBlur(_DETAIL)))


def _contrast(channel: Image.Image) -> Image.Image:
    surroundings = channel.filter(ImageFilter.BoxBlur(_SURROUNDINGS))
    return ImageChops.difference(channel.filter(ImageFilter.BoxBlur(_DETAIL)), surroundings)


def _within(channel: Image.Image, low: int, high: int) -> Image.Image:
    return channel.point(lambda value: 255 if low <= value <= high else 0)


def _weights(interest: Image.Image) -> _Weights | None:
    """The square of what each pixel has above the average: much in few places beats little everywhere."""
    width, height = interest.size
    values = interest.tobytes()
    average = sum(values) // len(values)
    if max(values) - average < _FAINT:
        return None
    rows = [
        [max(0, value - average) ** 2 for value in values[row * width : (row + 1) * width]] for row in range(height)
    ]
    return _Weights(rows=rows)


def _centre(weights: _Weights, size: tuple[int, int]) -> tuple[int, int]:
    """The centre of gravity; then, of what is around it, so that something far away does not count."""
    reach = max(size) * _FINE * 2 // 5
    x, y = _gravity(weights.places()) or (size[0] * _FINE // 2, size[1] * _FINE // 2)
    for _ in range(_STEPS):
        near = (
            (weight * nearness, px, py)
            for weight, px, py in weights.places()
            if (nearness := reach * reach - (px - x) ** 2 - (py - y) ** 2) > 0
        )
        x, y = _gravity(near) or (x, y)
    return x, y


def _gravity(places: Iterable[tuple[int, int, int]]) -> tuple[int, int] | None:
    total = across = down = 0
    for weight, x, y in places:
        total += weight
        across += weight * x
        down += weight * y
    return (across // total, down // total) if total else None
