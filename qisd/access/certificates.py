"""Checking a certificate and its private key before they are used."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import attrs
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key


class CertificateError(Exception):
    """A certificate or key that can't be used; the text names the file and the reason."""


@attrs.frozen(kw_only=True)
class CertificateFacts:
    """What matters of a certificate that fits its key.

    :param names: host names and IP addresses that it is for, in lower case.
    :param not_after: its last moment.
    """

    names: tuple[str, ...]
    not_after: datetime

    def covers(self, host: str) -> bool:
        """Whether it is for ``host``, a host name or IP address with or without port; ``*`` stands for one label."""
        host = host.lower()
        host = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
        parent = host.partition(".")[2]
        return host in self.names or bool(parent and f"*.{parent}" in self.names)


def check_pair(
    certificate_file: Path, private_key_file: Path, chain_file: Path | None, *, now: datetime
) -> CertificateFacts:
    """Make sure that the files can be read, hold what they should, belong together, and are valid at ``now``.

    Blocks on file access.

    :raises CertificateError: they can't be used.
    """
    certificates = _certificates(certificate_file)
    if chain_file is not None:
        _certificates(chain_file)
    private_key = _read(private_key_file)
    try:
        key = load_pem_private_key(private_key, None)
    except TypeError:
        raise CertificateError(f"{private_key_file}: the private key is encrypted") from None
    except (ValueError, UnsupportedAlgorithm):
        raise CertificateError(f"{private_key_file}: holds no private key in PEM form") from None
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    fitting = [
        one for one in certificates if one.public_key().public_bytes(*form) == key.public_key().public_bytes(*form)
    ]
    if not fitting:
        raise CertificateError(f"{private_key_file}: does not fit the certificate in {certificate_file}")
    certificate = fitting[0]
    if certificate.not_valid_after_utc < now:
        raise CertificateError(f"{certificate_file}: expired on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC")
    if certificate.not_valid_before_utc > now:
        raise CertificateError(
            f"{certificate_file}: is not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
        )
    return CertificateFacts(names=names_of(certificate), not_after=certificate.not_valid_after_utc.astimezone(UTC))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CertificateError(f"{path}: can't be read: {error.strerror}") from None


def _certificates(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(_read(path))
    except ValueError:
        raise CertificateError(f"{path}: holds no certificate in PEM form") from None


def names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """The host names and IP addresses that a certificate is for, in lower case."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    hosts = [name.lower() for name in names.get_values_for_type(x509.DNSName)]
    return (*hosts, *(str(address) for address in names.get_values_for_type(x509.IPAddress)))
