"""The pool in which passwords are hashed: few threads, which give way to images."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from qisd.errors import TooManyRequests

T = TypeVar("T")

# A hash keeps a processor and up to 64 MiB for some hundredths of a second. More at once than there are processors
# would be no faster, and with the lowest priority they take only what serving images leaves.
_THREADS = min(4, len(os.sched_getaffinity(0)))
_NICE = 5
_WAITING_MAX = 100
_RETRY_AFTER = 10


class HashingPool:
    """Runs what is slow on purpose; when too many wait, further ones are refused."""

    name = "hashing"

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._pool = ThreadPool(0, _THREADS, name="hashing")
        self._waiting = 0

    def start(self) -> None:
        self._pool.start()

    def stop(self) -> None:
        """End the threads; waits for work that runs."""
        self._pool.stop()

    async def run(self, work: Callable[[], T]) -> T:
        """The result of ``work()``, computed in a thread.

        :raises TooManyRequests: a hundred others are waiting.
        """
        if self._waiting >= _WAITING_MAX:
            raise TooManyRequests("Too many people are logging in.", retry_after=_RETRY_AFTER)
        self._waiting += 1
        try:
            deferred: Deferred[T] = deferToThreadPool(self._reactor, self._pool, lambda: _nicely(work))
            return await deferred
        finally:
            self._waiting -= 1


def _nicely(work: Callable[[], T]) -> T:
    # Priorities belong to threads on Linux; this one never does anything else.
    # Where none may be set, or only a lower one, people can log in all the same.
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
    return work()
