"""What ``qis import-qis`` says at its end: as text for people, as JSON for scripts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs

from qisd.cli.console import Console, plain
from qisd.cli.progress import size_text
from qisd.cli.qis_library import Copied
from qisd.cli.qis_settings import Omitted, QisSettings
from qisd.settings.keys import MASK
from qisd.settings.model import is_secret
from qisd.store.qis_import import Imported
from qisd.store.qis_import_findings import Finding, Findings, Weight

_TITLES = {Weight.LEFT_OUT: "Left out", Weight.CHANGED: "Put right", Weight.NOTE: "Worth knowing"}


@attrs.frozen(kw_only=True)
class Report:
    """All that was done, or would be.

    :param trial: nothing was changed.
    :param settings_file: where the settings were written to, if they were.
    :param on_disk: what was found in the image library, and by asking the other server.
    :param copied: None when no images were to be copied.
    :param same_sizes: of how many images the other server said the same; None when it wasn't asked.
    """

    trial: bool
    settings: QisSettings
    settings_file: Path | None
    imported: Imported
    on_disk: Findings
    copied: Copied | None
    same_sizes: int | None

    @property
    def left_out(self) -> bool:
        """Whether there is something that somebody should look at."""
        unexpected = any(not omitted.expected for omitted in self.settings.omitted)
        return self.imported.findings.left_out or self.on_disk.left_out or unexpected

    def findings(self) -> Iterator[Finding]:
        yield from self.imported.findings
        yield from self.on_disk


def as_json(report: Report) -> dict[str, object]:
    """The report as JSON; secrets are masked."""
    imported, settings = report.imported, report.settings
    return {
        "dry_run": report.trial,
        "complete": not report.left_out,
        "again": imported.again,
        "cluster_id": imported.cluster_id,
        "tables": {name: attrs.asdict(count) for name, count in imported.counts.items()},
        "missing_tables": list(imported.missing),
        "not_taken": dict(imported.not_taken),
        "findings": [{**attrs.asdict(finding), "weight": finding.weight.value} for finding in report.findings()],
        "images": {
            "directory": str(settings.images_dir),
            "copied": attrs.asdict(report.copied) if report.copied else None,
            "same_sizes": report.same_sizes,
        },
        "settings": {
            "file": str(report.settings_file) if report.settings_file else None,
            "values": {name: MASK if is_secret(name) else value for name, value in settings.values.items()},
            "omitted": [attrs.asdict(omitted) for omitted in settings.omitted],
        },
    }


def print_text(console: Console, report: Report) -> None:
    """Print the report for people."""
    imported = report.imported
    console.result(f"QIS in {report.settings.root}, installation {imported.cluster_id or 'without an id'}")
    if report.trial:
        console.result("Dry run: nothing was changed.")
    elif imported.again:
        console.result("There has been an earlier import.")
    console.result("")
    rows = [(name, str(count.source), str(count.taken)) for name, count in imported.counts.items()]
    console.table([("TABLE", "IN QIS", "HERE"), *rows])
    console.result("Statistics are one row an hour here.")
    for name, count in imported.not_taken.items():
        console.result(f"{name}: {count} not taken, on purpose")
    if imported.missing:
        console.result(f"This QIS has no {', '.join(imported.missing)}")
    _print_findings(console, report)
    _print_images(console, report)
    _print_settings(console, report)


def _print_findings(console: Console, report: Report) -> None:
    for weight, title in _TITLES.items():
        found = [finding for finding in report.findings() if finding.weight is weight]
        if found:
            console.result(f"\n{title}")
        for finding in found:
            console.result(f"  {finding.count} {finding.text}")
            for example in finding.examples:
                console.result(f"      {example}")
            if finding.count > len(finding.examples) > 0:
                console.result("      …")


def _print_images(console: Console, report: Report) -> None:
    console.result(f"\nImages are in {report.settings.images_dir}")
    if report.copied:
        copied, verb = report.copied, "to be copied" if report.trial else "copied"
        new = f"{copied.new_files} files, {size_text(copied.new_bytes)}"
        console.result(f"  {copied.files} files, {size_text(copied.bytes)}; {verb}: {new}")
    if report.same_sizes is not None:
        console.result(f"  {report.same_sizes} have the same size on the other server")


def _print_settings(console: Console, report: Report) -> None:
    settings = report.settings
    console.result("\nSettings" + (f", written to {report.settings_file}" if report.settings_file else ""))
    for line in settings.toml(secrets=False).splitlines()[2:]:
        console.result(f"  {line}")
    for title, expected in (("Settings that are left out", False), ("Settings that have no meaning here", True)):
        omitted = [one for one in settings.omitted if one.expected is expected]
        if omitted:
            console.result(f"\n{title}")
        for one in omitted:
            console.result(f"  {_line(one)}")


def _line(omitted: Omitted) -> str:
    return plain(": ".join(part for part in (omitted.place, omitted.name, omitted.reason) if part))
