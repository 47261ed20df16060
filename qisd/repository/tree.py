"""The image library as a tree that is changed. Everything here blocks and belongs into a thread.

Paths are text, without slashes around them; the root is empty. Every step goes through descriptors of folders that were
checked after they had been opened, so that neither links out of the library nor hidden places can be reached, whatever
happens to the folders meanwhile. The places of our own, :data:`TRASH` and :data:`STAGING`, are reached by their exact
paths only.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import attrs

from qisd.errors import NotFound, StoreUnavailable
from qisd.repository import moving, paths
from qisd.repository.faults import ABSENT, changing, taken
from qisd.repository.files import FileVersion, is_visible, version_of
from qisd.repository.mounted import check_there

TRASH = ".trash"
STAGING = ".uploads"

_OWN = (TRASH, STAGING)

_SAME_TIME = 2 * 10**9
"""Nanoseconds by which the times of a file may differ after it was copied to another file system."""

_OWN_MODE = 0o700
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW

Kind = Literal["file", "folder", "other"]


@attrs.frozen
class Place:
    """Where something is or will be: an open folder, and a name in it."""

    folder: int
    name: bytes


@attrs.frozen
class Listed:
    """One entry of a folder."""

    name: str
    folder: bool


@attrs.frozen
class Glance:
    """What a quick look into a folder tells.

    :param entries: how many there are, up to the number that was counted to.
    :param folders: whether some of them are folders; true if not all were looked at.
    """

    entries: int
    folders: bool


def in_order(listed: Iterable[Listed]) -> list[Listed]:
    """By their names in lower case."""
    found = list(listed)
    # One after the other: comparing texts holds up all threads for less long than comparing pairs of them.
    found.sort(key=lambda one: one.name)
    found.sort(key=lambda one: one.name.lower())
    return found


class Tree:
    """The library below ``root``.

    While the library is not mounted nothing is made in its place, and nothing in it is said not to be there.

    :param file_mode: permission bits of files that are made, whatever the process's umask; ``folder_mode`` likewise.
    :param check_file: a file below the root that is there whenever the library is; empty: there is none.
    """

    def __init__(self, root: Path, *, file_mode: int = 0o644, folder_mode: int = 0o755, check_file: str = "") -> None:
        self.root = os.fsencode(root)
        self._check_file = os.fsencode(check_file)
        self.file_mode = file_mode
        self.folder_mode = folder_mode

    # Looking

    def kind(self, path: str) -> Kind | None:
        """What is at ``path``, links followed as long as they stay inside; None: nothing. ``other`` can't be used."""
        kind = self._kind(path)
        if kind is None or not path:
            self.check_there()
        return kind

    def _kind(self, path: str) -> Kind | None:
        if not path:
            return "folder"
        try:
            with self._place(path) as place:
                mode = os.stat(place.name, dir_fd=place.folder, follow_symlinks=False).st_mode
                if stat.S_ISLNK(mode):
                    return self._kind_of_link(place)
        except NotFound:
            return None
        except OSError as error:
            _check_absent(error)
            return None
        return "file" if stat.S_ISREG(mode) else "folder" if stat.S_ISDIR(mode) else "other"

    def version(self, path: str) -> FileVersion | None:
        """The version of the file at ``path``; None: there is none."""
        if self.kind(path) != "file":
            return None
        try:
            with self._place(path) as place:
                return version_of(os.stat(place.name, dir_fd=place.folder))
        except NotFound:
            return None
        except OSError as error:
            _check_absent(error)
            return None

    def is_link(self, path: str) -> bool:
        """Whether ``path`` is a symbolic link, wherever it leads."""
        with self._lenient(path) as place:
            status = _status(place)
            return status is not None and stat.S_ISLNK(status.st_mode)

    def spelling(self, path: str) -> str:
        """``path`` as the bytes on disk spell it, as far as it is there."""
        if path.isascii():
            return path
        parts = path.split("/")
        for count in range(len(parts), 0, -1):
            for name in paths.spellings("/".join(parts[:count])):
                if self._lies_at(name):
                    return "/".join([os.fsdecode(name), *parts[count:]])
        return path

    def nearest(self, path: str) -> str:
        """The nearest folder at or above ``path`` that is there; the root in the end."""
        while path and self.kind(path) != "folder":
            path = path.rpartition("/")[0]
        return path

    def listing(self, path: str) -> list[Listed]:
        """Files and folders of a folder, in the order of their names in lower case.

        Hidden entries are left out, and so are links that lead nowhere or out of the library, what is neither file nor
        folder, and names that are no text.

        :raises NotFound: there is no such folder.
        """
        with self._folder(path) as folder, os.scandir(folder) as entries:
            return in_order(one for entry in entries if (one := self._listed(folder, entry)) is not None)

    def facts(self, path: str, names: Iterable[str]) -> dict[str, FileVersion]:
        """Sizes and times of entries of a folder, as :meth:`listing` has named them; without what is gone by now.

        :raises NotFound: there is no such folder.
        """
        found = {}
        with self._folder(path) as folder:
            for name in names:
                with suppress(OSError):
                    found[name] = version_of(os.stat(os.fsencode(name), dir_fd=folder))
        return found

    def glance(self, path: str, most: int) -> Glance:
        """A look into a folder that ends after ``most`` entries.

        :raises NotFound: there is no such folder.
        """
        count, folders = 0, False
        with self._folder(path) as folder, os.scandir(folder) as entries:
            for entry in entries:
                if self._listed(folder, entry) is None:
                    continue
                folders = folders or entry.is_dir()
                count += 1
                if count >= most:
                    return Glance(count, folders=True)
        return Glance(count, folders)

    def same_device(self, path: str, other: str) -> bool:
        """Whether two things are on one file system; where there is nothing, the folder counts that it would be in."""
        return self._device(path) == self._device(other)

    def identity(self, path: str) -> Hashable | None:
        """What tells a folder from all others, by whatever links it is reached; None: there is none."""
        status = _status_of(os.path.join(self.root, os.fsencode(path)))
        return None if status is None else (status.st_dev, status.st_ino)

    def check_there(self) -> None:
        """See :func:`qisd.repository.mounted.check_there`."""
        check_there(self.root, self._check_file)

    def free_bytes(self) -> int:
        """Room on the file system of the root for those who aren't root."""
        try:
            status = os.statvfs(self.root)
        except OSError as error:
            raise StoreUnavailable(detail=f"free space: {error}") from error
        return status.f_bavail * status.f_frsize

    # Changing

    def move(self, source: str, target: str, *, token: str) -> None:
        """Give a file or folder another place, at once; nothing may be there.

        Between file systems it is copied under a hidden name first; the old one is removed by :meth:`finish_move`.

        :param token: tells the work of this operation from that of others; no more than letters and digits.
        :raises NotFound: there is no such source, or no such folder. :raises AlreadyExists: the target is taken.
        """
        self.check_there()
        with changing(source, target), self._place(source) as old, self._place(target) as new:
            try:
                moving.rename_noreplace(old.folder, old.name, new.folder, new.name)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                self._copy_across(old, new, token)
            os.fsync(new.folder)
            os.fsync(old.folder)

    def is_moved(self, source: str, target: str, *, token: str) -> bool:
        """Whether :meth:`move` has come so far that only :meth:`finish_move` is missing."""
        with self._lenient(source) as old, self._lenient(target) as new:
            before, after = _status(old), _status(new)
            if before is None and after is None:
                self.check_there()
            if after is None or new is None:
                return False
            if before is None:
                return True
            if before.st_dev == after.st_dev:  # linked to its new name, but not yet unlinked from the old one
                return before.st_ino == after.st_ino and stat.S_ISREG(after.st_mode)
            if stat.S_ISDIR(after.st_mode):
                marker = os.path.join(new.name, _marker(token))
                return _status(Place(new.folder, marker)) is not None
            return before.st_size == after.st_size and abs(before.st_mtime_ns - after.st_mtime_ns) < _SAME_TIME

    def is_put(self, source: str, target: str, version: FileVersion, *, token: str) -> bool:
        """Whether a file that has arrived at ``source`` has come to ``target`` by :meth:`move` or :meth:`replace`.

        :param version: of the file, as it has arrived.
        """
        found = self.version(target)
        if found is None or found.size != version.size or abs(found.mtime_ns - version.mtime_ns) >= _SAME_TIME:
            return False
        return found.inode == version.inode or not self.same_device(source, target)

    def finish_move(self, source: str, target: str) -> None:
        """After :meth:`move`: remove what it left of the source. Can be repeated."""
        with changing(source), self._lenient(source) as old, self._lenient(target) as new:
            if old is not None and _status(old) is not None and _status(new) is not None:
                moving.discard(old.folder, old.name)
                os.fsync(old.folder)

    def forget_move(self, target: str, *, token: str) -> None:
        """Remove what :meth:`move` may have left beside its target when it was cut short, or in it when it wasn't."""
        with changing(target), self._lenient(target) as new:
            if new is not None:
                moving.discard(new.folder, _temporary(token))
                moving.discard(new.folder, os.path.join(new.name, _marker(token)))

    def replace(self, source: str, target: str, *, backup: str, token: str) -> None:
        """Put a file in the place of another one, at once.

        :param backup: gets the old file, where the file system can give a file two names.
        :raises NotFound: there is no such source, or no such folder.
        """
        self.check_there()
        with changing(source, target), self._place(source) as old, self._place(target) as new:
            status = _status(new)
            if status is not None and not stat.S_ISREG(status.st_mode):
                raise taken(target)
            with self._place(backup) as kept:
                try:
                    os.link(new.name, kept.name, src_dir_fd=new.folder, dst_dir_fd=kept.folder, follow_symlinks=False)
                except OSError as error:
                    if error.errno not in (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.ENOENT):
                        raise
            try:
                os.rename(old.name, new.name, src_dir_fd=old.folder, dst_dir_fd=new.folder)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                moving.copy_aside(old.folder, old.name, new.folder, _temporary(token), marker=_marker(token))
                os.rename(_temporary(token), new.name, src_dir_fd=new.folder, dst_dir_fd=new.folder)
            os.fsync(new.folder)

    def put_back(self, backup: str, target: str) -> bool:
        """Undo :meth:`replace`; false if there is no backup."""
        with changing(target), self._place(backup) as kept, self._place(target) as new:
            if _status(kept) is None:
                return False
            os.rename(kept.name, new.name, src_dir_fd=kept.folder, dst_dir_fd=new.folder)
            os.fsync(new.folder)
            return True

    def remove(self, path: str) -> None:
        """Remove a file, or a folder with all that is in it, for good. Only for places of our own, or work undone."""
        self.check_there()
        self._discard(path)

    def remove_if_empty(self, path: str) -> None:
        """Remove a folder of our own, unless something is in it."""
        with changing(path), self._lenient(path) as place:
            if place is not None:
                with suppress(OSError):
                    os.rmdir(place.name, dir_fd=place.folder)

    def make_own(self, path: str) -> None:
        """Make a folder of our own with all above it, unless it's there."""
        self.check_there()
        with changing(path):
            made = b""
            for part in path.split("/"):
                made = os.path.join(made, os.fsencode(part))
                try:
                    os.mkdir(os.path.join(self.root, made), _OWN_MODE)
                except FileExistsError:
                    continue

    def make_staged_folder(self, path: str, below: str) -> None:
        """Make a folder at a place of our own, and the chain ``below`` in it, with the mode that folders get."""
        with changing(path):
            made = os.path.join(self.root, os.fsencode(path))
            for part in ["", *below.split("/")] if below else [""]:
                made = os.path.join(made, os.fsencode(part)) if part else made
                os.mkdir(made)
                os.chmod(made, self.folder_mode)

    def own_entries(self, path: str) -> list[tuple[str, float]]:
        """Names in a folder of our own, with the times of their last change in seconds since 1970."""
        with self._lenient(f"{path}/x") as place:
            if place is None:
                return []
            found = []
            for name in os.listdir(place.folder):
                status = _status(Place(place.folder, os.fsencode(name)))
                if status is not None:
                    found.append((name, status.st_mtime))
            return found

    # Inside

    def _lies_at(self, name: bytes) -> bool:
        """Whether there is anything at a path, spelt like this."""
        return os.path.lexists(os.path.join(self.root, name))

    def _discard(self, path: str) -> None:
        with changing(path), self._lenient(path) as place:
            if place is not None:
                moving.discard(place.folder, place.name)

    def _copy_across(self, old: Place, new: Place, token: str) -> None:
        temporary = _temporary(token)
        moving.copy_aside(old.folder, old.name, new.folder, temporary, marker=_marker(token))
        try:
            moving.rename_noreplace(new.folder, temporary, new.folder, new.name)
        except OSError:
            moving.discard(new.folder, temporary)
            raise

    @contextmanager
    def _place(self, path: str) -> Iterator[Place]:
        """:raises NotFound: the folder is not there, or may not be used; or the name is hidden."""
        parent, _, name = path.rpartition("/")
        if not name or name in (".", "..") or (name.startswith(".") and not _is_own(path)):
            raise paths.not_found(path)
        with self._folder(parent) as folder:
            names = list(paths.spellings(name))
            if not names:
                raise paths.not_found(path)
            there = (one for one in names if len(names) == 1 or _status(Place(folder, one)) is not None)
            yield Place(folder, next(there, names[0]))

    @contextmanager
    def _lenient(self, path: str) -> Iterator[Place | None]:
        """As :meth:`_place`, but None when the folder is not there."""
        try:
            context = self._place(path)
            place = context.__enter__()
        except NotFound:
            yield None
            return
        try:
            yield place
        finally:
            context.__exit__(None, None, None)

    @contextmanager
    def _folder(self, path: str) -> Iterator[int]:
        descriptor = self._open_own(path) if _is_own(path) else self._open_visible(path)
        if descriptor is None:
            self.check_there()
            raise paths.not_found(path)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _open_visible(self, path: str) -> int | None:
        root = os.path.realpath(self.root)
        for name in paths.spellings(path):
            real = os.path.realpath(os.path.join(root, name)) if name else root
            if real != root and not is_visible(root, real):
                continue
            descriptor = _open_folder(real)
            if descriptor is None:
                continue
            opened = os.readlink(b"/proc/self/fd/%d" % descriptor)
            if opened == root or is_visible(root, opened):
                return descriptor
            os.close(descriptor)
        return None

    def _open_own(self, path: str) -> int | None:
        exact = os.path.join(os.path.realpath(self.root), os.fsencode(path))
        descriptor = _open_folder(exact)
        if descriptor is not None and os.readlink(b"/proc/self/fd/%d" % descriptor) != exact:
            os.close(descriptor)
            return None
        return descriptor

    def _kind_of_link(self, place: Place) -> Kind:
        root = os.path.realpath(self.root)
        real = os.path.realpath(b"/proc/self/fd/%d/%s" % (place.folder, place.name))
        if not is_visible(root, real):
            return "other"
        status = _status_of(real)
        if status is None:
            return "other"
        return "file" if stat.S_ISREG(status.st_mode) else "folder" if stat.S_ISDIR(status.st_mode) else "other"

    def _listed(self, folder: int, entry: os.DirEntry[str]) -> Listed | None:
        if entry.name.startswith(".") or not _is_text(entry.name):
            return None
        if entry.is_symlink():
            kind = self._kind_of_link(Place(folder, os.fsencode(entry.name)))
            return None if kind == "other" else Listed(entry.name, kind == "folder")
        if entry.is_dir(follow_symlinks=False):
            return Listed(entry.name, True)
        return Listed(entry.name, False) if entry.is_file(follow_symlinks=False) else None

    def _device(self, path: str) -> int | None:
        with self._lenient(path) as place:
            if place is None:
                return None
            status = _status(place)
            return (os.fstat(place.folder) if status is None else status).st_dev


def _is_own(path: str) -> bool:
    return path.partition("/")[0] in _OWN


def _open_folder(path: bytes) -> int | None:
    try:
        return os.open(path, _FOLDER)
    except OSError as error:
        _check_absent(error)
        return None


def _status(place: Place | None) -> os.stat_result | None:
    if place is None:
        return None
    try:
        return os.stat(place.name, dir_fd=place.folder, follow_symlinks=False)
    except OSError as error:
        _check_absent(error)
        return None


def _status_of(path: bytes) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError as error:
        _check_absent(error)
        return None


def _check_absent(error: OSError) -> None:
    """:raises StoreUnavailable: ``error`` says more than that nothing is there."""
    if error.errno not in ABSENT:
        raise StoreUnavailable(detail=f"looking at the library: {error}") from error


def _is_text(name: str) -> bool:
    return name.isascii() or not any("\udc80" <= character <= "\udcff" for character in name)


def _temporary(token: str) -> bytes:
    return b".%s.part" % token.encode()


def _marker(token: str) -> bytes:
    return b".%s.moved" % token.encode()
