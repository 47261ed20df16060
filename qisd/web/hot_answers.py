"""What the hot path has been shown: the answers to request lines, as bytes that can be sent again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import attrs

from qisd.access.snapshot import PermissionSnapshot
from qisd.images import PreparedImage
from qisd.web.access import printable
from qisd.web.dates import format_date
from qisd.web.hot_heads import END, Head, head_of
from qisd.web.traffic import Cell

if TYPE_CHECKING:
    from qisd.web.request import QisRequest

_KEPT = 10_000
"""Answers of each kind that are kept at most; one takes about 2 kB, the image itself is in the cache."""

_LINE = re.compile(rb"(?:GET|HEAD) /[!-~]* HTTP/1\.1")

Standing = tuple[PermissionSnapshot, object]
"""What answers rest on: the same objects must be there still."""

# No header of ours can have these in it.
_DATE = b"\0date"
_EXPIRES = b"\0expires"

_NOT_KEPT = frozenset({b"Server-Timing", b"Strict-Transport-Security"})
"""The first is not sent from here: to write it would cost more than a hundredth of what an answer takes. The second is
not for everybody.
"""


@attrs.define(kw_only=True, eq=False)
class Answer:
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


class Answers:
    """Answers by their request lines: whole ones, and those that say that nothing has changed."""

    def __init__(self) -> None:
        self._whole: dict[bytes, Answer] = {}
        self._unchanged: dict[bytes, Answer] = {}

    def __len__(self) -> int:
        return len(self._whole) + len(self._unchanged)

    def __contains__(self, line: bytes) -> bool:
        """Whether there is any answer to it. Most requests for something else end here."""
        return line in self._whole

    def clear(self) -> None:
        self._whole.clear()
        self._unchanged.clear()

    def find(self, line: bytes, head: Head) -> Answer | None:
        """What a request with this line and head was answered with."""
        if head.tags is None:
            return _of(self._whole, line, head)
        answer = _of(self._unchanged, line, head)
        return answer if answer is not None and head.names(answer.prepared.etag) else None

    def keep(self, request: QisRequest, prepared: PreparedImage, standing: Standing, *, until: float) -> None:
        """``request`` was answered with ``prepared``, from the cache, or with 304: keep that, if it can be kept.

        :param standing: from before anything was looked up for it.
        :param until: seconds since 1970 until which the files are known to be as they were.
        """
        if not _can_be_kept(request, prepared):
            return
        before, after = _template(request, prepared)
        if not before:
            return
        line = _line(request)
        answer = Answer(
            status=request.code,
            prepared=prepared,
            standing=standing,
            until=until,
            with_body=request.method == b"GET" and request.code == 200,
            request_line=printable(line),
            counted=request.site.traffic.cell(
                "image", request.method, request.code, cached=None if request.code == 304 else True
            ),
            before=before,
            after=after,
        )
        answers = self._unchanged if request.code == 304 else self._whole
        _put(answers, line, answer)
        if prepared.accepts is not None:
            _put(answers, _varied(line, prepared.accepts), answer)


def _put(answers: dict[bytes, Answer], key: bytes, answer: Answer) -> None:
    answers.pop(key, None)
    if len(answers) >= _KEPT:
        del answers[next(iter(answers))]
    answers[key] = answer


def _of(answers: Mapping[bytes, Answer], line: bytes, head: Head) -> Answer | None:
    """What a request line was answered with; where the answer goes by the viewer, that of one who accepts the same."""
    answer = answers.get(line)
    if answer is None or answer.prepared.accepts is None or answer.prepared.accepts == head.accepts:
        return answer
    return answers.get(_varied(line, head.accepts))


def _varied(line: bytes, accepts: tuple[str, ...]) -> bytes:
    """No request line: those end with the version."""
    return line + b" " + ",".join(accepts).encode("ascii")


def _line(request: QisRequest) -> bytes:
    return b" ".join((request.method, request.target, request.clientproto))


def _can_be_kept(request: QisRequest, prepared: PreparedImage) -> bool:
    """Whether everybody who sends this request line gets this answer."""
    return (
        (request.code == 304 or (request.code == 200 and bool(request.from_cache)))
        and _LINE.fullmatch(_line(request)) is not None
        and prepared.public
        and prepared.lasting
        and not prepared.xref
        and not prepared.anew
        and not request.site.draining
        and head_of(_fields(request), request.site.settings, request.site.certified) is not None
    )


def _fields(request: QisRequest) -> Iterator[tuple[bytes, bytes]]:
    for name, values in request.requestHeaders.getAllRawHeaders():
        for value in values:
            yield name.lower(), value


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
    head = b"\r\n".join(lines) + END
    before, _, rest = head.partition(b"\r\nX-Request-Id: ")
    _, _, after = rest.partition(b"\r\nX-Time-Taken: ")
    _, line, after = after.partition(b"\r\n")
    return (before + b"\r\nX-Request-Id: ", line + after) if after else (b"", b"")
