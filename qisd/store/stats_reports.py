"""What the statistics tell: series over time, sums, the images that are asked for most; and all rows for an export."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime

import attrs

from qisd.store.queries import Queries
from qisd.store.stats import AVERAGES, EXTRA, SEVEN, SUMS, BreakdownCounts, SystemCounts, Totals

_VALUES = {
    1: "requests",
    2: "views",
    3: "cached_views",
    4: "case when views > 0 then 100 * cached_views / views else 0 end",
    5: "downloads",
    6: "total_bytes",
    7: "request_seconds",
    8: "max_request_seconds",
    100: "cpu_pc",
    101: "memory_pc",
    102: "cache_pc",
}
"""What each type of chart shows, as SQL."""

_ORDERS = {
    1: "requests",
    2: "views",
    3: "cached_views",
    4: "downloads",
    5: "total_bytes",
    6: "request_seconds",
    7: "max_request_seconds",
}

_SUMMED = ", ".join(
    [
        *(f"coalesce(sum({name}), 0)::bigint as {name}" for name in SUMS[:-1]),
        "coalesce(sum(request_seconds), 0) as request_seconds",
        "coalesce(max(max_request_seconds), 0) as max_request_seconds",
    ]
)

_GAP_MAX = 1000
"""The longest gap that is filled with a point for each period; longer ones get one at either end."""


@attrs.frozen(kw_only=True)
class SeriesRange:
    """What is shown of a series.

    :param start: the first moment at which a period may begin; ``end`` is the first one after.
    :param fill_from: where the first period may begin that is filled in because there's no row for it.
    :param fill_to: where the last one of those may end.
    :param now: points don't lie beyond.
    :param seconds: length of the periods that are filled in.
    """

    start: datetime
    end: datetime
    fill_from: datetime
    fill_to: datetime
    now: datetime
    seconds: int


async def system_series(db: Queries, data_type: int, wanted: SeriesRange) -> list[tuple[int, int | float]]:
    """Milliseconds since 1970 at the end of each period, and its value.

    :param data_type: a key of the table of types, such as 1 for requests.
    """
    source = f"select from_time, to_time, {_VALUES[data_type]} as value from systemstats"  # noqa: S608
    return await _series(db, source, "", [], wanted)


async def latency_series(db: Queries, wanted: SeriesRange) -> list[tuple[int, list[int]]]:
    """Milliseconds since 1970 at the end of each period that there is, and how many answers took how long in it."""
    rows = await db.query(
        "select (extract(epoch from least(to_time, %s)) * 1000)::bigint, latency from systemstats"
        " where from_time >= %s and from_time < %s order by from_time",
        (wanted.now, wanted.start, wanted.end),
    )
    return [(int(at), cells) for at, cells in rows]


async def image_series(
    db: Queries, data_type: int, wanted: SeriesRange, *, image_id: int | None
) -> list[tuple[int, int | float]]:
    """As :func:`system_series`, of one image, or of all together."""
    condition, parameters = ("image_id = %s and ", [image_id]) if image_id is not None else ("", [])
    if image_id is not None:
        source = f"select from_time, to_time, {_VALUES[data_type]} as value from imagestats"  # noqa: S608
        return await _series(db, source, condition, parameters, wanted)
    grouped = f"select from_time, max(to_time) as to_time, {_SUMMED} from imagestats"  # noqa: S608
    return await _series(
        db, grouped, "", [], wanted, after=" group by from_time", value=f", {_VALUES[data_type]} as value"
    )


async def _series(
    db: Queries,
    source: str,
    condition: str,
    parameters: Sequence[object],
    wanted: SeriesRange,
    *,
    after: str = "",
    value: str = ", value",
) -> list[tuple[int, int | float]]:
    rows = await db.query(
        f"with found as ({source} where {condition}from_time >= %s and from_time < %s{after}),"  # noqa: S608
        f" points as (select from_time, to_time{value} from found),"
        " spans as (select from_time, to_time from points"
        " union all select edge, edge from unnest(%s::timestamptz[]) as edge),"
        " gaps as (select extract(epoch from max(to_time) over earlier) as gap_from,"
        " extract(epoch from lead(from_time) over later) as gap_to from spans"
        " window later as (order by from_time, to_time), earlier as (later rows unbounded preceding)),"
        " holes as (select ceil(gap_from / length) * length as hole, length,"
        " floor((gap_to - ceil(gap_from / length) * length) / length)::int as number"
        " from gaps cross join (select %s::numeric as length) as given where gap_to > gap_from),"
        " zeros as (select hole + slot * length as at from holes cross join lateral"
        " generate_series(1, number, case when number > %s then number - 1 else 1 end) as slot where number > 0)"
        " select (extract(epoch from least(to_time, %s)) * 1000)::bigint as at, value from points"
        " union all select (at * 1000)::bigint, 0 from zeros order by at",
        (
            *parameters,
            wanted.start,
            wanted.end,
            [wanted.fill_from, max(wanted.fill_to, wanted.fill_from)],
            wanted.seconds,
            _GAP_MAX,
            wanted.now,
        ),
    )
    return [(int(at), number) for at, number in rows]


@attrs.frozen(kw_only=True)
class TopImage:
    """One line of the report of the images that were asked for most; ``active`` is false for deleted ones."""

    id: int
    src: str
    active: bool
    totals: Totals


async def top_images(db: Queries, *, since: datetime, order: int, limit: int) -> list[TopImage]:
    """The images with the highest sums since a moment.

    :param order: 1 requests, 2 views, 3 cached views, 4 downloads, 5 bytes, 6 seconds, 7 longest request.
    """
    # Only those that will be shown are summed up whole: a busy day has a row of many images for each hour.
    column = _ORDERS[order]
    sum_of = f"max({column})" if column == "max_request_seconds" else f"sum({column})"
    rows = await db.query(
        "with best as materialized (select image_id from imagestats where from_time >= %s"  # noqa: S608
        f" group by image_id order by {sum_of} desc, image_id limit %s),"
        f" top as (select image_id, {_SUMMED} from imagestats join best using (image_id) where from_time >= %s"
        " group by image_id)"
        f" select images.id, src, status = 1, {', '.join(f'top.{name}' for name in SEVEN.split(', '))}"
        f" from top join images on images.id = image_id order by top.{column} desc, images.id",
        (since, limit, since),
    )
    return [TopImage(id=row[0], src=row[1], active=row[2], totals=Totals(*row[3:])) for row in rows]


async def image_totals(db: Queries, image_id: int, *, since: datetime) -> Totals:
    """What was counted for one image in the periods that began at a moment or later."""
    rows = await db.query(
        f"select {_SUMMED} from imagestats where image_id = %s and from_time >= %s",  # noqa: S608
        (image_id, since),
    )
    return Totals(*rows[0])


@attrs.frozen(kw_only=True)
class DayCounts:
    """What was counted for one image on a day, by UTC: requests, pictures and originals sent, bytes."""

    day: date
    requests: int
    served: int
    total_bytes: int


async def image_days(db: Queries, image_id: int, *, first: date, last: date) -> list[DayCounts]:
    """What was counted for one image on each day, from the first to the last; 0 where there is nothing."""
    rows = await db.query(
        "select day::date, coalesce(sum(requests), 0)::bigint, coalesce(sum(views + downloads), 0)::bigint,"
        " coalesce(sum(total_bytes), 0)::bigint from generate_series(%s::timestamp, %s::timestamp, '1 day') as day"
        " left join imagestats on image_id = %s and from_time >= day at time zone 'utc'"
        " and from_time < (day + interval '1 day') at time zone 'utc' group by day order by day",
        (first, last, image_id),
    )
    return [
        DayCounts(day=day, requests=requests, served=served, total_bytes=size) for day, requests, served, size in rows
    ]


async def system_totals(db: Queries, *, start: datetime, end: datetime) -> SystemCounts:
    """What was counted for the server in the periods that began in [start, end)."""
    averages = ", ".join(f"coalesce(sum({name} * samples) / nullif(sum(samples), 0), 0)" for name in AVERAGES)
    rows = await db.query(
        f"select {_SUMMED}, {', '.join(f'coalesce(sum({name}), 0)::bigint' for name in (*EXTRA, 'samples'))},"  # noqa: S608
        f" {averages} from systemstats where from_time >= %s and from_time < %s",
        (start, end),
    )
    cells = await db.query(
        "select sum(cell)::bigint from systemstats, unnest(latency) with ordinality as cells (cell, n)"
        " where from_time >= %s and from_time < %s group by n order by n",
        (start, end),
    )
    names = (*EXTRA, "samples", *AVERAGES)
    return SystemCounts(
        totals=Totals(*rows[0][:7]),
        latency=[cell for (cell,) in cells],
        **dict(zip(names, rows[0][7:], strict=True)),
    )


async def of_template(db: Queries, name: str, *, since: datetime) -> BreakdownCounts:
    """What was served by the template of this name in the periods that began since then."""
    rows = await db.query(
        "select coalesce(sum(requests), 0)::bigint, coalesce(sum(views), 0)::bigint,"
        " coalesce(sum(total_bytes), 0)::bigint from statsbreakdown"
        " where kind = 'template' and name = lower(%s) and from_time >= %s",
        (name, since),
    )
    requests, views, size = rows[0]
    return BreakdownCounts(kind="template", name=name, requests=requests, views=views, total_bytes=size)


async def breakdown(db: Queries, kind: str, *, start: datetime, end: datetime) -> list[BreakdownCounts]:
    """What was served by template or format in the periods that began in [start, end); most requests first."""
    rows = await db.query(
        "select name, sum(requests)::bigint as number, sum(views)::bigint, sum(total_bytes)::bigint from statsbreakdown"
        " where kind = %s and from_time >= %s and from_time < %s group by name order by number desc, name",
        (kind, start, end),
    )
    return [
        BreakdownCounts(kind=kind, name=name, requests=requests, views=views, total_bytes=size)
        for name, requests, views, size in rows
    ]


# --- Export

_PAGE = 5000

_FIRST = datetime(1970, 1, 1, tzinfo=UTC)

SYSTEM_COLUMNS = (
    "from_time", "to_time", *SEVEN.split(", "), *EXTRA, *AVERAGES,
)  # fmt: skip
IMAGE_COLUMNS = ("image_id", "src", "from_time", "to_time", *SEVEN.split(", "))


async def export_system(db: Queries, *, start: datetime, end: datetime) -> AsyncIterator[list[tuple[object, ...]]]:
    """The system's rows that began in [start, end), page by page; columns as :data:`SYSTEM_COLUMNS`."""
    query = (
        f"select {', '.join(SYSTEM_COLUMNS)} from systemstats"  # noqa: S608
        " where from_time > %s and from_time >= %s and from_time < %s order by from_time limit %s"
    )
    last = _FIRST
    while rows := await db.query(query, (last, start, end, _PAGE)):
        last = rows[-1][0]
        yield rows


async def export_images(db: Queries, *, start: datetime, end: datetime) -> AsyncIterator[list[tuple[object, ...]]]:
    """The images' rows that began in [start, end), by image, page by page; columns as :data:`IMAGE_COLUMNS`."""
    columns = ", ".join(f"s.{name}" if name != "src" else "images.src" for name in IMAGE_COLUMNS)
    query = (
        f"select {columns} from imagestats as s join images on images.id = s.image_id"  # noqa: S608
        " where (s.image_id, s.from_time) > (%s, %s) and s.from_time >= %s and s.from_time < %s"
        " order by s.image_id, s.from_time limit %s"
    )
    last: tuple[object, object] = (0, _FIRST)
    while rows := await db.query(query, (*last, start, end, _PAGE)):
        last = (rows[-1][0], rows[-1][2])
        yield rows
