"""The library in object storage, with a server that imitates S3 in this process."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

import boto3
from moto import mock_aws
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import AlreadyExists, NotFound, StoreUnavailable
from qisd.repository.bucket import Bucket, BucketPlace
from qisd.repository.bucket_files import BucketRepository, SourceCopies
from qisd.repository.bucket_tree import BucketMounted, BucketTree
from qisd.repository.tree import Listed

TOKEN, OTHER = "a" * 32, "b" * 32
REGION = "eu-west-1"


@functools.cache
def client_of_all() -> Any:
    """Making one takes longer than a test."""
    return boto3.client("s3", region_name=REGION, aws_access_key_id="somebody", aws_secret_access_key="secret")


class BucketCase(SynchronousTestCase):
    def setUp(self) -> None:
        imitation = mock_aws()
        imitation.start()
        self.addCleanup(imitation.stop)
        self.client = client_of_all()
        self.bucket_name = "pictures"
        self.client.create_bucket(Bucket=self.bucket_name, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.bucket = Bucket(BucketPlace(name=self.bucket_name, prefix="site/"), self.client)
        self.root = Path(self.mktemp()).absolute()
        self.root.mkdir(parents=True)
        self.copies = self.root.parent / "copies"
        self.tree = BucketTree(self.root, self.bucket)
        self.repository = self.repository_of(10_000)

    def repository_of(self, most: int) -> BucketRepository:
        return BucketRepository(self.root, self.bucket, SourceCopies(self.copies, most=most))

    def put(self, path: str, data: bytes = b"content") -> None:
        """Put an object there as others do."""
        self.client.put_object(Bucket=self.bucket_name, Key=f"site/{path}", Body=data)

    def keys(self) -> list[str]:
        """All objects."""
        found = self.client.list_objects_v2(Bucket=self.bucket_name).get("Contents", ())
        return sorted(one["Key"].removeprefix("site/") for one in found)

    def arrive(self, name: str, data: bytes = b"content") -> str:
        """A file that has arrived."""
        self.tree.make_own(".uploads/server")
        (self.root / ".uploads" / "server" / name).write_bytes(data)
        return f".uploads/server/{name}"

    def read(self, path: str) -> bytes:
        with self.repository.open(path).stream as stream:
            return stream.read()


class FilesTests(BucketCase):
    def test_a_file_is_fetched_once_and_then_read_from_the_disk(self) -> None:
        self.put("a/b.jpg", b"one")
        source = self.repository.open("a/b.jpg")
        with source.stream:
            self.assertEqual((source.stream.read(), source.name, source.version.size), (b"one", b"a/b.jpg", 3))
        self.assertEqual(self.repository.version(b"a/b.jpg"), source.version)
        self.patch(self.bucket, "fetch", lambda *_: self.fail("fetched again"))
        self.assertEqual(self.read("a/b.jpg"), b"one")

    def test_another_content_is_another_version(self) -> None:
        self.put("a.jpg", b"one")
        before = self.repository.version(b"a.jpg")
        self.put("a.jpg", b"two")
        self.assertNotEqual(self.repository.version(b"a.jpg"), before)
        self.assertEqual(self.read("a.jpg"), b"two")

    def test_copies_take_no_more_room_than_they_may_and_those_used_last_stay(self) -> None:
        self.repository = self.repository_of(3000)
        for number in range(4):
            self.put(f"{number}.jpg", bytes([number]) * 1000)
        for name in ("0.jpg", "1.jpg"):
            self.read(name)
        long_ago = [place for place in self.copies.iterdir() if place.read_bytes()[0] == 1]
        os.utime(long_ago[0], (1, 1))
        for name in ("2.jpg", "3.jpg"):
            self.assertEqual(len(self.read(name)), 1000)
        kept = {place.read_bytes()[0] for place in self.copies.iterdir()}
        self.assertNotIn(1, kept)
        self.assertLessEqual(len(kept), 3)

    def test_one_that_is_larger_than_the_room_can_be_read_all_the_same(self) -> None:
        self.repository = self.repository_of(10)
        self.put("a.jpg", b"x" * 1000)
        self.assertEqual(len(self.read("a.jpg")), 1000)
        self.assertEqual(list(self.copies.iterdir()), [])

    def test_what_is_not_there_or_hidden_is_not_found(self) -> None:
        self.put(".hidden/a.jpg")
        self.put("folder/a.jpg")
        for path in ("b.jpg", ".hidden/a.jpg", "folder", "folder/", ""):
            self.assertRaises(NotFound, self.repository.open, path)
        self.assertIsNone(self.repository.version(b"b.jpg"))

    def test_what_can_be_no_key_is_not_there(self) -> None:
        for path in ("\udcff.jpg", "a" * 2000):
            self.assertRaises(NotFound, self.repository.open, path)
            self.assertIsNone(self.tree.kind(path))
            self.assertRaises(NotFound, self.tree.listing, path)

    def test_names_are_found_in_either_way_of_writing_accents(self) -> None:
        self.put("cafe\u0301.jpg")
        self.assertEqual(self.repository.open("caf\u00e9.jpg").name, "cafe\u0301.jpg".encode())
        self.assertEqual(self.tree.spelling("caf\u00e9.jpg"), "cafe\u0301.jpg")

    def test_without_the_bucket_nothing_is_said_to_be_missing(self) -> None:
        self.client.delete_bucket(Bucket=self.bucket_name)
        self.assertRaises(StoreUnavailable, self.repository.open, "a.jpg")
        self.assertRaises(StoreUnavailable, self.tree.kind, "a.jpg")
        self.assertRaises(StoreUnavailable, self.tree.listing, "a")


class LookingTests(BucketCase):
    def setUp(self) -> None:
        super().setUp()
        for path in ("a/B.jpg", "a/a.jpg", "a/deep/er/c.jpg", "a/.hidden", "empty/", "top.jpg"):
            self.put(path, b"1234" if path.endswith(".jpg") else b"")

    def test_what_is_at_a_path(self) -> None:
        kinds = {path: self.tree.kind(path) for path in ("", "a", "a/deep", "empty", "a/a.jpg", "a/x", "a/.hidden")}
        expected = {"": "folder", "a": "folder", "a/deep": "folder", "empty": "folder", "a/a.jpg": "file"}
        self.assertEqual({path: kind for path, kind in kinds.items() if kind}, expected)
        self.assertEqual(self.tree.nearest("a/x/y"), "a")

    def test_a_listing_is_as_that_of_a_disk(self) -> None:
        expected = [Listed("a.jpg", False), Listed("B.jpg", False), Listed("deep", True)]
        self.assertEqual(self.tree.listing("a"), expected)
        self.assertEqual([one.name for one in self.tree.listing("")], ["a", "empty", "top.jpg"])
        self.assertEqual(self.tree.listing("empty"), [])
        self.assertRaises(NotFound, self.tree.listing, "nowhere")

    def test_facts_are_the_versions_of_the_files(self) -> None:
        self.assertEqual(
            self.tree.facts("a", ["a.jpg", "deep", "gone.jpg"]), {"a.jpg": self.repository.version(b"a/a.jpg")}
        )

    def test_a_glance_ends_early(self) -> None:
        self.assertEqual((self.tree.glance("a", 10).entries, self.tree.glance("a", 10).folders), (3, True))
        self.assertEqual(self.tree.glance("a", 2).entries, 2)
        self.assertEqual(self.tree.glance("empty", 2).entries, 0)
        self.assertRaises(NotFound, self.tree.glance, "nowhere", 2)


class ChangingTests(BucketCase):
    def test_what_has_arrived_gets_its_place(self) -> None:
        staged = self.arrive("1", b"picture")
        self.tree.move(staged, "a/b.jpg", token=TOKEN)
        self.assertTrue(self.tree.is_put(staged, "a/b.jpg", self.repository.open("a/b.jpg").version, token=TOKEN))
        self.assertFalse(self.tree.is_put(staged, "a/b.jpg", self.repository.open("a/b.jpg").version, token=OTHER))
        self.tree.finish_move(staged, "a/b.jpg")
        self.assertEqual((self.read("a/b.jpg"), self.tree.own_entries(".uploads/server")), (b"picture", []))
        found = self.client.head_object(Bucket=self.bucket_name, Key="site/a/b.jpg")
        self.assertEqual(found["ContentType"], "image/jpeg")

    def test_nothing_is_put_where_something_is(self) -> None:
        self.put("a/b.jpg")
        staged = self.arrive("1")
        for target in ("a/b.jpg", "a"):
            with self.assertRaises(AlreadyExists):
                self.tree.move(staged, target, token=TOKEN)
        with self.assertRaises(NotFound):
            self.tree.move("nowhere", "b", token=TOKEN)

    def test_an_upload_can_be_taken_back_before_and_after_its_end(self) -> None:
        for finished in (False, True):
            staged = self.arrive("1", b"picture")
            self.tree.move(staged, "a/b.jpg", token=TOKEN)
            if finished:
                self.tree.finish_move(staged, "a/b.jpg")
            self.tree.move("a/b.jpg", staged, token=TOKEN)
            self.assertEqual((self.root / staged).read_bytes(), b"picture")
            self.assertIsNone(self.tree.kind("a/b.jpg"))

    def test_a_file_is_replaced_and_put_back(self) -> None:
        self.put("a.jpg", b"old")
        staged = self.arrive("1", b"new")
        self.tree.replace(staged, "a.jpg", backup=f"{staged}.old", token=TOKEN)
        self.assertEqual(self.read("a.jpg"), b"new")
        self.assertTrue(self.tree.put_back(f"{staged}.old", "a.jpg"))
        self.assertEqual(self.read("a.jpg"), b"old")
        self.assertFalse(self.tree.put_back(f"{staged}.old", "a.jpg"))

    def test_a_file_moves_and_its_folder_stays(self) -> None:
        self.put("a/b.jpg", b"picture")
        self.assertFalse(self.tree.is_moved("a/b.jpg", "c/d.jpg", token=TOKEN))
        self.tree.move("a/b.jpg", "c/d.jpg", token=TOKEN)
        self.assertTrue(self.tree.is_moved("a/b.jpg", "c/d.jpg", token=TOKEN))
        self.tree.finish_move("a/b.jpg", "c/d.jpg")
        self.assertEqual((self.keys(), self.read("c/d.jpg")), (["a/", "c/d.jpg"], b"picture"))

    def test_a_folder_moves_with_all_that_is_in_it(self) -> None:
        for path in ("a/b.jpg", "a/c/d.jpg", "ab.jpg"):
            self.put(path)
        self.tree.move("a", "x/y", token=TOKEN)
        self.tree.finish_move("a", "x/y")
        self.tree.forget_move("x/y", token=TOKEN)
        self.assertEqual(self.keys(), ["ab.jpg", "x/y/", "x/y/b.jpg", "x/y/c/d.jpg"])
        self.assertTrue(self.tree.is_moved("a", "x/y", token=TOKEN))

    def test_a_folder_that_was_left_half_way_stays_where_it_was(self) -> None:
        for number in range(4):
            self.put(f"a/{number}.jpg")
        before = self.keys()
        copied: list[str] = []
        copy = self.bucket.copy

        def until_the_third(source: str, target: str, *, token: str) -> None:
            if len(copied) == 2:
                raise StoreUnavailable(detail="gone")
            copied.append(target)
            copy(source, target, token=token)

        self.patch(self.bucket, "copy", until_the_third)
        self.assertRaises(StoreUnavailable, lambda: self.tree.move("a", "b", token=TOKEN))
        self.assertFalse(self.tree.is_moved("a", "b", token=TOKEN))
        self.tree.forget_move("b", token=TOKEN)
        self.assertEqual(self.keys(), before)

    def test_a_folder_that_was_copied_but_not_removed_has_moved(self) -> None:
        self.put("a/1.jpg")
        self.patch(self.bucket, "delete_below", lambda path: self.fail("killed"))
        self.assertRaises(self.failureException, lambda: self.tree.move("a", "b", token=TOKEN))
        del self.bucket.delete_below
        self.assertTrue(self.tree.is_moved("a", "b", token=TOKEN))
        self.tree.finish_move("a", "b")
        self.assertEqual(self.keys(), ["b/", "b/1.jpg"])

    def test_a_new_folder_is_there_without_anything_in_it_and_can_be_taken_back(self) -> None:
        self.tree.make_own(".uploads/server")
        self.tree.make_staged_folder(".uploads/server/f", "inner")
        self.tree.move(".uploads/server/f", "new", token=TOKEN)
        self.tree.finish_move(".uploads/server/f", "new")
        self.assertEqual([self.tree.kind(path) for path in ("new", "new/inner")], ["folder", "folder"])
        self.assertTrue(self.tree.is_moved(".uploads/server/f", "new", token=TOKEN))
        self.tree.move("new", ".uploads/server/f", token=TOKEN)
        self.assertIsNone(self.tree.kind("new"))

    def test_the_trash_is_in_the_bucket_and_is_removed_for_good(self) -> None:
        self.put("a/b.jpg")
        self.tree.make_own(".trash/2026-11-26")
        self.tree.move("a", ".trash/2026-11-26/1", token=TOKEN)
        self.assertEqual([name for name, _ in self.tree.own_entries(".trash")], ["2026-11-26"])
        self.assertEqual([name for name, _ in self.tree.own_entries(".trash/2026-11-26")], ["1"])
        self.assertEqual(self.tree.kind(".trash/2026-11-26/1"), "folder")
        self.tree.remove(".trash/2026-11-26/1")
        self.tree.remove_if_empty(".trash/2026-11-26")
        self.assertEqual((self.tree.own_entries(".trash"), self.keys()), ([], []))


class MountedTests(BucketCase):
    def test_the_bucket_belongs_to_the_installation_that_has_marked_it(self) -> None:
        mounted = BucketMounted(self.root, self.bucket)
        self.assertEqual((mounted.prepare("one", was_there=False), mounted.is_there()), ("", True))
        self.assertIn("another", BucketMounted(self.root, self.bucket).prepare("two", was_there=False))
        self.client.put_object(Bucket=self.bucket_name, Key="site/.qis-library", Body=b"other\n")
        self.assertFalse(mounted.is_there())

    def test_the_mark_that_the_installation_had_under_its_former_id_is_renewed(self) -> None:
        BucketMounted(self.root, self.bucket).prepare("one", was_there=False)
        mounted = BucketMounted(self.root, self.bucket)
        self.assertEqual(mounted.prepare("two", was_there=True, formerly="one"), "")
        self.assertTrue(mounted.is_there())

    def test_an_empty_bucket_is_not_believed_when_files_are_known(self) -> None:
        mounted = BucketMounted(self.root, self.bucket)
        self.assertIn("empty", mounted.prepare("one", was_there=True))
        self.assertFalse(mounted.is_there())

    def test_without_the_bucket_it_is_not_there(self) -> None:
        self.client.delete_bucket(Bucket=self.bucket_name)
        mounted = BucketMounted(self.root, self.bucket)
        self.assertIn("can't be reached", mounted.prepare("one", was_there=False))
        self.assertFalse(mounted.is_there())
