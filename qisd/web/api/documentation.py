"""What the API says about itself: the OpenAPI document, and a page to read it and try it out.

Both are for everybody: the document is the same for all, and nothing in it is a secret (the version is left out where
``HIDE_VERSION`` wants that). The page is a viewer that comes with the server; its policy lets nothing be loaded from
anywhere else.
"""

from __future__ import annotations

import functools
import html
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import qisd
from qisd.web.api import envelope
from qisd.web.api.endpoint import Endpoint
from qisd.web.api.openapi import document
from qisd.web.errors import not_found
from qisd.web.kept import Kept

if TYPE_CHECKING:
    from qisd.web.request import QisRequest

_FOLDER = Path(qisd.__file__).parent / "share" / "help"

_FILES = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "help.js": "text/javascript; charset=utf-8",
    "help.css": "text/css; charset=utf-8",
    "LICENSE": "text/plain; charset=utf-8",
    "NOTICE": "text/plain; charset=utf-8",
    "swagger-ui-bundle.js.LICENSE.txt": "text/plain; charset=utf-8",
}
"""What is handed out of the folder, and as what."""

_API_VERSION = "v1"

# The viewer sets styles on elements, and its icons are data.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API · qisd</title>
<link rel="icon" href="{root}favicon.ico">
<link rel="stylesheet" href="{root}api/help/swagger-ui.css?{swagger-ui.css}">
<link rel="stylesheet" href="{root}api/help/help.css?{help.css}">
<script src="{root}api/help/swagger-ui-bundle.js?{swagger-ui-bundle.js}" defer></script>
<script src="{root}api/help/help.js?{help.js}" defer></script>
</head>
<body>
<div id="help" data-api="{root}api/v1/" data-document="{root}api/v1/openapi.json"></div>
<noscript><p>The page needs JavaScript. The document that it shows is
<a href="{root}api/v1/openapi.json">openapi.json</a>.</p></noscript>
</body>
</html>
"""

_ALWAYS_ASK = ("Cache-Control", "no-cache")
_A_YEAR = ("Cache-Control", "public, max-age=31536000, immutable")


class Documentation:
    """The handlers of ``/api/openapi.json`` and ``/api/help/``. Reads its files when it is made."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._endpoints = tuple(endpoints)
        self._files = _files()
        self._made: dict[tuple[str, str], Kept] = {}

    async def openapi(self, request: QisRequest) -> None:
        """The document. It takes some tenths of a second to make, once: that is done in a thread."""
        hidden = request.site.settings.hide_version
        version = _API_VERSION if hidden else qisd.__version__
        server = f"{request.site.root}api/v1"

        def make() -> Kept:
            made = document(self._endpoints, version=version, server_url=server)
            kept = Kept.of(envelope.encoded(made), "application/json")
            kept.pack()
            return kept

        key = version, server
        if key not in self._made:
            self._made[key] = await request.site.body_files.run(make)
        self._made[key].answer(request, [_ALWAYS_ASK])

    async def page(self, request: QisRequest) -> None:
        """The page."""
        root = request.site.root
        shown = self._kept(("page", root), lambda: _page(root, self._files))
        shown.answer(request, [_ALWAYS_ASK, ("Content-Security-Policy", _POLICY), ("Referrer-Policy", "same-origin")])

    async def file(self, request: QisRequest, name: str) -> None:
        """A file of the page. With its tag in the query, as in the page, it may be kept for good."""
        shown = self._files.get(name)
        if shown is None:
            request.answer_error(not_found())
            return
        if shown.packed is None:
            await request.site.body_files.run(shown.pack)
        shown.answer(request, [_A_YEAR if request.raw_query.decode("latin-1") == shown.etag else _ALWAYS_ASK])

    def _kept(self, key: tuple[str, str], make: Callable[[], Kept]) -> Kept:
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]


@functools.cache
def _files() -> Mapping[str, Kept]:
    return {name: Kept.of((_FOLDER / name).read_bytes(), media_type) for name, media_type in _FILES.items()}


def _page(root: str, files: Mapping[str, Kept]) -> Kept:
    tags = {name: shown.etag for name, shown in files.items()}
    text = _PAGE
    for name, value in {"root": html.escape(root), **tags}.items():
        text = text.replace(f"{{{name}}}", value)
    return Kept.of(text.encode("utf-8"), "text/html; charset=utf-8")
