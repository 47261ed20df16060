"""The sockets that connections are accepted on: bound before anything else, by root if need be."""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import attrs
from twisted.internet.defer import maybeDeferred
from twisted.internet.interfaces import IListeningPort, IProtocolFactory
from twisted.internet.tcp import Port

from qisd.errors import StartupError
from qisd.settings import ListenAddress

_BACKLOG = 4096
"""As many as the system allows by default wait there while a server starts anew."""

_TURN = 0.001
"""Seconds for which connections are left to other processes after some were taken."""

_TURNS = 8
"""Turns in a row, with as many connections as can be taken, after which more are: there is nobody to leave them to."""

_TAKEN_MOST = 64

_PATIENCE = 5.0
_TRY_EVERY = 0.02

_REASONS = {
    errno.EADDRINUSE: "the port is in use already",
    errno.EACCES: "not allowed; ports below 1024 need root or CAP_NET_BIND_SERVICE",
    errno.EADDRNOTAVAIL: "this machine has no such address",
}


@attrs.define(eq=False, kw_only=True)
class Listener:
    """An address that is bound. ``port`` is None until connections are accepted.

    :param shared: other processes accept connections there as well.
    :param taken_over: it was bound before this server started, and clients may wait there since then.
    """

    address: ListenAddress
    bound: socket.socket
    shared: bool = False
    taken_over: bool = False
    port: IListeningPort | None = None

    def __str__(self) -> str:
        """The address with the port that was really given."""
        return str(ListenAddress(self.address.host, self.bound_port))

    @property
    def bound_port(self) -> int:
        where = self.port.getHost() if self.port is not None else None
        return int(where.port) if where is not None else int(self.bound.getsockname()[1])  # type: ignore[attr-defined]

    @property
    def descriptor(self) -> int:
        """The descriptor of its socket in this process."""
        return int(self.port.fileno()) if isinstance(self.port, Port) else self.bound.fileno()

    def accept(self, reactor: Any, factory: IProtocolFactory) -> None:
        """Begin to accept connections."""
        self.port = reactor.adoptStreamPort(self.bound.fileno(), self.bound.family, factory)
        if self.shared and isinstance(self.port, Port):
            self.port.__class__ = _InTurns
        # The reactor has a copy of its own. A second one would go on accepting after that is closed.
        self.bound.close()

    async def close(self) -> None:
        """Accept nothing more. Connections that exist go on."""
        if self.port is not None:
            await maybeDeferred(self.port.stopListening)
        self.bound.close()


@attrs.frozen(eq=False)
class Listeners:
    """All addresses that are bound, by what is spoken there."""

    http: Sequence[Listener] = ()
    https: Sequence[Listener] = ()

    def __iter__(self) -> Iterator[Listener]:
        return iter((*self.http, *self.https))

    def of(self, role: str) -> Sequence[Listener]:
        """Those of ``http`` or ``https``; none of anything else."""
        return {"http": self.http, "https": self.https}.get(role, ())

    async def close(self, *, but: Iterable[Listener] = ()) -> None:
        """Accept nothing more at these addresses. Connections that exist go on."""
        kept = list(but)
        for listener in self:
            if listener not in kept:
                await listener.close()


class _InTurns(Port):
    """A port that takes a connection, or a few when there are many, and then leaves some to others for a moment.

    Twisted's takes up to a hundred at a time: of several processes that accept on the same socket the first to wake up
    would get them all, and the others nothing to do for as long as those connections last.
    """

    _most = 1
    _in_a_row = 0

    def doRead(self) -> None:  # noqa: N802
        before = self.sessionno
        super().doRead()  # type: ignore[no-untyped-call]
        taken = self.sessionno - before
        self._in_a_row = self._in_a_row + 1 if taken >= self._most else 0
        self._most = min(2 ** max(self._in_a_row - _TURNS, 0), _TAKEN_MOST)
        if taken:
            self.stopReading()  # type: ignore[no-untyped-call]
            self.reactor.callLater(_TURN, self._go_on)  # type: ignore[attr-defined]

    def _go_on(self) -> None:
        if self.connected and not self.disconnecting:
            self.startReading()  # type: ignore[no-untyped-call]

    @property
    def numberAccepts(self) -> int:  # noqa: N802
        return self._most

    @numberAccepts.setter
    def numberAccepts(self, number: int) -> None:  # noqa: N802
        """Twisted's own adaption."""


def bind_all(
    addresses: Sequence[ListenAddress],
    *,
    setting: str,
    patient: Callable[[], bool] = lambda: False,
    given: list[socket.socket] | None = None,
) -> list[Listener]:
    """Bind every address, or none.

    :param setting: where they came from, for the error's text.
    :param given: sockets that were bound by somebody else; those that fit an address are taken out and used.
    :param patient: asked when one is in use, whether it is worth while to wait a moment.
    :raises StartupError: with exit code 2; the text names the address and its port.
    """
    listeners: list[Listener] = []
    try:
        for address in addresses:
            there = _take(address, given or [])
            bound = there or _bound(address, patient)
            listeners.append(Listener(address=address, bound=bound, taken_over=there is not None))
    except OSError as error:
        for listener in listeners:
            listener.bound.close()
        reason = _REASONS.get(error.errno or 0) or error.strerror
        raise StartupError(f"{setting}: can't listen on {address}: {reason}") from error
    return listeners


def inherited(address: ListenAddress, descriptor: int) -> Listener:
    """An address that another process has bound, whose socket this one has got as ``descriptor``."""
    os.set_blocking(descriptor, False)  # or who is second to accept a connection waits for the next
    return Listener(address=address, bound=socket.socket(fileno=descriptor), shared=True)


def _take(address: ListenAddress, given: list[socket.socket]) -> socket.socket | None:
    """Take the socket out of ``given`` that is bound at ``address``, if there is one."""
    if address.host == "::":
        places = {(socket.AF_INET6, "::"), (socket.AF_INET, "0.0.0.0")}  # noqa: S104 - the latter where IPv6 is off
    else:
        places = {(family, str(where[0])) for family, where in _resolved(address)}
    for one in given:
        host, port = one.getsockname()[:2]
        if port == address.port and (one.family, host) in places:
            given.remove(one)
            return one
    return None


def _resolved(address: ListenAddress) -> list[tuple[socket.AddressFamily, Any]]:
    """The families and socket addresses that ``address`` stands for."""
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return [(family, where) for family, _, _, _, where in found]


def _bound(address: ListenAddress, patient: Callable[[], bool]) -> socket.socket:
    """The socket at an address, which may have to be waited for. Blocks."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return _bind(address)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline or not patient():
                raise
        time.sleep(_TRY_EVERY)


def _bind(address: ListenAddress) -> socket.socket:
    if address.host != "::":
        family, where = _resolved(address)[0]
        return _listening(family, where, only_ipv6=True)
    try:
        return _listening(socket.AF_INET6, ("::", address.port), only_ipv6=False)
    except OSError as error:
        if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
            raise
        # IPv6 is switched off on this machine.
        return _listening(socket.AF_INET, ("0.0.0.0", address.port), only_ipv6=False)  # noqa: S104 - asked for


def _listening(family: int, where: Any, *, only_ipv6: bool) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only_ipv6)
        bound.bind(where)
        bound.listen(_BACKLOG)
        os.set_blocking(bound.fileno(), False)
    except BaseException:
        bound.close()
        raise
    return bound
