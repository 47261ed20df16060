"""Single flight: however many ask for the same thing at once, it is made once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

T = TypeVar("T")


class _Flight(Generic[T]):
    def __init__(self) -> None:
        self.work: Deferred[T] | None = None
        self.waiters: list[Deferred[T]] = []


class SingleFlight(Generic[T]):
    """Merges work under way by key. Each waiter has a Deferred of its own, since one Deferred serves one waiter only.

    A waiter that is cancelled leaves; when the last one has left, the work is cancelled too. The outcome, result or
    failure, goes to all who wait.
    """

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[T]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    def __contains__(self, key: str) -> bool:
        return key in self._flights

    def join(self, key: str, start: Callable[[], Deferred[T]]) -> Deferred[T]:
        """Wait for the work under ``key``; ``start`` begins it if nobody has yet."""
        flight = self._flights.get(key)
        if flight is not None:
            return self._wait(key, flight)
        # In the map before the work starts: it may end, or ask for the same key, while it is being started.
        flight = self._flights[key] = _Flight()
        waiter = self._wait(key, flight)
        try:
            flight.work = start()
        except BaseException:
            self._land(key, flight, Failure())
        else:
            flight.work.addBoth(lambda outcome: self._land(key, flight, outcome))
        return waiter

    def _wait(self, key: str, flight: _Flight[T]) -> Deferred[T]:
        waiter: Deferred[T] = Deferred(lambda gone: self._leave(key, flight, gone))
        flight.waiters.append(waiter)
        return waiter

    def _leave(self, key: str, flight: _Flight[T], waiter: Deferred[T]) -> None:
        flight.waiters.remove(waiter)
        waiter.errback(CancelledError())
        if not flight.waiters and flight.work is not None:
            # Out of the map first, so that whoever comes now starts anew instead of joining what is being given up.
            self._forget(key, flight)
            flight.work.cancel()

    def _land(self, key: str, flight: _Flight[T], outcome: T | Failure) -> None:
        self._forget(key, flight)
        waiters, flight.waiters = flight.waiters, []
        for waiter in waiters:
            waiter.callback(outcome)  # a Failure given to callback() becomes the waiter's own failure

    def _forget(self, key: str, flight: _Flight[T]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
