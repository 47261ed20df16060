"""How long each stage of a piece of work takes."""

from __future__ import annotations

import time
from collections.abc import Callable

Stage = tuple[str, float]
"""Its name, and seconds."""


class Stages:
    """Told which stage begins. It may go from thread to thread, but only one may use it at a time."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._begun: list[tuple[str, float]] = []

    def begin(self, name: str) -> None:
        """The stage before is over, and this one begins."""
        self._begun.append((name, self._clock()))

    def ended(self) -> tuple[Stage, ...]:
        """All of it is over: the stages in their order."""
        times = [moment for _, moment in self._begun[1:]] + [self._clock()]
        return tuple((name, end - start) for (name, start), end in zip(self._begun, times, strict=False))
