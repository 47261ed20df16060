"""Uploads in several pieces, as the library takes them."""

from __future__ import annotations

import hashlib
import os
import uuid
from unittest import mock

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater

from qisd.access.visitor import Visitor
from qisd.errors import AlreadyExists, BadParameter, Forbidden, NoSpace, NotFound, StoreUnavailable, Unsupported
from qisd.library.resumable import Hold, UploadExpired
from qisd.repository.growing import Checksum, ChecksumMismatch, UploadBusy, WrongOffset
from qisd.store.resumable_uploads import ResumableUpload
from tests.integration.library_case import LibraryCase, picture, visitor

WHOLE = picture(60, 40)
HALF = len(WHOLE) // 2


class ResumableCase(LibraryCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.who = visitor(root=40)
        self.resumable = self.library.resumable

    async def create(self, name: str = "x.jpg", *, who: Visitor | None = None, **options: object) -> ResumableUpload:
        given: dict[str, object] = {"folder": "", "length": len(WHOLE), "filename": name, **options}
        return await self.resumable.create(who or self.who, **given)  # type: ignore[arg-type]

    def send(self, upload: ResumableUpload, data: bytes, *, offset: int, checksum: Checksum | None = None) -> None:
        piece = self.resumable.sink(upload, offset=offset, checksum=checksum).open("")
        piece.write(data)
        piece.finish()

    def growing(self) -> list[str]:
        folder = self.root / ".uploads" / "resumable"
        return sorted(os.listdir(folder)) if folder.exists() else []


class ResumableTests(ResumableCase):
    async def test_pieces_that_follow_each_other_become_an_image(self) -> None:
        upload = await self.create()
        self.send(upload, WHOLE[:HALF], offset=0)
        self.assertEqual(await self.resumable.offset(upload), HALF)
        self.send(upload, WHOLE[HALF:], offset=HALF)
        image = await self.resumable.complete(self.who, upload)
        assert image is not None
        self.assertEqual((image.src, image.width), ("x.jpg", 60))
        self.assertEqual(image.content_hash and image.content_hash, hashlib.sha256(WHOLE).digest())
        self.assertEqual((self.root / "x.jpg").read_bytes(), WHOLE)
        self.assertEqual((self.root / "x.jpg").stat().st_mode & 0o777, 0o644)
        self.assertEqual(self.history("x.jpg"), [(1, 1)])
        self.assertEqual(self.left_over(), [])

    async def test_whoever_did_not_hear_that_it_is_done_can_ask_again(self) -> None:
        upload = await self.create()
        self.send(upload, WHOLE, offset=0)
        image = await self.resumable.complete(self.who, upload)
        again = await self.resumable.complete(self.who, upload)
        self.assertEqual(again, image)
        found = await self.resumable.find(self.who, upload.id)
        self.assertEqual((found.done, await self.resumable.offset(found)), (True, len(WHOLE)))
        await self.resumable.remove(found)
        self.assertEqual(self.disk(), ["x.jpg"])

    async def test_what_does_not_follow_is_refused(self) -> None:
        upload = await self.create()
        for offset in (1, len(WHOLE)):
            with self.assertRaises(WrongOffset):
                self.send(upload, WHOLE, offset=offset)
        self.send(upload, WHOLE[:HALF], offset=0)
        with self.assertRaises(WrongOffset):
            self.send(upload, WHOLE, offset=0)
        self.assertEqual(await self.resumable.offset(upload), HALF)

    async def test_what_came_before_the_connection_broke_stays(self) -> None:
        upload = await self.create()
        piece = self.resumable.sink(upload, offset=0).open("")
        piece.write(WHOLE[:10])
        piece.discard()
        self.assertEqual(await self.resumable.offset(upload), 10)

    async def test_a_piece_is_what_its_checksum_says_or_nothing(self) -> None:
        upload = await self.create()
        good = Checksum("sha1", hashlib.sha1(WHOLE[:HALF], usedforsecurity=False).digest())
        with self.assertRaises(ChecksumMismatch):
            self.send(upload, b"x" * HALF, offset=0, checksum=good)
        broken = self.resumable.sink(upload, offset=0, checksum=good).open("")
        broken.write(WHOLE[:10])
        broken.discard()
        self.assertEqual(await self.resumable.offset(upload), 0)
        self.send(upload, WHOLE[:HALF], offset=0, checksum=good)
        self.assertEqual(await self.resumable.offset(upload), HALF)

    async def test_only_one_is_at_it_at_a_time(self) -> None:
        upload = await self.create()
        piece = self.resumable.sink(upload, offset=0).open("")
        piece.write(WHOLE)
        with self.assertRaises(UploadBusy):
            self.send(upload, WHOLE, offset=0)
        await self.refusal(UploadBusy, self.resumable.complete(self.who, upload))
        piece.finish()
        await self.resumable.until_free(upload)
        await self.resumable.complete(self.who, upload)

    async def test_it_is_its_owners_alone(self) -> None:
        upload = await self.create()
        other = visitor(root=70)
        object.__setattr__(other, "account", mock.Mock(id=2, flags=frozenset(), groups=frozenset()))
        await self.refusal(NotFound, self.resumable.find(other, upload.id))
        await self.refusal(NotFound, self.resumable.find(self.who, uuid.uuid4()))

    async def test_what_could_not_be_put_in_place_is_not_begun(self) -> None:
        self.write("there.jpg")
        self.library.staging.min_free_mb = 1
        cases: list[tuple[type[Exception], dict[str, object]]] = [
            (AlreadyExists, {"name": "there.jpg"}),
            (NotFound, {"folder": "none"}),
            (Unsupported, {"name": "x.html"}),
            (BadParameter, {"name": "???"}),
            (Forbidden, {"who": visitor(root=30)}),
            (Forbidden, {"who": visitor(root=0), "folder": "none"}),
            (NoSpace, {"length": 2**60}),
        ]
        for kind, options in cases:
            await self.refusal(kind, self.create(**options))  # type: ignore[arg-type]
        self.assertEqual((self.growing(), self.sql("select * from resumable_uploads")), ([], []))
        for overwrite in ("yes", "rename"):
            await self.create("there.jpg", overwrite=overwrite)

    async def test_what_can_not_be_put_in_place_is_removed(self) -> None:
        cases = {"text": (b"x" * len(WHOLE), self.who, Unsupported), "level": (WHOLE, visitor(root=30), Forbidden)}
        for name, (data, who, kind) in cases.items():
            upload = await self.create(f"{name}.jpg")
            self.send(upload, data, offset=0)
            await self.refusal(kind, self.resumable.complete(who, upload))
            await self.refusal(NotFound, self.resumable.find(self.who, upload.id))
        self.assertEqual((self.disk(), self.growing()), ([], []))

    async def test_what_may_be_possible_later_stays(self) -> None:
        upload = await self.create()
        self.send(upload, WHOLE, offset=0)
        with mock.patch.object(self.library.journal, "run", side_effect=StoreUnavailable()):
            await self.refusal(StoreUnavailable, self.resumable.complete(self.who, upload))
        image = await self.resumable.complete(self.who, upload)
        self.assertEqual(image and image.src, "x.jpg")

    async def test_it_can_replace_a_file_or_take_another_name(self) -> None:
        self.write("x.jpg", picture(9, 9))
        for overwrite, src in (("rename", "x-001.jpg"), ("yes", "x.jpg")):
            upload = await self.create(overwrite=overwrite)
            self.send(upload, WHOLE, offset=0)
            image = await self.resumable.complete(self.who, upload)
            self.assertEqual(image and (image.src, image.width), (src, 60))
        self.assertEqual(self.left_over(), [])


class HoldTests(ResumableCase):
    def steal(self, until: str) -> None:
        self.sql(f"update resumable_uploads set held_by = gen_random_uuid(), held_until = now() + interval '{until}'")

    async def test_one_request_is_at_an_upload_at_all_servers(self) -> None:
        upload = await self.create()
        hold = await self.resumable.hold(upload)
        await self.refusal(UploadBusy, self.resumable.hold(upload))
        hold.release()
        await self.resumable.until_free(upload)
        hold = await self.resumable.hold(upload)
        hold.release()
        hold.release()

    async def test_what_a_server_held_that_is_gone_is_free_after_a_while(self) -> None:
        upload = await self.create()
        self.steal("1 minute")
        await self.refusal(UploadBusy, self.resumable.hold(upload))
        self.steal("0")
        (await self.resumable.hold(upload)).release()

    async def test_whoever_holds_it_renews_that_and_hears_when_it_is_lost(self) -> None:
        upload = await self.create()
        clock, lost = Clock(), Deferred[None]()
        hold = Hold(self.database, upload.id, reactor=clock, lost=lambda: lost.callback(None))
        await hold.take()
        ((first,),) = self.sql("select held_until from resumable_uploads")
        clock.advance(10)
        while self.sql("select held_until from resumable_uploads") == [(first,)]:
            await deferLater(reactor, 0.01)
        self.assertNoResult(lost)
        self.steal("1 minute")
        clock.advance(10)
        await lost
        hold.release()
        self.assertEqual(clock.getDelayedCalls(), [])

    async def test_what_is_gone_can_not_be_held(self) -> None:
        upload = await self.create()
        await self.resumable.remove(upload)
        await self.refusal(NotFound, self.resumable.hold(upload))


class RestartTests(ResumableCase):
    async def test_it_goes_on_at_another_server_and_after_a_start(self) -> None:
        upload = await self.create()
        self.send(upload, WHOLE[:HALF], offset=0)
        await self.library.stop()
        self.library = self.make_library()
        await self.library.start(["s1"])
        other = self.make_library(server="s2")
        await other.start([])
        self.addCleanup(other.stop)
        self.resumable = other.resumable
        self.send(upload, WHOLE[HALF:], offset=HALF)
        image = await other.resumable.complete(self.who, upload)
        self.assertEqual(image and image.src, "x.jpg")

    async def test_what_nobody_goes_on_with_expires(self) -> None:
        old, new = await self.create("old.jpg"), await self.create("new.jpg")
        self.sql("update resumable_uploads set expires = now() where id = %s::uuid", str(old.id))
        await self.refusal(UploadExpired, self.resumable.find(self.who, old.id))
        self.assertEqual(await self.resumable.expire(), 1)
        self.assertEqual(self.growing(), [new.id.hex])
        await self.refusal(NotFound, self.resumable.find(self.who, old.id))

    async def test_files_that_no_upload_knows_are_removed_after_a_while(self) -> None:
        upload = await self.create()
        folder = self.root / ".uploads" / "resumable"
        for name, age in (("young", 0), ("lost", 3 * 86400), (upload.id.hex, 3 * 86400)):
            (folder / name).touch()
            now = (folder / name).stat().st_mtime
            os.utime(folder / name, (now - age, now - age))
        await self.resumable.expire()
        self.assertEqual(self.growing(), sorted([upload.id.hex, "young"]))

    async def test_going_on_keeps_it(self) -> None:
        upload = await self.create()
        self.sql("update resumable_uploads set expires = now() + interval '1 hour'")
        extended = await self.resumable.extend(upload)
        self.assertGreaterEqual(extended.expires, upload.expires)
