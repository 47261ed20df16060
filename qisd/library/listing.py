"""The files of a folder, a page at a time."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TypeVar

import attrs
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.interfaces import IReactorTime

from qisd.access.levels import Level
from qisd.access.visitor import Visitor
from qisd.cache.singleflight import SingleFlight
from qisd.errors import NotFound, QisError, Unavailable
from qisd.library.arranging import Arrangement, beside
from qisd.library.places import normalised, viewable
from qisd.library.registrar import Registrar, is_of
from qisd.library.rules import LibraryRules
from qisd.pools.files import FilePool
from qisd.repository.catalogue import extension_of
from qisd.repository.files import FileVersion
from qisd.repository.tree import Glance, Listed, Tree
from qisd.store import images
from qisd.store.images import Image, folder_of
from qisd.store.pool import Database

T = TypeVar("T")

_AT_ONCE = 2
"""Looks at a time of those who have logged in, and as many of strangers."""

STRANGERS_WAITING_MAX = 50
_RETRY_AFTER = 5

_FACTS_AT_ONCE = 2000
"""Files that one job asks the disk about, so that it ends in time however large the folder is."""

_GLANCES_AT_ONCE = 50

COUNTED_TO = 1000
"""So many entries of a sub-folder are counted."""


@attrs.frozen(kw_only=True)
class ListedFile:
    """An entry.

    :param src: its path, without leading slash.
    :param supported: whether it can be read as an image, by its name.
    :param image: its record, where it was asked for, and it is supported. With facts: the one that is there, if it is
        of the file as it is now.
    :param folder: whether it's a folder; such entries are there only where they are asked for.
    :param version: size and time, where facts were asked for.
    :param glance: what is in the folder, likewise.
    """

    name: str
    src: str
    supported: bool
    image: Image | None = None
    folder: bool = False
    version: FileVersion | None = None
    glance: Glance | None = None


@attrs.frozen(kw_only=True)
class FilePage:
    """Some entries of a folder.

    :param folder: its path without slashes around it, as the disk spells it.
    :param total: how many entries there are in all.
    """

    folder: str
    entries: list[ListedFile]
    total: int


@attrs.frozen(kw_only=True)
class Summary:
    """What is in a folder, deeper ones not counted.

    :param folder: its path without slashes around it, as the disk spells it.
    :param size: bytes of all files. ``types``: how many there are of each extension.
    """

    folder: str
    folders: int
    files: int
    size: int
    types: Mapping[str, int]


@attrs.frozen(kw_only=True)
class Neighbours:
    """Where an image stands among those of its folder.

    :param position: from 1; 0 when it isn't among them.
    :param total: how many images there are.
    :param previous: the path of the one before, without leading slash; ``following`` is the one behind.
    """

    position: int
    total: int
    previous: str | None = None
    following: str | None = None


@attrs.frozen
class _Whole:
    """All of a folder, in order: ``files`` alone, and with them the folders in ``entries``."""

    files: Sequence[Listed]
    entries: Sequence[Listed]


class _Looks:
    """Looks into folders, of which some are so large that many looks at once would hold up everything else.

    Those who ask while their turn has not come share one look. None sees less than what was there when they asked.

    :param waiting_max: so many jobs may wait for their turn; None: any number.
    """

    def __init__(self, files: FilePool, tree: Tree, *, waiting_max: int | None = None) -> None:
        self._files = files
        self._tree = tree
        self._waiting_max = waiting_max
        self._turns = DeferredSemaphore(_AT_ONCE)
        self._shared: SingleFlight[_Whole] = SingleFlight()
        self._begun = 0

    async def into(self, folder: str) -> _Whole:
        """:raises NotFound: there is no such folder. :raises Unavailable: too many wait already."""
        # One that has begun may have missed what has come since.
        key = f"{self._begun} {folder}"
        return await self._shared.join(key, lambda: Deferred.fromCoroutine(self._in_turn(lambda: self._look(folder))))

    async def run(self, work: Callable[[], T]) -> T:
        """Do ``work`` in a thread, when its turn has come.

        :raises Unavailable: too many wait already.
        """
        return await self._in_turn(lambda: self._files.run(work))

    async def facts(self, folder: str, names: Sequence[str]) -> dict[str, FileVersion]:
        """As :meth:`~qisd.repository.tree.Tree.facts`, some at a time."""
        found: dict[str, FileVersion] = {}
        for start in range(0, len(names), _FACTS_AT_ONCE):
            found |= await self.run(partial(self._tree.facts, folder, names[start : start + _FACTS_AT_ONCE]))
        return found

    async def glances(self, paths: Sequence[str]) -> dict[str, Glance]:
        """What is in folders, by their paths; nothing in one that is gone or can't be read."""
        found: dict[str, Glance] = {}
        for start in range(0, len(paths), _GLANCES_AT_ONCE):
            found |= await self.run(partial(self._glances, paths[start : start + _GLANCES_AT_ONCE]))
        return found

    async def _in_turn(self, begin: Callable[[], Awaitable[T]]) -> T:
        if self._waiting_max is not None and len(self._turns.waiting) >= self._waiting_max:
            raise Unavailable("Too many people are looking into folders at once.", retry_after=_RETRY_AFTER)
        await self._turns.acquire()
        try:
            return await begin()
        finally:
            self._turns.release()

    async def _look(self, folder: str) -> _Whole:
        self._begun += 1
        return await self._files.run(lambda: self._whole(folder))

    def _whole(self, folder: str) -> _Whole:
        entries = self._tree.listing(folder)
        return _Whole([one for one in entries if not one.folder], entries)

    def _glances(self, paths: Sequence[str]) -> dict[str, Glance]:
        return {path: self._glance(path) for path in paths}

    def _glance(self, path: str) -> Glance:
        try:
            return self._tree.glance(path, COUNTED_TO)
        except QisError:
            return Glance(0, folders=False)


@attrs.frozen
class _Seen:
    """What a look into a folder has found: all of it, and by whose turns more can be found out.

    :param folder: its path without slashes around it, as the disk spells it.
    """

    folder: str
    whole: _Whole
    looks: _Looks


class Listing:
    """Lists folders as they are on disk."""

    def __init__(
        self,
        clock: IReactorTime,
        *,
        database: Database,
        files: FilePool,
        tree: Tree,
        registrar: Registrar,
        rules: Callable[[], LibraryRules],
    ) -> None:
        self._clock = clock
        self._database = database
        self._looks = _Looks(files, tree)
        self._looks_of_strangers = _Looks(files, tree, waiting_max=STRANGERS_WAITING_MAX)
        self._files = files
        self._tree = tree
        self._registrar = registrar
        self._rules = rules

    async def files(
        self,
        visitor: Visitor,
        path: str,
        *,
        attributes: bool = False,
        start: int = 0,
        limit: int = 1000,
        after: str | None = None,
        files: bool = True,
        folders: bool = False,
        arrangement: Arrangement | None = None,
        facts: bool = False,
    ) -> FilePage:
        """Files in the order of their names in lower case; needs the view level.

        :param attributes: whether records are wanted; those that are missing are made, all of a page at once.
        :param after: only entries behind this name, in that order: nothing is lost when others come and go meanwhile.
        :param files: whether files are wanted. ``folders``: whether sub-folders are wanted too.
        :param arrangement: another order, and which entries; ``after`` is of no account then.
        :param facts: whether sizes, times and what records say is wanted; no record is made for that.
        :raises NotFound: there is no such folder. :raises Unavailable: too many strangers are looking into folders.
        """
        seen = await self._look(visitor, path)
        found: Sequence[Listed] = seen.whole.entries if folders else seen.whole.files
        if not files:
            found = [one for one in found if one.folder]
        if folders or (visitor.anonymous and visitor.snapshot.validity):
            found = self._visible(visitor, seen.folder, found)
        if arrangement is not None:
            found = await self._arranged(seen, found, arrangement)
        elif after is not None:
            start += bisect.bisect_right(found, _place(after), key=lambda one: _place(one.name))
        page = self._page(seen, found, start, limit)
        if facts:
            page = await self._with_facts(seen, page)
        if attributes:
            known = await self._registrar.images([one.src for one in page if one.supported])
            page = [attrs.evolve(one, image=known.get(one.src)) for one in page]
        return FilePage(folder=seen.folder, entries=page, total=len(found))

    async def summary(self, visitor: Visitor, path: str) -> Summary:
        """What is in a folder that the visitor may know of; needs the view level.

        :raises NotFound: there is no such folder. :raises Unavailable: too many strangers are looking into folders.
        """
        seen = await self._look(visitor, path)
        found = self._visible(visitor, seen.folder, seen.whole.entries)
        facts = await seen.looks.facts(seen.folder, _file_names(found))
        return await seen.looks.run(lambda: _summary(seen.folder, found, facts))

    async def overview(
        self, visitor: Visitor, path: str, *, start: int, limit: int, arrangement: Arrangement
    ) -> tuple[FilePage, Summary]:
        """Some of the files and sub-folders of a folder with their facts, and the summary, by one look.

        The parameters are those of :meth:`files`.

        :raises NotFound: there is no such folder. :raises Unavailable: too many strangers are looking into folders.
        """
        seen = await self._look(visitor, path)
        found = self._visible(visitor, seen.folder, seen.whole.entries)
        facts = await seen.looks.facts(seen.folder, _file_names(found))
        arranged = await self._arranged(seen, found, arrangement, known=facts)
        page = await self._with_facts(seen, self._page(seen, arranged, start, limit), known=facts)
        shown = FilePage(folder=seen.folder, entries=page, total=len(arranged))
        return shown, await seen.looks.run(lambda: _summary(seen.folder, found, facts))

    async def around(self, visitor: Visitor, src: str) -> Neighbours:
        """The images before and behind the one at ``src``, by name with 2 before 10; needs the view level.

        What can't be shown is passed over.

        :raises NotFound: there is no such folder. :raises Unavailable: too many strangers are looking into folders.
        """
        place = await self._registrar.spelling(normalised(src, parameter="src"))
        seen = await self._look(visitor, folder_of(place))
        images_ = [one for one in seen.whole.files if self._rules().is_supported(extension_of(one.name))]
        names = [one.name for one in self._visible(visitor, seen.folder, images_)]
        found = await seen.looks.run(lambda: beside(names, place.rpartition("/")[2]))
        if found is None:
            return Neighbours(position=0, total=len(names))

        def path(name: str | None) -> str | None:
            return None if name is None else f"{seen.folder}/{name}".lstrip("/")

        return Neighbours(
            position=found.position,
            total=len(names),
            previous=path(found.previous),
            following=path(found.following),
        )

    # Inside

    async def _look(self, visitor: Visitor, path: str) -> _Seen:
        """All that is in a folder."""
        location = normalised(path, parameter="path")
        spelled = await viewable(visitor, location, folder=True, tree=self._tree, files=self._files)
        # However many strangers look, those who have logged in don't wait behind them.
        looks = self._looks_of_strangers if visitor.anonymous else self._looks
        try:
            whole = await looks.into(spelled)
        except NotFound:
            raise NotFound(f"'/{location}' was not found.") from None
        self._registrar.listed(spelled)
        return _Seen(spelled, whole, looks)

    def _visible(self, visitor: Visitor, folder: str, entries: Sequence[Listed]) -> list[Listed]:
        """Without sub-folders that are closed to the visitor, and files that the rights to them keep from strangers."""
        now, before = self._clock.seconds(), f"{folder}/" if folder else ""
        some_are_kept = visitor.anonymous and bool(visitor.snapshot.validity)

        def may_see(one: Listed) -> bool:
            if one.folder:
                return visitor.can(Level.VIEW, before + one.name)
            return not some_are_kept or visitor.is_valid(before + one.name, now=now)

        return [one for one in entries if may_see(one)]

    async def _arranged(
        self,
        seen: _Seen,
        found: Sequence[Listed],
        arrangement: Arrangement,
        *,
        known: Mapping[str, FileVersion] = MappingProxyType({}),
    ) -> list[Listed]:
        """:param known: facts that need not be asked for again."""
        if not arrangement.needs_facts:
            return await seen.looks.run(lambda: arrangement.ordered(arrangement.chosen(found), {}))
        chosen = await seen.looks.run(lambda: arrangement.chosen(found))
        facts = await self._facts(seen, [one.name for one in chosen], known)
        return await seen.looks.run(lambda: arrangement.ordered(chosen, facts))

    async def _with_facts(
        self, seen: _Seen, page: Sequence[ListedFile], *, known: Mapping[str, FileVersion] = MappingProxyType({})
    ) -> list[ListedFile]:
        versions = await self._facts(seen, [one.name for one in page], known)
        glances = await seen.looks.glances([one.src for one in page if one.folder])
        records = await images.by_srcs(self._database, [one.src for one in page if one.supported])

        def complete(one: ListedFile) -> ListedFile:
            version, image = versions.get(one.name), records.get(one.src)
            if image is not None and not (image.active and version is not None and is_of(image, version)):
                image = None
            return attrs.evolve(one, version=version, glance=glances.get(one.src), image=image)

        return [complete(one) for one in page]

    async def _facts(
        self, seen: _Seen, names: Sequence[str], known: Mapping[str, FileVersion]
    ) -> Mapping[str, FileVersion]:
        """The facts of ``names`` at least, with those that are known already."""
        missing = [name for name in names if name not in known]
        return {**known, **await seen.looks.facts(seen.folder, missing)} if missing else known

    def _page(self, seen: _Seen, found: Sequence[Listed], start: int, limit: int) -> list[ListedFile]:
        return [self._entry(seen.folder, one) for one in found[start : start + limit]]

    def _entry(self, folder: str, listed: Listed) -> ListedFile:
        return ListedFile(
            name=listed.name,
            src=f"{folder}/{listed.name}".lstrip("/"),
            supported=not listed.folder and self._rules().is_supported(extension_of(listed.name)),
            folder=listed.folder,
        )


def _file_names(entries: Sequence[Listed]) -> list[str]:
    return [one.name for one in entries if not one.folder]


def _summary(folder: str, entries: Sequence[Listed], facts: Mapping[str, FileVersion]) -> Summary:
    """In a thread, for there may be very many.

    :param facts: of the files at least.
    """
    names = _file_names(entries)
    return Summary(
        folder=folder,
        folders=len(entries) - len(names),
        files=len(names),
        size=sum(facts[name].size for name in names if name in facts),
        types=Counter(map(extension_of, names)),
    )


def _place(name: str) -> tuple[str, str]:
    """What the order of names goes by."""
    return name.lower(), name
