"""penguin.jpg: an emperor penguin on the ice in the evening sun."""

from __future__ import annotations

import numpy as np
from brush import Points, colour, ellipse, grid, mask, noise, paint, ramp, save, smooth

WIDTH, HEIGHT = 2000, 3000
ASPECT = WIDTH / HEIGHT

_GROUND, _SCALE = 0.925, 0.8


def landscape() -> np.ndarray:
    x, y = grid(WIDTH, HEIGHT)
    sky = [(0.0, "2f5d9b"), (0.22, "6f9fce"), (0.4, "c9d8e4"), (0.5, "fbe3c4"), (0.56, "ffd2a0")]
    picture = ramp(y + 0.02 * (noise(WIDTH, HEIGHT, cells=3, octaves=5, seed=3) - 0.5), sky)
    clouds = np.clip(noise(WIDTH, HEIGHT, cells=3, octaves=6, seed=8, stretch=0.35) * 2.4 - 1.25, 0, 1)
    paint(picture, clouds * np.clip(1 - y / 0.5, 0, 1), colour("fff4ea"), opacity=0.75)
    sun = np.exp(-(((x - 0.8) / 0.2) ** 2 + ((y - 0.47) / 0.12) ** 2))
    paint(picture, sun, colour("fff1cf"), opacity=0.9)
    for base, height, seed, shades in ((0.5, 0.09, 11, ("9fb6d3", "d7e3f0")), (0.545, 0.06, 12, ("6f8fba", "e8f1fa"))):
        ridge = base - height * noise(WIDTH, 2, cells=5, octaves=7, seed=seed)[0][None, :]
        cover = np.clip((y - ridge) * 600, 0, 1) * (y < 0.6)
        light = noise(WIDTH, HEIGHT, cells=24, octaves=5, seed=seed + 20, stretch=0.5)
        paint(picture, cover, ramp(np.clip(light * 1.8 - 0.4, 0, 1), [(0, shades[0]), (1, shades[1])]))
    return picture


def ice(picture: np.ndarray) -> None:
    _, y = grid(WIDTH, HEIGHT)
    sea = mask(WIDTH, HEIGHT, [(0, 0.557), (1, 0.557), (1, 0.66), (0, 0.66)])
    ripples = noise(WIDTH, HEIGHT, cells=30, octaves=4, seed=31, stretch=0.08)
    paint(picture, sea, ramp(np.clip(ripples * 1.6 - 0.3, 0, 1), [(0, "2d5f86"), (0.6, "5f97b8"), (1, "ffdcb4")]))
    shore: Points = [
        (0, 0.605),
        (0.18, 0.597),
        (0.33, 0.607),
        (0.55, 0.595),
        (0.78, 0.609),
        (1, 0.6),
        (1, 1.01),
        (0, 1.01),
    ]
    snow = noise(WIDTH, HEIGHT, cells=7, octaves=7, seed=40, stretch=0.25)
    shades = ramp(np.clip(snow * 1.5 - 0.25 + (y - 0.8) * 0.2, 0, 1), [(0, "a9c4e2"), (0.5, "e4eef8"), (1, "fffaf2")])
    paint(picture, mask(WIDTH, HEIGHT, shore), shades)
    paint(
        picture,
        mask(WIDTH, HEIGHT, [(0, 0.6), (1, 0.6), (1, 0.609), (0, 0.612)], blur=0.002),
        colour("7fa6c9"),
        opacity=0.5,
    )


def placed(points: Points) -> Points:
    """The points of the bird, drawn large, made smaller towards its feet, so that there is sky above its head."""
    return [(0.5 + (x - 0.5) * _SCALE, _GROUND - (_GROUND - y) * _SCALE) for x, y in points]


def part(
    picture: np.ndarray,
    points: Points,
    shades: list[tuple[float, str]],
    *,
    light: float = 0.62,
    blur: float = 0.0009,
    seed: int = 50,
    texture: float = 0.1,
) -> None:
    """One smooth part of the body, shaded as a round thing lit from the right."""
    points = placed(points)
    cover = mask(WIDTH, HEIGHT, smooth(points), blur=blur)
    x, y = grid(WIDTH, HEIGHT)
    left, right = min(p[0] for p in points), max(p[0] for p in points)
    top, bottom = min(p[1] for p in points), max(p[1] for p in points)
    u, v = (x - left) / (right - left), (y - top) / (bottom - top)
    shade = 1 - ((u - light) / 0.75) ** 2 - 0.25 * (v - 0.35) ** 2
    feathers = noise(WIDTH, HEIGHT, cells=150, octaves=3, seed=seed, stretch=3.0) - 0.5
    paint(picture, cover, ramp(np.clip(shade + texture * feathers, 0, 1), shades))


def penguin(picture: np.ndarray) -> None:
    black = [(0.0, "0c1017"), (0.6, "1d2733"), (0.9, "3a4a5c"), (1.0, "56697d")]
    white = [(0.0, "8fa3ba"), (0.45, "d5dde6"), (0.8, "fbf9f4"), (1.0, "fffdf6")]
    feet = [(0.0, "15161a"), (1.0, "4b4a4d")]
    paint(
        picture,
        mask(WIDTH, HEIGHT, placed(ellipse(0.36, 0.915, 0.33, 0.045, aspect=ASPECT)), blur=0.02),
        colour("5f7fa6"),
        opacity=0.6,
    )
    for shift in (-0.085, 0.085):
        toes = [
            (0.47 + shift, 0.885),
            (0.40 + shift, 0.915),
            (0.425 + shift, 0.925),
            (0.47 + shift, 0.92),
            (0.515 + shift, 0.926),
            (0.56 + shift, 0.914),
            (0.52 + shift, 0.885),
        ]
        part(picture, toes, feet, seed=60)
    part(picture, [(0.42, 0.86), (0.34, 0.915), (0.36, 0.925), (0.46, 0.9)], black, seed=61)
    body = [
        (0.47, 0.29),
        (0.56, 0.3),
        (0.62, 0.37),
        (0.685, 0.5),
        (0.7, 0.64),
        (0.68, 0.79),
        (0.62, 0.885),
        (0.5, 0.905),
        (0.38, 0.885),
        (0.32, 0.79),
        (0.3, 0.64),
        (0.315, 0.5),
        (0.37, 0.37),
        (0.41, 0.31),
    ]
    part(picture, body, black, seed=62)
    belly = [
        (0.5, 0.355),
        (0.585, 0.39),
        (0.64, 0.5),
        (0.655, 0.64),
        (0.635, 0.78),
        (0.58, 0.87),
        (0.49, 0.885),
        (0.4, 0.865),
        (0.355, 0.78),
        (0.345, 0.64),
        (0.365, 0.5),
        (0.42, 0.39),
    ]
    part(picture, belly, white, blur=0.004, seed=63, texture=0.16)
    chest = mask(
        WIDTH,
        HEIGHT,
        smooth(placed([(0.42, 0.36), (0.5, 0.345), (0.585, 0.365), (0.6, 0.43), (0.5, 0.47), (0.4, 0.43)])),
        blur=0.03,
    )
    paint(picture, chest, colour("ffd257"), opacity=0.62)
    left_wing = [
        (0.36, 0.4),
        (0.315, 0.46),
        (0.262, 0.6),
        (0.25, 0.7),
        (0.272, 0.725),
        (0.305, 0.68),
        (0.345, 0.58),
        (0.372, 0.47),
    ]
    right_wing = [
        (0.635, 0.4),
        (0.68, 0.46),
        (0.735, 0.59),
        (0.765, 0.69),
        (0.75, 0.718),
        (0.715, 0.68),
        (0.665, 0.58),
        (0.632, 0.47),
    ]
    part(picture, left_wing, black, light=0.75, seed=64)
    part(picture, right_wing, [(0.0, "10151d"), (0.7, "2c3a49"), (1.0, "7d92a6")], light=0.8, seed=65)
    head = [
        (0.49, 0.195),
        (0.55, 0.205),
        (0.59, 0.245),
        (0.595, 0.295),
        (0.575, 0.345),
        (0.5, 0.365),
        (0.42, 0.35),
        (0.39, 0.3),
        (0.395, 0.245),
        (0.435, 0.205),
    ]
    part(picture, head, black, seed=66)
    for patch in (
        [(0.425, 0.275), (0.45, 0.29), (0.455, 0.33), (0.44, 0.362), (0.415, 0.35), (0.405, 0.31)],
        [(0.57, 0.275), (0.59, 0.3), (0.588, 0.335), (0.568, 0.362), (0.548, 0.345), (0.55, 0.3)],
    ):
        part(picture, patch, [(0.0, "d9861f"), (0.5, "f9b233"), (1.0, "ffe28a")], blur=0.005, seed=67)
    beak_top = [
        (0.515, 0.262),
        (0.57, 0.258),
        (0.64, 0.272),
        (0.69, 0.29),
        (0.682, 0.295),
        (0.62, 0.287),
        (0.56, 0.284),
        (0.52, 0.282),
    ]
    beak_low = [(0.53, 0.283), (0.58, 0.284), (0.63, 0.289), (0.665, 0.294), (0.62, 0.299), (0.56, 0.296)]
    part(picture, beak_low, [(0.0, "b3541e"), (1.0, "f08a4b")], seed=68)
    part(picture, beak_top, [(0.0, "11151b"), (1.0, "4a5563")], seed=69)
    for points, shade, blur in (
        (ellipse(0.535, 0.25, 0.0135, 0.0135, aspect=ASPECT), "3b2a1c", 0.0006),
        (ellipse(0.536, 0.25, 0.0085, 0.0085, aspect=ASPECT), "050506", 0.0006),
        (ellipse(0.5405, 0.2475, 0.0032, 0.0032, aspect=ASPECT), "ffffff", 0.0005),
    ):
        paint(picture, mask(WIDTH, HEIGHT, placed(points), blur=blur), colour(shade))


def snowfall(picture: np.ndarray) -> None:
    random = np.random.default_rng(90)
    for size, count, opacity in ((0.0016, 160, 0.7), (0.0032, 60, 0.55), (0.007, 14, 0.35)):
        cover = np.zeros((HEIGHT, WIDTH))
        for fx, fy in random.random((count, 2)):
            reach = int(size * WIDTH * 2)
            cx, cy = int(fx * WIDTH), int(fy * HEIGHT)
            rows, columns = np.ogrid[
                max(cy - reach, 0) : min(cy + reach, HEIGHT), max(cx - reach, 0) : min(cx + reach, WIDTH)
            ]
            spot = np.exp(-((rows - cy) ** 2 + (columns - cx) ** 2) / (size * WIDTH) ** 2)
            area = cover[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
            np.maximum(area, spot, out=area)
        paint(picture, cover, colour("ffffff"), opacity=opacity)


def draw(path: str) -> None:
    picture = landscape()
    ice(picture)
    penguin(picture)
    snowfall(picture)
    save(picture, path)


if __name__ == "__main__":
    draw("penguin.jpg")
