"""What the statistics are asked for: charts, the images that are asked for most, the numbers of one image."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Literal

import attrs

from qisd.errors import BadParameter
from qisd.stats import latency
from qisd.store import stats_reports
from qisd.store.queries import Queries
from qisd.store.stats import BreakdownCounts, SystemCounts, Totals
from qisd.store.stats_reports import DayCounts, SeriesRange, TopImage

Subject = Literal["system", "image"]

IMAGE_TYPES = range(1, 9)
"""Types of chart: requests, views, cached views, cached views in % of views, downloads, bytes, seconds, longest
request."""

_PERCENTS = {103: 50, 104: 95, 105: 99}

SYSTEM_TYPES = (*IMAGE_TYPES, 100, 101, 102, *_PERCENTS)
"""As :data:`IMAGE_TYPES`, the use of processors, memory and cache in %, and the seconds that 50, 95 and 99 percent of
the answers stayed below."""

TOP_ORDERS = range(1, 8)
"""Orders of the images asked for most: requests, views, cached views, downloads, bytes, seconds, longest request."""

_DAYS = 30

_RUNNING_TOO = 8
"""Charts of this type and above show the period that isn't over too: theirs are no sums, which would seem to drop."""


@attrs.frozen(kw_only=True)
class Feed:
    """The points of a chart: milliseconds since 1970 at the end of a period, and its value.

    :param first: milliseconds of the first and the last point; 0 when there is none.
    """

    points: Sequence[tuple[int, int | float]]
    first: int
    last: int


@attrs.frozen(kw_only=True)
class ImageSummary:
    """What was counted for one image lately."""

    last_day: Totals
    last_30_days: Totals
    days: Sequence[DayCounts]


@attrs.frozen(kw_only=True)
class Percentiles:
    """The times in seconds that 50, 95 and 99 percent of the answers stayed below."""

    p50: float
    p95: float
    p99: float


async def series(
    db: Queries,
    subject: Subject,
    *,
    data_type: int,
    start: datetime,
    end: datetime,
    now: datetime,
    frequency: int,
    image_id: int | None = None,
    running: bool = False,
) -> Feed:
    """A chart of the periods that began in [start, end). Those without a row are filled in with 0; not in charts of
    percentiles, which are of answers and not of time.

    :param data_type: of :data:`SYSTEM_TYPES` or :data:`IMAGE_TYPES`.
    :param frequency: ``STATS_FREQUENCY``, minutes of a period.
    :param image_id: of an image; None is all of them together.
    :param running: show the period that isn't over as well, whatever the type of chart.
    :raises BadParameter: there's no such type of chart.
    """
    types: Sequence[int] = SYSTEM_TYPES if subject == "system" else IMAGE_TYPES
    if data_type not in types:
        raise BadParameter("data_type", f"Value is not one of: {', '.join(map(str, types))}")
    wanted = _range(start, end, now, frequency, running_too=running or data_type >= _RUNNING_TOO)
    if data_type in _PERCENTS:
        points = await _percentile_series(db, wanted, _PERCENTS[data_type])
    elif subject == "system":
        points = await stats_reports.system_series(db, data_type, wanted)
    else:
        points = await stats_reports.image_series(db, data_type, wanted, image_id=image_id)
    return Feed(points=points, first=points[0][0] if points else 0, last=points[-1][0] if points else 0)


async def _percentile_series(db: Queries, wanted: SeriesRange, percent: float) -> list[tuple[int, int | float]]:
    return [
        (at, latency.percentile(cells, percent))
        for at, cells in await stats_reports.latency_series(db, wanted)
        if sum(cells)
    ]


def default_range(
    now: datetime, start: datetime | None = None, end: datetime | None = None
) -> tuple[datetime, datetime]:
    """What is shown when only a part of the range is given: the day of its end, so far."""
    end = end or now
    start = start or datetime.combine(end.astimezone(UTC).date(), time(), UTC)
    return (start if start < end else end - timedelta(minutes=1)), end


async def top_images(db: Queries, *, now: datetime, days: int = 1, order: int = 2, limit: int = 10) -> list[TopImage]:
    """The images with the highest sums over the last days. Purged ones are left out, deleted ones are shown.

    :param days: 1 to 30.
    :param order: of :data:`TOP_ORDERS`.
    :param limit: 10 to 100.
    :raises BadParameter: one of them is out of range.
    """
    for name, value, allowed in (
        ("days", days, range(1, 31)),
        ("order", order, TOP_ORDERS),
        ("limit", limit, range(10, 101)),
    ):
        if value not in allowed:
            raise BadParameter(name, f"{value} is out of range")
    return await stats_reports.top_images(db, since=now - timedelta(days=days), order=order, limit=limit)


async def image_summary(db: Queries, image_id: int, *, now: datetime) -> ImageSummary:
    """The seven numbers of one image for the last day and the last 30 days, and what came on each day of these."""
    today = now.astimezone(UTC).date()
    return ImageSummary(
        last_day=await stats_reports.image_totals(db, image_id, since=now - timedelta(days=1)),
        last_30_days=await stats_reports.image_totals(db, image_id, since=now - timedelta(days=30)),
        days=await stats_reports.image_days(db, image_id, first=today - timedelta(days=_DAYS - 1), last=today),
    )


async def system_summary(db: Queries, *, start: datetime, end: datetime) -> SystemCounts:
    """What was counted for the server in the periods that began in [start, end)."""
    return await stats_reports.system_totals(db, start=start, end=end)


async def breakdown(
    db: Queries, kind: Literal["template", "format"], *, start: datetime, end: datetime
) -> list[BreakdownCounts]:
    """What was served by template or by format in the periods that began in [start, end)."""
    return await stats_reports.breakdown(db, kind, start=start, end=end)


def percentiles(counts: SystemCounts) -> Percentiles:
    """How long the answers took that were counted."""
    p50, p95, p99 = (latency.percentile(counts.latency, percent) for percent in (50, 95, 99))
    return Percentiles(p50=p50, p95=p95, p99=p99)


def _range(start: datetime, end: datetime, now: datetime, frequency: int, *, running_too: bool) -> SeriesRange:
    seconds = frequency * 60
    start, _ = default_range(now, start, end)
    last = end if running_too else min(end, now - timedelta(minutes=frequency))
    fill_from = -(-start.timestamp() // seconds) * seconds
    fill_to = min(-(-last.timestamp() // seconds) * seconds, now.timestamp() // seconds * seconds)
    return SeriesRange(
        start=start,
        end=last,
        fill_from=datetime.fromtimestamp(fill_from, UTC),
        fill_to=datetime.fromtimestamp(max(fill_to, fill_from), UTC),
        now=now,
        seconds=seconds,
    )
