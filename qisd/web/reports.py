"""The feeds of the statistics' charts: JSON of their own form, for those who may see reports."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from qisd.access.levels import Flag
from qisd.errors import NotAuthenticated
from qisd.imaging.request import parse_query_string
from qisd.stats import reports
from qisd.stats.reports import Subject
from qisd.store.pool import Database
from qisd.web.api.envelope import JSON, encoded
from qisd.web.api.reading import Form, read_texts
from qisd.web.headers import Header
from qisd.web.identity import Identity, check_way, to_https, to_log_in
from qisd.web.request import QisRequest

_ALSO_TOLD = (
    "client_errors",
    "server_errors",
    "throttled",
    "folio_downloads",
    "folio_bytes",
    "cpu_pc",
    "memory_pc",
    "cache_pc",
)

_PRIVATE: list[Header] = [("Cache-Control", "no-store"), ("Vary", "Authorization, Cookie")]


class FeedForm(Form, rename={"start": "from", "end": "to"}):
    """Which chart."""

    start: datetime
    end: datetime
    data_type: int
    id: Annotated[int, Meta(ge=0)] = 0
    running: bool = False


class TopForm(Form):
    """Which of the images that are asked for most."""

    days: int = 1
    order: int = 2
    limit: int = 10


class SummaryForm(Form, rename={"start": "from", "end": "to"}):
    """Of which time; without it, of today."""

    start: datetime | None = None
    end: datetime | None = None


class ReportHandlers:
    """The handlers of the feeds.

    :param frequency: ``STATS_FREQUENCY`` as it is now, in minutes.
    """

    def __init__(self, database: Database, *, identity: Identity, frequency: Callable[[], int]) -> None:
        self._database = database
        self._identity = identity
        self._frequency = frequency

    async def system(self, request: QisRequest) -> None:
        await self._answer(request, lambda: self._feed(request, "system"))

    async def image(self, request: QisRequest) -> None:
        await self._answer(request, lambda: self._feed(request, "image"))

    async def top(self, request: QisRequest) -> None:
        """The images that were asked for most."""
        await self._answer(request, lambda: self._top(request))

    async def summary(self, request: QisRequest) -> None:
        """All that was counted for the server in a time, by template and by format too."""
        await self._answer(request, lambda: self._summary(request))

    async def _answer(self, request: QisRequest, make: Callable[[], Awaitable[Any]]) -> None:
        program = request.header("Authorization") is not None
        if program:
            check_way(request)
        elif to_https(request):
            return
        visitor = await self._identity.of(request)
        if visitor.anonymous:
            if program:
                raise NotAuthenticated
            to_log_in(request)
            return
        visitor.require_flag(Flag.REPORTS)
        body = encoded(await make()) + b"\n"
        request.answer(200, [JSON, *_PRIVATE], body)

    async def _feed(self, request: QisRequest, subject: Subject) -> dict[str, Any]:
        form = read_texts(FeedForm, parse_query_string(request.raw_query))
        feed = await reports.series(
            self._database,
            subject,
            data_type=form.data_type,
            start=form.start,
            end=form.end,
            now=datetime.fromtimestamp(request.site.reactor.seconds(), UTC),
            frequency=self._frequency(),
            image_id=form.id or None,
            running=form.running,
        )
        return {"data": [list(point) for point in feed.points], "first": feed.first, "last": feed.last}

    async def _summary(self, request: QisRequest) -> dict[str, Any]:
        form = read_texts(SummaryForm, parse_query_string(request.raw_query))
        now = datetime.fromtimestamp(request.site.reactor.seconds(), UTC)
        start, end = reports.default_range(now, form.start, form.end)
        counts = await reports.system_summary(self._database, start=start, end=end)
        return {
            "data": {
                **msgspec.to_builtins(counts.totals),
                **{name: getattr(counts, name) for name in _ALSO_TOLD},
                **msgspec.to_builtins(reports.percentiles(counts)),
                "templates": await self._parts("template", start, end),
                "formats": await self._parts("format", start, end),
            }
        }

    async def _parts(self, kind: Literal["template", "format"], start: datetime, end: datetime) -> list[dict[str, Any]]:
        found = await reports.breakdown(self._database, kind, start=start, end=end)
        return [
            {"name": one.name, "requests": one.requests, "views": one.views, "total_bytes": one.total_bytes}
            for one in found
        ]

    async def _top(self, request: QisRequest) -> dict[str, Any]:
        form = read_texts(TopForm, parse_query_string(request.raw_query))
        found = await reports.top_images(
            self._database,
            now=datetime.fromtimestamp(request.site.reactor.seconds(), UTC),
            days=form.days,
            order=form.order,
            limit=form.limit,
        )
        return {
            "data": [
                {"id": one.id, "src": one.src, "status": int(one.active), **msgspec.to_builtins(one.totals)}
                for one in found
            ]
        }
