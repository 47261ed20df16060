"""The floor on disk: :mod:`qisd.cache.disk`."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from qisd.cache.disk import DiskCache, DiskLimits
from qisd.cache.disk_files import DiskFiles, Place, size_on_disk
from qisd.cache.interfaces import CachedRendition, IRenditionCache
from qisd.errors import StoreUnavailable

T = TypeVar("T")

MEBIBYTE = 2**20
LIMITS = DiskLimits(capacity=MEBIBYTE, min_seconds=0.5, large=50_000)
SLOW = CachedRendition(data=b"x" * 20_000, format="jpg", seconds=0.5)
QUICK = attrs.evolve(SLOW, seconds=0.49)
LARGE = CachedRendition(data=b"x" * 50_000, format="jpg", seconds=0.01)
OF_A_FILE = size_on_disk(20_100)


class FakeThreads:
    """Does file work at once, or when it is told to."""

    def __init__(self) -> None:
        self.held: list[Deferred[None]] | None = None
        self.hangs = False
        self.count = 0

    async def run(self, work: Callable[[], T]) -> T:
        self.count += 1
        if self.hangs:
            raise StoreUnavailable(detail="file work took longer than 2 s")
        if self.held is not None:
            turn: Deferred[None] = Deferred()
            self.held.append(turn)
            await turn
        return work()

    def go_on(self) -> None:
        held, self.held = self.held or [], None
        for turn in held:
            turn.callback(None)


class DiskCacheCase(SynchronousTestCase):
    """A cache on disk whose file work is done at once, with a clock of the test's own."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.time = 1_000_000.0
        self.root = Path(self.mktemp()).resolve() / "cache"
        self.threads = FakeThreads()
        self.cache = self.open()

    def open(self, limits: DiskLimits = LIMITS) -> DiskCache:
        """As another process, or the next one, has it."""
        cache = DiskCache(self.root, limits=limits, threads=self.threads, clock=self.clock, now=lambda: self.time)
        cache.start()
        return cache

    def get(self, key: str, cache: DiskCache | None = None) -> CachedRendition | None:
        return self.successResultOf((cache or self.cache).get(key))

    def put(self, key: str, rendition: CachedRendition = SLOW, *, used: float = 0) -> None:
        self.successResultOf(self.cache.put(key, rendition))
        if used:
            os.utime(self.path(key), (used, used))

    def path(self, key: str) -> Path:
        place = Place.of(f"0:{key}")
        return self.root / place.shard / place.name

    def kept(self, keys: list[str]) -> list[str]:
        return [key for key in keys if self.path(key).exists()]

    def later(self) -> None:
        """Pass the time that is between two walks through the files."""
        self.clock.advance(5)


class DiskCacheTests(DiskCacheCase):
    def test_it_offers_what_the_seam_asks_for(self) -> None:
        verifyObject(IRenditionCache, self.cache)

    def test_what_took_long_is_there_after_a_restart_with_the_time_it_took(self) -> None:
        self.put("a")
        self.successResultOf(self.cache.stop())
        found = self.get("a", self.open())
        assert found is not None
        self.assertEqual((found, found.seconds), (SLOW, 0.5))

    def test_what_was_made_quickly_is_not_kept_unless_it_is_large(self) -> None:
        self.put("quick", QUICK)
        self.put("large", LARGE)
        self.put("unknown", attrs.evolve(SLOW, seconds=0))
        self.assertEqual(self.kept(["quick", "large", "unknown"]), ["large"])

    def test_one_that_would_take_much_of_the_room_is_not_kept(self) -> None:
        self.put("a", attrs.evolve(SLOW, data=b"x" * (MEBIBYTE // 10 + 1)))
        self.assertEqual(self.kept(["a"]), [])

    def test_what_one_process_puts_another_one_gets(self) -> None:
        other = self.open()
        self.put("a")
        self.assertEqual(self.get("a", other), SLOW)

    def test_nobody_waits_for_writing(self) -> None:
        self.threads.held = []
        self.put("a")
        self.assertEqual(self.kept(["a"]), [])
        stopped = Deferred.fromCoroutine(self.cache.stop())
        self.assertNoResult(stopped)
        self.threads.go_on()
        self.successResultOf(stopped)
        self.assertEqual(self.kept(["a"]), ["a"])

    def test_what_is_being_written_is_not_written_twice_and_too_much_of_it_is_dropped(self) -> None:
        self.cache.configure(self.root, attrs.evolve(LIMITS, capacity=2**40))
        before = self.threads.count
        self.threads.held = []
        for key in ("a", "a", "b", "c"):
            self.put(key, attrs.evolve(SLOW, data=bytes(30 * MEBIBYTE)))
        self.assertEqual(self.threads.count - before, 2)
        self.threads.held = None

    def test_nothing_waits_for_the_walk_at_the_start_and_it_finds_what_is_there(self) -> None:
        self.put("a")
        (self.root / "used").write_bytes((2**50).to_bytes(8, "big"))  # a count that went wrong
        self.threads.held = []
        cache = self.open()
        held, self.threads.held = self.threads.held, None
        self.assertEqual(self.get("a", cache), SLOW)
        self.threads.held = held
        self.threads.go_on()
        self.assertEqual(cache.used, OF_A_FILE)
        self.assertAlmostEqual(cache.fill(), 100 * OF_A_FILE / MEBIBYTE)

    def test_when_it_is_nearly_full_the_least_recently_used_goes(self) -> None:
        keys = [str(number) for number in range(49)]
        for number, key in enumerate(keys[:46]):
            self.put(key, used=self.time - 60 * (46 - number))
        self.get("3")  # as good as new
        self.later()
        for key in keys[46:]:
            self.put(key)
        left = self.kept(keys)
        self.assertEqual(left, ["3", *keys[-len(left) + 1 :]])
        self.assertTrue(0.8 * MEBIBYTE < self.cache.used <= 0.85 * MEBIBYTE, self.cache.used)
        self.assertEqual(self.cache.used, len(left) * OF_A_FILE)

    def test_it_never_takes_more_than_its_capacity_however_quickly_it_is_filled(self) -> None:
        self.threads.held = []  # all the walks are held up
        for number in range(80):
            turns, self.threads.held = self.threads.held, None
            self.put(str(number))
            self.threads.held = turns
        total = sum(path.stat().st_size for path in self.root.glob("??/*"))
        self.assertLessEqual(total, MEBIBYTE)
        self.assertLessEqual(self.cache.fill(), 100 + 100 * OF_A_FILE / MEBIBYTE)
        self.threads.held = None

    def test_a_smaller_capacity_is_kept_to_in_the_background(self) -> None:
        for number in range(20):
            self.put(str(number))
        self.cache.configure(self.root, attrs.evolve(LIMITS, capacity=MEBIBYTE // 4))
        self.assertLessEqual(self.cache.used, MEBIBYTE // 4)
        self.assertGreater(self.cache.used, 0)

    def test_a_capacity_of_nothing_keeps_and_gives_nothing_and_touches_no_disk(self) -> None:
        self.put("a")
        before = self.threads.count
        self.cache.configure(self.root, attrs.evolve(LIMITS, capacity=0))
        off = self.open(attrs.evolve(LIMITS, capacity=0))
        self.put("b")
        self.assertEqual((self.get("a"), self.get("a", off), off.fill()), (None, None, 0.0))
        self.assertEqual((self.threads.count, self.kept(["a", "b"])), (before, ["a"]))
        self.cache.configure(self.root, LIMITS)
        self.assertEqual(self.get("a"), SLOW)

    def test_another_directory_can_be_used_from_now_on(self) -> None:
        self.put("a")
        before, self.root = self.root, self.root.with_name("elsewhere")
        self.cache.configure(self.root, LIMITS)
        self.assertEqual((self.get("a"), self.cache.used), (None, 0))
        self.put("b")
        self.assertEqual((self.get("b"), self.kept(["b"])), (SLOW, ["b"]))
        self.cache.configure(before, LIMITS)
        self.assertEqual((self.get("a"), self.get("b")), (SLOW, None))

    def test_clearing_forgets_everything(self) -> None:
        self.put("a")
        self.successResultOf(self.cache.clear())
        self.assertEqual((self.get("a"), self.kept(["a"]), self.cache.used), (None, [], 0))

    def test_after_the_stop_nothing_is_done(self) -> None:
        self.put("a")
        self.successResultOf(self.cache.stop())
        before = self.threads.count
        self.put("b")
        self.assertIsNone(self.get("a"))
        self.assertEqual(self.threads.count, before)

    def test_a_stop_ends_the_walk(self) -> None:
        self.threads.held = []
        cache = self.open()
        stopped = Deferred.fromCoroutine(cache.stop())
        before = self.threads.count
        self.threads.go_on()
        self.successResultOf(stopped)
        self.assertLess(self.threads.count - before, 10)


class TroubleTests(DiskCacheCase):
    """Whatever is wrong is said once, costs misses only, and is over by itself."""

    def said(self, work: Callable[[], object]) -> list[str]:
        with capturedLogs() as events:
            work()
        levels = (LogLevel.warn, LogLevel.error, LogLevel.critical)
        return [str(event.get("reason", event["log_format"])) for event in events if event["log_level"] in levels]

    def put_many(self) -> None:
        for number in range(5):
            self.put(f"{number} at {self.clock.seconds()}")

    def get_many(self) -> None:
        for _ in range(5):
            self.assertIsNone(self.get("a"))

    def test_a_full_disk_gives_what_it_has_and_takes_nothing_for_a_while(self) -> None:
        def full(path: Path, target: Path) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        self.put("before")
        patch = self.patch(Path, "rename", full)
        self.assertEqual(self.said(self.put_many), ["No space left on device"])
        self.assertEqual(self.get("before"), SLOW)
        self.clock.advance(31)
        self.assertEqual(self.said(self.put_many), [])
        patch.restore()
        self.clock.advance(59)  # the second pause is twice as long
        self.put("too early")
        self.clock.advance(2)
        self.put("later")
        self.assertEqual(self.kept(["before", "too early", "later"]), ["before", "later"])

    def test_a_disk_that_others_fill_gets_room_back(self) -> None:
        for number in range(20):
            self.put(str(number))
        free = [30 * OF_A_FILE]
        self.patch(DiskFiles, "free", lambda _: free[0])
        self.cache.configure(self.root, attrs.evolve(LIMITS, min_free=40 * OF_A_FILE))
        self.assertEqual(self.cache.used, 10 * OF_A_FILE)
        free[0] = 0
        self.cache.configure(self.root, attrs.evolve(LIMITS, min_free=40 * OF_A_FILE))
        self.assertEqual(self.cache.used, 0)

    def test_a_disk_that_is_nearly_full_is_left_alone(self) -> None:
        self.cache.configure(self.root, attrs.evolve(LIMITS, min_free=2**62))
        before = self.threads.count
        self.assertEqual(self.said(self.put_many), ["the disk is nearly full"])
        self.assertEqual(self.threads.count - before, 1)
        self.assertEqual(list(self.root.glob("??/*")), [])

    def test_a_directory_that_has_vanished_is_made_again_but_none_above_it(self) -> None:
        self.put("a")
        shutil.rmtree(self.root)
        self.assertEqual(self.said(self.get_many), [])
        self.put("a")
        self.assertEqual(self.get("a"), SLOW)
        aside = self.root.parent.with_name("aside")
        self.root.parent.rename(aside)
        self.assertEqual(self.said(self.get_many), [])
        self.assertEqual(self.said(self.put_many), ["No such file or directory"])
        self.assertFalse(self.root.parent.exists())
        aside.rename(self.root.parent)
        self.assertEqual(self.get("a"), SLOW)
        self.clock.advance(31)
        self.put("b")
        self.assertEqual(self.get("b"), SLOW)

    def test_a_directory_that_can_not_be_made_at_the_start(self) -> None:
        self.root = self.root / "file" / "cache"
        self.root.parent.write_bytes(b"")
        opened: list[DiskCache] = []
        self.assertEqual(self.said(lambda: opened.append(self.open())), ["File exists"])
        self.cache = opened[0]
        self.assertEqual(self.said(self.put_many), [])
        self.assertEqual(self.said(self.get_many), ["Not a directory"])
        self.root.parent.unlink()
        self.root.mkdir(parents=True)
        self.clock.advance(31)
        self.put("a")
        self.assertEqual(self.get("a"), SLOW)

    def test_a_disk_that_hangs_is_not_asked_for_a_while(self) -> None:
        self.put("a")
        self.threads.hangs = True
        before = self.threads.count
        self.assertEqual(self.said(self.get_many), ["file work took longer than 2 s"])
        self.assertEqual(self.said(self.put_many), ["file work took longer than 2 s"])
        self.assertEqual(self.threads.count - before, 2)
        self.threads.hangs = False
        self.clock.advance(31)
        with capturedLogs() as events:
            self.assertEqual(self.get("a"), SLOW)
            self.put("b")
        self.assertEqual([event["log_level"] for event in events], [LogLevel.info, LogLevel.info])

    def test_a_damaged_file_is_a_miss(self) -> None:
        self.put("a")
        self.path("a").write_bytes(b"GIF89a")
        self.assertEqual(self.said(self.get_many), [])
        self.put("a")
        self.assertEqual(self.get("a"), SLOW)

    def test_a_fault_of_our_own_is_logged_and_ends_nothing(self) -> None:
        self.patch(DiskFiles, "write", lambda *_, **__: 1 // 0)
        self.put("a")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.successResultOf(self.cache.stop())
