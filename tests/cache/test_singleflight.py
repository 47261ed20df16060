"""Single flight: :mod:`qisd.cache.singleflight`."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from qisd.cache.singleflight import SingleFlight


class SingleFlightTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.flight: SingleFlight[str] = SingleFlight()
        self.started: list[Deferred[str]] = []
        self.cancelled = 0

    def start(self) -> Deferred[str]:
        def cancel(_: Deferred[str]) -> None:
            self.cancelled += 1

        work: Deferred[str] = Deferred(cancel)
        self.started.append(work)
        return work

    def test_a_hundred_at_once_make_one_and_all_get_it(self) -> None:
        waiters = [self.flight.join("a", self.start) for _ in range(100)]
        self.assertEqual(len(self.started), 1)
        self.started[0].callback("made")
        self.assertEqual([self.successResultOf(waiter) for waiter in waiters], ["made"] * 100)

    def test_different_keys_do_not_wait_for_each_other(self) -> None:
        first, second = self.flight.join("a", self.start), self.flight.join("b", self.start)
        self.started[1].callback("b made")
        self.assertEqual(self.successResultOf(second), "b made")
        self.assertNoResult(first)

    def test_a_failure_goes_to_all_and_the_next_one_starts_anew(self) -> None:
        waiters = [self.flight.join("a", self.start) for _ in range(3)]
        self.started[0].errback(ValueError("broken"))
        for waiter in waiters:
            self.failureResultOf(waiter, ValueError)
        self.flight.join("a", self.start)
        self.assertEqual(len(self.started), 2)

    def test_one_impatient_waiter_does_not_stop_the_others(self) -> None:
        waiters = [self.flight.join("a", self.start) for _ in range(3)]
        waiters[0].cancel()
        self.failureResultOf(waiters[0], CancelledError)
        self.assertEqual(self.cancelled, 0)
        self.started[0].callback("made")
        self.assertEqual(self.successResultOf(waiters[2]), "made")

    def test_when_all_have_left_the_work_is_cancelled(self) -> None:
        waiters = [self.flight.join("a", self.start) for _ in range(2)]
        for waiter in waiters:
            waiter.cancel()
            self.failureResultOf(waiter, CancelledError)
        self.assertEqual(self.cancelled, 1)
        self.assertNotIn("a", self.flight)

    def test_whoever_comes_while_work_is_given_up_starts_anew(self) -> None:
        late: list[Deferred[str]] = []

        def cancel(_: Deferred[str]) -> None:
            late.append(self.flight.join("a", self.start))

        self.flight.join("a", lambda: Deferred(cancel)).addErrback(lambda failure: None).cancel()
        self.started[0].callback("made anew")
        self.assertEqual(self.successResultOf(late[0]), "made anew")

    def test_work_that_fails_at_once_leaves_nothing_behind(self) -> None:
        def broken() -> Deferred[str]:
            raise ValueError("broken")

        self.failureResultOf(self.flight.join("a", broken), ValueError)
        self.assertEqual(len(self.flight), 0)

    def test_work_that_is_done_at_once_answers_at_once(self) -> None:
        def done() -> Deferred[str]:
            work: Deferred[str] = Deferred()
            work.callback("done")
            return work

        self.assertEqual(self.successResultOf(self.flight.join("a", done)), "done")
        self.assertEqual(len(self.flight), 0)
