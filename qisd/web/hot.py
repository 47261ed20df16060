"""The hot path: plain requests for images that have just been answered, in front of everything else.

What a request was answered with is kept when it can be the same for everybody: as the bytes of its head, but for what
differs from answer to answer. When the very same request line comes again, with headers that change nothing, while all
that the answer rests on is as it was, the same is sent again. Everything else takes the way through twisted.web, and so
does each image once a second, to see whether its file is the same. So nothing here decides what an answer is.

An image that is not in memory may be in another cache. Then the connection waits for it, before anything is parsed.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers

from qisd.access.snapshot import PermissionSnapshot
from qisd.cache.interfaces import CachedRendition
from qisd.images import Images, PreparedImage
from qisd.web.access import AccessEntry, printable
from qisd.web.conditional import EntityTag, parse_tags
from qisd.web.dates import format_date
from qisd.web.head import head_fault
from qisd.web.https import hsts_header
from qisd.web.proxies import number_of
from qisd.web.rules import WebSettings
from qisd.web.traffic import Cell

if TYPE_CHECKING:
    from qisd.web.channel import Channel
    from qisd.web.images import ImageStatistics
    from qisd.web.request import QisRequest

_ANSWERS = 10_000
"""Answers kept at most; one takes about 2 kB, the image itself is in the cache."""

_HEADS = 2_000
"""Heads of requests that are known at most."""

_HEAD_BYTES = 4096

_END = b"\r\n\r\n"
_LINE = re.compile(rb"(?:GET|HEAD) /[!-~]* HTTP/1\.1")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([!-~]?(?:[ -~]*[!-~])?)[ \t]*")

_HARMLESS = frozenset(
    b"host user-agent accept accept-encoding accept-language referer connection cookie if-none-match origin dnt"
    b" priority sec-fetch-dest sec-fetch-mode sec-fetch-site sec-fetch-user sec-ch-ua sec-ch-ua-mobile"
    b" sec-ch-ua-platform sec-gpc save-data via x-forwarded-for x-request-id cache-control pragma".split()
)
"""Headers that may be there: they change nothing, or are looked at in :func:`_head_of`."""


Standing = tuple[PermissionSnapshot, object]
"""What answers rest on: the same objects must be there still."""


@attrs.frozen(kw_only=True, eq=False)
class _Head:
    """The headers of a request that may be answered here.

    :param tags: of ``If-None-Match``; None: it was not there.
    :param number: of ``X-Request-Id``, where there are proxies that may give one.
    :param promise: what an answer by HTTPS has at the end of its head besides.
    """

    agent: str | None
    referer: str | None
    forwarded_for: str | None
    tags: tuple[EntityTag, ...] | None
    number: str | None = None
    promise: bytes = b""

    def names(self, etag: str) -> bool:
        """Whether the client has what ``etag`` stands for."""
        return any(tag.any or tag.text == etag for tag in self.tags or ())


@attrs.define(kw_only=True, eq=False)
class _Answer:
    """What a request line was answered with.

    :param status: 200 or 304.
    :param until: seconds since 1970 until which the files are known to be as they were.
    :param counted: where it is counted.
    :param before: the head up to the value of ``X-Request-Id``; ``{date}`` and ``{expires}`` are to be filled in.
    :param after: the rest of the head, behind the value of ``X-Time-Taken``.
    """

    status: int
    prepared: PreparedImage
    standing: Standing
    until: float
    with_body: bool
    request_line: str
    counted: Cell
    before: bytes
    after: bytes
    second: int = -1
    filled: bytes = b""

    def start(self, second: int) -> bytes:
        """The head up to the value of ``X-Request-Id``, as it is in this second."""
        if second != self.second:
            expires = format_date(second + self.prepared.expiry_secs).encode("ascii")
            self.filled = self.before.replace(_DATE, format_date(second).encode("ascii")).replace(_EXPIRES, expires)
            self.second = second
        return self.filled


# No header of ours can have these in it.
_DATE = b"\0date"
_EXPIRES = b"\0expires"

_NOT_KEPT = frozenset({b"Server-Timing", b"Strict-Transport-Security"})
"""The first is not sent from here: to write it would cost more than a hundredth of what an answer takes. The second is
not for everybody.
"""


class HotPath:
    """Answers that can be given again. For use on the reactor thread.

    :param look: what the memory of this process has under a key.
    :param elsewhere: what other caches have.
    :param permissions: gives the snapshot in force.
    :ivar answered: images that were sent from memory.
    """

    log = Logger()

    def __init__(
        self,
        *,
        images: Images,
        look: Callable[[str], CachedRendition | None],
        elsewhere: Callable[[str], Coroutine[Any, Any, CachedRendition | None]],
        permissions: Callable[[], PermissionSnapshot],
        statistics: ImageStatistics,
    ) -> None:
        self._images = images
        self._look = look
        self._elsewhere = elsewhere
        self._permissions = permissions
        self._statistics = statistics
        self.answered = 0
        self._answers: dict[bytes, _Answer] = {}
        self._unchanged: dict[bytes, _Answer] = {}
        self._heads: dict[bytes, _Head | None] = {}

    def forget(self) -> None:
        """Settings have changed: none of the answers is right any more."""
        self._answers.clear()
        self._unchanged.clear()
        self._heads.clear()

    def standing(self) -> Standing:
        """What an answer rests on that is begun now."""
        return self._permissions(), self._images.standing()

    def answer(self, channel: Channel, data: bytes) -> bool:
        """Answer the one request that ``data`` is, if that is possible; whether it was.

        :param channel: waits for a request.
        """
        began = time.monotonic_ns()
        end = data.find(b"\r\n")
        line = data[:end]
        answer = self._answers.get(line)
        if answer is None:
            return False
        rest = data[end:]
        head = self._heads.get(rest)
        if head is None:
            head = self._learn(rest, channel)
            if head is None:
                return False
        if head.tags is not None:
            answer = self._unchanged.get(line)
            if answer is None or not head.names(answer.prepared.etag):
                return False
        if not self._stands(answer, channel) or (channel.scheme == "http" and channel.site.all_by_https):
            return False
        if answer.status == 304:
            self._send(channel, answer, head, b"", began=began)
            return True
        rendition = self._look(answer.prepared.etag)
        if rendition is None:
            return self._bring(channel, data, answer, head, began=began)
        self.answered += 1
        self._send(channel, answer, head, rendition.data, began=began)
        return True

    def _stands(self, answer: _Answer, channel: Channel) -> bool:
        permissions, others = self.standing()
        right = answer.standing[0] is permissions and answer.standing[1] is others
        return right and channel.site.reactor.seconds() <= answer.until

    def _bring(self, channel: Channel, data: bytes, answer: _Answer, head: _Head, *, began: int) -> bool:
        """Let the connection wait for what other caches have, unless it is clear at once that they have nothing."""
        asked = Deferred.fromCoroutine(self._elsewhere(answer.prepared.etag))
        asked.addErrback(self._can_not_ask)
        if asked.called and asked.result is None:
            return False
        channel.hold_back(data)
        asked.addCallback(self._brought, channel, data, answer, head, began=began)
        return True

    def _can_not_ask(self, failure: Failure) -> None:
        self.log.failure("asking the caches", failure)

    def _brought(
        self,
        rendition: CachedRendition | None,
        channel: Channel,
        data: bytes,
        answer: _Answer,
        head: _Head,
        *,
        began: int,
    ) -> None:
        come = channel.held_back()
        if come is None:
            return
        known = self._answers.get(data[: data.find(b"\r\n")]) is answer
        alone = come == data and not channel.site.draining
        if rendition is not None and known and alone and self._stands(answer, channel):
            channel.site.traffic.sources[rendition.floor] += 1
            self._send(channel, answer, head, rendition.data, began=began)
        else:
            channel.take_in(come)
        channel.release()

    def _send(self, channel: Channel, answer: _Answer, head: _Head, data: bytes, *, began: int) -> None:
        body = data if answer.with_body else b""
        now = channel.site.reactor.seconds()
        request_id = self._number(channel, head) or secrets.token_hex(8)
        app_us = (time.monotonic_ns() - began) // 1000
        after = answer.after
        if head.promise and channel.scheme == "https":
            after = after[:-2] + head.promise + b"\r\n"
        parts = (answer.start(int(now)), request_id.encode(), b"\r\nX-Time-Taken: %d" % app_us, after)
        channel.transport.writeSequence((*parts, body))  # type: ignore[union-attr]
        channel.answered_at_once()
        self._count(channel, answer, head, now=now, began=began, app_us=app_us, size=len(body), request_id=request_id)

    @staticmethod
    def _number(channel: Channel, head: _Head) -> str | None:
        if head.number is None:
            return None
        settings = channel.site.settings
        return number_of(
            head.number, peer=channel.client, proxies=settings.proxy_servers, trusted=settings.proxy_addresses
        )

    def keep(self, request: QisRequest, prepared: PreparedImage, standing: Standing) -> None:
        """``request`` was answered with ``prepared``, from the cache, or with 304: keep that, if it can be kept.

        :param standing: from before anything was looked up for it.
        """
        if not self._can_be_kept(request, prepared):
            return
        line = b" ".join((request.method, request.target, request.clientproto))
        answers = self._unchanged if request.code == 304 else self._answers
        answers.pop(line, None)
        if len(answers) >= _ANSWERS:
            del answers[next(iter(answers))]
        before, after = _template(request, prepared)
        if not before:
            return
        answers[line] = _Answer(
            status=request.code,
            prepared=prepared,
            standing=standing,
            until=self._images.known_until(prepared),
            with_body=request.method == b"GET" and request.code == 200,
            request_line=printable(line),
            counted=request.site.traffic.cell(
                "image", request.method, request.code, cached=None if request.code == 304 else True
            ),
            before=before,
            after=after,
        )

    def _can_be_kept(self, request: QisRequest, prepared: PreparedImage) -> bool:
        """Whether everybody who sends this request line gets this answer."""
        line = b" ".join((request.method, request.target, request.clientproto))
        return (
            (request.code == 304 or (request.code == 200 and bool(request.from_cache)))
            and _LINE.fullmatch(line) is not None
            and prepared.public
            and prepared.lasting
            and not prepared.xref
            and not prepared.anew
            and not request.site.draining
            and _head_of(_fields(request), request.site.settings, request.site.certified) is not None
        )

    def _learn(self, rest: bytes, channel: Channel) -> _Head | None:
        """What to make of ``rest``, which follows the request line; None if it is not for here."""
        if len(rest) > _HEAD_BYTES or not rest.endswith(_END) or rest.find(_END) != len(rest) - len(_END):
            return None
        fields = []
        for line in rest[2:-4].split(b"\r\n"):
            found = _FIELD.fullmatch(line)
            if found is None:
                return None
            fields.append((found[1].lower(), found[2]))
        head = _head_of(fields, channel.site.settings, channel.site.certified)
        if head is not None and head.number is None:  # else there is no second one like it
            if len(self._heads) >= _HEADS:
                self._heads.clear()
            self._heads[rest] = head
        return head

    def _count(
        self,
        channel: Channel,
        answer: _Answer,
        head: _Head,
        *,
        now: float,
        began: int,
        app_us: int,
        size: int,
        request_id: str,
    ) -> None:
        """What is noted of every answer."""
        prepared, site = answer.prepared, channel.site
        unchanged = answer.status == 304
        self._statistics.served(
            prepared.path,
            kind="not_modified" if unchanged else "cached",
            body_bytes=size,
            seconds=app_us / 1e6,
            record=prepared.record,
            template=prepared.template,
            format=prepared.output,
        )
        answer.counted.note(app_us, size)
        if site.access_log is not None:
            site.access_log.write(
                AccessEntry(
                    client=channel.client,
                    forwarded_for=head.forwarded_for,
                    time=now,
                    request_line=answer.request_line,
                    status=answer.status,
                    body_bytes=size,
                    app_us=app_us,
                    total_us=(time.monotonic_ns() - began) // 1000,
                    from_cache=None if unchanged else True,
                    agent=head.agent,
                    referer=head.referer,
                    request_id=request_id,
                    protocol=channel.scheme,
                )
            )


def _fields(request: QisRequest) -> Iterator[tuple[bytes, bytes]]:
    for name, values in request.requestHeaders.getAllRawHeaders():
        for value in values:
            yield name.lower(), value


def _head_of(
    fields: Iterable[tuple[bytes, bytes]], settings: WebSettings, certified: Callable[[str], bool]
) -> _Head | None:
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
    return _Head(
        agent=_shown(texts(b"user-agent")),
        referer=_shown(texts(b"referer")),
        forwarded_for=_shown(texts(b"x-forwarded-for")),
        tags=None if tags is None else tuple(parse_tags(tags.decode("latin-1"))),
        number=number[-1].decode("latin-1") if number and settings.proxy_servers else None,
        promise=_promise(settings, (texts(b"host") or b"").decode("latin-1"), certified),
    )


def _promise(settings: WebSettings, host: str, certified: Callable[[str], bool]) -> bytes:
    if not settings.hsts_max_age or not certified(host):
        return b""
    name, value = hsts_header(settings)
    return f"{name}: {value}\r\n".encode("ascii")


def _shown(value: bytes | None) -> str | None:
    return None if value is None else printable(value)


def _template(request: QisRequest, prepared: PreparedImage) -> tuple[bytes, bytes]:
    """The head of the answer before the value of ``X-Request-Id`` and behind that of ``X-Time-Taken``.

    Both are empty when the headers are not those that are known here.
    """
    changing = {b"Date": _DATE}
    if prepared.expiry_secs > 0:
        changing[b"Expires"] = _EXPIRES
    lines = [b"HTTP/1.1 %d %s" % (request.code, request.code_message)]
    for name, values in request.responseHeaders.getAllRawHeaders():
        if name in _NOT_KEPT:
            continue
        lines += [b"%s: %s" % (name, changing.get(name, value)) for value in values]
    head = b"\r\n".join(lines) + _END
    before, _, rest = head.partition(b"\r\nX-Request-Id: ")
    _, _, after = rest.partition(b"\r\nX-Time-Taken: ")
    _, line, after = after.partition(b"\r\n")
    return (before + b"\r\nX-Request-Id: ", line + after) if after else (b"", b"")
