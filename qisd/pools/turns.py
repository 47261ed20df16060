"""A queue in which everybody gets a turn: whoever asks for much waits for themselves, not others for them."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """First in, first out for each client; the clients take turns, those who have come last after the others."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, deque[T]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        """All that waits, client by client."""
        return (item for items in self._waiting.values() for item in items)

    def add(self, client: str, item: T) -> None:
        """Let ``item`` wait behind those of ``client``."""
        self._waiting.setdefault(client, deque()).append(item)
        self._length += 1

    def first(self) -> T:
        """Whose turn it is; it stays.

        :raises StopIteration: nobody waits.
        """
        return next(iter(self._waiting.values()))[0]

    def take(self) -> T:
        """Take out whose turn it is.

        :raises KeyError: nobody waits.
        """
        client, items = self._waiting.popitem(last=False)
        item = items.popleft()
        self._length -= 1
        if items:
            self._waiting[client] = items
        return item

    def remove(self, item: T) -> bool:
        """Take ``item`` out, wherever it is; whether it was there."""
        for client, items in self._waiting.items():
            if item in items:
                items.remove(item)
                self._length -= 1
                if not items:
                    del self._waiting[client]
                return True
        return False

    def give_way(self, client: str) -> T | None:
        """For ``client``, take out the last of whoever waits with most; None if ``client`` waits with as many."""
        greediest = max(self._waiting.values(), key=len, default=deque[T]())
        if len(greediest) <= len(self._waiting.get(client, ())) + 1:
            return None
        item = greediest.pop()
        self._length -= 1
        return item
