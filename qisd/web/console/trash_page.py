"""``/trash/``: what was deleted and can be had back, with forms that need no script."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import quote

from qisd.access.levels import Flag
from qisd.errors import QisError
from qisd.library.trash import OnClash, Trash
from qisd.store.trash import TrashEntry
from qisd.web.console.page import Page, PageCall, Redirect, address, whole
from qisd.web.urls import encoded

_AT_ONCE = 100
_START_MAX = 999_999_999


class TrashPages:
    """The pages of the trash.

    :param refresh: has the permissions read again that come back with a folder.
    """

    def __init__(self, trash: Trash, *, refresh: Callable[[], Awaitable[None]]) -> None:
        self._trash = trash
        self._refresh = refresh

    @address("/trash/")
    async def listed(self, call: PageCall) -> Page:
        return await self._page(call)

    @address("/trash/restore/", post=True)
    async def restore(self, call: PageCall) -> Page | Redirect:
        on_clash: OnClash = "rename" if call.form.get("on_clash") == "rename" else "fail"
        try:
            path = await self._trash.restore(call.visitor, _number(call.form), on_clash=on_clash)
        except QisError as error:
            return await self._page(call, error=error)
        await self._refresh()
        folder, _, name = f"/{path}".rpartition("/")
        return Redirect(target=f"list/?{encoded([('path', folder or '/')])}#{quote(name, safe='')}", status=303)

    @address("/trash/remove/")
    async def ask(self, call: PageCall) -> Page:
        entry = await self._trash.entry(call.visitor, _number(call.query))
        return Page(template="trash_remove.html", title=f"/{entry.path}", area="trash", values={"entry": entry})

    @address("/trash/remove/", post=True)
    async def remove(self, call: PageCall) -> Page | Redirect:
        try:
            await self._trash.remove(call.visitor, _number(call.form))
        except QisError as error:
            return await self._page(call, error=error)
        return Redirect(target="trash/", status=303)

    async def _page(self, call: PageCall, *, error: QisError | None = None) -> Page:
        below = call.query.get("path", "").strip("/")
        found = [entry for entry in await self._trash.entries(call.visitor) if _is_below(entry, below)]
        start = whole(call.query.get("start") or "0", "start", _START_MAX)
        following = [("path", f"/{below}")] if below else []
        return Page(
            template="trash.html",
            title="",
            area="trash",
            values={
                "entries": found[start : start + _AT_ONCE],
                "total": len(found),
                "below": f"/{below}",
                "following": encoded([*following, ("start", str(start + _AT_ONCE))])
                if start + _AT_ONCE < len(found)
                else "",
                "problem": error.message if error else "",
            },
            data={"below": f"/{below}", "may_empty": call.visitor.may(Flag.ADMIN_FILES)},
            status=error.status if error else 200,
        )


def _is_below(entry: TrashEntry, folder: str) -> bool:
    return not folder or entry.path.startswith(f"{folder}/")


def _number(given: Mapping[str, str]) -> int:
    """:raises BadParameter: there is no id."""
    return whole(given.get("id", ""), "id")
