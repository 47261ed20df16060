"""The floors of the house: contracts in ``setup.cfg``, told in ``ARCHITECTURE.md``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).parent.parent


class ArchitectureTests(SynchronousTestCase):
    def test_no_room_imports_from_a_floor_above_it(self) -> None:
        command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
        outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        self.assertEqual(outcome.returncode, 0, outcome.stdout + outcome.stderr)

    def test_every_room_is_told_of(self) -> None:
        page = (ROOT / "ARCHITECTURE.md").read_text()
        rooms = {path.stem for path in (ROOT / "qisd").iterdir() if path.suffix in ("", ".py")}
        for room in rooms - {"__init__", "__pycache__", "share", "py"}:
            self.assertIn(f"qisd/{room}", page, f"ARCHITECTURE.md does not mention qisd/{room}")
