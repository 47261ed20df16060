"""What a certificate authority asks, to see that a name is ours (RFC 8555, 8737): all servers of a site can answer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from qisd.errors import StoreUnavailable
from qisd.store import acme
from qisd.store.held import Held
from qisd.store.pool import Database

HTTP_01 = "http-01"
TLS_ALPN_01 = "tls-alpn-01"

_IDENTIFIER = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31")
_OCTET_STRING = 0x04
_DAY = timedelta(days=1)

Proof = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]
"""A certificate that nobody but the authority gets to see, and its key."""


class PendingChallenges:
    """Holds the challenges that are under way anywhere in the site."""

    def __init__(self, database: Database, *, reactor: Any) -> None:
        self._database = database
        self._held: Held[Mapping[str, acme.Challenge]] = Held(
            database,
            what="challenges of certificate authorities",
            read=self._read,
            tables=frozenset({acme.CHALLENGES}),
            reactor=reactor,
        )

    async def start(self) -> None:
        await self._held.start()

    async def stop(self) -> None:
        await self._held.stop()

    def answer(self, token: str) -> str | None:
        """What to say to who asks for ``token`` by HTTP."""
        found = self._known().get(token)
        return None if found is None else found.answer

    def proof(self, name: str) -> Proof | None:
        """What to show to who asks for ``name`` by the authority's own protocol in TLS."""
        # Of several the last: those before it are left of attempts that have ended.
        found = [one for one in self._known().values() if one.name == name]
        return proof_of(name, found[-1].answer) if found else None

    def _known(self) -> Mapping[str, acme.Challenge]:
        try:
            return self._held.value
        except StoreUnavailable:
            return {}

    async def _read(self) -> Mapping[str, acme.Challenge]:
        return {one.token: one for one in await acme.pending(self._database)}


def proof_of(name: str, answer: str) -> Proof:
    """A certificate that proves to know ``answer``. Takes a tenth of a millisecond."""
    key = ec.generate_private_key(ec.SECP256R1())
    digest = hashlib.sha256(answer.encode("ascii")).digest()
    subject = x509.Name([])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=True)
        .add_extension(
            x509.UnrecognizedExtension(_IDENTIFIER, bytes([_OCTET_STRING, len(digest)]) + digest), critical=True
        )
        .sign(key, SHA256())
    )
    return certificate, key
