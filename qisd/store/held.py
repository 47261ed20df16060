"""Values that a process holds in memory, and reads again when the database tells of a change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from qisd.cache.singleflight import SingleFlight
from qisd.errors import StoreUnavailable
from qisd.store.listener import Listener
from qisd.store.pool import Database

T = TypeVar("T")

_log = Logger()

_RETRY = 2.0


class Held(Generic[T]):
    """One value, up to date within a second of a change anywhere, and known for ever once it was read.

    :param what: its name in the log.
    :param read: makes the value from the database.
    :param tables: those whose changes make it outdated.
    :param pause: seconds from one reading to the next at least: changes in between are read together.
    """

    def __init__(
        self,
        database: Database,
        *,
        what: str,
        read: Callable[[], Awaitable[T]],
        tables: frozenset[str],
        reactor: Any,
        pause: float = 0.0,
    ) -> None:
        self._what = what
        self._read = read
        self._tables = tables
        self._reactor = reactor
        self._pause = pause
        self._listener = Listener(database.news, connected=self._connected, heard=self._heard, lost=self._lost)
        self._value: T | None = None
        self._first: Deferred[None] = Deferred()
        self._loading: Deferred[None] | None = None
        self._busy = False
        self._outdated = False
        self._read_at = float("-inf")
        self._listening = False
        self._deaf_since: float | None = None
        self._begun = 0
        self._shown = 0
        self._catching: SingleFlight[None] = SingleFlight()

    @property
    def value(self) -> T:
        """As it is now. Another object after each change, the same one in between.

        :raises StoreUnavailable: it hasn't been read yet.
        """
        if self._value is None:
            raise StoreUnavailable(detail=f"{self._what} haven't been read yet")
        return self._value

    @property
    def deaf_for(self) -> float:
        """Seconds since when no news can be heard; 0 while they can."""
        return 0.0 if self._deaf_since is None else self._reactor.seconds() - self._deaf_since

    async def start(self) -> None:
        """Begin to listen, and read once; waits until that worked."""
        self._listener.start()
        await self._first

    async def stop(self) -> None:
        self._listener.stop()
        if self._loading is not None:
            self._loading.cancel()

    async def refresh(self) -> None:
        """Read now.

        :raises StoreUnavailable: the database can't be asked; everything stays as it was.
        """
        self._read_at = self._reactor.seconds()
        self._begun += 1
        number = self._begun
        value = await self._read()
        if number > self._shown:  # of two at once, the one that began later knows more
            self._shown = number
            self._value = value

    async def catch_up(self) -> None:
        """Wait for a reading that begins from now on, for who knows of a change that was not heard of yet.

        All who wait share one, and no more are made than for news.

        :raises StoreUnavailable: as :meth:`refresh`.
        """
        wanted = self._begun + 1
        while self._shown < wanted:  # what is under way already may be of before
            await self._catching.join("", lambda: Deferred.fromCoroutine(self._read_after_pause()))

    async def _read_after_pause(self) -> None:
        await self._wait_for_turn()
        await self.refresh()

    async def _wait_for_turn(self) -> None:
        wait = self._read_at + self._pause - self._reactor.seconds()
        if wait > 0:
            await deferLater(self._reactor, wait)

    def _connected(self) -> None:
        self._listening = True
        self._read_again()

    def _lost(self) -> None:
        self._listening = False
        if self._deaf_since is None:
            self._deaf_since = self._reactor.seconds()

    def _heard(self, table: str) -> None:
        if table in self._tables:
            self._read_again()

    def _read_again(self) -> None:
        """Read in the background; news that come meanwhile make it read once more."""
        self._outdated = True
        if not self._busy:
            self._busy = True
            self._loading = Deferred.fromCoroutine(self._read_until_fresh())
            self._loading.addErrback(self._failed)

    async def _read_until_fresh(self) -> None:
        try:
            while self._outdated:
                await self._wait_for_turn()
                self._outdated = False
                try:
                    await self.refresh()
                except StoreUnavailable as error:
                    _log.warn("can't read the {what}: {reason}", what=self._what, reason=error.detail)
                    self._outdated = True
                    await deferLater(self._reactor, _RETRY)
                if self._listening and not self._outdated:
                    self._deaf_since = None  # what was missed while nothing could be heard has been read now
        finally:
            self._busy = False
        if not self._first.called:
            self._first.callback(None)

    def _failed(self, failure: Failure) -> None:
        if isinstance(failure.value, CancelledError):  # by our own stop
            return
        if self._first.called:
            _log.failure("can't read the {what}", failure, what=self._what)
        else:
            self._first.errback(failure)
