"""``qis completion``: what a shell needs to complete commands and flags."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import Any

import shtab

from qisd.cli.console import Console, Exit
from qisd.settings.model import MODEL

Subparsers = Any

_SHELLS = ("bash", "zsh", "fish")

_OF_SETTINGS = ("qis settings get", "qis settings explain")

_BY_METAVAR = {"FILE": shtab.FILE, "DIR": shtab.DIRECTORY}


def add_parser(
    commands: Subparsers, common: argparse.ArgumentParser, *, whole: Callable[[], argparse.ArgumentParser]
) -> None:
    """Add the command to ``commands``.

    :param whole: makes the parser of the whole command line.
    """
    parser = commands.add_parser("completion", parents=[common], help="print a script by which a shell completes qis")
    parser.add_argument("shell", metavar="SHELL", choices=_SHELLS, help="%(choices)s")

    def complete(console: Console, options: argparse.Namespace) -> Exit:
        console.result(completion(whole(), options.shell))
        return Exit.DONE

    parser.set_defaults(run=complete)


def completion(parser: argparse.ArgumentParser, shell: str) -> str:
    """The script for ``shell``, made from the tree of parsers."""
    for owner, action in _actions(parser):
        if owner.prog in _OF_SETTINGS and action.dest == "name":
            action.choices = list(MODEL)
        if action.metavar in _BY_METAVAR:
            action.complete = _BY_METAVAR[str(action.metavar)]  # type: ignore[attr-defined]  # shtab looks for it
    return shtab.complete(parser, shell=shell)


def _actions(parser: argparse.ArgumentParser) -> Iterator[tuple[argparse.ArgumentParser, argparse.Action]]:
    for action in parser._actions:
        yield parser, action
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from _actions(inner)
