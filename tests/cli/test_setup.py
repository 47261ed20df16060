"""``qis setup``."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from qisd.cli import users
from tests.access.pairs import make_pair
from tests.cli.runner import CommandCase, Terminal

_BEFORE = '# The name.\n# PUBLIC_HOST_NAME = "images.example.com"\n\n# Mine.\nHTTP_THREADS = 3\n'


class SetupTests(CommandCase):
    def test_what_is_given_is_written_and_comments_stay(self) -> None:
        self.settings(_BEFORE)
        outcome = self.qis("setup", "--host", "img.example.org", "--tls", "self", "--workers", "auto")
        self.assertEqual(outcome.code, 0, outcome.err)
        text = self.path.read_text()
        self.assertIn('# PUBLIC_HOST_NAME = "images.example.com"\nPUBLIC_HOST_NAME = "img.example.org"\n', text)
        self.assertIn("# Mine.\nHTTP_THREADS = 3\n", text)
        for name, value in (("PUBLIC_HOST_NAME", "img.example.org"), ("HTTP_PROCESSES", "auto"), ("ACME", "false")):
            self.assertEqual(self.qis("settings", "get", name).out.strip().strip('"'), value)
        self.assertIn("systemctl start qis", outcome.err)
        again = self.qis("setup", "--host", "img.example.org", "--tls", "self", "--workers", "auto")
        self.assertEqual((again.code, self.path.read_text()), (0, text))

    def test_what_would_be_bad_is_not_written(self) -> None:
        self.settings(_BEFORE)
        for arguments, told in (
            (("--host", "no name"), "PUBLIC_HOST_NAME"),
            (("--tls", "files", "--certificate", "/nowhere", "--key", "/nowhere"), "TLS_CERTIFICATE_FILE"),
            (("--tls", "acme", "--yes"), "needs PUBLIC_HOST_NAME"),
            (("--tls", "self", "--key", "/x"), "--tls files"),
        ):
            outcome = self.qis("setup", *arguments)
            self.assertEqual((outcome.code, self.path.read_text()), (2, _BEFORE), arguments)
            self.assertIn(told, outcome.err)
        self.settings("HTTP_THREADS = [\n")
        self.assertEqual(self.qis("setup", "--host", "a.example").code, 2)

    def test_something_must_be_given_where_nobody_can_be_asked(self) -> None:
        self.assertEqual(self.qis("setup").code, 1)
        self.assertEqual(self.qis("setup", "--tls", "files", "--key", "/x").code, 1)

    def test_certificates_of_ones_own_are_checked_and_named(self) -> None:
        now = datetime.now(UTC)
        pair = make_pair("img.example.org", begin=now - timedelta(days=1), end=now + timedelta(days=90))
        certificate, key = pair.write(self.directory)
        outcome = self.qis(
            "setup", "--host", "img.example.org", "--tls", "files", "--certificate", str(certificate), "--key", str(key)
        )
        self.assertEqual(outcome.code, 0, outcome.err)
        self.assertIn(str(key), self.qis("settings", "get", "TLS_PRIVATE_KEY_FILE").out)

    def test_the_terms_of_an_authority_have_to_be_agreed_to(self) -> None:
        arguments = ("setup", "--host", "img.example.org", "--tls", "acme", "--email", "a@example.org")
        self.assertEqual(self.qis(*arguments).code, 2)
        self.assertFalse(self.path.exists())
        self.assertEqual(self.qis(*arguments, "--yes").code, 0)
        self.assertIn("ACME_TERMS_AGREED = true", self.path.read_text())

    def test_somebody_who_is_there_is_asked_for_the_rest(self) -> None:
        outcome = self.qis("setup", stdin=Terminal("img.example.org\nself\nno\n"))
        self.assertEqual(outcome.code, 0, outcome.err)
        self.assertIn('PUBLIC_HOST_NAME = "img.example.org"', self.path.read_text())
        self.assertEqual(self.qis("setup", stdin=Terminal("")).code, 130)

    def test_what_can_not_be_is_told_at_once_and_asked_again(self) -> None:
        key = self.directory / "key.pem"
        outcome = self.qis("setup", stdin=Terminal(f"no name\nimg.example.org\nfoo\nfiles\n{key}\n"))
        self.assertEqual(outcome.code, 130)
        for told in ("PUBLIC_HOST_NAME", "'foo' is none of self, acme, files", f"{key}: No such file"):
            self.assertIn(told, outcome.err)
        self.assertEqual(outcome.err.count("File of the certificate:"), 2)

    def test_a_password_of_admin_is_asked_for_by_those_who_want_to_choose_it(self) -> None:
        chosen: list[object] = []
        self.patch(users, "set_password", lambda console, options: chosen.append((options.name, options.password_file)))
        for answer, expected in (
            ("no", []),
            ("N", []),
            ("", []),
            ("perhaps\nyes", [("admin", None)]),
            ("y", [("admin", None)]),
        ):
            chosen.clear()
            outcome = self.qis("setup", "--host", "img.example.org", "--tls", "self", stdin=Terminal(f"{answer}\n"))
            self.assertEqual((outcome.code, chosen), (0, expected), outcome.err)

    def test_what_the_environment_says_beats_it_and_that_is_told(self) -> None:
        self.environ["QIS_PUBLIC_HOST_NAME"] = "other.example"
        self.assertIn("environment, which beats", self.qis("setup", "--host", "img.example.org").err)

    def test_a_server_that_runs_takes_it_up(self) -> None:
        folder = tempfile.TemporaryDirectory()  # the path of a socket can't be long
        self.addCleanup(folder.cleanup)
        self.environ["QIS_STATE_DIR"] = folder.name
        told: list[tuple[int, int]] = []
        self.patch(os, "kill", lambda process, number: told.append((process, number)))
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(Path(folder.name) / "control.sock"))
            listening.listen(1)
            listening.settimeout(60)  # rather an error than a test that hangs

            def answer() -> None:
                connection, _ = listening.accept()
                with connection, connection.makefile("rb") as asked:
                    asked.readline()
                    connection.sendall(b'{"result": {"pid": 4711}}\n')

            thread = threading.Thread(target=answer)
            thread.start()
            outcome = self.qis("setup", "--workers", "3")
            thread.join()
        self.assertEqual((outcome.code, told), (0, [(4711, signal.SIGHUP)]), outcome.err)
