"""Whatever is sent to the API: a clear refusal, or what was asked for; nothing lost, nothing told, nothing broken.

An unexpected error is logged, and what is logged as one fails the test that it happens in.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from tests.integration.api import Reply
from tests.integration.api_state import StateCase
from tests.integration.leaks import LEAKS


class BadCase(StateCase):
    """Everybody who asks is user 1, if nothing else is said."""

    timeout = 300

    async def setUp(self) -> None:
        await super().setUp()
        self.boss = await self.admin()

    async def ask(self, method: str, path: str, **given: Any) -> Reply:
        """Call an endpoint, and look whether the answer is a decent one."""
        if "cookie" not in given:
            given = {"token": self.boss, **given}
        reply = await self.call(method, path, **given)
        self.decent(reply, f"{method} {path} {str(given)[:300]}")
        return reply

    def decent(self, reply: Reply, asked: str) -> None:
        self.assertLess(reply.status, 500, f"{asked}: {reply.body[:300]!r}")
        # Images in a zip are not made of letters.
        packed = reply.body.startswith(b"PK")
        for text in (reply.body.decode("latin-1" if packed else "utf-8"), *reply.headers.values()):
            self.assertNotIn(str(self.folder), text, asked)
            found = LEAKS.search(text)
            self.assertIsNone(found, f"{asked}: {text[:300]}")

    async def together(self, *asked: Awaitable[Any]) -> list[Any]:
        done: list[Any] = await gatherResults([Deferred.fromCoroutine(one) for one in asked], consumeErrors=True)
        return done
