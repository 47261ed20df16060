from __future__ import annotations

import string

from argon2 import PasswordHasher
from twisted.trial.unittest import SynchronousTestCase

from qisd.access import passwords
from qisd.errors import BadParameter, SettingsError


class HashTests(SynchronousTestCase):
    """Hashes of passwords."""

    def test_a_hash_is_argon2id_with_64_mib_and_verifies_only_its_password(self) -> None:
        stored = passwords.hash_password("correct horse ä")
        self.assertTrue(stored.startswith("$argon2id$v=19$m=65536,t=3,p=1$"), stored)
        self.assertTrue(passwords.verify_password(stored, "correct horse ä"))
        self.assertFalse(passwords.verify_password(stored, "correct horse a"))

    def test_a_slow_machine_gets_lower_costs_and_their_hashes_are_good_enough(self) -> None:
        self.patch(passwords, "_hasher", passwords._hasher)
        self.patch(passwords, "_TARGET", 0.0)
        passwords.tune()
        stored = passwords.hash_password("correct horse")
        self.assertTrue(stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$"), stored)
        self.assertTrue(passwords.verify_password(stored, "correct horse"))
        self.assertFalse(passwords.needs_rehash(stored))
        self.patch(passwords, "_TARGET", 1e9)
        passwords.tune()
        self.assertIn("m=65536,t=3", passwords.hash_password("correct horse"))

    def test_the_same_password_never_has_the_same_hash(self) -> None:
        self.assertNotEqual(passwords.hash_password("correct horse"), passwords.hash_password("correct horse"))

    def test_what_is_no_argon2_hash_verifies_nothing(self) -> None:
        for stored in ("", "x", "sha1$Qx7bT2mK$3426978937ce4820d3db752a70df6344a53a9f42", "$argon2id$v=19$m=1$", "ä"):
            with self.subTest(stored=stored):
                self.assertFalse(passwords.verify_password(stored, ""))
                self.assertTrue(passwords.needs_rehash(stored))

    def test_a_hash_with_other_costs_is_to_be_made_anew(self) -> None:
        cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("correct horse")
        self.assertTrue(passwords.verify_password(cheap, "correct horse"))
        self.assertTrue(passwords.needs_rehash(cheap))
        self.assertFalse(passwords.needs_rehash(passwords.hash_password("correct horse")))


class RuleTests(SynchronousTestCase):
    """What a chosen password must be like."""

    def test_its_length_is_8_to_120_characters(self) -> None:
        passwords.check_new_password("a" * 8, username="me")
        passwords.check_new_password("ä" * 120, username="me")
        for bad in ("", "a" * 7, "a" * 121):
            with (
                self.subTest(bad=bad),
                self.assertRaisesRegex(BadParameter, "^password: must have 8 to 120 characters"),
            ):
                passwords.check_new_password(bad, username="me")

    def test_the_user_name_and_published_passwords_are_refused(self) -> None:
        for bad in ("Somebody", "SOMEBODY", "qisadmin", "QisAdmin", "qisdbpass"):
            with self.subTest(bad=bad), self.assertRaises(BadParameter):
                passwords.check_new_password(bad, username="somebody")


class FirstPasswordTests(SynchronousTestCase):
    """The password that admin begins with."""

    def test_a_generated_one_has_ten_letters_and_digits_and_is_never_the_same(self) -> None:
        made = {passwords.generate_password() for _ in range(200)}
        self.assertEqual(len(made), 200)
        self.assertEqual({len(password) for password in made}, {10})
        self.assertEqual(set("".join(made)), set(string.ascii_letters + string.digits))

    def test_without_a_given_one_it_is_generated(self) -> None:
        first = passwords.first_password("")
        self.assertTrue(first.generated)
        self.assertTrue(passwords.verify_password(first.hash, first.text))

    def test_a_given_one_is_taken_even_if_it_is_well_known(self) -> None:
        first = passwords.first_password("qisadmin")
        self.assertEqual((first.text, first.generated), ("qisadmin", False))
        self.assertTrue(passwords.verify_password(first.hash, "qisadmin"))

    def test_a_given_one_of_a_wrong_length_is_a_fault_of_the_settings(self) -> None:
        for bad in ("short", "a" * 121):
            with self.subTest(bad=bad), self.assertRaisesRegex(SettingsError, "^ADMIN_PASSWORD: must have 8 to 120"):
                passwords.first_password(bad)

    def test_it_does_not_show_when_printed(self) -> None:
        self.assertNotIn("secretsecret", repr(passwords.first_password("secretsecret")))
