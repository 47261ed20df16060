"""The real daemon, started by ``twistd`` on a library of test pictures, and a client for it.

A test module has one daemon, whichever of its tests runs first; the daemon of the module before it is ended then, so
that there are never more than two. A daemon that does not start is a failure, never a reason to skip.
"""

from __future__ import annotations

import atexit
import http.client
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from email.message import Message
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

import attrs
import psycopg2
from PIL import Image
from twisted.trial.unittest import SynchronousTestCase

from tests.integration import library
from tests.integration.postgres import REPOSITORY, UNPRIVILEGED, private_directory

START_LIMIT = 60.0
STOP_LIMIT = 30.0
ANSWER_LIMIT = 60.0

Parameter = str | int | float


@attrs.frozen(kw_only=True)
class Answer:
    """What the daemon answered; ``headers`` is as of the standard library: names in any case, None when not there."""

    status: int
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    @property
    def image(self) -> Image.Image:
        """The body as a picture, decoded."""
        image = Image.open(io.BytesIO(self.body))
        image.load()
        return image

    @property
    def message(self) -> str:
        """The text of an error that was asked for as JSON."""
        return str(json.loads(self.body)["message"])


def query(parameters: Mapping[str, Parameter]) -> str:
    """A query string."""
    return urlencode(parameters)


class Daemon:
    """One daemon with all its files in a folder of its own.

    :param settings: further settings, without the ``QIS_`` of their variables.
    """

    def __init__(self, **settings: str) -> None:
        self.home = private_directory()
        self.images = self.home / "images"
        self.state = self.home / "state"
        self.logs = self.home / "logs"
        self._process: subprocess.Popen[bytes] | None = None
        try:
            for folder in (self.images, self.state, self.logs):
                folder.mkdir()
            library.make(self.images)
            self._give_away()
            self.port = _free_port()
            self._process = self._started(settings)
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    # Life

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End the daemon and remove its files."""
        process, self._process = self._process, None
        try:
            if process is not None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(STOP_LIMIT)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                    raise AssertionError("the daemon did not end in time") from None
        finally:
            shutil.rmtree(self.home, ignore_errors=True)

    def _give_away(self) -> None:
        """What root has made here is the unprivileged user's, whom the daemon becomes."""
        if os.geteuid() == 0:
            subprocess.run(["chown", "-hR", UNPRIVILEGED, str(self.home)], check=True)

    def _started(self, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("QIS_", "PG", "PYTHON"))}
        ours = {
            "HTTP_LISTEN": f"127.0.0.1:{self.port}",
            "HTTPS_LISTEN": f"127.0.0.1:{_free_port()}",
            "IMAGES_BASE_DIR": str(self.images),
            "STATE_DIR": str(self.state),
            "LOGGING_BASE_DIR": str(self.logs),
            "EMBEDDED_DATABASE_MEMORY_MB": "16",
            **({"RUN_USER": UNPRIVILEGED} if os.geteuid() == 0 else {}),
            **settings,
        }
        environ |= {f"QIS_{name}": value for name, value in ours.items()} | {"PYTHONPATH": str(REPOSITORY)}
        nothing = self.home / "local_settings.toml"
        nothing.touch(mode=0o644)
        command = [Path(sys.executable).parent / "twistd", "-n", "--pidfile=", "qis", f"--settings={nothing}"]
        with (self.home / "console").open("wb") as console:
            return subprocess.Popen(
                command, cwd=REPOSITORY, env=environ, stdin=subprocess.DEVNULL, stdout=console, stderr=console
            )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_LIMIT
        while time.monotonic() < deadline:
            if not self.alive:
                raise AssertionError(f"the daemon did not start:\n{self._last_words()}")
            try:
                if self.get("/ready").status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"the daemon is not ready after {START_LIMIT:.0f} s:\n{self._last_words()}")

    def _last_words(self) -> str:
        console = (self.home / "console").read_text(encoding="utf-8", errors="replace")
        return f"{console[-3000:]}\n{self.log()[-3000:]}"

    # What it is and holds

    def log(self) -> str:
        """All of ``qis.log``."""
        try:
            return (self.logs / "qis.log").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    def resident(self) -> int:
        """Bytes of memory that the daemon has at the moment."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("the daemon has no memory")

    def open_files(self) -> int:
        """Number of its open file descriptors."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def add_template(self, name: str, values: Mapping[str, object]) -> None:
        """Put a template into its database and wait until images can be asked for with it."""
        document = json.dumps({field: {"value": value} for field, value in values.items()})
        connection = psycopg2.connect(host=self.state / "postgres/run", port=5432, user="qis", dbname="qis-mgmt")
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute("insert into imagetemplates (name, template) values (%s, %s)", (name, document))
        finally:
            connection.close()
        deadline = time.monotonic() + 10
        while self.ask(src="tiny.png", tmp=name, method="HEAD").status == 400:
            assert time.monotonic() < deadline, f"template {name} is not known after 10 s"
            time.sleep(0.05)

    # Asking

    def get(self, target: str, headers: Mapping[str, str] | None = None, *, method: str = "GET") -> Answer:
        """One request on a connection of its own; ``target`` goes out as it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_LIMIT)
        try:
            connection.request(method, target, headers=dict(headers or {}))
            response = connection.getresponse()
            return Answer(status=response.status, headers=response.headers, body=response.read())
        finally:
            connection.close()

    def ask(
        self,
        route: str = "/image",
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        **parameters: Parameter,
    ) -> Answer:
        """Ask for an image, or what ``route`` else has; errors come as JSON."""
        wishes = {"Accept": "application/json", **(headers or {})}
        return self.get(f"{route}?{query(parameters)}", wishes, method=method)

    def connect(self) -> socket.socket:
        """A bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=ANSWER_LIMIT)

    def first_answer(self, data: bytes) -> Answer:
        """The first answer to ``data`` on a connection that is given up then."""
        with self.connect() as connection:
            connection.sendall(data)
            response = http.client.HTTPResponse(connection)
            try:
                response.begin()
                return Answer(status=response.status, headers=response.headers, body=response.read())
            finally:
                response.close()

    def raw(self, data: bytes) -> bytes:
        """Everything that comes back on one connection, until the daemon ends it, after ``data`` was sent."""
        with self.connect() as connection:
            connection.sendall(data)
            return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    """All that comes until the other side closes; a reset after an answer is as good."""
    received = bytearray()
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionResetError:
        if not received:
            raise
    return bytes(received)


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


_running: dict[str, dict[str, Daemon | BaseException]] = {}


def shared(module: str, **settings: str) -> Daemon:
    """The daemon with ``settings`` of the test module that is called ``module``, started at the first call.

    One that did not start is not tried again: the reason is raised for each test.
    """
    for other in [name for name in _running if name != module]:
        _stop(other)
    mine = _running.setdefault(module, {})
    key = repr(sorted(settings.items()))
    if key not in mine:
        try:
            mine[key] = Daemon(**settings)
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            mine[key] = error
    found = mine[key]
    if isinstance(found, BaseException):
        raise AssertionError(str(found)) from found
    return found


def _stop(module: str) -> None:
    for daemon in _running.pop(module).values():
        if isinstance(daemon, Daemon):
            daemon.stop()


def _stop_all() -> None:
    for module in list(_running):
        _stop(module)


atexit.register(_stop_all)


class LiveCase(SynchronousTestCase):
    """A test that talks to the daemon of its module; whatever it does, the daemon must come out of it unharmed.

    :cvar settings: settings of the daemon; tests with equal ones share it.
    """

    settings: ClassVar[Mapping[str, str]] = {}
    daemon: Daemon

    def setUp(self) -> None:
        self.daemon = shared(type(self).__module__, **self.settings)
        self._logged = len(self.daemon.log())
        self.addCleanup(self._check_daemon)

    def _check_daemon(self) -> None:
        self.assertTrue(self.daemon.alive, "the daemon died")
        self.assertEqual(self.daemon.get("/health").status, 200)
        news = self.daemon.log()[self._logged :]
        self.assertNotIn("Traceback", news)

    def image(self, src: str, **parameters: Parameter) -> Image.Image:
        """The picture, which must be there, that an image request gives."""
        answer = self.ask(src=src, **parameters)
        self.assertEqual(answer.status, 200, f"{src} {parameters}: {answer.body[:300]!r}")
        return answer.image

    def ask(self, route: str = "/image", **parameters: Any) -> Answer:
        """As :meth:`Daemon.ask`."""
        return self.daemon.ask(route, **parameters)

    def assert_refused(self, answer: Answer, status: int, *texts: str) -> None:
        """An error of ``status`` whose message has all ``texts`` in it, in any case of letters."""
        self.assertEqual(answer.status, status, f"{answer.body[:300]!r}")
        for text in texts:
            self.assertIn(text.lower(), answer.message.lower())
