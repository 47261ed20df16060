"""Processor time of resizing alone, one thread: the C extension against Pillow, with and without linear light.

    python bench/resample.py PHOTO...

Each photo is decoded as a render to 400 px wide would do it (JPEG draft to at least twice that), then resized with
Lanczos. All ways take turns, so that a machine whose speed drifts hits all alike; the median of the rounds counts.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from qisd.imaging import _resample_pillow
from qisd.imaging.resample import HAVE_EXTENSION, Filter, TransferCurve, resize

WIDTH = 400
ROUNDS = 15

SRGB = TransferCurve.srgb()


def drafted(photo: Path) -> Image.Image:
    image = Image.open(photo)
    height = -(-WIDTH * image.height // image.width)
    image.draft("RGB", (2 * WIDTH, 2 * height))
    image.load()
    return image


def ways(image: Image.Image, size: tuple[int, int]) -> dict[str, Callable[[], Image.Image]]:
    box = (0.0, 0.0, float(image.width), float(image.height))
    return {
        "C linear": lambda: resize(image, size, filter=Filter.LANCZOS, curve=SRGB),
        "C coded": lambda: resize(image, size, filter=Filter.LANCZOS, curve=None),
        "Pillow coded": lambda: image.resize(size, Image.Resampling.LANCZOS),
        "Pillow linear": lambda: _resample_pillow.resize(
            image, size, resampling=Image.Resampling.LANCZOS, curves=(SRGB,) * 3, box=box
        ),
    }


def measured(functions: dict[str, Callable[[], Image.Image]]) -> dict[str, float]:
    """Median milliseconds of processor time of each."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for turn in range(ROUNDS + 1):
        for name, function in functions.items():
            before = time.thread_time()
            function()
            if turn:
                times[name].append((time.thread_time() - before) * 1e3)
    return {name: statistics.median(values) for name, values in times.items()}


def main(photos: list[Path]) -> None:
    if not HAVE_EXTENSION:
        sys.exit("the extension is not built")
    print(
        f"{'photo':12} {'from':>11} {'to':>9} {'C linear':>9} {'C coded':>9} {'Pillow coded':>13} {'Pillow linear':>14}"
    )
    ratios: list[tuple[float, float]] = []
    for photo in photos:
        image = drafted(photo)
        size = (WIDTH, -(-WIDTH * image.height // image.width))
        times = measured(ways(image, size))
        linear = times["C linear"]
        ratio = times["Pillow coded"] / linear, times["Pillow linear"] / linear
        ratios.append(ratio)
        shape, result = "x".join(map(str, image.size)), "x".join(map(str, size))
        print(
            f"{photo.stem:12} {shape:>11} {result:>9} {linear:7.1f}ms {times['C coded']:7.1f}ms "
            f"{times['Pillow coded']:5.1f}ms {ratio[0]:4.1f}x {times['Pillow linear']:6.1f}ms {ratio[1]:4.1f}x"
        )
    coded, linear_light = (statistics.mean(column) for column in zip(*ratios, strict=True))
    print(f"Pillow's time over C linear, mean: coded {coded:.1f}x, linear {linear_light:.1f}x")


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
