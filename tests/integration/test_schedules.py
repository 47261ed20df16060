from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import Clock

from qisd.pools.files import FilePool
from qisd.store import schedules
from qisd.store.pool import Database
from qisd.store.schedules import Schedule as Row
from qisd.tasks import housekeeping
from qisd.tasks.queue import TaskQueue
from qisd.tasks.registry import TaskRun, TaskType, TaskTypes
from qisd.tasks.schedule import DAY, Job, Schedule
from tests.integration.database import DatabaseCase


async def nothing(run: TaskRun) -> None:
    """The work of tasks that are never run here."""


class ScheduleCase(DatabaseCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.types = TaskTypes([TaskType(name=name, title=name, run=nothing) for name in ("hourly", "daily")])
        self.params: Mapping[str, Any] | None = {"n": 1}

    def schedule(self, *jobs: Job, database: Database | None = None, **values: Any) -> Schedule:
        database = database or self.database
        given = {"reactor": reactor, **values}
        return Schedule(database, TaskQueue(database, self.types, reactor=reactor), jobs, **given)

    def hourly(self, **values: Any) -> Job:
        return Job(name="hourly", interval_secs=3600, params=lambda: self.params, **values)

    def due(self, seconds: int = 0) -> None:
        self.sql("update schedules set next_run = now() - make_interval(secs => %s)", seconds)

    def tasks(self) -> list[Any]:
        return self.sql("select funcname, params, user_id from tasks order by id")

    async def rows(self) -> list[Row]:
        return await schedules.listed(self.database)


class ScheduleTests(ScheduleCase):
    """Jobs are begun when their time has come."""

    async def test_a_new_job_is_due_a_minute_after_the_first_start(self) -> None:
        await self.schedule(self.hourly(), Job(name="daily", interval_secs=DAY, first_secs=3600)).look()
        self.assertEqual(self.tasks(), [])
        ((first, second),) = self.sql(
            "select max(extract(epoch from next_run - now())) filter (where name = 'hourly')::float,"
            " max(extract(epoch from next_run - now())) filter (where name = 'daily')::float from schedules"
        )
        self.assertTrue(0 < first <= 60)
        self.assertTrue(3500 < second <= 3600)

    async def test_a_job_that_is_due_becomes_a_task_and_is_due_again_after_its_interval(self) -> None:
        schedule = self.schedule(self.hourly())
        await schedule.look()
        self.due(10)
        await schedule.look()
        self.assertEqual(self.tasks(), [("hourly", {"n": 1}, None)])
        (row,) = await self.rows()
        self.assertEqual((row.last_result, row.interval_secs), ("started", 3600))
        assert row.last_run is not None
        self.assertEqual(round((row.next_run - row.last_run).total_seconds(), -1), 3590)
        self.assertEqual(self.sql("select id from tasks"), [(row.last_task,)])
        await schedule.look()
        self.assertEqual(len(self.tasks()), 1)

    async def test_times_that_were_missed_are_not_made_up_for(self) -> None:
        schedule = self.schedule(self.hourly())
        await schedule.look()
        self.due(5 * 3600 + 600)
        await schedule.look()
        self.assertEqual(len(self.tasks()), 1)
        ((seconds,),) = self.sql("select extract(epoch from next_run - last_run)::float from schedules")
        self.assertEqual(round(seconds, -1), 3000)

    async def test_while_the_task_of_the_time_before_goes_on_no_other_is_added(self) -> None:
        schedule = self.schedule(self.hourly())
        await schedule.look()
        for _ in range(2):
            self.due()
            await schedule.look()
        self.assertEqual(len(self.tasks()), 1)
        self.assertEqual((await self.rows())[0].last_result, "busy")

    async def test_a_job_with_nothing_to_do_is_skipped(self) -> None:
        self.params = None
        schedule = self.schedule(self.hourly())
        await schedule.look()
        self.due()
        await schedule.look()
        self.assertEqual(self.tasks(), [])
        (row,) = await self.rows()
        self.assertEqual((row.last_result, row.last_task), ("skipped", None))

    async def test_a_job_that_can_not_be_begun_does_not_hold_up_others(self) -> None:
        def broken() -> Mapping[str, Any]:
            raise KeyError("no setting")

        schedule = self.schedule(
            Job(name="daily", interval_secs=DAY, params=broken),
            Job(name="unknown to this server", interval_secs=DAY),
            self.hourly(),
        )
        await schedule.look()
        self.due()
        self.sql("update schedules set next_run = now() - interval '1 hour' where name <> 'hourly'")
        await schedule.look()
        self.assertEqual([name for name, _, _ in self.tasks()], ["hourly"])
        self.assertEqual(
            {row.name: row.last_result for row in await self.rows()},
            {"daily": "failed", "unknown to this server": "failed", "hourly": "started"},
        )
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 2)

    async def test_jobs_of_other_servers_are_left_to_them(self) -> None:
        self.sql("insert into schedules (name, interval_secs, next_run) values ('other', 1, now())")
        await self.schedule(self.hourly()).look()
        self.assertEqual(self.tasks(), [])

    async def test_a_shorter_interval_holds_at_once(self) -> None:
        await self.schedule(Job(name="daily", interval_secs=DAY, first_secs=DAY)).look()
        await self.schedule(Job(name="daily", interval_secs=60, first_secs=DAY)).look()
        self.assertEqual(
            self.sql("select interval_secs, next_run <= now() + interval '60 seconds' from schedules"), [(60, True)]
        )

    async def test_of_many_servers_that_look_at_the_same_time_one_adds_the_task(self) -> None:
        others = [Database(self.url, reactor=reactor, size=1) for _ in range(3)]
        for database in others:
            await database.start()
            self.addCleanup(lambda database=database: Deferred.fromCoroutine(database.stop()))
        looking = [self.schedule(self.hourly(), database=database) for database in (self.database, *others)]
        for number in range(10):
            self.params = {"n": number}
            await gatherResults([Deferred.fromCoroutine(schedule.look()) for schedule in looking])
            self.due()
            await gatherResults([Deferred.fromCoroutine(schedule.look()) for schedule in looking])
        self.assertEqual([params["n"] for _, params, _ in self.tasks()], list(range(10)))

    async def test_it_looks_once_a_minute_and_no_error_ends_that(self) -> None:
        clock = Clock()
        schedule = self.schedule(self.hourly(), reactor=clock)
        looks: list[float] = []

        async def look() -> None:
            looks.append(clock.seconds())
            raise RuntimeError("what")

        self.patch(schedule, "look", look)
        schedule.start()
        clock.pump([30] * 5)
        self.assertEqual(looks, [0, 60, 120])
        schedule.stop()
        clock.pump([30] * 5)
        self.assertEqual(len(looks), 3)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 3)

    async def test_a_schedule_that_was_not_started_can_be_stopped(self) -> None:
        schedule = self.schedule(self.hourly())
        schedule.stop()
        await schedule.look()
        self.assertEqual(len(await self.rows()), 1)


class HousekeepingJobTests(ScheduleCase):
    """The jobs of the server's own house."""

    async def test_they_fit_their_types_and_purge_by_whole_days(self) -> None:
        now = datetime(2026, 3, 9, 23, 59, tzinfo=UTC)
        self.types = TaskTypes(
            housekeeping.task_types(
                database=self.database, files=FilePool(reactor), temp_dir=lambda: None, now=lambda: now
            )
        )
        days = 365
        schedule = self.schedule(*housekeeping.jobs(keep_days=lambda: days, now=lambda: now))
        await schedule.look()
        self.assertEqual({row.interval_secs for row in await self.rows()}, {DAY})
        self.due()
        await schedule.look()
        border = {"before_time": "2025-03-09T00:00:00Z"}
        self.assertEqual(
            {name: params for name, params, _ in self.tasks()},
            {
                "delete_old_temp_files": {},
                "roll_up_stats": {},
                "purge_system_stats": border,
                "purge_image_stats": border,
            },
        )
        days = 0
        self.sql("delete from tasks")
        self.due()
        await schedule.look()
        self.assertEqual(sorted(name for name, _, _ in self.tasks()), ["delete_old_temp_files", "roll_up_stats"])
