"""Certificates as text, for the processes that may not read the files they are in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from qisd.access.certificates import CertificateFacts
from qisd.tls.certificates import Certificates, Pair


def to_values(certificates: Certificates) -> dict[str, Any]:
    """``certificates``, private keys included, as JSON values."""
    return {
        "default": _pair(certificates.default),
        "sites": {name: _pair(pair) for name, pair in certificates.sites.items()},
    }


def from_values(values: Mapping[str, Any]) -> Certificates:
    """What :func:`to_values` was given."""
    return Certificates(
        default=_read(values["default"]), sites={name: _read(pair) for name, pair in values["sites"].items()}
    )


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        "chain": "".join(one.public_bytes(Encoding.PEM).decode("ascii") for one in pair.chain),
        "key": pair.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii"),
        "names": pair.facts.names,
        "not_after": pair.facts.not_after.isoformat(),
    }


def _read(values: Mapping[str, Any]) -> Pair:
    return Pair(
        chain=tuple(x509.load_pem_x509_certificates(values["chain"].encode("ascii"))),
        key=load_pem_private_key(values["key"].encode("ascii"), None),
        facts=CertificateFacts(names=tuple(values["names"]), not_after=datetime.fromisoformat(values["not_after"])),
    )
