"""One connection to PostgreSQL that finds its way back after a loss."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import psycopg2
from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure
from txpostgres import txpostgres
from txpostgres.reconnection import ConnectionDead, DeadConnectionDetector

from qisd.repeated import Repeated
from qisd.store.dsn import Parameters, hosts_of
from qisd.store.timeline import QUERY as TIMELINE
from qisd.store.timeline import Timelines

T = TypeVar("T")

_log = Logger()
_repeated = Repeated(period=1.0)

# Seconds before each attempt to connect again: a connection that was merely cut comes back at once, and a server that
# comes back after a while is noticed within two seconds.
_PAUSES = (0.0, 0.2, 0.5, 1.0)
_LAST_PAUSE = 2.0

# What all connections of the process have seen: whoever knows of a promotion keeps the others from the old primary.
_timelines = Timelines()

# SQLSTATEs after which a connection is of no use: the class «connection exception», the server's ends and restarts,
# and «read only», which says that the server has become a standby.
_FATAL_STATES = ("08", "57P01", "57P02", "57P03", "57P05", "25006")


def is_fatal(error: BaseException | None) -> bool:
    """Whether ``error`` means that the connection it came over is lost or useless."""
    if isinstance(error, ConnectionDead | ConnectionLost | psycopg2.InterfaceError):
        return True
    if not isinstance(error, psycopg2.Error):
        return False
    if error.pgcode is None:
        # libpq's own words have no code. Of psycopg2's, those about a statement or its parameters are subclasses.
        return isinstance(error, psycopg2.OperationalError) or type(error) is psycopg2.DatabaseError
    return error.pgcode.startswith(_FATAL_STATES)


class Link:
    """Keeps one connection open: connects, notices when it is lost, and connects again until it is closed.

    :param parameters: of libpq; with several hosts they are tried in turn.
    :param up: called with each new connection before it counts as ready.
    :param down: called when a connection has been lost.
    """

    def __init__(
        self,
        parameters: Parameters,
        *,
        reactor: Any,
        up: Callable[[Link], Awaitable[None]],
        down: Callable[[Link], None],
    ) -> None:
        self._parameters = parameters
        self._reactor = reactor
        self._up = up
        self._down = down
        self._work: Deferred[None] | None = None
        self._closed = False
        self.connection: txpostgres.Connection | None = None
        """The connection while it is believed to be alive."""
        self.opened_at = float("-inf")
        """When it was opened, by the reactor's clock."""

    async def open(self) -> None:
        """Connect for the first time.

        :raises psycopg2.Error: no host could be reached, or none let us in.
        """
        connection = await self._connect()
        if self._closed:
            connection.close()
            raise defer.CancelledError
        self.connection = connection
        self.opened_at = self._reactor.seconds()
        await self._up(self)

    def heal(self) -> None:
        """Connect in the background, again and again until it works."""
        if not self._closed and self._work is None:
            self._work = Deferred.fromCoroutine(self._heal())
            self._work.addErrback(self._gave_up)

    def close(self) -> None:
        """Disconnect, and don't come back."""
        self._closed = True
        if self._work is not None:
            self._work.cancel()
        self._drop()

    def discard(self) -> None:
        """Give up the present connection, whose state isn't known any more, and get a new one."""
        if self.connection is not None:
            self._drop()
            self._down(self)
            self.heal()

    def _drop(self) -> None:
        if self.connection is not None:
            # First forgotten, then closed: closing calls back into ``_lost``.
            connection, self.connection = self.connection, None
            connection.close()

    def _lost(self, connection: txpostgres.Connection, failure: Failure) -> None:
        if connection is self.connection:
            reason = one_line(failure.value)
            if _repeated.left_out(reason) is not None:  # all are lost at once
                _log.info("lost a connection to the database: {reason}", reason=reason)
            self.discard()

    async def _heal(self) -> None:
        for pause in itertools.chain(_PAUSES, itertools.repeat(_LAST_PAUSE)):
            await deferLater(self._reactor, pause)
            try:
                await self.open()
            except (psycopg2.Error, ConnectionDead, defer.CancelledError) as error:
                if self._closed:
                    raise
                _log.debug("can't reach the database: {reason}", reason=one_line(error))
                self._drop()
            else:
                break
        self._work = None

    def _gave_up(self, failure: Failure) -> None:
        self._work = None
        if not isinstance(failure.value, defer.CancelledError):
            _log.failure("a connection to the database won't come back", failure)

    async def _connect(self) -> txpostgres.Connection:
        error: psycopg2.Error | None = None
        for candidate in hosts_of(self._parameters):
            for place in await self._resolved(candidate):
                try:
                    return await self._connect_to(place)
                except psycopg2.Error as failed:
                    error = failed
        raise error if error is not None else psycopg2.OperationalError("the database's host name is not known")

    async def _resolved(self, parameters: Parameters) -> list[Parameters]:
        """The addresses behind a host name, looked up in a thread: libpq would block the reactor for it."""
        host = parameters.get("host", "")
        if not host or host.startswith("/") or parameters.get("hostaddr"):
            return [parameters]
        try:
            found = await deferToThreadPool(
                self._reactor,
                self._reactor.getThreadPool(),
                lambda: socket.getaddrinfo(host, None, type=socket.SOCK_STREAM),
            )
        except OSError:
            return []
        return [{**parameters, "hostaddr": str(address[0])} for *_, address in found]

    async def _connect_to(self, place: Parameters) -> txpostgres.Connection:
        detector = _Detector(reactor=self._reactor)
        connection = _Connection(self._reactor, detector=detector)
        detector.lost = lambda failure: self._lost(connection, failure)
        # libpq leaves the time limit to its caller when connecting asynchronously.
        limit = float(place.get("connect_timeout", "0")) or 60.0
        try:
            await self._within(limit, connection.connect(**place))
            await self._check_timeline(connection, limit)
        except BaseException as error:
            if connection.pollable() is not None:  # libpq may have refused at once
                connection.close()
            if isinstance(error, defer.TimeoutError):
                raise psycopg2.OperationalError("no answer while connecting") from error
            raise
        return connection

    async def _within(self, limit: float, work: Deferred[T]) -> T:
        """What txpostgres gives. In a Deferred of our own, because its own can't be cancelled: their canceller raises.

        :raises twisted.internet.defer.TimeoutError: it took longer than ``limit`` seconds.
        """
        waiter: Deferred[T] = Deferred()
        work.addCallbacks(waiter.callback, waiter.errback)
        waiter.addTimeout(limit, self._reactor)
        return await waiter

    async def _check_timeline(self, connection: txpostgres.Connection, limit: float) -> None:
        """Refuse a primary that another has taken over from."""
        try:
            ((system, timeline),) = await self._within(limit, connection.runQuery(TIMELINE))
        except psycopg2.Error as error:
            if is_fatal(error):
                raise
            # Some that speak PostgreSQL's protocol have no timelines, or keep them to themselves.
            _log.debug("the database does not tell its timeline: {reason}", reason=one_line(error))
            return
        except (ConnectionDead, ConnectionLost) as error:
            raise psycopg2.OperationalError("the connection was lost at once") from error
        if not _timelines.admit(system, timeline):
            reason = "this primary has been taken over from: another has a newer timeline"
            if _repeated.left_out(reason) is not None:
                _log.critical("a database server was refused, end it or make it a standby: {reason}", reason=reason)
            raise psycopg2.OperationalError(reason)


def one_line(error: BaseException | None) -> str:
    """An error's text for the log."""
    return " ".join(str(error).split()) or type(error).__name__


class _Connection(txpostgres.Connection):  # type: ignore[misc]  # txpostgres has no types
    """A connection whose end, while it is idle, is news and not a traceback in the log."""

    def doRead(self) -> None:  # noqa: N802 - Twisted's name
        try:
            super().doRead()
        except psycopg2.Error:
            self.connectionLost(Failure())
        except ValueError:  # libpq has noticed it first: there is no socket to go on listening to
            self.connectionLost(Failure(psycopg2.OperationalError("the connection was lost")))


class _Detector(DeadConnectionDetector):  # type: ignore[misc]
    """Notices the loss; what to do about it is :class:`Link`'s business."""

    lost: Callable[[Failure], None]

    def __init__(self, *, reactor: Any) -> None:
        super().__init__(deathChecker=lambda failure: is_fatal(failure.value), reactor=reactor)

    def startReconnecting(self, f: Failure) -> None:  # noqa: N802 - txpostgres' name
        self.lost(f)
