"""Renditions from bases: processor time, and SSIMULACRA2 against a full-size reduction in linear light.

    python bench/bases.py PHOTO...

Each photo is rendered 400 px wide from the source alone, and from the base that is made for that. The reference is that
of quality.py. Needs the ``bench`` extra and NumPy.
"""

from __future__ import annotations

import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from PIL import Image
from quality import reference, score

from qisd.imaging import bases
from qisd.imaging.geometry import Size, plan
from qisd.imaging.picture import DecodeLimits
from qisd.imaging.render import RenderSettings, Rendition, render
from qisd.imaging.source import probe
from qisd.imaging.spec import ImageSpec

T = TypeVar("T")

_ROUNDS = 7
_SETTINGS = RenderSettings()
_SPEC = ImageSpec(width=400, quality=80, strip=True, colorspace="rgb")
_LOSSLESS = ImageSpec(width=400, format="png")


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Milliseconds of processor time, the least of some rounds, and the result."""
    taken = []
    for _ in range(_ROUNDS):
        began = time.thread_time()
        made = work()
        taken.append(time.thread_time() - began)
    return min(taken) * 1000, made


def made(data: bytes, spec: ImageSpec, level: int, base: bytes | None) -> Rendition:
    return render(
        io.BytesIO(data),
        extension="jpg",
        spec=spec,
        settings=_SETTINGS,
        level=level,
        base=base,
        checkpoint=lambda: None,
    )


def measured(photo: Path, folder: str) -> tuple[float, ...]:
    """Milliseconds from the source, with making the base, and from it; its kB; the scores from it and without it."""
    data = photo.read_bytes()
    info = probe(io.BytesIO(data), extension="jpg", page=None, limits=DecodeLimits())
    level = bases.level_for(info, _SPEC, plan(_SPEC, Size(info.width, info.height)), least_area=1)
    source, _ = timed(lambda: made(data, _SPEC, 0, None))
    first, rendition = timed(lambda: made(data, _SPEC, level, None))
    base = rendition.base or b""
    later, _ = timed(lambda: made(data, _SPEC, level, base))
    scores = []
    for step in (level, 0):
        ours = Image.open(io.BytesIO(made(data, _LOSSLESS, step, base if step else None).data)).convert("RGB")
        scores.append(score(reference(photo, *ours.size), ours, folder))
    return source, first, later, len(base) / 1000, *scores


def main(photos: list[Path]) -> None:
    print(
        f"{'photo':16} {'source ms':>10} {'making ms':>10} {'base ms':>10} {'base kB':>8} {'score':>7} {'without':>8}"
    )
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for photo in photos:
            rows.append(measured(photo, folder))
            show(photo.name, rows[-1])
    show("mean", [statistics.mean(column) for column in zip(*rows, strict=True)])


def show(name: str, row: Sequence[float]) -> None:
    print(f"{name:16} {row[0]:10.1f} {row[1]:10.1f} {row[2]:10.1f} {row[3]:8.0f} {row[4]:7.1f} {row[5]:8.1f}")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
