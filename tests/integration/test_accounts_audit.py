"""The audit log on a real database."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2
from twisted.internet.defer import Deferred
from twisted.logger import LogEvent, globalLogPublisher

from qisd.access.auditing import actor_of
from qisd.access.visitor import SYSTEM
from qisd.accounts.audit import PAGE_MAX, AuditLog
from qisd.errors import BadParameter, Forbidden, NotAuthenticated, NotFound
from qisd.store import audit
from qisd.store.audit import AuditFilter
from qisd.store.pool import Transaction
from tests.integration.accounts import COMMAND, NASTY, AccountsCase


class AuditTests(AccountsCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.log = AuditLog(self.database)

    async def record(self, action: str, object_id: object = "", **more: Any) -> None:
        who = more.pop("who", SYSTEM)
        await audit.record(
            self.database,
            actor_of(who),
            action=action,
            object_type=action.partition(".")[0],
            object_id=object_id,
            **more,
        )

    async def ids(self, wanted: AuditFilter = AuditFilter(), **more: Any) -> list[int]:  # noqa: B008
        return [entry.id for entry in (await self.log.listed(COMMAND, wanted, **more)).items]

    async def test_an_entry_tells_who_did_what_and_when(self) -> None:
        before = datetime.now(UTC)
        await self.record("user.changed", 7, who=await self.visitor(1), before={"email": "a"}, after={"email": NASTY})
        ((entry,), total) = (lambda part: (part.items, part.total))(await self.log.listed(COMMAND))
        self.assertEqual(total, 1)
        self.assertTrue(before <= entry.time <= datetime.now(UTC))
        self.assertEqual((entry.actor.actor_id, entry.actor.actor_name, entry.actor.actor_kind), (1, "admin", "token"))
        self.assertEqual((entry.actor.address, entry.actor.request_id), ("192.0.2.7", "r1"))
        self.assertEqual((entry.action, entry.object_type, entry.object_id), ("user.changed", "user", "7"))
        self.assertEqual((entry.before, entry.after), ({"email": "a"}, {"email": NASTY}))

    async def test_the_server_the_command_and_strangers_are_told_apart(self) -> None:
        for who in (SYSTEM, COMMAND, await self.visitor(None)):
            await self.record("login.failed", who=who)
        self.assertEqual(
            self.sql("select actor_id, actor_name, actor_kind from audit_log order by id"),
            [(None, "system", "system"), (None, "command", "command"), (None, "", "anonymous")],
        )

    async def test_what_is_committed_is_told_for_the_file_too_and_what_is_not_is_not(self) -> None:
        told: list[dict[str, Any]] = []

        def observe(event: LogEvent) -> None:
            if "audit" in event:
                told.append(json.loads(event["audit"]))

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)

        async def fail(db: Transaction) -> None:
            await audit.record(db, actor_of(COMMAND), action="user.deleted", object_type="user", object_id=7)
            raise NotFound("there is nothing")

        await self.assertFailure(Deferred.fromCoroutine(self.database.transaction(fail)), NotFound)
        await self.record("user.changed", 7, after={"email": NASTY})
        self.assertEqual([(one["action"], one["object_id"]) for one in told], [("user.changed", "7")])

    async def test_texts_that_are_too_long_are_cut(self) -> None:
        await self.record("file.deleted", "x" * 2000)
        self.assertEqual(self.sql("select length(object_id) from audit_log"), [(64,)])

    async def test_reading_takes_permissions_administration(self) -> None:
        maria = await self.user("maria", "admin_users", "admin_files")
        chief = await self.user("chief", "admin_permissions")
        for visitor, error in ((await self.visitor(None), NotAuthenticated), (await self.visitor(maria.id), Forbidden)):
            await self.fails(error, self.log.listed(visitor))
            await self.fails(error, self.exported(visitor))
        self.assertEqual((await self.log.listed(await self.visitor(chief.id))).total, 2)

    async def test_entries_are_filtered(self) -> None:
        await self.record("user.created", 7, who=await self.visitor(1))
        await self.record("user.changed", 7)
        await self.record("username.changed", 8)
        await self.record("group.changed", 7)
        self.sql("alter table audit_log disable trigger append_only")
        self.sql("update audit_log set time = timestamptz '2026-01-01 00:00Z' + (id - 1) * interval '1 day'")
        self.assertEqual(await self.ids(), [4, 3, 2, 1])
        day = datetime(2026, 1, 2, tzinfo=UTC)
        for wanted, ids in (
            (AuditFilter(actor_id=1), [1]),
            (AuditFilter(actor_name="ADMIN"), [1]),
            (AuditFilter(action="user"), [2, 1]),
            (AuditFilter(action="user.changed"), [2]),
            (AuditFilter(object_type="group"), [4]),
            (AuditFilter(object_type="user", object_id="7"), [2, 1]),
            (AuditFilter(since=day), [4, 3, 2]),
            (AuditFilter(until=day), [1]),
            (AuditFilter(since=day, until=day + timedelta(days=2)), [3, 2]),
            (AuditFilter(action="user", actor_id=1, since=day), []),
            (AuditFilter(actor_id=2**63), []),
            (AuditFilter(action="%", actor_name="_", object_id=NASTY), []),
        ):
            self.assertEqual(await self.ids(wanted), ids, wanted)

    async def test_bad_filters_are_refused(self) -> None:
        day = datetime(2026, 1, 2, tzinfo=UTC)
        for wanted in (
            AuditFilter(action="\0"),
            AuditFilter(object_id="x" * 121),
            AuditFilter(actor_name="\ud800"),
            AuditFilter(since=day, until=day - timedelta(1)),
        ):
            await self.fails(BadParameter, self.log.listed(COMMAND, wanted))
        await self.fails(BadParameter, self.log.listed(COMMAND, start=-1))

    async def test_pages_go_down_by_id_and_are_bounded(self) -> None:
        self.sql("insert into audit_log (actor_kind, action) select 'system', 'a.b' from generate_series(1, 1002)")
        part = await self.log.listed(COMMAND, limit=5000)
        self.assertEqual((len(part.items), part.total), (PAGE_MAX, 1002))
        self.assertEqual(await self.ids(below=part.items[-1].id), [2, 1])
        self.assertEqual(await self.ids(below=2**63, limit=1), [1002])
        self.assertEqual(await self.ids(start=1000), [2, 1])

    async def exported(self, visitor: Any) -> list[audit.AuditEntry]:
        return [one async for page in self.log.export(visitor) for one in page]

    async def test_an_export_has_all_of_it_and_is_recorded(self) -> None:
        self.sql("insert into audit_log (actor_kind, action) select 'system', 'a.b' from generate_series(1, 2001)")
        exported = await self.exported(await self.visitor(1))
        self.assertEqual([one.id for one in exported], list(range(2002, 0, -1)))
        self.assertEqual((exported[0].action, exported[0].actor.actor_name), ("audit.exported", "admin"))

    async def test_what_is_too_old_goes_and_nothing_else(self) -> None:
        self.sql(
            "insert into audit_log (actor_kind, action, time)"
            " select 'system', 'a.b', now() - n * interval '1 day' from generate_series(0, 10) n"
        )
        self.assertEqual(await self.log.purge(before=datetime.now(UTC) - timedelta(days=4.5)), 6)
        self.assertEqual(self.sql("select min(id), max(id) from audit_log"), [(1, 5)])
        self.assertEqual(await self.log.purge(before=datetime.now(UTC) - timedelta(days=4.5)), 0)

    async def test_thousands_go_too(self) -> None:
        self.sql(
            "insert into audit_log (actor_kind, action, time)"
            " select 'system', 'a.b', now() - interval '1 day' from generate_series(1, 5001)"
        )
        told: list[int] = []

        async def progress(gone: int) -> None:
            told.append(gone)

        self.assertEqual(await self.log.purge(before=datetime.now(UTC), progress=progress), 5001)
        self.assertEqual(told, [5000])

    async def test_entries_can_t_be_changed(self) -> None:
        await self.record("user.created", 7)
        with self.assertRaises(psycopg2.Error):
            self.sql("update audit_log set action = 'x'")

    async def test_an_entry_of_a_change_that_fails_is_not_kept(self) -> None:
        class Stop(Exception):
            pass

        async def work(db: Any) -> None:
            await audit.record(db, actor_of(SYSTEM), action="user.created")
            raise Stop

        with self.assertRaises(Stop):
            await self.database.transaction(work)
        self.assertEqual(self.audit(), [])
