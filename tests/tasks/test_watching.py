"""Watching tasks: :mod:`qisd.tasks.watching`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any
from unittest import mock

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import StoreUnavailable
from qisd.store import tasks
from qisd.store.tasks import Task, TaskStatus
from qisd.tasks.watching import TaskWatch, Watcher


def task(number: int = 1, **values: Any) -> Task:
    fields: dict[str, Any] = {field.name: None for field in attrs.fields(Task)}
    return Task(**fields | {"id": number, "status": TaskStatus.ACTIVE, "progress_text": ""} | values)


class FakeQueue:
    """:ivar tell: tells news to whoever observes. :ivar again: tells that some may have been missed."""

    def observe(self, heard: Callable[[int, int, bool], None], *, again: Callable[[], None]) -> None:
        self.tell, self.again = heard, again


class WatchCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.queue: Any = FakeQueue()
        self.there = {1: task(1), 2: task(2)}
        self.asked: list[list[int]] = []
        self.error: Exception | None = None
        self.patch(tasks, "by_ids", self.by_ids)
        self.watch = TaskWatch(mock.Mock(), self.queue, reactor=self.clock)

    async def by_ids(self, db: object, numbers: Collection[int]) -> dict[int, Task]:
        self.asked.append(sorted(numbers))
        if self.error is not None:
            raise self.error
        return {number: one for number, one in self.there.items() if number in numbers}

    def next(self, watcher: Watcher, seconds: float = 15.0) -> Deferred[Task | None]:
        return Deferred.fromCoroutine(watcher.next(seconds))


class WatchTests(WatchCase):
    def test_news_of_the_status_come_at_once_and_of_the_progress_within_a_second(self) -> None:
        watcher = self.watch.watch(task(1))
        news = self.next(watcher)
        self.there[1] = task(1, progress=30.0)
        self.assertNoResult(news)
        self.clock.advance(1)
        self.assertEqual(self.successResultOf(news), task(1, progress=30.0))
        news = self.next(watcher)
        self.there[1] = task(1, status=TaskStatus.COMPLETE)
        self.queue.tell(1, 2, False)
        self.assertTrue(self.successResultOf(news).over)

    def test_what_came_while_nobody_asked_is_told_in_its_last_state(self) -> None:
        watcher = self.watch.watch(task(1))
        for progress in (10.0, 20.0):
            self.there[1] = task(1, progress=progress)
            self.clock.advance(1)
        self.assertEqual(self.successResultOf(self.next(watcher)), task(1, progress=20.0))
        self.assertNoResult(self.next(watcher))

    def test_what_changed_between_looking_and_watching_is_told(self) -> None:
        watcher = self.watch.watch(task(1, status=TaskStatus.PENDING))
        self.assertEqual(self.successResultOf(self.next(watcher)), task(1))

    def test_without_news_nothing_is_told_for_a_while(self) -> None:
        watcher = self.watch.watch(task(1))
        news = self.next(watcher, 15)
        self.clock.pump([1.0] * 14)
        self.assertNoResult(news)
        self.clock.advance(1)
        self.assertIsNone(self.successResultOf(news))
        self.assertFalse(watcher.ended)

    def test_many_watchers_are_one_question_a_second_and_none_is_no_question(self) -> None:
        watchers = [self.watch.watch(task(number)) for number in (1, 1, 1, 2, 2)]
        self.asked.clear()
        self.clock.pump([1.0] * 3)
        self.assertEqual(self.asked, [[1, 2]] * 3)
        self.queue.tell(7, 2, False)
        for watcher in watchers:
            watcher.close()
        self.clock.pump([1.0] * 3)
        self.assertEqual(len(self.asked), 3)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_the_database_may_be_away_for_a_while(self) -> None:
        watcher = self.watch.watch(task(1))
        news = self.next(watcher)
        self.error = StoreUnavailable()
        self.clock.advance(1)
        self.assertNoResult(news)
        self.error = None
        self.there[1] = task(1, progress=1.0)
        self.queue.again()
        self.assertEqual(self.successResultOf(news), task(1, progress=1.0))

    def test_a_task_that_is_removed_and_the_end_of_the_server_end_it(self) -> None:
        watcher, other = self.watch.watch(task(1)), self.watch.watch(task(2))
        news, others = self.next(watcher), self.next(other)
        del self.there[1]
        self.clock.advance(1)
        self.assertIsNone(self.successResultOf(news))
        self.assertEqual((watcher.ended, other.ended), (True, False))
        self.watch.stop()
        self.assertIsNone(self.successResultOf(others))
        self.assertTrue(self.watch.watch(task(2)).ended)
