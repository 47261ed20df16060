"""A library whose file system is not mounted, or can only be read, while the server is at work."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from unittest import mock

from twisted.internet import reactor
from twisted.internet.task import deferLater

from qisd.errors import StoreUnavailable, Unavailable
from qisd.library import journal
from qisd.library.journal import Journal
from qisd.repository.growing import Checksum
from qisd.repository.mounted import MARKER
from qisd.store.resumable_uploads import ResumableUpload
from tests.integration.library_case import LibraryCase, admin, picture

DATA = picture(60, 40)

NOBODY = {"actor_id": None, "actor_name": "", "actor_kind": "system", "address": None, "request_id": ""}
PARAMS = {"actor": NOBODY, "source": "a/x.jpg", "place": ".trash/2026-01-01/1", "days": 30}


class AwayCase(LibraryCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.write("a/x.jpg")
        self.image = await self.library.registrar.image("a/x.jpg")
        self.folder = await self.library.folders.create(admin(), "/b")
        self.aside = self.root.with_name(f"{self.root.name}-aside")

    def unmount(self) -> None:
        """What remains is the empty folder that it was mounted on."""
        self.root.rename(self.aside)
        self.root.mkdir()

    def mount(self) -> None:
        self.root.rmdir()
        self.aside.rename(self.root)

    async def begun(self, *, checksum: Checksum | None = None) -> ResumableUpload:
        upload = await self.library.resumable.create(admin(), folder="a", filename="r.jpg", length=len(DATA))
        piece = self.library.resumable.sink(upload, offset=0, checksum=checksum).open("")
        piece.write(DATA[:100])
        piece.finish()
        return upload


class UnmountedTests(AwayCase):
    async def test_nothing_is_made_in_its_place_and_nothing_taken_for_gone(self) -> None:
        library, who = self.library, admin()
        upload = await self.begun()
        self.unmount()
        for work in (
            library.files.details(who, "a/y.jpg"),
            library.files.delete(who, self.image.id),
            library.files.move(who, self.image.id, "/y.jpg"),
            library.folders.create(who, "/c/d"),
            library.folders.delete(who, self.folder.id),
            library.resumable.create(who, folder="", filename="s.jpg", length=9),
            library.resumable.offset(upload),
            library.resumable.complete(who, upload),
            library.resumable.remove(upload),
        ):
            await self.refusal(StoreUnavailable, work)
        with self.assertRaises(StoreUnavailable):
            self.incoming("z.jpg")
        self.assertEqual(list(self.root.iterdir()), [])
        self.mount()
        self.assertEqual((self.disk(), self.rows()), (["a/x.jpg", "b/"], [("a/x.jpg", 1)]))
        self.assertEqual(self.sql("select path, status from folders where status = 0"), [])
        self.assertEqual(self.sql("select * from disk_operations"), [])
        self.assertEqual(await library.resumable.offset(upload), 100)

    async def test_what_was_cut_short_waits_for_it(self) -> None:
        self.sql(
            "insert into disk_operations (id, kind, paths, params, server, heartbeat) values"
            " (gen_random_uuid(), 'delete_file', '{a/x.jpg}', %s, 'dead', now())",
            json.dumps(PARAMS | {"image_id": self.image.id}),
        )
        self.unmount()
        self.assertEqual(await self.library.journal.recover(["dead"]), 1)
        self.assertEqual(self.sql("select kind from disk_operations"), [("delete_file",)])
        self.mount()
        self.assertEqual(await self.library.journal.recover(["dead"]), 1)
        self.assertEqual((self.sql("select kind from disk_operations"), self.disk()), ([], ["a/x.jpg", "b/"]))


class MarkTests(LibraryCase):
    """A library of whose files the database knows none so far."""

    def unmounted(self) -> None:
        shutil.rmtree(self.root)
        self.root.mkdir()

    async def test_an_empty_folder_in_its_place_gets_no_mark_at_the_next_start(self) -> None:
        self.unmounted()
        fresh = self.make_library()
        await fresh.guard.start()
        self.assertEqual(list(self.root.iterdir()), [])
        self.assertFalse(await fresh.guard.is_there())
        await self.refusal(StoreUnavailable, fresh.folders.create(admin(), "/c"))

    async def test_it_is_there_again_as_soon_as_something_is_in_it(self) -> None:
        self.unmounted()
        fresh = self.make_library()
        await fresh.guard.start()
        self.write("a.jpg")
        self.assertTrue(await fresh.guard.is_there())
        await self.make_library().guard.start()
        self.assertTrue((self.root / MARKER).exists())

    async def test_another_folder_is_a_new_library(self) -> None:
        self.root = self.root.with_name(f"{self.root.name}-other")
        self.root.mkdir()
        self.addCleanup(shutil.rmtree, self.root)
        await self.make_library().guard.start()
        self.assertTrue((self.root / MARKER).exists())

    async def test_it_stays_ours_when_an_import_gives_the_installation_another_id(self) -> None:
        self.sql("update properties set value = 'of-qis' where key = 'cluster_id'")
        fresh = self.make_library()
        await fresh.guard.start()
        self.assertTrue(await fresh.guard.is_there())
        self.assertEqual((self.root / MARKER).read_text(), "of-qis\n")


class ReadOnlyTests(AwayCase):
    async def test_an_upload_in_pieces_is_not_over(self) -> None:
        upload = await self.begun()
        real = os.open

        def refused(path: object, flags: int, *rest: object, **options: object) -> int:
            if flags & os.O_RDWR:
                raise OSError(errno.EROFS, "Read-only file system")
            return real(path, flags, *rest, **options)  # type: ignore[arg-type]

        with mock.patch("qisd.repository.growing.os.open", refused):
            self.assertEqual(await self.library.resumable.offset(upload), 100)
            await self.refusal(StoreUnavailable, self.library.resumable.complete(admin(), upload))
        self.assertEqual(await self.library.resumable.offset(upload), 100)


class NothingIsLeftTests(LibraryCase):
    async def test_of_a_folder_that_somebody_else_is_at(self) -> None:
        with mock.patch.object(Journal, "_claim", side_effect=Unavailable("Somebody else is at it.")):
            await self.refusal(Unavailable, self.library.folders.create(admin(), "/c/d"))
        self.assertEqual([path for path in self.staged() if path.is_dir()], [])

    async def test_of_a_folder_when_the_database_went_away(self) -> None:
        self.patch(journal, "_SETTLE_AGAIN", 0.0)
        with mock.patch.object(self.database, "transaction", side_effect=StoreUnavailable()):
            await self.refusal(StoreUnavailable, self.library.folders.create(admin(), "/c/d"))
            self.assertEqual(len(self.staged()), 1)
        while self.staged():
            await deferLater(reactor, 0.01)  # type: ignore[arg-type]
        self.assertEqual(self.disk(), [])

    async def test_of_an_upload_in_pieces_that_the_database_does_not_take(self) -> None:
        with mock.patch.object(self.database, "transaction", side_effect=StoreUnavailable()):
            await self.refusal(
                StoreUnavailable, self.library.resumable.create(admin(), folder="", filename="r.jpg", length=9)
            )
        self.assertEqual(self.staged(), [])

    def staged(self) -> list[Path]:
        """What is at places of our own."""
        found = (self.root / ".uploads").glob("*/*/*"), (self.root / ".uploads" / "resumable").glob("*")
        return [path for some in found for path in some]
