"""What was deleted, and how it is had back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Literal

from twisted.logger import Logger

from qisd.access.auditing import actor_of
from qisd.access.levels import Flag, Level
from qisd.access.visitor import Visitor
from qisd.errors import AlreadyExists, NotFound, QisError
from qisd.library.folders import Folders
from qisd.library.journal import Journal
from qisd.library.operations import Restore
from qisd.library.places import require_login
from qisd.pools.files import FilePool
from qisd.repository import names
from qisd.repository.faults import taken
from qisd.repository.tree import TRASH, Tree
from qisd.store import audit, trash
from qisd.store.images import folder_of
from qisd.store.pool import Database
from qisd.store.queries import Queries
from qisd.store.subtree import COMPANION
from qisd.store.trash import TrashEntry

_log = Logger()

_BATCH = 100
_TRIES = 5

OnClash = Literal["fail", "rename"]


class Trash:
    """Lists, restores and empties.

    :param patient_files: in which removing a folder with all that is in it may take a while.
    """

    def __init__(
        self,
        *,
        database: Database,
        files: FilePool,
        patient_files: FilePool,
        tree: Tree,
        journal: Journal,
        folders: Folders,
    ) -> None:
        self._database = database
        self._files = files
        self._patient_files = patient_files
        self._tree = tree
        self._journal = journal
        self._folders = folders

    async def entries(self, visitor: Visitor) -> list[TrashEntry]:
        """What the visitor could have deleted, the newest first."""
        require_login(visitor)
        return [
            entry async for page in self._pages() for entry in page if visitor.can(_level(entry), folder_of(entry.path))
        ]

    async def entry(self, visitor: Visitor, number: int) -> TrashEntry:
        """One of these.

        :raises NotFound: it isn't in the trash.
        """
        require_login(visitor)
        return await self._entry(visitor, number)

    async def restore(self, visitor: Visitor, number: int, *, on_clash: OnClash = "fail") -> str:
        """Put something back where it was, with the folders above it, its ids, titles, permissions and history.

        Needs the level that deleting it needs. Returns where it is, without leading slash.

        :param on_clash: what to do when something else is there now.
        :raises NotFound: it isn't in the trash.
        """
        require_login(visitor)
        entry = await self._entry(visitor, number)
        if await self._files.run(lambda: self._tree.kind(entry.trash_path)) is None:
            raise NotFound(str(number))
        actor = actor_of(visitor)
        if folder_of(entry.path):
            await self._folders.make_if_missing(actor, folder_of(entry.path))
        for attempt in range(1, _TRIES + 1):
            target = await self._files.run(lambda: self._free(entry.path, on_clash))
            restore = Restore(actor=actor, trash_id=entry.id, is_file=entry.file, place=entry.trash_path, target=target)
            try:
                return await self._journal.run(restore)
            except AlreadyExists:
                if on_clash == "fail" or attempt == _TRIES:
                    raise
        raise AssertionError("unreachable")

    async def remove(self, visitor: Visitor, number: int) -> None:
        """Remove something for good; needs the level that deleting it needs.

        :raises NotFound: it isn't in the trash.
        """
        require_login(visitor)
        await self._remove(visitor, await self._entry(visitor, number))

    async def empty(self, visitor: Visitor, *, progress: Callable[[int], object] = lambda done: None) -> int:
        """Remove everything for good; needs file administration. Returns how many entries that were."""
        visitor.require_flag(Flag.ADMIN_FILES)
        count = 0

        def told(done: int) -> object:
            return progress(count + done)

        async for page in self._pages():
            count += await self._remove_all(visitor, page, told)
        return count

    async def expire(self, visitor: Visitor, *, progress: Callable[[int], object] = lambda done: None) -> int:
        """Remove for good what has been there long enough, and what nobody knows of. Returns how many entries."""
        visitor.require_flag(Flag.ADMIN_FILES)
        count = 0
        while found := await trash.expired(self._database, limit=_BATCH):
            removed = await self._remove_all(visitor, found, progress)
            count += removed
            if removed < len(found):
                break
        await self._sweep()
        return count

    # Inside

    async def _pages(self) -> AsyncIterator[list[TrashEntry]]:
        """All entries, the newest first, some at a time: between them, others have their turn."""
        page = await trash.listed(self._database)
        while page:
            yield page
            page = await trash.listed(self._database, below=page[-1].id)

    async def _entry(self, visitor: Visitor, number: int) -> TrashEntry:
        entry = await trash.by_id(self._database, number)
        if entry is None:
            raise NotFound(str(number))
        visitor.require_there(_level(entry), folder_of(entry.path))
        return entry

    async def _remove_all(self, visitor: Visitor, entries: list[TrashEntry], progress: Callable[[int], object]) -> int:
        count = 0
        for entry in entries:
            try:
                await self._remove(visitor, entry)
                count += 1
            except NotFound:
                continue
            except QisError as error:
                _log.warn("{path} can't be removed from the trash: {reason}", path=entry.path, reason=error.detail)
            progress(count)
        return count

    async def _remove(self, visitor: Visitor, entry: TrashEntry) -> None:
        async def work(db: Queries) -> None:
            if not await trash.remove(db, entry.id):
                raise NotFound(str(entry.id))
            await audit.record(
                db,
                actor_of(visitor),
                action="trash.removed",
                object_type="file" if entry.file else "folder",
                object_id=entry.id,
                before={"path": entry.path},
            )

        await self._journal.exclusively((entry.trash_path,), work)
        # What is left when this is cut short is swept up later.
        await self._discard(entry.trash_path)

    async def _discard(self, place: str) -> None:
        for path in (place, place + COMPANION):
            await self._patient_files.run(partial(self._tree.remove, path))

    def _free(self, path: str, on_clash: OnClash) -> str:
        """In a thread: where something can be put back."""
        folder, _, name = path.rpartition("/")
        for candidate in names.alternatives(name) if on_clash == "rename" else [name]:
            target = f"{folder}/{candidate}".lstrip("/")
            if self._tree.kind(target) is None:
                return target
        raise taken(path)

    async def _sweep(self) -> None:
        """Remove what is in the trash without an entry: what was being removed when a process ended."""
        for day, _ in await self._files.run(lambda: self._tree.own_entries(TRASH)):
            folder = f"{TRASH}/{day}"
            found = [name for name, _ in await self._files.run(partial(self._tree.own_entries, folder))]
            places = {f"{folder}/{name.removesuffix(COMPANION)}" for name in found}
            for place in places - await trash.known(self._database, places):
                # Nobody is about to delete or restore it, so it stays unknown.
                if not await self._journal.exclusively((place,), partial(trash.known, trash_paths=[place])):
                    await self._discard(place)
            await self._files.run(partial(self._tree.remove_if_empty, folder))


def _level(entry: TrashEntry) -> Level:
    return Level.DELETE if entry.file else Level.DELETE_FOLDER
