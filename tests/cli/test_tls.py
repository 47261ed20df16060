"""``qis tls``: certificates on disk, and a server on loopback."""

import os
import socket
import ssl
import threading
from pathlib import Path

from tests.cli.runner import CommandCase
from tests.tls.certificate_files import Issued, issue


class StatusTests(CommandCase):
    def setUp(self) -> None:
        super().setUp()
        self.sites = Path(self.mktemp()).absolute()
        self.sites.mkdir()
        self.environ["QIS_TLS_SITES_DIR"] = str(self.sites)
        authority = issue(subject="authority", authority=True)
        self.own = issue("a.example", issuer=authority).write(self.sites.parent, "own")
        self.environ["QIS_TLS_CERTIFICATE_FILE"], self.environ["QIS_TLS_PRIVATE_KEY_FILE"] = map(str, self.own)

    def test_every_certificate_is_told_of(self) -> None:
        issue("b.example", "c.example", kind="RSA", days=10.5).write(self.sites, "b")
        outcome = self.qis("tls", "status", "--json")
        self.assertEqual(outcome.code, 0)
        first, second = outcome.json()["certificates"]
        self.assertEqual((first["name"], first["issuer"], first["key"]), ("default", "authority", "ECDSA"))
        self.assertEqual(
            (second["hosts"], second["issuer"], second["days_left"]), (["b.example", "c.example"], "itself", 10)
        )
        self.assertIn("b.example, c.example", self.qis("tls", "status").out)

    def test_one_that_can_not_be_used_is_an_unhealthy_state(self) -> None:
        issue("b.example", days=-1, age=9).write(self.sites, "b")
        outcome = self.qis("tls", "status")
        self.assertEqual(outcome.code, 5)
        self.assertIn("expired", outcome.out)


class SelfSignTests(CommandCase):
    def test_a_new_one_is_made_for_all_own_names(self) -> None:
        self.environ |= {"QIS_PUBLIC_HOST_NAME": "shop.example", "QIS_TLS_SITES_DIR": ""}
        made = []
        for _ in range(2):
            outcome = self.qis("tls", "self-sign", "--json")
            self.assertEqual(outcome.code, 0, outcome.err)
            facts = outcome.json()
            self.assertEqual((facts["hosts"][0], facts["shown"]), ("shop.example", False))
            path = Path(facts["file"])
            self.assertEqual((path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777), (0o600, 0o700))
            made.append(path.read_bytes())
        self.assertNotEqual(*made)
        (shown,) = self.qis("tls", "status", "--json").json()["certificates"]
        self.assertEqual((shown["issuer"], shown["days_left"]), ("itself", 824))


class TestTests(CommandCase):
    def serve(self, issued: Issued) -> int:
        """A server that shakes hands with whoever comes; its port."""
        folder = Path(self.mktemp())
        folder.mkdir()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*issued.write(folder, "own"))
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)

        def work() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                try:
                    context.wrap_socket(connection, server_side=True).close()
                except OSError:
                    connection.close()

        threading.Thread(target=work, daemon=True).start()
        self.addCleanup(listening.shutdown, socket.SHUT_RDWR)
        return int(listening.getsockname()[1])

    def test_a_server_that_can_be_trusted(self) -> None:
        authority = issue(subject="authority", authority=True)
        trusted = Path(self.mktemp())
        trusted.write_bytes(authority.pem)
        port = self.serve(issue("shop.example", issuer=authority))
        arguments = ("tls", "test", f"shop.example:{port}", "--at", "127.0.0.1", "--ca", os.fspath(trusted), "--json")
        outcome = self.qis(*arguments)
        self.assertEqual((outcome.code, outcome.err), (0, ""))
        facts = outcome.json()
        self.assertEqual((facts["version"], facts["issuer"], facts["faults"]), ("TLSv1.3", "authority", []))
        self.assertEqual(facts["versions"], ["TLS 1.2", "TLS 1.3"])
        elsewhere = ("tls", "test", "shop.example", "--at", f"127.0.0.1:{port}", "--ca", os.fspath(trusted), "--json")
        self.assertEqual(self.qis(*elsewhere).json(), facts)
        self.assertIn("must be a host name", self.qis("tls", "test", "shop.example", "--at", "127.0.0.1:x").err)

    def test_a_server_that_can_not_be(self) -> None:
        port = self.serve(issue("shop.example"))
        outcome = self.qis("tls", "test", f"shop.example:{port}", "--at", "127.0.0.1", "--json")
        self.assertEqual(outcome.code, 5)
        self.assertIn("self-signed", outcome.json()["faults"][0])

    def test_a_chain_that_is_not_whole_is_told_with_what_to_do(self) -> None:
        root = issue(subject="root", authority=True)
        middle = issue(subject="middle", authority=True, issuer=root)
        trusted = Path(self.mktemp())
        trusted.write_bytes(root.pem)
        port = self.serve(issue("shop.example", issuer=middle))
        outcome = self.qis("tls", "test", f"shop.example:{port}", "--at", "127.0.0.1", "--ca", os.fspath(trusted))
        self.assertEqual(outcome.code, 5)
        (line,) = [line for line in outcome.out.splitlines() if line.startswith("fault: ")]
        self.assertIn("the certificate of middle is missing; put it behind the others", line)

    def test_authorities_that_are_none(self) -> None:
        nothing = Path(self.mktemp())
        nothing.touch()
        self.assertEqual(self.qis("tls", "test", "shop.example", "--ca", os.fspath(nothing)).code, 2)

    def test_nobody_there(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        outcome = self.qis("tls", "test", f"127.0.0.1:{port}")
        self.assertEqual(outcome.code, 3)

    def test_what_is_no_host(self) -> None:
        for text in ("a:b", "a:0", "a:99999", ":443"):
            self.assertEqual(self.qis("tls", "test", text).code, 2, text)
