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
from collections.abc import Iterator
from pathlib import Path

import attrs
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


@attrs.frozen(kw_only=True)
class Compared:
    """Seconds of processor time for one photo, and the medians of the rounds' ratios."""

    photo: str
    linear: float
    coded: float
    vips: float
    linear_to_vips: float
    coded_to_vips: float


def compared(photos: list[Path], rounds: int = ROUNDS) -> Iterator[Compared]:
    """Each photo, as soon as it is measured."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running(photos, BENCHMARKING="true") as linear,
        running(photos, BENCHMARKING="true", IMAGE_RESIZE_GAMMA_CORRECT="false") as coded,
    ):
        for photo in photos:
            taken = [(ours(linear, photo), ours(coded, photo), vips(photo, folder)) for _ in range(rounds + 1)][1:]
            a, b, c = (statistics.median(column) for column in zip(*taken, strict=True))
            yield Compared(
                photo=photo.stem,
                linear=a,
                coded=b,
                vips=c,
                linear_to_vips=statistics.median(x / z for x, _, z in taken),
                coded_to_vips=statistics.median(y / z for _, y, z in taken),
            )


def main(photos: list[Path]) -> None:
    print(f"{'photo':16} {'linear ms':>10} {'coded ms':>10} {'vips ms':>10} {'linear/vips':>12} {'coded/vips':>11}")
    found = []
    for one in compared(photos):
        found.append(one)
        print(
            f"{one.photo:16} {one.linear * 1e3:10.1f} {one.coded * 1e3:10.1f} {one.vips * 1e3:10.1f}"
            f" {one.linear_to_vips:12.2f} {one.coded_to_vips:11.2f}"
        )
    linear, coded = (
        statistics.mean(getattr(one, name) for one in found) for name in ("linear_to_vips", "coded_to_vips")
    )
    print(f"{'mean':16} {'':32} {linear:12.2f} {coded:11.2f}")


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
