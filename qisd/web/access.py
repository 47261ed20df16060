"""What the access log is told about each request."""

from __future__ import annotations

import re
from typing import Protocol

import attrs

_TEXT_MAX = 4096

_SECRETS = re.compile(rb"([?&;]token=)[^&#\s]*")


@attrs.frozen(kw_only=True)
class AccessEntry:
    """One finished request. All texts are printable: nothing in them can end or forge a line.

    :param client: address of the peer.
    :param forwarded_for: the X-Forwarded-For header, as it came.
    :param time: when the request began, in seconds since 1970.
    :param status: 499 when the client went away before its answer was complete.
    :param body_bytes: length of the body as sent, 0 for HEAD.
    :param app_us: microseconds from the complete request to the head of the answer.
    :param total_us: microseconds from the first line of the request to the end of the answer.
    :param from_cache: None for what is no image.
    :param protocol: ``http`` or ``https``.
    """

    client: str
    forwarded_for: str | None
    time: float
    request_line: str
    status: int
    body_bytes: int
    app_us: int
    total_us: int
    from_cache: bool | None
    agent: str | None
    referer: str | None
    request_id: str
    protocol: str


class AccessLog(Protocol):
    """Takes entries; must neither fail nor wait."""

    def write(self, entry: AccessEntry) -> None: ...


def printable(raw: bytes) -> str:
    """``raw`` as text for a log: control characters, quotes and backslashes escaped, cut when very long.

    A token in an address is left out.
    """
    if b"token=" in raw:
        raw = _SECRETS.sub(rb"\1***", raw)
    text = raw[:_TEXT_MAX].decode("utf-8", "surrogateescape")
    if not text.isprintable() or '"' in text or "\\" in text:
        text = "".join(_escaped(character) for character in text)
    return text + ("…" if len(raw) > _TEXT_MAX else "")


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")
