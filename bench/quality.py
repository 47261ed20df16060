"""Quality of a 400 px rendition: SSIMULACRA2 against a full-size Lanczos reduction in linear light.

    python bench/quality.py PHOTO...

The reference is computed here with NumPy in double precision from the fully decoded photo; libvips' thumbnail stands
beside ours. Needs the ``bench`` extra, NumPy and Debian's libvips-tools.
"""

from __future__ import annotations

import io
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from daemon import running
from PIL import Image
from ssimulacra2 import compute_ssimulacra2


def _weights(source: int, target: int) -> np.ndarray:
    """The (target, source) matrix of a Lanczos-3 reduction, pixel centres at half-integers."""
    scale = source / target
    centres = (np.arange(target) + 0.5) * scale
    x = (np.arange(source)[None, :] + 0.5 - centres[:, None]) / scale
    weights = np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0.0)
    return weights / weights.sum(axis=1, keepdims=True)


def reference(photo: Path, width: int, height: int) -> Image.Image:
    coded = np.asarray(Image.open(photo).convert("RGB"), dtype=np.float64) / 255
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    down = np.einsum("yh,hwc->ywc", _weights(linear.shape[0], height), linear, optimize=True)
    small = np.clip(np.einsum("xw,ywc->yxc", _weights(linear.shape[1], width), down, optimize=True), 0, 1)
    back = np.where(small <= 0.0031308, small * 12.92, 1.055 * small ** (1 / 2.4) - 0.055)
    return Image.fromarray((back * 255 + 0.5).astype(np.uint8))


def score(a: Image.Image, b: Image.Image, folder: str) -> float:
    names = f"{folder}/a.png", f"{folder}/b.png"
    a.save(names[0])
    b.save(names[1])
    return float(compute_ssimulacra2(*names))


def main(photos: list[Path]) -> None:
    scores: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder, running(photos) as daemon:
        print(f"{'photo':16} {'qisd':>8} {'libvips':>8}")
        for photo in photos:
            ours = Image.open(io.BytesIO(daemon.get(f"/image?src=/photos/{photo.name}&width=400&format=png")))
            target = reference(photo, *ours.size)
            out = f"{folder}/vips.png"
            subprocess.run(
                ["vipsthumbnail", "--size", f"{ours.width}x{ours.height}!", "-o", out, str(photo)], check=True
            )
            pair = score(target, ours.convert("RGB"), folder), score(target, Image.open(out).convert("RGB"), folder)
            scores.append(pair)
            print(f"{photo.stem:16} {pair[0]:8.1f} {pair[1]:8.1f}")
    ours_all, vips_all = zip(*scores, strict=True)
    print(f"{'mean':16} {statistics.mean(ours_all):8.1f} {statistics.mean(vips_all):8.1f}")
    print(f"{'least':16} {min(ours_all):8.1f} {min(vips_all):8.1f}")


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
