"""The guides: whatever they point at is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).parents[1]
GUIDES = (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "deploy").rglob("*.md"))

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_NO_LETTER = re.compile(r"[^\w\- ]")


def anchors(guide: Path) -> set[str]:
    """The names by which its headings are linked to."""
    return {_NO_LETTER.sub("", text.strip().lower()).replace(" ", "-") for text in _HEADING.findall(guide.read_text())}


def dangling(guide: Path) -> Iterator[str]:
    for link in _LINK.findall(guide.read_text()):
        if re.match(r"https?:|mailto:", link):
            continue
        path, _, anchor = link.partition("#")
        aim = guide.parent / path if path else guide
        if not aim.exists() or (anchor and aim.suffix == ".md" and anchor not in anchors(aim)):
            yield f"{guide.name}: {link}"


class GuideTests(SynchronousTestCase):
    def test_all_links_within_the_repository_lead_somewhere(self) -> None:
        self.assertGreater(len(GUIDES), 20)
        self.assertEqual([link for guide in GUIDES for link in dangling(guide)], [])

    def test_links_that_lead_nowhere_are_found(self) -> None:
        guide = Path(self.mktemp()).with_suffix(".md")
        guide.write_text("# A `b`, c\n[a](#a-b-c) [b](#d) [c](none.md)\n")
        self.assertEqual(list(dangling(guide)), [f"{guide.name}: #d", f"{guide.name}: none.md"])
