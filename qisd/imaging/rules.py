"""The values that each option may have: ranges, lengths, choices. The same for URLs and templates."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from math import isqrt
from typing import Any

import attrs

from qisd.errors import BadParameter
from qisd.imaging.spec import UNIT, Focus, ImageOptions, Tile
from qisd.imaging.values import shown

MAX_TEXT = 1024
"""Longest path and longest ``xref``, in characters."""


@attrs.frozen(kw_only=True)
class Choices:
    """What depends on the installation. All names are lower-case.

    :param write_formats: accepted output formats, all their extensions, with ``pjpg`` and ``pjpeg``.
    :param profiles: names of the ICC profiles.
    :param max_dimension: largest width and height that may be asked for, in pixels.
    :param max_grid_tiles: largest number of tiles of a grid.
    """

    write_formats: frozenset[str]
    profiles: frozenset[str]
    max_dimension: int = 15000
    max_grid_tiles: int = 256


def check_range(parameter: str, value: int, low: int, high: int, *, unit: int = 1) -> None:
    """:raises BadParameter: ``value``, counted in parts of ``unit``, is not from ``low`` to ``high``."""
    if not low * unit <= value <= high * unit:
        raise BadParameter(parameter, f"out of range ({low} to {high})")


def check_length(parameter: str, text: str, low: int, high: int) -> None:
    """:raises BadParameter: ``text`` does not have from ``low`` to ``high`` characters."""
    if not low <= len(text) <= high:
        raise BadParameter(parameter, f"length is out of range ({low} to {high} characters)")


def check_path(parameter: str, text: str) -> None:
    """:raises BadParameter: ``text`` is empty, too long, or has characters in it that no path has."""
    check_length(parameter, text, 1, MAX_TEXT)
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise BadParameter(parameter, "control characters are not allowed")


def check_choice(parameter: str, value: str, allowed: Iterable[str], *, listed: bool = True) -> None:
    """:raises BadParameter: ``value`` is not in ``allowed``, which the text tells if ``listed``."""
    if value not in allowed:
        hint = f" ({', '.join(allowed)})" if listed else ""
        raise BadParameter(parameter, f"{shown(value)} is not a valid choice{hint}")


_RANGES = {
    "page": (0, 999_999),
    "quality": (1, 100),
    "sharpen": (-500, 500),
    "dpi": (0, 32_000),
}

_UNIT_RANGES = {
    "rotation": (-360, 360),
    "top": (0, 1),
    "left": (0, 1),
    "bottom": (0, 1),
    "right": (0, 1),
    "overlay_size": (0, 1),
    "overlay_opacity": (0, 1),
}
"""Ranges as they are told to people; the values are in units of 1/100000."""

NOTHING = "none"
"""Given for some options, it means the same as not given; but it beats the template, as a blank text doesn't."""

AUTO_FORMAT = "auto"
"""Given for the format: what the viewer can show decides."""

_CHOICES = {
    "flip": ("h", "v", NOTHING),
    "overlay_pos": ("c", "n", "ne", "e", "se", "s", "sw", "w", "nw"),
    "icc_intent": ("saturation", "perceptual", "absolute", "relative"),
    "colorspace": ("rgb", "srgb", "cmyk", "gray", "grey", NOTHING),
}


def check_options(options: ImageOptions, fields: Iterable[str], choices: Choices, *, names: Mapping[str, str]) -> None:
    """Check the given ones of ``fields``, in this order.

    :param names: what the fields are called in error texts, if not by their own name.
    :raises BadParameter: a value is out of range or not one of the choices.
    """
    for field in fields:
        value = getattr(options, field)
        if value is not None:
            _check(field, value, names.get(field, field), choices)


def check_crop_edges(options: ImageOptions, *, names: Mapping[str, str]) -> None:
    """Refuse crop edges that overlap or meet. Edges 0 and 1 are not set, whichever side they are given for.

    :raises BadParameter: the left edge is not left of the right one, or the top edge not above the bottom one.
    """
    for first, second in (("left", "right"), ("top", "bottom")):
        low, high = getattr(options, first), getattr(options, second)
        if low in (None, 0, UNIT) or high in (None, 0, UNIT):
            continue
        if low >= high:
            raise BadParameter(names.get(first, first), f"out of range (must be less than {names.get(second, second)})")


def _check(field: str, value: Any, name: str, choices: Choices) -> None:
    if field in _RANGES:
        check_range(name, value, *_RANGES[field])
    elif field in _UNIT_RANGES:
        check_range(name, value, *_UNIT_RANGES[field], unit=UNIT)
    elif field in _CHOICES:
        check_choice(name, value, _CHOICES[field])
    elif field in ("width", "height"):
        check_range(name, value, 0, choices.max_dimension)
    elif field == "format":
        check_choice(name, value, choices.write_formats | {AUTO_FORMAT}, listed=False)
    elif field == "icc_profile":
        check_choice(name, value, choices.profiles | {NOTHING}, listed=False)
    elif field == "fill":
        check_length(name, value, 3, 32)
    elif field == "overlay_src":
        check_path(name, value)
    elif field == "focus":
        _check_focus(name, value)
    elif field == "tile":
        _check_tile(name, value, choices.max_grid_tiles)


def _check_focus(name: str, focus: Focus) -> None:
    for place in (focus.x, focus.y):
        if place is not None:
            check_range(name, place, 0, 1, unit=UNIT)


def _check_tile(name: str, tile: Tile, max_grid: int) -> None:
    if not 1 <= tile.grid <= max_grid:
        raise BadParameter(name, f"Tile grid size is out of range (1 to {max_grid})")
    if isqrt(tile.grid) ** 2 != tile.grid:
        raise BadParameter(name, "Tile grid size is not square (must be 1, 4, 9, 16, …)")
    if not 1 <= tile.number <= tile.grid:
        raise BadParameter(name, f"Tile number is out of range (1 to {tile.grid})")
