"""The load generator, against small servers in threads."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from qisd.cli.load import Amount, Server, load

BODY = b"x" * 20_000
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\nX-From-Cache: True\r\n\r\n" + BODY

Serve = Callable[[socket.socket, int], None]
"""Serves one connection, the how manieth of all."""


class Observed:
    """What a load has told."""

    def __init__(self) -> None:
        self.answers: list[tuple[float, float, int, bool | None]] = []
        self.failures: list[str] = []

    def answered(self, began: float, ended: float, size: int, hit: bool | None) -> None:
        self.answers.append((began, ended, size, hit))

    def failed(self, ended: float, reason: str) -> None:
        self.failures.append(reason)


def asked(connection: socket.socket) -> bytes:
    """The next head; empty at the end."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        data = connection.recv(10_000)
        if not data:
            return b""
        head += data
    return head


def answering(*pieces: bytes) -> Serve:
    """Each request is answered with ``pieces``."""

    def serve(connection: socket.socket, number: int) -> None:
        while asked(connection):
            for piece in pieces:
                connection.sendall(piece)

    return serve


def silent(connection: socket.socket, number: int) -> None:
    """Hear one request, and say nothing."""
    asked(connection)
    connection.recv(1)


class LoadCase(SynchronousTestCase):
    def serve(self, serve: Serve, context: ssl.SSLContext | None = None) -> Server:
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)
        self.connections = 0

        def one(connection: socket.socket, number: int) -> None:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                with context.wrap_socket(connection, server_side=True) if context else connection as opened:
                    serve(opened, number)
            except OSError:
                pass

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                self.connections += 1
                threading.Thread(target=one, args=(connection, self.connections), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return Server(host="127.0.0.1", port=listening.getsockname()[1])

    def load(
        self,
        server: Server,
        amount: Amount,
        *,
        clients: int = 1,
        keep_alive: bool = True,
        timeout: float = 20.0,
        requests: tuple[bytes, ...] = (b"GET / HTTP/1.1\r\n\r\n",),
    ) -> Observed:
        observed = Observed()
        load(server, requests, amount, observed, clients=clients, keep_alive=keep_alive, timeout=timeout)
        return observed


class LoadTests(LoadCase):
    def test_each_request_has_its_answer_and_connections_are_kept(self) -> None:
        observed = self.load(self.serve(answering(PLAIN)), Amount(count=100), clients=4)
        self.assertEqual((len(observed.answers), observed.failures), (100, []))
        self.assertEqual({(size, hit) for _, _, size, hit in observed.answers}, {(len(PLAIN), True)})
        self.assertLessEqual(self.connections, 4)

    def test_without_keep_alive_each_has_a_connection_of_its_own(self) -> None:
        observed = self.load(self.serve(answering(PLAIN)), Amount(count=20), clients=4, keep_alive=False)
        self.assertEqual((len(observed.answers), self.connections), (20, 20))

    def test_requests_come_in_their_order_over_and_over(self) -> None:
        seen = []

        def serve(connection: socket.socket, number: int) -> None:
            while head := asked(connection):
                seen.append(head)
                connection.sendall(PLAIN)

        self.load(self.serve(serve), Amount(count=5), requests=(b"GET /a H\r\n\r\n", b"GET /b H\r\n\r\n"))
        self.assertEqual([head[5:6] for head in seen], [b"a", b"b", b"a", b"b", b"a"])

    def test_heads_and_bodies_may_come_in_pieces_and_in_other_forms(self) -> None:
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        for pieces in (
            [PLAIN[:10], PLAIN[10:50], PLAIN[50:60], PLAIN[60:]],
            [b"HTTP/1.1 200 OK\r\ncontent-length:  2\r\n\r\nab"],
            [b"HTTP/1.1 304 Not Modified\r\n\r\n"],
            [chunked],
            [chunked[:-3], chunked[-3:]],
        ):
            observed = self.load(self.serve(answering(*pieces)), Amount(count=3))
            self.assertEqual((len(observed.answers), observed.failures), (3, []), pieces)

    def test_a_body_may_go_on_until_the_connection_ends(self) -> None:
        def serve(connection: socket.socket, number: int) -> None:
            asked(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nabc")

        observed = self.load(self.serve(serve), Amount(count=3))
        self.assertEqual((len(observed.answers), observed.failures), (3, []))

    def test_refusals_are_errors_and_the_connection_goes_on(self) -> None:
        refusal = b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno"
        observed = self.load(self.serve(answering(refusal)), Amount(count=3))
        self.assertEqual((observed.answers, observed.failures, self.connections), ([], ["status 503"] * 3, 1))

    def test_what_was_closed_while_it_was_idle_is_opened_again_without_an_error(self) -> None:
        def serve(connection: socket.socket, number: int) -> None:
            asked(connection)
            connection.sendall(PLAIN)

        observed = self.load(self.serve(serve), Amount(count=5))
        self.assertEqual((len(observed.answers), observed.failures, self.connections), (5, [], 5))

    def test_what_breaks_off_is_an_error(self) -> None:
        def serve(connection: socket.socket, number: int) -> None:
            asked(connection)
            connection.sendall(PLAIN if number > 1 else PLAIN[:100])

        observed = self.load(self.serve(serve), Amount(count=2))
        self.assertEqual((len(observed.answers), observed.failures), (1, ["connection: closed"]))

    def test_nonsense_and_too_much_are_errors(self) -> None:
        for pieces in ([b"hello\r\n\r\n"], [PLAIN + b"more"]):
            observed = self.load(self.serve(answering(*pieces)), Amount(count=1))
            self.assertEqual((observed.answers, len(observed.failures)), ([], 1), pieces)

    def test_nobody_there_is_an_error_for_each_request(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        observed = self.load(Server(host="127.0.0.1", port=port), Amount(count=2), clients=2)
        self.assertEqual(observed.failures, ["connection: Connection refused"] * 2)

    def test_no_answer_in_time_is_an_error(self) -> None:
        observed = self.load(self.serve(silent), Amount(count=1), timeout=0.01)
        self.assertEqual(observed.failures, ["timed out"])


class RateTests(LoadCase):
    def test_a_request_counts_from_when_it_should_have_been_sent(self) -> None:
        observed = self.load(self.serve(answering(PLAIN)), Amount(count=50, rate=100_000.0))
        began = [one[0] for one in observed.answers]
        for number, moment in enumerate(began):
            self.assertAlmostEqual(moment - began[0], number / 100_000, places=9)
        self.assertGreater(observed.answers[-1][1] - observed.answers[-1][0], 0)

    def test_what_could_not_be_sent_is_an_error(self) -> None:
        observed = self.load(self.serve(silent), Amount(seconds=0.01, rate=1000.0), timeout=0.01)
        self.assertEqual(len(observed.failures), 10)
        self.assertIn("not sent in time", observed.failures)


class TlsTests(LoadCase):
    def test_the_same_below_tls(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        key, certificate = str(folder / "key.pem"), str(folder / "certificate.pem")
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        command += ["-subj", "/CN=x", "-keyout"]
        subprocess.run([*command, key, "-out", certificate], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        own = ssl.create_default_context(cafile=certificate)
        own.check_hostname = False
        for keep_alive in (True, False):
            found = self.serve(answering(PLAIN[:30], PLAIN[30:]), context)
            server = Server(host="127.0.0.1", port=found.port, context=own)
            observed = self.load(server, Amount(count=20), clients=3, keep_alive=keep_alive)
            self.assertEqual((len(observed.answers), observed.failures), (20, []))
        stranger = Server(host="127.0.0.1", port=found.port, context=ssl.create_default_context())
        (reason,) = self.load(stranger, Amount(count=1)).failures
        self.assertIn("connection: ", reason)
