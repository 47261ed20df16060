"""The in-process cache: :mod:`qisd.cache.memory`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from qisd.cache.interfaces import CachedRendition, IRenditionCache
from qisd.cache.memory import MemoryCache


def rendition(size: int, mark: bytes = b"x") -> CachedRendition:
    return CachedRendition(data=mark * size, format="jpg")


class MemoryCacheTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.cache = MemoryCache(capacity=10_000)

    def get(self, key: str) -> CachedRendition | None:
        return self.successResultOf(self.cache.get(key))

    def put(self, key: str, value: CachedRendition) -> None:
        self.successResultOf(self.cache.put(key, value))

    def test_it_offers_what_the_seam_asks_for(self) -> None:
        verifyObject(IRenditionCache, self.cache)

    def test_what_was_put_is_got(self) -> None:
        self.put("a", rendition(10))
        self.assertEqual(self.get("a"), rendition(10))
        self.assertIsNone(self.get("b"))

    def test_the_least_recently_used_goes_first(self) -> None:
        for key in "abc":
            self.put(key, rendition(2_500))
        self.get("a")
        self.put("d", rendition(2_500))
        self.assertIsNone(self.get("b"))
        self.assertEqual([key for key in "acd" if self.get(key)], ["a", "c", "d"])

    def test_it_never_holds_more_than_its_capacity(self) -> None:
        for number in range(200):
            self.put(str(number), rendition(number * 40))
            self.assertLessEqual(self.cache.used, 10_000)

    def test_one_larger_than_the_cache_is_not_kept_and_evicts_nothing(self) -> None:
        self.put("a", rendition(100))
        self.put("huge", rendition(10_001))
        self.assertIsNone(self.get("huge"))
        self.assertIsNotNone(self.get("a"))

    def test_putting_again_replaces_and_counts_once(self) -> None:
        self.put("a", rendition(4_000))
        self.put("a", rendition(4_000, b"y"))
        self.assertEqual(self.get("a"), rendition(4_000, b"y"))
        self.assertEqual(self.cache.used, rendition(4_000).cost)

    def test_many_tiny_entries_are_bounded_too(self) -> None:
        for number in range(1_000):
            self.put(str(number), rendition(0))
        self.assertLess(len(self.cache), 30)

    def test_shrinking_evicts_at_once(self) -> None:
        for key in "abc":
            self.put(key, rendition(2_500))
        self.cache.resize(capacity=3_000)
        self.assertEqual([key for key in "abc" if self.get(key)], ["c"])

    def test_clearing_forgets_everything(self) -> None:
        self.put("a", rendition(10))
        self.successResultOf(self.cache.clear())
        self.assertIsNone(self.get("a"))
        self.assertEqual(self.cache.used, 0)
