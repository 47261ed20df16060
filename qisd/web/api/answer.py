"""An answer of the API before it is sent."""

from __future__ import annotations

import attrs

from qisd.web.headers import Header


@attrs.frozen(kw_only=True)
class Answer:
    """Status, headers, and an envelope."""

    status: int
    body: bytes
    headers: list[Header]
