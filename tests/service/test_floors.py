"""The floors of the cache by the settings: :mod:`qisd.service.floors`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import attrs
from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from qisd.cache.interfaces import CachedRendition
from qisd.service.floors import Floors
from qisd.settings import Settings, default_settings

QUICK = CachedRendition(data=b"quick", format="jpg", seconds=0.099)
SLOW = CachedRendition(data=b"slow", format="jpg", seconds=0.1)
LARGE = CachedRendition(data=bytes(120_000), format="jpg", seconds=0.01)


class FloorsTests(TestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()

    def settings(self, **changes: Any) -> Settings:
        changes = {"state_dir": self.folder, "min_free_space_mb": 0, "memory_cache_mb": 1, **changes}
        return attrs.evolve(default_settings(), **changes)

    def floors(self, **changes: Any) -> Floors:
        floors = Floors(self.settings(**changes), reactor=reactor)
        for pool in floors.pools:
            pool.start()
            self.addCleanup(pool.stop)
        floors.start()
        return floors

    def on_disk(self, folder: str = "cache") -> int:
        return len(list((self.folder / folder).glob("??/*")))

    async def put(self, floors: Floors) -> None:
        for key, rendition in (("quick", QUICK), ("slow", SLOW), ("large", LARGE)):
            await floors.cache.put(f"{key} {time.perf_counter()}", rendition)
        await floors.disk.settled()

    async def test_without_a_disk_they_are_in_memory_alone(self) -> None:
        floors = self.floors(disk_cache_mb=0)
        await self.put(floors)
        await floors.stop()
        self.assertEqual((len(floors.memory), list(self.folder.iterdir())), (3, []))

    async def test_what_took_long_and_what_is_large_for_the_memory_is_on_disk_as_well(self) -> None:
        floors = self.floors(disk_cache_mb=10)
        await self.put(floors)
        self.assertEqual((len(floors.memory), self.on_disk()), (3, 2))
        await floors.stop()

    async def test_other_settings_hold_from_then_on(self) -> None:
        floors = self.floors(disk_cache_mb=10)
        floors.configure(
            self.settings(disk_cache_mb=20, disk_cache_dir=self.folder / "fast", disk_cache_min_ms=0, memory_cache_mb=0)
        )
        await self.put(floors)
        self.assertEqual((len(floors.memory), self.on_disk(), self.on_disk("fast")), (0, 0, 3))
        await floors.stop()

    async def test_a_disk_that_is_nearly_full_is_left_alone(self) -> None:
        floors = self.floors(disk_cache_mb=10, min_free_space_mb=2**40)
        await self.put(floors)
        self.assertEqual(self.on_disk(), 0)
        await floors.stop()

    async def test_what_was_flushed_while_this_server_was_away_is_not_found_when_it_is_back(self) -> None:
        before = self.floors(disk_cache_mb=10)
        before.enter(7)
        await before.cache.put("a", SLOW)
        await before.stop()
        for epoch, found in ((8, None), (7, SLOW)):
            after = self.floors(disk_cache_mb=10)
            self.assertFalse(after.enter(epoch), "there is nothing to be emptied at the start")
            self.assertEqual(await after.cache.get("a"), found)
            await after.stop()

    async def test_other_memcached_servers_hold_from_then_on(self) -> None:
        floors = self.floors(disk_cache_mb=0)
        self.assertEqual((floors.checks(), floors.shared), ({}, False))
        floors.configure(self.settings(disk_cache_mb=0, memcached_servers=("127.0.0.1:1", "/nowhere")))
        self.assertEqual((floors.checks(), floors.shared), ({"memcached": True}, True))
        for number in range(40):
            await floors.cache.get(f"key{number}")
        self.assertEqual((floors.checks(), floors.shared), ({"memcached": False}, False))
        floors.configure(self.settings(disk_cache_mb=0))
        self.assertEqual(floors.checks(), {})
        await floors.stop()
