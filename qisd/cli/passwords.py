"""Passwords that a command is given: by a prompt, a file or its standard input, never as an argument, which all see."""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path
from typing import Any

from qisd.accounts import checks
from qisd.cli.console import CommandError, Console, Exit
from qisd.errors import BadParameter

_LONGEST = 10_000
"""Characters that are looked at; what is longer is refused as no password may be that long."""

_STDIN = Path("-")


def add_password_flag(parser: Any) -> None:
    """Add ``--password-file`` to a command that takes a new password."""
    parser.add_argument(
        "--password-file",
        metavar="FILE",
        type=Path,
        help="take the password from the first line of FILE, or of standard input if that is -",
    )


def read_new_password(console: Console, options: argparse.Namespace, *, username: str) -> str:
    """The new password of ``username``. Where somebody can answer, it is asked for twice, and until it is good.

    :raises CommandError: there is none.
    """
    if options.password_file not in (None, _STDIN):
        return _from_file(options.password_file)
    if options.password_file is None and console.source.isatty():
        return _from_prompt(console, username)
    return _first_line(console.source.readline(_LONGEST), "standard input")


def _from_file(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return _first_line(file.readline(_LONGEST), str(path))
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise CommandError(f"{path} is not in UTF-8") from None


def _first_line(line: str, source: str) -> str:
    password = line.removesuffix("\n").removesuffix("\r")
    if not password:
        raise CommandError(f"there is no password in {source}", exit_code=Exit.MISSING_ARGUMENT)
    return password


def _from_prompt(console: Console, username: str) -> str:
    while True:
        try:
            password = getpass.getpass(f"New password of {username}: ", sys.stderr)
            fault = _fault_of(password, username)
            if not fault:
                again = getpass.getpass("Once more: ", sys.stderr)
                fault = "" if again == password else "the two passwords differ"
        except EOFError:
            raise KeyboardInterrupt from None
        if not fault:
            return password
        console.message(fault)


def _fault_of(password: str, username: str) -> str:
    try:
        checks.new_password(password, username=username)
    except BadParameter as error:
        return str(error)
    return ""
