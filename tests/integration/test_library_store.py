"""The rows of the library: :mod:`qisd.store.folders`, ``images``, ``trash`` and ``disk_operations``."""

from __future__ import annotations

import uuid

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from qisd.store import disk_operations, folders, image_history, images, trash
from qisd.store.disk_operations import Entry
from qisd.store.folders import Folder
from qisd.store.image_history import Action
from qisd.store.images import FoundFile, Image
from qisd.store.pool import Transaction
from qisd.store.subtree import Subtree
from tests.integration.database import DatabaseCase


class LibraryStoreCase(DatabaseCase):
    async def add(self, *srcs: str, user_id: int | None = None, action: Action = Action.CREATED) -> dict[str, Image]:
        async def work(db: Transaction) -> dict[str, Image]:
            found = [FoundFile(src=src, width=3, height=2, file_size=9, file_mtime_ns=8, file_inode=7) for src in srcs]
            places = await folders.ensure_all(db, [folders.stored(images.folder_of(src)) for src in srcs])
            ids = [places[folders.stored(images.folder_of(src))].id for src in srcs]
            return await images.register(db, found, ids, user_id=user_id, action=action, info="found {src}")

        return await self.database.transaction(work)

    def paths(self) -> list[tuple[str, int]]:
        return self.sql("select path, status from folders order by path")

    def srcs(self) -> list[tuple[str, int]]:
        return self.sql("select src, status from images order by src")


class FolderTests(LibraryStoreCase):
    async def test_a_chain_is_made_at_once_and_only_once(self) -> None:
        first = await self.database.transaction(lambda db: folders.ensure_folders(db, "/a/b/c"))
        second = await self.database.transaction(lambda db: folders.ensure_folders(db, "/a/b/c"))
        self.assertEqual(first, second)
        self.assertEqual((first.name, first.path, first.location), ("c", "/a/b/c", "a/b/c"))
        self.assertEqual(self.paths(), [("/", 1), ("/a", 1), ("/a/b", 1), ("/a/b/c", 1)])
        parent = await folders.by_path(self.database, "/a/b")
        assert parent is not None
        self.assertEqual(first.parent_id, parent.id)

    async def test_deleted_folders_come_to_life_again_under_their_ids(self) -> None:
        before = await self.database.transaction(lambda db: folders.ensure_folders(db, "/a/b"))
        await folders.deactivate(self.database, Subtree("a", file=False))
        self.assertEqual(self.paths(), [("/", 1), ("/a", 0), ("/a/b", 0)])
        after = await self.database.transaction(lambda db: folders.ensure_folders(db, "/a/b"))
        self.assertEqual((after.id, after.status), (before.id, 1))
        self.assertEqual(self.paths(), [("/", 1), ("/a", 1), ("/a/b", 1)])

    async def test_a_deleted_folder_that_goes_elsewhere_meanwhile_is_made_anew(self) -> None:
        before = await self.database.transaction(lambda db: folders.ensure_folders(db, "/a/b"))
        await folders.deactivate(self.database, Subtree("a/b", file=False))
        asked, moved = Deferred[None](), Deferred[None]()

        async def goes_elsewhere(db: Transaction) -> None:
            await db.execute("update folders set path = '/a/b-1', name = 'b-1' where id = %s", (before.id,))
            moved.callback(None)
            await asked
            # Until the other one waits for this one's row.
            while not self.sql("select 1 from pg_locks where not granted"):
                await deferLater(reactor, 0.01)

        async def wanted(db: Transaction) -> Folder:
            asked.callback(None)
            return await folders.ensure_folders(db, "/a/b")

        other = Deferred.fromCoroutine(self.database.transaction(goes_elsewhere))
        await moved
        after = await self.database.transaction(wanted)
        await other
        self.assertNotEqual(after.id, before.id)
        self.assertEqual(self.paths(), [("/", 1), ("/a", 1), ("/a/b", 1), ("/a/b-1", 0)])

    async def test_children_are_by_name_and_filtered_by_status(self) -> None:
        for path in ("/b", "/a", "/a/x"):
            await self.database.transaction(lambda db, path=path: folders.ensure_folders(db, path))
        await folders.deactivate(self.database, Subtree("b", file=False))
        root = await folders.by_path(self.database, "/")
        assert root is not None
        self.assertEqual([one.path for one in await folders.children(self.database, root.id)], ["/a"])
        both = await folders.children(self.database, root.id, statuses=(0, 1))
        self.assertEqual([one.path for one in both], ["/a", "/b"])
        near = await folders.nearest_active(self.database, "/a/x/y/z")
        assert near is not None
        self.assertEqual(near.path, "/a/x")

    async def test_letters_with_a_meaning_in_patterns_are_letters(self) -> None:
        await self.add("a_b/1.jpg", "axb/2.jpg", "a%/3.jpg", "a\\/4.jpg")
        for name, left in (("a_b", 3), ("a%", 2), ("a\\", 1)):
            await images.deactivate(self.database, Subtree(name, file=False), user_id=None, info="")
            self.assertEqual(await images.count_active(self.database), left)


class ImageTests(LibraryStoreCase):
    async def test_new_files_get_a_record_and_one_line_of_history(self) -> None:
        made = await self.add("a/x.jpg", "y.jpg")
        again = await self.add("a/x.jpg")
        self.assertEqual(again["a/x.jpg"], made["a/x.jpg"])
        self.assertEqual(made["a/x.jpg"].folder, "a")
        history = await image_history.entries(self.database, made["a/x.jpg"].id)
        self.assertEqual([(one.action, one.user_id, one.action_info) for one in history], [(1, None, "found a/x.jpg")])

    async def test_a_replaced_file_says_so_and_one_that_was_deleted_is_new_again(self) -> None:
        image = (await self.add("x.jpg"))["x.jpg"]
        await self.add("x.jpg", user_id=1, action=Action.REPLACED)
        await images.deactivate_missing(self.database, ["x.jpg", "none.jpg"], info="{src} is gone")
        back = (await self.add("x.jpg", user_id=1))["x.jpg"]
        self.assertEqual((back.id, back.status), (image.id, 1))
        history = await image_history.entries(self.database, image.id)
        self.assertEqual([one.action for one in history], [1, 2, 0, 1])
        self.assertEqual(history[2].action_info, "x.jpg is gone")

    async def test_a_hash_is_of_one_version_of_a_file(self) -> None:
        image = (await self.add("x.jpg"))["x.jpg"]
        self.sql("update images set content_hash = %s", b"h" * 32)
        self.assertEqual((await self.add("x.jpg"))["x.jpg"].content_hash, b"h" * 32)
        self.sql("update images set file_inode = 1")
        self.assertIsNone((await self.add("x.jpg"))["x.jpg"].content_hash)
        self.assertEqual(image.content_hash, None)

    async def test_a_folder_is_moved_with_everything_below_it(self) -> None:
        made = await self.add("a/x.jpg", "a/b/y.jpg", "ab/z.jpg", "c/w.jpg")
        await images.deactivate_missing(self.database, ["a/b/y.jpg"], info="")
        subtree = Subtree("a", file=False)

        async def work(db: Transaction) -> None:
            parent = await folders.ensure_folders(db, "/c")
            await folders.move_subtree(db, subtree, "c/new", parent_id=parent.id)
            await images.move(db, subtree, "c/new", folder_id=parent.id, user_id=1, info="moved")

        await self.database.transaction(work)
        self.assertEqual(self.paths(), [("/", 1), ("/ab", 1), ("/c", 1), ("/c/new", 1), ("/c/new/b", 1)])
        self.assertEqual(self.srcs(), [("ab/z.jpg", 1), ("c/new/b/y.jpg", 0), ("c/new/x.jpg", 1), ("c/w.jpg", 1)])
        rows = self.sql(
            "select f.name, p.path from folders f join folders p on p.id = f.parent_id where f.path like '/c/%%'"
            " order by f.path"
        )
        self.assertEqual(rows, [("new", "/c"), ("b", "/c/new")])
        self.assertEqual(self.sql("select image_id from imagesaudit where action = 4"), [(made["a/x.jpg"].id,)])

    async def test_a_file_is_moved_with_its_pages(self) -> None:
        made = await self.add("a/x.pdf", "a/x.pdf.d/1.png", "a/x.pdf.e/2.png", "c/w.jpg")
        subtree = Subtree("a/x.pdf", file=True)

        async def work(db: Transaction) -> None:
            parent = await folders.ensure_folders(db, "/c")
            await folders.move_subtree(db, subtree, "c/y.pdf", parent_id=parent.id)
            await images.move(db, subtree, "c/y.pdf", folder_id=parent.id, user_id=1, info="moved")

        await self.database.transaction(work)
        self.assertEqual([src for src, _ in self.srcs()], ["a/x.pdf.e/2.png", "c/w.jpg", "c/y.pdf", "c/y.pdf.d/1.png"])
        moved = await images.by_id(self.database, made["a/x.pdf"].id)
        assert moved is not None
        self.assertEqual(moved.folder_id, made["c/w.jpg"].folder_id)

    async def test_detached_records_stay_without_their_place(self) -> None:
        image = (await self.add("a/x.jpg"))["a/x.jpg"]
        await images.detach(self.database, Subtree("a/x.jpg", file=True))
        await folders.detach(self.database, Subtree("a", file=False))
        self.assertEqual(self.srcs(), [(f".deleted/{image.id}/x.jpg", 0)])
        self.assertEqual(self.paths(), [("/", 1), (f"/.deleted/f{image.folder_id}/a", 0)])

    async def test_the_longest_path_below_a_folder_is_known(self) -> None:
        await self.add("a/b.jpg", "a/c/d.jpg")
        self.assertEqual(await folders.longest_below(self.database, Subtree("a", file=False)), len("/c/d.jpg"))
        self.assertEqual(await folders.longest_below(self.database, Subtree("none", file=False)), 0)

    async def test_a_purge_takes_deleted_records_but_not_what_is_in_the_trash(self) -> None:
        await self.add("a/x.jpg", "a/y.jpg", "b/z.jpg", "t/q.jpg")
        await images.deactivate_missing(self.database, ["a/x.jpg", "b/z.jpg"], info="")
        await folders.deactivate(self.database, Subtree("b", file=False))
        await self.database.transaction(
            lambda db: trash.put(db, Subtree("t", file=False), trash_path=".trash/1", user_id=1, days=30, info="")
        )
        self.assertEqual(await images.purge_deleted(self.database, ""), 2)
        self.assertEqual(await folders.purge_deleted(self.database, "/"), 1)
        self.assertEqual(self.srcs(), [("a/y.jpg", 1), ("t/q.jpg", 0)])
        self.assertEqual(self.paths(), [("/", 1), ("/a", 1), ("/t", 0)])


class TrashTests(LibraryStoreCase):
    async def discard(self, path: str, *, file: bool = False) -> trash.TrashEntry:
        return await self.database.transaction(
            lambda db: trash.put(
                db, Subtree(path, file=file), trash_path=f".trash/{path}", user_id=1, days=30, info="deleted"
            )
        )

    async def revive(self, entry: trash.TrashEntry, to: str) -> None:
        await self.database.transaction(lambda db: trash.revive(db, entry, to, user_id=1, info="restored"))

    async def test_entries_are_listed_some_at_a_time(self) -> None:
        await self.add("a/x.jpg", "b/x.jpg", "c/x.jpg")
        numbers = [(await self.discard(path)).id for path in ("a", "b", "c")]
        first = await trash.listed(self.database, limit=2)
        self.assertEqual([entry.id for entry in first], [numbers[2], numbers[1]])
        self.assertEqual([entry.id for entry in await trash.listed(self.database, below=numbers[1])], numbers[:1])

    async def test_what_is_restored_has_its_ids_and_places(self) -> None:
        made = await self.add("a/x.jpg", "a/b/y.jpg", "a/gone.jpg")
        await images.deactivate_missing(self.database, ["a/gone.jpg"], info="")
        before = self.sql("select id, path, parent_id, status from folders order by id")
        entry = await self.discard("a")
        self.assertEqual([status for _, status in self.srcs()], [0, 0, 0])
        self.assertEqual(self.paths(), [("/", 1), ("/a", 0), ("/a/b", 0)])
        await self.revive(entry, "a")
        self.assertEqual(self.sql("select id, path, parent_id, status from folders order by id"), before)
        self.assertEqual(self.srcs(), [("a/b/y.jpg", 1), ("a/gone.jpg", 0), ("a/x.jpg", 1)])
        after = await images.by_src(self.database, "a/x.jpg")
        assert after is not None
        self.assertEqual((after.id, after.folder_id), (made["a/x.jpg"].id, made["a/x.jpg"].folder_id))
        self.assertEqual(await trash.listed(self.database), [])

    async def test_a_folder_whose_place_is_taken_is_restored_beside_it(self) -> None:
        made = await self.add("a/x.jpg", "a/y.jpg")
        entry = await self.discard("a")
        again = await self.add("a/x.jpg")
        self.assertEqual(again["a/x.jpg"].id, made["a/x.jpg"].id)
        await self.revive(entry, "a-001")
        self.assertEqual(self.srcs(), [("a-001/y.jpg", 1), ("a/x.jpg", 1)])
        self.assertEqual(self.paths(), [("/", 1), ("/a", 1), ("/a-001", 1)])
        rows = self.sql("select f.path from images i join folders f on f.id = i.folder_id where i.src = 'a-001/y.jpg'")
        self.assertEqual(rows, [("/a-001",)])

    async def test_a_record_that_had_another_file_since_belongs_to_that_one(self) -> None:
        await self.add("a/x.jpg", "a/y.jpg")
        entry = await self.discard("a")
        await self.add("a/x.jpg")
        await images.deactivate_missing(self.database, ["a/x.jpg"], info="")
        await self.revive(entry, "b")
        self.assertEqual(self.srcs(), [("a/x.jpg", 0), ("b/y.jpg", 1)])

    async def test_a_file_that_gave_up_its_place_gets_it_back(self) -> None:
        image = (await self.add("a/x.jpg"))["a/x.jpg"]
        entry = await self.discard("a/x.jpg", file=True)
        await images.detach(self.database, Subtree("a/x.jpg", file=True))
        await self.revive(entry, "a/x.jpg")
        self.assertEqual(self.sql("select id, src, status from images"), [(image.id, "a/x.jpg", 1)])

    async def test_entries_follow_the_folder_that_they_were_in(self) -> None:
        await self.add("a/x.jpg")
        entry = await self.discard("a/x.jpg", file=True)
        await trash.move_subtree(self.database, Subtree("a", file=False), "b/c")
        moved = await trash.by_id(self.database, entry.id)
        assert moved is not None
        self.assertEqual((moved.path, moved.trash_path), ("b/c/x.jpg", ".trash/a/x.jpg"))


class JournalTests(LibraryStoreCase):
    def entry(self, *paths: str, server: str = "here") -> Entry:
        return Entry(id=uuid.uuid4(), kind="move_file", paths=paths, params={"a": 1}, server=server)

    async def claim(self, *paths: str) -> bool:
        return await self.database.transaction(lambda db: disk_operations.claim(db, self.entry(*paths)))

    async def test_operations_that_touch_each_other_exclude_each_other(self) -> None:
        self.assertTrue(await self.claim("a/b", "c"))
        for path in ("a/b", "a", "a/b/x.jpg", "c"):
            self.assertFalse(await self.claim(path), path)
        for path in ("a/b.jpg", "a/bc", "d"):
            self.assertTrue(await self.claim(path), path)

    async def test_only_one_can_end_an_operation(self) -> None:
        entry = self.entry("a")
        await self.database.transaction(lambda db: disk_operations.claim(db, entry))
        taken = await self.database.transaction(lambda db: disk_operations.take(db, entry.id))
        self.assertEqual(taken, entry)
        ends = [await self.database.transaction(lambda db: disk_operations.remove(db, entry.id)) for _ in range(2)]
        self.assertEqual(ends, [True, False])
        self.assertIsNone(await self.database.transaction(lambda db: disk_operations.take(db, entry.id)))

    async def test_what_is_left_behind_is_found_by_server_and_age(self) -> None:
        mine, theirs = self.entry("a"), self.entry("b", server="there")
        for entry in (mine, theirs):
            await self.database.transaction(lambda db, entry=entry: disk_operations.claim(db, entry))
        self.assertEqual(await disk_operations.left_behind(self.database, ["here"], stale=300), [mine.id])
        self.assertEqual(await disk_operations.left_behind(self.database, ["here"], stale=300, alive=[mine.id]), [])
        self.sql("update disk_operations set heartbeat = now() - interval '6 minutes'")
        await disk_operations.beat(self.database, [mine.id])
        self.assertEqual(await disk_operations.left_behind(self.database, ["x"], stale=300), [theirs.id])
