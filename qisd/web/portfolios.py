"""The zips of portfolios, as the public downloads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from qisd.access.visitor import Visitor
from qisd.pools.files import FilePool
from qisd.portfolios.exports import Download, Exports
from qisd.web import headers
from qisd.web.answers import Body, Content, FileContent, partial, send, whole
from qisd.web.conditional import Validators, precondition_status, range_applies
from qisd.web.dates import format_date
from qisd.web.errors import ErrorAnswer
from qisd.web.headers import Header
from qisd.web.ranges import ByteRange, parse_range
from qisd.web.request import QisRequest

_log = Logger()

_YEAR = 31_536_000


class VisitorFinder(Protocol):
    """See :class:`qisd.web.identity.Identity`."""

    async def of(self, request: QisRequest) -> Visitor: ...


class PortfolioDownloads:
    """The handler of the addresses of zips.

    :param count: told the size in bytes of each answer with a zip, for the statistics; must not fail.
    """

    def __init__(
        self,
        *,
        exports: Exports,
        files: FilePool,
        identity: VisitorFinder,
        count: Callable[[int], None],
    ) -> None:
        self._exports = exports
        self._files = files
        self._identity = identity
        self._count = count

    async def download(self, request: QisRequest, human_id: str, filename: str) -> None:
        """A zip, or parts of it."""
        visitor = await self._identity.of(request)
        download = await self._exports.download(visitor, human_id, filename)
        content = FileContent(stream=download.stream, size=download.size, files=self._files)
        try:
            if _conditions_answer(request, download):
                return
            status, body = _body(request, download, content)
            request.start(
                status,
                [
                    *body.headers,
                    ("Content-Length", str(body.length)),
                    ("Accept-Ranges", "bytes"),
                    ("Last-Modified", format_date(download.modified)),
                    *_caching(request, download),
                    headers.content_disposition(download.filename, attachment=True),
                ],
            )
            await send(request, body)
        finally:
            content.close()
        if request.method == b"GET":
            self._count(body.length)
            if _is_all(body):
                self._note(visitor, download)

    def _note(self, visitor: Visitor, download: Download) -> None:
        """Tell the history, in the background: who has got everything may hang up now, and that must not undo it."""
        noting = Deferred.fromCoroutine(self._exports.downloaded(visitor, download))
        noting.addErrback(lambda failure: _log.failure("a download is missing in the history", failure))


def _caching(request: QisRequest, download: Download) -> list[Header]:
    """For a year, but not beyond its end."""
    seconds = max(1, min(_YEAR, int(download.expires_in)))
    now = request.site.reactor.seconds()
    return headers.caching(seconds, etag=download.etag, now=now, public=download.public)


def _conditions_answer(request: QisRequest, download: Download) -> bool:
    """Whether the conditions of the request were its answer: 304 or 412."""
    status = precondition_status(request.conditions(), _validators(download))
    if status == 304:
        request.start(304, _caching(request, download))
        request.write(b"")
    elif status == 412:
        request.answer_error(ErrorAnswer(status=412, message="The file is not the version that was meant."))
    return status is not None


def _body(request: QisRequest, download: Download, content: Content) -> tuple[int, Body]:
    """Status and body: everything, or the ranges asked for."""
    media = headers.content("application/zip")
    wanted = request.header("Range") if request.method == b"GET" else None
    now = request.site.reactor.seconds()
    if wanted is not None and range_applies(request.conditions(), _validators(download), now=now):
        ranges = parse_range(wanted, content.size)
        if ranges is not None:
            return 206, partial(content, ranges, media_headers=media)
    return 200, whole(content, media_headers=media)


def _is_all(body: Body) -> bool:
    """Whether all of the content goes out, be it as a range."""
    sent = [piece for piece in body.pieces if isinstance(piece, ByteRange)]
    return len(sent) == 1 and sent[0].length == body.content.size


def _validators(download: Download) -> Validators:
    return Validators(etag=download.etag, last_modified=download.modified)
