"""Which secret keys are usable."""

from __future__ import annotations

import base64
import secrets

from twisted.trial.unittest import SynchronousTestCase

from qisd.access.secret_key import generate_secret
from qisd.settings.keys import decode_key

KEY = "q8Zt3LmVx0RbYc7NwPs2DfGh5JkA9eUi"


class DecodeKeyTests(SynchronousTestCase):
    def refused(self, text: str, reason: str) -> None:
        with self.assertRaises(ValueError) as raised:
            decode_key(text)
        self.assertIn(reason, str(raised.exception))
        self.assertNotIn(text[:16], str(raised.exception))

    def test_text_is_the_key(self) -> None:
        self.assertEqual(decode_key(KEY), KEY.encode())

    def test_hex_and_base64_are_decoded(self) -> None:
        key = bytes.fromhex("8f3a11c09d47e2b65520fe7791a8cc04d3b96e12f05a7b43")
        self.assertEqual(decode_key(f"hex:{key.hex()}"), key)
        self.assertEqual(decode_key(f"base64:{base64.b64encode(key).decode()}"), key)

    def test_short_keys_are_refused(self) -> None:
        self.refused(KEY[:31], "at least 32 characters")
        self.refused("hex:" + secrets.token_hex(23), "at least 24 bytes")
        self.refused("base64:" + base64.b64encode(secrets.token_bytes(23)).decode(), "at least 24 bytes")

    def test_broken_encodings_are_refused(self) -> None:
        self.refused("hex:" + "zz" * 32, "not valid hex")
        self.refused("base64:" + "!" * 40, "not valid base64")

    def test_patterns_are_refused(self) -> None:
        for text in (
            "x" * 32,
            "ab" * 16,
            "0123456789abcdef" * 2,
            "abcdefghijklmnopqrstuvwxyz012345",
            "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF",
            "12345678901234567890123456789012",
            "zyxwvutsrqponmlkjihgfedcba987654",
            "hex:" + bytes(range(32)).hex(),
            "hex:" + "00" * 32,
        ):
            self.refused(text, "can be guessed")

    def test_published_placeholders_are_refused(self) -> None:
        for text in (
            "change-me-change-me-please-change-me-1",
            "django-insecure-k2$8f!q0z7w@e5r#t1y",
            "This_is_my_SECRET_KEY_for_sessions",
            "your-secret-key-goes-here-1234567890",
            "correct horse battery staple 123456",
        ):
            self.refused(text, "can be guessed")

    def test_generated_keys_are_usable(self) -> None:
        for _ in range(200):
            decode_key(generate_secret())
            decode_key("hex:" + secrets.token_hex(24))
            decode_key(secrets.token_hex(16))
