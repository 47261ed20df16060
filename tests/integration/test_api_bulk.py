"""Work on many images at once."""

from __future__ import annotations

import threading
from types import MappingProxyType
from typing import Any
from unittest import mock

from qisd.access.visitor import SYSTEM
from qisd.errors import StoreUnavailable
from qisd.repository.staging import IncomingFile
from qisd.tasks.registry import TaskCancelled, TaskRun
from tests.integration.api import ApiCase, Reply


class BulkCase(ApiCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.token = await self.admin()
        self.ids: dict[str, int] = {}
        for src in ("a/x.jpg", "a/y.jpg", "b/x.jpg", "c/z.jpg"):
            self.paint(src)
            found = await self.call("GET", "/details/", token=self.token, query={"src": src})
            self.ids[src] = found.data["id"]

    async def do(self, what: str, *srcs: str, token: str = "", images: list[int] | None = None, **more: Any) -> Reply:
        ids = [self.ids[src] for src in srcs] if images is None else images
        return await self.call("POST", f"/admin/bulk/{what}/", token=token or self.token, json={"images": ids, **more})

    async def result(self, reply: Reply, *, token: str = "") -> Any:
        self.assertEqual((reply.status, reply.message), (202, "OK task accepted"), reply.body)
        await self.domain.background.queue.wait(reply.data["id"], 30)
        task = await self.call("GET", f"/admin/tasks/{reply.data['id']}/", token=token or self.token)
        return task.data["result"]

    def srcs(self) -> list[tuple[str, int]]:
        return self.sql("select src, status from images order by src")


class BulkTests(BulkCase):
    async def test_images_are_moved_each_by_itself(self) -> None:
        ids = self.ids
        reply = await self.do("move", "a/x.jpg", "a/y.jpg", "c/z.jpg", folder="/b")
        self.assertEqual((reply.data["name"], reply.data["user"]["id"]), ("Move 3 images to /b", 1))
        result = await self.result(reply)
        self.assertEqual(result["done"], [ids["a/y.jpg"], ids["c/z.jpg"]])
        ((failed, error),) = result["errors"].items()
        self.assertEqual((failed, error["status"], error["code"]), (str(ids["a/x.jpg"]), 409, "already_exists"))
        self.assertTrue((self.root / "b/z.jpg").exists())
        again = await self.result(await self.do("move", "a/y.jpg", "c/z.jpg", "a/y.jpg", folder="b/"))
        srcs = ["/b/y.jpg", "/b/z.jpg"]
        self.assertEqual(again, {"done": [ids["a/y.jpg"], ids["c/z.jpg"]], "srcs": srcs, "errors": {}})

    async def test_images_are_deleted_and_to_do_it_again_is_harmless(self) -> None:
        params = {"images": [self.ids["a/x.jpg"], 10**12], "user_id": 1}
        result = await self.result(await self.do("delete", images=params["images"]))
        self.assertEqual(result["done"], [self.ids["a/x.jpg"]])
        self.assertEqual(result["errors"][str(10**12)]["status"], 404)
        self.assertFalse((self.root / "a/x.jpg").exists())
        again = await self.result(await self.do("delete", "a/x.jpg"))
        self.assertEqual(again, {"done": [self.ids["a/x.jpg"]], "srcs": ["/a/x.jpg"], "errors": {}})

    async def test_what_is_said_of_images_changes_as_far_as_it_is_given(self) -> None:
        one, other = self.ids["a/x.jpg"], self.ids["a/y.jpg"]
        for said in ({"title": " One ", "tags_add": ["sea", "sky"]}, {"description": "", "tags_remove": ["sea"]}):
            result = await self.result(await self.do("describe", images=[one, other], **said))
            self.assertEqual(result, {"done": [one, other], "srcs": ["/a/x.jpg", "/a/y.jpg"], "errors": {}})
        self.assertEqual(self.sql("select title, description from images where id = %s", one), [("One", "")])
        self.assertEqual(self.sql("select tags from image_metadata where image_id = %s", other), [(["sky"],)])

    async def test_images_are_named_by_their_paths_as_well(self) -> None:
        self.paint("a/new.png")  # which nobody has heard of
        (self.root / "a/notes.txt").touch()
        srcs = ["/a/new.png", "a/x.jpg", "/a/none.jpg", "/a/notes.txt", "/.trash/x.jpg"]
        result = await self.result(await self.do("move", images=[self.ids["c/z.jpg"]], srcs=srcs, folder="/d/.."))
        self.assertEqual(result["srcs"], ["/z.jpg", "/new.png", "/x.jpg"])
        self.assertEqual(result["done"][0], self.ids["c/z.jpg"])
        self.assertEqual(set(result["errors"]), {"/a/none.jpg", "/a/notes.txt", "/.trash/x.jpg"})
        self.assertEqual({one["status"] for one in result["errors"].values()}, {404})

    async def test_names_stay_as_they_are_when_images_are_moved(self) -> None:
        odd = ["50% #1 +x.jpg", "<a href='x'>\"&\".jpg", "\u202egpj.\u202csham.jpg", "ü" * 125 + ".jpg"]
        for name in odd:
            self.paint(f"a/{name}")
        result = await self.result(await self.do("move", images=[], srcs=[f"/a/{one}" for one in odd], folder="/b"))
        self.assertEqual((result["srcs"], result["errors"]), ([f"/b/{one}" for one in odd], {}))
        self.assertTrue(all((self.root / "b" / one).exists() for one in odd))

    async def test_paths_stand_for_the_images_that_are_there_when_it_is_asked_for(self) -> None:
        reply = await self.do("delete", images=[], srcs=["/a/x.jpg"])
        self.assertEqual(reply.data["params"]["images"], [self.ids["a/x.jpg"]])
        self.assertEqual((await self.result(reply))["srcs"], ["/a/x.jpg"])

    async def test_what_one_may_not_view_is_not_found_by_its_path(self) -> None:
        self.sql("update folderpermissions set access = 0")
        group = self.group("of b")
        self.permit("/b", group, 50)
        token = await self.person(groups=[group])
        reply = await self.do("delete", images=[], srcs=["/a/x.jpg", "/b/x.jpg"], token=token)
        result = await self.result(reply, token=token)
        self.assertEqual((result["srcs"], list(result["errors"])), (["/b/x.jpg"], ["/a/x.jpg"]))

    async def test_copies_are_new_images_of_which_the_same_is_said(self) -> None:
        one = self.ids["a/x.jpg"]
        await self.result(await self.do("describe", images=[one], title="One", tags_add=["sea"]))
        result = await self.result(await self.do("copy", images=[one], srcs=["/c/z.jpg"], folder="/b"))
        self.assertEqual(result["done"], [one, self.ids["c/z.jpg"]])
        copy, other = result["srcs"]
        self.assertEqual(other, "/b/z.jpg")
        self.assertNotEqual(copy, "/b/x.jpg")  # which was there before
        self.assertEqual((self.root / copy[1:]).read_bytes(), (self.root / "a/x.jpg").read_bytes())
        made = (await self.call("GET", "/details/", token=self.token, query={"src": copy})).data
        self.assertNotEqual(made["id"], one)
        said = await self.call("GET", f"/admin/images/{made['id']}/metadata/", token=self.token)
        self.assertEqual((made["title"], said.data["tags"]), ("One", ["sea"]))
        self.assertEqual(list((self.root / ".uploads").rglob("*.old")), [])

    async def test_copies_need_the_download_level_there_and_the_upload_level_here(self) -> None:
        self.sql("update folderpermissions set access = 0")
        group = self.group("copiers")
        for folder, level in (("/a", 10), ("/b", 20), ("/c", 40)):
            self.permit(folder, group, level)
        token = await self.person(groups=[group])
        result = await self.result(
            await self.do("copy", images=[], srcs=["/a/x.jpg", "/b/x.jpg"], folder="/c", token=token), token=token
        )
        self.assertEqual(result["srcs"], ["/c/x.jpg"])
        self.assertEqual(result["errors"][str(self.ids["a/x.jpg"])]["status"], 403)
        reply = await self.do("copy", images=[], srcs=["/b/x.jpg"], folder="/a", token=token)
        self.assertEqual((await self.result(reply, token=token))["errors"][str(self.ids["b/x.jpg"])]["status"], 403)

    async def test_each_is_judged_by_what_the_asker_may_when_it_is_its_turn(self) -> None:
        group = self.group("editors")
        self.sql("update folderpermissions set access = 0")
        self.permit("/", group, 10)
        self.permit("/a", group, 50)
        token = await self.person(groups=[group])
        result = await self.result(await self.do("delete", "a/x.jpg", "b/x.jpg", token=token), token=token)
        self.assertEqual(result["done"], [self.ids["a/x.jpg"]])
        self.assertEqual(result["errors"][str(self.ids["b/x.jpg"])]["status"], 403)
        self.sql("update folderpermissions set access = 0")
        await self.refresh()
        self.assertEqual((await self.do("move", "a/y.jpg", folder="/none", token=token)).status, 403)

    async def test_a_key_may_no_more_than_it_may_elsewhere(self) -> None:
        cookie, csrf = await self.session_of(1)
        for scopes, expected in ((["upload"], []), (["admin"], [self.ids["a/x.jpg"]])):
            made = await self.call(
                "POST",
                "/account/tokens/",
                cookie=cookie,
                headers={"X-CSRF-Token": csrf},
                json={"label": "k", "scopes": scopes, "folder": "/a"},
            )
            reply = await self.do("delete", "a/x.jpg", "c/z.jpg", token=made.data["token"])
            result = await self.result(reply)
            self.assertEqual((result["done"], len(result["errors"])), (expected, 2 - len(expected)))

    async def test_what_can_not_be_meant_is_refused(self) -> None:
        cases: list[tuple[str, dict[str, Any], int]] = [
            ("move", {"images": [], "folder": "/b"}, 400),
            ("move", {"images": [1]}, 400),
            ("move", {"images": [1], "folder": "/none"}, 404),
            ("move", {"images": [1], "folder": "../x"}, 403),
            ("delete", {"images": [0]}, 400),
            ("delete", {"images": ["x"]}, 400),
            ("delete", {"images": list(range(1, 10_002))}, 400),
            ("delete", {}, 400),
            ("delete", {"srcs": [""]}, 400),
            ("delete", {"srcs": ["../x"]}, 403),
            ("copy", {"images": [1], "folder": "/none"}, 404),
            ("describe", {"images": [1]}, 400),
            ("describe", {"images": [1], "title": "t" * 256}, 400),
            ("describe", {"images": [1], "tags_add": [""]}, 400),
        ]
        for what, given, status in cases:
            reply = await self.call("POST", f"/admin/bulk/{what}/", token=self.token, json=given)
            self.assertEqual(reply.status, status, (what, str(given)[:80], reply.body))
        self.assertEqual((await self.call("POST", "/admin/bulk/delete/", json={"images": [1]})).status, 401)

    async def test_as_a_form_the_ids_are_json_text(self) -> None:
        reply = await self.call(
            "POST", "/admin/bulk/delete/", token=self.token, form={"images": f"[{self.ids['a/x.jpg']}]"}
        )
        self.assertEqual((await self.result(reply))["done"], [self.ids["a/x.jpg"]])


class CourseTests(BulkCase):
    settings = MappingProxyType({"tasks_enabled": False})

    async def task_run(self, *srcs: str) -> TaskRun:
        reply = await self.do("delete", *srcs)
        return TaskRun(await self.domain.background.queue.get(reply.data["id"]))

    async def test_just_the_same_is_not_queued_twice_but_for_others(self) -> None:
        first = await self.do("delete", "a/x.jpg")
        self.assertEqual((await self.do("delete", "a/x.jpg")).data["id"], first.data["id"])
        other = await self.person()
        self.assertNotEqual((await self.do("delete", "a/x.jpg", token=other)).data["id"], first.data["id"])

    async def test_it_ends_when_it_is_cancelled(self) -> None:
        run = await self.task_run("a/x.jpg")
        run.cancel()
        kind = self.domain.background.types["bulk_delete"]
        with self.assertRaises(TaskCancelled):
            await kind.run(run)
        self.assertTrue((self.root / "a/x.jpg").exists())

    async def test_while_the_database_is_away_it_waits(self) -> None:
        run = await self.task_run("a/x.jpg")
        kind = self.domain.background.types["bulk_delete"]
        away = mock.patch.object(self.domain.library.files, "delete", side_effect=StoreUnavailable())
        with away, self.assertRaises(StoreUnavailable):
            await kind.run(run)
        self.assertEqual((kind.repeatable, kind.max_attempts), (True, 5))
        done = {"done": [self.ids["a/x.jpg"]], "srcs": ["/a/x.jpg"], "errors": {}}
        self.assertEqual(await kind.run(run), done)

    async def test_copies_are_not_begun_again_so_that_what_one_met_is_told_of_it_alone(self) -> None:
        reply = await self.do("copy", "a/x.jpg", "a/y.jpg", folder="/b")
        run = TaskRun(await self.domain.background.queue.get(reply.data["id"]))
        kind = self.domain.background.types["bulk_copy"]
        copied = await self.domain.library.files.by_id(SYSTEM, self.ids["b/x.jpg"])
        with mock.patch.object(self.domain.library.copying, "copy", side_effect=[StoreUnavailable(), copied]):
            result: Any = await kind.run(run)
        self.assertFalse(kind.repeatable)
        self.assertEqual((result["done"], result["srcs"]), ([self.ids["a/y.jpg"]], ["/b/x.jpg"]))
        self.assertEqual(result["errors"][str(self.ids["a/x.jpg"])]["status"], 503)

    async def test_large_files_are_copied_where_that_may_take_a_while(self) -> None:
        threads = []

        def finish(one: IncomingFile) -> None:
            threads.append(threading.current_thread().name)
            finished(one)

        finished = IncomingFile.finish
        visitor = self.domain.permissions.user(1)
        assert visitor is not None
        with mock.patch.object(IncomingFile, "finish", finish):
            await self.domain.library.copying.copy(visitor, self.ids["a/y.jpg"], "/c")
        self.assertIn("uploads", threads[0])
        self.assertEqual((self.root / "c/y.jpg").read_bytes(), (self.root / "a/y.jpg").read_bytes())
