"""The certificate that the daemon makes for itself when it is given none."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from qisd.access.certificates import CertificateError, check_pair
from qisd.tls.private_files import write_private

FILE_NAME = "self-signed.pem"

LIFETIME = timedelta(days=825)
RENEW_BEFORE = timedelta(days=30)

_ALWAYS = ("localhost", "127.0.0.1", "::1")
_LONGEST_COMMON_NAME = 64


def provide(directory: Path, *, names: Sequence[str], now: datetime) -> tuple[Path, bool]:
    """The file with a self-signed certificate and its key, and whether it was made just now.

    A new one is made when there is none that can be used, when it has less than 30 days left, and when it is not for
    exactly ``names`` and this machine's own.

    :param names: host names and IP addresses.
    :raises OSError: it can't be written.
    """
    file = directory / FILE_NAME
    wanted = _wanted(names)
    try:
        facts = check_pair(file, file, None, now=now)
    except CertificateError:
        pass
    else:
        if set(facts.names) == set(wanted) and facts.not_after - now >= RENEW_BEFORE:
            return file, False
    return renew(directory, names=names, now=now), True


def renew(directory: Path, *, names: Sequence[str], now: datetime) -> Path:
    """Make a new one in place of the one that is there.

    :raises OSError: it can't be written.
    """
    file = directory / FILE_NAME
    write_private(file, make(_wanted(names), now=now))
    return file


def _wanted(names: Sequence[str]) -> tuple[str, ...]:
    """``names``, and those by which every machine knows itself."""
    return tuple(dict.fromkeys((*names, *_ALWAYS)))


def make(names: Sequence[str], *, now: datetime) -> bytes:
    """Private key (ECDSA, P-256) and certificate for ``names``, the first of which is its common name, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:_LONGEST_COMMON_NAME])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Clocks differ: a client that is a little behind must not find it "not valid yet".
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)


def without_port(name: str) -> str:
    """``name`` without a port and without the brackets of an IPv6 address."""
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0]


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
