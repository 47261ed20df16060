"""Tasks as the API shows them, also to clients that know only three states."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from qisd.access.levels import Flag
from qisd.access.visitor import Visitor
from qisd.errors import AlreadyExists, Forbidden, QisError
from qisd.store import users
from qisd.store.queries import Queries
from qisd.store.tasks import Task, TaskStatus
from qisd.store.users import User
from qisd.tasks.queue import TaskQueue
from qisd.web.api.models import TaskObject, TaskState
from qisd.web.api.presenting import user_object

_COMPLETE = 2

WAIT_SECONDS = 30.0
"""How long an answer waits for its task, unless the caller prefers less."""

STATES: Mapping[TaskStatus, TaskState] = {
    TaskStatus.PENDING: "pending",
    TaskStatus.ACTIVE: "active",
    TaskStatus.COMPLETE: "done",
    TaskStatus.FAILED: "failed",
    TaskStatus.CANCELLED: "cancelled",
}


class TaskFailed(QisError):
    """What a task met, as the answer to the one who waited for it."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code  # type: ignore[misc]  # of this very error
        self.status = _STATUSES.get(code, 500)  # type: ignore[misc]


def task_object(task: Task, *, user: User | None) -> TaskObject:
    """A task; one that failed or was cancelled is complete, and its result tells the rest."""
    return TaskObject(
        id=task.id,
        name=task.name,
        funcname=task.funcname,
        params=dict(task.params),
        priority=task.priority,
        status=_COMPLETE if task.over else int(task.status),
        result=task.result,
        keep_for=task.keep_for,
        keep_until=task.keep_until,
        log_level=task.log_level,
        error_log_level=task.error_log_level,
        lock_id=task.locked_by,
        user_id=task.user_id,
        user=user_object(user) if user is not None else None,
        created=task.created,
        started=task.started,
        finished=task.finished,
        progress=None if task.progress is None else round(task.progress / 100, 4),
        progress_text=task.progress_text,
        state=STATES[task.status],
        attempts=task.attempts,
        cancelling=task.cancel_requested and not task.over,
        error=task.error if task.status in (TaskStatus.PENDING, TaskStatus.FAILED) else None,
    )


async def owned_objects(db: Queries, visitor: Visitor, found: Sequence[Task]) -> list[TaskObject]:
    """Tasks with those who have started them; who others are is told to super-users only."""
    everyone = visitor.may(Flag.ADMIN_ALL)
    ids = {task.user_id for task in found if task.user_id is not None}
    owners = await users.by_ids(db, ids if everyone else ids & {visitor.user_id})
    return [task_object(task, user=None if task.user_id is None else owners.get(task.user_id)) for task in found]


def check_own(visitor: Visitor, task: Task) -> None:
    """:raises Forbidden: it is another one's, and the visitor is no super-user."""
    if not visitor.may(Flag.ADMIN_ALL) and (task.user_id is None or task.user_id != visitor.user_id):
        raise Forbidden(f"{Flag.ADMIN_ALL.label} permission is required")


async def queued(asked: Awaitable[Task]) -> tuple[Task, bool]:
    """The task that was asked for, or the one that is about just that already; and whether it is a new one.

    :raises AlreadyExists: it is for another reason that it can't be queued.
    """
    try:
        return await asked, True
    except AlreadyExists as error:
        if not isinstance(error.existing, Task):
            raise
        return error.existing, False


async def waited_for(queue: TaskQueue, task: Task, seconds: float) -> Task:
    """A new task of the caller's own once it is over, or as it is after ``seconds``.

    One that is over is forgotten: the caller is told its outcome. Those of others must not be, who wait for them too.
    """
    task = await queue.wait(task.id, seconds)
    if task.over:
        await queue.forget(task.id)
    return task


def outcome_of(task: Task) -> Any:
    """What a task that is over returned, or the error that it ended with; None while it is not over."""
    if not task.over:
        return None
    if task.status == TaskStatus.COMPLETE:
        return task.result
    exception = (task.result or {}).get("exception", {})
    return TaskFailed(str(exception.get("message", task.error or "")), code=str(exception.get("type", "internal")))


def _statuses(error: type[QisError]) -> dict[str, int]:
    found = {error.code: error.status}
    for below in error.__subclasses__():
        found |= _statuses(below)
    return found


_STATUSES = _statuses(QisError)
"""The status of every kind of error that the domain knows, by its code."""
