"""Where the password of a command comes from."""

from __future__ import annotations

import argparse
import getpass
import io
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from qisd.cli.console import CommandError, Console, Exit
from qisd.cli.passwords import read_new_password
from tests.cli.runner import Terminal


class PasswordTests(SynchronousTestCase):
    def read(self, *, file: str | None = None, stdin: io.StringIO | None = None) -> str:
        self.err = io.StringIO()
        console = Console(out=io.StringIO(), err=self.err, environ={}, source=stdin or io.StringIO())
        return read_new_password(
            console, argparse.Namespace(password_file=None if file is None else Path(file)), username="ann"
        )

    def refused(self, *, file: str | None = None, stdin: io.StringIO | None = None) -> CommandError:
        with self.assertRaises(CommandError) as caught:
            self.read(file=file, stdin=stdin)
        return caught.exception

    def file(self, content: bytes) -> str:
        path = Path(self.mktemp())
        path.write_bytes(content)
        return str(path)

    def answers(self, *answers: str) -> None:
        left = list(answers)
        self.patch(getpass, "getpass", lambda prompt, stream: left.pop(0))

    def test_it_is_the_first_line_of_a_file_without_its_break(self) -> None:
        for content in (b"pass word", b"pass word\n", b"pass word\r\n", b"pass word\nmore\n"):
            self.assertEqual(self.read(file=self.file(content)), "pass word")
        self.assertEqual(self.read(file=self.file("Paßwort".encode())), "Paßwort")

    def test_it_is_the_first_line_of_standard_input_where_nobody_can_be_asked(self) -> None:
        self.assertEqual(self.read(stdin=io.StringIO("secret word\n")), "secret word")
        self.assertEqual(self.read(file="-", stdin=Terminal("secret word\n")), "secret word")

    def test_somebody_is_asked_twice(self) -> None:
        self.answers("secret word", "secret word")
        self.assertEqual(self.read(stdin=Terminal()), "secret word")

    def test_somebody_is_asked_until_it_is_a_good_one(self) -> None:
        self.answers("short", "secret word", "secret wort", "secret word", "secret word")
        self.assertEqual(self.read(stdin=Terminal()), "secret word")
        told = self.err.getvalue().splitlines()
        self.assertEqual(len(told), 2, told)
        self.assertIn("too short", told[0])
        self.assertIn("differ", told[1])

    def test_whoever_ends_the_input_wants_nothing_to_happen(self) -> None:
        def end(prompt: str, stream: object) -> str:
            raise EOFError

        self.patch(getpass, "getpass", end)
        with self.assertRaises(KeyboardInterrupt):
            self.read(stdin=Terminal())

    def test_none_at_all_is_a_missing_argument(self) -> None:
        self.assertEqual(self.refused(stdin=io.StringIO()).exit_code, Exit.MISSING_ARGUMENT)
        self.assertEqual(self.refused(file=self.file(b"\nsecond line\n")).exit_code, Exit.MISSING_ARGUMENT)

    def test_a_file_that_cannot_be_read_is_named(self) -> None:
        self.assertIn("/nowhere", str(self.refused(file="/nowhere/file")))
        self.assertIn("UTF-8", str(self.refused(file=self.file(b"\xff\xfe"))))
        self.assertIn("directory", str(self.refused(file="/")).lower())
