"""Puts the web floor together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qisd.images import Images
from qisd.pools.files import FilePool
from qisd.web.access import AccessLog
from qisd.web.images import ImageHandlers
from qisd.web.operations import OperationHandlers, Readiness
from qisd.web.pages import PageHandlers
from qisd.web.root import Root
from qisd.web.rules import WebSettings
from qisd.web.site import QisSite


def make_site(
    *,
    images: Images,
    files: FilePool,
    settings: WebSettings,
    access_log: AccessLog | None,
    readiness: Callable[[], Readiness],
    reactor: Any,
) -> QisSite:
    """The site with all its addresses.

    :param files: where originals are read and files closed.
    :param access_log: told about each finished request; None = nobody wants to know.
    :param readiness: says at once whether the server can do its work.
    """
    root = Root(
        images=ImageHandlers(images=images, files=files),
        pages=PageHandlers(),
        operations=OperationHandlers(readiness=readiness),
    )
    return QisSite(root.app.resource(), settings=settings, access_log=access_log, reactor=reactor)
