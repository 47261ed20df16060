"""The pool in which files are opened, looked at and listed, so that a slow disk never holds up the reactor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from qisd.errors import StoreUnavailable
from qisd.tallies import Histogram

T = TypeVar("T")

# As many as renders, and apart from them: a library on a file server that hangs must not stop cached images, nor
# fifteen long renders a look at a file.
_THREADS = 15


class FilePool:
    """Runs short blocking file work in threads of its own.

    :param timeout: seconds until the caller gets :class:`~qisd.errors.StoreUnavailable`; the thread itself can't be
        freed before the operating system answers.
    :ivar seconds: how long work took, the wait for a thread included.
    """

    def __init__(self, reactor: Any, *, timeout: float = 10.0, name: str = "files", threads: int = _THREADS) -> None:
        self.name = name
        self._reactor = reactor
        self._timeout = timeout
        self._pool = ThreadPool(0, threads, name=name)
        self.seconds = Histogram()

    def start(self) -> None:
        self._pool.start()

    def stop(self) -> None:
        """End the threads; waits for work that runs."""
        self._pool.stop()

    async def run(self, work: Callable[[], T]) -> T:
        """The result of ``work()``, computed in a thread."""
        deferred: Deferred[T] = deferToThreadPool(self._reactor, self._pool, work)
        deferred.addTimeout(self._timeout, self._reactor, onTimeoutCancel=_unavailable)
        began = self._reactor.seconds()
        try:
            return await deferred
        finally:
            self.seconds.note(self._reactor.seconds() - began)


def _unavailable(_: object, timeout: float) -> object:
    raise StoreUnavailable(detail=f"file work took longer than {timeout} s")
