"""What one wants to know before an upload: where files may go, which ones, and whether they are there already."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated

from msgspec import Meta

from qisd.errors import BadParameter
from qisd.library.places import require_login
from qisd.library.rules import LibraryRules
from qisd.library.search import Search
from qisd.library.uploads import UploadPlace as Place
from qisd.library.uploads import Uploads
from qisd.web.api.endpoint import Call, endpoint
from qisd.web.api.models import Duplicate, Model
from qisd.web.api.reading import Form

TAG = "Uploads"

_DIGEST = re.compile("[0-9a-f]{64}")
_DIGESTS_MAX = 50
_SHOWN_MAX = 10


class PlacesQuery(Form):
    """Which folder besides."""

    path: Annotated[str, Meta(max_length=1024, description="a folder to be told of besides those set for uploads")] = ""


class SameContentQuery(Form):
    """Which files."""

    sha256: Annotated[
        str,
        Meta(
            min_length=64,
            max_length=4000,
            description="digests in hexadecimal, up to 50, with commas between",
            extra_json_schema={"pattern": "^[0-9A-Fa-f]{64}(,[0-9A-Fa-f]{64}){0,49}$"},
        ),
    ]


class UploadPlace(Model):
    """A folder that files could go to."""

    path_index: Annotated[int, Meta(description="its number among the folders set for uploads; -1 for any other")]
    label: str
    path: Annotated[str, Meta(description="with leading slash; of one that isn't there as it would be made")]
    exists: Annotated[bool, Meta(description="folders set for uploads are made on demand")]
    access: Annotated[int, Meta(description="the caller's level in it; uploads take 40")]


class UploadPlaces(Model):
    """Where files may go, and which ones."""

    folders: Annotated[list[UploadPlace], Meta(description="those set for uploads that the caller may view")]
    folder: Annotated[UploadPlace | None, Meta(description="the one that was asked for")]
    extensions: Annotated[list[str], Meta(description="of files that are accepted")]
    previewed: Annotated[list[str], Meta(description="those of them that can be shown as images")]
    max_bytes: Annotated[int, Meta(description="of one request, and of one resumable upload")]
    unicode_names: Annotated[bool, Meta(description="names keep letters beyond ASCII")]


class BeforeUploadEndpoints:
    """The endpoints that lead to an upload.

    :param rules: gives those of the library as they are now.
    """

    def __init__(self, *, uploads: Uploads, search: Search, rules: Callable[[], LibraryRules]) -> None:
        self._uploads = uploads
        self._search = search
        self._rules = rules

    @endpoint(
        "GET",
        "/upload/places/",
        summary="Where files may go, and which ones",
        tag=TAG,
        login=True,
        form=PlacesQuery,
        answer=UploadPlaces,
        errors=(400, 403, 404),
        example={"path": "/samples"},
    )
    async def places(self, call: Call) -> UploadPlaces:
        form = call.read(PlacesQuery)
        asked = await self._uploads.place(call.visitor, form.path) if form.path.strip() else None
        formats = self._rules().rendering.formats
        return UploadPlaces(
            folders=[_place_object(one) for one in await self._uploads.places(call.visitor)],
            folder=None if asked is None else _place_object(asked),
            extensions=sorted({*formats.rows, *formats.unsupported}),
            previewed=sorted(extension for extension in formats.rows if self._rules().is_supported(extension)),
            max_bytes=call.request.site.settings.max_content_length,
            unicode_names=self._rules().unicode_names,
        )

    @endpoint(
        "GET",
        "/upload/same/",
        summary="Images that have the very same content as files that one has",
        tag=TAG,
        login=True,
        form=SameContentQuery,
        answer=dict[str, list[Duplicate]],
        description="By digest, up to ten for each, as far as the caller may view them; digests that nothing has are"
        " left out.",
        example={"sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
    )
    async def same(self, call: Call) -> dict[str, list[Duplicate]]:
        require_login(call.visitor)
        found = {
            digest: await self._search.with_content(call.visitor, bytes.fromhex(digest), limit=_SHOWN_MAX)
            for digest in _digests(call.read(SameContentQuery).sha256)
        }
        return {
            digest: [Duplicate(id=one.id, src=one.src) for one in images] for digest, images in found.items() if images
        }


def _digests(text: str) -> list[str]:
    """:raises BadParameter: it is no list of digests, or too long a one."""
    digests = list(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    if not all(_DIGEST.fullmatch(digest) for digest in digests):
        raise BadParameter("sha256", "must be 64 hexadecimal digits each")
    if len(digests) > _DIGESTS_MAX:
        raise BadParameter("sha256", f"Too many values (max {_DIGESTS_MAX})")
    return digests


def _place_object(place: Place) -> UploadPlace:
    return UploadPlace(
        path_index=-1 if place.index is None else place.index,
        label=place.label,
        path=f"/{place.path}",
        exists=place.there,
        access=place.level,
    )
