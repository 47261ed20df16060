"""Sharpening and blurring."""

from __future__ import annotations

from PIL import Image, ImageFilter

from qisd.imaging.channels import eight_bits, joined, opaque_and_alpha

RADIUS = 1
THRESHOLD = 2


def sharpened(image: Image.Image, amount: int) -> Image.Image:
    """The image sharpened by an unsharp mask, or blurred if the amount is negative. 16 bits become 8.

    :param amount: −500 … 500. Above 0 it is the strength of the mask in percent (σ = 1 pixel, differences of up to 2
        of 255 are left alone); below 0 it is σ of a Gaussian blur in 1/100 pixel.

    Alpha stays as it is. Where it is 0 there is no colour: what lies near takes that of the visible pixels around.
    """
    image = eight_bits(image)
    colours, alpha = opaque_and_alpha(image)
    if amount < 0:
        return joined(_blurred(image, -amount / 100), alpha)
    if alpha is not None:
        colours = Image.composite(colours, _blurred(image, RADIUS), alpha.point(lambda value: 255 if value else 0))
    return joined(colours.filter(ImageFilter.UnsharpMask(RADIUS, amount, THRESHOLD)), alpha)


def _blurred(image: Image.Image, sigma: float) -> Image.Image:
    """The colours alone, each weighted with its alpha."""
    blur = ImageFilter.GaussianBlur(sigma)
    if image.mode not in ("RGBA", "LA"):
        return image.filter(blur)
    premultiplied = image.convert("RGBa" if image.mode == "RGBA" else "La")
    return opaque_and_alpha(premultiplied.filter(blur).convert(image.mode))[0]
