"""The line that says how far long work is."""

from __future__ import annotations

import errno
import io
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from qisd.cli import progress
from qisd.cli.console import Console
from qisd.cli.progress import progress_bar, size_text
from tests.cli.runner import Terminal


class ProgressTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.patch(progress, "_EVERY", 0.0)

    def drawn(self, err: io.StringIO, *, terminal: str = "xterm", **fields: Any) -> str:
        console = Console(out=io.StringIO(), err=err, environ={"TERM": terminal}, **fields)
        with progress_bar(console, "copying") as bar:
            bar.show(50, "file\nb")
            bar.show(250)
            bar("moving", 1, 4)
        return err.getvalue()

    def test_a_terminal_sees_it_and_it_is_gone_at_the_end(self) -> None:
        text = self.drawn(Terminal())
        self.assertIn("copying  [############............]  50 %  file\\nb", text)
        self.assertIn("[########################] 100 %", text)
        self.assertIn("moving  [######..................]  25 %  1 of 4", text)
        self.assertTrue(text.endswith("\r\x1b[K"))
        self.assertNotIn("\n", text)

    def test_nobody_else_does(self) -> None:
        self.assertEqual(self.drawn(io.StringIO()), "")
        self.assertEqual(self.drawn(Terminal(), quiet=True), "")
        self.assertEqual(self.drawn(Terminal(), as_json=True), "")
        self.assertEqual(self.drawn(Terminal(), terminal="dumb"), "")

    def test_a_terminal_that_goes_away_ends_the_line_and_not_the_work(self) -> None:
        class Gone(Terminal):
            def write(self, text: str) -> int:
                raise OSError(errno.EIO, "Input/output error")

        self.assertEqual(self.drawn(Gone()), "")

    def test_no_line_is_longer_than_the_terminal_is_wide(self) -> None:
        err = Terminal()
        with progress_bar(Console(out=io.StringIO(), err=err, environ={}), "x" * 500):
            pass
        self.assertLess(max(len(line) for line in err.getvalue().split("\r\x1b[K")), 500)

    def test_sizes_are_told_in_a_unit_that_suits_them(self) -> None:
        for count, text in ((0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (5 * 2**40, "5.0 TiB")):
            self.assertEqual(size_text(count), text)
