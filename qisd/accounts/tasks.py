"""Tasks that let go of what is too old: entries of the audit log, the names of users who were deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from qisd.access.visitor import SYSTEM
from qisd.accounts.audit import AuditLog
from qisd.accounts.users import Users
from qisd.errors import BadParameter
from qisd.tasks.housekeeping import purge_border
from qisd.tasks.registry import TaskRun, TaskType
from qisd.tasks.schedule import DAY, HOUR, Job

_KEPT = 82_800


def task_types(*, audit: AuditLog, users: Users) -> list[TaskType]:
    """The types of this module; each takes ``before_time``."""

    async def purge_audit_log(run: TaskRun) -> int:
        async def progress(gone: int) -> None:
            run.check_cancelled()
            await run.progress(0, f"{gone} entries removed")

        return await audit.purge(before=_moment(run.params), progress=progress)

    async def anonymise_deleted_users(run: TaskRun) -> int:
        return await users.anonymise(SYSTEM, before=_moment(run.params))

    return [
        TaskType(
            name="purge_audit_log", title="Purge the audit log", run=purge_audit_log, keep_for=_KEPT, repeatable=True
        ),
        TaskType(
            name="anonymise_deleted_users",
            title="Make deleted users anonymous",
            run=anonymise_deleted_users,
            keep_for=_KEPT,
            repeatable=True,
        ),
    ]


def jobs(
    *, audit_keep_days: Callable[[], int], deleted_users_keep_days: Callable[[], int], now: Callable[[], datetime]
) -> list[Job]:
    """When the tasks of this module are begun by themselves.

    :param audit_keep_days: for how many days entries are kept; 0 is for ever.
    :param deleted_users_keep_days: for how many days it stays known who a deleted user was; 0 is for ever.
    """

    def older_than(days: Callable[[], int]) -> Callable[[], Mapping[str, Any] | None]:
        return lambda: {"before_time": purge_border(now(), days())} if days() else None

    return [
        Job(name="purge_audit_log", interval_secs=DAY, first_secs=HOUR, params=older_than(audit_keep_days)),
        Job(
            name="anonymise_deleted_users",
            interval_secs=DAY,
            first_secs=HOUR,
            params=older_than(deleted_users_keep_days),
        ),
    ]


def _moment(params: Mapping[str, Any]) -> datetime:
    try:
        moment = datetime.fromisoformat(params["before_time"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadParameter("before_time", "must be a date and time") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
