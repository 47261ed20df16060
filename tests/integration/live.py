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
import socket
import subprocess
from collections.abc import Mapping
from email.message import Message
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

import attrs
import psycopg2
from PIL import Image
from twisted.trial.unittest import SynchronousTestCase

from qisd.library.tasks import DISCOVER
from qisd.tasks.schedule import DAY
from tests.integration import library
from tests.integration.postgres import UNPRIVILEGED
from tests.integration.process import PREPARED, Home, until

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
        account = {"RUN_USER": UNPRIVILEGED} if os.geteuid() == 0 else {}
        self._home = Home(**account, **settings)
        self.folder = self._home.path
        self.images = self.folder / "images"
        self.logs = self.folder / "logs"
        self.settings_file = self._home.settings_file
        try:
            # Of a prepared one, the password of admin is set already.
            if "ADMIN_PASSWORD" in settings or not self._home.install("library"):
                self.images.mkdir()
                library.make(self.images)
            if account:
                subprocess.run(["chown", "-hR", UNPRIVILEGED, str(self.folder)], check=True)
            self._run = self._home.start().ready()
            self.port = self._run.port()
            until(lambda: self.get("/ready").status == 200, "the daemon to be ready")
            self.permit_downloads()
            self._begin_no_jobs()
        except BaseException:
            self._home.remove()
            raise

    # Life

    @property
    def pid(self) -> int:
        return self._run.process.pid

    @property
    def https_port(self) -> int:
        return self._run.port("https")

    @property
    def alive(self) -> bool:
        return self._run.process.poll() is None

    def end(self) -> None:
        """End the daemon in order; its files stay."""
        self._run.stop()

    def stop(self) -> None:
        """End the daemon and remove its files."""
        self._home.remove()

    # What it is and holds

    def log(self) -> str:
        """All of ``qis.log``."""
        return self._home.log()

    def resident(self) -> int:
        """Bytes of memory that the daemon has at the moment."""
        return self._memory("VmRSS")

    def peak(self) -> int:
        """The most bytes of memory that it has had at once since :meth:`forget_peak`."""
        return self._memory("VmHWM")

    def forget_peak(self) -> None:
        """Take the memory that it has now for its peak."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def _memory(self, name: str) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("the daemon has no memory")

    def open_files(self) -> int:
        """Number of its open file descriptors."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def permit_downloads(self) -> None:
        """Let everybody download the whole library, which a new installation only lets be viewed."""
        self.sql("update folderpermissions set access = 20")
        until(lambda: self.ask("/original", src="tiny.png").status == 200, "downloads to be permitted")

    def _begin_no_jobs(self) -> None:
        """What the daemon does once a day is not done now: whether it came during a test would be chance."""
        self.sql(
            "insert into schedules (name, interval_secs, next_run) values (%s, %s, now()) on conflict do nothing",
            DISCOVER,
            DAY,
        )
        self.sql("update schedules set next_run = now() + interval '1 day'")

    def sql(self, sql: str, *parameters: object) -> None:
        """Change something in its database."""
        sockets = self.folder / "state/postgres/run"
        connection = psycopg2.connect(host=sockets, port=5432, user="qis", dbname="qis-mgmt")
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(sql, parameters)
        finally:
            connection.close()

    def add_template(self, name: str, values: Mapping[str, object]) -> None:
        """Put a template into its database and wait until images can be asked for with it."""
        document = json.dumps({field: {"value": value} for field, value in values.items()})
        self.sql("insert into imagetemplates (name, template) values (%s, %s)", name, document)
        until(lambda: self.ask(src="tiny.png", tmp=name).status != 400, f"template {name} to be known")

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


def prepare(folder: Path) -> None:
    """Make in ``folder`` once what daemons begin with, and say so to all processes of the suite.

    ``library`` has the test pictures and the state of a daemon that has them; ``installation`` is as after a start.
    """
    home = Home()
    try:
        home.start().ready().stop()
        _keep(home.path, folder / "installation", "images", "state")
    finally:
        home.remove()
    daemon = Daemon()
    try:
        daemon.end()
        _keep(daemon.folder, folder / "library", "images", "outside", "images-old", "state")
    finally:
        daemon.stop()
    os.environ[PREPARED] = str(folder)


def _keep(made: Path, place: Path, *parts: str) -> None:
    place.mkdir()
    subprocess.run(["cp", "-a", *(str(made / part) for part in parts), str(place)], check=True)


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
