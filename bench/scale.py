"""Whether a hundred times as many images make the server slower: the same questions to a small and to a large library.

    python bench/scale.py [SMALL [LARGE]]        # numbers of images, 10,000 and 1,000,000

Two databases are filled on a PostgreSQL of the benchmark's own (see seed.py), with 20,000 folders, 200 users, 50
groups and 2,000 folder permissions; each question is put to both in turn, and the medians and their ratio are
printed. In both, ``/big`` has 5,000 files; of its list a page of 1,000 is asked for.
"""

from __future__ import annotations

import gc
import itertools
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twisted.internet import defer, task

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from PIL import Image
from seed import seed

from qisd.access.permissions import snapshot_of
from qisd.access.snapshot import PermissionSnapshot
from qisd.access.visitor import SYSTEM, Visitor
from qisd.library.library import Library
from qisd.library.rules import LibraryRules
from qisd.pools.files import FilePool
from qisd.stats import reports
from qisd.store import folders, images, permissions
from qisd.store.image_search import ImageQuery
from qisd.store.pool import Database
from tests.integration.database import server

RUNS = 15


class Installation:
    """One of the two, with everything that is asked."""

    def __init__(self, reactor: Any, name: str, count: int, root: Path, files: FilePool) -> None:
        self.database = Database(server().url(name), reactor=reactor, size=3, query_timeout=120)
        self.count = count
        self.library = Library(
            reactor,
            database=self.database,
            patient=self.database,
            files=files,
            uploads=files,
            root=root,
            server="b" * 32,
            rules=LibraryRules(),
        )
        self.snapshot: PermissionSnapshot
        self._srcs: Any = None

    async def start(self) -> None:
        await self.database.start()
        await self.library.guard.start()
        rows = await self.database.query("select src from images where mod(id, 97) = 3 limit 2000")
        self._srcs = itertools.cycle([src for (src,) in rows])
        self.snapshot = snapshot_of(await self.database.transaction(permissions.load))
        accounts = self.snapshot.accounts
        self.user = Visitor(account=accounts[max(accounts)], by="token", snapshot=self.snapshot)

    async def details(self) -> None:
        for _ in range(50):
            image = await images.by_src(self.database, next(self._srcs))
            assert image is not None
            await folders.by_id(self.database, image.folder_id)

    async def page(self) -> None:
        await self.library.listing.files(SYSTEM, "big", attributes=True, start=2000, limit=1000)

    async def build_snapshot(self) -> None:
        snapshot_of(await self.database.transaction(permissions.load))

    async def search(self) -> None:
        found = await self.library.search.images(self.user, ImageQuery(words="penguin"), limit=50)
        assert found.images

    async def search_two_words(self) -> None:
        await self.library.search.images(self.user, ImageQuery(words="harbour 4711"), limit=50)

    async def top_images(self) -> None:
        found = await reports.top_images(self.database, now=datetime.now(UTC), days=1, limit=10)
        assert len(found) == 10

    def snapshot_memory(self, rows: Any) -> int:
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        made = snapshot_of(rows)
        used = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        assert made.accounts
        return used


async def main(reactor: Any, small: int, large: int) -> None:
    root = Path(tempfile.mkdtemp(prefix="qisd-scale-"))
    (root / "big").mkdir()
    Image.new("RGB", (8, 6), "red").save(root / "big/picture1.jpg")
    picture = (root / "big/picture1.jpg").read_bytes()
    for number in range(2, 5001):
        (root / f"big/picture{number}.jpg").write_bytes(picture)
    files = FilePool(reactor, timeout=300)
    files.start()
    both = []
    for name, count in (("small", small), ("large", large)):
        server().run_sql("postgres", f"create database {name} template installation")
        print(f"{name}: {count} images")
        seed(server().url(name), images=count, folders=20_000, users=200, groups=50)
        both.append(Installation(reactor, name, count, root, files))
    for one in both:
        await one.start()
        await one.page()
    print(f"\n{'question':<24}{'small':>10}{'large':>10}{'ratio':>8}")
    for what in ("details", "page", "build_snapshot", "search", "search_two_words", "top_images"):
        await compare(what, [getattr(one, what) for one in both])
    sizes = [one.snapshot_memory(await one.database.transaction(permissions.load)) for one in both]
    print(f"{'snapshot memory, kB':<24}{sizes[0] / 1024:>10.0f}{sizes[1] / 1024:>10.0f}{sizes[1] / sizes[0]:>8.2f}")
    await explain(both[1].database)
    for one in both:
        await one.database.stop()
    files.stop()


async def compare(what: str, asks: list[Callable[[], Awaitable[None]]]) -> None:
    times: list[list[float]] = [[], []]
    for _ in range(RUNS):
        for number, ask in enumerate(asks):
            began = time.perf_counter()
            await ask()
            times[number].append((time.perf_counter() - began) * 1000)
    first, second = (statistics.median(each) for each in times)
    print(f"{what + ', ms':<24}{first:>10.2f}{second:>10.2f}{second / first:>8.2f}", flush=True)


async def explain(database: Database) -> None:
    """The plans of the hot queries on the large library."""
    for what, sql in {
        "details": "select id from images where src = 'big/picture77.jpg'",
        "records of a page": "select id from images where src = any(array(select 'big/picture' || n || '.jpg'"
        " from generate_series(1, 1000) n))",
        "folder by path": "select id from folders where path = '/f1/s1/t1'",
        "children": "select id from folders where parent_id = 1 and status = 1 order by name",
        "subtree": "select id from images where src like 'f1/s1/%%'",
        "search": "select id from images where search @@ to_tsquery('simple', 'penguin') and status = 1"
        " order by id desc limit 50",
        "top images": "select image_id, sum(views) from imagestats where from_time >= now() - interval '1 day'"
        " group by image_id order by 2 desc limit 10",
        "history of an image": "select id from imagesaudit where image_id = 4711 order by id",
        "tasks to do": "select id from tasks where status = 0 order by priority, id limit 5",
        "a session": "select id from sessions where secret_hash = any(array['\\x00'::bytea])",
    }.items():
        plan = await database.query(f"explain (costs off) {sql}")
        print(f"\n{what}: {sql}")
        for (line,) in plan:
            print(f"    {line}")


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:]] + [10_000, 1_000_000][len(sys.argv) - 1 :]
    task.react(lambda reactor: defer.Deferred.fromCoroutine(main(reactor, *numbers)))
