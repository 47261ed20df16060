"""Where people choose folders and images for something else: ``/folder_list/`` for pages of this server, and the window
that pages of other sites open.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qisd.access.levels import Level
from qisd.errors import Forbidden, QisError
from qisd.imaging.values import boolean
from qisd.library.folders import Folders
from qisd.web.console.page import Page, PageCall, Who, address
from qisd.web.console.targets import origin_of
from qisd.web.headers import Header
from qisd.web.identity import origin

_MODES = ("file", "files", "folder")
_MESSAGE_MAX = 500

_KEEPS_OPENER: tuple[Header, ...] = (("Cross-Origin-Opener-Policy", "unsafe-none"),)
"""Else the window could not tell the page that has opened it."""


class PickerPages:
    """The pages in which something is chosen.

    :param origins: those that may open the window, besides this server's own.
    """

    def __init__(self, folders: Folders, *, origins: Callable[[], Sequence[str]]) -> None:
        self._folders = folders
        self._origins = origins

    @address("/folder_list/")
    async def choose(self, call: PageCall) -> Page:
        """For a frame: what is chosen goes to a function of the page around."""
        mode = "file" if boolean(call.query.get("show_files", "")) else "folder"
        message = call.query.get("msg", "")[:_MESSAGE_MAX]
        return await self._page(call, mode=mode, target="", message=message)

    @address("/folder_list/pick/", who=Who.ANYBODY)
    async def pick(self, call: PageCall) -> Page:
        """For a window: what is chosen goes to the page that has opened it, as a message to its origin only."""
        target = call.query.get("origin", "")
        mode = call.query.get("mode", "file")
        own = origin(call.request)
        if target not in self._origins() and origin_of(target) != f"{own.scheme}://{own.host}".lower():
            raise Forbidden("This site may not have images chosen here: PICKER_ORIGINS does not name it")
        return await self._page(call, mode=mode if mode in _MODES else "file", target=target, message="")

    async def _page(self, call: PageCall, *, mode: str, target: str, message: str) -> Page:
        path = call.query.get("path") or "/"
        if not call.visitor.anonymous:
            path = await self._nearest(call, path)
        return Page(
            template="folder_list.html",
            title=message,
            area="folder_list",
            values={"mode": mode, "message": message, "target": target},
            data={
                "path": path,
                "mode": mode,
                "target": target,
                "filter": call.query.get("filter", "")[:200],
                "level": int(Level.VIEW),
            },
            headers=_KEEPS_OPENER if target else (),
        )

    async def _nearest(self, call: PageCall, path: str) -> str:
        """``path``, or the root for one that isn't there or can't be seen: there people go on from."""
        try:
            return (await self._folders.by_path(call.visitor, path)).folder.path
        except QisError:
            return "/"
