"""What certificate authorities ask for, to see that a name is ours: answers that an ACME client has left on disk."""

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

    :param webroot: gives the directory of the client.
    """

    def __init__(self, *, webroot: Callable[[], Path | None], files: FilePool) -> None:
        self._webroot = webroot
        self._files = files

    async def answer(self, request: QisRequest, token: str) -> None:
        """:raises NotFound: nobody has ordered anything by this token."""
        webroot = self._webroot()
        if webroot is None or not _TOKEN.fullmatch(token):
            raise NotFound(token[:100])
        found = await self._files.run(lambda: _read(webroot / FOLDER / token))
        if found is None:
            raise NotFound(token[:100])
        request.answer(200, [("Content-Type", "application/octet-stream"), ("Cache-Control", "no-store")], found)


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
