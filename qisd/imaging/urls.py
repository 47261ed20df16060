"""Image options as they stand in the URL of an image."""

from __future__ import annotations

from collections.abc import Mapping

from qisd.imaging.request import URL_NAMES
from qisd.imaging.spec import Focus, Position, Tile
from qisd.imaging.template import UNIT_FIELDS, typed_fields
from qisd.imaging.values import decimal_text, focus_text

_NAMES: Mapping[str, str] = {
    **URL_NAMES,
    "dpi_x": "dpi",
    "template": "tmp",
    "attachment": "attach",
    "record_stats": "stats",
}

_WITHOUT_NAME = frozenset({"dpi_y", "expiry_secs"})
"""Fields that only templates have."""


def query_of(document: Mapping[str, object]) -> list[tuple[str, str]]:
    """The names and values that ask for the options of ``document``, which is in the form of a template.

    A field ``template`` is the name of the template that applies. What no URL can say is left out: ``dpi_y`` and
    ``expiry_secs``.

    :raises BadParameter: a field is unknown or of the wrong type.
    """
    query = [
        (_NAMES.get(field, field), _written(field, value))
        for field, value in typed_fields(document).items()
        if field not in _WITHOUT_NAME
    ]
    named = document.get("template")
    if isinstance(named, Mapping) and isinstance(named.get("value"), str) and named["value"]:
        query.append((_NAMES["template"], named["value"]))
    return query


def parameter_of(field: str, value: object) -> tuple[str, str]:
    """An option, by its field of :class:`~qisd.imaging.spec.ImageOptions`, as the name and value of a URL."""
    return _NAMES.get(field, field), _written(field, value)


def _written(field: str, value: object) -> str:
    match value:
        case Tile():
            return f"{value.number}:{value.grid}"
        case Position():
            return f"{value.edge}{decimal_text(value.fraction)}"
        case Focus():
            return focus_text(value)
        case bool():
            return str(int(value))
        case int() if field in UNIT_FIELDS:
            return decimal_text(value)
    return str(value)
