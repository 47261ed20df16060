"""``qis check``: are the settings right, does this machine fit them, and is all there that they name?"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from qisd.cli.console import Console, Exit, plain
from qisd.cli.health import Report, examine
from qisd.cli.probe_database import probe_database
from qisd.cli.probe_library import probe_library
from qisd.cli.probe_network import probe_network
from qisd.cli.probe_servers import probe_servers
from qisd.cli.probe_tls import probe_tls
from qisd.errors import SettingsError
from qisd.settings import Settings, load_settings

Subparsers = Any

_PROBES: Mapping[str, tuple[str, Callable[[Settings, Report], None]]] = {
    "network": (
        "also ask for names and addresses, our own ports, Memcached, and whether all servers of the site agree",
        probe_network,
    ),
    "tls": ("also look at what those are shown who come by HTTPS", probe_tls),
    "store": ("also look whether the image library is there, and has room", probe_library),
    "database": ("also ask the database", probe_database),  # the last: root becomes the server's account by it
}


def add_parser(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add the command to ``commands``."""
    parser = commands.add_parser(
        "check",
        parents=[common],
        help="check settings, files and certificates; the last line is `Syntax OK` if all is well",
    )
    for name, (text, _) in _PROBES.items():
        parser.add_argument(f"--{name}", action="store_true", help=text)
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
        examine(loaded.settings, report, now=datetime.now(UTC), file=loaded.file)
        for name, (_, probe) in _PROBES.items():
            if getattr(options, name):
                probe(loaded.settings, report)
        if options.network:
            probe_servers(loaded.settings, report)
    _print(console, report)
    return exit_code if report.problems else Exit.DONE


def _print(console: Console, report: Report) -> None:
    count = len(report.problems)
    if console.as_json:
        facts = {"facts": report.facts} if report.facts else {}
        console.result_json({"ok": count == 0, "problems": report.problems, "warnings": report.warnings, **facts})
        return
    if not console.quiet:
        for fact in report.facts:
            console.result(plain(fact))
        for warning in report.warnings:
            console.result(f"warning: {warning}")
    for problem in report.problems:
        console.result(problem)
    console.result("Syntax OK" if count == 0 else f"{count} problem{'s' if count > 1 else ''}")
