"""All that the targets are about, in one go: results as JSON, and the page ``docs/performance.md`` with its plots.

    make bench                     # about 25 minutes on two processors; nothing else should run meanwhile
    make bench QUICK=1             # about 3, to see whether everything works
    python bench/all.py [--quick] [--only PART,…] [--photos DIR] [--results DIR] [--page FILE]
    python bench/all.py --from RESULTS.json [--page FILE]     # only the page

Needs Debian's nginx, memcached, wrk and libvips-tools, and for quality the ``bench`` extra. What can't be measured is
told as such, and the rest goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import cold_render
import hits
import memcached
import report
import steady

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"
PAGE = ROOT / "docs" / "performance.md"
QUICK_RESULTS = RESULTS / "quick"
"""What a quick run says, or a part of one, belongs into no page that others read."""

_PROGRAMS = {"nginx": "nginx", "memcached": "memcached", "wrk": "wrk", "vipsthumbnail": "libvips-tools"}
"""What is needed, and Debian's package of each."""


@attrs.frozen(kw_only=True)
class Length:
    """How long everything goes on: seconds, rounds and numbers."""

    hits: tuple[float, int]
    memcached: float
    photos: int
    render_rounds: int
    mix: tuple[float, int]
    growth: int
    library: tuple[int, float, int]
    busy: float
    reload: float


WHOLE = Length(
    hits=(8.0, 5),
    memcached=20.0,
    photos=6,
    render_rounds=5,
    mix=(600.0, 20_000),
    growth=1_000_000,
    library=(1_000_000, 5.0, 5),
    busy=20.0,
    reload=30.0,
)
QUICK = Length(
    hits=(1.0, 2),
    memcached=2.0,
    photos=2,
    render_rounds=1,
    mix=(15.0, 400),
    growth=30_000,
    library=(20_000, 1.0, 2),
    busy=4.0,
    reload=15.0,
)


def part_hits(length: Length) -> dict[str, Any]:
    found = hits.measured(*length.hits)
    return {
        "rates": {name: statistics.median(one.rate for one in loads) for name, loads in found.items()},
        "p99": {name: statistics.median(one.p99 for one in loads) for name, loads in found.items()},
        "faults": [f"{name}: {fault}" for name, loads in found.items() for one in loads for fault in one.faults],
        "to_static": hits.ratio(found, "qisd", "nginx, static"),
        "to_memcached": hits.ratio(found, "qisd", "nginx, Memcached"),
        "to_static_tls": hits.ratio(found, "qisd, TLS", "nginx, static, TLS"),
    }


def part_memcached(length: Length) -> dict[str, Any]:
    with memcached.servers(1) as addresses:
        found, per_core, size = memcached.hits(addresses, length.memcached, memory=0)
    return {**attrs.asdict(found), "per_core": per_core, "kilobytes": size}


def part_bases(length: Length) -> dict[str, Any]:
    import tempfile

    import bases  # needs the extra

    with tempfile.TemporaryDirectory() as folder:
        found = [bases.measured(photo, folder) for photo in steady.photos()[: length.photos]]
    return {
        "from_source": statistics.mean([one.from_source for one in found]),
        "from_base": statistics.mean([one.from_base for one in found]),
        "worst_score": min(min(one.scores.values()) for one in found),
        "scores": [one.scores for one in found],
    }


def part_cold(length: Length) -> dict[str, Any]:
    found = list(cold_render.compared(steady.photos()[: length.photos], length.render_rounds))
    milliseconds = ("linear", "coded", "vips")
    return {
        "linear_to_vips": statistics.mean([one.linear_to_vips for one in found]),
        "coded_to_vips": statistics.mean([one.coded_to_vips for one in found]),
        "photos": [{"photo": one.photo, **{name: 1000 * getattr(one, name) for name in milliseconds}} for one in found],
    }


def part_library(length: Length) -> dict[str, Any]:
    import library  # starts a PostgreSQL of its own

    return {**library.measured(*length.library), "images": length.library[0]}


PARTS: dict[str, Callable[[Length], dict[str, Any]]] = {
    "hits": part_hits,
    "memcached": part_memcached,
    "bases": part_bases,
    "cold": part_cold,
    "busy": lambda length: steady.busy(length.busy),
    "reload": lambda length: steady.reload(length.reload),
    "growth": lambda length: steady.growth(length.growth),
    "library": part_library,
    "mix": lambda length: steady.mix(*length.mix),
}


def measure(length: Length, names: list[str], save: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Measure the parts; ``save`` gets what there is after each of them."""
    parts: dict[str, Any] = {}
    for name in names:
        print(f"{name} …", file=sys.stderr, flush=True)
        began = time.monotonic()
        try:
            parts[name] = PARTS[name](length)
        except (Exception, SystemExit) as error:
            traceback.print_exc()
            parts[name] = {"error": f"{type(error).__name__}: {error}"}
        parts[name]["took_seconds"] = round(time.monotonic() - began, 1)
        save(parts)
    return parts


def _tell_missing() -> None:
    places = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin"
    missing = [package for program, package in _PROGRAMS.items() if shutil.which(program, path=places) is None]
    if missing:
        print(f"some parts can't be measured without: apt-get install {' '.join(missing)}", file=sys.stderr)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Measures all that the targets are about.")
    parser.add_argument("--quick", action="store_true", help="a few seconds each, to see whether everything works")
    parser.add_argument("--only", metavar="PARTS", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--results", metavar="DIR", type=Path, help="(default: bench/results)")
    parser.add_argument("--page", metavar="FILE", type=Path, help="(default: docs/performance.md)")
    parser.add_argument("--photos", metavar="DIR", type=Path, help="JPEGs to be rendered (default: the sample images)")
    parser.add_argument("--from", metavar="FILE", type=Path, dest="source", help="only write the page of these results")
    options = parser.parse_args(arguments)
    partly = options.quick or options.only
    folder = options.results or (QUICK_RESULTS if partly else RESULTS)
    page = options.page or (QUICK_RESULTS / PAGE.name if partly else PAGE)
    if options.photos is not None:
        steady.SAMPLES = options.photos
    if options.source is not None:
        results = json.loads(options.source.read_text())
    else:
        names = options.only.split(",") if options.only else list(PARTS)
        if not set(names) <= set(PARTS):
            parser.error(f"--only: of {', '.join(PARTS)}")
        _tell_missing()
        now = datetime.now(UTC)
        results = {"date": f"{now:%Y-%m-%d}", "quick": options.quick, "machine": report.machine(), "parts": {}}
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{now:%Y-%m-%d}.json"

        def save(parts: dict[str, Any]) -> None:
            results["parts"] = parts
            file.write_text(json.dumps(results, indent=1) + "\n")

        measure(QUICK if options.quick else WHOLE, names, save)
        print(file, file=sys.stderr)
    report.write(results, page)
    for what, wanted, value, met in report.rows(results["parts"]):
        print(f"{met.strip('*'):4} {wanted:8} {value:40} {what}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
