"""Texts that people give to portfolios and their zips."""

from __future__ import annotations

import unicodedata

from qisd.errors import BadParameter

NAME_MAX, DESCRIPTION_MAX, FILENAME_MAX = 255, 5120, 255
"""In characters."""

_LINES = "\t\n\r"


def checked(parameter: str, text: str, *, longest: int) -> str:
    """``text`` as it is; tabs and line ends are the only control characters in it.

    :raises BadParameter: it has more than ``longest`` characters, or some that can't be kept.
    """
    if len(text) > longest:
        raise BadParameter(parameter, f"Value is too long (max {longest})")
    if any(unicodedata.category(one) in ("Cc", "Cs") and one not in _LINES for one in text):
        raise BadParameter(parameter, "control characters are not allowed")
    return text
