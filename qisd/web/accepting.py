"""What a client would rather have (RFC 9110, 12.5.1). Pure functions over the text of an ``Accept`` header."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from qisd.imaging.negotiation import MODERN


def wishes(accept: str) -> dict[str, float]:
    """The media ranges of an ``Accept`` header, in lower case, with what each is worth: 0 … 1."""
    found = {}
    for item in accept.split(","):
        media, *parameters = (part.strip().lower() for part in item.split(";"))
        found[media] = _quality(parameters)
    return found


def prefers_json(accept: str | None) -> bool:
    """Whether an ``Accept`` header would rather have JSON than an HTML page."""
    if not accept or "json" not in accept.lower():
        return False
    wished = wishes(accept)
    json_wish = wished.get("application/json", 0.0)
    html_wish = wished.get("text/html", wished.get("text/*", wished.get("*/*", 0.0)))
    if "text/html" in wished:
        return json_wish > html_wish
    return json_wish > 0 and json_wish >= html_wish


@lru_cache(maxsize=256)
def modern_formats(accept: str) -> tuple[str, ...]:
    """The names of newer image formats that a client can show and likes no less than JPEG, the best liked first.

    Only what is named counts: ``*/*`` and ``image/*`` come from programs as well that are older than the formats.
    """
    if "image/" not in accept.lower():
        return ()
    wished = wishes(accept)
    named = {name: wished.get(f"image/{name}", 0.0) for name in MODERN}
    least = _of_type(wished, "image/jpeg")
    liked = [name for name in MODERN if named[name] > 0 and named[name] >= least]
    return tuple(sorted(liked, key=lambda name: -named[name]))


def _of_type(wished: Mapping[str, float], media: str) -> float:
    family = f"{media.partition('/')[0]}/*"
    return wished.get(media, wished.get(family, wished.get("*/*", 0.0)))


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
