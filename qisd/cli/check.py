"""``qis check``: are the settings right, and does this machine fit them?"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from qisd.cli.console import Console, Exit
from qisd.cli.health import Report, examine
from qisd.errors import SettingsError
from qisd.settings import load_settings

Subparsers = Any


def add_parser(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add the command to ``commands``."""
    parser = commands.add_parser(
        "check",
        parents=[common],
        help="check settings, files and certificates; the last line is `Syntax OK` if all is well",
    )
    parser.set_defaults(run=_check)


def _check(console: Console, options: argparse.Namespace) -> Exit:
    report = Report()
    exit_code = Exit.UNHEALTHY
    try:
        loaded = load_settings(console.settings_file, console.environ)
    except SettingsError as error:
        report.problems.extend(error.faults)
        exit_code = Exit.BAD_ARGUMENT
    else:
        report.warnings.extend(loaded.warnings)
        examine(loaded.settings, report, now=datetime.now(UTC))
    _print(console, report)
    return exit_code if report.problems else Exit.DONE


def _print(console: Console, report: Report) -> None:
    count = len(report.problems)
    if console.as_json:
        console.result_json({"ok": count == 0, "problems": report.problems, "warnings": report.warnings})
        return
    if not console.quiet:
        for warning in report.warnings:
            console.result(f"warning: {warning}")
    for problem in report.problems:
        console.result(problem)
    console.result("Syntax OK" if count == 0 else f"{count} problem{'s' if count > 1 else ''}")
