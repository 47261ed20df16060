"""What is wrong with a certificate and its chain, as browsers see it, and what to do about it."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import attrs
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import MD5, SHA1
from cryptography.x509.oid import AuthorityInformationAccessOID
from OpenSSL import crypto

from qisd.access.certificates import CertificateFacts, names_of

_SELF_SIGNED = 18
_UNKNOWN_ROOT = 19
_NO_ISSUER = frozenset({2, 20, 21})
_DATES = frozenset({9, 10})
"""What OpenSSL says (X509_V_ERR_…)."""

_LEAST_RSA_BITS = 2048


class AuthoritiesError(Exception):
    """A file of authorities that can't be used; the text says why."""


@attrs.frozen(kw_only=True)
class Fault:
    """Something that browsers complain about.

    :param grave: strangers can't come in; otherwise only those who don't know an authority of one's own.
    """

    text: str
    remedy: str
    grave: bool = True

    def __str__(self) -> str:
        return f"{self.text}; {self.remedy}"


def authorities(file: Path | None = None) -> crypto.X509Store:
    """Those in a PEM file, or those that this machine trusts: a bundle or a directory. Blocks.

    :raises AuthoritiesError: the file can't be used.
    """
    store = crypto.X509Store()
    where = ssl.get_default_verify_paths()
    places = ((os.fspath(file), None),) if file is not None else ((where.cafile, None), (None, where.capath))
    for bundle, directory in places:
        if bundle is None and directory is None:
            continue
        try:
            store.load_locations(bundle, directory)
        except crypto.Error as error:
            if file is not None:
                raise AuthoritiesError(f"{file}: holds no certificate of an authority in PEM form") from error
    return store


def faults(
    chain: Sequence[x509.Certificate], *, hosts: Sequence[str], now: datetime, trusted: crypto.X509Store
) -> list[Fault]:
    """All that is wrong with ``chain`` as it is sent, its own certificate first.

    :param hosts: the names that it has to be for.
    """
    own = chain[0]
    return [
        *_dates(chain, now),
        *_names(own, hosts),
        *_strength(own),
        *_order(chain),
        *_trust(chain, trusted),
    ]


def _dates(chain: Sequence[x509.Certificate], now: datetime) -> Iterator[Fault]:
    for number, one in enumerate(chain):
        which = "the certificate" if number == 0 else f"the certificate of {common_name(one.subject)} in the chain"
        remedy = "renew it" if number == 0 else "take the chain that your authority offers now"
        if one.not_valid_after_utc < now:
            yield Fault(text=f"{which} expired on {one.not_valid_after_utc:%Y-%m-%d %H:%M} UTC", remedy=remedy)
        elif one.not_valid_before_utc > now:
            yield Fault(
                text=f"{which} is not valid before {one.not_valid_before_utc:%Y-%m-%d %H:%M} UTC",
                remedy="set the clock of this machine, or wait",
            )


def _names(own: x509.Certificate, hosts: Sequence[str]) -> Iterator[Fault]:
    names = names_of(own)
    facts = CertificateFacts(names=names, not_after=own.not_valid_after_utc)
    missing = [host for host in hosts if host not in names and not facts.covers(host)]
    if missing:
        yield Fault(
            text=f"the certificate is for {', '.join(names) or 'no host'}, not for {', '.join(missing)}",
            remedy="order one for all names by which the server is visited",
        )


def _strength(own: x509.Certificate) -> Iterator[Fault]:
    key = own.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _LEAST_RSA_BITS:
        yield Fault(
            text=f"the key has {key.key_size} bits only",
            remedy=f"make one of {_LEAST_RSA_BITS} bits, or an ECDSA key, and order a certificate for it",
        )
    if isinstance(own.signature_hash_algorithm, MD5 | SHA1):
        yield Fault(
            text=f"it is signed with {own.signature_hash_algorithm.name}, which nobody believes any more",
            remedy="order a new one",
        )


def _order(chain: Sequence[x509.Certificate]) -> Iterator[Fault]:
    subjects = [one.subject for one in chain]
    for number, one in enumerate(chain[:-1]):
        if one.issuer != one.subject and one.issuer != subjects[number + 1] and one.issuer in subjects:
            yield Fault(
                text="the certificates are not in order",
                remedy="put that of the server first, then its issuer's, and so on",
            )
            return


def _trust(chain: Sequence[x509.Certificate], trusted: crypto.X509Store) -> Iterator[Fault]:
    """At most one: where the way from the certificate to an authority that is known ends."""
    first, *rest = (crypto.X509.from_cryptography(one) for one in chain)
    try:
        crypto.X509StoreContext(trusted, first, rest).verify_certificate()
    except crypto.X509StoreContextError as error:
        code, depth, text = error.errors
        yield from _untrusted(code, depth, text, error.certificate.to_cryptography())


def _untrusted(code: int, depth: int, text: str, at: x509.Certificate) -> Iterator[Fault]:
    """What it means that OpenSSL has stopped at the certificate ``at``, so many steps from the server's own."""
    if code == _SELF_SIGNED:
        yield Fault(
            text="it is self-signed: no authority vouches for it, and browsers warn",
            remedy="get one from an authority, see docs/tls.md",
            grave=False,
        )
    elif code == _UNKNOWN_ROOT:
        yield Fault(
            text=f"its authority, {common_name(at.subject)}, is not one that this machine trusts",
            remedy="if it is one of your own, all who come have to be told to trust it",
            grave=False,
        )
    elif code in _NO_ISSUER and depth > 0:
        issuer = common_name(at.issuer)
        yield Fault(
            text=f"the chain ends at {common_name(at.subject)}, and {issuer} is not one that this machine trusts",
            remedy=f"if {issuer} is an authority of your own, all who come have to be told to trust it;"
            f" otherwise put its certificate behind the others{_offered_at(at)}",
            grave=False,
        )
    elif code in _NO_ISSUER:
        yield Fault(
            text=f"the chain ends at {common_name(at.subject)}: the certificate of {common_name(at.issuer)} is missing",
            remedy=f"put it behind the others{_offered_at(at)}",
        )
    elif code not in _DATES:
        yield Fault(text=f"{common_name(at.subject)}: {text}", remedy="order a new one")


def _offered_at(certificate: x509.Certificate) -> str:
    """Where the certificate of the issuer is said to be."""
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return ", your authority offers it as a chain or bundle"
    places = [
        one.access_location.value for one in access if one.access_method == AuthorityInformationAccessOID.CA_ISSUERS
    ]
    return f", in PEM form; it is at {places[0]}" if places else ", your authority offers it as a chain or bundle"


def common_name(name: x509.Name) -> str:
    """What people call the owner of a certificate."""
    found = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(found[0].value) if found else name.rfc4514_string()
