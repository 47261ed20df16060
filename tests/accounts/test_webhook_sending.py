"""What webhooks are sent."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from datetime import UTC, datetime

from twisted.trial.unittest import SynchronousTestCase

from qisd.accounts.webhook_sending import GIVE_UP_SECONDS, body_of, pause_after, signed
from qisd.accounts.webhooks import key_of, new_secret
from qisd.store.webhooks import Delivery

NUMBER = uuid.UUID("00112233445566778899aabbccddeeff")


def delivery(**data: object) -> Delivery:
    moment = datetime(2026, 3, 9, 16, 54, 51, tzinfo=UTC)
    return Delivery(
        id=1, webhook_id=1, message_id=NUMBER, event="image.created", data=data, attempts=0, next_attempt=moment,
        error="", created=moment,
    )  # fmt: skip


class MessageTests(SynchronousTestCase):
    def test_the_body_says_what_and_when(self) -> None:
        body = body_of(delivery(src="a/Küche.jpg"))
        self.assertEqual(
            json.loads(body),
            {"type": "image.created", "timestamp": "2026-03-09T16:54:51Z", "data": {"src": "a/Küche.jpg"}},
        )

    def test_the_signature_is_over_id_time_and_body(self) -> None:
        secret = "whsec_" + base64.b64encode(b"a key of ours").decode()
        headers = signed(delivery(), b"{}", secret=secret, timestamp=1700000000)
        number = "msg_00112233445566778899aabbccddeeff"
        expected = hmac.new(b"a key of ours", f"{number}.1700000000.{{}}".encode(), hashlib.sha256).digest()
        self.assertEqual(headers["webhook-id"], number)
        self.assertEqual(headers["webhook-timestamp"], "1700000000")
        self.assertEqual(headers["webhook-signature"], f"v1,{base64.b64encode(expected).decode()}")

    def test_secrets_are_keys_in_base64_or_as_they_are(self) -> None:
        self.assertEqual(len(key_of(new_secret())), 32)
        self.assertEqual(key_of("just some text"), b"just some text")
        with self.assertRaises(ValueError):
            key_of("whsec_???")

    def test_pauses_grow_and_a_day_has_several_attempts(self) -> None:
        pauses = [pause_after(attempt) for attempt in range(1, 12)]
        self.assertEqual(pauses[:4], [60, 240, 960, 3840])
        self.assertEqual(max(pauses), 14_400)
        self.assertLess(sum(pauses[:8]), GIVE_UP_SECONDS)
        self.assertEqual(pause_after(10**6), 14_400)
