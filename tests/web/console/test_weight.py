"""How much scripting a page loads: its own modules, all that they import, and what goes with every page."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ADMIN = Path(__file__).parents[3] / "admin"
MOST = 60_000
OF_ALL = ("core/frame.js", "core/counters.js", "upload/resume.js")
VIEWERS = {
    "image": ("canvas_view",),
    "portfolio_view": ("canvas_view", "gallery_view"),
    "viewers": ("canvas_view", "gallery_view"),
}
"""Scripts for other sites that pages of ours have, too: of pages with a choice the heaviest."""

IMPORTED = re.compile(r"^(?:import|export)\b[^'\n]*'([^']+\.js)'", re.MULTILINE)
NAMED = re.compile(r"'(\.\.?/[^']+\.js)'")


class WeightTests(SynchronousTestCase):
    def test_no_page_loads_more_than_sixty_kilobytes_of_scripts(self) -> None:
        heavy = {}
        for page in sorted((ADMIN / "js/pages").glob("*.js")):
            viewers = (ADMIN / f"static/js/{name}.min.js" for name in VIEWERS.get(page.stem, ()))
            weight = weight_of({*loaded((page, *(ADMIN / "js" / name for name in OF_ALL))), *viewers})
            if weight > MOST:
                heavy[page.stem] = weight
        self.assertEqual(heavy, {})

    def test_what_is_imported_is_found(self) -> None:
        names = {path.name for path in loaded([ADMIN / "js/pages/browse.js"])}
        self.assertLessEqual({"browse.js", "browser.js", "dom.js", "texts.js"}, names)


def loaded(entries: Iterable[Path]) -> set[Path]:
    """The modules and all that they import; those of pages count also what they load when they have begun."""
    found: set[Path] = set()
    waiting = [path.resolve() for path in entries]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            pattern = NAMED if path.parent.name == "pages" else IMPORTED
            waiting += [(path.parent / name).resolve() for name in pattern.findall(path.read_text("utf-8"))]
    return found


def weight_of(paths: Iterable[Path]) -> int:
    """Bytes, as the server sends them."""
    return sum(len(gzip.compress(path.read_bytes())) for path in paths)
