"""The library's work that goes on after its request, or by itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from qisd.access.levels import Flag
from qisd.access.visitor import Visitor
from qisd.errors import NotFound, Refused
from qisd.library import integrity as integrity_
from qisd.library.folders import Folders
from qisd.library.integrity import IntegrityCheck
from qisd.library.reading import Reading
from qisd.library.registrar import Registrar
from qisd.library.trash import Trash
from qisd.library.verification import Verification, as_json
from qisd.store import disk_operations, folders, image_search, images, maintenance_counts
from qisd.store.folders import Folder
from qisd.store.pool import Database
from qisd.tasks.registry import TaskRun, TaskType

DISCOVER = "discover_files"

HIGH, LOW = 10, 30
KEPT = 10
_INDEXED_AT_ONCE = 500

_DISCOVERED_MOST = 2000
"""Files about which it is enough for a day: a library of millions shall not be read because the server is new."""

VisitorOf = Callable[[int | None], Visitor]
"""The visitor that a user is, by id; None is the server itself.

:raises Forbidden: there is no such user any more.
"""


def task_types(
    *,
    database: Database,
    folders_: Folders,
    trash: Trash,
    registrar: Registrar,
    verification: Verification,
    integrity: IntegrityCheck,
    reading: Reading,
    visitor_of: VisitorOf,
) -> list[TaskType]:
    """What the task worker needs to know of the library.

    :param database: with a time limit that allows for large statements.
    """

    def by(run: TaskRun) -> Visitor:
        return visitor_of(run.task.user_id)

    async def move_folder(run: TaskRun) -> object:
        moved = await folders_.move(
            by(run), int(run.params["folder_id"]), str(run.params["path"]), version=run.params.get("version")
        )
        return folder_json(moved)

    async def delete_folder(run: TaskRun) -> object:
        number, version = int(run.params["folder_id"]), run.params.get("version")
        return folder_json(await folders_.delete(by(run), number, version=version))

    async def delete_folder_data(run: TaskRun) -> object:
        folder = await _folder(database, run)
        count = await registrar.folder_gone(folder.location)
        if not count and (await _folder(database, run)).active:
            raise Refused("The folder is there, or the image library is not.")
        return {"images": count}

    async def purge(run: TaskRun) -> object:
        by(run).require_flag(Flag.ADMIN_ALL)
        folder = await _folder(database, run)

        async def work(db: Any) -> object:
            gone = await images.purge_deleted(db, folder.location)
            return {"images": gone, "folders": await folders.purge_deleted(db, folder.path)}

        return await database.transaction(work)

    async def empty_trash(run: TaskRun) -> object:
        return {"removed": await trash.empty(by(run))}

    async def expire_trash(run: TaskRun) -> object:
        return {"removed": await trash.expire(by(run))}

    async def verify(run: TaskRun) -> object:
        repair = bool(run.params.get("repair", False))
        return as_json(await verification.run(by(run), repair=repair, progress=run.progress))

    async def read_metadata(run: TaskRun) -> object:
        count = await reading.run(progress=run.progress, cancelled=lambda: run.cancelled)
        run.check_cancelled()
        return {"images": count}

    return [
        TaskType(
            name="read_metadata",
            title="Read what new and changed files say of themselves",
            run=read_metadata,
            priority=LOW,
            repeatable=True,
            log_level="debug",
        ),
        TaskType(
            name="move_folder",
            title=lambda params: f"Move folder {params['folder_id']} to {params['path']}",
            run=move_folder,
            priority=HIGH,
            keep_for=KEPT,
        ),
        TaskType(
            name="delete_folder",
            title=lambda params: f"Delete folder {params['folder_id']}",
            run=delete_folder,
            priority=HIGH,
            keep_for=KEPT,
        ),
        TaskType(
            name="delete_folder_data",
            title=lambda params: f"Mark what was in folder {params['folder_id']} deleted",
            run=delete_folder_data,
            repeatable=True,
        ),
        TaskType(
            name="purge_deleted_folder_data",
            title="Purge deleted data",
            run=purge,
            repeatable=True,
        ),
        TaskType(name="empty_trash", title="Empty the trash", run=empty_trash, repeatable=True),
        TaskType(
            name="expire_trash",
            title="Remove what has been in the trash long enough",
            run=expire_trash,
            repeatable=True,
            log_level="debug",
        ),
        TaskType(
            name="verify_repository",
            title=lambda params: "Repair the library" if params.get("repair") else "Verify the library",
            run=verify,
            keep_for=86_400,
            repeatable=True,
        ),
        _discover(verification),
        _verify_hashes(integrity, by),
        _uncache(database, by),
        _index_anew(database, by),
    ]


def _discover(verification: Verification) -> TaskType:
    async def run(task: TaskRun) -> object:
        async def progress(percent: float, text: str) -> None:
            task.check_cancelled()
            await task.progress(percent, text)

        return {"images": await verification.discover(most=_DISCOVERED_MOST, progress=progress)}

    return TaskType(
        name=DISCOVER,
        title="Look for files that others have put into the library",
        run=run,
        priority=LOW,
        repeatable=True,
        log_level="debug",
    )


def _verify_hashes(integrity: IntegrityCheck, by: Callable[[TaskRun], Visitor]) -> TaskType:
    async def run(task: TaskRun) -> object:
        found = await integrity.run(
            by(task), since=task.task.created, progress=task.progress, check_cancelled=task.check_cancelled
        )
        return integrity_.as_json(found)

    return TaskType(
        name="verify_hashes",
        title="Verify that files hold what they held",
        run=run,
        priority=LOW,
        keep_for=86_400,
        repeatable=True,
        max_attempts=5,
    )


def _uncache(database: Database, by: Callable[[TaskRun], Visitor]) -> TaskType:
    async def run(task: TaskRun) -> object:
        by(task).require_flag(Flag.ADMIN_ALL)
        path = str(task.params["path"])
        await database.transaction(lambda db: disk_operations.tell_files(db, [path]))
        return {}

    return TaskType(
        name="uncache_folder_images",
        title=lambda params: f"Look anew at what is in /{params['path']}",
        run=run,
        repeatable=True,
    )


def _index_anew(database: Database, by: Callable[[TaskRun], Visitor]) -> TaskType:
    async def run(task: TaskRun) -> object:
        by(task).require_flag(Flag.ADMIN_ALL)
        total = await maintenance_counts.indexed_images(database)
        done = changed = 0
        last: int | None = 0
        while last is not None:
            task.check_cancelled()
            step = await database.transaction(partial(image_search.index_anew, after=last, limit=_INDEXED_AT_ONCE))
            last, done, changed = step.last, done + step.images, changed + step.changed
            await task.progress(min(100 * done / max(total, 1), 100), f"{done} images")
        return {"images": done, "changed": changed}

    return TaskType(name="index_anew", title="Write the search index anew", run=run, priority=LOW, repeatable=True)


def folder_json(folder: Folder) -> dict[str, object]:
    """A folder as results of tasks show it."""
    return {
        "id": folder.id,
        "name": "" if folder.path == "/" else folder.path,
        "path": folder.path,
        "parent_id": folder.parent_id,
        "status": folder.status,
    }


async def _folder(database: Database, run: TaskRun) -> Folder:
    """The folder that a task is about, by its id or its path."""
    if "folder_id" in run.params:
        folder = await folders.by_id(database, int(run.params["folder_id"]))
    else:
        folder = await folders.by_path(database, "/" + str(run.params["path"]).strip("/"))
    if folder is None:
        raise NotFound(str(run.params.get("folder_id") or run.params.get("path")))
    return folder
