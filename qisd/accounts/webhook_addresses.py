"""Where webhooks may lead: to other machines, and not to what only this one or its neighbours can reach."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from qisd.errors import BadParameter

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

URL_MAX = 1024

# IPv4 addresses in disguise (RFC 6052): what they stand for counts.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def check_url(url: str, *, allowed: Iterable[Network], parameter: str = "url") -> str:
    """``url``, if messages can be sent there.

    :param allowed: networks that may be reached besides public addresses.
    :raises BadParameter: it is no such address.
    """
    if len(url) > URL_MAX:
        raise BadParameter(parameter, f"Value is too long (max {URL_MAX})")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise BadParameter(parameter, "must be an address without blanks and other special characters")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadParameter(parameter, "can't be read") from error
    if parts.scheme not in ("https", "http") or not host or port == 0:
        raise BadParameter(parameter, "must begin with https:// or http:// and name a host")
    if parts.username is not None or parts.password is not None or "#" in url:
        raise BadParameter(parameter, "must have neither a user name nor a fragment")
    literal = _literal(host)
    if literal is not None and not may_be_reached(literal, allowed=allowed):
        raise BadParameter(parameter, "must be a public address")
    return url


def may_be_reached(address: Address, *, allowed: Iterable[Network] = ()) -> bool:
    """Whether a message may go to ``address``."""
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        return False
    if any(address in network for network in allowed):
        return True
    if isinstance(address, ipaddress.IPv6Address) and address.is_site_local:  # given up, but not everywhere
        return False
    inner = _inside(address)
    if inner is not None:
        return may_be_reached(inner, allowed=allowed)
    return address.is_global and not address.is_multicast and not address.is_reserved


def _inside(address: Address) -> Address | None:
    """The IPv4 address that an IPv6 address stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
