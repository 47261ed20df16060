from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qisd.access.directory_server import Address, _TimedSocket, parse_address
from qisd.errors import DirectoryFailure


class AddressTests(SynchronousTestCase):
    """What ``LDAP_SERVER`` may say."""

    def test_host_port_and_scheme_are_understood(self) -> None:
        for text, expected in (
            ("ldap.example.com", Address("ldap.example.com", 389, False)),
            ("ldap.example.com:1389", Address("ldap.example.com", 1389, False)),
            ("ldap://ldap.example.com", Address("ldap.example.com", 389, False)),
            ("LDAP://ldap.example.com:1389/", Address("ldap.example.com", 1389, False)),
            ("ldaps://ldap.example.com/", Address("ldap.example.com", 636, True)),
            ("ldaps://ldap.example.com:1636", Address("ldap.example.com", 1636, True)),
            ("10.0.0.1:389", Address("10.0.0.1", 389, False)),
            ("::1", Address("::1", 389, False)),
            ("[::1]", Address("::1", 389, False)),
            ("[fe80::1%eth0]:1389", Address("fe80::1%eth0", 1389, False)),
            ("ldaps://[2001:db8::1]:1636", Address("2001:db8::1", 1636, True)),
            ("ldap://::ffff:10.0.0.1", Address("::ffff:10.0.0.1", 389, False)),
        ):
            with self.subTest(text=text):
                self.assertEqual(parse_address(text, ldaps=False), expected)

    def test_a_secure_connection_is_never_weakened_by_a_url(self) -> None:
        self.assertEqual(parse_address("ldap.example.com", ldaps=True), Address("ldap.example.com", 636, True))
        self.assertEqual(parse_address("ldap://ldap.example.com", ldaps=True), Address("ldap.example.com", 636, True))
        self.assertEqual(parse_address("ldap://a:1389", ldaps=True), Address("a", 1389, True))

    def test_anything_else_is_a_failure(self) -> None:
        for text in (
            "",
            "http://ldap.example.com",
            "ldapi:///var/run/slapd",
            "ldap://",
            "a:",
            "a:b",
            "a:0",
            "a:65536",
            "a b",
            "ldap://a/dc=example",
            "ldap://user@a",
            "[::1",
            "[::1]389",
            "[a]:389",
        ):
            with self.subTest(text=text), self.assertRaises(DirectoryFailure):
                parse_address(text, ldaps=False)


class FakeSocket:
    """Receives what it is told to, and remembers the time-outs."""

    def __init__(self) -> None:
        self.incoming: list[bytes] = []
        self.sent = b""
        self.timeouts: list[float] = []

    def settimeout(self, seconds: float) -> None:
        self.timeouts.append(seconds)

    def sendall(self, data: bytes) -> None:
        self.sent += data

    def recv(self, size: int) -> bytes:
        return self.incoming.pop(0)


class TimedSocketTests(SynchronousTestCase):
    """Answers that must be there in time."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.inner: Any = FakeSocket()
        self.socket = _TimedSocket(self.inner, 5.0, clock=self.clock.seconds)

    def test_each_part_of_an_answer_has_what_is_left_of_the_time(self) -> None:
        self.inner.incoming = [b"a", b"b"]
        self.socket.sendall(b"question")
        self.clock.advance(2)
        self.assertEqual(self.socket.recv(10), b"a")
        self.clock.advance(2)
        self.assertEqual(self.socket.recv(10), b"b")
        self.assertEqual(self.inner.timeouts, [5.0, 3.0, 1.0])
        self.clock.advance(1)
        with self.assertRaises(TimeoutError):
            self.socket.recv(10)

    def test_the_next_question_has_all_the_time_again(self) -> None:
        self.inner.incoming = [b"a"]
        self.socket.sendall(b"question")
        self.clock.advance(60)
        self.socket.sendall(b"another")
        self.assertEqual(self.socket.recv(10), b"a")

    def test_an_answer_without_end_is_cut_off(self) -> None:
        self.inner.incoming = [bytes(2**20)] * 5
        self.socket.sendall(b"question")
        for _ in range(4):
            self.socket.recv(2**20)
        with self.assertRaises(OSError):
            self.socket.recv(2**20)
