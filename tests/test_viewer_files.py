"""The files that other sites load: they are made of the modules and drawings that are beside them."""

from __future__ import annotations

import gzip
import runpy
import subprocess
import sys
from pathlib import Path

from PIL import Image, ImageChops
from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).parent.parent
STATIC = ROOT / "admin/static"
MOST = 15 * 1024
CLASSIC = ("canvas_view", "common_view", "gallery_view", "image-defer", "simple_view", "slideshow_view")
ICONS = ("up", "down", "close", "download", "fullscreen", "help", "reset", "zoom-in", "zoom-out")


class ViewerFilesTests(SynchronousTestCase):
    def test_scripts_are_assembled_from_the_modules_as_they_are_now(self) -> None:
        tool = ROOT / "tools/assemble_viewers.py"
        done = subprocess.run([sys.executable, tool, "--check"], capture_output=True, text=True, check=False)
        self.assertEqual(done.stdout + done.stderr, "")

    def test_each_file_is_small(self) -> None:
        sizes = {path.name: len(gzip.compress(path.read_bytes())) for path in (STATIC / "js").glob("*.js")}
        self.assertGreater(len(sizes), 2 * len(CLASSIC))
        self.assertEqual({name: size for name, size in sizes.items() if size > MOST}, {})

    def test_both_names_of_a_script_are_one_file(self) -> None:
        for name in CLASSIC:
            plain, minified = (STATIC / "js" / f"{name}{end}" for end in (".js", ".min.js"))
            self.assertEqual(plain.read_bytes(), minified.read_bytes(), name)

    def test_every_picture_is_drawn_from_its_svg(self) -> None:
        tool = runpy.run_path(str(ROOT / "tools/draw_viewer_icons.py"))
        pictures = [STATIC / f"images/viewer/icon-{name}.png" for name in ICONS]
        pictures += [STATIC / f"images/slideshow/arrow-{side}.png" for side in ("left", "right")]
        for path in pictures:
            with Image.open(path) as stored:
                drawn = tool["draw"](path.with_suffix(".svg"), 1)
                difference = ImageChops.difference(stored.convert("RGBA"), drawn)
                self.assertIsNone(difference.getbbox(alpha_only=False), path.name)

    def test_arrows_and_spacer_have_their_sizes(self) -> None:
        sizes = {"slideshow/arrow-left.png": (32, 56), "slideshow/arrow-right.png": (32, 56), "spacer.png": (2, 2)}
        for name, size in sizes.items():
            with Image.open(STATIC / "images" / name) as image:
                self.assertEqual(image.size, size, name)
        self.assertTrue((STATIC / "images/slideshow/arrow-left-512.png").is_file())
        self.assertTrue((STATIC / "images/slideshow/arrow-right-512.png").is_file())
