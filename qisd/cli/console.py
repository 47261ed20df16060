"""What all commands of ``qis`` share: exit codes, where to write, which settings to read."""

from __future__ import annotations

import enum
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

import attrs

from qisd.cli import streams
from qisd.errors import SettingsError
from qisd.settings import LoadedSettings, Settings, load_settings

_WIDEST = 40

_YES = frozenset({"y", "yes"})


class Exit(enum.IntEnum):
    """Exit codes of ``qis``."""

    DONE = 0
    MISSING_ARGUMENT = 1
    BAD_ARGUMENT = 2
    """A bad argument, setting or state."""
    UNREACHABLE = 3
    PARTLY_DONE = 4
    UNHEALTHY = 5
    BUG = 70
    INTERRUPTED = 130


class CommandError(Exception):
    """A command can't do what it was asked for; the text is for the person who typed it."""

    def __init__(self, message: str, *, exit_code: Exit = Exit.BAD_ARGUMENT) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class ReaderGone(Exception):
    """Whoever read the results has seen enough."""


@attrs.frozen(kw_only=True)
class Console:
    """Where a command reads and writes. Results go to ``out``, messages to ``err``.

    :param source: where answers are read from.
    :param settings_file: the local settings file, if one was named.
    :param as_json: write results as JSON.
    :param quiet: leave out messages that aren't errors.
    :param yes: take every question as answered with yes.
    """

    out: TextIO
    err: TextIO
    environ: Mapping[str, str]
    source: TextIO = attrs.field(factory=lambda: sys.stdin)
    settings_file: Path | None = None
    as_json: bool = False
    quiet: bool = False
    yes: bool = False

    def load(self) -> LoadedSettings:
        """The settings in force; warnings about them become messages.

        :raises SettingsError: they have faults.
        """
        loaded = load_settings(self.settings_file, self.environ)
        for warning in loaded.warnings:
            self.message(f"warning: {warning}")
        return loaded

    def load_anyway(self) -> Settings:
        """Settings by which a running server is found: where the file has faults now, those without it.

        :raises SettingsError: the environment has faults, too.
        """
        try:
            return self.load().settings
        except SettingsError:
            settings = load_settings(Path(os.devnull), self.environ).settings
            self.message("warning: the settings have faults now, which `qis check` tells of; a running server goes on")
            return settings

    def write(self, text: str) -> None:
        """Write a piece of the result; the console is a file in so far.

        :raises ReaderGone: nobody wants it.
        :raises CommandError: it can't be written.
        """
        try:
            self.out.write(text)
        except BrokenPipeError as error:
            raise ReaderGone from error
        except OSError as error:
            raise unwritten(error) from error

    def result(self, text: str) -> None:
        self.write(f"{text}\n")

    def result_json(self, value: object) -> None:
        self.result(self._json(value, indent=2))

    def result_line(self, value: object) -> None:
        """Print ``value`` as JSON on a line of its own: for results that are too long to be held in memory."""
        self.result(self._json(value))

    def message(self, text: str) -> None:
        """Tell something. That nobody can be told is no reason not to go on with the work."""
        if self.quiet:
            return
        try:
            print(text, file=self.err)
        except OSError:
            streams.silence(self.err)

    def done(self, text: str, facts: object) -> Exit:
        """Say that something was done: ``text`` as a message, or ``facts`` as the result where that is to be JSON."""
        if self.as_json:
            self.result_json(facts)
        else:
            self.message(plain(text))
        return Exit.DONE

    def confirm(self, question: str) -> None:
        """Ask before something is done that can't be undone.

        :raises CommandError: the answer was no, or there is nobody to give one.
        """
        if self.yes:
            return
        if not self.source.isatty():
            raise CommandError(f"{question} Nobody is there to answer: give --yes to have it done.")
        print(f"{question} [y/N] ", end="", file=self.err, flush=True)
        if self.source.readline().strip().lower() not in _YES:
            raise CommandError("nothing was done", exit_code=Exit.INTERRUPTED)

    def _json(self, value: object, *, indent: int | None = None) -> str:
        """``value`` in letters that ``out`` has, so that it can be read back."""
        text = json.dumps(value, ensure_ascii=False, indent=indent)
        try:
            text.encode(self.out.encoding or "utf-8")
        except UnicodeEncodeError:
            return json.dumps(value, indent=indent)
        return text

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Print ``rows`` with their columns aligned, as far as cells aren't longer than a column may be wide."""
        rows = [[plain(cell) for cell in row] for row in rows]
        widths = [min(max(map(len, column)), _WIDEST) for column in zip(*rows, strict=True)]
        for row in rows:
            padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            self.result("  ".join([*padded[:-1], row[-1]]).rstrip())


def unwritten(error: OSError) -> CommandError:
    """What to say when a result can't be written: whatever was to be done has been done by then."""
    return CommandError(f"the result can't be written: {error.strerror}", exit_code=Exit.PARTLY_DONE)


def plain(text: str) -> str:
    """``text`` without anything that a terminal might obey: names may have line breaks and control characters."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
