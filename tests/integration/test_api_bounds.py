"""How much of each thing one user can have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from qisd.access import entry, sessions
from qisd.access.levels import Flag
from qisd.library import resumable
from qisd.portfolios import exports, images, portfolios
from qisd.store import idempotency, portfolio_history
from qisd.tasks import queue
from tests.integration.api import ApiCase

_TUS = {"Tus-Resumable": "1.0.0", "Upload-Length": "5", "Upload-Metadata": "filename YS5wbmc=,path Lw=="}
_KEY = {"label": "a", "scopes": ["read"]}
_TOMORROW = datetime.now(UTC) + timedelta(days=1)


class BoundsTests(ApiCase):
    settings = MappingProxyType({"tasks_enabled": False})

    async def setUp(self) -> None:
        await super().setUp()
        self.token = await self.admin()

    async def test_unfinished_uploads(self) -> None:
        self.patch(resumable, "UNFINISHED_MAX", 2)
        places = []
        for status in (201, 201, 429):
            reply = await self.call("POST", "/upload/resumable/", token=self.token, headers=_TUS)
            self.assertEqual(reply.status, status, reply.body)
            places.append(reply.headers.get("location", ""))
        self.assertEqual(reply.headers["retry-after"], "60")
        path = "/api" + places[0].partition("/api")[2]
        self.assertEqual((await self.call("DELETE", path, token=self.token, headers=_TUS)).status, 204)
        reply = await self.call("POST", "/upload/resumable/", token=self.token, headers=_TUS)
        self.assertEqual(reply.status, 201)

    async def test_tasks(self) -> None:
        self.patch(queue, "UNFINISHED_MAX", 2)
        for number, status in ((1, 202), (2, 202), (3, 429)):
            reply = await self.call("POST", "/admin/bulk/delete/", token=self.token, json={"images": [number]})
            self.assertEqual(reply.status, status, reply.body)
        self.assertEqual(reply.headers["retry-after"], "60")
        other = await self.person(Flag.ADMIN_ALL)
        reply = await self.call("POST", "/admin/bulk/delete/", token=other, json={"images": [3]})
        self.assertEqual(reply.status, 202)

    async def test_results_of_tasks(self) -> None:
        self.patch(queue, "OVER_KEPT", 2)
        for number in (1, 2, 3, 4):
            await self.call("POST", "/admin/bulk/delete/", token=self.token, json={"images": [number]})
            self.sql("update tasks set status = 2, keep_until = now() + interval '1 day' where status = 0")
        self.assertEqual(self.sql("select params ->> 'images' from tasks order by id"), [("[2]",), ("[3]",), ("[4]",)])

    async def test_sessions_and_tokens(self) -> None:
        self.patch(sessions, "HELD_MAX", 2)
        tokens = [self.token, await self.admin(), await self.admin()]
        self.domain.sessions.forget()
        statuses = [(await self.call("GET", "/admin/users/1/", token=token)).status for token in tokens]
        self.assertEqual(statuses, [401, 200, 200])

    async def test_keys(self) -> None:
        self.patch(entry, "KEYS_MAX", 1)
        self.sql("update users set allow_api = true where id = 1")
        cookie, csrf = await self.session_of(1)
        for status in (200, 400):
            reply = await self.call(
                "POST", "/account/tokens/", cookie=cookie, headers={"X-CSRF-Token": csrf}, json=_KEY
            )
            self.assertEqual(reply.status, status, reply.body)
        self.assertIn("You have 1 keys", reply.message)

    async def test_marked_requests(self) -> None:
        self.patch(idempotency, "KEPT_MAX", 2)
        for key in ("a", "b", "c", "d"):
            form = {"human_id": key, "name": key, "description": "", "internal_access": 0, "public_access": 0}
            reply = await self.call(
                "POST", "/portfolios/", token=self.token, json=form, headers={"Idempotency-Key": key}
            )
            self.assertEqual(reply.status, 200, reply.body)
        self.assertEqual(self.sql("select key from idempotency_keys order by key"), [("b",), ("c",), ("d",)])

    async def test_portfolios_with_their_images_and_zips(self) -> None:
        self.patch(portfolios, "OWNED_MAX", 1)
        self.patch(images, "IMAGES_MAX", 1)
        self.patch(exports, "EXPORTS_MAX", 1)
        self.paint("a.png")
        self.paint("b.png")
        for name, status in (("a", 200), ("b", 400)):
            form = {"human_id": name, "name": name, "description": "", "internal_access": 0, "public_access": 0}
            reply = await self.call("POST", "/portfolios/", token=self.token, json=form)
            self.assertEqual(reply.status, status, reply.body)
        ((number,),) = self.sql("select id from folios")
        for name, status in (("a.png", 200), ("b.png", 400)):
            reply = await self.call(
                "POST", f"/portfolios/{number}/images/", token=self.token, json={"image_src": f"/{name}"}
            )
            self.assertEqual(reply.status, status, reply.body)
        for status in (202, 400):
            form = {"description": "", "originals": True, "expiry_time": _TOMORROW.isoformat()}
            reply = await self.call("POST", f"/portfolios/{number}/exports/", token=self.token, json=form)
            self.assertEqual(reply.status, status, reply.body)

    async def test_the_history_of_a_portfolio(self) -> None:
        self.patch(portfolio_history, "KEPT", 3)
        form = {"human_id": "a", "name": "a", "description": "", "internal_access": 0, "public_access": 0}
        number = (await self.call("POST", "/portfolios/", token=self.token, json=form)).data["id"]
        for text in "bcdef":
            await self.call("PUT", f"/portfolios/{number}/", token=self.token, json={**form, "description": text})
        self.assertEqual(self.sql("select count(*) from foliosaudit"), [(3,)])
