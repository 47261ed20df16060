"""Background tasks: starting some by hand, looking at one's own, cancelling them."""

from __future__ import annotations

from collections.abc import Collection, Container
from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from qisd.access.levels import Flag
from qisd.errors import AlreadyExists, BadParameter, MissingParameter, NotFound, Refused
from qisd.precaching import URLS_MOST, Order
from qisd.repository import paths
from qisd.store import folders, image_templates, tasks, users
from qisd.store import maintenance_counts as counts
from qisd.store.pool import Database
from qisd.store.tasks import Task, TaskStatus
from qisd.tasks.queue import TaskQueue
from qisd.web.api.bulk import Srcs
from qisd.web.api.endpoint import Call, Page, endpoint
from qisd.web.api.models import RemovedTasks, TaskObject, TaskSummary, WorkAhead
from qisd.web.api.reading import Form
from qisd.web.api.task_objects import STATES, check_own, owned_objects, task_object
from qisd.web.urls import encoded

TAG = "Tasks"

_STATS = ("purge_system_stats", "purge_image_stats")
_SYSTEM_STATS = "purge_system_stats"
_FOLDER_DATA = "purge_deleted_folder_data"
_PRECACHE = "precache"
_UNCACHE = "uncache_folder_images"
_USUAL = "Precache"
"""The template of an installation that says in what size images are made ahead of time."""

_BY_HAND = {
    "purge_system_stats": "Remove the statistics of the server from before a date",
    "purge_image_stats": "Remove the statistics of images from before a date",
    "purge_deleted_folder_data": "Forget deleted images and folders at and below a path",
    "verify_repository": "Compare the files with the records, and repair these if wanted",
    "verify_hashes": "Read all files again, and find those that the disk has damaged",
    "read_metadata": "Read what new files say of themselves",
    "index_anew": "Put right what the search finds images by",
    "empty_trash": "Remove for good what is in the trash",
    "flush_cache": "Forget all finished images, on all servers",
    "uncache_folder_images": "Look anew at the files of a folder, whatever the servers believe of them",
    "precache": "Make the images of a folder that its templates ask for",
}
"""What can be started by hand."""

_AT_ANY_TIME = frozenset(
    {"purge_deleted_folder_data", "empty_trash", "flush_cache", _UNCACHE, _PRECACHE, "verify_repository", "index_anew"}
)
"""What can be started again as soon as it is over: there may be something new to do."""

_BY_HAND_KEPT = 3600
_TEMPLATES_MAX = 50
_STATUSES: dict[str, Collection[int]] = {
    "pending": (TaskStatus.PENDING,),
    "active": (TaskStatus.ACTIVE,),
    "over": (TaskStatus.COMPLETE, TaskStatus.FAILED, TaskStatus.CANCELLED),
    "done": (TaskStatus.COMPLETE,),
    "failed": (TaskStatus.FAILED,),
    "cancelled": (TaskStatus.CANCELLED,),
}


class TaskQuery(Form):
    """Which tasks."""

    status: Literal["pending", "active", "over", "done", "failed", "cancelled"] | None = None
    funcname: Annotated[str, Meta(max_length=100)] | None = None
    mine: Annotated[bool, Meta(description="for super-users: only those of one's own")] = False


class MineQuery(Form):
    """Whose tasks."""

    mine: Annotated[bool, Meta(description="for super-users: only those of one's own")] = False


class RemoveForm(MineQuery):
    """Which of those that are over."""

    status: Literal["over", "done", "failed", "cancelled"] = "over"


class StartForm(Form):
    """What the functions take: a date for the statistics, a folder, whether to repair, which templates."""

    date_to: Annotated[date, Meta(description="what is older goes; also called before_time")] | None = None
    before_time: date | None = None
    path: Annotated[str, Meta(max_length=1024, extra={"trim": True})] | None = None
    repair: bool = False
    templates: Annotated[str, Meta(max_length=5000, description="names with commas between, for precache")] = _USUAL
    srcs: Annotated[Srcs, Meta(description="paths of the images to precache, instead of a folder")] = msgspec.field(
        default_factory=list
    )


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
        own = _whose(call, mine=form.mine)
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
        "GET",
        "/admin/tasks/summary/",
        summary="How many tasks I have; for a super-user, how many there are",
        tag=TAG,
        login=True,
        form=MineQuery,
        answer=TaskSummary,
    )
    async def summary(self, call: Call) -> TaskSummary:
        own = _whose(call, mine=call.read(MineQuery).mine)
        found = await tasks.counts(self._database, user_id=own)
        return TaskSummary(
            **{state: found[status] for status, state in STATES.items()},
            kinds=await tasks.kinds(self._database, user_id=own),
        )

    @endpoint(
        "POST",
        "/admin/tasks/over/forget/",
        summary="Remove my tasks that are over from the list; for a super-user, all",
        tag=TAG,
        login=True,
        form=RemoveForm,
        answer=RemovedTasks,
    )
    async def remove_over(self, call: Call) -> RemovedTasks:
        call.visitor.require_writing()
        form = call.read(RemoveForm)
        removed = await self._queue.forget_over(_STATUSES[form.status], user_id=_whose(call, mine=form.mine))
        return RemovedTasks(removed=removed)

    @endpoint(
        "POST",
        "/admin/tasks/<int:id>/retry/",
        summary="Run a task again",
        tag=TAG,
        login=True,
        answer=TaskObject,
        errors=(400, 403, 409, 429),
        description="One that failed or was cancelled goes back into the queue. What was started by hand and has come"
        " to its end is queued as a new task.",
    )
    async def retry(self, call: Call) -> TaskObject:
        call.visitor.require_writing()
        task = await self._queue.get(call.id())
        check_own(call.visitor, task)
        if task.status != TaskStatus.COMPLETE:
            return await self._object(await self._queue.retry(task.id))
        if task.funcname not in _BY_HAND:
            raise Refused("This task has come to its end, and can't be run again")
        call.visitor.require_flag(Flag.ADMIN_ALL)
        user_id = call.visitor.user_id
        return await self._object(
            await self._queue.add(task.funcname, task.params, user_id=user_id, keep_for=task.keep_for)
        )

    @endpoint(
        "GET",
        "/admin/tasks/<word:function>/ahead/",
        summary="How much a task would have to do",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_ALL,
        form=StartForm,
        answer=WorkAhead,
        errors=(400, 404),
        choices=_BY_HAND,
    )
    async def ahead(self, call: Call) -> WorkAhead:
        name = str(call.parts["function"])
        if name not in _BY_HAND:
            raise NotFound(name[:100])
        return await self._ahead(name, call.read(StartForm))

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
        if name not in _AT_ANY_TIME and await self._queue.find_kept(name, params) is not None:
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
        if name == _PRECACHE:
            return _order(form, await self._templates(form)).params()
        if name == _UNCACHE:
            return {"path": _location(form.path)}
        return {"repair": form.repair} if name == "verify_repository" else {}

    async def _templates(self, form: StartForm) -> list[str]:
        names = [name.strip() for name in form.templates.split(",") if name.strip()]
        if not names:
            raise MissingParameter("templates")
        if len(names) > _TEMPLATES_MAX:
            raise BadParameter("templates", f"has too many entries (max {_TEMPLATES_MAX})")
        known = {one.name.lower() for one in (await image_templates.listed(self._database)).items}
        for name in names:
            if name.lower() not in known:
                raise BadParameter("templates", f"there is no template '{name}'")
        return names

    async def _ahead(self, name: str, form: StartForm) -> WorkAhead:
        if name in _STATS:
            moment = datetime.fromisoformat((await self._params(name, form))["before_time"])
            count = counts.system_stats if name == _SYSTEM_STATS else counts.image_stats
            return WorkAhead(count=await count(self._database, moment), unit="rows")
        if name == "empty_trash":
            return WorkAhead(count=await counts.trash(self._database), unit="entries")
        if name == "flush_cache":
            return WorkAhead(count=None, unit="images")
        if name == "read_metadata":
            return WorkAhead(count=await counts.unread_images(self._database), unit="images")
        if name == "index_anew":
            return WorkAhead(count=await counts.indexed_images(self._database), unit="images")
        if name == _FOLDER_DATA:
            return WorkAhead(count=await counts.deleted_images(self._database, _location(form.path)), unit="images")
        if name == _PRECACHE and form.srcs:
            return WorkAhead(count=len(form.srcs), unit="images")
        folder = _location(form.path) if name in (_PRECACHE, _UNCACHE) else ""
        return WorkAhead(count=await counts.active_images(self._database, folder), unit="images")

    async def _folder_id(self, path: str | None) -> int:
        folder = await folders.by_path(self._database, folders.stored(_location(path)))
        if folder is None:
            raise BadParameter("path", "there is no such folder")
        return folder.id

    async def _object(self, task: Task) -> TaskObject:
        user = await users.by_id(self._database, task.user_id) if task.user_id is not None else None
        return task_object(task, user=user)


def _whose(call: Call, *, mine: bool) -> int | None:
    """The user whose tasks are meant; None is everybody's."""
    return None if call.visitor.may(Flag.ADMIN_ALL) and not mine else call.visitor.user_id


def _order(form: StartForm, templates: list[str]) -> Order:
    """What is to be made: of a folder, or of the images that are named.

    :raises BadParameter: that is too much at once.
    """
    if not form.srcs:
        return Order(folder=_location(form.path), specs=["*"], templates=templates)
    urls = [f"/image?{encoded([('src', src), ('tmp', name)])}" for src in form.srcs for name in templates]
    if len(urls) > URLS_MOST:
        raise BadParameter("srcs", f"with so many templates there may be {URLS_MOST // len(templates)}")
    return Order(urls=urls)


def _location(path: str | None) -> str:
    """The folder, without slashes around it.

    :raises MissingParameter: it isn't given. :raises BadParameter: it can't be one.
    """
    if path is None:
        raise MissingParameter("path")
    return paths.normalise(path, parameter="path")
