"""``qis log``: what the server says, and having it say more for a while."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
from importlib.util import find_spec
from typing import Any

from qisd.cli.console import CommandError, Console, Exit, plain
from qisd.cli.numbers import within
from qisd.cli.status import ask
from qisd.settings import Settings

Subparsers = Any

_LOGS = ("qis", "access", "audit")
_LEVELS = ("debug", "info", "warn", "error")
_UNITS = {"s": 1, "m": 60, "h": 3600}
_LONGEST = 24 * 3600
_LINES_MAX = 9_999_999


def add_parser(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add the command to ``commands``."""
    parser = commands.add_parser("log", parents=[common], help="what the server says, and how much")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    tail = actions.add_parser("tail", parents=[common], help="the last lines of a log")
    tail.add_argument(
        "log", metavar="LOG", nargs="?", choices=_LOGS, default="qis", help="qis (default), access, audit"
    )
    tail.add_argument(
        "-n", "--lines", metavar="N", type=within(0, _LINES_MAX), default=20, help="how many (default: 20)"
    )
    tail.add_argument("-f", "--follow", action="store_true", help="go on with what comes, until Ctrl-C")
    tail.set_defaults(run=_tail)
    level = actions.add_parser("level", parents=[common], help="have the running server log more, or less, for a while")
    level.add_argument("level", metavar="LEVEL", choices=_LEVELS, help=", ".join(_LEVELS))
    level.add_argument("area", metavar="AREA", nargs="?", default="", help="only of this area, such as images")
    level.add_argument(
        "--for",
        metavar="TIME",
        dest="seconds",
        type=_seconds,
        default=600,
        help="until it is as set again, such as 30s, 10m (default), 2h",
    )
    level.set_defaults(run=_level)


def _seconds(text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,6})([smh])", text)
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 1 <= seconds <= _LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 30s, 10m or 2h, up to 24h")
    return seconds


def _tail(console: Console, options: argparse.Namespace) -> Exit:
    command = _command(console.load_anyway(), options)
    if options.follow:
        os.execvp(command[0], command)  # noqa: S606 - nothing is left to be done here
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)  # noqa: S603
    except OSError as error:
        raise CommandError(f"{command[0]} can't be run: {error.strerror}") from error
    if done.returncode:
        raise CommandError(done.stderr.strip() or f"{command[0]} has failed", exit_code=Exit.UNREACHABLE)
    console.write(done.stdout)
    return Exit.DONE


def _command(settings: Settings, options: argparse.Namespace) -> list[str]:
    """What shows the lines. Both programs go on with the new file when an old one is put away."""
    lines = str(options.lines)
    if settings.log_target == "file":
        file = settings.logging_base_dir / f"{options.log}.log"
        return ["tail", "-n", lines, *(["-F"] if options.follow else []), "--", str(file)]
    if settings.log_target == "journal":
        only = {"qis": [], "access": ["QIS_AREA=access"], "audit": ["QIS_AREA=audit"]}[options.log]
        return ["journalctl", "--no-pager", "-u", "qis", "-n", lines, *(["-f"] if options.follow else []), *only]
    raise CommandError(
        'LOG_TARGET is "stdout": the log is where the output of the server goes (`docker logs`, `kubectl logs`)'
    )


def _level(console: Console, options: argparse.Namespace) -> Exit:
    if options.area and not _is_area(options.area):
        raise CommandError(
            f"{plain(options.area)}: there is no such part of the program; there are images, web, store.pool, twisted"
        )
    told = ask(
        console.load_anyway(),
        command="log_level",
        level=options.level,
        area=options.area,
        seconds=options.seconds,
    )
    where = f"{options.area} " if options.area else ""
    return console.done(f"{where}logs from {options.level} on, for {options.seconds} s", told)


def _is_area(name: str) -> bool:
    """Whether something logs under that name: a module of ours, or Twisted."""
    try:
        return name == "twisted" or find_spec(f"qisd.{name}") is not None
    except (ImportError, ValueError):
        return False
