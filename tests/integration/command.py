"""``qis`` inside a test, on a database of its own as after the first start."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

from tests.cli.runner import CommandCase, Outcome
from tests.integration.database import server
from tests.integration.postgres import require_services

TEMPLATE = "installation"

_numbers = itertools.count(1)


class CommandDatabaseCase(CommandCase):
    """A test of commands that work on data.

    :ivar state: ``STATE_DIR``, with the file of the first password in it.
    """

    def setUp(self) -> None:
        super().setUp()
        require_services()
        self.name = f"command{next(_numbers)}"
        server().run_sql("postgres", f"create database {self.name} template {TEMPLATE}")
        self.addCleanup(server().run_sql, "postgres", f"drop database if exists {self.name} with (force)")
        self.environ["QIS_MGMT_DATABASE_CONNECTION"] = server().url(self.name)
        self.environ["PATH"] = os.environ["PATH"]
        self.state = Path(self.environ["QIS_STATE_DIR"])
        self.state.mkdir()
        (self.state / "initial-admin-password").write_text("wide-awake-penguin\n")

    def sql(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        return server().run_sql(self.name, sql, parameters)

    def done(self, *arguments: str, **more: Any) -> Outcome:
        """Give a command that must be done."""
        outcome = self.qis(*arguments, **more)
        self.assertEqual(outcome.code, 0, outcome.err)
        return outcome

    def refused(self, *arguments: str, code: int = 2, **more: Any) -> str:
        """Give a command that must be refused; what it says about that."""
        outcome = self.qis(*arguments, **more)
        self.assertEqual((outcome.code, outcome.out), (code, ""), outcome.err)
        self.assertTrue(outcome.err.startswith("qis: "), outcome.err)
        return outcome.err
