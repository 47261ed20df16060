"""Makes the manual pages that the Debian package brings: ``python tools/man_pages.py FOLDER``.

``qis.1`` comes from the tree of parsers of the command line, ``local_settings.toml.5`` from the base file of settings.
"""

from __future__ import annotations

import argparse
import itertools
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from qisd import __version__
from qisd.cli.main import build_parser
from qisd.settings.base import BaseEntry, base_entries
from qisd.settings.kinds import toml_text
from qisd.settings.model import MODEL

_COMMON = "common flags"

_EXIT = (
    ("0", "done"),
    ("1", "an argument is missing"),
    ("2", "a bad argument or setting, or things are not in a state for it"),
    ("3", "the database, the image library or the running server can't be reached"),
    ("4", "done in part"),
    ("5", "a check found something"),
    ("70", "a bug"),
    ("130", "interrupted, or answered with no"),
)


def command_page(parser: argparse.ArgumentParser) -> str:
    """The page of ``qis``, in roff."""
    lines = [
        _title("QIS", 1, "Commands"),
        *(".SH NAME", "qis \\- look after the image server"),
        *(".SH SYNOPSIS", ".B qis", r"[\fIflags\fP] \fICOMMAND\fP [\fIaction\fP] [\fIarguments\fP]"),
        ".SH DESCRIPTION",
        _text(
            "`qis` works on the machine of an image server, before its first start, while it runs, or after its end. "
            "Give it as root, or as the user that the server runs as; root's commands go on as that user. Results go "
            "to standard output, messages and questions to standard error."
        ),
        ".SH FLAGS OF ALL COMMANDS",
        *_flags(parser, common=True),
        ".SH COMMANDS",
    ]
    for leaf, text in _leaves(parser):
        lines += [f".SS {_plain(leaf.prog)}", _text(_sentence(text)), *_usage(leaf), *_flags(leaf, common=False)]
    lines.append(".SH EXIT STATUS")
    for code, meaning in _EXIT:
        lines += [".TP", rf"\fB{code}\fP", _text(meaning)]
    lines += [".SH FILES", ".TP", r"\fI/etc/qis/local_settings.toml\fP", _text("what this site sets")]
    lines += [".SH SEE ALSO", ".BR local_settings.toml (5),", ".BR qis.service (8)"]
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """The page of the settings file, in roff."""
    lines = [
        _title("LOCAL_SETTINGS.TOML", 5, "Files"),
        *(".SH NAME", "local_settings.toml \\- settings of the image server"),
        *(".SH SYNOPSIS", ".I /etc/qis/local_settings.toml"),
        ".SH DESCRIPTION",
        _text(
            "TOML, one setting in a line: `NAME = value`. What isn't set has its default. The environment goes before "
            "the file: `QIS_<NAME>` has the value, `QIS_<NAME>_FILE` the name of a file with it. "
            "`/etc/qis/package_settings.toml`, which the package wrote when it was installed, gives way to the file. "
            "An unknown name, a wrong type or a value out of range stops the start."
        ),
        ".PP",
        _text("After a change: `qis check && systemctl reload qis`. `qis settings show` tells what is in force."),
        ".SH SETTINGS",
    ]
    for group, entries in itertools.groupby(base_entries().values(), key=lambda entry: entry.group):
        lines.append(f".SS {_plain(group)}")
        for entry in entries:
            lines += _setting(entry)
    lines += [".SH SEE ALSO", ".BR qis (1),", ".BR qis.service (8)"]
    return "\n".join(lines) + "\n"


def _setting(entry: BaseEntry) -> list[str]:
    setting = MODEL[entry.name]
    return [
        ".TP",
        rf"\fB{_plain(entry.name)}\fP",
        _text(entry.comment),
        ".br",
        # A long list may be broken after a comma or colon.
        "Default: " + re.sub(r"[,:]", r"\g<0>\\:", _plain(toml_text(entry.default))),
        ".br",
        _text(f"Value: {setting.kind.describe()}. Takes effect {setting.apply.value}."),
    ]


def _title(name: str, section: int, manual: str) -> str:
    return f'.TH {_plain(name)} {section} "" "qisd {__version__}" "{manual}"\n.ad l'


def _leaves(parser: argparse.ArgumentParser, text: str = "") -> Iterator[tuple[argparse.ArgumentParser, str]]:
    """The parsers that have no commands below them, each with its line of help."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield parser, text
    for action in below:
        texts = {choice.dest: choice.help or "" for choice in action._choices_actions}
        for name, inner in action.choices.items():
            yield from _leaves(inner, texts.get(name, ""))


def _usage(parser: argparse.ArgumentParser) -> list[str]:
    words = [word for action in parser._actions for word in _synopsis(action, _group(parser, action))]
    return [".PP", rf"\fB{_plain(parser.prog)}\fP {' '.join(words)}".rstrip()]


def _synopsis(action: argparse.Action, group: str) -> list[str]:
    if action.help == argparse.SUPPRESS or isinstance(action, argparse._HelpAction) or group == _COMMON:
        return []
    if not action.option_strings:
        name = rf"\fI{_plain(_metavar(action))}\fP"
        return [f"[{name}]" if action.nargs in ("?", "*") else name]
    text = rf"\fB{_plain(action.option_strings[0])}\fP{_value(action)}"
    return [text if action.required else f"[{text}]"]


def _flags(parser: argparse.ArgumentParser, *, common: bool) -> list[str]:
    lines = []
    for action in parser._actions:
        wanted = (_group(parser, action) == _COMMON) == common and not isinstance(action, argparse._SubParsersAction)
        if not wanted or action.help in (None, argparse.SUPPRESS) or isinstance(action, argparse._HelpAction):
            continue
        names = ", ".join(rf"\fB{_plain(name)}\fP" for name in action.option_strings)
        head = names + _value(action) if names else rf"\fI{_plain(_metavar(action))}\fP"
        lines += [".TP", head, _text(parser._get_formatter()._expand_help(action))]
    return lines


def _group(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    return next((group.title or "" for group in parser._action_groups if action in group._group_actions), "")


def _value(action: argparse.Action) -> str:
    return "" if action.nargs == 0 else rf" \fI{_plain(_metavar(action))}\fP"


def _metavar(action: argparse.Action) -> str:
    named = action.metavar[0] if isinstance(action.metavar, tuple) else action.metavar
    return str(named or action.dest).upper()


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "." if text else ""


def _plain(text: str) -> str:
    """``text`` so that roff takes nothing in it for a command of its own."""
    return text.replace("\\", r"\e").replace("-", r"\-").replace("~", r"\(ti").replace("^", r"\(ha")


def _text(text: str) -> str:
    """A paragraph; what stands between backticks becomes bold."""
    parts = re.split(r"`([^`]*)`", " ".join(text.split()))
    marked = "".join(rf"\fB{_plain(part)}\fP" if place % 2 else _plain(part) for place, part in enumerate(parts))
    return r"\&" + marked if marked.startswith((".", "'")) else marked


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "qis.1").write_text(command_page(build_parser()), "utf-8")
    (folder / "local_settings.toml.5").write_text(settings_page(), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
