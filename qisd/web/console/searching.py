"""``/search/``: images found by words and operators, or the newest ones; for scripts, and without them as a list."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from qisd.errors import BadParameter, Forbidden
from qisd.library.places import check_text
from qisd.library.search import Search, SearchPage
from qisd.library.search_words import extensions
from qisd.repository.catalogue import extension_of
from qisd.store.image_search import ImageQuery
from qisd.store.images import Image
from qisd.web.api.models import FileFacts
from qisd.web.console.browsing import VIEW, VIEWS
from qisd.web.console.page import Page, PageCall, address
from qisd.web.console.preferences import remember
from qisd.web.urls import encoded

_AT_ONCE = 100
_SORTS = ("best", "newest")
_TYPES_MAX = 200
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_LAST_DAY = datetime(9999, 12, 31, tzinfo=UTC)


class SearchPages:
    """The page of search.

    :param supported: whether files with an extension can be shown.
    :param trash_days: for which deleted things can be had back.
    """

    def __init__(self, search: Search, *, supported: Callable[[str], bool], trash_days: Callable[[], int]) -> None:
        self._search = search
        self._supported = supported
        self._trash_days = trash_days

    @address("/search/")
    async def search(self, call: PageCall) -> Page:
        asked = {key: call.query.get(key, "") for key in ("q", "path", "type", "from", "to", "sort")}
        problem, status = "", 200
        found = SearchPage(images=[], cursor=None, total=0)
        try:
            found = await self._search.images(
                call.visitor,
                _query(asked),
                cursor=call.query.get("cursor") or None,
                limit=_AT_ONCE,
                counted=True,
            )
        except (BadParameter, Forbidden) as error:
            problem, status = error.message, error.status
            asked |= {key: "" for key in ("from", "to") if not _DATE.fullmatch(asked[key])}  # no field can show others
        given = [(key, value) for key, value in asked.items() if value]
        return Page(
            template="search.html",
            title=asked["q"],
            area="search",
            values={
                "asked": asked,
                "images": found.images,
                "total": found.total or 0,
                "following": encoded([*given, ("cursor", found.cursor)]) if found.cursor else "",
                "problem": problem,
            },
            data={
                "asked": asked,
                "view": _view(call),
                "first": {"total": found.total or 0, "next": found.cursor, "items": self._items(call, found)},
                "problem": problem,
                "trash_days": self._trash_days(),
            },
            status=status,
            headers=[remember(call.request, VIEW, call.query["view"])] if call.query.get("view") in VIEWS else (),
        )

    def _items(self, call: PageCall, page: SearchPage) -> list[object]:
        return [msgspec.to_builtins(self._facts(call, image)) for image in page.images]

    def _facts(self, call: PageCall, image: Image) -> FileFacts:
        return FileFacts(
            filename=image.filename,
            supported=self._supported(extension_of(image.src)),
            url=call.urls().image(image.src),
            src=image.src,
            size=image.file_size or 0,
            modified=datetime.fromtimestamp((image.file_mtime_ns or 0) // 10**9, UTC),
            id=image.id,
            width=image.width,
            height=image.height,
            title=image.title,
        )


def _query(asked: Mapping[str, str]) -> ImageQuery:
    """:raises BadParameter: a date is none, types are no text, or there is no such order."""
    if asked["sort"] and asked["sort"] not in _SORTS:
        raise BadParameter("sort", "there is no such order")
    until = _day(asked["to"], "to")
    return ImageQuery(
        words=asked["q"],
        folder=asked["path"] or "/",
        extensions=extensions(check_text(asked["type"], parameter="type", most=_TYPES_MAX)),
        dated_from=_day(asked["from"], "from"),
        # Nothing is from after the last day there is.
        dated_until=until + timedelta(days=1) if until and until < _LAST_DAY else None,
        newest=asked["sort"] == "newest",
    )


def _day(text: str, parameter: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise BadParameter(parameter, "must be a date, such as 2026-01-31") from None


def _view(call: PageCall) -> str:
    kept = call.query.get("view") or (call.request.getCookie(VIEW.encode("ascii")) or b"").decode("latin-1")
    return kept if kept in VIEWS else "grid"
