"""What came of a load: counts and times by second, from which rates and percentiles follow."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

import attrs

PERCENTILES = (50.0, 90.0, 99.0, 99.9)

_FINENESS = 100
"""Cells for each factor of e: a percentile is right to one percent."""

_SHORTEST = 1e-6

Cells = dict[int, int]
"""How many times fell into each cell of a logarithmic scale."""


@attrs.frozen(kw_only=True)
class Times:
    """How long answers took, in milliseconds.

    :param percentiles: by the share of the answers that took no longer, in percent.
    """

    count: int
    mean: float
    percentiles: dict[float, float]
    worst: float


@attrs.define
class _Second:
    hits: Cells = attrs.field(factory=dict)
    others: Cells = attrs.field(factory=dict)
    errors: int = 0


class Tally:
    """Observes a load; see :class:`qisd.cli.load.Observer`."""

    def __init__(self) -> None:
        self.errors: Counter[str] = Counter()
        self.bytes = 0
        self.told = 0
        """How many answers said where they came from."""
        self._seconds: dict[int, _Second] = {}
        self._now = -1
        self._cells: _Second = _Second()
        self._sums = [0.0, 0.0]
        self._worst = [0.0, 0.0]

    def answered(self, began: float, ended: float, size: int, hit: bool | None) -> None:
        taken = ended - began
        second = int(ended)
        if second != self._now:
            self._at(second)
        cell = int(math.log(taken if taken > _SHORTEST else _SHORTEST) * _FINENESS)
        cells = self._cells.hits if hit else self._cells.others
        cells[cell] = cells.get(cell, 0) + 1
        self.bytes += size
        self.told += hit is not None
        which = 1 if hit else 0
        self._sums[which] += taken
        if taken > self._worst[which]:
            self._worst[which] = taken

    def failed(self, ended: float, reason: str) -> None:
        self._at(int(ended))
        self._cells.errors += 1
        self.errors[reason] += 1

    @property
    def count(self) -> int:
        """Answers that were what was asked for."""
        return self._counted(self._all(hits=True, others=True))

    @property
    def hits(self) -> int:
        """Those of them that came from a cache."""
        return self._counted(self._all(hits=True))

    def times(self, *, hits: bool = True, others: bool = True) -> Times:
        """Of all answers, or only those from a cache, or only the others."""
        cells = merged(self._all(hits=hits, others=others))
        count = sum(cells.values())
        chosen = [which for which, wanted in ((1, hits), (0, others)) if wanted]
        worst = 1000 * max(self._worst[which] for which in chosen)
        return Times(
            count=count,
            mean=1000 * sum(self._sums[which] for which in chosen) / count if count else 0.0,
            percentiles={share: min(value, worst) for share, value in percentiles(cells).items()},
            worst=worst,
        )

    def series(self) -> list[dict[str, float]]:
        """By second, from the first on: answers, errors, and percentiles in milliseconds."""
        if not self._seconds:
            return []
        first, last = min(self._seconds), max(self._seconds)
        found = []
        for second in range(first, last + 1):
            one = self._seconds.get(second, _Second())
            cells = merged([one.hits, one.others])
            shown = {f"p{share:g}": round(value, 3) for share, value in percentiles(cells).items()}
            found.append({"second": second - first, "count": sum(cells.values()), "errors": one.errors, **shown})
        return found

    def _at(self, second: int) -> None:
        self._now = second
        self._cells = self._seconds.setdefault(second, _Second())

    def _all(self, *, hits: bool = False, others: bool = False) -> Iterable[Cells]:
        for second in self._seconds.values():
            if hits:
                yield second.hits
            if others:
                yield second.others

    def _counted(self, cells: Iterable[Cells]) -> int:
        return sum(sum(one.values()) for one in cells)


def merged(all_cells: Iterable[Cells]) -> Cells:
    """The sum of several."""
    total: Counter[int] = Counter()
    for cells in all_cells:
        total.update(cells)
    return total


def percentiles(cells: Cells, wanted: Iterable[float] = PERCENTILES) -> dict[float, float]:
    """In milliseconds: the upper end of the cell in which each lies; 0 where there is nothing."""
    total = sum(cells.values())
    ordered = sorted(cells.items())
    found: dict[float, float] = {}
    for share in wanted:
        left = math.ceil(total * share / 100)
        value = 0.0
        for cell, count in ordered:
            left -= count
            if left <= 0:
                value = 1000 * math.exp((cell + 1 if cell >= 0 else cell) / _FINENESS)
                break
        found[share] = value
    return found
