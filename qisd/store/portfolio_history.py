"""The history of portfolios."""

from __future__ import annotations

import enum
from datetime import datetime

import attrs

from qisd.store.queries import Queries

_LONGEST = 4096

_KEPT_IN_VIEW = 1000

KEPT = 10_000
"""Of each portfolio, the newest: anybody who may download its zips adds to them."""


class Action(enum.IntEnum):
    """What happened to a portfolio; the numbers are those of the database and of the API."""

    CREATED = 1
    EDITED = 2
    IMAGES = 3
    PUBLISHED = 4
    DOWNLOADED = 5
    UNPUBLISHED = 6


@attrs.frozen(kw_only=True)
class PortfolioEvent:
    """One entry of a history; ``user_id`` is None for anonymous visitors and for the server."""

    id: int
    folio_id: int
    user_id: int | None
    action: int
    action_info: str
    action_time: datetime


async def record(db: Queries, portfolio_id: int, action: Action, info: str = "", *, user_id: int | None) -> None:
    """Append an entry, in the transaction of what it tells of. Long texts are cut and end with ``...`` then."""
    if len(info) > _LONGEST:
        info = info[: _LONGEST - 3] + "..."
    await db.execute(
        "insert into foliosaudit (folio_id, user_id, action, action_info, action_time)"
        " values (%s, %s, %s, %s, clock_timestamp())",
        (portfolio_id, user_id, int(action), info),
    )
    await db.execute(
        "delete from foliosaudit where folio_id = %s and id <="
        " (select id from foliosaudit where folio_id = %s order by id desc offset %s limit 1)",
        (portfolio_id, portfolio_id, KEPT),
    )


async def listed(db: Queries, portfolio_id: int, *, limit: int = _KEPT_IN_VIEW) -> list[PortfolioEvent]:
    """The newest ``limit`` entries, oldest first."""
    rows = await db.query(
        "select id, folio_id, user_id, action, action_info, action_time from foliosaudit"
        " where folio_id = %s order by id desc limit %s",
        (portfolio_id, limit),
    )
    return [
        PortfolioEvent(id=number, folio_id=folio, user_id=user, action=action, action_info=info, action_time=time)
        for number, folio, user, action, info, time in reversed(rows)
    ]
