"""Portfolios: made, found, changed, deleted."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime

import attrs
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from qisd.access.auditing import actor_of
from qisd.access.levels import Flag, Level
from qisd.access.visitor import Visitor
from qisd.errors import BadParameter, NotFound, OutOfDate, Refused, StoreUnavailable
from qisd.pools.files import FilePool
from qisd.portfolios import human_ids, texts, views
from qisd.portfolios.export_files import ExportFiles
from qisd.portfolios.permissions import ALLOWED, Access, opened, owns, readers, require
from qisd.portfolios.views import PortfolioHeader, PortfolioView
from qisd.store import audit, portfolio_exports, portfolio_history, portfolio_images, portfolios, tasks
from qisd.store.first_run import NORMAL_USERS, PUBLIC
from qisd.store.images import folder_of
from qisd.store.pool import Database
from qisd.store.portfolio_history import Action
from qisd.store.portfolios import ORDERS, Portfolio
from qisd.store.queries import Queries

_log = Logger()

_SEARCHED_MAX = 255

OWNED_MAX = 10_000
"""Portfolios that one user can make; more can be given to them."""


@attrs.frozen(kw_only=True)
class Header:
    """What people say about a portfolio.

    :param human_id: stands in its address; blank for a random one. None, in a change, leaves the one it has.
    :param internal_access: what everybody who has logged in may do: 0, 10 or 20; ``public_access`` everybody.
    """

    human_id: str | None
    name: str
    description: str
    internal_access: int
    public_access: int


@attrs.frozen(kw_only=True)
class Listing:
    """A part of a list, and the length of the whole."""

    items: Sequence[PortfolioHeader]
    total: int


@attrs.frozen(kw_only=True)
class Summary:
    """What people want to see of a portfolio in a list.

    :param owner: the name of the account; empty for those who may not know it.
    :param cover: the path of its first image; empty if there is none, or none that the visitor may view.
    """

    owner: str
    images: int
    cover: str


class Portfolios:
    """What can be done with portfolios as a whole."""

    def __init__(self, database: Database, *, files: FilePool, zips: ExportFiles, reactor: IReactorTime) -> None:
        self._database = database
        self._files = files
        self._zips = zips
        self._reactor = reactor

    async def create(self, visitor: Visitor, header: Header) -> PortfolioView:
        """Make one; the visitor is its owner.

        :raises Forbidden: the visitor may not have portfolios.
        :raises Refused: they have too many.
        :raises AlreadyExists: the human id is taken.
        """
        visitor.require_flag(Flag.FOLIOS)
        owner = visitor.user_id
        if owner is None:
            raise Refused("A portfolio must have an owner who is a user.")
        checked = _checked(header)

        async def work(db: Queries) -> PortfolioView:
            if await portfolios.owned(db, owner) >= OWNED_MAX:
                raise Refused(f"You have {OWNED_MAX} portfolios. Delete some of them first.")
            made = await portfolios.create(
                db,
                human_id=checked.human_id or human_ids.generate(),
                name=checked.name,
                description=checked.description,
                owner_id=owner,
            )
            await portfolios.set_access(db, made.id, PUBLIC, checked.public_access)
            await portfolios.set_access(db, made.id, NORMAL_USERS, checked.internal_access)
            await portfolio_history.record(db, made.id, Action.CREATED, user_id=owner)
            return await self._view(db, visitor, made.id)

        return await self._database.transaction(work)

    async def listed(
        self,
        visitor: Visitor,
        *,
        text: str = "",
        order: str = "name",
        start: int = 0,
        limit: int | None = None,
        owned: bool = False,
    ) -> Listing:
        """Those that the visitor may see.

        :param text: only those with it in their name, description or human id.
        :param owned: only the visitor's own.
        :param order: one of :data:`qisd.store.portfolios.ORDERS`.
        """
        texts.checked("q", text, longest=_SEARCHED_MAX)
        if order not in ORDERS:
            raise BadParameter("sort", f"Value is not one of: {', '.join(ORDERS)}")
        who = readers(visitor)
        if owned:
            who = attrs.evolve(who, groups=frozenset(), everything=False)
        found = await portfolios.listed(self._database, who, text=text, order=order, start=start, limit=limit)
        total = start + len(found)
        if (limit is not None and len(found) == limit) or (start and not found):
            total = await portfolios.count(self._database, who, text=text)
        return Listing(items=await views.headers(self._database, visitor, found, now=self._now()), total=total)

    async def summaries(self, visitor: Visitor, listed: Sequence[PortfolioHeader]) -> dict[int, Summary]:
        """What there is to say of portfolios that :meth:`listed` gave, by their ids."""
        ids = [header.portfolio.id for header in listed]
        counts = await portfolio_images.counts(self._database, ids)
        first = await portfolio_images.first(self._database, ids)
        return {
            header.portfolio.id: Summary(
                owner=_owner_name(visitor, header.portfolio),
                images=counts.get(header.portfolio.id, 0),
                cover=_seen(visitor, first.get(header.portfolio.id, ""), now=self._now()),
            )
            for header in listed
        }

    async def one(self, visitor: Visitor, portfolio_id: int) -> PortfolioView:
        """All of a portfolio that the visitor may see.

        :raises NotFound: there is no such portfolio.
        :raises Forbidden: the visitor may not see it.
        """
        return await self._view(self._database, visitor, portfolio_id)

    async def header(self, visitor: Visitor, portfolio_id: int) -> Portfolio:
        """A portfolio that the visitor may see, without all that belongs to it. Errors as of :meth:`one`."""
        return await opened(self._database, visitor, portfolio_id, Access.VIEW)

    async def by_human_id(self, visitor: Visitor, human_id: str) -> PortfolioView:
        """As :meth:`one`, by the id in its address."""
        portfolio = None if "\0" in human_id else await portfolios.by_human_id(self._database, human_id)
        if portfolio is None:
            raise NotFound(human_id[: human_ids.LONGEST])
        require(visitor, portfolio, Access.VIEW)
        return await views.view(self._database, visitor, portfolio, now=self._now())

    async def check(self, visitor: Visitor, portfolio_id: int, access: Access) -> None:
        """Make sure that there is this portfolio, and that the visitor may do ``access`` with it.

        :raises NotFound: there is no such portfolio.
        :raises Forbidden: the visitor may not do that.
        """
        await opened(self._database, visitor, portfolio_id, access)

    async def update(
        self,
        visitor: Visitor,
        portfolio_id: int,
        header: Header,
        *,
        owner_id: int | None = None,
        expected_version: int | None = None,
    ) -> PortfolioView:
        """Give a portfolio another header, or to another user. Saying the same again changes nothing.

        :param owner_id: the new owner; only the present one and those who administer portfolios can say so.
        :raises NotFound: there is no such portfolio.
        :raises Forbidden: the visitor may not change it.
        :raises OutOfDate: it is not the ``expected_version`` any more.
        :raises AlreadyExists: the human id is taken.
        """
        old = await opened(self._database, visitor, portfolio_id, Access.EDIT)
        _check_owner(visitor, old, owner_id)
        checked = _checked(header)

        async def work(db: Queries) -> PortfolioView:
            old = await opened(db, visitor, portfolio_id, Access.EDIT, lock=True)
            _check_version(old, expected_version)
            _check_owner(visitor, old, owner_id)
            changes = await _save(db, old, checked)
            if owner_id not in (None, old.owner_id):
                changes.append("owner changed")
                await _give(db, visitor, old, owner_id or 0)
            if changes:
                info = ", ".join(changes).capitalize()
                await portfolio_history.record(db, portfolio_id, Action.EDITED, info, user_id=visitor.user_id)
            changed = await portfolios.by_id(db, portfolio_id)
            # Whoever has given it away still gets this last look at it.
            return await views.view(db, visitor, changed or old, now=self._now())

        return await self._database.transaction(work)

    async def delete(self, visitor: Visitor, portfolio_id: int, *, expected_version: int | None = None) -> None:
        """Remove a portfolio with all that belongs to it. A zip that is being made is given up.

        :raises NotFound: there is no such portfolio.
        :raises Forbidden: the visitor may not delete it.
        :raises OutOfDate: it is not the ``expected_version`` any more.
        """

        async def work(db: Queries) -> None:
            old = await opened(db, visitor, portfolio_id, Access.DELETE, lock=True)
            _check_version(old, expected_version)
            for task_id in await portfolio_exports.tasks_of(db, portfolio_id):
                await tasks.cancel(db, task_id)
            await portfolios.delete(db, portfolio_id)
            await audit.record(
                db,
                actor_of(visitor),
                action="portfolio.deleted",
                object_type="portfolio",
                object_id=portfolio_id,
                before={"human_id": old.human_id, "name": old.name, "owner_id": old.owner_id},
            )

        await self._database.transaction(work)
        # What is left now has no row any more, and goes with the next sweep.
        with contextlib.suppress(StoreUnavailable):
            await self._files.run(lambda: self._zips.remove_all(portfolio_id))

    async def _view(self, db: Queries, visitor: Visitor, portfolio_id: int) -> PortfolioView:
        portfolio = await opened(db, visitor, portfolio_id, Access.VIEW)
        return await views.view(db, visitor, portfolio, now=self._now())

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._reactor.seconds(), UTC)


def _owner_name(visitor: Visitor, portfolio: Portfolio) -> str:
    """Accounts are known to themselves and to those who administer them or portfolios."""
    if visitor.user_id != portfolio.owner_id and not visitor.flags & {Flag.ADMIN_FOLIOS, Flag.ADMIN_USERS}:
        return ""
    account = visitor.snapshot.account(portfolio.owner_id)
    return "" if account is None else account.username


def _seen(visitor: Visitor, src: str, *, now: datetime) -> str:
    seen = src and visitor.can(Level.VIEW, folder_of(src)) and visitor.is_valid(src, now=now.timestamp())
    return src if seen else ""


def _checked(header: Header) -> Header:
    """:raises BadParameter: something in it is too long, or not allowed."""
    for parameter, access in (("internal_access", header.internal_access), ("public_access", header.public_access)):
        if access not in ALLOWED:
            raise BadParameter(parameter, f"Value is not one of: {', '.join(str(int(one)) for one in ALLOWED)}")
    return attrs.evolve(
        header,
        human_id=None if header.human_id is None else human_ids.checked(header.human_id),
        name=texts.checked("name", header.name, longest=texts.NAME_MAX),
        description=texts.checked("description", header.description, longest=texts.DESCRIPTION_MAX),
    )


def _check_owner(visitor: Visitor, portfolio: Portfolio, owner_id: int | None) -> None:
    """:raises Forbidden: the visitor may not give the portfolio away. :raises BadParameter: nor to this user."""
    if owner_id in (None, portfolio.owner_id):
        return
    if not owns(visitor, portfolio):
        visitor.require_flag(Flag.ADMIN_FOLIOS)
    account = visitor.snapshot.account(owner_id or 0)
    if account is None or not account.active:
        raise BadParameter("owner_id", "there is no such user")


async def _give(db: Queries, visitor: Visitor, old: Portfolio, owner_id: int) -> None:
    await portfolios.change_owner(db, old.id, owner_id)
    await audit.record(
        db,
        actor_of(visitor),
        action="portfolio.changed",
        object_type="portfolio",
        object_id=old.id,
        before={"owner_id": old.owner_id},
        after={"owner_id": owner_id},
    )


async def _save(db: Queries, old: Portfolio, header: Header) -> list[str]:
    """Write what is other than before; in words what that was."""
    human_id = old.human_id if header.human_id is None else header.human_id or human_ids.generate()
    changes = [
        words
        for words, before, after in (
            ("short url changed", old.human_id, human_id),
            ("name changed", old.name, header.name),
            ("description changed", old.description, header.description),
        )
        if before != after
    ]
    wanted = {PUBLIC: header.public_access, NORMAL_USERS: header.internal_access}
    given = {row.group_id: row.access for row in old.permissions}
    others = {group: access for group, access in wanted.items() if given.get(group) != access}
    for group, access in others.items():
        await portfolios.set_access(db, old.id, group, access)
    if others:
        changes.append("permissions changed")
    if changes:  # that of a permission alone raises the version too
        await portfolios.change(db, old.id, human_id=human_id, name=header.name, description=header.description)
    return changes


def _check_version(portfolio: Portfolio, expected: int | None) -> None:
    if expected is not None and expected != portfolio.version:
        raise OutOfDate("The portfolio has been changed by somebody else.")
