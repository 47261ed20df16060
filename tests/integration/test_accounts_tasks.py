"""The tasks that let go of old entries and of users who were deleted long ago."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from qisd.accounts.audit import AuditLog
from qisd.accounts.tasks import jobs, task_types
from qisd.errors import BadParameter
from qisd.tasks.registry import TaskCancelled, TaskRun
from tests.integration.accounts import COMMAND, AccountsCase

NOW = datetime(2026, 5, 20, 13, 30, tzinfo=UTC)


class TaskTests(AccountsCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.types = {kind.name: kind for kind in task_types(audit=AuditLog(self.database), users=self.users)}

    def start(self, params: Any) -> TaskRun:
        return TaskRun(SimpleNamespace(params=params))  # type: ignore[arg-type]

    async def test_old_entries_go(self) -> None:
        self.sql(
            "insert into audit_log (actor_kind, action, time)"
            " select 'system', 'a.b', timestamptz '2026-05-01Z' + n * interval '1 day' from generate_series(0, 9) n"
        )
        run = self.start({"before_time": "2026-05-04T00:00:00Z"})
        self.assertEqual(await self.types["purge_audit_log"].run(run), 3)
        self.assertEqual(self.sql("select count(*) from audit_log"), [(7,)])

    async def test_a_purge_can_be_cancelled_between_its_steps(self) -> None:
        self.sql(
            "insert into audit_log (actor_kind, action, time)"
            " select 'system', 'a.b', now() - interval '1 day' from generate_series(1, 5001)"
        )
        run = self.start({"before_time": datetime.now(UTC).isoformat()})
        run.cancel()
        with self.assertRaises(TaskCancelled):
            await self.types["purge_audit_log"].run(run)
        self.assertEqual(self.sql("select count(*) from audit_log"), [(1,)])

    async def test_deleted_users_become_anonymous(self) -> None:
        user = await self.user("maria")
        await self.users.delete(COMMAND, user.id)
        kind = self.types["anonymise_deleted_users"]
        yesterday, tomorrow = (datetime.now(UTC) + timedelta(days=days) for days in (-1, 1))
        self.assertEqual(await kind.run(self.start({"before_time": yesterday.isoformat()})), 0)
        self.assertEqual(await kind.run(self.start({"before_time": tomorrow.isoformat()})), 1)
        self.assertEqual(self.audit()[-1][:3], (None, "user.anonymised", str(user.id)))

    async def test_nonsense_for_a_time_is_refused(self) -> None:
        for kind in self.types.values():
            for params in ({}, {"before_time": "x"}, {"before_time": 7}, {"before_time": None}):
                await self.fails(BadParameter, kind.run(self.start(params)))

    async def test_jobs_keep_what_the_settings_say_and_everything_for_zero(self) -> None:
        def params(audit: int, users: int) -> list[Any]:
            made = jobs(audit_keep_days=lambda: audit, deleted_users_keep_days=lambda: users, now=lambda: NOW)
            self.assertEqual({job.name for job in made}, set(self.types))
            return [job.params() for job in made]

        self.assertEqual(params(0, 0), [None, None])
        self.assertEqual(
            params(400, 30), [{"before_time": "2025-04-15T00:00:00Z"}, {"before_time": "2026-04-20T00:00:00Z"}]
        )
