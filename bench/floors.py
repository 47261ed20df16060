"""What each floor of the cache gives: time until a rendition is there from it, against making it anew.

python bench/floors.py [FOLDER]    (FOLDER: on the disk to be measured; by default the one for temporary files)
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from qisd.cache.disk import DiskCache, DiskLimits
from qisd.cache.interfaces import CachedRendition, IRenditionCache
from qisd.cache.memory import MemoryCache
from qisd.imaging.render import RenderSettings, render
from qisd.imaging.spec import ImageSpec
from qisd.pools.files import FilePool

SAMPLES = Path(__file__).parents[1] / "qisd" / "share" / "samples"
MEGABYTE = 1024 * 1024
COUNT = 500
SIZES = {"20 kB": 20_000, "200 kB": 200_000, "4 MB": 4_000_000}
WIDTHS = (400, 1600)


async def cost(work: Callable[[int], Awaitable[object]], count: int = COUNT) -> str:
    """Median and 99th percentile in microseconds, and processor time, all threads together."""
    taken = []
    processor = time.process_time()
    for number in range(count):
        began = time.perf_counter()
        await work(number)
        taken.append(time.perf_counter() - began)
    processor = (time.process_time() - processor) / count
    taken.sort()
    figures = (statistics.median(taken), taken[int(count * 0.99)], processor)
    return "".join(f"{figure * 1e6:12.1f}" for figure in figures)


def picture(size: int) -> CachedRendition:
    return CachedRendition(data=os.urandom(size), format="jpg", seconds=1.0)


async def floor(name: str, cache: IRenditionCache, settled: Callable[[], Awaitable[object]]) -> None:
    for label, size in SIZES.items():
        count = min(COUNT, 400 * MEGABYTE // size)
        pictures = [picture(size) for _ in range(count)]

        async def put(number: int, pictures: list[CachedRendition] = pictures, label: str = label) -> None:
            await cache.put(f"{label} {number}", pictures[number])
            await settled()

        print(f"{name + ', put ' + label:32}{await cost(put, count)}")
        print(f"{name + ', hit ' + label:32}{await cost(lambda number, of=label: cache.get(f'{of} {number}'), count)}")
    print(f"{name + ', miss':32}{await cost(lambda number: cache.get(f'none {number}'))}")


async def nothing() -> None:
    pass


async def renders() -> None:
    settings = RenderSettings()
    photos = sorted(SAMPLES.glob("*.jpg"))
    for width in WIDTHS:

        async def make(number: int, width: int = width) -> None:
            with photos[number % len(photos)].open("rb") as source:
                spec = ImageSpec(width=width, quality=80)
                render(source, extension="jpg", spec=spec, settings=settings, checkpoint=lambda: None)

        print(f"{f'rendered, 6 MP photo to {width} px':32}{await cost(make, 30)}")


async def walk(cache: DiskCache, folder: Path) -> None:
    """How long it takes to find out what is there, and that the reactor is free meanwhile."""
    files = len(list(folder.glob("??/*")))
    began, processor = time.perf_counter(), time.process_time()
    cache.start()
    await cache.settled()
    taken = time.perf_counter() - began
    print(f"the walk through {files} files: {taken:.3f} s, processor {time.process_time() - processor:.3f} s")


async def main(reactor: Any, where: str | None = None) -> None:
    threads = FilePool(reactor, name="cache", threads=4)
    threads.start()
    print(f"{'microseconds':32}{'median':>12}{'99 %':>12}{'processor':>12}")
    await floor("memory", MemoryCache(capacity=2048 * MEGABYTE), nothing)
    with tempfile.TemporaryDirectory(dir=where) as folder:
        root = Path(folder) / "cache"
        limits = DiskLimits(capacity=8192 * MEGABYTE, min_seconds=0, large=0)
        disk = DiskCache(root, limits=limits, threads=threads, clock=reactor)
        disk.start()
        await disk.settled()
        await floor("disk", disk, disk.settled)
        await disk.stop()
        again = DiskCache(root, limits=limits, threads=threads, clock=reactor)
        await walk(again, root)
        await again.stop()
    await renders()
    threads.stop()


if __name__ == "__main__":
    react(lambda reactor, *where: Deferred.fromCoroutine(main(reactor, *where)), sys.argv[1:])
