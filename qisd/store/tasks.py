"""Tasks: work that is queued in the database and claimed by one worker after another.

Every change of a task's status, and every new task, is told on :data:`CHANNEL` as ``<id> <status>``; the wish that a
running one may end as ``<id> 1 cancel``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import IntEnum
from typing import Any

import attrs
from psycopg2 import errors
from psycopg2.extras import Json

from qisd.errors import AlreadyExists
from qisd.store.queries import Queries, Row

CHANNEL = "qis_tasks"

NAME_MAX = 100

_COLUMNS = (
    "id, user_id, name, funcname, params, priority, log_level, error_log_level, status, result, error, keep_for,"
    " keep_until, progress, progress_text, attempts, max_attempts, run_after, locked_by, heartbeat, cancel_requested,"
    " created, started, finished, request_id"
)

# Finished tasks that need not be kept stay for this long, so that whoever waits for the result gets it.
_LINGER = "interval '10 seconds'"

# A process that was killed with its task may have been killed by it: that is not tried for ever.
_STARTS_AFTER_LOSS = 3


class TaskStatus(IntEnum):
    """Where a task is; the numbers are those of the table."""

    PENDING = 0
    ACTIVE = 1
    COMPLETE = 2
    FAILED = 3
    CANCELLED = 4

    @property
    def over(self) -> bool:
        return self >= TaskStatus.COMPLETE


@attrs.frozen(kw_only=True)
class Task:
    """One task.

    :param user_id: who asked for it; None is the server itself.
    :param funcname: its type.
    :param priority: 10 high, 20 normal, 30 low.
    :param result: what it returned (JSON), or ``{"exception": {"type", "message"}}`` when it failed or was cancelled.
    :param error: why it failed, or why its last attempt did; fit to be shown.
    :param keep_for: seconds for which it is kept when it is over; ``keep_until`` is set then.
    :param progress: 0 to 100; None before the first report.
    :param attempts: how often it was begun.
    :param locked_by: the worker that runs it.
    :param request_id: the request that has asked for it.
    """

    id: int
    user_id: int | None
    name: str
    funcname: str
    params: Mapping[str, Any]
    priority: int
    log_level: str
    error_log_level: str
    status: TaskStatus
    result: Any
    error: str | None
    keep_for: int
    keep_until: datetime | None
    progress: float | None
    progress_text: str
    attempts: int
    max_attempts: int
    run_after: datetime
    locked_by: str | None
    heartbeat: datetime | None
    cancel_requested: bool
    created: datetime
    started: datetime | None
    finished: datetime | None
    request_id: str = ""

    @property
    def over(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self.status.over


@attrs.frozen(kw_only=True)
class NewTask:
    """A task to be queued. ``params`` are JSON values; ``name`` is cut to 100 characters."""

    funcname: str
    name: str
    params: Mapping[str, Any]
    user_id: int | None = None
    priority: int = 20
    keep_for: int = 0
    log_level: str = "info"
    error_log_level: str = "error"
    max_attempts: int = 1
    request_id: str = ""

    @property
    def dedup_key(self) -> str:
        return dedup_key(self.funcname, self.params)


def dedup_key(funcname: str, params: Mapping[str, Any]) -> str:
    """What is the same for equal tasks only, in whatever order their parameters are given."""
    text = json.dumps(params, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(f"{funcname}\n{text}".encode()).hexdigest()


async def add(db: Queries, new: NewTask) -> Task:
    """Queue a task. On a pool this must run in a transaction.

    :raises AlreadyExists: an equal one isn't over yet; it is the error's ``existing``.
    """
    name = new.name if len(new.name) <= NAME_MAX else f"{new.name[: NAME_MAX - 3]}..."
    key = new.dedup_key
    for _ in range(10):
        rows = await db.query(
            "insert into tasks (user_id, name, funcname, params, dedup_key, priority, log_level, error_log_level,"  # noqa: S608
            " keep_for, max_attempts, request_id) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
            f" on conflict (dedup_key) where status in (0, 1) do nothing returning {_COLUMNS}",
            (
                new.user_id,
                name,
                new.funcname,
                Json(dict(new.params)),
                key,
                new.priority,
                new.log_level,
                new.error_log_level,
                new.keep_for,
                new.max_attempts,
                new.request_id,
            ),
        )
        if rows:
            return _task(rows[0])
        rows = await db.query(
            f"select {_COLUMNS} from tasks where dedup_key = %s and status in (0, 1)",  # noqa: S608
            (key,),
        )
        if rows:  # else it has ended between the two statements
            raise _already(_task(rows[0]))
    raise _already(None)


async def unfinished(db: Queries, user_id: int) -> int:
    """How many tasks of a user are not over yet."""
    rows = await db.query("select count(*) from tasks where user_id = %s and status in (0, 1)", (user_id,))
    return int(rows[0][0])


async def forget_oldest(db: Queries, user_id: int, *, keep: int) -> None:
    """Remove what is over of a user's tasks, but for the newest ``keep``."""
    await db.execute(
        "delete from tasks where id in"
        " (select id from tasks where user_id = %s and status in (2, 3, 4) order by id desc offset %s)",
        (user_id, keep),
    )


async def by_id(db: Queries, number: int) -> Task | None:
    rows = await db.query(f"select {_COLUMNS} from tasks where id = %s", (number,))  # noqa: S608
    return _task(rows[0]) if rows else None


async def by_ids(db: Queries, numbers: Collection[int]) -> dict[int, Task]:
    """Those that exist, by id."""
    rows = await db.query(f"select {_COLUMNS} from tasks where id = any(%s)", (list(numbers),))  # noqa: S608
    return {task.id: task for task in map(_task, rows)}


async def find_kept(db: Queries, *, funcname: str, params: Mapping[str, Any]) -> Task | None:
    """An equal task that has run, well or not, and is still kept for its ``keep_for``."""
    rows = await db.query(
        f"select {_COLUMNS} from tasks where dedup_key = %s and status in (2, 3) and keep_until > now()"  # noqa: S608
        " order by id desc limit 1",
        (dedup_key(funcname, params),),
    )
    return _task(rows[0]) if rows else None


async def listed(
    db: Queries,
    *,
    statuses: Collection[int] | None = None,
    funcname: str | None = None,
    user_id: int | None = None,
    below: int | None = None,
    start: int = 0,
    limit: int,
) -> list[Task]:
    """The newest first.

    :param statuses: only these; None for all.
    :param below: only tasks with a lower id: that of the last one of the page before.
    :param start: how many to leave out.
    """
    condition, parameters = _condition(statuses, funcname, user_id, below)
    rows = await db.query(
        f"select {_COLUMNS} from tasks where {condition} order by id desc offset %s limit %s",  # noqa: S608
        (*parameters, start, limit),
    )
    return [_task(row) for row in rows]


async def count(
    db: Queries, *, statuses: Collection[int] | None = None, funcname: str | None = None, user_id: int | None = None
) -> int:
    """How many tasks there are; parameters as of :func:`listed`."""
    condition, parameters = _condition(statuses, funcname, user_id, None)
    rows = await db.query(f"select count(*) from tasks where {condition}", parameters)  # noqa: S608
    return int(rows[0][0])


async def counts(db: Queries, *, user_id: int | None = None) -> dict[TaskStatus, int]:
    """How many tasks there are of each status; only those of a user, where one is given."""
    condition, parameters = _condition(None, None, user_id, None)
    rows = await db.query(f"select status, count(*) from tasks where {condition} group by status", parameters)  # noqa: S608
    found: dict[int, int] = dict(rows)
    return {status: found.get(int(status), 0) for status in TaskStatus}


async def kinds(db: Queries, *, user_id: int | None = None) -> list[str]:
    """The types of the tasks that there are, by name."""
    condition, parameters = _condition(None, None, user_id, None)
    rows = await db.query(
        f"select distinct funcname from tasks where {condition} order by funcname",  # noqa: S608
        parameters,
    )
    return [name for (name,) in rows]


async def claim(
    db: Queries, *, worker: str, funcnames: Collection[str], limit: int, but: Collection[int] = ()
) -> list[Task]:
    """Take up to ``limit`` pending tasks that are due, the most urgent and oldest first. In a transaction.

    :param funcnames: the types that the worker knows; others are left to those who do.
    :param but: tasks that aren't taken. A worker gives those whose last attempt it hasn't closed yet.
    """
    rows = await db.query(
        # Materialised, because a subquery may be run again for each row, and would take other tasks each time.
        "with chosen as materialized (select id as chosen_id from tasks"  # noqa: S608
        " where status = 0 and run_after <= now() and funcname = any(%s) and not id = any(%s)"
        " order by priority, id limit %s for update skip locked)"
        " update tasks set status = 1, locked_by = %s, heartbeat = now(), started = now(), attempts = attempts + 1,"
        f" progress = null, progress_text = '' from chosen where id = chosen_id returning {_COLUMNS}",
        (list(funcnames), sorted(but), limit, worker),
    )
    return sorted(map(_task, rows), key=lambda task: (task.priority, task.id))


async def beat(db: Queries, *, worker: str, numbers: Collection[int]) -> dict[int, bool]:
    """Say that ``worker`` still runs these tasks. In a transaction.

    :returns: those that are still its own, each with whether it shall be cancelled.
    """
    rows = await db.query(
        "update tasks set heartbeat = now() where id = any(%s) and status = 1 and locked_by = %s"
        " returning id, cancel_requested",
        (sorted(numbers), worker),
    )
    return dict(rows)


async def set_progress(db: Queries, number: int, *, worker: str, percent: float, text: str) -> None:
    """Tell how far a task of ``worker`` is. Nothing happens when it has lost it."""
    await db.execute(
        "update tasks set progress = %s, progress_text = %s where id = %s and status = 1 and locked_by = %s",
        (percent, text, number, worker),
    )


async def put_back_all_but(db: Queries, numbers: Collection[int], *, worker: str) -> None:
    """Let those tasks of ``worker`` wait again that it got but never began, since the answer to its claim was lost."""
    await db.execute(
        "update tasks set status = 0, locked_by = null, heartbeat = null, attempts = attempts - 1"
        " where status = 1 and locked_by = %s and not id = any(%s)",
        (worker, sorted(numbers)),
    )


async def finish(
    db: Queries, number: int, *, worker: str, status: TaskStatus, result: object, error: str | None = None
) -> bool:
    """End a task of ``worker``. In a transaction.

    :param result: JSON.
    :returns: false when the task isn't its own any more: nothing is changed then.
    """
    rows = await db.query(
        "update tasks set status = end_status, result = %s, error = %s, finished = now(),"
        " keep_until = case when keep_for > 0 then now() + make_interval(secs => keep_for) end,"
        " locked_by = null, heartbeat = null, progress = case end_status when 2 then 100 else progress end,"
        " progress_text = case end_status when 2 then '' else progress_text end"
        " from (select %s as end_status) as given where id = %s and status = 1 and locked_by = %s returning id",
        (Json(result), error, int(status), number, worker),
    )
    if rows:
        await db.execute(
            "update schedules set last_result = %s where last_task = %s", (TaskStatus(status).name.lower(), number)
        )
    return bool(rows)


async def put_back(
    db: Queries, number: int, *, worker: str, after: float = 0.0, error: str | None = None, forgive: bool = False
) -> bool:
    """Let a task of ``worker`` wait for another attempt. In a transaction.

    :param after: seconds until then, at least.
    :param error: why this attempt ended.
    :param forgive: it doesn't count as an attempt.
    :returns: false when the task isn't its own any more.
    """
    rows = await db.query(
        "update tasks set status = 0, locked_by = null, heartbeat = null, error = %s,"
        " run_after = now() + make_interval(secs => %s), attempts = attempts - %s"
        " where id = %s and status = 1 and locked_by = %s returning id",
        (error, after, int(forgive), number, worker),
    )
    return bool(rows)


async def rescue(
    db: Queries, *, silent_for: float, repeatable: Collection[str], known: Collection[str], error: str
) -> tuple[list[int], list[int]]:
    """Take tasks from workers that have said nothing for ``silent_for`` seconds. In a transaction.

    Those of a type that may be repeated wait for another attempt, but for the third time at most, or as often as
    they allow; the others have failed. Whoever wanted one cancelled gets that.

    :param known: the types that the caller knows; the rest are left to those who know whether they can be repeated.
    :param error: why those fail that do.
    :returns: the ids of those that wait again, and of those that have ended.
    """
    rows = await db.query(
        "with lost as materialized (select id from tasks where status = 1"
        " and heartbeat < now() - make_interval(secs => %s) and funcname = any(%s) for update skip locked),"
        " judged as (select id as judged_id, case when cancel_requested then 4"
        " when funcname = any(%s) and attempts < greatest(max_attempts, %s) then 0"
        " else 3 end as verdict from tasks where id in (select id from lost))"
        " update tasks set status = verdict, locked_by = null, heartbeat = null,"
        " error = case verdict when 3 then %s else error end,"
        " result = case verdict when 3 then %s::jsonb when 4 then %s::jsonb end,"
        " finished = case when verdict > 0 then now() end,"
        " keep_until = case when verdict > 0 and keep_for > 0 then now() + make_interval(secs => keep_for) end"
        " from judged where id = judged_id returning id, status",
        (
            silent_for,
            list(known),
            list(repeatable),
            _STARTS_AFTER_LOSS,
            error,
            Json(failure("lost", error)),
            Json(failure("cancelled", CANCELLED)),
        ),
    )
    return [number for number, status in rows if status == 0], [number for number, status in rows if status != 0]


async def cancel(db: Queries, number: int) -> Task | None:
    """Cancel a task: one that waits at once; of one that runs it is asked. In a transaction.

    :returns: the task after that; None when there is none. What is over stays as it is.
    """
    rows = await db.query(
        "update tasks set cancel_requested = true, status = case status when 0 then 4 else 1 end,"  # noqa: S608
        " finished = case status when 0 then now() end,"
        " result = case status when 0 then %s::jsonb end,"
        " keep_until = case when status = 0 and keep_for > 0 then now() + make_interval(secs => keep_for) end"
        f" where id = %s and status in (0, 1) returning {_COLUMNS}",
        (Json(failure("cancelled", CANCELLED)), number),
    )
    return _task(rows[0]) if rows else await by_id(db, number)


async def retry(db: Queries, number: int) -> Task | None:
    """Queue a task again that failed or was cancelled. In a transaction.

    :returns: the task after that; None when there is none. Others stay as they are.
    :raises AlreadyExists: an equal one isn't over yet.
    """
    try:
        rows = await db.query(
            "update tasks set status = 0, attempts = 0, cancel_requested = false, result = null, error = null,"  # noqa: S608
            " progress = null, progress_text = '', run_after = now(), started = null, finished = null,"
            f" keep_until = null where id = %s and status in (3, 4) returning {_COLUMNS}",
            (number,),
        )
    except errors.UniqueViolation as error:
        raise _already(None) from error
    return _task(rows[0]) if rows else await by_id(db, number)


async def remove_finished(db: Queries) -> None:
    """Remove the tasks that are over and need not be kept any longer."""
    await db.execute(
        f"delete from tasks where status >= 2 and coalesce(keep_until, finished + {_LINGER}) <= now()"  # noqa: S608
    )


async def count_by_status(db: Queries) -> Mapping[str, int]:
    """How many tasks there are, by the name of their status in small letters; all statuses are there."""
    rows = await db.query("select status, count(*) from tasks group by status")
    found = {int(status): int(number) for status, number in rows}
    return {status.name.lower(): found.get(status, 0) for status in TaskStatus}


async def remove(db: Queries, number: int) -> None:
    """Remove a task if it is over: nobody needs to be told of it any more."""
    await db.execute("delete from tasks where id = %s and status >= 2", (number,))


async def remove_over(db: Queries, statuses: Collection[int], *, user_id: int | None = None) -> int:
    """Remove the tasks of some statuses, only those of a user where one is given; how many. In a transaction."""
    condition, parameters = _condition(statuses, None, user_id, None)
    rows = await db.query(
        f"with gone as (delete from tasks where {condition} returning 1) select count(*) from gone",  # noqa: S608
        parameters,
    )
    return int(rows[0][0])


CANCELLED = "The task was cancelled"


def failure(kind: str, message: str) -> dict[str, dict[str, str]]:
    """The result of a task that has failed.

    :param kind: the ``code`` of a :class:`~qisd.errors.QisError`, ``internal``, ``cancelled`` or ``lost``.
    :param message: fit to be shown to anybody.
    """
    return {"exception": {"type": kind, "message": message}}


def _condition(
    statuses: Collection[int] | None, funcname: str | None, user_id: int | None, below: int | None
) -> tuple[str, Sequence[object]]:
    parts: list[tuple[str, object]] = []
    if statuses is not None:
        parts.append(("status = any(%s)", [int(status) for status in statuses]))
    if funcname is not None:
        parts.append(("funcname = %s", funcname))
    if user_id is not None:
        parts.append(("user_id = %s", user_id))
    if below is not None:
        parts.append(("id < %s", below))
    return " and ".join(["true", *(text for text, _ in parts)]), [value for _, value in parts]


def _already(existing: Task | None) -> AlreadyExists:
    return AlreadyExists("The same task already exists and isn't over yet", existing=existing)


def _task(row: Row) -> Task:
    values = dict(zip(_COLUMNS.replace(",", "").split(), row, strict=True))
    return Task(**{**values, "status": TaskStatus(values["status"])})
