"""How long answers took: a histogram whose cells can be added up over processes and periods."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

BOUNDS = tuple(step * 10.0**power for power in range(-4, 2) for step in (1.0, 1.5, 2.0, 3.0, 5.0, 7.0))
"""Upper ends of the cells, in seconds: six for each power of ten from 0.1 ms to 70 s. One more cell has all above.

They are part of what is stored: cells may be added behind the last one, but never changed.
"""

CELLS = len(BOUNDS) + 1


def cell_of(seconds: float) -> int:
    """The index of the cell that a time belongs to."""
    return bisect_left(BOUNDS, seconds)


def percentile(cells: Sequence[int], percent: float) -> float:
    """The time in seconds that ``percent`` of the answers stayed below, found by interpolation within a cell.

    Of the last cell, which has no upper end, the lower one is given; 0 without any answer.
    """
    wanted = sum(cells) * percent / 100
    seen = 0
    for index, number in enumerate(cells):
        if number and seen + number >= wanted:
            lower = BOUNDS[min(index, len(BOUNDS)) - 1] if index else 0.0
            upper = BOUNDS[index] if index < len(BOUNDS) else lower
            return lower + (upper - lower) * max(wanted - seen, 0) / number
        seen += number
    return 0.0
