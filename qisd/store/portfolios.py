"""Portfolios: their headers, and what groups may do with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import attrs
import psycopg2

from qisd.errors import AlreadyExists
from qisd.store.queries import Queries, Row

_COLUMNS = "f.id, f.human_id, f.name, f.description, f.owner_id, f.last_updated, f.version"

ORDERS: Mapping[str, str] = {
    "name": "lower(f.name), f.id",
    "-name": "lower(f.name) desc, f.id desc",
    "human_id": "f.human_id",
    "-human_id": "f.human_id desc",
    "last_updated": "f.last_updated, f.id",
    "-last_updated": "f.last_updated desc, f.id desc",
    "id": "f.id",
    "-id": "f.id desc",
}
"""What lists can be sorted by."""


@attrs.frozen(kw_only=True)
class PortfolioPermission:
    """What a group may do with a portfolio: ``access`` is 0, 10, 20, 30 or 50."""

    id: int
    folio_id: int
    group_id: int
    access: int


@attrs.frozen(kw_only=True)
class Portfolio:
    """The header of a portfolio.

    :param human_id: stands in its public address.
    :param last_updated: when it was made, or its images last changed: zips that are older are outdated.
    :param permissions: in the order of the groups.
    """

    id: int
    human_id: str
    name: str
    description: str
    owner_id: int
    last_updated: datetime
    version: int
    permissions: tuple[PortfolioPermission, ...] = ()


@attrs.frozen(kw_only=True)
class Readers:
    """Whose portfolios a list is of: those that ``owner_id`` owns, or that one of ``groups`` may see.

    :param everything: all there are.
    """

    owner_id: int | None
    groups: frozenset[int]
    everything: bool = False


async def by_id(db: Queries, portfolio_id: int, *, lock: bool = False) -> Portfolio | None:
    """The portfolio of this id. With ``lock`` nobody else changes it, or its images and zips, until the end of the
    transaction.
    """
    locking = " for no key update" if lock else ""
    rows = await db.query(f"select {_COLUMNS} from folios f where f.id = %s{locking}", (portfolio_id,))  # noqa: S608
    return next(iter(await _complete(db, rows)), None)


async def by_human_id(db: Queries, human_id: str) -> Portfolio | None:
    rows = await db.query(f"select {_COLUMNS} from folios f where f.human_id = %s", (human_id,))  # noqa: S608
    return next(iter(await _complete(db, rows)), None)


async def existing(db: Queries, ids: Iterable[int]) -> set[int]:
    """Which of ``ids`` are portfolios."""
    return {row[0] for row in await db.query("select id from folios where id = any(%s)", (list(ids),))}


async def highest_id(db: Queries) -> int:
    """The highest id that a portfolio of this database has ever had."""
    rows = await db.query(
        "select coalesce(pg_sequence_last_value(pg_get_serial_sequence('folios', 'id')::regclass), 0)"
    )
    return int(rows[0][0])


async def listed(
    db: Queries, readers: Readers, *, text: str = "", order: str = "name", start: int = 0, limit: int | None = None
) -> list[Portfolio]:
    """The portfolios that ``readers`` may see.

    :param text: only those that have it in their name, description or human id, in any case.
    :param order: one of :data:`ORDERS`.
    """
    condition, parameters = _condition(readers, text)
    rows = await db.query(
        f"select {_COLUMNS} from folios f where {condition} order by {ORDERS[order]} offset %s limit %s",  # noqa: S608
        (*parameters, start, limit),
    )
    return await _complete(db, rows)


async def count(db: Queries, readers: Readers, *, text: str = "") -> int:
    """How many portfolios :func:`listed` has to give."""
    condition, parameters = _condition(readers, text)
    rows = await db.query(f"select count(*) from folios f where {condition}", parameters)  # noqa: S608
    return int(rows[0][0])


async def with_image(db: Queries, readers: Readers, image_id: int) -> list[Portfolio]:
    """The portfolios that ``readers`` may see and that an image is in, by name."""
    condition, parameters = _condition(readers, "")
    rows = await db.query(
        f"select {_COLUMNS} from folios f where f.id in (select folio_id from folioimages where image_id = %s)"  # noqa: S608
        f" and {condition} order by {ORDERS['name']}",
        (image_id, *parameters),
    )
    return await _complete(db, rows)


async def count_with_image(db: Queries, image_id: int) -> int:
    """How many portfolios an image is in."""
    rows = await db.query("select count(*) from folioimages where image_id = %s", (image_id,))
    return int(rows[0][0])


_WITH_TEMPLATE = (
    "f.id in (select folio_id from folioimages where lower(parameters #>> '{template,value}') = lower(%s)"
    " and parameters #>> '{template,value}' is not null"
    " union select folio_id from folioexports where lower(parameters #>> '{template,value}') = lower(%s)"
    " and parameters #>> '{template,value}' is not null)"
)


async def with_template(db: Queries, readers: Readers, template: str) -> list[Portfolio]:
    """The portfolios that ``readers`` may see and in which an image or a zip goes by the template of this name."""
    condition, parameters = _condition(readers, "")
    rows = await db.query(
        f"select {_COLUMNS} from folios f where {_WITH_TEMPLATE} and {condition} order by {ORDERS['name']}",  # noqa: S608
        (template, template, *parameters),
    )
    return await _complete(db, rows)


async def count_with_template(db: Queries, template: str) -> int:
    """How many portfolios there are in which an image or a zip goes by the template of this name."""
    rows = await db.query(f"select count(*) from folios f where {_WITH_TEMPLATE}", (template, template))  # noqa: S608
    return int(rows[0][0])


async def owned(db: Queries, user_id: int) -> int:
    """How many portfolios a user owns."""
    rows = await db.query("select count(*) from folios where owner_id = %s", (user_id,))
    return int(rows[0][0])


async def create(db: Queries, *, human_id: str, name: str, description: str, owner_id: int) -> Portfolio:
    """:raises AlreadyExists: the human id is taken."""
    rows = await db.query(
        "insert into folios as f (human_id, name, description, owner_id, last_updated)"  # noqa: S608
        " values (%s, %s, %s, %s, clock_timestamp()) on conflict (human_id) do nothing"
        f" returning {_COLUMNS}",
        (human_id, name, description, owner_id),
    )
    if not rows:
        raise _taken(human_id)
    return _portfolio(rows[0])


async def change(db: Queries, portfolio_id: int, *, human_id: str, name: str, description: str) -> None:
    """Give a portfolio another header.

    :raises AlreadyExists: the human id is taken.
    """
    try:
        await db.execute(
            "update folios set human_id = %s, name = %s, description = %s where id = %s",
            (human_id, name, description, portfolio_id),
        )
    except psycopg2.errors.UniqueViolation as error:
        raise _taken(human_id) from error


async def change_owner(db: Queries, portfolio_id: int, owner_id: int) -> None:
    await db.execute("update folios set owner_id = %s where id = %s", (owner_id, portfolio_id))


async def touch(db: Queries, portfolio_id: int) -> None:
    """What zips there are is outdated from now on. Call it with the portfolio locked."""
    await db.execute("update folios set last_updated = clock_timestamp() where id = %s", (portfolio_id,))


async def raise_version(db: Queries, portfolio_id: int) -> None:
    """Something that belongs to the portfolio has changed, which outdates no zip."""
    await db.execute("update folios set name = name where id = %s", (portfolio_id,))


async def delete(db: Queries, portfolio_id: int) -> None:
    """With its images, permissions, history and exports; files are not touched."""
    await db.execute("delete from folios where id = %s", (portfolio_id,))


async def set_access(db: Queries, portfolio_id: int, group_id: int, access: int) -> None:
    """What a group may do from now on, whether or not it had a row."""
    await db.execute(
        "insert into foliopermissions (folio_id, group_id, access) values (%s, %s, %s)"
        " on conflict (folio_id, group_id) do update set access = excluded.access",
        (portfolio_id, group_id, access),
    )


def _condition(readers: Readers, text: str) -> tuple[str, list[object]]:
    seen = (
        "(%s or f.owner_id = %s or exists (select from foliopermissions p"
        " where p.folio_id = f.id and p.group_id = any(%s) and p.access >= 10))"
    )
    parameters: list[object] = [readers.everything, readers.owner_id, list(readers.groups)]
    if not text:
        return seen, parameters
    pattern = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    return f"{seen} and (f.name ilike %s or f.description ilike %s or f.human_id ilike %s)", [
        *parameters,
        *[pattern] * 3,
    ]


async def _complete(db: Queries, rows: Sequence[Row]) -> list[Portfolio]:
    """Portfolios with their permissions."""
    if not rows:
        return []
    permissions: dict[int, list[PortfolioPermission]] = {row[0]: [] for row in rows}
    for number, folio_id, group_id, access in await db.query(
        "select id, folio_id, group_id, access from foliopermissions where folio_id = any(%s) order by group_id",
        (list(permissions),),
    ):
        row = PortfolioPermission(id=number, folio_id=folio_id, group_id=group_id, access=access)
        permissions[folio_id].append(row)
    return [attrs.evolve(_portfolio(row), permissions=tuple(permissions[row[0]])) for row in rows]


def _portfolio(row: Row) -> Portfolio:
    number, human_id, name, description, owner_id, last_updated, version = row
    return Portfolio(
        id=number,
        human_id=human_id,
        name=name,
        description=description,
        owner_id=owner_id,
        last_updated=last_updated,
        version=version,
    )


def _taken(human_id: str) -> AlreadyExists:
    return AlreadyExists(f"a portfolio with the human_id '{human_id}' already exists", parameter="human_id")
