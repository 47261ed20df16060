"""The way to PostgreSQL for everything above: a few connections, shared; every call is a coroutine with a time limit.

Whoever gives up waiting (a client that went away, a time-out) never cuts a statement short: the work goes on to its end
on its own, and only nobody waits for it. Cancelling inside txpostgres would raise out of the reactor, and block it.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

import psycopg2
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeoutError
from twisted.internet.task import deferLater
from twisted.logger import Logger
from txpostgres import txpostgres
from txpostgres.reconnection import ConnectionDead

from qisd.errors import StoreUnavailable
from qisd.store.dsn import parameters_of
from qisd.store.link import Link, is_fatal, one_line
from qisd.store.listener import News
from qisd.store.queries import Row
from qisd.tallies import Histogram

T = TypeVar("T")

_log = Logger()

# How often a transaction is tried that others got in the way of, and seconds to keep out of theirs.
_ATTEMPTS = 5
_BACK_OFF = 0.05

_RETRY_EVERY = 2.0
_SAY_EVERY = 10.0

# How long after the loss of the last connection callers wait for one to come back; later they are told at once.
_RECOVERY = 1.0


class Transaction:
    """What the work inside of :meth:`Database.transaction` speaks to."""

    def __init__(self, connection: txpostgres.Connection, given_up: Callable[[], bool]) -> None:
        self._connection = connection
        self._given_up = given_up
        self.error: Exception | None = None
        """The first error of a statement; after it PostgreSQL can only roll back."""
        self.committed: list[Callable[[], None]] = []

    async def query(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Run one statement and return its rows."""
        self._check()
        try:
            return list(await self._connection.runQuery(sql, tuple(parameters)))
        except (psycopg2.Error, CancelledError) as error:
            self.error = self.error or error
            raise

    async def execute(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Run one statement that has no rows to return."""
        self._check()
        try:
            await self._connection.runOperation(sql, tuple(parameters))
        except (psycopg2.Error, CancelledError) as error:
            self.error = self.error or error
            raise

    def afterwards(self, tell: Callable[[], None]) -> None:
        self.committed.append(tell)

    def _check(self) -> None:
        if self._given_up():
            raise StoreUnavailable(detail="the transaction took too long, or its caller went away")


class Database:
    """A pool of connections that heals itself.

    Parameters of statements are written ``%s``. Errors that the statement itself causes (a unique index, say) come as
    psycopg2's classes; everything that is the server's or the network's comes as
    :class:`~qisd.errors.StoreUnavailable`.

    :param dsn: ``MGMT_DATABASE_CONNECTION``, or what the embedded database gave.
    :param size: number of connections.
    :param query_timeout: seconds that waiting for a connection and the statements may take together.
    :ivar seconds: how long statements and transactions took, the wait for a connection included.
    :ivar news: a further connection, open while somebody listens to it.
    """

    def __init__(self, dsn: str, *, reactor: Any, size: int = 5, query_timeout: float = 10.0) -> None:
        self.parameters = parameters_of(dsn, query_timeout=query_timeout)
        self.news = News(self.parameters, reactor=reactor)
        self._reactor = reactor
        self._timeout = query_timeout
        self._links = [Link(self.parameters, reactor=reactor, up=self._on_up, down=self._on_down) for _ in range(size)]
        self._idle: list[Link] = []
        self._waiting: deque[Deferred[Link]] = deque()
        self.seconds = Histogram()
        self._in_use = 0
        self._idle_again: Deferred[None] | None = None
        self._lost_at = float("-inf")
        self._stopped = False

    @property
    def in_use(self) -> int:
        """Connections that somebody works with now."""
        return self._in_use

    @property
    def available(self) -> bool:
        """Whether at least one connection is alive."""
        return any(link.connection is not None for link in self._links)

    async def start(self) -> None:
        """Open the connections. Waits for the server as long as it takes; cancelling ends the wait."""
        first, *others = self._links
        said = float("-inf")
        while True:
            try:
                await first.open()
                break
            except psycopg2.Error as error:
                if self._reactor.seconds() - said >= _SAY_EVERY:
                    said = self._reactor.seconds()
                    _log.warn("waiting for the database: {reason}", reason=one_line(error))
            await deferLater(self._reactor, _RETRY_EVERY)
        for link in others:
            link.heal()

    async def stop(self) -> None:
        """Let running statements end (at most the query time-out), then close all connections."""
        self._stopped = True
        while self._waiting:
            self._waiting.popleft().errback(StoreUnavailable(detail="the daemon is stopping"))
        if self._in_use:
            self._idle_again = Deferred()
            self._idle_again.addTimeout(self._timeout, self._reactor, onTimeoutCancel=lambda *_: None)
            await self._idle_again
        for link in self._links:
            link.close()
        self._idle.clear()

    async def query(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """The rows of a statement that only reads: it's run again, once, when the connection breaks under it.

        :raises StoreUnavailable: there is no connection, or it took longer than the time-out.
        """
        return await self._shielded(lambda given_up: self._read(sql, tuple(parameters), given_up))

    async def execute(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Run one statement that changes something. When the connection breaks under it, it may have happened or not.

        :raises StoreUnavailable: there is no connection, or it took longer than the time-out.
        """

        async def work(connection: txpostgres.Connection) -> None:
            await connection.runOperation(sql, tuple(parameters))

        await self._shielded(lambda given_up: self._on_connection(work, given_up))

    def afterwards(self, tell: Callable[[], None]) -> None:
        """Here each statement is committed by itself."""
        tell()

    async def transaction(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction: committed when it returns, rolled back when it raises.

        When the server gives up one of several transactions that got in each other's way (a deadlock, a serialisation
        failure), ``work`` is run again: it must have no effects of its own but in the database.

        :raises StoreUnavailable: there is no connection, or it took longer than the time-out. What was begun is then
            rolled back, except that a commit under way may still succeed.
        """

        async def within(connection: txpostgres.Connection, given_up: Callable[[], bool]) -> T:
            for _ in range(_ATTEMPTS - 1):
                try:
                    return await once(connection, given_up)
                except psycopg2.extensions.TransactionRollbackError as error:
                    _log.debug("a transaction is run again: {reason}", reason=one_line(error))
                    await deferLater(self._reactor, random.uniform(0, _BACK_OFF))  # noqa: S311 - no secret
            return await once(connection, given_up)

        async def once(connection: txpostgres.Connection, given_up: Callable[[], bool]) -> T:
            transaction = Transaction(connection, given_up)
            await connection.runOperation("begin")
            try:
                result = await work(transaction)
                if transaction.error is not None:  # work went on after it, but the server has given up
                    raise transaction.error
            except BaseException:
                await connection.runOperation("rollback")
                raise
            await connection.runOperation("commit")
            for tell in transaction.committed:
                tell()
            return result

        return await self._shielded(
            lambda given_up: self._on_connection(lambda connection: within(connection, given_up), given_up)
        )

    async def _shielded(self, begin: Callable[[Callable[[], bool]], Coroutine[Any, Any, T]]) -> T:
        waiter: Deferred[T] = Deferred()  # without a canceller: what comes after cancelling is dropped
        Deferred.fromCoroutine(begin(lambda: waiter.called)).addCallbacks(waiter.callback, waiter.errback)
        waiter.addTimeout(self._timeout, self._reactor)
        began = self._reactor.seconds()
        try:
            return await waiter
        except DeferredTimeoutError as error:
            raise StoreUnavailable(detail=f"no answer from the database within {self._timeout} s") from error
        finally:
            self.seconds.note(self._reactor.seconds() - began)

    async def _read(self, sql: str, parameters: Row, given_up: Callable[[], bool]) -> list[Row]:
        async def work(connection: txpostgres.Connection) -> list[Row]:
            return list(await connection.runQuery(sql, parameters))

        began = self._reactor.seconds()
        try:
            return await self._on_connection(work, given_up)
        except _Broken:
            # What broke this one has most likely broken its neighbours too, unnoticed as yet: the second attempt gets
            # a connection that is newer than the first.
            for link in [link for link in self._idle if link.opened_at <= began]:
                link.discard()
            return await self._on_connection(work, given_up)

    async def _on_connection(
        self, work: Callable[[txpostgres.Connection], Awaitable[T]], given_up: Callable[[], bool]
    ) -> T:
        link = await self._take()
        connection = link.connection
        try:
            if given_up() or connection is None:
                raise StoreUnavailable(detail="given up before it began")
            return await work(connection)
        except CancelledError as error:  # nobody cancels us: it is txpostgres' word for a statement that was cut short
            raise StoreUnavailable(detail="a statement took too long") from error
        except (psycopg2.Error, ConnectionDead) as error:
            if is_fatal(error):
                raise _Broken(detail=one_line(error)) from error
            if isinstance(error, psycopg2.OperationalError):
                raise StoreUnavailable(detail=one_line(error)) from error
            raise
        finally:
            self._give_back(link, connection)

    async def _take(self) -> Link:
        if self._stopped:
            raise StoreUnavailable(detail="the daemon is stopping")
        while self._idle:
            link = self._idle.pop()
            if link.connection is not None:
                self._in_use += 1
                return link
        limit = self._timeout
        if not self.available:
            limit = min(limit, self._lost_at + _RECOVERY - self._reactor.seconds())
            if limit <= 0:
                raise StoreUnavailable(detail="there is no connection to the database")
        waiting: Deferred[Link] = Deferred()
        self._waiting.append(waiting)
        waiting.addTimeout(limit, self._reactor)
        try:
            return await waiting
        except DeferredTimeoutError as error:
            self._waiting.remove(waiting)
            raise StoreUnavailable(detail=f"no free connection to the database within {limit:.1f} s") from error

    def _give_back(self, link: Link, connection: txpostgres.Connection | None) -> None:
        self._in_use -= 1
        # After a loss the link may have a new connection already, which came into the pool by itself.
        if connection is not None and link.connection is connection:
            if link.connection.info.transaction_status == psycopg2.extensions.TRANSACTION_STATUS_IDLE:
                self._lend(link)
            else:
                link.discard()
        if self._idle_again is not None and not self._in_use:
            again, self._idle_again = self._idle_again, None
            again.callback(None)

    def _lend(self, link: Link) -> None:
        if self._waiting:
            self._in_use += 1
            self._waiting.popleft().callback(link)
        else:
            self._idle.append(link)

    async def _on_up(self, link: Link) -> None:
        if self._lost_at > float("-inf") and not self._idle and not self._in_use:
            _log.info("the database is there again")
        self._lend(link)

    def _on_down(self, link: Link) -> None:
        if link in self._idle:
            self._idle.remove(link)
        if not self.available:
            self._lost_at = self._reactor.seconds()


class _Broken(StoreUnavailable):
    """The connection broke; another may do."""
