"""The clock that timers go by."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qisd.service.clock import EvenClock


class Machine:
    """Its two clocks."""

    def __init__(self) -> None:
        self.wall = 1_800_000_000.0
        self.even = 5000.0

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.even += seconds


class EvenClockTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.machine = Machine()
        self.clock = EvenClock(wall=lambda: self.machine.wall, even=lambda: self.machine.even)

    def test_it_shows_what_the_machine_shows(self) -> None:
        self.machine.passes(7)
        self.assertEqual((self.clock.seconds(), self.clock.behind), (1_800_000_007.0, 0.0))

    def test_it_goes_on_when_that_is_set(self) -> None:
        for by in (3600, -7200):
            self.machine.wall += by
            self.machine.passes(1)
        self.assertEqual((self.clock.seconds(), self.clock.behind), (1_800_000_002.0, -3600.0))

    def test_what_is_to_be_done_later_is_as_far_off_when_it_has_caught_up(self) -> None:
        reactor, done = Clock(), []
        self.clock.install(reactor)
        for pause in (10, 1, 5):
            reactor.callLater(pause, done.append, pause)
        for by in (3600, -7200):
            self.machine.wall += by
            self.clock.catch_up(reactor)
            self.assertEqual((reactor.seconds(), self.clock.behind), (self.machine.wall, 0.0))
            self.assertEqual(
                sorted(call.getTime() - reactor.seconds() for call in reactor.getDelayedCalls()), [1, 5, 10]
            )
