"""The floors of the cache as one: :mod:`qisd.cache.tiers`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from qisd.cache.interfaces import CachedRendition, IRenditionCache
from qisd.cache.memory import MemoryCache
from qisd.cache.tiers import Tiers

PICTURE = CachedRendition(data=b"a picture", format="jpg")


class TiersTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.floors = [MemoryCache(capacity=capacity) for capacity in (5_000, 100_000, 100_000)]
        self.tiers = Tiers(*self.floors)

    def there(self, key: str) -> list[bool]:
        return [floor.look(key) is not None for floor in self.floors]

    def test_they_offer_what_the_seam_asks_for(self) -> None:
        verifyObject(IRenditionCache, self.tiers)

    def test_what_is_put_is_offered_to_all_and_got_from_any(self) -> None:
        self.successResultOf(self.tiers.put("a", PICTURE))
        self.successResultOf(self.tiers.put("b", CachedRendition(data=bytes(9_000), format="jpg")))
        self.assertEqual((self.there("a"), self.there("b")), ([True, True, True], [False, True, True]))
        self.assertIsNotNone(self.successResultOf(self.tiers.get("b")))
        self.assertIsNone(self.successResultOf(self.tiers.get("c")))

    def test_what_a_lower_floor_has_is_put_into_those_above_it_only(self) -> None:
        self.successResultOf(self.floors[1].put("a", PICTURE))
        self.assertEqual(self.successResultOf(self.tiers.get("a")), PICTURE)
        self.assertEqual(self.there("a"), [True, True, False])

    def test_the_fill_is_that_of_the_first(self) -> None:
        self.successResultOf(self.tiers.put("a", CachedRendition(data=bytes(2_100), format="jpg")))
        self.assertEqual(self.tiers.fill(), 50.0)

    def test_clearing_clears_all(self) -> None:
        self.successResultOf(self.tiers.put("a", PICTURE))
        self.successResultOf(self.tiers.clear())
        self.assertEqual(self.there("a"), [False, False, False])

    def test_hits_are_counted_by_floor_and_misses_when_something_was_made(self) -> None:
        self.successResultOf(self.floors[1].put("a", PICTURE))
        for key in ("a", "a", "none", "none"):
            self.successResultOf(self.tiers.get(key))
        self.successResultOf(self.tiers.put("b", PICTURE))
        self.assertEqual((self.tiers.hits, self.tiers.misses), ([1, 1, 0], 1))
