"""From the text of ``src`` to a path inside the image library."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator

from qisd.errors import BadParameter, Forbidden, NotFound

MAX_COMPONENT_BYTES = 255
"""Longest file name that Linux file systems know."""


def normalise(src: str, *, parameter: str = "src") -> str:
    """The path below the library's root, without leading slash, that ``src`` names.

    A POSIX path: doubled slashes, ``.``, inner ``a/../`` and a trailing slash vanish; a leading slash means the root.
    A backslash is an ordinary character. The empty text is the root itself.

    :raises BadParameter: there is a control character in it.
    :raises Forbidden: it leads out of the root.
    """
    if any(unicodedata.category(character) == "Cc" for character in src):
        raise BadParameter(parameter, "control characters are not allowed")
    parts: list[str] = []
    for part in src.split("/"):
        if part in ("", "."):
            continue
        if part != "..":
            parts.append(part)
        elif parts:
            parts.pop()
        else:
            raise Forbidden(detail=f"{parameter} leads out of the image library: {src!r}")
    return "/".join(parts)


def is_hidden(path: str) -> bool:
    """Whether a component begins with a dot."""
    return any(part.startswith(".") for part in path.split("/"))


def spellings(path: str) -> Iterator[bytes]:
    """The byte forms under which ``path`` may lie on disk: as given, then composed (NFC), then decomposed (NFD)."""
    seen: set[bytes] = set()
    for text in (path, unicodedata.normalize("NFC", path), unicodedata.normalize("NFD", path)):
        try:
            spelling = os.fsencode(text)
        except UnicodeEncodeError:
            continue
        if spelling not in seen:
            seen.add(spelling)
            yield spelling


def not_found(path: str) -> NotFound:
    """The answer for a source that is not there, or is hidden: it repeats the path as it was asked for."""
    return NotFound(f"The image file '{path}' was not found.")
