"""What is done to folders where no scripts run: plain forms on a page of their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from qisd.access.levels import Level
from qisd.errors import BadParameter, NotFound, QisError
from qisd.library.folders import Folders
from qisd.store.folders import Folder
from qisd.store.images import folder_of
from qisd.tasks.queue import TaskQueue
from qisd.web.api.task_objects import WAIT_SECONDS, outcome_of, queued, waited_for
from qisd.web.console.browsing import crumbs
from qisd.web.console.page import Page, PageCall, Redirect, address
from qisd.web.urls import encoded


class FolderForms:
    """The pages with the forms, and what becomes of these.

    :param refresh: has the permissions read again that follow a folder.
    """

    def __init__(self, folders: Folders, *, tasks: TaskQueue, refresh: Callable[[], Awaitable[None]]) -> None:
        self._folders = folders
        self._tasks = tasks
        self._refresh = refresh

    @address("/list/folder/")
    async def forms(self, call: PageCall) -> Page:
        folder = await self._known(call, call.query.get("path") or "/")
        return _forms(call, folder, asked=call.query.get("do", ""))

    @address("/list/folder/new/", post=True)
    async def make(self, call: PageCall) -> Page | Redirect:
        parent = await self._known(call, call.form.get("path") or "/")
        try:
            made = await self._folders.create(call.visitor, _below(parent.location, call.form.get("name", "")))
        except QisError as error:
            return _forms(call, parent, error=error)
        return _to(made.path)

    @address("/list/folder/rename/", post=True)
    async def rename(self, call: PageCall) -> Page | Redirect:
        folder = await self._known(call, call.form.get("path") or "/")
        try:
            target = _below(folder_of(folder.location), call.form.get("name", ""))
            return await self._move(call, folder, target)
        except QisError as error:
            return _forms(call, folder, error=error)

    @address("/list/folder/move/", post=True)
    async def move(self, call: PageCall) -> Page | Redirect:
        folder = await self._known(call, call.form.get("path") or "/")
        try:
            parent = await self._known(call, call.form.get("target") or "/")
            return await self._move(call, folder, _below(parent.location, folder.name))
        except QisError as error:
            return _forms(call, folder, error=error)

    @address("/list/folder/delete/", post=True)
    async def delete(self, call: PageCall) -> Page | Redirect:
        folder = await self._known(call, call.form.get("path") or "/")
        try:
            await self._folders.check_delete(call.visitor, folder.id)
            outcome = await self._by_task(call, "delete_folder", {"folder_id": folder.id})
        except QisError as error:
            return _forms(call, folder, error=error)
        return outcome or _to(f"/{folder_of(folder.location)}")

    # Inside

    async def _known(self, call: PageCall, path: str) -> Folder:
        return (await self._folders.by_path(call.visitor, path)).folder

    async def _move(self, call: PageCall, folder: Folder, target: str) -> Redirect:
        await self._folders.check_move(call.visitor, folder.id, target)
        outcome = await self._by_task(call, "move_folder", {"folder_id": folder.id, "path": target})
        return outcome or _to(f"/{target}")

    async def _by_task(self, call: PageCall, name: str, params: dict[str, Any]) -> Redirect | None:
        """Have it done; if that takes long, where the browser can see how it goes on.

        :raises QisError: it could not be done.
        """
        task, own = await queued(self._tasks.add(name, params, user_id=call.visitor.user_id))
        try:
            task = await (
                waited_for(self._tasks, task, WAIT_SECONDS) if own else self._tasks.wait(task.id, WAIT_SECONDS)
            )
        except NotFound:
            if own:
                raise
            # Whoever has queued it was told, and it is forgotten: the folder's page shows what came of it.
            await self._refresh()
            return None
        if not task.over:
            return Redirect(target=f"tasks/{task.id}/")
        await self._refresh()
        result = outcome_of(task)
        if isinstance(result, QisError):
            raise result
        return None


def _forms(call: PageCall, folder: Folder, *, error: QisError | None = None, asked: str = "") -> Page:
    location = folder.location
    parent = folder_of(location)
    level, above = call.visitor.level(location), call.visitor.level(parent) if location else 0
    return Page(
        template="folder_forms.html",
        title=folder.path,
        area="browse",
        values={
            "folder": folder,
            "parent": f"/{parent}",
            "crumbs": crumbs(folder.path),
            "may_make": level >= Level.CREATE_FOLDER,
            "may_rename": bool(location) and above >= Level.CREATE_FOLDER,
            "may_delete": bool(location) and above >= Level.DELETE_FOLDER,
            "problem": error.message if error else "",
            "asked": asked,
        },
        status=error.status if error else 200,
    )


def _below(folder: str, name: str) -> str:
    """:raises BadParameter: that is no name."""
    name = name.strip()
    if not name or "/" in name:
        raise BadParameter("name", "a folder needs a name, without slashes")
    return f"{folder}/{name}".lstrip("/")


def _to(path: str) -> Redirect:
    return Redirect(target=f"list/?{encoded([('path', path)])}", status=303)
