from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.access.legacy_passwords import is_legacy, verify
from qisd.access.passwords import hash_password, verify_password

STORED = "sha1$Qx7bT2mK$3426978937ce4820d3db752a70df6344a53a9f42"
PASSWORD = "correct horse ä"


class LegacyPasswordTests(SynchronousTestCase):
    def test_the_right_password_is_known(self) -> None:
        self.assertTrue(verify(STORED, PASSWORD))
        self.assertTrue(is_legacy(STORED))

    def test_any_other_is_not(self) -> None:
        for wrong in ("", "correct horse a", "correct horse a\u0308", PASSWORD + " ", PASSWORD.upper(), "\ud800"):
            with self.subTest(wrong=wrong):
                self.assertFalse(verify(STORED, wrong))

    def test_the_salt_counts(self) -> None:
        self.assertFalse(verify(STORED.replace("Qx7b", "qx7b"), PASSWORD))

    def test_what_is_no_such_hash_fits_no_password(self) -> None:
        _, salt, digits = STORED.split("$")
        for stored in (
            "",
            "!",
            "sha1",
            "sha1$$",
            f"sha1$${digits}",
            f"sha1${salt}$",
            f"sha1${salt}${digits[:-1]}",
            f"sha1${salt}${digits}0",
            f"sha1${salt}${digits[:-1]}g",
            f"sha1${salt}${digits}\n",
            f" {STORED}",
            f"{STORED}$x",
            f"sha256${salt}${digits}",
            f"SHA1${salt}${digits}",
            f"sha1$sält${digits}",
            f"sha1${salt}${digits[:-1]}٣",
            hash_password(PASSWORD),
        ):
            with self.subTest(stored=stored):
                self.assertFalse(verify(stored, PASSWORD))
                self.assertFalse(is_legacy(stored))

    def test_the_check_of_todays_hashes_takes_none_of_these(self) -> None:
        self.assertFalse(verify_password(STORED, PASSWORD))

    @given(st.text(), st.text())
    def test_no_text_raises(self, stored: str, password: str) -> None:
        self.assertFalse(verify(stored, password))
