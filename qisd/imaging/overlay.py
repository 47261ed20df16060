"""One image laid over another."""

from __future__ import annotations

from PIL import Image

from qisd.imaging.channels import eight_bits, has_alpha, joined
from qisd.imaging.colour import Coloured, matched
from qisd.imaging.geometry import Box
from qisd.imaging.profiles import ProfileStore
from qisd.imaging.spec import UNIT


def overlaid(main: Coloured, overlay: Coloured, *, box: Box, opacity: int | None, store: ProfileStore) -> Image.Image:
    """``main`` with ``overlay`` composited over it, in the mode of ``main`` (16 bits and 1 bit become 8).

    :param overlay: of the size of ``box``; converted to the colours of ``main``.
    :param opacity: what its alpha is multiplied with, in 1/100000; None is 1.
    """
    colours, alpha = matched(overlay, main, store)
    if opacity is not None:
        alpha = Image.new("L", colours.size, 255) if alpha is None else alpha
        alpha = alpha.point([(value * opacity + UNIT // 2) // UNIT for value in range(256)])
    image = eight_bits(main.image)
    # Onto a copy, if it is not one already: the picture may be shared.
    image = image.copy() if image is main.image else image
    place = (box.left, box.top, box.right, box.bottom)
    if has_alpha(image.mode):
        alpha = Image.new("L", colours.size, 255) if alpha is None else alpha
        image.paste(Image.alpha_composite(image.crop(place), joined(colours, alpha)), place)
    else:
        image.paste(colours, place, alpha)
    return image
