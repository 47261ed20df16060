"""The pool in which images are rendered, with a door in front.

What waits is held back here and not in the thread pool's own queue, because that queue has no bound and a job in it
can't be taken back. A render is admitted when a thread is free and its estimated memory fits into the budget; a full
queue refuses at once. Clients take turns, and what nobody waits for comes after what somebody does.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import Counter
from collections.abc import Callable
from math import ceil
from typing import Any, Generic, Protocol, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from qisd.errors import Busy, QisError, RenderCancelled, RenderTimeout, SourceTooLarge
from qisd.pools.turns import Turns
from qisd.tallies import Histogram

T = TypeVar("T")

# Lower than the reactor's: a cached answer takes a tenth of a millisecond, and should not wait its turn among renders.
# With few of them at once this makes hits several times as quick; see "mix" in bench/steady.py.
_NICE = 10


_REASONS = {Busy: "too_busy", RenderTimeout: "timeout", SourceTooLarge: "memory", MemoryError: "memory"}


class Checkpoint(Protocol):
    """Called by a render between its steps; raises when it should end early."""

    def __call__(self) -> None: ...


class _Job(Generic[T]):
    def __init__(
        self, work: Callable[[Checkpoint], T], *, memory: int, label: str, kind: str, background: bool
    ) -> None:
        self.work = work
        self.kind = kind
        self.began = 0.0
        self.background = background
        self.memory = memory
        self.label = label
        self.result: Deferred[T] | None = None
        self.timer: IDelayedCall | None = None
        self._stop: type[RenderTimeout] | type[RenderCancelled] | None = None
        self._stopped = threading.Event()

    def stop(self, reason: type[RenderTimeout] | type[RenderCancelled]) -> None:
        self._stop = reason
        self._stopped.set()

    def checkpoint(self) -> None:
        if self._stopped.is_set() and self._stop is not None:
            raise self._stop()


class RenderPool:
    """At most ``threads`` renders at once, within ``memory`` bytes together; up to ``queue_max`` more wait.

    Of those as many compute at the same time as this process has processors. All at once would be no faster, but who
    holds the interpreter's lock would wait for a processor with the rest, and the reactor's thread for that lock:
    /health took ten times as long.

    :param timeout: seconds one render may take from its start.
    :param sharers: processes that share the processors for the same work, this one among them.
    :ivar seconds: how long renders took that came to something, by the kind of their source.
    :ivar failures: how many came to nothing: ``too_busy``, ``timeout``, ``memory`` or ``invalid``.
    """

    name = "render"

    def __init__(
        self, reactor: Any, *, threads: int, memory: int, queue_max: int, timeout: float, sharers: int = 1
    ) -> None:
        self._reactor = reactor
        self._pool = ThreadPool(threads, threads, name="render")
        self._threads = threads
        self._waited_for: Turns[_Job[Any]] = Turns()
        self._background: Turns[_Job[Any]] = Turns()
        self._active: set[_Job[Any]] = set()
        self._memory_in_use = 0
        self.seconds: dict[str, Histogram] = {}
        self.failures: Counter[str] = Counter()
        self._processors = threading.Semaphore(ceil(len(os.sched_getaffinity(0)) / sharers))
        self.configure(memory=memory, queue_max=queue_max, timeout=timeout)

    def configure(self, *, memory: int, queue_max: int, timeout: float) -> None:
        """Change the limits for renders that start from now on."""
        self._memory = memory
        self._queue_max = queue_max
        self._timeout = timeout

    def start(self) -> None:
        self._pool.start()

    def stop(self) -> None:
        """Refuse what waits, ask what runs to end, and end the threads."""
        for job in [*self._waited_for, *self._background]:
            self._fail(job, Failure(Busy()))
        for job in list(self._active):
            job.stop(RenderCancelled)
        self._pool.stop()

    @property
    def active(self) -> int:
        """Renders that occupy a thread now."""
        return len(self._active)

    @property
    def waiting(self) -> int:
        return len(self._waited_for) + len(self._background)

    def labels(self) -> list[str]:
        """What runs and what waits, one line each, for the operator."""
        running = [f"rendering {job.label}" for job in self._active]
        return running + [f"waiting {job.label}" for job in (*self._waited_for, *self._background)]

    def run(
        self,
        work: Callable[[Checkpoint], T],
        *,
        memory: int,
        label: str,
        kind: str = "other",
        client: str = "",
        background: bool = False,
    ) -> Deferred[T]:
        """Run ``work(checkpoint)`` in a thread as soon as there is room for it.

        Cancelling the Deferred takes a waiting job off the queue, and asks a running one to end at its next checkpoint.

        :param memory: estimated peak bytes of the job.
        :param label: what is rendered, for the operator.
        :param kind: of source, by which renders are counted: one of a few.
        :param client: who wants it: those who wait take turns.
        :param background: whether nobody waits for it: it comes after all others.
        :raises SourceTooLarge: (as failure) the job could never fit into the budget.
        :raises Busy: the queue is full; when others wait with more, it is the last of theirs that is refused.
        :raises RenderTimeout: the job ran too long.
        """
        job = _Job(work, memory=memory, label=label, kind=kind, background=background)
        job.result = Deferred(lambda _: self._cancelled(job))
        result = job.result
        if memory > self._memory:
            self._fail(job, Failure(SourceTooLarge("Making this image takes more memory than the server allows.")))
        elif self._fits(job) or self.waiting < self._queue_max or self._gave_way(client, background=background):
            (self._background if background else self._waited_for).add(client, job)
            self._admit()
        else:
            self._fail(job, Failure(Busy(detail=f"{self.waiting} renders are waiting")))
        return result

    def tell(self, function: Callable[..., object], *arguments: object) -> None:
        """For jobs, in their threads: have the reactor's thread call ``function`` soon, before it has their result."""
        self._reactor.callFromThread(function, *arguments)

    def _gave_way(self, client: str, *, background: bool) -> bool:
        """Refuse something that waits in favour of ``client``; whether there was something."""
        job = None
        if not background:
            job = self._background.give_way(client) or self._waited_for.give_way(client)
        if job is not None:
            self._fail(job, Failure(Busy(detail="others wait with less")))
        return job is not None

    def _fits(self, job: _Job[Any]) -> bool:
        return len(self._active) < self._threads and self._memory_in_use + job.memory <= self._memory

    def _admit(self) -> None:
        # Strictly in order: a large render that waits for memory is not overtaken for ever by small ones.
        for queue in (self._waited_for, self._background):
            while queue and self._fits(queue.first()):
                self._begin(queue.take())
            if queue:
                return

    def _begin(self, job: _Job[Any]) -> None:
        self._active.add(job)
        self._memory_in_use += job.memory
        job.began = self._reactor.seconds()
        job.timer = self._reactor.callLater(self._timeout, self._timed_out, job)
        work = deferToThreadPool(self._reactor, self._pool, self._compute, job)
        work.addBoth(lambda outcome: self._ended(job, outcome))

    def _compute(self, job: _Job[T]) -> T:
        """In a thread: run the job as soon as a processor is free for it."""
        _give_way()
        with self._processors:
            job.checkpoint()
            try:
                return job.work(job.checkpoint)
            except QisError as error:
                fault = error.bare()
        # Outside, so that it has no context. With its frames, the pictures in them would live on, beyond the budget,
        # until the garbage collector finds them.
        raise fault

    def _ended(self, job: _Job[Any], outcome: object) -> None:
        self._active.discard(job)
        self._memory_in_use -= job.memory
        if job.timer is not None and job.timer.active():
            job.timer.cancel()
        result, job.result = job.result, None
        if result is not None:
            self._note(job, outcome)
            result.callback(outcome)
        self._admit()

    def _timed_out(self, job: _Job[Any]) -> None:
        job.stop(RenderTimeout)
        self._fail(job, Failure(RenderTimeout(detail=f"longer than {self._timeout} s")))

    def _cancelled(self, job: _Job[Any]) -> None:
        job.stop(RenderCancelled)
        self._fail(job, Failure(CancelledError()))
        self._admit()

    def _fail(self, job: _Job[Any], failure: Failure) -> None:
        """Tell the caller now; a running job keeps its thread and memory until it really ends."""
        (self._background if job.background else self._waited_for).remove(job)
        result, job.result = job.result, None
        if result is not None:
            self._note(job, failure)
            result.errback(failure)

    def _note(self, job: _Job[Any], outcome: object) -> None:
        """Count what became of a job that somebody still waits for."""
        if not isinstance(outcome, Failure):
            self.seconds.setdefault(job.kind, Histogram()).note(self._reactor.seconds() - job.began)
        elif not outcome.check(CancelledError, RenderCancelled):
            self.failures[_REASONS.get(type(outcome.value), "invalid")] += 1


def _give_way() -> None:
    """Lower the priority of this thread. Priorities belong to threads on Linux, and these do nothing but render."""
    thread = threading.get_native_id()
    # A server that was started with a lower one may not raise it; where none may be set, images are made all the same.
    with contextlib.suppress(PermissionError):
        if os.getpriority(os.PRIO_PROCESS, thread) < _NICE:
            os.setpriority(os.PRIO_PROCESS, thread, _NICE)
