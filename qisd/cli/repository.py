"""``qis repository verify``: whether the database knows what is on disk, and whether that is what it was."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import attrs

from qisd.cli.console import CommandError, Console, Exit, plain
from qisd.cli.progress import ProgressBar, progress_bar
from qisd.cli.working import Tools, run
from qisd.imaging.formats import FormatTable
from qisd.imaging.render import RenderSettings
from qisd.imaging.source import DecodeLimits
from qisd.library.guard import Guard
from qisd.library.integrity import Integrity, IntegrityCheck
from qisd.library.registrar import Registrar
from qisd.library.rules import LibraryRules
from qisd.library.verification import Findings, Verification, as_json
from qisd.pools.files import FilePool
from qisd.repository.stores import open_store
from qisd.settings import Settings

Subparsers = Any

_LABELS = {
    "unknown": "files that the database doesn't know",
    "changed": "files that have changed behind its back",
    "missing": "records whose files are gone",
    "missing_folders": "records of folders that are gone",
}

_HASH_LABELS = {
    "damaged": "files that do not hold any more what they held, although nobody has written to them",
    "unreadable": "files that can't be read",
}

_FILE_TIMEOUT = 600.0
"""Seconds that the disk may take for a few hundred files."""


def add_parser(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add the command to ``commands``."""
    parser = commands.add_parser("repository", parents=[common], help="check the image library")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    verify = actions.add_parser(
        "verify", parents=[common], help="compare the files with the database; 5 if that says what isn't so"
    )
    verify.add_argument("--repair", action="store_true", help="bring the database along with the files")
    verify.add_argument(
        "--hashes", action="store_true", help="also read all files, and find those that the disk has damaged; 5 if any"
    )
    verify.set_defaults(run=_verify)


def _verify(console: Console, options: argparse.Namespace) -> Exit:
    async def work(tools: Tools) -> tuple[Findings, Integrity | None]:
        with _files(tools.reactor) as files:
            checks = await _checks(tools, files)
            with progress_bar(console, "comparing files and records") as bar:
                found = await checks.verification.run(tools.visitor, repair=options.repair, progress=_shown(bar))
            if not options.hashes:
                return found, None
            with progress_bar(console, "reading files") as bar:
                return found, await checks.integrity.run(
                    tools.visitor,
                    since=datetime.now(UTC),
                    renew=options.repair,
                    bytes_a_second=None,
                    progress=_shown(bar),
                )

    found, integrity = run(console, work)
    if console.as_json:
        console.result_json(as_json(found) | ({"hashes": attrs.asdict(integrity)} if integrity else {}))
    else:
        _print(console, found, repaired=options.repair)
        if integrity is not None:
            _print_integrity(console, integrity)
    if integrity is not None and integrity.damaged + integrity.unreadable:
        return Exit.UNHEALTHY
    if options.repair:
        return Exit.DONE if found.repaired >= found.unknown + found.changed + found.missing else Exit.PARTLY_DONE
    # That files aren't known yet is normal: each becomes so when somebody asks for it.
    return Exit.UNHEALTHY if found.changed + found.missing + found.missing_folders else Exit.DONE


@attrs.frozen
class _Checks:
    verification: Verification
    integrity: IntegrityCheck


async def _checks(tools: Tools, files: FilePool) -> _Checks:
    settings, database = tools.settings, tools.database
    store = open_store(settings)
    tree, repository = store.tree, store.repository
    guard = Guard(tools.reactor, database=database, files=files, mounted=store.mounted)
    rules = _rules(settings)
    registrar = Registrar(
        tools.reactor,
        database=database,
        files=files,
        tree=tree,
        repository=repository,
        guard=guard,
        rules=lambda: rules,
    )
    verification = Verification(
        database=database, files=files, tree=tree, registrar=registrar, guard=guard, rules=lambda: rules
    )
    integrity = IntegrityCheck(
        tools.reactor, database=database, files=files, repository=repository, registrar=registrar, guard=guard
    )
    await guard.start()
    if not await guard.is_there():
        place = f"S3_BUCKET: the image library is not in {settings.s3_bucket}"
        if not settings.s3_bucket:
            place = f"IMAGES_BASE_DIR: the image library is not in {settings.images_base_dir}"
        raise CommandError(place, exit_code=Exit.UNREACHABLE)
    return _Checks(verification, integrity)


def _shown(bar: ProgressBar) -> Callable[[float, str], Awaitable[None]]:
    async def progress(percent: float, text: str) -> None:
        bar.show(percent, text)

    return progress


def _rules(settings: Settings) -> LibraryRules:
    return LibraryRules(
        rendering=RenderSettings(
            limits=DecodeLimits(max_pixels=settings.max_source_pixels, max_bytes=settings.max_source_bytes),
            formats=FormatTable().merged(settings.image_formats),
        )
    )


@contextmanager
def _files(reactor: Any) -> Iterator[FilePool]:
    pool = FilePool(reactor, timeout=_FILE_TIMEOUT)
    pool.start()
    try:
        yield pool
    finally:
        pool.stop()


def _print(console: Console, found: Findings, *, repaired: bool) -> None:
    console.result(f"{found.files} files, {found.records} records")
    for kind, label in _LABELS.items():
        _print_kind(console, label, getattr(found, kind), found.examples.get(kind, []))
    if repaired:
        console.result(f"{found.repaired} records brought up to date")
    elif not any(getattr(found, kind) for kind in _LABELS):
        console.result("They agree")


def _print_integrity(console: Console, found: Integrity) -> None:
    console.result(f"{found.checked} files read")
    for kind, label in _HASH_LABELS.items():
        _print_kind(console, label, getattr(found, kind), found.examples.get(kind, []))
    if not found.damaged + found.unreadable:
        console.result("They hold what they held")


def _print_kind(console: Console, label: str, count: int, examples: Sequence[str]) -> None:
    if not count:
        return
    console.result(f"{count} {label}:")
    for path in examples:
        console.result(f"  /{plain(path)}")
    if count > len(examples):
        console.result(f"  and {count - len(examples)} more")
