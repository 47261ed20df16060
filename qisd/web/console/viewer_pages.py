"""The viewers that other sites embed: each shown at work, and explained."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import attrs

from qisd.library.files import Files
from qisd.web.console.page import Page, PageCall, address

_SAMPLES = tuple(
    f"samples/{name}.jpg" for name in ("mountains", "cityscape", "penguin", "coffee", "mercedes", "acrylic")
)
_KEPT = (("Cache-Control", "private, max-age=3600"), ("Vary", "Cookie"))
"""It holds the name of whoever looks: no cache between may keep it, and not for the next user of the same browser."""


@attrs.frozen(kw_only=True)
class Viewer:
    """One of the viewers.

    :param name: the first part of its addresses.
    :param title: what people call it.
    :param scripts: that a page loads for it, in ``/static/js/``.
    :param styles: likewise, in ``/static/styles/``.
    """

    name: str
    title: str
    scripts: tuple[str, ...]
    styles: tuple[str, ...]


_CANVAS = Viewer(name="canvasview", title="Zoom viewer", scripts=("canvas_view.min.js",), styles=("canvas_view.css",))
_GALLERY = Viewer(
    name="gallery",
    title="Gallery",
    scripts=("canvas_view.min.js", "gallery_view.min.js"),
    styles=("canvas_view.css", "gallery_view.css"),
)
_SLIDESHOW = Viewer(name="slideshow", title="Slideshow", scripts=("slideshow_view.min.js",), styles=())
_SIMPLE = Viewer(name="simpleview", title="Simple viewer", scripts=("simple_view.min.js",), styles=("simple_view.css",))
_ALL: Mapping[str, Viewer] = MappingProxyType({one.name: one for one in (_CANVAS, _GALLERY, _SLIDESHOW, _SIMPLE)})


class ViewerPages:
    """Two pages for each viewer."""

    def __init__(self, *, files: Files) -> None:
        self._files = files

    @address("/canvasview/")
    async def canvas(self, call: PageCall) -> Page:
        """The zoom viewer at work."""
        return await self._demo(call, _CANVAS)

    @address("/gallery/")
    async def gallery(self, call: PageCall) -> Page:
        """The gallery at work."""
        return await self._demo(call, _GALLERY)

    @address("/slideshow/")
    async def slideshow(self, call: PageCall) -> Page:
        """The slideshow at work."""
        return await self._demo(call, _SLIDESHOW)

    @address("/simpleview/")
    async def simple(self, call: PageCall) -> Page:
        """The simple viewer at work."""
        return await self._demo(call, _SIMPLE)

    @address("/canvasview/help/")
    async def canvas_guide(self, call: PageCall) -> Page:
        """How to embed the zoom viewer."""
        return self._guide(call, _CANVAS)

    @address("/gallery/help/")
    async def gallery_guide(self, call: PageCall) -> Page:
        """How to embed the gallery."""
        return self._guide(call, _GALLERY)

    @address("/slideshow/help/")
    async def slideshow_guide(self, call: PageCall) -> Page:
        """How to embed the slideshow."""
        return self._guide(call, _SLIDESHOW)

    @address("/simpleview/help/")
    async def simple_guide(self, call: PageCall) -> Page:
        """How to embed the simple viewer."""
        return self._guide(call, _SIMPLE)

    async def _demo(self, call: PageCall, viewer: Viewer) -> Page:
        seen = await self._files.at(call.visitor, _SAMPLES)
        samples = [src for src in _SAMPLES if src in seen]
        server = _server(call)
        return Page(
            template="viewer_demo.html",
            title=viewer.title,
            area="viewers",
            values={"viewer": viewer, "samples": samples, "server": server},
            data={"viewer": viewer.name, "samples": samples, "server": server},
        )

    def _guide(self, call: PageCall, viewer: Viewer) -> Page:
        values = {
            "viewer": viewer,
            "viewers": list(_ALL.values()),
            "server": _server(call),
            "sample": f"/{_SAMPLES[0]}",
        }
        return Page(
            template="viewer_guide.html", title=f"{viewer.title}: guide", area="viewers", values=values, headers=_KEPT
        )


def _server(call: PageCall) -> str:
    urls = call.urls()
    return f"{urls.origin}{urls.root}"
