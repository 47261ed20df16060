"""``qis cache``: what is in the caches, and emptying them."""

from __future__ import annotations

import argparse
from typing import Any

from qisd.cache.room import node_use
from qisd.cli.console import CommandError, Console, Exit
from qisd.cli.status import ask, bytes_text
from qisd.cli.working import Tools, run
from qisd.errors import QisError
from qisd.repository import paths
from qisd.settings import Settings
from qisd.store import cache_epoch, disk_operations

Subparsers = Any

_TIMEOUT = 2.0
_PERCENT = 100


def add_parser(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add the command to ``commands``."""
    parser = commands.add_parser("cache", parents=[common], help="the caches of finished images")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    status = actions.add_parser("status", parents=[common], help="the Memcached servers, and each worker's hits")
    status.set_defaults(run=_status)
    flush = actions.add_parser("flush", parents=[common], help="forget all finished images, on all servers; asks first")
    flush.add_argument("--memory", action="store_true", help="only those in the memory of the workers")
    flush.add_argument("--memcached", action="store_true", help="all, also with --memory")
    flush.set_defaults(run=_flush)
    forget = actions.add_parser("forget", parents=[common], help="look anew at a file, or at all below a folder")
    forget.add_argument("path", metavar="PATH", help="in the image library, such as /press or /press/a.jpg")
    forget.set_defaults(run=_forget)


def _status(console: Console, options: argparse.Namespace) -> Exit:
    settings = console.load().settings
    nodes = [_node(server) for server in settings.memcached_servers]
    workers = [
        {"name": one["name"], "cache": one.get("cache", {}), "memory": one.get("memory")}
        for one in _processes(settings)
    ]
    if console.as_json:
        console.result_json({"nodes": nodes, "workers": workers})
        return Exit.DONE
    if nodes:
        console.table([("server", "items", "used", "room", "hits", "evictions"), *map(_node_row, nodes)])
        console.result("")
    floors = sorted({floor for worker in workers for floor in worker["cache"]} - {"misses"})
    console.table(
        [
            ("process", *floors, "misses", "hits"),
            *((worker["name"], *_worker_row(worker["cache"], floors)) for worker in workers),
        ]
    )
    return Exit.DONE


def _processes(settings: Settings) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(settings, command="status")["processes"]
    return found


def _node(server: str) -> dict[str, Any]:
    use = node_use(server, timeout=_TIMEOUT)
    if use is None:
        return {"server": server, "available": False}
    return {
        "server": server,
        "available": True,
        "items": use.items,
        "used_bytes": use.used,
        "limit_bytes": use.limit,
        "evictions": use.evictions,
        "hits": use.hits,
        "misses": use.misses,
    }


def _node_row(node: dict[str, Any]) -> tuple[str, ...]:
    if not node["available"]:
        return (node["server"], "does not answer", "", "", "", "")
    return (
        node["server"],
        str(node["items"]),
        bytes_text(node["used_bytes"]),
        bytes_text(node["limit_bytes"]),
        _share(node["hits"], node["misses"]),
        str(node["evictions"]),
    )


def _worker_row(cache: dict[str, int], floors: list[str]) -> list[str]:
    misses = cache.get("misses", 0)
    return [*(str(cache.get(floor, 0)) for floor in floors), str(misses), _share(sum(cache.values()) - misses, misses)]


def _share(hits: int, misses: int) -> str:
    return f"{_PERCENT * hits / (hits + misses):.0f} %" if hits + misses else "-"


def _flush(console: Console, options: argparse.Namespace) -> Exit:
    memory = options.memory and not options.memcached
    what = "the finished images in the memory of all workers" if memory else "all finished images"
    console.confirm(f"Forget {what}, on all servers?")

    async def work(tools: Tools) -> None:
        if memory:
            await cache_epoch.tell(tools.database, cache_epoch.MEMORY)
        else:
            await tools.database.transaction(cache_epoch.advance)

    run(console, work)
    return console.done(f"{what} are forgotten", {"flushed": "memory" if memory else "all"})


def _forget(console: Console, options: argparse.Namespace) -> Exit:
    try:
        path = paths.normalise(options.path, parameter="PATH")
    except QisError as error:
        raise CommandError(str(error)) from error

    async def work(tools: Tools) -> None:
        await disk_operations.tell_files(tools.database, [path])

    run(console, work)
    return console.done(f"/{path} is looked at anew", {"path": f"/{path}"})
