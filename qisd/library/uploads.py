"""Files that visitors bring into the library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal, Protocol

import attrs
from twisted.logger import Logger

from qisd.access.auditing import actor_of
from qisd.access.levels import Level
from qisd.access.visitor import Visitor
from qisd.errors import AlreadyExists, BadParameter, NotFound, QisError, StoreUnavailable
from qisd.library.content import PixelSize, check_content, not_accepted
from qisd.library.folders import Folders
from qisd.library.journal import Journal
from qisd.library.operations import Upload, seen_as
from qisd.library.places import normalised, require_login, viewable
from qisd.library.rules import LibraryRules
from qisd.library.search import Search
from qisd.pools.files import FilePool
from qisd.repository import names
from qisd.repository.catalogue import extension_of
from qisd.repository.faults import taken
from qisd.repository.files import FileVersion
from qisd.repository.staging import IncomingFile
from qisd.repository.tree import Tree
from qisd.store.images import Image

Overwrite = Literal["no", "yes", "rename"]

_log = Logger()

_TRIES = 5

_DUPLICATES_TOLD = 10


@attrs.frozen
class FileOutcome:
    """What became of one file: either of the two is there.

    :param filename: as the client sent it.
    :param duplicates: some of the images that have the very same content, as far as the visitor may view them.
    """

    filename: str
    image: Image | None = None
    error: QisError | None = None
    duplicates: Sequence[Image] = ()


class Arrived(Protocol):
    """A file that is there whole. See :class:`~qisd.repository.staging.IncomingFile`."""

    @property
    def filename(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def location(self) -> bytes: ...
    @property
    def digest(self) -> bytes: ...
    @property
    def version(self) -> FileVersion: ...


@attrs.frozen(kw_only=True)
class UploadPlace:
    """A folder that files could go to.

    :param index: its number among those that the operator has set, with their ``label``; None for any other.
    :param path: without slashes around it.
    :param there: it is on disk already; those of the operator are made on demand.
    :param level: what the visitor may do with files in it.
    """

    index: int | None
    label: str
    path: str
    there: bool
    level: int


@attrs.frozen
class _Spot:
    """Where a file can go: a path that is free, or one whose file it replaces."""

    path: str
    replaces: bool


class Uploads:
    """Puts files that have arrived into their places."""

    def __init__(
        self,
        reactor: Any,
        *,
        files: FilePool,
        tree: Tree,
        journal: Journal,
        folders: Folders,
        search: Search,
        rules: Callable[[], LibraryRules],
    ) -> None:
        self._reactor = reactor
        self._files = files
        self._tree = tree
        self._journal = journal
        self._folders = folders
        self._search = search
        self._rules = rules

    async def store(
        self,
        visitor: Visitor,
        files: Sequence[IncomingFile],
        *,
        folder: str | None = None,
        path_index: int | None = None,
        overwrite: Overwrite = "no",
    ) -> list[FileOutcome]:
        """Put each file into a folder: in the order given, and each by itself. Those that can't be are discarded.

        :param folder: its path; must be there.
        :param path_index: of one of the folders that the operator has set for uploads, made if need be; goes before
            ``folder``.
        :param overwrite: what to do when a name is taken: fail, replace, or take another one.
        :raises QisError: no file was looked at, since there is none, or no such folder.
        """
        left = list(files)
        try:
            require_login(visitor)
            if not files:
                raise BadParameter("files", "Missing parameter: files")
            place, made_on_demand = await self._folder(visitor, folder, path_index)
            outcomes: list[FileOutcome] = []
            used: set[str] = set()
            while left:
                outcomes.append(await self._outcome(visitor, left[0], place, made_on_demand, overwrite, used))
                await self.discard(left.pop(0))
            return outcomes
        finally:
            for one in left:
                await self.discard(one)

    async def store_one(
        self, visitor: Visitor, incoming: IncomingFile, path: str, *, replace: bool, seen: Image | None = None
    ) -> Image:
        """Put a file at a path, in a folder that is there. It is discarded when it can't be.

        :param path: with the file's name, which is cleaned as those of all uploads.
        :param replace: whether it may take the place of a file that is there.
        :param seen: the image that the visitor means to replace.
        :raises OutOfDate: it is another one now, or none. :raises AlreadyExists: the path is taken.
        """
        try:
            place, name = await self.target(visitor, path)
            return await self._one(
                visitor, incoming, place, name, overwrite="yes" if replace else "no", parameter="path", seen=seen
            )
        finally:
            await self.discard(incoming)

    async def places(self, visitor: Visitor) -> list[UploadPlace]:
        """The folders that the operator has set for uploads, in their order; not those that the visitor may not see."""
        require_login(visitor)
        paths = [self._set_path(index) for index in range(len(self._rules().upload_dirs))]
        return [
            await self._place(visitor, path, index=index, label=self._rules().upload_dirs[index][0])
            for index, path in enumerate(paths)
            if visitor.can(Level.VIEW, path)
        ]

    async def place(self, visitor: Visitor, folder: str) -> UploadPlace:
        """Any folder, whether it is there or not; then it has the path that it would get.

        :raises BadParameter: it can't be made, for its name.
        :raises Forbidden: the visitor may not view it.
        """
        require_login(visitor)
        path = normalised(folder, parameter="path")
        if path:
            path = await self._files.run(lambda: self._cleaned(path))
        spelled = await viewable(visitor, path, folder=True, tree=self._tree, files=self._files)
        return await self._place(visitor, spelled, index=None, label="")

    def _cleaned(self, path: str) -> str:
        return names.clean_folder_path(
            path, unicode_names=self._rules().unicode_names, exists=lambda one: self._tree.kind(one) == "folder"
        )

    async def _place(self, visitor: Visitor, path: str, *, index: int | None, label: str) -> UploadPlace:
        nearest = await self._files.run(lambda: self._tree.nearest(path))
        there = nearest == path and await self._files.run(lambda: self._tree.kind(path)) == "folder"
        level = min(visitor.level(path), visitor.level(nearest))
        return UploadPlace(index=index, label=label, path=path, there=there, level=level)

    async def expect(
        self,
        visitor: Visitor,
        folder: str | None,
        filename: str,
        *,
        overwrite: Overwrite,
        path_index: int | None = None,
    ) -> tuple[str, str]:
        """The folder, as the disk spells it, and the name that a file would get which has yet to come.

        :param path_index: of one of the folders set for uploads, which is made now; goes before ``folder``.
        :raises QisError: it could not be put there.
        """
        require_login(visitor)
        place, made_on_demand = await self._folder(visitor, folder, path_index)
        name = self._name(filename, parameter="filename")
        if not self._rules().is_known(extension_of(name)):
            raise not_accepted(f"'{extension_of(name)}' is not a known type of file")
        await self._check_level(visitor, place)
        names.check_length(f"{place}/{name}")
        if made_on_demand:
            await self._folders.make_if_missing(actor_of(visitor), place)
        await self._files.run(lambda: self._spot(place, name, overwrite))
        return place, name

    async def store_resumed(
        self, visitor: Visitor, arrived: Arrived, folder: str, *, overwrite: Overwrite, upload_id: str
    ) -> Image:
        """Put a file that has come in several pieces into a folder. It is not discarded when it can't be."""
        require_login(visitor)
        place, _ = await self._folder(visitor, folder, None)
        make = partial(Upload, upload_id=upload_id)
        return await self._one(visitor, arrived, place, arrived.filename, overwrite=overwrite, operation=make)

    async def target(self, visitor: Visitor, path: str) -> tuple[str, str]:
        """The folder, as the disk spells it, and the name of a file that is to come to ``path``.

        :raises NotFound: there is no such folder.
        """
        require_login(visitor)
        names.check_target(path.strip("/"))
        folder, _, name = path.strip("/").rpartition("/")
        place, _ = await self._folder(visitor, folder, None)
        return place, self._name(name, parameter="path")

    async def _folder(self, visitor: Visitor, folder: str | None, path_index: int | None) -> tuple[str, bool]:
        """The folder, and whether it is made on demand."""
        if path_index is not None:
            if not 0 <= path_index < len(self._rules().upload_dirs):
                raise BadParameter("path_index", f"{path_index} is out of range")
            path = self._set_path(path_index)
            return await viewable(visitor, path, folder=True, tree=self._tree, files=self._files), True
        if folder is None:
            raise BadParameter("path", "Missing parameter: path")
        path = normalised(folder, parameter="path")
        spelled = await viewable(visitor, path, folder=True, tree=self._tree, files=self._files)
        if await self._files.run(lambda: self._tree.kind(spelled)) != "folder":
            raise NotFound(f"'/{path}' was not found.")
        return spelled, False

    def _set_path(self, index: int) -> str:
        """Where one of the folders set for uploads is today."""
        now = datetime.fromtimestamp(self._reactor.seconds(), UTC)
        return normalised(now.strftime(self._rules().upload_dirs[index][1]), parameter="path_index")

    async def _outcome(
        self,
        visitor: Visitor,
        incoming: IncomingFile,
        folder: str,
        made_on_demand: bool,
        overwrite: Overwrite,
        used: set[str],
    ) -> FileOutcome:
        try:
            name = self._name(incoming.filename, parameter="files")
            taken_before = name in used
            used.add(name)
            image = await self._one(
                visitor,
                incoming,
                folder,
                name,
                overwrite="rename" if taken_before else overwrite,
                made_on_demand=made_on_demand,
            )
        except QisError as error:
            return FileOutcome(incoming.filename, error=error)
        used.add(image.filename)
        return FileOutcome(incoming.filename, image=image, duplicates=await self.duplicates(visitor, image))

    async def duplicates(self, visitor: Visitor, image: Image) -> list[Image]:
        """Some of the images with the very same content as one that has come, as far as the visitor may view them.

        Only a warning: the file is in its place, whether or not this can be told.
        """
        try:
            return await self._search.same_content(visitor, image, limit=_DUPLICATES_TOLD)
        except QisError as error:
            _log.warn("duplicates of {src} can't be looked for: {reason}", src=image.src, reason=error)
            return []

    async def _one(
        self,
        visitor: Visitor,
        incoming: Arrived,
        folder: str,
        name: str,
        *,
        overwrite: Overwrite,
        made_on_demand: bool = False,
        parameter: str = "path",
        seen: Image | None = None,
        operation: Callable[..., Upload] = Upload,
    ) -> Image:
        size = await self._check(incoming, name)
        await self._check_level(visitor, folder)
        names.check_length(f"{folder}/{name}", parameter=parameter)
        if made_on_demand:
            await self._folders.make_if_missing(actor_of(visitor), folder)
        make = partial(operation, seen=None if seen is None else seen_as(seen))
        return await self._put(visitor, incoming, folder, name, size, overwrite, make)

    async def _check_level(self, visitor: Visitor, folder: str) -> None:
        nearest = await self._files.run(lambda: self._tree.nearest(folder))
        visitor.require(Level.UPLOAD, folder)
        visitor.require(Level.UPLOAD, nearest)

    def _name(self, filename: str, *, parameter: str) -> str:
        name = filename.rpartition("/")[2]
        return names.clean_file_name(name, unicode_names=self._rules().unicode_names, parameter=parameter)

    async def _check(self, incoming: Arrived, name: str) -> PixelSize:
        rules = self._rules()
        if not rules.is_known(extension_of(name)):
            raise not_accepted(f"'{extension_of(name)}' is not a known type of file")

        def look() -> PixelSize:
            try:
                with open(incoming.location, "rb") as stream:  # noqa: PTH123 - names on disk are bytes
                    return check_content(stream, name, rules)
            except OSError as error:
                raise StoreUnavailable(detail=f"reading what was received: {error}") from error

        return await self._files.run(look)

    async def _put(
        self,
        visitor: Visitor,
        incoming: Arrived,
        folder: str,
        name: str,
        size: PixelSize,
        overwrite: Overwrite,
        operation: Callable[..., Upload],
    ) -> Image:
        for attempt in range(1, _TRIES + 1):
            spot = await self._files.run(lambda: self._spot(folder, name, overwrite))
            upload = operation(
                actor=actor_of(visitor),
                staged=incoming.path,
                target=spot.path,
                replaces=spot.replaces,
                width=size.width,
                height=size.height,
                digest=incoming.digest.hex(),
                version=incoming.version,
            )
            try:
                return await self._journal.run(upload)
            except AlreadyExists:
                # Somebody else was faster.
                if overwrite == "no" or attempt == _TRIES:
                    raise
        raise AssertionError("unreachable")

    def _spot(self, folder: str, name: str, overwrite: Overwrite) -> _Spot:
        """In a thread.

        :raises AlreadyExists: there is no way in.
        """
        for candidate in names.alternatives(name) if overwrite == "rename" else [name]:
            path = f"{folder}/{candidate}".lstrip("/")
            kind = self._tree.kind(path)
            if kind is None:
                return _Spot(path, replaces=False)
            if kind == "file" and overwrite == "yes":
                return _Spot(self._tree.spelling(path), replaces=True)
        raise taken(f"{folder}/{name}".lstrip("/"))

    async def discard(self, incoming: IncomingFile) -> None:
        """Remove a file that has arrived and is not wanted."""
        try:
            await self._files.run(incoming.discard)
        except (QisError, OSError) as error:
            _log.warn("a file that was received can't be removed: {reason}", reason=error)
