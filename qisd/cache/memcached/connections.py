"""The connections to one Memcached server that are of one kind."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from qisd.cache.memcached.protocol import Connection


class Connections:
    """Up to ``most`` of them, made when they are needed.

    :param connect: begins to make one.
    :param failed: told why one can't be made.
    """

    def __init__(
        self, most: int, *, connect: Callable[[], Deferred[Connection]], failed: Callable[[str], None]
    ) -> None:
        self._most = most
        self._connect = connect
        self._failed = failed
        self._there: list[Connection] = []
        self._connecting: Deferred[None] | None = None
        self._waiting: list[Deferred[Connection | None]] = []

    def idlest(self) -> Connection | None:
        """The one with least to do; None: there is none yet. Where there is need of one more it is made."""
        usable = [one for one in self._there if one.usable]
        if len(usable) < len(self._there):
            self._there = usable
        found = min(usable, key=_outstanding, default=None)
        if len(usable) < self._most and (found is None or found.outstanding):
            self._make()
        return found

    def made(self) -> Deferred[Connection | None]:
        """The one that is being made; None: it can't be."""
        waiter: Deferred[Connection | None] = Deferred(self._waiting.remove)
        self._waiting.append(waiter)
        if self._connecting is None:
            self._release(self._there[-1] if self._there else None)
        return waiter

    def add(self, connection: Connection) -> None:
        self._there.append(connection)

    def drop(self) -> None:
        """End all of them."""
        there, self._there = self._there, []
        if self._connecting is not None:
            self._connecting.cancel()
        for connection in there:
            connection.abort()

    def _make(self) -> None:
        if self._connecting is not None:
            return
        connecting = self._connect().addCallback(self._arrived)
        if not connecting.called:
            self._connecting = connecting
        connecting.addErrback(self._refused)

    def _arrived(self, connection: Connection) -> None:
        self._connecting = None
        self.add(connection)
        self._release(connection)

    def _refused(self, failure: Failure) -> None:
        self._connecting = None
        self._failed(failure.getErrorMessage())
        self._release(None)

    def _release(self, connection: Connection | None) -> None:
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.callback(connection)


def _outstanding(connection: Connection) -> int:
    return connection.outstanding
