"""What is where a command was told that something is."""

from __future__ import annotations

import os
from pathlib import Path

from qisd.cli.console import CommandError
from qisd.cli.places import look, ordinary
from tests.cli.runner import CommandCase


class PlaceTests(CommandCase):
    def setUp(self) -> None:
        super().setUp()
        self.file = self.directory / "file"
        self.file.touch()

    def test_a_place_is_seen_for_what_it_is(self) -> None:
        link = self.directory / "link"
        link.symlink_to(self.file)
        for path, kind in (
            (self.file, "file"),
            (link, "file"),
            (self.directory, "directory"),
            (Path(os.devnull), "else"),
            (self.directory / "nothing", "nothing"),
            (self.file / "below", "nothing"),
        ):
            self.assertEqual(look(path), kind)

    def test_one_that_can_not_be_seen_is_told(self) -> None:
        with self.assertRaises(CommandError) as caught:
            look(self.directory / ("x" * 300))
        self.assertIn("can't be reached: File name too long", str(caught.exception))

    def test_only_ordinary_files_are_read_and_replaced(self) -> None:
        self.assertTrue(ordinary(self.file))
        self.assertFalse(ordinary(self.directory / "nothing"))
        for path, text in ((self.directory, "is a directory"), (Path(os.devnull), "is no ordinary file")):
            with self.assertRaises(CommandError) as caught:
                ordinary(path)
            self.assertIn(text, str(caught.exception))

    def test_no_command_writes_over_anything_else(self) -> None:
        pipe = self.directory / "pipe"
        os.mkfifo(pipe)
        for arguments in (
            ("database", "backup", str(pipe)),
            ("database", "restore", str(pipe)),
            ("import-qis", "--from", str(self.directory), "--settings-output", str(pipe)),
        ):
            outcome = self.qis(*arguments, "--yes")
            self.assertEqual((outcome.code, outcome.out), (2, ""), outcome.err)
            self.assertIn("is no ordinary file", outcome.err)
        self.assertEqual(look(pipe), "else")
