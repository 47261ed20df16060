"""``qis database``: how the database fares, and backups of it."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from qisd.access.passwords import verify_password
from qisd.cli.apart import apart
from qisd.cli.arriving import arriving
from qisd.cli.console import CommandError, Console, Exit, plain
from qisd.cli.database_access import Missing, prepare_database, reach_database
from qisd.cli.places import ordinary
from qisd.cli.progress import progress_bar, size_text
from qisd.cli.working import as_command_error
from qisd.errors import QisError, StartupError
from qisd.settings import Settings
from qisd.store import dump
from qisd.store.client_programs import find_client_programs
from qisd.store.first_run import PASSWORD_FILE, admin_hash
from qisd.store.schema_status import DatabaseStatus, connected, database_status

Subparsers = Any


def add_parser(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add the command to ``commands``."""
    parser = commands.add_parser("database", parents=[common], help="look after the database, make and restore backups")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    status = actions.add_parser("status", parents=[common], help="server, size, and which migrations it has had")
    status.set_defaults(run=_status)
    migrate = actions.add_parser("migrate", parents=[common], help="bring the schema up to date, as each start does")
    migrate.set_defaults(run=_migrate)
    backup = actions.add_parser(
        "backup", parents=[common], help="write all of it to one file (pg_dump's custom format), while it is in use"
    )
    backup.add_argument("file", metavar="FILE", type=Path)
    backup.add_argument("--no-stats", action="store_true", help="leave out the statistics, usually most of the size")
    backup.set_defaults(run=_backup)
    restore = actions.add_parser(
        "restore", parents=[common], help="replace all of it by a backup; stop the daemon first"
    )
    restore.add_argument("file", metavar="FILE", type=Path)
    restore.set_defaults(run=_restore)
    shell = actions.add_parser("shell", parents=[common], help="psql, connected to the database")
    shell.add_argument("arguments", metavar="ARGUMENT", nargs="*", help="for psql, after --, such as -- -c 'select 1'")
    shell.set_defaults(run=_shell)


# Looking


def _status(console: Console, options: argparse.Namespace) -> Exit:
    settings = console.load().settings
    with _reached(console, settings, missing="refuse") as url:
        found = database_status(url)
    facts = {"kind": "external" if settings.mgmt_database_connection else "embedded", **attrs.asdict(found)}
    if console.as_json:
        console.result_json(facts)
    else:
        _print(console, str(facts["kind"]), found)
    return Exit.DONE


def _print(console: Console, kind: str, found: DatabaseStatus) -> None:
    lines = [
        ("Database", f"{found.database} ({kind}, at {found.host})"),
        ("Server", f"PostgreSQL {found.server}"),
        ("Size", size_text(found.size)),
        ("Holds", _holdings(found)),
        ("Daemons", f"{found.daemons} connections" if found.daemons else "none connected"),
        ("Applied", ", ".join(found.applied) or "no migration"),
        ("Pending", ", ".join(found.pending) or "none"),
    ]
    if found.unknown:
        lines.append(("Unknown", f"{', '.join(found.unknown)}: the schema is newer than this program"))
    if found.refusal:
        lines.append(("Refused", found.refusal))
    for label, text in lines:
        console.result(plain(f"{label + ':':<10} {text}"))


def _holdings(found: DatabaseStatus) -> str:
    if not found.tables:
        return "nothing"
    known = [(found.users, "users"), (found.images, "images")]
    return ", ".join([f"{found.tables} tables", *(f"{count} {what}" for count, what in known if count is not None)])


def _migrate(console: Console, options: argparse.Namespace) -> Exit:
    settings = console.load().settings
    lines: list[str] = []
    with reach_database(settings, log=lines.append) as url:
        found = database_status(url)
    if console.as_json:
        console.result_json({"done": lines, "applied": found.applied, "pending": found.pending})
    else:
        for line in lines or ["The schema is up to date"]:
            console.result(line)
    return Exit.DONE


def _shell(console: Console, options: argparse.Namespace) -> Exit:
    settings = console.load().settings
    with _reached(console, settings, missing="refuse") as url:
        with connected(url) as connection:
            psql = find_client_programs(dump.server_major(connection))[0].path("psql")
        client = dump.client_of(url)
        command = [psql, "--dbname", client.conninfo, *options.arguments]
        process = subprocess.Popen(command, env=client.environ)  # noqa: S603 - a program that we found, without a shell
        # Ctrl-C is meant for what runs in the shell.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            status = process.wait()
        finally:
            signal.signal(signal.SIGINT, before)
            process.terminate()  # if it is we who are to end
    return {0: Exit.DONE, 2: Exit.UNREACHABLE}.get(status, Exit.BAD_ARGUMENT)


# Backups


def _backup(console: Console, options: argparse.Namespace) -> Exit:
    settings = console.load().settings
    target: Path = options.file.absolute()
    if ordinary(target):
        console.confirm(f"Replace {target}?")
    with arriving(target) as descriptor:
        apart(lambda: _dump(console, settings, descriptor, statistics=not options.no_stats))
        size = os.fstat(descriptor).st_size
    return console.done(f"wrote {target} ({size_text(size)})", {"file": str(target), "size": size})


def _dump(console: Console, settings: Settings, descriptor: int, *, statistics: bool) -> None:
    with _reached(console, settings, missing="refuse") as url, progress_bar(console, "writing the backup") as bar:
        dump.backup(url, descriptor, statistics=statistics, wrote=lambda size: bar.show(None, size_text(size)))


def _restore(console: Console, options: argparse.Namespace) -> Exit:
    settings = console.load().settings
    source: Path = options.file
    ordinary(source)
    try:
        file = source.open("rb")
    except OSError as error:
        raise CommandError(f"{source} can't be read: {error.strerror}") from error
    with file:
        apart(lambda: _replace(console, settings, file.fileno(), source))
    return console.done(f"restored the database from {source}", {"file": str(source)})


def _replace(console: Console, settings: Settings, descriptor: int, source: Path) -> None:
    size = max(1, os.fstat(descriptor).st_size)
    with _reached(console, settings, missing="make") as url:
        archive = dump.examine(url, descriptor)
        dump.check_unused(url)
        found = database_status(url)
        if found.tables:
            console.confirm(f"Replace all that the database {found.database} holds ({_holdings(found)})?")
        with progress_bar(console, "restoring") as bar:
            dump.restore(url, archive, read=lambda done: bar.show(100 * done / size, size_text(done)))
        prepare_database(url, settings, console.message)
        _forget_first_password(settings, url)


def _forget_first_password(settings: Settings, url: str) -> None:
    """Remove the file with the first password of the administrator, if that has another one now."""
    path = settings.state_dir / PASSWORD_FILE
    try:
        told = path.read_text(encoding="utf-8").strip()
        with connected(url) as connection:
            stored = admin_hash(connection)
        if stored is None or not verify_password(stored, told):
            path.unlink(missing_ok=True)
    except FileNotFoundError:
        return
    except OSError as error:
        raise CommandError(f"{path} can't be removed: {error.strerror}", exit_code=Exit.PARTLY_DONE) from error


@contextmanager
def _reached(console: Console, settings: Settings, *, missing: Missing) -> Iterator[str]:
    """The database as it is, whatever its schema."""
    with reach_database(settings, log=console.message, prepare=False, missing=missing) as url:
        try:
            yield url
        except StartupError as error:  # it is reached: what is wrong now isn't that
            raise CommandError(str(error)) from error
        except QisError as error:
            raise as_command_error(error) from error
