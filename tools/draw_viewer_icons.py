"""Draw the viewers' icons as PNG, for pages that refer to them so: from the SVG files beside them.

Of SVG it knows what those files are made of: paths of absolute moves, lines and arcs of circles, drawn with a round
pen. Everything is drawn eight times as large and reduced.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image, ImageDraw

IMAGES = Path(__file__).resolve().parents[1] / "admin/static/images"
FINE = 8
ARC_STEPS = 48
TALL = 512

Point = tuple[float, float]


def lines(path: str) -> list[list[Point]]:
    """The lines of a path, arcs in short pieces."""
    found: list[list[Point]] = []
    for command, text in re.findall(r"([MLA])([^MLA]*)", path):
        numbers = [float(number) for number in re.findall(r"-?[\d.]+", text)]
        if command == "M":
            found.append([(numbers[0], numbers[1])])
        elif command == "L":
            found[-1].append((numbers[0], numbers[1]))
        else:
            radius, _, _, large, sweep, x, y = numbers
            found[-1] += _arc(found[-1][-1], (x, y), radius, large=bool(large), sweep=bool(sweep))
    return found


def _arc(start: Point, end: Point, radius: float, *, large: bool, sweep: bool) -> list[Point]:
    (x1, y1), (x2, y2) = start, end
    half = math.dist(start, end) / 2
    height = math.sqrt(max(0.0, radius**2 - half**2))
    side = 1 if large == sweep else -1
    x = (x1 + x2) / 2 + side * height * (y1 - y2) / (-2 * half)
    y = (y1 + y2) / 2 + side * height * (x2 - x1) / (-2 * half)
    first = math.atan2(y1 - y, x1 - x)
    angle = (math.atan2(y2 - y, x2 - x) - first) % math.tau
    if not sweep:
        angle -= math.tau
    steps = [first + angle * step / ARC_STEPS for step in range(1, ARC_STEPS + 1)]
    return [(x + radius * math.cos(turn), y + radius * math.sin(turn)) for turn in steps]


def draw(source: Path, scale: float) -> Image.Image:
    """The picture of an SVG file, at a scale."""
    root = ElementTree.parse(source).getroot()  # noqa: S314 - files of our own
    width, height = (round(float(root.attrib[name]) * scale) for name in ("width", "height"))
    picture = Image.new("RGBA", (width * FINE, height * FINE))
    for path in root.iterfind("{*}path"):
        layer = Image.new("RGBA", picture.size)
        pen = ImageDraw.Draw(layer)
        value = round(255 * float(path.get("stroke-opacity", "1")))
        colour = (*bytes.fromhex("".join(digit * 2 for digit in path.attrib["stroke"].lstrip("#"))), value)
        thick = float(path.attrib["stroke-width"]) * scale * FINE
        for points in lines(path.attrib["d"]):
            places = [(x * scale * FINE, y * scale * FINE) for x, y in points]
            pen.line(places, fill=colour, width=round(thick), joint="curve")
            for x, y in (places[0], places[-1], *places):
                pen.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=colour)
        picture = Image.alpha_composite(picture, layer)
    return picture.resize((width, height), Image.Resampling.BOX)


def main() -> None:
    """Draw all of them anew."""
    for source in sorted((IMAGES / "viewer").glob("icon-*.svg")):
        draw(source, 1).save(source.with_suffix(".png"), optimize=True)
    for source in sorted((IMAGES / "slideshow").glob("arrow-*.svg")):
        draw(source, 1).save(source.with_suffix(".png"), optimize=True)
        large = draw(source, TALL / 56)
        large.save(source.with_name(f"{source.stem}-{TALL}.png"), optimize=True)
    Image.new("RGBA", (2, 2)).save(IMAGES / "spacer.png", optimize=True)


if __name__ == "__main__":
    main()
