"""Charts, as SVG by a few lines of our own, and as PNG by Pillow: curves over time, and bars beside each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Literal, Protocol

import attrs
from PIL import Image, ImageDraw, ImageFont

COLOURS = ("#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#57606a")

_INK, _GRID, _PAPER = "#24292f", "#d8dee4", "#ffffff"
_WIDTH, _PANEL = 800, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 34, 34
_LETTERS = 12
_TICKS = 5
_TICKS_ACROSS = 8
_BAR, _GAP, _NAMES = 18, 6, 260
_SCALE = 2
"""Pixels of a PNG for each unit."""

Anchor = Literal["start", "middle", "end"]
_PILLOW_ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}


@attrs.frozen(kw_only=True)
class Curve:
    """One curve; its points are at equal distances. A value of 0 is a gap where the scale is logarithmic."""

    name: str
    values: Sequence[float]


@attrs.frozen(kw_only=True)
class Panel:
    """Curves with a scale in common.

    :param across: what the last point of each curve is at; the first one is at 0.
    """

    title: str
    curves: Sequence[Curve]
    across: float
    across_unit: str = "s"
    logarithmic: bool = False


@attrs.frozen(kw_only=True)
class Bar:
    """One bar. ``mark`` is where its target is, if it has one."""

    name: str
    value: float
    text: str
    colour: str = COLOURS[0]
    mark: float | None = None


class Canvas(Protocol):
    """What charts are drawn on; y goes down."""

    def line(self, points: Sequence[tuple[float, float]], colour: str, width: float = 1.0) -> None: ...

    def box(self, x: float, y: float, width: float, height: float, colour: str) -> None: ...

    def text(self, x: float, y: float, text: str, *, anchor: Anchor = "start", bold: bool = False) -> None: ...


class SvgCanvas:
    """Makes the text of an SVG file."""

    def __init__(self, width: float, height: float) -> None:
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}"'
            f' height="{height:g}" font-family="sans-serif" font-size="{_LETTERS}" fill="{_INK}">'
        ]
        self.box(0, 0, width, height, _PAPER)

    def line(self, points: Sequence[tuple[float, float]], colour: str, width: float = 1.0) -> None:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}"'
            ' stroke-linejoin="round"/>'
        )

    def box(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        self._parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>')

    def text(self, x: float, y: float, text: str, *, anchor: Anchor = "start", bold: bool = False) -> None:
        weight = ' font-weight="bold"' if bold else ""
        self._parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{weight}>{escape(text)}</text>')

    def finished(self) -> str:
        return "\n".join([*self._parts, "</svg>"]) + "\n"


class PngCanvas:
    """Paints a picture."""

    def __init__(self, width: float, height: float) -> None:
        self.image = Image.new("RGB", (round(width * _SCALE), round(height * _SCALE)), _PAPER)
        self._draw = ImageDraw.Draw(self.image)
        self._font = ImageFont.load_default(_LETTERS * _SCALE)

    def line(self, points: Sequence[tuple[float, float]], colour: str, width: float = 1.0) -> None:
        scaled = [(x * _SCALE, y * _SCALE) for x, y in points]
        self._draw.line(scaled, fill=colour, width=max(1, round(width * _SCALE)), joint="curve")

    def box(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        if width > 0 and height > 0:
            corners = (x * _SCALE, y * _SCALE, (x + width) * _SCALE, (y + height) * _SCALE)
            self._draw.rectangle(corners, fill=colour)

    def text(self, x: float, y: float, text: str, *, anchor: Anchor = "start", bold: bool = False) -> None:
        place = (x * _SCALE, y * _SCALE)
        self._draw.text(place, text, fill=_INK, font=self._font, anchor=_PILLOW_ANCHORS[anchor])


def write_panels(path: Path, title: str, panels: Sequence[Panel]) -> None:
    """Draw ``panels`` below each other into an SVG or PNG file, by its name.

    :raises OSError: it can't be written.
    """
    height = _TOP + _PANEL * len(panels)

    def draw(canvas: Canvas) -> None:
        canvas.text(_LEFT, 20, title, bold=True)
        for number, panel in enumerate(panels):
            _draw_panel(canvas, panel, _TOP + number * _PANEL)

    _write(path, (_WIDTH, height), draw)


def write_bars(path: Path, title: str, bars: Sequence[Bar]) -> None:
    """Draw ``bars`` below each other, likewise."""
    height = _TOP + len(bars) * (_BAR + _GAP) + _GAP
    most = max([one.mark or 0.0 for one in bars] + [one.value for one in bars]) or 1.0
    room = _WIDTH - _NAMES - 120

    def draw(canvas: Canvas) -> None:
        canvas.text(10, 20, title, bold=True)
        for number, bar in enumerate(bars):
            y = _TOP + number * (_BAR + _GAP)
            canvas.text(_NAMES - 8, y + _BAR - 5, bar.name, anchor="end")
            canvas.box(_NAMES, y, room * bar.value / most, _BAR, bar.colour)
            canvas.text(_NAMES + room * bar.value / most + 6, y + _BAR - 5, bar.text)
            if bar.mark is not None:
                x = _NAMES + room * bar.mark / most
                canvas.line([(x, y - 2), (x, y + _BAR + 2)], _INK, 2)

    _write(path, (_WIDTH, height), draw)


def _write(path: Path, size: tuple[float, float], draw: _Drawing) -> None:
    if path.suffix.lower() == ".png":
        picture = PngCanvas(*size)
        draw(picture)
        picture.image.save(path, "PNG", optimize=True)
    else:
        canvas = SvgCanvas(*size)
        draw(canvas)
        path.write_text(canvas.finished(), encoding="utf-8")


class _Drawing(Protocol):
    def __call__(self, canvas: Canvas) -> None: ...


def _draw_panel(canvas: Canvas, panel: Panel, top: float) -> None:
    left, right = _LEFT, _WIDTH - _RIGHT
    upper, lower = top + _TOP - 10, top + _PANEL - _BOTTOM
    canvas.text(left, top + 12, panel.title)
    scale = _Scale.of(panel)
    for value, label in scale.ticks():
        y = lower - (lower - upper) * scale.place(value)
        canvas.line([(left, y), (right, y)], _GRID)
        canvas.text(left - 6, y + 4, label, anchor="end")
    for value in _round_steps(panel.across, _TICKS_ACROSS):
        x = left + (right - left) * value / panel.across if panel.across else left
        canvas.text(x, lower + 16, f"{value:g} {panel.across_unit}", anchor="middle")
    x = right
    for number, curve in reversed(list(enumerate(panel.curves))):
        colour = COLOURS[number % len(COLOURS)]
        for points in _pieces(curve, scale, (left, right), (upper, lower)):
            canvas.line(points, colour, 1.5)
        canvas.text(x, top + 12, curve.name, anchor="end")
        width = 8 * len(curve.name)
        canvas.box(x - width - 12, top + 3, 10, 10, colour)
        x -= width + 26


def _pieces(
    curve: Curve, scale: _Scale, across: tuple[float, float], down: tuple[float, float]
) -> list[list[tuple[float, float]]]:
    """The points of a curve, cut where there is nothing."""
    steps = max(1, len(curve.values) - 1)
    pieces: list[list[tuple[float, float]]] = [[]]
    for number, value in enumerate(curve.values):
        if scale.logarithmic and value <= 0:
            pieces.append([])
            continue
        x = across[0] + (across[1] - across[0]) * number / steps
        pieces[-1].append((x, down[1] - (down[1] - down[0]) * scale.place(value)))
    # A point alone would not be seen.
    return [piece if len(piece) > 1 else [piece[0], (piece[0][0] + 1, piece[0][1])] for piece in pieces if piece]


@attrs.frozen
class _Scale:
    """From values to places between 0 (below) and 1."""

    least: float
    most: float
    logarithmic: bool

    @classmethod
    def of(cls, panel: Panel) -> _Scale:
        values = [value for curve in panel.curves for value in curve.values if value > 0] or [1.0]
        if panel.logarithmic:
            low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
            return cls(10.0**low, 10.0 ** max(high, low + 1), True)
        return cls(0.0, _round_steps(max(values) * 1.001, _TICKS, beyond=True)[-1], False)

    def place(self, value: float) -> float:
        if self.logarithmic:
            return math.log(value / self.least) / math.log(self.most / self.least)
        return (value - self.least) / (self.most - self.least)

    def ticks(self) -> list[tuple[float, str]]:
        if self.logarithmic:
            powers = range(round(math.log10(self.least)), round(math.log10(self.most)) + 1)
            values = [10.0**power for power in powers]
        else:
            values = _round_steps(self.most, _TICKS)
        return [(value, f"{value:,.10g}") for value in values]


def _round_steps(most: float, about: int, *, beyond: bool = False) -> list[float]:
    """Round numbers from 0 to ``most``, about so many; the last one reaches it with ``beyond``."""
    if most <= 0:
        return [0.0]
    power = 10.0 ** math.floor(math.log10(most / about))
    step = next(power * factor for factor in (1, 2, 5, 10) if most / (power * factor) <= about)
    count = math.ceil(most / step) if beyond else math.floor(most / step + 1e-9)
    return [step * number for number in range(count + 1)]
