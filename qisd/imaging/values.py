"""The primitive values of a query: from the text of a parameter to an integer, a fraction, a tile, a position.

The grammars are strict: ASCII digits only, nothing grouped, nothing infinite. A text of any length is dealt with in
linear time; a number far beyond every range is not computed but becomes a huge one, which no range takes.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation

from qisd.errors import BadParameter
from qisd.imaging.spec import ANYWHERE, NOWHERE, UNIT, Focus, Position, Tile

HUGE = 10**15
"""What stands for every number that is at least as large; above all ranges."""

_BLANKS = " \t\n\r\f\v"
_INTEGER = re.compile(r"[+-]?[0-9]++")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?")
_POSITION = re.compile(r"(?P<edge>[a-z])(?P<fraction>0|1|0\.[0-9]+|1\.0+)")
_TRUE = frozenset({"1", "t", "y", "true", "yes"})
_SHOWN = 40
_FOCUS_WORDS = {"auto": ANYWHERE, "none": NOWHERE}


def shown(text: str) -> str:
    """``text`` made fit for a message: short, in quotes, without anything that can't be printed."""
    short = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    return "'" + "".join(character if character.isprintable() else "?" for character in short) + "'"


def integer(parameter: str, text: str) -> int:
    """A decimal integer with an optional sign and surrounding blanks; the empty text is 0.

    :raises BadParameter: it is anything else.
    """
    if not text:
        return 0
    digits = text.strip(_BLANKS)
    if _INTEGER.fullmatch(digits) is None:
        raise BadParameter(parameter, f"{shown(text)} is not a whole number")
    negative = digits[0] == "-"
    digits = digits.lstrip("+-").lstrip("0")
    size = min(int(digits or "0"), HUGE) if len(digits) <= 16 else HUGE
    return -size if negative else size


def units(parameter: str, text: str) -> int:
    """A decimal number, also with exponent, as the nearest integer number of 1/100000; the empty text is 0.

    :raises BadParameter: it is anything else.
    """
    if not text:
        return 0
    number = text.strip(_BLANKS)
    if _DECIMAL.fullmatch(number) is None:
        raise BadParameter(parameter, f"{shown(text)} is not a number")
    return decimal_units(parameter, number)


def decimal_units(parameter: str, number: str) -> int:
    """As :func:`units`, for a text that is known to be a number.

    :raises BadParameter: its exponent has more digits than any sensible number.
    """
    context = Context(prec=40, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation])
    try:
        value = Decimal(number, context)
    except InvalidOperation as error:
        raise BadParameter(parameter, f"{shown(number)} is not a number in range") from error
    if value.copy_abs() >= HUGE:
        return -HUGE * UNIT if value.is_signed() else HUGE * UNIT
    return int(value.quantize(Decimal(1) / UNIT, context=context) * UNIT)


def decimal_text(units: int) -> str:
    """The shortest decimal number that :func:`units` reads as ``units``: 45000 is ``0.45``."""
    whole, rest = divmod(abs(units), UNIT)
    sign = "-" if units < 0 else ""
    return f"{sign}{whole}.{rest:05}".rstrip("0").rstrip(".")


def boolean(text: str) -> bool:
    """True for ``1``, ``t``, ``y``, ``true``, ``yes`` in any case; every other text is false."""
    return text.lower() in _TRUE


def tile(parameter: str, text: str) -> Tile:
    """``number:grid``; whether there is such a tile is not looked at.

    :raises BadParameter: it is not two integers with a colon in between.
    """
    number, colon, grid = text.partition(":")
    parts = (number.strip(_BLANKS), grid.strip(_BLANKS))
    if not colon or any(_INTEGER.fullmatch(part) is None for part in parts):
        raise BadParameter(parameter, "invalid format, must be number:grid, such as 1:9")
    return Tile(number=integer(parameter, parts[0]), grid=integer(parameter, parts[1]))


def position(parameter: str, text: str, *, edges: str) -> Position:
    """One of the letters ``edges``, then a number from 0 to 1.

    :raises BadParameter: it is anything else.
    """
    match = _POSITION.fullmatch(text)
    if match is None or match["edge"] not in edges:
        letters = ", ".join(edges)
        raise BadParameter(parameter, f"invalid format, must be one of {letters} and a number from 0 to 1")
    return Position(edge=match["edge"], fraction=decimal_units(parameter, match["fraction"]))


def focus(parameter: str, text: str) -> Focus:
    """``auto``, ``none``, or two numbers with a comma in between; whether they are within the picture is not looked at.

    :raises BadParameter: it is anything else.
    """
    if text in _FOCUS_WORDS:
        return _FOCUS_WORDS[text]
    x, comma, y = text.partition(",")
    if not comma or any(_DECIMAL.fullmatch(number.strip(_BLANKS)) is None for number in (x, y)):
        raise BadParameter(parameter, "invalid format, must be auto, none, or x,y such as 0.5,0.33")
    return Focus(x=units(parameter, x), y=units(parameter, y))


def focus_text(focus: Focus) -> str:
    """The shortest text that :func:`focus` reads as ``focus``."""
    if focus.x is None or focus.y is None:
        return "auto" if focus.cover else "none"
    return f"{decimal_text(focus.x)},{decimal_text(focus.y)}"


def without_blanks(text: str) -> str:
    """``text`` without any blank in it, as colours are read."""
    return "".join(text.split())
