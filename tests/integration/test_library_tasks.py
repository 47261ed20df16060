"""The library's background work: :mod:`qisd.library.tasks`."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import attrs

from qisd.access.visitor import SYSTEM, Visitor
from qisd.errors import AlreadyExists, Forbidden, NotFound, Refused
from qisd.library import tasks
from qisd.store.tasks import Task
from qisd.tasks.registry import TaskRun, TaskTypes
from tests.integration.library_case import LibraryCase, admin, visitor


class TaskTests(LibraryCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.types = TaskTypes(self.library.task_types(self.visitor_of))
        for path in ("a/x.jpg", "a/b/y.jpg", "c/z.jpg"):
            self.write(path)
            await self.library.files.details(admin(), path)
        self.a = (await self.library.folders.by_path(admin(), "a")).folder

    def visitor_of(self, user_id: int | None) -> Visitor:
        return SYSTEM if user_id is None else admin() if user_id == 1 else visitor(root=10)

    async def run_task(self, name: str, *, user_id: int | None = 1, **params: Any) -> Any:
        now = datetime.now(UTC)
        new = self.types[name].new(params, user_id=user_id)
        fields = {field.name: None for field in attrs.fields(Task)}
        task = Task(**fields | {"id": 1, "user_id": user_id, "funcname": name, "params": new.params, "created": now})
        self.assertTrue(new.name)
        return await self.types[name].run(TaskRun(task))

    async def test_folders_are_moved_and_deleted_by_whoever_asked(self) -> None:
        result = await self.run_task("move_folder", folder_id=self.a.id, path="/c/new")
        self.assertEqual((result["id"], result["path"], result["name"]), (self.a.id, "/c/new", "/c/new"))
        await self.refusal(AlreadyExists, self.run_task("move_folder", folder_id=self.a.id, path="/c/z.jpg"))
        await self.refusal(Forbidden, self.run_task("delete_folder", folder_id=self.a.id, user_id=2))
        result = await self.run_task("delete_folder", folder_id=self.a.id)
        self.assertEqual((result["status"], self.disk()), (0, ["c/z.jpg"]))
        self.assertEqual((self.types["move_folder"].priority, self.types["move_folder"].keep_for), (10, 10))

    async def test_a_folder_that_vanished_is_marked_but_not_one_that_is_there(self) -> None:
        await self.refusal(Refused, self.run_task("delete_folder_data", folder_id=self.a.id, user_id=None))
        os.rename(self.root / "a", self.root / ".a")
        self.assertEqual(await self.run_task("delete_folder_data", folder_id=self.a.id, user_id=None), {"images": 2})
        self.assertEqual(self.rows(), [("a/b/y.jpg", 0), ("a/x.jpg", 0), ("c/z.jpg", 1)])
        self.assertEqual(await self.run_task("delete_folder_data", folder_id=self.a.id, user_id=None), {"images": 0})

    async def test_the_search_index_is_put_right_by_a_super_user(self) -> None:
        await self.refusal(Forbidden, self.run_task("index_anew", user_id=2))
        right = self.sql("select id, search, version from images order by id")
        self.assertEqual(await self.run_task("index_anew"), {"images": 3, "changed": 0})
        self.sql("update images set search = ''::tsvector where src <> 'c/z.jpg'")
        self.patch(tasks, "_INDEXED_AT_ONCE", 2)
        self.assertEqual(await self.run_task("index_anew"), {"images": 3, "changed": 2})
        self.assertEqual(self.sql("select id, search, version from images order by id"), right)

    async def test_deleted_data_is_purged_by_a_super_user(self) -> None:
        await self.library.folders.delete(admin(), self.a.id)
        await self.refusal(Forbidden, self.run_task("purge_deleted_folder_data", path="/", user_id=2))
        self.assertEqual(await self.run_task("purge_deleted_folder_data", path="/"), {"images": 0, "folders": 0})
        self.assertEqual(await self.run_task("empty_trash"), {"removed": 1})
        self.assertEqual(await self.run_task("purge_deleted_folder_data", path="/"), {"images": 2, "folders": 2})
        self.assertEqual(self.rows(), [("c/z.jpg", 1)])
        await self.refusal(NotFound, self.run_task("purge_deleted_folder_data", path="/none"))

    async def test_what_others_put_there_is_found_and_nothing_else_is_touched(self) -> None:
        self.write("c/new.jpg")
        self.write("c/deep/newer.jpg")
        (self.root / "a" / "x.jpg").unlink()
        before = self.rows()
        self.assertEqual(await self.run_task("discover_files", user_id=None), {"images": 2})
        self.assertEqual(self.rows(), sorted([*before, ("c/deep/newer.jpg", 1), ("c/new.jpg", 1)]))
        self.assertEqual(await self.run_task("discover_files", user_id=None), {"images": 0})

    async def test_many_are_found_some_at_a_time(self) -> None:
        self.patch(tasks, "_DISCOVERED_MOST", 1)
        self.write("d/new.jpg")
        self.write("e/newer.jpg")
        found = [await self.run_task("discover_files", user_id=None) for _ in range(3)]
        self.assertEqual(found, [{"images": 1}, {"images": 1}, {"images": 0}])

    async def test_the_library_is_verified_and_the_trash_expires(self) -> None:
        self.write("c/new.jpg")
        result = await self.run_task("verify_repository")
        self.assertEqual((result["unknown"], result["repaired"]), (1, 0))
        result = await self.run_task("verify_repository", repair=True)
        self.assertEqual(result["repaired"], 1)
        self.assertEqual(await self.run_task("expire_trash", user_id=None), {"removed": 0})
