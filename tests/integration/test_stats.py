from __future__ import annotations

import os
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import Clock

from qisd.errors import BadParameter, StoreUnavailable
from qisd.pools.files import FilePool
from qisd.stats import latency, reports
from qisd.stats.counting import Statistics
from qisd.stats.hardware import Load
from qisd.stats.reports import Feed
from qisd.store import stats, stats_reports
from qisd.store.pool import Database
from qisd.store.stats import Totals
from qisd.store.tasks import Task, TaskStatus
from qisd.tasks import housekeeping
from qisd.tasks.registry import TaskCancelled, TaskRun
from tests.integration.database import DatabaseCase, server
from tests.integration.postgres import REPOSITORY

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class StatsCase(DatabaseCase):
    """Three images, and a clock that the test sets."""

    async def setUp(self) -> None:
        await super().setUp()
        self.sql("insert into images (src, folder_id) values ('a.jpg', 1), ('b.jpg', 1), ('c.jpg', 1)")
        self.clock = Clock()
        self.clock.advance(NOON.timestamp())

    def counting(self, database: Database | None = None, **values: Any) -> Statistics:
        given: dict[str, Any] = {"load": lambda: Load(10.0, 20.0), "cache_fill": lambda: 30.0}
        return Statistics(database or self.database, reactor=reactor, now=self.clock.seconds, **{**given, **values})

    def serve(self, counting: Statistics, src: str = "a.jpg", number: int = 1, **values: Any) -> None:
        given = {"kind": "rendered", "body_bytes": 100, "seconds": 0.5, "record": True}
        for _ in range(number):
            counting.served(src, **{**given, **values})

    def row(self, begin: datetime, *, image: int | None = None, length: timedelta = HOUR, **values: float) -> None:
        """Insert a row of statistics, of an image or of the system."""
        columns = {**values, "from_time": begin, "to_time": begin + length}
        if image is not None:
            columns["image_id"] = image  # type: ignore[assignment]
        self.sql(
            f"insert into {'systemstats' if image is None else 'imagestats'} ({', '.join(columns)})"
            f" values ({', '.join(['%s'] * len(columns))})",
            *columns.values(),
        )


class WritingTests(StatsCase):
    """Counts of several processes become rows."""

    async def test_counts_become_one_row_for_the_system_and_one_for_each_image(self) -> None:
        counting = self.counting()
        self.serve(counting, "a.jpg", 2, kind="cached", seconds=0.25)
        self.serve(counting, "b.jpg", kind="original", seconds=2.0, format="jpg", template="Default")
        counting.failed(404)
        counting.failed(500)
        counting.throttled()
        counting.folio_download(99)
        self.assertTrue(await counting.flush())
        seven = "requests, views, cached_views, downloads, total_bytes, request_seconds, max_request_seconds"
        self.assertEqual(
            self.sql(f"select image_id, {seven}, from_time, to_time from imagestats order by image_id"),
            [
                (1, 2, 2, 2, 0, 200, 0.5, 0.25, NOON, NOON + HOUR),
                (2, 1, 0, 0, 1, 100, 2.0, 2.0, NOON, NOON + HOUR),
            ],
        )
        self.assertEqual(
            self.sql(f"select {seven}, from_time, to_time from systemstats"),
            [(3, 2, 2, 1, 300, 2.5, 2.0, NOON, NOON + HOUR)],
        )
        self.assertEqual(
            self.sql(
                "select client_errors, server_errors, throttled, folio_downloads, folio_bytes, samples, cpu_pc,"
                " memory_pc, cache_pc from systemstats"
            ),
            [(1, 1, 1, 1, 99, 1, 10.0, 20.0, 30.0)],
        )
        self.assertEqual(
            self.sql("select kind, name, requests, views, total_bytes from statsbreakdown order by kind"),
            [("format", "jpg", 1, 0, 100), ("template", "Default", 1, 0, 100)],
        )

    async def test_what_is_counted_later_in_a_period_is_added(self) -> None:
        counting = self.counting(load=lambda: Load(self.clock.seconds() % 100, 50.0))
        self.serve(counting, seconds=0.5)
        await counting.flush()
        self.clock.advance(10)
        self.serve(counting, seconds=0.25, kind="cached")
        await counting.flush()
        self.assertEqual(
            self.sql("select requests, views, cached_views, request_seconds, max_request_seconds from imagestats"),
            [(2, 2, 1, 0.75, 0.5)],
        )
        ((samples, cpu, memory, cells),) = self.sql("select samples, cpu_pc, memory_pc, latency from systemstats")
        self.assertEqual((samples, cpu, memory), (2, (0 + 10) / 2, 50.0))
        self.assertEqual((cells[latency.cell_of(0.5)], cells[latency.cell_of(0.25)], sum(cells)), (1, 1, 2))
        self.clock.advance(3600)
        await counting.flush()
        self.assertEqual(self.sql("select requests, samples from systemstats order by from_time"), [(2, 2), (0, 1)])

    async def test_two_processes_that_write_at_the_same_time_add_up(self) -> None:
        other = Database(self.url, reactor=reactor, size=2)
        await other.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(other.stop()))
        both = [self.counting(), self.counting(other)]
        for round_number in range(20):
            for index, counting in enumerate(both):
                for src in ("a.jpg", "b.jpg", "c.jpg")[:: 1 if index else -1]:
                    self.serve(counting, src, seconds=0.1 * (index + 1), format="jpg")
            written = await gatherResults([Deferred.fromCoroutine(counting.flush()) for counting in both])
            self.assertEqual(written, [True, True], round_number)
        self.assertEqual(
            self.sql("select image_id, requests, max_request_seconds from imagestats order by 1"),
            [(1, 40, 0.2), (2, 40, 0.2), (3, 40, 0.2)],
        )
        self.assertEqual(self.sql("select requests, samples from systemstats"), [(120, 40)])
        self.assertEqual(self.sql("select requests from statsbreakdown"), [(120,)])

    async def test_a_batch_counts_once_however_often_it_is_sent(self) -> None:
        counting = self.counting()
        original = self.database.transaction

        async def loses_its_answer(work: Any) -> Any:
            await original(work)
            raise StoreUnavailable(detail="lost")

        self.serve(counting)
        self.database.transaction = loses_its_answer  # type: ignore[method-assign]
        self.assertFalse(await counting.flush())
        self.database.transaction = original  # type: ignore[method-assign]
        self.serve(counting)
        self.assertTrue(await counting.flush())
        self.assertEqual(self.sql("select requests from imagestats"), [(2,)])
        self.assertEqual(self.sql("select requests from systemstats"), [(2,)])

    async def test_an_image_that_is_purged_before_the_writing_is_left_out(self) -> None:
        self.assertTrue(
            await self.database.transaction(
                lambda transaction: stats.add(
                    transaction,
                    stats.Batch(from_time=NOON, to_time=NOON + HOUR, images=[(1, Totals(1)), (987654, Totals(1))]),
                    writer=uuid.uuid4(),
                    number=1,
                )
            )
        )
        self.assertEqual(self.sql("select image_id from imagestats"), [(1,)])

    async def test_a_registered_image_gets_what_was_counted_before(self) -> None:
        async def register(paths: list[str]) -> None:
            for src in paths:
                await self.database.execute("insert into images (src, folder_id) values (%s, 1)", (src,))

        counting = self.counting(unknown=register)
        self.serve(counting, "new.jpg", 3)
        await counting.stop()
        self.assertEqual(
            self.sql("select src, requests from imagestats join images on images.id = image_id"), [("new.jpg", 3)]
        )

    async def test_a_killed_process_loses_only_what_it_counted_since_the_last_writing(self) -> None:
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.fake_counter", server().url(self.name)],
            stdout=subprocess.PIPE,
            cwd=REPOSITORY,
        )
        assert child.stdout is not None
        try:
            written = int(child.stdout.readline())
            child.stdout.readline()
        finally:
            child.kill()
            child.wait()
            child.stdout.close()
        self.assertEqual(written, 1000)
        self.assertEqual(self.sql("select sum(requests)::int from imagestats"), [(1000,)])
        self.assertEqual(self.sql("select sum(requests)::int from systemstats"), [(1000,)])

    async def test_many_images_are_written_in_one_go(self) -> None:
        self.sql("insert into images (id, src, folder_id) select n, n || '.jpg', 1 from generate_series(10, 5009) as n")
        counting = self.counting()
        for n in range(10, 5010):
            self.serve(counting, f"{n}.jpg")
        self.assertTrue(await counting.flush())
        self.assertEqual(self.sql("select count(*), sum(views)::int from imagestats"), [(5000, 5000)])
        self.assertEqual(self.sql("select views from systemstats"), [(5000,)])


class SeriesTests(StatsCase):
    """Charts."""

    now = NOON + timedelta(minutes=30)

    async def feed(
        self, data_type: int = 1, start: datetime = NOON - 6 * HOUR, end: datetime | None = None, **values: Any
    ) -> Feed:
        given: dict[str, Any] = {"subject": "system", "now": self.now, "frequency": 60, **values}
        subject = given.pop("subject")
        return await reports.series(
            self.database, subject, data_type=data_type, start=start, end=end or self.now, **given
        )

    def points(self, feed: Feed) -> list[tuple[float, float]]:
        """The hours before or after noon, and the values."""
        return [((at / 1000 - NOON.timestamp()) / 3600, value) for at, value in feed.points]

    async def test_points_are_at_the_ends_of_periods_and_gaps_are_filled(self) -> None:
        self.row(NOON - 5 * HOUR, requests=5)
        self.row(NOON - 2 * HOUR, requests=7)
        self.row(NOON, requests=1)
        feed = await self.feed()
        self.assertEqual(self.points(feed), [(-5, 0), (-4, 5), (-3, 0), (-2, 0), (-1, 7), (0, 0)])
        self.assertEqual((feed.first, feed.last), (feed.points[0][0], feed.points[-1][0]))

    async def test_the_running_period_is_left_out_of_sums_and_ends_now_in_others(self) -> None:
        self.row(NOON - HOUR, requests=5, max_request_seconds=2.0, cpu_pc=10)
        self.row(NOON, requests=1, max_request_seconds=1.0, cpu_pc=20)
        self.assertEqual(self.points(await self.feed(1, NOON - HOUR)), [(0, 5)])
        self.assertEqual(self.points(await self.feed(8, NOON - HOUR)), [(0, 2.0), (0.5, 1.0)])
        self.assertEqual(self.points(await self.feed(100, NOON - HOUR)), [(0, 10), (0.5, 20)])

    async def test_without_rows_there_are_zeros_up_to_now(self) -> None:
        self.assertEqual(self.points(await self.feed(1, NOON - 2 * HOUR)), [(-1, 0), (0, 0)])
        self.assertEqual(self.points(await self.feed(8, NOON - 2 * HOUR)), [(-1, 0), (0, 0)])

    async def test_a_range_without_a_whole_period_is_empty(self) -> None:
        self.assertEqual(await self.feed(1, self.now, self.now), Feed(points=[], first=0, last=0))
        self.assertEqual(await self.feed(1, NOON + DAY, NOON + 2 * DAY), Feed(points=[], first=0, last=0))

    async def test_a_range_chooses_periods_by_their_begin(self) -> None:
        for hour in range(6):
            self.row(NOON - (6 - hour) * HOUR, requests=hour + 1)
        found = self.points(await self.feed(1, NOON - 5 * HOUR, NOON - 3 * HOUR))
        self.assertEqual(found, [(-4, 2), (-3, 3)])

    async def test_every_type_shows_its_column(self) -> None:
        values = {
            1: ("requests", 10), 2: ("views", 8), 3: ("cached_views", 3), 5: ("downloads", 4), 6: ("total_bytes", 500),
            7: ("request_seconds", 2.5), 8: ("max_request_seconds", 1.5), 100: ("cpu_pc", 11.0),
            101: ("memory_pc", 12.0), 102: ("cache_pc", 13.0),
        }  # fmt: skip
        self.row(NOON - HOUR, **dict(values.values()))
        for data_type, (_, value) in {**values, 4: ("", 37)}.items():
            self.assertEqual(self.points(await self.feed(data_type, NOON - HOUR, NOON)), [(0, value)], data_type)

    async def test_the_share_of_cached_views_is_0_without_views(self) -> None:
        self.row(NOON - HOUR, requests=3)
        self.assertEqual(self.points(await self.feed(4, NOON - HOUR)), [(0, 0)])

    async def test_types_that_there_are_not_are_refused(self) -> None:
        for subject, data_type in (("system", 0), ("system", 9), ("image", 100), ("image", -1)):
            with self.assertRaises(BadParameter):
                await self.feed(data_type, subject=subject)

    async def test_an_images_chart_is_its_own_and_that_of_all_is_the_sum(self) -> None:
        self.row(NOON - HOUR, image=1, views=2, cached_views=1, max_request_seconds=1.0)
        self.row(NOON - HOUR, image=2, views=2, max_request_seconds=3.0)
        one = {"subject": "image", "image_id": 1}
        for data_type, own, of_all in ((2, 2, 4), (4, 50, 25), (8, 1.0, 3.0)):
            found = self.points(await self.feed(data_type, NOON - HOUR, NOON, **one))
            self.assertEqual(found, [(0, own)])
            found = self.points(await self.feed(data_type, NOON - HOUR, NOON, subject="image"))
            self.assertEqual(found, [(0, of_all)])
        self.assertEqual(self.points(await self.feed(2, NOON - HOUR, subject="image", image_id=3)), [(0, 0)])

    async def test_no_zeros_are_put_into_longer_periods(self) -> None:
        self.row(NOON - 4 * HOUR, length=3 * HOUR, requests=9)
        self.row(NOON - 4 * HOUR + HOUR / 2, length=HOUR / 2, requests=1)
        found = self.points(await self.feed(1, NOON - 5 * HOUR))
        self.assertEqual(found, [(-4, 0), (-3, 1), (-1, 9), (0, 0)])

    async def test_long_gaps_have_a_zero_at_either_end_only(self) -> None:
        self.row(NOON - 900 * DAY, requests=1)
        self.row(NOON - HOUR, requests=2)
        begin = datetime(1, 1, 1, tzinfo=UTC)
        feed = await self.feed(1, begin)
        self.assertEqual([value for _, value in feed.points], [0, 0, 1, 0, 0, 2])
        self.assertEqual(self.points(feed)[3][0], -900 * 24 + 2)
        self.assertEqual(self.points(feed)[4][0], -1)
        feed = await self.feed(1, begin, datetime(9999, 12, 31, tzinfo=UTC))
        self.assertEqual([value for _, value in feed.points], [0, 0, 1, 0, 0, 2])

    async def test_other_lengths_of_periods_are_filled_in_their_own_steps(self) -> None:
        self.row(NOON - HOUR, length=timedelta(minutes=20), requests=1)
        feed = await self.feed(1, NOON - HOUR, NOON, frequency=20)
        self.assertEqual([(round(at * 60), value) for at, value in self.points(feed)], [(-40, 1), (-20, 0), (0, 0)])

    def test_the_usual_range_is_the_day_so_far(self) -> None:
        self.assertEqual(reports.default_range(self.now), (NOON - 12 * HOUR, self.now))
        self.assertEqual(reports.default_range(self.now, end=NOON - DAY), (NOON - 36 * HOUR, NOON - DAY))
        midnight = NOON - 12 * HOUR
        self.assertEqual(reports.default_range(self.now, end=midnight), (midnight - timedelta(minutes=1), midnight))
        self.assertEqual(reports.default_range(self.now, start=NOON, end=NOON)[0], NOON - timedelta(minutes=1))


class ReportTests(StatsCase):
    """Sums."""

    async def top(self, **values: Any) -> list[int]:
        return [image.id for image in await reports.top_images(self.database, now=NOON, **values)]

    async def test_the_images_asked_for_most_come_first(self) -> None:
        for image, views in ((1, 5), (2, 9), (3, 9)):
            self.row(NOON - HOUR, image=image, views=views, requests=10 - views, max_request_seconds=image)
            self.row(NOON - 2 * HOUR, image=image, views=1)
            self.row(NOON - 2 * DAY, image=image, downloads=image)
        self.assertEqual(await self.top(), [2, 3, 1])
        self.assertEqual(await self.top(order=1), [1, 2, 3])
        self.assertEqual(await self.top(order=7), [3, 2, 1])
        self.assertEqual(await self.top(order=4), [1, 2, 3])
        self.assertEqual(await self.top(order=4, days=30), [3, 2, 1])
        first = (await reports.top_images(self.database, now=NOON))[0]
        self.assertEqual((first.src, first.active, first.totals.views), ("b.jpg", True, 10))

    async def test_deleted_images_are_shown_and_purged_ones_are_not(self) -> None:
        for image in (1, 2, 3):
            self.row(NOON - HOUR, image=image, views=image)
        self.sql("update images set status = 0 where id = 2")
        self.sql("delete from images where id = 3")
        found = await reports.top_images(self.database, now=NOON)
        self.assertEqual([(image.id, image.active) for image in found], [(2, False), (1, True)])

    async def test_lists_have_their_length(self) -> None:
        self.sql("insert into images (id, src, folder_id) select n, n || '.jpg', 1 from generate_series(10, 59) as n")
        self.sql(
            "insert into imagestats (image_id, views, from_time, to_time)"
            " select id, id, %s, %s from images where id > 9",
            NOON - HOUR,
            NOON,
        )
        self.assertEqual(await self.top(), list(range(59, 49, -1)))
        self.assertEqual(len(await self.top(limit=40)), 40)

    async def test_what_is_out_of_range_is_refused(self) -> None:
        for values in ({"days": 0}, {"days": 31}, {"order": 0}, {"order": 8}, {"limit": 9}, {"limit": 101}):
            with self.assertRaises(BadParameter):
                await self.top(**values)

    async def test_the_numbers_of_an_image_for_a_day_and_for_30(self) -> None:
        self.row(NOON - HOUR, image=1, requests=1, total_bytes=10, request_seconds=1.0, max_request_seconds=1.0)
        self.row(NOON - 3 * DAY, image=1, requests=2, views=2, request_seconds=3.0, max_request_seconds=2.0)
        self.row(NOON - 31 * DAY, image=1, requests=4)
        self.row(NOON - HOUR, image=2, requests=8)
        summary = await reports.image_summary(self.database, 1, now=NOON)
        self.assertEqual(summary.last_day, Totals(1, 0, 0, 0, 10, 1.0, 1.0))
        self.assertEqual(summary.last_30_days, Totals(3, 2, 0, 0, 10, 4.0, 2.0))
        self.assertEqual((await reports.image_summary(self.database, 3, now=NOON)).last_day, Totals())

    async def test_the_systems_numbers_and_percentiles_of_a_time(self) -> None:
        counting = self.counting()
        self.serve(counting, number=90, seconds=0.0025)
        self.serve(counting, number=10, seconds=4.0)
        counting.failed(404)
        await counting.flush()
        self.clock.advance(3600)
        self.serve(counting, seconds=0.0025, template="T", format="png")
        await counting.flush()
        summary = await reports.system_summary(self.database, start=NOON, end=NOON + 2 * HOUR)
        self.assertEqual((summary.totals.requests, summary.client_errors, summary.samples), (101, 1, 2))
        self.assertEqual((summary.cpu_pc, summary.memory_pc, summary.cache_pc), (10.0, 20.0, 30.0))
        found = reports.percentiles(summary)
        self.assertTrue(0.002 <= found.p50 <= 0.003)
        self.assertTrue(3.0 <= found.p95 <= 5.0)
        empty = await reports.system_summary(self.database, start=NOON - HOUR, end=NOON)
        self.assertEqual((empty.totals, reports.percentiles(empty).p99), (Totals(), 0.0))
        (share,) = await reports.breakdown(self.database, "format", start=NOON, end=NOON + 2 * HOUR)
        self.assertEqual((share.name, share.requests, share.total_bytes), ("png", 1, 100))
        self.assertEqual(await reports.breakdown(self.database, "template", start=NOON, end=NOON + HOUR), [])


class ExportTests(StatsCase):
    """All rows, page by page."""

    async def test_rows_of_a_range_come_in_order_and_each_once(self) -> None:
        self.patch(stats_reports, "_PAGE", 2)
        for hour in range(5):
            self.row(NOON + hour * HOUR, requests=hour)
            for image in (2, 1):
                self.row(NOON + hour * HOUR, image=image, requests=hour)
        rows = [
            dict(zip(stats_reports.SYSTEM_COLUMNS, row, strict=True))
            async for page in stats_reports.export_system(self.database, start=NOON + HOUR, end=NOON + 4 * HOUR)
            for row in page
        ]
        self.assertEqual([row["requests"] for row in rows], [1, 2, 3])
        found = [
            dict(zip(stats_reports.IMAGE_COLUMNS, row, strict=True))
            async for page in stats_reports.export_images(self.database, start=NOON + HOUR, end=NOON + 4 * HOUR)
            for row in page
        ]
        self.assertEqual(
            [(row["src"], row["requests"]) for row in found],
            [("a.jpg", 1), ("a.jpg", 2), ("a.jpg", 3), ("b.jpg", 1), ("b.jpg", 2), ("b.jpg", 3)],
        )


class AgeingTests(StatsCase):
    """Purging and rolling up."""

    async def setUp(self) -> None:
        await super().setUp()
        files = FilePool(reactor)
        files.start()
        self.addCleanup(files.stop)
        self.temp = Path(self.mktemp())
        self.temp.mkdir()
        self.types = {
            kind.name: kind
            for kind in housekeeping.task_types(
                database=self.database, files=files, temp_dir=lambda: self.temp, now=lambda: NOON
            )
        }

    def run_of(self, **params: object) -> TaskRun:
        return TaskRun(
            Task(
                id=1, user_id=None, name="", funcname="", params=params, priority=20, log_level="",
                error_log_level="", status=TaskStatus.ACTIVE, result=None, error=None, keep_for=0, keep_until=None,
                progress=None, progress_text="", attempts=1, max_attempts=1, run_after=NOON, locked_by=None,
                heartbeat=None, cancel_requested=False, created=NOON, started=None, finished=None,
            )
        )  # fmt: skip

    async def do(self, name: str, **params: object) -> object:
        return await self.types[name].run(self.run_of(**params))

    async def test_rows_that_began_before_the_border_are_purged_in_steps(self) -> None:
        self.patch(housekeeping, "_ROWS", 3)
        for hour in range(8):
            self.row(NOON - hour * HOUR)
            for image in (1, 2):
                self.row(NOON - hour * HOUR, image=image)
        self.sql(
            "insert into statsbreakdown (kind, name, from_time, to_time)"
            " select 'format', 'jpg', from_time, to_time from systemstats"
        )
        border = (NOON - 3 * HOUR).isoformat()
        await self.do("purge_system_stats", before_time=border)
        tables = ("systemstats", "statsbreakdown", "imagestats")
        counts = f"select {', '.join(f'(select count(*) from {table})' for table in tables)}"
        self.assertEqual(self.sql(counts), [(4, 4, 16)])
        self.assertEqual(self.sql("select min(from_time) from systemstats"), [(NOON - 3 * HOUR,)])
        await self.do("purge_image_stats", before_time="2026-03-09T09:00:00Z")
        self.assertEqual(self.sql(counts), [(4, 4, 8)])
        await self.do("purge_image_stats", before_time="2026-03-09")
        self.assertEqual(self.sql(counts), [(4, 4, 8)])

    async def test_a_purge_without_a_moment_is_refused(self) -> None:
        for params in ({}, {"before_time": "yesterday"}, {"before_time": 5}):
            with self.assertRaises(BadParameter):
                await self.do("purge_image_stats", **params)

    async def test_a_purge_can_be_cancelled(self) -> None:
        run = self.run_of(before_time="2026-03-09")
        run.cancel()
        with self.assertRaises(TaskCancelled):
            await self.types["purge_image_stats"].run(run)

    async def test_everything_can_be_forgotten(self) -> None:
        self.row(NOON)
        self.row(NOON, image=1)
        await stats.reset(self.database)
        self.assertEqual(self.sql("select from_time from systemstats union select from_time from imagestats"), [])

    def old_hours(self, first: datetime, hours: int) -> None:
        for hour in range(hours):
            begin = first + hour * HOUR
            self.row(
                begin, requests=1, views=2, total_bytes=10, request_seconds=0.5, max_request_seconds=hour,
                cpu_pc=hour, samples=1, latency="{1,0,2}", client_errors=1,
            )  # fmt: skip
            for image in (1, 2):
                self.row(begin, image=image, requests=image, views=1, max_request_seconds=hour)
            self.sql(
                "insert into statsbreakdown (kind, name, from_time, to_time, requests)"
                " values ('format', 'jpg', %s, %s, 1)",
                begin,
                begin + HOUR,
            )

    async def test_days_are_made_of_what_is_older_than_30_days(self) -> None:
        for limit in (1, 10_000):
            with self.subTest(limit=limit):
                self.patch(housekeeping, "_ROWS", limit)
                self.sql("truncate imagestats, systemstats, statsbreakdown")
                day = datetime(2026, 2, 5, tzinfo=UTC)
                self.old_hours(day, 48)
                self.old_hours(datetime(2026, 2, 7, tzinfo=UTC), 2)
                await self.do("roll_up_stats")
                self.assertEqual(
                    self.sql(
                        "select from_time, to_time, requests, views, total_bytes, request_seconds, max_request_seconds,"
                        " cpu_pc, samples, latency, client_errors from systemstats order by 1 limit 3"
                    ),
                    [
                        (day, day + DAY, 24, 48, 240, 12.0, 23.0, 11.5, 24, [24, 0, 48], 24),
                        (day + DAY, day + 2 * DAY, 24, 48, 240, 12.0, 47.0, 35.5, 24, [24, 0, 48], 24),
                        (day + 2 * DAY, day + 2 * DAY + HOUR, 1, 2, 10, 0.5, 0.0, 0.0, 1, [1, 0, 2], 1),
                    ],
                )
                self.assertEqual(
                    self.sql(
                        "select image_id, from_time, to_time, requests, views, max_request_seconds from imagestats"
                        " where to_time - from_time > interval '1 hour' order by 1, 2"
                    ),
                    [
                        (1, day, day + DAY, 24, 24, 23.0),
                        (1, day + DAY, day + 2 * DAY, 24, 24, 47.0),
                        (2, day, day + DAY, 48, 24, 23.0),
                        (2, day + DAY, day + 2 * DAY, 48, 24, 47.0),
                    ],
                )
                self.assertEqual(
                    self.sql("select requests, to_time - from_time from statsbreakdown order by from_time limit 2"),
                    [(24, DAY), (24, DAY)],
                )
                self.assertEqual(self.sql("select count(*) from imagestats"), [(4 + 4,)])

    async def test_images_that_were_not_asked_for_in_the_first_hour_get_their_day_too(self) -> None:
        day = datetime(2026, 1, 5, tzinfo=UTC)
        for hour in range(4):
            self.row(day + hour * HOUR)
        self.row(day + 2 * HOUR, image=3, requests=4)
        await self.do("roll_up_stats")
        self.assertEqual(
            self.sql("select image_id, from_time, to_time, requests from imagestats"), [(3, day, day + DAY, 4)]
        )

    async def test_months_are_made_of_what_is_older_than_a_year(self) -> None:
        february = datetime(2025, 2, 1, tzinfo=UTC)
        self.old_hours(february, 3)
        self.old_hours(datetime(2025, 2, 28, tzinfo=UTC), 2)
        self.old_hours(datetime(2025, 3, 1, tzinfo=UTC), 1)
        await self.do("roll_up_stats")
        self.assertEqual(
            self.sql("select from_time, to_time, requests from systemstats order by 1"),
            [
                (february, february + 28 * DAY, 5),
                (datetime(2025, 3, 1, tzinfo=UTC), datetime(2025, 3, 2, tzinfo=UTC), 1),
            ],
        )
        self.assertEqual(
            self.sql("select requests from imagestats where image_id = 2 order by from_time"), [(10,), (2,)]
        )

    async def test_rolling_up_twice_changes_nothing_and_later_counts_are_still_added(self) -> None:
        day = datetime(2026, 1, 5, tzinfo=UTC)
        self.old_hours(day, 24)
        await self.do("roll_up_stats")
        before = self.sql("select * from systemstats")
        await self.do("roll_up_stats")
        self.assertEqual(self.sql("select * from systemstats"), before)
        self.old_hours(day + HOUR, 1)
        await self.do("roll_up_stats")
        self.assertEqual(self.sql("select from_time, to_time, requests from systemstats"), [(day, day + DAY, 25)])

    async def test_writers_of_yesterday_are_forgotten(self) -> None:
        self.sql("insert into stats_writers values (gen_random_uuid(), 1, now() - interval '25 hours')")
        await self.do("roll_up_stats")
        self.assertEqual(self.sql("select count(*) from stats_writers"), [(0,)])

    async def test_old_temporary_files_are_removed(self) -> None:
        (self.temp / "qis-old").write_text("x")
        os.utime(self.temp / "qis-old", (1, 1))
        (self.temp / "qis-new").write_text("x")
        self.assertEqual(await self.do("delete_old_temp_files"), 1)
        self.assertEqual([path.name for path in self.temp.iterdir()], ["qis-new"])
