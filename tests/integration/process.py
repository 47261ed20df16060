"""A daemon as a process, for tests of its life: nothing in it waits longer than it has to, or for ever."""

from __future__ import annotations

import functools
import http.client
import os
import pwd
import re
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import TypeVar

from qisd.store.processes import servers_of
from tests.integration.postgres import REPOSITORY, UNPRIVILEGED, private_directory

LIMIT = 120.0
"""Seconds until what should have happened counts as never. Other modules start daemons and workers beside it."""

PREPARED = "QISD_TEST_PREPARED"
"""The environment variable with the folder of what a suite has made once for all its daemons, if it has."""

T = TypeVar("T")


def until(look: Callable[[], T | None], what: str) -> T:
    """The first true answer of ``look``, asked again and again."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        answer = look()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError(f"waited in vain: {what}")


@functools.cache
def as_someone_who_reaches_it() -> list[str]:
    """What goes before a command that root runs when the user it becomes can't get at the program, as below /root."""
    if os.geteuid() != 0:
        return []
    loader = SourceFileLoader("scripts_run", str(REPOSITORY / "scripts" / "run"))
    script = module_from_spec(spec_from_loader(loader.name, loader))
    loader.exec_module(script)
    user = pwd.getpwnam(UNPRIVILEGED)
    groups = set(os.getgrouplist(user.pw_name, user.pw_gid))
    places = [Path(sys.executable), Path(os.__file__), REPOSITORY / "qisd" / "__init__.py"]
    if all(script.reaches(user, groups, place) for place in places):
        return []
    return list(script.as_user(user, places))


class Home:
    """The directories and settings of one daemon, which may be started several times."""

    def __init__(self, **settings: str) -> None:
        self.path = private_directory()
        self.settings_file = self.path / "local_settings.toml"
        self.settings_file.touch(mode=0o644)
        self.environ = {
            "QIS_STATE_DIR": str(self.path / "state"),
            "QIS_IMAGES_BASE_DIR": str(self.path / "images"),
            "QIS_LOGGING_BASE_DIR": str(self.path / "logs"),
            "QIS_HTTP_LISTEN": "127.0.0.1:0",
            "QIS_HTTPS_LISTEN": "127.0.0.1:0",
            "QIS_METRICS_LISTEN": "",
            "QIS_EMBEDDED_DATABASE_MEMORY_MB": "16",
            "PYTHONPATH": str(REPOSITORY),
            **{f"QIS_{name}": value for name, value in settings.items()},
        }
        self.runs: list[Run] = []
        self.wrapper: list[str] = []
        """What goes before the daemon's command line: ``prlimit``, say."""
        self.descriptors: tuple[int, ...] = ()
        """What is handed over to the process besides the standard ones."""

    def install(self, part: str = "installation") -> bool:
        """Begin with a copy of what the suite has made once for all; whether it has."""
        prepared = os.environ.get(PREPARED)
        if prepared:
            subprocess.run(["cp", "-a", f"{prepared}/{part}/.", str(self.path)], check=True)
        return bool(prepared)

    def start(self, *flags: str, workers: bool = False, **settings: str) -> Run:
        """Start a daemon here, all in one process if not with ``workers``."""
        flags = flags if workers else (*flags, "--single-process")
        run = Run(self, flags, {f"QIS_{name}": value for name, value in settings.items()})
        self.runs.append(run)
        return run

    def qis(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Give a command, with the settings of the daemon."""
        return subprocess.run(
            [sys.executable, "-m", "qisd.cli.main", f"--settings={self.settings_file}", *arguments],
            cwd=REPOSITORY,
            env=dict(os.environ) | self.environ,
            capture_output=True,
            text=True,
            timeout=3 * LIMIT,
        )

    def log(self, name: str = "qis.log") -> str:
        try:
            return (self.path / "logs" / name).read_text()
        except FileNotFoundError:
            return ""

    def servers(self) -> set[int]:
        """The PostgreSQL processes that work here."""
        return servers_of(self.path / "state" / "postgres" / "data")

    def remove(self) -> None:
        """End whatever still runs, and remove everything."""
        for run in self.runs:
            run.end()
        for server in self.servers():
            os.kill(server, signal.SIGKILL)
        shutil.rmtree(self.path, ignore_errors=True)


class Run:
    """One process, from its start to its end."""

    def __init__(self, home: Home, flags: tuple[str, ...], settings: Mapping[str, str]) -> None:
        self.home = home
        self._log_begin = len(home.log())
        self._console_path = home.path / f"console{len(home.runs)}"
        ours = ("QIS_", "PG", "PYTHON", "DATA", "HTTP")
        environ = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        command = [
            *home.wrapper,
            *as_someone_who_reaches_it(),
            Path(sys.executable).parent / "twistd",
            "-n",
            "--pidfile=",
            "qis",
        ]
        command += [f"--settings={home.settings_file}", *flags]
        with self._console_path.open("wb") as console:
            self.process = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env=environ | home.environ | settings,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                pass_fds=home.descriptors,
            )

    @property
    def console(self) -> str:
        return self._console_path.read_text()

    @property
    def log(self) -> str:
        """What this run has added to ``qis.log``."""
        return self.home.log()[self._log_begin :]

    def says(self, text: str) -> None:
        """Wait until ``text`` is in the log."""

        def look() -> bool:
            if self.process.poll() is not None and text not in self.log:
                raise AssertionError(f"the daemon ended, status {self.process.returncode}:\n{self.console}\n{self.log}")
            return text in self.log

        until(look, f"{text!r} in the log:\n{self.console}")

    def ready(self) -> Run:
        """Wait until it serves images."""
        self.says("Image server started")
        return self

    def listening(self) -> Run:
        """Wait until it accepts connections, whether it has a database or not."""
        until(self.listening_ports, "a listening port")
        return self

    def listening_ports(self) -> list[int]:
        """The TCP ports that the process listens on, as the kernel tells."""
        if self.process.poll() is not None:
            raise AssertionError(f"the daemon ended, status {self.process.returncode}:\n{self.console}\n{self.log}")
        sockets = set()
        for descriptor in Path(f"/proc/{self.process.pid}/fd").iterdir():
            try:
                sockets.add(str(descriptor.readlink()))
            except OSError:
                continue
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return [int(row[1].partition(":")[2], 16) for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets]

    def port(self, scheme: str = "http") -> int:
        found = re.search(rf"{scheme}://127\.0\.0\.1:(\d+)", self.log)
        # The kernel's list may lack a row for a moment.
        return int(found[1]) if found else until(self.listening_ports, "a listening port")[0]

    def connect(self) -> http.client.HTTPConnection:
        """A connection that stays open for several requests."""
        return connect(self.port())

    def connect_tls(self) -> http.client.HTTPSConnection:
        return connect_tls(self.port("https"))

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ended(self) -> int:
        """Wait for the end; the exit status."""
        return self.process.wait(LIMIT)

    def stop(self) -> int:
        self.send(signal.SIGTERM)
        return self.ended()

    def end(self) -> None:
        """Make sure that it has ended, after a test in whatever state."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def connect(port: int) -> http.client.HTTPConnection:
    """A connection with a port of loopback that stays open for several requests."""
    return http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)


def connect_tls(port: int) -> http.client.HTTPSConnection:
    """As :func:`connect`, below TLS and whatever the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=LIMIT, context=context)


def answer(connection: http.client.HTTPConnection, target: str) -> tuple[int, bytes]:
    """Status and body of one request on ``connection``."""
    connection.request("GET", target)
    response = connection.getresponse()
    return response.status, response.read()
