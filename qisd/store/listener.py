"""Hears what other processes have changed, over a connection of its own: a running query would delay the news."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qisd.store.dsn import Parameters
from qisd.store.link import Link

CHANNEL = "qis_changed"
"""The channel on which the database's triggers tell the name of a table that has changed."""

TASKS = "qis_tasks"
"""The channel that tells of new tasks and of changes of their status: see :mod:`qisd.store.tasks`."""


class Listener:
    """Listens on one channel, again after each loss of the connection.

    :param connected: called whenever listening has begun. Changes before that were not heard: read everything.
    :param heard: called with the text of each notification; on :data:`CHANNEL` the name of a table that has changed.
    :param channel: a plain name in lower case.
    :param lost: called when the connection has been lost: from now until ``connected`` nothing is heard.
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
        await connection.runOperation(f"listen {self._channel}")
        self._connected()

    def _down(self, _: Link) -> None:
        if self._lost is not None:
            self._lost()
