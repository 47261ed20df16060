"""Changing values in the text of a settings file, with all its comments left as they are."""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path

from qisd.settings.files import Statement, statements
from qisd.settings.kinds import toml_text

_MODE = 0o644


def with_values(text: str, values: Mapping[str, object]) -> str:
    """``text``, a valid settings file, with other ``values``.

    A setting that is there gets its new value in its place. One that isn't comes behind the comment in which it stands
    as an example (``# NAME = …``), else behind all other settings, before the first table.
    """
    for name, value in values.items():
        text = _with_value(text, name, value)
    return text


def replace_file(path: Path, text: str) -> None:
    """Write ``text`` in the place of the file at ``path``, at once, with its owner and mode.

    :raises OSError: that isn't possible.
    """
    target = path.resolve()
    try:
        before = target.stat()
    except FileNotFoundError:
        before = None
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            if before is not None and (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(descriptor, before.st_uid, before.st_gid)
            os.fchmod(descriptor, _MODE if before is None else before.st_mode & 0o7777)
            os.fsync(descriptor)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _with_value(text: str, name: str, value: object) -> str:
    line_break = "\r\n" if "\r\n" in text else "\n"
    lines = text.replace("\r\n", "\n").split("\n")
    line = f"{name} = {toml_text(value)}"
    found = next((part for part in statements("\n".join(lines)) if part.name == name), None)
    if found is not None:
        end = _end(lines, found)
        lines[found.start : end] = [line + _comment(lines[end - 1], alone=end == found.start + 1)]
    else:
        place = _place(lines, name)
        lines[place:place] = [line] if place < len(lines) and lines[place].strip() == "" else [line, ""]
    return line_break.join(lines)


def _end(lines: list[str], part: Statement) -> int:
    """The line behind the statement itself: a part has what follows it as well, up to the next statement."""
    for end in range(part.start + 1, part.end):
        try:
            tomllib.loads("\n".join(lines[part.start : end]))
        except tomllib.TOMLDecodeError:
            continue
        return end
    return part.end


def _comment(line: str, *, alone: bool) -> str:
    """The comment behind a value. None of a value with a ``#`` in it is worth to be looked for."""
    before, mark, rest = line.partition("#")
    if not mark or not alone:
        return ""
    try:
        tomllib.loads(before)
    except tomllib.TOMLDecodeError:
        return ""
    return f"  #{rest}"


def _place(lines: list[str], name: str) -> int:
    """Where a line for ``name`` is to be put in."""
    tables = (number for number, line in enumerate(lines) if line.lstrip().startswith("["))
    first_table = next((number for number in tables if _is_table(lines[number])), len(lines))
    for number, line in enumerate(lines[:first_table]):
        stripped = line.lstrip("# \t")
        if line.lstrip().startswith("#") and stripped.partition("=")[0].strip() == name and "=" in stripped:
            return number + 1
    while first_table and not lines[first_table - 1].strip():
        first_table -= 1
    return first_table


def _is_table(line: str) -> bool:
    try:
        tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return False
    return True
