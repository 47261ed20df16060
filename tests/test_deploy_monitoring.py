"""What is in ``deploy/monitoring/``: it asks for metrics that there are, and every alert leads somewhere.

``make deploy-check`` has Prometheus' own tool read the rules, and try them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from twisted.trial.unittest import SynchronousTestCase

from qisd.service.metrics import METRICS

ROOT = Path(__file__).parent.parent
MONITORING = ROOT / "deploy" / "monitoring"

_SERIES = re.compile(r"\b((?:qis|process)_[a-z_]+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'([a-z_]+)\s*(?:=~|!~|!=|=)\s*"')
_GIVEN_BY_PROMETHEUS = {"job", "instance"}


def exported() -> dict[str, set[str]]:
    """The labels of each series, by its name."""
    series: dict[str, set[str]] = {}
    for name, definition in METRICS.items():
        labels = set(definition.labels) | _GIVEN_BY_PROMETHEUS
        if definition.kind == "histogram":
            series |= {f"{name}_count": labels, f"{name}_sum": labels, f"{name}_bucket": labels | {"le"}}
        else:
            series[name] = labels
    return series


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def board_queries() -> Iterator[str]:
    board = json.loads((MONITORING / "grafana-board.json").read_text())
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["definition"]
    for annotation in board["annotations"]["list"]:
        yield annotation["expr"]


def heading_slugs(path: Path) -> set[str]:
    """What a link to each heading of a page ends with, behind its ``#``."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-") for heading in headings}


class MonitoringTests(SynchronousTestCase):
    def test_rules_and_board_ask_for_metrics_and_labels_that_there_are(self) -> None:
        known = exported()
        found = 0
        for query in (*(rule["expr"] for rule in alerts()), *board_queries()):
            for name, selector in _SERIES.findall(query):
                self.assertIn(name, known, query)
                self.assertLessEqual(set(_MATCHER.findall(selector)), known[name], query)
                found += 1
        self.assertGreater(found, 60)

    def test_what_the_board_and_the_rules_group_by_is_a_label(self) -> None:
        labels = set().union(*exported().values())
        for query in (*(rule["expr"] for rule in alerts()), *board_queries()):
            for group in re.findall(r"\bby \(([^)]*)\)", query):
                self.assertLessEqual({name.strip() for name in group.split(",")}, labels, query)

    def test_every_metric_is_on_the_board(self) -> None:
        shown = {name for query in board_queries() for name, _ in _SERIES.findall(query)}
        for name, definition in METRICS.items():
            wanted = f"{name}_bucket" if definition.kind == "histogram" else name
            if name not in {"process_max_fds", "process_start_time_seconds"}:
                self.assertIn(wanted, shown)

    def test_every_alert_tells_what_is_wrong_and_where_it_says_what_to_do(self) -> None:
        for rule in alerts():
            self.assertIn(rule["labels"]["severity"], {"page", "ticket"}, rule["alert"])
            self.assertEqual(set(rule["annotations"]), {"summary", "description", "runbook"}, rule["alert"])
            path, _, part = rule["annotations"]["runbook"].partition("#")
            self.assertIn(part, heading_slugs(ROOT / path), rule["alert"])

    def test_every_alert_is_tried(self) -> None:
        tried = (MONITORING / "alerts.test.yml").read_text()
        for rule in alerts():
            self.assertIn(f'alertname="{rule["alert"]}"', tried)

    def test_no_two_panels_of_the_board_lie_on_each_other(self) -> None:
        board = json.loads((MONITORING / "grafana-board.json").read_text())
        taken: set[tuple[int, int]] = set()
        for panel in board["panels"]:
            at = panel["gridPos"]
            for x in range(at["x"], at["x"] + at["w"]):
                for y in range(at["y"], at["y"] + at["h"]):
                    self.assertNotIn((x, y), taken, panel["title"])
                    self.assertLess(x, 24)
                    taken.add((x, y))
