"""One image: what is known of it, and the file itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from msgspec import UNSET, Meta

from qisd.access.levels import Flag
from qisd.library.files import Files
from qisd.library.records import FolderRecords
from qisd.store import image_history, users
from qisd.store.images import Image
from qisd.store.pool import Database
from qisd.web.api.endpoint import Call, Page, Versioned, endpoint
from qisd.web.api.models import ImageEvent, ImageObject
from qisd.web.api.presenting import details_object, image_object
from qisd.web.api.reading import Form

TAG = "Images"

_ID = "/admin/images/<int:id>/"


class DetailsForm(Form):
    """Which image."""

    src: Annotated[str, Meta(min_length=1, max_length=1024, description="path; the leading slash is optional")]


class ImageForm(Form):
    """What people say about an image."""

    title: Annotated[str, Meta(max_length=255, extra={"trim": True})]
    description: Annotated[str, Meta(max_length=10000, extra={"trim": True})]


class FilePathForm(Form):
    """Where a file is to be."""

    path: Annotated[
        str, Meta(min_length=5, max_length=1024, extra={"trim": True}, description="the new path, with the file's name")
    ]


class ImageEndpoints:
    """The endpoints of single images.

    :param supported: whether files with an extension can be shown.
    """

    def __init__(
        self, database: Database, *, files: Files, folders: FolderRecords, supported: Callable[[str], bool]
    ) -> None:
        self._database = database
        self._files = files
        self._folders = folders
        self._supported = supported

    @endpoint(
        "GET",
        "/details/",
        summary="An image by its path",
        tag=TAG,
        form=DetailsForm,
        answer=ImageObject,
        internal=False,
        reason_alone=True,
        errors=(400, 403, 404, 415),
        example={"src": "/samples/penguin.jpg"},
    )
    async def details(self, call: Call) -> Versioned:
        form = call.read(DetailsForm)
        image = await self._files.details(call.visitor, form.src)
        folder = await self._folders.by_id(image.folder_id)
        return Versioned(data=details_object(call, image, folder, supported=self._supported), version=image.version)

    @endpoint(
        "GET", _ID, summary="An image by its id, be it deleted", tag=TAG, login=True, answer=ImageObject, errors=(403,)
    )
    async def get(self, call: Call) -> Versioned:
        return await self._answer(call, await self._files.by_id(call.visitor, call.id()))

    @endpoint(
        "PUT",
        _ID,
        summary="Change title and description",
        tag=TAG,
        login=True,
        form=ImageForm,
        answer=ImageObject,
        errors=(403,),
        example={"title": "King penguin", "description": "On South Georgia"},
    )
    async def edit(self, call: Call) -> Versioned:
        form = call.read(ImageForm)
        image = await self._files.edit(
            call.visitor, call.id(), title=form.title, description=form.description, version=call.version
        )
        return await self._answer(call, image)

    @endpoint(
        "POST",
        f"{_ID}reset/",
        summary="Look at the file anew",
        tag=TAG,
        login=True,
        answer=ImageObject,
        errors=(403,),
        description="At once and on all servers, instead of within a second. Renderings are kept by the version of the"
        " file, so that nothing old is served either way.",
    )
    async def reset(self, call: Call) -> Versioned:
        return await self._answer(call, await self._files.reset(call.visitor, call.id()))

    @endpoint(
        "GET",
        f"{_ID}history/",
        summary="What happened to an image",
        tag=TAG,
        login=True,
        listing=True,
        answer=list[ImageEvent],
        errors=(403,),
    )
    async def history(self, call: Call) -> Page:
        entries = await self._files.history(call.visitor, call.id(), start=call.start, limit=call.limit)
        total = await image_history.count(self._database, call.id())
        names = {}
        if call.visitor.may(Flag.ADMIN_USERS):
            ids = {entry.user_id for entry in entries if entry.user_id is not None}
            names = await users.names(self._database, ids)
        items = [
            ImageEvent(
                id=entry.id,
                image_id=entry.image_id,
                user_id=entry.user_id,
                action=int(entry.action),
                action_info=entry.action_info,
                action_time=entry.action_time,
                username=names.get(entry.user_id, UNSET) if entry.user_id is not None else UNSET,
            )
            for entry in entries
        ]
        return Page(items=items, total=total)

    @endpoint(
        "PUT",
        "/admin/filesystem/images/<int:id>/",
        state=_ID,
        summary="Move or rename a file",
        tag="Files and folders",
        login=True,
        form=FilePathForm,
        answer=ImageObject,
        patch=False,
        errors=(400, 403, 409, 415),
        example={"path": "/press/penguin.jpg"},
    )
    async def move(self, call: Call) -> Versioned:
        form = call.read(FilePathForm)
        return await self._answer(
            call, await self._files.move(call.visitor, call.id(), form.path, version=call.version)
        )

    @endpoint(
        "DELETE",
        "/admin/filesystem/images/<int:id>/",
        state=_ID,
        summary="Delete a file",
        tag="Files and folders",
        login=True,
        answer=ImageObject,
        errors=(400, 403),
    )
    async def delete(self, call: Call) -> Versioned:
        return await self._answer(call, await self._files.delete(call.visitor, call.id(), version=call.version))

    async def _answer(self, call: Call, image: Image) -> Versioned:
        folder = await self._folders.by_id(image.folder_id)
        return Versioned(data=image_object(call, image, folder, supported=self._supported), version=image.version)
