"""What the pages of administration ask the API for: details of users, many members, the matrix, tasks by hand."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any
from unittest import mock

from twisted.internet.defer import Deferred

from qisd.access.levels import Flag
from qisd.tasks.registry import TaskRun
from tests.integration.api import ApiCase, Reply

MARIA = {"username": "maria", "first_name": "", "last_name": "", "email": "", "auth_type": 1, "password": "long-enough"}


class AdministrationCase(ApiCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.token = await self.admin()

    async def done(self, method: str, path: str, **more: Any) -> Any:
        """What a call of the administrator gives."""
        reply = await self.call(method, path, token=self.token, **more)
        self.assertEqual(reply.status, 200, reply.body)
        return reply.data

    def refused(self, reply: Reply, status: int, text: str = "") -> None:
        self.assertEqual(reply.status, status, reply.body)
        self.assertIn(text, reply.message)


class UserDetailTests(AdministrationCase):
    async def test_a_list_tells_groups_and_the_last_log_in_when_asked(self) -> None:
        number = (await self.done("POST", "/admin/users/", form=MARIA))["id"]
        users = {one["username"]: one for one in await self.done("GET", "/admin/users/", query={"details": "1"})}
        self.assertEqual(users["maria"]["member_of"], [{"id": 2, "name": "Normal users"}])
        self.assertIsNone(users["maria"]["last_login"])
        await self.done("PATCH", f"/admin/users/{number}/", form={"allow_api": 1})
        await self.call("POST", "/token/", form={"username": "maria", "password": "long-enough"})
        users = {one["username"]: one for one in await self.done("GET", "/admin/users/", query={"details": "1"})}
        self.assertIsNotNone(users["maria"]["last_login"])
        self.assertFalse(users["maria"]["must_change"])
        alone = await self.done("GET", f"/admin/users/{number}/", query={"details": "1"})
        self.assertEqual(alone, users["maria"])
        reply = await self.call(
            "GET", f"/admin/users/{number}/", token=await self.token_of(number), query={"details": 1}
        )
        self.refused(reply, 403, "User administration")

    async def test_a_one_time_password_opens_nothing_but_the_way_to_another_one(self) -> None:
        number = (await self.done("POST", "/admin/users/", form={**MARIA, "allow_api": 1}))["id"]
        secret = (await self.done("POST", f"/admin/users/{number}/password/"))["password"]
        self.assertGreaterEqual(len(secret), 16)
        refused = await self.call("POST", "/token/", form={"username": "maria", "password": secret})
        self.refused(refused, 403, "must be changed first")
        old = await self.call("POST", "/token/", form={"username": "maria", "password": "long-enough"})
        self.refused(old, 403)
        (maria,) = await self.done("GET", "/admin/users/", query={"q": "maria", "details": "1"})
        self.assertTrue(maria["must_change"])

    async def test_one_can_be_told_to_change_a_password_and_let_off(self) -> None:
        number = (await self.done("POST", "/admin/users/", form={**MARIA, "allow_api": 1}))["id"]
        who = {"username": "maria", "password": "long-enough"}
        await self.done("PATCH", f"/admin/users/{number}/", form={"must_change": 1})
        self.refused(await self.call("POST", "/token/", form=who), 403, "must be changed first")
        await self.done("PATCH", f"/admin/users/{number}/", form={"must_change": 0})
        self.assertEqual((await self.call("POST", "/token/", form=who)).status, 200)

    async def test_nobody_lets_themselves_off(self) -> None:
        number = (await self.done("POST", "/admin/users/", form={**MARIA, "allow_api": 1}))["id"]
        token = await self.token_of(number)
        reply = await self.call("PATCH", f"/admin/users/{number}/", token=token, form={"must_change": 0})
        self.refused(reply, 403, "User administration")

    async def test_no_one_time_password_for_oneself_or_for_who_has_one_in_the_directory(self) -> None:
        self.refused(await self.call("POST", "/admin/users/1/password/", token=self.token), 400, "your own password")
        form = {**MARIA, "auth_type": 2}
        number = (await self.done("POST", "/admin/users/", form=form))["id"]
        reply = await self.call("POST", f"/admin/users/{number}/password/", token=self.token)
        self.refused(reply, 400, "directory")

    async def test_who_administers_users_gives_no_super_user_a_password(self) -> None:
        token = await self.person(Flag.ADMIN_USERS)
        self.refused(await self.call("POST", "/admin/users/1/password/", token=token), 403)


class MemberTests(AdministrationCase):
    async def test_many_come_and_go_in_one_call(self) -> None:
        group = self.group("Press")
        numbers = [
            (await self.done("POST", "/admin/users/", form={**MARIA, "username": f"user{n}"}))["id"] for n in range(3)
        ]
        path = f"/admin/groups/{group}/members/change/"
        found = await self.done("POST", path, json={"add": numbers[:2], "remove": []})
        self.assertEqual([user["id"] for user in found["users"]], numbers[:2])
        found = await self.done("POST", path, json={"add": numbers[2:], "remove": numbers[:1]})
        self.assertEqual([user["id"] for user in found["users"]], numbers[1:])

    async def test_all_or_none(self) -> None:
        group = self.group("Press")
        number = (await self.done("POST", "/admin/users/", form=MARIA))["id"]
        path = f"/admin/groups/{group}/members/change/"
        reply = await self.call("POST", path, token=self.token, json={"add": [number, 4711]})
        self.refused(reply, 404)
        self.assertEqual((await self.done("GET", f"/admin/groups/{group}/"))["users"], [])


class MatrixTests(AdministrationCase):
    async def setUp(self) -> None:
        await super().setUp()
        for name in ("press/a.png", "press/b.png", "press/inner/c.png", "other/d.png"):
            self.paint(name)
            await self.domain.library.registrar.image(name)

    async def change(self, *changes: dict[str, Any]) -> Any:
        return await self.done("POST", "/admin/permissions/changes/", json={"changes": list(changes)})

    async def preview(self, *changes: dict[str, Any]) -> Any:
        return await self.done("POST", "/admin/permissions/preview/", json={"changes": list(changes)})

    async def test_a_folder_is_told_with_those_above_and_in_it_and_what_is_set_where(self) -> None:
        await self.change({"path": "/press", "group_id": 2, "access": 40})
        found = await self.done("GET", "/admin/permissions/matrix/", query={"path": "/press"})
        self.assertEqual([one["path"] for one in found["above"]], ["/"])
        self.assertTrue(found["above"][0]["below"])
        self.assertEqual(found["folder"]["own"], {"2": 40})
        self.assertEqual([one["path"] for one in found["children"]], ["/press/inner"])
        self.assertEqual(found["children"][0]["own"], {})
        self.assertEqual(found["children"][0]["effective"]["2"], 40)
        self.assertEqual(found["groups"][0]["name"], "Public")
        everything = {one["name"]: one["bypass"] for one in found["groups"]}
        self.assertEqual((everything["Administrators"], everything["Public"]), (True, False))

    async def test_a_user_sees_as_the_matrix_says(self) -> None:
        maria = (await self.done("POST", "/admin/users/", form=MARIA))["id"]
        await self.change(
            {"path": "/press", "group_id": 1, "access": 0}, {"path": "/press", "group_id": 2, "access": 30}
        )
        query = {"path": "/press", "user_id": maria}
        found = await self.done("GET", "/admin/permissions/matrix/", query=query)
        self.assertEqual(found["folder"]["viewer"], 30)
        reply = await self.call("GET", "/admin/permissions/matrix/", token=self.token, query={"user_id": 4711})
        self.refused(reply, 404)

    async def test_changes_are_made_together_and_undone_by_what_they_answer(self) -> None:
        before = await self.done("GET", "/admin/permissions/matrix/", query={"path": "/press"})
        made = await self.change(
            {"path": "/press", "group_id": 1, "access": 0},
            {"path": "/", "group_id": 1, "access": 20},
            {"path": "/press/inner", "group_id": 2, "access": 70},
        )
        now = await self.done("GET", "/admin/permissions/matrix/", query={"path": "/press"})
        self.assertEqual(
            (now["above"][0]["own"]["1"], now["folder"]["own"], now["children"][0]["own"]), (20, {"1": 0}, {"2": 70})
        )
        await self.change(*made["before"])
        self.assertEqual(await self.done("GET", "/admin/permissions/matrix/", query={"path": "/press"}), before)

    async def test_all_or_none(self) -> None:
        wrong = [{"path": "/press", "group_id": 2, "access": 70}, {"path": "/", "group_id": 1, "access": None}]
        reply = await self.call("POST", "/admin/permissions/changes/", token=self.token, json={"changes": wrong})
        self.refused(reply, 400, "system group for the root")
        found = await self.done("GET", "/admin/permissions/matrix/", query={"path": "/press"})
        self.assertEqual(found["folder"]["own"], {})

    async def test_a_folder_that_is_not_there_is_not_found(self) -> None:
        wanted = {"changes": [{"path": "/none", "group_id": 1, "access": 10}]}
        self.refused(await self.call("POST", "/admin/permissions/changes/", token=self.token, json=wanted), 404)
        reply = await self.call("GET", "/admin/permissions/matrix/", token=self.token, query={"path": "/none"})
        self.refused(reply, 404)

    async def test_the_preview_counts_what_everybody_gets_and_loses_and_changes_nothing(self) -> None:
        close = {"path": "/press", "group_id": 1, "access": 0}
        self.assertEqual(await self.preview(close), {"opened": 0, "closed": 3})
        self.assertEqual(
            await self.preview(close, {"path": "/press/inner", "group_id": 1, "access": 10}), {"opened": 0, "closed": 2}
        )
        self.assertEqual(await self.preview({"path": "/press", "group_id": 2, "access": 0}), {"opened": 0, "closed": 0})
        await self.change(close)
        self.assertEqual(
            await self.preview({"path": "/press", "group_id": 1, "access": None}), {"opened": 3, "closed": 0}
        )


class WhoTests(AdministrationCase):
    async def test_everybody_who_can_see_a_folder_is_told_with_the_groups_that_let_them(self) -> None:
        for path, folder in (("press/a.png", "/press"), ("press/inner/b.png", "/press/inner")):
            self.paint(path)
            await self.domain.library.registrar.image(path)
            for public in (1, 2):
                self.permit(folder, public, 0)
        press = self.group("Press")
        self.permit("/press", press, 40)
        await self.person(groups=[press], name="anna")
        await self.person(name="bert")
        found = await self.done("GET", "/admin/permissions/who/", query={"path": "/press/inner"})
        self.assertEqual((found["folder"], found["public"]), ("/press/inner", 0))
        groups = {one["name"]: (one["access"], one["folder"], one["members"], one["bypass"]) for one in found["groups"]}
        self.assertEqual(groups, {"Administrators": (70, None, 1, True), "Press": (40, "/press", 1, False)})
        users = {one["username"]: (one["access"], one["groups"]) for one in found["users"]}
        self.assertEqual(users, {"admin": (70, ["Administrators"]), "anna": (40, ["Press"])})

    async def test_what_is_public_is_seen_by_all_by_that(self) -> None:
        await self.person(name="bert")
        found = await self.done("GET", "/admin/permissions/who/", query={"path": "/nowhere/yet"})
        self.assertGreaterEqual(found["public"], 10)
        self.assertIn("Public", {name for one in found["users"] if one["username"] == "bert" for name in one["groups"]})

    async def test_people_are_found_by_a_part_of_their_name_the_very_name_first(self) -> None:
        for number in range(25):
            await self.person(name=f"an{number:02}")
        await self.person(name="AN")
        found = await self.done("GET", "/admin/permissions/people/", query={"q": "an"})
        self.assertEqual((len(found), found[0]["username"]), (20, "AN"))
        self.assertEqual(await self.done("GET", "/admin/permissions/people/", query={"q": "nobody"}), [])


class TasksByHandTests(AdministrationCase):
    settings = MappingProxyType({"tasks_enabled": False})

    async def test_what_is_ahead_is_counted_before(self) -> None:
        self.paint("a.png")
        await self.domain.library.registrar.image("a.png")
        self.sql("insert into systemstats (from_time, to_time) values ('2020-01-01', '2020-01-02')")

        async def ahead(name: str, **query: Any) -> Any:
            return await self.done("GET", f"/admin/tasks/{name}/ahead/", query=query)

        self.assertEqual(await ahead("purge_system_stats", date_to="2020-02-01"), {"count": 1, "unit": "rows"})
        self.assertEqual(await ahead("purge_system_stats", date_to="2020-01-01"), {"count": 0, "unit": "rows"})
        self.assertEqual(await ahead("purge_image_stats", date_to="2020-02-01"), {"count": 0, "unit": "rows"})
        self.assertEqual(await ahead("verify_repository"), {"count": 1, "unit": "images"})
        self.assertEqual(await ahead("read_metadata"), {"count": 1, "unit": "images"})
        self.assertEqual(await ahead("index_anew"), {"count": 1, "unit": "images"})
        self.assertEqual(await ahead("precache", path="/"), {"count": 1, "unit": "images"})
        self.assertEqual(await ahead("uncache_folder_images", path="/none"), {"count": 0, "unit": "images"})
        self.assertEqual(await ahead("empty_trash"), {"count": 0, "unit": "entries"})
        self.assertEqual(await ahead("purge_deleted_folder_data", path="/"), {"count": 0, "unit": "images"})
        self.assertEqual(await ahead("flush_cache"), {"count": None, "unit": "images"})
        self.refused(await self.call("GET", "/admin/tasks/nonsense/ahead/", token=self.token), 404)

    async def test_a_precache_needs_templates_that_there_are(self) -> None:
        for templates, text in (("", "templates"), ("none", "there is no template")):
            form = {"path": "/", "templates": templates}
            self.refused(await self.call("POST", "/admin/tasks/precache/", token=self.token, form=form), 400, text)
        task = await self.done("POST", "/admin/tasks/precache/", form={"path": "/", "templates": "Default"})
        self.assertEqual((task["name"], task["params"]["templates"]), ("Precache /", ["Default"]))
        usual = await self.done("POST", "/admin/tasks/precache/", form={"path": "/"})
        self.assertEqual(usual["params"]["templates"], ["Precache"])

    async def test_single_images_are_precached_as_well(self) -> None:
        self.paint("a & b.png")
        form = {"srcs": ["/a & b.png", "/none.png"], "templates": "SmallJpeg,Precache"}
        self.assertEqual(
            await self.done("GET", "/admin/tasks/precache/ahead/", query={"srcs": '["/a & b.png"]'}),
            {"count": 1, "unit": "images"},
        )
        task = await self.done("POST", "/admin/tasks/precache/", json=form)
        outcome: Any = await self.domain.background.types["precache"].run(
            TaskRun(await self.domain.background.queue.get(task["id"]))
        )
        self.assertEqual((outcome["made"], outcome["failed"]), (2, 2))
        many = {"srcs": ["/a.png"] * 10_000, "templates": "Default,SmallJpeg,Precache"}
        self.refused(
            await self.call("POST", "/admin/tasks/precache/", token=self.token, json=many), 400, "there may be 6666"
        )

    async def test_all_servers_look_anew_at_what_is_in_a_folder(self) -> None:
        heard: Deferred[str] = Deferred()
        task = await self.done("POST", "/admin/tasks/uncache_folder_images/", form={"path": "/press/"})
        self.assertEqual(task["name"], "Look anew at what is in /press")
        run = TaskRun(await self.domain.background.queue.get(task["id"]))
        with mock.patch.object(self.domain.library, "forget", side_effect=lambda path: path and heard.callback(path)):
            await self.domain.background.types["uncache_folder_images"].run(run)
            self.assertEqual(await heard, "press")
        self.refused(await self.call("POST", "/admin/tasks/uncache_folder_images/", token=self.token, form={}), 400)

    async def test_tasks_are_counted_filtered_and_removed_when_they_are_over(self) -> None:
        await self.done("POST", "/admin/tasks/flush_cache/", form={})
        for status, name in ((2, "a"), (3, "b"), (4, "c")):
            self.sql(
                "insert into tasks (user_id, name, funcname, dedup_key, status, keep_until)"
                " values (null, %s, 'x', %s, %s, now() + interval '1 day')",
                name,
                name,
                status,
            )
        summary = await self.done("GET", "/admin/tasks/summary/")
        self.assertEqual(
            summary, {"pending": 1, "active": 0, "done": 1, "failed": 1, "cancelled": 1, "kinds": ["flush_cache", "x"]}
        )
        mine = await self.done("GET", "/admin/tasks/summary/", query={"mine": 1})
        self.assertEqual((mine["pending"], mine["done"], mine["kinds"]), (1, 0, ["flush_cache"]))
        (failed,) = await self.done("GET", "/admin/tasks/", query={"status": "failed"})
        self.assertEqual((failed["name"], failed["state"], failed["status"]), ("b", "failed", 2))
        gone = await self.done("POST", "/admin/tasks/over/forget/", form={"status": "failed"})
        self.assertEqual(gone, {"removed": 1})
        self.assertEqual(await self.done("POST", "/admin/tasks/over/forget/", form={}), {"removed": 2})
        (left,) = await self.done("GET", "/admin/tasks/")
        self.assertEqual(left["state"], "pending")

    async def test_a_task_that_failed_waits_again_and_one_started_by_hand_is_made_anew(self) -> None:
        first = await self.done("POST", "/admin/tasks/flush_cache/", form={})
        self.sql("update tasks set status = 3, error = 'no' where id = %s", first["id"])
        again = await self.done("POST", f"/admin/tasks/{first['id']}/retry/")
        self.assertEqual((again["id"], again["state"]), (first["id"], "pending"))
        self.sql("update tasks set status = 2 where id = %s", first["id"])
        anew = await self.done("POST", f"/admin/tasks/{first['id']}/retry/")
        self.assertNotEqual(anew["id"], first["id"])
        self.sql("update tasks set status = 2, funcname = 'move_folder' where id = %s", first["id"])
        self.refused(await self.call("POST", f"/admin/tasks/{first['id']}/retry/", token=self.token), 400, "run again")

    async def test_others_see_and_remove_only_their_own(self) -> None:
        await self.done("POST", "/admin/tasks/flush_cache/", form={})
        token = await self.person()
        reply = await self.call("GET", "/admin/tasks/summary/", token=token)
        self.assertEqual((reply.data["pending"], reply.data["kinds"]), (0, []))
        self.sql("update tasks set status = 2")
        self.assertEqual(
            (await self.call("POST", "/admin/tasks/over/forget/", token=token, form={})).data, {"removed": 0}
        )
