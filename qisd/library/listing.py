"""The files of a folder, a page at a time."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from qisd.access.visitor import Visitor
from qisd.errors import NotFound
from qisd.library.places import normalised, viewable
from qisd.library.registrar import Registrar
from qisd.library.rules import LibraryRules
from qisd.pools.files import FilePool
from qisd.repository.catalogue import extension_of
from qisd.repository.tree import Listed, Tree
from qisd.store.images import Image


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


class Listing:
    """Lists folders as they are on disk."""

    def __init__(self, *, files: FilePool, tree: Tree, registrar: Registrar, rules: Callable[[], LibraryRules]) -> None:
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
            found = await self._files.run(lambda: self._tree.listing(spelled))
        except NotFound:
            raise NotFound(f"'/{location}' was not found.") from None
        self._registrar.listed(spelled)
        wanted = [one for one in found if folders or not one.folder]
        total = len(wanted)
        if after is not None:
            wanted = [one for one in wanted if (one.name.lower(), one.name) > (after.lower(), after)]
        page = [self._entry(spelled, one) for one in wanted[start : start + limit]]
        if attributes:
            known = await self._registrar.images([one.src for one in page if one.supported])
            page = [attrs.evolve(one, image=known.get(one.src)) for one in page]
        return FilePage(folder=spelled, entries=page, total=total)

    def _entry(self, folder: str, listed: Listed) -> ListedFile:
        return ListedFile(
            name=listed.name,
            src=f"{folder}/{listed.name}".lstrip("/"),
            supported=not listed.folder and self._rules().is_supported(extension_of(listed.name)),
            folder=listed.folder,
        )
