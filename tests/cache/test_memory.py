"""The in-process cache: :mod:`qisd.cache.memory`."""

from __future__ import annotations

import itertools
import random
from collections import OrderedDict

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from qisd.cache import memory
from qisd.cache.interfaces import CachedRendition, IRenditionCache
from qisd.cache.memory import MemoryCache

CAPACITY = 100_000

verbs = st.sampled_from(["put"] * 16 + ["get"] * 10 + ["resize", "clear"])
amounts = st.sampled_from([0, 100, 300, 700, 1_500, 3_000, 9_000, 20_000])
steps_taken = st.lists(st.tuples(verbs, st.integers(0, 12), amounts), min_size=40, max_size=120)


def rendition(size: int, mark: bytes = b"x") -> CachedRendition:
    return CachedRendition(data=mark * size, format="jpg")


class LeastRecentlyUsed:
    """What the cache is compared with."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.used = 0
        self.entries: OrderedDict[str, CachedRendition] = OrderedDict()

    def look(self, key: str) -> CachedRendition | None:
        if key in self.entries:
            self.entries.move_to_end(key)
        return self.entries.get(key)

    async def put(self, key: str, value: CachedRendition) -> None:
        self.entries[key] = value
        self.used += value.cost
        while self.used > self.capacity:
            self.used -= self.entries.popitem(last=False)[1].cost


class MemoryCacheTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.cache = MemoryCache(capacity=CAPACITY)

    def get(self, key: str) -> CachedRendition | None:
        return self.successResultOf(self.cache.get(key))

    def put(self, key: str, value: CachedRendition, *, into: MemoryCache | LeastRecentlyUsed | None = None) -> None:
        self.successResultOf((self.cache if into is None else into).put(key, value))

    def kept(self, keys: list[str]) -> list[str]:
        return [key for key in keys if self.cache.look(key) is not None]

    def test_it_offers_what_the_seam_asks_for(self) -> None:
        verifyObject(IRenditionCache, self.cache)

    def test_what_was_put_is_got_with_and_without_a_coroutine(self) -> None:
        self.put("a", rendition(10))
        self.assertEqual((self.get("a"), self.cache.look("a")), (rendition(10), rendition(10)))
        self.assertEqual((self.get("b"), self.cache.look("b")), (None, None))

    def test_of_what_nobody_asked_for_again_the_first_goes_first(self) -> None:
        for number in range(11):
            self.put(str(number), rendition(9_000))
        self.assertEqual(self.kept([str(number) for number in range(11)]), [str(number) for number in range(1, 11)])

    def test_what_was_asked_for_twice_stays_when_newer_ones_go(self) -> None:
        self.put("hot", rendition(9_000))
        self.get("hot")
        self.get("hot")
        for number in range(50):
            self.put(str(number), rendition(9_000))
        self.assertIsNotNone(self.get("hot"))

    def test_what_comes_back_soon_after_it_was_evicted_outlives_what_comes_once(self) -> None:
        self.put("again", rendition(9_000))
        for number in range(11):
            self.put(f"first {number}", rendition(9_000))
        self.assertIsNone(self.get("again"))
        self.put("again", rendition(9_000))
        for number in range(100):
            self.put(f"then {number}", rendition(9_000))
        self.assertIsNotNone(self.get("again"))

    def test_what_is_popular_no_longer_goes_in_the_end(self) -> None:
        for key in ("was hot", "is hot"):
            self.put(key, rendition(9_000))
            for _ in range(3):
                self.get(key)
        for number in range(100):  # each comes twice, and so gets as far as these
            for _ in range(2):
                self.put(str(number), rendition(9_000))
                self.put(f"once {number}", rendition(9_000))
            for _ in range(3):
                self.cache.look(str(number))
            self.cache.look("is hot")
        self.assertEqual(self.kept(["was hot", "is hot"]), ["is hot"])

    def test_one_larger_than_the_cache_is_not_kept_and_evicts_nothing(self) -> None:
        self.put("a", rendition(100))
        self.put("huge", rendition(CAPACITY + 1))
        self.assertIsNone(self.get("huge"))
        self.assertIsNotNone(self.get("a"))

    def test_a_large_one_takes_free_room_at_once_but_others_room_only_when_it_comes_again(self) -> None:
        self.put("large", rendition(50_000))
        self.assertIsNotNone(self.get("large"))
        small = [str(number) for number in range(4)]
        for key in small:
            self.put(key, rendition(9_000))
        self.put("another", rendition(50_000))
        self.assertEqual(self.kept(["another", "large", *small]), ["large", *small])
        self.put("another", rendition(50_000))
        self.assertIsNotNone(self.get("another"))

    def test_putting_again_replaces_and_counts_once(self) -> None:
        self.put("a", rendition(4_000))
        self.put("a", rendition(4_000, b"y"))
        self.assertEqual(self.get("a"), rendition(4_000, b"y"))
        self.assertEqual(self.cache.used, rendition(4_000).cost)

    def test_many_tiny_entries_and_the_memory_of_others_are_bounded_too(self) -> None:
        for number in range(1_000):
            self.put(str(number), rendition(0))
        self.assertLess(len(self.cache), 250)
        self.assertLessEqual(self.cache.used, CAPACITY)

    def test_what_is_popular_stays_so_when_it_is_put_again(self) -> None:
        for _ in range(2):
            self.put("hot", rendition(9_000))
            self.get("hot")
            self.get("hot")
            for number in range(20):
                self.put(str(number), rendition(9_000))
        self.put("hot", rendition(9_000))
        for number in range(20):
            self.put(f"then {number}", rendition(9_000))
        self.assertIsNotNone(self.get("hot"))

    def test_shrinking_evicts_at_once_and_forgets_what_it_remembers_of_others(self) -> None:
        for number in range(30):
            self.put(str(number), rendition(9_000))
        self.cache.resize(capacity=30_000)
        self.assertEqual(len(self.cache), 3)
        self.assertLess(self.cache.used, 3 * rendition(9_000).cost + 3 * memory._GHOST_COST)
        self.cache.resize(capacity=0)
        self.assertEqual((len(self.cache), self.cache.used, self.cache.fill()), (0, 0, 0.0))

    def test_clearing_forgets_everything(self) -> None:
        for number in range(30):
            self.put(str(number), rendition(9_000))
        self.successResultOf(self.cache.clear())
        self.assertEqual((len(self.cache), self.cache.used), (0, 0))
        self.put("a", rendition(10))
        self.assertEqual(self.cache.used, rendition(10).cost)

    @given(steps_taken, st.integers(3_000, 15_000))
    def test_whatever_is_done_it_never_holds_too_much_and_gives_only_what_was_put_last(
        self, steps: list[tuple[str, int, int]], capacity: int
    ) -> None:
        cache = MemoryCache(capacity=capacity)
        last: dict[str, CachedRendition] = {}
        for count, (verb, number, size) in enumerate(steps):
            key = str(number)
            if verb == "put":
                last[key] = rendition(size, bytes([count]))
                self.put(key, last[key], into=cache)
            elif verb == "resize":
                capacity = size
                cache.resize(capacity=capacity)
            elif verb == "clear":
                self.successResultOf(cache.clear())
                last.clear()
            else:
                self.assertIn(cache.look(key), (None, last.get(key)))
            self.assertLessEqual(cache.used, capacity)
        held = [one for one in map(cache.look, last) if one is not None]
        self.assertEqual(len(held), len(cache))
        remembered = cache.used - sum(one.cost for one in held)
        self.assertGreaterEqual(remembered, 0)
        self.assertEqual(remembered % memory._GHOST_COST, 0)
        for key, value in last.items():
            self.assertIn(cache.look(key), (None, value))


class AgainstLeastRecentlyUsedTests(SynchronousTestCase):
    """What the order of eviction is for."""

    def setUp(self) -> None:
        self.ours, self.plain = MemoryCache(capacity=1_000_000), LeastRecentlyUsed(1_000_000)

    def ask(self, key: str, value: CachedRendition) -> tuple[bool, bool]:
        """Ask both, as a server does: what isn't there is made and put. Whether each had it."""
        hits = []
        for cache in (self.ours, self.plain):
            hit = cache.look(key) is not None
            if not hit:
                self.successResultOf(cache.put(key, value))
            hits.append(hit)
        return hits[0], hits[1]

    def test_a_walk_through_ten_times_the_capacity_leaves_the_hot_set_alone(self) -> None:
        hot = {f"hot {number}": rendition(9_600) for number in range(80)}
        for _, (key, value) in itertools.product(range(4), hot.items()):
            self.ask(key, value)
        for number in range(1_000):
            self.ask(f"once {number}", rendition(9_600))
        kept = [(self.ours.look(key) is not None, self.plain.look(key) is not None) for key in hot]
        self.assertEqual([sum(side) for side in zip(*kept, strict=True)], [80, 0])

    def test_a_walk_through_large_ones_leaves_the_hot_set_alone_too(self) -> None:
        hot = {f"hot {number}": rendition(9_600) for number in range(80)}
        for _, (key, value) in itertools.product(range(4), hot.items()):
            self.ask(key, value)
        for number in range(20):
            self.ask(f"once {number}", rendition(500_000))
        kept = [(self.ours.look(key) is not None, self.plain.look(key) is not None) for key in hot]
        self.assertEqual([sum(side) for side in zip(*kept, strict=True)], [80, 0])

    def test_more_of_what_is_asked_for_by_popularity_is_there(self) -> None:
        chance = random.Random(5)
        weights = list(itertools.accumulate(1 / (rank + 1) ** 0.9 for rank in range(2_000)))
        values = [rendition(chance.randint(1_000, 20_000)) for _ in range(2_000)]
        asked = chance.choices(range(2_000), cum_weights=weights, k=20_000)
        hits = [self.ask(str(number), values[number]) for number in asked]
        ours, plain = (sum(side) / len(hits) for side in zip(*hits, strict=True))
        self.assertGreater(ours, plain + 0.08)
