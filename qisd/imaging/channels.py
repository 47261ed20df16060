"""Alpha beside colours, and depth: small changes of an image's mode that leave its colours alone."""

from __future__ import annotations

from PIL import Image

from qisd.imaging.modes import to_eight_bits

_SPACES = {"CMYK": "CMYK", "RGB": "RGB", "RGBA": "RGB"}
_WITH_ALPHA = {"L": "LA", "LA": "LA", "RGB": "RGBA", "RGBA": "RGBA"}


def colour_space(mode: str) -> str:
    """``RGB``, ``CMYK`` or ``GRAY``, for the working modes and ``1``."""
    return _SPACES.get(mode, "GRAY")


def has_alpha(mode: str) -> bool:
    return mode in ("RGBA", "LA")


def continuous(image: Image.Image) -> Image.Image:
    """The image in a mode that has shades between black and white: 1 bit becomes 8."""
    return image.convert("L") if image.mode == "1" else image


def eight_bits(image: Image.Image) -> Image.Image:
    """The image with 8 bits per channel, whether it had 16 or 1."""
    return continuous(to_eight_bits(image))


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
