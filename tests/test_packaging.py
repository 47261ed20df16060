"""What ``pip install`` takes along: ``setup.cfg``."""

from __future__ import annotations

import glob
from configparser import ConfigParser
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).parent.parent


class PackagingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.config = ConfigParser()
        self.config.read(ROOT / "setup.cfg")

    def test_every_package_is_listed(self) -> None:
        packages = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "qisd").rglob("__init__.py")}
        listed = set(self.config["options"]["packages"].split())
        self.assertEqual(listed, packages | {"twisted.plugins"})

    def test_every_file_that_is_no_code_is_taken_along(self) -> None:
        patterns = self.config["options.package_data"]["qisd"].split()
        taken = {path for pattern in patterns for path in (ROOT / "qisd").glob(pattern)}
        others = {
            path
            for path in (ROOT / "qisd").rglob("*")
            if path.is_file()
            and path.suffix not in (".py", ".pyc", ".so", ".c", ".h")
            and not any(part == "__pycache__" or part.startswith(".") for part in path.relative_to(ROOT).parts)
        }
        self.assertEqual(others - taken, set())

    def test_the_browsers_side_is_taken_along_as_a_whole(self) -> None:
        patterns = self.config["options.package_data"]["qisd"].split()
        taken = {path for pattern in patterns for path in glob.glob(pattern, root_dir=ROOT / "qisd", recursive=True)}
        files = {f"share/{path.relative_to(ROOT)}" for path in (ROOT / "admin").rglob("*") if path.is_file()}
        self.assertGreater(len(files), 20)
        self.assertEqual(files - taken, set())
