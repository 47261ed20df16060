"""``qis precache``: have images made before anybody asks for them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import CancelledError

from qisd.cli.console import CommandError, Console, Exit, plain
from qisd.cli.moments import moment
from qisd.cli.numbers import within
from qisd.cli.tasks import Desk, at_desk, elsewhere, finished
from qisd.cli.working import as_command_error
from qisd.errors import AlreadyExists, QisError
from qisd.precaching import JOBS_MOST, NAME, URLS_MOST, Order, query_of, task_type
from qisd.repository import paths
from qisd.settings import Settings
from qisd.store import image_templates
from qisd.store.tasks import Task, TaskStatus

Subparsers = Any

_FILL = 80
_PERCENT = 100

_CODES = {
    "not_found": Exit.BAD_ARGUMENT,
    "refused": Exit.BAD_ARGUMENT,
    "bad_parameter": Exit.BAD_ARGUMENT,
    "store_unavailable": Exit.UNREACHABLE,
}
"""By the kind of error that a task has failed with."""


def add_parser(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add the command to ``commands``."""
    parser = commands.add_parser(
        "precache", parents=[common], help="have images made before anybody asks for them, in the background"
    )
    parser.add_argument("folder", metavar="DIR", nargs="?", help="in the image library, with all below it")
    parser.add_argument("specs", metavar="SPECS", nargs="?", help="names of files, such as '*.jpg,*.png'")
    parser.add_argument("templates", metavar="TEMPLATES", nargs="?", help="such as Precache,SmallJpeg")
    parser.add_argument(
        "--url-list", metavar="FILE", type=Path, help="instead of these: addresses of images, one a line"
    )
    parser.add_argument(
        "--jobs",
        metavar="N",
        type=within(1, JOBS_MOST),
        default=1,
        help=f"how many are made at once, {JOBS_MOST} at most (default: 1)",
    )
    parser.add_argument(
        "--max-fill",
        metavar="PCT",
        type=within(1, _PERCENT),
        default=_FILL,
        help=f"end when the cache is so full (default: {_FILL})",
    )
    parser.add_argument("--since", metavar="DATE", type=moment, help="only files that were changed since")
    parser.set_defaults(run=_precache)


def _precache(console: Console, options: argparse.Namespace) -> Exit:
    order = _order(options)

    async def work(desk: Desk) -> Task:
        await _check_templates(desk, order)
        _warn(console, desk.tools.settings)
        return await _done(console, desk, order)

    return _tell(console, at_desk(console, work, [task_type(elsewhere)]))


def _order(options: argparse.Namespace) -> Order:
    """:raises CommandError: it makes no sense."""
    given = [options.folder, options.specs, options.templates]
    if options.url_list is not None:
        if any(one is not None for one in given) or options.since is not None:
            raise CommandError("--url-list stands in place of DIR, SPECS, TEMPLATES and --since")
        order = Order(urls=_urls(options.url_list))
    elif None in given:
        missing = next(name for name, one in zip(("DIR", "SPECS", "TEMPLATES"), given, strict=True) if one is None)
        raise CommandError(f"{missing} is missing, or --url-list", exit_code=Exit.MISSING_ARGUMENT)
    else:
        order = Order(
            folder=_folder(options.folder),
            specs=_words("SPECS", options.specs),
            templates=_words("TEMPLATES", options.templates),
            since=options.since,
        )
    return attrs.evolve(order, jobs=options.jobs, max_fill=options.max_fill)


def _folder(text: str) -> str:
    try:
        return paths.normalise(text, parameter="DIR")
    except QisError as error:
        raise as_command_error(error) from error


def _words(name: str, text: str) -> list[str]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise CommandError(f"{name}: there is nothing in it")
    return words


def _urls(file: Path) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} can't be read: {error}") from error
    urls = []
    for number, line in enumerate(lines, start=1):
        url = line.strip()
        if not url or url.startswith("#"):
            continue
        try:
            query_of(url)
        except QisError as error:
            raise CommandError(f"{file}:{number}: {error.message.partition(': ')[2]}") from error
        urls.append(url)
    if not 1 <= len(urls) <= URLS_MOST:
        raise CommandError(f"{file}: has {len(urls)} addresses; 1 to {URLS_MOST} are possible")
    return urls


async def _check_templates(desk: Desk, order: Order) -> None:
    for name in order.templates:
        if await image_templates.by_name(desk.tools.database, name) is None:
            raise CommandError(f"TEMPLATES: there is no template {name}")


def _warn(console: Console, settings: Settings) -> None:
    if not settings.memcached_servers and not settings.disk_cache_mb:
        console.message(
            "warning: without MEMCACHED_SERVERS or DISK_CACHE_MB, the workers don't get what the task worker makes"
        )


async def _done(console: Console, desk: Desk, order: Order) -> Task:
    """The task, when it is over. Whoever ends the command ends it."""
    try:
        task = await desk.queue.add(NAME, order.params(), user_id=None)
    except AlreadyExists as error:
        which = f"task {error.existing.id}" if isinstance(error.existing, Task) else "another task"
        raise CommandError(f"{which} does the same already, and isn't over yet") from error
    console.message(f"task {task.id} is queued")
    try:
        return await finished(console, desk, task)
    except CancelledError:
        await desk.queue.cancel(task.id)
        console.message(f"task {task.id} is cancelled; what it has made stays in the cache")
        raise


def _tell(console: Console, task: Task) -> Exit:
    """What came of it, as messages or as JSON, and as exit code."""
    if task.status != TaskStatus.COMPLETE:
        why = f": {task.error}" if task.error else ""
        kind = task.result["exception"]["type"] if task.result else ""
        raise CommandError(
            f"task {task.id} is {task.status.name.lower()}{why}", exit_code=_CODES.get(kind, Exit.PARTLY_DONE)
        )
    result: dict[str, Any] = dict(task.result)
    if console.as_json:
        console.result_json(result)
    else:
        for fault in result["faults"]:
            console.message(plain(fault))
        if result["stopped"]:
            console.message(f"ended early: {result['stopped']}")
        console.result(
            f"{result['files']} images: {result['made']} renditions made, {result['there']} were there,"
            f" {result['failed']} failed"
        )
    return Exit.PARTLY_DONE if result["failed"] else Exit.DONE
