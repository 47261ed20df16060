"""Charts."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from PIL import Image
from twisted.trial.unittest import SynchronousTestCase

from qisd.cli.chart import Bar, Curve, Panel, write_bars, write_panels

SVG = "{http://www.w3.org/2000/svg}"
PANELS = [
    Panel(title="a second", curves=[Curve(name="answers", values=[10, 20, 0, 40])], across=3),
    Panel(
        title="ms <&>",
        curves=[Curve(name="50 %", values=[1, 2, 0, 4]), Curve(name="99 %", values=[0, 0, 0, 900])],
        across=3,
        logarithmic=True,
    ),
]


class ChartTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()

    def test_curves_as_svg(self) -> None:
        path = self.folder / "a.svg"
        write_panels(path, "https://a.example", PANELS)
        root = ET.parse(path).getroot()
        texts = [one.text for one in root.iter(f"{SVG}text")]
        for text in ("https://a.example", "answers", "99 %", "ms <&>", "40", "1,000", "3 s"):
            self.assertIn(text, texts)
        for line in root.iter(f"{SVG}polyline"):
            for point in line.attrib["points"].split():
                x, y = map(float, point.split(","))
                self.assertTrue(0 <= x <= float(root.attrib["width"]) and 0 <= y <= float(root.attrib["height"]))

    def test_where_there_is_nothing_a_logarithmic_curve_has_a_gap(self) -> None:
        path = self.folder / "a.svg"
        write_panels(path, "x", PANELS[1:])
        lines = [one for one in ET.parse(path).getroot().iter(f"{SVG}polyline") if one.attrib["stroke"] == "#1f6feb"]
        self.assertEqual([len(one.attrib["points"].split()) for one in lines], [2, 2])

    def test_without_values_there_is_an_empty_chart(self) -> None:
        write_panels(self.folder / "a.svg", "x", [Panel(title="x", curves=[Curve(name="x", values=[])], across=0)])
        ET.parse(self.folder / "a.svg")

    def test_the_same_as_png(self) -> None:
        path = self.folder / "a.png"
        write_panels(path, "x", PANELS)
        with Image.open(path) as image:
            self.assertEqual(image.format, "PNG")
            self.assertGreater(len(image.getcolors(1 << 20) or []), 3)

    def test_bars_with_their_targets(self) -> None:
        for name in ("b.svg", "b.png"):
            write_bars(
                self.folder / name,
                "rates",
                [Bar(name="ours", value=5, text="5/s", mark=4), Bar(name="0", value=0, text="0")],
            )
        root = ET.parse(self.folder / "b.svg").getroot()
        self.assertIn("5/s", [one.text for one in root.iter(f"{SVG}text")])
        self.assertEqual(len(list(root.iter(f"{SVG}polyline"))), 1)
