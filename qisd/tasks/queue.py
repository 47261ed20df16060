"""The queue of tasks, from the side of those who want work done: add, wait, cancel, try again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeoutError

from qisd.errors import NotFound, TooManyRequests
from qisd.store import tasks
from qisd.store.listener import Listener
from qisd.store.pool import Database
from qisd.store.queries import Queries
from qisd.store.tasks import NewTask, Task, TaskStatus
from qisd.tasks.registry import TaskTypes

_LOOK_DEAF = 1.0
"""Seconds from one look at a task that is waited for to the next, while no news of it can be heard."""

_LOOK_ANYWAY = 5.0

UNFINISHED_MAX = 500
"""Of one user. The server's own tasks don't count."""

OVER_KEPT = 200
"""Of one user, for however long their results are to be kept."""

_RETRY_AFTER = 60

Heard = Callable[[int, int, bool], None]
"""Is told the id of a task, its new status, and whether it shall be cancelled."""


class TaskQueue:
    """The tasks of all servers.

    Without :meth:`start` it can be used too, but then it looks once a second for what it waits for.

    :param types: those that can be added.
    """

    def __init__(self, database: Database, types: TaskTypes, *, reactor: Any) -> None:
        self._database = database
        self._types = types
        self._reactor = reactor
        self._listener = Listener(
            database.news,
            connected=self._connected,
            heard=self._heard,
            channel=tasks.CHANNEL,
            lost=self._lost,
        )
        self._listening = False
        self._waiting: dict[int, set[Deferred[None]]] = {}
        self._observers: list[tuple[Heard, Callable[[], None]]] = []

    def start(self) -> None:
        """Listen for news, in the background."""
        self._listener.start()

    def stop(self) -> None:
        self._listener.stop()
        self._listening = False

    def observe(self, heard: Heard, *, again: Callable[[], None]) -> Callable[[], None]:
        """Have ``heard`` called with all news, and ``again`` when some may have been missed; until the result is."""
        observer = (heard, again)
        self._observers.append(observer)
        return lambda: self._observers.remove(observer)

    async def add(
        self,
        name: str,
        params: Mapping[str, Any],
        *,
        user_id: int | None,
        db: Queries | None = None,
        priority: int | None = None,
        keep_for: int | None = None,
    ) -> Task:
        """Queue a task.

        :param name: one of the types.
        :param params: JSON values.
        :param user_id: who wants it; None is the server itself.
        :param db: a transaction that the task is part of: it's only there once that is committed.
        :raises AlreadyExists: an equal one isn't over yet: the error's ``existing``. The transaction is still good.
        :raises TooManyRequests: the user has too many that aren't over.
        """
        new = self._types[name].new(params, user_id=user_id, priority=priority, keep_for=keep_for)
        if db is not None:
            return await _add(db, new)
        return await self._database.transaction(lambda transaction: _add(transaction, new))

    def check(self, name: str) -> None:
        """:raises KeyError: there's no such type."""
        self._types[name]

    async def find_kept(self, name: str, params: Mapping[str, Any]) -> Task | None:
        """An equal task that has run and is still kept."""
        return await tasks.find_kept(self._database, funcname=name, params=params)

    async def get(self, number: int) -> Task:
        """:raises NotFound: there is none, or none any more."""
        return _existing(await tasks.by_id(self._database, number), number)

    async def wait(self, number: int, seconds: float) -> Task:
        """The task once it's over, or as it is after ``seconds``.

        :raises NotFound: there is none, or none any more.
        """
        end = self._reactor.seconds() + seconds
        while True:
            news: Deferred[None] = Deferred()
            self._waiting.setdefault(number, set()).add(news)  # before looking, so that nothing is missed in between
            try:
                task = await self.get(number)
                left = end - self._reactor.seconds()
                if task.over or left <= 0:
                    return task
                news.addTimeout(min(left, _LOOK_ANYWAY if self._listening else _LOOK_DEAF), self._reactor)
                await news
            except DeferredTimeoutError:
                continue
            finally:
                self._forget(number, news)

    async def cancel(self, number: int) -> Task:
        """Cancel a task that waits; ask one that runs to end. What is over stays as it is.

        :raises NotFound: there is none, or none any more.
        """
        return _existing(
            await self._database.transaction(lambda transaction: tasks.cancel(transaction, number)), number
        )

    async def retry(self, number: int) -> Task:
        """Queue a task again that failed or was cancelled. Others stay as they are.

        :raises NotFound: there is none, or none any more.
        :raises AlreadyExists: an equal one isn't over yet.
        """
        return _existing(await self._database.transaction(lambda transaction: tasks.retry(transaction, number)), number)

    async def forget(self, number: int) -> None:
        """Remove a task that is over, since the one who asked for it has been told. Others stay."""
        await self._database.transaction(lambda transaction: tasks.remove(transaction, number))

    async def forget_over(self, statuses: Collection[int], *, user_id: int | None) -> int:
        """Remove what is over of a user's tasks, or of all, and ended in one of ``statuses``; how many."""
        over = [status for status in statuses if TaskStatus(status).over]
        return await self._database.transaction(
            lambda transaction: tasks.remove_over(transaction, over, user_id=user_id)
        )

    def _connected(self) -> None:
        self._listening = True
        self._look_again()

    def _lost(self) -> None:
        self._listening = False
        self._look_again()  # from now on more often

    def _look_again(self) -> None:
        for number in list(self._waiting):
            self._wake(number)
        for _, again in list(self._observers):
            again()

    def _heard(self, text: str) -> None:
        try:
            number, status, *rest = text.split()
            news = (int(number), int(status), "cancel" in rest)
        except ValueError:  # anybody with a login to the database can notify
            return
        if news[1] >= tasks.TaskStatus.COMPLETE:
            self._wake(news[0])
        for heard, _ in list(self._observers):
            heard(*news)

    def _wake(self, number: int) -> None:
        for news in list(self._waiting.get(number, ())):
            if not news.called:
                news.callback(None)

    def _forget(self, number: int, news: Deferred[None]) -> None:
        waiting = self._waiting[number]
        waiting.discard(news)
        if not waiting:
            del self._waiting[number]


async def _add(db: Queries, new: NewTask) -> Task:
    if new.user_id is not None:
        if await tasks.unfinished(db, new.user_id) >= UNFINISHED_MAX:
            raise TooManyRequests(
                f"You have {UNFINISHED_MAX} tasks that are not over yet. Wait for some of them.",
                retry_after=_RETRY_AFTER,
            )
        await tasks.forget_oldest(db, new.user_id, keep=OVER_KEPT)
    return await tasks.add(db, new)


def _existing(task: Task | None, number: int) -> Task:
    if task is None:
        raise NotFound(str(number))
    return task
