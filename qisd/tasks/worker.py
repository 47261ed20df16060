"""The worker: claims tasks from the queue, runs several at once, and says that it is alive.

Workers of other servers do the same on the same table. A task belongs to whoever claimed it, as long as that worker is
heard of; everything that a worker writes about a task is refused once it belongs to somebody else.
"""

from __future__ import annotations

import json
import socket
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeoutError
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from qisd.errors import QisError, StoreUnavailable
from qisd.request_ids import working_at
from qisd.store import tasks
from qisd.store.pool import Database
from qisd.store.queries import Queries
from qisd.store.tasks import Task, TaskStatus, failure
from qisd.tallies import TASK_SECONDS, Histogram
from qisd.tasks.queue import TaskQueue
from qisd.tasks.registry import TaskCancelled, TaskRun, TaskType, TaskTypes

_log = Logger()

_INTERNAL = "An internal error occurred; the log of the server tells more"
_LOST = "The server that ran the task was lost"
_STOPPED = "The server was stopped before the task was done"

_LONGEST_PAUSE = 3600.0
_GRACE = 5.0
"""Seconds that cancelled tasks have to end when the worker stops."""


@attrs.frozen(kw_only=True)
class Timings:
    """How often a worker does what, in seconds.

    :param poll: looks for tasks that are due, in case it wasn't told of them.
    :param beat: says that it is alive, and clears up.
    :param lost_after: takes the tasks of others that haven't said so for this long.
    :param retry: the pause after the first attempt that failed; each later one is four times as long as that before.
    """

    poll: float = 5.0
    beat: float = 10.0
    lost_after: float = 60.0
    retry: float = 10.0


@attrs.define(kw_only=True, eq=False)
class _Running:
    """A task at work here. ``lost`` is set when it belongs to somebody else now, ``stopped`` when the worker stops."""

    run: TaskRun
    kind: TaskType
    body: Deferred[object] | None = None
    lost: bool = False
    stopped: bool = False

    def end(self) -> None:
        self.run.cancel()
        if self.body is not None:
            self.body.cancel()


@attrs.frozen(kw_only=True)
class _Outcome:
    """What became of an attempt: the end of the task, or, as ``PENDING``, another attempt later."""

    status: TaskStatus
    result: object = None
    error: str | None = None
    after: float = 0.0
    forgive: bool = False


class TaskWorker:
    """Runs tasks of ``types``, and clears up behind lost workers and finished tasks.

    No error ends it: not a task's, not the database's.

    :param queue: tells of new tasks and cancellations.
    :param at_once: how many tasks it runs at the same time.
    :ivar seconds: how long tasks took here, by type; ``failures`` how many of them failed.
    :ivar counts: tasks of all servers by status, as they were a moment ago.
    :ivar name: what stands in ``locked_by``: the host, and an id of this very object.
    """

    def __init__(
        self,
        database: Database,
        queue: TaskQueue,
        types: TaskTypes,
        *,
        reactor: Any,
        at_once: int = 5,
        timings: Timings = Timings(),
    ) -> None:
        self.name = f"{socket.gethostname()[:64]}/{uuid.uuid4()}"
        self.at_once = at_once
        self._database = database
        self._types = types
        self._reactor = reactor
        self._timings = timings
        self._running: dict[int, _Running] = {}
        self._claiming: Deferred[None] | None = None
        self._look_again = False
        self._unsure = False
        self._well_since: float | None = None
        self._active = False
        self._idle: Deferred[None] | None = None
        self._pauses: set[Deferred[None]] = set()
        self._ended = False
        self._poll = self._loop(self._look)
        self._beat = self._loop(self._keep)
        self._queue = queue
        self._unobserve: Callable[[], None] | None = None
        self.seconds = {name: Histogram(TASK_SECONDS) for name in types.names}
        self.failures: Counter[str] = Counter()
        self.counts: Mapping[str, int] = {}

    @property
    def running(self) -> int:
        """How many tasks are at work here."""
        return len(self._running)

    def start(self) -> None:
        """Begin to claim tasks."""
        self._active = True
        self._unobserve = self._queue.observe(self._heard, again=self._look)
        self._poll.start(self._timings.poll)
        self._beat.start(self._timings.beat)

    async def stop(self, limit: float = 20.0) -> None:
        """Claim no more, and let what runs come to its end.

        :param limit: seconds; what still runs then is cancelled, and given back if it may be repeated.
        """
        if not self._active:
            return
        self._active = False
        self._poll.stop()
        if self._claiming is not None:
            await self._claiming
        await self._until_idle(limit)
        for running in list(self._running.values()):
            running.stopped = True
            running.end()
        await self._until_idle(_GRACE)
        self._ended = True
        self._beat.stop()
        if self._unobserve is not None:
            self._unobserve()
        for pause in list(self._pauses):
            pause.cancel()
        for running in list(self._running.values()):  # it doesn't react: somebody else gets it nevertheless
            await self._write(running.run.task, _given_back(running.kind))

    def _loop(self, step: Any) -> LoopingCall:
        loop = LoopingCall(step)
        loop.clock = self._reactor
        return loop

    # --- Claiming

    def _heard(self, number: int, status: int, cancel: bool) -> None:
        if status == TaskStatus.PENDING:
            self._look()
        elif cancel and number in self._running:
            self._running[number].run.cancel()

    def _look(self) -> None:
        """Look for tasks, unless that is being done; then once more after it."""
        self._look_again = True
        if self._active and self._claiming is None:
            self._claiming = Deferred.fromCoroutine(self._claim_all())
            self._claiming.addBoth(self._claimed)

    def _claimed(self, result: object) -> None:
        self._claiming = None
        if isinstance(result, Failure):
            _log.failure("can't look for tasks", result)
        elif self._look_again and not self._unsure and self.running < self.at_once:
            self._look()

    async def _claim_all(self) -> None:
        while self._look_again and self._active and self.running < self.at_once:
            self._look_again = False
            free = self.at_once - self.running
            try:
                found = await self._claim(free)
            except StoreUnavailable as error:
                self._unsure = True  # the database may have given us some nevertheless
                _log.debug("can't look for tasks: {reason}", reason=error.detail)
                return
            self._unsure = False
            for task in found:
                if self._active:
                    self._begin(task)
                else:
                    await self._write(task, _Outcome(status=TaskStatus.PENDING, forgive=True))
            if len(found) == free:
                self._look_again = True

    async def _claim(self, limit: int) -> list[Task]:
        async def work(transaction: Queries) -> list[Task]:
            if self._unsure:
                await tasks.put_back_all_but(transaction, self._running, worker=self.name)
            return await tasks.claim(
                transaction, worker=self.name, funcnames=self._types.names, limit=limit, but=self._running
            )

        return await self._database.transaction(work)

    # --- One task

    def _begin(self, task: Task) -> None:
        run = TaskRun(task, save=lambda percent, text: self._save(task, percent, text), seconds=self._reactor.seconds)
        self._running[task.id] = running = _Running(run=run, kind=self._types[task.funcname])
        if task.cancel_requested:
            run.cancel()
        with working_at(task.request_id):
            seen_through = Deferred.fromCoroutine(self._see_through(running))
        seen_through.addErrback(lambda failed: _log.failure("task {id} can't be ended", failed, id=task.id))
        seen_through.addBoth(lambda _: self._ends(task))

    def _ends(self, task: Task) -> None:
        del self._running[task.id]
        if not self._running and self._idle is not None:
            idle, self._idle = self._idle, None
            idle.callback(None)
        self._look()

    async def _see_through(self, running: _Running) -> None:
        task, kind = running.run.task, running.kind
        _say(kind.log_level, "task {id} ({name}) begins: {title}", id=task.id, name=kind.name, title=task.name)
        began = self._reactor.seconds()
        outcome = await self._outcome(running)
        if running.lost or outcome is None:
            _say(kind.error_log_level, "task {id} ({name}) was lost to another worker", id=task.id, name=kind.name)
            return
        if self._ended:  # ``stop`` has written what is to be said
            return
        _say(
            kind.log_level,
            "task {id} ({name}) is {status} after {seconds:.1f} s",
            id=task.id,
            name=kind.name,
            status=outcome.status.name.lower(),
            seconds=self._reactor.seconds() - began,
        )
        self.seconds.setdefault(kind.name, Histogram(TASK_SECONDS)).note(self._reactor.seconds() - began)
        if outcome.status is TaskStatus.FAILED:
            self.failures[kind.name] += 1
        await self._record(task, outcome)

    async def _outcome(self, running: _Running) -> _Outcome | None:
        """Run the task's function; None when that was ended because the task belongs to somebody else."""
        task = running.run.task
        try:
            running.body = Deferred.fromCoroutine(_as_coroutine(running.kind.run(running.run)))
            return _Outcome(status=TaskStatus.COMPLETE, result=_checked(await running.body))
        except (TaskCancelled, CancelledError) as error:
            if running.lost:
                return None
            if running.stopped:
                return _given_back(running.kind)
            if isinstance(error, TaskCancelled):
                return _Outcome(status=TaskStatus.CANCELLED, result=failure("cancelled", tasks.CANCELLED))
            return self._failed(running.kind, task, error)
        except Exception as error:
            return self._failed(running.kind, task, error)

    def _failed(self, kind: TaskType, task: Task, error: Exception) -> _Outcome:
        known = isinstance(error, QisError)
        code, message = (error.code, error.message) if isinstance(error, QisError) else ("internal", _INTERNAL)
        _say(
            kind.error_log_level if known else kind.error_log_level or "error",
            "task {id} ({name}) failed: {message} {detail}",
            failed=None if known else Failure(error),
            id=task.id,
            name=kind.name,
            message=message if known else repr(error),
            detail=getattr(error, "detail", ""),
        )
        passes = not (isinstance(error, QisError) and error.status < 500)
        if passes and task.attempts < kind.max_attempts:
            pause = min(self._timings.retry * 4.0 ** (task.attempts - 1), _LONGEST_PAUSE)
            return _Outcome(status=TaskStatus.PENDING, error=message, after=pause)
        return _Outcome(status=TaskStatus.FAILED, result=failure(code, message), error=message)

    async def _record(self, task: Task, outcome: _Outcome) -> None:
        """Write what became of a task, as soon as the database can be asked."""
        while True:
            try:
                if await self._write(task, outcome):
                    return
            except Exception:
                if outcome.error == _INTERNAL:
                    raise
                _log.failure("the end of task {id} can't be written", id=task.id)
                outcome = _Outcome(status=TaskStatus.FAILED, result=failure("internal", _INTERNAL), error=_INTERNAL)
                continue
            pause: Deferred[None] = deferLater(self._reactor, min(self._timings.poll, 2.0))
            self._pauses.add(pause)
            try:
                await pause
            except CancelledError:  # the worker has stopped
                return
            finally:
                self._pauses.discard(pause)

    async def _write(self, task: Task, outcome: _Outcome) -> bool:
        """Whether there is no need to try again."""

        async def work(transaction: Queries) -> bool:
            if outcome.status == TaskStatus.PENDING:
                return await tasks.put_back(
                    transaction,
                    task.id,
                    worker=self.name,
                    after=outcome.after,
                    error=outcome.error,
                    forgive=outcome.forgive,
                )
            return await tasks.finish(
                transaction,
                task.id,
                worker=self.name,
                status=outcome.status,
                result=outcome.result,
                error=outcome.error,
            )

        try:
            if not await self._database.transaction(work):
                _log.warn("task {id} belongs to another worker now", id=task.id)
        except StoreUnavailable as error:
            _log.debug("can't write the end of task {id}: {reason}", id=task.id, reason=error.detail)
            return False
        return True

    async def _save(self, task: Task, percent: float, text: str) -> None:
        text = text.replace("\0", "").encode(errors="replace").decode()  # names of files may hold anything
        try:
            await tasks.set_progress(self._database, task.id, worker=self.name, percent=percent, text=text)
        except StoreUnavailable as error:
            _log.debug("can't write the progress of task {id}: {reason}", id=task.id, reason=error.detail)

    # --- Staying alive

    async def _keep(self) -> None:
        """Say that the running tasks are alive, take those of lost workers, remove old ones."""
        try:
            await self._say_alive()
            now = self._reactor.seconds()
            if self._well_since is None:
                self._well_since = now
            # Not straight after an outage: nobody could say that he was alive in it, and those who are do so now.
            if self._active and now - self._well_since >= 2 * self._timings.beat:
                await self._rescue()
            await tasks.remove_finished(self._database)
            self.counts = await tasks.count_by_status(self._database)
        except StoreUnavailable as error:
            self._well_since = None
            _log.debug("can't look after the tasks: {reason}", reason=error.detail)
        except CancelledError:
            raise
        except Exception:
            _log.failure("can't look after the tasks")

    async def _say_alive(self) -> None:
        if not self._running:
            return
        before = dict(self._running)
        alive = await self._database.transaction(
            lambda transaction: tasks.beat(transaction, worker=self.name, numbers=before)
        )
        for number, running in before.items():
            if self._running.get(number) is not running:
                continue
            if number not in alive:
                running.lost = True
                running.end()
            elif alive[number]:
                running.run.cancel()
            await running.run.save()

    async def _rescue(self) -> None:
        again, ended = await self._database.transaction(
            lambda transaction: tasks.rescue(
                transaction,
                silent_for=self._timings.lost_after,
                repeatable=self._types.repeatable,
                known=self._types.names,
                error=_LOST,
            )
        )
        for number in again:
            _log.warn("the server that ran task {id} was lost; the task is tried again", id=number)
        for number in ended:
            _log.error("the server that ran task {id} was lost, and the task with it", id=number)

    async def _until_idle(self, limit: float) -> None:
        if self._running:
            idle: Deferred[None] = Deferred()
            self._idle = idle
            idle.addTimeout(limit, self._reactor)
            try:
                await idle
            except DeferredTimeoutError:
                self._idle = None


async def _as_coroutine(work: Awaitable[object]) -> object:
    return await work


def _given_back(kind: TaskType) -> _Outcome:
    if kind.repeatable:
        return _Outcome(status=TaskStatus.PENDING, forgive=True)
    return _Outcome(status=TaskStatus.FAILED, result=failure("lost", _STOPPED), error=_STOPPED)


def _checked(result: object) -> object:
    """:raises ValueError, TypeError: it's nothing that the database keeps as JSON."""
    if "\\u0000" in json.dumps(result, allow_nan=False):
        raise ValueError("the result of a task holds a zero byte")
    return result


def _say(level: str, text: str, *, failed: Failure | None = None, **values: object) -> None:
    if not level:
        return
    if failed is not None:
        values["log_failure"] = failed
    _log.emit(LogLevel.lookupByName("warn" if level == "warning" else level), text, **values)
