"""Loading certificates, and making one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from twisted.logger import LogLevel, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from qisd.access.certificates import CertificateError
from qisd.service.log_records import Record, record_of
from qisd.settings import Settings, default_settings
from qisd.tls import self_signed
from qisd.tls.certificates import acme_file, in_order, load_certificates, load_pair, own_names, tell_of_ends
from tests.tls.certificate_files import Issued, issue

NOW = datetime.now(UTC)


class CertificatesCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        (self.directory / "sites").mkdir()
        self.said: list[Record] = []
        globalLogPublisher.addObserver(self.hear)
        self.addCleanup(globalLogPublisher.removeObserver, self.hear)

    def hear(self, event: dict[str, Any]) -> None:
        self.said.append(record_of(event))

    def texts(self, level: object) -> list[str]:
        return [record.text for record in self.said if record.level is level and record.area.startswith("tls")]

    def settings(self, pair: tuple[Path, Path] | None = None, **changes: Any) -> Settings:
        certificate, key = pair or (None, None)
        fields = {
            "state_dir": self.directory,
            "tls_certificate_file": certificate,
            "tls_private_key_file": key,
            "tls_sites_dir": self.directory / "sites",
        }
        return attrs.evolve(default_settings(), **(fields | changes))

    def written(self, issued: Issued, name: str = "own") -> tuple[Path, Path]:
        return issued.write(self.directory, name)


class Pairs(CertificatesCase):
    def refused(self, certificate: Path, key: Path, reason: str) -> None:
        with self.assertRaisesRegex(CertificateError, reason):
            load_pair(certificate, key, None, now=NOW)

    def test_a_good_pair_is_loaded(self) -> None:
        issued = issue("a.example")
        pair = load_pair(*self.written(issued), None, now=NOW)
        self.assertEqual(pair.chain, (issued.certificate,))

    def test_the_key_may_be_in_the_same_file(self) -> None:
        issued = issue("a.example")
        file = self.directory / "both.pem"
        file.write_bytes(issued.key_pem() + issued.pem)
        self.assertEqual(load_pair(file, file, None, now=NOW).facts.names, ("a.example",))

    def test_a_key_that_does_not_fit_is_named(self) -> None:
        certificate, _ = self.written(issue("a.example"))
        _, key = self.written(issue("b.example"), "other")
        self.refused(certificate, key, "other.key: does not fit")

    def test_an_encrypted_key_is_named(self) -> None:
        issued = issue("a.example")
        certificate, key = self.written(issued)
        key.write_bytes(issued.key_pem(b"secret"))
        self.refused(certificate, key, "own.key: .*encrypted")

    def test_a_file_that_is_missing_is_named(self) -> None:
        certificate, key = self.written(issue("a.example"))
        key.unlink()
        self.refused(certificate, key, "own.key: can't be read")

    def test_an_expired_certificate_is_named(self) -> None:
        self.refused(*self.written(issue("a.example", days=-1, age=9)), "own.crt: expired on")

    def test_one_of_the_future_is_named(self) -> None:
        self.refused(*self.written(issue("a.example", days=9, age=-1)), "own.crt: is not valid before")

    def test_rubbish_is_named(self) -> None:
        certificate, key = self.written(issue("a.example"))
        certificate.write_text("nothing")
        self.refused(certificate, key, "own.crt: holds no certificate")


class Chains(CertificatesCase):
    def setUp(self) -> None:
        super().setUp()
        self.root = issue(subject="root", authority=True)
        self.middle = issue(subject="middle", authority=True, issuer=self.root)
        self.leaf = issue("a.example", issuer=self.middle)

    def test_the_order_is_repaired(self) -> None:
        shuffled = [one.certificate for one in (self.root, self.middle, self.leaf)]
        chain = in_order(shuffled, self.leaf.key)
        self.assertEqual(chain, tuple(one.certificate for one in (self.leaf, self.middle, self.root)))

    def test_what_does_not_belong_to_it_is_left_out(self) -> None:
        stranger = issue(subject="middle", authority=True)
        chain = in_order([stranger.certificate, self.leaf.certificate, self.middle.certificate], self.leaf.key)
        self.assertEqual(chain, (self.leaf.certificate, self.middle.certificate))

    def test_the_chain_may_be_in_a_file_of_its_own(self) -> None:
        certificate, key = self.written(self.leaf)
        chain = self.directory / "chain.pem"
        chain.write_bytes(self.middle.pem)
        pair = load_pair(certificate, key, chain, now=NOW)
        self.assertEqual(pair.chain, (self.leaf.certificate, self.middle.certificate))


class Sets(CertificatesCase):
    def test_without_a_certificate_one_is_made_and_kept(self) -> None:
        first = load_certificates(self.settings(), previous=None)
        second = load_certificates(self.settings(), previous=None)
        self.assertEqual(first.default.chain, second.default.chain)
        self.assertEqual(len(self.texts(LogLevel.info)), 1)

    def test_sites_are_loaded_by_the_names_of_their_files(self) -> None:
        issue("b.example").write(self.directory / "sites", "b.example")
        loaded = load_certificates(self.settings(self.written(issue("a.example"))), previous=None)
        self.assertEqual(list(loaded.sites), ["b.example"])

    def test_at_the_start_a_bad_pair_is_an_error(self) -> None:
        settings = self.settings(self.written(issue("a.example", days=-1, age=9)))
        with self.assertRaises(CertificateError):
            load_certificates(settings, previous=None)

    def test_at_a_reload_a_bad_pair_leaves_the_old_one(self) -> None:
        settings = self.settings(self.written(issue("a.example")))
        old = load_certificates(settings, previous=None)
        self.written(issue("a.example", days=-1, age=9))
        new = load_certificates(settings, previous=old)
        self.assertIs(new.default, old.default)
        self.assertIn("expired", self.texts(LogLevel.error)[0])

    def test_at_a_reload_a_bad_site_does_not_hold_up_the_others(self) -> None:
        sites = self.directory / "sites"
        settings = self.settings(self.written(issue("a.example")))
        for name in ("b.example", "c.example"):
            issue(name).write(sites, name)
        old = load_certificates(settings, previous=None)
        (sites / "b.example.key").write_text("nothing")
        issue("c.example").write(sites, "c.example")
        new = load_certificates(settings, previous=old)
        self.assertIs(new.sites["b.example"], old.sites["b.example"])
        self.assertNotEqual(new.sites["c.example"].chain, old.sites["c.example"].chain)

    def test_a_site_whose_files_are_gone_is_gone(self) -> None:
        settings = self.settings(self.written(issue("a.example")))
        certificate, _ = issue("b.example").write(self.directory / "sites", "b.example")
        old = load_certificates(settings, previous=None)
        certificate.unlink()
        self.assertEqual(load_certificates(settings, previous=old).sites, {})

    def test_names_that_no_certificate_is_for_are_told(self) -> None:
        pair = self.written(issue("a.example"))
        load_certificates(self.settings(pair, public_host_name="images.example:8443"), previous=None)
        self.assertEqual(self.texts(LogLevel.warn), ["no certificate is for images.example: browsers will warn of it"])

    def test_names_that_a_wildcard_covers_are_not(self) -> None:
        pair = self.written(issue("*.example.com"))
        load_certificates(self.settings(pair, public_host_name="images.example.com"), previous=None)
        self.assertEqual(self.texts(LogLevel.warn), [])

    def test_own_names_are_without_ports_and_without_doubles(self) -> None:
        settings = attrs.evolve(
            default_settings(), public_host_name="Images.example:8443", server_aliases=("images.example", "b.example")
        )
        self.assertEqual(own_names(settings), ("images.example", "b.example"))


class FromAuthority(CertificatesCase):
    """What was got by ACME is in a file of the server."""

    def setUp(self) -> None:
        super().setUp()
        self.acme = self.settings(acme=True)
        acme_file(self.acme).parent.mkdir()

    def keep(self, issued: Issued) -> None:
        acme_file(self.acme).write_bytes(issued.key_pem() + issued.pem)

    def test_it_is_the_default_one_once_it_is_there(self) -> None:
        first = load_certificates(self.acme, previous=None)
        self.assertTrue(first.default.self_signed)
        issued = issue("a.example")
        self.keep(issued)
        second = load_certificates(self.acme, previous=first)
        self.assertEqual(second.default.chain, (issued.certificate,))
        self.assertNotEqual(first.shown, second.shown)
        self.assertEqual(second.shown, load_certificates(self.acme, previous=second).shown)

    def test_it_is_not_looked_at_when_acme_is_off(self) -> None:
        self.keep(issue("a.example"))
        self.assertTrue("localhost" in load_certificates(self.settings(), previous=None).default.facts.names)

    def test_in_place_of_one_that_is_of_no_use_there_is_our_own(self) -> None:
        self.keep(issue("a.example", days=-1, age=9))
        self.assertIn("localhost", load_certificates(self.acme, previous=None).default.facts.names)
        self.assertIn("expired", self.texts(LogLevel.error)[0])


class Ends(CertificatesCase):
    def test_the_nearer_the_end_the_louder(self) -> None:
        for days, level in ((22, None), (20, LogLevel.warn), (6, LogLevel.error), (0.5, LogLevel.critical)):
            self.said.clear()
            certificates = load_certificates(self.settings(self.written(issue("a.example", days=days))), previous=None)
            tell_of_ends(certificates, NOW)
            self.assertEqual([record.level for record in self.said], [] if level is None else [level], days)


class SelfSigned(CertificatesCase):
    def provide(self, *names: str, now: datetime = NOW) -> tuple[Path, bool]:
        return self_signed.provide(self.directory / "tls", names=names, now=now)

    def made(self, *names: str) -> x509.Certificate:
        file, _ = self.provide(*names)
        return x509.load_pem_x509_certificate(file.read_bytes())

    def test_it_is_for_the_host_and_this_machine(self) -> None:
        certificate = self.made("images.example")
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        self.assertEqual(names.get_values_for_type(x509.DNSName), ["images.example", "localhost"])
        self.assertEqual([str(one) for one in names.get_values_for_type(x509.IPAddress)], ["127.0.0.1", "::1"])
        self.assertEqual(certificate.subject.rfc4514_string(), "CN=images.example")

    def test_without_a_name_it_is_for_localhost(self) -> None:
        self.assertEqual(self.made().subject.rfc4514_string(), "CN=localhost")

    def test_it_is_ecdsa_on_p256_for_825_days(self) -> None:
        certificate = self.made()
        key = certificate.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        self.assertEqual(key.curve.name, "secp256r1")
        left = certificate.not_valid_after_utc - NOW
        self.assertTrue(timedelta(days=824) < left <= timedelta(days=825))

    def test_nobody_else_can_read_the_key(self) -> None:
        file, _ = self.provide()
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        self.assertEqual(file.parent.stat().st_mode & 0o777, 0o700)
        self.assertEqual([path.name for path in file.parent.iterdir()], ["self-signed.pem"])

    def test_it_is_kept_while_it_is_good(self) -> None:
        self.provide("a.example")
        self.assertFalse(self.provide("a.example")[1])
        self.assertFalse(self.provide("a.example", now=NOW + timedelta(days=790))[1])

    def test_it_is_made_anew_30_days_before_its_end(self) -> None:
        self.provide("a.example")
        self.assertTrue(self.provide("a.example", now=NOW + timedelta(days=796))[1])

    def test_it_is_made_anew_for_other_names(self) -> None:
        self.provide("a.example")
        self.assertTrue(self.provide("b.example")[1])

    def test_rubbish_in_its_place_is_replaced(self) -> None:
        file, _ = self.provide()
        file.write_text("nothing")
        self.assertTrue(self.provide()[1])

    def test_names_may_be_addresses_wildcards_and_very_long(self) -> None:
        long = "a" * 60 + ".example.com"
        certificate = self.made(long, "*.example.com", "2001:db8::1")
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        self.assertIn("2001:db8::1", [str(one) for one in names.get_values_for_type(x509.IPAddress)])
        self.assertIn(long, names.get_values_for_type(x509.DNSName))
