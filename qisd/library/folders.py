"""What visitors do with folders of the library."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import attrs

from qisd.access.auditing import actor_of
from qisd.access.levels import Level
from qisd.access.visitor import Visitor
from qisd.errors import AlreadyExists, NotFound, Refused
from qisd.library.files import check_version
from qisd.library.journal import Journal
from qisd.library.operations import CreateFolder, DeleteFolder, MoveFolder, trash_place
from qisd.library.places import normalised, require_login, viewable
from qisd.library.registrar import Registrar
from qisd.library.rules import LibraryRules
from qisd.pools.files import FilePool
from qisd.repository import names
from qisd.repository.faults import taken
from qisd.repository.staging import Staging
from qisd.repository.tree import Tree
from qisd.store import disk_operations, folders, images
from qisd.store.audit import Actor
from qisd.store.folders import Folder
from qisd.store.images import folder_of
from qisd.store.pool import Database, Transaction
from qisd.store.subtree import Subtree

_ROOT = "The root folder can't be moved or deleted."


@attrs.frozen(kw_only=True)
class FolderView:
    """A folder with what is around it.

    :param parent: None for the root.
    """

    folder: Folder
    parent: Folder | None
    children: list[Folder]


@attrs.frozen(kw_only=True)
class _Way:
    """Where a folder is moved to.

    :param nearest: the nearest folder above that is there already.
    """

    folder: Folder
    target: str
    nearest: str


class Folders:
    """Looks up, makes, moves and deletes folders."""

    def __init__(
        self,
        reactor: Any,
        *,
        database: Database,
        files: FilePool,
        tree: Tree,
        staging: Staging,
        journal: Journal,
        registrar: Registrar,
        rules: Callable[[], LibraryRules],
    ) -> None:
        self._reactor = reactor
        self._database = database
        self._files = files
        self._tree = tree
        self._staging = staging
        self._journal = journal
        self._registrar = registrar
        self._rules = rules

    async def by_path(self, visitor: Visitor, path: str, *, statuses: Iterable[int] = (1,)) -> FolderView:
        """The folder at ``path``, as the disk has it now; one that has vanished has the status 0.

        :param statuses: which children are wanted.
        :raises NotFound: there is none, and never was.
        """
        require_login(visitor)
        location = normalised(path, parameter="path")
        spelled = await viewable(visitor, location, folder=True, tree=self._tree, files=self._files)
        return await self._view(await self._registrar.folder(spelled), statuses)

    async def by_id(self, visitor: Visitor, folder_id: int, *, statuses: Iterable[int] = (1,)) -> FolderView:
        """The folder with this id, be it deleted. The disk is not looked at.

        :raises NotFound: there is none.
        """
        require_login(visitor)
        folder = await self._known(folder_id)
        visitor.require_there(Level.VIEW, folder.location)
        return await self._view(folder, statuses)

    async def create(self, visitor: Visitor, path: str) -> Folder:
        """Make a folder, with those above it that are missing; needs the create-folder level in the nearest one there.

        :raises AlreadyExists: something is there.
        """
        require_login(visitor)
        location = await self._new_path(visitor, path)
        nearest = await self._free(location)
        visitor.require(Level.CREATE_FOLDER, nearest)
        return await self.make(actor_of(visitor), location)

    async def make(self, actor: Actor, location: str) -> Folder:
        """Make a folder without asking whether somebody may; nothing is there yet.

        :raises AlreadyExists: now there is.
        """
        nearest = await self._files.run(lambda: self._tree.nearest(location))
        if nearest == location:
            raise taken(location)
        top, _, below = location[len(nearest) :].lstrip("/").partition("/")
        target = f"{nearest}/{top}".lstrip("/")

        def stage() -> str:
            place = self._staging.place()
            self._tree.make_staged_folder(place, below)
            return place

        staged = await self._files.run(stage)
        return await self._journal.run(CreateFolder(actor=actor, staged=staged, target=target, path=location))

    async def check_move(self, visitor: Visitor, folder_id: int, path: str, *, version: int | None = None) -> None:
        """Raise what :meth:`move` would raise now."""
        names.clean_folder_path(path, unicode_names=self._rules().unicode_names, exists=lambda one: True)
        await self._way(visitor, folder_id, path, version=version)

    async def move(self, visitor: Visitor, folder_id: int, path: str, *, version: int | None = None) -> Folder:
        """Give a folder another name or another place, with everything below it.

        Another name needs the create-folder level in the folder above; another place that one in the nearest folder
        there is, and the delete-folder level in the folder above the old place.

        :param path: the whole new path. Folders above that are missing are made.
        :raises AlreadyExists: something is there.
        """
        way = await self._way(visitor, folder_id, path, version=version)
        source, target = way.folder.location, way.target
        if target == source:
            return way.folder
        actor = actor_of(visitor)
        if folder_of(target) != way.nearest:
            await self.make_if_missing(actor, folder_of(target))
        return await self._journal.run(MoveFolder(actor=actor, folder_id=folder_id, source=source, target=target))

    async def make_if_missing(self, actor: Actor, location: str) -> None:
        """Make a folder unless it's there, or somebody else is faster; without asking whether somebody may."""
        for _ in range(2):
            if await self._files.run(lambda: self._tree.kind(location)) == "folder":
                return
            try:
                await self.make(actor, location)
            except AlreadyExists:
                continue
            return

    async def check_delete(self, visitor: Visitor, folder_id: int, *, version: int | None = None) -> None:
        """Raise what :meth:`delete` would raise now."""
        await self._deletable(visitor, folder_id, version=version)

    async def delete(self, visitor: Visitor, folder_id: int, *, version: int | None = None) -> Folder:
        """Delete a folder with everything below it; needs the delete-folder level in the folder above.

        :raises NotFound: it is deleted, and not on disk.
        """
        folder, there = await self._deletable(visitor, folder_id, version=version)
        location = folder.location
        actor = actor_of(visitor)
        if there:
            days = self._rules().trash_days
            place = await self._files.run(self._staging.place) if not days else self._trash_place()
            await self._journal.run(
                DeleteFolder(actor=actor, folder_id=folder.id, source=location, place=place, days=days)
            )
        else:
            await self._journal.exclusively((location,), lambda db: self._delete_records(db, actor, location))
        return await self._known(folder_id)

    # Inside

    async def _way(self, visitor: Visitor, folder_id: int, path: str, *, version: int | None) -> _Way:
        """From where to where :meth:`move` goes; raises what it raises."""
        require_login(visitor)
        folder = await self._known(folder_id)
        visitor.require_there(Level.VIEW, folder_of(folder.location))
        check_version(folder.version, version)
        names.check_target(path)
        if folder.path == "/":
            raise Refused(_ROOT)
        source = folder.location
        target = await self._new_path(visitor, path)
        if target == source:
            return _Way(folder=folder, target=target, nearest=folder_of(target))
        if target.startswith(f"{source}/"):
            raise Refused("A folder can't be moved into itself.")
        if await self._files.run(lambda: self._tree.kind(source)) != "folder":
            raise NotFound(f"'{folder.path}' was not found.")
        nearest = await self._free(target)
        visitor.require(Level.CREATE_FOLDER, nearest)
        if folder_of(source) != folder_of(target):
            visitor.require(Level.DELETE_FOLDER, folder_of(source))
        return _Way(folder=folder, target=target, nearest=nearest)

    async def _deletable(self, visitor: Visitor, folder_id: int, *, version: int | None) -> tuple[Folder, bool]:
        """The folder that :meth:`delete` deletes, and whether it is on disk; raises what it raises."""
        require_login(visitor)
        folder = await self._known(folder_id)
        if folder.path == "/":
            raise Refused(_ROOT)
        location = folder.location
        visitor.require_there(Level.VIEW, folder_of(location))
        there = await self._files.run(lambda: self._tree.kind(location)) == "folder"
        if not there and not folder.active:
            raise NotFound(f"'{folder.path}' was not found.")
        visitor.require(Level.DELETE_FOLDER, folder_of(location))
        check_version(folder.version, version)
        return folder, there

    async def _known(self, folder_id: int) -> Folder:
        folder = await folders.by_id(self._database, folder_id)
        if folder is None:
            raise NotFound(str(folder_id))
        return folder

    async def _view(self, folder: Folder, statuses: Iterable[int]) -> FolderView:
        parent = None if folder.parent_id is None else await folders.by_id(self._database, folder.parent_id)
        children = await folders.children(self._database, folder.id, statuses=statuses)
        return FolderView(folder=folder, parent=parent, children=children)

    async def _new_path(self, visitor: Visitor, path: str) -> str:
        """The path of a folder that isn't there yet, its part that is there spelled as on disk."""
        names.check_target(path)
        cleaned = await self._files.run(
            lambda: names.clean_folder_path(
                path,
                unicode_names=self._rules().unicode_names,
                exists=lambda one: self._tree.kind(one) == "folder",
            )
        )
        parent, _, name = cleaned.rpartition("/")
        spelled = await viewable(visitor, parent, folder=True, tree=self._tree, files=self._files)
        return f"{spelled}/{name}".lstrip("/")

    async def _free(self, location: str) -> str:
        """The nearest folder that is there, of a path at which nothing is.

        :raises AlreadyExists: something is, or a file is in the way above.
        """

        def look() -> str:
            nearest = self._tree.nearest(location)
            top = location[len(nearest) :].lstrip("/").partition("/")[0]
            if not top or self._tree.kind(f"{nearest}/{top}".lstrip("/")) is not None:
                raise taken(location)
            return nearest

        return await self._files.run(look)

    def _trash_place(self) -> str:
        return trash_place(f"{datetime.fromtimestamp(self._reactor.seconds(), UTC):%Y-%m-%d}", uuid.uuid4().hex)

    async def _delete_records(self, db: Transaction, actor: Actor, location: str) -> None:
        subtree = Subtree(location, file=False)
        info = f"Deleted with folder /{location} by {actor.actor_name}"
        await images.deactivate(db, subtree, user_id=actor.actor_id, info=info)
        await folders.deactivate(db, subtree)
        await disk_operations.tell_files(db, [location])
