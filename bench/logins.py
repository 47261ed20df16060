"""Log-ins per second, and what image requests feel of twenty log-ins per second.

    python bench/logins.py PHOTO [SECONDS]

One client asks for finished images on one connection, up to a hundred times per second; its waiting times are printed
without and with log-ins (right passwords, argon2id) at the same time.
"""

from __future__ import annotations

import base64
import http.client
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from daemon import Daemon, running

PASSWORD = "correct-horse-battery"
RATE = 20


def log_in(daemon: Daemon) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60)
    credentials = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
    connection.request("POST", "/api/v1/token/", headers={"Authorization": f"Basic {credentials}"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status not in (200, 429):
        raise RuntimeError(f"status {answer.status}")


def ask_for_images(daemon: Daemon, target: str, seconds: float) -> list[float]:
    """Milliseconds of each answer."""
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60)
    taken = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        connection.request("GET", target)
        connection.getresponse().read()
        taken.append((time.perf_counter() - began) * 1000)
        time.sleep(max(0.0, 0.01 - taken[-1] / 1000))
    connection.close()
    return taken


def told(what: str, taken: list[float]) -> None:
    cuts = statistics.quantiles(taken, n=100)
    print(
        f"{what:<24} {len(taken):>6} images  p50 {cuts[49]:6.2f} ms  p99 {cuts[98]:6.2f} ms  most {max(taken):6.2f} ms"
    )


def main(photo: Path, seconds: float) -> None:
    settings = {"ADMIN_PASSWORD": PASSWORD, "LOGIN_RATE": "10000", "INTERNAL_BROWSING_SSL": "false"}
    with running([photo], **settings) as daemon:
        target = f"/image?src=/photos/{photo.name}&width=400"
        daemon.get(target)
        told("nobody logs in", ask_for_images(daemon, target, seconds))

        stop = threading.Event()
        done: list[float] = []

        def steadily() -> None:
            with ThreadPoolExecutor(64) as pool:
                while not stop.wait(1 / RATE):
                    pool.submit(lambda: (log_in(daemon), done.append(time.monotonic())))

        people = threading.Thread(target=steadily)
        people.start()
        taken = ask_for_images(daemon, target, seconds)
        stop.set()
        in_time = len(done)
        people.join()
        told(f"{RATE} log-ins/s asked for", taken)
        print(f"{'log-ins done meanwhile':<24} {in_time / seconds:6.1f} per second")

        began, cpu = time.monotonic(), daemon.cpu()
        with ThreadPoolExecutor(8) as pool:
            for _ in pool.map(lambda _: log_in(daemon), range(100)):
                pass
        taken_s = time.monotonic() - began
        each = 10 * (daemon.cpu() - cpu)
        print(f"{'log-ins at most':<24} {100 / taken_s:6.1f} per second, {each:.0f} ms of processor each")


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 10.0)
