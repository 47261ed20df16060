"""Tasks that keep the server's own house: old statistics, files that were left behind."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import attrs

from qisd.errors import BadParameter
from qisd.pools.files import FilePool
from qisd.store import stats
from qisd.store.pool import Database
from qisd.store.queries import Queries
from qisd.tasks.leftovers import remove_leftovers
from qisd.tasks.registry import TaskRun, TaskType
from qisd.tasks.schedule import DAY, HOUR, Job

_ROWS = 10_000
"""How many rows one statement removes or moves at most: it must not take long, since the counting goes on."""

_DAY = timedelta(days=1)

Step = Callable[[Queries, datetime, int], Awaitable[int]]


def _day(moment: datetime) -> tuple[datetime, datetime]:
    begin = datetime.combine(moment.astimezone(UTC).date(), time(), UTC)
    return begin, begin + _DAY


def _month(moment: datetime) -> tuple[datetime, datetime]:
    begin = _day(moment)[0].replace(day=1)
    return begin, (begin + 32 * _DAY).replace(day=1)


@attrs.frozen(kw_only=True)
class _Longer:
    """The periods that older ones are rolled up into.

    :param age: of those that are.
    :param least: anything shorter isn't such a period yet.
    :param holding: begin and end of the one that a moment is in.
    """

    age: timedelta
    least: timedelta
    holding: Callable[[datetime], tuple[datetime, datetime]]


_DAYS = _Longer(age=30 * _DAY, least=_DAY, holding=_day)
_MONTHS = _Longer(age=365 * _DAY, least=28 * _DAY, holding=_month)


def task_types(
    *, database: Database, files: FilePool, temp_dir: Callable[[], Path], now: Callable[[], datetime]
) -> list[TaskType]:
    """The types of this module.

    :param temp_dir: where files lie that are needed for a short time; the empty path is the system's place for them.
    """

    async def purge_system_stats(run: TaskRun) -> None:
        await _purge(run, database, stats.purge_system)

    async def purge_image_stats(run: TaskRun) -> None:
        await _purge(run, database, stats.purge_images)

    async def roll_up_stats(run: TaskRun) -> None:
        await _roll_up(run, database, now())

    async def delete_old_temp_files(run: TaskRun) -> int:
        place = temp_dir()
        directory = Path(tempfile.gettempdir()) if place == Path() else place
        return await files.run(lambda: remove_leftovers(directory, older_than=_DAY.total_seconds()))

    return [
        TaskType(
            name="purge_system_stats",
            title="Purge system statistics",
            run=purge_system_stats,
            keep_for=82_800,
            repeatable=True,
        ),
        TaskType(
            name="purge_image_stats",
            title="Purge image statistics",
            run=purge_image_stats,
            keep_for=82_800,
            repeatable=True,
        ),
        TaskType(
            name="roll_up_stats",
            title="Roll up statistics",
            run=roll_up_stats,
            keep_for=82_800,
            repeatable=True,
        ),
        TaskType(
            name="delete_old_temp_files",
            title="Delete old temporary files",
            run=delete_old_temp_files,
            keep_for=85_800,
            repeatable=True,
        ),
    ]


def jobs(*, keep_days: Callable[[], int], now: Callable[[], datetime]) -> list[Job]:
    """When the tasks of this module are begun by themselves.

    :param keep_days: for how many days statistics are kept; 0 is for ever.
    """

    def old() -> Mapping[str, Any] | None:
        days = keep_days()
        return {"before_time": purge_border(now(), days)} if days else None

    return [
        Job(name="delete_old_temp_files", interval_secs=DAY),
        Job(name="roll_up_stats", interval_secs=DAY, first_secs=HOUR),
        Job(name="purge_system_stats", interval_secs=DAY, first_secs=HOUR, params=old),
        Job(name="purge_image_stats", interval_secs=DAY, first_secs=HOUR, params=old),
    ]


def purge_border(now: datetime, days: int) -> str:
    """The parameter ``before_time`` that keeps the last ``days`` whole days, and today, by UTC."""
    return before_time(_day(now)[0] - days * _DAY)


def before_time(border: datetime) -> str:
    """The parameter as text: the task's parameters are JSON."""
    return border.astimezone(UTC).isoformat().replace("+00:00", "Z")


async def _purge(run: TaskRun, database: Database, step: Step) -> None:
    before = _moment(run.params)
    gone = 0
    while True:
        run.check_cancelled()
        rows = await database.transaction(lambda transaction: step(transaction, before, _ROWS))
        if not rows:
            return
        gone += rows
        await run.progress(0, f"{gone} rows removed")


async def _roll_up(run: TaskRun, database: Database, now: datetime) -> None:
    for longer in (_DAYS, _MONTHS):
        before = longer.holding(now.astimezone(UTC) - longer.age)[0]
        while begin := await stats.oldest_shorter(database, before=before, seconds=longer.least.total_seconds()):
            await _move(run, database, begin, longer.holding(begin))
            await run.progress(0, f"{begin:%Y-%m-%d %H:%M}")
    await stats.forget_writers(database)


async def _move(run: TaskRun, database: Database, begin: datetime, into: tuple[datetime, datetime]) -> None:
    """Move one period's rows into a longer one, in steps that can each be the last: the sums are right after each."""
    done = False
    while not done:
        run.check_cancelled()
        done = await database.transaction(lambda transaction: stats.roll_up(transaction, begin, into=into, limit=_ROWS))


def _moment(params: Mapping[str, Any]) -> datetime:
    try:
        moment = datetime.fromisoformat(params["before_time"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadParameter("before_time", "must be a date and time") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
