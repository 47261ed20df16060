"""Long work in the reactor's thread, done in pieces: between them, others have their turn."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any, TypeVar

from twisted.internet.task import deferLater

S = TypeVar("S")
T = TypeVar("T")

PIECE = 0.01
"""Seconds after which others are let in."""

_LOOK_EVERY = 20
"""So many small steps are made between two looks at the clock."""


async def in_pieces(reactor: Any, work: Generator[None, None, T]) -> T:
    """The result of ``work``, which yields wherever it can be interrupted."""
    until = reactor.seconds() + PIECE
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result
        if reactor.seconds() >= until:
            await deferLater(reactor, 0)
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
