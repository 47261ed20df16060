"""What is wrong with the head of a request that Twisted's parser lets through. Pure functions."""

from __future__ import annotations

from twisted.web.http_headers import Headers

from qisd.web.proxies import is_host


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
    if hosts and hosts[0] and not is_host(hosts[0]):
        return "The name of the host is malformed."
    encodings = headers.getRawHeaders(b"Transfer-Encoding", [])
    if encodings and (version == b"HTTP/1.0" or [encoding.lower() for encoding in encodings] != [b"chunked"]):
        return "This transfer encoding is not accepted."
    return None
