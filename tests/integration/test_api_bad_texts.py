"""Odd texts and injections in every text that the API takes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from qisd.access.levels import Flag
from tests.integration.bad_input import BadCase

STRANGE = (
    "two\nlines", "carriage\rreturn", "tab\there", "\u202eright to left", "\u200bzero width", "x" * 300, "é" * 150,
    "🐧" * 60, "trailing dots...", "...", " ", "", "%s%n%x", "%(name)s", "{0}{name}", "${jndi:ldap://x}", "null",
    "<script>alert(1)</script>", '"><img src=x onload=1>', "-1", "0", "\ufeffbom", "ﬀ", "e\u0301", "Ω\u2126", "\ud83d",
    "a\0b", "\x7f", "\x85", "../../etc/passwd", "CON", "a/b\\c",
)  # fmt: skip
INJECTIONS = (
    "'; drop table users; --", "' or '1'='1", '" or ""="', "1; select pg_sleep(10)", "admin'--", "\\", "\\'", "%", "_",
    "%%", "$$;select 1;$$", "*", "*)(uid=*))(|(uid=*", "admin)(&)", "(|(cn=*))", "\\2a\\28", "cn=admin,dc=x",
    "@@version", "x' union select password from users --", "::text", "E'\\x27'",
)  # fmt: skip


class TextCase(BadCase):
    async def keeps(self, path: str, form: Mapping[str, Any], field: str, text: str, *, trimmed: bool = False) -> None:
        """A new thing at ``path`` with this text in it keeps the text, or the text is refused by its name."""
        document = {**form, field: text}
        reply = await self.ask("POST", path, json=document)
        if reply.status == 400:
            # What is no text anywhere is refused before the parameters are looked at.
            self.assertEqual(reply.json.get("parameter"), None if text in ("\ud83d", "a\0b") else field)
            return
        if reply.status == 409:  # what looks alike is there already
            return
        self.assertEqual(reply.status, 200, reply.body)
        self.assertEqual(reply.data[field], text.strip() if trimmed else text)
        again = await self.ask("GET", f"{path}{reply.data['id']}/")
        self.assertEqual((again.status, again.data[field]), (200, reply.data[field]))


class TextTests(TextCase):
    USER = MappingProxyType(
        {
            "first_name": "", "last_name": "", "email": "", "username": "x", "password": "long-enough", "auth_type": 1,
            "allow_api": False,
        }
    )  # fmt: skip
    GROUP = MappingProxyType(
        {"name": "x", "description": "", "group_type": 2, **{f"access_{flag}": False for flag in Flag}}
    )
    TEMPLATE = MappingProxyType({"name": "x", "description": "", "template": {}})
    FOLIO = MappingProxyType({"name": "x", "description": "", "internal_access": 0, "public_access": 0})

    async def check(self, path: str, form: Mapping[str, Any], name: str, *fields: str) -> None:
        for number, text in enumerate((*STRANGE, *INJECTIONS)):
            if text.strip() or name != "human_id":  # without one, it is made
                await self.keeps(path, form, name, text, trimmed=True)
            for field in fields:
                await self.keeps(path, {**form, name: f"{number} {field}"}, field, text)
        self.assertEqual((await self.ask("GET", path)).status, 200)

    async def test_texts_of_users_are_kept_as_they_are_or_refused(self) -> None:
        await self.check("/admin/users/", self.USER, "username", "first_name", "email")
        self.assertEqual(self.sql("select username, status from users where id = 1"), [("admin", 1)])

    async def test_texts_of_groups_are_kept_as_they_are_or_refused(self) -> None:
        await self.check("/admin/groups/", self.GROUP, "name", "description")

    async def test_texts_of_templates_are_kept_as_they_are_or_refused(self) -> None:
        await self.check("/admin/templates/", self.TEMPLATE, "name", "description")

    async def test_texts_of_portfolios_are_kept_as_they_are_or_refused(self) -> None:
        await self.check("/portfolios/", self.FOLIO, "human_id", "name", "description")

    async def test_titles_are_kept_as_they_are_or_refused(self) -> None:
        self.paint("a.png")
        number = (await self.ask("GET", "/details/?src=a.png")).data["id"]
        for text in (*STRANGE, *INJECTIONS):
            path = f"/admin/images/{number}/"
            reply = await self.ask("PUT", path, json={"title": text, "description": text})
            if reply.status == 200:
                self.assertEqual((reply.data["title"], reply.data["description"]), (text.strip(), text.strip()))
                self.assertEqual((await self.ask("GET", path)).data, reply.data)
            else:
                self.assertEqual(reply.status, 400)
                self.assertIn(text, ("\ud83d", "a\0b", "x" * 300))

    async def test_what_is_searched_for_is_text_and_nothing_else(self) -> None:
        for name in ("100%", "under_score", "back\\slash", "it's"):
            await self.ask("POST", "/admin/groups/", json={**self.GROUP, "name": name})
        for text, found in (("%", 1), ("_", 1), ("\\", 1), ("'", 1), ("100%", 1), ("%_", 0), ("*", 0)):
            reply = await self.ask("GET", "/admin/groups/", query={"q": text})
            self.assertEqual(len(reply.data), found, text)
        for text in (*STRANGE, *INJECTIONS):
            if text == "\ud83d":
                continue
            for address in (
                "/admin/users/?q=", "/admin/users/?sort=", "/admin/groups/?q=", "/admin/templates/?cursor=",
                "/portfolios/?human_id=", "/search/images/?q=", "/search/images/?format=", "/search/images/?sort=",
                "/admin/audit/?action=", "/admin/audit/?actor_name=", "/admin/audit/?object_id=",
                "/admin/tasks/?funcname=", "/admin/audit/?from_time=",
            ):  # fmt: skip
                reply = await self.ask("GET", address + quote(text))
                self.assertIn(reply.status, (200, 400, 404), f"{address} {text!r}")

    async def test_names_in_addresses_are_names_and_nothing_else(self) -> None:
        for text in (*STRANGE, *INJECTIONS, "..", "a/../../x.png", "open.png\0.jpg", "line\nbreak"):
            if text in ("", "\ud83d"):
                continue
            part = quote(text, safe="")
            for method, path in (
                ("GET", f"/admin/properties/{part}/"),
                ("PUT", f"/admin/properties/{part}/"),
                ("POST", f"/admin/tasks/{part}/"),
                ("GET", f"/admin/users/{part}/"),
            ):
                reply = await self.ask(method, path, **({"form": {"value": "x"}} if method != "GET" else {}))
                self.assertIn(reply.status, (400, 404, 405, 308), f"{method} {path} {reply.body!r}")

    async def test_a_log_in_is_a_name_and_a_password_and_nothing_else(self) -> None:
        for text in INJECTIONS:
            self.sql("delete from login_failures")
            for form in ({"username": text, "password": text}, {"username": "admin", "password": text}):
                reply = await self.ask("POST", "/token/", token=None, form=form)
                self.assertEqual(reply.status, 403, text)
                self.assertIn("Incorrect username or password", reply.message)
