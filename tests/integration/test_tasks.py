from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import attrs
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from qisd.errors import AlreadyExists, NotFound, Refused, StoreUnavailable
from qisd.store import tasks
from qisd.store.pool import Database
from qisd.store.tasks import NewTask, Task, TaskStatus
from qisd.tasks.queue import TaskQueue
from qisd.tasks.registry import TaskRun, TaskType, TaskTypes
from qisd.tasks.worker import TaskWorker, Timings
from tests.integration.database import DatabaseCase, server
from tests.integration.postgres import REPOSITORY

QUICK = Timings(poll=0.05, beat=0.05, lost_after=60, retry=0.01)
"""Everything at a speed for tests, but that nobody counts as lost who is only slow."""


async def pause(seconds: float = 0.01) -> None:
    await deferLater(reactor, seconds)


async def until(true: Callable[[], object]) -> None:
    for _ in range(2000):
        if true():
            return
        await pause()
    raise AssertionError("it doesn't come about")


class Gate:
    """Lets tasks wait until the test opens it."""

    def __init__(self) -> None:
        self.waiting: list[Deferred[None]] = []

    async def passed(self) -> None:
        self.waiting.append(Deferred())
        await self.waiting[-1]

    def open(self) -> None:
        waiting, self.waiting = self.waiting, []
        for one in waiting:
            one.callback(None)


class TaskStoreTests(DatabaseCase):
    """Rows of tasks and what may become of them."""

    async def add(self, funcname: str = "work", **values: Any) -> Task:
        params = values.pop("params", {})
        new = NewTask(funcname=funcname, name="Work", params=params, **values)
        return await self.database.transaction(lambda transaction: tasks.add(transaction, new))

    async def claim(self, *, worker: str = "me", limit: int = 10, funcnames: tuple[str, ...] = ("work",)) -> list[Task]:
        return await self.database.transaction(
            lambda transaction: tasks.claim(transaction, worker=worker, funcnames=funcnames, limit=limit)
        )

    async def finish(self, number: int, *, worker: str = "me", status: TaskStatus = TaskStatus.COMPLETE) -> bool:
        return await self.database.transaction(
            lambda transaction: tasks.finish(transaction, number, worker=worker, status=status, result={"a": [1]})
        )

    async def rescue(self, *, repeatable: tuple[str, ...] = ()) -> tuple[list[int], list[int]]:
        return await self.database.transaction(
            lambda transaction: tasks.rescue(
                transaction, silent_for=60, repeatable=repeatable, known=("work",), error="lost"
            )
        )

    async def test_a_new_task_is_pending_with_all_that_was_said_of_it(self) -> None:
        task = await self.add(params={"b": 1, "a": [None, "ü"]}, user_id=1, priority=10, keep_for=60)
        self.assertEqual(task.params, {"b": 1, "a": [None, "ü"]})
        self.assertEqual((task.status, task.user_id, task.priority, task.keep_for), (TaskStatus.PENDING, 1, 10, 60))
        self.assertEqual((task.result, task.progress, task.locked_by, task.over), (None, None, None, False))
        self.assertEqual(await tasks.by_id(self.database, task.id), task)

    async def test_long_names_are_cut(self) -> None:
        new = NewTask(funcname="work", name="x" * 101, params={})
        task = await self.database.transaction(lambda transaction: tasks.add(transaction, new))
        self.assertEqual(task.name, "x" * 97 + "...")

    async def test_an_equal_task_exists_until_the_first_is_over(self) -> None:
        first = await self.add(params={"a": 1, "b": 2})
        with self.assertRaises(AlreadyExists) as caught:
            await self.add(params={"b": 2, "a": 1})
        self.assertEqual(caught.exception.existing, first)
        self.assertIn("already exists", caught.exception.message)
        await self.add(params={"a": 1, "b": 3})
        await self.claim()
        with self.assertRaises(AlreadyExists):
            await self.add(params={"a": 1, "b": 2})
        await self.finish(first.id)
        second = await self.add(params={"a": 1, "b": 2})
        self.assertNotEqual(second.id, first.id)

    async def test_a_transaction_is_still_good_after_an_equal_task_was_found(self) -> None:
        await self.add()

        async def work(transaction: Any) -> None:
            with self.assertRaises(AlreadyExists):
                await tasks.add(transaction, NewTask(funcname="work", name="", params={}))
            await transaction.execute("insert into properties values ('x', 'y')")

        await self.database.transaction(work)
        self.assertEqual(self.sql("select value from properties where key = 'x'"), [("y",)])

    async def test_the_most_urgent_and_then_the_oldest_are_claimed_first(self) -> None:
        low, normal, later, high = [
            (await self.add(params={"n": n}, priority=priority)).id for n, priority in enumerate((30, 20, 20, 10))
        ]
        self.assertEqual([task.id for task in await self.claim(limit=2)], [high, normal])
        self.assertEqual([task.id for task in await self.claim()], [later, low])
        self.assertEqual(await self.claim(), [])

    async def test_a_claimed_task_is_active_and_says_whose_it_is(self) -> None:
        await self.add()
        (task,) = await self.claim(worker="host/1")
        self.assertEqual((task.status, task.locked_by, task.attempts), (TaskStatus.ACTIVE, "host/1", 1))
        self.assertIsNotNone(task.started)
        self.assertIsNotNone(task.heartbeat)

    async def test_types_that_a_worker_does_not_know_are_left_to_others(self) -> None:
        await self.add("strange")
        self.assertEqual(await self.claim(), [])
        self.assertEqual(len(await self.claim(funcnames=("work", "strange"))), 1)

    async def test_tasks_that_are_not_due_yet_wait(self) -> None:
        await self.add()
        self.sql("update tasks set run_after = now() + interval '1 minute'")
        self.assertEqual(await self.claim(), [])

    async def test_only_its_worker_writes_about_a_task(self) -> None:
        number = (await self.add()).id
        await self.claim(worker="me")
        self.assertFalse(await self.finish(number, worker="other"))
        await tasks.set_progress(self.database, number, worker="other", percent=5, text="mine")
        beats = await self.database.transaction(
            lambda transaction: tasks.beat(transaction, worker="other", numbers=[number])
        )
        self.assertEqual(beats, {})
        put_back = await self.database.transaction(
            lambda transaction: tasks.put_back(transaction, number, worker="other")
        )
        self.assertFalse(put_back)
        task = await tasks.by_id(self.database, number)
        assert task is not None
        self.assertEqual((task.status, task.progress), (TaskStatus.ACTIVE, None))
        self.assertTrue(await self.finish(number))
        self.assertFalse(await self.finish(number))

    async def test_a_finished_task_has_its_result_and_is_kept_as_long_as_was_said(self) -> None:
        kept, not_kept = await self.add(params={"n": 1}, keep_for=60), await self.add(params={"n": 2})
        await self.claim()
        for task in (kept, not_kept):
            await self.finish(task.id)
        done = await tasks.by_id(self.database, kept.id)
        assert done is not None
        assert done.keep_until is not None
        assert done.finished is not None
        self.assertEqual((done.status, done.result, done.progress), (TaskStatus.COMPLETE, {"a": [1]}, 100))
        self.assertEqual((done.keep_until - done.finished).total_seconds(), 60)
        await tasks.remove_finished(self.database)
        self.assertEqual(self.sql("select count(*) from tasks"), [(2,)])
        self.sql("update tasks set finished = finished - interval '11 seconds'")
        await tasks.remove_finished(self.database)
        self.assertEqual(self.sql("select id from tasks"), [(kept.id,)])
        self.sql("update tasks set keep_until = now()")
        await tasks.remove_finished(self.database)
        self.assertEqual(self.sql("select count(*) from tasks"), [(0,)])

    async def test_a_kept_task_is_found_by_type_and_parameters(self) -> None:
        task = await self.add(params={"a": 1, "b": 2}, keep_for=60)

        async def kept(params: Mapping[str, Any]) -> int | None:
            found = await tasks.find_kept(self.database, funcname="work", params=params)
            return found.id if found else None

        self.assertIsNone(await kept({"a": 1, "b": 2}))
        await self.claim()
        await self.finish(task.id)
        self.assertEqual(await kept({"b": 2, "a": 1}), task.id)
        self.assertIsNone(await kept({"a": 1}))
        self.sql("update tasks set keep_until = now()")
        self.assertIsNone(await kept({"a": 1, "b": 2}))

    async def test_an_export_outlives_its_task(self) -> None:
        task = await self.add()
        self.sql("insert into folios (id, human_id, owner_id) values (1, 'x', 1)")
        self.sql("insert into folioexports (folio_id, task_id) values (1, %s)", task.id)
        self.sql("update tasks set status = 3, finished = now() - interval '1 hour'")
        await tasks.remove_finished(self.database)
        self.assertEqual(self.sql("select task_id from folioexports"), [(None,)])

    async def test_a_waiting_task_is_cancelled_at_once_and_a_running_one_is_asked(self) -> None:
        running = await self.add(params={"n": 1})
        await self.claim()
        waiting = await self.add(params={"n": 2}, keep_for=5)

        async def cancel(number: int) -> Task | None:
            return await self.database.transaction(lambda transaction: tasks.cancel(transaction, number))

        cancelled = await cancel(waiting.id)
        assert cancelled is not None
        self.assertEqual(cancelled.status, TaskStatus.CANCELLED)
        self.assertEqual(cancelled.result["exception"]["type"], "cancelled")
        self.assertIsNotNone(cancelled.keep_until)
        asked = await cancel(running.id)
        assert asked is not None
        self.assertEqual((asked.status, asked.cancel_requested, asked.finished), (TaskStatus.ACTIVE, True, None))
        await self.finish(running.id)
        over = await cancel(running.id)
        assert over is not None
        self.assertEqual(over.status, TaskStatus.COMPLETE)
        self.assertIsNone(await cancel(987654))

    async def test_what_failed_or_was_cancelled_can_be_tried_again(self) -> None:
        task = await self.add(keep_for=100)
        await self.claim()
        await self.finish(task.id, status=TaskStatus.FAILED)

        async def retry(number: int) -> Task | None:
            return await self.database.transaction(lambda transaction: tasks.retry(transaction, number))

        again = await retry(task.id)
        assert again is not None
        self.assertEqual(
            (again.status, again.attempts, again.result, again.error, again.finished, again.keep_until),
            (TaskStatus.PENDING, 0, None, None, None, None),
        )
        self.assertEqual((await retry(task.id)), again)
        await self.database.transaction(lambda transaction: tasks.cancel(transaction, task.id))
        await self.add()
        with self.assertRaises(AlreadyExists):
            await retry(task.id)
        self.assertIsNone(await retry(987654))

    async def test_the_tasks_of_silent_workers_wait_again_or_have_failed(self) -> None:
        task = await self.add(keep_for=10)
        await self.claim()
        self.assertEqual(await self.rescue(repeatable=("work",)), ([], []))
        self.sql("update tasks set heartbeat = now() - interval '61 seconds'")
        self.assertEqual(await self.rescue(repeatable=("work",)), ([task.id], []))
        (again,) = await self.claim(worker="other")
        self.assertEqual(again.attempts, 2)
        self.assertFalse(await self.finish(task.id, worker="me"))
        self.sql("update tasks set heartbeat = now() - interval '61 seconds'")
        self.assertEqual(await self.rescue(), ([], [task.id]))
        failed = await tasks.by_id(self.database, task.id)
        assert failed is not None
        self.assertEqual((failed.status, failed.error), (TaskStatus.FAILED, "lost"))
        self.assertEqual(failed.result, {"exception": {"type": "lost", "message": "lost"}})
        self.assertIsNotNone(failed.keep_until)

    async def test_a_task_that_kills_its_workers_is_not_tried_for_ever(self) -> None:
        task = await self.add()
        for attempt in (1, 2, 3):
            (claimed,) = await self.claim()
            self.assertEqual(claimed.attempts, attempt)
            self.sql("update tasks set heartbeat = now() - interval '61 seconds'")
            last = await self.rescue(repeatable=("work",))
        self.assertEqual(last, ([], [task.id]))

    async def test_a_lost_task_that_nobody_wanted_any_more_is_cancelled(self) -> None:
        task = await self.add()
        await self.claim()
        self.sql("update tasks set heartbeat = now() - interval '61 seconds', cancel_requested = true")
        self.assertEqual(await self.rescue(repeatable=("work",)), ([], [task.id]))
        self.assertEqual(self.sql("select status from tasks"), [(4,)])

    async def test_lists_are_filtered_and_come_in_pages(self) -> None:
        numbers = [(await self.add(params={"n": n}, user_id=1 if n % 2 else None)).id for n in range(6)]
        self.sql("update tasks set status = 2 where id = %s", numbers[0])

        async def listed(**values: Any) -> list[int]:
            return [task.id for task in await tasks.listed(self.database, limit=3, **values)]

        self.assertEqual(await listed(), numbers[:2:-1])
        self.assertEqual(await listed(below=numbers[3]), numbers[2::-1])
        self.assertEqual(await listed(start=4), [numbers[1], numbers[0]])
        self.assertEqual(await listed(statuses=[2, 3]), [numbers[0]])
        self.assertEqual(await listed(user_id=1), [numbers[5], numbers[3], numbers[1]])
        self.assertEqual(await listed(funcname="other"), [])
        self.assertEqual(await tasks.count(self.database), 6)
        self.assertEqual(await tasks.count(self.database, statuses=[0]), 5)


class WorkingCase(DatabaseCase):
    """A queue and workers that run at full speed."""

    pool_size = 4

    async def setUp(self) -> None:
        await super().setUp()
        self.gate = Gate()
        self.ran: list[Mapping[str, Any]] = []
        self.types = TaskTypes()
        self.queue = TaskQueue(self.database, self.types, reactor=reactor)
        self.queue.start()
        self.addCleanup(self.queue.stop)

    def define(self, run: Callable[[TaskRun], Any], name: str = "work", **values: Any) -> None:
        self.types.add([TaskType(name=name, title=name.title(), run=run, **values)])

    def worker(self, *, at_once: int = 5, **timings: float) -> TaskWorker:
        """A worker at work, which is stopped at the end."""
        worker = TaskWorker(
            self.database,
            self.queue,
            self.types,
            reactor=reactor,
            at_once=at_once,
            timings=attrs.evolve(QUICK, **timings),
        )
        worker.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(worker.stop(0.1)))
        return worker

    async def change(self, sql: str) -> None:
        """Change what workers are at: waiting for their locks must not keep them from going on."""
        await self.database.execute(sql)

    async def add(self, name: str = "work", **params: object) -> Task:
        return await self.queue.add(name, params, user_id=None)

    async def outcome(self, task: Task) -> Task:
        done = await self.queue.wait(task.id, 20)
        self.assertTrue(done.over)
        return done


class WorkerTests(WorkingCase):
    """Tasks are run, once, and whatever happens."""

    async def test_a_task_is_run_and_its_result_is_there_at_once(self) -> None:
        async def run(run: TaskRun) -> object:
            return {"doubled": run.params["n"] * 2}

        self.define(run)
        self.worker(poll=30)
        done = await self.outcome(await self.add(n=21))
        self.assertEqual((done.status, done.result, done.error), (TaskStatus.COMPLETE, {"doubled": 42}, None))
        self.assertEqual((done.name, done.progress, done.locked_by), ("Work", 100, None))

    async def test_tasks_that_were_there_before_are_run_too(self) -> None:
        async def run(run: TaskRun) -> None:
            self.ran.append(run.params)

        self.define(run)
        added = [await self.add(n=n) for n in range(7)]
        self.worker(at_once=2, poll=30)
        for task in added:
            await self.outcome(task)
        self.assertEqual(sorted(params["n"] for params in self.ran), list(range(7)))

    async def test_no_more_run_at_once_than_allowed(self) -> None:
        async def run(run: TaskRun) -> None:
            await self.gate.passed()

        self.define(run)
        worker = self.worker(at_once=2)
        added = [await self.add(n=n) for n in range(5)]
        for waiting in (2, 2, 1):
            await until(lambda: len(self.gate.waiting) == worker.running == waiting)  # noqa: B023
            self.assertEqual(self.sql("select count(*) from tasks where status = 1"), [(waiting,)])
            self.gate.open()
        for task in added:
            await self.outcome(task)

    async def test_two_workers_on_two_pools_run_each_of_200_tasks_once(self) -> None:
        runs: Counter[int] = Counter()
        by: Counter[str] = Counter()

        async def run(run: TaskRun) -> None:
            runs[run.params["n"]] += 1
            by[str(run.task.locked_by)] += 1
            await pause(0)

        self.define(run)
        other = Database(self.url, reactor=reactor, size=3)
        await other.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(other.stop()))
        other_queue = TaskQueue(other, self.types, reactor=reactor)
        other_queue.start()
        self.addCleanup(other_queue.stop)
        self.sql(
            "insert into tasks (name, funcname, params, dedup_key)"
            " select '', 'work', jsonb_build_object('n', n), n from generate_series(1, 200) as n"
        )
        workers = [
            TaskWorker(database, queue, self.types, reactor=reactor, at_once=3, timings=QUICK)
            for database, queue in ((self.database, self.queue), (other, other_queue))
        ]
        for worker in workers:
            worker.start()
            self.addCleanup(lambda worker=worker: Deferred.fromCoroutine(worker.stop(1)))
        await until(lambda: self.sql("select count(*) from tasks where status = 2") == [(200,)])
        self.assertEqual(set(runs), set(range(1, 201)))
        self.assertEqual(set(runs.values()), {1})
        self.assertEqual(set(by), {worker.name for worker in workers})

    async def test_an_error_of_the_domain_is_told_and_another_one_is_not(self) -> None:
        async def refused(run: TaskRun) -> None:
            raise Refused("The folder isn't empty", detail="/secret")

        async def broken(run: TaskRun) -> None:
            raise KeyError("secret of the program")

        self.define(refused)
        self.define(broken, "broken")
        self.worker()
        done = await self.outcome(await self.add())
        self.assertEqual((done.status, done.error), (TaskStatus.FAILED, "The folder isn't empty"))
        self.assertEqual(done.result, {"exception": {"type": "refused", "message": "The folder isn't empty"}})
        done = await self.outcome(await self.add("broken"))
        self.assertEqual((done.status, done.result["exception"]["type"]), (TaskStatus.FAILED, "internal"))
        self.assertNotIn("secret", str(done))
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    async def test_a_result_that_is_no_json_fails_the_task(self) -> None:
        results = [object(), float("nan"), "a\0b", "\ud800"]

        async def run(run: TaskRun) -> object:
            return results[run.params["n"]]

        self.define(run)
        self.worker()
        for n in range(len(results)):
            done = await self.outcome(await self.add(n=n))
            self.assertEqual((done.status, done.result["exception"]["type"]), (TaskStatus.FAILED, "internal"))
        self.assertEqual(len(self.flushLoggedErrors()), len(results))

    async def test_an_error_that_may_pass_is_tried_again_as_often_as_the_type_allows(self) -> None:
        async def run(run: TaskRun) -> str:
            self.ran.append({"attempts": run.task.attempts, "error": run.task.error})
            if run.task.attempts < run.params["good"]:
                raise StoreUnavailable(detail="away")
            return "at last"

        self.define(run, max_attempts=3)
        self.worker()
        done = await self.outcome(await self.add(good=3))
        self.assertEqual((done.status, done.result), (TaskStatus.COMPLETE, "at last"))
        self.assertEqual([entry["attempts"] for entry in self.ran], [1, 2, 3])
        self.assertIsNotNone(self.ran[1]["error"])
        done = await self.outcome(await self.add(good=4))
        self.assertEqual((done.status, done.attempts), (TaskStatus.FAILED, 3))

    async def test_the_pauses_between_attempts_grow(self) -> None:
        async def run(run: TaskRun) -> None:
            raise StoreUnavailable(detail="away")

        self.define(run, max_attempts=5)
        self.worker(retry=1000)
        task = await self.add()
        pauses = []
        for attempt in (1, 2, 3):
            await until(lambda: self.sql("select attempts from tasks where status = 0") == [(attempt,)])  # noqa: B023
            ((seconds,),) = self.sql("select extract(epoch from run_after - started)::float from tasks")
            pauses.append(seconds)
            await self.change("update tasks set run_after = now()")
        self.assertEqual([round(seconds / 100) for seconds in pauses], [10, 36, 36])
        await self.queue.cancel(task.id)

    async def test_an_error_that_will_not_pass_is_not_tried_again(self) -> None:
        async def run(run: TaskRun) -> None:
            raise NotFound("gone")

        self.define(run, max_attempts=3)
        self.worker()
        done = await self.outcome(await self.add())
        self.assertEqual((done.status, done.attempts), (TaskStatus.FAILED, 1))

    async def test_progress_is_written(self) -> None:
        async def run(run: TaskRun) -> None:
            await run.progress(40.0, "4 of 10\0")
            await run.progress(50.0, "5 of 10")
            await self.gate.passed()

        self.define(run)
        self.worker(beat=30)
        task = await self.add()
        await until(lambda: self.gate.waiting)
        seen = await self.queue.get(task.id)
        self.assertEqual((seen.progress, seen.progress_text), (40.0, "4 of 10"))
        self.gate.open()
        await self.outcome(task)

    async def test_held_back_progress_is_written_with_the_next_beat(self) -> None:
        async def run(run: TaskRun) -> None:
            await run.progress(40.0, "4 of 10")
            await run.progress(50.0, "5 of 10")
            await self.gate.passed()

        self.define(run)
        self.worker()
        task = await self.add()
        await until(lambda: self.sql("select progress_text from tasks") == [("5 of 10",)])
        self.gate.open()
        await self.outcome(task)

    async def test_a_running_task_hears_at_once_that_it_shall_end(self) -> None:
        async def run(run: TaskRun) -> None:
            while True:
                run.check_cancelled()
                await pause()

        self.define(run)
        self.worker(beat=30, poll=30)
        task = await self.add()
        await until(lambda: self.sql("select 1 from tasks where status = 1"))
        await self.queue.cancel(task.id)
        done = await self.outcome(task)
        self.assertEqual((done.status, done.result["exception"]["type"]), (TaskStatus.CANCELLED, "cancelled"))

    async def test_a_task_that_does_not_look_may_come_to_its_end(self) -> None:
        async def run(run: TaskRun) -> str:
            await self.gate.passed()
            return "done"

        self.define(run)
        self.worker()
        task = await self.add()
        await until(lambda: self.gate.waiting)
        await self.queue.cancel(task.id)
        self.gate.open()
        self.assertEqual((await self.outcome(task)).status, TaskStatus.COMPLETE)

    async def test_a_task_that_another_worker_has_now_is_ended_and_says_nothing_more(self) -> None:
        ended: list[BaseException] = []

        async def run(run: TaskRun) -> None:
            try:
                await self.gate.passed()
            except CancelledError as error:
                ended.append(error)
                raise

        self.define(run)
        self.worker()
        task = await self.add()
        await until(lambda: self.gate.waiting)
        await self.change("update tasks set locked_by = 'other/1', heartbeat = now() + interval '1 hour'")
        await until(lambda: ended)
        self.assertEqual(self.sql("select status, locked_by from tasks"), [(1, "other/1")])
        self.assertFalse((await self.queue.get(task.id)).over)

    async def test_what_got_lost_in_the_answer_to_a_claim_is_claimed_again(self) -> None:
        async def run(run: TaskRun) -> int:
            return run.task.attempts

        self.define(run)
        original = self.database.transaction

        async def broken(work: Any) -> Any:
            await original(work)
            raise StoreUnavailable(detail="the answer was lost")

        self.database.transaction = broken  # type: ignore[method-assign]
        self.sql("insert into tasks (name, funcname, params, dedup_key) values ('', 'work', '{}', 'x')")
        worker = self.worker(poll=30, beat=30)
        await until(lambda: worker._unsure and worker._claiming is None)
        self.database.transaction = original  # type: ignore[method-assign]
        ((number, owner),) = self.sql("select id, locked_by from tasks")
        self.assertEqual(owner, worker.name)
        await self.add(n=1)
        done = await self.queue.wait(number, 20)
        self.assertEqual(done.result, 1)

    async def test_errors_of_the_loops_end_nothing(self) -> None:
        async def run(run: TaskRun) -> None:
            pass

        self.define(run)
        self.worker()
        await self.change("alter table tasks rename to hidden")
        await until(lambda: len(self.flushLoggedErrors()) >= 1)
        await pause(0.2)
        await self.change("alter table hidden rename to tasks")
        await self.outcome(await self.add())
        await pause(0.1)
        self.flushLoggedErrors()

    async def test_stopping_waits_for_what_runs(self) -> None:
        async def run(run: TaskRun) -> str:
            await self.gate.passed()
            return "done"

        self.define(run)
        worker = self.worker()
        task = await self.add()
        await until(lambda: self.gate.waiting)
        stopping = Deferred.fromCoroutine(worker.stop(20))
        other = await self.add(n=2)
        await pause(0.1)
        self.assertNoResult(stopping)
        self.gate.open()
        await stopping
        self.assertEqual((await self.queue.get(task.id)).status, TaskStatus.COMPLETE)
        self.assertEqual((await self.queue.get(other.id)).status, TaskStatus.PENDING)

    async def test_what_does_not_end_in_time_is_given_back_or_has_failed(self) -> None:
        async def run(run: TaskRun) -> None:
            await self.gate.passed()

        self.define(run, "again", repeatable=True)
        self.define(run, "once")
        worker = self.worker()
        again, once = await self.add("again"), await self.add("once")
        await until(lambda: len(self.gate.waiting) == 2)
        await worker.stop(0.05)
        given_back, failed = await self.queue.get(again.id), await self.queue.get(once.id)
        self.assertEqual((given_back.status, given_back.attempts), (TaskStatus.PENDING, 0))
        self.assertEqual((failed.status, failed.result["exception"]["type"]), (TaskStatus.FAILED, "lost"))
        self.assertEqual(worker.running, 0)

    async def test_the_end_of_a_task_is_written_when_the_database_is_back(self) -> None:
        async def run(run: TaskRun) -> str:
            await self.gate.passed()
            return "done"

        self.define(run)
        worker = self.worker()
        task = await self.add()
        await until(lambda: self.gate.waiting)
        original = self.database.transaction
        refused: list[object] = []

        async def away(work: Any) -> Any:
            refused.append(work)
            raise StoreUnavailable(detail="away")

        self.database.transaction = away  # type: ignore[method-assign]
        self.gate.open()
        await until(lambda: len(refused) > 3)
        self.assertEqual(worker.running, 1)
        self.database.transaction = original  # type: ignore[method-assign]
        self.assertEqual((await self.outcome(task)).result, "done")


class CrashTests(WorkingCase):
    """A process that is killed in the middle of a task."""

    async def killed_at(self, name: str) -> Task:
        """A task that a process has begun, which was then killed."""
        task = await self.add(name)
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.fake_worker", server().url(self.name), name],
            stdout=subprocess.PIPE,
            cwd=REPOSITORY,
        )
        assert child.stdout is not None
        try:
            self.assertEqual(child.stdout.readline(), b"begun\n")
        finally:
            child.kill()
            child.wait()
            child.stdout.close()
        return task

    async def test_the_task_of_a_killed_process_is_run_by_another_one(self) -> None:
        async def run(run: TaskRun) -> int:
            return run.task.attempts

        self.define(run, "hangs", repeatable=True)
        task = await self.killed_at("hangs")
        self.assertEqual(self.sql("select status, attempts from tasks"), [(1, 1)])
        self.worker(lost_after=0.5)
        done = await self.outcome(task)
        self.assertEqual((done.status, done.result), (TaskStatus.COMPLETE, 2))

    async def test_a_task_that_may_not_be_repeated_has_failed_then(self) -> None:
        async def run(run: TaskRun) -> None:
            self.ran.append(run.params)

        self.define(run, "hangs")
        task = await self.killed_at("hangs")
        self.worker(lost_after=0.5)
        done = await self.outcome(task)
        self.assertEqual((done.status, done.result["exception"]["type"]), (TaskStatus.FAILED, "lost"))
        self.assertEqual(self.ran, [])


class QueueTests(WorkingCase):
    """Adding and waiting."""

    async def test_waiting_ends_with_the_time_too(self) -> None:
        async def run(run: TaskRun) -> None:
            pass

        self.define(run)
        task = await self.add()
        self.assertEqual((await self.queue.wait(task.id, 0.05)).status, TaskStatus.PENDING)
        self.assertEqual((await self.queue.wait(task.id, 0)).status, TaskStatus.PENDING)

    async def test_several_wait_for_one_task_and_one_of_them_may_go_away(self) -> None:
        async def run(run: TaskRun) -> str:
            await self.gate.passed()
            return "done"

        self.define(run)
        self.worker()
        task = await self.add()
        waiting = [Deferred.fromCoroutine(self.queue.wait(task.id, 20)) for _ in range(3)]
        await until(lambda: self.gate.waiting)
        waiting[0].cancel()
        await self.assertFailure(waiting[0], CancelledError)
        self.gate.open()
        results = await gatherResults(waiting[1:])
        self.assertEqual([done.result for done in results], ["done", "done"])

    async def test_a_task_that_is_gone_is_not_found(self) -> None:
        for call in (self.queue.get, self.queue.cancel, self.queue.retry, lambda number: self.queue.wait(number, 1)):
            with self.assertRaises(NotFound):
                await call(987654)

    async def test_a_queue_that_does_not_listen_looks_by_itself(self) -> None:
        async def run(run: TaskRun) -> str:
            return "done"

        self.define(run)
        deaf = TaskQueue(self.database, self.types, reactor=reactor)
        task = await self.add()
        waiting = Deferred.fromCoroutine(deaf.wait(task.id, 20))
        self.worker()
        done = await waiting
        self.assertEqual(done.result, "done")

    async def test_what_happens_while_nothing_is_heard_is_seen_afterwards(self) -> None:
        async def run(run: TaskRun) -> str:
            return "done"

        self.define(run)
        task = await self.add()
        waiting = Deferred.fromCoroutine(self.queue.wait(task.id, 20))
        await until(lambda: self.queue._listening)
        ((listener,),) = self.sql("select pid from pg_stat_activity where query = 'listen qis_tasks'")
        self.sql("select pg_terminate_backend(%s)", listener)
        self.worker()
        self.assertEqual((await waiting).result, "done")

    async def test_nonsense_on_the_channel_is_ignored(self) -> None:
        async def run(run: TaskRun) -> str:
            return "done"

        self.define(run)
        self.worker()
        await until(lambda: self.queue._listening)
        for text in ("", "x", "1", "1 x", "99999999999999999999 0", "5 17 cancel me"):
            self.sql("select pg_notify('qis_tasks', %s)", text)
        self.assertEqual((await self.outcome(await self.add())).result, "done")

    async def test_a_task_added_in_a_transaction_is_there_only_when_that_is_committed(self) -> None:
        async def run(run: TaskRun) -> str:
            return "done"

        self.define(run)

        async def work(transaction: Any) -> None:
            await self.queue.add("work", {}, user_id=1, db=transaction)
            raise Refused("no")

        with self.assertRaises(Refused):
            await self.database.transaction(work)
        self.assertEqual(self.sql("select count(*) from tasks"), [(0,)])
        with self.assertRaises(KeyError):
            await self.queue.add("nobody knows it", {}, user_id=1)


class NeverStartedTests(TestCase):
    """Workers that weren't started."""

    async def test_they_can_be_stopped(self) -> None:
        database = Database("postgresql:///nowhere", reactor=reactor)
        types = TaskTypes()
        worker = TaskWorker(database, TaskQueue(database, types, reactor=reactor), types, reactor=reactor)
        await worker.stop()
        self.assertEqual(worker.running, 0)
