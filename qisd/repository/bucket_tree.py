"""The library in object storage, as a tree that is changed. Everything here blocks and belongs into a thread.

What arrives is on the local disk first, below the root that the settings name: there is :data:`STAGING`. All else, the
trash included, is in the bucket. There a file changes at once, as on a disk. A folder can't: its objects are copied one
after another. It is marked before and after, so that whoever finds it half done knows.
"""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from pathlib import Path

from qisd.errors import NotFound, StoreUnavailable
from qisd.repository import paths
from qisd.repository.bucket import Bucket, Entry
from qisd.repository.faults import changing, taken
from qisd.repository.files import FileVersion
from qisd.repository.mounted import MARKER, Mounted
from qisd.repository.tree import STAGING, TRASH, Glance, Kind, Listed, Tree, in_order

_REMEMBERED, _REMEMBERED_FOR = 16, 5.0
"""Folders whose listings are kept, and for how many seconds: the facts are asked for in parts."""


class BucketTree(Tree):
    """The library in ``bucket``.

    :param root: a local folder, for what arrives.
    """

    def __init__(self, root: Path, bucket: Bucket, *, file_mode: int = 0o644, folder_mode: int = 0o755) -> None:
        super().__init__(root, file_mode=file_mode, folder_mode=folder_mode)
        self._bucket = bucket
        self._lock = threading.Lock()
        self._listings: OrderedDict[str, tuple[float, dict[str, Entry | None]]] = OrderedDict()

    # Looking

    def kind(self, path: str) -> Kind | None:
        if _is_local(path):
            return super().kind(path)
        if not path:
            self.check_there()
            return "folder"
        if not _may_be(path):
            return None
        if self._bucket.head(path) is not None:
            return "file"
        return "folder" if self._bucket.has_below(path) else None

    def version(self, path: str) -> FileVersion | None:
        if _is_local(path):
            return super().version(path)
        entry = self._bucket.head(path) if path and _may_be(path) else None
        return None if entry is None else entry.version

    def is_link(self, path: str) -> bool:
        return False

    def identity(self, path: str) -> Hashable | None:
        return path

    def listing(self, path: str) -> list[Listed]:
        return in_order(Listed(name, entry is None) for name, entry in self._entries(path, fresh=True).items())

    def facts(self, path: str, names: Iterable[str]) -> dict[str, FileVersion]:
        found = self._entries(path, fresh=False)
        entries = ((name, found.get(name)) for name in names)
        return {name: entry.version for name, entry in entries if entry is not None}

    def glance(self, path: str, most: int) -> Glance:
        count, folders = 0, False
        for name, entry in self._bucket.entries(path):
            if name.startswith("."):
                continue
            folders = folders or entry is None
            count += 1
            if count >= most:
                return Glance(count, folders=True)
        if not count and path and not self._bucket.has_below(path):
            raise paths.not_found(path)
        return Glance(count, folders)

    def check_there(self) -> None:
        self._bucket.check_there()

    # Changing

    def move(self, source: str, target: str, *, token: str) -> None:
        if _is_local(source) and _is_local(target):
            super().move(source, target, token=token)
            return
        self.check_there()
        if _is_local(target):
            self._take_back(source, target)
            return
        if self._is_anything(target):
            raise taken(target)
        if _is_local(source):
            self._bring(source, target, token)
        elif self._bucket.head(source) is not None:
            self._bucket.copy(source, target, token=token)
            self._keep_parent(source)
            self._bucket.delete(source)
        else:
            self._move_folder(source, target, token)

    def is_moved(self, source: str, target: str, *, token: str) -> bool:
        if _is_local(target):
            return super().is_moved(source, target, token=token)
        entry = self._bucket.head(target)
        found = entry.token if entry is not None else self._bucket.folder_token(target)
        if found == token:
            return True
        if found is None and not self._bucket.has_below(target):
            return False
        return not self._is_anything(source) and self._bucket.head(_half(target, token)) is None

    def is_put(self, source: str, target: str, version: FileVersion, *, token: str) -> bool:
        entry = self._bucket.head(target)
        return entry is not None and entry.token == token

    def finish_move(self, source: str, target: str) -> None:
        if _is_local(target):
            super().finish_move(source, target)
        elif self._is_anything(target):
            self.remove(source)

    def forget_move(self, target: str, *, token: str) -> None:
        if _is_local(target):
            super().forget_move(target, token=token)
        elif self._bucket.head(_half(target, token)) is not None:
            if self._bucket.folder_token(target) == token:
                self._bucket.delete(_half(target, token))
            else:
                self._bucket.delete_below(target)

    def replace(self, source: str, target: str, *, backup: str, token: str) -> None:
        self.check_there()
        if self.kind(target) == "folder":
            raise taken(target)
        entry = self._bucket.head(target)
        if entry is not None:
            self._fetch(target, entry, backup)
        self._put(source, target, token)

    def put_back(self, backup: str, target: str) -> bool:
        if not os.path.lexists(self._local(backup)):
            return False
        self._bucket.put_file(self._local(backup), target, token="")
        self._discard(backup)
        return True

    def remove(self, path: str) -> None:
        if _is_local(path):
            self._discard(path)
        elif path:
            self._bucket.delete(path)
            self._bucket.delete_below(path)

    def remove_if_empty(self, path: str) -> None:
        if _is_local(path):
            super().remove_if_empty(path)

    def make_own(self, path: str) -> None:
        if _is_local(path):
            super().make_own(path)
        else:
            self.check_there()

    def own_entries(self, path: str) -> list[tuple[str, float]]:
        if _is_local(path):
            return super().own_entries(path)
        found = self._bucket.entries(path)
        return [(name, 0.0 if entry is None else entry.version.mtime) for name, entry in found]

    # Inside

    def _entries(self, path: str, *, fresh: bool) -> dict[str, Entry | None]:
        """What is in a folder, by names; None: a folder.

        :raises NotFound: there is no such folder.
        """
        with self._lock:
            began, known = self._listings.get(path, (float("-inf"), {}))
        if not fresh and time.monotonic() - began < _REMEMBERED_FOR:
            return known
        began = time.monotonic()
        if path and (not _may_be(path) or not self._bucket.has_below(path)):
            raise paths.not_found(path)
        found = {name: entry for name, entry in self._bucket.entries(path) if name and not name.startswith(".")}
        with self._lock:
            self._listings[path] = began, found
            self._listings.move_to_end(path)
            if len(self._listings) > _REMEMBERED:
                self._listings.popitem(last=False)
        return found

    def _lies_at(self, name: bytes) -> bool:
        return self.kind(os.fsdecode(name)) is not None

    def _is_anything(self, path: str) -> bool:
        if _is_local(path):
            return os.path.lexists(self._local(path))
        return self._bucket.head(path) is not None or self._bucket.has_below(path)

    def _bring(self, source: str, target: str, token: str) -> None:
        """What has arrived gets its place; it stays where it is until that is done."""
        place = self._local(source)
        if not os.path.isdir(place):
            self._put(source, target, token)
            return
        for folder, _, _ in os.walk(place, topdown=False):
            below = os.fsdecode(os.path.relpath(folder, place))
            self._bucket.keep_folder(target if below == "." else f"{target}/{below}", token=token)

    def _put(self, source: str, target: str, token: str) -> None:
        if not os.path.lexists(self._local(source)):
            raise NotFound(f"'{source}' was not found.")
        self._bucket.put_file(self._local(source), target, token=token)

    def _take_back(self, source: str, target: str) -> None:
        """Undo :meth:`_bring`, whether or not what has arrived is still where it was."""
        entry = self._bucket.head(source)
        there = os.path.lexists(self._local(target))
        if entry is not None:
            if not there:
                self._fetch(source, entry, target)
            self._keep_parent(source)
            self._bucket.delete(source)
            return
        if any(not name.endswith("/") for name, _ in self._bucket.all_below(source) if name):
            raise StoreUnavailable(detail=f"{source!r} is not empty any more")
        if not there:
            with changing(target):
                os.mkdir(self._local(target))
        self._bucket.delete_below(source)

    def _fetch(self, path: str, entry: Entry, local: str) -> None:
        with changing(path, local), open(self._local(local), "wb") as file:
            if not self._bucket.fetch(path, entry, file):
                raise StoreUnavailable(detail=f"{path!r} has changed meanwhile")

    def _move_folder(self, source: str, target: str, token: str) -> None:
        objects = [name for name, _ in self._bucket.all_below(source)]
        if not objects:
            raise NotFound(f"'{source}' was not found.")
        self._bucket.put_text(_half(target, token), "")
        for name in filter(None, objects):
            self._bucket.copy(f"{source}/{name}", f"{target}/{name}", token=token)
        self._bucket.keep_folder(target, token=token)
        self._bucket.delete(_half(target, token))
        self._keep_parent(source)
        self._bucket.delete_below(source)

    def _keep_parent(self, path: str) -> None:
        """A folder stays when the last thing in it goes."""
        parent = path.rpartition("/")[0]
        if parent and not parent.startswith(TRASH) and self._bucket.folder_token(parent) is None:
            self._bucket.keep_folder(parent)

    def _local(self, path: str) -> bytes:
        return os.path.join(self.root, os.fsencode(path))


class BucketMounted(Mounted):
    """The bucket, which may be another one than it was. The local folder gets its mark as well."""

    def __init__(self, root: Path, bucket: Bucket) -> None:
        super().__init__(root)
        self.place = ""  # nothing is mounted on a bucket
        self._bucket = bucket
        self._of = ""

    def prepare(self, installation: str, *, was_there: bool, formerly: str = "") -> str:
        super().prepare(installation, was_there=False, formerly=formerly)
        self._of = installation
        try:
            found = self._bucket.read(MARKER)
            if found is None or (formerly and found.strip() == formerly):
                if found is None and was_there and not self._bucket.has_below(""):
                    return "the bucket is empty, while the database knows of files in it"
                self._bucket.put_text(MARKER, f"{installation}\n")
                found = installation
        except StoreUnavailable as error:
            return f"the bucket can't be reached ({error.detail})"
        return "" if found.strip() == installation else "the bucket belongs to another installation"

    def is_there(self) -> bool:
        try:
            return (self._bucket.read(MARKER) or "").strip() == self._of
        except StoreUnavailable:
            return False


def _is_local(path: str) -> bool:
    return path.partition("/")[0] == STAGING


def _may_be(path: str) -> bool:
    """Whether there may be something at ``path``: nothing that is hidden, but for the trash."""
    own = path.partition("/")[0] == TRASH
    return not paths.is_hidden(path.partition("/")[2] if own else path)


def _half(target: str, token: str) -> str:
    """The object that is there while a folder is on its way to ``target``."""
    return f"{target}/.{token}.part"
