"""Pictures made in memory, and the pipeline run on them, for the tests of what happens between decoder and encoder."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

from PIL import Image, ImageChops, ImageDraw, ImageStat

from qisd.imaging.formats import FormatTable
from qisd.imaging.geometry import Size, plan
from qisd.imaging.metadata import Metadata
from qisd.imaging.picture import Picture, SourceInfo
from qisd.imaging.pipeline import Job, Work, begin, run
from qisd.imaging.profiles import BUILT_IN, ProfileStore
from qisd.imaging.spec import UNIT, ImageSpec

FORMATS = FormatTable()
STORE = ProfileStore.load(BUILT_IN, lambda warning: None)
MODES = ("1", "L", "LA", "P", "P+transparency", "PA", "RGB", "RGBA", "CMYK", "I;16")


def info_of(width: int, height: int, **changes: Any) -> SourceInfo:
    """What is known of a JPEG of so many pixels, but for ``changes``."""
    fields = {"format": "jpg", "mode": "RGB", "pages": 1, "has_alpha": False, "orientation": 1}
    fields |= {"decoded_bytes": 4 * width * height, "decoder_bytes": 0, "width": width, "height": height}
    return SourceInfo(**(fields | changes))  # type: ignore[arg-type]


def photo(width: int = 96, height: int = 64, mode: str = "RGB") -> Image.Image:
    """Something like a photo: gradients, a bright disc, a dark line, and some noise. Always the same."""
    noise = random.Random(7)
    image = Image.new("RGB", (width, height))
    image.putdata(
        [
            (
                min(255, 255 * x // width + noise.randrange(12)),
                min(255, 200 * y // height + noise.randrange(12)),
                min(255, 40 + 180 * (width - x) // width + noise.randrange(12)),
            )
            for y in range(height)
            for x in range(width)
        ]
    )
    draw = ImageDraw.Draw(image)
    draw.ellipse((width // 4, height // 4, width // 2, height * 3 // 4), fill=(250, 220, 30))
    draw.line((0, height - 1, width, 0), fill=(10, 20, 15), width=2)
    return in_mode(image, mode)


def in_mode(image: Image.Image, mode: str) -> Image.Image:
    """An RGB image in one of :data:`MODES`; where there is alpha, it is a gradient from top to bottom."""
    if mode in ("RGBA", "LA"):
        full = image.convert("RGBA")
        full.putalpha(Image.linear_gradient("L").resize(image.size))
        return full.convert(mode)
    if mode == "PA":
        return image.quantize(16).convert("PA")
    if mode == "P+transparency":
        palette = image.quantize(16)
        palette.info["transparency"] = 3
        return palette
    if mode == "P":
        return image.quantize(16)
    if mode == "I;16":
        return image.convert("L").convert("I").point(lambda value: value * 257).convert("I;16")
    return image.convert(mode)


def picture(image: Image.Image, icc: bytes | None = None, full_size: Size | None = None) -> Picture:
    row = FORMATS.by_extension("png")
    assert row is not None
    size = full_size or Size(*image.size)
    return Picture(image=image, icc=icc, metadata=Metadata(), dpi=None, full_size=size, format=row)


def degrees(angle: float) -> int:
    return round(angle * UNIT)


def process(
    image: Image.Image,
    *,
    icc: bytes | None = None,
    to: str = "png",
    overlay: Picture | None = None,
    quality: int = 3,
    gamma_correct: bool = True,
    full_size: Size | None = None,
    **options: Any,
) -> Work:
    """The image after all steps of the pipeline, for a spec of these options."""
    spec = ImageSpec(**options)
    row = FORMATS.by_extension(to)
    assert row is not None
    source = picture(image, icc, full_size)
    job = Job(
        spec=spec,
        plan=plan(spec, source.full_size),
        format=row,
        profiles=STORE,
        quality=quality,
        gamma_correct=gamma_correct,
        overlay=overlay,
    )
    return run(begin(source), job, checkpoint=lambda: None)


def rms(one: Image.Image, other: Image.Image) -> float:
    """Root of the mean square of the differences, over all channels, of 255."""
    assert one.size == other.size, (one, other)
    assert one.mode == other.mode, (one, other)
    values: Iterable[float] = ImageStat.Stat(ImageChops.difference(one, other)).rms
    squares = [value**2 for value in values]
    return float((sum(squares) / len(squares)) ** 0.5)


def same(one: Image.Image, other: Image.Image) -> bool:
    return one.mode == other.mode and one.size == other.size and one.tobytes() == other.tobytes()
