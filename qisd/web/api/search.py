"""Finding images, and what is known of them beyond title and description."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import msgspec
from msgspec import Meta

from qisd.access.levels import Flag
from qisd.library.metadata import Metadata
from qisd.library.records import FolderRecords
from qisd.library.search import Search
from qisd.store.image_metadata import FromUsers, ImageMetadata
from qisd.store.image_search import ImageQuery
from qisd.web.api.endpoint import Call, Page, WithHeaders, endpoint
from qisd.web.api.models import DamagedImage, ImageObject, MetadataObject
from qisd.web.api.presenting import image_object, objects
from qisd.web.api.reading import Form

TAG = "Images"

_METADATA = "/admin/images/<int:id>/metadata/"

_TAGS_GIVEN = 1000
"""Double ones included."""

Pixels = Annotated[int, Meta(ge=0, le=2**31 - 1, extra={"blank_absent": True})] | None
Bytes = Annotated[int, Meta(ge=0, le=2**63 - 1, extra={"blank_absent": True})] | None
Words = Annotated[str, Meta(max_length=500)]


class SearchForm(Form):
    """What is looked for; what is not given does not matter."""

    q: Annotated[
        str,
        Meta(
            max_length=500,
            description="words that must occur in path, title, description, keywords or tags, the last one at least as"
            " the beginning of a word;"
            ' with quotes, a minus or "or" as search engines have it. Operators among them narrow it down: type:jpg'
            " in:/path tag:sea w>2000 h<=500 size>2mb after:2024-05 before:2025",
        ),
    ] = ""
    folder: Annotated[str, Meta(max_length=1024)] = "/"
    recursive: Annotated[str, Meta(description="no: only what is in the folder itself")] = "yes"
    format: Annotated[str, Meta(max_length=200, description="extensions with commas between, such as jpg,tif")] = ""
    min_width: Pixels = None
    max_width: Pixels = None
    min_height: Pixels = None
    max_height: Pixels = None
    min_size: Annotated[Bytes, Meta(description="bytes")] = None
    max_size: Annotated[Bytes, Meta(description="bytes")] = None
    taken_from: datetime | None = None
    taken_until: datetime | None = None
    colour_space: Annotated[str, Meta(max_length=20, description="such as rgb, gray, cmyk")] = ""
    profile: Annotated[str, Meta(max_length=120)] = ""
    tags: Annotated[Words, Meta(description="with commas between; all of them")] = ""
    sort: Annotated[Literal["", "newest"], Meta(description="newest: these first, however well others fit")] = ""
    count: Annotated[bool, Meta(description="tell how many there are, counted up to 10,000")] = False
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    cursor: Annotated[str, Meta(max_length=100, description="from the Link header: where the page before ended")] = ""


class MetadataForm(Form):
    """What people say of an image."""

    tags: Annotated[list[str], Meta(max_length=_TAGS_GIVEN)] = msgspec.field(default_factory=list)
    custom: Annotated[dict[str, Any], Meta(description="fields of one's own")] = msgspec.field(default_factory=dict)
    owner: Annotated[str, Meta(max_length=255)] = ""
    licence: Annotated[str, Meta(max_length=2000)] = ""
    valid_from: Annotated[datetime | None, Meta(description="before it, strangers may not see the image")] = None
    valid_until: Annotated[datetime | None, Meta(description="from then on, strangers may not see the image")] = None


class SearchEndpoints:
    """The endpoints of search and metadata.

    :param supported: whether files with an extension can be shown.
    """

    def __init__(
        self,
        *,
        search: Search,
        metadata: Metadata,
        folders: FolderRecords,
        supported: Callable[[str], bool],
    ) -> None:
        self._search = search
        self._metadata = metadata
        self._folders = folders
        self._supported = supported

    @endpoint(
        "GET",
        "/search/images/",
        summary="Find images in the folders that the caller may view",
        tag=TAG,
        form=SearchForm,
        answer=list[ImageObject],
        internal=False,
        gives=("X-Total-Count", "Link"),
        errors=(400, 403),
        description="The best first, among equals the newest. The Link header leads to the next page.",
        example={"q": "penguin -snow", "folder": "/samples", "min_width": 1000},
    )
    async def find(self, call: Call) -> WithHeaders:
        form = call.read(SearchForm)
        page = await self._search.images(
            call.visitor, _query(form), cursor=form.cursor or None, limit=form.limit, counted=form.count
        )
        folders = {number: await self._folders.by_id(number) for number in {one.folder_id for one in page.images}}
        items = await objects(
            call,
            page.images,
            lambda image: image_object(call, image, folders[image.folder_id], supported=self._supported),
        )
        headers = [("Link", _next(call, page.cursor))] if page.cursor else []
        if page.total is not None:
            headers.append(("X-Total-Count", str(page.total)))
        return WithHeaders(data=items, headers=headers)

    @endpoint(
        "GET",
        _METADATA,
        summary="What the file and people say of an image",
        tag=TAG,
        login=True,
        answer=MetadataObject,
        errors=(403,),
    )
    async def metadata(self, call: Call) -> MetadataObject:
        return _object(await self._metadata.of(call.visitor, call.id()))

    @endpoint(
        "PUT",
        _METADATA,
        summary="Change what people say of an image",
        tag=TAG,
        login=True,
        form=MetadataForm,
        answer=MetadataObject,
        errors=(400, 403),
    )
    async def describe(self, call: Call) -> MetadataObject:
        form = call.read(MetadataForm)
        given = FromUsers(
            tags=tuple(form.tags),
            custom=form.custom,
            owner=form.owner,
            licence=form.licence,
            valid_from=form.valid_from,
            valid_until=form.valid_until,
        )
        return _object(await self._metadata.edit(call.visitor, call.id(), given))

    @endpoint(
        "GET",
        "/admin/duplicates/",
        summary="Images whose files are equal, in groups of ids",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_FILES,
        listing=True,
        answer=list[list[int]],
    )
    async def duplicates(self, call: Call) -> list[list[int]]:
        return await self._metadata.duplicates(call.visitor, start=0, limit=call.start + (call.limit or 1000))

    @endpoint(
        "GET",
        "/admin/damaged/",
        summary="Images whose files do not hold any more what they held, the latest found first",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_FILES,
        listing=True,
        answer=list[DamagedImage],
        description="As the task verify_hashes has found them. Who puts a good copy in the place of one takes it off.",
    )
    async def damaged(self, call: Call) -> Page:
        found, total = await self._metadata.damaged(call.visitor, start=call.start, limit=call.limit or 1000)
        return Page(items=[DamagedImage(id=one.image_id, src=one.src, found=one.found) for one in found], total=total)


def _query(form: SearchForm) -> ImageQuery:
    return ImageQuery(
        words=form.q,
        folder=form.folder,
        recursive=form.recursive.strip().lower() not in ("no", "false", "0"),
        extensions=_listed(form.format.lower()),
        min_width=form.min_width,
        max_width=form.max_width,
        min_height=form.min_height,
        max_height=form.max_height,
        min_size=form.min_size,
        max_size=form.max_size,
        taken_from=form.taken_from,
        taken_until=form.taken_until,
        colour_space=form.colour_space,
        profile=form.profile,
        tags=_listed(form.tags),
        newest=form.sort == "newest",
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part for part in (part.strip() for part in text.split(",")) if part)


def _next(call: Call, cursor: str) -> str:
    others = [(name, value) for name, value in call.parameters.texts if name != "cursor"]
    return f'<{call.request.path.decode("ascii", "replace")}?{urlencode([*others, ("cursor", cursor)])}>; rel="next"'


def _object(known: ImageMetadata) -> MetadataObject:
    file, users = known.file, known.users
    return MetadataObject(
        format=file.format,
        colour_space=file.colour_space,
        profile=file.profile,
        exif=dict(file.exif),
        iptc=dict(file.iptc),
        xmp=dict(file.xmp),
        keywords=list(file.keywords),
        taken=file.taken,
        camera=file.camera,
        latitude=file.latitude,
        longitude=file.longitude,
        copyright=file.copyright,
        tags=list(users.tags),
        custom=dict(users.custom),
        owner=users.owner,
        licence=users.licence,
        valid_from=users.valid_from,
        valid_until=users.valid_until,
        read_at=known.read_at,
    )
