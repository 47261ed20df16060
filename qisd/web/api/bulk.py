"""Work on many images at once, by tasks."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated

import msgspec
from msgspec import Meta

from qisd.access.visitor import Visitor
from qisd.errors import MissingParameter
from qisd.library.bulk import IMAGES_MAX, Bulk, Chosen, Description
from qisd.library.metadata import MAX_TAG, MAX_TAGS
from qisd.store.images import MAX_DESCRIPTION, MAX_TITLE
from qisd.store.pool import Database
from qisd.store.tasks import Task
from qisd.web.api.endpoint import Accepted, Call, endpoint
from qisd.web.api.models import TaskObject
from qisd.web.api.reading import LARGEST, Form
from qisd.web.api.task_objects import owned_objects, queued

TAG = "Bulk work"

_RESULT = (
    "Images are named by their ids, by their paths in `srcs`, or some this way and some that. The task's result has"
    " `done`, the ids of those with which it went well; `srcs`, the paths that these have now or had last; and"
    " `errors`, by id, or by path where nothing was found: `status`, `code` and `message`. Each image is judged by what"
    " the caller may when it is its turn. The task can be cancelled."
)

_TEXT_MAX = 200_000
_SRCS_TEXT_MAX = 2_000_000

_Images = Annotated[
    list[Annotated[int, Meta(ge=1, le=LARGEST)]],
    Meta(max_length=IMAGES_MAX, extra={"json_text": (2, _TEXT_MAX)}, description="ids"),
]
Srcs = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=1024)]],
    Meta(max_length=IMAGES_MAX, extra={"json_text": (2, _SRCS_TEXT_MAX)}, description="paths"),
]
_Tags = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=MAX_TAG)]],
    Meta(max_length=MAX_TAGS, extra={"json_text": (2, _TEXT_MAX)}),
]


class BulkForm(Form):
    """Which images."""

    images: _Images = msgspec.field(default_factory=list)
    srcs: Srcs = msgspec.field(default_factory=list)

    @property
    def chosen(self) -> Chosen:
        """What they name together."""
        return Chosen(ids=self.images, srcs=self.srcs)


class BulkMoveForm(BulkForm, kw_only=True):
    """Which images go where."""

    folder: Annotated[str, Meta(max_length=1024, description="the folder, which must be there")]


class BulkDescribeForm(BulkForm, kw_only=True):
    """What is said of which images. What is not given stays as it is."""

    title: Annotated[str, Meta(max_length=MAX_TITLE, extra={"trim": True})] | None = None
    description: Annotated[str, Meta(max_length=MAX_DESCRIPTION, extra={"trim": True})] | None = None
    tags_add: _Tags = msgspec.field(default_factory=list)
    tags_remove: _Tags = msgspec.field(default_factory=list)


class BulkEndpoints:
    """The endpoints of work on many images."""

    def __init__(self, database: Database, *, bulk: Bulk) -> None:
        self._database = database
        self._bulk = bulk

    @endpoint(
        "POST",
        "/admin/bulk/move/",
        summary="Move many images into a folder",
        tag=TAG,
        login=True,
        form=BulkMoveForm,
        accepted=TaskObject,
        errors=(403, 404, 429),
        description=_RESULT,
        example={"images": [17, 18], "folder": "/press"},
    )
    async def move(self, call: Call) -> Accepted:
        form = call.read(BulkMoveForm)
        return await self._accepted(call.visitor, self._bulk.move(call.visitor, form.chosen, form.folder))

    @endpoint(
        "POST",
        "/admin/bulk/copy/",
        summary="Copy many images into a folder",
        tag=TAG,
        login=True,
        form=BulkMoveForm,
        accepted=TaskObject,
        errors=(403, 404, 429),
        description=_RESULT
        + " `srcs` are those of the copies. Where a name is taken, the copy gets another one. Title,"
        " description and what else people have said go along.",
        example={"srcs": ["/samples/penguin.jpg"], "folder": "/press"},
    )
    async def copy(self, call: Call) -> Accepted:
        form = call.read(BulkMoveForm)
        return await self._accepted(call.visitor, self._bulk.copy(call.visitor, form.chosen, form.folder))

    @endpoint(
        "POST",
        "/admin/bulk/delete/",
        summary="Delete many images",
        tag=TAG,
        login=True,
        form=BulkForm,
        accepted=TaskObject,
        errors=(429,),
        description=_RESULT,
    )
    async def delete(self, call: Call) -> Accepted:
        return await self._accepted(call.visitor, self._bulk.delete(call.visitor, call.read(BulkForm).chosen))

    @endpoint(
        "POST",
        "/admin/bulk/describe/",
        summary="Describe many images",
        tag=TAG,
        login=True,
        form=BulkDescribeForm,
        accepted=TaskObject,
        errors=(429,),
        description=_RESULT,
        example={"images": [17, 18], "tags_add": ["spring"]},
    )
    async def describe(self, call: Call) -> Accepted:
        form = call.read(BulkDescribeForm)
        said = Description(
            title=form.title,
            description=form.description,
            tags_add=form.tags_add,
            tags_remove=form.tags_remove,
        )
        if said == Description(tags_add=[], tags_remove=[]):
            raise MissingParameter("title")
        return await self._accepted(call.visitor, self._bulk.describe(call.visitor, form.chosen, said))

    async def _accepted(self, visitor: Visitor, asked: Awaitable[Task]) -> Accepted:
        """The task that was queued, or the one that is about just that already."""
        task, _ = await queued(asked)
        return Accepted(data=(await owned_objects(self._database, visitor, [task]))[0])
