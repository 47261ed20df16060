"""How fast a body must come in."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from qisd.web.pace import Pace

START = 1000.0


class PaceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.pace = Pace(now=START, patience=60)

    def test_silence_is_too_slow(self) -> None:
        self.pace.came(START + 5, 10_000_000)
        self.assertEqual(self.pace.next_look(START + 5), 55)
        self.assertFalse(self.pace.too_slow(START + 60))
        self.assertFalse(self.pace.too_slow(START + 64))
        self.assertTrue(self.pace.too_slow(START + 65))

    def test_a_trickle_is_too_slow(self) -> None:
        for second in range(1, 60):
            self.pace.came(START + second, 1000)
        self.assertTrue(self.pace.too_slow(START + 60))

    def test_a_slow_line_is_not(self) -> None:
        for second in range(1, 1000):
            self.pace.came(START + second, 1100)
            self.assertFalse(self.pace.too_slow(START + second))

    def test_what_came_before_does_not_count_for_ever(self) -> None:
        self.pace.came(START + 1, 1_000_000_000)
        self.pace.came(START + 50, 1)
        self.assertFalse(self.pace.too_slow(START + 60))
        for second in range(61, 120):
            self.pace.came(START + second, 1)
        self.assertTrue(self.pace.too_slow(START + 120))

    def test_time_in_which_the_server_holds_the_body_up_does_not_count(self) -> None:
        self.pace.came(START + 10, 10)
        self.pace.hold(START + 20)
        self.pace.hold(START + 30)
        self.assertIsNone(self.pace.next_look(START + 40))
        self.assertFalse(self.pace.too_slow(START + 5000))
        self.pace.go_on(START + 5020)
        self.pace.go_on(START + 5021)
        self.assertEqual(self.pace.next_look(START + 5020), 40)
        self.assertFalse(self.pace.too_slow(START + 5059))
        self.assertTrue(self.pace.too_slow(START + 5060))

    def test_the_next_look_is_never_at_once(self) -> None:
        wait = self.pace.next_look(START + 60)
        assert wait is not None
        self.assertGreater(wait, 0)
