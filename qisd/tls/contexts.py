"""Serving TLS: contexts made of certificates, and handing out the one in force to each new connection."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Protocol

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL
from OpenSSL._util import lib
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from qisd.access.certificates import CertificateError
from qisd.tls.certificates import Certificates, Pair
from qisd.tls.challenges import Proof

_PROTOCOL = b"http/1.1"
_ACME_PROTOCOL = b"acme-tls/1"
_GROUPS = (b"X25519MLKEM768:X25519:P-256:P-384", b"X25519:P-256:P-384")
_MIN_VERSIONS = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}

# A session may be resumed only in the context that it began in; all of ours are one as far as that goes.
_SESSION_CONTEXT = b"qisd"


Prove = Callable[[str], Proof | None]


class TlsSettings(Protocol):
    """The settings that matter here."""

    @property
    def tls_min_version(self) -> str: ...
    @property
    def tls_ciphers(self) -> str: ...


@implementer(IOpenSSLServerConnectionCreator)
class ContextHolder:
    """Gives each new connection the context that is in force. Connections that exist keep theirs."""

    def __init__(self, current: SSL.Context) -> None:
        self.current = current

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:  # noqa: N802, N803
        return SSL.Connection(self.current, None)


def make_context(certificates: Certificates, settings: TlsSettings, prove: Prove = lambda name: None) -> SSL.Context:
    """The context for new connections: it shows the certificate that fits the name which the client asks for.

    The name decides exactly first, then by a wildcard; any other name, or none, gets the default certificate. Of
    certificates for the same name with different kinds of keys, RSA and ECDSA, each client gets the one that it likes.

    :param prove: gives the answer to an authority that asks for a name by TLS, if one is due.
    :raises CertificateError: OpenSSL refuses a certificate.
    """
    made: dict[tuple[int, ...], SSL.Context] = {}

    def context_of(pairs: Iterable[Pair]) -> SSL.Context:
        chosen = one_of_each_kind(pairs)
        key = tuple(sorted(map(id, chosen)))
        if key not in made:
            made[key] = _context(chosen, settings, prove)
        return made[key]

    beside = [pair for pair in certificates.sites.values() if _covers_all(pair, certificates.default)]
    default = context_of([certificates.default, *beside])
    by_name = {name: context_of(pairs) for name, pairs in _pairs_by_name(certificates).items()}

    def choose(connection: SSL.Connection) -> None:
        chosen = context_for(connection.get_servername(), by_name)
        if chosen is not None and chosen is not default:
            connection.set_context(chosen)

    default.set_tlsext_servername_callback(choose)
    return default


def context_for(name: bytes | None, by_name: Mapping[str, SSL.Context]) -> SSL.Context | None:
    """What ``by_name`` has for a client that asks for ``name``: the name itself, or a wildcard one level up."""
    asked = (name or b"").decode("ascii", "replace").lower()
    parent = asked.partition(".")[2]
    return by_name.get(asked) or by_name.get(f"*.{parent}")


def one_of_each_kind(pairs: Iterable[Pair]) -> list[Pair]:
    """The first pair of each kind of key: a context has room for one of each."""
    found: dict[str, Pair] = {}
    for pair in pairs:
        found.setdefault(pair.kind, pair)
    return list(found.values())


def _pairs_by_name(certificates: Certificates) -> dict[str, list[Pair]]:
    """Who has a certificate for a name, those of the sites first; of two files the later one by its name."""
    found: dict[str, list[Pair]] = {}
    for stem, pair in reversed(list(certificates.sites.items())):
        for name in dict.fromkeys((stem.lower(), *pair.facts.names)):
            found.setdefault(name, []).append(pair)
    for name in certificates.default.facts.names:
        found.setdefault(name, []).append(certificates.default)
    return found


def _covers_all(pair: Pair, other: Pair) -> bool:
    return bool(other.facts.names) and set(other.facts.names) <= set(pair.facts.names)


def _context(pairs: list[Pair], settings: TlsSettings, prove: Prove) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(_MIN_VERSIONS[settings.tls_min_version])
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
    context.set_cipher_list(settings.tls_ciphers.encode("ascii"))
    _limit_groups(context)
    context.set_session_id(_SESSION_CONTEXT)
    context.set_session_cache_mode(SSL.SESS_CACHE_SERVER)
    context.set_alpn_select_callback(partial(_select_protocol, prove))
    for pair in pairs:
        try:
            with _as_file(pair) as chain:
                context.use_certificate_chain_file(chain)
            context.use_privatekey(pair.key)  # type: ignore[arg-type]  # OpenSSL says what it can't use
            context.check_privatekey()
        except (SSL.Error, TypeError) as error:
            raise CertificateError(
                f"the certificate for {', '.join(pair.facts.names)} can't be used: {error}"
            ) from error
    return context


def _limit_groups(context: SSL.Context) -> None:
    """Exchange keys in the groups that Mozilla names: others (P-521, X448) cost two or three times as much for nothing.

    pyOpenSSL can only set one; what it is made of can set several. Where the first list is too new, the second will do.
    """
    if not any(lib.SSL_CTX_set1_curves_list(context._context, groups) == 1 for groups in _GROUPS):
        raise CertificateError("this OpenSSL knows none of the groups that keys are exchanged in")


@contextmanager
def _as_file(pair: Pair) -> Iterator[bytes]:
    """The chain as a file, in memory: what OpenSSL reads so belongs to this certificate, and not to the others."""
    descriptor = os.memfd_create("chain")
    try:
        os.write(descriptor, b"".join(one.public_bytes(Encoding.PEM) for one in pair.chain))
        yield b"/proc/self/fd/%d" % descriptor
    finally:
        os.close(descriptor)


def _select_protocol(
    prove: Prove, connection: SSL.Connection, offered: list[bytes]
) -> bytes | SSL._NoOverlappingProtocols:
    if offered == [_ACME_PROTOCOL]:
        proof = prove((connection.get_servername() or b"").decode("ascii", "replace").lower())
        if proof is not None:
            # In this connection alone.
            certificate, key = proof
            connection.use_certificate(certificate)
            connection.use_privatekey(key)
            return _ACME_PROTOCOL
    return _PROTOCOL if _PROTOCOL in offered else SSL.NO_OVERLAPPING_PROTOCOLS
