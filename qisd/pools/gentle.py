"""Long work in the reactor's thread, done in pieces: between them, others have their turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from twisted.internet.defer import Deferred

S = TypeVar("S")
T = TypeVar("T")

PIECE = 0.01
"""Seconds after which others are let in."""

_LOOK_EVERY = 20
"""So many small steps are made between two looks at the clock."""


class _Line:
    """Where such works wait for their turns: between two of them the reactor looks at everything else."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._waiting: deque[Deferred[None]] = deque()

    @property
    def empty(self) -> bool:
        return not self._waiting

    async def turn(self) -> None:
        """Wait for one."""
        mine: Deferred[None] = Deferred(lambda gone: None)
        if not self._waiting:
            self._reactor.callLater(0, self._next)
        self._waiting.append(mine)
        await mine

    def _next(self) -> None:
        first = self._waiting.popleft()
        if self._waiting:
            self._reactor.callLater(0, self._next)
        if not first.called:  # or nobody waits for it any more
            first.callback(None)


_lines: WeakKeyDictionary[Any, _Line] = WeakKeyDictionary()


async def in_pieces(reactor: Any, work: Generator[None, None, T]) -> T:
    """The result of ``work``, which yields wherever it can be interrupted."""
    line = _lines.setdefault(reactor, _Line(reactor))
    if not line.empty:
        await line.turn()
    until = reactor.seconds() + PIECE
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result
        if reactor.seconds() >= until:
            await line.turn()
            until = reactor.seconds() + PIECE


async def made_of(reactor: Any, items: Iterable[S], make: Callable[[S], T]) -> list[T]:
    """What ``make`` makes of each of ``items``."""
    return await in_pieces(reactor, _making(items, make))


def _making(items: Iterable[S], make: Callable[[S], T]) -> Generator[None, None, list[T]]:
    made = []
    for number, item in enumerate(items, 1):
        made.append(make(item))
        if number % _LOOK_EVERY == 0:
            yield
    return made
