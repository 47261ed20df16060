"""The shipped settings file: the default of every setting, its group and its explanation."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from types import MappingProxyType

import attrs

FILE_NAME = "base_settings.toml"

_GROUP = re.compile(r"# === (.*) ===")
_ASSIGNMENT = re.compile(r"([A-Z][A-Z0-9_]*) *=")
_VALUE = "Value: "


@attrs.frozen(kw_only=True)
class BaseEntry:
    """One setting of the base file.

    :param default: as TOML gives it.
    :param comment: what stands above it, as one paragraph, without its last line.
    :param value_line: that last line: allowed values, and when a change takes effect.
    """

    name: str
    group: str
    comment: str
    value_line: str
    default: object


@functools.cache
def base_entries() -> Mapping[str, BaseEntry]:
    """All settings of the base file by name, in its order."""
    return MappingProxyType(parse_base(resources.files("qisd").joinpath(FILE_NAME).read_text("utf-8")))


def parse_base(text: str) -> dict[str, BaseEntry]:
    """Read the base file's ``text``. Groups begin with ``# === Title ===``; a comment belongs to the setting below."""
    defaults = tomllib.loads(text)
    entries: dict[str, BaseEntry] = {}
    group, comment, value_line = "", [], ""
    for line in text.splitlines():
        if match := _GROUP.fullmatch(line):
            group = match[1]
        elif line.startswith("# " + _VALUE):
            value_line = line.removeprefix("# " + _VALUE)
        elif line.startswith("#"):
            comment.append(line.removeprefix("#").strip())
        elif match := _ASSIGNMENT.match(line):
            entries[match[1]] = BaseEntry(
                name=match[1],
                group=group,
                comment=" ".join(comment),
                value_line=value_line,
                default=defaults[match[1]],
            )
        if not line.startswith("#") or _GROUP.fullmatch(line):
            comment, value_line = [], ""
    return entries


def share_dir() -> Path:
    """The read-only files inside the Python package, which stand in for those of an installed system."""
    return Path(str(resources.files("qisd"))) / "share"
