"""This server as one of a site's: says how it is, and hears whether all agree about what they have to."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from twisted.internet.defer import DeferredLock
from twisted.logger import Logger

from qisd import __version__
from qisd.agreement import digests, faults_of
from qisd.errors import StoreUnavailable
from qisd.settings import Settings
from qisd.store import server_status
from qisd.store.queries import Queries
from qisd.store.server_status import ServerStatus

EVERY = 10.0
"""Seconds between two times that it is said."""

_log = Logger()


class Membership:
    """What each process of a server does; together they have one row in the database.

    :param server_id: of the server.
    :param key: with which it signs.
    :ivar servers: those that are there, as they were seen last.
    """

    def __init__(self, database: Queries, *, server_id: str, settings: Settings, key: bytes) -> None:
        self._database = database
        self.server_id = server_id
        self.servers: Sequence[ServerStatus] = ()
        self._told: set[str] = set()
        # Or what was true a moment ago could be said after what is so now.
        self._one_at_a_time = DeferredLock()
        self.configure(settings, key)

    def configure(self, settings: Settings, key: bytes) -> None:
        """Say something else from now on."""
        self._digests = digests(settings, key=key)

    async def beat(self) -> None:
        """Say how this server is, and hear of the others. What they newly differ in is logged."""
        async with self._one_at_a_time:
            await self._say_and_hear()
        faults = self.faults()
        for fault in faults:
            if fault not in self._told:
                _log.warn("Servers of this site differ: {fault}", fault=fault)
        self._told = set(faults)

    async def _say_and_hear(self) -> None:
        with suppress(StoreUnavailable):  # which others tell of
            await server_status.beat(
                self._database,
                server_id=self.server_id,
                name=socket.gethostname(),
                version=__version__,
                digests=self._digests,
                now=datetime.now(UTC),
            )
            self.servers = await server_status.living(self._database)

    def faults(self) -> list[str]:
        """In which settings, and whose clocks, servers differ: lines for people."""
        return faults_of(self.servers)
