"""What was deleted, and can be had back."""

from __future__ import annotations

from typing import Literal

from qisd.access.levels import Flag
from qisd.library.trash import Trash
from qisd.store.pool import Database
from qisd.store.trash import TrashEntry as Record
from qisd.tasks.queue import TaskQueue
from qisd.web.api.endpoint import Accepted, Call, Page, endpoint
from qisd.web.api.models import RestoredObject, TaskObject, TrashEntry
from qisd.web.api.reading import Form
from qisd.web.api.task_objects import owned_objects

TAG = "Trash"


class RestoreForm(Form):
    """What to do when something else is at the old place by now."""

    on_clash: Literal["fail", "rename"] = "fail"


class TrashEndpoints:
    """The endpoints of the trash."""

    def __init__(self, database: Database, *, trash: Trash, tasks: TaskQueue) -> None:
        self._database = database
        self._trash = trash
        self._tasks = tasks

    @endpoint(
        "GET",
        "/admin/trash/",
        summary="What I could restore",
        tag=TAG,
        login=True,
        listing=True,
        answer=list[TrashEntry],
    )
    async def listed(self, call: Call) -> Page:
        found = await self._trash.entries(call.visitor)
        end = None if call.limit is None else call.start + call.limit
        return Page(items=[_object(entry) for entry in found[call.start : end]], total=len(found))

    @endpoint(
        "POST",
        "/admin/trash/<int:id>/restore/",
        summary="Put something back where it was",
        tag=TAG,
        login=True,
        form=RestoreForm,
        answer=RestoredObject,
        errors=(403, 409),
    )
    async def restore(self, call: Call) -> RestoredObject:
        form = call.read(RestoreForm)
        return RestoredObject(path=f"/{await self._trash.restore(call.visitor, call.id(), on_clash=form.on_clash)}")

    @endpoint(
        "DELETE", "/admin/trash/<int:id>/", summary="Remove something for good", tag=TAG, login=True, errors=(403,)
    )
    async def remove(self, call: Call) -> None:
        await self._trash.remove(call.visitor, call.id())

    @endpoint(
        "DELETE",
        "/admin/trash/",
        summary="Empty the trash",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_FILES,
        accepted=TaskObject,
        errors=(409, 429),
    )
    async def empty(self, call: Call) -> Accepted:
        task = await self._tasks.add("empty_trash", {}, user_id=call.visitor.user_id)
        return Accepted(data=(await owned_objects(self._database, call.visitor, [task]))[0])


def _object(entry: Record) -> TrashEntry:
    return TrashEntry(
        id=entry.id,
        kind="file" if entry.file else "folder",
        path=f"/{entry.path}",
        user_id=entry.user_id,
        deleted=entry.deleted,
        expires=entry.expires,
    )
