"""Migrations, first run, pool and templates against real PostgreSQL servers."""

from __future__ import annotations

import atexit
import contextlib
import functools
import re
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar

import psycopg2
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase, TestCase

from qisd.access.passwords import first_password, verify_password
from qisd.errors import StartupError, StoreUnavailable
from qisd.imaging.rules import Choices
from qisd.imaging.template import parse_template
from qisd.store import link, migrate
from qisd.store.first_run import PASSWORD_FILE
from qisd.store.migrate import HARMLESS, migrate_and_seed
from qisd.store.pool import Database, Transaction
from qisd.store.templates import TemplateStore
from qisd.store.timeline import Timelines
from tests.integration.postgres import REPOSITORY, PostgresServer, places, require_services

GROUPS = ["Created Public group", "Created Normal users group", "Created Administrators group"]
REST = ["Created root folder", "Created default folder permissions", "Created default image templates"]


@functools.cache
def server(name: str) -> PostgresServer:
    """One running server for all tests that don't stop it."""
    started = PostgresServer(places()[name])
    atexit.register(started.remove)
    return started


class DatabaseMixin:
    """A fresh database for each test."""

    place: ClassVar[str] = "Wheel18"

    def setUp(self) -> None:
        require_services()
        self.server = self.the_server()
        self.name = self.server.new_database()
        self.url = self.server.url(self.name)
        self.state = Path(tempfile.mkdtemp(prefix="qt-state-"))
        self.addCleanup(shutil.rmtree, self.state)  # type: ignore[attr-defined]
        self.lines: list[str] = []

    def the_server(self) -> PostgresServer:
        return server(self.place)

    def prepare(self, *, password: str = "", migrations: str | None = None, **more: Any) -> None:
        migrate_and_seed(
            self.url,
            first_password=lambda: first_password(password),
            state_dir=self.state,
            log=self.lines.append,
            **({"migrations": migrations} if migrations else {}),
            **more,
        )

    def sql(self, sql: str, *parameters: object) -> list[tuple[object, ...]]:
        return self.server.run_sql(self.name, sql, parameters)

    def first_run_lines(self) -> list[str]:
        return [line for line in self.lines if line.startswith("Created")]


class FirstRunMixin(DatabaseMixin):
    """What must hold on every version of the server."""

    def test_a_first_run_creates_what_a_new_installation_begins_with(self) -> None:
        self.prepare()
        *before, admin, folder, permissions, templates = self.first_run_lines()
        assert before == GROUPS
        assert [folder, permissions, templates] == REST
        told = re.fullmatch(r"Created default admin user with password ([A-Za-z0-9]{10})", admin)
        assert told is not None
        file = self.state / PASSWORD_FILE
        assert file.read_text() == f"{told[1]}\n"
        assert file.stat().st_mode & 0o777 == 0o600
        ((stored,),) = self.sql("select password from users")
        assert verify_password(str(stored), told[1])
        self.check_rows()

    def check_rows(self) -> None:
        assert self.sql("select id, name, group_type from groups order by id") == [
            (1, "Public", 1),
            (2, "Normal users", 1),
            (3, "Administrators", 1),
        ]
        flags = "folios, reports, admin_users, admin_files, admin_folios, admin_permissions, admin_all"
        assert self.sql(f"select group_id, {flags} from syspermissions order by 1") == [
            (1, *[False] * 7),
            (2, *[False] * 7),
            (3, *[True] * 7),
        ]
        assert self.sql(
            "select id, username, first_name, last_name, email, auth_type, allow_api, status from users"
        ) == [(1, "admin", "Administrator", "", "", 1, True, 1)]
        assert self.sql("select user_id, group_id from usergroups order by 2") == [(1, 2), (1, 3)]
        assert self.sql("select id, name, path, parent_id, status from folders") == [(1, "", "/", None, 1)]
        assert self.sql("select id, folder_id, group_id, access from folderpermissions order by 1") == [
            (1, 1, 1, 10),
            (2, 1, 2, 10),
        ]
        standard = {"quality": 80, "strip": True, "colorspace": "rgb", "record_stats": True, "expiry_secs": 604800}
        assert {
            name: {field: entry["value"] for field, entry in document.items()}  # type: ignore[attr-defined]
            for name, document in self.sql("select name, template from imagetemplates")
        } == {
            "Default": standard,
            "SmallJpeg": {"format": "jpg", "width": 200, "height": 200, **standard},
            "Precache": {"width": 800, "height": 600, "size_fit": True, "record_stats": False},
        }
        properties = dict(self.sql("select key, value from properties"))
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", str(properties.pop("cluster_id")))
        assert properties == {
            "db_migration_version": "1",
            "fp_version": "1",
            "foliop_version": "1",
            "template_version": "1",
            "pubimage_default_template": "default",
        }

    def test_a_second_start_changes_nothing(self) -> None:
        self.prepare()
        before = self.sql("select key, value from properties order by 1")
        self.lines.clear()
        self.prepare()
        assert self.lines == []
        assert self.sql("select key, value from properties order by 1") == before

    def test_servers_that_start_together_make_one_set(self) -> None:
        errors: list[BaseException] = []

        def start() -> None:
            try:
                self.prepare()
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=start) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert errors == []
        admin = [line for line in self.first_run_lines() if "admin user" in line]
        assert len(admin) == 1
        assert [line for line in self.first_run_lines() if line not in admin] == GROUPS + REST
        self.check_rows()


for _name in places():
    globals()[f"{_name}FirstRunTests"] = type(
        f"{_name}FirstRunTests", (FirstRunMixin, SynchronousTestCase), {"place": _name, "__module__": __name__}
    )


class MigrationTests(DatabaseMixin, SynchronousTestCase):
    """Migrations and first run, further cases."""

    def migrations(self, **files: str) -> str:
        folder = self.state / "migrations"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / f"{name}.sql").write_text(text)
        return str(folder)

    def tables(self) -> set[object]:
        found = self.sql("select table_name from information_schema.tables where table_schema = 'public'")
        return {name for (name,) in found if not str(name).startswith("_yoyo")}

    def test_the_database_hands_out_ids_behind_those_of_the_first_run(self) -> None:
        self.prepare()
        self.assertEqual(self.sql("insert into groups (name) values ('Staff') returning id"), [(4,)])
        self.assertEqual(
            self.sql("insert into folders (name, path, parent_id) values ('a', '/a', 1) returning id"), [(2,)]
        )
        self.assertEqual(self.sql("insert into users (username, password) values ('x', 'y') returning id"), [(2,)])

    def test_a_given_password_is_used_and_told_to_nobody(self) -> None:
        self.prepare(password="correct horse ä")
        self.assertIn("Created default admin user with the given password", self.lines)
        self.assertNotIn("correct horse", "".join(self.lines))
        self.assertFalse((self.state / PASSWORD_FILE).exists())
        ((stored,),) = self.sql("select password from users")
        self.assertTrue(verify_password(str(stored), "correct horse ä"))

    def test_when_the_password_can_not_be_written_nothing_is_created(self) -> None:
        with self.assertRaisesRegex(StartupError, "can't be written"):
            self.prepare_in(self.state / "missing")
        self.assertEqual(self.first_run_lines(), [])
        self.assertEqual(self.sql("select count(*) from groups"), [(0,)])
        self.prepare()
        self.assertEqual(self.sql("select id from groups order by id"), [(1,), (2,), (3,)])

    def prepare_in(self, state: Path) -> None:
        self.state, kept = state, self.state
        try:
            self.prepare()
        finally:
            self.state = kept

    def test_a_used_database_only_gets_the_properties_it_lacks(self) -> None:
        self.prepare()
        self.sql("delete from imagetemplates")
        self.sql("update properties set value = ' ' where key = 'cluster_id'")
        self.sql("update properties set value = 'other' where key = 'pubimage_default_template'")
        self.lines.clear()
        self.prepare()
        self.assertEqual(self.lines, [])
        self.assertEqual(self.sql("select count(*) from imagetemplates"), [(0,)])
        properties = dict(self.sql("select key, value from properties"))
        self.assertGreater(len(str(properties["cluster_id"])), 30)
        self.assertEqual(properties["pubimage_default_template"], "other")

    def test_a_failed_migration_leaves_nothing_of_itself_and_keeps_those_before(self) -> None:
        bad = self.migrations(
            **{"0001_good": "create table good (n int);", "0002_bad": "create table half (n int); select 1/0;"}
        )
        with self.assertRaisesRegex(StartupError, "migration 0002_bad failed: division by zero") as raised:
            self.prepare(migrations=bad)
        self.assertEqual(raised.exception.exit_code, 3)
        self.assertEqual(self.tables(), {"good"})
        self.assertEqual(self.lines, ["Applied schema migration 0001_good"])
        self.assertEqual(self.sql("select migration_id from _yoyo_migration"), [("0001_good",)])

    def test_a_mended_migration_runs_at_the_next_start(self) -> None:
        with self.assertRaises(StartupError):
            self.prepare(migrations=self.migrations(**{"0001_a": "create table half (n int); select 1/0;"}))
        shutil.copytree(REPOSITORY / "qisd/store/migrations", self.state / "migrations", dirs_exist_ok=True)
        self.prepare(migrations=self.migrations(**{"0001_a": "create table whole (n int);"}))
        self.assertIn("whole", self.tables())
        self.assertNotIn("half", self.tables())

    def test_a_schema_newer_than_the_program_is_refused(self) -> None:
        self.prepare()
        self.sql("insert into _yoyo_migration values ('x', '0099_future', now())")
        for noted in ("'compatible since 0099_future'", "null"):
            self.sql(f"comment on table _yoyo_migration is {noted}")
            with self.assertRaisesRegex(StartupError, "newer than this program.*0099_future") as raised:
                self.prepare()
            self.assertEqual(raised.exception.exit_code, 3)

    def test_with_what_a_newer_program_has_only_added_this_one_goes_on(self) -> None:
        ours, newer = REPOSITORY / "qisd/store/migrations", self.state / "migrations"
        shutil.copytree(ours, newer)
        self.prepare(migrations=self.migrations(**{"0099_added": f"{HARMLESS}\ncreate table added (n int);"}))
        self.lines.clear()
        self.prepare()
        self.assertRegex(self.lines[0], "newer than this program, which can go on with it.*0099_added")
        self.prepare(migrations=self.migrations(**{"0098_changed": "create table changed (n int);"}))
        with self.assertRaisesRegex(StartupError, "newer than this program"):
            self.prepare()

    def test_a_server_older_than_13_is_refused(self) -> None:
        self.patch(migrate, "OLDEST_SERVER", 990000)
        with self.assertRaisesRegex(StartupError, "it must be 99 or newer") as raised:
            self.prepare()
        self.assertEqual(raised.exception.exit_code, 3)
        self.assertEqual(self.tables(), set())

    def test_a_database_in_another_encoding_is_refused(self) -> None:
        self.server.run_sql(
            "postgres", "create database latin encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0"
        )
        self.url = self.server.url("latin")
        with self.assertRaisesRegex(StartupError, "LATIN1; it must be UTF8"):
            self.prepare()

    def test_a_server_that_is_away_is_not_the_fault_of_a_migration(self) -> None:
        self.url = "postgresql:///x?host=/nonexistent"
        with self.assertRaises(StoreUnavailable):
            self.prepare()

    def test_the_limit_for_ordinary_statements_does_not_stop_a_long_migration(self) -> None:
        self.url += "&options=-cstatement_timeout%3D50"
        with self.assertRaisesRegex(StartupError, "can't be prepared"):  # there is no table of users in this one
            self.prepare(migrations=self.migrations(**{"0001_long": "do $$begin perform pg_sleep(0.2); end$$;"}))
        self.assertEqual(self.lines, ["Applied schema migration 0001_long"])

    def test_the_schema_keeps_out_what_breaks_its_rules(self) -> None:
        self.prepare()
        for statement in (
            "insert into users (username, password) values ('ADMIN', 'x')",
            "insert into users (username, password) values ('x', '')",
            "insert into folders (name, path, parent_id) values ('b', '/a', 1)",
            "insert into folders (name, path, parent_id) values ('', '/a/', 1)",
            "insert into folders (name, path) values ('a', '/a')",
            "insert into folderpermissions (folder_id, group_id, access) values (1, 3, 15)",
            "insert into images (src, folder_id) values ('/a.jpg', 1)",
            "insert into imagetemplates (name) values ('DEFAULT')",
            "insert into imagetemplates (name, template) values ('x', '[]')",
        ):
            with self.subTest(statement=statement), self.assertRaises(psycopg2.IntegrityError):
                self.sql(statement)

    def test_what_a_group_owns_goes_with_it_and_a_used_folder_stays(self) -> None:
        self.prepare()
        self.sql("insert into images (src, folder_id) values ('a.jpg', 1)")
        with self.assertRaises(psycopg2.IntegrityError):
            self.sql("delete from folders")
        self.sql("delete from groups where id = 2")
        self.assertEqual(self.sql("select count(*) from usergroups"), [(1,)])
        self.assertEqual(self.sql("select count(*) from syspermissions"), [(2,)])
        self.assertEqual(self.sql("select count(*) from folderpermissions"), [(1,)])


def as_test(test: Callable[[Any], Awaitable[None]]) -> Callable[[Any], Deferred[None]]:
    """Lets a coroutine be a test."""

    @functools.wraps(test)
    def run(case: Any) -> Deferred[None]:
        return Deferred.fromCoroutine(test(case))  # type: ignore[arg-type]

    return run


class PoolMixin(DatabaseMixin):
    """Makes pools that are stopped at the end of the test."""

    async def pool(self, *, size: int = 2, query_timeout: float = 10.0, url: str | None = None) -> Database:
        database = Database(url or self.url, reactor=reactor, size=size, query_timeout=query_timeout)
        self.addCleanup(lambda: Deferred.fromCoroutine(database.stop()))  # type: ignore[attr-defined]
        await database.start()
        while sum(link.connection is not None for link in database._links) < size:
            await self.pause()
        return database

    async def pause(self, seconds: float = 0.02) -> None:
        await deferLater(reactor, seconds)

    async def until(self, true: Callable[[], object]) -> None:
        for _ in range(1000):
            if true():
                return
            await self.pause(0.01)
        raise AssertionError("it doesn't come about")

    def backends(self) -> list[int]:
        return [
            int(str(pid))
            for (pid,) in self.sql(
                "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            )
        ]


class DatabaseTests(PoolMixin, TestCase):
    """The pool against a server that stays."""

    timeout = 300

    @as_test
    async def test_queries_get_rows_and_parameters(self) -> None:
        database = await self.pool()
        self.assertEqual(await database.query("select %s::text, %s", ("50 % 'ä'", 7)), [("50 % 'ä'", 7)])
        await database.execute("create table t (n int)")
        await database.execute("insert into t values (%s)", (3,))
        self.assertEqual(await database.query("select n from t"), [(3,)])

    @as_test
    async def test_many_callers_share_few_connections(self) -> None:
        database = await self.pool(size=2)
        work = [Deferred.fromCoroutine(database.query("select %s, pg_backend_pid()", (n,))) for n in range(50)]
        answers = [(await deferred)[0] for deferred in work]
        self.assertEqual([number for number, _ in answers], list(range(50)))
        self.assertLessEqual(len({pid for _, pid in answers}), 2)

    @as_test
    async def test_a_statement_in_error_is_its_callers_and_the_connection_stays(self) -> None:
        database = await self.pool(size=1)
        (before,) = await database.query("select pg_backend_pid()")
        with self.assertRaises(psycopg2.errors.UndefinedTable):
            await database.query("select * from nowhere")
        with self.assertRaises(psycopg2.ProgrammingError):
            await database.query("select %s", (object(),))
        self.assertEqual(await database.query("select pg_backend_pid()"), [before])

    @as_test
    async def test_a_transaction_is_committed_as_a_whole(self) -> None:
        database = await self.pool()

        async def work(transaction: Transaction) -> str:
            await transaction.execute("create table t (n int)")
            await self.pause()
            await transaction.execute("insert into t values (1), (2)")
            self.assertEqual(await database.query("select to_regclass('t')"), [(None,)])
            return "done"

        self.assertEqual(await database.transaction(work), "done")
        self.assertEqual(await database.query("select count(*) from t"), [(2,)])

    @as_test
    async def test_a_transaction_whose_work_fails_is_rolled_back(self) -> None:
        database = await self.pool(size=1)

        async def work(transaction: Transaction) -> None:
            await transaction.execute("create table t (n int)")
            raise KeyError("x")

        with self.assertRaises(KeyError):
            await database.transaction(work)
        self.assertEqual(await database.query("select to_regclass('t')"), [(None,)])

    @as_test
    async def test_a_transaction_that_hides_a_failed_statement_is_no_success(self) -> None:
        database = await self.pool(size=1)

        async def work(transaction: Transaction) -> None:
            await transaction.execute("create table t (n int)")
            with contextlib.suppress(psycopg2.Error):
                await transaction.query("select 1/0")

        with self.assertRaises(psycopg2.errors.DivisionByZero):
            await database.transaction(work)
        self.assertEqual(await database.query("select to_regclass('t')"), [(None,)])

    @as_test
    async def test_a_statement_that_takes_too_long_is_unavailability(self) -> None:
        database = await self.pool(size=1, query_timeout=0.2)
        with self.assertRaises(StoreUnavailable):
            await database.query("select pg_sleep(60)")
        await self.until(lambda: not database._in_use)
        self.assertEqual(await database.query("select 1"), [(1,)])

    @as_test
    async def test_waiting_too_long_for_a_connection_is_unavailability_and_does_not_run_later(self) -> None:
        database = await self.pool(size=1, query_timeout=0.3)
        await database.execute("create table t (n int)")
        slow = Deferred.fromCoroutine(database.query("select pg_sleep(0.29)"))
        others = [Deferred.fromCoroutine(database.query("select pg_sleep(0.25)")) for _ in range(2)]
        late = Deferred.fromCoroutine(database.execute("insert into t values (1)"))
        for deferred in (*others, late):
            await self.assertFailure(deferred, StoreUnavailable)
        await slow.addErrback(lambda failure: failure.trap(StoreUnavailable))
        await self.until(lambda: not database._in_use)
        self.assertEqual(await database.query("select count(*) from t"), [(0,)])

    @as_test
    async def test_a_caller_that_goes_away_harms_neither_statement_nor_connection(self) -> None:
        database = await self.pool(size=1)
        await database.execute("create table t (n int)")
        gone = Deferred.fromCoroutine(database.execute("insert into t select 1 from pg_sleep(0.1)"))
        await self.pause()
        gone.cancel()
        await self.assertFailure(gone, CancelledError)
        self.assertEqual(await database.query("select count(*) from t"), [(1,)])

    @as_test
    async def test_what_is_given_up_before_its_turn_is_never_run(self) -> None:
        database = await self.pool(size=1)
        await database.execute("create table t (n int)")
        running = Deferred.fromCoroutine(database.query("select pg_sleep(0.1)"))
        gone = Deferred.fromCoroutine(database.execute("insert into t values (1)"))
        gone.cancel()
        await self.assertFailure(gone, CancelledError)
        await running
        self.assertEqual(await database.query("select count(*) from t"), [(0,)])

    @as_test
    async def test_a_transaction_whose_caller_goes_away_between_statements_is_rolled_back(self) -> None:
        database = await self.pool(size=1)
        begun: Deferred[None] = Deferred()

        async def work(transaction: Transaction) -> None:
            await transaction.execute("create table t (n int)")
            begun.callback(None)
            await self.pause(0.05)
            await transaction.execute("insert into t values (1)")

        gone = Deferred.fromCoroutine(database.transaction(work))
        await begun
        gone.cancel()
        await self.assertFailure(gone, CancelledError)
        self.assertEqual(await database.query("select to_regclass('t')"), [(None,)])

    @as_test
    async def test_a_read_survives_the_loss_of_its_connection(self) -> None:
        database = await self.pool(size=2)
        for pid in self.backends():
            self.sql("select pg_terminate_backend(%s)", pid)
        self.assertEqual(await database.query("select 1"), [(1,)])
        await self.until(lambda: len(database._idle) == 2)

    @as_test
    async def test_a_connection_lost_while_it_is_idle_is_noticed_and_replaced(self) -> None:
        database = await self.pool(size=1)
        (old,) = self.backends()
        self.sql("select pg_terminate_backend(%s)", old)
        await self.until(lambda: self.backends() not in ([old], []))
        await self.until(lambda: database._idle)
        self.assertEqual(await database.query("select pg_backend_pid()"), [(pid,) for pid in self.backends()])

    @as_test
    async def test_a_change_whose_connection_breaks_is_not_repeated(self) -> None:
        database = await self.pool(size=1)
        await database.execute("create sequence s")
        with self.assertRaises(StoreUnavailable):
            await database.execute("select nextval('s'), pg_terminate_backend(pg_backend_pid()), pg_sleep(1)")
        await self.until(lambda: database._idle)
        self.assertEqual(await database.query("select nextval('s')"), [(2,)])

    @as_test
    async def test_a_transaction_whose_connection_breaks_is_unavailability(self) -> None:
        database = await self.pool(size=1)

        async def work(transaction: Transaction) -> None:
            await transaction.execute("create table t (n int)")
            await transaction.query("select pg_terminate_backend(pg_backend_pid()), pg_sleep(1)")

        with self.assertRaises(StoreUnavailable):
            await database.transaction(work)
        await self.until(lambda: database._idle)
        self.assertEqual(await database.query("select to_regclass('t')"), [(None,)])

    @as_test
    async def test_stop_lets_a_running_statement_end(self) -> None:
        database = await self.pool(size=1)
        await database.execute("create table t (n int)")
        running = Deferred.fromCoroutine(database.execute("insert into t select 1 from pg_sleep(0.1)"))
        await database.stop()
        await running
        self.assertEqual(self.sql("select count(*) from t"), [(1,)])
        with self.assertRaises(StoreUnavailable):
            await database.query("select 1")

    @as_test
    async def test_of_several_hosts_the_first_that_answers_is_used(self) -> None:
        url = self.url.replace("?host=", "?host=/nonexistent,").replace("&user", "&port=5432&user")
        database = await self.pool(url=url)
        self.assertEqual(await database.query("select 1"), [(1,)])

    @as_test
    async def test_hosts_that_refuse_or_keep_silent_are_passed_over(self) -> None:
        silent = socket.create_server(("127.0.0.1", 0))
        refusing = socket.socket()
        refusing.bind(("127.0.0.1", 0))
        for one in (silent, refusing):
            self.addCleanup(one.close)
        ports = f"{refusing.getsockname()[1]},1,{silent.getsockname()[1]},5432"
        url = self.url.replace("?host=", "?host=localhost,nosuch.invalid,127.0.0.1,")
        database = await self.pool(size=1, url=f"{url}&port={ports}&connect_timeout=1")
        self.assertEqual(await database.query("select 1"), [(1,)])

    @as_test
    async def test_a_primary_that_another_has_taken_over_from_is_refused(self) -> None:
        seen = Timelines()
        self.patch(link, "_timelines", seen)
        ((system,),) = self.sql("select system_identifier::text from pg_control_system()")
        seen.admit(str(system), "0000FFFF")
        refused = Database(self.url, reactor=reactor, size=1)._links[0]
        await self.assertFailure(Deferred.fromCoroutine(refused.open()), psycopg2.OperationalError)
        self.assertIsNone(refused.connection)

    @as_test
    async def test_those_who_wait_are_told_when_it_stops(self) -> None:
        database = await self.pool(size=1)
        running = Deferred.fromCoroutine(database.query("select pg_sleep(0.1)"))
        waiting = Deferred.fromCoroutine(database.query("select 1"))
        await database.stop()
        await running
        await self.assertFailure(waiting, StoreUnavailable)

    @as_test
    async def test_statements_are_limited_on_the_server_too(self) -> None:
        database = await self.pool(query_timeout=4.5)
        self.assertEqual(await database.query("show statement_timeout"), [("4500ms",)])


class OutageTests(PoolMixin, TestCase):
    """The pool and the templates while the server goes and comes."""

    timeout = 300

    def the_server(self) -> PostgresServer:
        own = PostgresServer(places()[self.place])
        self.addCleanup(own.remove)
        return own

    @as_test
    async def test_everything_recovers_when_the_server_comes_back(self) -> None:
        self.prepare()
        database = await self.pool(size=2)
        store = TemplateStore(database, parse=parse, reactor=reactor)
        self.addCleanup(lambda: Deferred.fromCoroutine(store.stop()))
        await store.start()
        before = store.snapshot
        self.server.stop(signal.SIGQUIT)
        await self.until(lambda: not database.available)
        with self.assertRaises(StoreUnavailable):
            await database.query("select 1")
        self.assertIs(store.snapshot, before)
        self.server.start()
        self.sql("insert into imagetemplates (name, template) values ('Late', '{\"quality\": {\"value\": 5}}')")
        await self.until(lambda: len(database._idle) == 2)
        self.assertEqual(await database.query("select 1"), [(1,)])
        await self.until(lambda: "late" in store.snapshot.templates)

    @as_test
    async def test_the_start_waits_until_the_server_is_there(self) -> None:
        self.server.stop()
        database = Database(self.url, reactor=reactor, size=2)
        self.addCleanup(lambda: Deferred.fromCoroutine(database.stop()))
        starting = Deferred.fromCoroutine(database.start())
        await self.pause(0.1)
        self.assertFalse(starting.called)
        self.server.start()
        await starting
        self.assertEqual(await database.query("select 1"), [(1,)])

    @as_test
    async def test_waiting_for_the_server_can_be_cancelled(self) -> None:
        self.server.stop()
        database = Database(self.url, reactor=reactor, size=2)
        starting = Deferred.fromCoroutine(database.start())
        await self.pause(0.1)
        starting.cancel()
        await self.assertFailure(starting, CancelledError)
        await database.stop()


def parse(document: object) -> Any:
    """What the daemon does, with its ordinary formats."""
    return parse_template(document, Choices(write_formats=frozenset({"jpg", "png"}), profiles=frozenset()))


class TemplateStoreTests(PoolMixin, TestCase):
    """Templates in memory follow the database."""

    timeout = 300

    async def store(self) -> TemplateStore:
        self.prepare()
        store = TemplateStore(await self.pool(), parse=parse, reactor=reactor)
        self.addCleanup(lambda: Deferred.fromCoroutine(store.stop()))
        await store.start()
        return store

    @as_test
    async def test_the_first_templates_are_read(self) -> None:
        store = await self.store()
        self.assertEqual(set(store.snapshot.templates), {"default", "smalljpeg", "precache"})
        self.assertEqual(set(store.snapshot.names), {"Default", "SmallJpeg", "Precache"})
        self.assertEqual(store.snapshot.default.options.quality, 80)
        self.assertIs(store.snapshot.default, store.snapshot.templates["default"])
        self.assertIs(store.snapshot, store.snapshot)

    @as_test
    async def test_a_change_anywhere_is_heard(self) -> None:
        store = await self.store()
        self.sql("update imagetemplates set template = '{\"width\": {\"value\": 77}}' where name = 'SmallJpeg'")
        await self.until(lambda: store.snapshot.templates["smalljpeg"].options.width == 77)
        self.sql("update properties set value = 'SMALLJPEG' where key = 'pubimage_default_template'")
        await self.until(lambda: store.snapshot.default.options.width == 77)
        self.sql("delete from imagetemplates where name = 'Precache'")
        await self.until(lambda: "precache" not in store.snapshot.templates)

    @as_test
    async def test_a_bad_template_is_left_out_and_a_bad_default_keeps_the_last_good_one(self) -> None:
        store = await self.store()
        good = store.snapshot.default
        self.sql('update imagetemplates set template = \'{"quality": {"value": 800}}\' where id in (1, 2)')
        await self.until(lambda: set(store.snapshot.templates) == {"precache"})
        self.assertEqual(store.snapshot.default, good)

    @as_test
    async def test_without_a_default_at_the_start_the_built_in_one_serves(self) -> None:
        self.prepare()
        self.sql("delete from imagetemplates")
        store = await self.store()
        self.assertEqual(store.snapshot.default.options.quality, 80)
        self.assertEqual(store.snapshot.default.expiry_secs, 604800)
        self.assertEqual(dict(store.snapshot.templates), {})

    @as_test
    async def test_it_listens_again_after_its_connection_was_lost(self) -> None:
        store = await self.store()
        ((listener,),) = self.sql("select pid from pg_stat_activity where query like 'listen%%'")
        self.sql("select pg_terminate_backend(%s)", listener)
        self.sql("delete from imagetemplates where name = 'Precache'")
        await self.until(lambda: "precache" not in store.snapshot.templates)
        await self.until(lambda: self.sql("select 1 from pg_stat_activity where query like 'listen%%'"))
        self.sql("delete from imagetemplates where name = 'SmallJpeg'")
        await self.until(lambda: "smalljpeg" not in store.snapshot.templates)
