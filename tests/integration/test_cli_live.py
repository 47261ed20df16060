"""``qis`` beside a daemon, before and after it: with its embedded database, as root if the tests are root's."""

from __future__ import annotations

import base64
import json
import os
import pty
import signal
import stat
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.cli.runner import Outcome
from tests.integration.postgres import REPOSITORY
from tests.integration.process import Home, Run, as_someone_who_reaches_it, until

PASSWORD = "a long secret"


class LiveCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.home = Home(INTERNAL_BROWSING_SSL="false")
        self.addCleanup(self.home.remove)

    @property
    def environ(self) -> Mapping[str, str]:
        ours = ("QIS_", "PG", "PYTHON", "DATA", "HTTP")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return inherited | self.home.environ | {"QIS_SETTINGS": str(self.home.settings_file)}

    def command(self, *arguments: str) -> list[str]:
        return [*as_someone_who_reaches_it(), sys.executable, "-m", "qisd.cli.main", *arguments]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            cwd=REPOSITORY,
            env=self.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def qis(self, *arguments: str, stdin: str = "", code: int = 0) -> Outcome:
        process = self.start(*arguments)
        out, err = process.communicate(stdin, timeout=120)
        self.assertEqual(process.returncode, code, err)
        self.assertNotIn("Traceback", err)
        return Outcome(code=code, out=out, err=err)

    def names(self) -> list[str]:
        return [one["username"] for one in self.qis("user", "list", "--json").json()]

    def ask(self, run: Run, method: str, path: str, login: str) -> Any:
        connection = run.connect()
        connection.request(
            method, path, headers={"Authorization": "Basic " + base64.b64encode(login.encode()).decode()}
        )
        response = connection.getresponse()
        body = json.loads(response.read())
        self.assertEqual(response.status, 200, body)
        return body["data"]


class BesideTests(LiveCase):
    """A running daemon."""

    def test_it_goes_by_what_commands_do_and_they_leave_it_in_peace(self) -> None:
        run = self.home.start().ready()
        self._a_user_can_log_in_until_he_is_disabled(run)
        self._a_task_is_done(run)
        self._a_backup_can_be_made_but_not_restored()
        self._psql_reaches_it()
        self.assertEqual(run.stop(), 0)
        self.assertNotIn("Traceback", self.home.log())

    def _a_user_can_log_in_until_he_is_disabled(self, run: Run) -> None:
        self.qis("user", "add", "ann", "--api", stdin=PASSWORD)
        token = self.ask(run, "POST", "/api/v1/token/", f"ann:{PASSWORD}")["token"]
        self.assertEqual(self.ask(run, "GET", "/api/v1/session/", f"{token}:")["user"]["username"], "ann")
        self.qis("user", "disable", "ann")
        until(lambda: self.ask(run, "GET", "/api/v1/session/", f"{token}:")["user"] is None, "the end of ann's token")

    def _a_task_is_done(self, run: Run) -> None:
        done = self.qis("tasks", "run", "roll_up_stats", "--wait", "--json").json()
        self.assertEqual((done["status"], done["error"]), ("complete", None))

    def _a_backup_can_be_made_but_not_restored(self) -> None:
        file = self.home.path / "backup.dump"
        self.qis("database", "backup", str(file))
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        self.assertEqual(file.stat().st_uid, os.geteuid())
        self.assertIn("stop it first", self.qis("database", "restore", str(file), "--yes", code=2).err)

    def _psql_reaches_it(self) -> None:
        self.assertEqual(self.qis("database", "shell", "--", "-tAc", "select count(*) from users").out, "2\n")
        self.qis("database", "shell", "--", "-c", "select nonsense", code=2)
        self.assertEqual(self.qis("database", "shell", stdin="\\pset tuples_only\nselect 7;\n").out.split()[-1], "7")


class AloneTests(LiveCase):
    """No daemon, only what it leaves behind, or not even that."""

    def test_a_backup_is_put_back_without_a_daemon_and_no_server_stays(self) -> None:
        self.qis("user", "add", "ann", stdin=PASSWORD)
        self.assertEqual(self.home.servers(), set())
        file = self.home.path / "backup.dump"
        self.qis("database", "backup", str(file))
        self.qis("user", "delete", "ann")
        self.assertEqual(self.names(), ["admin"])
        self.qis("database", "restore", str(file), code=2)
        self.qis("database", "restore", str(file), "--yes")
        self.assertEqual(self.names(), ["admin", "ann"])
        self._a_new_machine_takes_it_too(str(file))
        self.assertEqual(self.home.servers(), set())

    def _a_new_machine_takes_it_too(self, file: str) -> None:
        self.home.environ["QIS_STATE_DIR"] = str(self.home.path / "new" / "state")
        self.qis("database", "restore", file)
        self.assertEqual(self.names(), ["admin", "ann"])
        self.assertFalse((self.home.path / "new" / "state" / "initial-admin-password").exists())

    def test_an_interrupted_command_ends_with_130_and_no_server_stays(self) -> None:
        process = self.start("tasks", "run", "roll_up_stats", "--wait")
        look = "select count(*) from tasks"
        until(lambda: self.home.servers(), "the embedded database")
        until(lambda: self.qis("database", "shell", "--", "-tAc", look).out == "1\n", "the task")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out), (130, ""), err)
        self.assertNotIn("Traceback", err)
        self.assertEqual(self.home.servers(), set())

    def test_somebody_at_a_terminal_is_asked_for_the_password_and_nobody_sees_it(self) -> None:
        child, terminal = pty.fork()
        if child == 0:
            command = self.command("user", "password", "admin")
            os.chdir(REPOSITORY)
            os.execvpe(command[0], command, dict(self.environ))
        seen = b""
        for _ in range(2):
            before = len(seen)
            while b": " not in seen[before:]:
                seen += os.read(terminal, 1000)
            os.write(terminal, f"{PASSWORD}\n".encode())
        while piece := _read(terminal):
            seen += piece
        _, status = os.waitpid(child, 0)
        text = seen.decode()
        self.assertEqual(os.waitstatus_to_exitcode(status), 0, text)
        self.assertIn("New password of admin: ", text)
        self.assertIn("admin has a new password", text)
        self.assertNotIn(PASSWORD, text)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1000)
    except OSError:  # the other side is closed
        return b""
