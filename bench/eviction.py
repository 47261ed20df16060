"""What the order of eviction of the memory cache is worth: hit ratios and the cost of a look-up, against plain LRU.

python bench/eviction.py    (pip install moka-py: a W-TinyLFU in Rust is measured beside)
"""

from __future__ import annotations

import contextlib
import itertools
import random
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol

from qisd.cache.interfaces import CachedRendition
from qisd.cache.memory import MemoryCache

try:
    from moka_py import Moka
except ImportError:
    Moka = None

IMAGES = 20_000
REQUESTS = 300_000
MEGABYTE = 1024 * 1024


class Sized:
    """Stands for the bytes of an image, without taking their memory."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size


class Cache(Protocol):
    """What is compared."""

    def look(self, key: str) -> CachedRendition | None: ...

    def keep(self, key: str, rendition: CachedRendition) -> None: ...


class Ours(MemoryCache):
    """The cache of the server."""

    def keep(self, key: str, rendition: CachedRendition) -> None:
        with contextlib.suppress(StopIteration):
            self.put(key, rendition).send(None)


class LeastRecentlyUsed:
    """The classic."""

    def __init__(self, *, capacity: int) -> None:
        self.capacity = capacity
        self.used = 0
        self.entries: OrderedDict[str, CachedRendition] = OrderedDict()

    def look(self, key: str) -> CachedRendition | None:
        rendition = self.entries.get(key)
        if rendition is not None:
            self.entries.move_to_end(key)
        return rendition

    def keep(self, key: str, rendition: CachedRendition) -> None:
        self.entries[key] = rendition
        self.used += rendition.cost
        while self.used > self.capacity:
            self.used -= self.entries.popitem(last=False)[1].cost


class TinyLfu:
    """Moka, which keeps to its capacity only after its next maintenance: asked for at each put."""

    def __init__(self, *, capacity: int) -> None:
        self.moka = Moka(capacity, weigher=lambda _key, rendition: rendition.cost)
        self.look = self.moka.get

    def keep(self, key: str, rendition: CachedRendition) -> None:
        self.moka.set(key, rendition)
        self.moka.run_pending_tasks()


def ask(cache: Cache, numbers: list[int], images: list[CachedRendition], prefix: str = "") -> float:
    """Percentage of hits, as a server asks: what isn't there is made and kept."""
    hits = 0
    for number in numbers:
        key = f"{prefix}{number}"
        if cache.look(key) is not None:
            hits += 1
        else:
            cache.keep(key, images[number])
    return 100.0 * hits / len(numbers)


def popular(exponent: float, count: int, chance: random.Random) -> list[int]:
    weights = list(itertools.accumulate(1 / (rank + 1) ** exponent for rank in range(IMAGES)))
    return chance.choices(range(IMAGES), cum_weights=weights, k=count)


def with_walks(trace: list[int]) -> list[int]:
    """The same, while somebody goes through all images once, in order: every other request is theirs."""
    mixed = []
    for count, number in enumerate(trace):
        mixed += [number, count % IMAGES]
    return mixed


def look_up(make: Callable[..., Any]) -> float:
    """Nanoseconds of a look-up that hits, the best of five runs."""
    cache = make(capacity=64 * MEGABYTE)
    keys = [f"{number:040x}" for number in range(2_000)]
    for key in keys:
        cache.keep(key, CachedRendition(data=b"x" * 10_000, format="jpg"))
    keys = random.Random(1).choices(keys, k=200_000)
    best = float("inf")
    for _ in range(5):
        look = cache.look
        began = time.process_time()
        for key in keys:
            look(key)
        best = min(best, time.process_time() - began)
    return best / len(keys) * 1e9


def main() -> None:
    makes: dict[str, Callable[..., Any]] = {"LRU": LeastRecentlyUsed, "S3-FIFO": Ours}
    if Moka is not None:
        makes["W-TinyLFU (moka)"] = TinyLfu
    chance = random.Random(1)
    images: list[Any] = [
        CachedRendition(data=Sized(int(chance.lognormvariate(9.8, 0.8))), format="jpg")  # type: ignore[arg-type]
        for _ in range(IMAGES)
    ]
    total = sum(image.cost for image in images)
    print(f"{IMAGES} images, {total / MEGABYTE:.0f} MiB, {REQUESTS} requests; hits in percent")
    print(f"{'':44}" + "".join(f"{name:>18}" for name in makes))
    for exponent, walks in itertools.product((0.7, 0.9, 1.1), (False, True)):
        trace = popular(exponent, REQUESTS, chance)
        if walks:
            trace = with_walks(trace[: REQUESTS // 2])
        for size in (16, 64, 128):
            ratios = [ask(make(capacity=size * MEGABYTE), trace, images) for make in makes.values()]
            label = f"Zipf {exponent}{', with a walk through all' if walks else ''}, {size} MiB"
            print(f"{label:44}" + "".join(f"{ratio:18.1f}" for ratio in ratios))
    print(f"{'look-up that hits, ns':44}" + "".join(f"{look_up(make):18.0f}" for make in makes.values()))


if __name__ == "__main__":
    main()
