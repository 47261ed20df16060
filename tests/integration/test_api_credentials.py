"""Tokens, sessions and keys, as a client meets them."""

from __future__ import annotations

import base64
from types import MappingProxyType

from tests.integration.api import ApiCase
from tests.integration.database import ADMIN_PASSWORD


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


class TokenTests(ApiCase):
    async def test_a_name_and_a_password_get_a_token_that_opens_the_rest(self) -> None:
        for given in (
            {"headers": basic("ADMIN", ADMIN_PASSWORD)},
            {"form": {"username": "admin", "password": ADMIN_PASSWORD}},
            {"json": {"username": " admin ", "password": ADMIN_PASSWORD}},
        ):
            reply = await self.call("POST", "/token/", **given)
            self.assertEqual((reply.status, reply.message), (200, "OK"))
            self.assertIn(reply.data["expires_in"], (3599, 3600))
            session = await self.call("GET", "/session/", token=reply.data["token"])
            self.assertEqual(session.data["user"]["username"], "admin")
            self.assertNotIn("password", session.body.decode())

    async def test_no_cache_keeps_a_token(self) -> None:
        reply = await self.call("POST", "/token/", headers=basic("admin", ADMIN_PASSWORD))
        self.assertEqual(reply.headers["cache-control"], "no-store")

    async def test_without_a_token_one_is_nobody_and_a_bad_one_is_no_error(self) -> None:
        for headers in ({}, basic("nonsense", ""), {"Authorization": "Bearer x"}, {"Authorization": "Basic ???"}):
            reply = await self.call("GET", "/session/", headers=headers)
            self.assertEqual((reply.status, reply.data["user"]), (200, None))

    async def test_a_token_ends_when_it_is_ended(self) -> None:
        token = await self.admin()
        self.assertEqual((await self.call("DELETE", "/token/", token=token)).status, 200)
        self.assertEqual((await self.call("DELETE", "/token/", token=token)).status, 401)

    async def test_a_token_ends_with_the_account_and_with_the_right_to_have_one(self) -> None:
        for change in ("status = 0", "stamp = stamp + 1", "allow_api = false"):
            with self.subTest(change):
                token = await self.person()
                self.sql(f"update users set {change} where id = (select max(id) from users)")
                await self.refresh()
                self.assertIsNone((await self.call("GET", "/session/", token=token)).data["user"])

    async def test_a_token_of_yesterday_opens_nothing(self) -> None:
        token = await self.admin()
        self.sql("update sessions set expires = now() - interval '1 day'")
        self.assertIsNone((await self.call("GET", "/session/", token=token)).data["user"])

    async def test_wrong_passwords_and_unknown_names_are_answered_alike(self) -> None:
        wrong = await self.call("POST", "/token/", headers=basic("admin", "wrong-password"))
        unknown = await self.call("POST", "/token/", headers=basic("nobody ' or 1=1 --", "wrong-password"))
        self.assertEqual((wrong.status, wrong.body), (unknown.status, unknown.body))
        self.assertEqual(wrong.message, "Unauthorised request (Incorrect username or password)")

    async def test_blank_names_and_passwords_are_named(self) -> None:
        for given in ({}, {"username": "admin"}, {"username": "", "password": "x"}, {"password": "  "}):
            self.assertEqual((await self.call("POST", "/token/", form=given)).status, 400)

    async def test_an_account_that_is_not_for_the_api_is_told_so(self) -> None:
        self.sql("update users set allow_api = false")
        reply = await self.call("POST", "/token/", headers=basic("admin", ADMIN_PASSWORD))
        self.assertEqual(reply.message, "Unauthorised request (This account is not API enabled)")
        self.sql("update users set allow_api = true, status = 0")
        reply = await self.call("POST", "/token/", headers=basic("admin", ADMIN_PASSWORD))
        self.assertEqual(reply.message, "Unauthorised request (This account is disabled)")

    async def test_an_imported_password_is_good_once_and_kept_better_from_then_on(self) -> None:
        stored = "sha1$Qx7bT2mK$3426978937ce4820d3db752a70df6344a53a9f42"
        self.sql("update users set password = %s", stored)
        for _ in range(2):
            reply = await self.call("POST", "/token/", headers=basic("admin", "correct horse ä"))
            self.assertEqual(reply.status, 200)
        ((now,),) = self.sql("select password from users")
        self.assertTrue(now.startswith("$argon2id$"))

    async def test_only_the_digest_of_a_token_is_stored(self) -> None:
        token = await self.admin()
        rows = str(self.sql("select s::text from sessions s"))
        self.assertNotIn(token, rows)


class ThrottleTests(ApiCase):
    settings = MappingProxyType({"login_rate": 2})

    async def test_after_some_failures_even_the_right_password_must_wait(self) -> None:
        for _ in range(2):
            self.assertEqual((await self.call("POST", "/token/", headers=basic("admin", "wrong"))).status, 403)
        reply = await self.call("POST", "/token/", headers=basic("Admin", ADMIN_PASSWORD))
        self.assertEqual(reply.status, 429)
        self.assertGreater(int(reply.headers["retry-after"]), 0)
        self.sql("update login_failures set updated = now() - interval '1 minute'")
        self.assertEqual((await self.call("POST", "/token/", headers=basic("admin", ADMIN_PASSWORD))).status, 200)

    async def test_an_address_has_a_budget_of_its_own_and_a_success_takes_nothing_from_it(self) -> None:
        for _ in range(3):
            self.assertEqual((await self.call("POST", "/token/", headers=basic("admin", ADMIN_PASSWORD))).status, 200)
        for name in ("a", "b"):
            self.assertEqual((await self.call("POST", "/token/", headers=basic(name, "wrong"))).status, 403)
        self.assertEqual((await self.call("POST", "/token/", headers=basic("c", "wrong"))).status, 429)

    async def test_what_can_be_no_name_or_password_counts_as_well(self) -> None:
        for name, password in (("x" * 121, "wrong"), ("a\0b", "wrong")):
            self.assertEqual((await self.call("POST", "/token/", headers=basic(name, password))).status, 403)
        self.assertEqual((await self.call("POST", "/token/", headers=basic("y" * 121, "wrong"))).status, 429)
        self.assertEqual(self.sql("select count(*) from audit_log where action = 'login.failed'"), [(2,)])


class SessionTests(ApiCase):
    async def log_in(self, **form: str) -> dict[str, str]:
        given = {"username": "admin", "password": ADMIN_PASSWORD, **form}
        reply = await self.call("POST", "/login/", form=given)
        self.assertEqual(reply.status, 302, reply.body)
        return dict(reply.headers)

    async def test_a_log_in_gives_a_cookie_that_scripts_and_plain_connections_never_see(self) -> None:
        headers = await self.log_in(next="/list/?path=/a b")
        self.assertEqual(headers["location"], "/list/?path=/a%20b")
        self.assertRegex(headers["set-cookie"], r"^session=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax$")

    async def test_next_never_leads_to_another_site(self) -> None:
        for target in (
            "https://evil.example/",
            "//evil.example",
            "/\\evil.example",
            "javascript:1",
            "\t//x",
            "/a\r\nX: y",
        ):
            self.assertEqual((await self.log_in(next=target))["location"], "/list/", target)

    async def test_a_write_by_cookie_needs_the_token_of_this_very_session(self) -> None:
        cookie, csrf = await self.session_of(1)
        other = (await self.session_of(1))[1]
        for headers in ({}, {"X-CSRF-Token": "x"}, {"X-CSRF-Token": other}):
            reply = await self.call("DELETE", "/account/tokens/77/", cookie=cookie, headers=headers)
            self.assertEqual(reply.status, 400)
            self.assertIn("missing CSRF token", reply.message)
        reply = await self.call("DELETE", "/account/tokens/77/", cookie=cookie, headers={"X-CSRF-Token": csrf})
        self.assertEqual(reply.status, 404)

    async def test_a_logged_out_session_is_over_even_for_a_copy_of_its_cookie(self) -> None:
        cookie, csrf = await self.session_of(1)
        reply = await self.call("POST", "/logout/", cookie=cookie, form={"_csrf_token": csrf})
        self.assertEqual((reply.status, reply.headers["location"]), (302, "/login/"))
        self.assertIn("Max-Age=0", reply.headers["set-cookie"])
        self.assertIsNone((await self.call("GET", "/session/", cookie=cookie)).data["user"])

    async def test_an_address_alone_logs_nobody_out(self) -> None:
        cookie, _ = await self.session_of(1)
        reply = await self.call("GET", "/logout/", cookie=cookie)
        self.assertEqual(reply.status, 200)
        self.assertIn(b'action="/logout/"', reply.body)
        self.assertEqual((await self.call("POST", "/logout/", cookie=cookie, form={})).status, 400)
        self.assertEqual((await self.call("GET", "/session/", cookie=cookie)).data["user"]["id"], 1)
        self.assertEqual((await self.call("GET", "/logout/")).headers["location"], "/login/")

    async def test_a_foreign_page_logs_nobody_in_and_the_form_keeps_what_was_typed(self) -> None:
        form = {"username": "admin", "password": ADMIN_PASSWORD}
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        ):
            reply = await self.call("POST", "/login/", form=form, headers=headers)
            self.assertEqual(reply.status, 403)
            self.assertIn(b'value="admin"', reply.body)
            self.assertNotIn("set-cookie", reply.headers)
        own = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
        self.assertEqual((await self.call("POST", "/login/", form=form, headers=own)).status, 302)

    async def test_the_session_of_a_disabled_user_is_over(self) -> None:
        await self.person()
        ((user,),) = self.sql("select max(id) from users")
        cookie, _ = await self.session_of(user)
        self.assertIsNotNone((await self.call("GET", "/session/", cookie=cookie)).data["user"])
        self.sql("update users set status = 0 where id = %s", user)
        await self.refresh()
        self.assertIsNone((await self.call("GET", "/session/", cookie=cookie)).data["user"])

    async def test_a_session_that_nobody_used_for_long_is_over(self) -> None:
        cookie, _ = await self.session_of(1)
        self.sql("update sessions set last_used = now() - interval '9 hours'")
        self.assertIsNone((await self.call("GET", "/session/", cookie=cookie)).data["user"])

    async def test_a_wrong_password_shows_the_form_again(self) -> None:
        reply = await self.call("POST", "/login/", form={"username": '"><b>', "password": "wrong-password"})
        self.assertEqual(reply.status, 200)
        self.assertIn(b"Incorrect username or password", reply.body)
        self.assertNotIn(b"<b>", reply.body)

    async def test_name_and_password_are_both_needed(self) -> None:
        for form in ({"username": "admin"}, {"password": ADMIN_PASSWORD}, {"username": " ", "password": "x"}):
            reply = await self.call("POST", "/login/", form=form)
            self.assertEqual(reply.status, 200)
            self.assertIn(b"Enter your user name and your password", reply.body)
        self.assertEqual(self.sql("select count(*) from audit_log where action = 'login.failed'"), [(0,)])

    async def test_who_is_logged_in_already_goes_on(self) -> None:
        cookie, _ = await self.session_of(1)
        reply = await self.call("GET", "/login/", query={"next": "/about/?x=1"}, cookie=cookie)
        self.assertEqual((reply.status, reply.headers["location"]), (302, "/about/?x=1"))

    async def test_where_the_first_password_is_stands_there_until_somebody_came(self) -> None:
        self.sql("update users set password_state = 1 where id = 1")
        self.sql("delete from audit_log")
        hint = b"initial-admin-password"
        self.assertIn(hint, (await self.call("GET", "/login/")).body)
        await self.log_in()
        self.assertNotIn(hint, (await self.call("GET", "/login/")).body)

    async def test_one_sees_ones_sessions_and_ends_them_one_by_one(self) -> None:
        here, csrf = await self.session_of(1)
        there, _ = await self.session_of(1)
        await self.person()
        ((user,),) = self.sql("select max(id) from users")
        strange, _ = await self.session_of(user)
        listed = (await self.call("GET", "/account/sessions/", cookie=here)).data
        self.assertEqual([one["current"] for one in listed], [False, True])
        ((number,),) = self.sql("select max(id) from sessions where user_id = %s", user)
        headers = {"X-CSRF-Token": csrf}
        reply = await self.call("DELETE", f"/account/sessions/{number}/", cookie=here, headers=headers)
        self.assertEqual(reply.status, 404)
        reply = await self.call("DELETE", f"/account/sessions/{listed[0]['id']}/", cookie=here, headers=headers)
        self.assertEqual(reply.status, 200)
        for cookie, holds in ((here, True), (there, False), (strange, True)):
            known = (await self.call("GET", "/session/", cookie=cookie)).data["user"] is not None
            self.assertEqual(known, holds)


class NextSiteTests(ApiCase):
    settings = MappingProxyType({"login_next_origins": ("https://your.app",)})

    async def test_a_site_that_was_named_for_it_gets_people_back_who_log_in(self) -> None:
        there = "https://your.app/in?a=b"
        reply = await self.call("GET", "/login/", query={"next": there})
        self.assertIn(b'value="https://your.app/in?a=b"', reply.body)
        self.assertTrue(reply.headers["content-security-policy"].endswith("form-action 'self' https://your.app"))
        form = {"username": "admin", "password": ADMIN_PASSWORD, "next": there}
        self.assertEqual((await self.call("POST", "/login/", form=form)).headers["location"], there)
        token = await self.admin()
        for target, location in ((there, there), ("https://other.app/", "/list/")):
            reply = await self.call("GET", "/api/tokenlogin/", query={"token": token, "next": target})
            self.assertEqual(reply.headers["location"], location)


class TokenLoginTests(ApiCase):
    async def test_a_token_becomes_a_session(self) -> None:
        token = await self.admin()
        for address in ("/api/v1/tokenlogin/", "/api/tokenlogin"):
            reply = await self.call("GET", address, query={"token": token, "next": "/list/"})
            self.assertEqual((reply.status, reply.headers["location"]), (302, "/list/"))
            self.assertEqual(reply.headers["cache-control"], "no-store")
            cookie = reply.headers["set-cookie"].partition("=")[2].partition(";")[0]
            self.assertEqual((await self.call("GET", "/session/", cookie=cookie)).data["user"]["id"], 1)
        self.assertEqual((await self.call("GET", "/api/tokenlogin/", query={"token": token})).status, 200)

    async def test_what_is_no_token_leaves_the_session_alone(self) -> None:
        cookie, _ = await self.session_of(1)
        reply = await self.call("GET", "/api/tokenlogin/", cookie=cookie)
        self.assertEqual((reply.status, reply.headers["content-type"]), (400, "text/html; charset=utf-8"))
        reply = await self.call("GET", "/api/tokenlogin/", query={"token": "nonsense"}, cookie=cookie)
        self.assertEqual(reply.status, 403)
        self.assertEqual((await self.call("GET", "/session/", cookie=cookie)).data["user"]["id"], 1)

    async def test_a_ticket_opens_one_session(self) -> None:
        token = await self.admin()
        ticket = (await self.call("POST", "/ticket/", token=token)).data["ticket"]
        first = await self.call("POST", "/api/tokenlogin/", form={"ticket": ticket, "next": "/"})
        second = await self.call("POST", "/api/tokenlogin/", form={"ticket": ticket, "next": "/"})
        self.assertEqual((first.status, second.status), (302, 403))


class KeyTests(ApiCase):
    async def key(self, **form: object) -> str:
        cookie, csrf = await self.session_of(1)
        given = {"label": "uploader", "scopes": ["read"], **form}
        reply = await self.call("POST", "/account/tokens/", json=given, cookie=cookie, headers={"X-CSRF-Token": csrf})
        self.assertEqual(reply.status, 200, reply.message)
        return str(reply.data["token"])

    async def test_a_key_may_what_its_scopes_say_and_no_more(self) -> None:
        key = await self.key()
        reply = await self.call("GET", "/session/", token=key)
        self.assertEqual((reply.data["user"]["id"], reply.data["permissions"]), (1, []))
        key = await self.key(scopes=["admin"])
        self.assertIn("admin_all", (await self.call("GET", "/session/", token=key)).data["permissions"])

    async def test_keys_are_listed_without_their_secrets_and_can_be_ended(self) -> None:
        key = await self.key()
        listed = await self.call("GET", "/account/tokens/", token=key)
        self.assertEqual([one["label"] for one in listed.data], ["uploader"])
        self.assertNotIn(key, listed.body.decode())
        number = listed.data[0]["id"]
        self.assertEqual((await self.call("DELETE", f"/account/tokens/{number}/", token=key)).status, 200)
        self.assertIsNone((await self.call("GET", "/session/", token=key)).data["user"])

    async def test_a_key_for_a_folder_has_none_of_its_owners_powers(self) -> None:
        key = await self.key(scopes=["admin"], folder="/press")
        self.assertEqual((await self.call("GET", "/session/", token=key)).data["permissions"], [])
        new = {"username": "x", "first_name": "", "last_name": "", "email": "", "auth_type": 1, "allow_api": True}
        reply = await self.call("POST", "/admin/users/", json={**new, "password": "long enough"}, token=key)
        self.assertEqual(reply.status, 403)
        reply = await self.call("PATCH", "/admin/users/1/", json={"password": "long enough"}, token=key)
        self.assertEqual(reply.status, 403)

    async def test_a_key_for_less_than_everything_ends_no_other(self) -> None:
        other = await self.key(scopes=["admin"])
        (number,) = [one["id"] for one in (await self.call("GET", "/account/tokens/", token=other)).data]
        for given in ({"scopes": ["read", "upload"]}, {"scopes": ["admin"], "folder": "/press"}):
            reply = await self.call("DELETE", f"/account/tokens/{number}/", token=await self.key(**given))
            self.assertEqual(reply.status, 403)
        full = await self.key(scopes=["admin"])
        self.assertEqual((await self.call("DELETE", f"/account/tokens/{number}/", token=full)).status, 200)

    async def test_a_token_makes_no_keys(self) -> None:
        token = await self.admin()
        given = {"label": "x", "scopes": ["read"]}
        self.assertEqual((await self.call("POST", "/account/tokens/", json=given, token=token)).status, 403)

    async def test_bad_wishes_are_named(self) -> None:
        cookie, csrf = await self.session_of(1)
        for given in (
            {"label": "", "scopes": ["read"]},
            {"label": "x", "scopes": []},
            {"label": "x", "scopes": ["everything"]},
            {"label": "x", "scopes": ["read"], "expires": "2001-01-01"},
            {"label": "x", "scopes": ["read"], "expires": "2999-01-01"},
            {"label": "x", "scopes": "read"},
        ):
            reply = await self.call(
                "POST", "/account/tokens/", json=given, cookie=cookie, headers={"X-CSRF-Token": csrf}
            )
            self.assertEqual(reply.status, 400, given)
            self.assertIn("parameter", reply.json)


class PlainTests(ApiCase):
    settings = MappingProxyType({"internal_browsing_ssl": True})

    async def test_credentials_are_wanted_over_https_only(self) -> None:
        token = await self.admin()
        for reply in (
            await self.call("POST", "/token/", headers=basic("admin", ADMIN_PASSWORD)),
            await self.call("GET", "/session/", token=token),
            await self.call("GET", "/image", query={"src": "x.jpg"}, token=token),
        ):
            self.assertEqual(reply.status, 401)
        self.assertEqual((await self.call("GET", "/session/")).status, 200)
        self.assertEqual((await self.call("GET", "/image", query={"src": "x.jpg"})).status, 404)
