"""Portfolios, their images, and the zips that are published of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, structs

from qisd.access.levels import Flag
from qisd.errors import BadParameter
from qisd.imaging.urls import query_of
from qisd.portfolios.exports import Exports
from qisd.portfolios.images import PortfolioImages
from qisd.portfolios.permissions import Access
from qisd.portfolios.portfolios import Header, Portfolios, Summary
from qisd.portfolios.views import PortfolioHeader, PortfolioView, ShownImage
from qisd.store.first_run import NORMAL_USERS, PUBLIC
from qisd.store.portfolio_exports import Export
from qisd.store.portfolio_history import PortfolioEvent as Event
from qisd.store.portfolios import ORDERS, Portfolio
from qisd.web.api.endpoint import Accepted, Call, Page, Versioned, endpoint
from qisd.web.api.models import (
    PortfolioEvent,
    PortfolioExport,
    PortfolioImage,
    PortfolioObject,
    PortfolioPermission,
)
from qisd.web.api.presenting import image_object, objects
from qisd.web.api.reading import Form

TAG = "Portfolios"

_ONE = "/portfolios/<int:id>/"
_IMAGES = f"{_ONE}images/"
_IMAGE = f"{_IMAGES}<int:image_id>/"
_EXPORTS = f"{_ONE}exports/"
_EXPORT = f"{_EXPORTS}<int:export_id>/"

ImageId = Annotated[int, Meta(ge=1)]
Index = Annotated[int, Meta(ge=-999_999, le=999_999, description="images are in the order of these numbers")]
FileName = Annotated[str, Meta(max_length=255, description="name in zips, ASCII; blank for the image's own")]
AccessLevel = Annotated[
    int,
    Meta(ge=0, le=20, description="0 nothing, 10 view, 20 view and download", extra_json_schema={"enum": [0, 10, 20]}),
]
Parameters = Annotated[
    Any,
    Meta(
        description='image options as of a template: {"<field>": {"value": …}, …}; as JSON text in forms',
        extra={"json_text": (2, 102_400)},
        extra_json_schema={"type": ["object", "null"]},
    ),
]


class PortfolioQuery(Form):
    """Which portfolios."""

    human_id: Annotated[str, Meta(description="only this one, complete", extra={"trim": True})] = ""
    q: Annotated[str, Meta(max_length=255, description="a part of name, description or human id")] = ""
    sort: Annotated[str, Meta(max_length=30, extra_json_schema={"enum": ["", *ORDERS]})] = ""
    owned: Annotated[bool, Meta(description="only the caller's own")] = False
    summary: Annotated[bool, Meta(description="tell owner, number of images, and first image too")] = False


class NewPortfolioForm(Form):
    """What people say about a portfolio."""

    name: Annotated[str, Meta(max_length=255)]
    description: Annotated[str, Meta(max_length=5120)]
    internal_access: Annotated[AccessLevel, Meta(description="of all who have logged in: 0, 10 or 20")]
    public_access: Annotated[AccessLevel, Meta(description="of everybody: 0, 10 or 20")]
    human_id: (
        Annotated[
            str,
            Meta(
                max_length=64,
                description="stands in the address; none of % < > & . ? : /; blank: a random one is made",
                extra={"trim": True},
            ),
        ]
        | None
    ) = None


class PortfolioForm(NewPortfolioForm):
    """As of a new one; without ``human_id`` it keeps the one it has."""

    owner_id: Annotated[ImageId, Meta(description="give it to this user", extra={"blank_absent": True})] | None = None


class NewImageForm(Form):
    """An image by its id or its path, one of both."""

    image_id: Annotated[ImageId, Meta(extra={"blank_absent": True})] | None = None
    image_src: Annotated[str, Meta(max_length=1024, description="path, 5 to 1024 characters")] | None = None
    filename: FileName = ""
    index: Index = 0
    image_parameters: Parameters = msgspec.field(default_factory=dict)


class ImageForm(Form):
    """What is not given stays as it is."""

    filename: FileName | None = None
    index: Index | None = None
    image_parameters: Parameters = None


class PositionForm(Form):
    """Where to."""

    index: Annotated[int, Meta(description="counted from 0; what is beyond the end is the end")]


class ExportForm(Form):
    """What zip."""

    description: Annotated[str, Meta(max_length=5120)]
    originals: Annotated[bool, Meta(description="the files as they are; else rendered images")]
    expiry_time: Annotated[datetime, Meta(description="date (midnight UTC) or time; must be in the future")]
    image_parameters: Parameters = msgspec.field(default_factory=dict)
    manifest: Annotated[bool, Meta(description="put a list of the images with their titles into it")] = False


class ListedPortfolio(PortfolioObject, kw_only=True):
    """A portfolio in a list that was asked for with ``summary``."""

    owner_name: Annotated[str, Meta(description="for the owner, and who administers portfolios or users; else empty")]
    image_count: int
    cover: Annotated[str, Meta(description="path of the first image, if the caller may view it; else empty")]


class PortfolioEndpoints:
    """The endpoints of portfolios. Anonymous callers may do what public access allows, else 403.

    :param supported: whether files with an extension can be shown.
    """

    def __init__(
        self, portfolios: Portfolios, *, images: PortfolioImages, exports: Exports, supported: Callable[[str], bool]
    ) -> None:
        self._portfolios = portfolios
        self._images = images
        self._exports = exports
        self._supported = supported

    # Portfolios

    @endpoint(
        "GET",
        "/portfolios/",
        summary="The portfolios that the caller may see, by name; or one by its human id",
        tag=TAG,
        form=PortfolioQuery,
        listing=True,
        answer=list[PortfolioObject | ListedPortfolio] | PortfolioObject,
        errors=(400, 403, 404),
    )
    async def listed(self, call: Call) -> Page | Versioned:
        form = call.read(PortfolioQuery)
        if form.human_id:
            return await self._versioned(call, await self._portfolios.by_human_id(call.visitor, form.human_id))
        part = await self._portfolios.listed(
            call.visitor,
            text=form.q,
            order=form.sort or "name",
            start=call.start,
            limit=call.limit,
            owned=form.owned,
        )
        if not form.summary:
            return Page(items=[_header_object(call, item) for item in part.items], total=part.total)
        summaries = await self._portfolios.summaries(call.visitor, part.items)
        return Page(
            items=[_listed_object(call, item, summaries[item.portfolio.id]) for item in part.items], total=part.total
        )

    @endpoint(
        "POST",
        "/portfolios/",
        summary="Make a portfolio",
        tag=TAG,
        flag=Flag.FOLIOS,
        form=NewPortfolioForm,
        answer=PortfolioObject,
        errors=(400, 409),
        example={"human_id": "spring", "name": "Spring", "description": "", "internal_access": 10, "public_access": 0},
    )
    async def create(self, call: Call) -> Versioned:
        form = call.read(NewPortfolioForm)
        return await self._versioned(call, await self._portfolios.create(call.visitor, _header(form)))

    @endpoint("GET", _ONE, summary="A portfolio", tag=TAG, answer=PortfolioObject, errors=(403, 404))
    async def get(self, call: Call) -> Versioned:
        return await self._versioned(call, await self._portfolios.one(call.visitor, call.id()))

    @endpoint(
        "PUT",
        _ONE,
        summary="Change what is said about a portfolio",
        tag=TAG,
        form=PortfolioForm,
        base=lambda data: _form_values(data),
        answer=PortfolioObject,
        errors=(400, 403, 404, 409),
        example={"name": "Spring", "description": "All of it", "internal_access": 20, "public_access": 10},
    )
    async def change(self, call: Call) -> Versioned:
        await self._portfolios.check(call.visitor, call.id(), Access.EDIT)
        form = call.read(PortfolioForm)
        changed = await self._portfolios.update(
            call.visitor, call.id(), _header(form), owner_id=form.owner_id, expected_version=call.version
        )
        return await self._versioned(call, changed)

    @endpoint("DELETE", _ONE, summary="Delete a portfolio with its zips", tag=TAG, errors=(403, 404))
    async def delete(self, call: Call) -> None:
        await self._portfolios.delete(call.visitor, call.id(), expected_version=call.version)

    # Images

    @endpoint(
        "GET",
        _IMAGES,
        summary="The images of a portfolio in their order",
        tag=TAG,
        listing=True,
        answer=list[PortfolioImage],
        errors=(403, 404),
    )
    async def images(self, call: Call) -> Page:
        shown = (await self._images.listed(call.visitor, call.id())).images
        end = None if call.limit is None else call.start + call.limit
        return Page(items=await self._image_objects(call, shown[call.start : end]), total=len(shown))

    @endpoint("GET", _IMAGE, summary="An image of a portfolio", tag=TAG, answer=PortfolioImage, errors=(403, 404))
    async def image(self, call: Call) -> Versioned:
        return self._versioned_image(call, await self._images.one(call.visitor, call.id(), call.id("image_id")))

    @endpoint(
        "POST",
        _IMAGES,
        summary="Put an image into a portfolio",
        tag=TAG,
        form=NewImageForm,
        answer=PortfolioImage,
        errors=(400, 403, 404, 409),
        example={"image_src": "/samples/penguin.jpg", "image_parameters": {"width": {"value": 500}}},
    )
    async def add_image(self, call: Call) -> Versioned:
        await self._portfolios.check(call.visitor, call.id(), Access.EDIT)
        form = call.read(NewImageForm)
        added = await self._images.add(
            call.visitor,
            call.id(),
            image_id=form.image_id,
            image_src=form.image_src or None,
            filename=form.filename,
            index=form.index,
            parameters=form.image_parameters,
        )
        return self._versioned_image(call, added)

    @endpoint(
        "PUT",
        _IMAGE,
        summary="Change an image of a portfolio",
        tag=TAG,
        form=ImageForm,
        base=lambda data: {},
        answer=PortfolioImage,
        errors=(400, 403, 404),
        example={"filename": "penguin.jpg", "index": 3},
    )
    async def change_image(self, call: Call) -> Versioned:
        number, image_id = call.id(), call.id("image_id")
        await self._images.check(call.visitor, number, image_id)
        form = call.read(ImageForm)
        index = call.parameters.text("index")
        if index is not None and not index.strip():
            raise BadParameter("index", "must be a whole number")
        changed = await self._images.change(
            call.visitor,
            number,
            image_id,
            filename=form.filename,
            index=form.index,
            parameters=form.image_parameters,
            expected_version=call.version,
        )
        return self._versioned_image(call, changed)

    @endpoint("DELETE", _IMAGE, summary="Take an image out of a portfolio", tag=TAG, errors=(403, 404))
    async def remove_image(self, call: Call) -> None:
        await self._images.remove(call.visitor, call.id(), call.id("image_id"), expected_version=call.version)

    @endpoint(
        "PUT",
        f"{_IMAGE}position/",
        summary="Put an image at another place; all are numbered anew",
        tag=TAG,
        form=PositionForm,
        answer=list[PortfolioImage],
        errors=(403, 404),
        example={"index": 0},
    )
    async def move_image(self, call: Call) -> list[PortfolioImage]:
        number, image_id = call.id(), call.id("image_id")
        await self._images.check(call.visitor, number, image_id)
        form = call.read(PositionForm)
        shown = await self._images.move(call.visitor, number, image_id, form.index)
        return await self._image_objects(call, shown.images)

    # Exports

    @endpoint(
        "GET",
        _EXPORTS,
        summary="The zips of a portfolio",
        tag=TAG,
        listing=True,
        answer=list[PortfolioExport],
        errors=(403, 404),
        description="The owner sees all, others those that are done and that they may download.",
    )
    async def exports(self, call: Call) -> list[PortfolioExport]:
        portfolio = await self._portfolios.header(call.visitor, call.id())
        found = await self._exports.listed(call.visitor, call.id())
        return [_export_object(call, portfolio, export) for export in found]

    @endpoint("GET", _EXPORT, summary="A zip of a portfolio", tag=TAG, answer=PortfolioExport, errors=(403, 404))
    async def export(self, call: Call) -> PortfolioExport:
        portfolio = await self._portfolios.header(call.visitor, call.id())
        found = await self._exports.one(call.visitor, call.id(), call.id("export_id"))
        return _export_object(call, portfolio, found)

    @endpoint(
        "POST",
        _EXPORTS,
        summary="Publish a portfolio as a zip, which a task makes",
        tag=TAG,
        form=ExportForm,
        answer=PortfolioExport,
        accepted=PortfolioExport,
        errors=(400, 403, 404, 429, 507),
        example={
            "description": "For the web",
            "originals": False,
            "expiry_time": "2030-01-01T00:00:00Z",
            "image_parameters": {"width": {"value": 500}},
        },
    )
    async def publish(self, call: Call) -> Accepted:
        await self._exports.check(call.visitor, call.id())
        form = call.read(ExportForm)
        portfolio = await self._portfolios.header(call.visitor, call.id())
        ordered = await self._exports.publish(
            call.visitor,
            call.id(),
            description=form.description,
            originals=form.originals,
            keep_until=form.expiry_time,
            parameters=form.image_parameters,
            manifest=form.manifest,
        )
        return Accepted(data=_export_object(call, portfolio, ordered))

    @endpoint("DELETE", _EXPORT, summary="Withdraw a zip", tag=TAG, errors=(403, 404, 503))
    async def unpublish(self, call: Call) -> None:
        await self._exports.unpublish(call.visitor, call.id(), call.id("export_id"))

    # Objects

    async def _versioned(self, call: Call, view: PortfolioView) -> Versioned:
        made = _header_object(call, view)
        made.images = await self._image_objects(call, view.images.images)
        made.images_hidden = view.images.hidden
        if view.owned:
            made.images_closed = view.images.closed
        made.history = [_event_object(event) for event in view.history]
        return Versioned(data=made, version=view.portfolio.version)

    def _versioned_image(self, call: Call, shown: ShownImage) -> Versioned:
        return Versioned(data=self._image_object(call, shown), version=shown.entry.version)

    async def _image_objects(self, call: Call, shown: Sequence[ShownImage]) -> list[PortfolioImage]:
        return await objects(call, shown, lambda one: self._image_object(call, one))

    def _image_object(self, call: Call, shown: ShownImage) -> PortfolioImage:
        entry = shown.entry
        return PortfolioImage(
            id=entry.id,
            folio_id=entry.folio_id,
            image_id=entry.image_id,
            image=image_object(call, shown.image, shown.folder, supported=self._supported),
            filename=entry.filename,
            order_num=entry.order_num,
            parameters=dict(entry.parameters),
            url=call.urls.image(entry.src, options_query(entry.parameters)),
        )


def options_query(parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the options of an image are in its address; nothing where they are not valid any more."""
    try:
        return query_of(parameters)
    except BadParameter:
        return []


def _header(form: NewPortfolioForm) -> Header:
    return Header(
        human_id=form.human_id,
        name=form.name,
        description=form.description,
        internal_access=form.internal_access,
        public_access=form.public_access,
    )


def _form_values(data: PortfolioObject) -> dict[str, Any]:
    """What a form would say that leaves a portfolio as it is."""
    access = {row.group_id: row.access for row in data.permissions}
    return {
        "human_id": data.human_id,
        "name": data.name,
        "description": data.description,
        "internal_access": access.get(NORMAL_USERS, 0),
        "public_access": access.get(PUBLIC, 0),
    }


def _header_object(call: Call, header: PortfolioHeader) -> PortfolioObject:
    portfolio = header.portfolio
    return PortfolioObject(
        id=portfolio.id,
        human_id=portfolio.human_id,
        name=portfolio.name,
        description=portfolio.description,
        owner_id=portfolio.owner_id,
        last_updated=portfolio.last_updated,
        permissions=[
            PortfolioPermission(id=row.id, folio_id=row.folio_id, group_id=row.group_id, access=row.access)
            for row in portfolio.permissions
        ],
        downloads=[_export_object(call, portfolio, export) for export in header.exports],
        url=call.urls.at(f"portfolios/{portfolio.human_id}/"),
    )


def _listed_object(call: Call, header: PortfolioHeader, summary: Summary) -> ListedPortfolio:
    return ListedPortfolio(
        **structs.asdict(_header_object(call, header)),
        owner_name=summary.owner,
        image_count=summary.images,
        cover=summary.cover,
    )


def _export_object(call: Call, portfolio: Portfolio, export: Export) -> PortfolioExport:
    url = call.urls.at(f"portfolios/{portfolio.human_id}/downloads/{export.filename}") if export.filename else ""
    return PortfolioExport(
        id=export.id,
        folio_id=export.folio_id,
        description=export.description,
        originals=export.originals,
        parameters=dict(export.parameters),
        task_id=export.task_id,
        filename=export.filename,
        filesize=export.filesize,
        created=export.created,
        keep_until=export.keep_until,
        url=url,
        state=export.state,
        error=export.error or UNSET,
    )


def _event_object(event: Event) -> PortfolioEvent:
    return PortfolioEvent(
        id=event.id,
        folio_id=event.folio_id,
        user_id=event.user_id,
        action=event.action,
        action_info=event.action_info,
        action_time=event.action_time,
    )
