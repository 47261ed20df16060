"""``qis samples``: the images that come with the program."""

from __future__ import annotations

import argparse
from typing import Any

from qisd.cli.console import CommandError, Console, Exit
from qisd.cli.database_access import become_daemon_account
from qisd.cli.places import look
from qisd.repository.samples import FOLDER, compare_samples, put_sample

Subparsers = Any


def add_parser(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add the command to ``commands``."""
    parser = commands.add_parser("samples", parents=[common], help="the sample images")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    install = actions.add_parser(
        "install", parents=[common], help="put them into the library (again); asks before it replaces anything"
    )
    install.set_defaults(run=_install)


def _install(console: Console, options: argparse.Namespace) -> Exit:
    settings = console.load().settings
    become_daemon_account(settings, make_directories=False)
    if settings.s3_bucket:
        raise CommandError("the library is in object storage (S3_BUCKET): upload them by the console")
    source, library = settings.install_dir / FOLDER, settings.images_base_dir
    if look(library) != "directory":
        raise CommandError(f"IMAGES_BASE_DIR: there is no directory {library}")
    modes = {"file_mode": settings.images_file_mode, "dir_mode": settings.images_dir_mode}
    try:
        found = compare_samples(source, library)
        if found.other:
            console.confirm(f"Replace what /{FOLDER} holds as {', '.join(found.other)}, which differ from the samples?")
        for name in found.missing:
            put_sample(source, library, name, replace=False, **modes)
        for name in found.other:
            put_sample(source, library, name, replace=True, **modes)
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}") from error
    facts = {"added": found.missing, "replaced": found.other, "kept": found.same}
    counts = ", ".join(f"{len(names)} {word}" for word, names in facts.items())
    return console.done(f"sample images: {counts}", facts)
