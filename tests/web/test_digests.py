"""What Content-Digest says."""

from __future__ import annotations

import base64
import hashlib

from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import BadParameter
from qisd.web.digests import check_sha256

DIGEST = hashlib.sha256(b"penguin").digest()
GOOD = f"sha-256=:{base64.b64encode(DIGEST).decode()}:"


class DigestTests(SynchronousTestCase):
    def test_the_right_one_passes_and_so_does_none_and_what_is_not_known(self) -> None:
        for header in (None, GOOD, f"sha-512=:AAAA:, {GOOD}", f"{GOOD};q=1 , md5=:AAAA:", "sha-512=:AAAA:"):
            check_sha256(header, DIGEST)

    def test_another_one_and_what_can_not_be_read_are_refused(self) -> None:
        short = base64.b64encode(DIGEST[:20]).decode()
        for header in ("", "sha-256", "sha-256=abc", "sha-256=:???:", "sha-256=:a:", f"sha-256=:{short}:", f"{GOOD},"):
            with self.assertRaises(BadParameter):
                check_sha256(header, DIGEST)
        with self.assertRaises(BadParameter):
            check_sha256(GOOD, hashlib.sha256(b"walrus").digest())
