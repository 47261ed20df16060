"""The page that ``make bench`` makes of its results."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

BENCH = Path(__file__).parents[1] / "bench"

COURSE = [
    {"second": second, "count": 100 + second, "errors": 0, "p50": 1.0, "p90": 2.0, "p99": 3.0, "p99.9": 4.0}
    for second in range(9)
]
RATES = {"qisd": 15_000.0, "nginx, static": 30_000.0, "qisd, TLS": 6000.0, "nginx, static, TLS": 15_000.0}
PARTS: dict[str, Any] = {
    "hits": {"rates": RATES, "to_static": 0.5, "to_memcached": 1.6, "to_static_tls": 0.4},
    "memcached": {"error": "FileNotFoundError: memcached"},
    "cold": {"linear_to_vips": 0.6, "photos": [{"photo": "a", "linear": 20.0, "coded": 19.0, "vips": 34.0}]},
    "mix": {
        "rate": 1500.0,
        "p99_hits": 20.0,
        "errors": {},
        "memory_growth_percent": 1.0,
        "memory": [10**8, 11 * 10**7],
        "by_second": COURSE,
    },
    "reload": {"failed": 0, "reloads": 2, "rate": 2000.0, "by_second": COURSE},
}


class PageTests(SynchronousTestCase):
    def setUp(self) -> None:
        sys.path.insert(0, str(BENCH))
        self.addCleanup(sys.path.remove, str(BENCH))
        import report

        self.report = report
        self.page = Path(self.mktemp()) / "docs" / "performance.md"

    def test_every_target_has_a_row_that_tells_whether_it_is_met(self) -> None:
        rows = {what: (value, met) for what, _, value, met in self.report.rows(PARTS)}
        self.assertEqual(len(rows), len(self.report.TARGETS))
        told = {what.partition(",")[0]: value for what, value in rows.items()}
        self.assertEqual(told["Cached hit"], ("0.50 (1.60 × nginx with Memcached)", "yes"))
        self.assertEqual(told["The same over HTTPS"], ("0.40", "**no**"))
        self.assertEqual(told["90 % hits"], ("1,500 (5.4 million an hour)", "yes"))

    def test_what_was_not_measured_is_neither_met_nor_missed(self) -> None:
        found = {(value, met) for _, _, value, met in self.report.rows(PARTS) if met == "–"}
        self.assertEqual(found, {("not measured", "–"), ("not measured: FileNotFoundError: memcached", "–")})

    def test_too_few_reloads_are_no_success(self) -> None:
        (met,) = [met for what, _, _, met in self.report.rows(PARTS) if what.startswith("Failed requests")]
        self.assertEqual(met, "**no**")

    def test_the_page_shows_its_plots(self) -> None:
        results = {"date": "2026-01-02", "quick": False, "machine": {"load_before": "0.1"}, "parts": PARTS}
        self.report.write(results, self.page)
        text = self.page.read_text()
        self.assertIn("| load before | 0.1 |", text)
        for name in ("hits", "renders", "mix", "memory", "reload"):
            self.assertIn(f"](performance/{name}.svg)", text)
            ET.parse(self.page.parent / "performance" / f"{name}.svg")
