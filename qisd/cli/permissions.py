"""``qis permissions trace``: why somebody may do something in a folder, or may not."""

from __future__ import annotations

import argparse
from typing import Any

from qisd.access.levels import Flag, Level
from qisd.access.permissions import snapshot_of
from qisd.accounts.trace import FolderTrace, Trace, TracedGroup
from qisd.cli.console import CommandError, Console, Exit, plain
from qisd.cli.working import Tools, run
from qisd.store import permissions, users

Subparsers = Any

_FOLDER_STATES = {None: "nobody has heard of it", 0: "deleted", 1: "active"}


def add_parser(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add the command to ``commands``."""
    parser = commands.add_parser("permissions", parents=[common], help="explain permissions")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    trace = actions.add_parser(
        "trace", parents=[common], help="why a user may do something in a folder, or may not: every group with its say"
    )
    trace.add_argument("--anonymous", action="store_true", help="in place of USER: those who haven't logged in")
    trace.add_argument("user", metavar="USER", nargs="?", help="a user name")
    trace.add_argument("path", metavar="PATH", help="of a folder or an image in the library, such as /samples")
    trace.set_defaults(run=_trace)


def _trace(console: Console, options: argparse.Namespace) -> Exit:
    if options.anonymous and options.user is not None:
        raise CommandError("--anonymous: is given in place of a user, not with one")
    if not options.anonymous and options.user is None:
        raise CommandError("USER or --anonymous must be given, then PATH", exit_code=Exit.MISSING_ARGUMENT)

    async def work(tools: Tools) -> FolderTrace:
        user_id = None if options.user is None else await _user_id(tools, options.user)
        snapshot = snapshot_of(await tools.database.transaction(permissions.load))
        return await Trace(tools.database, snapshot=lambda: snapshot).folder(
            tools.visitor, options.path, user_id=user_id
        )

    found = run(console, work)
    if console.as_json:
        console.result_json(_facts(found))
    else:
        _print(console, found)
    return Exit.DONE


async def _user_id(tools: Tools, name: str) -> int:
    user = await users.by_username(tools.database, name.strip())
    if user is None:
        raise CommandError(f"there is no user {name}")
    return user.id


def _print(console: Console, trace: FolderTrace) -> None:
    who = "anonymous visitors" if trace.username is None else trace.username
    console.result(plain(f"Who:     {who}{'' if trace.active else ' (disabled: nobody can log in)'}"))
    console.result(plain(f"Folder:  {trace.folder} ({_FOLDER_STATES[trace.folder_status]})"))
    if trace.image is not None:
        console.result(plain(f"Image:   /{trace.image}"))
    console.result("")
    console.table([("GROUP", "LEVEL", "SET FOR", "SYSTEM PERMISSIONS"), *(_row(group) for group in trace.groups)])
    console.result("")
    if trace.bypass:
        strongest = Flag.ADMIN_ALL if Flag.ADMIN_ALL in trace.bypass else Flag.ADMIN_FILES
        reason = f"{strongest.label} permission opens every folder"
    else:
        reason = "the highest level of these groups" if trace.level else "no group gives more"
    console.result(f"Result:  {_level(trace.level)}: {reason}")


def _row(group: TracedGroup) -> list[str]:
    flags = ", ".join(Flag(flag).label for flag in sorted(group.flags)) or "-"
    return [group.name, "-" if group.level is None else _level(group.level), group.folder or "-", flags]


def _level(level: int) -> str:
    return f"{Level(level).label} ({level})"


def _facts(trace: FolderTrace) -> dict[str, object]:
    return {
        "folder": trace.folder,
        "folder_status": trace.folder_status,
        "image": trace.image,
        "user_id": trace.user_id,
        "username": trace.username,
        "active": trace.active,
        "groups": [
            {
                "group_id": group.id,
                "name": group.name,
                "access": group.level,
                "folder": group.folder,
                "permissions": sorted(group.flags),
            }
            for group in trace.groups
        ],
        "bypass": sorted(trace.bypass),
        "access": trace.level,
    }
