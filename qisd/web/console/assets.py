"""The files that browsers load: read once, compressed once, handed out from memory.

Those of our own pages have the digest of them all in their address, so that a browser may keep them for good and never
mixes two versions. Those that other sites' pages refer to have addresses that never change, and are asked for again
within the hour.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import attrs

import qisd
from qisd.web.conditional import Validators, precondition_status
from qisd.web.errors import not_found
from qisd.web.headers import Header

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
_PACKED_ALREADY = frozenset({"image/png", "image/webp"})

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


@attrs.define
class Asset:
    """One file. ``packed`` is None where packing is of no use, and until it is done."""

    data: bytes
    media_type: str
    etag: str
    packed: bytes | None = None


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
            if asset.packed is None and asset.media_type not in _PACKED_ALREADY:
                packed = gzip.compress(asset.data, mtime=0)
                if len(packed) < len(asset.data):
                    asset.packed = packed

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
            _send(request, asset, [caching])


@functools.cache
def shipped() -> Assets:
    """The files that come with the program."""
    return Assets()


def _send(request: QisRequest, asset: Asset, headers: list[Header]) -> None:
    packed = asset.packed is not None and _takes_gzip(request.joined("Accept-Encoding") or "")
    etag = f"{asset.etag}-gz" if packed else asset.etag
    headers = [("ETag", f'"{etag}"'), ("Vary", "Accept-Encoding"), *headers]
    if precondition_status(request.conditions(), Validators(etag=etag, last_modified=0)) == 304:
        request.start(304, headers)
        request.write(b"")
        return
    headers.append(("Content-Type", asset.media_type))
    if packed and asset.packed is not None:
        request.answer(200, [*headers, ("Content-Encoding", "gzip")], asset.packed)
    else:
        request.answer(200, headers, asset.data)


def _takes_gzip(accepted: str) -> bool:
    for item in accepted.lower().split(","):
        coding, _, parameters = item.partition(";")
        if coding.strip() in ("gzip", "*"):
            return parameters.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _files(folder: Path, tops: tuple[str, ...]) -> Iterator[tuple[str, Asset]]:
    """Names and files of the parts ``tops`` of ``folder``."""
    for top in tops:
        place = folder / top
        for path in [place] if place.is_file() else sorted(place.rglob("*")):
            if path.is_file() and path.suffix in _TYPES:
                data = path.read_bytes()
                etag = hashlib.sha256(data).hexdigest()[:_DIGITS]
                yield path.relative_to(folder).as_posix(), Asset(data, _TYPES[path.suffix], etag)
