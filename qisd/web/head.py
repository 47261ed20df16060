"""What is wrong with the head of a request that Twisted's parser lets through. Pure functions."""

from __future__ import annotations

import re

from twisted.web.http_headers import Headers

# A host name or address in brackets, with or without a port. Whether it is one of ours does not matter: nothing is
# ever built from it.
_HOST = re.compile(rb"(?:[A-Za-z0-9._~%!$&'()*+,;=-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{0,5})?")


def head_fault(*, version: bytes, target: bytes, headers: Headers) -> str | None:
    """Why a request can't be accepted, for its sender; None when it can.

    :param target: the request target as it came, in whatever form.
    """
    hosts = headers.getRawHeaders(b"Host", [])
    if len(hosts) > 1:
        return "A request must not name more than one host."
    if not hosts and version != b"HTTP/1.0":
        return "A request must name its host."
    # An empty Host is what RFC 9110, 7.2 prescribes where the target has no authority.
    if hosts and hosts[0] and _HOST.fullmatch(hosts[0]) is None:
        return "The name of the host is malformed."
    encodings = headers.getRawHeaders(b"Transfer-Encoding", [])
    if encodings and (version == b"HTTP/1.0" or [encoding.lower() for encoding in encodings] != [b"chunked"]):
        return "This transfer encoding is not accepted."
    return None
