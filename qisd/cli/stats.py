"""``qis stats``: letting go of statistics, and taking them elsewhere."""

from __future__ import annotations

import argparse
import csv
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from qisd.access.auditing import actor_of
from qisd.cli.console import CommandError, Console, Exit
from qisd.cli.moments import iso, moment
from qisd.cli.progress import ProgressBar, progress_bar
from qisd.cli.working import Tools, run
from qisd.store import audit, stats, stats_reports
from qisd.store.pool import Transaction
from qisd.store.stats_reports import IMAGE_COLUMNS, SYSTEM_COLUMNS

Subparsers = Any

_AT_ONCE = 10_000
"""Rows that one statement removes, so that none takes long: the daemons count on meanwhile."""

_BEGIN, _END = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


def add_parser(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add the command to ``commands``."""
    parser = commands.add_parser("stats", parents=[common], help="remove and export statistics")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    reset = actions.add_parser("reset", parents=[common], help="remove all statistics; asks first")
    reset.set_defaults(run=_reset)
    purge = actions.add_parser("purge", parents=[common], help="remove old statistics")
    purge.add_argument(
        "--before", metavar="DATE", type=moment, required=True, help="what began before this day, or moment, in UTC"
    )
    purge.set_defaults(run=_purge)
    export = actions.add_parser("export", parents=[common], help="print statistics, one JSON object on each line")
    export.add_argument("--images", action="store_true", help="those of each image, not those of the whole server")
    export.add_argument("--from", dest="start", metavar="DATE", type=moment, default=_BEGIN, help="from this day on")
    export.add_argument("--to", dest="end", metavar="DATE", type=moment, default=_END, help="up to the day before this")
    export.add_argument("--csv", action="store_true", help="as CSV, with a line of names first")
    export.set_defaults(run=_export)


def _reset(console: Console, options: argparse.Namespace) -> Exit:
    console.confirm("Remove all statistics, of the server and of every image?")

    async def work(tools: Tools) -> None:
        async def forget(db: Transaction) -> None:
            await stats.reset(db)
            await audit.record(db, actor_of(tools.visitor), action="stats.reset", object_type="stats")

        await tools.database.transaction(forget)

    run(console, work)
    return console.done("removed all statistics", {"reset": True})


def _purge(console: Console, options: argparse.Namespace) -> Exit:
    before: datetime = options.before

    async def work(tools: Tools) -> int:
        with progress_bar(console, "purging statistics") as bar:
            gone = await _purge_rows(tools, before, bar)

        async def record(db: Transaction) -> None:
            after = {"before": iso(before), "rows": gone}
            await audit.record(db, actor_of(tools.visitor), action="stats.purged", object_type="stats", after=after)

        await tools.database.transaction(record)
        return gone

    gone = run(console, work)
    return console.done(f"removed {gone} rows", {"before": iso(before), "rows": gone})


async def _purge_rows(tools: Tools, before: datetime, bar: ProgressBar) -> int:
    gone = 0
    for step in (stats.purge_images, stats.purge_system):
        while count := await tools.database.transaction(partial(step, before=before, limit=_AT_ONCE)):
            gone += count
            bar.show(None, f"{gone} rows removed")
    return gone


def _export(console: Console, options: argparse.Namespace) -> Exit:
    if options.start > options.end:
        raise CommandError("--to: must not be before --from")
    columns = IMAGE_COLUMNS if options.images else SYSTEM_COLUMNS
    read = stats_reports.export_images if options.images else stats_reports.export_system

    async def work(tools: Tools) -> None:
        pages = read(tools.database, start=options.start, end=options.end)
        await (_write_csv if options.csv else _write_json)(console, columns, pages)

    run(console, work)
    return Exit.DONE


async def _write_csv(console: Console, columns: Sequence[str], pages: AsyncIterator[list[tuple[object, ...]]]) -> None:
    writer = csv.writer(console, lineterminator="\n")
    writer.writerow(columns)
    async for page in pages:
        writer.writerows([[_plain(value) for value in row] for row in page])


async def _write_json(console: Console, columns: Sequence[str], pages: AsyncIterator[list[tuple[object, ...]]]) -> None:
    async for page in pages:
        for row in page:
            console.result_line({name: _plain(value) for name, value in zip(columns, row, strict=True)})


def _plain(value: object) -> object:
    return iso(value) if isinstance(value, datetime) else value
