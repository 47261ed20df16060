"""Handshakes in memory: Python's own client against our contexts."""

import contextlib
import hashlib
import ssl
from pathlib import Path
from typing import Any

import attrs
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from qisd.settings import Settings, default_settings
from qisd.tls.certificates import load_certificates
from qisd.tls.challenges import proof_of
from qisd.tls.contexts import ContextHolder, make_context
from tests.tls.certificate_files import Issued, issue


class Client:
    """A client that shakes hands with ``context`` at once."""

    def __init__(
        self,
        context: SSL.Context,
        *,
        name: str | None = None,
        version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
        session: ssl.SSLSession | None = None,
        settings: ssl.SSLContext | None = None,
    ) -> None:
        self.settings = settings or client_settings(version)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = self.settings.wrap_bio(self._in, self._out, server_hostname=name, session=session)
        self._server = SSL.Connection(context, None)
        self._server.set_accept_state()
        for _ in range(10):
            done = self._try(self._tls.do_handshake)
            self._exchange()
            done = self._try(self._server.do_handshake) and done
            self._exchange()
            if done:
                break
        # A byte each way: with TLS 1.3 the session only comes after the handshake.
        self._server.send(b"x")
        self._exchange()
        self._tls.read(1)

    @property
    def certificate(self) -> bytes | None:
        return self._tls.getpeercert(binary_form=True)

    @property
    def version(self) -> str | None:
        return self._tls.version()

    @property
    def protocol(self) -> str | None:
        return self._tls.selected_alpn_protocol()

    @property
    def session(self) -> ssl.SSLSession | None:
        return self._tls.session

    @property
    def resumed(self) -> bool:
        return bool(self._tls.session_reused)

    def _try(self, step: Any) -> bool:
        try:
            step()
        except (ssl.SSLWantReadError, SSL.WantReadError):
            return False
        return True

    def _exchange(self) -> None:
        if self._out.pending:
            self._server.bio_write(self._out.read())
        with contextlib.suppress(SSL.WantReadError):
            self._in.write(self._server.bio_read(100_000))


def client_settings(version: ssl.TLSVersion) -> ssl.SSLContext:
    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    settings.check_hostname = False
    settings.verify_mode = ssl.CERT_NONE
    settings.minimum_version = settings.maximum_version = version
    return settings


class TlsCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        (self.directory / "sites").mkdir(parents=True)
        self.own = issue("own.example")

    def settings(self, **changes: Any) -> Settings:
        certificate, key = self.own.write(self.directory, "own")
        return attrs.evolve(
            default_settings(),
            tls_certificate_file=certificate,
            tls_private_key_file=key,
            tls_sites_dir=self.directory / "sites",
            **changes,
        )

    def site(self, name: str, *names: str) -> Issued:
        issued = issue(*(names or (name,)))
        issued.write(self.directory / "sites", name)
        return issued

    def context(self, **changes: Any) -> SSL.Context:
        settings = self.settings(**changes)
        return make_context(load_certificates(settings, previous=None), settings)


class Names(TlsCase):
    def shown(self, name: str | None) -> bytes | None:
        return Client(self.context(), name=name).certificate

    def der(self, issued: Issued) -> bytes:
        return ssl.PEM_cert_to_DER_cert(issued.pem.decode())

    def test_an_exact_name_gets_its_certificate(self) -> None:
        site = self.site("b.example")
        self.assertEqual(self.shown("b.example"), self.der(site))
        self.assertEqual(self.shown("B.EXAMPLE"), self.der(site))

    def test_a_wildcard_covers_one_level(self) -> None:
        site = self.site("wild", "*.c.example")
        self.assertEqual(self.shown("a.c.example"), self.der(site))
        self.assertEqual(self.shown("a.b.c.example"), self.der(self.own))
        self.assertEqual(self.shown("c.example"), self.der(self.own))

    def test_the_exact_name_goes_before_the_wildcard(self) -> None:
        self.site("wild", "*.c.example")
        exact = self.site("a.c.example")
        self.assertEqual(self.shown("a.c.example"), self.der(exact))

    def test_the_default_one_counts_among_the_exact_names(self) -> None:
        self.own = issue("own.c.example")
        self.site("wild", "*.c.example")
        self.assertEqual(self.shown("own.c.example"), self.der(self.own))

    def test_any_other_name_and_none_get_the_default_one(self) -> None:
        self.site("b.example")
        for name in ("other.example", None):
            self.assertEqual(self.shown(name), self.der(self.own))


class Proofs(TlsCase):
    """Certificate authorities ask by a protocol of their own (RFC 8737)."""

    def shown(self, name: str, *protocols: str, pending: str = "own.example") -> tuple[x509.Certificate, str | None]:
        settings = client_settings(ssl.TLSVersion.TLSv1_3)
        settings.set_alpn_protocols(list(protocols))
        own = self.settings()
        context = make_context(
            load_certificates(own, previous=None),
            own,
            lambda asked: proof_of(asked, "token.thumb") if asked == pending else None,
        )
        client = Client(context, name=name, settings=settings)
        return x509.load_der_x509_certificate(client.certificate or b""), client.protocol

    def test_who_asks_so_for_a_name_gets_the_proof(self) -> None:
        shown, protocol = self.shown("OWN.example", "acme-tls/1")
        self.assertEqual(protocol, "acme-tls/1")
        proof = shown.extensions.get_extension_for_oid(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31"))
        assert isinstance(proof.value, x509.UnrecognizedExtension)
        self.assertTrue(proof.critical)
        self.assertEqual(proof.value.value, b"\x04\x20" + hashlib.sha256(b"token.thumb").digest())
        names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        self.assertEqual(names.get_values_for_type(x509.DNSName), ["own.example"])

    def test_everybody_else_gets_the_certificate(self) -> None:
        for protocols in (("http/1.1",), ("acme-tls/1", "http/1.1")):
            self.assertEqual(self.shown("own.example", *protocols), (self.own.certificate, "http/1.1"))
        shown, protocol = self.shown("own.example", "acme-tls/1", pending="other.example")
        self.assertEqual((shown, protocol), (self.own.certificate, None))


class Kinds(TlsCase):
    """Certificates for one name with different kinds of keys."""

    def kind(self, name: str | None, ciphers: str) -> str | None:
        settings = client_settings(ssl.TLSVersion.TLSv1_2)
        settings.set_ciphers(ciphers)
        shown = Client(self.context(), name=name, settings=settings).certificate
        key = x509.load_der_x509_certificate(shown or b"").public_key()
        return "RSA" if isinstance(key, rsa.RSAPublicKey) else "ECDSA"

    def test_each_client_gets_the_one_that_it_likes(self) -> None:
        issue("b.example", kind="RSA").write(self.directory / "sites", "b-rsa")
        issue("b.example").write(self.directory / "sites", "b-ecdsa")
        issue("own.example", kind="RSA").write(self.directory / "sites", "own")
        for name in ("b.example", "own.example", None):
            for kind in ("RSA", "ECDSA"):
                self.assertEqual(self.kind(name, f"ECDHE-{kind}-AES128-GCM-SHA256"), kind, name)

    def test_each_has_its_own_chain(self) -> None:
        pairs = []
        for kind in ("RSA", "ECDSA"):
            middle = issue(subject=f"middle {kind}", authority=True)
            leaf = issue("b.example", issuer=middle, kind=kind)
            (self.directory / "sites" / f"{kind}.crt").write_bytes(leaf.pem + middle.pem)
            (self.directory / "sites" / f"{kind}.key").write_bytes(leaf.key_pem())
            pairs.append((kind, middle))
        for kind, middle in pairs:
            settings = client_settings(ssl.TLSVersion.TLSv1_2)
            settings.set_ciphers(f"ECDHE-{kind}-AES128-GCM-SHA256")
            settings.verify_mode = ssl.CERT_REQUIRED
            settings.load_verify_locations(cadata=middle.pem.decode())
            Client(self.context(), name="b.example", settings=settings)  # the handshake fails without the chain


class Rules(TlsCase):
    def test_both_versions_are_served(self) -> None:
        for version, shown in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
            self.assertEqual(Client(self.context(), version=version).version, shown)

    def test_the_older_one_can_be_switched_off(self) -> None:
        with self.assertRaises(SSL.Error):  # the server refuses
            Client(self.context(tls_min_version="1.3"), version=ssl.TLSVersion.TLSv1_2)

    def test_older_ones_are_refused(self) -> None:
        settings = client_settings(ssl.TLSVersion.TLSv1_2)
        settings.minimum_version = ssl.TLSVersion.TLSv1
        settings.maximum_version = ssl.TLSVersion.TLSv1_1
        settings.set_ciphers("ALL:@SECLEVEL=0")
        with self.assertRaises(SSL.Error):  # the server refuses
            Client(self.context(), settings=settings)

    def test_http_1_1_is_what_is_spoken(self) -> None:
        for offered, chosen in ((["h2", "http/1.1"], "http/1.1"), (["h2"], None)):
            settings = client_settings(ssl.TLSVersion.TLSv1_3)
            settings.set_alpn_protocols(offered)
            self.site("b.example")
            for name in ("own.example", "b.example"):
                self.assertEqual(Client(self.context(), settings=settings, name=name).protocol, chosen)

    def test_only_strong_ciphers_of_tls_1_2_are_accepted(self) -> None:
        settings = client_settings(ssl.TLSVersion.TLSv1_2)
        settings.set_ciphers("ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
        with self.assertRaises(SSL.Error):  # the server refuses
            Client(self.context(), settings=settings)

    def test_keys_are_exchanged_in_the_groups_that_everybody_has(self) -> None:
        for group, accepted in (("prime256v1", True), ("secp384r1", True), ("secp521r1", False)):
            settings = client_settings(ssl.TLSVersion.TLSv1_3)
            settings.set_ecdh_curve(group)
            try:
                Client(self.context(), settings=settings)
            except (SSL.Error, ssl.SSLError):
                self.assertFalse(accepted, group)
            else:
                self.assertTrue(accepted, group)


class Sessions(TlsCase):
    def test_they_are_resumed(self) -> None:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = self.context()
            first = Client(context, version=version)
            second = Client(context, settings=first.settings, session=first.session)
            self.assertEqual((first.resumed, second.resumed), (False, True), version)

    def test_they_are_resumed_for_another_site_too(self) -> None:
        self.site("b.example")
        context = self.context()
        first = Client(context, name="b.example")
        second = Client(context, name="b.example", settings=first.settings, session=first.session)
        self.assertTrue(second.resumed)

    def test_after_a_renewal_the_handshake_is_a_full_one(self) -> None:
        first = Client(self.context())
        second = Client(self.context(), settings=first.settings, session=first.session)
        self.assertFalse(second.resumed)


class Holder(TlsCase):
    def test_it_is_what_twisted_asks(self) -> None:
        verifyObject(IOpenSSLServerConnectionCreator, ContextHolder(self.context()))

    def test_new_connections_get_the_context_in_force(self) -> None:
        old, new = self.context(), self.context()
        holder = ContextHolder(old)
        first = holder.serverConnectionForTLS(None)  # type: ignore[arg-type]
        holder.current = new
        second = holder.serverConnectionForTLS(None)  # type: ignore[arg-type]
        self.assertEqual((first.get_context(), second.get_context()), (old, new))
