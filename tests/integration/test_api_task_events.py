"""Watching a task over HTTP."""

from __future__ import annotations

import base64
import json
from types import MappingProxyType
from typing import Any

import treq
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from twisted.web.client import Agent, HTTPConnectionPool

from qisd.store import tasks
from qisd.store.tasks import NewTask, Task
from qisd.web.api import task_events
from tests.integration.api import ApiCase


class EventTests(ApiCase):
    settings = MappingProxyType({"tasks_enabled": False})

    async def setUp(self) -> None:
        await super().setUp()
        self.token = await self.admin()
        self.text = ""
        self.news: Deferred[None] = Deferred()

    async def task(self, user_id: int | None = 1) -> Task:
        new = NewTask(
            funcname="empty_trash", name="Empty the trash", params={"for": user_id}, user_id=user_id,
            priority=20, keep_for=60, log_level="", error_log_level="", max_attempts=1,
        )  # fmt: skip
        return await self.database.transaction(lambda db: tasks.add(db, new))

    async def open(self, number: int) -> Deferred[Any]:
        """Begin to watch; the result fires when the stream is over."""
        credentials = base64.b64encode(f"{self.token}:".encode()).decode()
        pool = HTTPConnectionPool(reactor, persistent=False)
        response = await treq.get(
            f"http://127.0.0.1:{self.port}/api/v1/admin/tasks/{number}/events/",
            headers={"Authorization": f"Basic {credentials}"},
            agent=Agent(reactor, pool=pool),
            unbuffered=True,
        )
        self.assertEqual(response.code, 200)
        self.assertEqual(response.headers.getRawHeaders("content-type"), ["text/event-stream; charset=utf-8"])
        return Deferred.fromCoroutine(_all(response, self.came))

    def came(self, data: bytes) -> None:
        self.text += data.decode()
        news, self.news = self.news, Deferred()
        news.callback(None)

    async def events(self, count: int) -> list[dict[str, Any]]:
        """All events so far, once there are so many."""
        while self.text.count("\n\n") < count:
            await self.news
        return [json.loads(line[6:]) for line in self.text.split("\n") if line.startswith("data: ")]

    async def test_each_change_is_an_event_until_it_is_over(self) -> None:
        task = await self.task()
        over = await self.open(task.id)
        (first,) = await self.events(1)
        self.assertEqual((first["id"], first["status"], first["name"]), (task.id, 0, "Empty the trash"))
        self.sql("update tasks set status = 1, locked_by = 'w', heartbeat = now() where id = %s", task.id)
        self.assertEqual((await self.events(2))[-1]["status"], 1)
        self.sql("update tasks set progress = 50, progress_text = 'half' where id = %s", task.id)
        last = (await self.events(3))[-1]
        self.assertEqual((last["progress"], last["progress_text"]), (0.5, "half"))
        self.sql("update tasks set status = 2, result = '{\"removed\": 3}' where id = %s", task.id)
        await over
        last = (await self.events(4))[-1]
        self.assertEqual((last["status"], last["result"]), (2, {"removed": 3}))
        self.assertIn("event: task\nid: over\ndata: ", self.text)

    async def test_whoever_has_seen_the_end_need_not_come_again(self) -> None:
        task = await self.task()
        self.sql("update tasks set status = 2, keep_until = now() + interval '1 hour' where id = %s", task.id)
        path = f"/admin/tasks/{task.id}/events/"
        reply = await self.call("GET", path, token=self.token)
        self.assertEqual((reply.status, reply.body.count(b"event: task")), (200, 1))
        reply = await self.call("GET", path, token=self.token, headers={"Last-Event-ID": "over"})
        self.assertEqual((reply.status, reply.body), (204, b""))

    async def test_one_user_watches_so_many_and_no_more(self) -> None:
        self.patch(task_events, "WATCHED_MAX", 1)
        task = await self.task()
        over = await self.open(task.id)
        await self.events(1)
        path = f"/admin/tasks/{task.id}/events/"
        reply = await self.call("GET", path, token=self.token)
        self.assertEqual((reply.status, reply.headers["retry-after"]), (429, "15"))
        self.sql("update tasks set status = 2, keep_until = now() + interval '1 hour' where id = %s", task.id)
        await over
        self.assertEqual((await self.call("GET", path, token=self.token)).status, 200)

    async def test_it_is_for_the_owner_and_super_users(self) -> None:
        person = await self.person()
        ((number,),) = self.sql("select max(id) from users")
        own, others = await self.task(int(number)), await self.task(None)
        self.sql("update tasks set status = 2, keep_until = now() + interval '1 hour'")
        for task, token, status in (
            (own, person, 200),
            (own, self.token, 200),
            (others, person, 403),
            (others, self.token, 200),
            (others, None, 401),
        ):
            reply = await self.call("GET", f"/admin/tasks/{task.id}/events/", token=token)
            self.assertEqual(reply.status, status)
        self.assertEqual((await self.call("GET", "/admin/tasks/999/events/", token=self.token)).status, 404)
        head = await self.call("HEAD", f"/admin/tasks/{own.id}/events/", token=self.token)
        self.assertEqual((head.status, head.body), (200, b""))

    async def test_a_watcher_that_leaves_is_forgotten(self) -> None:
        task = await self.task()
        client = await HostnameEndpoint(reactor, "127.0.0.1", self.port).connect(Factory.forProtocol(_Client))
        credentials = base64.b64encode(f"{self.token}:".encode()).decode()
        client.transport.write(
            f"GET /api/v1/admin/tasks/{task.id}/events/ HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Basic {credentials}\r\n\r\n".encode()
        )
        await client.heard
        watch = self.domain.background.watch
        self.assertTrue(watch.watching)
        client.transport.abortConnection()
        while watch.watching:
            await deferLater(reactor, 0.01)

    async def test_the_end_of_the_server_is_the_end_of_the_stream(self) -> None:
        task = await self.task()
        over = await self.open(task.id)
        await self.events(1)
        self.domain.end_streams()
        await over


async def _all(response: Any, came: Any) -> None:
    await treq.collect(response, came)


class _Client(Protocol):
    def __init__(self) -> None:
        self.heard: Deferred[None] = Deferred()
        self.data = b""

    def dataReceived(self, data: bytes) -> None:
        self.data += data
        if b"event: task" in self.data and not self.heard.called:
            self.heard.callback(None)
