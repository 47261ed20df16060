"""One server of the cluster: a few connections, and what to do when it does not answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import HostnameEndpoint, TCP4ClientEndpoint, UNIXClientEndpoint, connectProtocol
from twisted.internet.interfaces import IDelayedCall, IStreamClientEndpoint
from twisted.logger import Logger
from twisted.protocols.memcache import ClientError, NoSuchCommand, ServerError

from qisd.cache.memcached.connections import Connections
from qisd.cache.memcached.protocol import Connection, Late

_log = Logger()

T = TypeVar("T")

_QUICK, _BULK = 2, 1
"""Connections, and those besides for pieces of what is large: nothing small waits behind these."""

_BULK_TIMES = 10
"""Times the usual time that there is for a piece of what is large, as long as bytes come."""

_OUTSTANDING = 2_000
"""Commands without an answer beyond which no more are sent: the server does not keep up."""

_PENDING = 64 * 1024 * 1024
"""Bytes likewise."""

_LATE = 50
"""Answers one after another that came too late, after which the server counts as one that does not answer."""

_LONGEST_PAUSE = 60.0

_TOLD_EVERY = 60.0
"""Seconds between two lines in the log about refusals."""

_REFUSALS = (ClientError, NoSuchCommand, ServerError)
"""The server is there, and does not want to."""


class Node:
    """Sends commands to one server.

    One that fails is left out, and costs nobody a wait from then on: it is tried again in the background.

    :param address: ``host:port``, or the path of a socket.
    :param timeout: seconds to connect, and for an answer.
    :param pause: seconds after which it is tried again at first; each failure after that doubles them, up to a minute.
    """

    def __init__(self, address: str, *, timeout: float, pause: float, reactor: Any) -> None:
        self.address = address
        self._timeout = timeout
        self._first_pause = self._pause = pause
        self._reactor = reactor
        self._endpoint = _endpoint(address, timeout, reactor)
        self._quick, self._bulk = (
            Connections(most, connect=self._connect, failed=self._failed) for most in (_QUICK, _BULK)
        )
        self._late = 0
        self._refusal_told = float("-inf")
        self._left_out = False
        self._again: IDelayedCall | None = None
        self._trying: Deferred[None] | None = None
        self._stopped = False

    @property
    def available(self) -> bool:
        """Whether it is not left out."""
        return not self._left_out

    async def ask(
        self, command: Callable[[Connection, float], Deferred[T]], *, bulk: bool = False, size: int = 0
    ) -> T | None:
        """The answer to ``command``, which gets a connection and the seconds there are; None if there is none, for
        whatever reason.

        :param bulk: whether it is about a piece of something large.
        :param size: bytes that are sent with it.
        """
        if self._left_out or self._stopped:
            return None
        began = self._reactor.seconds()
        connections = self._bulk if bulk else self._quick
        connection = connections.idlest() or await connections.made()
        if connection is None or connection.outstanding >= _OUTSTANDING:
            return None
        if size and connection.pending + size > _PENDING:
            return None
        within = self._timeout * _BULK_TIMES if bulk else self._timeout
        try:
            answer = await command(connection, max(began + within - self._reactor.seconds(), 0))
        except CancelledError:
            raise
        except _REFUSALS as error:
            self._refused(error)
            return None
        except Late:
            self._late += 1
            if self._late >= _LATE:
                self._failed("its answers come too late")
            return None
        except Exception as error:
            self._failed(str(error) or type(error).__name__)
            return None
        self._late = 0
        self._pause = self._first_pause
        return answer

    def stop(self) -> None:
        """End all connections."""
        self._stopped = True
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if self._trying is not None:
            self._trying.cancel()
        self._quick.drop()
        self._bulk.drop()

    def _connect(self) -> Deferred[Connection]:
        connecting: Deferred[Connection] = connectProtocol(
            self._endpoint, Connection(self._timeout, clock=self._reactor)
        )
        return connecting.addTimeout(self._timeout, self._reactor)  # looking up its name included

    def _refused(self, error: Exception) -> None:
        now = self._reactor.seconds()
        if now >= self._refusal_told + _TOLD_EVERY:
            self._refusal_told = now
            _log.warn("Memcached at {address} refuses: {error}", address=self.address, error=str(error))

    def _failed(self, reason: str) -> None:
        """Leave it out. What fails together counts once."""
        if self._stopped or self._left_out:
            return
        _log.warn("Memcached at {address} is left out: {reason}", address=self.address, reason=reason)
        self._left_out = True
        self._late = 0
        self._quick.drop()
        self._bulk.drop()
        self._try_later()

    def _try_later(self) -> None:
        self._again = self._reactor.callLater(self._pause, self._try)
        self._pause = min(2 * self._pause, max(_LONGEST_PAUSE, self._first_pause))

    def _try(self) -> None:
        self._again = None
        self._trying = Deferred.fromCoroutine(self._tried())

    async def _tried(self) -> None:
        try:
            connection = await self._connect()
            try:
                await connection.greet(within=self._timeout)
            except Exception:
                connection.abort()
                raise
        except Exception:
            if not self._stopped:
                self._try_later()
            return
        _log.info("Memcached at {address} is there again", address=self.address)
        self._left_out = False
        self._quick.add(connection)


def _endpoint(address: str, timeout: float, reactor: Any) -> IStreamClientEndpoint:
    if address.startswith("/"):
        return UNIXClientEndpoint(reactor, address, timeout=timeout)
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if host.replace(".", "").isdigit():
        return TCP4ClientEndpoint(reactor, host, int(port), timeout=timeout)
    return HostnameEndpoint(reactor, host, int(port), timeout=timeout)
