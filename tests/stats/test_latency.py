from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from qisd.stats.latency import BOUNDS, CELLS, cell_of, percentile


class LatencyTests(SynchronousTestCase):
    """A histogram of times."""

    def cells(self, *seconds: float) -> list[int]:
        cells = [0] * CELLS
        for one in seconds:
            cells[cell_of(one)] += 1
        return cells

    def test_bounds_grow(self) -> None:
        self.assertEqual(sorted(set(BOUNDS)), list(BOUNDS))
        self.assertEqual((len(BOUNDS), CELLS), (36, 37))

    def test_a_bound_belongs_to_the_cell_below_it(self) -> None:
        for index, bound in enumerate(BOUNDS):
            self.assertEqual(cell_of(bound), index)
            self.assertEqual(cell_of(bound * 1.001), index + 1)
        self.assertEqual((cell_of(0), cell_of(1e9)), (0, CELLS - 1))

    def test_without_answers_every_percentile_is_0(self) -> None:
        self.assertEqual(percentile([0] * CELLS, 50), 0)
        self.assertEqual(percentile([], 99), 0)

    def test_a_percentile_is_off_by_a_cell_at_most(self) -> None:
        times = [0.001 * 1.01**n for n in range(700)]
        for percent in (1, 50, 95, 99, 100):
            exact = sorted(times)[min(int(len(times) * percent / 100), len(times) - 1)]
            found = percentile(self.cells(*times), percent)
            self.assertTrue(exact / 1.7 <= found <= exact * 1.7, (percent, exact, found))

    def test_a_percentile_lies_in_the_cell_of_its_answer(self) -> None:
        cells = self.cells(*[0.0025] * 90, *[4.0] * 10)
        self.assertTrue(0.002 <= percentile(cells, 50) <= 0.003)
        self.assertTrue(3.0 <= percentile(cells, 95) <= 5.0)

    def test_beyond_the_last_bound_that_bound_is_given(self) -> None:
        self.assertEqual(percentile(self.cells(1000.0), 99), BOUNDS[-1])

    def test_older_histograms_with_fewer_cells_are_read_too(self) -> None:
        self.assertTrue(0 < percentile([4], 50) <= BOUNDS[0])
