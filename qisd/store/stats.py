"""Statistics: what was served, by period. Rows of one period add up, whoever writes them.

A period begins at a multiple of its length since 1970, UTC. Old ones are rolled up into longer ones: every row says
where its own ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from uuid import UUID

import attrs

from qisd.store.queries import Queries

SUMS = ("requests", "views", "cached_views", "downloads", "total_bytes", "request_seconds")
SEVEN = f"{', '.join(SUMS)}, max_request_seconds"
AVERAGES = ("cpu_pc", "memory_pc", "cache_pc")
EXTRA = ("client_errors", "server_errors", "throttled", "folio_downloads", "folio_bytes")
_BREAKDOWN = "requests, views, total_bytes"
_SYSTEM = f"{SEVEN}, {', '.join(EXTRA)}, samples, {', '.join(AVERAGES)}, latency"

# What adds a row to one that is there already, as «s».
_LONGER = "to_time = greatest(s.to_time, excluded.to_time)"
_ADD_SEVEN = ", ".join(
    [
        *(f"{name} = s.{name} + excluded.{name}" for name in SUMS),
        "max_request_seconds = greatest(s.max_request_seconds, excluded.max_request_seconds)",
        _LONGER,
    ]
)
_ADD_SYSTEM = ", ".join(
    [
        _ADD_SEVEN,
        *(f"{name} = s.{name} + excluded.{name}" for name in (*EXTRA, "samples")),
        *(
            f"{name} = (s.{name} * s.samples + excluded.{name} * excluded.samples)"
            " / greatest(s.samples + excluded.samples, 1)"
            for name in AVERAGES
        ),
        "latency = array(select coalesce(a, 0) + coalesce(b, 0)"
        " from unnest(s.latency, excluded.latency) with ordinality as cells (a, b, n) order by n)",
    ]
)
_ADD_BREAKDOWN = ", ".join(f"{name} = s.{name} + excluded.{name}" for name in _BREAKDOWN.split(", ")) + f", {_LONGER}"

_INTO_IMAGES = f"insert into imagestats as s (image_id, from_time, to_time, {SEVEN})"
_INTO_SYSTEM = f"insert into systemstats as s (from_time, to_time, {_SYSTEM})"
_INTO_BREAKDOWN = f"insert into statsbreakdown as s (kind, name, from_time, to_time, {_BREAKDOWN})"
_MERGE_IMAGES = f"on conflict (image_id, from_time) do update set {_ADD_SEVEN}"
_MERGE_SYSTEM = f"on conflict (from_time) do update set {_ADD_SYSTEM}"
_MERGE_BREAKDOWN = f"on conflict (from_time, kind, name) do update set {_ADD_BREAKDOWN}"


@attrs.frozen
class Totals:
    """The seven numbers that are counted for each image and for the whole server, in the order of the columns."""

    requests: int = 0
    views: int = 0
    cached_views: int = 0
    downloads: int = 0
    total_bytes: int = 0
    request_seconds: float = 0.0
    max_request_seconds: float = 0.0


_SEVEN_OF = attrgetter(*SEVEN.split(", "))


@attrs.frozen(kw_only=True)
class SystemCounts:
    """What is counted for the whole server only.

    :param cpu_pc: an average of ``samples`` samples, 0 to 100, as ``memory_pc`` and ``cache_pc``.
    :param latency: how many answers took how long: see :mod:`qisd.stats.latency`.
    """

    totals: Totals
    client_errors: int = 0
    server_errors: int = 0
    throttled: int = 0
    folio_downloads: int = 0
    folio_bytes: int = 0
    samples: int = 0
    cpu_pc: float = 0.0
    memory_pc: float = 0.0
    cache_pc: float = 0.0
    latency: Sequence[int] = ()


@attrs.frozen(kw_only=True)
class BreakdownCounts:
    """A part of the views: of one template (``kind`` is ``template``) or one format (``format``)."""

    kind: str
    name: str
    requests: int
    views: int
    total_bytes: int


@attrs.frozen(kw_only=True)
class Batch:
    """Counts of one period that one process adds to it.

    :param images: the seven numbers of each image, by its id; ids that are gone are left out in silence.
    """

    from_time: datetime
    to_time: datetime
    system: SystemCounts | None = None
    breakdown: Sequence[BreakdownCounts] = ()
    images: Sequence[tuple[int, Totals]] = ()


@attrs.frozen
class Known:
    """The record of an image; ``active`` is false for deleted ones."""

    id: int
    active: bool


# --- Writing


async def images_of(db: Queries, paths: Sequence[str]) -> dict[str, Known]:
    """The records of those images that have one, by ``src``."""
    rows = await db.query("select src, id, status from images where src = any(%s)", (list(paths),))
    return {src: Known(number, status == 1) for src, number, status in rows}


async def add(db: Queries, batch: Batch, *, writer: UUID, number: int) -> bool:
    """Add counts to what is there. In a transaction.

    :param writer: the process; ``number`` is higher for each of its batches. One that is in already, because the answer
        to its commit was lost, isn't added again.
    :returns: whether it was added.
    """
    fresh = await db.query(
        "insert into stats_writers as w (id, last_batch) values (%s::uuid, %s) on conflict (id) do update"
        " set last_batch = excluded.last_batch, updated = now() where w.last_batch < excluded.last_batch returning 1",
        (str(writer), number),
    )
    if not fresh:
        return False
    # Every writer takes the rows in the same order, else two would wait for each other; last comes the one row that
    # they all share.
    if batch.images:
        await _add_images(db, batch)
    if batch.breakdown:
        await _add_breakdown(db, batch)
    if batch.system is not None:
        await _add_system(db, batch, batch.system)
    return True


async def _add_images(db: Queries, batch: Batch) -> None:
    numbers, totals = zip(*batch.images, strict=True)
    columns = [list(column) for column in zip(*map(_SEVEN_OF, totals), strict=True)]
    await db.execute(
        f"{_INTO_IMAGES} select c.image_id, %s::timestamptz, %s::timestamptz, c.n1, c.n2, c.n3, c.n4, c.n5, c.n6, c.n7"  # noqa: S608
        " from unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],"
        " %s::float8[], %s::float8[]) as c (image_id, n1, n2, n3, n4, n5, n6, n7)"
        f" join images on images.id = c.image_id order by c.image_id {_MERGE_IMAGES}",
        (batch.from_time, batch.to_time, list(numbers), *columns),
    )


async def _add_breakdown(db: Queries, batch: Batch) -> None:
    rows = [attrs.astuple(counts) for counts in batch.breakdown]
    await db.execute(
        f"{_INTO_BREAKDOWN} select c.kind, c.name, %s::timestamptz, %s::timestamptz, c.n1, c.n2, c.n3 from"  # noqa: S608
        " unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[]) as c (kind, name, n1, n2, n3)"
        f" order by c.kind, c.name {_MERGE_BREAKDOWN}",
        (batch.from_time, batch.to_time, *(list(column) for column in zip(*rows, strict=True))),
    )


async def _add_system(db: Queries, batch: Batch, counts: SystemCounts) -> None:
    values = [
        *_SEVEN_OF(counts.totals),
        *(getattr(counts, name) for name in (*EXTRA, "samples", *AVERAGES)),
        list(counts.latency),
    ]
    await db.execute(
        f"{_INTO_SYSTEM} values (%s, %s, {', '.join(['%s'] * (len(values) - 1))}, %s::bigint[]) {_MERGE_SYSTEM}",
        (batch.from_time, batch.to_time, *values),
    )


async def give_to(db: Queries, image_id: int, heir: int) -> None:
    """Add what was counted for one image to another, as if it had been that."""
    await db.execute(
        f"{_INTO_IMAGES} select %s, from_time, to_time, {SEVEN} from imagestats where image_id = %s"  # noqa: S608
        f" order by from_time {_MERGE_IMAGES}",
        (heir, image_id),
    )
    await db.execute("delete from imagestats where image_id = %s", (image_id,))


# --- Ageing


async def purge_system(db: Queries, before: datetime, limit: int) -> int:
    """Remove up to ``limit`` periods of the system's statistics that began before a moment. In a transaction.

    :returns: how many rows there were.
    """
    breakdown = await db.query(
        "with gone as (delete from statsbreakdown where ctid = any(array(select ctid from statsbreakdown"
        " where from_time < %s limit %s)) returning 1) select count(*) from gone",
        (before, limit),
    )
    return int(breakdown[0][0]) + await _purge(db, "systemstats", before, limit)


async def purge_images(db: Queries, before: datetime, limit: int) -> int:
    """Remove up to ``limit`` rows of the images' statistics that began before a moment; how many there were."""
    return await _purge(db, "imagestats", before, limit)


async def _purge(db: Queries, table: str, before: datetime, limit: int) -> int:
    rows = await db.query(
        f"with gone as (delete from {table} where id = any(array(select id from {table} where from_time < %s"  # noqa: S608
        " order by from_time limit %s)) returning 1) select count(*) from gone",
        (before, limit),
    )
    return int(rows[0][0])


async def reset(db: Queries) -> None:
    """Forget all statistics."""
    await db.execute("truncate imagestats, systemstats, statsbreakdown")


async def forget_writers(db: Queries) -> None:
    """Forget processes that have written nothing for a day."""
    await db.execute("delete from stats_writers where updated < now() - interval '1 day'")


async def oldest_shorter(db: Queries, *, before: datetime, seconds: float) -> datetime | None:
    """When the oldest period of the system began that is shorter than ``seconds`` and began before a moment.

    The system has a row for every period in which the images have some.
    """
    rows = await db.query(
        "select min(from_time) from systemstats"
        " where from_time < %s and to_time - from_time < make_interval(secs => %s)",
        (before, seconds),
    )
    found: datetime | None = rows[0][0]
    return found


async def roll_up(db: Queries, begin: datetime, *, into: tuple[datetime, datetime], limit: int) -> bool:
    """Add the rows that begin at ``begin`` to a longer period, and remove them. In a transaction.

    :param into: begin and end of the longer one, which must be longer than any of those rows.
    :param limit: how many images are moved at once.
    :returns: whether that was all of them; the system's rows come last.
    """
    start, end = into
    if begin == start:
        moved = await _lengthen_images(db, begin, end, limit)
    else:
        moved = await _move_images(db, begin, start, end, limit)
    if moved >= limit:
        return False
    if begin == start:
        for table in ("statsbreakdown", "systemstats"):
            await db.execute(
                f"update {table} set to_time = %s where from_time = %s and to_time < %s",  # noqa: S608
                (end, begin, end),
            )
    else:
        await db.execute(
            "with moved as (delete from statsbreakdown where from_time = %s returning *)"  # noqa: S608
            f" {_INTO_BREAKDOWN} select kind, name, %s, %s, {_BREAKDOWN} from moved {_MERGE_BREAKDOWN}",
            (begin, start, end),
        )
        await db.execute(
            "with moved as (delete from systemstats where from_time = %s returning *)"  # noqa: S608
            f" {_INTO_SYSTEM} select %s, %s, {_SYSTEM} from moved {_MERGE_SYSTEM}",
            (begin, start, end),
        )
    return True


async def _lengthen_images(db: Queries, begin: datetime, end: datetime, limit: int) -> int:
    rows = await db.query(
        "with longer as (update imagestats set to_time = %s where id = any(array(select id from imagestats"
        " where from_time = %s and to_time < %s limit %s)) returning 1) select count(*) from longer",
        (end, begin, end, limit),
    )
    return int(rows[0][0])


async def _move_images(db: Queries, begin: datetime, start: datetime, end: datetime, limit: int) -> int:
    rows = await db.query(
        "with moved as (delete from imagestats where id = any(array(select id from imagestats"  # noqa: S608
        " where from_time = %s limit %s)) returning *),"
        f" added as ({_INTO_IMAGES} select image_id, %s, %s, {SEVEN} from moved order by image_id {_MERGE_IMAGES}"
        " returning 1) select count(*) from added",
        (begin, limit, start, end),
    )
    return int(rows[0][0])
