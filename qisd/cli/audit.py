"""``qis audit``: who changed what, and when."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

from qisd.accounts.audit import PAGE_MAX, AuditLog
from qisd.cli.console import CommandError, Console, Exit
from qisd.cli.moments import iso, moment, shown
from qisd.cli.working import Tools, run
from qisd.store.audit import AuditEntry, AuditFilter

Subparsers = Any

_USUAL = 50


def add_parser(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add the command to ``commands``."""
    parser = commands.add_parser("audit", parents=[common], help="show the record of who changed what")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", parents=[common], help="the newest entries")
    listing.add_argument(
        "--limit", metavar="N", type=int, default=_USUAL, help=f"how many, {PAGE_MAX} at most (default: {_USUAL})"
    )
    export = actions.add_parser("export", parents=[common], help="print all entries, one JSON object on each line")
    for action, work in ((listing, _list), (export, _export)):
        action.add_argument("--user", metavar="NAME", default="", help="only what this user has done")
        action.add_argument(
            "--action", metavar="ACTION", default="", help="only such as user.created, or all of a kind, such as user"
        )
        action.add_argument("--since", metavar="DATE", type=moment, help="from this day, or moment, on; in UTC")
        action.add_argument("--until", metavar="DATE", type=moment, help="up to the day before this")
        action.set_defaults(run=work)


def _filter(options: argparse.Namespace) -> AuditFilter:
    if options.since and options.until and options.since > options.until:
        raise CommandError("--until: must not be before --since")
    return AuditFilter(actor_name=options.user, action=options.action, since=options.since, until=options.until)


def _list(console: Console, options: argparse.Namespace) -> Exit:
    if not 1 <= options.limit <= PAGE_MAX:
        raise CommandError(f"--limit: must be 1 to {PAGE_MAX}")

    async def work(tools: Tools) -> list[AuditEntry]:
        part = await AuditLog(tools.database).listed(tools.visitor, _filter(options), limit=options.limit)
        return part.items

    found = run(console, work)
    if console.as_json:
        console.result_json([_facts(entry) for entry in found])
    else:
        console.table([("TIME", "WHO", "FROM", "ACTION", "WHAT", "BEFORE AND AFTER"), *map(_row, found)])
    return Exit.DONE


def _facts(entry: AuditEntry) -> dict[str, object]:
    return {
        "id": entry.id,
        "time": iso(entry.time),
        "actor_id": entry.actor.actor_id,
        "actor_name": entry.actor.actor_name,
        "actor_kind": entry.actor.actor_kind,
        "address": entry.actor.address,
        "request_id": entry.actor.request_id,
        "action": entry.action,
        "object_type": entry.object_type,
        "object_id": entry.object_id,
        "before": entry.before,
        "after": entry.after,
    }


def _row(entry: AuditEntry) -> list[str]:
    return [
        shown(entry.time),
        entry.actor.actor_name or entry.actor.actor_kind,
        entry.actor.address or "-",
        entry.action,
        entry.object_id or "-",
        _change(entry.before, entry.after),
    ]


def _change(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    parts = [json.dumps(dict(state), ensure_ascii=False) for state in (before, after) if state]
    return " → ".join(parts) if before and after else "".join(parts) or "-"


def _export(console: Console, options: argparse.Namespace) -> Exit:
    async def work(tools: Tools) -> None:
        async for page in AuditLog(tools.database).export(tools.visitor, _filter(options)):
            for entry in page:
                console.result_line(_facts(entry))

    run(console, work)
    return Exit.DONE
