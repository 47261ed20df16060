"""JSON, read strictly where Python's parser is not: bodies, and texts in fields of forms. Pure functions."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any

from qisd.errors import BadParameter
from qisd.web.bad_body import BadBody

DEPTH_MAX = 64

# Python needs about 100 bytes for a value that takes two on the wire, and some time in which nothing else happens.
VALUES_MAX = 50_000

# Neither PostgreSQL nor UTF-8 knows these.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")

_NAME_SHOWN = 100


class _Fault(ValueError):
    """Why a text is not taken; reads on after what the text is called. ``detail`` is for the log."""

    def __init__(self, reason: str, *, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


class _Double(_Fault):
    def __init__(self, name: str) -> None:
        super().__init__(f"has the name {name} twice")
        self.name = name


def parse_object(data: bytes) -> dict[str, Any]:
    """The JSON object in ``data``, the body of a request.

    Whole numbers of up to 4300 digits are int.

    :raises BadBody: it is no JSON in UTF-8 or no object, has infinite numbers, NUL characters or lone surrogates, is
        nested more than :data:`DEPTH_MAX` deep or has more than :data:`VALUES_MAX` values.
    :raises BadParameter: an object has a name twice.
    """
    try:
        value = _parse(data.decode("utf-8"))
        if not isinstance(value, dict):
            raise _Fault("must be a JSON object")
    except UnicodeDecodeError:
        raise BadBody("The body is not properly encoded UTF-8.") from None
    except _Double as fault:
        raise BadParameter(fault.name, "is given twice") from None
    except _Fault as fault:
        raise BadBody(f"The body {fault.reason}.", detail=fault.detail) from None
    return value


def parse_value(text: str, *, parameter: str) -> Any:
    """Any JSON value, in a field of a form.

    :raises BadParameter: as for :func:`parse_object`.
    """
    try:
        return _parse(text)
    except _Fault as fault:
        raise BadParameter(parameter, fault.reason, detail=fault.detail) from None


def _parse(text: str) -> Any:
    """:raises _Fault: it is nothing that could be stored."""
    if text.count(",") + text.count("[") + text.count("{") > VALUES_MAX:
        raise _Fault("has too many values")
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as error:
        raise _Fault(f"is not proper JSON: line {error.lineno}, column {error.colno}") from None
    except _Fault:
        raise
    except ValueError as error:
        raise _Fault("is not proper JSON", detail=str(error)) from None
    _check_tree(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        ((double, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise _Double(_shown(double))
    return made


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text[:_NAME_SHOWN])
    return value


def _check_tree(value: Any) -> None:
    level: list[Any] = [value]
    for _ in range(DEPTH_MAX):
        _check_texts(level)
        level = [inner for outer in level for inner in _inside(outer)]
    if any(isinstance(one, (dict, list)) for one in level):
        raise _too_deep()
    _check_texts(level)


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else []


def _check_texts(values: list[Any]) -> None:
    if any(isinstance(one, str) and _UNSTORABLE.search(one) for one in values):
        raise _Fault("has a text with a NUL character or half of a surrogate pair in it")


def _shown(name: str) -> str:
    return name[:_NAME_SHOWN].encode("utf-8", "replace").decode("utf-8")


def _too_deep() -> _Fault:
    return _Fault(f"is nested more than {DEPTH_MAX} deep")
