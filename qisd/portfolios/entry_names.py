"""The names of the files in a zip."""

from __future__ import annotations

import unicodedata

_LONGEST = 255
"""In bytes of UTF-8: what file systems take when the zip is unpacked."""


class EntryNames:
    """Gives each file of one zip a name of its own.

    Names that are equal, or would be on a file system that knows no case, get ``-001``, ``-002`` … before the
    extension. None of them leads into a folder.
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._numbers: dict[str, int] = {}

    def take(self, wanted: str) -> str:
        """``wanted``, or what is nearest to it."""
        name = plain = _plain(wanted)
        number = self._numbers.get(_key(plain), 0)
        while _key(name) in self._taken:
            number += 1
            name = _numbered(plain, number)
        self._numbers[_key(plain)] = number
        self._taken.add(_key(name))
        return name


def _key(name: str) -> str:
    """The same for names that some file system takes for one."""
    return unicodedata.normalize("NFC", name.casefold())


def _plain(name: str) -> str:
    """``name`` without what unpackers, of whatever system, take for more than a name."""
    kept = "".join("_" if one in "/\\:" else one for one in name if unicodedata.category(one) not in ("Cc", "Cs"))
    return kept.strip(" ").lstrip(".") or "image"


def _numbered(name: str, number: int) -> str:
    stem, dot, extension = name.rpartition(".")
    if not stem:
        stem, dot, extension = name, "", ""
    ending = f"-{number:03}{dot}{extension}"
    room = max(_LONGEST - len(ending.encode()), 1)
    return stem.encode()[:room].decode("utf-8", "ignore") + ending
