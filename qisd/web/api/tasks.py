"""Background tasks: starting some by hand, looking at one's own, cancelling them."""

from __future__ import annotations

from collections.abc import Collection, Container
from datetime import date
from typing import Annotated, Any, Literal

from msgspec import Meta

from qisd.access.levels import Flag
from qisd.errors import AlreadyExists, BadParameter, MissingParameter, NotFound
from qisd.repository import paths
from qisd.store import folders, tasks, users
from qisd.store.pool import Database
from qisd.store.tasks import Task, TaskStatus
from qisd.tasks.queue import TaskQueue
from qisd.web.api.endpoint import Call, Page, endpoint
from qisd.web.api.models import TaskObject
from qisd.web.api.reading import Form
from qisd.web.api.task_objects import check_own, owned_objects, task_object

TAG = "Tasks"

_STATS = ("purge_system_stats", "purge_image_stats")
_FOLDER_DATA = "purge_deleted_folder_data"
_BY_HAND = {
    "purge_system_stats": "Remove the statistics of the server from before a date",
    "purge_image_stats": "Remove the statistics of images from before a date",
    "purge_deleted_folder_data": "Forget deleted images and folders at and below a path",
    "verify_repository": "Compare the files with the records, and repair these if wanted",
    "verify_hashes": "Read all files again, and find those that the disk has damaged",
    "read_metadata": "Read what new files say of themselves",
}
"""What can be started by hand."""

_BY_HAND_KEPT = 3600
_STATUSES: dict[str, Collection[int]] = {
    "pending": (TaskStatus.PENDING,),
    "active": (TaskStatus.ACTIVE,),
    "over": (TaskStatus.COMPLETE, TaskStatus.FAILED, TaskStatus.CANCELLED),
}


class TaskQuery(Form):
    """Which tasks."""

    status: Literal["pending", "active", "over"] | None = None
    funcname: Annotated[str, Meta(max_length=100)] | None = None


class StartForm(Form):
    """What the functions take: a date for the statistics, a folder for deleted data, whether to repair."""

    date_to: Annotated[date, Meta(description="what is older goes; also called before_time")] | None = None
    before_time: date | None = None
    path: Annotated[str, Meta(max_length=1024, extra={"trim": True})] | None = None
    repair: bool = False


class TaskEndpoints:
    """The endpoints of tasks."""

    def __init__(self, database: Database, *, queue: TaskQueue, known: Container[object]) -> None:
        self._database = database
        self._queue = queue
        self._known = known

    @endpoint(
        "GET",
        "/admin/tasks/",
        summary="My tasks; for a super-user, all",
        tag=TAG,
        login=True,
        listing=True,
        form=TaskQuery,
        answer=list[TaskObject],
    )
    async def listed(self, call: Call) -> Page:
        form = call.read(TaskQuery)
        own = None if call.visitor.may(Flag.ADMIN_ALL) else call.visitor.user_id
        statuses = _STATUSES[form.status] if form.status else None
        found = await tasks.listed(
            self._database,
            statuses=statuses,
            funcname=form.funcname,
            user_id=own,
            start=call.start,
            limit=min(call.limit or 1000, 1000),
        )
        total = await tasks.count(self._database, statuses=statuses, funcname=form.funcname, user_id=own)
        return Page(items=await owned_objects(self._database, call.visitor, found), total=total)

    @endpoint("GET", "/admin/tasks/<int:id>/", summary="A task", tag=TAG, login=True, answer=TaskObject, errors=(405,))
    async def get(self, call: Call) -> TaskObject:
        task = await self._queue.get(call.id())
        check_own(call.visitor, task)
        return await self._object(task)

    @endpoint(
        "DELETE",
        "/admin/tasks/<int:id>/",
        summary="Cancel a task",
        tag=TAG,
        login=True,
        answer=TaskObject,
        errors=(405,),
        description="One that waits ends at once, one that runs as soon as it can.",
    )
    async def cancel(self, call: Call) -> TaskObject:
        call.visitor.require_writing()
        check_own(call.visitor, await self._queue.get(call.id()))
        return await self._object(await self._queue.cancel(call.id()))

    @endpoint(
        "POST",
        "/admin/tasks/<word:function>/",
        summary="Start a task by hand",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_ALL,
        form=StartForm,
        answer=TaskObject,
        errors=(400, 405, 409, 429),
        choices=_BY_HAND,
        example={"path": "/samples", "date_to": "2026-01-01"},
    )
    async def start(self, call: Call) -> TaskObject:
        name = str(call.parts["function"])
        if name not in _BY_HAND or name not in self._known:
            raise NotFound(name[:100])
        params = await self._params(name, call.read(StartForm))
        if await self._queue.find_kept(name, params) is not None:
            raise AlreadyExists("This task already exists: it has run not long ago")
        kept = 0 if name == _FOLDER_DATA else _BY_HAND_KEPT
        return await self._object(await self._queue.add(name, params, user_id=call.visitor.user_id, keep_for=kept))

    async def _params(self, name: str, form: StartForm) -> dict[str, Any]:
        if name in _STATS:
            border = form.date_to or form.before_time
            if border is None:
                raise MissingParameter("date_to")
            return {"before_time": f"{border.isoformat()}T00:00:00Z"}
        if name == _FOLDER_DATA:
            return {"folder_id": await self._folder_id(form.path)}
        return {"repair": form.repair} if name == "verify_repository" else {}

    async def _folder_id(self, path: str | None) -> int:
        if path is None:
            raise MissingParameter("path")
        folder = await folders.by_path(self._database, f"/{paths.normalise(path, parameter='path')}")
        if folder is None:
            raise BadParameter("path", "there is no such folder")
        return folder.id

    async def _object(self, task: Task) -> TaskObject:
        user = await users.by_id(self._database, task.user_id) if task.user_id is not None else None
        return task_object(task, user=user)
