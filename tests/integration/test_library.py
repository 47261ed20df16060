"""What visitors do with files and folders: :mod:`qisd.library` on a real database and a real disk."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from unittest import mock

from twisted.internet.defer import Deferred, gatherResults

from qisd.access.snapshot import PermissionSnapshot, Validity
from qisd.access.visitor import Visitor
from qisd.errors import (
    AlreadyExists,
    BadParameter,
    Forbidden,
    NotAuthenticated,
    NotFound,
    OutOfDate,
    QisError,
    Refused,
    StoreUnavailable,
    Unsupported,
)
from qisd.library import registrar
from qisd.library.rules import LibraryRules
from qisd.library.uploads import FileOutcome
from qisd.repository.tree import Listed
from qisd.store import folders, images
from qisd.store.images import Image
from tests.integration.library_case import LibraryCase, admin, anonymous, picture, visitor


class DetailsTests(LibraryCase):
    async def test_a_file_gets_its_record_when_it_is_asked_for(self) -> None:
        self.write("a/b/x.jpg", picture(30, 20))
        image = await self.library.files.details(anonymous(), "/a/b/x.jpg")
        self.assertEqual((image.src, image.width, image.height, image.status), ("a/b/x.jpg", 30, 20, 1))
        self.assertEqual(self.history("a/b/x.jpg"), [(1, None)])
        self.assertEqual(self.sql("select path, status from folders order by path"), [("/", 1), ("/a", 1), ("/a/b", 1)])
        self.assertEqual(await self.library.files.details(anonymous(), "a//b/./x.jpg"), image)

    async def test_an_image_whose_rights_have_ended_is_not_for_strangers(self) -> None:
        self.write("a/x.jpg")
        for ends, fits in ((0.0, False), (2.0**40, True)):
            validity = {"a/x.jpg": Validity(begins=None, ends=ends)}
            snapshot = PermissionSnapshot(accounts={}, groups={}, rows={"": {1: 10}}, validity=validity)
            asked = self.library.files.details(Visitor(snapshot=snapshot), "a/x.jpg")
            if fits:
                self.assertEqual((await asked).src, "a/x.jpg")
            else:
                await self.refusal(Forbidden, asked)

    async def test_what_is_no_file_is_not_found_and_gets_no_record(self) -> None:
        self.write("a/x.jpg")
        self.write(".hidden/x.jpg")
        for src in ("none.jpg", "a", "", ".hidden/x.jpg", "none/x.jpg"):
            await self.refusal(NotFound, self.library.files.details(anonymous(), src))
        self.assertEqual(self.rows(), [])

    async def test_other_types_are_told_apart_and_bad_paths_refused(self) -> None:
        self.write("a/terms.docx", b"text")
        await self.refusal(Unsupported, self.library.files.details(anonymous(), "a/terms.docx"))
        await self.refusal(Forbidden, self.library.files.details(anonymous(), "../a/x.jpg"))
        for src in ("a\0.jpg", "a\n.jpg", "\ud800.jpg"):
            await self.refusal(BadParameter, self.library.files.details(anonymous(), src))

    async def test_without_the_view_level_nothing_is_told_and_nothing_written(self) -> None:
        self.write("a/x.jpg")
        for src in ("a/x.jpg", "a/none.jpg", "none/x.docx", "a"):
            error = await self.refusal(Forbidden, self.library.files.details(anonymous(0), src))
            self.assertIn("View permission is required for /", str(error))
        self.assertEqual(self.rows(), [])

    async def test_permissions_hold_for_either_unicode_form_of_a_path(self) -> None:
        self.write("e\u0301/x.jpg")
        closed = visitor(root=10)
        closed.snapshot.rows["e\u0301"] = {1: 0}  # type: ignore[index]
        await self.refusal(Forbidden, self.library.files.details(closed, "é/x.jpg"))

    async def test_an_unreadable_image_has_no_size(self) -> None:
        self.write("x.jpg", b"no picture")
        image = await self.library.files.details(anonymous(), "x.jpg")
        self.assertEqual((image.width, image.height), (0, 0))

    async def test_a_file_that_changed_on_disk_has_its_new_size(self) -> None:
        self.write("x.jpg", picture(10, 10))
        before = await self.library.files.details(anonymous(), "x.jpg")
        self.write("x.jpg", picture(20, 10))
        os.utime(self.root / "x.jpg", (1, 1))
        self.library.forget("x.jpg")
        after = await self.library.files.details(anonymous(), "x.jpg")
        self.assertEqual((after.id, after.width), (before.id, 20))
        self.assertEqual(self.history("x.jpg"), [(1, None)])


class NoticingTests(LibraryCase):
    async def test_a_file_that_vanishes_and_returns_keeps_its_id(self) -> None:
        self.write("a/x.jpg")
        before = await self.library.files.details(anonymous(), "a/x.jpg")
        os.rename(self.root / "a/x.jpg", self.root / "elsewhere")
        self.library.forget("a/x.jpg")
        await self.refusal(NotFound, self.library.files.details(anonymous(), "a/x.jpg"))
        await self.library.registrar.flush()
        self.assertEqual(self.rows(), [("a/x.jpg", 0)])
        os.rename(self.root / "elsewhere", self.root / "a/x.jpg")
        after = await self.library.files.details(anonymous(), "a/x.jpg")
        self.assertEqual((after.id, after.status), (before.id, 1))
        self.assertEqual(self.history("a/x.jpg"), [(1, None), (0, None), (1, None)])

    async def test_of_very_many_files_some_are_looked_at_at_a_time(self) -> None:
        self.patch(registrar, "_LOOKS_AT_ONCE", 2)
        srcs = [f"a/{number}.jpg" for number in range(5)]
        for src in srcs:
            self.write(src)
        look = self.library.registrar._look
        with mock.patch.object(self.library.registrar, "_look", side_effect=look) as looked:
            self.assertEqual(set(await self.library.registrar.images([*srcs, "a/none.jpg"])), set(srcs))
        self.assertLessEqual(max(len(call.args[0]) for call in looked.call_args_list), 2)

    async def test_a_record_goes_where_its_file_went(self) -> None:
        self.write("a/x.jpg")
        before = await self.library.files.details(admin(), "a/x.jpg")
        await self.library.files.edit(admin(), before.id, title="kept", description="")
        (self.root / "b").mkdir()
        os.rename(self.root / "a/x.jpg", self.root / "b/y.jpg")
        after = await self.library.files.details(anonymous(), "b/y.jpg")
        self.assertEqual((after.id, after.title, after.status), (before.id, "kept", 1))
        self.assertEqual(self.history("b/y.jpg"), [(1, None), (3, 1), (4, None)])
        await self.refusal(NotFound, self.library.files.details(anonymous(), "a/x.jpg"))
        self.assertEqual(self.rows(), [("b/y.jpg", 1)])

    async def test_a_copy_or_a_second_name_of_a_file_is_another_image(self) -> None:
        self.write("a/x.jpg")
        before = await self.library.files.details(admin(), "a/x.jpg")
        self.write("a/copy.jpg")
        os.link(self.root / "a/x.jpg", self.root / "a/link.jpg")
        for path in ("a/copy.jpg", "a/link.jpg"):
            self.assertNotEqual((await self.library.files.details(admin(), path)).id, before.id)
        self.assertEqual((await self.library.files.details(admin(), "a/x.jpg")).id, before.id)

    async def test_image_requests_tell_and_a_batch_is_written_later(self) -> None:
        self.write("a/x.jpg", picture(10, 10))
        self.write("y.txt")
        self.library.registrar.saw("a/x.jpg", 10, 10)
        self.library.registrar.saw("y.txt", 0, 0)
        self.library.registrar.saw("gone.jpg", 5, 5)
        self.assertEqual(self.rows(), [])
        await self.library.registrar.flush()
        self.assertEqual(self.rows(), [("a/x.jpg", 1)])
        self.library.registrar.missed("a/x.jpg")
        self.library.registrar.missed("never.jpg")
        await self.library.registrar.flush()
        self.assertEqual(self.rows(), [("a/x.jpg", 1)])
        os.unlink(self.root / "a/x.jpg")
        self.library.registrar.missed("a/x.jpg")
        await self.library.registrar.flush()
        self.assertEqual(self.rows(), [("a/x.jpg", 0)])

    async def test_a_folder_that_vanishes_takes_everything_below_it_along(self) -> None:
        for path in ("a/x.jpg", "a/b/y.jpg", "c/z.jpg"):
            self.write(path)
            await self.library.files.details(anonymous(), path)
        os.rename(self.root / "a", self.root / ".a")
        self.library.registrar.missed("a/x.jpg")
        await self.library.registrar.flush()
        self.assertEqual(self.rows(), [("a/b/y.jpg", 0), ("a/x.jpg", 0), ("c/z.jpg", 1)])
        view = await self.library.folders.by_path(admin(), "/a")
        self.assertEqual(view.folder.status, 0)
        os.rename(self.root / ".a", self.root / "a")
        again = await self.library.folders.by_path(admin(), "/a")
        self.assertEqual((again.folder.id, again.folder.status), (view.folder.id, 1))
        self.assertEqual(self.rows(), [("a/b/y.jpg", 0), ("a/x.jpg", 0), ("c/z.jpg", 1)])

    async def test_nothing_is_marked_deleted_while_the_library_is_not_mounted(self) -> None:
        self.write("a/x.jpg")
        await self.library.files.details(anonymous(), "a/x.jpg")
        away = self.root.with_name(self.root.name + "-away")
        os.rename(self.root, away)
        os.mkdir(self.root)
        try:
            self.library.registrar.missed("a/x.jpg")
            await self.refusal(StoreUnavailable, self.library.registrar.flush())
            self.assertEqual(self.rows(), [("a/x.jpg", 1)])
            self.assertEqual(await self.library.registrar.folder_gone("a"), 0)
            self.assertEqual(self.sql("select * from folders where status = 0"), [])
        finally:
            os.rmdir(self.root)
            os.rename(away, self.root)

    async def test_no_more_than_a_tenth_or_a_hundred_vanish_without_consent(self) -> None:
        for number in range(101):
            self.write(f"a/{number}.jpg", b"x")
        self.write("b/x.jpg")
        await self.library.listing.files(admin(), "a", attributes=True)
        for number in range(101):
            os.unlink(self.root / f"a/{number}.jpg")
            self.library.registrar.missed(f"a/{number}.jpg")
        await self.library.registrar.flush()
        self.flushLoggedErrors()
        self.assertTrue(self.library.guard.alarm)
        self.assertEqual(await images.count_active(self.database), 101)
        self.library.forget("a")
        await self.refusal(StoreUnavailable, self.library.files.details(anonymous(), "a/1.jpg"))
        findings = await self.library.verification.run(admin(), repair=True)
        self.assertEqual((findings.missing, findings.unknown), (101, 1))
        self.assertEqual(self.rows()[-1], ("b/x.jpg", 1))
        self.assertEqual(await images.count_active(self.database), 1)
        await self.refusal(NotFound, self.library.files.details(anonymous(), "a/1.jpg"))


class ListingTests(LibraryCase):
    async def test_a_page_of_a_folder_as_on_disk(self) -> None:
        for name in ("b.jpg", "A.jpg", "c.docx", ".hidden.jpg"):
            self.write(f"f/{name}")
        (self.root / "f/sub").mkdir()
        page = await self.library.listing.files(anonymous(), "/f/", limit=2)
        self.assertEqual(
            [(one.name, one.supported, one.src) for one in page.entries],
            [("A.jpg", True, "f/A.jpg"), ("b.jpg", True, "f/b.jpg")],
        )
        self.assertEqual(page.total, 3)
        page = await self.library.listing.files(anonymous(), "f", start=2)
        self.assertEqual([(one.name, one.supported) for one in page.entries], [("c.docx", False)])
        self.assertEqual((await self.library.listing.files(anonymous(), "f", start=9)).entries, [])
        page = await self.library.listing.files(anonymous(), "f", after="b.jpg", folders=True)
        self.assertEqual([(one.name, one.folder) for one in page.entries], [("c.docx", False), ("sub", True)])
        self.assertEqual(self.rows(), [])

    async def test_sub_folders_that_are_closed_to_the_visitor_are_not_listed(self) -> None:
        self.write("f/open/a.jpg")
        self.write("f/closed/a.jpg")
        visitor = Visitor(snapshot=PermissionSnapshot(accounts={}, groups={}, rows={"": {1: 10}, "f/closed": {1: 0}}))
        page = await self.library.listing.files(visitor, "f", folders=True)
        self.assertEqual(([one.name for one in page.entries], page.total), (["open"], 1))

    async def test_many_who_ask_at_once_share_looks_and_miss_nothing(self) -> None:
        self.write("f/a.jpg")
        looks: list[str] = []
        look = self.library.tree.listing

        def counted(path: str) -> list[Listed]:
            looks.append(path)
            return look(path)

        self.patch(self.library.tree, "listing", counted)
        asked = [Deferred.fromCoroutine(self.library.listing.files(anonymous(), "f")) for _ in range(10)]
        self.write("f/b.jpg")
        asked.append(Deferred.fromCoroutine(self.library.listing.files(anonymous(), "f")))
        pages = await gatherResults(asked)
        self.assertEqual(looks, ["f"] * 3)
        self.assertEqual([one.name for one in pages[-1].entries], ["a.jpg", "b.jpg"])
        with self.assertRaises(NotFound):
            await self.library.listing.files(anonymous(), "none")

    async def test_records_of_a_page_are_made_at_once(self) -> None:
        for number in range(60):
            self.write(f"f/{number:02}.jpg", picture(number + 1, 5))
        self.write("f/99.docx")
        page = await self.library.listing.files(anonymous(), "f", attributes=True)
        self.assertEqual([one.image.width for one in page.entries if one.image], list(range(1, 61)))
        self.assertIsNone(page.entries[-1].image)
        again = await self.library.listing.files(anonymous(), "f", attributes=True)
        self.assertEqual(again, page)
        self.assertEqual(self.sql("select count(*) from imagesaudit"), [(60,)])

    async def test_the_view_level_goes_before_existence(self) -> None:
        self.write("a/x.jpg")
        for path in ("a", "none", ""):
            await self.refusal(Forbidden, self.library.listing.files(anonymous(0), path))
        for path in ("none", "a/x.jpg", ".trash", "a/.x"):
            await self.refusal(NotFound, self.library.listing.files(anonymous(), path))


class EditTests(LibraryCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.write("a/x.jpg")
        self.image = await self.library.files.details(admin(), "a/x.jpg")

    async def edit(self, title: str, description: str = "", **options: int) -> Image:
        return await self.library.files.edit(
            visitor(root=30), self.image.id, title=title, description=description, **options
        )

    async def test_texts_are_trimmed_and_changes_told(self) -> None:
        edited = await self.edit("  King penguin ", "two words")
        self.assertEqual((edited.title, edited.description), ("King penguin", "two words"))
        await self.edit("King gull", "two words")
        await self.edit("King gull", "two words")
        rows = self.sql("select user_id, action_info from imagesaudit where action = 3 order by id")
        self.assertEqual(rows, [(1, "Title: King penguin\nDescription: two words"), (1, "Title: gull [penguin]")])
        self.assertIn("a/x.jpg", self.changed)
        seen = await self.library.files.details(admin(), "a/x.jpg")
        self.assertEqual(seen.title, "King gull")

    async def test_of_long_texts_the_part_that_differs_is_told(self) -> None:
        around = [f"w{number}" for number in range(300)]
        await self.edit("x", " ".join([*around, "old", *around]))
        await self.edit("x", " ".join([*around, "new", "one", *around]))
        rows = self.sql("select action_info from imagesaudit where action = 3 order by id desc limit 1")
        self.assertEqual(rows, [("Description: new one [old]",)])

    async def test_an_outdated_version_is_refused(self) -> None:
        await self.edit("one", version=self.image.version)
        await self.refusal(OutOfDate, self.edit("two", version=self.image.version))

    async def test_who_may_not_and_what_can_not(self) -> None:
        number = self.image.id
        edit = self.library.files.edit
        await self.refusal(NotAuthenticated, edit(anonymous(70), number, title="", description=""))
        await self.refusal(Forbidden, edit(visitor(root=20), number, title="", description=""))
        await self.refusal(NotFound, edit(visitor(root=30), number + 1, title="", description=""))
        for title, description in (("t" * 256, ""), ("", "d" * 10_001), ("\0", ""), ("\ud800", "")):
            await self.refusal(BadParameter, self.edit(title, description))
        await self.edit("'; drop table images; --", "%s {src}")

    async def test_history_needs_the_edit_level(self) -> None:
        await self.edit("one")
        history = await self.library.files.history(visitor(root=30), self.image.id)
        self.assertEqual([int(one.action) for one in history], [1, 3])
        await self.refusal(Forbidden, self.library.files.history(visitor(root=20), self.image.id))


class UploadTests(LibraryCase):
    async def store(
        self, *names: str, who: object = None, data: bytes | None = None, **options: object
    ) -> list[FileOutcome]:
        files = [self.incoming(name, data) for name in names]
        return await self.library.uploads.store(who or visitor(root=40), files, **options)  # type: ignore[arg-type]

    async def only(self, name: str, **options: object) -> Image:
        (outcome,) = await self.store(name, **options)
        if outcome.error is not None:
            raise outcome.error
        assert outcome.image is not None
        return outcome.image

    async def test_a_file_gets_its_place_its_record_and_its_history(self) -> None:
        (self.root / "a").mkdir()
        image = await self.only("C/../x.jpg", folder="/a/", data=picture(40, 30))
        self.assertEqual((image.src, image.width, image.height), ("a/x.jpg", 40, 30))
        self.assertEqual((self.root / "a/x.jpg").read_bytes(), picture(40, 30))
        self.assertEqual((self.root / "a/x.jpg").stat().st_mode & 0o777, 0o644)
        self.assertEqual(self.history("a/x.jpg"), [(1, 1)])
        self.assertIsNotNone(image.content_hash)
        self.assertEqual(self.left_over(), [])
        self.assertIn("a/x.jpg", self.changed)

    async def test_what_to_do_when_a_name_is_taken_is_the_visitors_choice(self) -> None:
        first = await self.only("x.jpg", folder="")
        await self.refusal(AlreadyExists, self.only("x.jpg", folder="", data=picture(9, 9)))
        self.assertEqual((self.root / "x.jpg").read_bytes(), picture())
        renamed = await self.only("x.jpg", folder="", overwrite="rename")
        self.assertEqual((renamed.src, self.history("x-001.jpg")), ("x-001.jpg", [(1, 1)]))
        replaced = await self.only("x.jpg", folder="", overwrite="yes", data=picture(9, 9))
        self.assertEqual((replaced.id, replaced.width), (first.id, 9))
        self.assertEqual((self.root / "x.jpg").read_bytes(), picture(9, 9))
        self.assertEqual(self.history("x.jpg"), [(1, 1), (2, 1)])
        self.assertEqual(self.left_over(), [])

    async def test_a_second_file_of_a_name_in_one_request_is_renamed(self) -> None:
        outcomes = await self.store("x.jpg", "a/x.jpg", "x*.jpg", folder="", overwrite="yes")
        self.assertEqual([one.image and one.image.src for one in outcomes], ["x.jpg", "x-001.jpg", "x-002.jpg"])

    async def test_each_file_is_judged_by_itself_and_by_its_content(self) -> None:
        cases = {
            "good.jpg": (picture(), None),
            "good.png": (picture(kind="PNG"), None),
            "png.jpg": (picture(kind="PNG"), Unsupported),
            "text.jpg": (b"<script>", Unsupported),
            "empty.jpg": (b"", Unsupported),
            "page.html": (b"<script>", Unsupported),
            "noextension": (picture(), BadParameter),
            "???": (picture(), BadParameter),
            "": (picture(), BadParameter),
            "n" * 300 + ".jpg": (picture(), BadParameter),
            "UPPER.JPG": (picture(), None),
        }
        files = [self.incoming(name, data) for name, (data, _) in cases.items()]
        outcomes = await self.library.uploads.store(visitor(root=40), files, folder="/")
        self.assertEqual([one.filename for one in outcomes], list(cases))
        for outcome, (_, expected) in zip(outcomes, cases.values(), strict=True):
            self.assertEqual(type(outcome.error) if outcome.error else None, expected, outcome.filename)
        self.assertEqual(self.disk(), ["UPPER.JPG", "good.jpg", "good.png"])
        self.assertEqual(self.left_over(), [])

    async def test_nothing_is_tried_without_a_folder_or_a_level(self) -> None:
        cases: list[tuple[type[QisError], dict[str, object]]] = [
            (BadParameter, {}),
            (NotFound, {"folder": "none"}),
            (NotFound, {"folder": ".folio_exports"}),
            (Forbidden, {"folder": "../x"}),
            (BadParameter, {"path_index": 2}),
            (BadParameter, {"path_index": -1}),
            (NotAuthenticated, {"folder": "", "who": anonymous(70)}),
            (Forbidden, {"folder": "none", "who": visitor(root=0)}),
        ]
        for kind, options in cases:
            await self.refusal(kind, self.store("x.jpg", **options))
        (outcome,) = await self.store("x.jpg", folder="", who=visitor(root=30))
        self.assertIsInstance(outcome.error, Forbidden)
        self.assertEqual((self.disk(), self.left_over()), ([], []))

    async def test_the_operators_folders_are_made_on_demand(self) -> None:
        image = await self.only("x.jpg", path_index=0, who=visitor(root=40))
        self.assertEqual(image.folder, f"{datetime.now(UTC):%Y-%m-%d}")
        self.assertEqual((self.root / image.folder).stat().st_mode & 0o777, 0o755)
        self.assertEqual((await self.only("y.jpg", path_index=1, folder="none")).src, "samples/y.jpg")
        (outcome,) = await self.store("z.jpg", path_index=0, who=visitor(root=30))
        self.assertIsInstance(outcome.error, Forbidden)

    async def test_many_at_once_never_get_the_same_name(self) -> None:
        work = [Deferred.fromCoroutine(self.only("x.jpg", folder="", overwrite="rename")) for _ in range(8)]
        made = await gatherResults(work)
        expected = ["x.jpg", *(f"x-00{number}.jpg" for number in range(1, 8))]
        self.assertEqual(sorted(one.src for one in made), sorted(expected))
        self.assertEqual(self.disk(), sorted(expected))

    async def test_a_file_comes_to_life_again_under_its_id(self) -> None:
        image = await self.only("x.jpg", folder="")
        await self.library.files.delete(admin(), image.id)
        again = await self.only("x.jpg", folder="")
        self.assertEqual(again.id, image.id)
        self.assertEqual(self.history("x.jpg"), [(1, 1), (0, 1), (1, 1)])


class FileTests(LibraryCase):
    async def setUp(self) -> None:
        await super().setUp()
        for path in ("a/x.jpg", "b/y.jpg"):
            self.write(path)
        self.image = await self.library.files.details(admin(), "a/x.jpg")
        await self.library.files.edit(admin(), self.image.id, title="kept", description="")

    async def move(self, path: str, who: object = None) -> Image:
        return await self.library.files.move(who or admin(), self.image.id, path)  # type: ignore[arg-type]

    async def test_a_file_moves_with_all_that_hangs_on_it(self) -> None:
        moved = await self.move("/b/new.jpg")
        self.assertEqual((moved.id, moved.src, moved.title), (self.image.id, "b/new.jpg", "kept"))
        self.assertEqual(moved.folder_id, (await self.library.files.details(admin(), "b/y.jpg")).folder_id)
        self.assertEqual(self.disk(), ["a/", "b/new.jpg", "b/y.jpg"])
        moved = await self.move("b/cathëdral*\techo>'hi'.jpg")
        self.assertEqual(moved.src, "b/cathëdralechohi.jpg")
        texts = self.sql("select action_info from imagesaudit where action = 4 order by id")
        self.assertEqual(
            texts,
            [("Moved from /a to /b, renamed from x.jpg to new.jpg",), ("Renamed from new.jpg to cathëdralechohi.jpg",)],
        )
        self.assertEqual(self.left_over(), [])

    async def test_the_same_path_is_nothing(self) -> None:
        self.assertEqual((await self.move("/a/x.jpg", visitor(root=10))).src, "a/x.jpg")
        self.assertEqual(self.history("a/x.jpg"), [(1, None), (3, 1)])

    async def test_what_can_not_be_a_path_or_is_taken(self) -> None:
        (self.root / "b/folder.jpg").mkdir()
        self.write("b/.hidden/z.jpg")
        cases: list[tuple[type[QisError], list[str]]] = [
            (
                BadParameter,
                ["../x.jpg", "b/../x.jpg", ".x.jpg", "b/.x.jpg", "b/.hidden/x.jpg", "b/noextension", "b/?", "b/a..jpg"],
            ),
            (NotFound, ["none/x.jpg", "b/y.jpg/x.jpg"]),
            (AlreadyExists, ["b/y.jpg", "b/folder.jpg"]),
            (Unsupported, ["b/x.html", "b/x.png", "b/x.exe"]),
        ]
        for kind, paths in cases:
            for path in paths:
                await self.refusal(kind, self.move(path))
        self.assertEqual(self.rows()[0], ("a/x.jpg", 1))
        self.assertEqual((await self.move("b/x.jpeg")).src, "b/x.jpeg")

    async def test_levels_on_both_sides(self) -> None:
        for levels in ({"root": 10, "b": 40}, {"root": 10, "a": 50}, {"root": 50, "b": 30}, {"root": 50, "b": 0}):
            await self.refusal(Forbidden, self.move("b/new.jpg", visitor(**levels)))
        await self.refusal(Forbidden, self.move("a/new.jpg", visitor(root=30)))
        await self.refusal(NotAuthenticated, self.move("a/new.jpg", anonymous(70)))
        self.assertEqual((await self.move("a/new.jpg", visitor(root=40))).src, "a/new.jpg")
        self.assertEqual((await self.move("b/new.jpg", visitor(a=50, b=40))).src, "b/new.jpg")

    async def test_without_the_view_level_existence_is_not_told(self) -> None:
        for path in ("b/y.jpg", "b/z.jpg", "b/none/z.jpg"):
            await self.refusal(Forbidden, self.move(path, visitor(root=50, b=0)))

    async def test_the_record_at_the_target_gives_up_its_place_and_stays(self) -> None:
        other = await self.library.files.details(admin(), "b/y.jpg")
        await self.library.files.delete(admin(), other.id)
        moved = await self.move("b/y.jpg")
        self.assertEqual(moved.id, self.image.id)
        kept = await images.by_id(self.database, other.id)
        assert kept is not None
        self.assertEqual((kept.src, kept.status), (f".deleted/{other.id}/y.jpg", 0))
        self.assertEqual(self.sql("select count(*) from imagesaudit where image_id = %s", other.id), [(2,)])
        (entry,) = await self.library.trash.entries(admin())
        await self.move("b/z.jpg")
        self.assertEqual(await self.library.trash.restore(admin(), entry.id), "b/y.jpg")
        back = await images.by_id(self.database, other.id)
        assert back is not None
        self.assertEqual((back.src, back.status), ("b/y.jpg", 1))

    async def test_a_vanished_file_can_not_be_moved_but_deleted(self) -> None:
        os.unlink(self.root / "a/x.jpg")
        await self.refusal(NotFound, self.move("b/x.jpg"))
        deleted = await self.library.files.delete(visitor(root=50), self.image.id)
        self.assertEqual(deleted.status, 0)
        await self.refusal(NotFound, self.library.files.delete(visitor(root=50), self.image.id))
        self.assertEqual(await self.library.trash.entries(admin()), [])

    async def test_a_deleted_file_can_be_had_back(self) -> None:
        await self.refusal(Forbidden, self.library.files.delete(visitor(root=40), self.image.id))
        deleted = await self.library.files.delete(visitor(root=50), self.image.id)
        self.assertEqual((deleted.id, deleted.status), (self.image.id, 0))
        self.assertEqual((self.disk(), self.left_over()), (["a/", "b/y.jpg"], []))
        (entry,) = await self.library.trash.entries(visitor(root=50))
        self.assertEqual((entry.path, entry.user_id), ("a/x.jpg", 1))
        self.assertEqual(await self.library.trash.entries(visitor(root=40)), [])
        await self.refusal(Forbidden, self.library.trash.restore(visitor(root=40), entry.id))
        self.assertEqual(await self.library.trash.restore(visitor(root=50), entry.id), "a/x.jpg")
        back = await self.library.files.details(admin(), "a/x.jpg")
        self.assertEqual((back.id, back.title), (self.image.id, "kept"))
        await self.refusal(NotFound, self.library.trash.restore(admin(), entry.id))
        actions = [row[0] for row in self.sql("select action from audit_log order by id")]
        self.assertEqual(actions, ["file.deleted", "trash.restored"])

    async def test_what_comes_back_does_not_take_the_place_of_another(self) -> None:
        await self.library.files.delete(admin(), self.image.id)
        (entry,) = await self.library.trash.entries(admin())
        self.write("a/x.jpg", picture(9, 9))
        await self.refusal(AlreadyExists, self.library.trash.restore(admin(), entry.id))
        self.assertEqual(await self.library.trash.restore(admin(), entry.id, on_clash="rename"), "a/x-001.jpg")
        self.assertEqual((await self.library.files.details(admin(), "a/x-001.jpg")).id, self.image.id)

    async def test_without_trash_a_deleted_file_is_gone(self) -> None:
        self.library.configure(LibraryRules(trash_days=0))
        await self.library.files.delete(admin(), self.image.id)
        self.assertEqual((self.disk(), self.left_over()), (["a/", "b/y.jpg"], []))
        self.assertFalse((self.root / ".trash").exists())

    async def test_the_trash_is_emptied_for_good(self) -> None:
        await self.library.files.delete(admin(), self.image.id)
        await self.refusal(Forbidden, self.library.trash.empty(visitor(root=70)))
        self.assertEqual(await self.library.trash.expire(admin()), 0)
        (self.root / ".trash/2020-01-01").mkdir()
        (self.root / ".trash/2020-01-01/unknown").write_bytes(b"")
        self.sql("update trash set expires = now()")
        self.assertEqual(await self.library.trash.expire(admin()), 1)
        self.assertEqual(list((self.root / ".trash").iterdir()), [])
        self.assertEqual(await self.library.trash.entries(admin()), [])

    async def test_the_pages_of_a_document_go_with_it(self) -> None:
        self.library.configure(LibraryRules(rendering=_with_pdf()))
        self.write("a/doc.pdf", b"%PDF")
        self.write("a/doc.pdf.d/1.png", picture(kind="PNG"))
        (self.root / "c").mkdir()
        await self.library.registrar.images(["a/doc.pdf.d/1.png"])
        (outcome,) = await self.library.uploads.store(
            admin(), [self.incoming("doc.pdf", b"%PDF-2")], folder="a", overwrite="yes"
        )
        assert outcome.image is not None
        page = await images.by_src(self.database, "a/doc.pdf.d/1.png")
        assert page is not None
        await self.library.files.move(admin(), outcome.image.id, "c/moved.pdf")
        moved = await images.by_id(self.database, page.id)
        assert moved is not None
        self.assertEqual((moved.src, self.disk()[-2:]), ("c/moved.pdf.d/1.png", ["c/moved.pdf", "c/moved.pdf.d/1.png"]))
        await self.library.files.delete(admin(), outcome.image.id)
        self.assertEqual(self.disk(), ["a/x.jpg", "b/y.jpg", "c/"])
        (entry,) = await self.library.trash.entries(admin())
        await self.library.trash.restore(admin(), entry.id)
        self.assertEqual(self.disk()[-2:], ["c/moved.pdf", "c/moved.pdf.d/1.png"])
        self.assertEqual([status for _, status in self.rows()], [1, 1, 1])


def _with_pdf() -> object:
    import attrs

    from qisd.imaging.render import RenderSettings

    rendering = RenderSettings()
    return attrs.evolve(rendering, formats=rendering.formats.merged({"pdf": ("PDF", "application/pdf")}))


class FolderTests(LibraryCase):
    async def test_folders_are_made_with_all_above_them(self) -> None:
        folder = await self.library.folders.create(visitor(root=60), "/bell\a/etc/* | more/")
        self.assertEqual((folder.path, folder.name), ("/bell/etc/more", "more"))
        self.assertEqual((self.disk(), self.left_over()), (["bell/etc/more/"], []))
        view = await self.library.folders.by_path(visitor(root=10), "bell/etc")
        self.assertEqual([one.id for one in view.children], [folder.id])
        assert view.parent is not None
        self.assertEqual(view.parent.path, "/bell")
        self.assertEqual((self.root / "bell/etc").stat().st_mode & 0o777, 0o755)

    async def test_what_can_not_be_made(self) -> None:
        self.write("a/x.jpg")
        create = self.library.folders.create
        for path in ("", "/", "../x", "a/../b", ".hidden", "a/.hidden", "a/*", "x" * 256, "y/" * 600):
            await self.refusal(BadParameter, create(admin(), path))
        for path in ("a", "a/x.jpg", "a/x.jpg/b", "/a/"):
            await self.refusal(AlreadyExists, create(admin(), path))
        await self.refusal(Forbidden, create(visitor(root=50), "b"))
        await self.refusal(NotAuthenticated, create(anonymous(70), "b"))
        for path in ("a/b", "a/x.jpg", "a/b/c"):
            await self.refusal(Forbidden, create(visitor(root=60, a=0), path))

    async def test_a_folder_moves_with_everything_below_it(self) -> None:
        for path in ("a/x.jpg", "a/b/y.jpg", "a/unknown.txt"):
            self.write(path)
        image = await self.library.files.details(admin(), "a/b/y.jpg")
        (self.root / "a/.hidden").write_bytes(b"")
        folder = (await self.library.folders.by_path(admin(), "a")).folder
        self.sql("insert into folderpermissions (folder_id, group_id, access) values (%s, 1, 20)", folder.id)
        moved = await self.library.folders.move(admin(), folder.id, "/c/new")
        self.assertEqual((moved.id, moved.path, moved.name), (folder.id, "/c/new", "new"))
        texts = self.sql("select distinct action_info from imagesaudit where action = 4")
        self.assertEqual(texts, [("With its folder, from /a to /c/new",)])
        self.assertEqual(self.disk(), ["c/new/b/y.jpg", "c/new/unknown.txt", "c/new/x.jpg"])
        self.assertTrue((self.root / "c/new/.hidden").exists())
        after = await images.by_id(self.database, image.id)
        assert after is not None
        self.assertEqual(after.src, "c/new/b/y.jpg")
        self.assertEqual(self.history("c/new/b/y.jpg"), [(1, None), (4, 1)])
        self.assertEqual(
            self.sql("select f.path from folderpermissions p join folders f on f.id = folder_id where access = 20"),
            [("/c/new",)],
        )
        self.assertEqual(self.left_over(), [])

    async def test_where_a_folder_can_not_go(self) -> None:
        self.write("a/b/x.jpg")
        self.write("c/y.jpg")
        folder = (await self.library.folders.by_path(admin(), "a")).folder
        root = (await self.library.folders.by_path(admin(), "/")).folder

        async def move(path: str, number: int = folder.id, who: object = None) -> object:
            return await self.library.folders.move(who or admin(), number, path)  # type: ignore[arg-type]

        for path in ("a/b/c", "a/c"):
            await self.refusal(Refused, move(path))
        for path in ("", "/", "..", "c/../d", "c/.d"):
            await self.refusal(BadParameter, move(path))
        for path in ("c", "c/y.jpg", "c/y.jpg/d", "a/b"):
            await self.refusal((Refused if path == "a/b" else AlreadyExists), move(path))
        await self.refusal(Refused, move("d", root.id))
        await self.refusal(NotFound, move("d", 2**31))
        self.assertEqual((await self.library.folders.move(admin(), folder.id, "//a/")).id, folder.id)
        for levels in ({"root": 50}, {"root": 60, "c": 60}, {"root": 70, "c": 50}, {"root": 70, "c": 0}):
            await self.refusal(Forbidden, move("c/d" if "c" in levels else "d", who=visitor(**levels)))
        self.assertEqual((await self.library.folders.move(visitor(root=60), folder.id, "d")).path, "/d")
        self.assertEqual((await self.library.folders.move(visitor(root=70, c=60), folder.id, "c/d")).path, "/c/d")

    async def test_lengths_below_are_checked_first(self) -> None:
        deep = "/".join(["d" * 200] * 4)
        self.write(f"a/{deep}/x.jpg")
        await self.library.files.details(admin(), f"a/{deep}/x.jpg")
        folder = (await self.library.folders.by_path(admin(), "a")).folder
        await self.refusal(BadParameter, self.library.folders.move(admin(), folder.id, "b" * 250))
        self.assertEqual((self.disk(), self.left_over()), ([f"a/{deep}/x.jpg"], []))

    async def test_when_many_rename_a_folder_at_once_it_is_where_one_of_them_was_told(self) -> None:
        self.write("a/x.jpg")
        await self.library.files.details(admin(), "a/x.jpg")
        folder = (await self.library.folders.by_path(admin(), "a")).folder
        results: list[object] = []

        async def move(path: str) -> None:
            try:
                results.append((await self.library.folders.move(admin(), folder.id, path)).path)
            except (NotFound, AlreadyExists) as error:
                results.append(type(error))

        await gatherResults([Deferred.fromCoroutine(move(path)) for path in ("b", "c", "d")])
        # Whoever comes when another is through already moves it on: nobody has said where it was to be before.
        told = [f"{one[1:]}/x.jpg" for one in results if isinstance(one, str)]
        self.assertEqual(len(results), 3)
        self.assertEqual(len(self.disk()), 1)
        self.assertIn(self.disk()[0], told)
        self.assertEqual(self.rows(), [(self.disk()[0], 1)])

    async def test_moving_onto_a_deleted_folder_keeps_both_histories(self) -> None:
        for path in ("a/x.jpg", "b/x.jpg"):
            self.write(path)
            await self.library.files.details(admin(), path)
        a = (await self.library.folders.by_path(admin(), "a")).folder
        b = (await self.library.folders.by_path(admin(), "b")).folder
        await self.library.folders.delete(admin(), b.id)
        moved = await self.library.folders.move(admin(), a.id, "b")
        self.assertEqual((moved.id, moved.path), (a.id, "/b"))
        kept = await folders.by_id(self.database, b.id)
        assert kept is not None
        self.assertEqual((kept.path, kept.status), (f"/.deleted/f{b.id}/b", 0))
        (entry,) = await self.library.trash.entries(admin())
        await self.refusal(AlreadyExists, self.library.trash.restore(admin(), entry.id))
        self.assertEqual(await self.library.trash.restore(admin(), entry.id, on_clash="rename"), "b-001")
        self.assertEqual([path for path, _ in self.rows()], ["b-001/x.jpg", "b/x.jpg"])
        back = await folders.by_id(self.database, b.id)
        assert back is not None
        self.assertEqual((back.path, back.status), ("/b-001", 1))

    async def test_a_deleted_folder_can_be_had_back_with_everything(self) -> None:
        for path in ("a/b/x.jpg", "a/b/c/y.jpg", "a/b/unknown.txt"):
            self.write(path)
        image = await self.library.files.details(admin(), "a/b/c/y.jpg")
        folder = (await self.library.folders.by_path(admin(), "a/b")).folder
        for levels in ({"root": 60}, {"root": 10, "a_b": 70}):
            await self.refusal(Forbidden, self.library.folders.delete(visitor(**levels), folder.id))
        deleted = await self.library.folders.delete(visitor(root=70, a_b=0), folder.id)
        self.assertEqual((deleted.id, deleted.status), (folder.id, 0))
        self.assertEqual((self.disk(), self.left_over()), (["a/"], []))
        await self.refusal(NotFound, self.library.folders.delete(admin(), folder.id))
        os.rmdir(self.root / "a")
        (entry,) = await self.library.trash.entries(admin())
        await self.library.trash.restore(admin(), entry.id)
        self.assertEqual(self.disk(), ["a/b/c/y.jpg", "a/b/unknown.txt", "a/b/x.jpg"])
        back = await images.by_id(self.database, image.id)
        assert back is not None
        self.assertEqual((back.src, back.status), ("a/b/c/y.jpg", 1))
        self.assertEqual(self.history("a/b/c/y.jpg"), [(1, None), (0, 1), (1, 1)])

    async def test_the_root_stays(self) -> None:
        root = (await self.library.folders.by_path(admin(), "/")).folder
        self.assertEqual(root.path, "/")
        await self.refusal(Refused, self.library.folders.delete(admin(), root.id))

    async def test_a_vanished_folder_can_be_deleted(self) -> None:
        self.write("a/x.jpg")
        await self.library.files.details(admin(), "a/x.jpg")
        folder = (await self.library.folders.by_path(admin(), "a")).folder
        os.rename(self.root / "a", self.root / ".a")
        self.assertEqual((await self.library.folders.delete(admin(), folder.id)).status, 0)
        self.assertEqual(self.rows(), [("a/x.jpg", 0)])


class VerificationTests(LibraryCase):
    async def test_both_directions_are_reported_and_mended(self) -> None:
        for path in ("a/gone.jpg", "a/changed.jpg", "b/kept.jpg", "c/folder.jpg"):
            self.write(path)
            await self.library.files.details(admin(), path)
        self.write("a/new.jpg")
        self.write("a/text.txt")
        os.unlink(self.root / "a/gone.jpg")
        self.write("a/changed.jpg", picture(30, 30))
        os.rename(self.root / "c", self.root / ".c")
        self.library.forget("")
        findings = await self.library.verification.run(admin())
        self.assertEqual(
            (findings.unknown, findings.missing, findings.changed, findings.missing_folders, findings.repaired),
            (1, 2, 1, 1, 0),
        )
        self.assertEqual(findings.examples["unknown"], ["a/new.jpg"])
        self.assertEqual(self.rows()[-1], ("c/folder.jpg", 1))
        await self.library.verification.run(admin(), repair=True)
        self.assertEqual(
            self.rows(),
            [("a/changed.jpg", 1), ("a/gone.jpg", 0), ("a/new.jpg", 1), ("b/kept.jpg", 1), ("c/folder.jpg", 0)],
        )
        clean = await self.library.verification.run(admin())
        self.assertEqual((clean.unknown, clean.missing, clean.changed, clean.missing_folders), (0, 0, 0, 0))
        await self.refusal(Forbidden, self.library.verification.run(visitor(root=70)))
