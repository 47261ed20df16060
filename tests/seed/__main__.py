"""Tries all rows, and prints a table of them: ``python -m tests.seed [ROW ...]``."""

from __future__ import annotations

import argparse
import sys
import time
import traceback

from tests.seed.rows import CHECKS, Check
from tests.seed.site import Site

_START_MAX = 60.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.seed", description=__doc__)
    parser.add_argument("rows", metavar="ROW", nargs="*", help="only these, such as S-17")
    parser.add_argument("--traces", action="store_true", help="show where a row has failed")
    options = parser.parse_args()
    wanted = [check for check in CHECKS if not options.rows or set(options.rows) & set(check.rows)]
    began = time.monotonic()
    site = Site()
    started = time.monotonic() - began
    failed = 0
    try:
        _print("S-2, S-10", "well" if started <= _START_MAX else "FAILED", "ready in a minute", f"{started:.1f} s")
        failed += started > _START_MAX
        for check in wanted:
            failed += not _try(site, check, traces=options.traces)
    finally:
        site.close()
    total = len(wanted) + 1
    sys.stdout.write(f"\n{total - failed} of {total} hold. docs/seed-coverage.md has the rows that need more.\n")
    return 1 if failed else 0


def _try(site: Site, check: Check, *, traces: bool) -> bool:
    rows = ", ".join(check.rows)
    try:
        seen = check.work(site)
    except Exception as error:
        if traces:
            traceback.print_exc()
        _print(rows, "FAILED", check.promise, str(error).strip()[:500])
        return False
    _print(rows, "well", check.promise, seen)
    return True


def _print(rows: str, outcome: str, promise: str, seen: str) -> None:
    sys.stdout.write(f"{rows:<18} {outcome:<7} {promise}\n{'':26} {seen}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
