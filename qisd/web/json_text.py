"""JSON, read strictly where Python's parser is not. Pure functions."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

from qisd.errors import BadParameter
from qisd.web.bad_body import BadBody

DEPTH_MAX = 64

# Python needs about 100 bytes for a value that takes two on the wire, and some time in which nothing else happens.
VALUES_MAX = 200_000

_NAME_SHOWN = 100


def parse_object(data: bytes) -> dict[str, Any]:
    """The JSON object in ``data``.

    Whole numbers of up to 4300 digits are int.

    :raises BadBody: it is no JSON in UTF-8 or no object, has infinite numbers or lone surrogates, is nested more than
        :data:`DEPTH_MAX` deep or has more than :data:`VALUES_MAX` values.
    :raises BadParameter: an object has a name twice.
    """
    if data.count(b",") + data.count(b"[") + data.count(b"{") > VALUES_MAX:
        raise BadBody("The JSON text has too many values.")
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite
        )
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as error:
        raise BadBody(f"The body is not proper JSON: line {error.lineno}, column {error.colno}.") from None
    except ValueError as error:
        raise BadBody("The body is not proper JSON.", detail=str(error)) from None
    if not isinstance(value, dict):
        raise BadBody("The body must be a JSON object.")
    _check_tree(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        ((double, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise BadParameter(_shown(double), "is given twice")
    return made


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text[:_NAME_SHOWN])
    return value


def _check_tree(value: dict[str, Any]) -> None:
    level: list[Any] = [value]
    for _ in range(DEPTH_MAX):
        below: list[Any] = []
        for one in level:
            if isinstance(one, str):
                _check_text(one)
            elif isinstance(one, dict):
                below.extend(one)
                below.extend(one.values())
            elif isinstance(one, list):
                below.extend(one)
        level = below
    if any(isinstance(one, (dict, list)) for one in level):
        raise _too_deep()
    for one in level:
        if isinstance(one, str):
            _check_text(one)


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise BadBody("A text in the JSON is no Unicode: half of a surrogate pair.") from None


def _shown(name: str) -> str:
    return name[:_NAME_SHOWN].encode("utf-8", "replace").decode("utf-8")


def _too_deep() -> BadBody:
    return BadBody(f"The JSON is nested more than {DEPTH_MAX} deep.")
