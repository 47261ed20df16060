"""The files of a folder."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Literal
from urllib.parse import urlencode

from msgspec import UNSET, Meta

from qisd.access.visitor import Visitor
from qisd.errors import BadParameter
from qisd.library.arranging import Arrangement, Sort
from qisd.library.listing import ListedFile as Entry
from qisd.library.listing import Listing, Summary
from qisd.store import folders
from qisd.store.folders import Folder
from qisd.store.images import folder_of
from qisd.store.pool import Database
from qisd.web.api.endpoint import Call, WithHeaders, endpoint
from qisd.web.api.models import FileFacts, FolderFacts, FolderSummary, ImageObject, ListedFile, ListedFolder
from qisd.web.api.presenting import image_object, objects
from qisd.web.api.reading import Form
from qisd.web.urls import Urls, encoded

_ARRANGING = frozenset({"sort", "descending", "filter", "types"})
_OWN = _ARRANGING | {"path", "attributes", "start", "limit", "files", "folders", "facts", "cursor", "src", "token"}
"""Parameters that are not passed on to the addresses of the files."""


_PASSED_MAX = 4000
"""Characters: they come back with each file."""

_NAME_SHOWN = 100


class ListForm(Form):
    """Which part of which folder. All other parameters are passed on to the addresses of the files."""

    path: Annotated[str, Meta(min_length=1, max_length=1024, description="/ is the root")]
    attributes: Annotated[bool, Meta(description="give all that is known of the images")] = False
    start: Annotated[int, Meta(ge=0, le=999_999_999)] = 0
    limit: Annotated[int, Meta(ge=1, le=1000)] = 1000
    files: Annotated[Literal["yes", "no"], Meta(description="no: sub-folders only, if these are wanted")] = "yes"
    folders: Annotated[bool, Meta(description="list sub-folders too")] = False
    facts: Annotated[bool, Meta(description="give sizes and dates, and of sub-folders how much is in them")] = False
    sort: Annotated[Literal["", "name", "date", "size", "type"], Meta(description="folders come first then")] = ""
    descending: bool = False
    filter: Annotated[str, Meta(max_length=255, description="what names must have in them, whatever the case")] = ""
    types: Annotated[str, Meta(max_length=200, description="extensions with commas between; folders have none")] = ""
    cursor: Annotated[str, Meta(max_length=2000, description="where the page before ended; goes before start")] = ""

    @property
    def arrangement(self) -> Arrangement | None:
        """None: the plain order, and everything."""
        types = frozenset(part for part in (part.strip().lower() for part in self.types.split(",")) if part)
        if not (self.sort or self.descending or self.filter or types):
            return None
        sort: Sort = self.sort or "name"
        return Arrangement(sort=sort, descending=self.descending, text=self.filter, types=types)


class SummaryForm(Form):
    """Which folder."""

    path: Annotated[str, Meta(min_length=1, max_length=1024, description="/ is the root")]


class ListEndpoints:
    """The endpoint of lists.

    :param supported: whether files with an extension can be shown.
    """

    def __init__(self, database: Database, *, listing: Listing, supported: Callable[[str], bool]) -> None:
        self._database = database
        self._listing = listing
        self._supported = supported

    @endpoint(
        "GET",
        "/list/",
        summary="The files of a folder",
        tag="Images",
        form=ListForm,
        answer=list[ListedFile | FileFacts | ImageObject | ListedFolder | FolderFacts],
        internal=False,
        reason_alone=True,
        gives=("X-Total-Count", "Link"),
        errors=(400, 403, 404),
        description="In the order of their names in lower case, or as `sort` wants it: names then with 2 before 10. All"
        " other parameters are passed on to each `url`, such as `width` or `tmp`. With `cursor`, from the Link header,"
        " nothing is lost or repeated when files come and go between two pages; a list that is sorted or filtered goes"
        " by `start`.",
        example={"path": "/samples", "limit": 100},
    )
    async def files(self, call: Call) -> WithHeaders:
        form = call.read(ListForm)
        passed = _passed(call)
        arrangement = form.arrangement
        by_cursor = bool(form.cursor) and arrangement is None
        page = await self._listing.files(
            call.visitor,
            form.path,
            attributes=form.attributes,
            start=0 if by_cursor else form.start,
            limit=form.limit,
            after=_name(form.cursor) if by_cursor else None,
            files=form.files == "yes",
            folders=form.folders,
            arrangement=arrangement,
            facts=form.facts,
        )
        folder = None
        if form.attributes:
            folder = await folders.by_path(self._database, f"/{page.folder}")

        def shown(entry: Entry) -> ListedFile | ImageObject | ListedFolder:
            if form.attributes and not entry.folder:
                return self._with_attributes(call, entry, folder, passed)
            if form.facts:
                return facts_object(call.urls, call.visitor, entry, more=passed)
            return _plain(call, entry, passed)

        items = await objects(call, page.entries, shown)
        headers = [("X-Total-Count", str(page.total))]
        if arrangement is not None and form.start + form.limit < page.total:
            headers.append(("Link", _next(call, ("start", str(form.start + form.limit)))))
        elif arrangement is None and len(page.entries) == form.limit:
            headers.append(("Link", _next(call, ("cursor", _cursor(page.entries[-1].name)))))
        return WithHeaders(data=items, headers=headers)

    @endpoint(
        "GET",
        "/list/summary/",
        summary="What is in a folder, and what may be done there",
        tag="Images",
        login=True,
        form=SummaryForm,
        answer=FolderSummary,
        errors=(400, 403, 404),
        example={"path": "/samples"},
    )
    async def summary(self, call: Call) -> FolderSummary:
        form = call.read(SummaryForm)
        return summary_object(call.visitor, await self._listing.summary(call.visitor, form.path))

    def _with_attributes(self, call: Call, entry: Entry, folder: Folder | None, passed: str) -> ImageObject:
        if entry.image is not None:
            return image_object(call, entry.image, folder, supported=self._supported, more=passed)
        return _blank(entry)


def _plain(call: Call, entry: Entry, passed: str) -> ListedFile | ListedFolder:
    if entry.folder:
        return ListedFolder(filename=entry.name, is_folder=True, path=f"/{entry.src}")
    url = call.urls.image(entry.src, more=passed) if entry.supported else ""
    return ListedFile(filename=entry.name, supported=entry.supported, url=url)


def facts_object(urls: Urls, visitor: Visitor, entry: Entry, *, more: str = "") -> FileFacts | FolderFacts:
    """An entry with its facts.

    :param more: what else the address of a picture is to say, encoded.
    """
    modified = datetime.fromtimestamp(entry.version.mtime_ns // 10**9 if entry.version else 0, UTC)
    if entry.folder:
        return FolderFacts(
            filename=entry.name,
            is_folder=True,
            path=f"/{entry.src}",
            modified=modified,
            items=entry.glance.entries if entry.glance else 0,
            folders=bool(entry.glance and entry.glance.folders),
            level=visitor.level(entry.src),
            public=visitor.snapshot.level(frozenset(), entry.src),
        )
    image = entry.image
    return FileFacts(
        filename=entry.name,
        supported=entry.supported,
        url=urls.image(entry.src, more=more) if entry.supported else "",
        src=entry.src,
        size=entry.version.size if entry.version else 0,
        modified=modified,
        id=image.id if image else UNSET,
        width=image.width if image else UNSET,
        height=image.height if image else UNSET,
        title=image.title if image else UNSET,
    )


def summary_object(visitor: Visitor, summary: Summary) -> FolderSummary:
    """What is in a folder, as the visitor may know it."""
    folder = summary.folder
    return FolderSummary(
        path=f"/{folder}",
        folders=summary.folders,
        files=summary.files,
        size=summary.size,
        types=dict(summary.types),
        level=visitor.level(folder),
        parent_level=visitor.level(folder_of(folder)) if folder else 0,
        public=visitor.snapshot.level(frozenset(), folder),
    )


def _blank(entry: Entry) -> ImageObject:
    """What stands for a file that is no image we can show."""
    return ImageObject(
        id=0,
        src="",
        filename=entry.name,
        folder_id=0,
        folder=None,
        title="",
        description="",
        width=0,
        height=0,
        status=0,
        supported=False,
        download=False,
        url="",
    )


def _passed(call: Call) -> str:
    """What is passed on to each address, encoded.

    :raises BadParameter: it is too long for that.
    """
    others = [(name, value) for name, value in call.parameters.texts if _is_passed(name)]
    passed = encoded(others)
    if len(passed) > _PASSED_MAX:
        raise BadParameter(others[0][0][:_NAME_SHOWN], f"too long to be passed on (max {_PASSED_MAX})")
    return passed


def _is_passed(name: str) -> bool:
    return name not in _OWN and not name.startswith("_")


def _cursor(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode("utf-8", "surrogateescape")).decode("ascii")


def _name(cursor: str) -> str:
    try:
        return base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True).decode(
            "utf-8", "surrogateescape"
        )
    except (binascii.Error, ValueError):
        raise BadParameter("cursor", "is not one that a Link header gave") from None


def _next(call: Call, place: tuple[str, str]) -> str:
    others = [(name, value) for name, value in call.parameters.texts if name not in ("start", "cursor")]
    query = urlencode([*others, place])
    return f'<{call.request.path.decode("ascii", "replace")}?{query}>; rel="next"'
