"""Heads of requests that the hot path may answer: their headers change nothing of an answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import attrs
from twisted.web.http_headers import Headers

from qisd.web.accepting import modern_formats
from qisd.web.access import printable
from qisd.web.conditional import EntityTag, parse_tags
from qisd.web.head import head_fault
from qisd.web.https import hsts_header
from qisd.web.rules import WebSettings

_KEPT = 2_000
"""Heads that are known at most."""

_BYTES = 4096

END = b"\r\n\r\n"
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([!-~]?(?:[ -~]*[!-~])?)[ \t]*")

_HARMLESS = frozenset(
    b"host user-agent accept accept-encoding accept-language referer connection cookie if-none-match origin dnt"
    b" priority sec-fetch-dest sec-fetch-mode sec-fetch-site sec-fetch-user sec-ch-ua sec-ch-ua-mobile"
    b" sec-ch-ua-platform sec-gpc save-data via x-forwarded-for x-request-id cache-control pragma".split()
)
"""Headers that may be there: they change nothing, or are looked at in :func:`head_of`."""


@attrs.frozen(kw_only=True, eq=False)
class Head:
    """The headers of a request that may be answered here.

    :param tags: of ``If-None-Match``; None: it was not there.
    :param number: of ``X-Request-Id``, where there are proxies that may give one.
    :param promise: what an answer by HTTPS has at the end of its head besides.
    :param accepts: what decides where the format goes by the viewer, as :func:`modern_formats` has it.
    """

    agent: str | None
    referer: str | None
    forwarded_for: str | None
    tags: tuple[EntityTag, ...] | None
    number: str | None = None
    promise: bytes = b""
    accepts: tuple[str, ...] = ()

    def names(self, etag: str) -> bool:
        """Whether the client has what ``etag`` stands for."""
        return any(tag.any or tag.text == etag for tag in self.tags or ())


class Heads:
    """What to make of heads, by their bytes. For use on the reactor thread."""

    def __init__(self) -> None:
        self._known: dict[bytes, Head] = {}

    def __len__(self) -> int:
        return len(self._known)

    def clear(self) -> None:
        self._known.clear()

    def find(self, rest: bytes, settings: WebSettings, certified: Callable[[str], bool]) -> Head | None:
        """What to make of ``rest``, which follows the request line; None if it is not for the hot path.

        :param certified: whether there is a certificate of an authority for a host.
        """
        return self._known.get(rest) or self._learn(rest, settings, certified)

    def _learn(self, rest: bytes, settings: WebSettings, certified: Callable[[str], bool]) -> Head | None:
        if len(rest) > _BYTES or not rest.endswith(END) or rest.find(END) != len(rest) - len(END):
            return None
        fields = []
        for line in rest[2:-4].split(b"\r\n"):
            found = _FIELD.fullmatch(line)
            if found is None:
                return None
            fields.append((found[1].lower(), found[2]))
        head = head_of(fields, settings, certified)
        if head is not None and head.number is None:  # else there is no second one like it
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[rest] = head
        return head


def head_of(
    fields: Iterable[tuple[bytes, bytes]], settings: WebSettings, certified: Callable[[str], bool]
) -> Head | None:
    """What to make of the headers; None if they may change the answer, or are not in order."""
    headers = Headers()
    for name, value in fields:
        if name not in _HARMLESS:
            return None
        headers.addRawHeader(name, value)
    if head_fault(version=b"HTTP/1.1", target=b"/", headers=headers) is not None:
        return None

    def texts(name: bytes) -> bytes | None:
        values = headers.getRawHeaders(name)
        return None if values is None else b", ".join(values)

    connection = (texts(b"connection") or b"keep-alive").lower()
    if connection != b"keep-alive" or settings.session_cookie_name.encode("ascii") in (texts(b"cookie") or b""):
        return None
    origins = settings.cors_allow_origin
    if headers.hasHeader(b"origin") and origins and "*" not in origins:
        return None
    tags, number = texts(b"if-none-match"), headers.getRawHeaders(b"x-request-id")
    return Head(
        agent=_shown(texts(b"user-agent")),
        referer=_shown(texts(b"referer")),
        forwarded_for=_shown(texts(b"x-forwarded-for")),
        tags=None if tags is None else tuple(parse_tags(tags.decode("latin-1"))),
        number=number[-1].decode("latin-1") if number and settings.proxy_servers else None,
        accepts=modern_formats((texts(b"accept") or b"").decode("latin-1")),
        promise=_promise(settings, (texts(b"host") or b"").decode("latin-1"), certified),
    )


def _promise(settings: WebSettings, host: str, certified: Callable[[str], bool]) -> bytes:
    if not settings.hsts_max_age or not certified(host):
        return b""
    name, value = hsts_header(settings)
    return f"{name}: {value}\r\n".encode("ascii")


def _shown(value: bytes | None) -> str | None:
    return None if value is None else printable(value)
