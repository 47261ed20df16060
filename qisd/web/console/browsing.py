"""``/list/``: what is in a folder, for scripts at once and without them as a plain list; and ``/list/navigate/``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast, get_args

import attrs
import msgspec

from qisd.access.levels import Level
from qisd.errors import BadParameter, Forbidden, NotFound, QisError
from qisd.library.arranging import Arrangement, Sort
from qisd.library.listing import FilePage, ListedFile, Listing
from qisd.web.api.listing import facts_object, summary_object
from qisd.web.console.page import Bare, Page, PageCall, Redirect, address, whole
from qisd.web.console.preferences import remember, visited
from qisd.web.headers import Header
from qisd.web.urls import encoded

if TYPE_CHECKING:
    from qisd.web.request import QisRequest

VIEW = "qis_view"
"""The cookie that has the way a browser shows folders."""

VIEWS = ("list", "grid")

SAMPLES = "samples"
"""The folder that a new library has. Operators delete or close it: only who sees it is sent there."""

_AT_ONCE = 200
"""Entries that scripts get with the page, and that they ask for at a time."""

_PLAIN = 100
"""Entries of a page without scripts."""

_SORTS = get_args(Sort)
_LARGEST = 999_999_999


@attrs.frozen(kw_only=True)
class Crumb:
    """One of the folders above, and the folder itself."""

    name: str
    path: str


@attrs.frozen(kw_only=True)
class Wish:
    """What the address of a page says is to be shown. ``types`` is one extension, or empty."""

    path: str
    sort: Sort = "name"
    descending: bool = False
    text: str = ""
    types: str = ""
    start: int = 0

    @property
    def arrangement(self) -> Arrangement:
        types = frozenset({self.types}) if self.types else frozenset()
        return Arrangement(sort=self.sort, descending=self.descending, text=self.text, types=types)

    def query(self, start: int) -> str:
        """The query of the page that begins at another entry."""
        sort = f"{'-' if self.descending else ''}{self.sort}"
        given = {"path": self.path, "sort": sort if sort != "name" else "", "q": self.text, "type": self.types}
        return encoded([*((key, value) for key, value in given.items() if value), ("start", str(start))])


class BrowsingPages:
    """The pages that show folders.

    :param trash_days: for which deleted things can be had back.
    """

    def __init__(self, listing: Listing, *, trash_days: Callable[[], int]) -> None:
        self._listing = listing
        self._trash_days = trash_days

    @address("/list/")
    async def browse(self, call: PageCall) -> Page:
        wish, view = _wish(call.query), _view(call)
        try:
            return await self._folder(call, wish, view)
        except (NotFound, Forbidden) as error:
            return _closed(call, wish.path, error)

    @address("/list/navigate/")
    async def navigate(self, call: PageCall) -> Redirect | Bare:
        """To the image before or after another one; to nowhere at either end, and whatever goes wrong."""
        try:
            around = await self._listing.around(call.visitor, call.query.get("src", ""))
        except QisError:
            return Bare(status=204)
        target = around.previous if call.query.get("dir") == "back" else around.following
        return Bare(status=204) if target is None else Redirect(target=f"details/?{encoded([('src', f'/{target}')])}")

    async def _folder(self, call: PageCall, wish: Wish, view: str) -> Page:
        base = wish.start // _AT_ONCE * _AT_ONCE
        page, known = await self._listing.overview(
            call.visitor, wish.path, start=base, limit=_AT_ONCE, arrangement=wish.arrangement
        )
        summary = summary_object(call.visitor, known)
        wish = attrs.evolve(wish, path=summary.path)
        plain = page.entries[wish.start - base : wish.start - base + _PLAIN]
        ends = wish.start + len(plain)
        return Page(
            template="browse.html",
            title=wish.path.rpartition("/")[2] or wish.path,
            area="browse",
            values={
                "wish": wish,
                "crumbs": crumbs(wish.path),
                "summary": summary,
                "public": summary.public >= Level.VIEW,
                "entries": [_shown(entry) for entry in plain],
                "total": page.total,
                "previous": wish.query(max(wish.start - _PLAIN, 0)) if wish.start else "",
                "following": wish.query(ends) if ends < page.total else "",
                "problem": "",
                "samples": any(entry.folder and entry.src == SAMPLES for entry in page.entries),
            },
            data={
                "path": wish.path,
                "view": view,
                "summary": msgspec.to_builtins(summary),
                "first": {"start": base, "total": page.total, "items": _items(call, page)},
                "trash_days": self._trash_days(),
            },
            headers=_remembered(call.request, summary.path, view if call.query.get("view") else ""),
        )


def crumbs(path: str) -> list[Crumb]:
    """The folders above ``path``, the root first, and itself."""
    names = [name for name in path.split("/") if name]
    return [
        Crumb(name="/", path="/"),
        *(Crumb(name=name, path="/" + "/".join(names[: number + 1])) for number, name in enumerate(names)),
    ]


def _closed(call: PageCall, path: str, error: QisError) -> Page:
    """What is shown instead of a folder that isn't there, or not for this visitor."""
    return Page(
        template="browse_closed.html",
        title=path,
        area="browse",
        values={"path": path, "missing": isinstance(error, NotFound)},
        status=error.status,
    )


def _wish(query: Mapping[str, str]) -> Wish:
    """:raises BadParameter: there is no such order, or place in it."""
    sort, start = query.get("sort") or "name", query.get("start") or "0"
    plain = sort.removeprefix("-")
    if plain not in _SORTS:
        raise BadParameter("sort", "there is no such order")
    return Wish(
        path=query.get("path") or "/",
        sort=cast(Sort, plain),
        descending=sort.startswith("-"),
        text=query.get("q", "")[:255],
        types=query.get("type", "")[:20].lower(),
        start=whole(start, "start", _LARGEST),
    )


def _view(call: PageCall) -> str:
    """:raises BadParameter: there is no such view."""
    asked = call.query.get("view")
    if asked:
        if asked not in VIEWS:
            raise BadParameter("view", f"must be {' or '.join(VIEWS)}")
        return asked
    kept = (call.request.getCookie(VIEW.encode("ascii")) or b"").decode("latin-1")
    return kept if kept in VIEWS else VIEWS[0]


def _remembered(request: QisRequest, folder: str, view: str) -> list[Header]:
    found = visited(request, folder)
    return [*([found] if found else []), *([remember(request, VIEW, view)] if view else [])]


def _items(call: PageCall, page: FilePage) -> Sequence[object]:
    """As the API gives them, but for the address of the picture, which scripts make themselves."""
    items = [msgspec.to_builtins(facts_object(call.urls(), call.visitor, entry)) for entry in page.entries]
    return [{key: value for key, value in item.items() if key != "url"} for item in items]


def _shown(entry: ListedFile) -> Mapping[str, object]:
    """An entry of the plain list."""
    return {
        "name": entry.name,
        "src": f"/{entry.src}",
        "folder": entry.folder,
        "supported": entry.supported,
        "size": entry.version.size if entry.version else 0,
        "modified": f"{datetime.fromtimestamp(entry.version.mtime if entry.version else 0, UTC):%Y-%m-%d %H:%M} UTC",
    }
