"""Renders per second of one client and of 32, and how long ``/health`` takes meanwhile.

    python bench/throughput.py PHOTO...

No two requests ask for the same image, so every one is rendered. The clients run in a process of their own.
"""

from __future__ import annotations

import http.client
import itertools
import multiprocessing
import statistics
import sys
import threading
import time
from pathlib import Path

from daemon import Daemon, running

RENDERS = 1000
CLIENTS = 32


def targets(photos: list[Path], *, first: int, count: int) -> list[str]:
    names = itertools.cycle(photo.name for photo in photos)
    return [
        f"/image?src=/photos/{next(names)}&width={300 + number % 200}&left=0.00{first + number:04}"
        for number in range(count)
    ]


def fetch(port: int, work: list[str], clients: int, seconds: multiprocessing.Queue[float]) -> None:
    """Fetch all of ``work`` over ``clients`` connections; put the seconds it took."""
    lock, queue, failed = threading.Lock(), iter(work), []

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        while True:
            with lock:
                target = next(queue, None)
            if target is None:
                return
            connection.request("GET", target)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                failed.append(answer.status)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds.put(time.perf_counter() - began if not failed else float("nan"))


def rate(daemon: Daemon, work: list[str], clients: int) -> tuple[float, list[float]]:
    """Renders per second, and the times of ``/health`` asked for meanwhile on a connection of its own."""
    seconds: multiprocessing.Queue[float] = multiprocessing.Queue()
    process = multiprocessing.Process(target=fetch, args=(daemon.port, work, clients, seconds))
    process.start()
    connection, times = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60), []
    while process.is_alive():
        began = time.perf_counter()
        connection.request("GET", "/health")
        connection.getresponse().read()
        times.append(time.perf_counter() - began)
        time.sleep(0.02)
    return len(work) / seconds.get(), times


def main(photos: list[Path]) -> None:
    with running(photos, RENDER_QUEUE_MAX="1000") as daemon:
        rate(daemon, targets(photos, first=0, count=20), 2)
        one, _ = rate(daemon, targets(photos, first=100, count=RENDERS // 4), 1)
        many, times = rate(daemon, targets(photos, first=1000, count=RENDERS), CLIENTS)
    p50, p99 = (statistics.quantiles(times, n=100)[at] * 1e3 for at in (49, 98))
    print(f"one client       {one:8.1f} renders/s")
    print(f"{CLIENTS} clients       {many:8.1f} renders/s   ratio {many / one:.2f}")
    print(f"/health meanwhile: p50 {p50:.1f} ms, p99 {p99:.1f} ms, worst {max(times) * 1e3:.1f} ms of {len(times)}")


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
