"""Webhooks: registered, told, and told again."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
from types import MappingProxyType
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from qisd.access.levels import Flag
from qisd.accounts.webhook_sending import Unreachable
from qisd.store import tasks
from qisd.tasks.registry import TaskRun
from tests.integration.api import ApiCase, Reply
from tests.integration.library_case import picture

SECRET = "a secret of twenty letters"
ALL = ["image.created", "image.replaced", "image.moved", "image.deleted", "portfolio.exported", "task.failed"]


class WebhookCase(ApiCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.token = await self.admin()

    async def ask(self, method: str, path: str = "", **given: Any) -> Reply:
        return await self.call(method, f"/admin/webhooks/{path}", token=given.pop("token", self.token), **given)

    async def register(self, url: str = "https://hook.example/x", events: list[str] = ALL, **more: Any) -> int:
        reply = await self.ask("POST", json={"url": url, "events": events, "secret": SECRET, **more})
        self.assertEqual(reply.status, 200, reply.body)
        return int(reply.data["id"])

    async def put(self, path: str, data: bytes | None = None) -> int:
        reply = await self.call("PUT", f"/admin/filesystem/files/{path}", token=self.token, body=data or picture())
        self.assertEqual(reply.status, 200, reply.body)
        return int(reply.data["id"])


class RegisteringTests(WebhookCase):
    settings = MappingProxyType({"tasks_enabled": False})

    async def test_one_is_made_changed_and_removed_and_its_secret_is_never_shown(self) -> None:
        number = await self.register(events=["task.failed", "image.created"])
        expected = {
            "id": number,
            "url": "https://hook.example/x",
            "events": ["image.created", "task.failed"],
            "active": True,
        }
        shown = await self.ask("GET", f"{number}/")
        self.assertEqual({key: shown.data[key] for key in expected}, expected)
        changed = await self.ask(
            "PUT",
            f"{number}/",
            json={"url": "http://hook.example/y", "events": ["image.moved"], "active": False},
            headers={"If-Match": shown.headers["etag"]},
        )
        self.assertEqual(
            (changed.status, changed.data["url"], changed.data["active"]), (200, "http://hook.example/y", False)
        )
        late = await self.ask("PATCH", f"{number}/", json={"active": True}, headers={"If-Match": shown.headers["etag"]})
        self.assertEqual(late.status, 412)
        patched = await self.ask("PATCH", f"{number}/", json={"active": True, "secret": "another long secret"})
        self.assertEqual((patched.data["active"], patched.data["events"]), (True, ["image.moved"]))
        listed = await self.ask("GET")
        self.assertEqual([one["id"] for one in listed.data], [number])
        self.assertEqual((await self.ask("DELETE", f"{number}/")).status, 200)
        self.assertEqual((await self.ask("GET", f"{number}/")).status, 404)
        for reply in (shown, changed, patched, listed):
            self.assertNotIn(b"secret", reply.body)
        log = self.sql(
            "select action, coalesce(before, '{}')::text || coalesce(after, '{}')::text from audit_log order by id"
        )
        self.assertEqual(
            [row[0] for row in log], [f"webhook.{what}" for what in ("created", "changed", "changed", "deleted")]
        )
        self.assertNotIn(SECRET, str(log))

    async def test_a_secret_is_made_if_none_is_given_and_shown_once(self) -> None:
        reply = await self.ask("POST", json={"url": "https://hook.example", "events": ["task.failed"]})
        self.assertTrue(reply.data["secret"].startswith("whsec_"))
        self.assertEqual(self.sql("select secret from webhooks"), [(reply.data["secret"],)])
        given = await self.ask(
            "POST", json={"url": "https://hook.example", "events": ["task.failed"], "secret": SECRET}
        )
        self.assertNotIn("secret", given.data)

    async def test_what_can_not_be_meant_is_refused(self) -> None:
        good = {"url": "https://hook.example/", "events": ["task.failed"], "secret": SECRET}
        for wrong in (
            {"url": "ftp://hook.example/"},
            {"url": "https://127.0.0.1/"},
            {"url": "https://user@hook.example/"},
            {"events": []},
            {"events": ["image.eaten"]},
            {"events": "task.failed"},
            {"secret": "short"},
            {"secret": "whsec_" + "?" * 20},
        ):
            self.assertEqual((await self.ask("POST", json={**good, **wrong})).status, 400, wrong)
        self.assertEqual(self.sql("select 1 from webhooks"), [])

    async def test_they_are_for_super_users(self) -> None:
        number = await self.register()
        person = await self.person(Flag.ADMIN_USERS, Flag.ADMIN_FILES)
        given = {"url": "https://hook.example/", "events": ["task.failed"], "secret": SECRET}
        for token, status in ((person, 403), (None, 401)):
            for method, path, json_ in (
                ("GET", "", None),
                ("POST", "", given),
                ("GET", f"{number}/", None),
                ("PUT", f"{number}/", given),
                ("DELETE", f"{number}/", None),
                ("GET", f"{number}/deliveries/", None),
            ):
                self.assertEqual((await self.ask(method, path, json=json_, token=token)).status, status)


class NotingTests(WebhookCase):
    settings = MappingProxyType({"tasks_enabled": False})

    def noted(self) -> list[tuple[str, Any]]:
        return self.sql("select event, data from webhook_deliveries order by id")

    async def test_what_happens_to_images_is_noted_for_those_who_want_to_know(self) -> None:
        await self.register(events=ALL[:4])
        await self.register(events=["image.deleted"])
        await self.register(events=ALL, active=False)
        (self.root / "a").mkdir()
        number = await self.put("x.jpg")
        await self.put("x.jpg", picture(9, 9))
        await self.call("PUT", f"/admin/images/{number}/", token=self.token, json={"title": "t", "description": ""})
        await self.call("PUT", f"/admin/filesystem/images/{number}/", token=self.token, json={"path": "/a/y.jpg"})
        await self.call("DELETE", f"/admin/filesystem/images/{number}/", token=self.token)
        noted = self.noted()
        self.assertEqual(
            [(event, data["src"]) for event, data in noted],
            [
                ("image.created", "x.jpg"),
                ("image.replaced", "x.jpg"),
                ("image.moved", "a/y.jpg"),
                ("image.deleted", "a/y.jpg"),
                ("image.deleted", "a/y.jpg"),
            ],
        )
        self.assertEqual({(data["id"], data["user_id"]) for _, data in noted}, {(number, 1)})
        self.assertEqual(
            self.sql("select name, params from tasks where funcname = 'deliver_webhook' order by id"),
            [("Tell webhook 1", {"webhook_id": 1}), ("Tell webhook 2", {"webhook_id": 2})],
        )

    async def test_the_database_queues_just_the_task_that_the_server_would(self) -> None:
        number = await self.register()
        await self.put("x.jpg")
        ((key,),) = self.sql("select dedup_key from tasks where funcname = 'deliver_webhook'")
        self.assertEqual(key, tasks.dedup_key("deliver_webhook", {"webhook_id": number}))

    async def test_what_is_undone_is_not_noted(self) -> None:
        await self.register()

        async def work(db: Any) -> None:
            await db.execute("insert into folders (name, path, parent_id) select 'b', '/b', id from folders")
            await db.execute("insert into images (src, folder_id) select 'b/x.jpg', max(id) from folders")
            await db.execute("insert into imagesaudit (image_id, action) select id, 1 from images")
            raise ValueError

        await self.assertFailure(Deferred.fromCoroutine(self.database.transaction(work)), ValueError)
        self.assertEqual((self.noted(), self.sql("select 1 from tasks")), ([], []))

    async def test_failed_tasks_and_finished_exports_are_noted(self) -> None:
        await self.register()
        for name in ("empty_trash", "deliver_webhook"):
            self.sql(
                "insert into tasks (name, funcname, params, dedup_key) values ('A task', %s, '{}', %s)", name, name * 2
            )
        self.sql("update tasks set status = 3, error = 'no' where name = 'A task'")
        self.sql("insert into folios (human_id, name, owner_id) values ('penguins', 'Penguins', 1)")
        self.sql("insert into folioexports (folio_id) select id from folios")
        self.sql("update folioexports set state = 'running'")
        self.sql("update folioexports set state = 'ready', filename = 'p.zip', filesize = 5")
        (failed, exported) = self.noted()
        self.assertEqual(failed[0], "task.failed")
        self.assertEqual((failed[1]["funcname"], failed[1]["error"]), ("empty_trash", "no"))
        self.assertEqual(exported[0], "portfolio.exported")
        self.assertEqual((exported[1]["human_id"], exported[1]["filename"]), ("penguins", "p.zip"))

    async def test_what_is_yet_to_be_told_can_be_seen(self) -> None:
        number = await self.register()
        await self.put("x.jpg")
        reply = await self.ask("GET", f"{number}/deliveries/")
        (one,) = reply.data
        self.assertEqual((one["event"], one["attempts"], one["error"]), ("image.created", 0, ""))
        self.assertEqual(reply.headers["x-total-count"], "1")


class SendingTests(WebhookCase):
    settings = MappingProxyType({"tasks_enabled": False})

    async def setUp(self) -> None:
        await super().setUp()
        self.sent: list[dict[str, Any]] = []
        self.answers: list[int | Exception] = []
        self.sending = self.domain.webhook_sending
        self.sending._post = self.post
        self.number = await self.register()

    async def post(self, url: str, headers: Any, body: bytes) -> int:
        answer = self.answers.pop(0) if self.answers else 200
        self.sent.append({"url": url, "headers": headers, **json.loads(body)})
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def deliver(self) -> Any:
        kind = self.domain.background.types["deliver_webhook"]
        rows = self.sql("select id from tasks where funcname = 'deliver_webhook' order by id desc limit 1")
        return await kind.run(TaskRun(await self.domain.background.queue.get(rows[0][0])))

    async def look(self) -> None:
        await self.sending.look(None)  # type: ignore[arg-type]  # it doesn't need one

    def left(self) -> list[tuple[int, str]]:
        return self.sql("select attempts, error from webhook_deliveries order by id")

    async def test_all_is_told_in_order(self) -> None:
        for name in ("x.jpg", "y.jpg"):
            await self.put(name)
        self.assertEqual(await self.deliver(), {"told": 2})
        self.assertEqual([(one["type"], one["data"]["src"]) for one in self.sent], [
            ("image.created", "x.jpg"), ("image.created", "y.jpg"),
        ])  # fmt: skip
        self.assertEqual((self.left(), await self.deliver()), ([], {"told": 0}))

    async def test_what_is_not_answered_well_is_told_again_and_does_not_hold_up_the_rest(self) -> None:
        for name in ("x.jpg", "y.jpg"):
            await self.put(name)
        self.answers = [500]
        self.assertEqual(await self.deliver(), {"told": 1})
        self.assertEqual(self.left(), [(1, "answered with 500")])
        self.assertEqual(await self.deliver(), {"told": 0})
        self.sql("update webhook_deliveries set next_attempt = now()")
        self.assertEqual(await self.deliver(), {"told": 1})
        self.assertEqual(self.sent[0]["headers"]["webhook-id"], self.sent[2]["headers"]["webhook-id"])

    async def test_who_can_not_be_reached_is_left_alone_for_a_while(self) -> None:
        for name in ("x.jpg", "y.jpg"):
            await self.put(name)
        self.answers = [Unreachable("no answer")]
        self.assertEqual(await self.deliver(), {"told": 0})
        self.assertEqual(self.left(), [(1, "no answer"), (0, "")])
        self.sql("update tasks set status = 2")
        await self.put("z.jpg")
        self.assertEqual(self.sql("select 1 from tasks where status = 0"), [])
        await self.look()
        self.assertEqual(self.sql("select 1 from tasks where status = 0"), [])
        self.sql("update webhooks set blocked_until = now()")
        await self.look()
        self.assertEqual(self.sql("select params from tasks where status = 0"), [({"webhook_id": self.number},)])
        await self.look()
        self.assertEqual(await self.deliver(), {"told": 3})
        self.assertEqual(self.sql("select failures, blocked_until from webhooks"), [(0, None)])

    async def test_after_a_day_it_is_given_up_but_not_what_was_never_tried(self) -> None:
        for name in ("x.jpg", "y.jpg"):
            await self.put(name)
        self.answers = [500, 500]
        await self.deliver()
        await self.put("z.jpg")
        self.sql("update webhook_deliveries set created = now() - interval '25 hours' where data->>'src' <> 'y.jpg'")
        await self.look()
        self.assertEqual(self.sql("select data->>'src' from webhook_deliveries order by id"), [("y.jpg",), ("z.jpg",)])

    async def test_one_that_says_it_is_gone_is_switched_off(self) -> None:
        await self.put("x.jpg")
        self.answers = [410]
        await self.deliver()
        self.assertFalse((await self.ask("GET", f"{self.number}/")).data["active"])
        self.assertEqual((await self.deliver(), len(self.sent)), ({"told": 0}, 1))


class WholeTests(WebhookCase):
    """From an upload to a receiver, with all that is between."""

    settings = MappingProxyType({"webhook_networks": (ipaddress.ip_network("127.0.0.0/8"),)})

    async def test_a_receiver_is_told_and_can_check_who_tells(self) -> None:
        came: Deferred[tuple[Any, bytes]] = Deferred()

        class Receiver(Resource):
            isLeaf = True  # noqa: N815

            def render_POST(self, request: Request) -> bytes:
                came.callback((request.requestHeaders, request.content.read()))
                return b""

        listening = reactor.listenTCP(0, Site(Receiver()), interface="127.0.0.1")
        self.addCleanup(listening.stopListening)
        await self.register(f"http://127.0.0.1:{listening.getHost().port}/hook", ["image.created"])
        await self.put("x.jpg")
        headers, body = await came
        number, moment, signature = (
            headers.getRawHeaders(f"webhook-{name}")[0] for name in ("id", "timestamp", "signature")
        )
        expected = hmac.new(SECRET.encode(), f"{number}.{moment}.".encode() + body, hashlib.sha256).digest()
        self.assertEqual(signature, f"v1,{base64.b64encode(expected).decode()}")
        self.assertEqual(json.loads(body)["data"]["src"], "x.jpg")
