"""Which of many equal lines come into the log."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qisd.repeated import Repeated


class RepeatedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.repeated = Repeated(period=10, now=self.clock.seconds)

    def test_the_first_comes_and_then_one_in_each_period_with_how_many_there_were(self) -> None:
        told = []
        for _ in range(25):
            told.append(self.repeated.left_out("gone"))
            self.clock.advance(1)
        self.assertEqual([one for one in told if one is not None], [0, 9, 9])
        self.assertEqual([told.index(0), told.index(9)], [0, 10])

    def test_names_and_numbers_make_no_difference_and_words_do(self) -> None:
        self.assertEqual(self.repeated.left_out("changing '.uploads/1': [Errno 30] Read-only b'/a/b'"), 0)
        self.assertIsNone(self.repeated.left_out("changing 'a.jpg': [Errno 30] Read-only b'/c'"))
        self.assertEqual(self.repeated.left_out("changing 'a.jpg': [Errno 13] Permission denied b'/c'"), 0)

    def test_what_was_not_said_for_long_is_new(self) -> None:
        self.repeated.left_out("gone")
        self.repeated.left_out("gone")
        self.clock.advance(3600)
        self.assertEqual(self.repeated.left_out("gone"), 1)

    def test_it_does_not_grow(self) -> None:
        for number in range(1000):
            self.repeated.left_out("x" * number)
        self.assertLessEqual(len(self.repeated._said), 100)
