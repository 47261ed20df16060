"""Whom a request really comes from, and how, when there are proxies in front. Pure functions."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

import attrs

_PORT_DIGITS = 5

_HOST = re.compile(rb"(?:[A-Za-z0-9._~%!$&'()*+,;=-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{0,5})?")

_NUMBER = re.compile(r"[A-Za-z0-9._:=+/-]{1,64}")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@attrs.frozen(kw_only=True)
class Origin:
    """Where a request comes from.

    :param address: the client's.
    :param secure: whether the client spoke HTTPS.
    :param host: what the client called this server, with the port if it's not the usual one; None when it didn't say.
    """

    address: str
    secure: bool
    host: str | None

    @property
    def port(self) -> int:
        """The port that the client has asked, as far as it has said."""
        _, _, digits = (self.host or "").rpartition(":")
        named = digits.isascii() and digits.isdecimal() and len(digits) <= _PORT_DIGITS
        return int(digits) if named else 443 if self.secure else 80

    @property
    def scheme(self) -> str:
        return "https" if self.secure else "http"


def is_host(name: bytes) -> bool:
    """Whether ``name`` is a host name or an address in brackets, with or without a port."""
    return _HOST.fullmatch(name) is not None


def origin_of(
    *,
    peer: str,
    secure: bool,
    host: str | None,
    forwarded_for: str | None,
    forwarded_proto: str | None,
    forwarded_host: str | None,
    proxies: int,
    trusted: Sequence[Network],
) -> Origin:
    """The origin of a request that came from ``peer``.

    :param forwarded_for: the ``X-Forwarded-…`` headers; several of a kind joined by commas.
    :param proxies: how many there are in front (``PROXY_SERVERS``): so many entries count, from the last one.
    :param trusted: where they are (``PROXY_ADDRESSES``). Nobody else is believed.
    """
    if proxies <= 0 or not is_among(peer, trusted):
        return Origin(address=peer, secure=secure, host=host)
    address = _entry(forwarded_for, proxies) or peer
    proto = _entry(forwarded_proto, proxies)
    named = _entry(forwarded_host, proxies)
    return Origin(
        address=address if _is_address(address) else peer,
        secure=secure if proto is None else proto.lower() == "https",
        host=named if named is not None and is_host(named.encode("latin-1", "replace")) else host,
    )


def _entry(header: str | None, proxies: int) -> str | None:
    """What the outermost of our proxies has said: each adds an entry at the end, and what is before may be made up."""
    entries = [entry.strip() for entry in (header or "").split(",") if entry.strip()]
    return entries[max(0, len(entries) - proxies)] if entries else None


def number_of(given: str | None, *, peer: str, proxies: int, trusted: Sequence[Network]) -> str | None:
    """The number that a proxy of ours has given to a request; None if none has.

    :param given: the header ``X-Request-Id``. Not more is believed than what fits every log.
    """
    if given is None or proxies <= 0 or _NUMBER.fullmatch(given) is None or not is_among(peer, trusted):
        return None
    return given


def is_among(peer: str, networks: Sequence[Network]) -> bool:
    """Whether the address ``peer`` is in one of ``networks``."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in networks)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
