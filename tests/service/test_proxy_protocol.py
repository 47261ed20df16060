"""The PROXY protocol: what is read of it, who is believed, and who gets the connection."""

import contextlib
import ipaddress
import socket
import struct

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from qisd.service.proxy_protocol import BadHead, BehindBalancers, Head, read_head

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V1 = b"PROXY TCP4 203.0.113.7 10.0.0.1 50000 443\r\n"
CLIENT = IPv4Address("TCP", "203.0.113.7", 50000)


def v2(command: int = 0x21, family: int = 0x11, body: bytes | None = None, more: bytes = b"") -> bytes:
    if body is None:
        body = socket.inet_aton("203.0.113.7") + socket.inet_aton("10.0.0.1") + struct.pack("!HH", 50000, 443)
    return SIGNATURE + struct.pack("!BBH", command, family, len(body + more)) + body + more


class HeadTests(SynchronousTestCase):
    def test_version_1(self) -> None:
        self.assertEqual(read_head(V1 + b"GET"), Head(client=CLIENT, length=len(V1)))
        six = b"PROXY TCP6 2001:db8::7 2001:db8::1 5 443\r\n"
        self.assertEqual(read_head(six), Head(client=IPv6Address("TCP", "2001:db8::7", 5), length=len(six)))
        self.assertEqual(read_head(b"PROXY UNKNOWN a b\r\nGET"), Head(client=None, length=19))

    def test_version_2(self) -> None:
        head = v2(more=b"\x04\x00\x01x")  # with something that the balancer adds
        self.assertEqual(read_head(head + b"GET"), Head(client=CLIENT, length=len(head)))
        six = ipaddress.ip_address("2001:db8::7").packed * 2 + struct.pack("!HH", 5, 443)
        found = read_head(v2(family=0x21, body=six))
        self.assertEqual(found and found.client, IPv6Address("TCP", "2001:db8::7", 5))

    def test_a_balancer_that_speaks_for_itself_names_nobody(self) -> None:
        for head in (v2(command=0x20), v2(command=0x20, family=0, body=b""), v2(family=0, body=b"")):
            self.assertEqual(read_head(head), Head(client=None, length=len(head)))

    def test_it_may_come_in_any_pieces(self) -> None:
        for head in (V1, v2()):
            for end in range(len(head)):
                self.assertIsNone(read_head(head[:end]))

    def test_everything_else_is_refused(self) -> None:
        for data in (
            b"GET / HTTP/1.1\r\n",
            b"\x16\x03\x01",
            b"PROXY TCP4 203.0.113.7 10.0.0.1 50000\r\n",
            b"PROXY TCP4 203.0.113.7 10.0.0.1 65536 443\r\n",
            b"PROXY TCP4 203.0.113.7 10.0.0.1 0000011111111 443\r\n",
            b"PROXY TCP4 203.0.113.7 10.0.0.1 -1 443\r\n",
            b"PROXY TCP6 203.0.113.7 10.0.0.1 1 443\r\n",
            b"PROXY TCP4 evil 10.0.0.1 1 443\r\n",
            b"PROXY " + b"x" * 200,
            v2(command=0x11),
            v2(family=0x12),
            v2(body=b"\0"),
            v2(more=b"x" * 5000),
        ):
            with self.assertRaises(BadHead):
                read_head(data)

    @given(st.one_of(st.binary(max_size=300), st.binary(max_size=60).map(lambda rest: SIGNATURE + rest)))
    def test_no_bytes_are_an_unforeseen_error(self, data: bytes) -> None:
        with contextlib.suppress(BadHead):
            read_head(data)


@attrs.frozen(kw_only=True)
class Rules:
    proxy_protocol: bool = True
    proxy_addresses: tuple[ipaddress.IPv4Network, ...] = (ipaddress.IPv4Network("10.0.0.0/8"),)
    request_timeout: float = 60


class Echo(Protocol):
    received = b""

    def dataReceived(self, data: bytes) -> None:
        self.received += data


class Inner(Factory):
    protocol = Echo

    def __init__(self) -> None:
        self.made: list[tuple[object, Echo]] = []

    def buildProtocol(self, addr: object) -> Echo:
        echo = Echo()
        self.made.append((addr, echo))
        return echo


class ConnectionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.inner = Inner()

    def connect(self, peer: str = "10.0.0.2", **rules: object) -> StringTransport | None:
        address = IPv4Address("TCP", peer, 1)
        factory = BehindBalancers(self.inner, rules=lambda: Rules(**rules), reactor=self.clock)  # type: ignore[arg-type]
        protocol = factory.buildProtocol(address)
        if protocol is None:
            return None
        transport = StringTransport(peerAddress=address)
        transport.protocol = protocol
        protocol.makeConnection(transport)
        return transport

    def test_the_connection_is_the_clients_from_its_first_byte_on(self) -> None:
        transport = self.connect()
        assert transport is not None
        transport.protocol.dataReceived(V1[:9])
        self.assertEqual(self.inner.made, [])
        transport.protocol.dataReceived(V1[9:] + b"GET")
        [(address, echo)] = self.inner.made
        self.assertEqual((address, transport.getPeer(), echo.received), (CLIENT, CLIENT, b"GET"))
        transport.protocol.dataReceived(b" /")
        self.assertEqual(echo.received, b"GET /")

    def test_a_check_of_the_balancers_own_is_from_the_balancer(self) -> None:
        transport = self.connect()
        assert transport is not None
        transport.protocol.dataReceived(v2(command=0x20))
        self.assertEqual(self.inner.made[0][0].host, "10.0.0.2")  # type: ignore[attr-defined]

    def test_nobody_else_may_say_who_they_are(self) -> None:
        self.assertIsNone(self.connect("203.0.113.9"))

    def test_who_says_nothing_is_cut(self) -> None:
        transport = self.connect()
        assert transport is not None
        transport.protocol.dataReceived(b"GET / HTTP/1.1\r\n\r\n")
        self.assertTrue(transport.disconnected)
        self.assertEqual(self.inner.made, [])

    def test_who_takes_too_long_is_cut(self) -> None:
        transport = self.connect()
        assert transport is not None
        transport.protocol.dataReceived(V1[:5])
        self.clock.advance(60)
        self.assertTrue(transport.disconnected)

    def test_where_it_is_not_spoken_nothing_is_in_between(self) -> None:
        transport = self.connect("203.0.113.9", proxy_protocol=False)
        assert transport is not None
        self.assertIsInstance(transport.protocol, Echo)
