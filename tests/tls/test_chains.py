"""What is wrong with chains."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from OpenSSL import crypto
from twisted.trial.unittest import SynchronousTestCase

from qisd.tls.chains import AuthoritiesError, Fault, authorities, faults
from tests.tls.certificate_files import Issued, issue

ROOT = issue(subject="root", authority=True)
MIDDLE = issue(subject="middle", authority=True, issuer=ROOT)
HOST = "shop.example"


def trusting(*known: Issued) -> crypto.X509Store:
    store = crypto.X509Store()
    for one in known:
        store.add_cert(crypto.X509.from_cryptography(one.certificate))
    return store


class FaultTests(SynchronousTestCase):
    def found(self, *chain: Issued, known: tuple[Issued, ...] = (ROOT,)) -> list[Fault]:
        return faults([one.certificate for one in chain], hosts=[HOST], now=datetime.now(UTC), trusted=trusting(*known))

    def one_fault(self, *chain: Issued, known: tuple[Issued, ...] = (ROOT,)) -> Fault:
        (fault,) = self.found(*chain, known=known)
        return fault

    def test_a_whole_chain_is_well_with_and_without_its_root(self) -> None:
        own = issue(HOST, issuer=MIDDLE)
        self.assertEqual(self.found(own, MIDDLE), [])
        self.assertEqual(self.found(own, MIDDLE, ROOT), [])

    def test_what_is_missing_is_named(self) -> None:
        fault = self.one_fault(issue(HOST, issuer=MIDDLE))
        self.assertEqual(fault.text, f"the chain ends at {HOST}: the certificate of middle is missing")
        self.assertTrue(fault.grave)
        fault = self.one_fault(issue(HOST, issuer=MIDDLE, offered_at="http://ca.example/middle.der"))
        self.assertIn("http://ca.example/middle.der", fault.remedy)

    def test_an_authority_that_nobody_knows_is_told_from_a_chain_that_is_not_whole(self) -> None:
        fault = self.one_fault(issue(HOST, issuer=MIDDLE), MIDDLE, ROOT, known=())
        self.assertIn("root, is not one that this machine trusts", fault.text)
        self.assertFalse(fault.grave)

    def test_where_only_the_root_is_neither_sent_nor_known_both_ways_out_are_told(self) -> None:
        fault = self.one_fault(issue(HOST, issuer=MIDDLE), MIDDLE, known=())
        self.assertEqual(fault.text, "the chain ends at middle, and root is not one that this machine trusts")
        self.assertIn("otherwise put its certificate behind the others", fault.remedy)
        self.assertFalse(fault.grave)

    def test_one_that_is_self_signed(self) -> None:
        fault = self.one_fault(issue(HOST))
        self.assertIn("self-signed", fault.text)
        self.assertFalse(fault.grave)

    def test_dates_of_the_certificate_and_of_its_chain(self) -> None:
        self.assertIn("expired on", self.one_fault(issue(HOST, issuer=MIDDLE, days=-1, age=9), MIDDLE).text)
        self.assertIn("not valid before", self.one_fault(issue(HOST, issuer=MIDDLE, age=-1), MIDDLE).text)
        old = issue(subject="old", authority=True, issuer=ROOT, days=-1, age=9)
        self.assertIn("certificate of old in the chain expired", self.one_fault(issue(HOST, issuer=old), old).text)

    def test_names_that_it_is_not_for(self) -> None:
        fault = self.one_fault(issue("www.example", issuer=MIDDLE), MIDDLE)
        self.assertEqual(fault.text, f"the certificate is for www.example, not for {HOST}")
        self.assertEqual(self.found(issue("*.example", issuer=MIDDLE), MIDDLE), [])

    def test_the_order(self) -> None:
        fault = self.one_fault(issue(HOST, issuer=MIDDLE), ROOT, MIDDLE)
        self.assertEqual(fault.text, "the certificates are not in order")

    def test_a_key_that_is_too_short(self) -> None:
        fault = self.found(issue(HOST, issuer=MIDDLE, kind="RSA", bits=1024), MIDDLE)[0]
        self.assertEqual(fault.text, "the key has 1024 bits only")


class AuthorityTests(SynchronousTestCase):
    def test_a_file_that_holds_none_is_refused(self) -> None:
        path = Path(self.mktemp())
        for content in ("", "nothing"):
            path.write_text(content)
            with self.assertRaises(AuthoritiesError):
                authorities(path)
        with self.assertRaises(AuthoritiesError):
            authorities(path.with_name("none"))

    def test_this_machine_has_some_or_none(self) -> None:
        self.assertIsInstance(authorities(), crypto.X509Store)
