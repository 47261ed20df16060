"""What the public sees of portfolios: a page with the images, and the zips."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Protocol
from urllib.parse import quote

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from qisd.access.visitor import Visitor
from qisd.pools.files import FilePool
from qisd.pools.gentle import made_of
from qisd.portfolios.exports import Download, Exports
from qisd.portfolios.permissions import Access, access_of
from qisd.portfolios.portfolios import Portfolios
from qisd.portfolios.views import PortfolioView, ShownImage
from qisd.store.portfolio_exports import READY, Export
from qisd.store.portfolios import Portfolio
from qisd.web import headers
from qisd.web.answers import Body, Content, FileContent, partial, send, whole
from qisd.web.api.portfolios import options_query
from qisd.web.conditional import Validators, precondition_status, range_applies
from qisd.web.dates import format_date
from qisd.web.errors import ErrorAnswer
from qisd.web.headers import Header
from qisd.web.page import page
from qisd.web.ranges import ByteRange, parse_range
from qisd.web.request import QisRequest
from qisd.web.urls import Urls

_log = Logger()

_YEAR = 31_536_000

_SIZES = frozenset({"width", "height"})
_DEFAULT_SIZE = (("width", "800"), ("height", "800"), ("autosizefit", "1"))
_SHOWN_AS = (("format", "jpg"), ("colorspace", "srgb"))
"""What every browser shows, whatever the file is."""

_PRIVATE: list[Header] = [("Cache-Control", "no-store"), ("Vary", "Authorization, Cookie")]
_CHECKED: list[Header] = [("Cache-Control", "no-cache"), ("Vary", "Authorization, Cookie")]
_OF_QUERIES = "?/&=%;:,+@!$'()*~-._"
"""What stays as it is in the query of a redirect."""

_REFERRER: Header = ("Referrer-Policy", "same-origin")


class VisitorFinder(Protocol):
    """See :class:`qisd.web.identity.Identity`."""

    async def of(self, request: QisRequest) -> Visitor: ...


class PortfolioPages:
    """The handlers of the addresses of portfolios outside of the API.

    :param count: told the size in bytes of each answer with a zip, for the statistics; must not fail.
    """

    def __init__(
        self,
        *,
        portfolios: Portfolios,
        exports: Exports,
        files: FilePool,
        identity: VisitorFinder,
        count: Callable[[int], None],
    ) -> None:
        self._portfolios = portfolios
        self._exports = exports
        self._files = files
        self._identity = identity
        self._count = count

    def to_page(self, request: QisRequest, human_id: str) -> None:
        """From the address without a slash at its end to the one with it."""
        query = f"?{request.raw_query.decode('latin-1')}" if request.raw_query else ""
        address = f"{request.site.root}portfolios/{quote(human_id, safe='')}/{quote(query, safe=_OF_QUERIES)}"
        request.answer(301, [("Location", address)], b"")

    async def page(self, request: QisRequest, human_id: str) -> None:
        """The images, and the zips that the visitor may have."""
        visitor = await self._identity.of(request)
        view = await self._portfolios.by_human_id(visitor, human_id)
        title = view.portfolio.name.strip() or view.portfolio.human_id
        downloads = []
        if access_of(visitor, view.portfolio) >= Access.DOWNLOAD:
            downloads = [export for export in view.exports if export.state == READY]
        main = await _main(request, view, downloads)
        made = page(request, title=title, main=main)
        caching = _CHECKED if visitor.anonymous else _PRIVATE
        request.answer(200, [*made.headers, *caching, _REFERRER], made.html)

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


async def _main(request: QisRequest, view: PortfolioView, downloads: Sequence[Export]) -> str:
    urls = Urls(origin="", root=request.site.root)
    parts = []
    description = view.portfolio.description.strip()
    if description:
        parts.append(f"<p>{html.escape(description).replace(chr(10), '<br>')}</p>")
    shown = [one for one in view.images.images if one.entry.active]
    sized = any(_SIZES & one.entry.parameters.keys() for one in shown)
    if shown:
        pictures = "\n".join(await made_of(request.site.reactor, shown, lambda one: _picture(urls, one, sized=sized)))
        parts.append(f'<ul class="pictures">\n{pictures}\n</ul>')
    else:
        parts.append('<p class="quiet">There are no images to be seen here.</p>')
    if view.images.hidden:
        number = "One image is" if view.images.hidden == 1 else f"{view.images.hidden} images are"
        parts.append(f'<p class="quiet">{number} not shown, since you have no permission to see the folder.</p>')
    if downloads:
        links = "\n".join(_link(urls, view.portfolio, export) for export in downloads)
        parts.append(f"<h2>Downloads</h2>\n<ul>\n{links}\n</ul>")
    return "\n".join(parts)


def _picture(urls: Urls, shown: ShownImage, *, sized: bool) -> str:
    own = [pair for pair in options_query(shown.entry.parameters) if pair[0] not in ("attach", "format", "colorspace")]
    address = urls.image(shown.entry.src, [*own, *_SHOWN_AS, *(() if sized else _DEFAULT_SIZE)])
    name = shown.entry.filename or shown.image.filename
    url, alt = html.escape(address), html.escape(shown.image.title or name)
    return f'<li><a href="{url}"><img src="{url}" alt="{alt}" loading="lazy"></a><p>{html.escape(name)}</p></li>'


def _link(urls: Urls, portfolio: Portfolio, export: Export) -> str:
    url = html.escape(urls.at(f"portfolios/{portfolio.human_id}/downloads/{export.filename}"))
    notes = [_size(export.filesize), f"until {export.keep_until:%Y-%m-%d}"]
    if export.created < portfolio.last_updated:
        notes.append("the portfolio has changed since")
    name = html.escape(export.description.strip() or "All images in one file")
    return f'<li><a href="{url}">{name}</a> <span class="quiet">({", ".join(notes)})</span></li>'


def _size(count: int) -> str:
    size, unit = float(count), "bytes"
    for larger in ("KB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.0f} {unit}" if unit == "bytes" or size >= 10 else f"{size:.1f} {unit}"


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
