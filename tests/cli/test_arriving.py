"""Files that arrive whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from qisd.cli.arriving import arriving
from qisd.cli.console import CommandError


class ArrivingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.target = self.folder / "backup.dump"

    def test_it_has_its_name_at_the_end_only_and_is_for_its_owner(self) -> None:
        with arriving(self.target) as descriptor:
            os.write(descriptor, b"all of it")
            self.assertFalse(self.target.exists())
        self.assertEqual(self.target.read_bytes(), b"all of it")
        self.assertEqual(stat.S_IMODE(self.target.stat().st_mode), 0o600)
        self.assertEqual(list(self.folder.iterdir()), [self.target])

    def test_it_takes_the_place_of_an_older_one(self) -> None:
        self.target.write_bytes(b"old")
        self.target.chmod(0o644)
        with arriving(self.target) as descriptor:
            os.write(descriptor, b"new")
        self.assertEqual(self.target.read_bytes(), b"new")
        self.assertEqual(stat.S_IMODE(self.target.stat().st_mode), 0o600)

    def test_after_an_error_the_older_one_is_there_and_nothing_else(self) -> None:
        self.target.write_bytes(b"old")
        for error in (ZeroDivisionError, KeyboardInterrupt):
            with self.assertRaises(error), arriving(self.target) as descriptor:
                os.write(descriptor, b"half of")
                raise error
        self.assertEqual(self.target.read_bytes(), b"old")
        self.assertEqual(list(self.folder.iterdir()), [self.target])

    def test_a_place_that_is_not_there_is_named(self) -> None:
        with self.assertRaises(CommandError) as caught, arriving(self.folder / "none" / "file"):
            pass
        self.assertIn(f"{self.folder}/none/file can't be written", str(caught.exception))
