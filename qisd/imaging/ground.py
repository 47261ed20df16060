"""The fill colour: what shows in the padding, in the corners of a rotated picture, and through flattened alpha."""

from __future__ import annotations

from array import array
from statistics import median_low

import attrs
from PIL import Image

from qisd.errors import Unsupported
from qisd.imaging.channels import eight_bits, has_alpha, opaque_and_alpha
from qisd.imaging.colour import WHITE, Coloured, matched
from qisd.imaging.fill import AUTOMATIC, TRANSPARENT, parse_colour
from qisd.imaging.profiles import ProfileStore

Ink = tuple[int, ...]


@attrs.frozen(eq=False)
class Ground:
    """A fill colour in the colours of an image.

    :param swatch: one opaque pixel of it, in the image's colour space (RGB, L, CMYK or I;16).
    :param transparent: fully transparent, wherever the image has alpha.
    """

    swatch: Image.Image
    transparent: bool = False

    def ink(self, mode: str) -> Ink:
        """Its pixel in a mode of the same colour space, for ``Image.new``."""
        if self.transparent and has_alpha(mode):
            return (0,) * Image.getmodebands(mode)
        swatch = self.swatch if mode == "I;16" else eight_bits(self.swatch)
        value = swatch.getpixel((0, 0))
        channels = value if isinstance(value, tuple) else (int(value or 0),)
        return (*channels, 255) if has_alpha(mode) else channels

    def rgb(self) -> tuple[int, int, int]:
        """Red, green and blue; white for transparent. Not for CMYK."""
        if self.transparent:
            return WHITE
        red, green, blue, *_ = eight_bits(self.swatch).convert("RGB").tobytes()
        return red, green, blue


def chosen_ground(fill: str | None, picture: Coloured, *, needed: bool, store: ProfileStore) -> Ground:
    """The ground that the option ``fill`` asks for, in the colours of the picture.

    :param needed: whether some of it is going to be seen; if not, a text that is no colour is ignored.
    :raises Unsupported: the text is no colour, and one is needed.
    """
    if fill == AUTOMATIC:
        return Ground(_frame_colour(picture))
    if fill == TRANSPARENT:
        return Ground(_swatch(WHITE, picture, store), transparent=True)
    colour = WHITE
    if fill is not None:
        try:
            colour = parse_colour(fill)
        except Unsupported:
            if needed:
                raise
    return Ground(_swatch(colour, picture, store))


def _swatch(colour: tuple[int, int, int], picture: Coloured, store: ProfileStore) -> Image.Image:
    pixel, _ = matched(Coloured(Image.new("RGB", (1, 1), colour), None), picture, store)
    return _sixteen_bits(pixel) if picture.image.mode == "I;16" else pixel


def _sixteen_bits(pixel: Image.Image) -> Image.Image:
    return Image.new("I;16", (1, 1), pixel.tobytes()[0] * 257)


def _frame_colour(picture: Coloured) -> Image.Image:
    """The median, channel by channel, of the outermost frame, one pixel wide; white if all of it is transparent."""
    image = picture.image
    width, height = image.size
    boxes = {(0, 0, width, 1), (0, height - 1, width, height), (0, 1, 1, height - 1), (width - 1, 1, width, height - 1)}
    pixels: list[Ink] = []
    for left, top, right, bottom in boxes:
        if right > left and bottom > top:
            pixels += _visible(image.crop((left, top, right, bottom)))
    mode = "L" if image.mode in ("1", "LA") else image.mode.replace("RGBA", "RGB")
    if not pixels:
        return Image.new(mode, (1, 1), "white" if mode != "I;16" else 65535)
    medians = tuple(median_low(channel) for channel in zip(*pixels, strict=True))
    return Image.new(mode, (1, 1), medians if len(medians) > 1 else medians[0])


def _visible(strip: Image.Image) -> list[Ink]:
    """The pixels of a strip that are not fully transparent, without alpha."""
    if strip.mode == "I;16":
        return [(value,) for value in array("H", strip.tobytes())]
    colours, alpha = opaque_and_alpha(eight_bits(strip))
    pixels = list(zip(*(band.tobytes() for band in colours.split()), strict=True))
    if alpha is None:
        return pixels
    return [pixel for pixel, opacity in zip(pixels, alpha.tobytes(), strict=True) if opacity]
