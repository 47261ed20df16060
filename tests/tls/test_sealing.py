"""Private keys that are kept sealed."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from qisd.tls.sealing import Seal

OLD, NEW = b"o" * 32, b"n" * 32


class SealTests(SynchronousTestCase):
    def test_what_was_sealed_is_opened_with_the_same_key_alone(self) -> None:
        sealed = Seal([OLD]).close(b"secret")
        self.assertNotIn(b"secret", sealed)
        self.assertEqual(Seal([OLD]).open(sealed), b"secret")
        self.assertIsNone(Seal([NEW]).open(sealed))
        self.assertIsNone(Seal([OLD]).open(b"never sealed"))

    def test_a_key_that_was_replaced_opens_still_and_seals_no_more(self) -> None:
        both = Seal([NEW, OLD])
        self.assertEqual(both.open(Seal([OLD]).close(b"secret")), b"secret")
        self.assertEqual(Seal([NEW]).open(both.close(b"secret")), b"secret")
