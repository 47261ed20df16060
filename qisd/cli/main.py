"""Entry point of the ``qis`` command."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from qisd import __version__
from qisd.access.secret_key import generate_secret
from qisd.cli import (
    audit,
    bench,
    cache,
    check,
    completion,
    database,
    import_qis,
    log,
    permissions,
    precache,
    replay,
    repository,
    samples,
    settings,
    setup,
    stats,
    status,
    streams,
    tasks,
    tls,
    tune,
    users,
)
from qisd.cli.console import CommandError, Console, Exit, ReaderGone, plain, unwritten
from qisd.cli.signals import ending_in_order
from qisd.errors import SettingsError

_COMMANDS = (
    setup,
    check,
    status,
    log,
    settings,
    tune,
    bench,
    replay,
    cache,
    precache,
    users,
    permissions,
    tasks,
    stats,
    audit,
    database,
    repository,
    samples,
    tls,
    import_qis,
)
"""The modules of the commands, in the order in which the help lists them."""


class _Parser(argparse.ArgumentParser):
    """Tells a missing argument from a bad one by its exit code."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        missing = message.startswith(("the following arguments are required", "one of the arguments "))
        self.exit(Exit.MISSING_ARGUMENT if missing else Exit.BAD_ARGUMENT, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``qis`` with ``arguments`` (those of the process if None); returns its exit code."""
    streams.prepare()
    code: int = Exit.DONE
    try:
        try:
            code = _run(build_parser().parse_args(arguments))
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else Exit.BAD_ARGUMENT
        sys.stdout.flush()
    except (ReaderGone, BrokenPipeError):
        streams.silence(sys.stdout)
    except OSError as error:  # all others have been dealt with
        streams.silence(sys.stdout)
        code = _refuse(unwritten(error))
    return code


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    common = _Parser(add_help=False)
    group = common.add_argument_group("common flags")
    # Suppressed defaults, so that a flag before the command isn't reset by the parser of the command.
    group.add_argument("--settings", metavar="FILE", type=Path, default=argparse.SUPPRESS, help="local settings file")
    for flag, text in (
        ("--json", "write results as JSON"),
        ("--quiet", "no messages except errors"),
        ("--yes", "don't ask, do it"),
    ):
        group.add_argument(flag, action="store_true", default=argparse.SUPPRESS, help=text)

    parser = _Parser(prog="qis", description="Looks after the image server.", parents=[common])
    parser.add_argument("--version", action="version", version=f"qis {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_parser(commands, common)
    completion.add_parser(commands, common, whole=build_parser)
    secret = commands.add_parser("secret", parents=[common], help="print a new random key of 32 letters and digits")
    secret.set_defaults(run=_secret)
    version = commands.add_parser("version", parents=[common], help="print the version")
    version.set_defaults(run=_version)
    return parser


def _run(options: argparse.Namespace) -> Exit:
    console = Console(
        out=sys.stdout,
        err=sys.stderr,
        environ=os.environ,
        source=sys.stdin,
        settings_file=getattr(options, "settings", None),
        as_json=getattr(options, "json", False),
        quiet=getattr(options, "quiet", False),
        yes=getattr(options, "yes", False),
    )
    try:
        _check_text(options)
        with ending_in_order():
            result: Exit = options.run(console, options)
    except SettingsError as error:
        _tell(*error.faults)
        return Exit.BAD_ARGUMENT
    except CommandError as error:
        return _refuse(error)
    except KeyboardInterrupt:
        if console.err.isatty():
            _tell("")  # what was asked for, or how far it was, stays on a line of its own
        return Exit.INTERRUPTED
    except ReaderGone:
        raise
    except Exception:
        _tell(traceback.format_exc(), "qis: this is a bug in qis; please report it with the lines above")
        return Exit.BUG
    return result


def _check_text(options: argparse.Namespace) -> None:
    """:raises CommandError: an argument that isn't the name of a file isn't in UTF-8."""
    for value in vars(options).values():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and any("\ud800" <= char <= "\udfff" for char in text):
                raise CommandError(f"{plain(text)}: is not in UTF-8")


def _refuse(error: CommandError) -> Exit:
    _tell(f"qis: {error}")
    return error.exit_code


def _tell(*lines: str) -> None:
    try:
        print(*lines, sep="\n", file=sys.stderr)
    except OSError:
        streams.silence(sys.stderr)


def _secret(console: Console, options: argparse.Namespace) -> Exit:
    secret = generate_secret()
    if console.as_json:
        console.result_json({"secret": secret})
    else:
        console.result(secret)
    return Exit.DONE


def _version(console: Console, options: argparse.Namespace) -> Exit:
    if console.as_json:
        console.result_json({"version": __version__})
    else:
        console.result(f"qis {__version__}")
    return Exit.DONE


if __name__ == "__main__":
    sys.exit(main())
