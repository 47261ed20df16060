"""The certificates that HTTPS is served with: which there are, and loading them. Everything here blocks on files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import attrs
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from twisted.logger import Logger

from qisd.access.certificates import CertificateError, CertificateFacts, check_pair
from qisd.settings import Settings
from qisd.tls import self_signed
from qisd.tls.chains import authorities, faults

_log = Logger()

_ENDS_SOON, _ENDS_VERY_SOON, _ENDS_AT_ONCE = timedelta(days=21), timedelta(days=7), timedelta(days=1)
"""When it is told that a certificate is near its end."""


@attrs.frozen(eq=False, kw_only=True)
class Pair:
    """A certificate with its private key.

    :param chain: the certificate, then its issuer's, and so on.
    """

    chain: tuple[x509.Certificate, ...]
    key: PrivateKeyTypes = attrs.field(repr=False)
    facts: CertificateFacts

    @property
    def kind(self) -> str:
        """What kind of key it is: a server may have a certificate of each kind for the same name."""
        kinds = {"RSA": rsa.RSAPrivateKey, "ECDSA": ec.EllipticCurvePrivateKey}
        return next((name for name, kind in kinds.items() if isinstance(self.key, kind)), "other")

    @property
    def self_signed(self) -> bool:
        """Whether no authority vouches for it: browsers warn."""
        return self.chain[0].issuer == self.chain[0].subject


class HasNames(Protocol):
    """Settings that say by which names the server is known."""

    @property
    def public_host_name(self) -> str: ...
    @property
    def server_aliases(self) -> Sequence[str]: ...


class HasStateDir(Protocol):
    """Settings that say where the server keeps things."""

    @property
    def state_dir(self) -> Path: ...


@attrs.frozen(eq=False, kw_only=True)
class Certificates:
    """All pairs in force: the default one, and those of ``TLS_SITES_DIR`` by the names of their files."""

    default: Pair
    sites: Mapping[str, Pair]

    def __iter__(self) -> Iterator[Pair]:
        return iter((self.default, *self.sites.values()))

    @property
    def shown(self) -> frozenset[bytes]:
        """Fingerprints of all certificates and chains: the same when clients would notice no difference."""
        return frozenset(b"".join(one.fingerprint(SHA256()) for one in pair.chain) for pair in self)

    def certified(self, host: str) -> bool:
        """Whether an authority vouches for ``host``, with or without port."""
        return any(not pair.self_signed and pair.facts.covers(host) for pair in self)


def load_certificates(settings: Settings, *, previous: Certificates | None) -> Certificates:
    """Load what ``settings`` name; a self-signed certificate if they name none.

    :param previous: the certificates in force, if there are any: what can't be loaded then stays as it was, and is
        logged.
    :raises CertificateError: one can't be used, and there are none in force.
    """
    now = datetime.now(UTC)
    default = _default(settings, previous, now)
    sites = _sites(settings, previous, now)
    _tell_missing_names(settings, (default, *sites.values()))
    _tell_faults((default, *sites.values()), now)
    return Certificates(default=default, sites=sites)


def _default(settings: Settings, previous: Certificates | None, now: datetime) -> Pair:
    certificate, key, chain = settings.tls_certificate_file, settings.tls_private_key_file, settings.tls_chain_file
    try:
        if certificate is None or key is None:
            if (given := _from_authority(settings, now)) is not None:
                return given
            certificate = key = _self_signed(settings, now)
        return load_pair(certificate, key, chain, now=now)
    except CertificateError as error:
        if previous is None:
            raise
        _log.error("{error}; the certificate in use stays", error=error)
        return previous.default


def _sites(settings: Settings, previous: Certificates | None, now: datetime) -> dict[str, Pair]:
    sites: dict[str, Pair] = {}
    for file in _site_files(settings):
        try:
            sites[file.stem] = load_pair(file, file.with_suffix(".key"), None, now=now)
        except CertificateError as error:
            if previous is None:
                raise
            _log.error("{error}; it is not taken over", error=error)
            if file.stem in previous.sites:
                sites[file.stem] = previous.sites[file.stem]
    return sites


def acme_file(settings: HasStateDir) -> Path:
    """Where each server keeps its copy of what the authority of ``ACME_DIRECTORY`` has given, key and chain."""
    return settings.state_dir / "tls" / "acme.pem"


def _from_authority(settings: Settings, now: datetime) -> Pair | None:
    """What was got by ``ACME``; None when it is off, or there is nothing that can be used."""
    file = acme_file(settings)
    if not settings.acme or not os.access(file, os.F_OK):
        return None
    try:
        return load_pair(file, file, None, now=now)
    except CertificateError as error:
        _log.error("{error}", error=error)
        return None


def _self_signed(settings: Settings, now: datetime) -> Path:
    try:
        file, is_new = self_signed.provide(settings.state_dir / "tls", names=own_names(settings), now=now)
    except OSError as error:
        raise CertificateError(f"{error.filename}: {error.strerror}") from error
    if is_new:
        _log.info("Made a self-signed certificate, {file}: browsers will warn of it", file=str(file))
    return file


def own_names(settings: HasNames) -> tuple[str, ...]:
    """The host names and addresses that this server is known by, its public one first, without ports."""
    names = (settings.public_host_name, *settings.server_aliases)
    return tuple(dict.fromkeys(self_signed.without_port(name).lower() for name in names if name))


def _site_files(settings: Settings) -> Iterable[Path]:
    if settings.tls_sites_dir is None:
        return ()
    try:
        return sorted(file for file in settings.tls_sites_dir.iterdir() if file.suffix == ".crt")
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise CertificateError(f"{settings.tls_sites_dir}: can't be read: {error.strerror}") from error


def _tell_missing_names(settings: Settings, pairs: Sequence[Pair]) -> None:
    for name in own_names(settings):
        if not any(_names_cover(pair.facts, name) for pair in pairs):
            _log.warn("no certificate is for {name}: browsers will warn of it", name=name)


def _tell_faults(pairs: Sequence[Pair], now: datetime) -> None:
    """Warn of what strangers will complain of: mostly a chain that is not whole."""
    trusted = authorities()
    for pair in pairs:
        for fault in faults(pair.chain, hosts=(), now=now, trusted=trusted):
            if fault.grave:
                _log.warn("the certificate for {names}: {fault}", names=", ".join(pair.facts.names), fault=fault)


def tell_of_ends(certificates: Certificates, now: datetime) -> None:
    """Put those into the log that end soon; nearer and nearer ends are told more and more loudly."""
    for pair in certificates:
        left = pair.facts.not_after - now
        if left < _ENDS_SOON:
            tell = _log.critical if left < _ENDS_AT_ONCE else _log.error if left < _ENDS_VERY_SOON else _log.warn
            tell(
                "The certificate for {names} ends on {end}",
                names=", ".join(pair.facts.names),
                end=f"{pair.facts.not_after:%Y-%m-%d %H:%M} UTC",
            )


def _names_cover(facts: CertificateFacts, name: str) -> bool:
    return name in facts.names or facts.covers(f"[{name}]" if ":" in name else name)


def load_pair(certificate_file: Path, key_file: Path, chain_file: Path | None, *, now: datetime) -> Pair:
    """Load and check one pair.

    :raises CertificateError: it can't be used; the text names the file.
    """
    facts = check_pair(certificate_file, key_file, chain_file, now=now)
    try:
        key = load_pem_private_key(key_file.read_bytes(), None)
        certificates = x509.load_pem_x509_certificates(certificate_file.read_bytes())
        if chain_file is not None:
            certificates += x509.load_pem_x509_certificates(chain_file.read_bytes())
        return Pair(chain=in_order(certificates, key), key=key, facts=facts)
    except (OSError, ValueError, TypeError, StopIteration) as error:
        # They were fine a moment ago: somebody is just replacing them.
        raise CertificateError(f"{certificate_file}: changed while it was being read") from error


def in_order(certificates: Sequence[x509.Certificate], key: PrivateKeyTypes) -> tuple[x509.Certificate, ...]:
    """The certificate that belongs to ``key``, then the one of its issuer, and so on. What is not of use is left out.

    :raises StopIteration: none belongs to it.
    """
    wanted = _public(key.public_key())
    current = next(one for one in certificates if _public(one.public_key()) == wanted)
    chain = [current]
    rest = [one for one in certificates if one is not current]
    while current.issuer != current.subject:
        issuers = [one for one in rest if one.subject == current.issuer and _issued(one, current)]
        if not issuers:
            break
        current = issuers[0]
        rest.remove(current)
        chain.append(current)
    return tuple(chain)


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:  # whatever is wrong with it, it is no link of this chain
        return False
    return True


def _public(key: object) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined,no-any-return]
