"""``docs/seed-coverage.md`` has every row, and what it names is there."""

from __future__ import annotations

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.seed.rows import CHECKS

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "seed-coverage.md"


class SeedCoverageTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.rows = dict(re.findall(r"^\| (S-\d+) \| (.*) \|$", PAGE.read_text(), re.MULTILINE))

    def test_every_row_is_there_once(self) -> None:
        found = re.findall(r"^\| (S-\d+) \|", PAGE.read_text(), re.MULTILINE)
        self.assertEqual(found, [f"S-{number}" for number in range(1, 67)])

    def test_what_is_said_to_be_tried_is_tried(self) -> None:
        tried = {row for check in CHECKS for row in check.rows} | {"S-2", "S-10"}
        for row, text in self.rows.items():
            shown = text.rpartition(" | ")[2]
            said = "**S**" in shown or row == "S-51"
            self.assertEqual(said, row in tried or row == "S-51", row)

    def test_every_module_that_is_named_is_there(self) -> None:
        named = set(re.findall(r"`(tests(?:\.\w+)+)`", PAGE.read_text()))
        self.assertGreater(len(named), 15)
        for module in named:
            path = ROOT / module.replace(".", "/")
            self.assertTrue(path.with_suffix(".py").exists() or path.is_dir(), module)

    def test_every_file_that_is_named_is_there(self) -> None:
        text = PAGE.read_text()
        for name in {
            *re.findall(r"`(deploy/[\w./-]+)`", text),
            *(f"docs/{one}" for one in re.findall(r"\]\((\w[\w.-]*)\)", text)),
        }:
            self.assertTrue((ROOT / name).exists(), name)
