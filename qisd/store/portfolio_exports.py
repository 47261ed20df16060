"""Published portfolios: the zips that there are, or will be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import attrs
from psycopg2.extras import Json

from qisd.store.queries import Queries, Row

_COLUMNS = (
    "id, folio_id, description, originals, parameters, task_id, state, error, manifest, newest_entry, filename,"
    " filesize, created, keep_until"
)

_LONGEST_ERROR = 4096

WAITING, RUNNING, READY, FAILED = "waiting", "running", "ready", "failed"
"""The states of an export."""

EXPORT_TASK = "export_portfolio"
"""The type of the tasks that make zips."""


@attrs.frozen(kw_only=True)
class Export:
    """A zip of a portfolio.

    :param originals: of the files as they are; else of images rendered with ``parameters`` on top of their own.
    :param task_id: of the task that makes it, while it waits or runs.
    :param error: why it failed.
    :param manifest: there is a list of the images in the zip.
    :param newest_entry: the last of the portfolio's entries when it was published; None in imported ones.
    :param filename: empty until it is ready; ``filesize`` in bytes.
    :param keep_until: when it expires.
    """

    id: int
    folio_id: int
    description: str
    originals: bool
    parameters: Mapping[str, Any]
    task_id: int | None
    state: str
    error: str
    manifest: bool
    newest_entry: int | None
    filename: str
    filesize: int
    created: datetime
    keep_until: datetime


async def by_id(db: Queries, export_id: int, *, lock: bool = False) -> Export | None:
    """The export of this id. With ``lock`` nobody else changes it until the end of the transaction."""
    locking = " for update" if lock else ""
    rows = await db.query(f"select {_COLUMNS} from folioexports where id = %s{locking}", (export_id,))  # noqa: S608
    return _export(rows[0]) if rows else None


async def of_portfolios(db: Queries, portfolio_ids: Iterable[int], *, now: datetime) -> list[Export]:
    """Those of ``portfolio_ids`` that have not expired, in the order of publishing."""
    rows = await db.query(
        f"select {_COLUMNS} from folioexports where folio_id = any(%s) and keep_until > %s order by id",  # noqa: S608
        (list(portfolio_ids), now),
    )
    return [_export(row) for row in rows]


async def by_filename(db: Queries, portfolio_id: int, filename: str) -> Export | None:
    rows = await db.query(
        f"select {_COLUMNS} from folioexports where filename = %s and length(filename) > 0 and folio_id = %s",  # noqa: S608
        (filename, portfolio_id),
    )
    return _export(rows[0]) if rows else None


async def create(
    db: Queries,
    portfolio_id: int,
    *,
    description: str,
    originals: bool,
    parameters: Mapping[str, Any],
    manifest: bool,
    newest_entry: int,
    keep_until: datetime,
) -> Export:
    """A new one that waits. Call it with the portfolio locked."""
    rows = await db.query(
        "insert into folioexports"  # noqa: S608
        " (folio_id, description, originals, parameters, manifest, newest_entry, created, keep_until)"
        f" values (%s, %s, %s, %s, %s, %s, clock_timestamp(), %s) returning {_COLUMNS}",
        (portfolio_id, description, originals, Json(dict(parameters)), manifest, newest_entry, keep_until),
    )
    return _export(rows[0])


async def set_task(db: Queries, export_id: int, task_id: int) -> None:
    await db.execute("update folioexports set task_id = %s where id = %s", (task_id, export_id))


async def set_running(db: Queries, export_id: int, task_id: int) -> None:
    """The task has begun with it."""
    await db.execute(
        "update folioexports set state = 'running', error = '', task_id = %s where id = %s", (task_id, export_id)
    )


async def set_ready(db: Queries, export_id: int, *, filename: str, filesize: int) -> Export | None:
    """Its zip is there. None when the export is gone meanwhile, or ready with another zip."""
    rows = await db.query(
        "update folioexports set state = 'ready', task_id = null, filename = %s, filesize = %s"  # noqa: S608
        f" where id = %s and state <> 'ready' returning {_COLUMNS}",
        (filename, filesize, export_id),
    )
    return _export(rows[0]) if rows else None


async def set_failed(db: Queries, export_id: int, error: str) -> None:
    """It will never be ready, unless it is so already."""
    await db.execute(
        "update folioexports set state = 'failed', task_id = null, error = %s"
        " where id = %s and state in ('waiting', 'running')",
        (error[:_LONGEST_ERROR], export_id),
    )


async def delete(db: Queries, export_id: int) -> None:
    await db.execute("delete from folioexports where id = %s", (export_id,))


async def expired(db: Queries, *, now: datetime, limit: int) -> list[Export]:
    """Up to ``limit`` exports whose time is over and which nobody is at work on."""
    rows = await db.query(
        f"select {_COLUMNS} from folioexports where keep_until <= %s and state in ('ready', 'failed')"  # noqa: S608
        " order by keep_until, id limit %s",
        (now, limit),
    )
    return [_export(row) for row in rows]


async def abandoned(db: Queries) -> list[int]:
    """The ids of exports that wait or run although their task is over, or gone: a crash, or a cancelled task."""
    rows = await db.query(
        "select e.id from folioexports e left join tasks t on t.id = e.task_id"
        " where e.state in ('waiting', 'running') and (t.id is null or t.status >= 2) order by e.id"
    )
    return [row[0] for row in rows]


async def tasks_of(db: Queries, portfolio_id: int) -> list[int]:
    """The ids of the tasks that make zips of a portfolio, or will."""
    rows = await db.query(
        "select task_id from folioexports where folio_id = %s and task_id is not null order by task_id",
        (portfolio_id,),
    )
    return [row[0] for row in rows]


async def filenames(db: Queries, portfolio_ids: Iterable[int]) -> set[str]:
    """The names of all zips that ``portfolio_ids`` should have."""
    rows = await db.query(
        "select filename from folioexports where folio_id = any(%s) and length(filename) > 0", (list(portfolio_ids),)
    )
    return {row[0] for row in rows}


def _export(row: Row) -> Export:
    number, folio_id, description, originals, parameters, task_id, state, error, manifest, newest_entry, *rest = row
    filename, filesize, created, keep_until = rest
    return Export(
        id=number,
        folio_id=folio_id,
        description=description,
        originals=originals,
        parameters=parameters,
        task_id=task_id,
        state=state,
        error=error,
        manifest=manifest,
        newest_entry=newest_entry,
        filename=filename,
        filesize=filesize,
        created=created,
        keep_until=keep_until,
    )
