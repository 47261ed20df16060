"""The images in portfolios: put in, changed, ordered, taken out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol

import attrs
from twisted.internet.interfaces import IReactorTime

from qisd.access.levels import Level
from qisd.access.visitor import Visitor
from qisd.errors import AlreadyExists, BadParameter, NotFound, OutOfDate, Refused
from qisd.portfolios import file_names
from qisd.portfolios.parameters import ParameterRules
from qisd.portfolios.permissions import Access, access_of, opened, require
from qisd.portfolios.views import ShownImage, ShownImages, shown_image, shown_images
from qisd.repository import paths
from qisd.store import images, portfolio_history, portfolio_images, portfolios
from qisd.store.images import Image, folder_of
from qisd.store.pool import Database
from qisd.store.portfolio_history import Action
from qisd.store.portfolio_images import PortfolioImage
from qisd.store.queries import Queries

_INDEX_MAX = 999_999

IMAGES_MAX = 5000
"""In one portfolio: all of them are shown at once."""
_SRC_MIN, _SRC_MAX = 5, 1024


class ImageFinder(Protocol):
    """Knows the image library, on disk and in the database."""

    async def image(self, src: str) -> Image:
        """The record of a file, which is made if there is none yet.

        :raises NotFound: there is no such file.
        """
        ...

    async def spelling(self, path: str) -> str:
        """``path`` as the disk spells it, as far as it is there."""
        ...


@attrs.frozen(kw_only=True)
class _Change:
    """A changed entry, in words what is changed about it, and whether zips are outdated by that."""

    entry: PortfolioImage
    words: tuple[str, ...]
    outdates: bool


class PortfolioImages:
    """What can be done with the images of portfolios."""

    def __init__(
        self, database: Database, *, library: ImageFinder, parameters: ParameterRules, reactor: IReactorTime
    ) -> None:
        self._reactor = reactor
        self._database = database
        self._library = library
        self._parameters = parameters

    async def listed(self, visitor: Visitor, portfolio_id: int) -> ShownImages:
        """The images in their order, but for those in folders that are closed to the visitor.

        :raises NotFound: there is no such portfolio.
        :raises Forbidden: the visitor may not see it.
        """
        await opened(self._database, visitor, portfolio_id, Access.VIEW)
        return await shown_images(self._database, visitor, portfolio_id, now=self._now())

    async def one(self, visitor: Visitor, portfolio_id: int, image_id: int) -> ShownImage:
        """One of :meth:`listed`, by the id of the image.

        :raises NotFound: there is no such portfolio, or no such image in it.
        :raises Forbidden: the visitor may not see the portfolio.
        """
        await opened(self._database, visitor, portfolio_id, Access.VIEW)
        return await self._shown(self._database, visitor, portfolio_id, image_id)

    async def check(self, visitor: Visitor, portfolio_id: int, image_id: int) -> None:
        """Make sure that there is this image in the portfolio, and that the visitor may change it.

        :raises NotFound: there is no such portfolio, or no such image in it.
        :raises Forbidden: the visitor may not change the portfolio.
        """
        await self._editable(self._database, visitor, portfolio_id, image_id)

    async def add(
        self,
        visitor: Visitor,
        portfolio_id: int,
        *,
        image_id: int | None = None,
        image_src: str | None = None,
        filename: str = "",
        index: int = 0,
        parameters: object = None,
    ) -> ShownImage:
        """Put an image in, by its id or its path.

        :param filename: its name in zips; empty for its own.
        :param index: images are in the order of these numbers, −999999…999999.
        :param parameters: image options in the form of a template.
        :raises NotFound: there is no such portfolio or image.
        :raises Forbidden: the visitor may not change the portfolio, or not see the image.
        :raises AlreadyExists: it is in the portfolio already.
        :raises Refused: the portfolio is full.
        """
        await opened(self._database, visitor, portfolio_id, Access.EDIT)
        if (image_id is None) == (image_src is None):
            raise BadParameter("image_id", "either image_id or image_src must be given")
        filename = file_names.checked(filename)
        _check_index(index)
        kept = await self._parameters.stored({} if parameters is None else parameters, visitor)
        image = await self._found(visitor, image_id, image_src)

        async def work(db: Queries) -> ShownImage:
            await opened(db, visitor, portfolio_id, Access.EDIT, lock=True)
            if await portfolio_images.count(db, portfolio_id) >= IMAGES_MAX:
                raise Refused(f"A portfolio can't have more than {IMAGES_MAX} images.")
            added = await portfolio_images.add(
                db, portfolio_id, image.id, parameters=kept, filename=filename, order_num=index
            )
            if not added:
                raise AlreadyExists(f"the image '{image.src}' already exists in this portfolio")
            await portfolios.touch(db, portfolio_id)
            await self._record(db, visitor, portfolio_id, f"{image.src} added")
            return await self._shown(db, visitor, portfolio_id, image.id)

        return await self._database.transaction(work)

    async def change(
        self,
        visitor: Visitor,
        portfolio_id: int,
        image_id: int,
        *,
        filename: str | None = None,
        index: int | None = None,
        parameters: object = None,
        expected_version: int | None = None,
    ) -> ShownImage:
        """Give an image other parameters, another file name, another number; None leaves each as it is.

        :raises NotFound: there is no such portfolio, or no such image in it.
        :raises OutOfDate: ``expected_version`` is not the version of the entry.
        """
        await self._editable(self._database, visitor, portfolio_id, image_id)
        if filename is not None:
            filename = file_names.checked(filename)
        if index is not None:
            _check_index(index)
        kept = None if parameters is None else await self._parameters.stored(parameters, visitor)

        async def work(db: Queries) -> ShownImage:
            entry = await self._editable(db, visitor, portfolio_id, image_id, lock=True)
            _check_version(entry, expected_version)
            change = _changed(entry, filename=filename, index=index, parameters=kept)
            if change.words:
                made = change.entry
                await portfolio_images.change(
                    db, made.id, parameters=made.parameters, filename=made.filename, order_num=made.order_num
                )
                await self._record(db, visitor, portfolio_id, f"{entry.src} updated: {', '.join(change.words)}")
            if change.outdates:
                await portfolios.touch(db, portfolio_id)
            elif change.words:
                await portfolios.raise_version(db, portfolio_id)
            return await self._shown(db, visitor, portfolio_id, image_id)

        return await self._database.transaction(work)

    async def remove(
        self, visitor: Visitor, portfolio_id: int, image_id: int, *, expected_version: int | None = None
    ) -> None:
        """Take an image out. One in a folder that has been closed to the visitor can be taken out as well.

        :raises NotFound: there is no such portfolio, or no such image in it.
        :raises OutOfDate: ``expected_version`` is not the version of the entry.
        """

        async def work(db: Queries) -> None:
            entry = await self._removable(db, visitor, portfolio_id, image_id, lock=True)
            _check_version(entry, expected_version)
            await portfolio_images.remove(db, entry.id)
            await self._record(db, visitor, portfolio_id, f"{entry.src} removed")

        await self._database.transaction(work)

    async def move(self, visitor: Visitor, portfolio_id: int, image_id: int, index: int) -> ShownImages:
        """Put an image at another place, counted from 0; past the end means last. All get the numbers 0, 1, 2, ….

        :returns: the images in their new order.
        :raises NotFound: there is no such portfolio, or no such image in it.
        """

        async def work(db: Queries) -> ShownImages:
            moved = await self._editable(db, visitor, portfolio_id, image_id, lock=True)
            before = [entry.id for entry in await portfolio_images.listed(db, portfolio_id)]
            order = [number for number in before if number != moved.id]
            place = max(0, min(index, len(order)))
            order.insert(place, moved.id)
            await portfolio_images.renumber(db, order)
            if order != before:
                await portfolios.raise_version(db, portfolio_id)
                await self._record(db, visitor, portfolio_id, f"{moved.src} moved to position {place + 1}")
            return await shown_images(db, visitor, portfolio_id, now=self._now())

        return await self._database.transaction(work)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._reactor.seconds(), UTC)

    async def _found(self, visitor: Visitor, image_id: int | None, image_src: str | None) -> Image:
        """The image that is meant; whether it exists is told only to those who may see it."""
        if image_src is not None:
            path = paths.normalise(_checked_src(image_src), parameter="image_src")
            visitor.require(Level.VIEW, folder_of(path))
            if paths.is_hidden(path):
                raise NotFound(image_src)
            spelled = await self._library.spelling(path)
            visitor.require(Level.VIEW, folder_of(spelled))
            return await self._library.image(spelled)
        image = await images.by_id(self._database, image_id or 0)
        if image is None or not image.active:
            raise NotFound(str(image_id))
        visitor.require_there(Level.VIEW, image.folder)
        return await self._library.image(image.src)

    async def _editable(
        self, db: Queries, visitor: Visitor, portfolio_id: int, image_id: int, *, lock: bool = False
    ) -> PortfolioImage:
        await self._removable(db, visitor, portfolio_id, image_id, lock=lock)
        return (await self._shown(db, visitor, portfolio_id, image_id)).entry

    async def _removable(
        self, db: Queries, visitor: Visitor, portfolio_id: int, image_id: int, *, lock: bool
    ) -> PortfolioImage:
        portfolio = await opened(db, visitor, portfolio_id, Access.NONE, lock=lock)
        if access_of(visitor, portfolio) < Access.VIEW:  # who may not look is not told what there is
            require(visitor, portfolio, Access.EDIT)
        entry = await portfolio_images.one(db, portfolio_id, image_id)
        if entry is None:
            raise _not_in(portfolio_id, image_id)
        require(visitor, portfolio, Access.EDIT)
        return entry

    async def _shown(self, db: Queries, visitor: Visitor, portfolio_id: int, image_id: int) -> ShownImage:
        shown = await shown_image(db, visitor, portfolio_id, image_id, now=self._now())
        if shown is None:
            raise _not_in(portfolio_id, image_id)
        return shown

    async def _record(self, db: Queries, visitor: Visitor, portfolio_id: int, info: str) -> None:
        await portfolio_history.record(db, portfolio_id, Action.IMAGES, info, user_id=visitor.user_id)


def _changed(
    entry: PortfolioImage, *, filename: str | None, index: int | None, parameters: Mapping[str, object] | None
) -> _Change:
    made = attrs.evolve(
        entry,
        filename=entry.filename if filename is None else filename,
        order_num=entry.order_num if index is None else index,
        parameters=entry.parameters if parameters is None else parameters,
    )
    words = [
        word
        for word, old, new in (
            ("file name", entry.filename, made.filename),
            ("order", entry.order_num, made.order_num),
            ("parameters", entry.parameters, made.parameters),
        )
        if old != new
    ]
    return _Change(entry=made, words=tuple(words), outdates=bool({"file name", "parameters"} & set(words)))


def _check_index(index: int) -> None:
    if not -_INDEX_MAX <= index <= _INDEX_MAX:
        raise BadParameter("index", f"{index} is out of range ({-_INDEX_MAX} to {_INDEX_MAX})")


def _check_version(entry: PortfolioImage, expected: int | None) -> None:
    if expected is not None and expected != entry.version:
        raise OutOfDate("The image of the portfolio has been changed by somebody else.")


def _checked_src(src: str) -> str:
    if len(src) < _SRC_MIN:
        raise BadParameter("image_src", f"Value is too short (min {_SRC_MIN})")
    if len(src) > _SRC_MAX:
        raise BadParameter("image_src", f"Value is too long (max {_SRC_MAX})")
    return src


def _not_in(portfolio_id: int, image_id: int) -> NotFound:
    return NotFound(f"{portfolio_id}/{image_id}")
