"""The floors of the cache as one: the quickest first, and each as good as any other for whoever asks."""

from __future__ import annotations

from zope.interface import implementer

from qisd.cache.interfaces import CachedRendition, IRenditionCache


@implementer(IRenditionCache)
class Tiers:
    """Asks ``floors`` in their order. What a lower one has is put into those above it.

    :ivar asked: how often each floor was asked.
    :ivar hits: how often each floor has had what was asked for.
    :ivar misses: how often something had to be made, and was put here. Not how often nothing was found: who waits for
        what another process makes looks more than once.
    """

    def __init__(self, *floors: IRenditionCache) -> None:
        self._floors = floors
        self.asked = [0] * len(floors)
        self.hits = [0] * len(floors)
        self.misses = 0

    async def get(self, key: str) -> CachedRendition | None:
        for depth, floor in enumerate(self._floors):
            self.asked[depth] += 1
            found = await floor.get(key)
            if found is not None:
                self.hits[depth] += 1
                for above in self._floors[:depth]:
                    await above.put(key, found)
                return found
        return None

    async def put(self, key: str, rendition: CachedRendition) -> None:
        """Offer ``rendition`` to all floors. Each takes what it is for."""
        self.misses += 1
        for floor in self._floors:
            await floor.put(key, rendition)

    def fill(self) -> float:
        """How full the first floor is, in percent."""
        return self._floors[0].fill()

    async def clear(self) -> None:
        """Forget everything on all floors."""
        for floor in self._floors:
            await floor.clear()
