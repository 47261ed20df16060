"""The page of uploads, which is a plain form as well, and the page that tells what became of them."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from qisd.access.levels import Level
from qisd.access.visitor import Visitor
from qisd.errors import BadParameter, Forbidden, MissingParameter, NotFound, QisError
from qisd.library.rules import LibraryRules
from qisd.library.uploads import UploadPlace, Uploads
from qisd.repository.staging import IncomingFile
from qisd.web.api.endpoint import Call
from qisd.web.api.uploads import FIELD, UploadResults, overwrite_of
from qisd.web.console.page import Page, PageCall, Redirect, Who, address, whole
from qisd.web.urls import Urls, encoded

_OWN = -1
"""In place of the number of a folder set for uploads: the one whose path is given."""

_CHOICES = ("no", "rename", "yes")


class UploadPages:
    """The pages of uploads.

    :param rules: gives those of the library as they are now.
    :param template: gives the name of the template in which uploaded images are shown; empty: there is none.
    """

    def __init__(
        self,
        *,
        uploads: Uploads,
        results: UploadResults,
        rules: Callable[[], LibraryRules],
        template: Callable[[], str],
    ) -> None:
        self._uploads = uploads
        self._results = results
        self._rules = rules
        self._template = template

    @address("/upload/", who=Who.LOGGED_IN)
    async def upload(self, call: PageCall) -> Page:
        """What to upload, and where to."""
        return await self._form(call, call.query)

    @address("/upload/", who=Who.LOGGED_IN, post=True, files=True)
    async def uploaded(self, call: PageCall) -> Page | Redirect:
        """Files of the plain form; what became of each is told by the page after this one."""
        try:
            await self._store(call)
        except QisError as error:
            if error.status >= 500:
                raise
            return await self._form(call, call.form, error=error)
        return Redirect(target="uploadcomplete/", status=303)

    @address("/uploadcomplete/", who=Who.LOGGED_IN)
    async def complete(self, call: PageCall) -> Page:
        """What became of the last upload."""
        last: Mapping[str, Any] = await self._results.last(call.visitor) or {}
        failed = {name: entry["error"]["message"] for name, entry in last.items() if "error" in entry}
        images = [entry for name, entry in last.items() if name not in failed]
        template = self._template()
        return Page(
            template="uploadcomplete.html",
            title="Uploaded",
            area="upload",
            values={
                "images": [_shown(call.urls(), entry, template) for entry in images],
                "failed": failed,
                "folder": _folder_of(images),
            },
            data={"template": template},
        )

    async def _store(self, call: PageCall) -> None:
        """:raises QisError: no file was looked at."""
        form = call.form
        sent = [
            cast(IncomingFile, one.take()) for one in call.request.body.files if one.field == FIELD and one.filename
        ]
        if not sent:
            raise MissingParameter(FIELD)
        index = _number(form.get("path_index", ""))
        outcomes = await self._uploads.store(
            call.visitor,
            sent,
            folder=form.get("path", ""),
            path_index=None if index == _OWN else index,
            overwrite=overwrite_of(form.get("overwrite", "no")),
        )
        asked = Call(visitor=call.visitor, urls=call.urls(), request=call.request)
        await self._results.keep(asked, outcomes)

    async def _form(self, call: PageCall, given: Mapping[str, str], *, error: QisError | None = None) -> Page:
        places = await self._uploads.places(call.visitor)
        own = await self._own(call.visitor, given.get("path", ""))
        chosen = _chosen(places, own, given)
        overwrite = given.get("overwrite", "")
        formats = self._rules().rendering.formats
        return Page(
            template="upload.html",
            title="Upload",
            area="upload",
            values={
                "places": [_place(one) for one in places],
                "own_path": f"/{own.path}" if own is not None else "/",
                "chosen": chosen,
                "overwrite": overwrite if overwrite in _CHOICES else "no",
                "accepted": ",".join(f".{one}" for one in sorted({*formats.rows, *formats.unsupported})),
                "max_bytes": call.request.site.settings.max_content_length,
                "error": error,
            },
            data={
                "places": [_place(one) for one in places],
                "overwrite": overwrite if overwrite in _CHOICES else "",
                "template": self._template(),
            },
            status=200 if error is None else error.status,
        )

    async def _own(self, visitor: Visitor, path: str) -> UploadPlace | None:
        """The folder that an address asks for, if it is there and the visitor may see it."""
        if not path.strip():
            return None
        try:
            place = await self._uploads.place(visitor, path)
        except (BadParameter, Forbidden, NotFound):
            return None
        return place if place.there else None


def _chosen(places: Sequence[UploadPlace], own: UploadPlace | None, given: Mapping[str, str]) -> int:
    """The number of the folder that is selected at first."""
    indexes = [place.index for place in places if place.index is not None]
    wanted = _number(given.get("path_index", ""))
    if wanted in indexes:
        return wanted
    if own is not None:
        same = [place.index for place in places if place.path == own.path]
        return next((index for index in same if index is not None), _OWN)
    allowed = [place.index for place in places if place.level >= Level.UPLOAD and place.index is not None]
    return allowed[0] if allowed else _OWN


def _place(place: UploadPlace) -> dict[str, object]:
    return {
        "index": place.index,
        "label": place.label,
        "path": f"/{place.path}",
        "there": place.there,
        "allowed": place.level >= Level.UPLOAD,
        "folders": place.level >= Level.CREATE_FOLDER,
    }


def _shown(urls: Urls, image: Mapping[str, Any], template: str) -> dict[str, Any]:
    """An uploaded image with all the addresses that people may want of it."""
    src = image["src"]
    preview = [("tmp", template)] if template else [("width", "200"), ("height", "200")]
    original = f"{urls.origin}{urls.root}original?{encoded([('src', src)])}"
    return {
        **image,
        "preview": Urls(origin="", root=urls.root).image(
            src, [*preview, ("format", "jpg"), ("colorspace", "srgb"), ("stats", "0")]
        ),
        "code": f'<img src="{html.escape(urls.image(src))}" alt="">',
        "original": original,
    }


def _folder_of(images: Sequence[Mapping[str, Any]]) -> str:
    return f"/{images[0]['src'].rpartition('/')[0]}" if images else "/"


def _number(text: str) -> int:
    """The number of a folder set for uploads."""
    try:
        return whole(text, "path_index")
    except BadParameter:
        return _OWN
