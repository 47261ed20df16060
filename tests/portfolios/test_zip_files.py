from __future__ import annotations

import io
import os
import stat
import zipfile
from pathlib import Path
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import NoSpace, StoreUnavailable
from qisd.portfolios import zip_writer
from qisd.portfolios.export_files import ExportFiles, ExportPlace, is_zip_name, new_name

NOON = 1_773_057_600.0  # 2026-03-09 12:00:00 UTC


class ZipFilesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.root = Path(self.mktemp()).resolve()
        self.root.mkdir()
        (self.root / "a.jpg").touch()
        self.place = ExportPlace(root=self.root, folder=".folio_exports", file_mode=0o640, folder_mode=0o750)
        self.zips = ExportFiles(lambda: self.place)
        self.folder = self.root / ".folio_exports" / "3"

    def names(self) -> list[str]:
        return sorted(os.listdir(self.folder)) if self.folder.exists() else []

    def make(self, **contents: bytes) -> tuple[str, int]:
        writer = self.zips.create(3)
        for name, data in contents.items():
            writer.add(name, data, modified=NOON)
        name = new_name()
        return name, writer.finish(name)

    # Making

    def test_a_zip_has_its_name_only_when_it_is_complete(self) -> None:
        writer = self.zips.create(3)
        writer.add("a.jpg", b"abc", modified=NOON)
        self.assertEqual(len(self.names()), 1)
        self.assertRegex(self.names()[0], r"\A\.[0-9a-f-]{36}\.part\Z")
        name = new_name()
        size = writer.finish(name)
        self.assertEqual(self.names(), [name])
        self.assertEqual(size, (self.folder / name).stat().st_size)

    def test_files_are_stored_uncompressed_with_their_times_and_without_folders(self) -> None:
        writer = self.zips.create(3)
        writer.add("ünï.jpg", b"abc" * 1000, modified=NOON)
        writer.begin("b.tif", modified=0.0, size=7)
        stream = io.BytesIO(b"x" * (5 * 1024 * 1024))
        steps = 1
        while writer.copy(stream):
            steps += 1
        writer.end()
        name = new_name()
        writer.finish(name)
        with zipfile.ZipFile(self.folder / name) as made:
            self.assertIsNone(made.testzip())
            first, second = made.infolist()
            self.assertEqual((first.filename, first.date_time), ("ünï.jpg", (2026, 3, 9, 12, 0, 0)))
            self.assertEqual((second.filename, second.date_time), ("b.tif", (1980, 1, 1, 0, 0, 0)))
            self.assertEqual({one.compress_type for one in (first, second)}, {zipfile.ZIP_STORED})
            self.assertEqual(made.read(second), b"x" * (5 * 1024 * 1024))
        self.assertEqual(steps, 2)

    def test_a_file_of_two_gibibytes_is_announced_with_64_bit_sizes(self) -> None:
        writer = self.zips.create(3)
        writer.begin("large.tif", modified=NOON, size=2**31)
        writer.copy(io.BytesIO(b"only the beginning"))
        writer.end()
        name = new_name()
        writer.finish(name)
        header = (self.folder / name).read_bytes()[:60]
        zip64_field = header[30 + len("large.tif") :][:4]
        self.assertEqual(zip64_field, b"\x01\0\x10\0")

    def test_modes_are_those_of_the_settings(self) -> None:
        name, _ = self.make(a=b"abc")
        self.assertEqual(stat.S_IMODE((self.folder / name).stat().st_mode), 0o640)
        self.assertEqual(stat.S_IMODE(self.folder.stat().st_mode), 0o750)

    def test_what_is_discarded_is_gone_and_what_is_finished_stays(self) -> None:
        writer = self.zips.create(3)
        writer.begin("a.jpg", modified=NOON, size=3)
        writer.copy(io.BytesIO(b"abc"))
        writer.discard()
        self.assertEqual(self.names(), [])
        writer = self.zips.create(3)
        name = new_name()
        writer.finish(name)
        writer.discard()
        self.assertEqual(self.names(), [name])

    def test_a_disk_that_is_nearly_full_takes_no_zip_and_no_further_file(self) -> None:
        writer = self.zips.create(3)
        writer.begin("b.jpg", modified=NOON, size=3)
        usage = type("Usage", (), {"free": 99})()
        self.patch(zip_writer.shutil, "disk_usage", lambda folder: usage)
        self.place = attrs.evolve(self.place, min_free=100)
        writer._min_free = 100
        for attempt in (
            self.zips.check_space,
            lambda: self.zips.create(4),
            lambda: writer.copy(io.BytesIO(b"abc")),
            lambda: writer.add("a.jpg", b"abc", modified=NOON),
        ):
            with self.assertRaises(NoSpace):
                attempt()
        usage.free = 100
        self.zips.check_space()

    def test_a_disk_that_is_full_is_no_internal_error(self) -> None:
        writer = self.zips.create(3)

        def full(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        self.patch(writer._zip, "writestr", full)
        with self.assertRaises(NoSpace):
            writer.add("a.jpg", b"abc", modified=NOON)
        writer.discard()
        self.assertEqual(self.names(), [])

    def test_without_the_library_nothing_is_made(self) -> None:
        self.place = attrs.evolve(self.place, root=self.root / "unmounted")
        with self.assertRaises(StoreUnavailable):
            self.zips.create(3)
        self.assertFalse((self.root / "unmounted").exists())

    def test_nor_where_it_should_be_mounted(self) -> None:
        (self.root / "mountpoint").mkdir()
        self.place = attrs.evolve(self.place, root=self.root / "mountpoint")
        with self.assertRaises(StoreUnavailable):
            self.zips.create(3)
        self.assertEqual(list((self.root / "mountpoint").iterdir()), [])

    # Reading and removing

    def test_a_zip_is_opened_by_its_exact_name_only(self) -> None:
        name, size = self.make(a=b"abc")
        found = self.zips.open(3, name)
        assert found is not None
        with found.stream as stream:
            self.assertEqual((len(stream.read()), found.size), (size, size))
        for other in (new_name(), f"../3/{name}", name.upper(), "", ".", f"{name}\n"):
            self.assertIsNone(self.zips.open(3, other), other)
        self.assertIsNone(self.zips.open(4, name))

    def test_links_and_folders_are_no_zips(self) -> None:
        name, _ = self.make(a=b"abc")
        link, folder = new_name(), new_name()
        (self.folder / link).symlink_to(self.folder / name)
        (self.folder / folder).mkdir()
        self.assertIsNone(self.zips.open(3, link))
        self.assertIsNone(self.zips.open(3, folder))

    def test_the_folder_goes_with_its_last_zip(self) -> None:
        first, _ = self.make(a=b"abc")
        second, _ = self.make(a=b"abc")
        self.zips.remove(3, first)
        self.assertEqual(self.names(), [second])
        self.zips.remove(3, first)
        self.zips.remove(3, second)
        self.assertFalse(self.folder.exists())
        self.zips.remove(3, second)

    def test_only_files_of_ours_are_removed_or_found(self) -> None:
        name, _ = self.make(a=b"abc")
        writer = self.zips.create(3)
        (self.folder / "notes.txt").write_text("x")
        (self.folder.parent / "notes").mkdir()
        self.zips.remove(3, "notes.txt")
        self.zips.remove(3, "../../x")
        found = self.zips.found()
        self.assertEqual({(file.portfolio_id, is_zip_name(file.name)) for file in found}, {(3, True), (3, False)})
        self.assertEqual(len(found), 2)
        writer.discard()
        self.zips.remove(3, name)
        self.assertEqual(self.names(), ["notes.txt"])

    def test_all_of_a_portfolio_is_removed_even_under_a_zip_in_the_making(self) -> None:
        self.make(a=b"abc")
        writer = self.zips.create(3)
        self.zips.remove_all(3)
        self.assertFalse(self.folder.exists())
        with self.assertRaises(StoreUnavailable):
            writer.finish(new_name())
        writer.discard()
        self.assertFalse(self.folder.exists())
        self.zips.remove_all(3)

    def test_before_the_first_zip_there_is_nothing_to_find(self) -> None:
        self.assertEqual(self.zips.found(), [])

    def test_names_can_not_be_guessed(self) -> None:
        self.assertEqual(len({new_name() for _ in range(100)}), 100)
        self.assertTrue(is_zip_name(new_name()))
