"""Serving TLS: contexts made of certificates, and handing out the one in force to each new connection."""

from __future__ import annotations

from collections.abc import Mapping

from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from qisd.access.certificates import CertificateError
from qisd.settings import Settings
from qisd.tls.certificates import Certificates, Pair

_PROTOCOLS = (b"http/1.1",)
_MIN_VERSIONS = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}

# A session may be resumed only in the context that it began in; all of ours are one as far as that goes.
_SESSION_CONTEXT = b"qisd"


@implementer(IOpenSSLServerConnectionCreator)
class ContextHolder:
    """Gives each new connection the context that is in force. Connections that exist keep theirs."""

    def __init__(self, current: SSL.Context) -> None:
        self.current = current

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:  # noqa: N802, N803
        return SSL.Connection(self.current, None)


def make_context(certificates: Certificates, settings: Settings) -> SSL.Context:
    """The context for new connections: it shows the certificate that fits the name which the client asks for.

    The name decides exactly first, then by a wildcard; any other name, or none, gets the default certificate.

    :raises CertificateError: OpenSSL refuses a certificate.
    """
    default = _context(certificates.default, settings)
    by_name: dict[str, SSL.Context] = {}
    for stem, pair in certificates.sites.items():
        site = _context(pair, settings)
        by_name.update(dict.fromkeys((stem.lower(), *pair.facts.names), site))
    for name in certificates.default.facts.names:
        by_name.setdefault(name, default)

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


def _context(pair: Pair, settings: Settings) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(_MIN_VERSIONS[settings.tls_min_version])
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
    context.set_cipher_list(settings.tls_ciphers.encode("ascii"))
    context.set_session_id(_SESSION_CONTEXT)
    context.set_session_cache_mode(SSL.SESS_CACHE_SERVER)
    context.set_alpn_select_callback(_select_protocol)
    certificate, *issuers = pair.chain
    try:
        context.use_certificate(certificate)
        context.use_privatekey(pair.key)  # type: ignore[arg-type]  # OpenSSL says what it can't use
        for issuer in issuers:
            context.add_extra_chain_cert(issuer)
        context.check_privatekey()
    except (SSL.Error, TypeError) as error:
        raise CertificateError(f"the certificate for {', '.join(pair.facts.names)} can't be used: {error}") from error
    return context


def _select_protocol(_: SSL.Connection, offered: list[bytes]) -> bytes | SSL._NoOverlappingProtocols:
    for protocol in _PROTOCOLS:
        if protocol in offered:
            return protocol
    return SSL.NO_OVERLAPPING_PROTOCOLS
