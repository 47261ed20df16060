"""What is refused comes into the audit log as a sample: :mod:`qisd.access.denials`."""

from __future__ import annotations

from typing import Any

from qisd.access.denials import CALLERS_MAX, Denials
from qisd.access.visitor import Visitor
from tests.integration.api import ApiCase
from tests.integration.database import DatabaseCase


def stranger(address: str) -> Visitor:
    return Visitor(address=address, request_id="r1")


class DenialTests(DatabaseCase):
    def entries(self) -> list[tuple[str, Any]]:
        return self.sql("select address, after from audit_log where action = 'access.denied' order by id")

    async def test_of_each_caller_the_first_refusal_is_told_and_how_many_there_were(self) -> None:
        denials = Denials(self.database)
        for number, address in enumerate(("10.0.0.1", "10.0.0.2", "10.0.0.1")):
            denials.note(stranger(address), lambda number=number: f"GET /{number}", "No")  # type: ignore[misc]
        await denials.flush()
        expected = [
            ("10.0.0.1", {"request": "GET /0", "reason": "No", "denied": 2}),
            ("10.0.0.2", {"request": "GET /1", "reason": "No", "denied": 1}),
        ]
        self.assertEqual(self.entries(), expected)
        await denials.flush()
        self.assertEqual(self.entries(), expected)

    async def test_many_callers_do_not_fill_the_log(self) -> None:
        denials = Denials(self.database)
        for number in range(CALLERS_MAX + 7):
            denials.note(stranger(f"10.0.0.{number}"), lambda: "GET /", "No")
        await denials.flush()
        entries = self.entries()
        self.assertEqual((len(entries), entries[-1]), (CALLERS_MAX + 1, ("", {"denied": 7})))

    async def test_without_a_database_nothing_is_kept_and_nothing_fails(self) -> None:
        denials = Denials(self.database)
        denials.note(stranger("10.0.0.1"), lambda: "GET /", "No")
        await self.database.stop()
        await denials.flush()
        self.assertEqual(self.entries(), [])


class ApiDenialTests(ApiCase):
    async def test_the_api_tells_who_was_refused_what_but_no_query(self) -> None:
        token = await self.person()
        for _ in range(2):
            reply = await self.call("GET", "/admin/users/", token=token, query={"q": "secret"})
            self.assertEqual(reply.status, 403)
        await self.domain.denials.flush()
        rows = self.sql("select actor_name <> '', actor_kind, after from audit_log where action = 'access.denied'")
        after = {
            "request": "GET /api/v1/admin/users/",
            "reason": "User administration permission is required",
            "denied": 2,
        }
        self.assertEqual(rows, [(True, "token", after)])
