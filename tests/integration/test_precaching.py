"""Images made before anybody asks for them: :mod:`qisd.precaching`, and ``qis precache``."""

from __future__ import annotations

import os
import signal
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
from psycopg2.extras import Json
from twisted.trial.unittest import SynchronousTestCase

from qisd.access.visitor import SYSTEM
from qisd.cache.room import NodeUse, Room, memcached_room, node_use, together
from qisd.cli import precache
from qisd.errors import NotFound, QisError, Refused
from qisd.images import ImageBytes
from qisd.imaging.negotiation import MODERN
from qisd.precaching import Order, Outcome, Precaching
from qisd.store.tasks import Task
from tests.integration.api import ApiCase
from tests.integration.command import CommandDatabaseCase
from tests.integration.memcached import started
from tests.integration.process import LIMIT, until

JPEGS = Order(folder="press", specs=["*.JPG"], templates=["SmallJpeg", "precache"])


class PrecachingTests(ApiCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.rooms: list[Room | None] = []
        self.told: list[tuple[float, str]] = []
        self.stop_after = 10**9
        for path in ("press/a.jpg", "press/b.jpg", "press/c.png", "press/2026/d.jpg", "press/.e.jpg", "press/.f/g.jpg"):
            self.paint(path, size=(900, 700))
        (self.root / "press/readme.txt").write_text("hello")
        await self.refresh()
        self.fetched: list[tuple[str, str]] = []
        self.precaching = Precaching(
            images=self.domain.images,
            tree=self.domain.library.tree,
            files=self.pools.files,
            templates=self.store.templates,
            supported=lambda extension: extension in ("jpg", "png"),
            room=self.room,
        )
        really = self.precaching.fetch

        async def fetch(query: Any, visitor: Any) -> bool:
            self.fetched.append((query["src"], query.get("tmp", "")))
            return await really(query, visitor)

        self.patch(self.precaching, "fetch", fetch)

    async def room(self) -> Room | None:
        return self.rooms.pop(0) if self.rooms else None

    async def run_it(self, order: Order) -> Outcome:
        async def progress(percent: float, text: str) -> None:
            self.told.append((percent, text))

        visitor = attrs.evolve(SYSTEM, snapshot=self.domain.permissions.snapshot)
        return await self.precaching.run(
            visitor, order, progress=progress, cancelled=lambda: len(self.fetched) >= self.stop_after
        )

    async def refusal(self, kind: type[QisError], order: Order) -> str:
        with self.assertRaises(kind) as caught:
            await self.run_it(order)
        return caught.exception.message

    async def test_all_that_is_meant_is_made_the_largest_first_and_then_it_is_there(self) -> None:
        outcome = await self.run_it(JPEGS)
        self.assertEqual((outcome.files, outcome.made, outcome.there, outcome.failed), (3, 6, 0, 0))
        self.assertEqual(
            self.fetched,
            [(f"/press/{name}", tmp) for name in ("a.jpg", "b.jpg", "2026/d.jpg") for tmp in ("precache", "SmallJpeg")],
        )
        self.assertEqual(self.told[-1], (100.0, "3 of 3 images, 6 renditions made"))
        reply = await self.call("GET", "/image", query={"src": "press/a.jpg", "tmp": "smalljpeg"})
        self.assertEqual(reply.headers["x-from-cache"], "True")
        again = await self.run_it(JPEGS)
        self.assertEqual((again.files, again.made, again.there), (3, 0, 6))

    async def test_several_at_once_do_each_file_once(self) -> None:
        outcome = await self.run_it(attrs.evolve(JPEGS, jobs=5))
        self.assertEqual((outcome.files, outcome.made, len(set(self.fetched))), (3, 6, 6))

    async def test_only_images_count_and_a_link_makes_no_circle(self) -> None:
        (self.root / "press/2026/back").symlink_to("..")
        outcome = await self.run_it(Order(folder="", specs=["*"], templates=["Precache"]))
        self.assertEqual((outcome.files, outcome.failed), (4, 0))

    async def test_what_is_older_is_left_out(self) -> None:
        os.utime(self.root / "press/a.jpg", (1_000_000_000, 1_000_000_000))
        await self.run_it(attrs.evolve(JPEGS, since=datetime.now(UTC) - timedelta(days=1)))
        self.assertNotIn("/press/a.jpg", {src for src, _ in self.fetched})
        self.assertEqual(len(self.fetched), 4)

    async def test_faults_are_counted_and_the_rest_is_done(self) -> None:
        (self.root / "press/a.jpg").write_bytes(b"nothing")
        outcome = await self.run_it(JPEGS)
        self.assertEqual((outcome.files, outcome.made, outcome.failed, len(outcome.faults)), (3, 4, 2, 2))
        self.assertTrue(outcome.faults[0].startswith("/press/a.jpg: "))

    async def test_it_ends_when_the_cache_is_full_or_pushes_out(self) -> None:
        for number in range(12):
            self.paint(f"press/{number:02}.jpg")
        self.rooms = [Room(percent=10.0), Room(percent=85.4)]
        outcome = await self.run_it(attrs.evolve(JPEGS, templates=["Precache"]))
        self.assertEqual((outcome.files, outcome.stopped), (10, "the cache is 85 % full"))
        self.rooms = [Room(percent=10.0, evictions=5), Room(percent=10.0, evictions=6)]
        outcome = await self.run_it(attrs.evolve(JPEGS, templates=["Precache"]))
        self.assertEqual((outcome.files, outcome.stopped), (10, "the cache pushes out what was in it before"))
        self.rooms = [Room(percent=60.0)]
        self.assertEqual((await self.run_it(attrs.evolve(JPEGS, max_fill=50))).files, 0)

    async def test_it_ends_when_it_is_cancelled(self) -> None:
        self.stop_after = 3
        await self.run_it(JPEGS)
        self.assertEqual(len(self.fetched), 3)

    async def test_addresses_of_a_list_are_made(self) -> None:
        urls = ["/image?src=press/a.jpg&width=300", "https://x.example/q/image?src=/press/none.jpg&width=1"]
        outcome = await self.run_it(Order(urls=urls))
        self.assertEqual((outcome.files, outcome.made, outcome.failed), (2, 1, 1))

    async def test_where_the_format_goes_by_the_viewer_all_of_them_are_made(self) -> None:
        order = Order(urls=["/image?src=press/a.jpg&width=300&format=auto"])
        self.assertEqual([(await self.run_it(order)).there for _ in range(2)], [0, 1])
        for accepts, name in ((MODERN, "avif"), (("webp",), "webp"), ((), "jpg")):
            query = {"src": "press/a.jpg", "width": "300", "format": "auto"}
            prepared = await self.domain.images.prepare(query, SYSTEM, accepts=accepts)
            made = await self.domain.images.fetch(prepared)
            assert isinstance(made, ImageBytes)
            self.assertEqual((prepared.output, made.from_cache), (name, True))

    async def test_an_order_that_makes_no_sense_is_refused(self) -> None:
        self.assertIn("no folder '/none'", await self.refusal(NotFound, attrs.evolve(JPEGS, folder="none")))
        await self.refusal(NotFound, attrs.evolve(JPEGS, folder="press/.f"))
        self.assertIn("no template 'x'", await self.refusal(Refused, attrs.evolve(JPEGS, templates=["x"])))

    async def test_an_order_goes_through_the_queue_unchanged(self) -> None:
        order = attrs.evolve(JPEGS, since=datetime(2026, 1, 2, tzinfo=UTC))
        self.assertEqual(Order.of(order.params()), order)
        kind = self.domain.background.types["precache"]
        new = kind.new(order.params())
        self.assertEqual((new.name, new.priority, kind.repeatable), ("Precache /press", 30, True))


class RoomTests(SynchronousTestCase):
    def test_a_server_tells_how_full_it_is(self) -> None:
        server = started(self)
        use = node_use(server.address, timeout=5)
        assert use is not None
        self.assertEqual((use.limit, use.items), (64 * 2**20, 0))
        room = memcached_room([server.address, "127.0.0.1:1"], timeout=5)
        assert room is not None
        self.assertEqual((room.percent < 1, room.evictions), (True, 0))
        self.assertIsNone(memcached_room(["127.0.0.1:1"], timeout=5))

    def test_of_several_the_fullest_counts(self) -> None:
        one = NodeUse(items=1, used=10, limit=100, evictions=2, hits=0, misses=0)
        self.assertEqual(together([one, None, attrs.evolve(one, used=90)]), Room(percent=90.0, evictions=4))


class CommandTests(CommandDatabaseCase):
    def work(self, status: int, result: Any, error: str | None = None) -> threading.Thread:
        """Be a worker, for one task."""

        def do() -> None:
            until(
                lambda: self.sql(
                    "update tasks set status = %s, result = %s, error = %s, finished = now(),"
                    " keep_until = now() + interval '1 hour' where status = 0 returning id",
                    status,
                    Json(result),
                    error,
                ),
                "a task in the queue",
            )

        thread = threading.Thread(target=do)
        thread.start()
        self.addCleanup(thread.join)
        return thread

    def test_it_waits_for_the_task_and_tells_what_came_of_it(self) -> None:
        self.environ["QIS_DISK_CACHE_MB"] = "0"
        for outcome, code in ((Outcome(files=3, made=5, there=1), 0), (Outcome(files=2, failed=1, faults=["x"]), 4)):
            worker = self.work(2, attrs.asdict(outcome))
            told = self.qis("precache", "press/", "*.jpg,*.PNG", "Precache, smalljpeg", "--jobs", "3")
            worker.join()
            self.assertEqual(told.code, code, told.err)
            self.assertIn(f"{outcome.files} images: {outcome.made} renditions made", told.out)
            self.assertIn("without MEMCACHED_SERVERS or DISK_CACHE_MB", told.err)
        ((params, priority),) = self.sql("select distinct params, priority from tasks")
        self.assertEqual(
            (params["folder"], params["specs"], params["templates"], params["jobs"], params["max_fill"], priority),
            ("press", ["*.jpg", "*.PNG"], ["Precache", "smalljpeg"], 3, 80, 30),
        )

    def test_an_early_end_is_told_and_no_fault(self) -> None:
        self.work(2, attrs.asdict(Outcome(files=10, stopped="the cache is 81 % full")))
        told = self.qis("precache", "/", "*", "Precache")
        self.assertEqual(told.code, 0)
        self.assertIn("ended early: the cache is 81 % full", told.err)
        self.assertNotIn("warning", told.err)

    def test_what_the_task_fails_with_decides_the_code(self) -> None:
        for kind, code in (("not_found", 2), ("store_unavailable", 3), ("internal", 4)):
            worker = self.work(3, {"exception": {"type": kind, "message": "No luck"}}, "No luck")
            self.assertIn("failed: No luck", self.refuse("/", "*", "Precache", code=code))
            worker.join()

    def test_who_interrupts_it_cancels_the_task(self) -> None:
        waits = threading.Event()
        finished = precache.finished

        async def wait(*of: Any) -> Task:
            waits.set()
            return await finished(*of)

        def interrupt() -> None:
            waits.wait(LIMIT)
            os.kill(os.getpid(), signal.SIGINT)

        self.patch(precache, "finished", wait)
        thread = threading.Thread(target=interrupt)
        thread.start()
        outcome = self.qis("precache", "/", "*", "Precache")
        thread.join()
        self.assertEqual((outcome.code, outcome.out), (130, ""), outcome.err)
        self.assertIn("is cancelled", outcome.err)
        self.assertEqual(self.sql("select status from tasks"), [(4,)])

    def test_bad_arguments_are_told_before_anything_is_done(self) -> None:
        urls = Path(self.directory / "urls")
        urls.write_text("# mine\n/image?src=a\n/list\n")
        self.assertIn("no template x", self.refuse("/", "*", "Precache,x"))
        self.assertIn("urls:3: '/list' is no address of an image", self.refuse("--url-list", str(urls)))
        self.assertIn("in place of", self.refuse("/", "*", "x", "--url-list", str(urls)))
        self.assertIn("leads out", self.refuse("../x", "*", "Precache"))
        self.assertIn("TEMPLATES is missing", self.refuse("/", "*", code=1))
        self.assertEqual(self.sql("select 1 from tasks"), [])

    def refuse(self, *arguments: str, code: int = 2) -> str:
        outcome = self.qis("precache", *arguments)
        self.assertEqual((outcome.code, outcome.out), (code, ""), outcome.err)
        return outcome.err
