"""Reducing colours to a palette of 256."""

from __future__ import annotations

from PIL import Image

COLOURS = 256
LAST_TRANSPARENT_ALPHA = 128
"""Pixels are transparent or not, without anything between; these and fainter ones are."""


def to_palette(image: Image.Image) -> Image.Image:
    """A ``P`` image of an 8-bit one: exact if it has few enough colours, else the nearest with error diffusion.

    Transparent pixels get a colour of their own, which ``info["transparency"]`` names.
    """
    if not image.has_transparency_data:
        return _reduced(image.convert("RGB"), COLOURS)
    transparent = image.getchannel("A").point(lambda alpha: 255 * (alpha <= LAST_TRANSPARENT_ALPHA))
    opaque = image.convert("RGB")
    # Whatever colour is hidden behind transparent pixels shall not take a place in the palette.
    opaque.paste(_some_opaque_colour(opaque, transparent), mask=transparent)
    reduced = _reduced(opaque, COLOURS - 1)
    index = len(reduced.getpalette() or ()) // 3
    reduced.putpalette([*(reduced.getpalette() or ()), 0, 0, 0])
    reduced.paste(index, mask=transparent)
    reduced.info["transparency"] = index
    return reduced


def _some_opaque_colour(image: Image.Image, transparent: Image.Image) -> tuple[int, ...]:
    box = transparent.point(lambda value: 255 - value).getbbox()
    if box is None:
        return (0, 0, 0)
    row = transparent.crop((box[0], box[1], box[2], box[1] + 1)).tobytes()
    colour = image.getpixel((box[0] + row.index(0), box[1]))
    assert isinstance(colour, tuple)  # noqa: S101 – an RGB image's pixels are
    return colour


def _reduced(image: Image.Image, colours: int) -> Image.Image:
    palette = image.quantize(colours, method=Image.Quantize.MEDIANCUT)
    if image.getcolors(colours) is not None:
        return palette
    return image.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
