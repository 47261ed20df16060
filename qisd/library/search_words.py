"""What people type into a search box: words, and among them operators that say which images are meant.

``type:jpg``, ``in:/path``, ``tag:sea``, ``w>2000``, ``h<=500``, ``size>2mb``, ``after:2024-05``, ``before:2025``.
Quotes hold together what has blanks in it. What looks like an operator and can't be understood is words.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import attrs

from qisd.imaging.formats import canonical_name
from qisd.store.image_search import ImageQuery

_TOKEN = re.compile(r'(?:[^\s"]|"[^"]*"?)+')
_OPERATOR = re.compile(r'(type|in|tag|w|width|h|height|size|after|before)(:|[<>]=?|=)("[^"]+"|[^"\s]+)', re.IGNORECASE)
_COUNT = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(|b|kb?|mb?|gb?)", re.IGNORECASE)
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_UNITS: Mapping[str, int] = MappingProxyType({"": 1, "b": 1, "k": 10**3, "m": 10**6, "g": 10**9})
_ALIKE: Mapping[str, tuple[str, ...]] = MappingProxyType({"jpg": ("jpg", "jpeg"), "tif": ("tif", "tiff")})


def understood(query: ImageQuery) -> ImageQuery:
    """``query`` with the operators among its words made use of; they narrow down what it says besides."""
    words = []
    for token in _TOKEN.findall(query.words):
        found = _OPERATOR.fullmatch(token)
        narrowed = found and _narrowed(query, found[1].lower(), found[2], found[3].strip('"'))
        if narrowed:
            query = narrowed
        else:
            words.append(token)
    return attrs.evolve(query, words=" ".join(words))


def _narrowed(query: ImageQuery, name: str, sign: str, value: str) -> ImageQuery | None:
    """None: that can't be understood."""
    if name in ("w", "width", "h", "height", "size"):
        return _measured(query, {"w": "width", "h": "height"}.get(name, name), sign, value)
    if sign != ":":
        return None
    if name == "type":
        wanted = [part.lower().lstrip(".") for part in value.split(",") if part]
        return attrs.evolve(query, extensions=[one for part in wanted for one in _extensions(part)])
    if name == "in":
        return attrs.evolve(query, folder=value)
    if name == "tag":
        return attrs.evolve(query, tags=(*query.tags, value))
    moment = _moment(value)
    if moment is None:
        return None
    if name == "after":
        return attrs.evolve(query, dated_from=max(moment, query.dated_from or moment))
    return attrs.evolve(query, dated_until=min(moment, query.dated_until or moment))


def _measured(query: ImageQuery, what: str, sign: str, value: str) -> ImageQuery | None:
    found = _COUNT.fullmatch(value)
    if found is None or (found[2] and what != "size"):
        return None
    number = int(float(found[1]) * _UNITS[found[2].lower()[:1]])
    changed: dict[str, Any] = {}
    if sign in (">", ">=", ":", "="):
        least = number + 1 if sign == ">" else number
        changed[f"min_{what}"] = max(least, getattr(query, f"min_{what}") or 0)
    if sign in ("<", "<=", ":", "="):
        most = max(number - 1, 0) if sign == "<" else number
        known = getattr(query, f"max_{what}")
        changed[f"max_{what}"] = most if known is None else min(most, known)
    return attrs.evolve(query, **changed)


def _extensions(extension: str) -> tuple[str, ...]:
    return _ALIKE.get(canonical_name(extension), (extension,))


def _moment(text: str) -> datetime | None:
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    year, month, day = int(found[1]), int(found[2] or 1), int(found[3] or 1)
    if not (year and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]):
        return None
    return datetime(year, month, day, tzinfo=UTC)
