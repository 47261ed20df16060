"""What files and users say of images: :mod:`qisd.library.reading`, :mod:`qisd.library.metadata`."""

from __future__ import annotations

import hashlib
import io
import os
from datetime import UTC, datetime
from typing import Any

from PIL import ExifTags, Image

from qisd.errors import BadParameter, Forbidden, NotAuthenticated, NotFound
from qisd.store import image_metadata
from qisd.store.image_metadata import FromUsers
from qisd.store.image_search import ImageQuery
from tests.integration.library_case import LibraryCase, admin, anonymous, picture, visitor


def photo(camera: str = "Kamera", width: int = 60) -> bytes:
    data = io.BytesIO()
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = camera
    exif[ExifTags.Base.Copyright] = "© somebody"
    Image.linear_gradient("L").resize((width, 40)).save(data, "JPEG", exif=exif)
    return data.getvalue()


class ReadingTests(LibraryCase):
    async def add(self, path: str, data: bytes) -> int:
        self.write(path, data)
        self.library.forget(path)
        return (await self.library.files.details(admin(), path)).id

    async def test_new_files_are_read_once(self) -> None:
        number = await self.add("a/x.jpg", photo())
        self.assertEqual(await self.library.reading.run(), 1)
        self.assertEqual(await self.library.reading.run(), 0)
        found = await self.library.metadata.of(anonymous(), number)
        self.assertEqual((found.file.camera, found.file.format, found.file.colour_space), ("Kamera", "jpg", "gray"))
        self.assertIsNotNone(found.read_at)
        rows = self.sql("select content_hash, phash is not null from images")
        self.assertEqual([(bytes(rows[0][0]), rows[0][1])], [(hashlib.sha256(photo()).digest(), True)])
        page = await self.library.search.images(admin(), ImageQuery(words="somebody"))
        self.assertEqual([one.id for one in page.images], [number])

    async def test_changed_files_are_read_again(self) -> None:
        number = await self.add("a/x.jpg", photo())
        await self.library.reading.run()
        self.assertEqual(await self.add("a/x.jpg", photo("Andere")), number)
        self.assertEqual(await self.library.reading.run(), 1)
        self.assertEqual((await self.library.metadata.of(admin(), number)).file.camera, "Andere")

    async def test_what_can_not_be_read_does_not_hold_up_the_rest(self) -> None:
        broken = await self.add("a/broken.jpg", b"no picture")
        await self.add("a/gone.jpg", photo())
        good = await self.add("a/good.jpg", photo())
        os.unlink(self.root / "a/gone.jpg")
        self.assertEqual(await self.library.reading.run(), 2)
        self.assertEqual((await self.library.metadata.of(admin(), broken)).file.format, "")
        self.assertEqual((await self.library.metadata.of(admin(), good)).file.camera, "Kamera")

    async def test_a_file_that_changes_while_it_is_read_is_left_for_the_next_time(self) -> None:
        await self.add("a/x.jpg", photo())
        (unread,) = await image_metadata.unread(self.database, after=0, limit=9)
        await self.add("a/x.jpg", photo("Andere", 70))
        saved = await self.database.transaction(
            lambda db: image_metadata.save_read(
                db,
                unread,
                image_metadata.FromFile(camera="old"),
                content_hash=b"0" * 32,
                phash=1,
                guess=None,
                guessed=1,
            )
        )
        self.assertFalse(saved)
        self.assertEqual(len(await image_metadata.unread(self.database, after=0, limit=9)), 1)

    async def test_images_of_an_import_are_read_too(self) -> None:
        await self.add("a/x.jpg", photo())
        self.sql("delete from image_metadata")
        self.assertEqual(await self.library.reading.run(), 1)

    async def test_uploads_are_hashed_already_and_equal_files_are_found(self) -> None:
        for name in ("one.jpg", "two.jpg"):
            await self.library.uploads.store(admin(), [self.incoming(name, photo())], folder="")
        await self.library.uploads.store(admin(), [self.incoming("other.jpg", picture())], folder="")
        groups = await self.library.metadata.duplicates(admin())
        self.assertEqual([len(group) for group in groups], [2])
        await self.refusal(Forbidden, self.library.metadata.duplicates(visitor(root=70)))

    async def test_an_upload_tells_of_equal_files_that_its_owner_may_view(self) -> None:
        who = visitor(root=40, shut=0)
        for folder, name in (("a", "x.jpg"), ("shut", "y.jpg"), ("", "other.jpg")):
            (self.root / folder).mkdir(exist_ok=True)
            data = picture() if name == "other.jpg" else photo()
            (outcome,) = await self.library.uploads.store(admin(), [self.incoming(name, data)], folder=folder)
        self.assertEqual(outcome.duplicates, [])
        (outcome,) = await self.library.uploads.store(who, [self.incoming("new.jpg", photo())], folder="")
        self.assertEqual([one.src for one in outcome.duplicates], ["a/x.jpg"])
        (outcome,) = await self.library.uploads.store(
            admin(), [self.incoming("new.jpg", photo())], folder="", overwrite="yes"
        )
        self.assertEqual([one.src for one in outcome.duplicates], ["shut/y.jpg", "a/x.jpg"])
        await self.library.files.delete(admin(), (await self.library.files.details(admin(), "a/x.jpg")).id)
        (outcome,) = await self.library.uploads.store(who, [self.incoming("newer.jpg", photo())], folder="")
        self.assertEqual([one.src for one in outcome.duplicates], ["new.jpg"])


class FoundAgainTests(LibraryCase):
    """Files that somebody copies to another place and removes, as one does between file systems."""

    async def setUp(self) -> None:
        await super().setUp()
        self.old = await self.details("a/x.jpg", photo())
        await self.library.files.edit(admin(), self.old, title="kept", description="")
        await self.library.reading.run()

    async def details(self, path: str, data: bytes | None = None) -> int:
        if data is not None:
            self.write(path, data)
        self.library.forget(path)
        return (await self.library.files.details(admin(), path)).id

    async def count(self, number: int, requests: int) -> None:
        self.sql(
            "insert into imagestats (image_id, requests, from_time, to_time)"
            " values (%s, %s, '2026-01-01 00:00Z', '2026-01-01 01:00Z')",
            number,
            requests,
        )

    async def copied(self) -> int:
        """The id of the copy, before its file is read."""
        new = await self.details("b/y.jpg", photo())
        self.assertNotEqual(new, self.old)
        return new

    async def test_the_old_record_follows_with_all_that_hangs_on_it(self) -> None:
        for seen in (False, True):
            with self.subTest(seen=seen):
                source, target = (("a/x.jpg", "b/y.jpg"), ("b/y.jpg", "a/x.jpg"))[seen]
                new = await self.details(target, photo())
                self.assertNotEqual(new, self.old)
                (self.root / source).unlink()
                if seen:  # somebody has asked for it in the meantime
                    self.library.forget(source)
                    await self.refusal(NotFound, self.library.files.details(admin(), source))
                    await self.library.registrar.flush()
                await self.count(self.old, 1)
                await self.count(new, 2)
                self.assertEqual(await self.library.reading.run(), 1)
                self.assertEqual(await self.details(target), self.old)
                rows = self.sql("select id, src, title, status, content_hash is not null from images")
                self.assertEqual(rows, [(self.old, target, "kept", 1, True)])
                self.assertEqual(self.sql("select image_id, requests from imagestats"), [(self.old, 3)])
                self.sql("delete from imagestats")
                await self.library.reading.run()
        self.assertEqual([action for action, _ in self.history("a/x.jpg")], [1, 3, 4, 0, 4])

    async def test_a_mere_copy_is_an_image_of_its_own(self) -> None:
        new = await self.copied()
        await self.library.reading.run()
        self.assertEqual((await self.details("b/y.jpg"), await self.details("a/x.jpg")), (new, self.old))

    async def test_a_copy_that_somebody_has_worked_on_stays_what_it_is(self) -> None:
        new = await self.copied()
        await self.library.metadata.edit(admin(), new, FromUsers(tags=["mine"]))
        (self.root / "a/x.jpg").unlink()
        await self.library.reading.run()
        self.assertEqual(await self.details("b/y.jpg"), new)

    async def test_what_somebody_has_deleted_does_not_come_back_elsewhere(self) -> None:
        await self.library.files.delete(admin(), self.old)
        new = await self.copied()
        await self.library.reading.run()
        self.assertEqual(await self.details("b/y.jpg"), new)


class EditingTests(LibraryCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.write("a/x.jpg")
        self.number = (await self.library.files.details(admin(), "a/x.jpg")).id

    async def edit(self, who: object = None, **given: Any) -> image_metadata.ImageMetadata:
        return await self.library.metadata.edit(who or visitor(root=30), self.number, FromUsers(**given))  # type: ignore[arg-type]

    async def test_what_users_say_is_kept_and_found(self) -> None:
        until = datetime(2030, 1, 1, tzinfo=UTC)
        given = await self.edit(
            tags=[" zoo ", "zoo", "", "ice"], custom={"shelf": [1, None, "ä"]}, owner=" Me ", valid_until=until
        )
        expected = FromUsers(tags=("zoo", "ice"), custom={"shelf": [1, None, "ä"]}, owner="Me", valid_until=until)
        self.assertEqual(given.users, expected)
        self.assertEqual((await self.library.metadata.of(anonymous(), self.number)).users, expected)
        page = await self.library.search.images(admin(), ImageQuery(words="zoo"))
        self.assertEqual(len(page.images), 1)
        await self.edit(**{name: getattr(expected, name) for name in ("tags", "custom", "owner", "valid_until")})
        self.assertEqual(self.sql("select action from audit_log"), [("image.changed",)])

    async def test_reading_the_file_leaves_it_alone(self) -> None:
        await self.edit(tags=["zoo"])
        await self.library.reading.run()
        self.assertEqual((await self.library.metadata.of(admin(), self.number)).users.tags, ("zoo",))

    async def test_who_may_not_and_what_can_not(self) -> None:
        await self.refusal(NotAuthenticated, self.edit(anonymous(70)))
        await self.refusal(Forbidden, self.edit(visitor(root=20)))
        await self.refusal(NotFound, self.library.metadata.of(admin(), self.number + 1))
        day = datetime(2030, 1, 1, tzinfo=UTC)
        for given in (
            {"tags": ["t" * 121]},
            {"tags": [str(number) for number in range(101)]},
            {"tags": ["\0"]},
            {"owner": "o" * 256},
            {"licence": "\ud800"},
            {"custom": {"x": "y" * 20_001}},
            {"custom": {f"{number:x}": 1 for number in range(3400)}},
            {"custom": {"x": "\0"}},
            {"custom": {"x": "\ud800"}},
            {"custom": {"x": float("nan")}},
            {"custom": {"": 1}},
            {"valid_from": day, "valid_until": day},
        ):
            await self.refusal(BadParameter, self.edit(**given))
