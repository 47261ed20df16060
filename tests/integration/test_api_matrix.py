"""Who may call what: each endpoint of the table × everybody who may call it."""

from __future__ import annotations

import io
import itertools
from collections.abc import Awaitable, Callable, Iterable, Sequence
from types import MappingProxyType
from typing import Any

import attrs
from twisted.internet.defer import Deferred, gatherResults

from qisd.access.levels import ALL_FLAGS, Flag, Level, implied
from qisd.access.visitor import Visitor
from qisd.web.api.endpoint import Endpoint
from tests.integration.api import Reply
from tests.integration.api_state import StateCase
from tests.integration.api_table import PRIVATE, TABLE, Caller, Folio, Row, expected, filled, pattern_of

FOLIOS = [
    Folio(public=0, internal=0),
    Folio(public=0, internal=10),
    Folio(public=0, internal=20),
    Folio(public=10, internal=0),
    Folio(public=20, internal=20),
    # Nobody can say so by the API, but imported ones may.
    Folio(public=0, internal=30),
    Folio(public=0, internal=50),
]

MADE_ANEW = ("gone", "inner", "yard_inner", "waste", "waste_folder", "number")
"""Names of what is only there when it is needed."""

_numbers = itertools.count(1)


class MatrixCase(StateCase):
    """A library, things of all kinds, and people.

    :ivar values: what the names in braces stand for.
    """

    timeout = 180
    settings = MappingProxyType({"tasks_enabled": False})

    async def setUp(self) -> None:
        await super().setUp()
        self.callers: list[Caller] = []
        self.values: dict[str, object] = dict.fromkeys(MADE_ANEW, 4711)
        await self._make_library()
        await self._make_people()
        await self._make_tasks()
        self.values |= self.folio(PRIVATE)

    # The world

    async def _make_library(self) -> None:
        for name, src in (("open_image", "open.png"), ("image", "box/a.png"), ("yard_image", "yard/b.png")):
            self.values[name] = await self.register(src)
        self.sql("update images set focus_x = 50000, focus_y = 50000 where id = %s", self.values["image"])
        await self.register("box/b.png")
        for folder in ("box", "yard"):
            ((self.values[folder],),) = self.sql("select id from folders where path = %s", f"/{folder}")
            for group in (1, 2):
                self.permit(f"/{folder}", group, 0)
        await self.refresh()
        self.values["old_file"] = await self.waste("box/old.png")
        self.values["old_folder"] = await self.waste_folder("box/old")
        self.paint("box/old.png")
        (self.root / "box/old").mkdir()

    @property
    def admin_visitor(self) -> Visitor:
        """User 1, as the domain knows visitors."""
        visitor = self.domain.permissions.user(1)
        assert visitor is not None
        return visitor

    async def register(self, src: str) -> int:
        """A picture with its record; the id."""
        self.paint(src)
        return (await self.domain.library.registrar.image(src)).id

    async def register_folder(self, path: str) -> int:
        """A folder with its record; the id."""
        (self.root / path).mkdir(exist_ok=True)
        return (await self.domain.library.registrar.folder(path)).id

    async def waste(self, src: str) -> int:
        """Something in the trash; its id there."""
        await self.domain.library.files.delete(self.admin_visitor, await self.register(src))
        return self._last_in_trash()

    async def waste_folder(self, path: str) -> int:
        """As :meth:`waste`."""
        await self.domain.library.folders.delete(self.admin_visitor, await self.register_folder(path))
        return self._last_in_trash()

    def _last_in_trash(self) -> int:
        ((number,),) = self.sql("select max(id) from trash")
        return int(number)

    async def _make_people(self) -> None:
        self.callers = [Caller(name="anonymous", token=None, values={"me": 4711})]
        await self._join("plain")
        for flag in Flag:
            await self._join(f"with {flag}", flag)
        await self._join("with users and permissions", Flag.ADMIN_USERS, Flag.ADMIN_PERMISSIONS)
        for level in Level:
            group = self.group(f"level {level}")
            self.permit("/box", group, level)
            self.permit("/yard", group, Level.DELETE_FOLDER)
            await self._join(f"level {level}", group=group, box=level, yard=Level.DELETE_FOLDER)
        self.callers.append(Caller(name="admin", token=await self.admin(), flags=ALL_FLAGS, values={"me": 1}))

    async def _join(self, name: str, *flags: Flag, group: int | None = None, **levels: int) -> None:
        token = await self.person(*flags, groups=[group] if group else [], name=name)
        ((number,),) = self.sql("select max(id) from users")
        self.callers.append(Caller(name=name, token=token, flags=implied(flags), levels=levels, values={"me": number}))

    @property
    def visitors_of_portfolios(self) -> list[Caller]:
        """Those whom portfolios tell from each other."""
        telling = {Flag.FOLIOS, Flag.ADMIN_FILES, Flag.ADMIN_FOLIOS, Flag.ADMIN_ALL}
        return [one for one in self.callers if one.name in ("anonymous", "plain", "admin") or one.flags & telling]

    async def _make_tasks(self) -> None:
        self.values["task"] = self.task()
        for caller in self.callers:
            caller.values["my_task"] = self.task(None if caller.token is None else caller.values["me"])
        for name, params in (("empty_trash", {}), ("purge_image_stats", {"before_time": "2020-01-01T00:00:00Z"})):
            await self.domain.background.queue.add(name, params, user_id=None)

    def task(self, owner: object = None, *, status: int = 2) -> int:
        """A task that is over, or has another status."""
        ((number,),) = self.sql(
            "insert into tasks (user_id, name, funcname, dedup_key, status, keep_until)"
            " values (%s, 'x', 'x', %s, %s, now() + interval '1 day') returning id",
            owner,
            f"test{next(_numbers)}",
            status,
        )
        return int(number)

    def folio(self, access: Folio) -> dict[str, object]:
        """A portfolio of user 1, with two images and an export that is being made."""
        human_id = f"folio{next(_numbers)}"
        ((number,),) = self.sql("insert into folios (human_id, owner_id) values (%s, 1) returning id", human_id)
        for group, level in ((1, access.public), (2, access.internal)):
            self.sql(
                "insert into foliopermissions (folio_id, group_id, access) values (%s, %s, %s)", number, group, level
            )
        for image in ("open_image", "image"):
            self.sql("insert into folioimages (folio_id, image_id) values (%s, %s)", number, self.values[image])
        ((export,),) = self.sql(
            "insert into folioexports (folio_id, task_id) values (%s, %s) returning id", number, self.task(status=1)
        )
        return {"folio": number, "human_id": human_id, "export": export}

    # Asking

    async def ask(
        self, row: Row, caller: Caller, values: dict[str, object] | None = None, *, slash: bool = True, **more: Any
    ) -> Reply:
        """Call ``row``'s endpoint.

        :param values: goes before what is known already.
        :param slash: whether the address keeps the slash at its end.
        """
        known = {**self.values, **caller.values, **(values or {})}
        path = filled(row.path, known)
        body: dict[str, Any] = {"form": filled(row.form, known)}
        if row.file is not None:
            picture = (self.root / "box" / row.file).read_bytes()
            if row.raw:
                body = {"body": picture}
            else:
                body["files"] = {"files": (row.file, io.BytesIO(picture))}
        given = {
            "method": row.method,
            "token": caller.token,
            "query": filled(row.query, known),
            **body,
            "headers": row.headers,
            "below": row.below,
            **more,
        }
        return await self.call(path=path if slash else path.rstrip("/"), **given)

    async def all_at_once(self, work: Callable[[Any], Awaitable[Any]], items: Iterable[Any]) -> list[Any]:
        done: list[Any] = await gatherResults([Deferred.fromCoroutine(work(one)) for one in items], consumeErrors=True)
        return done

    async def check(self, row: Row, callers: Sequence[Caller], *, access: Folio = PRIVATE, **values: object) -> None:
        """Each of ``callers`` gets what the table says."""
        replies = await self.all_at_once(lambda caller: self.ask(row, caller, values), callers)
        for caller, reply in zip(callers, replies, strict=True):
            self.check_reply(row, caller, reply, expected(row, caller, access))

    def check_reply(self, row: Row, caller: Caller, reply: Reply, status: int) -> None:
        told = f"{row.name} by {caller.name}: {reply.body[:300]!r}"
        self.assertEqual(reply.status, status, told)
        if row.below and row.method != "HEAD" and not (row.plain and status < 400):
            self.assertEqual(reply.json["status"], status, told)

    async def fresh(self, row: Row, caller: Caller, access: Folio) -> dict[str, object]:
        """Something to be done to."""
        number = next(_numbers)
        match row.fresh:
            case "token":
                if caller.token is not None:
                    caller.token = await self.token_of(int(str(caller.values["me"])))
                return {}
            case "file":
                return {"gone": await self.register(f"box/gone{number}.png")}
            case "folder":
                return {"inner": await self.register_folder(f"box/inner{number}"), "number": number}
            case "yard_folder":
                return {"yard_inner": await self.register_folder(f"yard/inner{number}"), "number": number}
            case "place":
                return {"number": number}
            case "waste":
                return {"waste": await self.waste(f"box/waste{number}.png")}
            case "waste_folder":
                return {"waste_folder": await self.waste_folder(f"box/waste{number}")}
            case "folio" | "folio_image":
                return self.folio(access)
        raise AssertionError(f"nobody knows how to make {row.fresh} anew")

    def endpoint(self, row: Row) -> Endpoint:
        """Whose request it is."""
        found = [
            declared
            for declared, _ in self.domain.api.endpoints
            if row.method in self.methods(declared) and pattern_of(declared.path).fullmatch(row.path)
        ]
        self.assertEqual(len(found), 1, row.name)
        return found[0]

    def methods(self, declared: Endpoint) -> list[str]:
        """The methods that an endpoint answers, but for HEAD."""
        reads = [one.path for one, _ in self.domain.api.endpoints if one.method == "GET"]
        patched = declared.method == "PUT" and declared.patch and declared.path in reads
        return [declared.method, *(["PATCH"] if patched else [])]


class TableTests(MatrixCase):
    async def test_every_endpoint_is_in_the_table(self) -> None:
        missing = {
            (method, declared.path) for declared, _ in self.domain.api.endpoints for method in self.methods(declared)
        }
        for row in TABLE:
            if row.below:
                missing.discard((row.method, self.endpoint(row).path))
        self.assertEqual(missing, set(), "endpoints without a row")

    async def test_everybody_may_what_the_table_says_and_nothing_else(self) -> None:
        before = self.state()
        for row in TABLE:
            if not row.fresh:
                await self.check(row, self.callers)
        await self.assert_same(before)

    async def test_strangers_may_in_a_folder_what_the_public_may(self) -> None:
        rows = [row for row in TABLE if row.levels and not row.login and row.folio is None]
        self.assertGreater(len(rows), 5)
        for level in Level:
            self.permit("/box", 1, level)
            await self.refresh()
            stranger = Caller(name=f"anonymous, {level}", token=None, levels={"box": level}, values={"me": 4711})
            for row in rows:
                await self.check(row, [stranger])

    async def test_with_a_portfolio_everybody_may_what_its_permissions_say(self) -> None:
        rows = [row for row in TABLE if row.folio is not None and not row.fresh]
        self.assertGreater(len(rows), 10)
        for access in FOLIOS:
            values = self.folio(access)
            for row in rows:
                await self.check(row, self.visitors_of_portfolios, access=access, **values)


class KeyTests(MatrixCase):
    """Keys of somebody who may do everything: they may do what they are for."""

    async def key(self, name: str, *scopes: str, folder: str = "/", **levels: int) -> Caller:
        ((owner, stamp),) = self.sql("select id, stamp from users where username = 'with admin_all'")
        secret, _ = await self.database.transaction(
            lambda db: self.domain.sessions.open(db, "key", user_id=owner, stamp=stamp, scopes=scopes, folder=folder)
        )
        return Caller(name=name, token=secret, levels=levels, values={"me": owner, "my_task": self.values["task"]})

    async def test_a_key_may_do_what_it_is_for_where_it_is_for(self) -> None:
        keys = [
            await self.key("reads", "read", box=Level.DOWNLOAD, yard=Level.DOWNLOAD),
            await self.key("uploads", "upload", box=Level.UPLOAD, yard=Level.UPLOAD),
            await self.key("reads in the yard", "read", folder="/yard", yard=Level.DOWNLOAD),
            await self.key("all in the box", "admin", folder="/box", box=Level.DELETE_FOLDER),
        ]
        before = self.state()
        for row in TABLE:
            if (row.levels or row.flags) and not row.fresh:
                await self.check(row, keys)
        await self.assert_same(before)
        for row in TABLE:
            if row.levels and row.fresh:
                values = await self.fresh(row, keys[0], PRIVATE)
                before = self.state()
                await self.check(row, [key for key in keys if expected(row, key) == 403], **values)
                await self.assert_same(before)


class AddressTests(MatrixCase):
    async def test_every_address_holds_with_and_without_version_and_slash(self) -> None:
        admin = self.callers[-1]
        for row in TABLE:
            if row.below and not row.fresh:
                for below, slash in (("/api/v1", False), ("/api", True), ("/api", False)):
                    reply = await self.ask(row, admin, below=below, slash=slash)
                    self.check_reply(row, admin, reply, row.status)

    async def test_head_is_answered_as_get_is_without_a_body(self) -> None:
        for caller in (self.callers[0], self.callers[-1]):
            for row in TABLE:
                if row.method == "GET":
                    reply = await self.ask(row, caller, method="HEAD")
                    self.assertEqual((reply.status, reply.body), (expected(row, caller), b""), row.name)

    async def test_options_names_the_methods_and_asks_nobody_who_they_are(self) -> None:
        nobody = Caller(name="nobody", token="nonsense", values={"me": 1, "my_task": 1})
        for row in TABLE:
            if row.below and not row.plain:
                reply = await self.ask(row, nobody, method="OPTIONS")
                allowed = set(reply.headers["allow"].replace(" ", "").split(","))
                self.assertEqual((reply.status, reply.body, allowed), (200, b"", self.allowed(row)), row.name)

    async def test_other_methods_are_told_the_right_ones(self) -> None:
        admin = self.callers[-1]
        for row in TABLE:
            if row.below:
                for method in {"PUT", "POST", "DELETE", "PATCH", "GET"} - self.allowed(row):
                    reply = await self.ask(attrs.evolve(row, file=None), admin, method=method)
                    self.check_reply(row, admin, reply, 405)
                    self.assertEqual(set(reply.headers["allow"].replace(" ", "").split(",")), self.allowed(row))

    def allowed(self, row: Row) -> set[str]:
        """The methods at the address of ``row``."""
        found = {"OPTIONS"}
        for declared, _ in self.domain.api.endpoints:
            if pattern_of(declared.path).fullmatch(row.path):
                found |= {*self.methods(declared), *(["HEAD"] if declared.method == "GET" else [])}
        return found


class CookieTests(MatrixCase):
    async def test_no_write_by_cookie_goes_without_the_token_of_the_session(self) -> None:
        cookie, _ = await self.session_of(1)
        admin = self.callers[-1]
        before = self.state()
        for row in TABLE:
            if row.method not in ("GET", "HEAD", "OPTIONS") and row.path != "/token/":
                reply = await self.ask(row, admin, token=None, cookie=cookie)
                self.check_reply(row, admin, reply, 400)
                self.assertIn("missing CSRF token", reply.message)
                self.assertTrue(reply.message.startswith("Bad Request"), reply.message)
        await self.assert_same(before)

    async def test_with_it_all_is_as_with_a_token_of_the_api(self) -> None:
        cookie, csrf = await self.session_of(1)
        admin = self.callers[-1]
        for row in TABLE:
            if not row.fresh and row.path != "/ticket/":  # that is for tokens only
                reply = await self.ask(
                    row, admin, token=None, cookie=cookie, headers={**row.headers, "X-CSRF-Token": csrf}
                )
                self.check_reply(row, admin, reply, row.status)


class PlainHttpTests(MatrixCase):
    settings = MappingProxyType({"tasks_enabled": False, "internal_browsing_ssl": True})

    PUBLIC_PAGES = ("/image", "/original", "/portfolios/{human_id}/", "/portfolios/{human_id}/downloads/none.zip")

    async def test_only_what_is_public_comes_without_https_and_no_token_does(self) -> None:
        stranger, plain, admin = self.callers[0], self.callers[1], self.callers[-1]
        for row in TABLE:
            if row.fresh or row.method == "OPTIONS":
                continue
            public = not self.endpoint(row).internal if row.below else row.path in self.PUBLIC_PAGES
            for caller in (stranger, plain, admin):
                reply = await self.ask(row, caller)
                right = expected(row, caller) if public and caller is stranger else 401
                if row.path.startswith("/reports/") and caller is stranger:
                    right = 302  # browsers are sent to the address with HTTPS
                self.check_reply(row, caller, reply, right)
                if right == 401 and row.below and row.method != "HEAD":
                    self.assertIn("HTTPS must be used to access this function", reply.message)


class ChangeTests(MatrixCase):
    """Of requests that change something: first come all who may not, then what they were after must still be there."""

    settings = MappingProxyType({})

    async def test_everybody_may_what_the_table_says_and_nothing_else(self) -> None:
        rows = [row for row in TABLE if row.fresh and row.folio is None]
        self.assertGreater(len(rows), 5)
        for row in rows:
            await self._check(row, PRIVATE)

    async def test_with_a_portfolio_everybody_may_what_its_permissions_say(self) -> None:
        rows = [row for row in TABLE if row.fresh and row.folio is not None]
        self.assertGreater(len(rows), 1)
        for row in rows:
            for access in FOLIOS:
                await self._check(row, access)

    async def _check(self, row: Row, access: Folio) -> None:
        callers = self.callers if row.folio is None else self.visitors_of_portfolios
        refused = [caller for caller in callers if expected(row, caller, access) != row.status]
        values = await self.fresh(row, refused[0], access)
        await self.check(row, refused, access=access, **values)
        for caller in callers:
            if caller not in refused:
                reply = await self.ask(row, caller, values)
                self.check_reply(row, caller, reply, row.status)
                values = await self.fresh(row, caller, access)
