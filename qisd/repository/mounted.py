"""Whether the image library is really there, before anybody takes its emptiness for deletions. Blocks."""

from __future__ import annotations

import os
from pathlib import Path

from qisd.errors import StoreUnavailable

MARKER = ".qis-library"
"""A file in the root that holds the id of the installation that the library belongs to."""

LOST_AND_FOUND = b"lost+found"
"""What is on some file systems from the beginning."""


def check_there(root: bytes, check_file: bytes = b"") -> None:
    """To be asked before something is made in the library, and before something in it is said not to be there.

    A root in which there is nothing to be seen, not even our mark, is where a file system is missing: what would be
    written there could not be seen any more as soon as it is back.

    :param check_file: as in :class:`Mounted`.
    :raises StoreUnavailable: the library is not there.
    """
    try:
        if check_file:
            os.stat(os.path.join(root, check_file))
        elif not os.path.exists(os.path.join(root, os.fsencode(MARKER))) and _is_empty(root):
            raise StoreUnavailable(detail=f"the image library is not there: {os.fsdecode(root)} is empty")
    except OSError as error:
        raise StoreUnavailable(detail=f"the image library is not there: {error}") from error


def _is_empty(root: bytes) -> bool:
    """Whether nothing is to be seen in ``root``.

    :raises OSError: there is no such folder, or it can't be read.
    """
    with os.scandir(root) as entries:
        return all(entry.name.startswith(b".") or entry.name == LOST_AND_FOUND for entry in entries)


def place_of(root: Path) -> str:
    """The name by which the place of a library is known, whatever bytes are in its path."""
    return os.fsencode(root).decode("utf-8", "backslashreplace")


class Mounted:
    """The root of the library, which may be a file system that comes and goes.

    :param check_file: a file below the root that is there whenever the library is; empty: there is none.
    :ivar place: where an empty folder is taken for a missing file system once a library was there; empty: nowhere.
    """

    def __init__(self, root: Path, *, check_file: str = "") -> None:
        self.place = place_of(root)
        self._root = os.fsencode(root)
        self._check_file = os.fsencode(check_file)
        self._installation = ""
        self._marked = False

    def prepare(self, installation: str, *, was_there: bool, formerly: str = "") -> str:
        """Make the marker, if the library can be believed to be there now. Returns what is wrong, or nothing.

        :param installation: the id that is, or will be, in the marker.
        :param was_there: whether the database knows of a library here, by its files or its marker.
        :param formerly: an id that the installation had before, so that a marker with it is ours as well; may be empty.
        """
        self._installation = installation
        found = self._marker()
        if found is None:
            if not self._has_check_file():
                return "the image library is not there: the file that tells so is missing"
            if was_there and self._is_empty():
                return "the image library is not there: its place is empty, and has not even the library's mark"
            found = self._write()
        elif formerly and found == formerly:
            found = self._write() or found
        self._marked = found is not None
        if found not in (None, installation):
            return "the image library belongs to another installation"
        return ""

    def is_there(self) -> bool:
        """Whether a file that isn't found can be taken for deleted."""
        if not self._has_check_file():
            return False
        marker = self._marker()
        if marker is not None or self._marked:
            return marker == self._installation
        return not self._is_empty()

    def _has_check_file(self) -> bool:
        return not self._check_file or os.path.exists(os.path.join(self._root, self._check_file))

    def _is_empty(self) -> bool:
        try:
            return _is_empty(self._root)
        except OSError:
            return True

    def _marker(self) -> str | None:
        try:
            with open(os.path.join(self._root, os.fsencode(MARKER)), encoding="utf-8") as file:
                return file.read(100).strip()
        except (OSError, UnicodeDecodeError):
            return None

    def _write(self) -> str | None:
        path = os.path.join(self._root, os.fsencode(MARKER))
        fresh = path + b".%d" % os.getpid()
        try:
            with open(fresh, "w", encoding="utf-8") as file:
                file.write(f"{self._installation}\n")
            os.rename(fresh, path)
        except OSError:
            return None  # a library that is only read
        return self._installation
