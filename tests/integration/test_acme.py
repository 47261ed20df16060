"""Certificates from an authority, got by a daemon with its workers: the first one, renewals, and refusals."""

from __future__ import annotations

import atexit
import functools
import json
import os
import stat
from pathlib import Path

from cryptography import x509
from twisted.trial.unittest import SynchronousTestCase

from qisd.tls.chains import common_name
from qisd.tls.probing import shown_chain
from tests.integration.pebble import Gate, Names, Pebble, free_port, own_certificate
from tests.integration.postgres import UNPRIVILEGED
from tests.integration.process import LIMIT, Home, Run, until

HOST, ALIAS = "shop.example.org", "www.shop.example.org"


@functools.cache
def served() -> tuple[Home, Run, Gate, Gate]:
    """The daemon of this module, with workers, and the ways by which its authority gets to it: by HTTP, by TLS."""
    by_http, by_tls = Gate(), Gate()
    account = {"RUN_USER": UNPRIVILEGED} if os.geteuid() == 0 else {}
    home = Home(HTTP_PROCESSES="1", HTTPS_PROCESSES="2", TLS_SITES_DIR="", **account)
    atexit.register(home.remove)
    certificate, root = own_certificate()
    trusted = home.path / "trusted.pem"
    trusted.write_bytes(root.pem)
    home.environ["SSL_CERT_FILE"] = str(trusted)
    names = Names(home.path)
    atexit.register(names.stop)
    authority = Pebble(home.path, names=names, http=by_http.port, tls=by_tls.port, certificate=certificate)
    atexit.register(authority.stop)
    home.environ |= {
        "QIS_ACME": "true",
        "QIS_ACME_TERMS_AGREED": "true",
        "QIS_ACME_DIRECTORY": authority.directory,
        "QIS_ACME_EMAIL": "keeper@example.org",
        "QIS_PUBLIC_HOST_NAME": HOST,
        "QIS_SERVER_ALIASES": ALIAS,
    }
    ports = {"HTTP": free_port(), "HTTPS": free_port()}
    by_http.to, by_tls.to = ports.values()
    run = home.start(workers=True, **{f"{name}_LISTEN": f"127.0.0.1:{port}" for name, port in ports.items()})
    return home, run.ready(), by_http, by_tls


class AcmeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.home, self.daemon, self.by_http, self.by_tls = served()
        self.first = self.issued()

    def shut(self, gate: Gate) -> None:
        """Let the authority not come through there, for the time of this test."""
        gate.open = False
        self.addCleanup(setattr, gate, "open", True)

    def shown(self) -> list[x509.Certificate]:
        return shown_chain(("127.0.0.1", self.daemon.port("https")), HOST, timeout=LIMIT)

    def issued(self, *, but: x509.Certificate | None = None) -> list[x509.Certificate]:
        """The chain that is shown once it is an authority's, and another one than ``but``."""

        def look() -> list[x509.Certificate] | None:
            chain = self.shown()
            return chain if chain[0] != but and common_name(chain[0].issuer).startswith("Pebble") else None

        return until(look, f"a certificate of the authority; the log: {self.daemon.log[-3000:]}")

    def workers(self) -> set[int]:
        """The processes that the main one has started."""
        main = self.daemon.process.pid
        return set(map(int, Path(f"/proc/{main}/task/{main}/children").read_text().split()))

    def copy(self) -> Path:
        return self.home.path / "state/tls/acme.pem"

    def renew(self) -> x509.Certificate:
        """Have a new one, and wait until it is shown."""
        renewal = self.home.qis("tls", "renew")
        self.assertEqual(renewal.returncode, 0, renewal.stderr)
        return self.issued(but=self.first[0])[0]

    def test_it_is_got_by_http_and_renewed_without_an_exchange_of_workers(self) -> None:
        names = self.first[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        self.assertEqual(sorted(names.get_values_for_type(x509.DNSName)), [HOST, ALIAS])
        self.assertGreater(len(self.first), 1)
        self.assertEqual(stat.S_IMODE(self.copy().stat().st_mode), 0o600)
        workers = self.workers()
        self.shut(self.by_tls)
        self.renew()
        self.assertEqual(self.workers(), workers)

    def test_where_nobody_comes_through_by_http_it_is_got_by_tls(self) -> None:
        self.shut(self.by_http)
        self.renew()
        self.assertIn("By http-01 it could not be shown whose the names are", self.daemon.log)

    def test_a_refusal_is_told_with_its_reason_and_leaves_all_as_it_was(self) -> None:
        self.shut(self.by_http)
        self.shut(self.by_tls)
        renewal = self.home.qis("tls", "renew")
        self.assertEqual((renewal.returncode, renewal.stdout), (4, ""), renewal.stderr)
        self.assertIn(f"There is no new certificate: {HOST}: ", renewal.stderr.replace(ALIAS, HOST))
        self.daemon.says("the next attempt is in 1 h")
        self.assertEqual(self.shown(), self.first)
        status = self.home.qis("tls", "status", "--json")
        self.assertEqual(status.returncode, 5, status.stderr)
        found = json.loads(status.stdout)
        (certificate,) = found["certificates"]
        self.assertEqual((certificate["file"], certificate["hosts"]), (str(self.copy()), [HOST, ALIAS]))
        self.assertIn("shop.example.org: ", found["renewal"]["error"])
