"""``qis tasks``: the work that the daemons do in the background."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import attrs

from qisd.cli.console import CommandError, Console, Exit, plain
from qisd.cli.moments import iso, moment, shown
from qisd.cli.progress import progress_bar
from qisd.cli.working import Tools, run
from qisd.errors import AlreadyExists, NotFound
from qisd.repository import paths
from qisd.store import folders, tasks, users
from qisd.store.tasks import Task, TaskStatus
from qisd.tasks.housekeeping import before_time, purge_border
from qisd.tasks.queue import TaskQueue
from qisd.tasks.registry import TaskRun, TaskType, TaskTypes

Subparsers = Any
T = TypeVar("T")

_STATUSES = {status.name.lower(): status for status in TaskStatus}
_USUAL, _MOST = 50, 1000
_LARGEST_ID = 2**63 - 1
_KEPT = 3600
"""Seconds for which a task that was started by hand can be looked at when it is over."""

_STATS = ("purge_system_stats", "purge_image_stats")
_FOLDER_DATA = "purge_deleted_folder_data"


async def elsewhere(task: TaskRun) -> object:
    """In place of what the daemon does."""
    raise NotImplementedError("the daemon runs it")


RUNNABLE = (
    TaskType(name="delete_old_temp_files", title="Delete old temporary files", run=elsewhere),
    TaskType(name="expire_portfolio_exports", title="Remove expired portfolio exports", run=elsewhere),
    TaskType(name="purge_system_stats", title="Purge system statistics", run=elsewhere),
    TaskType(name="purge_image_stats", title="Purge image statistics", run=elsewhere),
    TaskType(name=_FOLDER_DATA, title="Purge deleted data", run=elsewhere),
    TaskType(name="roll_up_stats", title="Roll up statistics", run=elsewhere),
    TaskType(name="expire_trash", title="Remove what has been in the trash long enough", run=elsewhere),
    TaskType(
        name="verify_hashes",
        title="Verify that files hold what they held",
        run=elsewhere,
        priority=30,
        max_attempts=5,
    ),
)
"""What can be started by hand, as far as that takes: the name, and the title that the worker's own types give it."""


def add_parser(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add the command to ``commands``."""
    parser = commands.add_parser("tasks", parents=[common], help="look after the work in the background")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", parents=[common], help="the newest tasks")
    listing.add_argument(
        "--status", choices=sorted(_STATUSES), action="append", help="only these; may be given several times"
    )
    listing.add_argument("--type", metavar="NAME", help="only tasks of this type, such as purge_image_stats")
    listing.add_argument(
        "--limit", metavar="N", type=int, default=_USUAL, help=f"how many, {_MOST} at most (default: {_USUAL})"
    )
    listing.set_defaults(run=_list)
    for action, text, work in (
        ("show", "all about one task", _show),
        ("cancel", "cancel a task that waits, ask one that runs to end", _cancel),
        ("retry", "queue a failed or cancelled task again", _retry),
    ):
        one = actions.add_parser(action, parents=[common], help=text)
        one.add_argument("id", metavar="ID", type=_task_id)
        one.set_defaults(run=work)
    start = actions.add_parser("run", parents=[common], help="queue a task; the daemon does the work")
    start.add_argument("name", metavar="NAME", choices=[kind.name for kind in RUNNABLE], help="%(choices)s")
    start.add_argument("--before", metavar="DATE", type=moment, help="of purge_…_stats (default: by STATS_KEEP_DAYS)")
    start.add_argument("--path", metavar="FOLDER", help="of purge_deleted_folder_data (default: the whole library)")
    start.add_argument("--wait", action="store_true", help="until it is over; 4 if it failed or was cancelled")
    start.set_defaults(run=_start)


def _task_id(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= _LARGEST_ID:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of a task")
    return int(text)


@attrs.frozen
class Desk:
    """Where tasks are asked about."""

    tools: Tools
    queue: TaskQueue

    async def get(self, number: int) -> Task:
        """:raises CommandError: there is none."""
        try:
            return await self.queue.get(number)
        except NotFound as error:
            raise CommandError(f"there is no task {number}, or not any more") from error

    async def facts(self, task: Task) -> dict[str, object]:
        user = None if task.user_id is None else await users.by_id(self.tools.database, task.user_id)
        return _facts(task, None if user is None else user.username)


def at_desk(
    console: Console, work: Callable[[Desk], Coroutine[Any, Any, T]], types: Iterable[TaskType] = RUNNABLE
) -> T:
    """Do ``work``, with a queue for tasks of these types."""

    async def begin(tools: Tools) -> T:
        return await work(Desk(tools, TaskQueue(tools.database, TaskTypes(types), reactor=tools.reactor)))

    return run(console, begin)


# The commands


def _list(console: Console, options: argparse.Namespace) -> Exit:
    if not 1 <= options.limit <= _MOST:
        raise CommandError(f"--limit: must be 1 to {_MOST}")
    statuses = None if options.status is None else {_STATUSES[name] for name in options.status}

    async def work(desk: Desk) -> list[dict[str, object]]:
        found = await tasks.listed(desk.tools.database, statuses=statuses, funcname=options.type, limit=options.limit)
        return [await desk.facts(task) for task in found]

    found = at_desk(console, work)
    if console.as_json:
        console.result_json(found)
    else:
        console.table([("ID", "STATUS", "DONE", "CREATED", "USER", "TYPE", "NAME"), *map(_row, found)])
    return Exit.DONE


def _show(console: Console, options: argparse.Namespace) -> Exit:
    async def work(desk: Desk) -> dict[str, object]:
        return await desk.facts(await desk.get(options.id))

    facts = at_desk(console, work)
    if console.as_json:
        console.result_json(facts)
        return Exit.DONE
    for name, value in facts.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        console.result(plain(f"{name + ':':<17} {'-' if value is None else text}"))
    return Exit.DONE


def _cancel(console: Console, options: argparse.Namespace) -> Exit:
    async def work(desk: Desk) -> dict[str, object]:
        before = await desk.get(options.id)
        if before.over:
            raise CommandError(f"task {before.id} is over already: {before.status.name.lower()}")
        return await desk.facts(await desk.queue.cancel(before.id))

    facts = at_desk(console, work)
    over = facts["status"] == "cancelled"
    return console.done(f"task {options.id} {'is cancelled' if over else 'is asked to end'}", facts)


def _retry(console: Console, options: argparse.Namespace) -> Exit:
    async def work(desk: Desk) -> dict[str, object]:
        before = await desk.get(options.id)
        if before.status not in (TaskStatus.FAILED, TaskStatus.CANCELLED):
            raise CommandError(
                f"task {before.id} is {before.status.name.lower()}; only failed and cancelled ones are tried again"
            )
        return await desk.facts(await desk.queue.retry(before.id))

    return console.done(f"task {options.id} is queued again", at_desk(console, work))


def _start(console: Console, options: argparse.Namespace) -> Exit:
    if options.before is not None and options.name not in _STATS:
        raise CommandError(f"--before: {options.name} takes no date")
    if options.path is not None and options.name != _FOLDER_DATA:
        raise CommandError(f"--path: {options.name} takes no folder")

    async def work(desk: Desk) -> dict[str, object]:
        params = await _params(desk, options)
        try:
            task = await desk.queue.add(options.name, params, user_id=None, keep_for=_KEPT)
        except AlreadyExists as error:
            existing = error.existing
            which = f"task {existing.id}" if isinstance(existing, Task) else "another task"
            raise CommandError(f"{which} does the same already, and isn't over yet") from error
        if options.wait:
            task = await finished(console, desk, task)
        return await desk.facts(task)

    facts = at_desk(console, work)
    if not options.wait:
        return console.done(f"queued task {facts['id']}; the daemon runs it as soon as it can", facts)
    console.done(
        f"task {facts['id']} is {facts['status']}{': ' if facts['error'] else ''}{facts['error'] or ''}", facts
    )
    return Exit.DONE if facts["status"] == "complete" else Exit.PARTLY_DONE


async def _params(desk: Desk, options: argparse.Namespace) -> Mapping[str, Any]:
    if options.name == _FOLDER_DATA:
        path = folders.stored(paths.normalise(options.path or "/", parameter="--path"))
        folder = await folders.by_path(desk.tools.database, path)
        if folder is None:
            raise CommandError(f"--path: nobody has heard of a folder {path}")
        return {"folder_id": folder.id}
    if options.name not in _STATS:
        return {}
    if options.before is not None:
        return {"before_time": before_time(options.before)}
    days = desk.tools.settings.stats_keep_days
    if not days:
        raise CommandError("--before must be given: by STATS_KEEP_DAYS = 0 statistics are kept for ever")
    return {"before_time": purge_border(datetime.now(UTC), days)}


async def finished(console: Console, desk: Desk, task: Task) -> Task:
    """Show how far ``task`` is, until it is over."""
    desk.queue.start()
    try:
        with progress_bar(console, task.name) as bar:
            while not task.over:
                waiting = "waiting for a daemon" if task.status == TaskStatus.PENDING else task.progress_text
                bar.show(task.progress, waiting)
                task = await desk.queue.wait(task.id, 1.0)
    finally:
        desk.queue.stop()
    return task


# What is printed


def _facts(task: Task, username: str | None) -> dict[str, object]:
    return {
        "id": task.id,
        "name": task.name,
        "funcname": task.funcname,
        "params": dict(task.params),
        "status": task.status.name.lower(),
        "progress": task.progress,
        "progress_text": task.progress_text,
        "result": task.result,
        "error": task.error,
        "user": username,
        "priority": task.priority,
        "attempts": task.attempts,
        "max_attempts": task.max_attempts,
        "cancel_requested": task.cancel_requested,
        "locked_by": task.locked_by,
        "created": iso(task.created),
        "started": iso(task.started),
        "finished": iso(task.finished),
        "keep_until": iso(task.keep_until),
    }


def _row(facts: Any) -> list[str]:
    done = "-" if facts["progress"] is None else f"{facts['progress']:.0f} %"
    created = shown(datetime.fromisoformat(facts["created"]))
    return [
        str(facts["id"]), facts["status"], done, created, facts["user"] or "-", facts["funcname"], facts["name"],
    ]  # fmt: skip
