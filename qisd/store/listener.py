"""Hears what other processes have changed, over a connection of its own: a running query would delay the news."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg2
from twisted.internet.defer import CancelledError, Deferred, DeferredLock
from twisted.logger import Logger
from twisted.python.failure import Failure
from txpostgres import txpostgres
from txpostgres.reconnection import ConnectionDead

from qisd.store.dsn import Parameters
from qisd.store.link import Link

_log = Logger()

CHANNEL = "qis_changed"
"""The channel on which the database's triggers tell the name of a table that has changed."""


class News:
    """The connection that all listeners of a process share. It is open while there are any."""

    def __init__(self, parameters: Parameters, *, reactor: Any) -> None:
        self._parameters = parameters
        self._reactor = reactor
        self._listeners: list[Listener] = []
        self._link: Link | None = None
        self._listened: set[str] = set()
        self._ready = False
        self._one_at_a_time = DeferredLock()

    def add(self, listener: Listener) -> None:
        """Let ``listener`` hear, in the background."""
        self._listeners.append(listener)
        if self._link is None:
            self._link = Link(self._parameters, reactor=self._reactor, up=self._begin, down=self._down)
            self._link.heal()
        elif self._ready:
            Deferred.fromCoroutine(self._begin_late(listener)).addErrback(_given_up)

    def remove(self, listener: Listener) -> None:
        """Let it hear nothing more."""
        if listener in self._listeners:
            self._listeners.remove(listener)
        if not self._listeners and self._link is not None:
            link, self._link = self._link, None
            self._ready = False
            self._listened.clear()
            link.close()

    async def _begin(self, link: Link) -> None:
        connection = link.connection
        assert connection is not None  # noqa: S101 - just made
        connection.addNotifyObserver(self._heard)
        while missing := {listener.channel for listener in self._listeners} - self._listened:
            for channel in sorted(missing):
                await self._listen(connection, channel)
        self._ready = True
        for listener in list(self._listeners):
            listener.connected()

    async def _begin_late(self, listener: Listener) -> None:
        connection = self._link.connection if self._link is not None else None
        if connection is None:
            return  # all of them will be told when there is one again
        await self._listen(connection, listener.channel)
        if listener in self._listeners and self._ready:
            listener.connected()

    async def _listen(self, connection: txpostgres.Connection, channel: str) -> None:
        await self._one_at_a_time.acquire()
        try:
            # A Deferred of our own, since that of txpostgres raises when closing the link cancels it.
            listening: Deferred[object] = Deferred()
            connection.runOperation(f"listen {channel}").addCallbacks(listening.callback, listening.errback)
            await listening
            self._listened.add(channel)
        finally:
            self._one_at_a_time.release()

    def _heard(self, notify: Any) -> None:
        for listener in list(self._listeners):
            if listener.channel == notify.channel:
                listener.heard(notify.payload)

    def _down(self, _: Link) -> None:
        self._ready = False
        self._listened.clear()
        for listener in list(self._listeners):
            listener.lost()


class Listener:
    """Listens on one channel, again after each loss of the connection.

    :param connected: called whenever listening has begun. News before that were not heard: read everything.
    :param heard: called with the text of each notification.
    :param lost: called when nothing can be heard any more, until ``connected`` is called again.
    """

    def __init__(
        self,
        news: News,
        *,
        connected: Callable[[], None],
        heard: Callable[[str], None],
        channel: str = CHANNEL,
        lost: Callable[[], None] = lambda: None,
    ) -> None:
        self._news = news
        self.channel = channel
        self.connected = connected
        self.heard = heard
        self.lost = lost

    def start(self) -> None:
        """Begin, in the background."""
        self._news.add(self)

    def stop(self) -> None:
        self._news.remove(self)


def _given_up(failure: Failure) -> None:
    """The connection went away in between; whoever listens is told when there is another."""
    if not failure.check(psycopg2.Error, ConnectionDead, CancelledError):
        _log.failure("could not begin to listen", failure)
