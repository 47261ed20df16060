"""What visitors do with single files that are in the library."""

from __future__ import annotations

import difflib
import itertools
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from qisd.access.auditing import actor_of
from qisd.access.levels import Level
from qisd.access.visitor import Visitor
from qisd.errors import NotFound, OutOfDate
from qisd.imaging.formats import canonical_name
from qisd.library.content import check_content, not_accepted
from qisd.library.journal import Journal
from qisd.library.operations import DeleteFile, MoveFile, trash_place
from qisd.library.places import check_text, normalised, require_login, viewable
from qisd.library.registrar import Registrar
from qisd.library.rules import LibraryRules
from qisd.pools.files import FilePool
from qisd.repository import names, paths
from qisd.repository.catalogue import extension_of
from qisd.repository.faults import taken
from qisd.repository.files import Repository
from qisd.repository.staging import Staging
from qisd.repository.tree import Tree
from qisd.store import disk_operations, folders, image_history, images
from qisd.store.image_history import Action, ImageEvent
from qisd.store.images import MAX_DESCRIPTION, MAX_TITLE, Image, folder_of
from qisd.store.pool import Database, Transaction
from qisd.store.subtree import Subtree

_TITLE_TOLD, _DESCRIPTION_TOLD = 100, 200

_WORDS_COMPARED = 50
"""More would take long, with the cube of their number, while nothing else happens."""


class Files:
    """Looks up, describes, moves and deletes files.

    :param changed: told the path of each image whose record was changed.
    """

    def __init__(
        self,
        reactor: Any,
        *,
        database: Database,
        files: FilePool,
        tree: Tree,
        repository: Repository,
        staging: Staging,
        journal: Journal,
        registrar: Registrar,
        rules: Callable[[], LibraryRules],
        changed: Callable[[str], None] = lambda path: None,
    ) -> None:
        self._reactor = reactor
        self._database = database
        self._files = files
        self._tree = tree
        self._repository = repository
        self._staging = staging
        self._journal = journal
        self._registrar = registrar
        self._rules = rules
        self._changed = changed

    async def details(self, visitor: Visitor, src: str, *, parameter: str = "src") -> Image:
        """The record of the file at ``src``, made or corrected if need be.

        :raises Unsupported: its name isn't that of an image. :raises NotFound: there is none, or it is hidden.
        """
        path = normalised(src, parameter=parameter)
        visitor.require(Level.VIEW, folder_of(path))
        visitor.require_valid(path, now=self._reactor.seconds())
        believed = self._registrar.believed(path)
        if believed is not None:
            return believed
        spelled = await viewable(visitor, path, folder=False, tree=self._tree, files=self._files)
        visitor.require_valid(spelled, now=self._reactor.seconds())
        believed = self._registrar.believed(spelled)
        if believed is not None:
            return believed
        kind = await self._files.run(lambda: self._tree.kind(spelled)) if spelled else None
        if kind == "folder":
            raise paths.not_found(path)
        if not self._rules().is_supported(extension_of(spelled)):
            if kind is None:
                raise paths.not_found(path)
            raise not_accepted(f"'{extension_of(spelled)}' can't be read")
        return await self._registrar.image(spelled)

    async def remembered(self, visitor: Visitor, src: str) -> Image:
        """The record of the image that is, or was last, at ``src``; needs the view level. The disk is not looked at.

        :raises NotFound: there never was one.
        """
        path = normalised(src, parameter="src")
        spelled = await viewable(visitor, path, folder=False, tree=self._tree, files=self._files)
        image = await images.by_src(self._database, spelled)
        if image is None:
            raise paths.not_found(path)
        return image

    async def at(self, visitor: Visitor, srcs: Sequence[str]) -> dict[str, Image]:
        """The records of the files at ``srcs`` that the visitor may view, made or corrected if need be; by these.

        What isn't there is left out, and what can't be shown, unless it came by an upload.
        """
        paths_ = {src: normalised(src, parameter="srcs") for src in srcs}
        spelled = await self._files.run(lambda: {src: self._tree.spelling(path) for src, path in paths_.items()})
        wanted = {
            src: path
            for src, path in spelled.items()
            if visitor.can(Level.VIEW, folder_of(path))
            and visitor.can(Level.VIEW, folder_of(paths_[src]))
            and not paths.is_hidden(path)
        }
        shown, others = set[str](), set[str]()
        for path in wanted.values():
            (shown if self._rules().is_supported(extension_of(path)) else others).add(path)
        found = await images.by_srcs(self._database, others)
        known = {src: image for src, image in found.items() if image.active}
        known |= await self._registrar.images(shown)
        return {src: known[path] for src, path in wanted.items() if path in known}

    async def by_id(self, visitor: Visitor, image_id: int, *, level: Level = Level.VIEW) -> Image:
        """The record with this id, be it deleted. The disk is not looked at.

        :param level: which the visitor needs in its folder.
        :raises NotFound: there is none.
        """
        image = await images.by_id(self._database, image_id)
        if image is None:
            raise NotFound(str(image_id))
        visitor.require_there(level, image.folder)
        return image

    async def present(self, visitor: Visitor, image_id: int) -> Image:
        """As :meth:`by_id`, of a file that is there.

        :raises NotFound: the record is deleted, or the file is gone.
        """
        image = await self.by_id(visitor, image_id)
        if not image.active:
            raise NotFound(str(image_id))
        return await self._registrar.image(image.src)

    async def history(
        self, visitor: Visitor, image_id: int, *, start: int = 0, limit: int | None = None
    ) -> list[ImageEvent]:
        """What happened to an image, oldest first; needs the edit level."""
        require_login(visitor)
        await self.by_id(visitor, image_id, level=Level.EDIT)
        return await image_history.entries(self._database, image_id, start=start, limit=limit)

    async def edit(
        self, visitor: Visitor, image_id: int, *, title: str, description: str, version: int | None = None
    ) -> Image:
        """Give an image another title and description; blanks around them go. Needs the edit level.

        :param version: of the record that the visitor has seen.
        :raises OutOfDate: it isn't that one any more.
        """
        require_login(visitor)
        title = check_text(title, parameter="title", most=MAX_TITLE)
        description = check_text(description, parameter="description", most=MAX_DESCRIPTION)
        await self.by_id(visitor, image_id, level=Level.EDIT)

        async def work(db: Transaction) -> Image:
            before = await images.by_id(db, image_id)
            if before is None:
                raise NotFound(str(image_id))
            check_version(before.version, version)
            if (before.title, before.description) == (title, description):
                return before
            after = await images.set_texts(db, image_id, title=title, description=description)
            assert after is not None  # noqa: S101 - it was there a moment ago
            await image_history.record(
                db, [image_id], user_id=visitor.user_id, action=Action.EDITED, info=_edited(before, after)
            )
            await disk_operations.tell_files(db, [after.src])
            return after

        image = await self._database.transaction(work)
        self._changed(image.src)
        return image

    async def reset(self, visitor: Visitor, image_id: int) -> Image:
        """Look at a file anew, whatever is believed of it, on all servers; needs the edit level."""
        require_login(visitor)
        image = await self.by_id(visitor, image_id, level=Level.EDIT)
        await self._database.transaction(lambda db: disk_operations.tell_files(db, [image.src]))
        self._registrar.forget(image.src)
        self._changed(image.src)
        return await self.present(visitor, image_id)

    async def move(self, visitor: Visitor, image_id: int, path: str, *, version: int | None = None) -> Image:
        """Give a file another name, or another folder with the name that it is to have there.

        A new name needs the upload level; another folder that one there, and the delete level here.

        :param path: the whole new path, with the name.
        :raises Unsupported: the new extension isn't that of its content.
        :raises AlreadyExists: something is there.
        """
        require_login(visitor)
        image = await self.by_id(visitor, image_id)
        check_version(image.version, version)
        target = await self._target(visitor, path, image.filename)
        if target == image.src:
            return image
        folder = folder_of(target)
        kinds = await self._files.run(lambda: [self._tree.kind(one) for one in (folder, image.src, target)])
        if kinds[0] != "folder":
            raise NotFound(f"'/{folder}' was not found.")
        if kinds[1] != "file":
            self._registrar.missed(image.src)
            raise paths.not_found(image.src)
        if kinds[2] is not None:
            raise taken(target)
        visitor.require(Level.UPLOAD, folder)
        if folder != image.folder:
            visitor.require(Level.DELETE, image.folder)
        await self._check_type(image.src, target)
        return await self._journal.run(
            MoveFile(actor=actor_of(visitor), image_id=image.id, source=image.src, target=target)
        )

    async def delete(self, visitor: Visitor, image_id: int, *, version: int | None = None) -> Image:
        """Delete a file; needs the delete level. One that has vanished already is no error.

        :raises NotFound: its record is deleted, and there is no file.
        """
        require_login(visitor)
        image = await self.by_id(visitor, image_id)
        there = await self._files.run(lambda: self._tree.kind(image.src)) == "file"
        if not there and not image.active:
            raise NotFound(str(image_id))
        visitor.require(Level.DELETE, image.folder)
        check_version(image.version, version)
        if there:
            days = self._rules().trash_days
            place = await self._files.run(self._staging.place) if not days else self._trash_place()
            await self._journal.run(
                DeleteFile(actor=actor_of(visitor), image_id=image.id, source=image.src, place=place, days=days)
            )
        else:
            await self._journal.exclusively((image.src,), lambda db: self._delete_record(db, visitor, image))
            self._changed(image.src)
        return await images.by_id(self._database, image_id) or image

    # Inside

    async def _target(self, visitor: Visitor, path: str, present: str) -> str:
        """:param present: the name that the file has; it is taken as it is, whatever new ones may be like."""
        names.check_target(path)
        normal = normalised("".join(filter(_is_printing, path)), parameter="path")
        folder, _, name = normal.rpartition("/")
        cleaned = name if name == present else names.clean_file_name(name, unicode_names=self._rules().unicode_names)
        names.check_length(f"{folder}/{cleaned}")
        spelled = await viewable(visitor, folder, folder=True, tree=self._tree, files=self._files)
        return f"{spelled}/{cleaned}".lstrip("/")

    async def _check_type(self, source: str, target: str) -> None:
        rules = self._rules()
        old, new = extension_of(source), extension_of(target)
        if not rules.is_known(new):
            raise not_accepted(f"'{new}' is not a known type of file")
        if canonical_name(old) == canonical_name(new):
            return

        def look() -> None:
            with self._repository.open(source).stream as stream:
                check_content(stream, target, rules)

        await self._files.run(look)

    def _trash_place(self) -> str:
        return trash_place(f"{datetime.fromtimestamp(self._reactor.seconds(), UTC):%Y-%m-%d}", uuid.uuid4().hex)

    async def _delete_record(self, db: Transaction, visitor: Visitor, image: Image) -> None:
        subtree = Subtree(image.src, file=True)
        actor = actor_of(visitor)
        await images.deactivate(db, subtree, user_id=visitor.user_id, info=f"Deleted by {actor.actor_name}")
        await folders.deactivate(db, subtree)
        await disk_operations.tell_files(db, [image.src])


def check_version(current: int, seen: int | None) -> None:
    """:raises OutOfDate: ``seen`` is given, and another one than ``current``."""
    if seen is not None and seen != current:
        raise OutOfDate("It has been changed meanwhile.")


def _edited(before: Image, after: Image) -> str:
    """What the history says: words that came, and in brackets those that went."""
    lines = []
    if before.title != after.title:
        lines.append(f"Title: {_words(before.title, after.title)[:_TITLE_TOLD]}")
    if before.description != after.description:
        lines.append(f"Description: {_words(before.description, after.description)[:_DESCRIPTION_TOLD]}")
    return "\n".join(lines)


def _words(before: str, after: str) -> str:
    old, new = before.split(), after.split()
    for _ in range(2):  # what is the same at the beginning, and then at the end
        same = _equal_ahead(old, new)
        old, new = old[same:][::-1], new[same:][::-1]
    old, new = old[:_WORDS_COMPARED], new[:_WORDS_COMPARED]
    parts = []
    for tag, start, end, new_start, new_end in difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        if new_end > new_start:
            parts.append(" ".join(new[new_start:new_end]))
        if end > start:
            parts.append(f"[{' '.join(old[start:end])}]")
    return " ".join(parts)


def _equal_ahead(old: list[str], new: list[str]) -> int:
    """How many words they have in common before the first that differs."""
    equal = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False))
    return sum(1 for _ in equal)


def _is_printing(character: str) -> bool:
    return not names.has_control_characters(character)
