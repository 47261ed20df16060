"""Hears what other processes have changed, over a connection of its own: a running query would delay the news."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from qisd.store.dsn import Parameters
from qisd.store.link import Link

CHANNEL = "qis_changed"
"""The channel on which the database's triggers tell the name of a table that has changed."""


class Listener:
    """Listens on one channel, again after each loss of the connection.

    :param connected: called whenever listening has begun. News before that were not heard: read everything.
    :param heard: called with the text of each notification.
    :param lost: called when nothing can be heard any more, until ``connected`` is called again.
    """

    def __init__(
        self,
        parameters: Parameters,
        *,
        reactor: Any,
        connected: Callable[[], None],
        heard: Callable[[str], None],
        channel: str = CHANNEL,
        lost: Callable[[], None] | None = None,
    ) -> None:
        self._connected = connected
        self._heard = heard
        self._channel = channel
        self._lost = lost
        self._link = Link(parameters, reactor=reactor, up=self._listen, down=self._down)

    def start(self) -> None:
        """Connect, in the background."""
        self._link.heal()

    def stop(self) -> None:
        self._link.close()

    async def _listen(self, link: Link) -> None:
        connection = link.connection
        assert connection is not None  # noqa: S101 - just made
        connection.addNotifyObserver(lambda notify: self._heard(notify.payload))
        # A Deferred of our own, since that of txpostgres raises when ``stop`` cancels it.
        listening: Deferred[object] = Deferred()
        connection.runOperation(f"listen {self._channel}").addCallbacks(listening.callback, listening.errback)
        await listening
        self._connected()

    def _down(self, _: Link) -> None:
        if self._lost is not None:
            self._lost()
