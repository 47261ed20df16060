from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from qisd import __version__
from qisd.web.operations import Readiness
from tests.web.support import Door


class OperationsTests(SynchronousTestCase):
    def test_health_asks_nothing(self) -> None:
        door = Door()
        door.images.error = RuntimeError("broken")
        door.state = Readiness(ready=False, checks={})
        answer = door.ask("/health")
        self.assertEqual((answer.status, answer.body), (200, b"ok"))
        self.assertEqual(answer.headers["Content-Type"], "text/plain; charset=utf-8")
        self.assertEqual(answer.headers["Cache-Control"], "no-store")

    def test_ready_says_whether_and_why(self) -> None:
        door = Door()
        answer = door.ask("/ready")
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "application/json"))
        self.assertEqual(
            json.loads(answer.body), {"status": "ready", "version": __version__, "checks": {"database": True}}
        )
        door.state = Readiness(ready=False, checks={"database": False})
        answer = door.ask("/ready")
        self.assertEqual((answer.status, json.loads(answer.body)["status"]), (503, "not ready"))
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
