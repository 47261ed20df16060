from __future__ import annotations

from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from qisd.service.membership import Membership
from qisd.settings import default_settings
from qisd.store import server_status


class MembershipTests(TestCase):
    def setUp(self) -> None:
        self.said: list[dict[str, str]] = []
        self.written: list[Deferred[None]] = []
        self.patch(server_status, "beat", self.write)
        self.patch(server_status, "living", self.nobody)
        self.settings = default_settings()
        self.membership = Membership(
            None,  # type: ignore[arg-type] - nothing asks it here
            server_id="a" * 32,
            settings=self.settings,
            key=b"k" * 32,
        )

    async def write(self, _: object, *, digests: dict[str, str], **__: Any) -> None:
        self.said.append(digests)
        self.written.append(Deferred())
        await self.written[-1]

    async def nobody(self, _: object) -> list[object]:
        return []

    def test_what_it_says_after_a_change_is_said_when_what_was_true_before_is_written(self) -> None:
        first = Deferred.fromCoroutine(self.membership.beat())
        self.membership.configure(attrs.evolve(self.settings, memcached_prefix="other:"), b"k" * 32)
        second = Deferred.fromCoroutine(self.membership.beat())
        self.assertEqual(len(self.said), 1)
        self.written[0].callback(None)
        self.successResultOf(first)
        self.assertNotEqual(self.said[0]["MEMCACHED_PREFIX"], self.said[1]["MEMCACHED_PREFIX"])
        self.written[1].callback(None)
        self.successResultOf(second)
