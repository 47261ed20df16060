"""What the service manager is told, and when."""

from __future__ import annotations

from collections import Counter
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qisd.service.manager import Manager
from qisd.service.notices import Notices


class Listening(Manager):
    """Keeps what it is told."""

    def __init__(self, *, watchdog: float = 0.0) -> None:
        super().__init__(watchdog=watchdog)
        self.told: list[dict[str, Any]] = []

    def tell(self, **values: str | int) -> None:
        self.told.append(values)

    def count(self, name: str) -> int:
        return Counter(key for values in self.told for key in values)[name]


class NoticesTests(SynchronousTestCase):
    def notices(self, manager: Manager) -> Notices:
        self.clock = Clock()
        return Notices(manager, reactor=self.clock)

    def test_the_watchdog_hears_three_times_within_its_time_that_all_is_well(self) -> None:
        manager = Listening(watchdog=30)
        self.notices(manager).begin()
        self.clock.pump([1] * 30)
        self.assertEqual(manager.count("WATCHDOG"), 4)

    def test_without_a_watchdog_nothing_is_said(self) -> None:
        manager = Listening()
        self.notices(manager).begin()
        self.clock.pump([1] * 60)
        self.assertEqual(manager.told, [])

    def test_the_start_may_take_longer_while_something_is_waited_for(self) -> None:
        manager = Listening()
        notices = self.notices(manager)
        notices.waiting("Waiting for the database")
        self.clock.pump([1] * 25)
        self.assertEqual(manager.told[0], {"STATUS": "Waiting for the database"})
        self.assertEqual(manager.told[1:], [{"EXTEND_TIMEOUT_USEC": 60_000_000}] * 3)
        notices.ready("Serving")
        self.clock.pump([1] * 60)
        self.assertEqual(manager.count("EXTEND_TIMEOUT_USEC"), 3)

    def test_the_end_says_how_long_it_takes_and_ends_all_else(self) -> None:
        manager = Listening(watchdog=30)
        notices = self.notices(manager)
        notices.begin()
        notices.waiting("Waiting for the database")
        notices.stopping(75.0)
        self.assertEqual(manager.told[-1], {"STOPPING": 1, "STATUS": "Stopping", "EXTEND_TIMEOUT_USEC": 75_000_000})
        self.assertEqual(self.clock.getDelayedCalls(), [])
