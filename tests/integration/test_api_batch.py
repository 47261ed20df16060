"""Batches: several calls in one request."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from qisd.access.levels import Flag
from qisd.web.api import batch
from tests.integration.api import ApiCase, Reply


def operation(method: str, path: str, **body: Any) -> dict[str, Any]:
    return {"method": method, "path": path, **({"body": body} if body else {})}


GROUP = {"name": "Press", "description": "", "group_type": 2}
FLAGS = {f"access_{name}": False for name in Flag}


class BatchTests(ApiCase):
    async def batch(self, *operations: dict[str, Any], token: str | None = None, **more: Any) -> Reply:
        return await self.call("POST", "/batch/", token=token, json={"operations": list(operations), **more})

    async def test_each_call_has_its_own_envelope_in_its_order(self) -> None:
        token = await self.admin()
        reply = await self.batch(
            operation("POST", "/admin/groups/", **GROUP, **FLAGS),
            operation("GET", "/admin/groups/"),
            operation("GET", "/admin/groups/4711/"),
            operation("POST", "/admin/groups/", **GROUP, **FLAGS),
            operation("GET", "/session/"),
            token=token,
        )
        self.assertEqual((reply.status, reply.json["status"], reply.message), (207, 200, "OK"))
        self.assertEqual([one["status"] for one in reply.data], [200, 200, 404, 409, 200])
        self.assertIn("Press", [group["name"] for group in reply.data[1]["data"]])
        self.assertEqual(reply.data[2]["type"], "urn:qisd:error:not_found")
        self.assertIn("already exists", reply.data[3]["message"])
        self.assertEqual(reply.data[4]["data"]["user"]["username"], "admin")

    async def test_no_more_is_done_when_the_answers_are_too_long_already(self) -> None:
        self.patch(batch, "ANSWERS_MAX", 200)
        token = await self.admin()
        reply = await self.batch(
            operation("GET", "/admin/groups/"),
            operation("POST", "/admin/groups/", **GROUP, **FLAGS),
            operation("GET", "/version/"),
            token=token,
        )
        self.assertEqual([one["status"] for one in reply.data], [200, 413, 413])
        self.assertIn("Not done", reply.data[1]["message"])
        self.assertEqual(self.sql("select count(*) from groups where name = 'Press'"), [(0,)])

    async def test_it_is_for_those_who_have_logged_in(self) -> None:
        self.assertEqual((await self.batch(operation("GET", "/version/"))).status, 401)

    async def test_every_call_is_checked_as_if_it_came_alone(self) -> None:
        token = await self.person()
        reply = await self.batch(
            operation("GET", "/admin/users/"),
            operation("GET", "/admin/templates/?limit=1&start=1"),
            operation("GET", "/admin/templates/?limit=0"),
            operation("PATCH", "/admin/templates/1/", name="x"),
            operation(
                "DELETE",
                "/token/",
            ),
            operation("GET", "/admin/templates/"),
            token=token,
        )
        self.assertEqual([one["status"] for one in reply.data], [403, 200, 400, 403, 200, 401])
        self.assertEqual(len(reply.data[1]["data"]), 1)
        self.assertEqual(reply.data[2]["parameter"], "limit")

    async def test_addresses_are_read_like_those_of_requests(self) -> None:
        token = await self.admin()
        for path, status in (
            ("/version/", 200),
            ("/version", 200),
            ("/%76ersion/", 200),
            ("/nowhere/", 404),
            ("//version/", 404),
            ("/", 404),
            ("/admin/groups/-1/", 404),
            ("/admin/groups/0/", 404),
            ("/admin/groups/99999999999999999999999/", 404),
            ("/admin/groups%2F1/", 404),
            ("/admin%00/", 404),
            ("/%ff/", 404),
            ("/é/", 404),
            ("/../v1/version/", 404),
            ("/help/", 404),
            ("/openapi.json", 404),
            ("/tokenlogin/", 404),
            ("/admin/audit/export/", 400),
        ):
            with self.subTest(path):
                reply = await self.batch(operation("GET", path), token=token)
                self.assertEqual((reply.status, reply.data[0]["status"]), (207, status))

    async def test_a_method_that_is_not_there_is_told(self) -> None:
        reply = await self.batch(operation("DELETE", "/version/"), token=await self.admin())
        self.assertEqual(reply.data[0]["status"], 405)

    async def test_what_must_come_alone_is_refused_in_its_place(self) -> None:
        token = await self.admin()
        inner = {"operations": [operation("GET", "/version/")]}
        for refused in (
            operation("POST", "/batch/", **inner),
            operation("POST", "/token/", username="admin", password="x"),
            operation("POST", "/ticket/"),
            operation("POST", "/upload/"),
        ):
            reply = await self.batch(refused, operation("GET", "/version/"), token=token)
            self.assertEqual([one["status"] for one in reply.data], [400, 200], refused)
            self.assertIn("part of a batch", reply.data[0]["message"])

    async def test_what_is_no_batch_is_refused_as_a_whole(self) -> None:
        token = await self.admin()
        one = operation("GET", "/version/")
        for given in (
            {},
            {"operations": []},
            {"operations": [one] * 101},
            {"operations": "x"},
            {"operations": [1]},
            {"operations": [{"method": "GET"}]},
            {"operations": [{**one, "method": "HEAD"}]},
            {"operations": [{**one, "path": "version/"}]},
            {"operations": [{**one, "body": "x"}]},
        ):
            reply = await self.call("POST", "/batch/", token=token, json=given)
            self.assertEqual(reply.status, 400, given)
        self.assertEqual((await self.batch(*[one] * 100, token=token)).status, 207)

    async def test_a_batch_by_session_carries_one_csrf_token(self) -> None:
        cookie, csrf = await self.session_of(1)
        operations = [operation("POST", "/admin/groups/", **GROUP, **FLAGS)]
        for headers, more, status in (
            ({}, {}, 400),
            ({"X-CSRF-Token": csrf + "x"}, {}, 400),
            ({"X-CSRF-Token": csrf}, {}, 207),
            ({}, {"_csrf_token": csrf}, 207),
        ):
            reply = await self.call(
                "POST", "/batch/", cookie=cookie, json={"operations": operations, **more}, headers=headers
            )
            self.assertEqual(reply.status, status)
        self.assertEqual(reply.data[0]["status"], 409)

    async def test_headers_of_the_batch_are_not_those_of_its_calls(self) -> None:
        reply = await self.call(
            "POST",
            "/batch/",
            token=await self.admin(),
            json={"operations": [operation("PATCH", "/admin/groups/2/", description="all of us")]},
            headers={"If-Match": '"another"', "Accept": "application/problem+json"},
        )
        self.assertEqual((reply.status, reply.data[0]["status"]), (207, 200))

    async def test_a_batch_with_an_idempotency_key_is_done_once(self) -> None:
        token = await self.admin()
        json = {"operations": [operation("POST", "/admin/groups/", **GROUP, **FLAGS)]}
        headers = {"Idempotency-Key": "one"}
        first = await self.call("POST", "/batch/", token=token, json=json, headers=headers)
        again = await self.call("POST", "/batch/", token=token, json=json, headers=headers)
        self.assertEqual((first.status, again.status, first.body), (207, 207, again.body))


class BelowARootTests(ApiCase):
    settings = MappingProxyType({"application_root": "/pictures"})

    async def test_addresses_are_below_the_api_wherever_that_is(self) -> None:
        json = {"operations": [operation("GET", "/version/")]}
        token = await self.admin()
        reply = await self.call("POST", "/pictures/api/v1/batch/", token=token, json=json)
        self.assertEqual((reply.status, reply.data[0]["status"]), (207, 200))
