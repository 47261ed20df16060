"""Databases for tests: one server for all of them, and a fresh copy of a new installation for each test."""

from __future__ import annotations

import atexit
import itertools
import shutil
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from qisd.access.passwords import first_password
from qisd.store.migrate import migrate_and_seed
from qisd.store.pool import Database
from tests.integration.postgres import PostgresServer, places, require_services

TEMPLATE = "installation"
ADMIN_PASSWORD = "wide-awake-penguin"

_numbers = itertools.count(1)
_server: PostgresServer | None = None


def server() -> PostgresServer:
    """The server that all these tests share; its database :data:`TEMPLATE` is a new installation."""
    global _server
    if _server is None:
        _server = PostgresServer(next(iter(places().values())))
        atexit.register(_server.remove)
        _server.run_sql("postgres", f"create database {TEMPLATE}")
        state = Path(tempfile.mkdtemp(prefix="qt-state-"))
        try:
            migrate_and_seed(
                _server.url(TEMPLATE),
                first_password=lambda: first_password(ADMIN_PASSWORD),
                state_dir=state,
                log=lambda line: None,
            )
        finally:
            shutil.rmtree(state)
    return _server


class DatabaseCase(TestCase):
    """A test with a database of its own, as after the first start.

    :ivar database: connected; ``sql`` asks it over another connection, without waiting.
    """

    pool_size = 3
    timeout = 300

    async def setUp(self) -> None:
        require_services()
        self.name = f"case{next(_numbers)}"
        server().run_sql("postgres", f"create database {self.name} template {TEMPLATE}")
        self.url = server().url(self.name)
        self.database = Database(self.url, reactor=reactor, size=self.pool_size)
        await self.database.start()
        self.addCleanup(self._drop)

    async def _drop(self) -> None:
        await self.database.stop()
        server().run_sql("postgres", f"drop database if exists {self.name} with (force)")

    def sql(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        return server().run_sql(self.name, sql, parameters)
