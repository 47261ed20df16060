"""Hears what other processes have changed, over a connection of its own: a running query would delay the news."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qisd.store.dsn import Parameters
from qisd.store.link import Link

CHANNEL = "qis_changed"
"""The channel on which the database's triggers tell the name of a table that has changed."""


class Listener:
    """Listens on :data:`CHANNEL`, again after each loss of the connection.

    :param connected: called whenever listening has begun. Changes before that were not heard: read everything.
    :param heard: called with the name of each table that has changed.
    """

    def __init__(
        self, parameters: Parameters, *, reactor: Any, connected: Callable[[], None], heard: Callable[[str], None]
    ) -> None:
        self._connected = connected
        self._heard = heard
        self._link = Link(parameters, reactor=reactor, up=self._listen, down=lambda _: None)

    def start(self) -> None:
        """Connect, in the background."""
        self._link.heal()

    def stop(self) -> None:
        self._link.close()

    async def _listen(self, link: Link) -> None:
        connection = link.connection
        assert connection is not None  # noqa: S101 - just made
        connection.addNotifyObserver(lambda notify: self._heard(notify.payload))
        await connection.runOperation(f"listen {CHANNEL}")
        self._connected()
