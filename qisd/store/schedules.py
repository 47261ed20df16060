"""Schedules: which job is due again when. Times are the database's, so that all servers agree."""

from __future__ import annotations

from datetime import datetime

import attrs

from qisd.store.queries import Queries

_COLUMNS = "name, interval_secs, next_run, last_run, last_task, last_result"


@attrs.frozen(kw_only=True)
class Schedule:
    """One job that is begun again and again.

    :param name: the type of the task that does it.
    :param last_task: the task of the last time, while it is kept.
    :param last_result: ``started``, then ``complete``, ``failed`` or ``cancelled``; or why nothing was started:
        ``busy`` while the task of the time before goes on, ``skipped`` while there's nothing to do.
    """

    name: str
    interval_secs: int
    next_run: datetime
    last_run: datetime | None
    last_task: int | None
    last_result: str


async def ensure(db: Queries, name: str, *, interval_secs: int, first_secs: int) -> None:
    """Have a row for a job: due in ``first_secs`` when it's new, and not later than its interval from now."""
    await db.execute(
        "insert into schedules (name, interval_secs, next_run) values (%s, %s, now() + make_interval(secs => %s))"
        " on conflict (name) do update set interval_secs = excluded.interval_secs,"
        " next_run = least(schedules.next_run, now() + make_interval(secs => excluded.interval_secs))"
        " where schedules.interval_secs <> excluded.interval_secs",
        (name, interval_secs, first_secs),
    )


async def listed(db: Queries) -> list[Schedule]:
    """All of them, by name."""
    rows = await db.query(f"select {_COLUMNS} from schedules order by name")  # noqa: S608
    return [
        Schedule(
            name=name,
            interval_secs=interval_secs,
            next_run=next_run,
            last_run=last_run,
            last_task=last_task,
            last_result=last_result,
        )
        for name, interval_secs, next_run, last_run, last_task, last_result in rows
    ]


async def take_due(db: Queries, names: list[str]) -> str | None:
    """Take one of the jobs that is due, for this transaction: nobody else gets it meanwhile. None when none is.

    It is due again after its interval; times that were missed are not made up for.
    """
    rows = await db.query(
        "with due as materialized (select name as due_name from schedules where name = any(%s) and next_run <= now()"
        " order by next_run limit 1 for update skip locked)"
        " update schedules set last_run = now(), next_run = next_run + make_interval(secs => interval_secs * "
        "(floor(extract(epoch from now() - next_run) / interval_secs) + 1)) from due where name = due_name"
        " returning name",
        (names,),
    )
    return str(rows[0][0]) if rows else None


async def note(db: Queries, name: str, *, task: int | None, result: str) -> None:
    """Say what became of a job that :func:`take_due` gave."""
    await db.execute("update schedules set last_task = %s, last_result = %s where name = %s", (task, result, name))
