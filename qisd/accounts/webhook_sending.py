"""Tells webhooks what has happened: signed, in order, and again when they did not take it.

A message is a POST with the headers of the Standard Webhooks specification. One that is not answered well is tried
again for a day, at growing intervals; the others need not wait for it, unless the address can't be reached at all. It
may come twice: receivers know it by its id.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping

from twisted.logger import Logger

from qisd.accounts.webhooks import key_of
from qisd.errors import AlreadyExists
from qisd.store import webhooks
from qisd.store.pool import Database
from qisd.store.webhooks import Delivery, Webhook
from qisd.tasks.queue import TaskQueue
from qisd.tasks.registry import TaskRun, TaskType
from qisd.tasks.schedule import Job

_log = Logger()

DELIVER, LOOK = "deliver_webhook", "look_for_deliveries"

GIVE_UP_SECONDS = 86_400.0
_FIRST_PAUSE, _LONGEST_PAUSE = 60.0, 14_400.0
_AT_ONCE = 50
_GONE = 410


class Unreachable(Exception):
    """Nobody answers at an address. The text says why."""


Post = Callable[[str, Mapping[str, str], bytes], Awaitable[int]]
"""Sends a body with headers to an address, and returns the status of the answer.

:raises Unreachable: there is none.
"""


class WebhookSending:
    """The tasks that do it.

    :param seconds: since 1970.
    """

    def __init__(self, database: Database, *, queue: TaskQueue, post: Post, seconds: Callable[[], float]) -> None:
        self._database = database
        self._queue = queue
        self._post = post
        self._seconds = seconds

    def task_types(self) -> list[TaskType]:
        """What the task worker needs to know. Tasks to deliver are queued by the database itself too."""
        return [
            TaskType(
                name=DELIVER,
                title=lambda params: f"Tell webhook {params['webhook_id']}",
                run=self.deliver,
                priority=30,
                log_level="debug",
                error_log_level="warn",
                repeatable=True,
            ),
            TaskType(
                name=LOOK,
                title="Look for messages that webhooks are to be told again",
                run=self.look,
                priority=30,
                log_level="debug",
                repeatable=True,
            ),
        ]

    def jobs(self) -> list[Job]:
        return [Job(name=LOOK, interval_secs=60)]

    async def look(self, run: TaskRun) -> None:
        """Queue what is due again, and drop what has been tried for too long."""
        dropped = await self._database.transaction(lambda db: webhooks.give_up(db, seconds=GIVE_UP_SECONDS))
        for webhook_id, count in dropped.items():
            _log.warn("webhook {id} could not be told of {count} events", id=webhook_id, count=count)
        for webhook_id in await webhooks.with_due(self._database):
            try:
                await self._queue.add(DELIVER, {"webhook_id": webhook_id}, user_id=None)
            except AlreadyExists:
                continue

    async def deliver(self, run: TaskRun) -> object:
        """Tell one webhook all that is due."""
        webhook_id = int(run.params["webhook_id"])
        told = 0
        while True:
            webhook = await webhooks.by_id(self._database, webhook_id)
            if webhook is None or not webhook.active or webhook.blocked:
                break
            due = await webhooks.due(self._database, webhook_id, limit=_AT_ONCE)
            for delivery in due:
                run.check_cancelled()
                try:
                    told += await self._tell(webhook, delivery)
                except Unreachable:
                    return {"told": told}
            if not due:
                break
        return {"told": told}

    async def _tell(self, webhook: Webhook, delivery: Delivery) -> bool:
        """Whether it took it.

        :raises Unreachable: it can't be told anything now.
        """
        body = body_of(delivery)
        headers = signed(delivery, body, secret=webhook.secret, timestamp=int(self._seconds()))
        try:
            status = await self._post(webhook.url, headers, body)
        except Unreachable as error:
            await webhooks.postpone(self._database, delivery, seconds=0, error=str(error))
            await webhooks.block(self._database, webhook.id, seconds=pause_after(webhook.failures + 1))
            _log.info("webhook {id} can't be reached: {reason}", id=webhook.id, reason=error)
            raise
        if 200 <= status <= 299:
            await webhooks.delivered(self._database, delivery)
            return True
        if status == _GONE:
            await webhooks.switch_off(self._database, webhook.id)
            _log.warn("webhook {id} says that it is gone, and is switched off", id=webhook.id)
            raise Unreachable("gone")
        pause = pause_after(delivery.attempts + 1)
        await webhooks.postpone(self._database, delivery, seconds=pause, error=f"answered with {status}")
        return False


def pause_after(attempts: int) -> float:
    """Seconds to wait after so many failed attempts."""
    return min(_FIRST_PAUSE * 4.0 ** (min(attempts, 20) - 1), _LONGEST_PAUSE)


def body_of(delivery: Delivery) -> bytes:
    """What is sent."""
    content = {
        "type": delivery.event,
        "timestamp": delivery.created.isoformat().replace("+00:00", "Z"),
        "data": dict(delivery.data),
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def signed(delivery: Delivery, body: bytes, *, secret: str, timestamp: int) -> dict[str, str]:
    """The headers that say which message it is, when it was sent, and that it is ours."""
    number = f"msg_{delivery.message_id.hex}"
    content = f"{number}.{timestamp}.".encode("ascii") + body
    signature = base64.b64encode(hmac.new(key_of(secret), content, hashlib.sha256).digest()).decode("ascii")
    return {
        "webhook-id": number,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
        "Content-Type": "application/json",
    }
