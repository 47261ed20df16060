"""The image library of a QIS: looked at, and copied."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from twisted.trial.unittest import SynchronousTestCase

from qisd.cli.qis_library import Copied, check_library, copy_library
from qisd.store.qis_import_findings import Findings
from qisd.store.qis_source import QisSource


class Source:
    """Stands in for a database."""

    def __init__(self, images: list[tuple[str, int]], exports: list[tuple[int, str]]) -> None:
        self._rows = {
            "images": [(n, src, 1, "", "", 1, 1, status) for n, (src, status) in enumerate(images)],
            "folioexports": [(n, folio, "", False, "{}", name, 1, "", "") for n, (folio, name) in enumerate(exports)],
        }

    def count(self, table: str) -> int:
        return len(self._rows[table])

    def rows(self, table: str) -> Iterator[tuple[object, ...]]:
        yield from self._rows[table]


class LibraryCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.root = Path(self.mktemp()).absolute()
        self.root.mkdir()
        self.findings = Findings()

    def write(self, *names: str) -> None:
        for name in names:
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
            os.utime(path, ns=(10**18 + 1, 10**18 + 1))

    def found(self) -> dict[str, list[str]]:
        return {finding.code: finding.examples for finding in self.findings}


class CheckTests(LibraryCase):
    def check(self, *images: tuple[str, int], exports: list[tuple[int, str]] | None = None) -> None:
        source = cast("QisSource", Source(list(images), exports or []))
        check_library(self.root, ".zips", source, self.findings, lambda *_: None)

    def test_active_images_without_a_file_are_told(self) -> None:
        self.write("a/b.jpg", "top.jpg")
        (self.root / "folder.jpg").mkdir()
        self.check(("a/b.jpg", 1), ("/top.jpg", 1), ("a/c.jpg", 1), ("a/d.jpg", 0), ("folder.jpg", 1), ("../x", 1))
        self.assertEqual(self.found(), {"file_missing": ["2: a/c.jpg", "4: folder.jpg", "5: ../x"]})

    def test_names_are_found_in_every_composition(self) -> None:
        self.write("ba\u0308ume.jpg", "h\u00e4user.jpg")
        self.check(("b\u00e4ume.jpg", 1), ("ha\u0308user.jpg", 1))
        self.assertEqual(self.found(), {})

    def test_names_that_no_file_can_have_are_missing(self) -> None:
        self.check(("x" * 300, 1), ("a\0b", 1), ("", 1))
        self.assertEqual(len(self.found()["file_missing"]), 3)

    def test_zips_and_exports_must_fit_each_other(self) -> None:
        self.write(".zips/1/a.zip", ".zips/2/b.zip", ".zips/2/note.txt")
        self.check(exports=[(1, "a.zip"), (1, "c.zip"), (2, "")])
        self.assertEqual(self.found(), {"zip_missing": ["1/c.zip"], "zip_unknown": ["2/b.zip"]})

    def test_a_library_that_is_not_there_is_told_once(self) -> None:
        self.root = self.root / "missing"
        self.check(("a.jpg", 1), ("b.jpg", 1))
        self.assertEqual(list(self.found()), ["library_missing"])


class CopyTests(LibraryCase):
    def setUp(self) -> None:
        super().setUp()
        self.target = self.root.with_name("target")

    def copy(self, *, trial: bool = False) -> Copied:
        return copy_library(
            self.root,
            self.target,
            file_mode=0o640,
            dir_mode=0o750,
            trial=trial,
            findings=self.findings,
            progress=lambda *_: None,
        )

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.target)) for path in self.target.rglob("*") if path.is_file())

    def test_files_are_copied_with_their_times_and_our_modes(self) -> None:
        self.write("a/b/c.jpg", "ä 🐧.png", ".zips/1/a.zip", ".metadata/pid", "a/.metadata/kept")
        copied = self.copy()
        self.assertEqual(self.files(), [".zips/1/a.zip", "a/.metadata/kept", "a/b/c.jpg", "ä 🐧.png"])
        facts = (self.target / "a/b/c.jpg").stat()
        self.assertEqual((facts.st_mtime_ns, stat.S_IMODE(facts.st_mode)), (10**18 + 1, 0o640))
        self.assertEqual(stat.S_IMODE((self.target / "a").stat().st_mode), 0o750)
        size = sum((self.target / name).stat().st_size for name in self.files())
        self.assertEqual(copied, Copied(files=4, bytes=size, new_files=4, new_bytes=size))
        self.assertEqual(self.found(), {})

    def test_a_second_time_only_what_changed_is_copied_and_nothing_newer_replaced(self) -> None:
        self.write("a.jpg", "b.jpg", "c.jpg", "d.jpg")
        self.copy()
        (self.root / "a.jpg").write_text("changed over there")
        (self.target / "b.jpg").write_text("changed here")
        (self.target / "c.jpg").unlink()
        (self.target / "ours.jpg").touch()
        self.assertEqual(self.copy().new_files, 2)
        self.assertEqual((self.target / "a.jpg").read_text(), "changed over there")
        self.assertEqual((self.target / "b.jpg").read_text(), "changed here")
        self.assertEqual(self.files(), ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "ours.jpg"])
        self.assertEqual(self.found(), {"file_newer": ["b.jpg"]})

    def test_a_trial_only_counts(self) -> None:
        self.write("a.jpg")
        self.assertEqual(self.copy(trial=True).new_files, 1)
        self.assertFalse(self.target.exists())

    def test_links_stay_links_and_those_that_lead_out_are_left_out(self) -> None:
        self.write("a/b.jpg")
        (self.root / "inside").symlink_to(self.root / "a")
        (self.root / "a/again.jpg").symlink_to("b.jpg")
        (self.root / "out.jpg").symlink_to("/etc/passwd")
        (self.root / "outside").symlink_to("/etc")
        (self.root / "broken").symlink_to("nowhere")
        (self.root / "round").symlink_to("round")
        self.copy()
        self.copy()
        self.assertEqual((self.target / "inside").readlink(), Path("a"))
        self.assertEqual((self.target / "a/again.jpg").readlink(), Path("b.jpg"))
        self.assertEqual((self.target / "inside/again.jpg").read_text(), "a/b.jpg")
        self.assertEqual(sorted(os.listdir(self.target)), ["a", "inside"])
        self.assertEqual(self.found(), {"link_left_out": ["broken", "out.jpg", "outside", "round"] * 2})

    def test_what_can_not_be_copied_is_told_and_the_rest_is_copied(self) -> None:
        self.write("a.jpg", "b.jpg")
        (self.target / "a.jpg" / "x").mkdir(parents=True)
        os.utime(self.target / "a.jpg", ns=(1, 1))
        self.copy()
        self.assertEqual(self.found(), {"file_not_copied": ["a.jpg: Is a directory"]})
        self.assertEqual(sorted(os.listdir(self.target)), ["a.jpg", "b.jpg"])

    def test_long_names_are_copied(self) -> None:
        self.write("n" * 255, "ä" * 127)
        self.assertEqual(self.copy().new_files, 2)
        self.assertEqual(self.found(), {})
