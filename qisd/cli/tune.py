"""``qis tune``: what suits this machine, or another one, and writing it into the settings."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from qisd.cli import settings_file
from qisd.cli.console import Console, Exit
from qisd.settings import LoadedSettings, Settings, sizing
from qisd.settings.sizing import Machine, Plan

Subparsers = Any

MEMCACHED_FILE = Path("/etc/memcached.conf")

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([MGT]?)(?:i?B)?", re.IGNORECASE)
_UNITS = {"": 1, "M": 1, "G": 1024, "T": 1024 * 1024}
_LEAST_MEMORY, _MOST_MEMORY = 256, 2**26
_MOST_PROCESSORS = 4096


def add_parser(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add the command to ``commands``."""
    parser = commands.add_parser("tune", parents=[common], help="numbers of workers and sizes that suit this machine")
    parser.add_argument("--apply", action="store_true", help="write them into the local settings file; asks first")
    parser.add_argument(
        "--memory", metavar="SIZE", type=_size, help="of the machine, such as 4G (default: of this one)"
    )
    parser.add_argument("--cpus", metavar="N", type=_count, help="processors (default: those of this machine)")
    for flag, name in (("--local-postgres", "PostgreSQL"), ("--local-memcached", "Memcached")):
        parser.add_argument(
            flag,
            action=argparse.BooleanOptionalAction,
            help=f"whether {name} runs on the machine as well (default: as set)",
        )
    parser.set_defaults(run=_tune)


def _size(text: str) -> int:
    """MiB."""
    match = _SIZE.fullmatch(text.strip())
    size = int(float(match[1]) * _UNITS[match[2].upper()]) if match else 0
    if not _LEAST_MEMORY <= size <= _MOST_MEMORY:
        raise argparse.ArgumentTypeError(f"{text!r} is no size such as 4G or 4096M, from {_LEAST_MEMORY}M on")
    return size


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_PROCESSORS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processors, 1 to {_MOST_PROCESSORS}")
    return int(text)


def _tune(console: Console, options: argparse.Namespace) -> Exit:
    loaded = console.load()
    plan = sizing.plan(loaded.settings, _machine(loaded.settings, options))
    wanted = sizing.by_setting(loaded.settings, plan)
    if console.as_json:
        console.result_json({**attrs.asdict(plan), "short_of": plan.short_of, "settings": wanted})
    else:
        _show(console, loaded.settings, plan, wanted)
    if plan.short_of:
        console.message(f"warning: with all of it in use at the same time, {plan.short_of} MiB are missing")
    if options.apply:
        _apply(console, loaded, plan, wanted)
    return Exit.DONE


def _machine(settings: Settings, options: argparse.Namespace) -> Machine:
    given = {
        "processors": options.cpus,
        "memory_mb": options.memory,
        "postgres_here": options.local_postgres,
        "memcached_here": options.local_memcached,
    }
    return attrs.evolve(
        sizing.this_machine(settings), **{name: value for name, value in given.items() if value is not None}
    )


def _show(console: Console, settings: Settings, plan: Plan, wanted: Mapping[str, int]) -> None:
    machine = plan.machine
    here = [name for name, is_here in _neighbours(machine) if is_here]
    beside = f"; {' and '.join(here)} on it" if here else ""
    console.result(f"{machine.processors} processors, {machine.memory_mb} MiB of memory{beside}")
    console.result("")
    reasons = _reasons(settings, plan)
    console.table([("SETTING", "VALUE", "WHY"), *((name, str(value), reasons[name]) for name, value in wanted.items())])
    console.result("")
    console.table(
        [("MEMORY", "MiB"), *((name, str(size)) for name, size in plan.shares.items() if size)],
    )
    console.result("")
    for line in _elsewhere(plan):
        console.result(line)


def _neighbours(machine: Machine) -> tuple[tuple[str, bool], ...]:
    return ("PostgreSQL", machine.postgres_here), ("Memcached", machine.memcached_here)


def _reasons(settings: Settings, plan: Plan) -> dict[str, str]:
    less = "".join(f" - 1 for {name}" for name, is_here in _neighbours(plan.machine) if is_here)
    main = f"{plan.machine.processors} processors{less}, {sizing.LEAST_WORKERS} at least"
    scheme = sizing.main_scheme(settings)
    other = f"that is enough beside the workers for {scheme.upper()}"
    return {
        "HTTP_PROCESSES": main if scheme == "http" else other,
        "HTTPS_PROCESSES": main if scheme == "https" else other,
        "HTTP_THREADS": "renders at once in a worker",
        "HTTPS_THREADS": "the same",
        "RENDER_MEMORY_MB": "of a worker at most: a quarter of the memory, 1024 at most",
        "MEMORY_CACHE_MB": "of a worker: a 64th of the memory, 16 to 64",
    }


def _elsewhere(plan: Plan) -> list[str]:
    """What is set in other files than ours."""
    lines = [f"PostgreSQL: max_connections {plan.connections} at least, for this server"]
    if plan.shared_buffers_mb:
        lines.append(f"PostgreSQL: shared_buffers {plan.shared_buffers_mb}MB")
    if plan.memcached_mb:
        lines.append(f"Memcached, in {MEMCACHED_FILE}: -m {plan.memcached_mb} -c {plan.memcached_connections}")
    return lines


def _apply(console: Console, loaded: LoadedSettings, plan: Plan, wanted: Mapping[str, int]) -> None:
    path = loaded.file or settings_file.local_file(console)
    # What is "auto" goes by the same rule already.
    changed = {name: value for name, value in wanted.items() if _now(loaded, name) not in (None, value)}
    memcached = _memcached(plan)
    if not changed and memcached is None:
        console.message("everything is so already")
        return
    places = [str(path)] if changed else []
    places += [str(MEMCACHED_FILE)] if memcached is not None else []
    console.confirm(f"Write this into {' and '.join(places)}?")
    if changed:
        settings_file.write(path, settings_file.edited(path, changed))
        settings_file.tell_of_environment(console, loaded, changed)
        console.message(f"written into {path}; it holds after a reload: systemctl reload qis")
    if memcached is not None:
        settings_file.write(MEMCACHED_FILE, memcached)
        console.message(f"written into {MEMCACHED_FILE}; it holds after: systemctl restart memcached")


def _now(loaded: LoadedSettings, name: str) -> object:
    return getattr(loaded.settings, name.lower())


def _memcached(plan: Plan) -> str | None:
    """The text of the configuration of Memcached with its new size; None: there is none to be written."""
    if not plan.memcached_mb:
        return None
    try:
        text = MEMCACHED_FILE.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    edited = text
    for flag, value in (("-m", plan.memcached_mb), ("-c", plan.memcached_connections)):
        line = f"{flag} {value}"
        edited, count = re.subn(rf"^{flag}[ \t]*[0-9]+[ \t]*$", line, edited, flags=re.MULTILINE)
        edited = edited if count else edited.rstrip("\n") + f"\n{line}\n"
    return edited if edited != text else None
