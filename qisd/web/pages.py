"""``/robots.txt`` and ``/favicon.ico``."""

from __future__ import annotations

from qisd.web.icon import favicon
from qisd.web.request import QisRequest

_DAY = ("Cache-Control", "public, max-age=86400")

_CLOSED_TO_ROBOTS = ("admin/", "details/", "list/", "login/", "publish/", "reports/", "upload/")

_ICON = favicon()


class PageHandlers:
    """The handlers of what browsers and robots look for at a site."""

    def robots(self, request: QisRequest) -> None:
        closed = "".join(f"Disallow: {request.site.root}{folder}\n" for folder in _CLOSED_TO_ROBOTS)
        text = f"User-agent: *\n{closed}".encode()
        request.answer(200, [("Content-Type", "text/plain; charset=utf-8"), _DAY], text)

    def favicon(self, request: QisRequest) -> None:
        request.answer(200, [("Content-Type", "image/vnd.microsoft.icon"), _DAY], _ICON)
