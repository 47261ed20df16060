"""``qis status`` and ``qis health``."""

from __future__ import annotations

import json
import socket
import tempfile
import threading
from pathlib import Path
from typing import Any

from tests.cli.runner import CommandCase

WORKER = {
    "name": "http worker 1", "pid": 31, "state": "ready", "uptime": 3725.0, "restarts": 2, "ready": True,
    "checks": {"database": False, "render": True}, "requests": 12_000, "connections": 7, "rendering": 1, "waiting": 0,
    "memory": 81_300_000, "cache": {"memory": 70, "memcached": 20, "misses": 10},
}  # fmt: skip
TASKS = {"name": "task worker", "pid": None, "state": "waiting", "uptime": 0.0, "restarts": 9}
STATUS = {
    "version": "1.2.3",
    "pid": 30,
    "uptime": 200_000.0,
    "addresses": ["http://127.0.0.1:80"],
    "checks": {"settings": False, "store": True, "database": True, "something": False},
    "processes": [WORKER, TASKS],
    "certificates": [{"name": "default", "hosts": ["a.example"], "not_after": "2030-01-01", "days_left": 12}],
    "free_bytes": {"images": 1_500_000_000, "state": None},
}


class StatusTests(CommandCase):
    def setUp(self) -> None:
        super().setUp()
        # The path of a socket can't be long, and that of a test's directory is.
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.state = Path(folder.name)
        self.environ["QIS_STATE_DIR"] = str(self.state)

    def answer(self, answer: bytes) -> None:
        """Be the server, for one question."""
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(self.state / "control.sock"))
        listening.listen(1)

        def serve() -> None:
            connection, _ = listening.accept()
            with connection, listening, connection.makefile("rb") as asked:
                self.asked = json.loads(asked.readline())
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        self.addCleanup(thread.join)

    def result(self, **changes: Any) -> None:
        self.answer(json.dumps({"result": {**STATUS, **changes}}).encode() + b"\n")

    def test_every_process_has_a_line(self) -> None:
        self.result()
        outcome = self.qis("status")
        self.assertEqual((outcome.code, outcome.err, self.asked), (0, "", {"command": "status"}))
        for line in (
            "qisd 1.2.3, process 30, up 2 d 7 h",
            "addresses: http://127.0.0.1:80",
            "NOT WELL: the last reload was refused, and the settings before it hold: `qis check`",
            "NOT WELL: something",
            "free space, images: 1.5 GB",
            "free space, state: unknown",
            "certificate default (a.example): 12 days left",
        ):
            self.assertIn(f"{line}\n", outcome.out)
        rows = [line.split() for line in outcome.out.splitlines()[-2:]]
        self.assertEqual(
            " ".join(rows[0]),
            "http worker 1 31 ready, but: database 1 h 2 min 2 12000 7 81.3 MB 1 0 90 %",
        )
        self.assertEqual(" ".join(rows[1]), "task worker - waiting 0 s 9 - - - - - -")

    def test_what_is_well_is_not_told(self) -> None:
        self.result(checks={"settings": True, "store": True})
        self.assertNotIn("NOT WELL", self.qis("status").out)

    def test_too_little_room_is_told_by_the_place(self) -> None:
        self.result(checks={}, free_bytes={"images": 500 * 2**20, "state": 99 * 2**20, "log": 101 * 2**20})
        ills = [line for line in self.qis("status").out.splitlines() if line.startswith("NOT WELL")]
        self.assertEqual(len(ills), 2)
        self.assertIn("uploads are refused", ills[0])
        self.assertIn("STATE_DIR", ills[1])

    def test_json_has_it_as_it_came(self) -> None:
        self.result()
        self.assertEqual(self.qis("status", "--json").json(), STATUS)

    def test_healthy_is_who_serves_images(self) -> None:
        for ready, code, text in ((True, 0, "ready\n"), (False, 5, "not ready\n")):
            self.result(processes=[{**WORKER, "ready": ready}, {**TASKS, "ready": True}])
            outcome = self.qis("health")
            self.assertEqual((outcome.code, outcome.out), (code, text))
            (self.state / "control.sock").unlink()

    def test_without_a_server_status_is_3_and_health_is_5(self) -> None:
        for command, code in (("status", 3), ("health", 5)):
            outcome = self.qis(command)
            self.assertEqual((outcome.code, outcome.out), (code, ""))
            self.assertIn("control.sock: No such file or directory", outcome.err)

    def test_whatever_else_answers_is_no_server(self) -> None:
        for answer in (b"", b"HTTP/1.1 400\r\n\r\n"):
            self.answer(answer)
            self.assertEqual(self.qis("status").code, 3)
            (self.state / "control.sock").unlink()

    def test_a_refusal_is_told(self) -> None:
        self.answer(b'{"error": "there is no such command"}\n')
        outcome = self.qis("status")
        self.assertEqual((outcome.code, outcome.err), (2, "qis: the server has refused: there is no such command\n"))
