"""The images in portfolios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from psycopg2.extras import Json

from qisd.store.queries import Queries, Row

_SELECT = (
    "select e.id, e.folio_id, e.image_id, e.parameters, e.filename, e.order_num, e.version, i.src, i.status"
    " from folioimages e join images i on i.id = e.image_id"
)

_AT_ONCE = 1000
"""Of thousands of records at once, others would have to wait for too long."""


@attrs.frozen(kw_only=True)
class PortfolioImage:
    """An image's place in a portfolio.

    :param parameters: image options, in the form of a template.
    :param filename: its name in zips; empty for the image's own.
    :param order_num: images are in the order of these numbers, equal ones in that of adding.
    :param src: path of the image; ``active`` is false when it was deleted.
    """

    id: int
    folio_id: int
    image_id: int
    parameters: Mapping[str, Any]
    filename: str
    order_num: int
    version: int
    src: str
    active: bool


@attrs.frozen(kw_only=True)
class Description:
    """What people say about an image."""

    title: str
    description: str
    copyright: str


async def listed(db: Queries, portfolio_id: int, *, newest: int | None = None) -> list[PortfolioImage]:
    """The images of a portfolio in their order.

    :param newest: only those that were added no later than this entry.
    """
    order = await db.query(
        "select id from folioimages where folio_id = %s and (%s::bigint is null or id <= %s) order by order_num, id",
        (portfolio_id, newest, newest),
    )
    numbers = [number for (number,) in order]
    found: dict[int, PortfolioImage] = {}
    for start in range(0, len(numbers), _AT_ONCE):
        rows = await db.query(f"{_SELECT} where e.id = any(%s)", (numbers[start : start + _AT_ONCE],))
        found |= {row[0]: _image(row) for row in rows}
    return [found[number] for number in numbers if number in found]


async def one(db: Queries, portfolio_id: int, image_id: int) -> PortfolioImage | None:
    rows = await db.query(f"{_SELECT} where e.folio_id = %s and e.image_id = %s", (portfolio_id, image_id))
    return _image(rows[0]) if rows else None


async def count(db: Queries, portfolio_id: int) -> int:
    rows = await db.query("select count(*) from folioimages where folio_id = %s", (portfolio_id,))
    return int(rows[0][0])


async def counts(db: Queries, portfolio_ids: Sequence[int]) -> dict[int, int]:
    """How many images each portfolio has that has any."""
    rows = await db.query(
        "select folio_id, count(*) from folioimages where folio_id = any(%s) group by folio_id", (list(portfolio_ids),)
    )
    return {folio_id: int(number) for folio_id, number in rows}


async def first(db: Queries, portfolio_ids: Sequence[int]) -> dict[int, str]:
    """The path of the first image of each portfolio, of those that were not deleted."""
    rows = await db.query(
        "select distinct on (e.folio_id) e.folio_id, i.src from folioimages e join images i on i.id = e.image_id"
        " where e.folio_id = any(%s) and i.status = 1 order by e.folio_id, e.order_num, e.id",
        (list(portfolio_ids),),
    )
    return dict(rows)


async def add(
    db: Queries, portfolio_id: int, image_id: int, *, parameters: Mapping[str, Any], filename: str, order_num: int
) -> bool:
    """Put an image into a portfolio; False when it is in it already."""
    rows = await db.query(
        "insert into folioimages (folio_id, image_id, parameters, filename, order_num) values (%s, %s, %s, %s, %s)"
        " on conflict (folio_id, image_id) do nothing returning id",
        (portfolio_id, image_id, Json(dict(parameters)), filename, order_num),
    )
    return bool(rows)


async def change(db: Queries, entry_id: int, *, parameters: Mapping[str, Any], filename: str, order_num: int) -> None:
    await db.execute(
        "update folioimages set parameters = %s, filename = %s, order_num = %s where id = %s",
        (Json(dict(parameters)), filename, order_num, entry_id),
    )


async def remove(db: Queries, entry_id: int) -> None:
    """The portfolio counts as changed by it: a trigger sees to that, since images are purged elsewhere too."""
    await db.execute("delete from folioimages where id = %s", (entry_id,))


async def renumber(db: Queries, entry_ids: Sequence[int]) -> None:
    """Give these entries the numbers 0, 1, 2, … in this order."""
    await db.execute(
        "update folioimages e set order_num = o.number from unnest(%s::bigint[], %s::int[]) as o (id, number)"
        " where e.id = o.id and e.order_num <> o.number",
        (list(entry_ids), list(range(len(entry_ids)))),
    )


async def descriptions(db: Queries, image_ids: Sequence[int]) -> dict[int, Description]:
    """What is said about images, by their ids."""
    rows = await db.query(
        "select i.id, i.title, i.description, coalesce(m.copyright, '') from images i"
        " left join image_metadata m on m.image_id = i.id where i.id = any(%s)",
        (list(image_ids),),
    )
    return {
        number: Description(title=title, description=description, copyright=copyright)
        for number, title, description, copyright in rows
    }


def _image(row: Row) -> PortfolioImage:
    number, folio_id, image_id, parameters, filename, order_num, version, src, status = row
    return PortfolioImage(
        id=number,
        folio_id=folio_id,
        image_id=image_id,
        parameters=parameters,
        filename=filename,
        order_num=order_num,
        version=version,
        src=src,
        active=status == 1,
    )
