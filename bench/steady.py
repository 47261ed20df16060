"""How a daemon with two workers fares under a load that goes on: a mixture, renders beside hits, reloads.

    python bench/steady.py mix [SECONDS [IMAGES]] | busy [SECONDS] | reload [SECONDS] | growth [REQUESTS]

mix     50 clients without a pause. 90 of 100 requests are for one of IMAGES finished images (20,000), by Zipf's law;
        the rest is asked for the first time, and rendered from bases, which sources of this size have only if
        AUTO_PYRAMID_THRESHOLD is lowered. 200 sources of 6 megapixels, Memcached.
busy    hits at a fixed rate while 15 clients have images rendered without a pause, by one worker.
reload  2,000 hits a second, meanwhile three reloads.
growth  memory of one worker, idle and after so many hits (1,000,000).

The load is ``qisd.cli.load``, in a process of its own where there are two of them.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from bisect import bisect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, overload

from daemon import Daemon, pss, running
from hits import CLIENTS, TARGET, noisy
from peers import memcached
from wrk import load as wrk

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from qisd.cli.load import Amount, Server, load
from qisd.cli.tally import Tally

SAMPLES = Path(__file__).parents[1] / "qisd" / "share" / "samples"

SOURCES, WIDTHS = 200, range(200, 300)
MIX_CLIENTS = 50
BASES_FROM = "2000000"
RENDERS = 15
HITS_A_SECOND = 200
RELOADED_AT = 2000.0
RELOADS = 3

_WATCHED_EVERY = 5.0


def request(target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode("ascii")


def run(
    port: int, requests: Sequence[bytes], amount: Amount, *, clients: int, timeout: float = 30.0
) -> tuple[Tally, float]:
    """What came of a load, and how many seconds it took."""
    tally = Tally()
    server = Server(host="127.0.0.1", port=port)
    began, ended = load(server, requests, amount, tally, clients=clients, keep_alive=True, timeout=timeout)
    return tally, ended - began


def photos() -> list[Path]:
    """The six photos of 6 megapixels."""
    return sorted(SAMPLES.glob("*.jpg"))


def sources() -> list[str]:
    """Paths of all copies of all photos, as ``running`` makes them."""
    copies = -(-SOURCES // len(photos()))
    return [f"{folder}{one.name}" for folder in ("", *(f"{n}/" for n in range(1, copies))) for one in photos()][
        :SOURCES
    ]


class Mixture(Sequence[bytes]):
    """Requests that are made up when they are sent.

    :param known: those for finished images, the most wanted one first.
    """

    def __init__(self, known: Sequence[bytes]) -> None:
        self._known = known
        self._sums = list(itertools.accumulate(1 / rank for rank in range(1, len(known) + 1)))
        self._random = random.Random(1)
        self._sources = sources()

    def __len__(self) -> int:
        return 2**40

    @overload
    def __getitem__(self, number: int) -> bytes: ...

    @overload
    def __getitem__(self, number: slice) -> Sequence[bytes]: ...

    def __getitem__(self, number: int | slice) -> bytes | Sequence[bytes]:
        if isinstance(number, slice):
            raise TypeError("there is no end of them")
        if number % 10:
            return self._known[bisect(self._sums, self._random.random() * self._sums[-1])]
        turn, source = divmod(number // 10, len(self._sources))
        height, quality = 60 + turn % 240, 60 + turn // 240 % 36
        return request(f"/image?src=/photos/{self._sources[source]}&height={height}&quality={quality}")


def mix(seconds: float, images: int) -> dict[str, Any]:
    """Rates, times and memory of the mixture; with the course of all of them."""
    every = [
        request(f"/image?src=/photos/{source}&width={width}&quality=80") for width in WIDTHS for source in sources()
    ]
    known = every[:images]
    random.Random(2).shuffle(known)
    copies = -(-SOURCES // len(photos()))
    with (
        memcached(1024) as cache,
        running(
            photos(),
            workers=2,
            copies=copies,
            MEMCACHED_SERVERS=f"127.0.0.1:{cache}",
            TASKS_ENABLED="false",
            AUTO_PYRAMID_THRESHOLD=BASES_FROM,
        ) as daemon,
    ):
        warm, taken = run(daemon.port, every[:images], Amount(count=images), clients=8, timeout=120)
        print(f"{images} images made in {taken:.0f} s, {warm.errors.total()} errors", file=sys.stderr)
        settle(daemon)
        with Watch(daemon) as watch:
            tally, taken = run(daemon.port, Mixture(known), Amount(seconds=seconds), clients=MIX_CLIENTS)
    hits, others = tally.times(others=False), tally.times(hits=False)
    # What is rendered for the first time fills the memory caches still at the beginning.
    half = watch.samples[len(watch.samples) // 2 :]
    return {
        "rate": tally.count / taken,
        "hits_percent": 100 * tally.hits / max(1, tally.count),
        "errors": dict(tally.errors),
        "p50_hits": hits.percentiles[50.0],
        "p99_hits": hits.percentiles[99.0],
        "p99_renders": others.percentiles[99.0],
        "memory": watch.samples,
        "memory_growth_percent": 100 * (half[-1] / half[0] - 1) if half else 0.0,
        "by_second": tally.series(),
    }


def settle(daemon: Daemon) -> None:
    """Wait until nothing is rendered in the background any more: bases are made when nobody waits."""
    quiet = 0
    while quiet < 4:
        busy = any(one.get("rendering") or one.get("waiting") for one in daemon.status()["processes"])
        quiet = 0 if busy else quiet + 1
        time.sleep(0.25)


class Watch:
    """Looks at the memory of the workers from time to time: ``samples`` are bytes, all workers together."""

    def __init__(self, daemon: Daemon) -> None:
        self.samples: list[int] = []
        self._daemon = daemon
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def _work(self) -> None:
        pids = self._daemon.workers()
        while not self._end.wait(_WATCHED_EVERY if self.samples else 0.5):
            self.samples.append(sum(pss(pid) for pid in pids))

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


def busy(seconds: float) -> dict[str, Any]:
    """Times of hits at a fixed rate while 15 threads render."""
    with running(photos(), workers=1, TASKS_ENABLED="false", RENDER_QUEUE_MAX="1000") as daemon:
        target = request("/image?src=/photos/penguin.jpg&width=300")
        run(daemon.port, [target], Amount(count=10), clients=1)
        alone, _ = run(daemon.port, [target], Amount(seconds=seconds / 2, rate=HITS_A_SECOND), clients=16)
        renders = multiprocessing.Process(target=_render, args=(daemon.port, seconds + 2))
        renders.start()
        time.sleep(1)
        beside, _ = run(daemon.port, [target], Amount(seconds=seconds, rate=HITS_A_SECOND), clients=16)
        renders.join()
    return {
        "p99_alone": alone.times().percentiles[99.0],
        "p50": beside.times().percentiles[50.0],
        "p99": beside.times().percentiles[99.0],
        "worst": beside.times().worst,
        "errors": dict(beside.errors),
    }


def _render(port: int, seconds: float) -> None:
    """In a process of its own: have images rendered, from the sources, without a pause."""
    targets = [
        request(f"/image?src=/photos/{photo.name}&width={1000 + number % 100}&left=0.0{number:04}")
        for number in range(1000)
        for photo in photos()
    ]
    run(port, targets, Amount(seconds=seconds), clients=RENDERS, timeout=120)


def reload(seconds: float) -> dict[str, Any]:
    """What fails of 2,000 requests a second while all workers are exchanged three times."""
    with noisy() as (daemon, _):
        requests = [request(TARGET)]
        run(daemon.port, requests, Amount(count=100), clients=4)
        reloads: list[float] = []
        thread = threading.Thread(target=_reload, args=(daemon, reloads))
        thread.start()
        rate = RELOADED_AT
        tally, taken = run(daemon.port, requests, Amount(seconds=seconds, rate=rate), clients=CLIENTS, timeout=10)
        thread.join()
    return {
        "rate": tally.count / taken,
        "reloads": len(reloads),
        "longest_reload": max(reloads, default=0.0),
        "failed": tally.errors.total(),
        "errors": dict(tally.errors),
        "p99": tally.times().percentiles[99.0],
        "worst": tally.times().worst,
        "by_second": tally.series(),
    }


def _reload(daemon: Daemon, reloads: list[float]) -> None:
    for _ in range(RELOADS):
        time.sleep(1)
        before = daemon.workers()
        began = time.monotonic()
        os.kill(daemon.pid, signal.SIGHUP)
        while time.monotonic() < began + 60:
            time.sleep(0.2)
            now = daemon.status()["processes"]
            pids = {one["pid"] for one in now}
            if not pids & set(before) and all(one["state"] == "ready" for one in now):
                reloads.append(time.monotonic() - began)
                break


def growth(requests: int) -> dict[str, Any]:
    """Memory of one worker: idle, warm, and after so many hits."""
    with noisy(TASKS_ENABLED="false") as (daemon, _):
        (idle,) = daemon.memory()
        url = daemon.url(TARGET)
        first = wrk(url, clients=CLIENTS, seconds=2)
        (warm,) = daemon.memory()
        done = first.count
        while done < requests:
            left = (requests - done) / max(1.0, first.rate)
            done += wrk(url, clients=CLIENTS, seconds=min(30.0, max(1.0, left))).count
        (after,) = daemon.memory()
    return {
        "idle_mb": idle / 1e6,
        "warm_mb": warm / 1e6,
        "after_mb": after / 1e6,
        "requests": done,
        "growth_percent": 100 * (after / warm - 1),
    }


def main(arguments: list[str]) -> None:
    name, *numbers = arguments
    given = [float(number) for number in numbers]
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "mix": lambda: mix(given[0] if given else 600.0, int(given[1]) if len(given) > 1 else 20_000),
        "busy": lambda: busy(*(given or [20.0])),
        "reload": lambda: reload(*(given or [30.0])),
        "growth": lambda: growth(int(given[0]) if given else 1_000_000),
    }
    for key, value in parts[name]().items():
        if key not in ("by_second", "memory"):
            print(f"{key:24} {value if not isinstance(value, float) else round(value, 2)}")


if __name__ == "__main__":
    main(sys.argv[1:])
