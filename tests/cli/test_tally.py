"""What came of a load."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.cli.tally import Tally


class TallyTests(SynchronousTestCase):
    def test_hits_and_others_are_told_apart(self) -> None:
        tally = Tally()
        for hit, taken in ((True, 0.001), (True, 0.002), (False, 0.5), (None, 0.1)):
            tally.answered(10.0, 10.0 + taken, 100, hit)
        tally.failed(10.9, "status 503")
        self.assertEqual((tally.count, tally.hits, tally.told, tally.bytes), (4, 2, 3, 400))
        self.assertEqual(dict(tally.errors), {"status 503": 1})
        self.assertAlmostEqual(tally.times(others=False).worst, 2.0)
        self.assertAlmostEqual(tally.times(others=False).mean, 1.5)
        self.assertAlmostEqual(tally.times(hits=False).worst, 500.0)

    def test_by_second_there_are_no_gaps(self) -> None:
        tally = Tally()
        tally.answered(5.0, 5.5, 1, None)
        tally.failed(7.1, "x")
        tally.answered(7.0, 7.2, 1, None)
        series = tally.series()
        self.assertEqual(
            [(one["second"], one["count"], one["errors"]) for one in series], [(0, 1, 0), (1, 0, 0), (2, 1, 1)]
        )
        self.assertEqual(series[1]["p99"], 0)

    def test_nothing_is_nothing(self) -> None:
        tally = Tally()
        self.assertEqual((tally.count, tally.series(), tally.times().worst), (0, [], 0.0))

    @given(st.lists(st.floats(1e-5, 100.0), min_size=1, max_size=300))
    def test_percentiles_are_right_to_two_percent(self, taken: list[float]) -> None:
        tally = Tally()
        for one in taken:
            tally.answered(0.0, one, 1, False)
        ordered = sorted(taken)
        for share, found in tally.times().percentiles.items():
            exact = 1000 * ordered[max(0, -int(-len(ordered) * share // 100) - 1)]
            self.assertLess(abs(found - exact), 0.021 * exact + 1e-9)
