"""What all commands share: questions, tables, what is said when something was done."""

from __future__ import annotations

import errno
import io
import os
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from qisd.cli.console import CommandError, Console, Exit, ReaderGone, plain
from tests.cli.runner import Terminal


def console(**fields: Any) -> Console:
    return Console(out=io.StringIO(), err=io.StringIO(), environ={}, **fields)


def written(stream: Any) -> str:
    return str(stream.getvalue())


class QuestionTests(SynchronousTestCase):
    def test_yes_is_an_answer_in_any_case_of_letters(self) -> None:
        for answer in ("y\n", "YES\n", " Yes \n"):
            one = console(source=Terminal(answer))
            one.confirm("Remove it?")
            self.assertEqual(written(one.err), "Remove it? [y/N] ")
            self.assertEqual(written(one.out), "")

    def test_all_else_is_no(self) -> None:
        for answer in ("n\n", "\n", "", "yesterday\n", "\0\n"):
            with self.assertRaises(CommandError) as caught:
                console(source=Terminal(answer)).confirm("Remove it?")
            self.assertEqual(caught.exception.exit_code, Exit.INTERRUPTED)

    def test_where_nobody_can_answer_the_flag_is_named(self) -> None:
        with self.assertRaises(CommandError) as caught:
            console(source=io.StringIO("y\n")).confirm("Remove it?")
        self.assertEqual(caught.exception.exit_code, Exit.BAD_ARGUMENT)
        self.assertIn("--yes", str(caught.exception))

    def test_with_the_flag_nobody_is_asked(self) -> None:
        one = console(source=io.StringIO(), yes=True)
        one.confirm("Remove it?")
        self.assertEqual(written(one.err), "")


class OutputTests(SynchronousTestCase):
    def test_what_was_done_is_a_message_or_json(self) -> None:
        one = console()
        self.assertEqual(one.done("did it", {"n": 1}), Exit.DONE)
        self.assertEqual((written(one.out), written(one.err)), ("", "did it\n"))
        one = console(as_json=True)
        one.done("did it", {"n": 1})
        self.assertEqual((written(one.out), written(one.err)), ('{\n  "n": 1\n}\n', ""))
        one = console(quiet=True)
        one.done("did it", {"n": 1})
        self.assertEqual((written(one.out), written(one.err)), ("", ""))

    def test_json_keeps_to_the_letters_that_the_reader_has(self) -> None:
        for encoding, text in (("utf-8", '"ä"'), ("ascii", '"\\u00e4"')):
            out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
            one = Console(out=out, err=io.StringIO(), environ={})
            one.result_line("ä")
            one.result_json("ä\udcff")
            out.flush()
            self.assertEqual(out.buffer.getvalue().decode().splitlines(), [text, '"\\u00e4\\udcff"'])  # type: ignore[attr-defined]  # BytesIO

    def test_a_result_that_is_not_wanted_or_does_not_fit_is_told_apart(self) -> None:
        class Failing(io.StringIO):
            def __init__(self, number: int) -> None:
                super().__init__()
                self.number = number

            def write(self, text: str) -> int:
                raise OSError(self.number, os.strerror(self.number))

        with self.assertRaises(ReaderGone):
            Console(out=Failing(errno.EPIPE), err=io.StringIO(), environ={}).result("x")
        with self.assertRaises(CommandError) as caught:
            Console(out=Failing(errno.ENOSPC), err=io.StringIO(), environ={}).result("x")
        self.assertEqual(caught.exception.exit_code, Exit.PARTLY_DONE)
        self.assertIn("No space left", str(caught.exception))
        for number in (errno.EPIPE, errno.ENOSPC):  # that nobody can be told ends no work
            Console(out=io.StringIO(), err=Failing(number), environ={}).message("x")

    def test_nothing_in_a_name_reaches_the_terminal_as_a_command(self) -> None:
        for name, shown in (
            ("a\x1b[2Jb", "a\\x1b[2Jb"),
            ("two\nlines", "two\\nlines"),
            ("\u202etxt.exe", "\\u202etxt.exe"),
            ("Äpfel 🐧", "Äpfel 🐧"),
        ):
            self.assertEqual(plain(name), shown)
            one = console()
            one.table([["NAME", "X"], [name, "1"]])
            self.assertIn(shown, written(one.out))
            self.assertEqual(len(written(one.out).splitlines()), 2)
