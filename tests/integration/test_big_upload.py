"""An upload many times larger than the memory that the daemon has for it."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.integration import multipart
from tests.integration.postgres import PostgresServer, places
from tests.integration.process import Home, Run, until

MIB = 2**20
SIZE = 512 * MIB

# All that a process may allocate. It has 250 MiB then, since the stacks of threads count at their full size.
LIMIT = 350 * MIB
GROWTH = 32 * MIB

_PICTURE = b"P5\n16384 32768\n255\n"


class BigUploads(SynchronousTestCase):
    def setUp(self) -> None:
        server = PostgresServer(next(folder for name, folder in places().items() if name.startswith("System")))
        self.addCleanup(server.remove)
        database = server.new_database()
        self.home = Home(
            MGMT_DATABASE_CONNECTION=server.url(database),
            HTTPS_LISTEN="[]",
            INTERNAL_BROWSING_SSL="false",
            MAX_SOURCE_PIXELS=str(SIZE),
            MIN_FREE_SPACE_MB="0",
        )
        self.addCleanup(self.home.remove)
        self.home.wrapper = ["prlimit", f"--data={LIMIT}"]
        self.daemon = self.home.start().ready()
        server.run_sql(database, "update users set allow_api = true")
        found = re.search(r"admin user with password (\S+)", self.daemon.log)
        assert found is not None
        self.authorization = _basic("admin", found[1])
        self.authorization = _basic(until(self.token, "a token"), "")

    def token(self) -> str | None:
        status, answer = self.send("POST", "/api/v1/token/", iter(()), 0)
        return str(answer["data"]["token"]) if status == 200 else None

    def test_it_is_received_in_little_memory_and_put_in_its_place(self) -> None:
        before = {process: _marked(process) for process in _processes(self.daemon)}
        empty = multipart.form([("big.pgm", _PICTURE)], path="/samples")
        head, end = empty[: empty.index(_PICTURE)], empty[empty.index(_PICTURE) + len(_PICTURE) :]
        status, answer = self.send(
            "POST",
            "/api/v1/upload/",
            iter((head, _PICTURE, *_pixels(), end)),
            len(empty) + SIZE,
            **{"Content-Type": multipart.CONTENT_TYPE},
        )
        self.assertEqual((status, answer["message"]), (200, "OK"))
        image = answer["data"]["big.pgm"]
        self.assertEqual((image["width"], image["height"]), (16384, 32768))
        self.assertEqual((self.home.path / "images/samples/big.pgm").stat().st_size, SIZE + len(_PICTURE))
        for process, had in before.items():
            self.assertLess(_peak(process) - had, GROWTH)
        self.what_is_refused_at_its_end_is_gone()
        self.assertEqual(self.daemon.stop(), 0)
        self.assertNotIn("Traceback", self.home.log() + self.daemon.console)

    def what_is_refused_at_its_end_is_gone(self) -> None:
        path = "/api/v1/admin/filesystem/files/samples/big.png"
        status, answer = self.send("PUT", path, _pixels(64 * MIB), 64 * MIB)
        self.assertEqual((status, answer["status"]), (415, 415))
        images = self.home.path / "images"
        self.assertEqual([one for one in (images / ".uploads").rglob("*") if one.is_file()], [])
        self.assertFalse((images / "samples/big.png").exists())

    def send(
        self, method: str, path: str, pieces: Iterator[bytes], length: int, **headers: str
    ) -> tuple[int, dict[str, dict[str, dict[str, object]]]]:
        connection = self.daemon.connect()
        try:
            headers |= {"Authorization": self.authorization, "Content-Length": str(length)}
            connection.request(method, path, body=pieces, headers=headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()


def _basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def _pixels(size: int = SIZE) -> Iterator[bytes]:
    some = os.urandom(MIB)
    return (some for _ in range(size // MIB))


def _processes(run: Run) -> list[int]:
    """The daemon's process, and those that it has started."""
    found = [run.process.pid]
    for process in found:
        for children in Path(f"/proc/{process}/task").glob("*/children"):
            found += map(int, children.read_text().split())
    return found


def _marked(process: int) -> int:
    """Have the peak of a process counted from now on; returns what it takes now: bytes in RAM."""
    Path(f"/proc/{process}/clear_refs").write_text("5")
    return _status(process, "VmRSS")


def _peak(process: int) -> int:
    return _status(process, "VmHWM")


def _status(process: int, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024
