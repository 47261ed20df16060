"""The pages of the work that goes on behind the requests: starting it by hand, and looking at how it gets on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from qisd.access.levels import Flag
from qisd.tasks.queue import TaskQueue
from qisd.web.api.task_objects import check_own
from qisd.web.console.page import Page, PageCall, Who, address

_KEPT_BY_DEFAULT = 31


class MaintenancePages:
    """The pages about tasks.

    :param keep_days: ``STATS_KEEP_DAYS``; 0: nothing is purged by itself.
    """

    def __init__(self, queue: TaskQueue, *, keep_days: Callable[[], int], now: Callable[[], datetime]) -> None:
        self._queue = queue
        self._keep_days = keep_days
        self._now = now

    @address("/admin/maintenance/", who=Flag.ADMIN_ALL)
    async def maintenance(self, call: PageCall) -> Page:
        """What can be started by hand."""
        days = self._keep_days()
        border = self._now().date() - timedelta(days=days or _KEPT_BY_DEFAULT)
        values = {"date_to": border.isoformat(), "keep_days": days}
        return Page(template="maintenance.html", title="Maintenance", area="maintenance", values=values)

    @address("/tasks/", who=Who.LOGGED_IN)
    async def tasks(self, call: PageCall) -> Page:
        """One's own tasks; for a super-user, all."""
        return Page(template="tasks.html", title="Tasks", area="tasks", data={"view": "tasks"})

    @address("/tasks/<int:task_id>/", who=Who.LOGGED_IN)
    async def task(self, call: PageCall, task_id: int) -> Page:
        """One task, while it goes on and after."""
        task = await self._queue.get(task_id)
        check_own(call.visitor, task)
        return Page(template="task.html", title=task.name, area="tasks", data={"view": "task", "id": task_id})
