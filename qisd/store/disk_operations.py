"""The journal of what is being done to the library on disk.

A row is written before anything happens on disk, and removed in the transaction that brings the database along. So it
is a lock on its paths, which holds for all processes of all servers; whoever removes the row decides how the operation
ended; and a row that is left behind is a crash, and says how to finish or undo the work.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import attrs
from psycopg2.extras import Json

from qisd.store.queries import Queries, Row

_COLUMNS = "id, kind, paths, params, server"

# What two places have in common when one is the other, or above it.
_OVERLAP = (
    "exists (select 1 from unnest(o.paths) held, unnest(%s::text[]) wanted where held = wanted"
    " or starts_with(held, wanted || '/') or starts_with(wanted, held || '/'))"
)

_LOCK = "qis library "


@attrs.frozen(kw_only=True)
class Entry:
    """One operation under way, or left behind.

    :param paths: what nobody else may change meanwhile, nor anything below or above them.
    :param params: JSON values, for :attr:`kind` to make sense of.
    :param server: the id of the process that does it.
    """

    id: uuid.UUID
    kind: str
    paths: tuple[str, ...]
    params: Mapping[str, Any]
    server: str


async def lock(db: Queries, paths: Collection[str], *, shared: bool = False) -> None:
    """Wait until nobody else decides about the paths, and keep them from it until the transaction ends.

    :param shared: others may do the same, if they want it shared too.
    """
    # Places that overlap begin alike.
    names = sorted({path.partition("/")[0] for path in paths})
    function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    await db.query(
        f"select {function}(hashtextextended(%s || name, 0)) from unnest(%s::text[]) with ordinality u(name, number)"  # noqa: S608
        " order by number",
        (_LOCK, names),
    )


async def held(db: Queries, paths: Collection[str]) -> list[tuple[str, ...]]:
    """The paths of each operation under way that touches one of ``paths``."""
    rows = await db.query(f"select o.paths from disk_operations o where {_OVERLAP}", (list(paths),))  # noqa: S608
    return [tuple(row[0]) for row in rows]


async def claim(db: Queries, entry: Entry) -> bool:
    """Write ``entry``, unless another operation touches its paths. In a transaction."""
    await lock(db, entry.paths)
    if await held(db, entry.paths):
        return False
    await db.execute(
        "insert into disk_operations (id, kind, paths, params, server) values (%s::uuid, %s, %s, %s, %s)",
        (str(entry.id), entry.kind, list(entry.paths), Json(dict(entry.params)), entry.server),
    )
    return True


async def remove(db: Queries, operation: uuid.UUID) -> bool:
    """Remove an entry, and with it end the operation; false if somebody else has done so already."""
    return bool(await db.query("delete from disk_operations where id = %s::uuid returning 1", (str(operation),)))


async def take(db: Queries, operation: uuid.UUID) -> Entry | None:
    """The entry, which nobody else can remove until this transaction ends; None if it is gone. Waits for others."""
    rows = await db.query(f"select {_COLUMNS} from disk_operations where id = %s::uuid for update", (str(operation),))  # noqa: S608
    return _entry(rows[0]) if rows else None


async def left_behind(
    db: Queries, gone: Sequence[str], *, stale: float, alive: Sequence[uuid.UUID] = ()
) -> list[uuid.UUID]:
    """Operations that nobody is at any more.

    :param gone: all of these processes' …
    :param stale: … and of others those without a sign of life for so many seconds …
    :param alive: … but for these.
    """
    rows = await db.query(
        "select id from disk_operations where (server = any(%s) or heartbeat < now() - %s * interval '1 second')"
        " and id <> all(%s::uuid[]) order by heartbeat",
        (list(gone), stale, [str(one) for one in alive]),
    )
    return [uuid.UUID(str(row[0])) for row in rows]


async def await_writers(db: Queries) -> None:
    """Wait until every change of the journal that has begun is decided, those of processes that are gone included."""
    await db.execute("lock table disk_operations in share row exclusive mode")


async def beat(db: Queries, operations: Sequence[uuid.UUID]) -> None:
    """Say that somebody is at these. Those that are being ended are left alone."""
    await db.execute(
        "update disk_operations set heartbeat = now() where id in"
        " (select id from disk_operations where id = any(%s::uuid[]) for update skip locked)",
        ([str(one) for one in operations],),
    )


async def tell_files(db: Queries, paths: Collection[str]) -> None:
    """Tell every process that what is at or below ``paths`` is not what it was, once the transaction is committed."""
    await db.query("select pg_notify(%s, path) from unnest(%s::text[]) path", (CHANNEL, list(paths)))


CHANNEL = "qis_files"
"""The channel on which changes of files are told, with their paths: no leading slash, the root is empty."""


def _entry(row: Row) -> Entry:
    number, kind, paths, params, server = row
    return Entry(id=uuid.UUID(str(number)), kind=kind, paths=tuple(paths), params=params, server=server)
