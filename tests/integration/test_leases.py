"""One render of one image, whichever process of whichever server is asked for it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import TestCase

from qisd.cache.leases import Lease, Leases, StillHeld
from qisd.cache.memcached.cluster import Cluster, ClusterSettings
from qisd.pools.files import FilePool
from tests.integration.memcached import Memcached, started
from tests.integration.postgres import REPOSITORY

_HOLDER = """
import sys
from pathlib import Path
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from qisd.cache import leases as module
from qisd.cache.memcached.cluster import Cluster, ClusterSettings
from qisd.pools.files import FilePool
module._EXPIRES = 1
pool = FilePool(reactor, threads=1); pool.start()
cluster = Cluster(ClusterSettings(servers=sys.argv[2:], timeout=5, pause=5, prefix="t:"), reactor=reactor)
leases = module.Leases(
    Path(sys.argv[1]), threads=pool, cluster=cluster, shared=lambda: True, owner="other", reactor=reactor
)
taken = Deferred.fromCoroutine(leases.take("key"))
taken.addCallback(lambda lease: print("taken" if lease else "not taken", flush=True))
reactor.run()
"""


class LeaseCase(TestCase):
    timeout = 300

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.threads = FilePool(reactor, name="leases", threads=1)
        self.threads.start()
        self.addCleanup(self.threads.stop)

    def server(self, name: str, memcached: Memcached | None = None) -> Leases:
        """The leases of a process that is a server of its own."""
        servers = [] if memcached is None else [memcached.address]
        cluster = Cluster(ClusterSettings(servers=servers, timeout=1, pause=60, prefix="t:"), reactor=reactor)
        self.addCleanup(cluster.stop)
        return Leases(
            self.folder / name, threads=self.threads, cluster=cluster, shared=lambda: True, owner=name, reactor=reactor
        )

    def holder(self, *arguments: str) -> subprocess.Popen[str]:
        """Another process, which has the lease."""
        holder = subprocess.Popen(
            [sys.executable, "-c", _HOLDER, *arguments], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
        )
        self.addCleanup(holder.wait)
        self.addCleanup(holder.kill)
        assert holder.stdout is not None
        self.addCleanup(holder.stdout.close)
        self.assertEqual(holder.stdout.readline(), "taken\n")
        return holder


class ServersTests(LeaseCase):
    async def test_one_server_has_it_until_it_ends_it(self) -> None:
        memcached = started(self)
        one, other = self.server("one", memcached), self.server("other", memcached)
        lease = await one.take("key")
        assert lease is not None
        self.assertIsNone(await other.take("key"))
        another = await other.take("another")
        assert another is not None
        await lease.end()
        again = await other.take("key")
        assert again is not None
        await again.end()
        await another.end()

    async def test_what_one_makes_the_others_get(self) -> None:
        memcached = started(self)
        servers = [self.server(f"s{number}", memcached) for number in range(4)]
        made: list[int] = []
        cached: dict[str, str] = {}

        async def look() -> str | None:
            return cached.get("key")

        async def make() -> str:
            made.append(1)
            await deferLater(reactor, 0.1)
            cached["key"] = "made"
            return "made"

        asked = [Deferred.fromCoroutine(one.once("key", look=look, make=make, patience=20)) for one in servers]
        self.assertEqual(await gatherResults(asked), ["made"] * 4)
        self.assertEqual(len(made), 1)

    async def test_a_fault_of_who_makes_it_passes_it_on(self) -> None:
        memcached = started(self)
        one, other = self.server("one", memcached), self.server("other", memcached)

        async def nothing() -> None:
            return None

        async def fail() -> str:
            raise ValueError("no")

        async def make() -> str:
            return "made"

        with self.assertRaises(ValueError):
            await one.once("key", look=nothing, make=fail, patience=20)
        self.assertEqual(await other.once("key", look=nothing, make=make, patience=20), "made")

    async def test_who_waits_too_long_is_told_so(self) -> None:
        memcached = started(self)
        lease = await self.server("one", memcached).take("key")
        assert lease is not None

        async def nothing() -> None:
            return None

        with self.assertRaises(StillHeld):
            await self.server("other", memcached).once("key", look=nothing, make=nothing, patience=0.05)
        await lease.end()

    async def test_without_memcached_everybody_has_it(self) -> None:
        memcached = started(self)
        one = self.server("one", memcached)
        memcached.stop()
        lease = await one.take("key")
        assert lease is not None
        await lease.end()

    async def test_it_is_renewed_as_long_as_it_is_held(self) -> None:
        memcached = started(self)
        one, other = self.server("one", memcached), self.server("other", memcached)
        one._reactor = clock = Clock()
        lease = await one.take("key")
        assert lease is not None
        await one._cluster.delete("Lkey")
        clock.advance(3.1)
        while await one._cluster.get("Lkey") is None:
            await deferLater(reactor, 0.01)
        self.assertIsNone(await other.take("key"))
        await lease.end()
        self.assertEqual(clock.getDelayedCalls(), [])

    async def test_the_death_of_who_has_it_passes_it_on(self) -> None:
        memcached = started(self)
        holder = self.holder(str(self.folder / "one"), memcached.address)
        other = self.server("other", memcached)
        self.assertIsNone(await other.take("key"))
        holder.kill()
        while (lease := await other.take("key")) is None:
            await deferLater(reactor, 0.02)
        await lease.end()

    async def test_who_was_held_up_for_too_long_takes_it_from_nobody(self) -> None:
        memcached = started(self)
        one, other = self.server("one", memcached), self.server("other", memcached)
        one._reactor = clock = Clock()
        late = await one.take("key")
        assert late is not None
        await one._cluster.delete("Lkey")  # as it does by itself in time
        lease = await other.take("key")
        assert lease is not None
        theirs = await other._cluster.get("Lkey")
        clock.advance(20)
        await late.end()
        self.assertEqual(await other._cluster.get("Lkey"), theirs)
        await lease.end()
        self.assertIsNone(await other._cluster.get("Lkey"))


class ProcessTests(LeaseCase):
    async def test_of_the_processes_of_a_server_one_has_it_until_it_dies(self) -> None:
        holder = self.holder(str(self.folder / "leases"))
        here = self.server("leases")
        self.assertIsNone(await here.take("key"))
        other = await here.take("another")
        assert other is not None
        await other.end()
        holder.kill()
        holder.wait()
        lease = await here.take("key")
        assert lease is not None
        await lease.end()

    async def test_one_who_leaves_at_any_moment_leaves_nothing_locked(self) -> None:
        here = self.server("leases")
        for turns in range(6):
            taking = Deferred.fromCoroutine(here.take("key"))
            taking.addErrback(lambda failure: failure.trap(CancelledError))
            for _ in range(turns):
                await deferLater(reactor, 0)
            taking.cancel()
            lease = await taking
            if isinstance(lease, Lease):
                await lease.end()
        await self.threads.run(lambda: None)
        self.holder(str(self.folder / "leases"))

    async def test_a_disk_that_hangs_costs_one_wait_and_then_none_for_a_while(self) -> None:
        hangs = threading.Event()
        self.addCleanup(hangs.set)
        slow = FilePool(reactor, name="slow", threads=1, timeout=0.05)
        slow.start()
        self.addCleanup(slow.stop)
        here = self.server("leases")
        here._threads = slow
        Deferred.fromCoroutine(slow.run(hangs.wait)).addErrback(lambda _: None)
        first = await here.take("key")
        assert first is not None
        self.patch(here, "_threads", None)
        self.assertTrue(await here._locked(1))
        hangs.set()

    async def test_where_the_file_can_not_be_had_nobody_is_kept_waiting(self) -> None:
        (self.folder / "folder").mkdir()
        for file in ("nowhere/at/all", "folder"):
            lease = await self.server(file).take("key")
            assert lease is not None
            await lease.end()
