"""Renditions in real Memcached servers, and what happens when those go."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
from collections.abc import Awaitable
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import TestCase

from qisd.cache.interfaces import CachedRendition
from qisd.cache.memcached.cluster import Cluster, ClusterSettings
from qisd.cache.memcached.floor import SLOT, MemcachedFloor
from tests.integration.memcached import Memcached, started

TIMEOUT = 0.2


class ClusterCase(TestCase):
    timeout = 300

    def cluster(
        self, *servers: Memcached | str, pause: float = 60, prefix: str = "t:", timeout: float = TIMEOUT
    ) -> Cluster:
        addresses = [one if isinstance(one, str) else one.address for one in servers]
        settings = ClusterSettings(servers=addresses, timeout=timeout, pause=pause, prefix=prefix)
        made = Cluster(settings, reactor=reactor)
        self.addCleanup(made.stop)
        return made

    def floor(self, cluster: Cluster, *, largest: int = 32 * 2**20) -> MemcachedFloor:
        return MemcachedFloor(cluster, largest=lambda: largest)

    async def together(self, *asked: Awaitable[Any]) -> list[Any]:
        done: list[Any] = await gatherResults([Deferred.fromCoroutine(one) for one in asked])  # type: ignore[arg-type]
        return done


def rendition(size: int) -> CachedRendition:
    return CachedRendition(data=os.urandom(size), format="jpg")


class FloorTests(ClusterCase):
    async def test_what_is_put_comes_back_whatever_its_size(self) -> None:
        floor = self.floor(self.cluster(started(self), started(self)))
        for size in (0, 1, 20_000, SLOT - 32, SLOT - 31, SLOT, SLOT + 1, 5_000_000, 32 * 2**20):
            put = rendition(size)
            await floor.put(f"key{size}", put)
            self.assertEqual(await floor.get(f"key{size}"), put, size)
        self.assertIsNone(await floor.get("another"))

    async def test_a_server_may_listen_at_a_socket_instead_of_a_port(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        os.chmod(folder.name, 0o777)
        floor = self.floor(self.cluster(started(self, f"{folder.name}/socket")))
        put = rendition(2 * SLOT)
        await floor.put("a", put)
        self.assertEqual(await floor.get("a"), put)

    async def test_what_is_too_large_is_not_kept(self) -> None:
        floor = self.floor(self.cluster(started(self)), largest=1000)
        await floor.put("a", rendition(1001))
        self.assertIsNone(await floor.get("a"))

    async def test_what_others_have_put_there_is_a_miss(self) -> None:
        cluster = self.cluster(started(self))
        floor = self.floor(cluster)
        await floor.put("a", rendition(1000))
        found = await cluster.get("a")
        assert found is not None
        whole = found
        for value in (
            b"",
            b"x",
            b"x" * 1000,
            whole[:-1],
            whole + b"x",
            whole[:40],
            whole[:-1] + b"\0\0",
            b"Q" + whole[1:],
        ):
            await cluster.set("a", value)
            self.assertIsNone(await floor.get("a"), value[:10])
        await cluster.set("b", whole)
        self.assertIsNone(await floor.get("b"), "it is another key's")
        await cluster.set("a", whole)
        self.assertIsNotNone(await floor.get("a"))

    async def test_one_with_a_slot_missing_or_another_s_is_a_miss(self) -> None:
        cluster = self.cluster(started(self), started(self))
        floor = self.floor(cluster)
        await floor.put("a", rendition(3 * SLOT))
        await floor.put("b", rendition(3 * SLOT))
        slot = await cluster.get("b:1")
        assert slot is not None
        await cluster.set("a:1", slot)
        self.assertIsNone(await floor.get("a"))
        await cluster.delete("b:2")
        self.assertIsNone(await floor.get("b"))

    async def test_another_prefix_or_epoch_is_another_cache(self) -> None:
        server = started(self)
        first, second = self.cluster(server), self.cluster(server, prefix="other:")
        await self.floor(first).put("a", rendition(10))
        self.assertIsNone(await self.floor(second).get("a"))
        first.epoch += 1
        self.assertIsNone(await self.floor(first).get("a"))
        first.epoch -= 1
        self.assertIsNotNone(await self.floor(first).get("a"))

    async def test_keys_have_their_place_whatever_the_order_of_the_servers(self) -> None:
        servers = [started(self) for _ in range(3)]
        one, other = self.cluster(*servers), self.cluster(*reversed(servers))
        for number in range(60):
            await one.set(f"key{number}", b"x")
        self.assertEqual([await other.get(f"key{number}") for number in range(60)], [b"x"] * 60)
        items = [server.items() for server in servers]
        self.assertEqual(sum(items), 60)
        self.assertTrue(all(items), items)


class FaultTests(ClusterCase):
    async def test_a_server_that_dies_costs_its_keys_and_no_time(self) -> None:
        servers = [started(self), started(self)]
        cluster = self.cluster(*servers)
        floor = self.floor(cluster)
        for number in range(100):
            await floor.put(f"key{number}", rendition(100))
        servers[0].stop()
        found = [await floor.get(f"key{number}") is not None for number in range(100)]
        self.assertTrue(0 < sum(found) < 100)
        self.assertEqual([await floor.get(f"key{number}") is not None for number in range(100)], found)
        self.assertEqual(cluster.states(), {servers[0].address: False, servers[1].address: True})
        began = reactor.seconds()  # type: ignore[attr-defined]
        for number in range(1000):
            await floor.get(f"other{number}")
        self.assertLess(reactor.seconds() - began, 20, "a dead server is not waited for")  # type: ignore[attr-defined]

    async def test_under_load_one_that_dies_is_a_matter_of_misses_only(self) -> None:
        await self.lose_one_under_load(signal.SIGKILL)

    async def test_under_load_one_that_hangs_is_a_matter_of_misses_only(self) -> None:
        await self.lose_one_under_load(signal.SIGSTOP)

    async def lose_one_under_load(self, how: signal.Signals) -> None:
        servers = [started(self), started(self)]
        floor = self.floor(self.cluster(*servers, timeout=1.0))
        put = {f"key{number}": rendition(20_000 if number % 10 else 2 * SLOT) for number in range(100)}
        for key, one in put.items():
            await floor.put(key, one)
        asked = 0

        async def client(first: int) -> int:
            nonlocal asked
            hits = 0
            for number in range(first, first + 200):
                key = f"key{number % 100}"
                found = await floor.get(key)
                self.assertIn(found, (put[key], None))
                if found is None:
                    self.assertTrue(asked >= 500, "nothing was lost before")
                    await floor.put(key, put[key])
                hits += found is not None
                asked += 1
                if asked == 500:
                    assert servers[0].process is not None
                    servers[0].process.send_signal(how)
            return hits

        hits = await self.together(*(client(number * 7) for number in range(32)))
        self.assertEqual(asked, 32 * 200)
        self.assertTrue(500 <= sum(hits) < asked, hits)

    async def test_one_that_is_back_is_used_again(self) -> None:
        server = started(self)
        cluster = self.cluster(server, pause=0.01)
        server.stop()
        self.assertIsNone(await cluster.get("a"))
        server.start()
        while not await cluster.set("a", b"x"):
            await self.pause()
        self.assertEqual(await cluster.get("a"), b"x")
        self.assertTrue(cluster.available)

    async def test_one_that_hangs_costs_one_time_out_for_all_that_wait(self) -> None:
        server = started(self)
        cluster = self.cluster(server)
        await cluster.set("a", b"x")
        await cluster.set("a", b"x")
        server.stand_still()
        self.assertEqual(await self.together(*(cluster.get("a") for _ in range(50))), [None] * 50)
        self.assertFalse(cluster.available)
        self.assertIsNone(await cluster.get("a"))

    async def test_one_that_is_not_there_and_one_that_is_something_else_are_done_without(self) -> None:
        nowhere = self.cluster("127.0.0.1:1", "/nowhere/at/all")
        self.assertEqual([await nowhere.get(f"{number}") for number in range(5)], [None] * 5)
        self.assertFalse(await nowhere.set("a", b"x"))
        self.assertIsNone(await nowhere.add("a", b"x", seconds=1))

        with socket.create_server(("127.0.0.1", 0)) as silent:
            for answer in (
                b"HTTP/1.1 400 Bad Request\r\n\r\n",
                b"7\r\n",
                b"VALUE a 0 5\r\nab\r\nEND\r\n",
                b"VALUE b 0 1\r\nx\r\nEND\r\n",
                b"\0" * 20_000,
            ):
                cluster = self.cluster(f"127.0.0.1:{silent.getsockname()[1]}")
                asked = Deferred.fromCoroutine(cluster.get("a"))
                connection = await self.accepted(silent)
                connection.sendall(answer)
                self.assertIsNone(await asked, answer[:20])
                connection.close()
                cluster.stop()

    async def accepted(self, listening: socket.socket) -> socket.socket:
        listening.setblocking(False)
        while True:
            try:
                return listening.accept()[0]
            except BlockingIOError:
                await self.pause()

    async def pause(self) -> None:
        done: Deferred[None] = Deferred()
        reactor.callLater(0.01, done.callback, None)  # type: ignore[attr-defined]
        await done

    async def test_a_server_s_refusal_is_no_failure_of_it(self) -> None:
        cluster = self.cluster(started(self))
        self.assertFalse(await cluster.set("a", b"x" * 2**21))
        self.assertTrue(await cluster.set("a", b"x"))
        self.assertTrue(cluster.available)

    async def test_a_key_that_is_two_commands_is_not_sent(self) -> None:
        from pymemcache.exceptions import MemcacheIllegalInputError

        with self.assertRaises(MemcacheIllegalInputError):
            await self.cluster(started(self)).get("k\r\nflush_all")


class AddTests(ClusterCase):
    async def test_of_many_who_add_one_does(self) -> None:
        server = started(self)
        clusters = [self.cluster(server) for _ in range(4)]
        for round_ in range(5):
            added = await self.together(
                *(one.add(f"k{round_}", b"x", seconds=10) for one in clusters for _ in range(5))
            )
            self.assertEqual(added.count(True), 1)
            self.assertEqual(added.count(False), 19)
