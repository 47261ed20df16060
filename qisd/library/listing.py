"""The files of a folder, a page at a time."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence

import attrs
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.interfaces import IReactorTime

from qisd.access.levels import Level
from qisd.access.visitor import Visitor
from qisd.cache.singleflight import SingleFlight
from qisd.errors import NotFound
from qisd.library.places import normalised, viewable
from qisd.library.registrar import Registrar
from qisd.library.rules import LibraryRules
from qisd.pools.files import FilePool
from qisd.repository.catalogue import extension_of
from qisd.repository.tree import Listed, Tree
from qisd.store.images import Image, folder_of

_AT_ONCE = 2


@attrs.frozen(kw_only=True)
class ListedFile:
    """An entry.

    :param src: its path, without leading slash.
    :param supported: whether it can be read as an image, by its name.
    :param image: its record, where it was asked for, and it is supported.
    :param folder: whether it's a folder; such entries are there only where they are asked for.
    """

    name: str
    src: str
    supported: bool
    image: Image | None = None
    folder: bool = False


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
        files: FilePool,
        tree: Tree,
        registrar: Registrar,
        rules: Callable[[], LibraryRules],
    ) -> None:
        self._clock = clock
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
        folders: bool = False,
    ) -> FilePage:
        """Files in the order of their names in lower case; needs the view level.

        :param attributes: whether records are wanted; those that are missing are made, all of a page at once.
        :param after: only entries behind this name, in that order: nothing is lost when others come and go meanwhile.
        :param folders: whether sub-folders are wanted too.
        :raises NotFound: there is no such folder.
        """
        location = normalised(path, parameter="path")
        spelled = await viewable(visitor, location, folder=True, tree=self._tree, files=self._files)
        try:
            whole = await self._looks.into(spelled)
        except NotFound:
            raise NotFound(f"'/{location}' was not found.") from None
        self._registrar.listed(spelled)
        found = whole.entries if folders else whole.files
        if folders or (visitor.anonymous and visitor.snapshot.validity):
            found = _visible(visitor, spelled, found, self._clock.seconds())
        if after is not None:
            start += bisect.bisect_right(found, _place(after), key=lambda one: _place(one.name))
        page = [self._entry(spelled, one) for one in found[start : start + limit]]
        if attributes:
            known = await self._registrar.images([one.src for one in page if one.supported])
            page = [attrs.evolve(one, image=known.get(one.src)) for one in page]
        return FilePage(folder=spelled, entries=page, total=len(found))

    async def around(self, visitor: Visitor, src: str) -> Neighbours:
        """The images before and behind the one at ``src``, in the order of :meth:`files`; needs the view level.

        What can't be shown is passed over.

        :raises NotFound: there is no such folder.
        """
        location = normalised(folder_of(normalised(src, parameter="src")), parameter="src")
        spelled = await viewable(visitor, location, folder=True, tree=self._tree, files=self._files)
        whole = await self._looks.into(spelled)
        supported = self._rules().is_supported
        names = [one.name for one in whole.files if supported(extension_of(one.name))]
        name = src.rpartition("/")[2]
        at = bisect.bisect_left(names, _place(name), key=_place)
        if at == len(names) or names[at] != name:
            return Neighbours(position=0, total=len(names))
        beside = [f"{spelled}/{one}".lstrip("/") for one in (names[at - 1 : at] + names[at + 1 : at + 2])]
        return Neighbours(
            position=at + 1,
            total=len(names),
            previous=beside[0] if at else None,
            following=beside[-1] if at + 1 < len(names) else None,
        )

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
