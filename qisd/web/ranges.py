"""Byte ranges (RFC 9110, 14): which bytes of how many a client wants. Pure functions."""

from __future__ import annotations

import itertools
import re

import attrs

_SPEC = re.compile(r"(?P<first>\d*)-(?P<last>\d*)", re.ASCII)

# Clients ask for one range; readers of documents for a handful. More is an attack on the server's patience.
_RANGES_MAX = 10

_BEYOND = 10**18
_DIGITS_READ = 18


@attrs.frozen
class ByteRange:
    """Bytes ``first`` to ``last``, both included, counted from 0."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1

    def content_range(self, size: int) -> str:
        return f"bytes {self.first}-{self.last}/{size}"


class RangeNotSatisfiableError(Exception):
    """None of the ranges asked for touches the content."""

    def __init__(self, size: int) -> None:
        super().__init__(f"no such range in {size} bytes")
        self.size = size


def parse_range(header: str, size: int) -> list[ByteRange] | None:
    """The ranges of ``header`` within a content of ``size`` bytes, in the order asked for, cut to what there is.

    None means that the header is to be ignored and everything sent: another unit, not a range at all, too many
    ranges, or ranges that overlap (they would make the answer larger than the content).

    :raises RangeNotSatisfiableError: it is a proper header, but all its ranges lie beyond the end.
    """
    unit, equals, specs = header.partition("=")
    if not equals or unit.strip().lower() != "bytes":
        return None
    texts = [text for text in (spec.strip(" \t") for spec in specs.split(",")) if text]
    if not texts or len(texts) > _RANGES_MAX:
        return None
    ranges = []
    for text in texts:
        found = _SPEC.fullmatch(text)
        if found is None or text == "-":
            return None
        if found["first"] and found["last"] and _number(found["last"]) < _number(found["first"]):
            return None
        byte_range = _within(found["first"], found["last"], size)
        if byte_range is not None:
            ranges.append(byte_range)
    if not ranges:
        raise RangeNotSatisfiableError(size)
    return None if _overlap(ranges) else ranges


def _within(first: str, last: str, size: int) -> ByteRange | None:
    if not first:
        length = min(_number(last), size)
        return ByteRange(size - length, size - 1) if length else None
    start = _number(first)
    end = min(_number(last), size - 1) if last else size - 1
    return ByteRange(start, end) if start < size else None


def _overlap(ranges: list[ByteRange]) -> bool:
    ordered = sorted(ranges, key=lambda each: each.first)
    return any(after.first <= before.last for before, after in itertools.pairwise(ordered))


def _number(digits: str) -> int:
    significant = digits.lstrip("0")
    return int(significant or "0") if len(significant) <= _DIGITS_READ else _BEYOND
