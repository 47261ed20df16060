"""What an access log says that a server was asked for, and what it answered."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs

from qisd.cli.bench_urls import target_of
from qisd.cli.console import CommandError

_ANSWER = re.compile(r"\"(GET|HEAD) \S+ HTTP/[0-9.]+\" (\d{3}) (\d+|-)(?:\s|$)")
"""In the formats *common* and *combined* of web servers as in those of QIS and ours, these stand side by side."""

_OTHER_METHOD = re.compile(r"\"[A-Z]+ \S+ HTTP/[0-9.]+\"")
_WHOLE, _NOT_MODIFIED, _OF_THE_CLIENT = 200, 304, 499
_SERVER_ERRORS = 500


@attrs.frozen(kw_only=True)
class Expected:
    """What a log tells of an answer.

    :param size: bytes of the body; None where the line doesn't tell those of the whole.
    """

    status: int
    size: int | None


@attrs.frozen(kw_only=True)
class Logged:
    """One address.

    :param target: path and query.
    :param times: how often it was asked for.
    :param expected: by the last line that tells; None: none does.
    """

    target: str
    times: int
    expected: Expected | None


def read(paths: Iterable[Path]) -> tuple[list[Logged], int]:
    """The addresses in logs (``.gz`` as well) or lists, the most wanted first, and how many lines have none.

    :raises CommandError: one can't be read, or there is nothing in them.
    """
    counts: dict[str, int] = {}
    answers: dict[str, Expected] = {}
    without = 0
    for path in paths:
        for line in _lines(path):
            target = None if _is_of_another_method(line) else target_of(line)
            if target is None:
                without += 1
                continue
            counts[target] = counts.get(target, 0) + 1
            expected = _expected(line)
            if expected is not None:
                answers[target] = _together(answers.get(target), expected)
    if not counts:
        raise CommandError("there is no address in what is to be replayed")
    wanted = sorted(counts, key=lambda target: -counts[target])
    return [Logged(target=one, times=counts[one], expected=answers.get(one)) for one in wanted], without


def _lines(path: Path) -> Iterator[str]:
    """What is in a file, but for empty lines and comments."""
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8", errors="replace") as file:
            for line in file:
                text = line.strip()
                if text and not text.startswith("#"):
                    yield text
    except (OSError, EOFError, zlib.error) as error:
        raise CommandError(f"{path} can't be read: {getattr(error, 'strerror', None) or error}") from error


def _is_of_another_method(line: str) -> bool:
    match = _OTHER_METHOD.search(line)
    return match is not None and not match[0].startswith(('"GET ', '"HEAD '))


def _expected(line: str) -> Expected | None:
    """None, too, where an answer hung on the moment: faults of that server, clients that hung up."""
    match = _ANSWER.search(line)
    if match is None:
        return None
    method, status, size = match[1], int(match[2]), match[3]
    if status >= _SERVER_ERRORS or status == _OF_THE_CLIENT:
        return None
    whole = method == "GET" and status == _WHOLE and size != "-"
    return Expected(status=_WHOLE if status in (206, _NOT_MODIFIED) else status, size=int(size) if whole else None)


def _together(former: Expected | None, later: Expected) -> Expected:
    """The later of two holds; the size that only the former tells goes with it."""
    if former is not None and later.size is None and former.status == later.status:
        return former
    return later
