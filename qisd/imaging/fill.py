"""Fill colours: the spellings that are understood, and one spelling for each colour."""

from __future__ import annotations

import re
from types import MappingProxyType

from PIL import ImageColor

from qisd.errors import Unsupported
from qisd.imaging.values import without_blanks

WHITE = (255, 255, 255)
TRANSPARENT = "none"
AUTOMATIC = "auto"

_HEX = re.compile(r"#?([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})")
_SHORT_HEX = re.compile(r"#([0-9a-f])([0-9a-f])([0-9a-f])")
_RGB = re.compile(r"rgb\(([0-9]{1,3}),([0-9]{1,3}),([0-9]{1,3})\)")

_Colour = tuple[int, int, int]


def _named_colours() -> dict[str, _Colour]:
    table: dict[str, _Colour] = {}
    for name in ImageColor.colormap:
        red, green, blue = ImageColor.getrgb(name)[:3]
        table[name] = (red, green, blue)
    for percent in range(101):
        # X11's own table was made with this binary fraction: gray50 is 127 there, not 128.
        level = int(percent * 2.55 + 0.5)
        table[f"gray{percent}"] = table[f"grey{percent}"] = (level, level, level)
    return table


_NAMED = MappingProxyType(_named_colours())


def parse_colour(text: str) -> _Colour:
    """The red, green and blue (0–255) of a colour's text.

    Understood are the CSS names, X11's numbered greys (``gray0``…``grey100``), ``rrggbb``, ``#rrggbb``, ``#rgb`` and
    ``rgb(r,g,b)``, in any case, blanks left out.

    :raises Unsupported: it is none of these.
    """
    colour = _known(without_blanks(text).lower())
    if colour is None:
        raise Unsupported("unsupported fill colour", parameter="fill")
    return colour


def normalise_colour(text: str) -> str:
    """One spelling for each colour: ``#rrggbb``, ``none``, ``auto``; a text that is no known colour stays as it is."""
    bare = without_blanks(text).lower()
    if bare == "transparent":
        return TRANSPARENT
    colour = _known(bare)
    return bare if colour is None else "#{:02x}{:02x}{:02x}".format(*colour)


def _known(text: str) -> _Colour | None:
    if text in _NAMED:
        return _NAMED[text]
    if match := _HEX.fullmatch(text):
        return _channels(match, base=16)
    if match := _SHORT_HEX.fullmatch(text):
        red, green, blue = _channels(match, base=16)
        return red * 17, green * 17, blue * 17
    if match := _RGB.fullmatch(text):
        colour = _channels(match, base=10)
        return colour if max(colour) <= 255 else None
    return None


def _channels(match: re.Match[str], *, base: int) -> _Colour:
    red, green, blue = (int(channel, base) for channel in match.groups())
    return red, green, blue
