"""Where to go after a log-in: to another site only if the operator has named it, whatever an address says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from qisd.web.request import QisRequest

_READABLE = "/?&=%#:;,+@!$'()*~-._"
_ORIGIN = re.compile(r"(https?://[^/?#@\s]+)(?=[/?#]|$)", re.IGNORECASE)


def safe_target(request: QisRequest, wanted: str | None) -> str:
    """Where to go next: ``wanted``, if that is an address of this server or of a site that was named for it, or the
    first page of those who have logged in. Complete: with its slash at the start, or its scheme.
    """
    first_page = f"{request.site.root}list/"
    if not wanted or "\\" in wanted or any(ord(character) < 32 or ord(character) == 127 for character in wanted):
        return first_page
    if origin_of(wanted) in request.site.settings.login_next_origins:
        return quote(wanted, safe=_READABLE)
    if not wanted.startswith("/") or wanted.startswith("//"):
        return first_page
    return quote(wanted, safe=_READABLE)


def origin_of(target: str) -> str:
    """The origin of the site that an address leads to; empty for addresses of this server."""
    found = _ORIGIN.match(target)
    return found[1].lower() if found is not None else ""
