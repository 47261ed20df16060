"""Work that goes on behind the requests: tasks, and the jobs that begin some of them by themselves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from qisd.store.pool import Database
from qisd.tasks.queue import TaskQueue
from qisd.tasks.registry import TaskRun, TaskType, TaskTypes
from qisd.tasks.schedule import Job, Schedule
from qisd.tasks.watching import TaskWatch
from qisd.tasks.worker import TaskWorker


class Background:
    """The queue, which the domain adds to; the worker, which the domain's types are given to; the schedule.

    :param database: one for short statements only: a worker that has to wait behind long ones seems to be dead.
    """

    def __init__(self, database: Database, *, reactor: Any) -> None:
        self._database = database
        self._reactor = reactor
        self.types = TaskTypes()
        self.queue = TaskQueue(database, self.types, reactor=reactor)
        self.watch = TaskWatch(database, self.queue, reactor=reactor)
        self._jobs: list[Job] = []
        self._worker: TaskWorker | None = None
        self._schedule: Schedule | None = None

    @property
    def worker(self) -> TaskWorker | None:
        """What does tasks here; None while that is for others."""
        return self._worker

    def add(self, types: Iterable[TaskType], jobs: Iterable[Job] = ()) -> None:
        """Take on more work, before the start."""
        self.types.add(types)
        self._jobs += jobs

    def start(self, *, enabled: bool, at_once: int) -> None:
        """Begin; without ``enabled`` tasks are only added here, and done by other servers."""
        self.queue.start()
        if enabled:
            self._work(at_once)

    async def configure(self, *, enabled: bool, at_once: int) -> None:
        """Go by other settings from now on."""
        if self._worker is not None and enabled:
            self._worker.at_once = at_once
        elif enabled:
            self._work(at_once)
        else:
            await self._rest()

    async def stop(self) -> None:
        """Begin nothing more, and wait a while for what is under way; the rest is done again later."""
        self.watch.stop()
        await self._rest()
        self.queue.stop()

    def _work(self, at_once: int) -> None:
        self._worker = TaskWorker(self._database, self.queue, self.types, reactor=self._reactor, at_once=at_once)
        self._worker.start()
        self._schedule = Schedule(self._database, self.queue, self._jobs, reactor=self._reactor)
        self._schedule.start()

    async def _rest(self) -> None:
        if self._schedule is not None:
            self._schedule.stop()
        if self._worker is not None:
            await self._worker.stop()
        self._worker = self._schedule = None


def simple(name: str, title: str, works: Sequence[Callable[[], Awaitable[object]]]) -> TaskType:
    """A type of task without parameters that does a few small things, which can be done again at any time."""

    async def run(_: TaskRun) -> None:
        for work in works:
            await work()

    return TaskType(name=name, title=title, run=run, log_level="debug", repeatable=True)
