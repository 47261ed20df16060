"""How a task gets on, as server-sent events."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator

from qisd.errors import TooManyRequests
from qisd.store.tasks import Task
from qisd.tasks.queue import TaskQueue
from qisd.tasks.watching import TaskWatch
from qisd.web.api import envelope
from qisd.web.api.answer import Answer, Stream
from qisd.web.api.endpoint import Call, endpoint
from qisd.web.api.task_objects import check_own, task_object

_HEARTBEAT = 15.0

WATCHED_MAX = 100
"""By one user, at each process: each keeps a connection."""

_RETRY_AFTER = 15
_OVER = "over"

_HEADERS = [
    ("Content-Type", "text/event-stream; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("X-Accel-Buffering", "no"),  # a proxy must not collect them
]


class TaskEventEndpoints:
    """The endpoint of events."""

    def __init__(self, *, queue: TaskQueue, watch: TaskWatch) -> None:
        self._queue = queue
        self._watch = watch
        self._watching: Counter[int | None] = Counter()

    @endpoint(
        "GET",
        "/admin/tasks/<int:id>/events/",
        summary="Watch a task",
        tag="Tasks",
        login=True,
        plain={
            200: "Server-sent events: each `task` is the task as an object, first as it is, then after each change of"
            " its status or progress. It ends when the task is over.",
            204: "The client has seen the end already (`Last-Event-ID: over`), and need not come again.",
        },
        errors=(403, 429),
    )
    async def events(self, call: Call) -> Answer | Stream:
        task = await self._queue.get(call.id())
        check_own(call.visitor, task)
        if task.over and call.request.header("Last-Event-ID") == _OVER:
            return Answer(status=204, body=b"", headers=[("Cache-Control", "no-store")])
        user_id = call.visitor.user_id
        if self._watching[user_id] >= WATCHED_MAX:
            raise TooManyRequests(f"You watch {WATCHED_MAX} tasks already.", retry_after=_RETRY_AFTER)
        return Stream(status=200, headers=_HEADERS, pieces=self._told(task, user_id))

    async def _told(self, task: Task, user_id: int | None) -> AsyncGenerator[bytes, None]:
        self._watching[user_id] += 1
        try:
            yield _event(task)
            if not task.over:
                async for piece in self._news(task):
                    yield piece
        finally:
            self._watching[user_id] -= 1
            if not self._watching[user_id]:
                del self._watching[user_id]

    async def _news(self, task: Task) -> AsyncGenerator[bytes, None]:
        watcher = self._watch.watch(task)
        try:
            while not watcher.ended:
                news = await watcher.next(_HEARTBEAT)
                if news is not None:
                    yield _event(news)
                    if news.over:
                        return
                elif not watcher.ended:
                    yield b": still watching\n\n"
        finally:
            watcher.close()


def _event(task: Task) -> bytes:
    """JSON has no line breaks in it."""
    number = f"id: {_OVER}\n" if task.over else ""
    return b"event: task\n%bdata: %b\n\n" % (number.encode("ascii"), envelope.encoded(task_object(task, user=None)))
