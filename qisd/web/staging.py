"""Writes the files of one request to disk as they come, in threads, one step at a time and in order.

What the disk has not taken yet waits in memory. When that is more than a megabyte, the client is held up until the disk
has caught up.
"""

from __future__ import annotations

import errno
import threading
from collections import deque
from collections.abc import Callable
from functools import partial

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from qisd.errors import NoSpace, QisError, StoreUnavailable
from qisd.pools.files import FilePool
from qisd.web.bodies import BodyGone, FileSink, StagedFile, UploadedFile

_log = Logger()

_BEHIND_BYTES = 1024 * 1024
_CAUGHT_UP_BYTES = 512 * 1024

# A thread is asked to work for so much, unless a file is complete: asking costs as much as writing a part of it.
_TURN_BYTES = 256 * 1024

# What a step in the queue takes besides its bytes: many small ones are held up as well.
_STEP_BYTES = 256

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


@attrs.frozen
class _Step:
    work: Callable[[], None]
    cost: int
    last: bool = False
    """Whether it takes long, so that nothing more should be done in the same turn."""


class Staging:
    """The files of one request, until each is taken by a handler or removed.

    All methods are called in the reactor's thread.

    :param hold: called when the disk is behind; ``release`` when it has caught up.
    :param failed: called once if writing fails; everything is being removed then.
    :param keep: whether what has come is written before it is discarded.
    """

    def __init__(
        self,
        sink: FileSink,
        *,
        files: FilePool,
        hold: Callable[[], None],
        release: Callable[[], None],
        failed: Callable[[Exception], None],
        keep: bool = False,
    ) -> None:
        self._sink = sink
        self._files = files
        self._hold = hold
        self._release = release
        self._tell_failed = failed
        self._queue: deque[_Step] = deque()
        self._queued = 0
        self._behind = 0
        self._working = False
        self._holding = False
        self._keep = keep
        self._leaving = False
        self._over = False
        self._error: Exception | None = None
        self._waiter: Deferred[None] | None = None
        self._unsure = False
        # A thread can outlive its time limit: the lock keeps the next one out. The two below are its.
        self._lock = threading.Lock()
        self._staged: list[StagedFile] = []
        self._current: StagedFile | None = None

    def open(self, *, field: str, filename: str, content_type: str | None) -> UploadedFile:
        """Begin a file, to which :meth:`write` adds until :meth:`close`."""
        uploaded = UploadedFile(field=field, filename=filename, content_type=content_type, take=self._take)
        self._add(partial(self._begin, uploaded), _STEP_BYTES)
        return uploaded

    def write(self, data: bytes) -> None:
        self._add(partial(self._append, data), _STEP_BYTES + len(data))

    def close(self) -> None:
        self._add(self._finish, _STEP_BYTES, last=True)

    async def settled(self) -> None:
        """Wait until everything is on disk.

        :raises QisError: it can't be brought there; or the request is over.
        """
        if self._error is not None:
            raise self._error
        if self._over or self._leaving:
            raise BodyGone
        if self._working or self._queue:
            self._waiter = Deferred()
            await self._waiter

    def discard(self) -> None:
        """Stop, and remove what nobody has taken."""
        if self._over or self._leaving:
            return
        if self._keep and (self._queue or self._working):
            self._add(self._leave, _STEP_BYTES, last=True)
            self._leaving = True
            self._let_go_on()
        else:
            self._stop()
        if self._waiter is not None:
            waiter, self._waiter = self._waiter, None
            waiter.errback(BodyGone())

    def _take(self, uploaded: UploadedFile) -> StagedFile:
        staged = uploaded.staged
        if self._over or self._leaving or staged is None:
            raise BodyGone
        self._staged = [one for one in self._staged if one is not staged]
        uploaded.staged = None
        return staged

    # The queue

    def _add(self, work: Callable[[], None], cost: int, *, last: bool = False) -> None:
        if self._over or self._leaving:
            return
        self._queue.append(_Step(work, cost, last))
        self._queued += cost
        self._behind += cost
        self._work_on()
        if self._behind > _BEHIND_BYTES and not self._holding and not self._over:
            self._holding = True
            self._hold()

    def _work_on(self) -> None:
        # The last step of a file is the only one that is waited for, and stands at the end when the body does.
        if self._working or not self._queue or (self._queued < _TURN_BYTES and not self._queue[-1].last):
            return
        steps, cost = self._turn()
        self._working = True
        work = Deferred.fromCoroutine(self._files.run(partial(self._perform, steps)))
        work.addCallbacks(self._done, self._failed, callbackArgs=(cost,))
        work.addErrback(self._broken)

    def _turn(self) -> tuple[list[_Step], int]:
        """Steps to be done next, and what they cost."""
        steps: list[_Step] = []
        cost = 0
        while self._queue and cost < _TURN_BYTES:
            steps.append(self._queue.popleft())
            cost += steps[-1].cost
            if steps[-1].last:
                break
        self._queued -= cost
        return steps, cost

    def _done(self, _: object, cost: int) -> None:
        self._working = False
        if self._over:
            self._remove()
            return
        self._behind -= cost
        if self._behind <= _CAUGHT_UP_BYTES:
            self._let_go_on()
        if self._queue:
            self._work_on()
        elif self._waiter is not None:
            waiter, self._waiter = self._waiter, None
            waiter.callback(None)

    def _failed(self, failure: Failure) -> None:
        self._working = False
        # The thread may still be at it.
        self._unsure = True
        if self._over:
            self._remove()
            return
        self._error = _told(failure.value)
        self._stop()
        if self._waiter is not None:
            waiter, self._waiter = self._waiter, None
            waiter.errback(self._error)
        else:
            self._tell_failed(self._error)

    def _broken(self, failure: Failure) -> None:
        _log.failure("receiving a file", failure=failure)

    def _stop(self) -> None:
        self._over = True
        self._queue.clear()
        self._queued = self._behind = 0
        self._let_go_on()
        if not self._working:
            self._remove()

    def _let_go_on(self) -> None:
        if self._holding:
            self._holding = False
            self._release()

    def _remove(self) -> None:
        if self._staged or self._unsure:
            work = Deferred.fromCoroutine(self._files.run(self._remove_all))
            work.addCallbacks(self._removed, self._not_removed)

    def _removed(self, faults: list[OSError]) -> None:
        for fault in faults:
            _log.warn("a received file can't be removed: {fault}", fault=fault)

    def _not_removed(self, failure: Failure) -> None:
        _log.warn("received files can't be removed: {fault}", fault=failure.value)

    # In a thread

    def _perform(self, steps: list[_Step]) -> None:
        with self._lock:
            for step in steps:
                if self._over:
                    return
                step.work()

    def _begin(self, uploaded: UploadedFile) -> None:
        self._current = uploaded.staged = self._sink.open(uploaded.filename)
        self._staged.append(self._current)

    def _append(self, data: bytes) -> None:
        assert self._current is not None  # noqa: S101 - _begin came before
        self._current.write(data)

    def _finish(self) -> None:
        assert self._current is not None  # noqa: S101 - _begin came before
        self._current.finish()
        self._current = None

    def _leave(self) -> None:
        self._current = None
        self._removed(self._discard_all())

    def _remove_all(self) -> list[OSError]:
        with self._lock:
            return self._discard_all()

    def _discard_all(self) -> list[OSError]:
        faults = []
        while self._staged:
            try:
                self._staged.pop().discard()
            except OSError as fault:
                faults.append(fault)
        return faults


def _told(error: BaseException | None) -> Exception:
    """What the client is told about ``error``."""
    if isinstance(error, QisError):
        return error.bare()
    if isinstance(error, OSError):
        if error.errno in _DISK_FULL:
            return NoSpace(detail=str(error))
        return StoreUnavailable(detail=f"receiving a file: {error}")
    return error if isinstance(error, Exception) else RuntimeError("receiving a file ended")
