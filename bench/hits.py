"""Cached hits of one worker, by HTTP and by HTTPS, beside nginx with one process: the same bytes as a static file, and
out of Memcached.

    apt-get install wrk nginx memcached; python bench/hits.py [SECONDS [ROUNDS]]

20 kB, 32 clients with keep-alive. All take turns, so that a machine whose speed drifts hits all alike.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daemon import Daemon, running
from peers import nginx
from PIL import Image
from wrk import Load, load

CLIENTS = 32
TARGET = "/image?src=/photos/noise.png&width=250&format=jpg"


@contextmanager
def noisy(*, tls: bool = False, **settings: str) -> Iterator[tuple[Daemon, bytes]]:
    """A daemon with one worker of each protocol, and the bytes of ``TARGET``, about 20 kB."""
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder, "noise.png")
        Image.effect_noise((300, 200), 60).convert("RGB").save(photo)
        with running([photo], workers=1, tls=tls, **settings) as daemon:
            yield daemon, daemon.get(TARGET)


def measured(seconds: float, rounds: int) -> dict[str, list[Load]]:
    """The rounds of each, by name."""
    with noisy(tls=True) as (daemon, data), nginx(data) as peer:
        addresses = {
            "qisd": daemon.url(TARGET),
            "nginx, static": peer.static,
            "nginx, Memcached": peer.from_memcached,
            "qisd, TLS": daemon.url(TARGET, tls=True),
            "nginx, static, TLS": peer.tls,
        }
        for url in addresses.values():
            load(url, clients=CLIENTS, seconds=1)
        found: dict[str, list[Load]] = {name: [] for name in addresses}
        for _ in range(rounds):
            for name, url in addresses.items():
                found[name].append(load(url, clients=CLIENTS, seconds=seconds))
    return found


def ratio(found: dict[str, list[Load]], one: str, other: str) -> float:
    """The median of the rounds' ratios."""
    return statistics.median(a.rate / b.rate for a, b in zip(found[one], found[other], strict=True))


def main(seconds: float, rounds: int) -> None:
    found = measured(seconds, rounds)
    for name, loads in found.items():
        rate, p99 = statistics.median(one.rate for one in loads), statistics.median(one.p99 for one in loads)
        faults = " ".join(fault for one in loads for fault in one.faults)
        print(f"{name:20} {rate:9.0f}/s   p99 {p99:6.2f} ms   {faults}")
    for one, other in (
        ("qisd", "nginx, static"),
        ("qisd", "nginx, Memcached"),
        ("qisd, TLS", "nginx, static, TLS"),
    ):
        print(f"{one} / {other}: {ratio(found, one, other):.2f}")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 8.0, int(sys.argv[2]) if len(sys.argv) > 2 else 5)
