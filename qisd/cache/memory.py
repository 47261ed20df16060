"""Renditions kept in this process: least recently used, bounded in bytes."""

from __future__ import annotations

from collections import OrderedDict

from zope.interface import implementer

from qisd.cache.interfaces import CachedRendition, IRenditionCache


@implementer(IRenditionCache)
class MemoryCache:
    """A least-recently-used cache of at most ``capacity`` bytes. For use on the reactor thread only."""

    def __init__(self, *, capacity: int) -> None:
        self._capacity = capacity
        self._used = 0
        self._entries: OrderedDict[str, CachedRendition] = OrderedDict()

    @property
    def used(self) -> int:
        """Bytes in use."""
        return self._used

    def __len__(self) -> int:
        return len(self._entries)

    async def get(self, key: str) -> CachedRendition | None:
        rendition = self._entries.get(key)
        if rendition is not None:
            self._entries.move_to_end(key)
        return rendition

    async def put(self, key: str, rendition: CachedRendition) -> None:
        """Keep ``rendition``, at the cost of the least recently used ones; one larger than the cache is not kept."""
        old = self._entries.pop(key, None)
        if old is not None:
            self._used -= old.cost
        if rendition.cost > self._capacity:
            return
        self._entries[key] = rendition
        self._used += rendition.cost
        self._evict()

    def fill(self) -> float:
        """How full the cache is, in percent."""
        return 100.0 * self._used / self._capacity if self._capacity else 0.0

    async def clear(self) -> None:
        self._entries.clear()
        self._used = 0

    def resize(self, *, capacity: int) -> None:
        """Change the capacity; what no longer fits goes at once."""
        self._capacity = capacity
        self._evict()

    def _evict(self) -> None:
        while self._used > self._capacity:
            _, evicted = self._entries.popitem(last=False)
            self._used -= evicted.cost
