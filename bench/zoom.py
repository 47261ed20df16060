"""Zooming through a picture of 100 megapixels in tiles of 256 pixels: decodings, time, memory, and the look.

    python bench/zoom.py PHOTO...

The picture is a mosaic of the photos, kept as JPEG (and as PNG with ``--png``). It is looked at as a viewer does: an
overview, then the tiles around one place at each size, down to the pixels. For comparison, a few of the tiles are made
without pieces (``AUTO_PYRAMID_THRESHOLD=0``). SSIMULACRA2 compares a tile with that part of the whole picture, reduced
in linear light. In one process, without HTTP; needs the ``bench`` extra and NumPy.
"""

from __future__ import annotations

import io
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image
from quality import reference, score
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import deferLater, react

from qisd.access.snapshot import PermissionSnapshot
from qisd.access.visitor import Visitor
from qisd.cache.disk import DiskCache, DiskLimits
from qisd.cache.memory import MemoryCache
from qisd.cache.tiers import Tiers
from qisd.images import ImageBytes, ImageRules, Images
from qisd.imaging.decoders.raster import RasterSource
from qisd.imaging.limits import PublicLimits
from qisd.imaging.render import RenderSettings
from qisd.imaging.spec import ImageOptions
from qisd.imaging.template import TemplateSnapshot, TemplateValues
from qisd.pools.files import FilePool
from qisd.pools.render import RenderPool
from qisd.repository.files import Repository
from qisd.service.allocator import give_memory_back
from qisd.settings import sizing

SIDE = 10_000
TILE = 256
SIZES = (1_000, 2_000, 4_000, 8_000, 10_000)
MIDDLE = (0.45, 0.61)
AROUND = 2
MEGA = 1_000_000


class Witness:
    def saw(self, path: str, facts: object) -> None: ...

    def missed(self, path: str) -> None: ...


def mosaic(photos: list[Path], path: Path) -> None:
    picture = Image.new("RGB", (SIDE, SIDE))
    x = y = number = 0
    while y < SIDE:
        with Image.open(photos[number % len(photos)]) as photo:
            piece = photo.convert("RGB")
        piece = piece.resize((2500, 2500), box=(0, 0, min(piece.size), min(piece.size)))
        picture.paste(piece, (x, y))
        number += 1
        x += 2500
        if x >= SIDE:
            x, y = 0, y + 2500
    options = {"quality": 90} if path.suffix == ".jpg" else {"compress_level": 1}
    picture.save(path, **options)


def images(reactor: Any, folder: Path, *, bases_from: int) -> tuple[Images, list[Any], DiskCache]:
    files, renders = FilePool(reactor), RenderPool(reactor, threads=15, memory=1024 * MEGA, queue_max=500, timeout=60)
    for pool in (files, renders):
        pool.start()
    disk = DiskCache(
        folder / "cache", limits=DiskLimits(capacity=2000 * MEGA, min_seconds=0.1, large=MEGA), threads=files,
        clock=reactor,
    )  # fmt: skip
    disk.start()
    rules = ImageRules(
        rendering=RenderSettings(), public_limits=PublicLimits(), max_dimension=15_000, max_grid_tiles=65_536,
        wait_timeout=60, raise_too_busy=True, benchmarking=True, bases_from=bases_from, sheets_room=2000 * MEGA,
    )  # fmt: skip
    made = Images(
        reactor, rules=rules, repository=Repository(folder), files=files, renders=renders,
        cache=Tiers(MemoryCache(capacity=64 * MEGA), disk), track=lambda xref: None, witness=Witness(),
        templates=lambda: TemplateSnapshot(
            templates={}, default=TemplateValues(options=ImageOptions(quality=80, strip=True, colorspace="rgb"))
        ),
    )  # fmt: skip
    return made, [files, renders], disk


def tiles() -> Iterator[tuple[int, int]]:
    """The width of the whole, and the number of tiles, ``column:row``, around the place that is zoomed into."""
    for width in SIZES:
        across = width // TILE
        column, row = (min(int(part * across), across - 1) for part in MIDDLE)
        for y in range(max(row - AROUND, 0), min(row + AROUND, across)):
            for x in range(max(column - AROUND, 0), min(column + AROUND, across)):
                yield width, y * across + x + 1


def most_memory() -> float:
    """MB that were in use at most."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM"))


async def get(made: Images, **query: str) -> bytes:
    everybody = PermissionSnapshot(accounts={}, groups={}, rows={"": {1: 20}})
    prepared = await made.prepare(query, Visitor(snapshot=everybody))
    answer = await made.fetch(prepared)
    assert isinstance(answer, ImageBytes)
    return answer.data


async def measured(reactor: Any, name: str, folder: Path) -> None:
    decoded = 0
    load = RasterSource.load

    def counted(self: RasterSource, *arguments: Any) -> Any:
        nonlocal decoded
        decoded += 1
        return load(self, *arguments)

    RasterSource.load = counted  # type: ignore[method-assign]
    for bases_from in (10 * MEGA, 0):
        made, pools, disk = images(reactor, folder, bases_from=bases_from)
        decoded = 0
        Path("/proc/self/clear_refs").write_text("5")  # the most memory is counted from here on
        began = time.perf_counter()
        await get(made, src=name, width="800", format="jpg")
        overview = time.perf_counter() - began
        while pools[1].active:
            await deferLater(reactor, 0.05)
        cut_up = time.perf_counter() - began
        wall, cpu = [], time.process_time()
        asked = list(tiles())[:: 1 if bases_from else 20]
        for width, number in asked:
            began = time.perf_counter()
            across = width // TILE
            await get(made, src=name, width=str(width), format="jpg", tile=f"{number}:{across * across}")
            wall.append(time.perf_counter() - began)
        cpu, memory = time.process_time() - cpu, most_memory()
        print(
            f"{name}, {'in pieces' if bases_from else 'without'}: overview {overview:.2f} s, "
            f"all done {cut_up:.2f} s; {len(asked)} tiles, "
            f"median {statistics.median(wall) * 1000:.1f} ms, longest {max(wall) * 1000:.0f} ms, "
            f"processor {cpu / len(asked) * 1000:.1f} ms; decoded {decoded} times; "
            f"kept on disk {disk.used / MEGA:.0f} MB; most memory "
            f"{memory:.0f} MB"
        )
        if bases_from:
            await looked_at(made, name, folder)
        await disk.stop()
        for pool in pools:
            pool.stop()
    RasterSource.load = load  # type: ignore[method-assign]


async def looked_at(made: Images, name: str, folder: Path) -> None:
    """SSIMULACRA2 of tiles against the whole reduced in linear light; one of the photos of the mosaic is enough."""
    with Image.open(folder / name) as source:
        source.load()
        corner = source.convert("RGB").crop((0, 0, 2500, 2500))
    corner.save(folder / "corner.png")
    scores = []
    for width in (1000, 1600, 2400, 4000, 8000):
        data = await get(made, src=name, width=str(width), format="png", tile="1:16")
        ours = Image.open(io.BytesIO(data)).convert("RGB")
        scores.append(score(reference(folder / "corner.png", *ours.size), ours, str(folder)))
    print("    SSIMULACRA2 of tiles: " + ", ".join(f"{each:.1f}" for each in scores))


async def run(reactor: Any, arguments: list[str]) -> None:
    give_memory_back(sizing.memory_mb())
    photos = [Path(name) for name in arguments if not name.startswith("-")]
    for suffix in ("jpg", "png") if "--png" in arguments else ("jpg",):
        with tempfile.TemporaryDirectory() as folder:
            name = f"mosaic.{suffix}"
            mosaic(photos, Path(folder) / name)
            await measured(reactor, name, Path(folder))


def main(reactor: Any) -> Deferred[None]:
    return ensureDeferred(run(reactor, sys.argv[1:]))


if __name__ == "__main__":
    react(main)
