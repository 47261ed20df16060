"""Pillow's pixel modes: what they hold, and how one becomes another without a change of colours."""

from __future__ import annotations

from PIL import Image

_SPACES = {"CMYK": "CMYK", "RGB": "RGB", "RGBA": "RGB"}
_WITH_ALPHA = {"L": "LA", "LA": "LA", "RGB": "RGBA", "RGBA": "RGBA"}


def colour_space(mode: str) -> str:
    """``RGB``, ``CMYK`` or ``GRAY``, for the modes that :func:`expanded` gives."""
    return _SPACES.get(mode, "GRAY")


def has_alpha(mode: str) -> bool:
    return mode in ("RGBA", "LA")


def expanded(image: Image.Image) -> Image.Image:
    """The image in one of the modes ``1``, ``L``, ``LA``, ``RGB``, ``RGBA``, ``CMYK``, ``I;16``.

    Palettes become RGB, or RGBA if any of their colours is transparent; a colour that is declared transparent becomes
    alpha.
    """
    if image.mode in ("P", "PA"):
        return _without_key(image.convert("RGBA" if image.mode == "PA" or image.has_transparency_data else "RGB"))
    if "transparency" in image.info and image.mode in ("1", "L", "RGB"):
        return _without_key(image.convert("RGBA" if image.mode == "RGB" else "LA"))
    return image


def _without_key(image: Image.Image) -> Image.Image:
    image.info.pop("transparency", None)
    return image


def continuous(image: Image.Image) -> Image.Image:
    """The image in a mode that has shades between black and white: 1 bit becomes 8."""
    return image.convert("L") if image.mode == "1" else image


def eight_bits(image: Image.Image) -> Image.Image:
    """The image with 8 bits per channel: 16 are scaled down, not cut off; 1 becomes 8."""
    if image.mode == "I;16":
        return image.convert("I").point(lambda value: value * (1 / 257) + 0.5).convert("L")
    return continuous(image)


def with_alpha(image: Image.Image) -> Image.Image:
    """The image with an alpha channel, opaque if it had none; not for CMYK.

    Pillow has no 16-bit grey with alpha, so that becomes 8 bits.
    """
    image = eight_bits(image)
    return image.convert(_WITH_ALPHA[image.mode])


def opaque_and_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Colours without alpha, and alpha, if there is one."""
    if not has_alpha(image.mode):
        return image, None
    # Not by convert(), which may do more than to drop the channel.
    bands = image.split()
    return (bands[0] if len(bands) == 2 else Image.merge("RGB", bands[:3])), bands[-1]


def joined(colours: Image.Image, alpha: Image.Image | None) -> Image.Image:
    """The reverse of :func:`opaque_and_alpha`."""
    if alpha is None:
        return colours
    return Image.merge("LA" if colours.mode == "L" else "RGBA", [*colours.split(), alpha])


def flattened(image: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    """The image on an opaque ground of a colour (in the image's own space)."""
    colours, alpha = opaque_and_alpha(image)
    if alpha is None:
        return image
    ground = Image.new("RGB", (1, 1), colour).convert(colours.mode).resize(image.size)
    return Image.composite(colours, ground, alpha)
