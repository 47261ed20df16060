"""What each server of the site has said of itself last. Times are the database's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime

import attrs
import psycopg2

from qisd.errors import StoreUnavailable
from qisd.store.link import one_line
from qisd.store.queries import Queries, Row
from qisd.store.schema_status import connected

ALIVE = 60
"""Seconds after which a server that has said nothing counts as gone."""

_FORGOTTEN = "1 day"

_LIVING = (
    "select server_id, name, version, digests, clock_ahead, seen from server_status"  # noqa: S608 - a number of ours
    f" where seen > now() - interval '{ALIVE} seconds' order by name, server_id"
)


@attrs.frozen(kw_only=True)
class ServerStatus:
    """One server.

    :param name: of its machine.
    :param digests: by the names of settings; of equal values they are equal.
    :param clock_ahead: seconds by which its clock was ahead of the database's.
    :param seen: when it said so.
    """

    server_id: str
    name: str
    version: str
    digests: Mapping[str, str]
    clock_ahead: float
    seen: datetime


async def beat(
    db: Queries, *, server_id: str, name: str, version: str, digests: Mapping[str, str], now: datetime
) -> None:
    """Say of this server how it is, at most every few seconds; forget those that have been gone for a day.

    :param now: by this server's clock.
    """
    await db.execute(
        "with gone as (delete from server_status where seen < now() - %s::interval and server_id != %s)"
        " insert into server_status as known (server_id, name, version, digests, clock_ahead)"
        " values (%s, %s, %s, %s, extract(epoch from %s - clock_timestamp()))"
        " on conflict (server_id) do update set name = excluded.name, version = excluded.version,"
        " digests = excluded.digests, clock_ahead = excluded.clock_ahead, seen = now()"
        " where known.seen < now() - interval '5 seconds' or known.digests != excluded.digests"
        " or known.version != excluded.version",
        (_FORGOTTEN, server_id, server_id, name, version, json.dumps(dict(digests)), now),
    )


async def living(db: Queries) -> list[ServerStatus]:
    """Those that have been heard of within the last :data:`ALIVE` seconds, by their names."""
    return _statuses(await db.query(_LIVING))


def living_at(url: str) -> list[ServerStatus]:
    """The same for who has no pool; blocks.

    :raises StoreUnavailable: the database can't be asked, or is not one that a server has been at work with.
    """
    with connected(url) as connection, connection.cursor() as cursor:
        try:
            cursor.execute(_LIVING)
        except psycopg2.Error as error:
            raise StoreUnavailable(detail=one_line(error)) from error
        return _statuses(cursor.fetchall())


def _statuses(rows: Iterable[Row]) -> list[ServerStatus]:
    return [
        ServerStatus(server_id=server, name=name, version=version, digests=digests, clock_ahead=ahead, seen=seen)
        for server, name, version, digests, ahead, seen in rows
    ]
