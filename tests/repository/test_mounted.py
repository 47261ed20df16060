"""Whether the image library is there: :mod:`qisd.repository.mounted`."""

from __future__ import annotations

import shutil
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from qisd.repository.mounted import MARKER, Mounted


class MountedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.root = Path(self.mktemp())
        self.root.mkdir()

    def prepared(self, *, was_there: bool = False, check_file: str = "") -> tuple[Mounted, str]:
        mounted = Mounted(self.root, check_file=check_file)
        return mounted, mounted.prepare("installation-1", was_there=was_there)

    def test_a_new_library_gets_its_mark(self) -> None:
        mounted, fault = self.prepared()
        self.assertEqual(fault, "")
        self.assertEqual((self.root / MARKER).read_text(), "installation-1\n")
        self.assertTrue(mounted.is_there())

    def test_without_its_mark_it_is_not_there(self) -> None:
        mounted, _ = self.prepared()
        (self.root / MARKER).unlink()
        (self.root / "other.jpg").touch()
        self.assertFalse(mounted.is_there())
        shutil.rmtree(self.root)
        self.assertFalse(mounted.is_there())

    def test_an_empty_root_is_no_library_that_had_files(self) -> None:
        (self.root / "lost+found").mkdir()  # a file system, but not the one
        mounted, fault = self.prepared(was_there=True)
        self.assertIn("place is empty", fault)
        self.assertFalse((self.root / MARKER).exists())
        self.assertFalse(mounted.is_there())

    def test_the_library_of_another_installation_is_not_ours(self) -> None:
        (self.root / MARKER).write_text("installation-2\n")
        mounted, fault = self.prepared()
        self.assertIn("another installation", fault)
        self.assertFalse(mounted.is_there())

    def test_the_mark_that_the_installation_had_under_its_former_id_is_renewed(self) -> None:
        (self.root / MARKER).write_text("installation-0\n")
        mounted = Mounted(self.root)
        self.assertEqual(mounted.prepare("installation-1", was_there=True, formerly="installation-0"), "")
        self.assertEqual((self.root / MARKER).read_text(), "installation-1\n")
        self.assertTrue(mounted.is_there())

    def test_an_empty_mark_is_nobodys(self) -> None:
        (self.root / MARKER).touch()
        _, fault = self.prepared()
        self.assertIn("another installation", fault)

    def test_a_library_that_is_only_read_is_there_while_something_is_in_it(self) -> None:
        (self.root / "x.jpg").touch()
        self.patch(Mounted, "_write", lambda self: None)
        mounted, fault = self.prepared(was_there=True)
        self.assertEqual((fault, mounted.is_there()), ("", True))
        (self.root / "x.jpg").unlink()
        self.assertFalse(mounted.is_there())

    def test_the_operators_own_file_must_be_there(self) -> None:
        mounted, fault = self.prepared(check_file="here.txt")
        self.assertIn("missing", fault)
        self.assertFalse(mounted.is_there())
        (self.root / "here.txt").touch()
        mounted, fault = self.prepared(check_file="here.txt")
        self.assertEqual((fault, mounted.is_there()), ("", True))
        (self.root / "here.txt").unlink()
        self.assertFalse(mounted.is_there())
