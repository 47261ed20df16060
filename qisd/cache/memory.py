"""Renditions kept in this process: bounded in bytes, and not emptied by whoever walks once through everything.

The order of eviction is S3-FIFO: Juncheng Yang, Yazhuo Zhang, Ziyue Qiu, Yao Yue, K. V. Rashmi, "FIFO queues are all
you need for cache eviction", SOSP 2023. What is new enters a small queue, and gets into the main one only if it was
asked for again before it had passed through. The keys of what did not make it are remembered for a while, as ghosts: if
one comes back, it goes straight to the main queue. There it gets another round for each time that it was asked for.

Against the paper, what counts is bytes and not entries, and one thing is added: a rendition larger than the small queue
is no reason to evict others before it has come a second time.
"""

from __future__ import annotations

from collections import OrderedDict

import attrs
from zope.interface import implementer

from qisd.cache.interfaces import CachedRendition, IRenditionCache

_SMALL = 0.1
"""Share of the small queue in the capacity."""

_HITS_COUNTED = 3
"""Hits that an entry is credited with at most: the rounds that one which was popular once may stay on."""

_HITS_TO_STAY = 2
"""Hits with which an entry gets from the small queue into the main one."""

_GHOST_COST = 250
"""Bytes that a remembered key takes."""


class _Entry:
    __slots__ = ("cost", "hits", "rendition")

    def __init__(self, rendition: CachedRendition) -> None:
        self.rendition = rendition
        self.cost = rendition.cost
        self.hits = 0


class _Queue(OrderedDict[str, _Entry]):
    """First in, first out; knows how many bytes its entries cost."""

    bytes = 0

    def clear(self) -> None:
        super().clear()
        self.bytes = 0

    def push(self, key: str, entry: _Entry) -> None:
        self[key] = entry
        self.bytes += entry.cost

    def shift(self) -> tuple[str, _Entry]:
        key, entry = self.popitem(last=False)
        self.bytes -= entry.cost
        return key, entry

    def drop(self, key: str) -> bool:
        """Take the entry out; whether there was one."""
        entry = self.pop(key, None)
        if entry is None:
            return False
        self.bytes -= entry.cost
        return True


@implementer(IRenditionCache)
class MemoryCache:
    """A cache of at most ``capacity`` bytes, with what it remembers of others included. For the reactor thread only."""

    def __init__(self, *, capacity: int) -> None:
        self._capacity = capacity
        self._small = _Queue()
        self._main = _Queue()
        self._ghosts: OrderedDict[str, int] = OrderedDict()  # key: cost of the rendition that was evicted
        self._ghost_bytes = 0

    @property
    def used(self) -> int:
        """Bytes in use."""
        return self._small.bytes + self._main.bytes + len(self._ghosts) * _GHOST_COST

    def __len__(self) -> int:
        return len(self._small) + len(self._main)

    def look(self, key: str) -> CachedRendition | None:
        """What :meth:`get` gives, without a coroutine."""
        entry = self._main.get(key) or self._small.get(key)
        if entry is None:
            return None
        if entry.hits < _HITS_COUNTED:
            entry.hits += 1
        return entry.rendition

    async def get(self, key: str) -> CachedRendition | None:
        return self.look(key)

    async def put(self, key: str, rendition: CachedRendition) -> None:
        """Keep ``rendition``, at the cost of others. One larger than the cache is not kept."""
        self._small.drop(key)
        known = self._main.drop(key) or self._forget_ghost(key)
        entry = _Entry(attrs.evolve(rendition, floor="memory"))
        if entry.cost > self._capacity:
            return
        if not known and entry.cost > max(self._capacity * _SMALL, self._capacity - self.used):
            self._remember(key, entry)
            self._make_room(0)
            return
        self._make_room(entry.cost)
        (self._main if known else self._small).push(key, entry)

    def fill(self) -> float:
        """How full the cache is, in percent."""
        return 100.0 * self.used / self._capacity if self._capacity else 0.0

    async def clear(self) -> None:
        self._small.clear()
        self._main.clear()
        self._ghosts.clear()
        self._ghost_bytes = 0

    def resize(self, *, capacity: int) -> None:
        """Change the capacity; what no longer fits goes at once."""
        self._capacity = capacity
        self._make_room(0)

    def _make_room(self, cost: int) -> None:
        while self.used + cost > self._capacity:
            if self._small and (self._small.bytes >= self._capacity * _SMALL or not self._main):
                self._evict_small()
            elif self._main:
                self._evict_main()
            else:
                self._forget_oldest_ghost()

    def _evict_small(self) -> None:
        key, entry = self._small.shift()
        if entry.hits >= _HITS_TO_STAY:
            entry.hits = 0
            self._main.push(key, entry)
        else:
            self._remember(key, entry)

    def _evict_main(self) -> None:
        key, entry = self._main.shift()
        if entry.hits:
            entry.hits -= 1
            self._main.push(key, entry)

    def _remember(self, key: str, entry: _Entry) -> None:
        self._ghosts[key] = entry.cost
        self._ghost_bytes += entry.cost
        while self._ghost_bytes > self._capacity * (1 - _SMALL):  # as much as the main queue holds
            self._forget_oldest_ghost()

    def _forget_oldest_ghost(self) -> None:
        self._ghost_bytes -= self._ghosts.popitem(last=False)[1]

    def _forget_ghost(self, key: str) -> bool:
        cost = self._ghosts.pop(key, None)
        self._ghost_bytes -= cost or 0
        return cost is not None
