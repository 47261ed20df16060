"""Changing the library on disk: :mod:`qisd.repository.tree`, ``moving`` and ``staging``."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import AlreadyExists, NoSpace, NotFound, StoreUnavailable
from qisd.repository import moving
from qisd.repository.staging import Staging
from qisd.repository.tree import Listed, Tree


class TreeCase(SynchronousTestCase):
    def setUp(self) -> None:
        base = Path(self.mktemp()).resolve()
        self.root = base / "images"
        (self.root / "a" / "b").mkdir(parents=True)
        (base / "outside").mkdir()
        (base / "outside" / "secret.jpg").write_bytes(b"secret")
        self.write("a/x.jpg", b"x")
        self.write("a/b/y.jpg", b"y")
        self.tree = Tree(self.root)

    def write(self, path: str, data: bytes = b"") -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(data)

    def files(self) -> dict[str, bytes]:
        return {
            str(file.relative_to(self.root)): file.read_bytes() for file in self.root.rglob("*") if not file.is_dir()
        }


class NotMountedTests(TreeCase):
    def setUp(self) -> None:
        super().setUp()
        self.root = self.root.parent / "mountpoint"
        self.root.mkdir()
        self.tree = Tree(self.root)

    def test_nothing_is_made_there(self) -> None:
        for work in (
            lambda: self.tree.make_own(".uploads/x"),
            lambda: self.tree.remove(".uploads/x"),
            lambda: self.tree.move("a", "b", token="1"),
            lambda: Staging(self.tree, server="s1").open("a.jpg"),
        ):
            with self.assertRaises(StoreUnavailable):
                work()
        self.assertEqual(list(self.root.iterdir()), [])

    def test_nothing_is_said_not_to_be_there(self) -> None:
        for work in (
            lambda: self.tree.kind(""),
            lambda: self.tree.kind("x.jpg"),
            lambda: self.tree.version("x.jpg"),
            lambda: self.tree.listing("a"),
            lambda: self.tree.is_moved("a", "b", token="1"),
        ):
            with self.assertRaises(StoreUnavailable):
                work()

    def test_without_the_operators_file_neither(self) -> None:
        (self.root / "x.jpg").touch()
        self.assertIsNone(self.tree.kind("y.jpg"))
        with self.assertRaises(StoreUnavailable):
            Tree(self.root, check_file="here.txt").kind("y.jpg")


class LookingTests(TreeCase):
    def test_a_listing_is_sorted_and_has_nothing_that_cannot_be_used(self) -> None:
        for name in ("B.jpg", "a.jpg", "A.jpg", ".hidden.jpg", "c.txt"):
            self.write(f"f/{name}")
        (self.root / "f" / "dangling.jpg").symlink_to("nowhere")
        (self.root / "f" / "out.jpg").symlink_to(self.root.parent / "outside" / "secret.jpg")
        (self.root / "f" / "in.jpg").symlink_to("../a/x.jpg")
        (self.root / "f" / "sub").symlink_to("../a")
        os.mkfifo(self.root / "f" / "fifo.jpg")
        (self.root / "f").joinpath(os.fsdecode(b"bad\xff.jpg")).write_bytes(b"")
        names = [(one.name, one.folder) for one in self.tree.listing("f")]
        expected = ["A.jpg", "a.jpg", "B.jpg", "c.txt", "in.jpg"]
        self.assertEqual(names, [*((name, False) for name in expected), ("sub", True)])
        self.assertEqual(self.tree.listing("f/sub"), [Listed("b", True), Listed("x.jpg", False)])

    def test_hidden_places_and_places_outside_cannot_be_listed(self) -> None:
        self.write(".folio_exports/x.zip")
        (self.root / "out").symlink_to(self.root.parent / "outside")
        (self.root / "back").symlink_to(".folio_exports")
        for path in (".folio_exports", "out", "back", "none", "a/x.jpg", "a/../.."):
            with self.assertRaises(NotFound, msg=path):
                self.tree.listing(path)

    def test_a_missing_library_is_no_missing_folder(self) -> None:
        with self.assertRaises(StoreUnavailable):
            Tree(self.root / "unmounted").listing("a")

    def test_what_is_at_a_path_is_told(self) -> None:
        (self.root / "out.jpg").symlink_to(self.root.parent / "outside" / "secret.jpg")
        (self.root / "in.jpg").symlink_to("a/x.jpg")
        kinds = {"": "folder", "a": "folder", "a/x.jpg": "file", "in.jpg": "file", "out.jpg": "other"}
        kinds |= {"none": None, "a/x.jpg/y": None, ".trash": None, "a/" + "n" * 300: None}
        self.assertEqual({path: self.tree.kind(path) for path in kinds}, kinds)
        self.assertEqual(self.tree.nearest("a/b/c/d"), "a/b")
        self.assertEqual(self.tree.nearest("c/d"), "")

    def test_a_path_is_spelled_as_on_disk(self) -> None:
        self.write("e\u0301/u\u0308.jpg")
        self.assertEqual(self.tree.spelling("é/ü.jpg"), "e\u0301/u\u0308.jpg")
        self.assertEqual(self.tree.spelling("é/ä.jpg"), "e\u0301/ä.jpg")
        self.assertEqual(self.tree.kind("é/ü.jpg"), "file")


def without_renameat2(*_: object) -> None:
    raise OSError(errno.EINVAL, "not here")


def across_devices(*_: object, **__: object) -> None:
    raise OSError(errno.EXDEV, "another device")


class MovingTests(TreeCase):
    def move(self, source: str, target: str) -> None:
        self.tree.move(source, target, token="t")

    def test_files_and_folders_are_moved(self) -> None:
        self.move("a/x.jpg", "a/b/z.jpg")
        self.move("a/b", "c")
        self.assertEqual(self.files(), {"c/y.jpg": b"y", "c/z.jpg": b"x"})

    def test_nothing_is_ever_overwritten_nor_moved_into_a_folder_of_that_name(self) -> None:
        self.write("c.jpg", b"c")
        (self.root / "empty").mkdir()
        before = self.files()
        for renameat2 in (moving._renameat2, without_renameat2):
            self.patch(moving, "_renameat2", renameat2)
            for source, target in (("a/x.jpg", "c.jpg"), ("a/x.jpg", "empty"), ("a", "empty"), ("a/b", "c.jpg")):
                with self.assertRaises(AlreadyExists, msg=f"{source} {target}"):
                    self.move(source, target)
        self.assertEqual(self.files(), before)

    def test_a_name_is_taken_in_either_unicode_form(self) -> None:
        self.write("e\u0301.jpg", b"e")
        with self.assertRaises(AlreadyExists):
            self.move("a/x.jpg", "é.jpg")

    def test_places_that_are_hidden_outside_or_missing_are_no_targets(self) -> None:
        (self.root / "out").symlink_to(self.root.parent / "outside")
        (self.root / ".hidden").mkdir()
        for target in ("out/x.jpg", ".hidden/x.jpg", ".x.jpg", "none/x.jpg", "a/.."):
            with self.assertRaises(NotFound, msg=target):
                self.move("a/x.jpg", target)
        with self.assertRaises(NotFound):
            self.move("out/secret.jpg", "s.jpg")

    def test_file_systems_without_a_safe_rename_get_along(self) -> None:
        self.patch(moving, "_renameat2", without_renameat2)
        self.move("a/x.jpg", "z.jpg")
        self.move("a", "c")
        self.assertEqual(self.files(), {"z.jpg": b"x", "c/b/y.jpg": b"y"})

    def test_a_link_left_half_way_is_recognised_and_finished(self) -> None:
        os.link(self.root / "a/x.jpg", self.root / "z.jpg")
        self.assertTrue(self.tree.is_moved("a/x.jpg", "z.jpg", token="t"))
        self.tree.finish_move("a/x.jpg", "z.jpg")
        self.assertEqual(self.files(), {"z.jpg": b"x", "a/b/y.jpg": b"y"})

    def test_whether_a_move_has_happened_is_seen_on_disk(self) -> None:
        self.assertFalse(self.tree.is_moved("a/x.jpg", "z.jpg", token="t"))
        self.assertFalse(self.tree.is_moved("a/x.jpg", "none/z.jpg", token="t"))
        self.move("a/x.jpg", "z.jpg")
        self.assertTrue(self.tree.is_moved("a/x.jpg", "z.jpg", token="t"))
        self.tree.finish_move("a/x.jpg", "z.jpg")
        self.assertIn("z.jpg", self.files())

    def test_between_file_systems_things_are_copied_aside_first(self) -> None:
        (self.root / "a/x.jpg").chmod(0o640)
        os.utime(self.root / "a/x.jpg", ns=(10**18, 10**18))
        for source, target in (("a/x.jpg", "z.jpg"), ("a", "c")):
            self.across(lambda source=source, target=target: self.move(source, target))
            self.tree.finish_move(source, target)
            self.tree.forget_move(target, token="t")
        self.assertEqual(self.files(), {"z.jpg": b"x", "c/b/y.jpg": b"y"})
        status = (self.root / "z.jpg").stat()
        self.assertEqual((status.st_mode & 0o777, status.st_mtime_ns), (0o640, 10**18))

    def test_a_copy_that_was_cut_short_leaves_nothing(self) -> None:
        with (
            mock.patch.object(os, "fsync", side_effect=OSError(errno.EIO, "broken")),
            self.assertRaises(StoreUnavailable),
        ):
            self.across(lambda: self.move("a/x.jpg", "z.jpg"))
        self.assertFalse(self.tree.is_moved("a/x.jpg", "z.jpg", token="t"))
        self.tree.forget_move("z.jpg", token="t")
        self.assertEqual(self.files(), {"a/x.jpg": b"x", "a/b/y.jpg": b"y"})

    def across(self, work: Callable[[], object]) -> None:
        """As if the source were on another file system: all but the rename of the copy."""
        real = moving.rename_noreplace

        def rename(source: int, name: bytes, target: int, new_name: bytes) -> None:
            (real if name.startswith(b".") else across_devices)(source, name, target, new_name)

        with mock.patch.object(moving, "rename_noreplace", rename):
            work()

    def test_no_descriptor_is_left_open(self) -> None:
        before = len(os.listdir("/proc/self/fd"))
        for target in ("none/z.jpg", "a/b", ".trash/x"):
            with self.assertRaises((NotFound, AlreadyExists)):
                self.move("a/x.jpg", target)
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)


class ReplacingTests(TreeCase):
    def setUp(self) -> None:
        super().setUp()
        self.tree.make_own(".uploads/s")
        self.write(".uploads/s/new", b"new")

    def replace(self, target: str) -> None:
        self.tree.replace(".uploads/s/new", target, backup=".uploads/s/old", token="t")

    def test_a_file_takes_the_place_of_another_and_gives_it_back(self) -> None:
        self.replace("a/x.jpg")
        self.assertEqual((self.root / "a/x.jpg").read_bytes(), b"new")
        self.assertTrue(self.tree.put_back(".uploads/s/old", "a/x.jpg"))
        self.assertEqual(self.files(), {"a/x.jpg": b"x", "a/b/y.jpg": b"y"})

    def test_where_a_file_cannot_have_two_names_there_is_no_backup(self) -> None:
        self.patch(os, "link", across_devices)
        self.replace("a/x.jpg")
        self.assertFalse(self.tree.put_back(".uploads/s/old", "a/x.jpg"))
        self.assertEqual((self.root / "a/x.jpg").read_bytes(), b"new")

    def test_a_folder_is_never_replaced(self) -> None:
        with self.assertRaises(AlreadyExists):
            self.replace("a/b")


class StagingTests(TreeCase):
    def staging(self, **options: int) -> Staging:
        return Staging(self.tree, server="s", **options)

    def test_a_file_arrives_out_of_sight_with_the_mode_of_the_library(self) -> None:
        previous = os.umask(0o077)
        self.addCleanup(os.umask, previous)
        incoming = self.staging().open("../client's name.jpg")
        incoming.write(b"one ")
        incoming.write(b"two")
        incoming.finish()
        self.assertEqual((incoming.size, incoming.filename), (7, "../client's name.jpg"))
        self.assertEqual(incoming.digest.hex()[:8], "8ab63e29")
        self.assertIsNone(self.tree.kind(".uploads/../a/.x"))
        self.tree.move(incoming.path, "a/new.jpg", token="t")
        self.assertEqual((self.root / "a/new.jpg").stat().st_mode & 0o777, 0o644)
        incoming.discard()
        self.assertEqual((self.root / "a/new.jpg").read_bytes(), b"one two")

    def test_what_is_discarded_is_gone_in_whatever_state_it_was(self) -> None:
        staging = self.staging()
        written, finished = staging.open("a"), staging.open("b")
        written.write(b"x")
        finished.finish()
        for one in (written, finished, written):
            one.discard()
        self.assertEqual([path for path in self.files() if path.startswith(".uploads")], [])

    def test_nothing_is_received_when_the_disk_is_nearly_full(self) -> None:
        with self.assertRaises(NoSpace):
            self.staging(min_free_mb=2**40).open("a")

    def test_the_log_is_told_what_there_is_and_what_is_wanted(self) -> None:
        self.patch(self.tree, "free_bytes", lambda: 700 * 2**20)
        staging = self.staging(min_free_mb=512)
        staging.check_space(188 * 2**20)
        with self.assertRaises(NoSpace) as raised:
            staging.check_space(189 * 2**20)
        self.assertEqual(raised.exception.detail, "700 MiB are free, 189 are wanted, 512 must stay so")

    def test_a_sweep_takes_what_is_left_of_earlier_processes_and_of_servers_that_are_gone(self) -> None:
        self.staging().open("mine").finish()
        Staging(self.tree, server="alive").open("theirs").finish()
        self.write(".uploads/gone/p/file")
        os.utime(self.root / ".uploads/gone/p", (0, 0))
        self.staging().sweep(["s"])
        left = [path for path in self.files() if path.startswith(".uploads")]
        self.assertEqual(len(left), 1)
        self.assertTrue(left[0].startswith(".uploads/alive/"))

    def test_folders_are_made_with_their_mode_whatever_the_umask(self) -> None:
        previous = os.umask(0o077)
        self.addCleanup(os.umask, previous)
        staging = self.staging()
        place = staging.place()
        self.tree.make_staged_folder(place, "c/d")
        self.tree.move(place, "n", token="t")
        for path in ("n", "n/c", "n/c/d"):
            self.assertEqual((self.root / path).stat().st_mode & 0o777, 0o755)
