"""Runs one of the suites with trial; closes with the names of what failed and ``N passed, N failed, N skipped``.

trial calls a run in which it found nothing, or skipped everything, a success. Here such a run fails: each suite must
run at least as many tests as it had when this floor was last raised.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Timer

from tests.integration.live import prepare

HERE = Path(__file__).parent
LEAST = {"unit": 2350, "integration": 1650, "browser": 390}
APART = ("integration", "browser")
PROCESSORS = os.cpu_count() or 1
LONGEST = 900
"""Seconds after which a run of trial is ended: it would go on for ever."""


def runs(suite: str) -> list[list[str]]:
    """What trial is to be called with, for each of its runs; several go on at the same time."""
    if suite in APART:
        # Each module has a daemon (and a browser) of its own, and waits for it much of the time. The long ones first:
        # at the end nobody is to wait for one that began last.
        modules = sorted((HERE / suite).glob("test_*.py"), key=lambda path: -path.stat().st_size)
        return [[f"tests.{suite}.{path.stem}"] for path in modules]
    rooms = [f"tests.{path.parent.name}" for path in HERE.glob("*/__init__.py") if path.parent.name not in APART]
    return [["-j", str(PROCESSORS), *sorted(rooms), *sorted(f"tests.{path.stem}" for path in HERE.glob("test_*.py"))]]


def trial(arguments: list[str], *, at_once: bool) -> tuple[int, Counter[str], list[str]]:
    """Run trial; its exit status, how many tests came to which end, and which failed.

    :param at_once: show its output as it comes, and not when it is over.
    """
    lines = []
    with tempfile.TemporaryDirectory(prefix="qisd-trial-") as scratch:
        command = [sys.executable, "-m", "twisted.trial", "--temp-directory", f"{scratch}/trial", *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE.parent)
        assert process.stdout is not None
        limit = Timer(LONGEST, _kill, [process.pid])
        limit.start()
        for line in process.stdout:
            lines.append(line)
            if at_once:
                sys.stdout.write(line)
        status = process.wait()
        limit.cancel()
    if not at_once:
        sys.stdout.write("".join(lines))
    found = re.findall(r"(\w+)=(\d+)", lines[-1] if lines else "")
    # Below each traceback trial names the tests that it stands for.
    named = [line.strip() for line in lines if re.fullmatch(r"tests(\.\w+)+\.[A-Z]\w*\.test_\w+\n", line)]
    if status == -signal.SIGKILL:
        named.append(f"{' '.join(arguments)}: ended by signal 9; more than {LONGEST} s are never needed")
    return status, Counter({name: int(number) for name, number in found}), named


def _kill(pid: int) -> None:
    """End a process and those that it has started, which may hold its output."""
    children = [child for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()]
    for one in (pid, *map(int, children)):
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


def main(suite: str) -> int:
    """Run ``suite`` ("unit", "integration" or "browser"); the exit status of the process."""
    all_runs = runs(suite)
    with tempfile.TemporaryDirectory(prefix="qisd-prepared-") as made, ThreadPoolExecutor(PROCESSORS + 1) as pool:
        if suite in APART:
            prepare(Path(made))
        ends = list(pool.map(lambda arguments: trial(arguments, at_once=len(all_runs) == 1), all_runs))
    status = next((status for status, _, _ in ends if status), 0)
    counts = sum((counted for _, counted, _ in ends), Counter[str]())
    passed, failed = counts["successes"], counts["failures"] + counts["errors"]
    if status == 0 and passed < LEAST[suite]:
        print(f"only {passed} tests of the {suite} suite ran; there must be {LEAST[suite]} at least")
        status, failed = 1, failed + 1
    if status == 0 and counts["skips"]:
        print("tests were skipped; every test must run")
        status, failed = 1, failed + 1
    for name in (name for _, _, failures in ends for name in failures):
        print(f"failed: {name}")
    print(f"{passed} passed, {failed} failed, {counts['skips']} skipped", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
