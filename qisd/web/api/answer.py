"""An answer of the API before it is sent."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import attrs

from qisd.web.headers import Header


@attrs.frozen(kw_only=True)
class Answer:
    """Status, headers, and an envelope."""

    status: int
    body: bytes
    headers: list[Header]


@attrs.frozen(kw_only=True)
class Stream:
    """An answer whose body is sent while it is made."""

    status: int
    headers: list[Header]
    pieces: AsyncGenerator[bytes, None]
