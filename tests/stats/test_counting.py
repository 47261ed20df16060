from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from qisd.stats.counting import Statistics
from qisd.stats.hardware import Load
from qisd.stats.latency import cell_of
from qisd.store.stats import Known, Totals
from tests.stats.fakes import FakeStore

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


class StatisticsCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.store = FakeStore(a_jpg=1, b_jpg=2)
        self.store.install(self)
        self.clock = Clock()
        self.clock.advance(NOON.timestamp() + 600)
        self.told: list[list[str]] = []
        self.load = Load(cpu_pc=10.0, memory_pc=20.0)
        self.statistics = self.made()

    def made(self, **values: Any) -> Statistics:
        async def unknown(paths: list[str]) -> None:
            self.told.append(paths)

        given: dict[str, Any] = {"unknown": unknown, "cache_fill": lambda: 30.0, "load": lambda: self.load}
        return Statistics(
            self.store,  # type: ignore[arg-type]
            reactor=self.clock,
            now=self.clock.seconds,
            **{**given, **values},
        )

    def serve(self, src: str | None = "a.jpg", **values: Any) -> None:
        given = {"kind": "rendered", "body_bytes": 100, "seconds": 0.5, "record": True}
        self.statistics.served(src, **{**given, **values})

    def flush(self) -> bool:
        return self.successResultOf(Deferred.fromCoroutine(self.statistics.flush()))

    def image(self, number: int = 1) -> Totals:
        """The numbers of an image in the only batch that was written."""
        (batch,) = self.store.batches
        return dict(batch.images)[number]


class ServedTests(StatisticsCase):
    """What an answer adds to the numbers."""

    def both(self) -> Totals:
        """The image's numbers, which must be those of the system too."""
        self.assertTrue(self.flush())
        (batch,) = self.store.batches
        assert batch.system is not None
        self.assertEqual(batch.system.totals, self.image())
        return self.image()

    def test_a_rendered_image_is_a_view(self) -> None:
        self.serve(kind="rendered")
        self.assertEqual(self.both(), Totals(1, 1, 0, 0, 100, 0.5, 0.5))

    def test_an_image_from_the_cache_is_a_cached_view(self) -> None:
        self.serve(kind="cached")
        self.assertEqual(self.both(), Totals(1, 1, 1, 0, 100, 0.5, 0.5))

    def test_an_original_is_a_download(self) -> None:
        self.serve(kind="original")
        self.assertEqual(self.both(), Totals(1, 0, 0, 1, 100, 0.5, 0.5))

    def test_an_unchanged_image_is_only_a_request_that_took_its_time(self) -> None:
        self.serve(kind="not_modified")
        self.assertEqual(self.both(), Totals(1, 0, 0, 0, 0, 0.5, 0.5))

    def test_sums_add_and_the_longest_time_is_that_of_one_request(self) -> None:
        for seconds in (0.5, 2.0, 0.25):
            self.serve(kind="cached", seconds=seconds)
        self.assertEqual(self.both(), Totals(3, 3, 3, 0, 300, 2.75, 2.0))

    def test_without_statistics_the_image_gets_the_request_only(self) -> None:
        for kind in ("rendered", "cached", "original", "not_modified"):
            self.serve(kind=kind, record=False)
        self.flush()
        self.assertEqual(self.image(), Totals(4, 0, 0, 0, 0, 0.0, 0.0))
        (batch,) = self.store.batches
        assert batch.system is not None
        self.assertEqual(batch.system.totals, Totals(4, 2, 1, 1, 300, 2.0, 0.5))

    def test_an_answer_without_an_image_is_the_systems(self) -> None:
        self.serve(None)
        self.flush()
        (batch,) = self.store.batches
        assert batch.system is not None
        self.assertEqual((batch.system.totals.views, list(batch.images)), (1, []))

    def test_errors_and_refusals_and_zips_have_numbers_of_their_own(self) -> None:
        for status in (200, 304, 400, 404, 429, 500, 503):
            self.statistics.failed(status)
        self.statistics.throttled()
        self.statistics.folio_download(5000)
        self.statistics.folio_download(7)
        self.flush()
        (batch,) = self.store.batches
        assert batch.system is not None
        self.assertEqual(batch.system.totals, Totals())
        self.assertEqual((batch.system.client_errors, batch.system.server_errors), (3, 2))
        self.assertEqual(batch.system.throttled, 1)
        self.assertEqual((batch.system.folio_downloads, batch.system.folio_bytes), (2, 5007))

    def test_templates_and_formats_get_their_share(self) -> None:
        self.serve(template="Default", format="jpg")
        self.serve(template="Default", format="png", kind="not_modified")
        self.serve(template="x" * 200)
        self.flush()
        (batch,) = self.store.batches
        self.assertEqual(
            [(part.kind, part.name, part.requests, part.views, part.total_bytes) for part in batch.breakdown],
            [
                ("format", "jpg", 1, 1, 100),
                ("format", "png", 1, 0, 0),
                ("template", "Default", 2, 1, 100),
                ("template", "x" * 120, 1, 1, 100),
            ],
        )

    def test_times_fall_into_the_cells_of_a_histogram(self) -> None:
        for seconds in (0.5, 0.5, 0.001):
            self.serve(seconds=seconds)
        self.flush()
        (batch,) = self.store.batches
        assert batch.system is not None
        cells = batch.system.latency
        self.assertEqual((cells[cell_of(0.5)], cells[cell_of(0.001)], sum(cells)), (2, 1, 3))

    def test_nothing_is_counted_while_statistics_are_off(self) -> None:
        self.statistics.enabled = False
        self.serve()
        self.statistics.failed(500)
        self.statistics.throttled()
        self.statistics.folio_download(1)
        self.assertTrue(self.flush())
        self.assertEqual(self.store.batches, [])


class PeriodTests(StatisticsCase):
    """Periods begin at multiples of their length, by UTC."""

    def periods(self) -> list[tuple[datetime, datetime, int]]:
        return [
            (batch.from_time, batch.to_time, batch.system.totals.requests if batch.system else 0)
            for batch in self.store.batches
        ]

    def test_a_period_is_a_whole_hour_of_the_clock(self) -> None:
        self.serve()
        self.flush()
        self.assertEqual(self.periods(), [(NOON, NOON.replace(hour=13), 1)])

    def test_what_is_counted_at_the_turn_goes_into_two_periods(self) -> None:
        self.clock.advance(2999.9)
        self.serve()
        self.clock.advance(0.1)
        self.serve()
        self.serve()
        self.flush()
        self.assertEqual(
            self.periods(), [(NOON, NOON.replace(hour=13), 1), (NOON.replace(hour=13), NOON.replace(hour=14), 2)]
        )

    def test_a_clock_that_is_set_back_counts_in_the_earlier_period(self) -> None:
        self.clock.rightNow += 3600
        self.serve()
        self.clock.rightNow -= 3600
        self.serve()
        self.flush()
        self.assertEqual(sorted(hour for _, hour, _ in self.periods()), [NOON.replace(hour=13), NOON.replace(hour=14)])

    def test_another_length_holds_from_now_on(self) -> None:
        self.serve()
        self.statistics.set_frequency(5)
        self.serve()
        self.flush()
        ten = NOON.replace(minute=10)
        self.assertEqual(self.periods(), [(NOON, NOON.replace(hour=13), 1), (ten, ten.replace(minute=15), 1)])

    def test_an_idle_period_has_the_load_and_nothing_else(self) -> None:
        self.flush()
        (batch,) = self.store.batches
        assert batch.system is not None
        self.assertEqual(batch.system.totals, Totals())
        self.assertEqual(
            (batch.system.samples, batch.system.cpu_pc, batch.system.memory_pc, batch.system.cache_pc),
            (1, 10.0, 20.0, 30.0),
        )

    def test_samples_that_had_to_wait_are_averaged(self) -> None:
        self.store.away = True
        self.serve()
        self.flush()
        self.load = Load(cpu_pc=40.0, memory_pc=30.0)
        self.store.away = False
        self.clock.advance(10)
        self.flush()
        (batch,) = self.store.batches
        assert batch.system is not None
        self.assertEqual((batch.system.samples, batch.system.cpu_pc, batch.system.memory_pc), (2, 25.0, 25.0))


class WritingTests(StatisticsCase):
    """How the counts get into the database."""

    def test_they_are_written_every_ten_seconds(self) -> None:
        self.statistics.start()
        self.serve()
        self.clock.advance(9.9)
        self.assertEqual(self.store.batches, [])
        self.clock.advance(0.2)
        self.assertEqual(self.store.views(1), 1)
        self.serve()
        self.clock.advance(10)
        self.assertEqual(self.store.views(1), 2)

    def test_the_rest_is_written_at_the_stop(self) -> None:
        self.statistics.start()
        self.serve()
        self.successResultOf(Deferred.fromCoroutine(self.statistics.stop()))
        self.assertEqual(self.store.views(1), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_stop_waits_for_a_writing_under_way_and_writes_what_came_meanwhile(self) -> None:
        self.store.gate = Deferred()
        self.serve()
        flushing = Deferred.fromCoroutine(self.statistics.flush())
        self.serve()
        stopping = Deferred.fromCoroutine(self.statistics.stop())
        self.assertNoResult(stopping)
        gate, self.store.gate = self.store.gate, None
        gate.callback(None)
        self.successResultOf(flushing)
        self.successResultOf(stopping)
        self.assertEqual(self.store.views(1), 2)

    def test_a_stop_without_a_database_says_that_something_is_lost(self) -> None:
        said: list[str] = []
        observer = lambda event: said.append(event["log_level"].name)  # noqa: E731
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        self.serve()
        self.store.away = True
        self.successResultOf(Deferred.fromCoroutine(self.statistics.stop()))
        self.assertIn("error", said)

    def test_counts_wait_while_the_database_is_away_each_in_its_own_period(self) -> None:
        self.clock.rightNow = NOON.replace(minute=55).timestamp()
        self.store.away = True
        self.serve()
        self.assertFalse(self.flush())
        self.clock.advance(120)
        self.serve(kind="cached")
        self.assertFalse(self.flush())
        self.clock.advance(240)
        self.serve()
        self.assertFalse(self.flush())
        self.store.away = False
        self.clock.advance(1)
        self.assertTrue(self.flush())
        views = {12: 0, 13: 0}
        for batch in self.store.batches:
            views[batch.from_time.hour] += sum(totals.views for _, totals in batch.images)
        self.assertEqual(views, {12: 2, 13: 1})
        self.assertEqual(self.store.system("views"), 3)

    def test_a_batch_whose_answer_was_lost_is_not_counted_twice(self) -> None:
        self.serve()
        self.store.loses_answers = True
        self.assertFalse(self.flush())
        self.serve()
        self.assertFalse(self.flush())
        self.store.loses_answers = False
        self.assertTrue(self.flush())
        self.assertEqual(self.store.views(1), 2)
        self.assertEqual(self.store.system("views"), 2)

    def test_after_a_quarter_of_an_hour_only_the_systems_numbers_are_kept(self) -> None:
        self.store.away = True
        self.serve()
        self.flush()
        self.clock.advance(899)
        self.serve("b.jpg")
        self.flush()
        self.clock.advance(2)
        self.flush()
        self.store.away = False
        self.assertTrue(self.flush())
        self.assertEqual((self.store.views(1), self.store.views(2)), (0, 1))
        self.assertEqual(self.store.system("views"), 2)

    def test_a_long_outage_needs_no_more_room_than_a_short_one(self) -> None:
        self.store.away = True
        for _ in range(600):
            self.serve()
            self.flush()
            self.clock.advance(60)
        self.assertLess(len(self.statistics._backlog._parts), 30)
        self.store.away = False
        self.assertTrue(self.flush())
        self.assertEqual(self.store.system("views"), 600)

    def test_of_too_many_images_the_oldest_are_the_systems_only(self) -> None:
        self.patch(__import__("qisd.stats.backlog", fromlist=[""]), "_MOST_IMAGES", 3)
        self.store.images |= {f"{n}.jpg": Known(n, True) for n in range(10, 20)}
        self.store.away = True
        for n in (10, 11, 12, 13):
            self.serve(f"{n}.jpg")
            self.flush()
            self.clock.advance(61)
        self.store.away = False
        self.assertTrue(self.flush())
        self.assertEqual([self.store.views(n) for n in (10, 11, 12, 13)], [0, 1, 1, 1])
        self.assertEqual(self.store.system("views"), 4)

    def test_a_batch_that_the_database_refuses_is_given_up_and_others_go_on(self) -> None:
        self.serve()
        self.store.fault = ValueError("never")
        for _ in range(3):
            self.assertFalse(self.flush())
        self.store.fault = None
        self.serve("b.jpg")
        self.assertTrue(self.flush())
        self.assertEqual((self.store.views(1), self.store.views(2)), (0, 1))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 3)

    def test_no_error_ends_the_writing(self) -> None:
        def broken() -> Load:
            raise RuntimeError("no load")

        self.statistics = self.made(load=broken)
        self.statistics.start()
        self.serve()
        self.clock.advance(10)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual(self.store.views(1), 1)
        self.store.fault = KeyError("what")
        self.serve()
        self.clock.advance(10)
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
        self.store.fault = None
        self.clock.advance(10)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 2)
        self.assertEqual(self.store.views(1), 2)

    def test_many_images_are_written_in_several_batches_and_the_system_once(self) -> None:
        self.store.images |= {f"{n}.jpg": Known(n, True) for n in range(10, 4510)}
        for n in range(10, 4510):
            self.serve(f"{n}.jpg")
        self.assertTrue(self.flush())
        self.assertEqual([len(batch.images) for batch in self.store.batches], [500] * 9)
        self.assertEqual(self.store.system("views"), 4500)


class UnknownImageTests(StatisticsCase):
    """Images that have no record yet."""

    def test_they_are_registered_and_their_numbers_wait_for_the_record(self) -> None:
        self.serve("new.jpg")
        self.assertTrue(self.flush())
        self.assertEqual(self.told, [["new.jpg"]])
        self.assertEqual(self.store.system("views"), 1)
        self.store.images["new.jpg"] = Known(3, True)
        self.serve("new.jpg")
        self.assertTrue(self.flush())
        self.assertEqual(self.store.views(3), 2)
        self.assertEqual(self.store.system("views"), 2)
        self.assertEqual(self.told, [["new.jpg"]])

    def test_they_go_into_the_period_in_which_they_were_counted(self) -> None:
        self.serve("new.jpg")
        self.flush()
        self.clock.rightNow = NOON.replace(hour=14).timestamp()
        self.store.images["new.jpg"] = Known(3, True)
        self.flush()
        (batch,) = [batch for batch in self.store.batches if batch.images]
        self.assertEqual(batch.from_time, NOON)

    def test_after_three_more_writings_they_are_the_systems_only(self) -> None:
        self.serve("new.jpg")
        for _ in range(4):
            self.assertTrue(self.flush())
        self.assertEqual(len(self.told), 4)
        self.store.images["new.jpg"] = Known(3, True)
        self.assertTrue(self.flush())
        self.assertEqual((self.store.views(3), self.store.system("views")), (0, 1))

    def test_a_record_that_appears_at_the_third_is_in_time(self) -> None:
        self.serve("new.jpg")
        for _ in range(3):
            self.assertTrue(self.flush())
        self.store.images["new.jpg"] = Known(3, True)
        self.assertTrue(self.flush())
        self.assertEqual(self.store.views(3), 1)

    def test_while_some_are_being_registered_no_more_are_told_and_none_is_given_up(self) -> None:
        gate: Deferred[None] = Deferred()

        async def slow(paths: list[str]) -> None:
            self.told.append(paths)
            await gate

        self.statistics = self.made(unknown=slow)
        self.serve("new.jpg")
        self.flush()
        self.serve("newer.jpg")
        for _ in range(6):
            self.flush()
        self.assertEqual(self.told, [["new.jpg"]])
        gate.callback(None)
        self.flush()
        self.assertEqual(self.told, [["new.jpg"], ["new.jpg", "newer.jpg"]])

    def test_a_stop_waits_for_them(self) -> None:
        gate: Deferred[None] = Deferred()

        async def slow(paths: list[str]) -> None:
            await gate
            self.store.images["new.jpg"] = Known(3, True)

        self.statistics = self.made(unknown=slow)
        self.serve("new.jpg")
        stopping = Deferred.fromCoroutine(self.statistics.stop())
        self.assertNoResult(stopping)
        gate.callback(None)
        self.successResultOf(stopping)
        self.assertEqual(self.store.views(3), 1)

    def test_a_stop_does_not_wait_for_ever(self) -> None:
        async def never(paths: list[str]) -> None:
            await Deferred()

        self.statistics = self.made(unknown=never)
        self.serve("new.jpg")
        stopping = Deferred.fromCoroutine(self.statistics.stop())
        self.clock.advance(10)
        self.successResultOf(stopping)

    def test_an_error_of_the_registration_is_logged(self) -> None:
        async def broken(paths: list[str]) -> None:
            raise RuntimeError("no disk")

        self.statistics = self.made(unknown=broken)
        self.serve("new.jpg")
        self.assertTrue(self.flush())
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.store.images["new.jpg"] = Known(3, True)
        self.assertTrue(self.flush())
        self.assertEqual(self.store.views(3), 1)

    def test_deleted_records_count_and_are_told_so_that_they_revive(self) -> None:
        self.store.images["old.jpg"] = Known(4, False)
        self.serve("old.jpg")
        self.assertTrue(self.flush())
        self.assertEqual((self.store.views(4), self.told), (1, [["old.jpg"]]))

    def test_names_that_no_database_can_hold_are_the_systems_only(self) -> None:
        for src in ("\udcff.jpg", "a\0.jpg"):
            self.serve(src)
        self.serve()
        self.assertTrue(self.flush())
        self.assertEqual((self.store.views(1), self.store.system("views"), self.told), (1, 3, []))
