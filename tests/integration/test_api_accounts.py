"""The endpoints of users, groups, permissions, templates, properties and the audit log, over real sockets."""

from __future__ import annotations

import json
from typing import Any

from qisd.access.levels import Flag
from qisd.store.first_run import PASSWORD_FILE
from tests.integration.api import ApiCase, Reply
from tests.integration.database import ADMIN_PASSWORD

MARIA = {
    "first_name": "Maria",
    "last_name": "Vega",
    "email": "m@example.com",
    "username": "maria",
    "password": "long-enough",
    "auth_type": 1,
    "allow_api": 1,
}
WEB_TEAM = {"name": "Web team", "description": "", "group_type": 2}
TEASER = {"name": "Teaser", "description": "", "template": '{"width":{"value":320},"format":{"value":"JPG"}}'}
HUGE_IDS = (0, 4711, 2**31, 2**63 - 1, 2**63, 10**30)
NOTHING_FOUND = "The requested item was not found"


class AccountsApiCase(ApiCase):
    def refused(self, reply: Reply, status: int, text: str = "") -> None:
        self.assertEqual((reply.status, reply.json["status"]), (status, status), reply.body)
        self.assertIsNone(reply.data)
        self.assertIn(text, reply.message)

    def accepted(self, reply: Reply) -> Any:
        self.assertEqual((reply.status, reply.message), (200, "OK"), reply.body)
        return reply.data


class UserTests(AccountsApiCase):
    async def test_the_way_of_a_user(self) -> None:
        admin = await self.admin()
        made = self.accepted(await self.call("POST", "/admin/users/", token=admin, form=MARIA))
        number, groups = made["id"], made.pop("groups")
        self.assertEqual([(group["id"], group["name"]) for group in groups], [(2, "Normal users")])
        self.assertNotIn("users", groups[0])
        user = {
            "id": number,
            "first_name": "Maria",
            "last_name": "Vega",
            "email": "m@example.com",
            "username": "maria",
            "auth_type": 1,
            "allow_api": True,
            "status": 1,
        }
        self.assertEqual(made, user)
        self.assertEqual(self.accepted(await self.call("GET", f"/admin/users/{number}/", token=admin)), user)
        form = {**MARIA, "email": "", "allow_api": "no"}
        changed = self.accepted(await self.call("PUT", f"/admin/users/{number}/", token=admin, form=form))
        self.assertEqual(changed, {**user, "email": "", "allow_api": False})
        deleted = self.accepted(await self.call("DELETE", f"/admin/users/{number}/", token=admin))
        self.assertEqual(deleted, {**changed, "status": 0})

        async def names(**query: Any) -> list[str]:
            reply = await self.call("GET", "/admin/users/", token=admin, query=query)
            return [one["username"] for one in self.accepted(reply)]

        self.assertEqual(await names(), ["admin"])
        self.assertEqual(await names(status="0"), ["maria"])
        self.assertEqual([await names(status=both) for both in ("-1", "any")], [["admin", "maria"]] * 2)
        restored = await self.call("PATCH", f"/admin/users/{number}/", token=admin, form={"status": 1})
        self.assertEqual(self.accepted(restored), changed)

    async def test_a_new_user_gets_a_token_at_once_and_none_when_deleted(self) -> None:
        admin = await self.admin()
        number = self.accepted(await self.call("POST", "/admin/users/", token=admin, form=MARIA))["id"]
        who = {"username": "MARIA", "password": "long-enough"}
        token = self.accepted(await self.call("POST", "/token/", form=who))["token"]
        self.assertEqual(self.accepted(await self.call("GET", f"/admin/users/{number}/", token=token))["id"], number)
        await self.call("DELETE", f"/admin/users/{number}/", token=admin)
        self.refused(await self.call("GET", f"/admin/users/{number}/", token=token), 401)
        self.refused(await self.call("POST", "/token/", form=who), 403, "This account is disabled")

    async def test_no_answer_holds_a_password(self) -> None:
        admin = await self.admin()
        replies = [await self.call("POST", "/admin/users/", token=admin, form=MARIA)]
        for path in ("/admin/users/", "/admin/users/1/", "/admin/groups/2/", "/admin/audit/"):
            replies.append(await self.call("GET", path, token=admin))
        for reply in replies:
            self.accepted(reply)
            for secret in (b"argon2", b"long-enough", b'"password"'):
                self.assertNotIn(secret, reply.body)

    async def test_bad_values_are_named(self) -> None:
        admin = await self.admin()
        for change, parameter, reason in (
            ({"username": " "}, "username", "too short (min 1)"),
            ({"username": "x" * 121}, "username", "too long (max 120)"),
            ({"password": "short"}, "password", "too short (min 8)"),
            ({"password": ""}, "password", "too short (min 8)"),
            ({"first_name": "x" * 121}, "first_name", "too long"),
            ({"auth_type": 3}, "auth_type", "3 is out of range"),
            ({"auth_type": ""}, "auth_type", "0 is out of range"),
            ({"email": "\0"}, "email", "not allowed"),
        ):
            reply = await self.call("POST", "/admin/users/", token=admin, form={**MARIA, **change})
            self.refused(reply, 400, "Invalid parameter (Invalid value: ")
            self.assertIn(reason, reply.message)
            self.assertEqual(reply.json["parameter"], parameter)
        for missing in ("first_name", "last_name", "email", "username", "auth_type", "password"):
            form = {name: value for name, value in MARIA.items() if name != missing}
            reply = await self.call("POST", "/admin/users/", token=admin, form=form)
            self.refused(reply, 400, f"Missing parameter: {missing}")
        for query in ({"status": "2"}, {"status": "x"}, {"sort": "password"}, {"start": "-1"}, {"limit": "0"}):
            self.refused(await self.call("GET", "/admin/users/", token=admin, query=query), 400)

    async def test_a_name_that_is_taken_is_a_conflict(self) -> None:
        admin = await self.admin()
        for name in ("admin", " ADMIN "):
            reply = await self.call("POST", "/admin/users/", token=admin, form={**MARIA, "username": name})
            self.refused(reply, 409, "already exists")

    async def test_directory_users_need_no_password(self) -> None:
        form = {name: value for name, value in MARIA.items() if name != "password"} | {"auth_type": 2}
        made = self.accepted(await self.call("POST", "/admin/users/", token=await self.admin(), form=form))
        self.assertEqual(made["auth_type"], 2)

    async def test_ids_of_nobody_are_not_found(self) -> None:
        admin = await self.admin()
        for number in HUGE_IDS:
            self.refused(await self.call("GET", f"/admin/users/{number}/", token=admin), 404, NOTHING_FOUND)
            self.refused(await self.call("PUT", f"/admin/users/{number}/", token=admin, form=MARIA), 404)
            self.refused(await self.call("DELETE", f"/admin/users/{number}/", token=admin), 404)
        for path in ("/admin/users/-1/", "/admin/users/abc/", "/admin/users/1.0/"):
            self.refused(await self.call("GET", path, token=admin), 404)

    async def test_own_accounts_can_be_read_and_changed_a_little(self) -> None:
        token = await self.person(name="maria")
        ((number,),) = self.sql("select id from users where username = 'maria'")
        path = f"/admin/users/{number}/"
        form = {"first_name": "M", "last_name": "", "email": "e", "username": "maria", "auth_type": 1}
        changed = self.accepted(await self.call("PUT", path, token=token, form=form))
        self.assertEqual((changed["first_name"], changed["email"], changed["allow_api"]), ("M", "e", True))
        self.accepted(await self.call("PUT", path, token=token, form={**form, "allow_api": "yes"}))
        for more in ({"allow_api": "no"}, {"username": "x"}, {"auth_type": 2}, {"status": 0}):
            self.refused(await self.call("PUT", path, token=token, form={**form, **more}), 403, "User administration")
        patched = self.accepted(await self.call("PATCH", path, token=token, json={"last_name": "V"}))
        self.assertEqual((patched["first_name"], patched["last_name"], patched["allow_api"]), ("M", "V", True))
        self.refused(await self.call("PUT", "/admin/users/1/", token=token, form={}), 403)
        self.refused(await self.call("GET", "/admin/users/4711/", token=token), 403)
        self.refused(await self.call("DELETE", path, token=token), 403)

    async def test_an_administrator_s_form_without_the_box_takes_the_api_away_and_json_must_say_so(self) -> None:
        admin = await self.admin()
        number = self.accepted(await self.call("POST", "/admin/users/", token=admin, form=MARIA))["id"]
        form = {name: value for name, value in MARIA.items() if name not in ("allow_api", "password")}
        path = f"/admin/users/{number}/"
        self.refused(await self.call("PUT", path, token=admin, json=form), 400, "Missing parameter: allow_api")
        self.assertTrue(self.accepted(await self.call("PATCH", path, token=admin, json=form))["allow_api"])
        self.assertFalse(self.accepted(await self.call("PUT", path, token=admin, form=form))["allow_api"])

    async def test_the_own_password_is_changed_in_a_session_that_goes_on_while_others_end(self) -> None:
        cookie, csrf = await self.session_of(1)
        other, _ = await self.session_of(1)
        token = await self.admin()
        file = self.folder / "state" / PASSWORD_FILE
        file.write_text("x")
        form = {**MARIA, "username": "admin", "password": "another-one", "_csrf_token": csrf}
        self.refused(await self.call("PUT", "/admin/users/1/", cookie=cookie, form=form), 400, "current_password")
        wrong = {**form, "current_password": "wrong-password"}
        self.refused(await self.call("PUT", "/admin/users/1/", cookie=cookie, form=wrong), 403, "current password")
        self.assertTrue(file.exists())
        right = {**form, "current_password": ADMIN_PASSWORD}
        self.accepted(await self.call("PUT", "/admin/users/1/", cookie=cookie, form=right))
        self.assertFalse(file.exists())
        self.accepted(await self.call("GET", "/admin/users/1/", cookie=cookie))
        self.refused(await self.call("GET", "/admin/users/1/", cookie=other), 401)
        self.refused(await self.call("GET", "/admin/users/1/", token=token), 401)
        for password, status in ((ADMIN_PASSWORD, 403), ("another-one", 200)):
            reply = await self.call("POST", "/token/", form={"username": "admin", "password": password})
            self.assertEqual(reply.status, status)

    async def test_the_built_in_administrator_and_those_above_one_stay(self) -> None:
        self.refused(await self.call("DELETE", "/admin/users/1/", token=await self.admin()), 400)
        boss = await self.person(Flag.ADMIN_USERS)
        self.refused(await self.call("PUT", "/admin/users/1/", token=boss, form=MARIA), 403, "Super-user permission")

    async def test_deleting_oneself_logs_out(self) -> None:
        token = await self.person(Flag.ADMIN_USERS, name="maria")
        ((number,),) = self.sql("select id from users where username = 'maria'")
        self.assertEqual(self.accepted(await self.call("DELETE", f"/admin/users/{number}/", token=token))["status"], 0)
        self.refused(await self.call("GET", f"/admin/users/{number}/", token=token), 401)

    async def test_who_was_not_the_last_to_read_does_not_write(self) -> None:
        admin = await self.admin()
        number = self.accepted(await self.call("POST", "/admin/users/", token=admin, form=MARIA))["id"]
        path = f"/admin/users/{number}/"
        tag = (await self.call("GET", path, token=admin)).headers["etag"]
        self.accepted(
            await self.call("PUT", path, token=admin, form={**MARIA, "email": "1"}, headers={"If-Match": tag})
        )
        reply = await self.call("PUT", path, token=admin, form={**MARIA, "email": "2"}, headers={"If-Match": tag})
        self.assertEqual((reply.status, reply.data["email"]), (412, "1"))
        self.assertEqual((await self.call("DELETE", path, token=admin, headers={"If-Match": tag})).status, 412)
        self.accepted(await self.call("PUT", path, token=admin, form={**MARIA, "email": "3"}))

    async def test_repeating_a_change_leaves_no_trace(self) -> None:
        admin = await self.admin()
        number = self.accepted(await self.call("POST", "/admin/users/", token=admin, form=MARIA))["id"]
        before = self.sql("select * from users"), self.sql("select id from audit_log order by id")
        for _ in range(2):
            self.accepted(await self.call("PUT", f"/admin/users/{number}/", token=admin, form=MARIA))
        self.assertEqual(before, (self.sql("select * from users"), self.sql("select id from audit_log order by id")))

    async def test_lists_come_in_parts(self) -> None:
        for name in ("a", "b", "c"):
            await self.person(name=name)
        reply = await self.call("GET", "/admin/users/", token=await self.admin(), query={"start": 1, "limit": 2})
        self.assertEqual([one["username"] for one in self.accepted(reply)], ["admin", "b"])
        self.assertEqual(reply.headers["x-total-count"], "4")
        self.assertIn('rel="next"', reply.headers["link"])


class GroupTests(AccountsApiCase):
    async def test_the_way_of_a_group(self) -> None:
        admin = await self.admin()
        form = {**WEB_TEAM, "access_reports": 1}
        made = self.accepted(await self.call("POST", "/admin/groups/", token=admin, form=form))
        number = made["id"]
        permissions = {flag.value: flag is Flag.REPORTS for flag in Flag} | {"group_id": number}
        group = {"id": number, "name": "Web team", "description": "", "group_type": 2, "permissions": permissions}
        self.assertEqual(made, {**group, "users": []})
        listed = self.accepted(await self.call("GET", "/admin/groups/", token=admin))
        self.assertEqual([one["name"] for one in listed], ["Administrators", "Normal users", "Public", "Web team"])
        self.assertEqual(listed[3], group)
        path = f"/admin/groups/{number}/"
        for _ in range(2):
            self.assertIsNone(
                self.accepted(await self.call("POST", f"{path}members/", token=admin, form={"user_id": 1}))
            )
        found = self.accepted(await self.call("GET", path, token=admin))
        self.assertEqual([user["username"] for user in found["users"]], ["admin"])
        changed = self.accepted(await self.call("PUT", path, token=admin, form={**WEB_TEAM, "group_type": 1}))
        self.assertEqual((changed["group_type"], changed["permissions"]["reports"]), (2, False))
        patched = self.accepted(await self.call("PATCH", path, token=admin, json={"access_folios": True}))
        self.assertEqual((patched["name"], patched["permissions"]["folios"]), ("Web team", True))
        for _ in range(2):
            self.assertIsNone(self.accepted(await self.call("DELETE", f"{path}members/1/", token=admin)))
        self.assertIsNone(self.accepted(await self.call("DELETE", path, token=admin)))
        self.refused(await self.call("DELETE", path, token=admin), 404)

    async def test_a_member_may_at_once_what_the_group_may(self) -> None:
        admin = await self.admin()
        token = await self.person(name="maria")
        ((number,),) = self.sql("select id from users where username = 'maria'")
        group = self.group("files", Flag.ADMIN_PERMISSIONS)
        await self.refresh()
        for _ in range(3):
            self.refused(await self.call("GET", "/admin/permissions/", token=token), 403)
            self.accepted(
                await self.call("POST", f"/admin/groups/{group}/members/", token=admin, form={"user_id": number})
            )
            self.accepted(await self.call("GET", "/admin/permissions/", token=token))
            self.accepted(await self.call("DELETE", f"/admin/groups/{group}/members/{number}/", token=admin))

    async def test_flags_are_left_alone_without_permissions_administration(self) -> None:
        boss = await self.person(Flag.ADMIN_USERS)
        group = self.group("Web team", Flag.REPORTS)
        form = {**WEB_TEAM, "description": "x", "access_admin_all": 1}
        changed = self.accepted(await self.call("PUT", f"/admin/groups/{group}/", token=boss, form=form))
        self.assertEqual((changed["description"], changed["permissions"]["admin_all"]), ("x", False))
        self.assertTrue(changed["permissions"]["reports"])

    async def test_what_is_refused(self) -> None:
        admin = await self.admin()
        chief = await self.person(Flag.ADMIN_USERS, Flag.ADMIN_PERMISSIONS)
        group = self.group("files", Flag.ADMIN_FILES)
        await self.refresh()
        flags = {f"access_{flag}": 1 for flag in Flag}
        all_but_users = {**flags, "access_admin_users": 0, "access_admin_all": 0}
        for method, path, token, form, status, text in (
            ("POST", "/admin/groups/", admin, {**WEB_TEAM, "group_type": 1}, 400, "system groups"),
            ("POST", "/admin/groups/", admin, {**WEB_TEAM, "group_type": 4}, 400, "4 is out of range"),
            ("POST", "/admin/groups/", admin, {**WEB_TEAM, "name": " "}, 400, "too short (min 1)"),
            ("POST", "/admin/groups/", admin, {**WEB_TEAM, "name": "Public"}, 409, "already exists"),
            ("POST", "/admin/groups/", chief, {**WEB_TEAM, **flags}, 403, "Super-user permission"),
            ("PUT", f"/admin/groups/{group}/", chief, {**WEB_TEAM, **flags}, 403, "Super-user permission"),
            ("PUT", f"/admin/groups/{group}/", chief, WEB_TEAM, 403, "File administration permission"),
            ("PUT", "/admin/groups/3/", admin, {**WEB_TEAM, **all_but_users}, 400, "would lock"),
            ("PUT", "/admin/groups/1/", admin, {**WEB_TEAM, "access_folios": 1}, 400, "Public"),
            ("DELETE", "/admin/groups/3/members/1/", admin, None, 400, "would lock"),
            ("DELETE", "/admin/groups/2/members/1/", admin, None, 400, "Normal users"),
            ("POST", "/admin/groups/1/members/", admin, {"user_id": 1}, 400, "Public"),
            ("POST", f"/admin/groups/{group}/members/", chief, {"user_id": 1}, 403, "permission is required"),
            ("POST", f"/admin/groups/{group}/members/", admin, {"user_id": 4711}, 404, "4711"),
            ("POST", f"/admin/groups/{group}/members/", admin, {"user_id": 2**63 - 1}, 404, ""),
            ("POST", f"/admin/groups/{group}/members/", admin, {"user_id": 2**63}, 400, "out of range"),
            ("POST", f"/admin/groups/{group}/members/", admin, {"user_id": 0}, 400, "out of range"),
            ("POST", "/admin/groups/4711/members/", admin, {"user_id": 0}, 400, "out of range"),
            ("DELETE", "/admin/groups/2/", admin, None, 400, "system groups"),
        ):
            reply = await self.call(method, path, token=token, form=form)
            self.refused(reply, status, text)
        self.assertEqual(self.sql("select count(*) from audit_log"), [(0,)])

    async def test_ids_of_nothing_are_not_found(self) -> None:
        admin = await self.admin()
        for number in HUGE_IDS:
            path = f"/admin/groups/{number}/"
            self.refused(await self.call("GET", path, token=admin), 404)
            self.refused(await self.call("PUT", path, token=admin, form=WEB_TEAM), 404)
            self.refused(await self.call("DELETE", path, token=admin), 404)
            self.refused(await self.call("POST", f"{path}members/", token=admin, form={"user_id": 1}), 404)
            self.refused(await self.call("DELETE", f"{path}members/1/", token=admin), 404)
            member = await self.call("DELETE", f"/admin/groups/3/members/{number}/", token=admin)
            self.assertEqual(member.status, 200 if 0 < number < 2**63 else 404)

    async def test_a_new_member_makes_another_version(self) -> None:
        admin = await self.admin()
        group = self.group("Web team")
        path = f"/admin/groups/{group}/"
        tag = (await self.call("GET", path, token=admin)).headers["etag"]
        self.assertEqual((await self.call("GET", path, token=admin, headers={"If-None-Match": tag})).status, 304)
        await self.call("POST", f"{path}members/", token=admin, form={"user_id": 1})
        self.assertEqual((await self.call("GET", path, token=admin, headers={"If-None-Match": tag})).status, 200)
        reply = await self.call("PUT", path, token=admin, form=WEB_TEAM, headers={"If-Match": tag})
        self.assertEqual((reply.status, len(reply.data["users"])), (412, 1))


class FolderPermissionTests(AccountsApiCase):
    async def test_the_way_of_a_permission(self) -> None:
        admin = await self.admin()
        form = {"group_id": 3, "folder_id": 1, "access": 20}
        made = self.accepted(await self.call("POST", "/admin/permissions/", token=admin, form=form))
        number = made["id"]
        self.assertEqual(made.pop("folder"), {"id": 1, "name": "", "path": "/", "parent_id": None, "status": 1})
        self.assertEqual(made.pop("group")["name"], "Administrators")
        self.assertEqual(made, {"id": number, **form})
        path = f"/admin/permissions/{number}/"
        self.assertEqual(self.accepted(await self.call("GET", path, token=admin)), made)
        others = {"group_id": 1, "folder_id": 4711, "access": 70}
        changed = self.accepted(await self.call("PUT", path, token=admin, form=others))
        self.assertEqual(changed, {**made, "access": 70})
        patched = self.accepted(await self.call("PATCH", path, token=admin, json={"access": 0}))
        self.assertEqual(patched, {**made, "access": 0})
        self.refused(await self.call("DELETE", path, token=admin), 400, "system group")

        async def ids(**query: Any) -> list[int]:
            reply = await self.call("GET", "/admin/permissions/", token=admin, query=query)
            return [one["id"] for one in self.accepted(reply)]

        self.assertEqual(await ids(), [1, 2, number])
        self.assertEqual(await ids(group_id=3), [number])
        self.assertEqual(await ids(folder_id=2**40), [])
        self.assertEqual(await ids(folder_id="", start=1, limit=1), [2])

    async def test_a_permission_counts_at_once(self) -> None:
        self.paint("a.jpg")
        admin = await self.admin()
        for access, status in ((0, 403), (10, 200), (0, 403)):
            form = {"group_id": 1, "folder_id": 1, "access": access}
            self.accepted(await self.call("PUT", "/admin/permissions/1/", token=admin, form=form))
            self.assertEqual((await self.call("GET", "/image", query={"src": "a.jpg"})).status, status)

    async def test_what_is_refused(self) -> None:
        admin = await self.admin()
        right = {"group_id": 3, "folder_id": 1, "access": 20}
        for change, status, text in (
            ({"access": 15}, 400, "Value is not one of: 0, 10, 20, 30, 40, 50, 60, 70"),
            ({"access": 71}, 400, "71 is out of range"),
            ({"access": -10}, 400, "out of range"),
            ({"access": "x"}, 400, "access"),
            ({"group_id": 0}, 400, "out of range"),
            ({"group_id": 4711}, 404, "4711"),
            ({"group_id": 2**63 - 1, "folder_id": 4712}, 404, str(2**63 - 1)),
            ({"folder_id": 4712}, 404, "4712"),
            ({"folder_id": 2**63}, 400, "out of range"),
            ({"group_id": 1}, 409, "already exists"),
        ):
            reply = await self.call("POST", "/admin/permissions/", token=admin, form={**right, **change})
            self.refused(reply, status, text)
        for number in HUGE_IDS:
            path = f"/admin/permissions/{number}/"
            self.refused(await self.call("GET", path, token=admin), 404)
            self.refused(await self.call("PUT", path, token=admin, form=right), 404)
            self.refused(await self.call("DELETE", path, token=admin), 404)


class TraceTests(AccountsApiCase):
    async def test_a_level_is_explained(self) -> None:
        await self.person(name="maria")
        ((number,),) = self.sql("select id from users where username = 'maria'")
        self.sql("insert into folders (name, path, parent_id) values ('a', '/a', 1)")
        self.permit("/a", 2, 40)
        await self.refresh()
        query = {"path": "/a/b.jpg", "user_id": number}
        trace = self.accepted(
            await self.call("GET", "/admin/permissions/trace/", token=await self.admin(), query=query)
        )
        self.assertEqual(
            trace,
            {
                "folder": "/a/b.jpg",
                "folder_status": None,
                "image": None,
                "user_id": number,
                "username": "maria",
                "active": True,
                "groups": [
                    {"group_id": 1, "name": "Public", "access": 10, "folder": "/", "permissions": []},
                    {"group_id": 2, "name": "Normal users", "access": 40, "folder": "/a", "permissions": []},
                ],
                "bypass": [],
                "access": 40,
                "snapshot_access": 40,
                "consistent": True,
            },
        )
        anonymous = await self.call("GET", "/admin/permissions/trace", token=await self.admin(), query={"path": ""})
        self.assertEqual(self.accepted(anonymous)["access"], 10)

    async def test_what_is_refused(self) -> None:
        admin = await self.admin()
        for query, status in (
            ({}, 400),
            ({"path": "x" * 1025}, 400),
            ({"path": "/", "user_id": "0"}, 400),
            ({"path": "/", "user_id": "4711"}, 404),
            ({"path": "/../etc"}, 403),
        ):
            reply = await self.call("GET", "/admin/permissions/trace/", token=admin, query=query)
            self.refused(reply, status)


class TemplateTests(AccountsApiCase):
    async def test_the_way_of_a_template(self) -> None:
        admin = await self.admin()
        kept = {"width": {"value": 320}, "format": {"value": "jpg"}}
        made = self.accepted(await self.call("POST", "/admin/templates/", token=admin, form=TEASER))
        self.assertEqual(made, {"id": made["id"], "name": "Teaser", "description": "", "template": kept})
        path = f"/admin/templates/{made['id']}/"
        reader = await self.person()
        self.assertEqual(self.accepted(await self.call("GET", path, token=reader)), made)
        as_json = {"name": "Teaser", "description": "d", "template": {"height": {"value": 9}}}
        changed = self.accepted(await self.call("PUT", path, token=admin, json=as_json))
        self.assertEqual(changed, {"id": made["id"], **as_json})
        patched = self.accepted(await self.call("PATCH", path, token=admin, form={"name": "T"}))
        self.assertEqual(patched, {**changed, "name": "T"})
        listed = self.accepted(await self.call("GET", "/admin/templates/", token=reader))
        self.assertEqual([one["name"] for one in listed], ["Default", "Precache", "SmallJpeg", "T"])
        self.assertIsNone(self.accepted(await self.call("DELETE", path, token=admin)))
        self.refused(await self.call("GET", path, token=admin), 404)

    async def test_a_template_renders_at_once(self) -> None:
        self.paint("a.png")
        admin = await self.admin()
        self.assertEqual((await self.call("GET", "/image", query={"src": "a.png", "tmp": "teaser"})).status, 400)
        self.accepted(await self.call("POST", "/admin/templates/", token=admin, form=TEASER))
        reply = await self.call("GET", "/image", query={"src": "a.png", "tmp": "teaser"})
        self.assertEqual((reply.status, reply.headers["content-type"]), (200, "image/jpeg"))

    async def test_what_is_refused(self) -> None:
        admin = await self.admin()
        for template in ("[]", "1", '"x"', "null", "{", "{}x", "", '{"width":1}', '{"nonsense":{"value":1}}'):
            reply = await self.call("POST", "/admin/templates/", token=admin, form={**TEASER, "template": template})
            self.refused(reply, 400)
        nested = '{"width":{"value":' + "[" * 10_000 + "]" * 10_000 + "}}"
        twice = '{"width":{"value":1},"width":{"value":2}}'
        long = json.dumps({"overlay_src": {"value": "x" * 102_400}})
        for template in (nested, twice, long):
            reply = await self.call("POST", "/admin/templates/", token=admin, form={**TEASER, "template": template})
            self.refused(reply, 400)
        for document in ([], 1, None, "{}", True, {"width": {"value": "1"}}):
            reply = await self.call("POST", "/admin/templates/", token=admin, json={**TEASER, "template": document})
            self.refused(reply, 400)
        reply = await self.call("POST", "/admin/templates/", token=admin, form={**TEASER, "name": "DEFAULT"})
        self.refused(reply, 409, "already exists")
        self.refused(await self.call("DELETE", "/admin/templates/1/", token=admin), 400, "default template")
        for number in HUGE_IDS:
            self.refused(await self.call("GET", f"/admin/templates/{number}/", token=admin), 404)
            self.refused(await self.call("PUT", f"/admin/templates/{number}/", token=admin, form=TEASER), 404)
            self.refused(await self.call("DELETE", f"/admin/templates/{number}/", token=admin), 404)

    async def test_images_go_on_when_the_default_template_gets_another_name(self) -> None:
        self.paint("a.png")
        admin = await self.admin()
        form = {"name": "Standard", "description": "", "template": '{"format":{"value":"jpg"}}'}
        self.accepted(await self.call("PUT", "/admin/templates/1/", token=admin, form=form))
        reply = await self.call("GET", "/image", query={"src": "a.png"})
        self.assertEqual((reply.status, reply.headers["content-type"]), (200, "image/jpeg"))
        chosen = await self.call("GET", "/admin/properties/pubimage_default_template/", token=admin)
        self.assertEqual(self.accepted(chosen)["value"], "standard")


class PropertyTests(AccountsApiCase):
    async def test_the_default_template_is_chosen_and_counts_at_once(self) -> None:
        self.paint("a.png")
        admin = await self.admin()
        path = "/admin/properties/pubimage_default_template/"
        default = {"key": "pubimage_default_template", "value": "default"}
        self.assertEqual(self.accepted(await self.call("GET", path, token=admin)), default)
        changed = self.accepted(await self.call("PUT", path, token=admin, form={"value": "SmallJpeg"}))
        self.assertEqual(changed, {**default, "value": "SmallJpeg"})
        reply = await self.call("GET", "/image", query={"src": "a.png"})
        self.assertEqual((reply.status, reply.headers["content-type"]), (200, "image/jpeg"))

    async def test_what_is_refused(self) -> None:
        admin = await self.admin()
        chosen = "/admin/properties/pubimage_default_template/"
        for method, path, form, status in (
            ("PUT", chosen, {"value": "nothing"}, 400),
            ("PUT", chosen, {}, 400),
            ("PUT", chosen, {"value": "x" * 10_001}, 400),
            ("PUT", "/admin/properties/cluster_id/", {"value": "x"}, 403),
            ("PUT", "/admin/properties/unknown/", {"value": "x"}, 404),
            ("GET", "/admin/properties/unknown/", None, 404),
            ("GET", "/admin/properties/%C3%A4/", None, 404),
            ("GET", "/admin/properties/'%3B--/", None, 404),
            ("DELETE", chosen, None, 405),
            ("GET", "/admin/properties/", None, 404),
        ):
            self.refused(await self.call(method, path, token=admin, form=form), status)


class AuditTests(AccountsApiCase):
    async def test_every_change_is_in_the_log_with_who_and_from_where(self) -> None:
        admin = await self.admin()
        number = self.accepted(await self.call("POST", "/admin/users/", token=admin, form=MARIA))["id"]
        await self.call("PATCH", f"/admin/users/{number}/", token=admin, form={"email": "x"})
        chief = await self.person(Flag.ADMIN_PERMISSIONS)
        entries = self.accepted(await self.call("GET", "/admin/audit/", token=chief))
        self.assertEqual([entry["action"] for entry in entries], ["user.changed", "user.created"])
        changed = entries[0]
        self.assertRegex(changed["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z$")
        self.assertEqual((changed["actor_id"], changed["actor_name"], changed["actor_kind"]), (1, "admin", "token"))
        self.assertEqual((changed["address"], changed["object_id"]), ("127.0.0.1", str(number)))
        self.assertEqual((changed["before"], changed["after"]), ({"email": "m@example.com"}, {"email": "x"}))
        self.assertTrue(changed["request_id"])

        async def actions(**query: Any) -> list[str]:
            reply = await self.call("GET", "/admin/audit/", token=chief, query=query)
            return [entry["action"] for entry in self.accepted(reply)]

        self.assertEqual(await actions(action="user", limit=1), ["user.changed"])
        self.assertEqual(await actions(below=changed["id"]), ["user.created"])
        self.assertEqual(await actions(actor_id=4711), [])
        self.assertEqual(await actions(object_type="user", object_id=number), ["user.changed", "user.created"])
        self.assertEqual(await actions(to_time="2020-01-01"), [])
        self.assertEqual(len(await actions(from_time="2020-01-01T00:00:00", actor_name="ADMIN")), 2)

    async def test_all_of_it_comes_as_json_lines(self) -> None:
        admin = await self.admin()
        self.sql("insert into audit_log (actor_kind, action) select 'system', 'a.b' from generate_series(1, 30000)")
        reply = await self.call("GET", "/admin/audit/export/", token=admin, query={"action": "a"})
        self.assertEqual((reply.status, reply.headers["content-type"]), (200, "application/jsonl"))
        self.assertEqual(reply.headers["cache-control"], "no-store")
        entries = [json.loads(line) for line in reply.body.splitlines()]
        self.assertEqual([entry["id"] for entry in entries], list(range(30000, 0, -1)))
        listed = await self.call("GET", "/admin/audit/", token=admin, query={"action": "a", "limit": 1})
        self.assertEqual(entries[:1], self.accepted(listed))
        head = await self.call("HEAD", "/admin/audit/export/", token=admin)
        self.assertEqual((head.status, head.body), (200, b""))
        nothing = await self.call("GET", "/admin/audit/export/", token=admin, query={"action": "z"})
        self.assertEqual((nothing.status, nothing.body), (200, b""))
        self.refused(await self.call("GET", "/admin/audit/export/", token=admin, query={"from_time": "x"}), 400)
        wrong = {"from_time": "2026-01-02", "to_time": "2026-01-01"}
        self.refused(await self.call("GET", "/admin/audit/export/", token=admin, query=wrong), 400)

    async def test_bad_filters_are_named(self) -> None:
        admin = await self.admin()
        for name, value in (("from_time", "x"), ("actor_id", "x"), ("below", "0"), ("object_id", "x" * 121)):
            reply = await self.call("GET", "/admin/audit/", token=admin, query={name: value})
            self.refused(reply, 400)
            self.assertEqual(reply.json["parameter"], name)
