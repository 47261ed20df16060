"""What counting one answer costs, in nanoseconds, against a call of a function that does nothing.

python bench/stats.py
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

from qisd.stats.counting import Statistics

CALLS = 500_000
IMAGES = 5_000


def nothing(src: str | None, *, kind: str, body_bytes: int, seconds: float, record: bool, **_: object) -> None:
    """Takes what :meth:`Statistics.served` takes."""


def cost(call: Callable[..., object]) -> float:
    """Nanoseconds of processor time of one call, the best of five runs."""
    paths = [f"folder {number % 50}/image {number}.jpg" for number in range(IMAGES)]
    kinds = ("cached", "cached", "cached", "rendered", "not_modified", "original")
    calls: list[tuple[str, dict[str, Any]]] = [
        (
            src,
            {
                "kind": kind,
                "body_bytes": 31_234,
                "seconds": 0.0123,
                "record": True,
                "template": "default",
                "format": "jpg",
            },
        )
        for src, kind in zip(paths, itertools.cycle(kinds), strict=False)
    ]
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        for src, rest in itertools.islice(itertools.cycle(calls), CALLS):
            call(src, **rest)
        best = min(best, time.process_time() - began)
    return best / CALLS * 1e9


def main() -> None:
    statistics = Statistics(None, reactor=None)  # type: ignore[arg-type]  # it's never asked to write
    empty, counting = cost(nothing), cost(statistics.served)
    print(f"an empty call {empty:.0f} ns, counting {counting:.0f} ns, the difference {counting - empty:.0f} ns")


if __name__ == "__main__":
    main()
