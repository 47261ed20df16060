"""Values held in memory: read when there is news, no more often than need be, and known to be old without any."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import StoreUnavailable
from qisd.store import held
from qisd.store.held import Held


class FakeListener:
    """What the value hears; a test speaks by it."""

    made: FakeListener

    def __init__(self, news: object, *, connected: Any, heard: Any, lost: Any) -> None:
        self.connected, self.heard, self.lost = connected, heard, lost
        self.running = False
        FakeListener.made = self

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False


class FakeDatabase:
    news = object()


class HeldCase(SynchronousTestCase):
    pause = 0.0

    def setUp(self) -> None:
        self.patch(held, "Listener", FakeListener)
        self.clock = Clock()
        self.readings = 0
        self.error: Exception | None = None
        self.gate: Deferred[None] | None = None
        self.held: Held[int] = Held(
            FakeDatabase(),  # type: ignore[arg-type]
            what="numbers",
            read=self.read,
            tables=frozenset({"numbers", "names"}),
            reactor=self.clock,
            pause=self.pause,
        )
        self.listener = FakeListener.made

    async def read(self) -> int:
        self.readings += 1
        number = self.readings
        if self.gate is not None:
            await self.gate
        if self.error is not None:
            raise self.error
        return number

    def begin(self) -> Deferred[None]:
        started = Deferred.fromCoroutine(self.held.start())
        self.listener.connected()
        return started


class ReadingTests(HeldCase):
    def test_it_is_there_when_it_has_started(self) -> None:
        self.assertRaises(StoreUnavailable, lambda: self.held.value)
        started = Deferred.fromCoroutine(self.held.start())
        self.assertTrue(self.listener.running)
        self.assertNoResult(started)
        self.listener.connected()
        self.successResultOf(started)
        self.assertEqual(self.held.value, 1)

    def test_news_of_its_tables_make_it_read_again_and_no_others(self) -> None:
        self.successResultOf(self.begin())
        self.listener.heard("others")
        self.assertEqual(self.held.value, 1)
        self.listener.heard("names")
        self.assertEqual(self.held.value, 2)

    def test_news_while_it_reads_make_it_read_once_more(self) -> None:
        self.successResultOf(self.begin())
        gate = self.gate = Deferred()
        for _ in range(5):
            self.listener.heard("numbers")
        self.assertEqual(self.held.value, 1)
        self.gate = None
        gate.callback(None)
        self.assertEqual((self.held.value, self.readings), (3, 3))

    def test_it_is_read_at_once_when_that_is_asked_for(self) -> None:
        self.successResultOf(self.begin())
        self.successResultOf(Deferred.fromCoroutine(self.held.refresh()))
        self.assertEqual(self.held.value, 2)

    def test_of_two_readings_at_once_the_one_that_began_later_counts(self) -> None:
        self.successResultOf(self.begin())
        gates: list[Deferred[None]] = []
        for _ in range(2):
            self.gate = Deferred()
            gates.append(self.gate)
            Deferred.fromCoroutine(self.held.refresh())
        gates[1].callback(None)
        self.assertEqual(self.held.value, 3)
        gates[0].callback(None)
        self.assertEqual(self.held.value, 3)

    def test_an_error_of_that_leaves_everything_as_it_was(self) -> None:
        self.successResultOf(self.begin())
        self.error = StoreUnavailable()
        self.failureResultOf(Deferred.fromCoroutine(self.held.refresh()), StoreUnavailable)
        self.assertEqual(self.held.value, 1)

    def test_a_database_that_is_away_is_tried_again(self) -> None:
        self.error = StoreUnavailable()
        started = self.begin()
        for _ in range(3):
            self.assertNoResult(started)
            self.clock.advance(2)
        self.error = None
        self.clock.advance(2)
        self.successResultOf(started)
        self.assertEqual((self.held.value, self.readings), (5, 5))

    def test_another_error_ends_the_start_with_it(self) -> None:
        self.error = ValueError("wrong")
        self.failureResultOf(self.begin(), ValueError)

    def test_another_error_later_is_logged_and_the_next_news_are_read(self) -> None:
        self.successResultOf(self.begin())
        self.error = ValueError("wrong")
        self.listener.heard("numbers")
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.assertEqual(self.held.value, 1)
        self.error = None
        self.listener.heard("numbers")
        self.assertEqual(self.held.value, 3)

    def test_after_its_end_nothing_is_read(self) -> None:
        self.successResultOf(self.begin())
        self.error = StoreUnavailable()
        self.listener.heard("numbers")
        self.successResultOf(Deferred.fromCoroutine(self.held.stop()))
        self.assertFalse(self.listener.running)
        self.error = None
        self.clock.advance(10)
        self.assertEqual(self.readings, 2)


class PauseTests(HeldCase):
    pause = 0.5

    def test_changes_that_come_thick_and_fast_are_read_together(self) -> None:
        self.successResultOf(self.begin())
        for _ in range(1000):
            self.listener.heard("numbers")
            self.clock.advance(0.001)
        self.clock.advance(0.5)
        self.assertLessEqual(self.readings, 4)
        self.assertEqual(self.held.value, self.readings)

    def test_the_last_change_is_never_missed(self) -> None:
        self.successResultOf(self.begin())
        self.listener.heard("numbers")
        self.assertEqual(self.held.value, 1)
        self.clock.advance(0.5)
        self.assertEqual(self.held.value, 2)

    def test_after_a_quiet_time_news_are_read_at_once(self) -> None:
        self.successResultOf(self.begin())
        self.clock.advance(0.5)
        self.listener.heard("numbers")
        self.assertEqual(self.held.value, 2)

    def test_who_knows_of_a_change_waits_for_a_reading_that_begins_after_it(self) -> None:
        self.successResultOf(self.begin())
        self.clock.advance(0.5)
        gate = self.gate = Deferred()
        self.listener.heard("numbers")  # this reading may be of before the change
        waiting = [Deferred.fromCoroutine(self.held.catch_up()) for _ in range(3)]
        self.gate = None
        gate.callback(None)
        self.assertEqual(self.held.value, 2)
        for one in waiting:
            self.assertNoResult(one)
        self.clock.advance(0.5)
        for one in waiting:
            self.successResultOf(one)
        self.assertEqual((self.held.value, self.readings), (3, 3))

    def test_a_database_that_is_away_is_told_to_whom_waits(self) -> None:
        self.successResultOf(self.begin())
        self.clock.advance(0.5)
        self.error = StoreUnavailable()
        self.failureResultOf(Deferred.fromCoroutine(self.held.catch_up()), StoreUnavailable)
        self.assertEqual(self.held.value, 1)


class DeafnessTests(HeldCase):
    def test_it_knows_for_how_long_it_hears_nothing(self) -> None:
        self.successResultOf(self.begin())
        self.assertEqual(self.held.deaf_for, 0)
        self.listener.lost()
        self.clock.advance(5)
        self.listener.lost()
        self.clock.advance(5)
        self.assertEqual(self.held.deaf_for, 10)
        self.assertEqual(self.held.value, 1)

    def test_it_hears_again_only_when_what_was_missed_has_been_read(self) -> None:
        self.successResultOf(self.begin())
        self.listener.lost()
        self.clock.advance(5)
        gate = self.gate = Deferred()
        self.listener.connected()
        self.assertEqual(self.held.deaf_for, 5)
        gate.callback(None)
        self.assertEqual((self.held.deaf_for, self.held.value), (0, 2))

    def test_a_reading_that_began_before_the_loss_proves_nothing(self) -> None:
        self.successResultOf(self.begin())
        gate = self.gate = Deferred()
        self.listener.heard("numbers")
        self.listener.lost()
        self.clock.advance(5)
        gate.callback(None)
        self.assertEqual(self.held.deaf_for, 5)

    def test_a_reading_that_began_before_it_heard_again_proves_nothing(self) -> None:
        self.successResultOf(self.begin())
        first = self.gate = Deferred()
        self.listener.heard("numbers")
        self.listener.lost()
        self.clock.advance(5)
        second: Deferred[None] = Deferred()
        self.listener.connected()
        self.gate = second
        first.callback(None)
        self.assertEqual(self.held.deaf_for, 5)
        second.callback(None)
        self.assertEqual(self.held.deaf_for, 0)

    def test_a_failed_reading_leaves_it_deaf(self) -> None:
        self.successResultOf(self.begin())
        self.listener.lost()
        self.error = StoreUnavailable()
        self.clock.advance(1)
        self.listener.connected()
        self.assertEqual(self.held.deaf_for, 1)
        self.error = None
        self.clock.advance(2)
        self.assertEqual(self.held.deaf_for, 0)
