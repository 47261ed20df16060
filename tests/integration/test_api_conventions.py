"""What holds for the whole API: parameters, envelopes, errors, headers, who is calling."""

from __future__ import annotations

import base64
import io
import json
from types import MappingProxyType
from typing import Any

from tests.integration.api import ApiCase, Reply

FORM = {"first_name": "", "last_name": "", "email": "", "username": "maria", "password": "long-enough", "auth_type": 1}
GROUP = {"name": "Web team", "description": "", "group_type": 2}


def basic(name: str, password: str = "") -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


class ParameterTests(ApiCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.boss = await self.admin()

    async def make(self, **sent: Any) -> Reply:
        """A group."""
        return await self.call("POST", "/admin/groups/", token=self.boss, **sent)

    async def test_the_first_of_a_name_counts_and_names_that_nobody_knows_do_not(self) -> None:
        pairs = [("name", "one"), ("name", "two"), ("Name", "three"), *GROUP.items(), ("nonsense", "x"), ("", "y")]
        self.assertEqual((await self.make(form=pairs)).data["name"], "one")
        reply = await self.call("GET", "/admin/users/?status=1&status=x&nonsense=1&STATUS=x&=", token=self.boss)
        self.assertEqual(reply.status, 200)

    async def test_the_query_of_a_write_is_ignored(self) -> None:
        reply = await self.make(query={"name": "query", "access_reports": 1}, form=GROUP)
        self.assertEqual((reply.data["name"], reply.data["permissions"]["reports"]), ("Web team", False))
        self.assertEqual((await self.make(query=GROUP)).status, 400)

    async def test_nothing_overrides_the_method(self) -> None:
        made = (await self.make(form=GROUP)).data["id"]
        headers = {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE", "X-HTTP-Method": "DELETE"}
        for path in (f"/admin/groups/{made}/", f"/admin/groups/{made}/?_method=DELETE"):
            reply = await self.call("PUT", path, token=self.boss, form={**GROUP, "_method": "DELETE"}, headers=headers)
            self.assertEqual(reply.status, 200)
        self.assertEqual((await self.call("GET", f"/admin/groups/{made}/", token=self.boss)).status, 200)

    async def test_a_yes_has_five_words_and_everything_else_is_a_no(self) -> None:
        words = dict.fromkeys(("1", "t", "y", "true", "yes", "YES", "True", " t "), True)
        words |= dict.fromkeys(("", "0", "on", "2", "no", "yess", "-1", "null"), False)
        for number, (word, meant) in enumerate(words.items()):
            reply = await self.make(form={**GROUP, "name": f"g{number}", "access_reports": word})
            self.assertEqual((reply.status, reply.data["permissions"]["reports"]), (200, meant), word)

    async def test_whole_numbers_are_decimal_and_blank_ones_are_nothing(self) -> None:
        for text, status in (
            (" 2 ", 200), ("+3", 200), ("002", 200), ("", 400), ("-2", 400), ("2.0", 400), ("0x2", 400), ("1_0", 400),
            ("٢", 400), ("２", 400), ("2 3", 400), ("two", 400), ("9" * 400, 400), (str(2**63), 400),
        ):  # fmt: skip
            reply = await self.make(form={**GROUP, "name": f"g{text}"[:100], "group_type": text})
            self.assertEqual(reply.status, status, text)
            if status == 400:
                self.assertEqual(reply.json["parameter"], "group_type")

    async def test_every_fault_is_told_and_the_first_is_the_message(self) -> None:
        reply = await self.make(form={"group_type": 9, "description": "x" * 5121})
        told = [(one["parameter"], one["reason"]) for one in reply.json["errors"]]
        self.assertEqual([name for name, _ in told], ["name", "description", "group_type"])
        self.assertEqual(reply.message, "Invalid parameter (Missing parameter: name)")

    async def test_json_is_as_good_as_a_form_and_of_another_type_nothing_is(self) -> None:
        flags = {f"access_{flag}": flag == "reports" for flag in self.flags()}
        reply = await self.make(json={**GROUP, **flags})
        self.assertEqual((reply.status, reply.data["permissions"]["reports"]), (200, True))
        reply = await self.make(json=GROUP)
        self.assertEqual((reply.status, reply.json["parameter"]), (400, "access_folios"))
        text = json.dumps({**GROUP, **flags, "name": "b"}).encode()
        for content_type, status in (
            ("application/json; charset=utf-8", 200),
            ("application/vnd.api+json", 400),
            ("text/json", 400),
            ("text/plain", 400),
            ("application/xml", 400),
            ("application/octet-stream", 400),
        ):
            reply = await self.make(body=text, headers={"Content-Type": content_type})
            self.assertEqual(reply.status, status, content_type)

    def flags(self) -> list[str]:
        return [
            "folios", "reports", "admin_users", "admin_files", "admin_folios", "admin_permissions", "admin_all",
        ]  # fmt: skip

    async def test_structures_are_objects_in_json_and_text_in_forms(self) -> None:
        template = {"width": {"value": 7}}
        for number, (kind, value, status) in enumerate(
            (("json", template, 200), ("form", json.dumps(template), 200), ("json", json.dumps(template), 400))
        ):
            given = {"name": f"t{number}", "description": "", "template": value}
            reply = await self.call("POST", "/admin/templates/", token=self.boss, **{kind: given})
            self.assertEqual(reply.status, status, reply.body)


class ReasonTests(ApiCase):
    async def test_where_old_clients_know_it_so_a_reason_stands_alone(self) -> None:
        boss, alone = await self.admin(), "Invalid parameter (Value is too short (min 5))"
        reply = await self.call(
            "POST", "/upload/", token=boss, form={"path": "/"}, files={"files": ("a.b", io.BytesIO(b"x"))}
        )
        self.assertEqual((reply.message, reply.data["a.b"]["error"]["message"]), (alone, alone))
        reply = await self.call("GET", "/list/", query={"path": ""})
        self.assertEqual(reply.message, "Invalid parameter (Value is too short (min 1))")
        reply = await self.call("POST", "/admin/filesystem/folders/", token=boss, form={"path": "***"})
        self.assertEqual(reply.message, "Invalid parameter (Invalid value: path: no valid name is left of '***')")


class AddressTests(ApiCase):
    async def test_an_id_has_one_spelling(self) -> None:
        boss = await self.admin()
        for text in ("%EF%BC%91", "%D9%A1", "+1", "-1", "1.0", "0x1", "1_0"):
            reply = await self.call("GET", f"/admin/users/{text}/", token=boss)
            self.assertEqual((reply.status, reply.message), (404, "Not Found"), text)


class EnvelopeTests(ApiCase):
    async def test_every_error_has_its_words(self) -> None:
        boss, plain = await self.admin(), await self.person()
        await self.call("POST", "/admin/groups/", token=boss, form=GROUP)
        for (method, path), given, status, message in (
            (("GET", "/admin/users/"), {"token": boss, "query": {"sort": "x"}}, 400, "Invalid parameter (Invalid "),
            (("POST", "/admin/users/"), {"token": boss}, 400, "Invalid parameter (Missing parameter: username)"),
            (("GET", "/list/"), {"query": {"path": "/", "limit": 0}}, 400, "Invalid parameter (0 is out of range"),
            (("GET", "/admin/users/"), {}, 401, "Not authenticated (You must be logged in to access this function)"),
            (("GET", "/admin/users/"), {"token": plain}, 403, "Unauthorised request (User administration "),
            (("GET", "/admin/users/4711/"), {"token": boss}, 404, "The requested item was not found (4711)"),
            (("GET", "/nonsense/"), {}, 404, "Not Found"),
            (("GET", "/admin/users/-1/"), {"token": boss}, 404, "Not Found"),
            (("GET", "/admin/users/abc/"), {"token": boss}, 404, "Not Found"),
            (("PUT", "/list/"), {}, 405, "Method Not Allowed"),
            (("POST", "/admin/groups/"), {"token": boss, "form": GROUP}, 409, "The specified item already exists ("),
            (("GET", "/details/"), {"query": {"src": "/"}}, 404, "The requested item was not found ("),
        ):  # fmt: skip
            reply = await self.call(method, path, **given)
            self.assertEqual((reply.status, reply.json["status"]), (status, status), reply.body)
            self.assertTrue(reply.message.startswith(message), reply.message)
            self.assertIsNone(reply.data)
            self.assertLessEqual({"status", "message", "data", "type", "title", "detail"}, set(reply.json))

    async def test_nothing_else_is_at_other_addresses(self) -> None:
        for address in (
            "/api/",
            "/api",
            "/api/v1/",
            "/api/v2/list/",
            "/api/v1/v1/list/",
            "/api/v1//list/",
            "/api/V1/list/",
        ):
            reply = await self.call("GET", address)
            self.assertEqual((reply.status, reply.message, reply.data), (404, "Not Found", None), address)

    async def test_answers_are_json_of_three_keys(self) -> None:
        self.paint("ünïcode 🐧.png")
        for path in ("/list/?path=/", "/version/", "/session/"):
            reply = await self.call("GET", path)
            self.assertEqual((reply.status, set(reply.json)), (200, {"status", "message", "data"}))
            self.assertEqual(reply.headers["content-type"], "application/json")
            self.assertEqual(reply.headers["x-content-type-options"], "nosniff")
            self.assertTrue(reply.headers["x-time-taken"].isdecimal())
            self.assertTrue(reply.body.endswith(b"\n"))
            self.assertEqual(list(reply.json), sorted(reply.json))

    async def test_problem_details_come_alone_to_those_who_ask_for_them(self) -> None:
        reply = await self.call("GET", "/list/", headers={"Accept": "application/problem+json"})
        self.assertEqual((reply.status, reply.headers["content-type"]), (400, "application/problem+json"))
        self.assertEqual(
            reply.json,
            {
                "type": "urn:qisd:error:missing_parameter",
                "title": "Bad Request",
                "status": 400,
                "detail": "path: must be given",
                "parameter": "path",
                "errors": [{"parameter": "path", "reason": "must be given"}],
            },
        )
        reply = await self.call("GET", "/version/", headers={"Accept": "application/problem+json"})
        self.assertEqual((reply.headers["content-type"], reply.message), ("application/json", "OK"))

    async def test_old_browsers_get_texts_for_what_they_post(self) -> None:
        boss = await self.admin()
        for path, form, status in (
            ("/admin/groups/", {**GROUP, "api_json_as_text": "true"}, 200),
            ("/admin/groups/", {**GROUP, "api_json_as_text": "true"}, 409),
            ("/admin/groups/", {"api_json_as_text": "true"}, 400),
            ("/admin/groups/4711/members/", {"user_id": 1, "api_json_as_text": "true"}, 404),
        ):
            reply = await self.call("POST", path, token=boss, form=form)
            self.assertEqual((reply.status, reply.json["status"]), (200, status))
            self.assertTrue(reply.headers["content-type"].startswith("text/plain"))
        reply = await self.call("POST", "/admin/groups/", form=form)
        self.assertEqual((reply.status, reply.json["status"]), (200, 401))
        for path, form in (
            ("/admin/groups/", {"api_json_as_text": "True"}),
            ("/admin/groups/", {"api_json_as_text": "1"}),
            ("/admin/groups/?api_json_as_text=true", {}),
            ("/admin/groups/?jsonp=x", {"api_json_as_text": "true"}),
        ):
            reply = await self.call("POST", path, token=boss, form=form)
            self.assertEqual((reply.status, reply.headers["content-type"]), (400, "application/json"))
        reply = await self.call("POST", "/admin/groups/?jsonp=", token=boss, form={"api_json_as_text": "true"})
        self.assertEqual((reply.status, reply.json["status"]), (200, 400))


class HeaderTests(ApiCase):
    async def test_what_depends_on_the_caller_is_kept_by_nobody(self) -> None:
        boss = await self.admin()
        for given in (
            {"path": "/list/", "query": {"path": "/"}},
            {"path": "/session/"},
            {"path": "/admin/users/1/"},
            {"path": "/nonsense/"},
            {"path": "/admin/users/4711/"},
        ):
            reply = await self.call("GET", token=boss, **given)
            self.assertEqual(reply.headers["cache-control"], "no-store", given)
        for given, kept in (
            ({"path": "/list/", "query": {"path": "/"}}, "no-cache"),
            ({"path": "/admin/users/"}, "no-store"),
        ):
            self.assertEqual((await self.call("GET", **given)).headers["cache-control"], kept)
        reply = await self.call("GET", "/list/?path=/")
        self.assertEqual(reply.headers["vary"], "Authorization, Cookie")
        form = {"username": "admin", "password": "wrong-password"}
        self.assertEqual((await self.call("POST", "/token/", form=form)).headers["cache-control"], "no-store")

    async def test_pages_of_others_may_read_it(self) -> None:
        for path, status in (("/list/?path=/", 200), ("/list/", 400), ("/nonsense/", 404), ("/admin/users/", 401)):
            reply = await self.call("GET", path, headers={"Origin": "https://cms.example"})
            self.assertEqual((reply.status, reply.headers["access-control-allow-origin"]), (status, "*"))
            exposed = reply.headers["access-control-expose-headers"]
            for name in ("ETag", "Link", "X-Total-Count", "Retry-After"):
                self.assertIn(name, exposed)
            self.assertNotIn("access-control-allow-credentials", reply.headers)
        asked = {
            "Origin": "https://cms.example",
            "Access-Control-Request-Method": "DELETE",
            "Authorization": "Basic ???",
        }
        reply = await self.call("OPTIONS", "/admin/users/1/", headers=asked)
        self.assertEqual((reply.status, reply.body), (200, b""))
        for name in ("DELETE", "PUT", "GET"):
            self.assertIn(name, reply.headers["access-control-allow-methods"])
        for name in ("Authorization", "Content-Type", "If-Match", "X-Csrf-Token"):
            self.assertIn(name.lower(), reply.headers["access-control-allow-headers"].lower())
        self.assertEqual(reply.headers["access-control-max-age"], "600")


class CallerTests(ApiCase):
    async def who(self, **given: Any) -> int | None:
        """The id of the caller."""
        reply = await self.call("GET", "/session/", **given)
        self.assertEqual(reply.status, 200, reply.body)
        return None if reply.data["user"] is None else int(reply.data["user"]["id"])

    async def test_a_token_goes_before_a_cookie_and_a_bad_one_does_not(self) -> None:
        token = await self.person(name="maria")
        ((maria,),) = self.sql("select id from users where username = 'maria'")
        cookie, _ = await self.session_of(1)
        self.assertEqual(await self.who(token=token, cookie=cookie), maria)
        self.assertEqual(await self.who(headers={"Authorization": f"Bearer {token}"}, cookie=cookie), maria)
        self.assertEqual(await self.who(headers={"Authorization": basic(token, "whatever: ä")}), maria)
        for header in (
            basic("nonsense"),
            basic(""),
            basic("ä"),
            "Basic",
            "Basic !",
            "Bearer",
            "Digest x",
            "",
            basic("x" * 9000),
        ):
            self.assertEqual(await self.who(headers={"Authorization": header}, cookie=cookie), 1, header)
            self.assertIsNone(await self.who(headers={"Authorization": header}), header)
        for bad in ("", "x", token, "é".encode("latin-1").decode("latin-1"), f"{cookie}x"):
            self.assertIsNone(await self.who(cookie=bad))

    async def test_only_who_tried_basic_is_asked_for_basic(self) -> None:
        for header, asked in ((None, False), ("Bearer x", False), (basic("x"), True)):
            headers = {"Authorization": header} if header else {}
            reply = await self.call("GET", "/admin/users/", headers=headers)
            self.assertEqual((reply.status, "www-authenticate" in reply.headers), (401, asked), header)

    async def test_a_token_buys_no_token(self) -> None:
        token = await self.admin()
        self.assertEqual((await self.call("POST", "/token/", headers={"Authorization": basic(token, "x")})).status, 403)
        self.assertEqual((await self.call("POST", "/token/", token=token)).status, 400)

    async def test_cookies_of_others_do_not_matter(self) -> None:
        cookie, _ = await self.session_of(1)
        for header in (f"a=b; session={cookie}; c=d", f"x; =; session={cookie}"):
            self.assertEqual(await self.who(headers={"Cookie": header}), 1, header)


class PortTests(ApiCase):
    settings = MappingProxyType({"internal_browsing_port": 8443})

    async def test_what_is_not_public_has_a_port_of_its_own(self) -> None:
        boss = await self.admin()
        for path, given in (
            ("/admin/users/", {"token": boss}),
            ("/admin/users/", {}),
            ("/portfolios/", {}),
            ("/upload/", {"method": "POST", "form": {}}),
            ("/token/", {"method": "POST", "form": {}}),
        ):
            reply = await self.call(path=path, **{"method": "GET", **given})
            self.assertEqual(reply.status, 401)
            self.assertIn(f"This URL is not available on port {self.port}", reply.message)
        reply = await self.call("GET", "/admin/users/", token=boss, headers={"Host": "images.example.com:8443"})
        self.assertEqual(reply.status, 200)
        self.assertEqual((await self.call("GET", "/list/?path=/")).status, 200)
