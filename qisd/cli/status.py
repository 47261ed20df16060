"""``qis status`` and ``qis health``: how the running server fares."""

from __future__ import annotations

import argparse
import json
import socket
from collections.abc import Iterator, Mapping
from typing import Any

from qisd.access.control_path import control_path
from qisd.cli.console import CommandError, Console, Exit
from qisd.cli.health import LEAST_ROOM
from qisd.settings import Settings

Subparsers = Any

_TIMEOUT = 10.0

_ILLS = {
    "settings": "the last reload was refused, and the settings before it hold: `qis check`",
    "store": "the image library is not there: `qis check --store`",
    "database": "the database does not answer: `qis check --database`",
    "render": "more than half of the queue of renders is full: see below who waits",
    "cache": "a Memcached server is away: `qis cache status`",
}
"""What it means that one of the checks fails, and what tells more."""

_FULL = {
    "images": "uploads are refused for want of room for images (MIN_FREE_SPACE_MB): `qis check --store`",
    "state": "the disk of STATE_DIR, with keys and the embedded database, is nearly full: `df -h`",
    "log": "the disk of the log is nearly full: `df -h`",
}
"""What it means that there is too little room in a place."""

_SHARE = 100


def add_parser(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add the commands to ``commands``."""
    status = commands.add_parser("status", parents=[common], help="how the running server and its processes fare")
    status.set_defaults(run=_status)
    health = commands.add_parser("health", parents=[common], help="whether it serves images: exit code 0, or 5")
    health.set_defaults(run=_health)


def _status(console: Console, options: argparse.Namespace) -> Exit:
    settings = console.load_anyway()
    found = ask(settings, command="status")
    if console.as_json:
        console.result_json(found)
        return Exit.DONE
    console.result(f"qisd {found['version']}, process {found['pid']}, up {_duration(found['uptime'])}")
    console.result(f"addresses: {' '.join(found['addresses'])}")
    for name, fine in found["checks"].items():
        if not fine:
            console.result(f"NOT WELL: {_ILLS.get(name, name)}")
    for line in _short_of_room(settings, found["free_bytes"]):
        console.result(f"NOT WELL: {line}")
    for name, free in found["free_bytes"].items():
        console.result(f"free space, {name}: {'unknown' if free is None else bytes_text(free)}")
    for certificate in found["certificates"]:
        hosts = ", ".join(certificate["hosts"]) or "no name"
        console.result(f"certificate {certificate['name']} ({hosts}): {certificate['days_left']} days left")
    console.result("")
    console.table([_HEAD, *(_row(process) for process in found["processes"])])
    return Exit.DONE


def _short_of_room(settings: Settings, free: Mapping[str, int | None]) -> Iterator[str]:
    """What is wrong by the bytes that are free in each place."""
    least = {"images": settings.min_free_space_mb * 2**20}
    for name, number in free.items():
        if number is not None and number < least.get(name, LEAST_ROOM):
            yield _FULL.get(name, f"too little room: {name}")


_HEAD = ("process", "pid", "state", "uptime", "restarts", "requests", "conns", "memory", "renders", "waiting", "hits")


def _row(process: Mapping[str, Any]) -> tuple[str, ...]:
    faults = [name for name, fine in process.get("checks", {}).items() if not fine]
    state = process["state"] if not faults else f"{process['state']}, but: {', '.join(faults)}"
    return (
        process["name"],
        str(process["pid"] or "-"),
        state,
        _duration(process["uptime"]),
        str(process["restarts"]),
        str(process.get("requests", "-")),
        str(process.get("connections", "-")),
        bytes_text(process["memory"]) if "memory" in process else "-",
        str(process.get("rendering", "-")),
        str(process.get("waiting", "-")),
        _hits(process.get("cache", {})),
    )


def _hits(cache: Mapping[str, int]) -> str:
    misses = cache.get("misses", 0)
    hits = sum(cache.values()) - misses
    return f"{_SHARE * hits / (hits + misses):.0f} %" if hits + misses else "-"


def _health(console: Console, options: argparse.Namespace) -> Exit:
    try:
        processes = ask(console.load_anyway(), command="status")["processes"]
    except CommandError as error:
        # Whatever the reason is: a server that can't be asked is not healthy.
        raise CommandError(str(error), exit_code=Exit.UNHEALTHY) from error
    serving = [one for one in processes if one["name"] != "task worker"]
    fine = any(one.get("ready") for one in serving)
    if console.as_json:
        checks = {name: ok for one in serving for name, ok in one.get("checks", {}).items()}
        console.result_json({"ready": fine, "checks": checks})
    else:
        console.result("ready" if fine else "not ready")
    return Exit.DONE if fine else Exit.UNHEALTHY


def ask(settings: Settings, **command: Any) -> Any:
    """What the main process answers to a command.

    :raises CommandError: it does not.
    """
    path = control_path(settings)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_TIMEOUT)
            connection.connect(str(path))
            connection.sendall(json.dumps(command).encode("ascii") + b"\n")
            with connection.makefile("rb") as answers:
                answer = json.loads(answers.readline())
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "no answer"
        raise CommandError(f"the server can't be reached by {path}: {reason}", exit_code=Exit.UNREACHABLE) from error
    if "result" not in answer:
        raise CommandError(f"the server has refused: {answer.get('error')}")
    return answer["result"]


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    first = next((number for number, (value, _) in enumerate(parts) if value), 3)
    return " ".join(f"{value} {unit}" for value, unit in parts[first : first + 2])


def bytes_text(number: float) -> str:
    """A number of bytes, for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" or number >= 100 else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"
