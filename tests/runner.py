"""Runs one of the suites with trial and closes with the line ``N passed, N failed, N skipped``.

trial calls a run in which it found nothing, or skipped everything, a success. Here such a run fails: each suite must
run at least as many tests as it had when this floor was last raised.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
LEAST = {"unit": 1900, "integration": 1350, "browser": 340}
APART = ("integration", "browser")


def modules(suite: str) -> list[str]:
    """The dotted names that make up ``suite``."""
    if suite in APART:
        return [f"tests.{suite}"]
    rooms = [f"tests.{path.parent.name}" for path in HERE.glob("*/__init__.py") if path.parent.name not in APART]
    return sorted(rooms + [f"tests.{path.stem}" for path in HERE.glob("test_*.py")])


def main(suite: str) -> int:
    """Run ``suite`` ("unit", "integration" or "browser"); the exit status of the process."""
    with tempfile.TemporaryDirectory(prefix="qisd-trial-") as scratch:
        jobs = ["-j", str(os.cpu_count() or 1)] if suite == "unit" else []
        command = [sys.executable, "-m", "twisted.trial", *jobs, "--temp-directory", f"{scratch}/trial"]
        process = subprocess.Popen([*command, *modules(suite)], stdout=subprocess.PIPE, text=True, cwd=HERE.parent)
        lines = []
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            sys.stdout.write(line)
        status = process.wait()
    counts = dict.fromkeys(("successes", "failures", "errors", "skips", "expectedFailures"), 0)
    for name, number in re.findall(r"(\w+)=(\d+)", lines[-1] if lines else ""):
        counts[name] = int(number)
    passed, failed = counts["successes"], counts["failures"] + counts["errors"]
    if status == 0 and passed < LEAST[suite]:
        print(f"only {passed} tests of the {suite} suite ran; there must be {LEAST[suite]} at least")
        status, failed = 1, failed + 1
    if status == 0 and counts["skips"]:
        print("tests were skipped; every test must run")
        status, failed = 1, failed + 1
    print(f"{passed} passed, {failed} failed, {counts['skips']} skipped", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
