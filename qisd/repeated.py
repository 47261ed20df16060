"""What lasts is told once in a while, not with every request that meets it."""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable

# What differs between lines that say the same: quoted names, and words with digits in them (numbers, paths of our own).
_PARTICULAR = re.compile(r"'[^']*'|\"[^\"]*\"|\S*\d\S*")

_KINDS_MAX = 100


class Repeated:
    """Decides which of many equal lines are worth one in the log.

    The first is, and then one in each period, which tells how many were left out before.

    :param period: seconds.
    :param now: seconds of a clock that only goes forward.
    """

    def __init__(self, *, period: float = 10.0, now: Callable[[], float] = time.monotonic) -> None:
        self._period = period
        self._now = now
        self._said: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def left_out(self, text: str) -> int | None:
        """How many lines like ``text`` were left out before this one; None: leave this one out too."""
        kind = _PARTICULAR.sub("", text)
        now = self._now()
        said, count = self._said.get(kind, (float("-inf"), 0))
        if now - said < self._period:
            self._said[kind] = said, count + 1
            return None
        self._said[kind] = now, 0
        self._said.move_to_end(kind)
        if len(self._said) > _KINDS_MAX:
            self._said.popitem(last=False)
        return count
