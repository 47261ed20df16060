"""Watching tasks while they run: however many watch however many of them, the database is asked once a second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeoutError
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from qisd.errors import StoreUnavailable
from qisd.store import tasks
from qisd.store.pool import Database
from qisd.store.tasks import Task
from qisd.tasks.queue import TaskQueue

_log = Logger()

_EVERY = 1.0
"""Seconds from one look at the progress to the next. Of another status one hears at once."""


class Watcher:
    """What one of those who watch gets to see.

    :ivar ended: nothing more will be told.
    """

    def __init__(self, seen: Task, *, close: Callable[[Watcher], None], reactor: Any) -> None:
        self.number = seen.id
        self.ended = False
        self._close = close
        self._reactor = reactor
        self._seen = seen
        self._unseen: Task | None = None
        self._waiter: Deferred[None] | None = None

    async def next(self, seconds: float) -> Task | None:
        """The task as soon as it is another one than before; None after ``seconds``, or when :attr:`ended`."""
        if self._unseen is None and not self.ended:
            waiter: Deferred[None] = Deferred()
            self._waiter = waiter
            waiter.addTimeout(seconds, self._reactor)
            try:
                await waiter
            except DeferredTimeoutError:
                return None
            finally:
                self._waiter = None
        self._seen, self._unseen = self._unseen or self._seen, None
        return None if self.ended else self._seen

    def close(self) -> None:
        """Watch no more."""
        self._close(self)

    def tell(self, task: Task) -> None:
        """The task is like this now."""
        if _differs(self._unseen or self._seen, task):
            self._unseen = task
            self._wake()

    def end(self) -> None:
        """There is nothing more to tell."""
        self.ended = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.called:
            self._waiter.callback(None)


class TaskWatch:
    """Tells watchers of their tasks, as long as there are any.

    :param queue: tells of new statuses.
    """

    def __init__(self, database: Database, queue: TaskQueue, *, reactor: Any) -> None:
        self._database = database
        self._reactor = reactor
        self._watchers: dict[int, set[Watcher]] = {}
        self._stopped = False
        self._looking = False
        self._again = False
        self._loop = LoopingCall(self._look)
        self._loop.clock = reactor
        queue.observe(self._heard, again=self._look)

    @property
    def watching(self) -> bool:
        """Whether anybody watches anything."""
        return bool(self._watchers)

    def watch(self, task: Task) -> Watcher:
        """A new watcher of a task that has been seen as it is given; whoever asks for it must close it."""
        number = task.id
        watcher = Watcher(task, close=self._closed, reactor=self._reactor)
        if self._stopped:
            watcher.end()
            return watcher
        self._watchers.setdefault(number, set()).add(watcher)
        if not self._loop.running:
            self._loop.start(_EVERY, now=False)
        self._look()
        return watcher

    def stop(self) -> None:
        """Let all watchers go."""
        self._stopped = True
        for watchers in list(self._watchers.values()):
            for watcher in list(watchers):
                watcher.end()

    def _closed(self, watcher: Watcher) -> None:
        watchers = self._watchers.get(watcher.number, set())
        watchers.discard(watcher)
        if not watchers:
            self._watchers.pop(watcher.number, None)
        if not self._watchers and self._loop.running:
            self._loop.stop()

    def _heard(self, number: int, status: int, cancel: bool) -> None:
        if number in self._watchers:
            self._look()

    def _look(self) -> None:
        """Look at all tasks that are watched, unless that is being done; then once more after it."""
        self._again = True
        if not self._looking:
            self._looking = True
            Deferred.fromCoroutine(self._look_on()).addErrback(
                lambda failure: _log.failure("can't look at the tasks that are watched", failure)
            )

    async def _look_on(self) -> None:
        try:
            while self._again and self._watchers:
                self._again = False
                await self._look_once()
        finally:
            self._looking = False

    async def _look_once(self) -> None:
        numbers = list(self._watchers)
        try:
            found = await tasks.by_ids(self._database, numbers)
        except CancelledError:
            raise
        except StoreUnavailable as error:
            _log.debug("can't look at the tasks that are watched: {reason}", reason=error.detail)
            return
        for number in numbers:
            for watcher in list(self._watchers.get(number, ())):
                if number in found:
                    watcher.tell(found[number])
                else:
                    watcher.end()


def _differs(one: Task, other: Task) -> bool:
    return _shown(one) != _shown(other)


def _shown(task: Task) -> tuple[object, ...]:
    return task.status, task.progress, task.progress_text, task.cancel_requested
