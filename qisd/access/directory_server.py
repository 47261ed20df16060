"""Connections to an LDAP server: its address, TLS with a checked certificate, time-outs, and the few operations asked.

All of it blocks, so it belongs into a thread.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import attrs
import ldap3
from ldap3.core.exceptions import LDAPException

from qisd.access.directory_schema import Entry
from qisd.errors import DirectoryFailure

SUCCESS = 0
PROTOCOL_ERROR = 2
SIZE_LIMIT_EXCEEDED = 4

_WHO_AM_I = "1.3.6.1.4.1.4203.1.11.3"
_ANSWER_MAX = 4 * 2**20


@attrs.frozen
class Address:
    """Where a server is. ``ldaps``: TLS from the first byte."""

    host: str
    port: int
    ldaps: bool


def parse_address(text: str, *, ldaps: bool) -> Address:
    """The address in ``LDAP_SERVER``: host or ``host:port``, bare or as URL; IPv6 addresses before a port in brackets.

    :param ldaps: speak LDAPS even where no URL says so.
    :raises DirectoryFailure: it is none.
    """
    scheme, separator, rest = text.strip().partition("://")
    if not separator:
        scheme, rest = "ldap", scheme
    match = _ADDRESS.fullmatch(rest.removesuffix("/"))
    if match is None or scheme.lower() not in ("ldap", "ldaps"):
        raise DirectoryFailure(detail="LDAP_SERVER is no address of a server")
    ldaps = ldaps or scheme.lower() == "ldaps"
    port = int(match["port"] or match["port6"] or (636 if ldaps else 389))
    if not 0 < port < 65536:
        raise DirectoryFailure(detail="LDAP_SERVER has an impossible port")
    return Address(match["bracketed"] or match["bare"] or match["host"], port, ldaps)


_ADDRESS = re.compile(
    r"""\[(?P<bracketed>[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*(?:%\w+)?)\](?::(?P<port6>[0-9]{1,5}))?
    | (?P<bare>[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*)
    | (?P<host>[^\s:/?\#@\[\]]+)(?::(?P<port>[0-9]{1,5}))?""",
    re.IGNORECASE | re.VERBOSE,
)


@attrs.frozen(kw_only=True)
class Transport:
    """How to reach a server.

    :param context: for TLS, which checks certificate and host name; None: plain text.
    :param start_tls: begin with plain text, and ask for TLS before anything else. Not looked at with LDAPS.
    :param timeout: seconds for connecting, and for each answer to be there as a whole.
    """

    address: Address
    context: ssl.SSLContext | None
    start_tls: bool
    timeout: float


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Trusts the authorities in ``ca_file``, or those of the system.

    :raises OSError: it can't be read, or holds none.
    """
    return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))


@attrs.frozen
class Outcome:
    """What the server said to a bind."""

    code: int
    text: str


class Connection:
    """An open connection; made by :func:`connected`."""

    def __init__(self, ldap: Any, *, timeout: float) -> None:
        self._ldap = ldap
        self._timeout = timeout

    def bind(self, dn: str, password: str) -> Outcome:
        """Become ``dn``, if the password is right. Neither may be empty, for then the server would know nobody."""
        # As bytes: prepared as text, a password of invisible characters alone would become an empty one.
        self._ldap.rebind(user=dn, password=password.encode(), authentication=ldap3.SIMPLE, read_server_info=False)
        return self._outcome()

    def bind_anonymously(self) -> Outcome:
        self._ldap.bind(read_server_info=False)
        return self._outcome()

    def search(self, base: str, condition: str, attributes: Sequence[str], *, limit: int) -> list[Entry]:
        """The first entries below ``base`` that fit, ``limit`` at most.

        :raises DirectoryFailure: the server won't search, or there is no such base.
        """
        self._ldap.search(
            base,
            condition,
            dereference_aliases=ldap3.DEREF_NEVER,
            attributes=list(attributes),
            size_limit=limit,
            time_limit=max(1, int(self._timeout)),
        )
        outcome = self._outcome()
        if outcome.code not in (SUCCESS, SIZE_LIMIT_EXCEEDED):
            raise DirectoryFailure(detail=f"search failed: {outcome.text}")
        return [
            Entry(
                dn=found["dn"],
                attributes={name.lower(): values for name, values in found["raw_attributes"].items() if values},
            )
            for found in self._ldap.response
            if found["type"] == "searchResEntry"
        ]

    def who_am_i(self) -> str | None:
        """Whom the server takes this connection for (RFC 4532), empty for nobody; None when it can't tell.

        :raises DirectoryFailure: it won't tell.
        """
        self._ldap.extended(_WHO_AM_I)
        outcome = self._outcome()
        if outcome.code == PROTOCOL_ERROR:  # so RFC 4511 wants unknown operations to be answered
            return None
        if outcome.code != SUCCESS:
            raise DirectoryFailure(detail=f"who am I failed: {outcome.text}")
        return (self._ldap.result["responseValue"] or b"").decode("utf-8", "replace")

    def _outcome(self) -> Outcome:
        result = self._ldap.result
        text = f"{result['description']} ({result['result']}) {result['message']}"
        return Outcome(result["result"], text.strip())


@contextmanager
def connected(transport: Transport) -> Iterator[Connection]:
    """A connection, with TLS if it is to have that, which is closed afterwards.

    :raises LDAPException: it can't be made.
    """
    address, timeout = transport.address, transport.timeout
    tls = None if transport.context is None else _CheckedTls(transport.context, address.host, timeout)
    server = ldap3.Server(
        address.host,
        port=address.port,
        use_ssl=address.ldaps,
        tls=tls,
        get_info=ldap3.NONE,
        connect_timeout=timeout,
        allowed_referral_hosts=[],
    )
    ldap = ldap3.Connection(
        server,
        authentication=ldap3.ANONYMOUS,
        client_strategy=ldap3.SYNC,
        auto_referrals=False,
        auto_range=False,
        auto_escape=False,
        check_names=False,
        return_empty_attributes=False,
    )
    try:
        ldap.open(read_server_info=False)
        if not address.ldaps:
            ldap.socket = _TimedSocket(ldap.socket, timeout)
            if transport.start_tls and not ldap.start_tls(read_server_info=False):
                raise DirectoryFailure(detail="StartTLS failed")
        yield Connection(ldap, timeout=timeout)
    finally:
        with suppress(LDAPException, OSError):
            ldap.unbind()
        if ldap.socket is not None:
            ldap.socket.close()


class _CheckedTls(ldap3.Tls):  # type: ignore[misc]  # ldap3 has no types
    """Leaves all checks to :mod:`ssl`; those of ldap3 are its own, and come after the handshake."""

    def __init__(self, context: ssl.SSLContext, host: str, timeout: float) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context = context
        self._host = host
        self._timeout = timeout

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        plain = connection.socket
        if isinstance(plain, _TimedSocket):
            plain = plain.inner
        plain.settimeout(self._timeout)  # for the handshake as a whole
        connection.socket = _TimedSocket(self._context.wrap_socket(plain, server_hostname=self._host), self._timeout)


class _TimedSocket:
    """A socket for questions and answers. Each answer must be there as a whole ``timeout`` seconds after its question.

    A socket's own time-out begins anew with every byte. Nothing that a directory says of one person is longer than
    :data:`_ANSWER_MAX` bytes.
    """

    def __init__(self, inner: socket.socket, timeout: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.inner = inner
        self._timeout = timeout
        self._clock = clock
        self._deadline = 0.0
        self._received = 0

    def sendall(self, data: bytes) -> None:
        self._deadline = self._clock() + self._timeout
        self._received = 0
        self.inner.settimeout(self._timeout)
        self.inner.sendall(data)

    def recv(self, size: int) -> bytes:
        left = self._deadline - self._clock()
        if left <= 0:
            raise TimeoutError("no whole answer in time")
        self.inner.settimeout(left)
        data = self.inner.recv(size)
        self._received += len(data)
        if self._received > _ANSWER_MAX:
            raise OSError("the answer is too long")
        return data

    def shutdown(self, how: int) -> None:
        self.inner.shutdown(how)

    def close(self) -> None:
        self.inner.close()
