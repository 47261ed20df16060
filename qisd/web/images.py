"""``/image`` and ``/original``: read the request, ask the domain, write the answer."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Literal, Protocol

from twisted.internet.defer import CancelledError

from qisd.access.clients import client_of
from qisd.access.levels import Level
from qisd.access.visitor import Visitor
from qisd.errors import QisError
from qisd.images import ImageBytes, ImageFile, Images, PreparedImage, PreparedOriginal
from qisd.imaging.request import parse_query_string
from qisd.pools.files import FilePool
from qisd.web import headers
from qisd.web.accepting import modern_formats
from qisd.web.answers import Body, Content, FileContent, MemoryContent, partial, send, whole
from qisd.web.conditional import Conditions, Validators, precondition_status, range_applies
from qisd.web.dates import format_date
from qisd.web.errors import ErrorAnswer
from qisd.web.hot import HotPath, Standing
from qisd.web.ranges import parse_range
from qisd.web.request import QisRequest

Served = Literal["rendered", "cached", "not_modified", "original"]


class VisitorFinder(Protocol):
    """See :class:`qisd.web.identity.Identity`."""

    async def or_stranger(self, request: QisRequest) -> Visitor: ...


class ImageStatistics(Protocol):
    """Counts what was handed out; must neither fail nor wait."""

    def served(
        self,
        src: str | None,
        *,
        kind: Served,
        body_bytes: int,
        seconds: float,
        record: bool,
        template: str | None,
        format: str | None,
    ) -> None: ...

    def failed(self, status: int) -> None: ...


class ImageHandlers:
    """The handlers of the image routes."""

    def __init__(
        self,
        *,
        images: Images,
        files: FilePool,
        identity: VisitorFinder,
        statistics: ImageStatistics,
        hot: HotPath | None = None,
    ) -> None:
        self._hot = hot
        self._images = images
        self._files = files
        self._identity = identity
        self._statistics = statistics

    async def image(self, request: QisRequest, *, erez: bool = False) -> None:
        """A rendition; conditions are looked at before anything is rendered."""
        await self._counting_errors(self._image(request, erez=erez))

    async def original(self, request: QisRequest) -> None:
        """The file itself."""
        await self._counting_errors(self._original(request))

    async def _counting_errors(self, answer: Awaitable[None]) -> None:
        try:
            await answer
        except CancelledError:
            raise
        except Exception as error:
            self._statistics.failed(error.status if isinstance(error, QisError) else 500)
            raise

    async def _image(self, request: QisRequest, *, erez: bool) -> None:
        standing = None if self._hot is None else self._hot.standing()
        visitor = await self._identity.or_stranger(request)
        accepts = modern_formats(request.joined("Accept") or "")
        prepared = await self._images.prepare(
            parse_query_string(request.raw_query), visitor, accepts=accepts, erez=erez
        )
        if not prepared.anew and self._conditions_answer(request, prepared):
            self._keep(request, prepared, standing)
            return
        prepared_us = request.app_us()
        made = await self._images.fetch(prepared, client=client_of(visitor.address))
        request.from_cache = isinstance(made, ImageBytes) and made.from_cache
        request.site.traffic.sources[_source(made)] += 1
        own = [("Server-Timing", _timing(request, prepared, made, visitor, prepared_us))]
        if prepared.filename is not None:
            own.append(headers.content_disposition(prepared.filename, attachment=True))
        await self._hand_out(request, prepared, self._content(made), made.content_type, own)
        self._keep(request, prepared, standing)

    def _keep(self, request: QisRequest, prepared: PreparedImage, standing: Standing | None) -> None:
        if self._hot is not None and standing is not None:
            self._hot.keep(request, prepared, standing)

    async def _original(self, request: QisRequest) -> None:
        visitor = await self._identity.or_stranger(request)
        prepared = await self._images.original(parse_query_string(request.raw_query), visitor)
        content = FileContent(stream=prepared.stream, size=prepared.size, files=self._files)
        if self._conditions_answer(request, prepared):
            content.close()
            return
        request.from_cache = False
        request.site.traffic.sources["original"] += 1
        own = [headers.content_disposition(prepared.filename, attachment=prepared.attachment)]
        await self._hand_out(request, prepared, content, prepared.content_type, own)

    def _content(self, made: ImageBytes | ImageFile) -> Content:
        if isinstance(made, ImageFile):
            return FileContent(stream=made.stream, size=made.size, files=self._files)
        return MemoryContent(made.data)

    async def _hand_out(
        self,
        request: QisRequest,
        prepared: PreparedImage | PreparedOriginal,
        content: Content,
        media_type: str,
        own: list[headers.Header],
    ) -> None:
        try:
            now = request.site.reactor.seconds()
            status, body = _body(request, prepared, content, media_type, now)
            self._images.handed_out(prepared)
            request.start(
                status,
                [
                    *body.headers,
                    ("Content-Length", str(body.length)),
                    ("Accept-Ranges", "bytes"),
                    ("Last-Modified", format_date(prepared.last_modified)),
                    ("X-From-Cache", str(request.from_cache)),
                    *_caching(prepared, now),
                    *own,
                ],
            )
            self._count(request, prepared, body.length if request.method == b"GET" else 0)
            await send(request, body)
        finally:
            content.close()

    def _conditions_answer(self, request: QisRequest, prepared: PreparedImage | PreparedOriginal) -> bool:
        """Whether the conditions of the request were its answer: 304 or 412."""
        conditions = request.conditions()
        if conditions == Conditions():
            return False
        status = precondition_status(conditions, _validators(prepared))
        if status == 304:
            now = request.site.reactor.seconds()
            request.start(304, _caching(prepared, now))
            self._count(request, prepared, None)
            request.write(b"")
        elif status == 412:
            request.answer_error(ErrorAnswer(status=412, message="The image is not the version that was meant."))
        return status is not None

    def _count(self, request: QisRequest, prepared: PreparedImage | PreparedOriginal, body: int | None) -> None:
        """For the statistics; ``body`` is its length, None for 304."""
        image = isinstance(prepared, PreparedImage)
        kind: Served = "not_modified" if body is None else "original"
        if body is not None and image:
            kind = "cached" if request.from_cache else "rendered"
        self._statistics.served(
            prepared.path,
            kind=kind,
            body_bytes=body or 0,
            seconds=request.app_us() / 1e6,
            record=prepared.record,
            template=prepared.template if isinstance(prepared, PreparedImage) else None,
            format=prepared.output if isinstance(prepared, PreparedImage) else None,
        )


def _caching(prepared: PreparedImage | PreparedOriginal, now: float) -> list[headers.Header]:
    return headers.caching(
        prepared.expiry_secs,
        etag=prepared.etag,
        now=now,
        public=prepared.public,
        by_accept=isinstance(prepared, PreparedImage) and prepared.accepts is not None,
    )


def _source(made: ImageBytes | ImageFile) -> str:
    """Where an image came from, as :attr:`qisd.web.traffic.Traffic.sources` has it."""
    if isinstance(made, ImageFile):
        return "original"
    return "rendered" if made.origin in ("made", "shared") else made.origin


def _timing(
    request: QisRequest, prepared: PreparedImage, made: ImageBytes | ImageFile, visitor: Visitor, prepared_us: int
) -> str:
    """What took how long, as the header ``Server-Timing`` has it; of the stages only those who may edit are told."""
    total_us = request.app_us()
    entries = [
        f"total;dur={total_us / 1000:.3f}",
        f"cache;desc={'file' if isinstance(made, ImageFile) else made.origin}",
    ]
    if not visitor.anonymous and visitor.can(Level.EDIT, prepared.path.rpartition("/")[0]):
        entries += [f"prepare;dur={prepared_us / 1000:.3f}", f"fetch;dur={(total_us - prepared_us) / 1000:.3f}"]
        stages = made.stages if isinstance(made, ImageBytes) else ()
        entries += [f"{name};dur={seconds * 1000:.3f}" for name, seconds in stages]
    return ", ".join(entries)


def _body(
    request: QisRequest, prepared: PreparedImage | PreparedOriginal, content: Content, media_type: str, now: float
) -> tuple[int, Body]:
    """Status and body: everything, or the ranges asked for."""
    media_headers = headers.content(media_type)
    wanted = request.header("Range") if request.method == b"GET" else None
    if wanted is not None and range_applies(request.conditions(), _validators(prepared), now=now):
        ranges = parse_range(wanted, content.size)
        if ranges is not None:
            return 206, partial(content, ranges, media_headers=media_headers)
    return 200, whole(content, media_headers=media_headers)


def _validators(prepared: PreparedImage | PreparedOriginal) -> Validators:
    return Validators(etag=prepared.etag, last_modified=prepared.last_modified)
