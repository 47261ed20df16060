"""How fast a body must come in. Pure: the time is given."""

from __future__ import annotations

# A second's worth of bytes of the slowest line that a body may come over, on average. One byte at a time would hold a
# connection and its temporary files for ever.
_RATE_MIN = 1024

_WAIT_MIN = 0.01


class Pace:
    """Watches one body. Times are in seconds, of any clock that only goes forward.

    A body is too slow when no byte comes for ``patience``, or when in one stretch of that length fewer bytes come than
    :data:`_RATE_MIN` for each second. While the server itself holds it up, time stands still.
    """

    def __init__(self, *, now: float, patience: float) -> None:
        self._patience = patience
        self._stood_still = 0.0
        self._held_at: float | None = None
        self._last_byte = self._stretch_began = now
        self._stretch_bytes = 0

    def came(self, now: float, count: int) -> None:
        """``count`` bytes have come."""
        self._last_byte = self._own_time(now)
        self._stretch_bytes += count

    def hold(self, now: float) -> None:
        if self._held_at is None:
            self._held_at = now

    def go_on(self, now: float) -> None:
        if self._held_at is not None:
            self._stood_still += now - self._held_at
            self._held_at = None

    def next_look(self, now: float) -> float | None:
        """Seconds until :meth:`too_slow` should be asked; None while time stands still."""
        if self._held_at is not None:
            return None
        due = min(self._last_byte, self._stretch_began) + self._patience
        return max(due - self._own_time(now), _WAIT_MIN)

    def too_slow(self, now: float) -> bool:
        own = self._own_time(now)
        if own - self._last_byte >= self._patience:
            return True
        length = own - self._stretch_began
        if length < self._patience:
            return False
        slow = self._stretch_bytes < _RATE_MIN * length
        self._stretch_began, self._stretch_bytes = own, 0
        return slow

    def _own_time(self, now: float) -> float:
        return (now if self._held_at is None else self._held_at) - self._stood_still
