"""``qis settings``: what is in force, where it comes from, what it means."""

from __future__ import annotations

import argparse
from typing import Any

from qisd.cli.console import CommandError, Console, Exit
from qisd.settings import LoadedSettings
from qisd.settings.base import base_entries
from qisd.settings.found import unknown
from qisd.settings.keys import MASK
from qisd.settings.kinds import toml_text
from qisd.settings.model import DROPPED, MODEL, Setting

Subparsers = Any
"""What ``add_subparsers`` returns; argparse has no public name for it."""


def add_parser(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add the command to ``commands``."""
    parser = commands.add_parser("settings", parents=[common], help="show and explain settings")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    show = actions.add_parser("show", parents=[common], help="all settings with value and origin")
    show.set_defaults(run=_show)
    get = actions.add_parser("get", parents=[common], help="the value of one setting")
    get.add_argument("name", metavar="NAME")
    get.set_defaults(run=_get)
    explain = actions.add_parser("explain", parents=[common], help="everything about one setting")
    explain.add_argument("name", metavar="NAME")
    explain.set_defaults(run=_explain)
    diff = actions.add_parser("diff", parents=[common], help="settings that differ from their defaults")
    diff.set_defaults(run=_diff)


def _show(console: Console, options: argparse.Namespace) -> Exit:
    loaded = console.load()
    if console.as_json:
        console.result_json([_record(loaded, setting) for setting in MODEL.values()])
    else:
        rows = [(name, toml_text(_value(loaded, setting)), loaded.origins[name]) for name, setting in MODEL.items()]
        console.table([("NAME", "VALUE", "ORIGIN"), *rows])
    return Exit.DONE


def _get(console: Console, options: argparse.Namespace) -> Exit:
    setting = _find(options.name)
    value = _value(console.load(), setting)
    if console.as_json:
        console.result_json(value)
    else:
        console.result(value if isinstance(value, str) else toml_text(value))
    return Exit.DONE


def _explain(console: Console, options: argparse.Namespace) -> Exit:
    setting = _find(options.name)
    loaded = console.load()
    entry = base_entries()[setting.name]
    facts = {
        **_record(loaded, setting),
        "default": entry.default,
        "type": setting.kind.describe(),
        "comment": entry.comment,
        "applies": setting.apply.value,
        "for": setting.who.value,
    }
    if console.as_json:
        console.result_json(facts)
        return Exit.DONE
    for label, fact in facts.items():
        console.result(f"{label + ':':<9} {toml_text(fact) if label in {'value', 'default'} else fact}")
    return Exit.DONE


def _diff(console: Console, options: argparse.Namespace) -> Exit:
    loaded = console.load()
    different = [setting for setting in MODEL.values() if _differs(loaded, setting)]
    if console.as_json:
        defaults = base_entries()
        console.result_json([{**_record(loaded, one), "default": defaults[one.name].default} for one in different])
    elif different:
        rows = [
            (
                one.name,
                toml_text(base_entries()[one.name].default),
                toml_text(_value(loaded, one)),
                loaded.origins[one.name],
            )
            for one in different
        ]
        console.table([("NAME", "DEFAULT", "VALUE", "ORIGIN"), *rows])
    return Exit.DONE


def _differs(loaded: LoadedSettings, setting: Setting) -> bool:
    """Whether a setting was given another value than its default."""
    if loaded.origins[setting.name] == "base":
        return False
    default = setting.kind.convert(base_entries()[setting.name].default)
    return bool(getattr(loaded.settings, setting.attribute) != default)


def _find(name: str) -> Setting:
    if name in MODEL:
        return MODEL[name]
    if name in DROPPED:
        raise CommandError(f"{name}: is ignored: {DROPPED[name]}")
    raise CommandError(f"{name}: {unknown(name.removeprefix('QIS_'))}")


def _record(loaded: LoadedSettings, setting: Setting) -> dict[str, object]:
    return {"name": setting.name, "value": _value(loaded, setting), "origin": loaded.origins[setting.name]}


def _value(loaded: LoadedSettings, setting: Setting) -> object:
    """The value as TOML writes it; a secret is masked, unless it is empty."""
    value = setting.kind.plain(getattr(loaded.settings, setting.attribute))
    return MASK if setting.secret and value else value
