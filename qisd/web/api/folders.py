"""Folders on disk: looking at them, making, moving and deleting them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from msgspec import Meta

from qisd.errors import QisError
from qisd.library.folders import Folders, FolderView
from qisd.store.folders import Folder
from qisd.store.pool import Database
from qisd.store.tasks import Task
from qisd.tasks.queue import TaskQueue
from qisd.web.api.endpoint import Accepted, Call, Versioned, endpoint
from qisd.web.api.models import FolderObject, FolderTree
from qisd.web.api.presenting import folder_object
from qisd.web.api.reading import Form
from qisd.web.api.task_objects import WAIT_SECONDS, outcome_of, owned_objects, queued, waited_for

TAG = "Files and folders"

_FOLDERS = "/admin/filesystem/folders/"
_ID = f"{_FOLDERS}<int:id>/"
_STATUSES: dict[str, Iterable[int]] = {"1": (1,), "0": (0,), "-1": (0, 1), "any": (0, 1)}

StatusChoice = Literal["1", "0", "-1", "any"]


class FolderQuery(Form):
    """Which folder."""

    path: Annotated[str, Meta(min_length=1, max_length=1024, extra={"trim": True})]
    status: Annotated[StatusChoice, Meta(description="of the folders in it")] = "1"


class ChildrenQuery(Form):
    """Which of the folders in it."""

    status: StatusChoice = "1"


class FolderForm(Form):
    """Where a folder is to be."""

    path: Annotated[str, Meta(min_length=1, max_length=1024, extra={"trim": True}, description="the complete path")]


class FolderEndpoints:
    """The endpoints of folders."""

    def __init__(self, database: Database, *, folders: Folders, tasks: TaskQueue) -> None:
        self._database = database
        self._folders = folders
        self._tasks = tasks

    @endpoint(
        "GET",
        _FOLDERS,
        summary="A folder by its path",
        tag=TAG,
        login=True,
        form=FolderQuery,
        answer=FolderTree,
        errors=(400, 403, 404),
        example={"path": "/samples"},
    )
    async def by_path(self, call: Call) -> Versioned:
        form = call.read(FolderQuery)
        return _tree(await self._folders.by_path(call.visitor, form.path, statuses=_STATUSES[form.status]))

    @endpoint(
        "GET",
        _ID,
        summary="A folder by its id, be it deleted",
        tag=TAG,
        login=True,
        form=ChildrenQuery,
        answer=FolderTree,
        errors=(403,),
    )
    async def by_id(self, call: Call) -> Versioned:
        form = call.read(ChildrenQuery)
        return _tree(await self._folders.by_id(call.visitor, call.id(), statuses=_STATUSES[form.status]))

    @endpoint(
        "POST",
        _FOLDERS,
        summary="Make a folder",
        tag=TAG,
        login=True,
        form=FolderForm,
        answer=FolderObject,
        errors=(400, 403, 409),
        example={"path": "/press/2026"},
    )
    async def create(self, call: Call) -> Versioned:
        form = call.read(FolderForm)
        return _versioned(await self._folders.create(call.visitor, form.path))

    @endpoint(
        "PUT",
        _ID,
        summary="Move or rename a folder",
        tag=TAG,
        login=True,
        form=FolderForm,
        answer=FolderObject,
        accepted=True,
        patch=False,
        errors=(400, 403, 409, 429),
        example={"path": "/press/archive"},
    )
    async def move(self, call: Call) -> FolderObject | Accepted:
        form = call.read(FolderForm)
        await self._folders.check_move(call.visitor, call.id(), form.path, version=call.version)
        params = {"folder_id": call.id(), "path": form.path}
        return await self._by_task(call, "move_folder", params)

    @endpoint(
        "DELETE",
        _ID,
        summary="Delete a folder with all that is in it",
        tag=TAG,
        login=True,
        answer=FolderObject,
        accepted=True,
        errors=(400, 403, 429),
    )
    async def delete(self, call: Call) -> FolderObject | Accepted:
        await self._folders.check_delete(call.visitor, call.id(), version=call.version)
        return await self._by_task(call, "delete_folder", {"folder_id": call.id()})

    async def _by_task(self, call: Call, name: str, params: dict[str, Any]) -> FolderObject | Accepted:
        """Have it done by a task, and wait for it a while."""
        if call.version is not None:
            params["version"] = call.version
        task, own = await queued(self._tasks.add(name, params, user_id=call.visitor.user_id))
        if not own:
            return await self._accepted(call, task)
        task = await waited_for(self._tasks, task, wait_of(call))
        result = outcome_of(task)
        if isinstance(result, QisError):
            raise result
        if result is None:
            return await self._accepted(call, task)
        return FolderObject(**result)

    async def _accepted(self, call: Call, task: Task) -> Accepted:
        return Accepted(data=(await owned_objects(self._database, call.visitor, [task]))[0])


def wait_of(call: Call) -> float:
    """Seconds that the caller wants to wait: ``Prefer: wait=n`` (RFC 7240)."""
    for preference in (call.request.joined("Prefer") or "").split(","):
        name, _, value = preference.strip().partition("=")
        if name.strip().lower() == "wait" and value.strip().isdecimal():
            return min(float(value), WAIT_SECONDS)
    return WAIT_SECONDS


def _versioned(folder: Folder) -> Versioned:
    return Versioned(data=folder_object(folder), version=folder.version)


def _tree(view: FolderView) -> Versioned:
    own = folder_object(view.folder)
    tree = FolderTree(
        id=own.id,
        name=own.name,
        path=own.path,
        parent_id=own.parent_id,
        status=own.status,
        parent=folder_object(view.parent) if view.parent else None,
        children=[folder_object(child) for child in view.children],
    )
    return Versioned(data=tree, version=view.folder.version)
