"""The files of a folder, a page at a time."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import attrs
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.interfaces import IReactorTime

from qisd.access.levels import Level
from qisd.access.visitor import Visitor
from qisd.cache.singleflight import SingleFlight
from qisd.errors import NotFound, QisError
from qisd.library.arranging import Arrangement
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

_AT_ONCE = 2

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
    """

    def __init__(self, files: FilePool, tree: Tree) -> None:
        self._files = files
        self._tree = tree
        self._turns = DeferredSemaphore(_AT_ONCE)
        self._shared: SingleFlight[_Whole] = SingleFlight()
        self._begun = 0

    async def into(self, folder: str) -> _Whole:
        """:raises NotFound: there is no such folder."""
        # One that has begun may have missed what has come since.
        key = f"{self._begun} {folder}"
        return await self._shared.join(key, lambda: Deferred.fromCoroutine(self._look(folder)))

    async def _look(self, folder: str) -> _Whole:
        await self._turns.acquire()
        try:
            self._begun += 1
            return await self._files.run(lambda: self._whole(folder))
        finally:
            self._turns.release()

    def _whole(self, folder: str) -> _Whole:
        entries = self._tree.listing(folder)
        return _Whole([one for one in entries if not one.folder], entries)


def _visible(visitor: Visitor, folder: str, entries: Sequence[Listed], now: float) -> list[Listed]:
    """Without sub-folders that are closed to the visitor, and files that the rights to them keep from strangers."""

    def may_see(one: Listed) -> bool:
        path = f"{folder}/{one.name}".lstrip("/")
        return visitor.can(Level.VIEW, path) if one.folder else visitor.is_valid(path, now=now)

    return [one for one in entries if may_see(one)]


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
        :raises NotFound: there is no such folder.
        """
        spelled, whole = await self._look(visitor, path)
        found: Sequence[Listed] = whole.entries if folders else whole.files
        if not files:
            found = [one for one in found if one.folder]
        if folders or (visitor.anonymous and visitor.snapshot.validity):
            found = _visible(visitor, spelled, found, self._clock.seconds())
        if arrangement is not None:
            found = await self._arranged(spelled, found, arrangement)
        elif after is not None:
            start += bisect.bisect_right(found, _place(after), key=lambda one: _place(one.name))
        page = [self._entry(spelled, one) for one in found[start : start + limit]]
        if facts:
            page = await self._with_facts(spelled, page)
        if attributes:
            known = await self._registrar.images([one.src for one in page if one.supported])
            page = [attrs.evolve(one, image=known.get(one.src)) for one in page]
        return FilePage(folder=spelled, entries=page, total=len(found))

    async def summary(self, visitor: Visitor, path: str) -> Summary:
        """What is in a folder that the visitor may know of; needs the view level.

        :raises NotFound: there is no such folder.
        """
        spelled, whole = await self._look(visitor, path)
        found = _visible(visitor, spelled, whole.entries, self._clock.seconds())
        names = [one.name for one in found if not one.folder]
        versions = await self._files.run(lambda: self._tree.facts(spelled, names))
        return Summary(
            folder=spelled,
            folders=len(found) - len(names),
            files=len(names),
            size=sum(version.size for version in versions.values()),
            types=Counter(map(extension_of, names)),
        )

    async def around(self, visitor: Visitor, src: str) -> Neighbours:
        """The images before and behind the one at ``src``, by name with 2 before 10; needs the view level.

        What can't be shown is passed over.

        :raises NotFound: there is no such folder.
        """
        place = await self._registrar.spelling(normalised(src, parameter="src"))
        spelled, whole = await self._look(visitor, folder_of(place))
        images_ = [one for one in whole.files if self._rules().is_supported(extension_of(one.name))]
        visible = _visible(visitor, spelled, images_, self._clock.seconds())
        names = [one.name for one in await self._arranged(spelled, visible, Arrangement())]
        name = place.rpartition("/")[2]
        if name not in names:
            return Neighbours(position=0, total=len(names))
        at = names.index(name)
        paths = [f"{spelled}/{one}".lstrip("/") for one in names[max(at - 1, 0) : at + 2]]
        return Neighbours(
            position=at + 1,
            total=len(names),
            previous=paths[0] if at else None,
            following=paths[-1] if at + 1 < len(names) else None,
        )

    # Inside

    async def _look(self, visitor: Visitor, path: str) -> tuple[str, _Whole]:
        """A folder's path as the disk spells it, and all that is in it."""
        location = normalised(path, parameter="path")
        spelled = await viewable(visitor, location, folder=True, tree=self._tree, files=self._files)
        try:
            whole = await self._looks.into(spelled)
        except NotFound:
            raise NotFound(f"'/{location}' was not found.") from None
        self._registrar.listed(spelled)
        return spelled, whole

    async def _arranged(self, folder: str, found: Sequence[Listed], arrangement: Arrangement) -> list[Listed]:
        def arrange() -> list[Listed]:
            chosen = arrangement.chosen(found)
            known = self._tree.facts(folder, [one.name for one in chosen]) if arrangement.needs_facts else {}
            return arrangement.ordered(chosen, known)

        return await self._files.run(arrange)

    async def _with_facts(self, folder: str, page: Sequence[ListedFile]) -> list[ListedFile]:
        def look() -> tuple[dict[str, FileVersion], dict[str, Glance]]:
            versions = self._tree.facts(folder, [one.name for one in page])
            return versions, {one.name: self._glance(one.src) for one in page if one.folder}

        versions, glances = await self._files.run(look)
        known = await images.by_srcs(self._database, [one.src for one in page if one.supported])

        def complete(one: ListedFile) -> ListedFile:
            version, image = versions.get(one.name), known.get(one.src)
            if image is not None and not (image.active and version is not None and is_of(image, version)):
                image = None
            return attrs.evolve(one, version=version, glance=glances.get(one.name), image=image)

        return [complete(one) for one in page]

    def _glance(self, path: str) -> Glance:
        """In a thread: what is in a sub-folder; nothing, if it is gone or can't be read."""
        try:
            return self._tree.glance(path, COUNTED_TO)
        except QisError:
            return Glance(0, folders=False)

    def _entry(self, folder: str, listed: Listed) -> ListedFile:
        return ListedFile(
            name=listed.name,
            src=f"{folder}/{listed.name}".lstrip("/"),
            supported=not listed.folder and self._rules().is_supported(extension_of(listed.name)),
            folder=listed.folder,
        )


def _place(name: str) -> tuple[str, str]:
    """What the order of names goes by."""
    return name.lower(), name
