"""HTTPS as a balancer, a browser and a certificate authority meet it: one daemon behind the PROXY protocol."""

from __future__ import annotations

import atexit
import functools
import json
import os
import socket
import ssl
import subprocess

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from twisted.trial.unittest import SynchronousTestCase

from tests.integration.postgres import UNPRIVILEGED
from tests.integration.process import LIMIT, Home, Run, until
from tests.tls.certificate_files import issue

HOST = "shop.example"
SAYS = b"PROXY TCP4 203.0.113.7 127.0.0.1 50000 443\r\n"
IMAGE = "/image?src=samples/penguin.jpg&width=50"


@functools.cache
def served() -> tuple[Home, Run]:
    """The daemon of this module."""
    account = {"RUN_USER": UNPRIVILEGED} if os.geteuid() == 0 else {}
    home = Home(**account)
    atexit.register(home.remove)
    sites, challenges = home.path / "sites", home.path / "webroot/.well-known/acme-challenge"
    sites.mkdir()
    challenges.mkdir(parents=True)
    (challenges / "token-1").write_text("token-1.thumbprint")
    authority = issue(subject="authority", authority=True)
    for kind in ("ECDSA", "RSA"):
        issue(HOST, issuer=authority, kind=kind).write(sites, kind.lower())
    if account:
        subprocess.run(["chown", "-hR", UNPRIVILEGED, str(home.path)], check=True)
    run = home.start(
        PROXY_PROTOCOL="true",
        HTTP_REDIRECT="all",
        HSTS_MAX_AGE="300",
        APPLICATION_ROOT="/images",
        TLS_SITES_DIR=str(sites),
        ACME_WEBROOT=str(home.path / "webroot"),
    )
    return home, run.ready()


class HttpsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.home, self.daemon = served()

    def ask(
        self, target: str, *, scheme: str = "http", says: bytes = SAYS, host: str = HOST, sigalgs: str | None = None
    ) -> tuple[bytes, x509.Certificate | None]:
        """The answer, all of it, and the certificate that was shown."""
        shown = None
        connection = socket.create_connection(("127.0.0.1", self.daemon.port(scheme)), timeout=LIMIT)
        with connection:
            connection.sendall(says)
            if scheme == "https":
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
                if sigalgs is not None:
                    context.maximum_version = ssl.TLSVersion.TLSv1_2
                    context.set_ciphers(sigalgs)
                connection = context.wrap_socket(connection, server_hostname=host)
                shown = x509.load_der_x509_certificate(connection.getpeercert(binary_form=True) or b"")
            with connection:
                connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                answer = b""
                try:
                    while data := connection.recv(65536):
                        answer += data
                except ConnectionResetError:
                    pass
        return answer, shown

    def test_whoever_comes_without_https_is_sent_to_it(self) -> None:
        answer, _ = self.ask("/images" + IMAGE)
        self.assertIn(b" 308 ", answer.splitlines()[0])
        target = f"/images{IMAGE}\r\n".encode()
        location = next(line for line in answer.splitlines(keepends=True) if line.startswith(b"Location: "))
        self.assertTrue(location.startswith(b"Location: https://shop.example:"), location)
        self.assertTrue(location.endswith(target), location)

    def test_balancers_and_authorities_are_answered_where_they_ask(self) -> None:
        for target, body in (
            ("/images/health", b"\r\n\r\nok"),
            ("/.well-known/acme-challenge/token-1", b"\r\n\r\ntoken-1.thumbprint"),
        ):
            answer, _ = self.ask(target)
            self.assertIn(b" 200 ", answer.splitlines()[0], target)
            self.assertTrue(answer.endswith(body), target)

    def test_an_authority_gets_nothing_but_answers(self) -> None:
        for token in ("token-2", "..%2f..%2f..%2fsites%2frsa.key", "%2e%2e", "."):
            answer, _ = self.ask(f"/.well-known/acme-challenge/{token}")
            self.assertIn(b" 404 ", answer.splitlines()[0], token)

    def test_with_a_certificate_that_is_vouched_for_browsers_are_to_stay(self) -> None:
        for _ in range(2):  # the second answer is a hot one
            answer, _ = self.ask("/images" + IMAGE, scheme="https")
            self.assertIn(b" 200 ", answer.splitlines()[0])
            self.assertIn(b"Strict-Transport-Security: max-age=300\r\n", answer)
        answer, _ = self.ask("/images" + IMAGE, scheme="https", host="other.example")
        self.assertNotIn(b"Strict-Transport-Security", answer)

    def test_clients_get_the_kind_of_certificate_that_they_know(self) -> None:
        for kind, ciphers in ((False, "ECDHE-ECDSA-AES128-GCM-SHA256"), (True, "ECDHE-RSA-AES128-GCM-SHA256")):
            _, shown = self.ask("/images/health", scheme="https", sigalgs=ciphers)
            assert shown is not None
            self.assertEqual(isinstance(shown.public_key(), rsa.RSAPrivateKey | rsa.RSAPublicKey), kind)

    def test_a_new_self_signed_certificate_is_shown_at_once(self) -> None:
        def shown() -> x509.Certificate | None:
            return self.ask("/images/health", scheme="https", host="nobody.example")[1]

        before = shown()
        made = self.home.qis("tls", "self-sign", "--json")
        self.assertEqual((made.returncode, json.loads(made.stdout)["shown"]), (0, True), made.stderr)
        self.assertNotEqual(shown(), before)

    def test_the_log_names_whom_the_balancer_has_named(self) -> None:
        self.ask("/images/health?seen", scheme="https")

        def logged() -> list[str]:
            return [line for line in self.home.log("access.log").splitlines() if "/images/health?seen" in line]

        for line in until(logged, "the request in the access log"):
            self.assertTrue(line.startswith("203.0.113.7 "), line)

    def test_who_does_not_say_whom_a_connection_is_from_gets_nothing(self) -> None:
        answer, _ = self.ask("/images/health", says=b"")
        self.assertEqual(answer, b"")
