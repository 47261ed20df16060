"""Brings the database along with what others did to the disk: files that appear, change, vanish and come back."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import Any, TypeVar

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from qisd.errors import NotFound, QisError, StoreUnavailable, Unavailable
from qisd.library.content import PixelSize, pixel_size
from qisd.library.guard import Guard
from qisd.library.journal import shielded
from qisd.library.rules import LibraryRules
from qisd.pools.files import FilePool
from qisd.repository import paths
from qisd.repository.catalogue import extension_of
from qisd.repository.files import FileVersion, Repository
from qisd.repository.tree import Tree
from qisd.store import disk_operations, folders, images, stats
from qisd.store.folders import Folder, stored
from qisd.store.image_history import Action
from qisd.store.images import FoundFile, Image, folder_of
from qisd.store.pool import Database, Transaction
from qisd.store.subtree import Subtree

T = TypeVar("T")

_log = Logger()

_FLUSH_EVERY = 1.0
_BATCH = 500
_QUEUE_MAX = 10_000
_KNOWN_MAX = 50_000
_HEADERS_AT_ONCE, _LOOKS_AT_ONCE = 20, 500

_BELIEVED = 1.0
"""Seconds for which a record is handed out without another look at the disk, unless a change is told of."""

_FRESH_MAX = 20_000
_PATIENCE, _PAUSE = 5.0, 0.05
_ALIKE_MAX = 20

_FOUND = "Detected: {src}"
_MISSING = "Not found: {src}"
_FOLDER_MISSING = "The folder that it was in is gone"


@attrs.frozen
class _Look:
    """What is on disk."""

    src: str
    version: FileVersion


class Registrar:
    """Makes, corrects and ends the records of files.

    Image requests neither wait for it nor write themselves: they tell what they came across, :meth:`saw` and
    :meth:`missed`, and it is written in batches, once a second. What can't be written is found again by later requests.

    Paths are as the disk spells them.
    """

    def __init__(
        self,
        reactor: Any,
        *,
        database: Database,
        files: FilePool,
        tree: Tree,
        repository: Repository,
        guard: Guard,
        rules: Callable[[], LibraryRules],
    ) -> None:
        self._reactor = reactor
        self._database = database
        self._files = files
        self._tree = tree
        self._repository = repository
        self._guard = guard
        self._rules = rules
        self._known: OrderedDict[str, None] = OrderedDict()
        self._fresh: OrderedDict[str, tuple[float, Image]] = OrderedDict()
        self._changes = 0
        self._seen: dict[str, PixelSize] = {}
        self._missed: dict[str, None] = {}
        self._listed: dict[str, None] = {}
        self._clock = LoopingCall(lambda: Deferred.fromCoroutine(self._tick()))
        self._clock.clock = reactor

    def start(self) -> None:
        self._clock.start(_FLUSH_EVERY, now=False)

    async def stop(self) -> None:
        """Write what is waiting."""
        if self._clock.running:
            self._clock.stop()
        await self._tick()

    # What image requests tell

    def saw(self, src: str, width: int, height: int) -> None:
        """A file was read as an image of this size in pixels."""
        if src in self._known:
            self._known.move_to_end(src)
        elif len(self._seen) < _QUEUE_MAX:
            self._seen[src] = PixelSize(width, height)
            self._remember(src)

    def missed(self, src: str) -> None:
        """A file was not found."""
        if len(self._missed) < _QUEUE_MAX:
            self._missed[src] = None

    def listed(self, path: str) -> None:
        """A folder was looked into: it is there."""
        key = f"{path}/"  # no file is called like this
        if key not in self._known and len(self._listed) < _QUEUE_MAX:
            self._listed[path] = None
            self._remember(key)

    def forget(self, path: str) -> None:
        """What is at or below ``path`` is not what it was."""
        self._changes += 1
        below = f"{path}/" if path else ""
        for kept in (self._known, self._fresh):  # type: OrderedDict[str, Any]
            kept.pop(path, None)
            for src in [src for src in kept if src.startswith(below)]:
                del kept[src]

    async def flush(self) -> None:
        """Write what was told until now."""
        seen, self._seen = self._seen, {}
        missed, self._missed = self._missed, {}
        listed, self._listed = self._listed, {}
        try:
            for batch in _batches(list(seen)):
                await self._register({src: seen[src] for src in batch})
            for path in listed:
                await self._note_folder(path)
        except QisError:
            for src in (*seen, *(f"{path}/" for path in listed)):
                self._known.pop(src, None)
            raise
        for batch in _batches(list(missed)):
            await self.note_missing(batch)

    # What is asked for

    async def image(self, src: str) -> Image:
        """The record of a file, made or corrected if need be.

        :raises NotFound: there is no such file. :raises StoreUnavailable: that can't be told.
        """
        image = self.believed(src)
        if image is not None:
            return image
        now, changes = self._reactor.seconds(), self._changes
        image = (await self.images([src])).get(src) or self._not_there(src)
        if changes == self._changes:  # else this may be how it was before
            self._fresh[src] = now, image
            if len(self._fresh) > _FRESH_MAX:
                self._fresh.popitem(last=False)
        return image

    def believed(self, src: str) -> Image | None:
        """The record of a file that was looked at within the last second."""
        checked, image = self._fresh.get(src, (float("-inf"), None))
        return image if self._reactor.seconds() - checked <= _BELIEVED else None

    async def images(self, srcs: Collection[str]) -> dict[str, Image]:
        """The records of several files, made or corrected if need be; those that are not there are left out."""
        return await shielded(self._images(srcs))

    async def spelling(self, path: str) -> str:
        """``path`` as the disk spells it, as far as it is there. Records go by that, and so do permissions."""
        return path if path.isascii() else await self._files.run(lambda: self._tree.spelling(path))

    async def folder(self, path: str) -> Folder:
        """The record of a folder, made or made active if need be; of one that has vanished, with status 0.

        :raises NotFound: it is not there, and never was.
        """
        kind = await self._files.run(lambda: self._tree.kind(path))
        known = await folders.by_path(self._database, stored(path))
        if kind == "folder":
            if known is not None and known.active:
                return known
            return await shielded(self._write([path], lambda db: folders.ensure_folders(db, stored(path))))
        if known is None:
            raise NotFound(f"'/{path}' was not found.")
        if known.active:
            await self.folder_gone(path)
        return await folders.by_id(self._database, known.id) or known

    async def _note_folder(self, path: str) -> None:
        with contextlib.suppress(NotFound):
            await self.folder(path)

    async def folder_gone(self, path: str, *, agreed: bool = False) -> int:
        """Mark a folder that is not there any more deleted, with everything below it; how many images that were.

        Nothing is marked when the folder is there, or the library is not.

        :param agreed: an administrator wants it, however many there are.
        """
        subtree = Subtree(path, file=False)
        count = await images.count_active(self._database, subtree)
        if not path or not (await self._guard.is_there() if agreed else await self._guard.allow(count)):
            return 0

        async def work(db: Transaction) -> int:
            if await self._files.run(lambda: self._tree.kind(path)) is not None:
                return 0
            count = await images.deactivate(db, subtree, user_id=None, info=_FOLDER_MISSING)
            await folders.deactivate(db, subtree)
            await disk_operations.tell_files(db, [path])
            return count

        marked = await shielded(self._write([path], work))
        self.forget(path)
        return marked

    # Inside

    async def _images(self, srcs: Collection[str]) -> dict[str, Image]:
        there = await self._looks(srcs)
        known = await images.by_srcs(self._database, srcs)
        fresh = {src: image for src, image in known.items() if src in there and is_of(image, there[src].version)}
        for src in known.keys() - there.keys():
            if known[src].active:
                self.missed(src)
        unknown = [src for src in there if src not in fresh]
        sizes: dict[str, PixelSize] = {}
        for start in range(0, len(unknown), _HEADERS_AT_ONCE):
            part = unknown[start : start + _HEADERS_AT_ONCE]
            sizes |= await self._files.run(partial(self._sizes, part))
        return fresh | await self._register(sizes)

    async def _looks(self, srcs: Collection[str]) -> dict[str, _Look]:
        """Those of ``srcs`` that are files, by these; some in one job, so that it ends in time."""
        all_, found = list(srcs), dict[str, _Look]()
        for start in range(0, len(all_), _LOOKS_AT_ONCE):
            found |= await self._files.run(partial(self._look, all_[start : start + _LOOKS_AT_ONCE]))
        return found

    def _look(self, srcs: Sequence[str]) -> dict[str, _Look]:
        versions = ((src, self._tree.version(src)) for src in srcs)
        return {src: _Look(src, version) for src, version in versions if version is not None}

    def _sizes(self, srcs: Sequence[str]) -> dict[str, PixelSize]:
        found = {}
        for src in srcs:
            try:
                source = self._repository.open(src)
            except NotFound:
                continue
            with source.stream as stream:
                found[src] = pixel_size(stream, src, self._rules())
        return found

    async def _register(self, sizes: dict[str, PixelSize]) -> dict[str, Image]:
        wanted = [src for src in sizes if self._rules().is_supported(extension_of(src)) and not paths.is_hidden(src)]
        if not wanted:
            return {}

        moved = await self._moved(wanted)

        async def work(db: Transaction) -> dict[str, Image]:
            # Once more, now that nobody changes anything: what was seen may be gone.
            there = await self._looks(wanted)
            for src, before in moved.items():
                if src in there:
                    await self._follow(db, before, src)
            known = await images.by_srcs(db, list(there))
            same = {src: image for src, image in known.items() if is_of(image, there[src].version)}
            found = [_found(look, sizes[src]) for src, look in there.items() if src not in same]
            if not found:
                return same
            places = await folders.ensure_all(db, [stored(folder_of(one.src)) for one in found])
            ids = [places[stored(folder_of(one.src))].id for one in found]
            return same | await images.register(db, found, ids, user_id=None, action=Action.CREATED, info=_FOUND)

        made = await self._write([*wanted, *(before.src for before in moved.values())], work)
        for before in moved.values():
            self.forget(before.src)
        for src in made:
            self._remember(src)
        return made

    async def _moved(self, srcs: Sequence[str]) -> dict[str, Image]:
        """Those of ``srcs`` without a record that are the files of other records, moved by somebody on disk."""
        there = await self._looks(srcs)
        known = await images.by_srcs(self._database, list(there))
        fresh = {look.version: src for src, look in there.items() if src not in known or not known[src].active}
        versions = [(version.size, version.mtime_ns, version.inode) for version in fresh]
        candidates = await images.by_versions(self._database, versions)
        still_there = await self._looks([one.src for one in candidates])
        gone = [one for one in candidates if one.src not in still_there and Subtree(one.src, file=True).folder is None]
        found: dict[str, Image] = {}
        for one in sorted(gone, key=lambda one: one.status):  # an active record goes before those that were deleted
            found[fresh[_version_of(one)]] = one
        return {src: one for src, one in found.items() if one.src != src}

    async def _follow(self, db: Transaction, before: Image, src: str) -> None:
        """Have a record go where its file went."""
        now = await images.by_id(db, before.id)
        there = await images.by_src(db, src)
        if now is None or now.src != before.src or (there is not None and there.active):
            return
        target = Subtree(src, file=True)
        folder = await folders.ensure_folders(db, stored(folder_of(src)))
        await images.detach(db, target)
        await images.move(
            db,
            Subtree(before.src, file=True),
            src,
            folder_id=folder.id,
            user_id=None,
            info=f"Found again: moved from /{before.src} to /{src}",
        )
        await disk_operations.tell_files(db, [before.src, src])

    async def find_again(self, image_id: int, content_hash: bytes) -> bool:
        """Have the record of a file that is gone take the place of a new one with the very same content.

        So does somebody move files who copies them to another file system. The new record goes, unless anybody has
        done something with it.

        :param image_id: the new record. :returns: whether that was done.
        """
        new = await images.by_id(self._database, image_id)
        if new is None or not await images.is_untouched(self._database, image_id):
            return False
        for lost in await images.lost_like(self._database, content_hash, but=image_id, limit=_ALIKE_MAX):
            if await shielded(self._replace(new, lost, content_hash)):
                return True
        return False

    async def _replace(self, new: Image, lost: Image, content_hash: bytes) -> bool:
        async def work(db: Transaction) -> bool:
            there = await self._looks([new.src, lost.src])
            if new.src not in there or lost.src in there or not is_of(new, there[new.src].version):
                return False
            untouched = await images.is_untouched(db, new.id)
            if not untouched or [await images.by_id(db, one.id) for one in (new, lost)] != [new, lost]:
                return False
            await stats.give_to(db, new.id, lost.id)
            await images.remove(db, new.id)
            await self._follow(db, lost, new.src)
            found = attrs.evolve(_found(there[new.src], PixelSize(new.width, new.height)), content_hash=content_hash)
            await images.register(db, [found], [new.folder_id], user_id=None, action=Action.CREATED, info=_FOUND)
            return True

        done = await self._write([new.src, lost.src], work)
        if done:
            _log.info("{old} has been found again as {src}", old=lost.src, src=new.src)
            self.forget(lost.src)
            self.forget(new.src)
        return done

    async def note_missing(self, srcs: Sequence[str], *, agreed: bool = False) -> list[str]:
        """Mark those of ``srcs`` deleted that are active and not on disk; returns them.

        :param agreed: an administrator wants it, however many there are.
        """
        known = await images.by_srcs(self._database, srcs)
        active = [src for src, image in known.items() if image.active]
        there = await self._looks(active)
        gone = [src for src in active if src not in there]
        if not gone or not (await self._guard.is_there() if agreed else await self._guard.allow(len(gone))):
            return []

        async def work(db: Transaction) -> list[str]:
            back = await self._looks(gone)
            marked = await images.deactivate_missing(db, [src for src in gone if src not in back], info=_MISSING)
            await disk_operations.tell_files(db, marked)
            return marked

        marked = await self._write(gone, work)
        for src in marked:
            self.forget(src)
        for folder in await self._files.run(lambda: self._missing_folders(marked)):
            await self.folder_gone(folder, agreed=agreed)
        return marked

    def _missing_folders(self, srcs: Collection[str]) -> list[str]:
        """The topmost folders that are gone, above the files given."""
        missing = set()
        for folder in {folder_of(src) for src in srcs}:
            nearest = self._tree.nearest(folder)
            if nearest != folder:
                rest = folder[len(nearest) :].lstrip("/")
                missing.add(f"{nearest}/{rest.partition('/')[0]}".lstrip("/"))
        return sorted(missing)

    async def _write(self, srcs: Collection[str], work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction while nobody changes any of ``srcs``; waits for those who do."""

        async def within(db: Transaction) -> T:
            await disk_operations.lock(db, srcs, shared=True)
            if await disk_operations.held(db, srcs):
                raise _Held
            return await work(db)

        deadline = self._reactor.seconds() + _PATIENCE
        while True:
            try:
                return await self._database.transaction(within)
            except _Held:
                if self._reactor.seconds() >= deadline:
                    raise Unavailable("This is being changed at the moment.") from None
            await deferLater(self._reactor, _PAUSE)

    def _remember(self, src: str) -> None:
        self._known[src] = None
        if len(self._known) > _KNOWN_MAX:
            self._known.popitem(last=False)

    def _not_there(self, src: str) -> Image:
        if self._guard.alarm:
            raise StoreUnavailable(detail="too many files of the library are missing")
        raise paths.not_found(src)

    async def _tick(self) -> None:
        try:
            await self.flush()
        except QisError as error:
            _log.warn("what was seen in the library can't be written: {reason}", reason=error.detail or error)


class _Held(Exception):
    """An operation is at these paths."""


def _batches(srcs: list[str]) -> list[list[str]]:
    return [srcs[start : start + _BATCH] for start in range(0, len(srcs), _BATCH)]


def is_of(image: Image, version: FileVersion) -> bool:
    """Whether the record is of this version of the file."""
    known = (image.file_size, image.file_mtime_ns, image.file_inode)
    return image.active and known == (version.size, version.mtime_ns, version.inode)


def _version_of(image: Image) -> FileVersion:
    """Of an image that has one."""
    return FileVersion(size=image.file_size or 0, mtime_ns=image.file_mtime_ns or 0, inode=image.file_inode or 0)


def _found(look: _Look, size: PixelSize) -> FoundFile:
    return FoundFile(
        src=look.src,
        width=size.width,
        height=size.height,
        file_size=look.version.size,
        file_mtime_ns=look.version.mtime_ns,
        file_inode=look.version.inode,
    )
