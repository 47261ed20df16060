"""Puts the web floor together: what answers from the start, and what opens with the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qisd.pools.files import FilePool
from qisd.web.access import AccessLog
from qisd.web.console.assets import shipped
from qisd.web.console.dispatch import PageDispatcher
from qisd.web.console.frame import frame
from qisd.web.console.routes import ConsoleRoutes
from qisd.web.console.welcome import WelcomePages
from qisd.web.operations import OperationHandlers, Readiness
from qisd.web.pages import PageHandlers
from qisd.web.root import Rooms, Root
from qisd.web.rules import WebSettings
from qisd.web.site import QisSite


def make_site(
    *,
    settings: WebSettings,
    access_log: AccessLog | None,
    readiness: Callable[[], Readiness],
    reactor: Any,
    body_files: FilePool,
) -> QisSite:
    """The site, with nothing behind most of its addresses: they say that the server is not ready.

    :param access_log: told about each finished request; None = nobody wants to know.
    :param readiness: says at once whether the server can do its work.
    :param body_files: where uploaded files are written. Bringing a large file to the disk takes its time, so that it
        should have more of it than others.
    """
    root = Root(
        operations=OperationHandlers(readiness=readiness),
        pages=PageHandlers(),
        assets=shipped(),
        first_pages=ConsoleRoutes(PageDispatcher(frame()), [WelcomePages()], closed=True),
    )
    return QisSite(root, settings=settings, access_log=access_log, reactor=reactor, body_files=body_files)


def open_rooms(site: QisSite, rooms: Rooms) -> None:
    """Let the addresses of ``site`` lead to ``rooms``."""
    site.bodies = rooms.bodies
    site.throttled = rooms.throttled
    site.hot = rooms.hot
    site.show(site.entrance.leading_to(rooms))
