"""``application/x-www-form-urlencoded``, read strictly. Pure functions."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from qisd.errors import BadParameter
from qisd.web.bad_body import BadBody

FIELDS_MAX = 1000

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_NAME_SHOWN = 100


def parse_form(data: bytes) -> list[tuple[str, str]]:
    """Names and values in their order; ``&`` alone is between them.

    :raises BadParameter: something is no UTF-8 or a percent sign begins no escape.
    :raises BadBody: there are more than :data:`FIELDS_MAX` fields.
    """
    if data.count(b"&") >= FIELDS_MAX:
        raise BadBody(f"The form has more than {FIELDS_MAX} fields.")
    pairs = []
    for item in data.split(b"&"):
        if item:
            raw_name, _, raw_value = item.partition(b"=")
            name = _text(raw_name, "form")
            pairs.append((name, _text(raw_value, name[:_NAME_SHOWN])))
    return pairs


def _text(raw: bytes, name: str) -> str:
    if _BAD_ESCAPE.search(raw):
        raise BadParameter(name, "a percent sign begins no escape")
    try:
        return unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise BadParameter(name, "is not properly encoded UTF-8") from None
