"""The PROXY protocol, versions 1 and 2: a balancer that passes TCP on says first whom each connection is from.

Twisted's own wrapper believes everybody, waits for ever, wants the whole head in one piece, and makes the connection
known before it has read who it is from. Here the protocol of the connection begins with the first byte behind the
head, and is then all that its transport has: nothing is passed through.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Callable, Sequence
from typing import Any
from typing import Protocol as Typed

import attrs
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IAddress, IDelayedCall, IProtocol, IProtocolFactory
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from qisd.web.proxies import Network, is_among

_log = Logger()

_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
_FIXED = struct.Struct("!12sBBH")
_IPV4 = struct.Struct("!4s4sHH")
_IPV6 = struct.Struct("!16s16sHH")
_LOCAL, _PROXY = 0x20, 0x21
_FAMILIES = {0x11: _IPV4, 0x21: _IPV6}
_NOT_SAID = frozenset({0x00, 0x31, 0x32})
"""Families that say nothing of use: unspecified, sockets of UNIX."""

_V1_BEGINS = b"PROXY "
_V1_LONGEST = 107
_V1_FIELDS = 6
_LONGEST = 4096
"""Bytes of a head, with all that balancers add to it."""

_PORTS = 65_536
_PORT_DIGITS = 5


class BadHead(ValueError):
    """What came first is no such head."""


@attrs.frozen(kw_only=True)
class Head:
    """What a balancer has said.

    :param client: whom the connection is from; None: from the balancer itself, or it has not said.
    :param length: of the head, in bytes.
    """

    client: IPv4Address | IPv6Address | None
    length: int


def read_head(data: bytes) -> Head | None:
    """The head at the beginning of ``data``; None while some of it is missing.

    :raises BadHead: there is none.
    """
    if data.startswith(_SIGNATURE[: len(data)]):
        return _version_2(data)
    if data.startswith(_V1_BEGINS[: len(data)]):
        return _version_1(data)
    raise BadHead


def _version_1(data: bytes) -> Head | None:
    line, end, _ = data[:_V1_LONGEST].partition(b"\r\n")
    if not end:
        if len(data) >= _V1_LONGEST:
            raise BadHead
        return None
    length = len(line) + len(end)
    fields = line.split(b" ")
    if fields[1] == b"UNKNOWN":
        return Head(client=None, length=length)
    if len(fields) != _V1_FIELDS or fields[1] not in (b"TCP4", b"TCP6"):
        raise BadHead
    client = _address(fields[2], fields[4])
    if isinstance(client, IPv6Address) != (fields[1] == b"TCP6"):
        raise BadHead
    return Head(client=client, length=length)


def _address(host: bytes, port: bytes) -> IPv4Address | IPv6Address:
    try:
        address = ipaddress.ip_address(host.decode("ascii"))
    except ValueError:
        raise BadHead from None
    if not port.isdigit() or len(port) > _PORT_DIGITS or int(port) >= _PORTS:
        raise BadHead
    return _made(address, int(port))


def _version_2(data: bytes) -> Head | None:
    if len(data) < _FIXED.size:
        return None
    _, command, family, rest = _FIXED.unpack_from(data)
    length = _FIXED.size + rest
    if command not in (_LOCAL, _PROXY) or length > _LONGEST:
        raise BadHead
    if len(data) < length:
        return None
    if command == _LOCAL or family in _NOT_SAID:
        return Head(client=None, length=length)
    form = _FAMILIES.get(family)
    if form is None or rest < form.size:
        raise BadHead
    host, _, port, _ = form.unpack_from(data, _FIXED.size)
    return Head(client=_made(ipaddress.ip_address(host), port), length=length)


def _made(address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> IPv4Address | IPv6Address:
    kind = IPv4Address if address.version == 4 else IPv6Address
    return kind("TCP", str(address), port)


class Rules(Typed):
    """The settings that matter here."""

    @property
    def proxy_protocol(self) -> bool: ...
    @property
    def proxy_addresses(self) -> Sequence[Network]: ...
    @property
    def request_timeout(self) -> float: ...


class BehindBalancers(Factory):
    """Makes the protocols of ``inner``, below the PROXY protocol where that is spoken.

    :param rules: gives the settings in force.
    """

    noisy = False

    def __init__(self, inner: IProtocolFactory, *, rules: Callable[[], Rules], reactor: Any) -> None:
        self.inner = inner
        self.rules = rules
        self.reactor = reactor

    def doStart(self) -> None:  # noqa: N802
        self.inner.doStart()

    def doStop(self) -> None:  # noqa: N802
        self.inner.doStop()

    def buildProtocol(self, addr: IAddress | None) -> IProtocol | None:  # type: ignore[override]  # noqa: N802
        rules = self.rules()
        if not rules.proxy_protocol:
            return self.inner.buildProtocol(addr)  # type: ignore[arg-type]  # as Twisted calls it
        peer = str(getattr(addr, "host", ""))
        if not is_among(peer, rules.proxy_addresses):
            _log.warn("{peer} is not among PROXY_ADDRESSES, and may not say whom a connection is from", peer=peer)
            return None
        return _Head(self, patience=rules.request_timeout)


class _Head(Protocol):
    """Reads the head, and gives the connection to whom it is for."""

    def __init__(self, factory: BehindBalancers, *, patience: float) -> None:
        self.factory = factory
        self._patience = patience
        self._data = b""
        self._clock: IDelayedCall | None = None

    def connectionMade(self) -> None:  # noqa: N802
        self._clock = self.factory.reactor.callLater(self._patience, self._give_up)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        self._data += data
        try:
            head = read_head(self._data)
        except BadHead:
            _log.warn("{peer} does not speak the PROXY protocol", peer=self.transport.getPeer().host)  # type: ignore[union-attr]
            self._give_up()
            return
        if head is not None:
            self._stop_clock()
            self._hand_over(head)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802
        self._stop_clock()

    def _hand_over(self, head: Head) -> None:
        transport: Any = self.transport
        client = head.client or transport.getPeer()
        inner = self.factory.inner.buildProtocol(client)
        if inner is None:
            transport.abortConnection()
            return
        transport.protocol = inner
        transport.getPeer = lambda: client
        inner.makeConnection(transport)
        rest = self._data[head.length :]
        if rest:
            inner.dataReceived(rest)

    def _give_up(self) -> None:
        self._stop_clock()
        self.transport.abortConnection()  # type: ignore[union-attr]

    def _stop_clock(self) -> None:
        if self._clock is not None and self._clock.active():
            self._clock.cancel()
        self._clock = None
