"""The time that timers and deadlines go by: it goes on evenly, whatever the machine's clock is set to."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


class EvenClock:
    """Seconds since 1970 by the machine's clock as it was at the start, and evenly on from there.

    Twisted's reactor goes by the machine's clock itself. When that is set back by an hour, none of its timers would
    fire for an hour, and what is to be believed for a second would be believed for as long; when it is set ahead,
    everybody's time would be up at once.

    :param wall: the machine's clock.
    :param even: seconds from any moment on, which nobody sets.
    """

    def __init__(self, *, wall: Callable[[], float] = time.time, even: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._even = even
        self._offset = wall() - even()

    def seconds(self) -> float:
        return self._even() + self._offset

    @property
    def behind(self) -> float:
        """By how many seconds the machine's clock has been set ahead since; below zero: back."""
        return self._wall() - self.seconds()

    def install(self, reactor: Any) -> None:
        """Have ``reactor`` go by this clock."""
        reactor.seconds = self.seconds

    def catch_up(self, reactor: Any) -> None:
        """Show what the machine's clock shows, and let what ``reactor`` has to do later be as far off as it was."""
        by = self.behind
        self._offset += by
        for call in reactor.getDelayedCalls():
            call.delay(by)
