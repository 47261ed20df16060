"""Hits that are only in Memcached: requests per second, and of the floor alone, gets per second of processor time.

    apt-get install wrk memcached; python bench/memcached.py [SECONDS]

The memory of the daemon holds nothing, so each of 32 clients with keep-alive gets 20 kB from Memcached every time.
Below that, in this process and without HTTP: the floor itself, by size and by how many ask at once.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from daemon import free_port, running
from PIL import Image
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import react
from wrk import Load, load

from qisd.cache.interfaces import CachedRendition
from qisd.cache.memcached.cluster import Cluster, ClusterSettings
from qisd.cache.memcached.floor import MemcachedFloor

IMAGES = 100
CLIENTS = 32
SIZES = {"20 kB": 20_000, "200 kB": 200_000, "4 MB": 4_000_000}
SECONDS_EACH = 2.0

_SCRIPT = """
local number = 0
request = function()
    number = number % COUNT + 1
    return wrk.format("GET", "/image?src=/photos/noise" .. number .. ".png&width=250&format=jpg")
end
"""


@contextmanager
def servers(count: int) -> Iterator[list[str]]:
    """Addresses of so many Memcached servers."""
    program = shutil.which("memcached") or "/usr/bin/memcached"
    addresses, started = [], []
    for _ in range(count):
        port = free_port()
        command = [program, "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-m", "512", "-t", "1", "-u", "nobody"]
        started.append(subprocess.Popen(command))
        addresses.append(f"127.0.0.1:{port}")
    time.sleep(0.5)
    try:
        yield addresses
    finally:
        for server in started:
            server.kill()
            server.wait()


def hits(addresses: list[str], seconds: float, *, memory: int) -> tuple[Load, float, float]:
    """Through the daemon, by HTTP: the load, requests per second of processor time, and kB of an image."""
    with tempfile.TemporaryDirectory() as folder:
        photos = [Path(folder, f"noise{number}.png") for number in range(1, IMAGES + 1)]
        for photo in photos:
            Image.effect_noise((300, 200), 60).convert("RGB").save(photo)
        script = Path(folder, "requests.lua")
        script.write_text(_SCRIPT.replace("COUNT", str(IMAGES)))
        settings = {"MEMCACHED_SERVERS": ",".join(addresses), "MEMORY_CACHE_MB": str(memory)}
        with running(photos, **settings) as daemon:
            sizes = [len(daemon.get(f"/image?src=/photos/{photo.name}&width=250&format=jpg")) for photo in photos]
            load(daemon.url(""), clients=CLIENTS, seconds=2, script=script)  # warm
            before = daemon.cpu()
            found = load(daemon.url(""), clients=CLIENTS, seconds=seconds, script=script)
            used = daemon.cpu() - before
    return found, found.count / used, statistics.mean(sizes) / 1000


def whole(addresses: list[str], seconds: int, *, memory: int) -> None:
    found, per_core, size = hits(addresses, seconds, memory=memory)
    print(
        f"hits of {size:.0f} kB, MEMORY_CACHE_MB {memory:2}: {found.rate:9.0f}/s,"
        f" {per_core:6.0f} per second of processor time, p50 {found.p50:.2f} ms, p99 {found.p99:.2f} ms"
        f" {'   '.join(found.faults)}"
    )


async def alone(reactor: Any, addresses: list[str]) -> None:
    """The floor, without HTTP."""
    settings = ClusterSettings(servers=addresses, timeout=0.3, pause=5, prefix="bench:")
    cluster = Cluster(settings, reactor=reactor)
    floor = MemcachedFloor(cluster, largest=lambda: 32 * 2**20)
    print(f"\n{len(addresses)} server{'s' * (len(addresses) > 1)}")
    for label, size in SIZES.items():
        keys = [f"{size}-{number}" for number in range(20)]
        for key in keys:
            await floor.put(key, CachedRendition(data=os.urandom(size), format="jpg"))
        for clients in (1, CLIENTS):
            await _asked(f"get {label}, {clients} at once", floor.get, keys, clients)
    await _asked(f"miss, {CLIENTS} at once", floor.get, ["none"], CLIENTS)
    cluster.stop()


async def _asked(label: str, get: Callable[[str], Awaitable[object]], keys: list[str], clients: int) -> None:
    taken: list[float] = []
    began, processor = time.perf_counter(), _processor()
    until = began + SECONDS_EACH

    async def client(first: int) -> None:
        number = first
        while (now := time.perf_counter()) < until:
            if await get(keys[number % len(keys)]) is None and keys != ["none"]:
                raise SystemExit(f"{keys[number % len(keys)]} is not there")
            taken.append(time.perf_counter() - now)
            number += 1

    await gatherResults([Deferred.fromCoroutine(client(number)) for number in range(clients)])
    processor = _processor() - processor
    rate = len(taken) / (time.perf_counter() - began)
    p50, p99 = (statistics.quantiles(taken, n=100)[at] * 1e3 for at in (49, 98))
    per_core = len(taken) / processor
    print(f"{label:24} {rate:9.0f}/s {per_core:9.0f} per second of processor time   p50 {p50:.2f} ms, p99 {p99:.2f} ms")


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def main(reactor: Any, addresses: list[str]) -> None:
    await alone(reactor, addresses[:1])
    await alone(reactor, addresses)


if __name__ == "__main__":
    with servers(2) as addresses:
        length = int(sys.argv[1]) if len(sys.argv) > 1 else 10
        whole(addresses, length, memory=0)
        whole(addresses, length, memory=64)
        react(lambda reactor: Deferred.fromCoroutine(main(reactor, addresses)))
