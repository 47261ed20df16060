"""Where to go after a log-in: never to another site, whatever an address says."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from qisd.web.request import QisRequest

_READABLE = "/?&=%#:;,+@!$'()*~-._"


def safe_target(request: QisRequest, wanted: str | None) -> str:
    """Where to go next: ``wanted``, if that is an address of this server, or the first page of those who have logged
    in. Complete, with its slash at the start.
    """
    if not wanted or not wanted.startswith("/") or wanted.startswith("//") or "\\" in wanted:
        return f"{request.site.root}list/"
    if any(ord(character) < 32 or ord(character) == 127 for character in wanted):
        return f"{request.site.root}list/"
    return quote(wanted, safe=_READABLE)
