"""The sample images, put into the library again."""

from __future__ import annotations

import stat
from pathlib import Path

from tests.cli.runner import CommandCase, Terminal


class SampleTests(CommandCase):
    def setUp(self) -> None:
        super().setUp()
        self.library = Path(self.environ["QIS_IMAGES_BASE_DIR"])
        self.library.mkdir()
        install = self.directory / "install"
        (install / "samples").mkdir(parents=True)
        for name in ("coffee", "penguin"):
            (install / "samples" / f"{name}.jpg").write_bytes(f"a {name}".encode())
        # Where files of the program belong to others: as an external one, the database has no say here.
        self.environ |= {"QIS_INSTALL_DIR": str(install), "QIS_MGMT_DATABASE_CONNECTION": "postgresql://nowhere/x"}
        self.folder = self.library / "samples"

    def names(self) -> list[str]:
        return sorted(entry.name for entry in self.folder.iterdir())

    def test_those_that_are_missing_are_added(self) -> None:
        outcome = self.qis("samples", "install")
        self.assertEqual((outcome.code, outcome.out), (0, ""))
        self.assertEqual(outcome.err, "sample images: 2 added, 0 replaced, 0 kept\n")
        self.assertEqual(self.names(), ["coffee.jpg", "penguin.jpg"])
        self.assertEqual((self.folder / "penguin.jpg").read_bytes(), b"a penguin")
        self.assertEqual(stat.S_IMODE((self.folder / "penguin.jpg").stat().st_mode), 0o644)
        self.assertEqual(stat.S_IMODE(self.folder.stat().st_mode), 0o755)
        (self.folder / "coffee.jpg").unlink()
        self.assertEqual(
            self.qis("samples", "install", "--json").json(),
            {"added": ["coffee.jpg"], "replaced": [], "kept": ["penguin.jpg"]},
        )

    def test_other_files_of_their_names_are_replaced_only_after_a_yes(self) -> None:
        self.folder.mkdir()
        mine = self.folder / "coffee.jpg"
        mine.write_bytes(b"my own coffee")
        for stdin, code in (("", 2), (Terminal("n\n"), 130)):
            outcome = self.qis("samples", "install", stdin=stdin)
            self.assertEqual((outcome.code, mine.read_bytes()), (code, b"my own coffee"))
            self.assertIn("coffee.jpg", outcome.err)
        self.assertEqual(self.qis("samples", "install", stdin=Terminal("y\n")).code, 0)
        self.assertEqual(mine.read_bytes(), b"a coffee")
        self.assertEqual(self.names(), ["coffee.jpg", "penguin.jpg"])

    def test_a_library_that_is_not_there_is_2(self) -> None:
        self.library.rmdir()
        outcome = self.qis("samples", "install")
        self.assertEqual(
            (outcome.code, outcome.err), (2, f"qis: IMAGES_BASE_DIR: there is no directory {self.library}\n")
        )

    def test_a_file_in_the_way_is_named(self) -> None:
        self.folder.write_bytes(b"")
        outcome = self.qis("samples", "install")
        self.assertEqual(outcome.code, 2)
        self.assertIn(str(self.folder), outcome.err)
