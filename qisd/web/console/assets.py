"""The files that browsers load: read once, compressed once, handed out from memory.

Those of our own pages have the digest of them all in their address, so that a browser may keep them for good and never
mixes two versions. Those that other sites' pages refer to have addresses that never change, and are asked for again
within the hour.
"""

from __future__ import annotations

import functools
import hashlib
import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import qisd
from qisd.web.errors import not_found
from qisd.web.headers import Header
from qisd.web.kept import Kept

if TYPE_CHECKING:
    from qisd.web.request import QisRequest

FOLDER = Path(qisd.__file__).parent / "share" / "admin"
"""The browser's side."""

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml; charset=utf-8",
    ".ts": "text/plain; charset=utf-8",
    ".webp": "image/webp",
}

_OWN = ("css", "js", "texts", "images")
_SPRITE = "icons.svg"
_FIXED = "static"

_IMPORTED = re.compile(r"^(?:import|export)\b[^'\n]*'(\.{1,2}/[^']+\.js)'", re.MULTILINE)
"""What a module of ours imports when it is loaded; each import stands in a line of its own."""

_DIGITS = 16
_YEAR = ("Cache-Control", "public, max-age=31536000, immutable")
_HOUR = ("Cache-Control", "public, max-age=3600")
_ASK = ("Cache-Control", "no-cache")
_FOR_ALL: tuple[Header, ...] = (
    ("Access-Control-Allow-Origin", "*"),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
)


class Assets:
    """All files of the browser's side.

    :ivar version: the digest of those of our own pages.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._own = dict(_files(folder, (*_OWN, _SPRITE)))
        self._fixed = {name.partition("/")[2]: asset for name, asset in _files(folder, (_FIXED,))}
        self._imports_of: dict[str, tuple[str, ...]] = {}
        digest = hashlib.sha256()
        for name, asset in sorted(self._own.items()):
            digest.update(f"{name} {asset.etag}\n".encode())
        self.version = f"v-{digest.hexdigest()[:_DIGITS]}"

    def has(self, name: str) -> bool:
        """Whether there is such a file of our own pages."""
        return name in self._own

    def imported(self, scripts: Iterable[str]) -> list[str]:
        """All that ``scripts`` import, and what that imports, but not themselves: so that browsers can ask for it at
        once, instead of one layer after the other.
        """
        found = list(scripts)
        given = len(found)
        for name in found:
            found += [one for one in self._imports(name) if one not in found]
        return found[given:]

    def _imports(self, name: str) -> tuple[str, ...]:
        """The modules that one imports."""
        if name not in self._imports_of:
            folder = PurePosixPath(name).parent
            text = self._own[name].data.decode("utf-8")
            paths = (posixpath.normpath(folder / path) for path in _IMPORTED.findall(text))
            self._imports_of[name] = tuple(dict.fromkeys(path for path in paths if path in self._own))
        return self._imports_of[name]

    def pack(self) -> None:
        """Compress what it is worth for. Blocks for some tenths of a second: for a thread."""
        for asset in (*self._own.values(), *self._fixed.values()):
            asset.pack()

    def answer(self, request: QisRequest, name: str) -> None:
        """The file at ``/static/<name>``."""
        version, _, rest = name.partition("/")
        if version.startswith("v-"):
            asset, caching = self._own.get(rest), _YEAR if version == self.version else _ASK
        else:
            asset, caching = self._fixed.get(name), _HOUR
            request.lasting = _FOR_ALL
        if asset is None:
            request.answer_error(not_found())
        else:
            asset.answer(request, [caching])


@functools.cache
def shipped() -> Assets:
    """The files that come with the program."""
    return Assets()


def _files(folder: Path, tops: tuple[str, ...]) -> Iterator[tuple[str, Kept]]:
    """Names and files of the parts ``tops`` of ``folder``."""
    for top in tops:
        place = folder / top
        for path in [place] if place.is_file() else sorted(place.rglob("*")):
            if path.is_file() and path.suffix in _TYPES:
                yield path.relative_to(folder).as_posix(), Kept.of(path.read_bytes(), _TYPES[path.suffix])
