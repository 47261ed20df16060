"""The examples of the documentation, run as a reader would run them, against a real daemon over HTTPS."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from typing import ClassVar

from tests.integration.live import LiveCase
from tests.integration.postgres import REPOSITORY

EXAMPLES = REPOSITORY / "docs" / "examples"
PASSWORD = 'a "first" pass\\word'

LIMIT = 300.0


class ExamplesTests(LiveCase):
    settings: ClassVar[Mapping[str, str]] = {"ADMIN_PASSWORD": PASSWORD, "MIN_FREE_SPACE_MB": "0"}

    def follow(self, *command: str, password: str = PASSWORD) -> subprocess.CompletedProcess[str]:
        """Run an example to its end."""
        environ = {
            **os.environ,
            "QIS_URL": f"https://127.0.0.1:{self.daemon.https_port}",
            "QIS_USER": "admin",
            "QIS_PASSWORD": password,
            "QIS_CA_FILE": str(self.daemon.folder / "state" / "tls" / "self-signed.pem"),
        }
        return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=LIMIT, check=False)

    def arrives(self, *command: str) -> None:
        done = self.follow(*command)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("All is as it should be.", done.stdout)
        self.assertEqual([one.name for one in self.daemon.images.glob("example*")], [])

    def test_an_integrator_gets_along_with_curl_alone(self) -> None:
        self.assertIsNotNone(shutil.which("curl"), "curl must be installed")
        self.arrives(str(EXAMPLES / "integrator.sh"))

    def test_an_integrator_gets_along_with_treq(self) -> None:
        self.arrives(sys.executable, str(EXAMPLES / "integrator_treq.py"))

    def test_the_one_with_curl_ends_at_the_first_answer_that_is_not_as_it_should_be(self) -> None:
        done = self.follow(str(EXAMPLES / "integrator.sh"), password="wrong")
        self.assertEqual(done.returncode, 1)
        self.assertIn("FAILED: /token/: status 403", done.stderr)
        self.assertNotIn("All is", done.stdout)

    def test_the_one_with_treq_ends_at_the_first_answer_that_is_not_as_it_should_be(self) -> None:
        done = self.follow(sys.executable, str(EXAMPLES / "integrator_treq.py"), password="wrong")
        self.assertEqual(done.returncode, 1)
        self.assertIn("Incorrect username or password", done.stderr)
        self.assertNotIn("All is", done.stdout)
