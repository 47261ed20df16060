"""What certificate authorities ask for, to see that a name is ours: by the server itself or by a client on disk."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from qisd.errors import NotFound
from qisd.pools.files import FilePool
from qisd.web.request import QisRequest

FOLDER = Path(".well-known/acme-challenge")
"""Where clients put their answers, below ``ACME_WEBROOT``."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,200}")
_LONGEST = 4096


class Challenges:
    """Answers them.

    :param own: gives what the server itself has to answer to a token, if it has ordered anything by it.
    :param webroot: gives the directory of a client beside it.
    """

    def __init__(
        self, *, own: Callable[[str], str | None], webroot: Callable[[], Path | None], files: FilePool
    ) -> None:
        self._own = own
        self._webroot = webroot
        self._files = files

    async def answer(self, request: QisRequest, token: str) -> None:
        """:raises NotFound: nobody has ordered anything by this token."""
        if not _TOKEN.fullmatch(token):
            raise NotFound(token[:100])
        own = self._own(token)
        found = await self._left(token) if own is None else own.encode("ascii")
        if found is None:
            raise NotFound(token[:100])
        request.answer(200, [("Content-Type", "application/octet-stream"), ("Cache-Control", "no-store")], found)

    async def _left(self, token: str) -> bytes | None:
        """What the client has left."""
        webroot = self._webroot()
        return None if webroot is None else await self._files.run(lambda: _read(webroot / FOLDER / token))


def _read(path: Path) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        try:
            return file.read(_LONGEST)
        except OSError:  # a directory
            return None
