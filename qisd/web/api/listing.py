"""The files of a folder."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlencode

from msgspec import Meta

from qisd.errors import BadParameter
from qisd.library.listing import ListedFile as Entry
from qisd.library.listing import Listing
from qisd.store import folders
from qisd.store.folders import Folder
from qisd.store.pool import Database
from qisd.web.api.endpoint import Call, WithHeaders, endpoint
from qisd.web.api.models import ImageObject, ListedFile, ListedFolder
from qisd.web.api.presenting import image_object, objects
from qisd.web.api.reading import Form
from qisd.web.urls import encoded

_OWN = frozenset({"path", "attributes", "start", "limit", "folders", "cursor", "src", "token"})
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
    folders: Annotated[bool, Meta(description="list sub-folders too")] = False
    cursor: Annotated[str, Meta(max_length=2000, description="where the page before ended; goes before start")] = ""


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
        answer=list[ListedFile | ImageObject | ListedFolder],
        internal=False,
        reason_alone=True,
        gives=("X-Total-Count", "Link"),
        errors=(400, 403, 404),
        description="In the order of their names in lower case. All other parameters are passed on to each `url`, such"
        " as `width` or `tmp`. With ``cursor``, from the Link header, nothing is lost"
        " or repeated when files come and go between two pages.",
        example={"path": "/samples", "limit": 100},
    )
    async def files(self, call: Call) -> WithHeaders:
        form = call.read(ListForm)
        passed = _passed(call)
        page = await self._listing.files(
            call.visitor,
            form.path,
            attributes=form.attributes,
            start=0 if form.cursor else form.start,
            limit=form.limit,
            after=_name(form.cursor) if form.cursor else None,
            folders=form.folders,
        )
        folder = None
        if form.attributes:
            folder = await folders.by_path(self._database, f"/{page.folder}")
        items = await objects(
            call, page.entries, lambda entry: self._object(call, entry, folder, passed, form.attributes)
        )
        headers = [("X-Total-Count", str(page.total))]
        if len(page.entries) == form.limit:
            headers.append(("Link", _next(call, page.entries[-1].name)))
        return WithHeaders(data=items, headers=headers)

    def _object(
        self, call: Call, entry: Entry, folder: Folder | None, passed: str, attributes: bool
    ) -> ListedFile | ImageObject | ListedFolder:
        if entry.folder:
            return ListedFolder(filename=entry.name, is_folder=True, path=f"/{entry.src}")
        if attributes:
            if entry.image is not None:
                return image_object(call, entry.image, folder, supported=self._supported, more=passed)
            return _blank(entry)
        url = call.urls.image(entry.src, more=passed) if entry.supported else ""
        return ListedFile(filename=entry.name, supported=entry.supported, url=url)


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


def _next(call: Call, last: str) -> str:
    others = [(name, value) for name, value in call.parameters.texts if name not in ("start", "cursor")]
    query = urlencode([*others, ("cursor", _cursor(last))])
    return f'<{call.request.path.decode("ascii", "replace")}?{query}>; rel="next"'
