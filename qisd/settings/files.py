"""Reading a settings file: TOML, with the line of every setting and of every fault."""

from __future__ import annotations

import bisect
import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Any

import attrs

from qisd.settings.found import Findings, Found, unknown
from qisd.settings.model import DROPPED, MODEL, is_secret

_STATEMENT = re.compile(r"""[ \t]*(?:(["']?)([A-Za-z0-9_-]+)\1[ \t]*[=.]|\[{1,2}[ \t]*(["']?)([A-Za-z0-9_-]*))""")
_ERROR_LINE = re.compile(r"^(.*) \(at line ([0-9]+), column [0-9]+\)$")
_MOST_REPEATED = 50


@attrs.frozen
class Statement:
    """The lines of one statement: from its first to before ``end``, counted from 0. ``name`` is the key or table."""

    name: str
    start: int
    end: int


def read_file(path: Path) -> Findings:
    """What the settings file at ``path`` gives.

    :raises FileNotFoundError: there is none.
    """
    findings = Findings()
    try:
        with path.open("rb") as file:
            public = bool(os.fstat(file.fileno()).st_mode & stat.S_IROTH)
            raw = file.read()
    except FileNotFoundError:
        raise
    except OSError as error:
        findings.fault(f"{path}: can't be read: {error.strerror}", rank=0)
        return findings
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        findings.fault(f"{path}:{raw[: error.start].count(10) + 1}: is not UTF-8 text", rank=0)
        return findings

    parts = statements(text)
    values, faults = _parse(text, parts)
    for name, value in values.items():
        line = next((part.start + 1 for part in parts if part.name == name), 1)
        found = Found(name=name, value=value, origin=f"{path}:{line}", where=f"{path}:{line}: {name}", rank=line)
        _sort_in(findings, found)
        if public and is_secret(name) and value:
            findings.warnings.append(f"{path}:{line}: {name}: everybody on this machine can read this file")
    for line, name, reason in faults:
        findings.fault(f"{path}:{line}: {name}: {reason}" if name else f"{path}:{line}: {reason}", rank=line)
    return findings


def _sort_in(findings: Findings, found: Found) -> None:
    """Take one key of the file as a value, a warning or a fault."""
    if found.name in MODEL:
        inside = [key for key in found.value if key in MODEL] if isinstance(found.value, dict) else []
        if inside:
            reason = f"{inside[0]} stands in this table; move it above the line [{found.name}]"
            findings.fault(f"{found.where}: {reason}", rank=found.rank)
        else:
            findings.values.append(found)
    elif found.name in DROPPED:
        findings.warnings.append(f"{found.where}: is ignored: {DROPPED[found.name]}")
    else:
        findings.fault(f"{found.where}: {unknown(found.name)}", rank=found.rank)


def statements(text: str) -> list[Statement]:
    """Divide the text of a file into statements. What stands before the first one is a part without name."""
    lines = text.split("\n")
    starts = [(number, match[2] or match[4]) for number, line in enumerate(lines) if (match := _STATEMENT.match(line))]
    if not starts or starts[0][0] > 0:
        starts.insert(0, (0, ""))
    ends = [number for number, _ in starts[1:]] + [len(lines)]
    return [Statement(name, start, end) for (start, name), end in zip(starts, ends, strict=True)]


def _parse(text: str, parts: list[Statement]) -> tuple[dict[str, Any], list[tuple[int, str, str]]]:
    """The keys of a TOML document, and (line, name, reason) of each of its faults.

    A TOML parser stops at the first fault. To find the others as well, the statements at fault are blanked and the rest
    is read again.
    """
    faults: list[tuple[int, str, str]] = []
    error = _try(text)
    if isinstance(error, dict):
        return error, faults
    lines = text.split("\n")
    for part in parts:
        alone = _try("\n".join(lines[part.start : part.end]))
        if isinstance(alone, tuple):
            whole = next((n for n in range(part.end - 1, part.start, -1) if _parses(lines[part.start : n])), None)
            if whole is None:
                faults.append((part.start + (alone[0] or 1), part.name, _reason(part.name, alone[1])))
                whole = part.start
            else:
                # The statement itself is fine; below it is something that isn't one.
                faults.append((whole + 1, "", _reason("", alone[1])))
            lines[whole : part.end] = [""] * (part.end - whole)
    starts = [part.start for part in parts]
    for _ in range(_MOST_REPEATED):
        document = _try("\n".join(lines))
        if isinstance(document, dict):
            return document, faults
        line, reason = document
        index = bisect.bisect_right(starts, (line or 1) - 1) - 1
        if index < 0 or not any(lines[parts[index].start : parts[index].end]):
            faults.append((line or 1, "", _reason("", reason)))
            break
        part = parts[index]
        first = next(other.start + 1 for other in parts if other.name == part.name)
        repeated = f"is there twice, first in line {first}" if first != part.start + 1 else _reason(part.name, reason)
        faults.append((part.start + 1, part.name, repeated))
        lines[part.start : part.end] = [""] * (part.end - part.start)
    return {}, faults


def _try(text: str) -> dict[str, Any] | tuple[int | None, str]:
    """The document, or line (None: the end) and text of the parser's error."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = _ERROR_LINE.match(str(error))
        return (int(match[2]), match[1]) if match else (None, str(error).removesuffix(" (at end of document)"))
    except ValueError:
        return None, "holds a number with too many digits"
    except RecursionError:
        return None, "is nested too deeply"


def _parses(lines: list[str]) -> bool:
    return isinstance(_try("\n".join(lines)), dict)


def _reason(name: str, error: str) -> str:
    # The parser's text can hold a character of the value.
    return "syntax error" if is_secret(name) else f"syntax error: {error}"
