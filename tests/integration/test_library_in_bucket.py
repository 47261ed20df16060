"""What people do with folders and files, with the library in object storage; a server imitates S3 in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from unittest import mock

from moto import mock_aws
from twisted.internet import reactor
from twisted.internet.task import deferLater

from qisd.errors import NotFound, QisError, StoreUnavailable
from qisd.library import journal
from qisd.library.rules import LibraryRules
from qisd.library.uploads import FileOutcome
from qisd.repository.bucket import Bucket, BucketPlace
from qisd.repository.bucket_files import SourceCopies
from qisd.repository.stores import Store, bucket_store
from tests.integration.library_case import LibraryCase, admin, anonymous, picture
from tests.repository.test_bucket import REGION, client_of_all

BUCKET = "pictures"


class Losing:
    """Counts calls, and loses the answer of one."""

    def __init__(self, number: int) -> None:
        self._left = number
        self.done = False

    def wrapped(self, function: Callable[..., None]) -> Callable[..., None]:
        def call(*arguments: object, **named: object) -> None:
            function(*arguments, **named)
            self._left -= 1
            if self._left == 0:
                self.done = True
                raise StoreUnavailable(detail="the answer is lost")

        return call


class BucketLibraryCase(LibraryCase):
    rules = LibraryRules(trash_days=30)

    async def setUp(self) -> None:
        imitation = mock_aws()
        imitation.start()
        self.addCleanup(imitation.stop)
        self.client = client_of_all()
        self.client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.bucket = Bucket(BucketPlace(name=BUCKET), self.client)
        await super().setUp()

    def make_store(self) -> Store:
        return bucket_store(self.root, self.bucket, SourceCopies(Path(self.mktemp()), most=10**8))

    def write(self, path: str, data: bytes | None = None) -> None:
        self.client.put_object(Bucket=BUCKET, Key=path, Body=picture() if data is None else data)

    def keys(self) -> list[str]:
        """All objects but the mark of the library."""
        found = self.client.list_objects_v2(Bucket=BUCKET).get("Contents", ())
        return sorted(one["Key"] for one in found if one["Key"] != ".qis-library")

    async def upload(self, folder: str, filename: str, data: bytes | None = None, **options: object) -> FileOutcome:
        files = [self.incoming(filename, data)]
        (outcome,) = await self.library.uploads.store(admin(), files, folder=folder, **options)  # type: ignore[arg-type]
        return outcome


class LibraryInBucketTests(BucketLibraryCase):
    async def test_what_others_put_there_is_found_and_what_they_remove_is_missed(self) -> None:
        self.write("a/b/x.jpg", picture(30, 20))
        image = await self.library.files.details(anonymous(), "a/b/x.jpg")
        self.assertEqual((image.width, image.height), (30, 20))
        page = await self.library.listing.files(anonymous(), "a/b")
        self.assertEqual([one.name for one in page.entries], ["x.jpg"])
        self.client.delete_object(Bucket=BUCKET, Key="a/b/x.jpg")
        self.library.forget("a/b/x.jpg")
        await self.refusal(NotFound, self.library.files.details(anonymous(), "a/b/x.jpg"))
        await self.library.registrar.flush()
        self.assertEqual(self.rows(), [("a/b/x.jpg", 0)])

    async def test_a_new_folder_gets_a_file_and_then_another_in_its_place(self) -> None:
        await self.library.folders.create(admin(), "/new/inner")
        first = await self.upload("new/inner", "x.jpg", picture(10, 10))
        self.assertEqual(self.keys(), ["new/", "new/inner/", "new/inner/x.jpg"])
        second = await self.upload("new/inner", "x.jpg", picture(20, 10), overwrite="yes")
        self.assertEqual((second.image.id, second.image.width), (first.image.id, 20))
        self.assertEqual(self.client.get_object(Bucket=BUCKET, Key="new/inner/x.jpg")["Body"].read(), picture(20, 10))
        self.assertEqual(self.left_over(), [])

    async def test_an_upload_that_the_database_does_not_record_leaves_nothing(self) -> None:
        self.write("a/y.jpg")
        with mock.patch("qisd.store.images.register", side_effect=StoreUnavailable):
            self.assertIsNotNone((await self.upload("a", "x.jpg")).error)
        self.assertEqual((self.keys(), self.left_over()), (["a/", "a/y.jpg"], []))

    async def test_files_and_folders_move_with_their_records(self) -> None:
        self.write("a/x.jpg")
        self.write("a/b/y.jpg")
        await self.library.folders.create(admin(), "/c")
        x, y = [await self.library.files.details(admin(), src) for src in ("a/x.jpg", "a/b/y.jpg")]
        await self.library.files.move(admin(), x.id, "c/z.jpg")
        folder = (await self.library.folders.by_path(admin(), "a")).folder
        await self.library.folders.move(admin(), folder.id, "d")
        self.assertEqual(self.keys(), ["c/", "c/z.jpg", "d/", "d/b/y.jpg"])
        self.assertEqual((await self.library.files.details(admin(), "c/z.jpg")).id, x.id)
        self.assertEqual((await self.library.files.details(admin(), "d/b/y.jpg")).id, y.id)

    async def test_what_is_deleted_comes_back_from_the_trash(self) -> None:
        self.write("a/x.jpg")
        image = await self.library.files.details(admin(), "a/x.jpg")
        await self.library.files.delete(admin(), image.id)
        (entry,) = await self.library.trash.entries(admin())
        self.assertEqual(self.keys(), [entry.trash_path, "a/"])
        await self.library.trash.restore(admin(), entry.id)
        self.assertEqual(self.keys(), ["a/", "a/x.jpg"])
        self.assertEqual((await self.library.files.details(admin(), "a/x.jpg")).id, image.id)

    async def test_whatever_answer_of_the_bucket_is_lost_a_change_is_whole_or_was_not_made(self) -> None:
        self.patch(journal, "_SETTLE_AGAIN", 0.01)
        self.write("a/x.jpg", picture(10, 10))
        self.write("b/y.jpg", picture(11, 10))
        self.write("b/c/z.jpg", picture(12, 10))
        for src in ("a/x.jpg", "b/y.jpg"):
            await self.library.files.details(admin(), src)
        for change in (self._move_the_folder, self._replace_the_file):
            lost = True
            for number in count(1):
                before = sorted(self.contents())
                with self.losing(number) as losing:
                    try:
                        await change(number)
                    except QisError:
                        self.assertTrue(losing.done)
                    lost = losing.done
                    await self.settled()
                if change != self._replace_the_file:
                    self.assertEqual(sorted(self.contents()), before)
                self.assertEqual(len(self.contents()), 3)
                self.library.forget("")
                if not lost:
                    break
            self.assertGreater(number, 1)

    async def settled(self) -> None:
        """Nothing of a change is left over; fails by trial's time limit."""
        while self.left_over() or any("/." in key for key in self.keys()):
            await deferLater(reactor, 0.01)

    def contents(self) -> list[bytes]:
        """Of all files."""
        files = [key for key in self.keys() if not key.endswith("/")]
        return [self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in files]

    async def _move_the_folder(self, number: int) -> None:
        [src] = [key for key in self.keys() if key.endswith("y.jpg")]
        folder = (await self.library.folders.by_path(admin(), src.rpartition("/")[0])).folder
        await self.library.folders.move(admin(), folder.id, f"b{number}")

    async def _replace_the_file(self, number: int) -> None:
        [src] = [key for key in self.keys() if key.startswith("a/") and key.endswith(".jpg")]
        await self.upload("a", src.rpartition("/")[2], picture(20 + number, 10), overwrite="yes")

    @contextmanager
    def losing(self, number: int) -> Iterator[Losing]:
        """The ``number``-th change of the bucket is made, but nobody hears of it."""
        losing = Losing(number)
        names = ("put_file", "put_text", "keep_folder", "copy", "delete", "delete_below")
        with mock.patch.multiple(self.bucket, **{name: losing.wrapped(getattr(self.bucket, name)) for name in names}):
            yield losing

    async def test_without_the_bucket_nothing_is_said_to_be_missing(self) -> None:
        self.write("a/x.jpg")
        await self.library.files.details(anonymous(), "a/x.jpg")
        for key in (*self.keys(), ".qis-library"):
            self.client.delete_object(Bucket=BUCKET, Key=key)
        self.client.delete_bucket(Bucket=BUCKET)
        self.library.forget("a/x.jpg")
        await self.refusal(StoreUnavailable, self.library.files.details(anonymous(), "a/x.jpg"))
        await self.library.registrar.flush()
        self.assertEqual(self.rows(), [("a/x.jpg", 1)])
