"""What counts as one client."""

from __future__ import annotations

import ipaddress

# So many bits of an IPv6 address name a customer's network; the others they choose themselves.
_IPV6_NETWORK_BITS = 64

_LONGEST = 64


def client_of(address: str) -> str:
    """An IPv4 address, however it is written, or an IPv6 network; of what is neither, the beginning."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:_LONGEST]
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _IPV6_NETWORK_BITS), strict=False))
