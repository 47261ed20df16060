"""Processor time of a cold render, HTTP and bookkeeping included, against ``vipsthumbnail`` in the same run.

    python bench/cold_render.py PHOTO...

Each photo is rendered 400 px wide at quality 80 by the daemon (linear light, then gamma-coded) and by vipsthumbnail on
one core; the rounds alternate, so that a machine whose speed drifts hits all alike. vipsthumbnail gets the same photo
ten times per process, which makes its start-up vanish. Needs libvips-tools of Debian.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from daemon import Daemon, running

ROUNDS = 5
REPEATS = 10


def ours(daemon: Daemon, photo: Path) -> float:
    before = daemon.cpu()
    for _ in range(REPEATS):
        daemon.get(f"/image?src=/photos/{photo.name}&width=400&quality=80&recache=1")
    return (daemon.cpu() - before) / REPEATS


def vips(photo: Path, folder: str) -> float:
    command = ["vipsthumbnail", "--size", "400x", "-o", f"{folder}/out.jpg[Q=80,strip]", *[str(photo)] * REPEATS]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, env=os.environ | {"VIPS_CONCURRENCY": "1"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / REPEATS


def main(photos: list[Path]) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        running(photos, BENCHMARKING="true") as linear,
        running(photos, BENCHMARKING="true", IMAGE_RESIZE_GAMMA_CORRECT="false") as coded,
    ):
        print(f"{'photo':16} {'linear ms':>10} {'coded ms':>10} {'vips ms':>10} {'linear/vips':>12} {'coded/vips':>11}")
        ratios: list[tuple[float, float]] = []
        for photo in photos:
            rounds = [(ours(linear, photo), ours(coded, photo), vips(photo, folder)) for _ in range(ROUNDS + 1)][1:]
            a, b, c = (statistics.median(column) for column in zip(*rounds, strict=True))
            ratio = statistics.median(x / z for x, _, z in rounds), statistics.median(y / z for _, y, z in rounds)
            ratios.append(ratio)
            print(f"{photo.stem:16} {a * 1e3:10.1f} {b * 1e3:10.1f} {c * 1e3:10.1f} {ratio[0]:12.2f} {ratio[1]:11.2f}")
        mean = [statistics.mean(column) for column in zip(*ratios, strict=True)]
        print(f"{'mean':16} {'':32} {mean[0]:12.2f} {mean[1]:11.2f}")


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
