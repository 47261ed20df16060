"""What of a portfolio a visitor gets to see."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from datetime import datetime

import attrs

from qisd.access.levels import Level
from qisd.access.visitor import Visitor
from qisd.portfolios.permissions import Access, access_of, owns
from qisd.store import folders, images, portfolio_exports, portfolio_history, portfolio_images
from qisd.store.folders import Folder
from qisd.store.images import Image, folder_of
from qisd.store.portfolio_exports import READY, Export
from qisd.store.portfolio_history import Action, PortfolioEvent
from qisd.store.portfolio_images import PortfolioImage
from qisd.store.portfolios import Portfolio
from qisd.store.queries import Queries

_ABOUT_IMAGE = re.compile(r"(.+) (?:added|removed|updated: [^:]*|moved to position [0-9]+)", re.DOTALL)
"""The texts that :mod:`qisd.portfolios.images` writes."""


@attrs.frozen(kw_only=True)
class ShownImage:
    """An image of a portfolio with its record, and that of its folder."""

    entry: PortfolioImage
    image: Image
    folder: Folder | None


@attrs.frozen(kw_only=True)
class ShownImages:
    """The images of a portfolio in their order.

    :param hidden: how many are in folders that are closed to the visitor.
    :param closed: how many nobody sees who has not logged in.
    """

    images: Sequence[ShownImage]
    hidden: int
    closed: int


@attrs.frozen(kw_only=True)
class PortfolioHeader:
    """A portfolio as it stands in a list."""

    portfolio: Portfolio
    exports: Sequence[Export]


@attrs.frozen(kw_only=True)
class PortfolioView(PortfolioHeader):
    """All of a portfolio.

    :param owned: the visitor may do everything with it.
    """

    images: ShownImages
    history: Sequence[PortfolioEvent]
    owned: bool


async def headers(
    db: Queries, visitor: Visitor, listed: Iterable[Portfolio], *, now: datetime
) -> list[PortfolioHeader]:
    """What ``visitor``, who may see them, sees of these portfolios in a list."""
    found = {portfolio.id: portfolio for portfolio in listed}
    exports: dict[int, list[Export]] = {number: [] for number in found}
    if found:
        for export in await portfolio_exports.of_portfolios(db, found, now=now):
            exports[export.folio_id].append(export)
    return [
        PortfolioHeader(portfolio=portfolio, exports=visible_exports(visitor, portfolio, exports[number]))
        for number, portfolio in found.items()
    ]


async def view(db: Queries, visitor: Visitor, portfolio: Portfolio, *, now: datetime) -> PortfolioView:
    """All that ``visitor``, who may see it, sees of a portfolio."""
    [header] = await headers(db, visitor, [portfolio], now=now)
    shown = await shown_images(db, visitor, portfolio.id, now=now)
    events = await portfolio_history.listed(db, portfolio.id)
    owned = owns(visitor, portfolio)
    if not owned:
        seen = {one.image.src for one in shown.images}
        events = [_without_private(event, seen) for event in events]
    return PortfolioView(portfolio=portfolio, exports=header.exports, images=shown, history=events, owned=owned)


def visible_exports(visitor: Visitor, portfolio: Portfolio, exports: Sequence[Export]) -> list[Export]:
    """Who may publish sees all of ``exports``, others the finished ones, if they may download them."""
    access = access_of(visitor, portfolio)
    if access >= Access.EDIT:
        return list(exports)
    if access < Access.DOWNLOAD:
        return []
    return [export for export in exports if export.state == READY]


async def shown_images(db: Queries, visitor: Visitor, portfolio_id: int, *, now: datetime) -> ShownImages:
    """The images that the visitor may see, by their folders and by the rights to them, whatever the portfolio says."""
    entries = await portfolio_images.listed(db, portfolio_id)
    seen = [entry for entry in entries if _may_see(visitor, entry, now)]
    shown = await _with_records(db, seen)
    everybody = Visitor(snapshot=visitor.snapshot)
    closed = sum(not _may_see(everybody, entry, now) for entry in entries)
    return ShownImages(images=shown, hidden=len(entries) - len(shown), closed=closed)


async def shown_image(
    db: Queries, visitor: Visitor, portfolio_id: int, image_id: int, *, now: datetime
) -> ShownImage | None:
    """One of :func:`shown_images`; None when it isn't among them."""
    entry = await portfolio_images.one(db, portfolio_id, image_id)
    if entry is None or not _may_see(visitor, entry, now):
        return None
    return next(iter(await _with_records(db, [entry])), None)


def _may_see(visitor: Visitor, entry: PortfolioImage, now: datetime) -> bool:
    return visitor.can(Level.VIEW, folder_of(entry.src)) and visitor.is_valid(entry.src, now=now.timestamp())


async def _with_records(db: Queries, entries: Sequence[PortfolioImage]) -> list[ShownImage]:
    if not entries:
        return []
    records = await images.by_ids(db, [entry.image_id for entry in entries])
    places = await folders.by_ids(db, {record.folder_id for record in records.values()})
    return [
        ShownImage(entry=entry, image=records[entry.image_id], folder=places.get(records[entry.image_id].folder_id))
        for entry in entries
        if entry.image_id in records
    ]


def _without_private(event: PortfolioEvent, seen: Container[str]) -> PortfolioEvent:
    """The event without who did it, and without names of files and zips that only the owner should read."""
    info = event.action_info
    about = _ABOUT_IMAGE.fullmatch(info) if event.action == Action.IMAGES else None
    secret = event.action in (Action.IMAGES, Action.DOWNLOADED) and (about is None or about[1] not in seen)
    return attrs.evolve(event, user_id=None, action_info="" if secret else info)
