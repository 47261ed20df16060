"""In which order the entries of a folder are shown, and which of them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

import attrs

from qisd.repository.catalogue import extension_of
from qisd.repository.files import FileVersion
from qisd.repository.tree import Listed

Sort = Literal["name", "date", "size", "type"]

_NUMBER = re.compile(r"\d+")
_UNKNOWN = FileVersion(size=0, mtime_ns=0, inode=0)


@attrs.frozen(kw_only=True)
class Arrangement:
    """What is shown of a folder, and how: folders first, then files.

    :param sort: what the files go by; equal ones by their names. Folders have names and dates only.
    :param text: what names have in them, whatever case and accents.
    :param types: extensions in lower case, of which a file has one; empty: any. Folders have none.
    """

    sort: Sort = "name"
    descending: bool = False
    text: str = ""
    types: frozenset[str] = frozenset()

    @property
    def needs_facts(self) -> bool:
        """Whether sizes and dates must be known."""
        return self.sort in ("date", "size")

    def chosen(self, entries: Sequence[Listed]) -> list[Listed]:
        """Those of ``entries`` that are shown."""
        text = folded(self.text)

        def fits(one: Listed) -> bool:
            if self.types and (one.folder or extension_of(one.name) not in self.types):
                return False
            return text in folded(one.name)

        return [one for one in entries if fits(one)] if text or self.types else list(entries)

    def ordered(self, entries: Sequence[Listed], facts: Mapping[str, FileVersion]) -> list[Listed]:
        """``entries`` in order.

        :param facts: by name, where :attr:`needs_facts`; what is missing counts as nothing.
        """
        # One key after the other: comparing texts holds up all threads for less long than comparing pairs of them.
        found = sorted(entries, key=lambda one: natural(one.name))
        folders = [one for one in found if one.folder]
        files = [one for one in found if not one.folder]
        key = self._key(facts)
        if key is not None:
            files.sort(key=key)
        if self.sort == "date":
            folders.sort(key=_by_date(facts))
        if self.descending:
            files.reverse()
            if self.sort in ("name", "date"):
                folders.reverse()
        return folders + files

    def _key(self, facts: Mapping[str, FileVersion]) -> Callable[[Listed], str] | Callable[[Listed], int] | None:
        if self.sort == "type":
            return lambda one: extension_of(one.name)
        if self.sort == "size":
            return lambda one: facts.get(one.name, _UNKNOWN).size
        return _by_date(facts) if self.sort == "date" else None


@attrs.frozen(kw_only=True)
class Beside:
    """The names before and behind one, and its place among all, from 1."""

    position: int
    previous: str | None
    following: str | None


def beside(names: Iterable[str], name: str) -> Beside | None:
    """Where ``name`` stands among names in the order that people see; None: it isn't among them."""
    place = _rank(name)
    before = behind = None
    position, there = 1, False
    for rank in map(_rank, names):
        if rank < place:
            position += 1
            before = rank if before is None else max(before, rank)
        elif rank > place:
            behind = rank if behind is None else min(behind, rank)
        else:
            there = True
    if not there:
        return None
    return Beside(
        position=position,
        previous=None if before is None else before[-1],
        following=None if behind is None else behind[-1],
    )


def _rank(name: str) -> tuple[str, str, str]:
    """The place of a name, among those whose natural order is the same too."""
    return natural(name), name.lower(), name


def folded(name: str) -> str:
    """``name`` without case and accents."""
    if not name.isascii():
        apart = unicodedata.normalize("NFKD", name)
        name = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return name.casefold()


def natural(name: str) -> str:
    """What the order of names goes by, in which 2 is before 10."""
    return _NUMBER.sub(_counted, folded(name))


def _counted(found: re.Match[str]) -> str:
    """A number among texts: where digits are, the shorter ones first."""
    digits = found[0].lstrip("0")
    return f"0{chr(len(digits))}{digits}"


def _by_date(facts: Mapping[str, FileVersion]) -> Callable[[Listed], int]:
    return lambda one: facts.get(one.name, _UNKNOWN).mtime_ns
