"""One server of the cluster: a few connections, and what to do when it does not answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import HostnameEndpoint, TCP4ClientEndpoint, UNIXClientEndpoint
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.protocols.memcache import ClientError, NoSuchCommand, ServerError

from qisd.cache.memcached.protocol import Connection

_log = Logger()

T = TypeVar("T")

_CONNECTIONS = 2

_OUTSTANDING = 2_000
"""Commands without an answer beyond which no more are sent: the server does not keep up."""

_LONGEST_PAUSE = 60.0

_REFUSALS = (ClientError, NoSuchCommand, ServerError)
"""The server is there, and does not want to."""


class Node:
    """Sends commands to one server. One that fails is left out for a while, and costs nobody a wait meanwhile.

    :param address: ``host:port``, or the path of a socket.
    :param timeout: seconds to connect, and for an answer.
    :param pause: seconds for which it is left out at first; each failure after that doubles them, up to a minute.
    """

    def __init__(self, address: str, *, timeout: float, pause: float, reactor: Any) -> None:
        self.address = address
        self._timeout = timeout
        self._pause = pause
        self._reactor = reactor
        self._endpoint = _endpoint(address, timeout, reactor)
        self._connections: list[Connection] = []
        self._connecting: Deferred[Any] | None = None
        self._waiting: list[Deferred[Connection | None]] = []
        self._out_until = float("-inf")
        self._failures = 0
        self._stopped = False

    @property
    def available(self) -> bool:
        """Whether it is not left out."""
        return bool(self._reactor.seconds() >= self._out_until)

    async def ask(self, command: Callable[[Connection], Deferred[T]]) -> T | None:
        """The answer to ``command``; None if there is none, for whatever reason."""
        connection = self._free() or await self._connected()
        if connection is None or connection.outstanding >= _OUTSTANDING:
            return None
        try:
            answer = await command(connection)
        except CancelledError:
            raise
        except _REFUSALS as error:
            _log.warn("Memcached at {address} refuses: {error}", address=self.address, error=str(error))
            return None
        except Exception as error:
            self._failed(repr(error))
            return None
        self._failures = 0
        return answer

    def stop(self) -> None:
        """End all connections."""
        self._stopped = True
        if self._connecting is not None:
            self._connecting.cancel()
        for connection in self._connections:
            connection.abort()
        self._connections.clear()

    def _free(self) -> Connection | None:
        """The connection with the least to do, if they are all there."""
        usable = [one for one in self._connections if one.usable]
        if len(usable) < len(self._connections):
            self._connections = usable
        if len(usable) < _CONNECTIONS:
            return usable[0] if usable and self._connecting is not None else None
        return min(usable, key=lambda one: one.outstanding)

    async def _connected(self) -> Connection | None:
        if self._stopped or not self.available:
            return None
        waiter: Deferred[Connection | None] = Deferred(lambda gone: self._waiting.remove(gone))
        self._waiting.append(waiter)
        if self._connecting is None:
            self._connecting = self._endpoint.connect(Factory.forProtocol(self._connection))
            self._connecting.addCallbacks(self._arrived, self._refused)
        return await waiter

    def _connection(self) -> Connection:
        connection = Connection(self._timeout)  # type: ignore[no-untyped-call]
        connection.callLater = self._reactor.callLater  # type: ignore[method-assign]
        return connection

    def _arrived(self, connection: Connection) -> None:
        self._connecting = None
        if self._failures:
            _log.info("Memcached at {address} is there again", address=self.address)
        self._connections.append(connection)
        self._release(connection)

    def _refused(self, failure: Any) -> None:
        self._connecting = None
        if not self._stopped:
            self._failed(failure.getErrorMessage())
        self._release(None)

    def _release(self, connection: Connection | None) -> None:
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.callback(connection)

    def _failed(self, reason: str) -> None:
        """Leave it out for a while. What fails together counts once."""
        if self._stopped or not self.available:
            return
        pause = min(self._pause * 2**self._failures, _LONGEST_PAUSE)
        if not self._failures:
            _log.warn("Memcached at {address} is left out: {reason}", address=self.address, reason=reason)
        self._failures += 1
        self._out_until = self._reactor.seconds() + pause
        for connection in self._connections:
            connection.abort()
        self._connections.clear()


def _endpoint(address: str, timeout: float, reactor: Any) -> IStreamClientEndpoint:
    if address.startswith("/"):
        return UNIXClientEndpoint(reactor, address, timeout=timeout)
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if host.replace(".", "").isdigit():
        return TCP4ClientEndpoint(reactor, host, int(port), timeout=timeout)
    return HostnameEndpoint(reactor, host, int(port), timeout=timeout)
