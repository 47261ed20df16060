"""Long work in the reactor's thread."""

from __future__ import annotations

from collections.abc import Callable, Generator

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qisd.pools.gentle import PIECE, in_pieces, made_of


class Rounds:
    """A reactor that goes round when it is told to: what is to be called later is called in the next round."""

    def __init__(self) -> None:
        self.now = 0.0
        self.later: list[Callable[[], object]] = []

    def seconds(self) -> float:
        return self.now

    def callLater(self, seconds: float, call: Callable[[], object]) -> None:
        self.later.append(call)

    def iterate(self) -> None:
        due, self.later = self.later, []
        for call in due:
            call()

    def slow(self, item: int) -> int:
        self.now += 0.001
        return item


class GentleTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.others = 0
        self.clock.callLater(PIECE, self.other)

    def other(self) -> None:
        self.others += 1

    def slow(self, item: int) -> int:
        """Takes a millisecond of a clock that nobody else can look at meanwhile."""
        self.clock.rightNow += 0.001
        return item * 2

    def test_all_of_it_is_made_in_order_and_others_have_their_turn_in_between(self) -> None:
        working = Deferred.fromCoroutine(made_of(self.clock, range(100), self.slow))
        self.assertNoResult(working)
        for _ in range(10):
            self.clock.advance(0)
        self.assertEqual(self.others, 1)
        self.assertEqual(self.successResultOf(working), [item * 2 for item in range(100)])

    def test_what_is_short_is_done_at_once(self) -> None:
        working = Deferred.fromCoroutine(made_of(self.clock, range(9), self.slow))
        self.assertEqual(len(self.successResultOf(working)), 9)
        self.assertEqual(self.successResultOf(Deferred.fromCoroutine(made_of(self.clock, [], self.slow))), [])

    def test_however_many_there_are_others_wait_for_one_piece_only(self) -> None:
        reactor = Rounds()
        works = [Deferred.fromCoroutine(made_of(reactor, range(100), reactor.slow)) for _ in range(10)]
        for _ in range(60):
            before = reactor.now
            reactor.iterate()
            self.assertLessEqual(reactor.now - before, 2.1 * PIECE)
        self.assertEqual([len(self.successResultOf(work)) for work in works], [100] * 10)

    def test_an_error_ends_it(self) -> None:
        def work() -> Generator[None, None, int]:
            yield
            raise ValueError

        self.failureResultOf(Deferred.fromCoroutine(in_pieces(self.clock, work())), ValueError)

    def test_who_is_cancelled_works_no_more(self) -> None:
        done = []
        working = Deferred.fromCoroutine(made_of(self.clock, range(1000), lambda item: done.append(self.slow(item))))
        working.addErrback(lambda failure: None)
        working.cancel()
        count = len(done)
        self.clock.advance(1)
        self.assertEqual(len(done), count)
