"""The few drawing means that the sample pictures share: noise, gradients, smooth shapes with soft edges and shading.

Coordinates are fractions of the picture's width and height; pictures are float arrays (height, width, 3) in 0…1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[float, float, float]
Points = Sequence[tuple[float, float]]
_SUPERSAMPLING = 2


def colour(text: str) -> Colour:
    """``rrggbb`` as three floats."""
    red, green, blue = (int(text[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return red, green, blue


def ramp(values: np.ndarray, stops: Sequence[tuple[float, str]]) -> np.ndarray:
    """Colours for ``values`` by linear interpolation between ``stops`` (position, ``rrggbb``)."""
    positions = [position for position, _ in stops]
    colours = np.array([colour(text) for _, text in stops])
    return np.stack([np.interp(values, positions, colours[:, channel]) for channel in range(3)], axis=-1)


def grid(width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """x and y of every pixel as fractions."""
    x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    return x, y


def noise(width: int, height: int, *, cells: float, octaves: int, seed: int, stretch: float = 1.0) -> np.ndarray:
    """Value noise summed over ``octaves``, about 0…1; ``cells`` across the width, ``stretch`` times fewer down."""
    random = np.random.default_rng(seed)
    total, weight, amplitude = np.zeros((height, width)), 0.0, 1.0
    for _ in range(octaves):
        across = max(2, round(cells) + 1)
        down = max(2, round(cells * height / width / stretch) + 1)
        coarse = Image.fromarray(random.random((down, across)).astype(np.float32))
        total += amplitude * np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
        weight, amplitude, cells = weight + amplitude, amplitude / 2, cells * 2
    return total / weight


def smooth(points: Points, *, steps: int = 24) -> list[tuple[float, float]]:
    """A closed Catmull-Rom curve through ``points``."""
    count, curve = len(points), []
    for index in range(count):
        p0, p1, p2, p3 = (np.array(points[(index + offset) % count]) for offset in (-1, 0, 1, 2))
        for step in range(steps):
            t = step / steps
            point = 0.5 * (
                2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3
            )
            curve.append((float(point[0]), float(point[1])))
    return curve


def mask(width: int, height: int, points: Points, *, blur: float = 0.0) -> np.ndarray:
    """Coverage 0…1 of the polygon; ``blur`` in fractions of the width softens its edge."""
    scale = _SUPERSAMPLING
    image = Image.new("L", (width * scale, height * scale))
    ImageDraw.Draw(image).polygon([(x * width * scale, y * height * scale) for x, y in points], fill=255)
    image = image.resize((width, height), Image.Resampling.BOX)
    if blur:
        image = image.filter(ImageFilter.GaussianBlur(blur * width))
    return np.asarray(image, dtype=np.float64) / 255


def ellipse(x: float, y: float, rx: float, ry: float, *, turn: float = 0.0, aspect: float = 1.0) -> Points:
    """An ellipse as points; ``ry`` is in fractions of the width when ``aspect`` is width / height."""
    angles = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    dx, dy = rx * np.cos(angles), ry * np.sin(angles)
    cos, sin = np.cos(turn), np.sin(turn)
    return [
        (float(x + a * cos - b * sin), float(y + (a * sin + b * cos) * aspect)) for a, b in zip(dx, dy, strict=True)
    ]


def paint(
    picture: np.ndarray, coverage: np.ndarray, paint_colour: Colour | np.ndarray, *, opacity: float = 1.0
) -> None:
    """Lay a colour (or a picture of colours) over ``picture`` where ``coverage`` says, in place."""
    amount = (coverage * opacity)[..., None]
    picture *= 1 - amount
    picture += amount * np.asarray(paint_colour)


def save(picture: np.ndarray, path: str, *, grain: float = 0.012, seed: int = 1, quality: int = 88) -> None:
    """Write an 8-bit JPEG with a little film grain, which also keeps gradients from banding."""
    random = np.random.default_rng(seed)
    grained = picture + random.normal(0, grain, picture.shape[:2])[..., None]
    image = Image.fromarray((np.clip(grained, 0, 1) * 255 + 0.5).astype(np.uint8))
    image.save(path, quality=quality, subsampling="4:2:0", optimize=True, dpi=(72, 72))
