"""Renditions from bases: processor time, and SSIMULACRA2 against a full-size reduction in linear light.

    python bench/bases.py PHOTO...

Each photo is rendered 400 px wide from the source alone, and from the base that is made for that; the scores are also
those of other widths, each from the base that is made for it. The reference is that of quality.py. Needs the ``bench``
extra and NumPy.
"""

from __future__ import annotations

import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import attrs
from PIL import Image
from quality import reference, score

from qisd.imaging import bases
from qisd.imaging.geometry import Size, plan
from qisd.imaging.picture import DecodeLimits, SourceInfo
from qisd.imaging.render import RenderSettings, Rendition, render
from qisd.imaging.source import probe
from qisd.imaging.spec import ImageSpec

T = TypeVar("T")

_ROUNDS = 7
_SETTINGS = RenderSettings()
_SPEC = ImageSpec(width=400, quality=80, strip=True, colorspace="rgb")
_WIDTHS = (100, 150, 200, 265, 300, 350, 400, 500, 600)


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


@attrs.frozen(kw_only=True)
class Measured:
    """A photo: milliseconds of processor time, bytes, and SSIMULACRA2 by width."""

    from_source: float
    making: float
    from_base: float
    base_bytes: int
    scores: dict[int, float]


def measured(photo: Path, folder: str) -> Measured:
    data = photo.read_bytes()
    info = probe(io.BytesIO(data), extension="jpg", page=None, limits=DecodeLimits())
    level = _level(info, _SPEC)
    source, _ = timed(lambda: made(data, _SPEC, 0, None))
    making, rendition = timed(lambda: made(data, _SPEC, level, None))
    base = rendition.base or b""
    later, _ = timed(lambda: made(data, _SPEC, level, base))
    return Measured(
        from_source=source,
        making=making,
        from_base=later,
        base_bytes=len(base),
        scores={width: _score(photo, data, _level(info, spec), spec, folder) for width, spec in _lossless()},
    )


def _lossless() -> list[tuple[int, ImageSpec]]:
    return [(width, ImageSpec(width=width, format="png")) for width in _WIDTHS]


def _level(info: SourceInfo, spec: ImageSpec) -> int:
    return bases.level_for(info, spec, plan(spec, Size(info.width, info.height)), least_area=1)


def _score(photo: Path, data: bytes, level: int, spec: ImageSpec, folder: str) -> float:
    ours = Image.open(io.BytesIO(made(data, spec, level, None).data)).convert("RGB")
    return score(reference(photo, *ours.size), ours, folder)


def main(photos: list[Path]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rows = [measured(photo, folder) for photo in photos]
    print(f"{'photo':16} {'source ms':>10} {'making ms':>10} {'base ms':>10} {'base kB':>8}  SSIMULACRA2 by width")
    for photo, row in zip(photos, rows, strict=True):
        scores = ", ".join(f"{width}: {found:.1f}" for width, found in row.scores.items())
        print(
            f"{photo.name:16} {row.from_source:10.1f} {row.making:10.1f} {row.from_base:10.1f}"
            f" {row.base_bytes / 1000:8.0f}  {scores}"
        )
    for name in ("from_source", "making", "from_base"):
        print(f"mean {name}: {statistics.mean(getattr(row, name) for row in rows):.1f} ms")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
