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

from qisd.errors import BadParameter
from qisd.imaging.formats import canonical_name
from qisd.library.places import normalised
from qisd.store.image_search import ImageQuery

_TOKEN = re.compile(r'(?:[^\s"]|"[^"]*"?)+')
_OPERATOR = re.compile(r'(type|in|tag|w|width|h|height|size|after|before)(:|[<>]=?|=)("[^"]+"|[^"\s]+)', re.IGNORECASE)
_COUNT = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(|b|kb?|mb?|gb?)", re.IGNORECASE)
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_UNITS: Mapping[str, int] = MappingProxyType({"": 1, "b": 1, "k": 10**3, "m": 10**6, "g": 10**9})
_ALIKE: Mapping[str, tuple[str, ...]] = MappingProxyType({"jpg": ("jpg", "jpeg"), "tif": ("tif", "tiff")})


def understood(query: ImageQuery) -> ImageQuery:
    """``query`` with the operators among its words made use of; they narrow down what it says besides.

    :raises Forbidden: a folder leads out of the library.
    """
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
        return _of_type(query, value)
    if name == "in":
        return _within(query, value)
    if name == "tag":
        return attrs.evolve(query, tags=(*query.tags, value))
    moment = _moment(value)
    if moment is None:
        return None
    if name == "after":
        return attrs.evolve(query, dated_from=max(moment, query.dated_from or moment))
    return attrs.evolve(query, dated_until=min(moment, query.dated_until or moment))


def extensions(types: str) -> list[str]:
    """The extensions that files of some types have; the types with commas between, such as jpg,png."""
    wanted = [part.strip().lower().lstrip(".") for part in types.split(",")]
    return [one for part in wanted if part for one in _ALIKE.get(canonical_name(part), (part,))]


def _of_type(query: ImageQuery, value: str) -> ImageQuery:
    wanted = extensions(value)
    if wanted and query.extensions:
        wanted = [one for one in wanted if one in query.extensions]
        return attrs.evolve(query, extensions=wanted, nothing=query.nothing or not wanted)
    return attrs.evolve(query, extensions=wanted or query.extensions)


def _within(query: ImageQuery, value: str) -> ImageQuery | None:
    """Of two folders the deeper one counts, if it is in the other."""
    given = query.folder
    try:
        folder = normalised(value, parameter="folder")
    except BadParameter:
        return None
    if not folder or given == folder or given.startswith(f"{folder}/"):
        return query
    if not given or (folder.startswith(f"{given}/") and query.recursive):
        return attrs.evolve(query, folder=folder)
    return attrs.evolve(query, nothing=True)


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


def _moment(text: str) -> datetime | None:
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    year, month, day = int(found[1]), int(found[2] or 1), int(found[3] or 1)
    if not (year and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]):
        return None
    return datetime(year, month, day, tzinfo=UTC)
