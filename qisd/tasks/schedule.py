"""Jobs that are begun again and again, each by one server of the site only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs
from twisted.internet.defer import CancelledError
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from qisd.errors import AlreadyExists, StoreUnavailable
from qisd.store import schedules
from qisd.store.pool import Database
from qisd.store.queries import Queries
from qisd.tasks.queue import TaskQueue

_log = Logger()

HOUR = 3600
DAY = 24 * HOUR


def _nothing() -> Mapping[str, Any]:
    return {}


@attrs.frozen(kw_only=True)
class Job:
    """A task that is added to the queue at intervals.

    :param name: its type.
    :param interval_secs: from one time to the next.
    :param params: asked for the task's parameters each time; None when there's nothing to do now.
    :param first_secs: from the first start of a new installation to the first time.
    """

    name: str
    interval_secs: int
    params: Callable[[], Mapping[str, Any] | None] = _nothing
    first_secs: int = 60


class Schedule:
    """Adds tasks when their time has come.

    When a job is due again stands in the database: of several servers the first one that looks adds it, in the same
    transaction in which it sets the next time.
    """

    def __init__(
        self, database: Database, queue: TaskQueue, jobs: Iterable[Job], *, reactor: Any, every: float = 60.0
    ) -> None:
        self._database = database
        self._queue = queue
        self._jobs = {job.name: job for job in jobs}
        self._every = every
        self._known = False
        self._loop = LoopingCall(self._look)
        self._loop.clock = reactor

    def start(self) -> None:
        """Look now, and then once a minute."""
        self._loop.start(self._every)

    def stop(self) -> None:
        if self._loop.running:
            self._loop.stop()

    async def look(self) -> None:
        """Add the tasks of all jobs that are due.

        :raises StoreUnavailable: the database can't be asked; what is due stays so.
        """
        if not self._known:
            for job in self._jobs.values():
                await schedules.ensure(
                    self._database, job.name, interval_secs=job.interval_secs, first_secs=job.first_secs
                )
            self._known = True
        while await self._database.transaction(self._begin_one):
            pass

    async def _begin_one(self, transaction: Queries) -> bool:
        """Begin one job that is due; whether there was one."""
        name = await schedules.take_due(transaction, list(self._jobs))
        if name is None:
            return False
        try:
            self._queue.check(name)
            params = self._jobs[name].params()
        except Exception:  # the others shall be begun nevertheless
            _log.failure("the job {job} can't be begun", job=name)
            await schedules.note(transaction, name, task=None, result="failed")
            return True
        if params is None:
            await schedules.note(transaction, name, task=None, result="skipped")
            return True
        try:
            task = await self._queue.add(name, params, user_id=None, db=transaction)
        except AlreadyExists:
            await schedules.note(transaction, name, task=None, result="busy")
        else:
            await schedules.note(transaction, name, task=task.id, result="started")
        return True

    async def _look(self) -> None:
        try:
            await self.look()
        except StoreUnavailable as error:
            _log.debug("can't look for jobs that are due: {reason}", reason=error.detail)
        except CancelledError:
            raise
        except Exception:
            _log.failure("can't begin the jobs that are due")
