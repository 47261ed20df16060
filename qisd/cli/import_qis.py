"""``qis import-qis``: takes over a QIS: its settings, its database, and, if asked to, its images."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs

from qisd.access.account import account_for
from qisd.access.privileges import make_directory
from qisd.cli import import_report
from qisd.cli.console import CommandError, Console, Exit
from qisd.cli.database_access import become_daemon_account, reach_database
from qisd.cli.import_report import Report
from qisd.cli.places import look, ordinary
from qisd.cli.progress import progress_bar
from qisd.cli.qis_apache import find_files, read_files
from qisd.cli.qis_compare import compare, pick
from qisd.cli.qis_library import Copied, check_library, copy_library
from qisd.cli.qis_settings import LOCAL, QisSettings, read_qis_settings
from qisd.errors import Refused, StartupError, StoreUnavailable
from qisd.imaging.formats import FormatTable
from qisd.imaging.profiles import ProfileStore
from qisd.imaging.rules import Choices
from qisd.imaging.source import DecodeLimits
from qisd.settings import Settings
from qisd.settings.model import MODEL
from qisd.store.first_run import PASSWORD_FILE
from qisd.store.qis_import import Imported, check_not_source, import_qis
from qisd.store.qis_import_findings import Findings
from qisd.store.qis_source import DEFAULT_URL, QisSource, open_source

Subparsers = Any

_SETTINGS_MODE = 0o640


def add_parser(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add the command to ``commands``."""
    parser = commands.add_parser(
        "import-qis",
        parents=[common],
        help="take over the settings, the database and the images of a QIS; it is only read, and can be read again",
    )
    parser.add_argument(
        "--from", dest="root", metavar="DIR", type=Path, required=True, help="where the QIS is installed: /opt/qis"
    )
    parser.add_argument("--database", metavar="URL", help="its database, if not the one that its settings name")
    parser.add_argument("--dry-run", action="store_true", help="do it, report, and take it all back")
    parser.add_argument("--copy-images", action="store_true", help="copy its image library into ours")
    parser.add_argument(
        "--settings-output", metavar="FILE", type=Path, help="write its settings as ours, secrets included"
    )
    parser.add_argument("--compare", metavar="URL", help="ask the QIS at URL for the sizes of 100 images")
    parser.add_argument(
        "--apache", metavar="FILE", type=Path, action="append", help="a file of its web server (default: looked for)"
    )
    parser.set_defaults(run=_run)


def _run(console: Console, options: argparse.Namespace) -> Exit:
    root = options.root.absolute()
    if look(root) != "directory":
        raise CommandError(f"--from: there is no directory {root}")
    if options.compare and urlsplit(options.compare).scheme not in ("http", "https"):
        raise CommandError("--compare: must be a URL that begins with http:// or https://")
    settings = console.load().settings
    qis = _read_settings(console, options, root)
    if options.copy_images:
        _check_places(settings, qis)
    if options.settings_output:
        # As root, if that is who we are: where it goes others may not write.
        _write_settings(console, options.settings_output, qis, settings)
    if options.copy_images and not options.dry_run:
        _make_library(settings)
    become_daemon_account(settings, make_directories=not options.dry_run)
    report = _import(console, options, settings, qis)
    if console.as_json:
        console.result_json(import_report.as_json(report))
    else:
        import_report.print_text(console, report)
    return Exit.PARTLY_DONE if report.left_out else Exit.DONE


def _import(console: Console, options: argparse.Namespace, settings: Settings, qis: QisSettings) -> Report:
    findings = Findings()
    with _telling(), open_source(options.database or qis.database_url or DEFAULT_URL) as source:
        imported = _import_database(console, options, settings, qis, source)
        with progress_bar(console, "checking the files") as progress:
            check_library(qis.images_dir, qis.exports_dir, source, findings, progress)
        samples = pick(source) if options.compare else []
    copied = _copy(console, options, settings, qis, findings) if options.copy_images else None
    same = None
    if options.compare:
        library = settings.images_base_dir if options.copy_images and not options.dry_run else qis.images_dir
        limits = DecodeLimits(max_pixels=settings.max_source_pixels, max_bytes=settings.max_source_bytes)
        with progress_bar(console, "comparing") as progress:
            same = compare(options.compare, samples, library, limits=limits, findings=findings, progress=progress)
    return Report(
        trial=options.dry_run,
        settings=qis,
        settings_file=options.settings_output,
        imported=imported,
        on_disk=findings,
        copied=copied,
        same_sizes=same,
    )


def _read_settings(console: Console, options: argparse.Namespace, root: Path) -> QisSettings:
    apache = find_files() if options.apache is None else options.apache
    for path in options.apache or ():
        if look(path) != "file":
            raise CommandError(f"--apache: there is no file {path}")
    if look(root / LOCAL) == "nothing":
        console.message(f"there is no {root / LOCAL}: the defaults of QIS are taken")
    try:
        return read_qis_settings(root, apache=read_files(apache), keep_library=not options.copy_images)
    except ValueError as error:
        raise CommandError(f"the settings of the QIS can't be read: {error}") from error
    except OSError as error:
        raise CommandError(f"the settings of the QIS can't be read: {error.filename}: {error.strerror}") from error


def _write_settings(console: Console, path: Path, qis: QisSettings, settings: Settings) -> None:
    """Write the settings to ``path``, for the daemon to read and nobody else; not over a file that is there."""
    ordinary(path)
    try:
        account = account_for(settings)
        flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if console.yes else os.O_EXCL)
        descriptor = os.open(path, flags, _SETTINGS_MODE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, _SETTINGS_MODE)
            if account is not None:
                os.fchown(descriptor, -1, account.gid)
            file.write(qis.toml(secrets=True))
    except FileExistsError:
        raise CommandError(f"--settings-output: {path} is there already; give --yes to replace it") from None
    except StartupError as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"--settings-output: {path} can't be written: {error.strerror}") from error


def _import_database(
    console: Console, options: argparse.Namespace, settings: Settings, qis: QisSettings, source: QisSource
) -> Imported:
    def check(url: str) -> None:
        check_not_source(source, url)

    prepare = not options.dry_run
    with (
        reach_database(settings, log=console.message, prepare=prepare, check=check) as url,
        progress_bar(console, "importing") as progress,
    ):
        imported = import_qis(
            source,
            url,
            choices=_choices(settings, qis),
            trial=options.dry_run,
            replace=console.yes,
            progress=progress,
        )
    if not options.dry_run:
        _forget_first_password(console, settings)
    return imported


def _forget_first_password(console: Console, settings: Settings) -> None:
    """It was for an administrator who has been replaced by that of the QIS."""
    path = settings.state_dir / PASSWORD_FILE
    try:
        path.unlink()
    except FileNotFoundError:
        return
    console.message(f"Removed {path}: the administrator is that of the QIS now")


def _choices(settings: Settings, qis: QisSettings) -> Choices:
    """What templates may choose from once the settings of the QIS are in force."""
    taken = {MODEL[name].attribute: MODEL[name].kind.convert(value) for name, value in qis.values.items()}
    then = attrs.evolve(settings, **taken)
    return Choices(
        write_formats=FormatTable().merged(then.image_formats).write_names(),
        profiles=ProfileStore.load(then.icc_base_dir, lambda text: None).names,
        max_dimension=then.max_image_dimension,
        max_grid_tiles=then.max_grid_tiles,
    )


def _copy(
    console: Console, options: argparse.Namespace, settings: Settings, qis: QisSettings, findings: Findings
) -> Copied:
    origin, target = qis.images_dir.resolve(), settings.images_base_dir.resolve()
    with progress_bar(console, "copying") as progress:
        return copy_library(
            origin,
            target,
            file_mode=settings.images_file_mode,
            dir_mode=settings.images_dir_mode,
            trial=options.dry_run,
            findings=findings,
            progress=progress,
        )


def _make_library(settings: Settings) -> None:
    """Make the directory that is copied into, which only root can where it usually is."""
    try:
        account = account_for(settings)
        make_directory(settings.images_base_dir, mode=0o755, account=account, setting="IMAGES_BASE_DIR")
    except StartupError as error:
        raise CommandError(str(error)) from error


def _check_places(settings: Settings, qis: QisSettings) -> None:
    if settings.s3_bucket:
        raise CommandError("--copy-images: copies into a directory, not into S3_BUCKET; copy the files there yourself")
    origin, target = qis.images_dir.resolve(), settings.images_base_dir.resolve()
    if origin.is_relative_to(target) or target.is_relative_to(origin):
        raise CommandError(f"--copy-images: IMAGES_BASE_DIR is {target}, and the images of the QIS are in {origin}")


@contextmanager
def _telling() -> Iterator[None]:
    """Tell the person at the terminal what the store says."""
    try:
        yield
    except StoreUnavailable as error:
        raise CommandError(error.detail or error.message, exit_code=Exit.UNREACHABLE) from error
    except Refused as error:
        raise CommandError(error.message) from error
