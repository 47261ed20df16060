"""The image library on disk: :mod:`qisd.repository.files`."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import NotFound, StoreUnavailable
from qisd.repository.files import Repository
from qisd.repository.mounted import MARKER


class RepositoryTests(SynchronousTestCase):
    def setUp(self) -> None:
        base = Path(self.mktemp()).resolve()
        self.root = base / "images"
        (self.root / "a").mkdir(parents=True)
        (base / "images-old").mkdir()
        (base / "images-old" / "secret.jpg").write_bytes(b"secret")
        (self.root / "a" / "b.jpg").write_bytes(b"picture")
        self.repository = Repository(self.root)

    def read(self, path: str) -> bytes:
        source = self.repository.open(path)
        with source.stream as stream:
            return stream.read()

    def test_a_file_is_opened_with_its_version(self) -> None:
        source = self.repository.open("a/b.jpg")
        status = (self.root / "a" / "b.jpg").stat()
        with source.stream as stream:
            self.assertEqual(stream.read(), b"picture")
        self.assertEqual((source.version.size, source.version.mtime_ns), (7, status.st_mtime_ns))
        self.assertEqual(source.name, b"a/b.jpg")

    def test_a_replaced_file_has_another_version(self) -> None:
        path = self.root / "a" / "b.jpg"
        before = self.repository.open("a/b.jpg")
        before.stream.close()
        other = path.with_name("new")
        other.write_bytes(b"another")
        os.utime(other, ns=(before.version.mtime_ns, before.version.mtime_ns))
        other.rename(path)
        after = self.repository.open("a/b.jpg")
        after.stream.close()
        self.assertNotEqual(before.version, after.version)

    def test_what_is_no_regular_file_is_not_found(self) -> None:
        os.mkfifo(self.root / "fifo.jpg")
        for path in ("", "a", "fifo.jpg", "none.jpg", "a/b.jpg/c", "x" * 256, "/".join(["y" * 200] * 30)):
            with self.assertRaises(NotFound):
                self.repository.open(path)

    def test_hidden_files_are_not_there(self) -> None:
        (self.root / ".hidden").mkdir()
        (self.root / ".hidden" / "c.jpg").write_bytes(b"hidden")
        (self.root / "visible.jpg").symlink_to(".hidden/c.jpg")
        for path in (".hidden/c.jpg", "visible.jpg"):
            with self.assertRaises(NotFound):
                self.repository.open(path)

    def test_links_inside_the_library_work_and_links_out_of_it_do_not(self) -> None:
        (self.root / "inside.jpg").symlink_to("a/b.jpg")
        (self.root / "outside.jpg").symlink_to(self.root.parent / "images-old" / "secret.jpg")
        (self.root / "outside").symlink_to(self.root.parent / "images-old")
        (self.root / "loop.jpg").symlink_to("loop.jpg")
        self.assertEqual(self.read("inside.jpg"), b"picture")
        for path in ("outside.jpg", "outside/secret.jpg", "loop.jpg"):
            with self.assertRaises(NotFound):
                self.repository.open(path)

    def test_the_library_itself_may_be_a_link(self) -> None:
        link = self.root.parent / "link"
        link.symlink_to(self.root)
        self.repository = Repository(link)
        self.assertEqual(self.read("a/b.jpg"), b"picture")

    def test_a_name_is_found_in_either_unicode_form(self) -> None:
        (self.root / "e\u0301.jpg").write_bytes(b"decomposed")
        self.assertEqual(self.read("é.jpg"), b"decomposed")

    def test_the_message_repeats_the_path_and_nothing_of_the_disk(self) -> None:
        with self.assertRaises(NotFound) as raised:
            self.repository.open("swëdish/dørset.jpg")
        self.assertIn("swëdish/dørset.jpg", raised.exception.message)
        self.assertNotIn(str(self.root), raised.exception.message)

    def test_a_missing_library_is_no_missing_file(self) -> None:
        with self.assertRaises(StoreUnavailable):
            Repository(self.root / "unmounted").open("a.jpg")

    def test_nor_is_a_folder_that_it_should_be_mounted_on(self) -> None:
        root = self.root.parent / "mountpoint"
        (root / ".hidden").mkdir(parents=True)
        with self.assertRaises(StoreUnavailable):
            Repository(root).open("a.jpg")
        (root / MARKER).touch()
        with self.assertRaises(NotFound):
            Repository(root).open("a.jpg")

    def test_a_missing_check_file_means_not_mounted(self) -> None:
        repository = Repository(self.root, check_file="here.txt")
        with self.assertRaises(StoreUnavailable):
            repository.open("none.jpg")
        (self.root / "here.txt").write_text("")
        with self.assertRaises(NotFound):
            repository.open("none.jpg")

    def test_no_descriptor_is_left_open(self) -> None:
        before = len(os.listdir("/proc/self/fd"))
        for path in ("a", "none.jpg", ".hidden", "a/b.jpg/c"):
            with self.assertRaises(NotFound):
                self.repository.open(path)
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)
