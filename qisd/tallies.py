"""Counts that a process keeps of what it does: plain numbers of one thread, which are only read as a whole."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

REQUEST_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper ends of the cells for whatever a request waits for."""

LAG_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
TASK_SECONDS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0)


class Histogram:
    """How long things took, by cells. One more cell than there are ``bounds`` has all above the last of them.

    :ivar total: seconds of all together.
    """

    __slots__ = ("bounds", "cells", "total")

    def __init__(self, bounds: Sequence[float] = REQUEST_SECONDS) -> None:
        self.bounds = bounds
        self.cells = [0] * (len(bounds) + 1)
        self.total = 0.0

    def note(self, seconds: float) -> None:
        """Count one."""
        self.cells[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds

    @property
    def count(self) -> int:
        return sum(self.cells)
