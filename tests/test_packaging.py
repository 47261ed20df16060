"""What ``pip install`` takes along (``setup.cfg``), and the Debian package (``debian/``)."""

from __future__ import annotations

import glob
import re
import subprocess
from configparser import ConfigParser
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from qisd import __version__
from qisd.cli.main import build_parser
from qisd.settings.loading import PACKAGE_FILE
from qisd.settings.model import MODEL
from tools import man_pages

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


class LockTests(SynchronousTestCase):
    def test_every_pinned_package_has_hashes(self) -> None:
        for name in ("runtime", "s3", "dev"):
            text = (ROOT / "requirements" / f"{name}.txt").read_text()
            pins = re.split(r"^(?=\S+==)", text, flags=re.MULTILINE)[1:]
            self.assertGreater(len(pins), 30)
            self.assertEqual([pin.split()[0] for pin in pins if "--hash=sha256:" not in pin], [])

    def test_setuptools_is_the_last_pin_of_what_the_debian_package_takes(self) -> None:
        pins = re.findall(r"^(\S+)==", (ROOT / "requirements" / "s3.txt").read_text(), flags=re.MULTILINE)
        self.assertEqual(pins[-1], "setuptools")


class DebianTests(SynchronousTestCase):
    def test_its_version_is_that_of_the_program(self) -> None:
        first = (ROOT / "debian" / "changelog").read_text().splitlines()[0]
        self.assertIn(f"({__version__})", first)

    def test_its_scripts_are_shell_without_faults(self) -> None:
        scripts = [*(ROOT / "debian").glob("qis.p*"), ROOT / "debian" / "settle", ROOT / "debian" / "complete"]
        scripts = [path for path in scripts if path.read_text().startswith("#!/bin/sh")]
        self.assertGreater(len(scripts), 4)
        for path in scripts:
            subprocess.run(["sh", "-n", path], check=True)

    def test_what_it_finds_goes_where_the_server_looks_for_it(self) -> None:
        self.assertIn(f"found={PACKAGE_FILE}\n", (ROOT / "debian" / "qis.postinst").read_text())
        self.assertIn(f"rm -f {PACKAGE_FILE} ", (ROOT / "debian" / "qis.postrm").read_text())

    def test_the_manual_has_every_command_and_every_setting(self) -> None:
        commands, settings = man_pages.command_page(build_parser()), man_pages.settings_page()
        for command in ("qis check", "qis settings explain", "qis tls renew", "qis user add"):
            self.assertIn(f".SS {command}\n", commands)
        for name in MODEL:
            self.assertIn(f"\\fB{name}\\fP\n", settings)

    def test_no_line_of_the_manual_is_taken_for_a_command_of_roff(self) -> None:
        known = {".TH", ".ad", ".SH", ".SS", ".TP", ".PP", ".br", ".B", ".I", ".BR"}
        for page in (man_pages.command_page(build_parser()), man_pages.settings_page()):
            asked = {line.split()[0] for line in page.splitlines() if line.startswith((".", "'"))}
            self.assertEqual(asked - known, set())
