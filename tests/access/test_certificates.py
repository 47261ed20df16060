"""Checking certificates and keys: :mod:`qisd.access.certificates`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from qisd.access.certificates import CertificateError, CertificateFacts, check_pair
from tests.access.pairs import NOW, make_pair


class CheckPairTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.directory.mkdir()

    def check(self, certificate: Path, key: Path, chain: Path | None = None) -> CertificateFacts:
        return check_pair(certificate, key, chain, now=NOW)

    def refused(self, certificate: Path, key: Path, chain: Path | None = None) -> str:
        with self.assertRaises(CertificateError) as raised:
            self.check(certificate, key, chain)
        return str(raised.exception)

    def test_a_fitting_pair_gives_its_names_and_end(self) -> None:
        facts = self.check(*make_pair("A.example", "*.b.example", addresses=("127.0.0.1",)).write(self.directory))
        self.assertEqual(facts.names, ("a.example", "*.b.example", "127.0.0.1"))
        self.assertEqual(facts.not_after, NOW + timedelta(days=90))

    def test_names_are_covered_as_browsers_do(self) -> None:
        facts = CertificateFacts(names=("a.example", "*.b.example", "127.0.0.1", "::1"), not_after=NOW)
        for host in ("a.example", "A.EXAMPLE:8443", "x.b.example", "127.0.0.1:1", "[::1]", "[::1]:443"):
            self.assertTrue(facts.covers(host), host)
        for host in ("b.example", "y.x.b.example", "xa.example", "127.0.0.2", "localhost"):
            self.assertFalse(facts.covers(host), host)

    def test_a_certificate_without_names_covers_nothing(self) -> None:
        facts = self.check(*make_pair().write(self.directory))
        self.assertEqual(facts.names, ())
        self.assertFalse(facts.covers("test"))

    def test_certificate_chain_and_key_may_be_in_one_file_in_any_order(self) -> None:
        pair, other = make_pair("a.example"), make_pair("issuer.example")
        path = self.directory / "all.pem"
        path.write_bytes(pair.key + other.certificate + pair.certificate)
        self.assertEqual(self.check(path, path).names, ("a.example",))

    def test_a_key_that_does_not_fit_is_refused(self) -> None:
        certificate, _ = make_pair().write(self.directory)
        _, key = make_pair().write(self.directory, "other")
        self.assertEqual(self.refused(certificate, key), f"{key}: does not fit the certificate in {certificate}")

    def test_a_certificate_out_of_its_time_is_refused(self) -> None:
        pair = make_pair(begin=NOW - timedelta(days=9), end=NOW - timedelta(minutes=1)).write(self.directory)
        self.assertEqual(self.refused(*pair), f"{pair[0]}: expired on 2026-06-01 11:59 UTC")
        pair = make_pair(begin=NOW + timedelta(minutes=1)).write(self.directory)
        self.assertEqual(self.refused(*pair), f"{pair[0]}: is not valid before 2026-06-01 12:01 UTC")

    def test_files_that_can_not_be_used_are_named(self) -> None:
        certificate, key = make_pair().write(self.directory)
        missing = self.directory / "missing"
        junk = self.directory / "junk"
        junk.write_bytes(b"-----BEGIN CERTIFICATE-----\njunk\n-----END CERTIFICATE-----\n")
        self.assertEqual(self.refused(missing, key), f"{missing}: can't be read: No such file or directory")
        self.assertEqual(self.refused(certificate, missing), f"{missing}: can't be read: No such file or directory")
        self.assertEqual(
            self.refused(certificate, key, missing), f"{missing}: can't be read: No such file or directory"
        )
        self.assertEqual(self.refused(self.directory, key), f"{self.directory}: can't be read: Is a directory")
        self.assertEqual(self.refused(junk, key), f"{junk}: holds no certificate in PEM form")
        self.assertEqual(self.refused(key, key), f"{key}: holds no certificate in PEM form")
        self.assertEqual(self.refused(certificate, junk), f"{junk}: holds no private key in PEM form")
        self.assertEqual(self.refused(certificate, certificate), f"{certificate}: holds no private key in PEM form")

    def test_an_encrypted_key_is_refused(self) -> None:
        certificate, key = make_pair(passphrase=b"hidden").write(self.directory)
        self.assertEqual(self.refused(certificate, key), f"{key}: the private key is encrypted")
