"""The other sample pictures: acrylic, cityscape, coffee, mercedes, mountains (JPEG) and two logos with alpha (PNG)."""

from __future__ import annotations

import numpy as np
from brush import colour, ellipse, grid, mask, noise, paint, ramp, save, smooth
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 3000, 2000
ASPECT = WIDTH / HEIGHT


def acrylic(path: str) -> None:
    """Poured paint: noise whose coordinates are bent by noise, twice."""
    x, y = grid(WIDTH, HEIGHT)
    first = noise(WIDTH, HEIGHT, cells=3, octaves=4, seed=1)
    second = noise(WIDTH, HEIGHT, cells=4, octaves=5, seed=2)
    bent = noise(WIDTH, HEIGHT, cells=5, octaves=5, seed=3)
    column = np.clip(((x + 0.5 * (first - 0.5)) % 1) * (WIDTH - 1), 0, WIDTH - 1).astype(int)
    row = np.clip(((y + 0.5 * (second - 0.5)) % 1) * (HEIGHT - 1), 0, HEIGHT - 1).astype(int)
    bands = 0.5 + 0.5 * np.sin(26 * (bent[row, column] + 0.35 * first + 0.2 * y))
    picture = ramp(
        bands,
        [
            (0, "0b2545"),
            (0.22, "13707a"),
            (0.42, "2ec4b6"),
            (0.58, "fdf7e3"),
            (0.74, "f4a259"),
            (0.9, "d1495b"),
            (1, "6a1b4d"),
        ],
    )
    slope_y, slope_x = np.gradient(bands * 0.6 + bent[row, column])
    picture *= (1 + np.clip((slope_x + slope_y) * 40, -0.22, 0.22))[..., None]
    save(picture, path)


def mountains(path: str) -> None:
    """Seven ridges in the haze of a morning, over a lake."""
    width, height = 2400, 3000
    x, y = grid(width, height)
    picture = ramp(y, [(0, "23427a"), (0.25, "6d83b8"), (0.42, "f0a98a"), (0.52, "ffe0b0"), (1, "ffe0b0")])
    glow = np.exp(-(((x - 0.36) / 0.3) ** 2 + ((y - 0.44) / 0.12) ** 2))
    paint(picture, glow, colour("fff3d6"), opacity=0.85)
    for index in range(7):
        depth = index / 6
        base = 0.42 + 0.31 * depth**1.2
        line = base - (0.2 - 0.09 * depth) * (
            noise(width, 2, cells=3 + 2 * index, octaves=9, seed=100 + index)[0] - 0.3
        )
        cover = np.clip((y - line[None, :]) * height / 2, 0, 1)
        rock = noise(width, height, cells=18 + 8 * index, octaves=6, seed=120 + index, stretch=0.7) - 0.5
        far, near = np.array(colour("d9a4a0")), np.array(colour("101c2b"))
        shade = far * (1 - depth) ** 1.3 + near * (1 - (1 - depth) ** 1.3)
        haze = np.clip((y - line[None, :]) / 0.16, 0, 1)[..., None] * (1 - depth) * 0.45
        tone = shade * (1 + 0.5 * rock[..., None]) * (1 - haze) + np.array(colour("ffd9b8")) * haze
        paint(picture, cover, tone)
    shore = int(0.8 * height)
    mirrored = picture[shore - (height - shore) : shore][::-1].copy()
    ripple = ((noise(width, height - shore, cells=60, octaves=3, seed=140, stretch=0.06) - 0.5) * 60).astype(int)
    rows = np.clip(np.arange(height - shore)[:, None] + ripple, 0, height - shore - 1)
    picture[shore:] = mirrored[rows, np.arange(width)[None, :]] * 0.72 + np.array(colour("16314d")) * 0.18
    save(picture, path)


def cityscape(path: str) -> None:
    """A skyline at dusk with lit windows, mirrored in the river."""
    width, height = 2400, 1602
    random = np.random.default_rng(7)
    _, y = grid(width, height)
    picture = ramp(y, [(0, "0d1b3e"), (0.35, "3b3f7a"), (0.55, "c3617a"), (0.68, "ffb36b"), (1, "ffb36b")])
    clouds = np.clip(noise(width, height, cells=4, octaves=6, seed=5, stretch=0.2) * 2.6 - 1.5, 0, 1)
    paint(picture, clouds * (y < 0.66), colour("ff9c85"), opacity=0.5)
    paint(
        picture,
        mask(width, height, ellipse(0.82, 0.16, 0.03, 0.03, aspect=width / height), blur=0.001),
        colour("fff6df"),
    )
    shore = int(0.72 * height)
    for depth in (0.25, 0.55, 1.0):
        at = -0.01
        while at < 1:
            wide = random.uniform(0.02, 0.055) * (0.8 + 0.4 * depth)
            tall = random.uniform(0.12, 0.5) * (1.05 - 0.45 * depth)
            left, right, top = int(max(at, 0) * width), int(min(at + wide, 1) * width), int((0.72 - tall) * height)
            tower = np.array(colour("5a4a78")) * (1 - depth) + np.array(colour("10142a")) * depth
            picture[top:shore, left:right] = (
                tower * (1 + 0.25 * (np.arange(right - left) / max(right - left, 1)))[None, :, None]
            )
            step = int(10 + 5 * depth)
            for wy in range(top + step, shore - step, step):
                for wx in range(left + step // 2, right - step, step):
                    if random.random() < 0.34:
                        picture[wy : wy + step // 2, wx : wx + step // 2] = colour(
                            ("ffd98a", "ffefc4", "ffb65c", "a7d8ff")[random.integers(4)]
                        )
            if random.random() < 0.25 and right > left:
                middle = (left + right) // 2
                picture[max(top - int(0.05 * height), 0) : top, middle - 1 : middle + 2] = tower
            at += wide + random.uniform(0, 0.012)
    river = height - shore
    ripple = ((noise(width, river, cells=50, octaves=4, seed=9, stretch=0.05) - 0.5) * 70).astype(int)
    rows = np.clip(np.arange(river)[:, None] + ripple, 0, river - 1)
    mirrored = picture[shore - river : shore][::-1]
    picture[shore:] = mirrored[rows, np.arange(width)[None, :]] * 0.6 + np.array(colour("0b1a33")) * 0.3
    save(picture, path)


def coffee(path: str) -> None:
    """A cup of coffee with a leaf of milk in it, from above, on a wooden table."""
    x, y = grid(WIDTH, HEIGHT)
    grain = noise(WIDTH, HEIGHT, cells=4, octaves=4, seed=21, stretch=0.06)
    fibres = noise(WIDTH, HEIGHT, cells=14, octaves=6, seed=22, stretch=0.03)
    wood = 0.5 + 0.5 * np.sin(60 * (grain + 0.03 * fibres))
    picture = ramp(0.7 * wood + 0.3 * fibres, [(0, "5b371f"), (0.5, "8a5a34"), (1, "b98354")])
    planks = np.abs(((y * 4) % 1) - 0.5) > 0.492
    paint(picture, planks.astype(float), colour("2d190c"), opacity=0.8)
    light = np.clip(1.15 - 0.55 * np.hypot(x - 0.25, (y - 0.1) / ASPECT), 0.5, 1.1)
    picture *= light[..., None]
    cx, cy = 0.52, 0.52

    def ring(
        rx: float, shade: str, *, blur: float = 0.0008, dx: float = 0.0, dy: float = 0.0, opacity: float = 1.0
    ) -> None:
        cover = mask(WIDTH, HEIGHT, ellipse(cx + dx, cy + dy, rx, rx, aspect=ASPECT), blur=blur)
        paint(picture, cover, colour(shade), opacity=opacity)

    ring(0.262, "120a05", blur=0.02, dx=0.02, dy=0.035, opacity=0.65)
    ring(0.255, "e8e4dc")
    ring(0.248, "f7f4ee")
    ring(0.19, "d4cec4", blur=0.012)
    handle = smooth([(0.66, 0.44), (0.755, 0.37), (0.785, 0.41), (0.765, 0.47), (0.675, 0.52)])
    paint(
        picture,
        mask(WIDTH, HEIGHT, [(px + 0.012, py + 0.02) for px, py in handle], blur=0.008),
        colour("3a2a1c"),
        opacity=0.4,
    )
    paint(picture, mask(WIDTH, HEIGHT, handle, blur=0.001), colour("fbf9f5"))
    ring(0.178, "4a382a", blur=0.012, dx=0.008, dy=0.014, opacity=0.5)
    ring(0.17, "fdfbf7")
    ring(0.158, "cfc7ba", blur=0.003)
    distance = np.hypot(x - cx, (y - cy) / ASPECT) / 0.154
    foam = noise(WIDTH, HEIGHT, cells=40, octaves=5, seed=23)
    coffee_colours = ramp(
        np.clip(distance**2 * 0.8 + 0.35 * (foam - 0.5), 0, 1), [(0, "b9763d"), (0.6, "8f4f22"), (1, "4a230d")]
    )
    paint(picture, mask(WIDTH, HEIGHT, ellipse(cx, cy, 0.154, 0.154, aspect=ASPECT), blur=0.0008), coffee_colours)
    leaf = np.zeros((HEIGHT, WIDTH))
    for index in range(9):
        middle = cy - 0.15 + 0.036 * index
        reach = 0.022 + 0.075 * np.sin(np.pi * (index + 1.2) / 10.5)
        for side in (-1, 1):
            petal = [
                (cx, middle + 0.045),
                (cx + side * reach * 0.55, middle + 0.012),
                (cx + side * reach, middle - 0.03),
                (cx + side * reach * 0.85, middle - 0.045),
                (cx + side * reach * 0.4, middle - 0.014),
                (cx, middle + 0.02),
            ]
            leaf = np.maximum(leaf, mask(WIDTH, HEIGHT, smooth(petal), blur=0.0012))
    stem = mask(
        WIDTH,
        HEIGHT,
        smooth([(cx - 0.004, cy - 0.17), (cx + 0.004, cy - 0.17), (cx + 0.003, cy + 0.19), (cx - 0.003, cy + 0.19)]),
        blur=0.001,
    )
    paint(picture, np.clip(np.maximum(leaf, stem), 0, 1) * (distance < 0.93), colour("fff3df"), opacity=0.94)
    random = np.random.default_rng(24)
    for bx, by, turn in zip(
        random.uniform(0.04, 0.2, 9), random.uniform(0.58, 0.94, 9), random.uniform(0, 3.1, 9), strict=True
    ):
        paint(
            picture,
            mask(WIDTH, HEIGHT, ellipse(bx + 0.004, by + 0.008, 0.021, 0.013, turn=turn, aspect=ASPECT), blur=0.003),
            colour("1a0d05"),
            opacity=0.6,
        )
        paint(
            picture,
            mask(WIDTH, HEIGHT, ellipse(bx, by, 0.02, 0.0125, turn=turn, aspect=ASPECT), blur=0.0006),
            colour("3c1f10"),
        )
        paint(
            picture,
            mask(WIDTH, HEIGHT, ellipse(bx - 0.003, by - 0.004, 0.012, 0.005, turn=turn, aspect=ASPECT), blur=0.004),
            colour("8a5431"),
            opacity=0.7,
        )
        paint(
            picture,
            mask(WIDTH, HEIGHT, ellipse(bx, by, 0.018, 0.0015, turn=turn, aspect=ASPECT), blur=0.0006),
            colour("160a04"),
        )
    save(picture, path)


def mercedes(path: str) -> None:
    """An old saloon on a coast road."""
    _, y = grid(WIDTH, HEIGHT)
    picture = ramp(y, [(0, "4f9bd8"), (0.45, "cfe6f5"), (0.52, "f5efdf"), (1, "f5efdf")])
    clouds = np.clip(noise(WIDTH, HEIGHT, cells=4, octaves=6, seed=31, stretch=0.4) * 2.4 - 1.2, 0, 1) * np.clip(
        1 - y / 0.5, 0, 1
    )
    paint(picture, clouds, colour("ffffff"), opacity=0.85)
    waves = noise(WIDTH, HEIGHT, cells=40, octaves=4, seed=32, stretch=0.05)
    paint(
        picture,
        (y > 0.47).astype(float),
        ramp(np.clip(waves * 1.5 - 0.25, 0, 1), [(0, "1c6a94"), (0.7, "3ea3bd"), (1, "d7f3f2")]),
    )
    dunes = noise(WIDTH, HEIGHT, cells=9, octaves=7, seed=33, stretch=0.4)
    dune = 0.63 - 0.05 * noise(WIDTH, 2, cells=3, octaves=4, seed=34)[0][None, :]
    paint(picture, np.clip((y - dune) * 300, 0, 1), ramp(dunes, [(0, "8f9c5a"), (0.5, "c9bf80"), (1, "efe3b4")]))
    asphalt = noise(WIDTH, HEIGHT, cells=300, octaves=3, seed=35)
    paint(picture, (y > 0.74).astype(float), ramp(asphalt, [(0, "3c3f45"), (1, "6d7076")]))
    for start in np.arange(0.02, 1, 0.16):
        paint(
            picture,
            mask(WIDTH, HEIGHT, [(start, 0.925), (start + 0.09, 0.925), (start + 0.088, 0.94), (start - 0.002, 0.94)]),
            colour("f3efe2"),
        )
    paint(
        picture,
        mask(WIDTH, HEIGHT, ellipse(0.5, 0.865, 0.37, 0.018, aspect=ASPECT), blur=0.008),
        colour("101216"),
        opacity=0.75,
    )
    body = smooth(
        [
            (0.145, 0.72),
            (0.15, 0.665),
            (0.2, 0.64),
            (0.33, 0.625),
            (0.4, 0.62),
            (0.6, 0.62),
            (0.72, 0.628),
            (0.83, 0.64),
            (0.868, 0.67),
            (0.872, 0.74),
            (0.86, 0.8),
            (0.8, 0.82),
            (0.5, 0.825),
            (0.2, 0.82),
            (0.15, 0.79),
        ]
    )
    cabin = smooth([(0.325, 0.63), (0.385, 0.53), (0.42, 0.512), (0.58, 0.51), (0.625, 0.53), (0.7, 0.63), (0.5, 0.64)])
    paintwork = ramp(
        np.clip((y - 0.5) / 0.33, 0, 1),
        [(0, "e9d9b0"), (0.34, "c83e3a"), (0.5, "e0605a"), (0.62, "b22a2c"), (1, "5e1116")],
    )
    paint(picture, mask(WIDTH, HEIGHT, cabin, blur=0.0005), colour("efe6cf"))
    paint(picture, mask(WIDTH, HEIGHT, body, blur=0.0005), paintwork)
    glass = ramp(np.clip((y - 0.52) / 0.1, 0, 1), [(0, "cfe9f5"), (0.5, "6f9bb2"), (1, "24404f")])
    for window in (
        [(0.36, 0.622), (0.402, 0.545), (0.425, 0.53), (0.48, 0.528), (0.48, 0.622)],
        [(0.495, 0.622), (0.495, 0.528), (0.572, 0.528), (0.6, 0.545), (0.655, 0.622)],
    ):
        paint(picture, mask(WIDTH, HEIGHT, window, blur=0.0005), glass)
    for top, bottom, shade in ((0.700, 0.7055, "f6f3ec"), (0.7055, 0.709, "6d1a1c"), (0.795, 0.808, "c9ccd0")):
        paint(picture, mask(WIDTH, HEIGHT, [(0.15, top), (0.868, top), (0.868, bottom), (0.15, bottom)]), colour(shade))
    for door in (0.345, 0.487, 0.64):
        paint(
            picture,
            mask(WIDTH, HEIGHT, [(door, 0.635), (door + 0.0012, 0.635), (door + 0.0012, 0.79), (door, 0.79)]),
            colour("4f0e12"),
        )
    for grip in (0.45, 0.6):
        paint(
            picture,
            mask(WIDTH, HEIGHT, ellipse(grip, 0.672, 0.016, 0.003, aspect=ASPECT), blur=0.0004),
            colour("f0f1f2"),
        )
    for lamp, shade in ((0.856, "fff5cf"), (0.158, "e23b2e")):
        paint(
            picture,
            mask(WIDTH, HEIGHT, ellipse(lamp, 0.68, 0.011, 0.0145, aspect=ASPECT), blur=0.0006),
            colour("dfe3e6"),
        )
        paint(
            picture, mask(WIDTH, HEIGHT, ellipse(lamp, 0.68, 0.008, 0.0115, aspect=ASPECT), blur=0.0006), colour(shade)
        )
    for wheel in (0.27, 0.735):
        paint(
            picture,
            mask(WIDTH, HEIGHT, ellipse(wheel, 0.795, 0.066, 0.066, aspect=ASPECT), blur=0.0008) * (y < 0.82),
            colour("17090b"),
        )
        for radius, shade in (
            (0.056, "17181b"),
            (0.041, "f1ede2"),
            (0.034, "1d1e22"),
            (0.03, "c8ccd1"),
            (0.02, "a9aeb5"),
            (0.009, "eef0f2"),
        ):
            paint(
                picture,
                mask(WIDTH, HEIGHT, ellipse(wheel, 0.8, radius, radius, aspect=ASPECT), blur=0.0005),
                colour(shade),
            )
    save(picture, path)


def logo(path: str, width: int, height: int) -> None:
    """Three leaves of one picture, each smaller than the one behind it, on a transparent ground."""
    scale = 8
    image = Image.new("RGBA", (width * scale, height * scale))
    draw = ImageDraw.Draw(image)
    side = min(width * 0.62, height * 1.02) * scale
    for index, shade in enumerate(((20, 70, 130, 255), (32, 140, 190, 255), (255, 176, 64, 255))):
        size = side * (0.9, 0.66, 0.4)[index]
        left = (width * scale - side * 0.9) / 2 + index * side * 0.17
        top = height * scale * 0.06 + index * side * 0.15
        draw.rounded_rectangle((left, top, left + size, top + size * 0.82), radius=size * 0.12, fill=shade)
    image.resize((width, height), Image.Resampling.BOX).save(path, optimize=True)


def draw_all(folder: str) -> None:
    """Draw every picture of this module into ``folder``."""
    for scene in (acrylic, cityscape, coffee, mercedes, mountains):
        scene(f"{folder}/{scene.__name__}.jpg")
    logo(f"{folder}/qisd110.png", 110, 58)
    logo(f"{folder}/qisd470.png", 470, 300)


if __name__ == "__main__":
    draw_all(".")
