"""Nobody shuts the last administrator out; who is out stays out."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from qisd.access.levels import Flag
from tests.integration.bad_input import BadCase


class PeopleTests(BadCase):
    async def test_the_last_who_may_administrate_can_not_be_shut_out(self) -> None:
        await self.person(Flag.ADMIN_ALL, name="other")
        other = await self.token_of(self.sql("select id from users where username = 'other'")[0][0])
        group = {"name": "x", "description": "", "group_type": 2}
        before = self.state()
        for token in (self.boss, other):
            for method, path, form in (
                ("DELETE", "/admin/users/1/", None),
                ("DELETE", "/admin/groups/3/members/1/", None),
                ("DELETE", "/admin/groups/3/", None),
                ("DELETE", "/admin/groups/1/", None),
                ("DELETE", "/admin/groups/2/", None),
                ("PUT", "/admin/groups/3/", group),
                ("PUT", "/admin/groups/3/", {**group, "access_admin_users": 1}),
                ("PUT", "/admin/groups/3/", {**group, "access_admin_permissions": 1}),
                ("PUT", "/admin/groups/1/", {**group, "access_folios": 1}),
                ("POST", "/admin/groups/1/members/", {"user_id": 1}),
                ("DELETE", "/admin/groups/2/members/1/", None),
                ("DELETE", "/admin/permissions/1/", None),
                ("DELETE", "/admin/permissions/2/", None),
                ("PATCH", "/admin/users/1/", {"status": 0}),
            ):
                reply = await self.ask(method, path, token=token, form=form)
                self.assertEqual(reply.status, 400, f"{method} {path} {form} {reply.body!r}")
        # Who takes the right to administrate users from oneself is kept from it.
        ((own,),) = self.sql(
            "select group_id from usergroups join groups g on g.id = group_id where g.name = 'of other'"
        )
        ((me,),) = self.sql("select id from users where username = 'other'")
        for method, path, form in (
            ("PUT", f"/admin/groups/{own}/", {**group, "name": "of other"}),
            ("DELETE", f"/admin/groups/{own}/members/{me}/", None),
            ("DELETE", f"/admin/groups/{own}/", None),
        ):
            reply = await self.ask(method, path, token=other, form=form)
            self.assertEqual(reply.status, 400, f"{method} {path} {reply.body!r}")
            self.assertIn("would lock", reply.message)
        await self.assert_same(before)

    async def test_who_deletes_oneself_is_out_and_nobody_else(self) -> None:
        token = await self.person(Flag.ADMIN_USERS, name="maria")
        ((number,),) = self.sql("select id from users where username = 'maria'")
        cookie, csrf = await self.session_of(number)
        self.assertEqual((await self.ask("DELETE", f"/admin/users/{number}/", token=token)).status, 200)
        self.assertEqual((await self.ask("GET", "/admin/users/", token=token)).status, 401)
        headers = {"X-CSRF-Token": csrf}
        for method, path in (("GET", "/admin/users/"), ("DELETE", "/admin/users/1/"), ("POST", "/portfolios/")):
            self.assertIn((await self.ask(method, path, cookie=cookie, headers=headers)).status, (401, 403))
        self.assertEqual((await self.ask("GET", "/admin/users/")).status, 200)

    async def test_sessions_and_tokens_that_are_over_write_nothing(self) -> None:
        token = await self.person(Flag.ADMIN_ALL, name="maria")
        ((number,),) = self.sql("select id from users where username = 'maria'")
        cookie, csrf = await self.session_of(number)
        stranger_csrf = (await self.session_of(1))[1]
        form = {"name": "x", "description": "", "group_type": 2}

        async def make(**given: Any) -> int:
            return (await self.ask("POST", "/admin/groups/", form=form, **given)).status

        before = self.state()
        for wrong in (stranger_csrf, "", "x", csrf[:-1], csrf.upper(), csrf + "x", csrf.replace(".", ""), "é"):
            self.assertEqual(await make(cookie=cookie, headers={"X-CSRF-Token": quote(wrong)}), 400, wrong)
            reply = await self.ask("POST", "/admin/groups/", cookie=cookie, form={**form, "_csrf_token": wrong})
            # The header counts where the field is blank.
            self.assertEqual(reply.status, 400, wrong)
        for change in (
            "update users set status = 0 where username = 'maria'",
            "update users set status = 1, stamp = stamp + 1 where username = 'maria'",
            "update sessions set expires = now() - interval '1 day'",
        ):
            self.sql("update sessions set stamp = (select stamp from users where id = user_id)")
            self.sql(change)
            await self.refresh()
            self.domain.sessions.forget()
            self.assertEqual(await make(token=token), 401, change)
            self.assertEqual(await make(cookie=cookie, headers={"X-CSRF-Token": csrf}), 401, change)
        self.assertEqual(self.state()["groups"], before["groups"])
