"""The changes of the library: what each does on disk, and what the database makes of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import attrs

from qisd.errors import AlreadyExists, BadParameter, NotFound, OutOfDate
from qisd.library.journal import Operation
from qisd.repository.faults import taken
from qisd.repository.files import FileVersion
from qisd.repository.names import MAX_PATH
from qisd.repository.tree import TRASH, Tree
from qisd.store import audit, folders, images, resumable_uploads, trash
from qisd.store.folders import Folder, stored
from qisd.store.image_history import Action
from qisd.store.images import FoundFile, Image, folder_of
from qisd.store.queries import Queries
from qisd.store.subtree import COMPANION, Subtree
from qisd.store.trash import TrashEntry


def _version(value: FileVersion | Mapping[str, Any]) -> FileVersion:
    return value if isinstance(value, FileVersion) else FileVersion(**value)


@attrs.frozen(kw_only=True)
class Upload(Operation[Image]):
    """A file that has arrived gets its place.

    :param staged: where it is. A file that it replaces is kept beside it until all is done.
    :param replaces: whether it may take the place of a file that is there.
    :param digest: SHA-256, as hexadecimal digits.
    :param version: tells the file from the one that it replaces.
    :param seen: what :func:`seen_as` says of the image that it shall replace; None: whatever is there.
    :param upload_id: of the upload that knows of it, if it has arrived in several pieces. It stays where it is then if
        it can't get its place.
    """

    kind: ClassVar[str] = "upload"
    staged: str
    target: str
    replaces: bool
    width: int
    height: int
    digest: str
    version: FileVersion = attrs.field(converter=_version)
    seen: list[int | None] | None = None
    upload_id: str | None = None

    @property
    def _backup(self) -> str:
        return f"{self.staged}.old"

    def paths(self) -> tuple[str, ...]:
        return (self.target,)

    async def check(self, db: Queries) -> None:
        if self.seen is not None:
            image = await images.by_src(db, self.target)
            if image is None or not self.replaces or seen_as(image) != list(self.seen):
                raise OutOfDate("It has been changed meanwhile.")

    def perform(self, tree: Tree, token: str) -> None:
        if self.replaces:
            tree.replace(self.staged, self.target, backup=self._backup, token=token)
        else:
            tree.move(self.staged, self.target, token=token)

    def is_done(self, tree: Tree, token: str) -> bool:
        return tree.is_put(self.staged, self.target, self.version, token=token)

    def complete(self, tree: Tree, token: str) -> FileVersion | None:
        tree.finish_move(self.staged, self.target)
        return tree.version(self.target)

    async def record(self, db: Queries, version: FileVersion | None) -> Image:
        folder = await folders.ensure_folders(db, stored(folder_of(self.target)))
        found = FoundFile(
            src=self.target,
            width=self.width,
            height=self.height,
            file_size=version.size if version else None,
            file_mtime_ns=version.mtime_ns if version else None,
            file_inode=version.inode if version else None,
            content_hash=bytes.fromhex(self.digest),
        )
        action = Action.REPLACED if self.replaces else Action.CREATED
        made = await images.register(
            db,
            [found],
            [folder.id],
            user_id=self.actor.actor_id,
            action=action,
            info=f"Uploaded by {self.actor.actor_name or 'nobody known'}",
        )
        if self.upload_id is not None:
            await resumable_uploads.finish(db, uuid.UUID(self.upload_id), image_id=made[self.target].id)
        return made[self.target]

    def undo(self, tree: Tree, token: str) -> None:
        if not self.replaces:
            tree.move(self.target, self.staged, token=token)
        elif not tree.put_back(self._backup, self.target):
            raise AlreadyExists(f"'/{self.target}' can't be put back")

    def withdraw(self, tree: Tree, token: str) -> None:
        tree.remove(self._backup)
        tree.forget_move(self.target, token=token)

    def clean(self, tree: Tree, token: str) -> None:
        if self.upload_id is None:
            tree.remove(self.staged)
        self.withdraw(tree, token)


@attrs.frozen(kw_only=True)
class MoveFile(Operation[Image]):
    """A file gets another name or folder, with all that hangs on its record; a document's pages go along."""

    kind: ClassVar[str] = "move_file"
    image_id: int
    source: str
    target: str

    def paths(self) -> tuple[str, ...]:
        return (*_claimed(self.source), *_claimed(self.target))

    async def check(self, db: Queries) -> None:
        await _check_image(db, self.image_id, self.source)
        await _check_lengths(db, Subtree(self.source, file=True), self.target)

    def perform(self, tree: Tree, token: str) -> None:
        pages = _pages(self.target)
        if pages is not None and tree.kind(pages) is not None:
            raise taken(pages)
        tree.move(self.source, self.target, token=token)

    def is_done(self, tree: Tree, token: str) -> bool:
        return tree.is_moved(self.source, self.target, token=token)

    def complete(self, tree: Tree, token: str) -> FileVersion | None:
        tree.finish_move(self.source, self.target)
        _bring_pages(tree, self.source, self.target, token)
        return tree.version(self.target)

    async def record(self, db: Queries, version: FileVersion | None) -> Image:
        here, there = Subtree(self.source, file=True), Subtree(self.target, file=True)
        folder = await folders.ensure_folders(db, stored(folder_of(self.target)))
        await folders.detach(db, there)
        await images.detach(db, there)
        await folders.move_subtree(db, here, self.target, parent_id=folder.id)
        await images.move(
            db,
            here,
            self.target,
            folder_id=folder.id,
            user_id=self.actor.actor_id,
            info=_moved(self.source, self.target),
        )
        image = await images.by_id(db, self.image_id)
        if image is None:
            raise NotFound(str(self.image_id))
        return image

    def undo(self, tree: Tree, token: str) -> None:
        tree.move(self.target, self.source, token=token)
        _bring_pages(tree, self.target, self.source, token)

    def clean(self, tree: Tree, token: str) -> None:
        for path in _claimed(self.target):
            tree.forget_move(path, token=token)


@attrs.frozen(kw_only=True)
class _Delete(Operation[TrashEntry | None]):
    """Something leaves the library.

    :param place: where it goes: into the trash, or to be removed for good.
    :param days: for which it stays in the trash; 0: it's gone at once.
    """

    is_file: ClassVar[bool]
    source: str
    place: str
    days: int

    def paths(self) -> tuple[str, ...]:
        return (*(_claimed(self.source) if self.is_file else (self.source,)), self.place)

    def perform(self, tree: Tree, token: str) -> None:
        tree.make_own(folder_of(self.place))
        tree.move(self.source, self.place, token=token)

    def is_done(self, tree: Tree, token: str) -> bool:
        return tree.is_moved(self.source, self.place, token=token)

    def complete(self, tree: Tree, token: str) -> FileVersion | None:
        tree.finish_move(self.source, self.place)
        if self.is_file:
            _bring_pages(tree, self.source, self.place, token)
        return None

    async def record(self, db: Queries, version: FileVersion | None) -> TrashEntry | None:
        subtree = Subtree(self.source, file=self.is_file)
        who = self.actor.actor_name or "the server"
        info = f"Deleted by {who}" if self.is_file else f"Deleted with folder /{self.source} by {who}"
        entry = None
        if self.days:
            entry = await trash.put(
                db, subtree, trash_path=self.place, user_id=self.actor.actor_id, days=self.days, info=info
            )
        else:
            await images.deactivate(db, subtree, user_id=self.actor.actor_id, info=info)
            await folders.deactivate(db, subtree)
        await self._note(db, entry)
        return entry

    async def _note(self, db: Queries, entry: TrashEntry | None) -> None:
        what = "file" if self.is_file else "folder"
        await audit.record(
            db,
            self.actor,
            action=f"{what}.deleted",
            object_type=what,
            object_id=entry.id if entry else "",
            before={"path": self.source},
            after={"trash": entry.id} if entry else None,
        )

    def undo(self, tree: Tree, token: str) -> None:
        tree.move(self.place, self.source, token=token)
        if self.is_file:
            _bring_pages(tree, self.place, self.source, token, document=self.source)

    def clean(self, tree: Tree, token: str) -> None:
        tree.forget_move(self.place, token=token)
        if not self.days:
            tree.remove(self.place)
            tree.remove(self.place + COMPANION)


@attrs.frozen(kw_only=True)
class DeleteFile(_Delete):
    """A file is deleted, and a document's pages with it."""

    kind: ClassVar[str] = "delete_file"
    is_file: ClassVar[bool] = True
    image_id: int

    async def check(self, db: Queries) -> None:
        await _check_image(db, self.image_id, self.source)


@attrs.frozen(kw_only=True)
class DeleteFolder(_Delete):
    """A folder is deleted with everything below it."""

    kind: ClassVar[str] = "delete_folder"
    is_file: ClassVar[bool] = False
    folder_id: int

    async def check(self, db: Queries) -> None:
        await _check_folder(db, self.folder_id, self.source)


@attrs.frozen(kw_only=True)
class CreateFolder(Operation[Folder]):
    """A folder is made, with those above it that are missing.

    :param staged: where the topmost of the new folders is, with the rest in it.
    :param target: where it goes. ``path`` is the folder that is asked for: this one, or one in it.
    """

    kind: ClassVar[str] = "create_folder"
    staged: str
    target: str
    path: str

    def paths(self) -> tuple[str, ...]:
        return (self.target,)

    def perform(self, tree: Tree, token: str) -> None:
        tree.move(self.staged, self.target, token=token)

    def is_done(self, tree: Tree, token: str) -> bool:
        return tree.is_moved(self.staged, self.target, token=token)

    def complete(self, tree: Tree, token: str) -> FileVersion | None:
        tree.finish_move(self.staged, self.target)
        return None

    async def record(self, db: Queries, version: FileVersion | None) -> Folder:
        folder = await folders.ensure_folders(db, stored(self.path))
        await audit.record(
            db,
            self.actor,
            action="folder.created",
            object_type="folder",
            object_id=folder.id,
            after={"path": self.path},
        )
        return folder

    def undo(self, tree: Tree, token: str) -> None:
        tree.move(self.target, self.staged, token=token)

    def clean(self, tree: Tree, token: str) -> None:
        tree.remove(self.staged)
        tree.forget_move(self.target, token=token)


@attrs.frozen(kw_only=True)
class MoveFolder(Operation[Folder]):
    """A folder gets another name or another place, with everything below it, permissions included."""

    kind: ClassVar[str] = "move_folder"
    folder_id: int
    source: str
    target: str

    def paths(self) -> tuple[str, ...]:
        return (self.source, self.target)

    async def check(self, db: Queries) -> None:
        await _check_folder(db, self.folder_id, self.source)
        await _check_lengths(db, Subtree(self.source, file=False), self.target)

    def perform(self, tree: Tree, token: str) -> None:
        tree.move(self.source, self.target, token=token)

    def is_done(self, tree: Tree, token: str) -> bool:
        return tree.is_moved(self.source, self.target, token=token)

    def complete(self, tree: Tree, token: str) -> FileVersion | None:
        tree.finish_move(self.source, self.target)
        return None

    async def record(self, db: Queries, version: FileVersion | None) -> Folder:
        here, there = Subtree(self.source, file=False), Subtree(self.target, file=False)
        parent = await folders.ensure_folders(db, stored(folder_of(self.target)))
        await folders.detach(db, there)
        await images.detach(db, there)
        await folders.move_subtree(db, here, self.target, parent_id=parent.id)
        await images.move(
            db,
            here,
            self.target,
            folder_id=parent.id,
            user_id=self.actor.actor_id,
            info=f"With its folder, from /{self.source} to /{self.target}",
        )
        await trash.move_subtree(db, here, self.target)
        folder = await folders.ensure_folders(db, stored(self.target))
        await audit.record(
            db,
            self.actor,
            action="folder.moved",
            object_type="folder",
            object_id=folder.id,
            before={"path": self.source},
            after={"path": self.target},
        )
        return folder

    def undo(self, tree: Tree, token: str) -> None:
        tree.move(self.target, self.source, token=token)

    def clean(self, tree: Tree, token: str) -> None:
        tree.forget_move(self.target, token=token)


@attrs.frozen(kw_only=True)
class Restore(Operation[str]):
    """Something comes back from the trash; the result is where it is now."""

    kind: ClassVar[str] = "restore"
    trash_id: int
    is_file: bool
    place: str
    target: str

    def paths(self) -> tuple[str, ...]:
        return (*(_claimed(self.target) if self.is_file else (self.target,)), self.place)

    async def check(self, db: Queries) -> None:
        await self._entry(db)

    def perform(self, tree: Tree, token: str) -> None:
        pages = _pages(self.target) if self.is_file else None
        if pages is not None and tree.kind(pages) is not None:
            raise taken(pages)
        tree.move(self.place, self.target, token=token)

    def is_done(self, tree: Tree, token: str) -> bool:
        return tree.is_moved(self.place, self.target, token=token)

    def complete(self, tree: Tree, token: str) -> FileVersion | None:
        tree.finish_move(self.place, self.target)
        if self.is_file:
            _bring_pages(tree, self.place, self.target, token, document=self.target)
        return None

    async def record(self, db: Queries, version: FileVersion | None) -> str:
        entry = await self._entry(db)
        await folders.ensure_folders(db, stored(folder_of(self.target)))
        await trash.revive(
            db,
            entry,
            self.target,
            user_id=self.actor.actor_id,
            info=f"Restored by {self.actor.actor_name or 'the server'}",
        )
        if not self.is_file:
            await folders.ensure_folders(db, stored(self.target))
        await audit.record(
            db,
            self.actor,
            action="trash.restored",
            object_type="file" if self.is_file else "folder",
            object_id=self.trash_id,
            before={"path": entry.path},
            after={"path": self.target},
        )
        return self.target

    def undo(self, tree: Tree, token: str) -> None:
        tree.move(self.target, self.place, token=token)
        if self.is_file:
            _bring_pages(tree, self.target, self.place, token)

    def clean(self, tree: Tree, token: str) -> None:
        tree.forget_move(self.target, token=token)

    async def _entry(self, db: Queries) -> TrashEntry:
        entry = await trash.by_id(db, self.trash_id)
        if entry is None or entry.trash_path != self.place:
            raise NotFound(str(self.trash_id))
        return entry


KINDS: Mapping[str, type[Operation[Any]]] = MappingProxyType(
    {one.kind: one for one in (Upload, MoveFile, DeleteFile, CreateFolder, MoveFolder, DeleteFolder, Restore)}
)
"""All operations, by their names in the journal."""


def seen_as(image: Image) -> list[int | None]:
    """What tells an image, its record and its file, from what it is after any change."""
    return [image.id, image.version, image.status, image.file_size, image.file_mtime_ns, image.file_inode]


def trash_place(date: str, number: str) -> str:
    """Where something goes that is deleted on ``date``; ``number`` is its own."""
    return f"{TRASH}/{date}/{number}"


def _pages(path: str) -> str | None:
    """The folder that the pages of a file are in, if it is a document."""
    return Subtree(path, file=True).folder


def _claimed(path: str) -> tuple[str, ...]:
    pages = _pages(path)
    return (path,) if pages is None else (path, pages)


def _bring_pages(tree: Tree, source: str, target: str, token: str, *, document: str | None = None) -> None:
    """Have the pages of a document follow it, if they haven't yet.

    :param document: which of the two names tells whether it is one; ``source``, if nothing is said.
    """
    if _pages(document or source) is None:
        return
    pages, new_pages = source + COMPANION, target + COMPANION
    if tree.is_moved(pages, new_pages, token=token):
        tree.finish_move(pages, new_pages)
    elif tree.kind(pages) == "folder":
        tree.move(pages, new_pages, token=token)
        tree.finish_move(pages, new_pages)


def _moved(source: str, target: str) -> str:
    """What the history of an image says."""
    old_folder, new_folder = folder_of(source), folder_of(target)
    old_name, new_name = source.rpartition("/")[2], target.rpartition("/")[2]
    if old_folder == new_folder:
        return f"Renamed from {old_name} to {new_name}"
    renamed = "" if old_name == new_name else f", renamed from {old_name} to {new_name}"
    return f"Moved from /{old_folder} to /{new_folder}{renamed}"


async def _check_image(db: Queries, image_id: int, src: str) -> None:
    image = await images.by_id(db, image_id)
    if image is None or image.src != src:
        raise NotFound(src)


async def _check_folder(db: Queries, folder_id: int, path: str) -> None:
    folder = await folders.by_id(db, folder_id)
    if folder is None or folder.location != path:
        raise NotFound(f"/{path}")


async def _check_lengths(db: Queries, subtree: Subtree, target: str) -> None:
    if len(target) + await folders.longest_below(db, subtree) >= MAX_PATH:
        raise BadParameter("path", f"Value is too long (max {MAX_PATH}): of a path below it")
