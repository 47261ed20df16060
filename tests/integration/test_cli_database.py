"""``qis database``: its status, backups, and what a restore must not do."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

import psycopg2
from psycopg2.extensions import make_dsn

from qisd.store import dump, migrate
from qisd.store.client_programs import ClientPrograms, find_client_programs
from qisd.store.dsn import parameters_of
from qisd.store.processes import is_running
from tests.cli.runner import Outcome, Terminal
from tests.integration.command import CommandDatabaseCase
from tests.integration.database import server
from tests.integration.postgres import REPOSITORY, PostgresServer, places, private_directory
from tests.integration.process import until

_SHAPE = """
    select 'relation', relname::text, relkind::text from pg_class where relnamespace = 'public'::regnamespace
    union all select 'routine', oid::regprocedure::text, md5(prosrc) from pg_proc
        where pronamespace = 'public'::regnamespace
    union all select 'trigger', tgname::text, tgrelid::regclass::text from pg_trigger where not tgisinternal
    union all select 'constraint', conname::text, contype::text from pg_constraint
        where connamespace = 'public'::regnamespace and contype <> 'n'
    order by 1, 2, 3
"""
"""Everything that the migrations make."""


class DatabaseCase(CommandDatabaseCase):
    def setUp(self) -> None:
        super().setUp()
        self.file = self.directory / "backup.dump"

    def backup(self, *flags: str) -> Outcome:
        return self.done("database", "backup", str(self.file), *flags)

    def restore(self, *flags: str, into: str | None = None) -> Outcome:
        if into is not None:
            self.environ["QIS_MGMT_DATABASE_CONNECTION"] = server().url(into)
        return self.qis("database", "restore", str(self.file), *flags)

    def empty_database(self, more: str = "") -> str:
        name = f"{self.name}other"
        server().run_sql("postgres", f"create database {name} {more}")
        self.addCleanup(server().run_sql, "postgres", f"drop database if exists {name} with (force)")
        return name

    def users(self) -> list[str]:
        return [name for (name,) in self.sql("select username from users order by id")]


class StatusTests(DatabaseCase):
    def test_a_current_schema_has_nothing_pending(self) -> None:
        found = self.done("database", "status", "--json").json()
        self.assertEqual(
            (found["kind"], found["database"], found["pending"], found["unknown"]), ("external", self.name, [], [])
        )
        self.assertEqual((found["users"], found["images"], found["daemons"]), (1, 0, 0))
        self.assertIn("0001_schema", found["applied"])
        text = self.done("database", "status").out
        self.assertRegex(text, r"(?m)^Server: +PostgreSQL \d+")
        self.assertRegex(text, r"(?m)^Holds: +\d+ tables, 1 users, 0 images$")
        self.assertRegex(text, r"(?m)^Pending: +none$")

    def test_an_empty_one_has_everything_pending_and_stays_empty(self) -> None:
        name = self.empty_database()
        self.environ["QIS_MGMT_DATABASE_CONNECTION"] = server().url(name)
        found = self.done("database", "status", "--json").json()
        self.assertEqual((found["tables"], found["users"], found["applied"]), (0, None, []))
        self.assertIn("0001_schema", found["pending"])
        self.assertEqual(server().run_sql(name, "select count(*) from pg_tables where schemaname = 'public'"), [(0,)])

    def test_migrations_of_a_newer_program_are_named(self) -> None:
        self.sql("insert into _yoyo_migration select 'x', '9999_future', applied_at_utc from _yoyo_migration limit 1")
        self.assertIn("9999_future: the schema is newer", self.done("database", "status").out)

    def test_one_that_a_start_would_refuse_is_told_before(self) -> None:
        role = f"{self.name}guest"
        server().run_sql("postgres", f"create role {role} login")
        self.addCleanup(server().run_sql, "postgres", f"drop role {role}")
        for more, user, reason in (
            ("encoding 'SQL_ASCII' template template0 lc_collate 'C' lc_ctype 'C'", "qis", "it must be UTF8"),
            ("", role, "may make no tables in the schema public"),
        ):
            url = server().url(self.empty_database(more))
            self.environ["QIS_MGMT_DATABASE_CONNECTION"] = url.replace("user=qis", f"user={user}")
            self.assertIn(reason, self.done("database", "status").out)
            self.assertIn(reason, self.qis("check", "--database").out)
            server().run_sql("postgres", f"drop database {self.name}other with (force)")

    def test_tables_that_are_closed_to_the_user_are_told(self) -> None:
        role = f"{self.name}guest"
        server().run_sql("postgres", f"create role {role} login")
        self.addCleanup(server().run_sql, "postgres", f"drop role {role}")
        self.environ["QIS_MGMT_DATABASE_CONNECTION"] = server().url(self.name).replace("user=qis", f"user={role}")
        self.assertIn("permission denied for table", self.refused("database", "status", code=3))

    def test_migrate_does_what_is_pending(self) -> None:
        self.assertEqual(self.done("database", "migrate").out, "The schema is up to date\n")
        self.environ["QIS_MGMT_DATABASE_CONNECTION"] = server().url(self.empty_database())
        found = self.done("database", "migrate", "--json").json()
        self.assertEqual(found["pending"], [])
        self.assertIn("Applied schema migration 0001_schema", found["done"])
        self.assertNotIn("with password", str(found))

    def test_migrate_refuses_a_schema_that_is_newer(self) -> None:
        self.sql("insert into _yoyo_migration select 'x', '9999_future', applied_at_utc from _yoyo_migration limit 1")
        self.sql("comment on table _yoyo_migration is 'compatible since 9999_future'")
        self.assertIn("newer than this program", self.refused("database", "migrate", code=3))


class SiteTests(DatabaseCase):
    """``qis check --network``, of several servers with one database."""

    def say(self, name: str, *, key: str = "a", ahead: float = 0.0) -> None:
        self.sql(
            "insert into server_status (server_id, name, version, digests, clock_ahead)"
            f" values ('{name * 8}', '{name}', '1', '{{\"SECRET_KEY\": \"{key}\"}}', {ahead})"
        )

    def found(self) -> tuple[list[str], list[str]]:
        """Problems and warnings that are of the site."""
        found = self.qis("check", "--network", "--json").json()
        return (
            [one for one in found["problems"] if "has to be the same" in one],
            [one for one in found["warnings"] if "clock of" in one],
        )

    def test_servers_that_agree_are_no_fault(self) -> None:
        self.say("one")
        self.say("two")
        self.assertEqual(self.found(), ([], []))

    def test_those_with_another_key_are_named_and_those_whose_clock_is_off(self) -> None:
        self.say("one")
        self.say("two", key="b", ahead=-61.0)
        problems, warnings = self.found()
        self.assertEqual(
            problems,
            ["SECRET_KEY: has to be the same on all servers of the site, and differs between one and two"],
        )
        self.assertIn("the clock of two is -61 s off", warnings[0])


class BackupTests(DatabaseCase):
    def test_it_is_one_file_that_only_its_owner_may_read(self) -> None:
        outcome = self.backup("--json")
        self.assertEqual(outcome.json(), {"file": str(self.file), "size": self.file.stat().st_size})
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o600)
        self.assertEqual(self.file.read_bytes()[:5], b"PGDMP")
        self.assertEqual([one.name for one in self.directory.iterdir() if "dump" in one.name], ["backup.dump"])

    def test_it_does_not_matter_who_uses_the_database(self) -> None:
        connection = psycopg2.connect(make_dsn(**parameters_of(server().url(self.name), query_timeout=5)))
        self.addCleanup(connection.close)
        connection.cursor().execute("update users set first_name = 'not committed'")
        self.backup()

    def test_an_older_one_is_replaced_only_after_a_yes(self) -> None:
        self.file.write_bytes(b"precious")
        self.assertIn("--yes", self.refused("database", "backup", str(self.file)))
        self.assertEqual(self.qis("database", "backup", str(self.file), stdin=Terminal("n\n")).code, 130)
        self.assertEqual(self.file.read_bytes(), b"precious")
        self.backup("--yes")
        self.assertEqual(self.file.read_bytes()[:5], b"PGDMP")

    def test_one_that_fails_leaves_nothing(self) -> None:
        broken = Path(self.mktemp()).absolute()
        broken.mkdir()
        (broken / "pg_dump").write_text("#!/bin/sh\necho PGDMP half of it\necho 'no room' >&2\nexit 1\n")
        (broken / "pg_dump").chmod(0o755)
        self.patch(dump, "find_client_programs", lambda server: [ClientPrograms(folder=broken, major=server)])
        self.assertIn("pg_dump failed: no room", self.refused("database", "backup", str(self.file)))
        self.assertEqual([one.name for one in self.directory.iterdir() if "dump" in one.name], [])

    def test_one_that_is_interrupted_leaves_nothing_either(self) -> None:
        slow = Path(self.mktemp()).absolute()
        slow.mkdir()
        (slow / "pg_dump").write_text(f"#!/bin/sh\necho $$ >'{slow}/pid'\nhead -c 200000 /dev/zero\nexec sleep 1000\n")
        (slow / "pg_dump").chmod(0o755)
        self.patch(dump, "find_client_programs", lambda server: [ClientPrograms(folder=slow, major=server)])

        def interrupt() -> None:
            until(lambda: [one for one in self.directory.glob(".backup.dump-*") if one.stat().st_size], "a part of it")
            os.kill(os.getpid(), signal.SIGTERM)

        other = threading.Thread(target=interrupt)
        other.start()
        outcome = self.qis("database", "backup", str(self.file))
        other.join()
        self.assertEqual((outcome.code, outcome.out), (130, ""), outcome.err)
        self.assertEqual([one.name for one in self.directory.iterdir() if "dump" in one.name], [])
        self.assertFalse(is_running(int((slow / "pid").read_text())))


class RestoreTests(DatabaseCase):
    def test_everything_is_as_it_was(self) -> None:
        self.sql("insert into users (username, password) values ('ann', '!')")
        shape = self.sql(_SHAPE)
        self.backup()
        self.sql("delete from users where username = 'ann'")
        self.sql("create table later (id int references users (id))")
        self.sql("create view latest as select * from later")
        self.sql("create type mood as enum ('good')")
        outcome = self.restore("--yes")
        self.assertEqual((outcome.code, outcome.out), (0, ""), outcome.err)
        self.assertEqual(self.users(), ["admin", "ann"])
        self.assertEqual(self.sql(_SHAPE), shape)
        self.assertEqual(self.sql("select to_regtype('mood')"), [(None,)])

    def test_new_rows_get_new_ids(self) -> None:
        self.sql("insert into users (id, username, password) values (41, 'ann', '!')")
        self.sql("select setval('users_id_seq', 41)")
        self.backup()
        self.restore("--yes")
        self.assertEqual(self.sql("insert into users (username, password) values ('bob', '!') returning id"), [(42,)])

    def test_an_empty_database_takes_it_without_a_question(self) -> None:
        self.backup()
        name = self.empty_database()
        outcome = self.restore(into=name)
        self.assertEqual(outcome.code, 0, outcome.err)
        self.assertEqual(server().run_sql(name, _SHAPE), self.sql(_SHAPE))

    def test_without_the_statistics_all_else_is_there(self) -> None:
        self.sql("insert into systemstats (from_time, to_time, requests) values ('2026-01-01', '2026-01-02', 5)")
        self.backup()
        with_them = self.file.stat().st_size
        self.backup("--no-stats", "--yes")
        self.assertLess(self.file.stat().st_size, with_them)
        self.assertEqual(self.restore("--yes").code, 0)
        self.assertEqual(self.sql("select count(*) from systemstats"), [(0,)])
        self.assertEqual(self.users(), ["admin"])

    def test_what_servers_said_of_themselves_is_not_in_it(self) -> None:
        self.sql("insert into server_status values ('a', 'vm', '1', '{}', 0)")
        self.backup()
        self.assertEqual(self.restore("--yes").code, 0)
        self.assertEqual(self.sql("select count(*) from server_status"), [(0,)])

    def test_what_is_there_goes_only_after_a_yes(self) -> None:
        self.backup()
        self.sql("insert into users (username, password) values ('ann', '!')")
        outcome = self.restore()
        self.assertEqual(outcome.code, 2)
        self.assertEqual(self.users(), ["admin", "ann"])
        self.assertIn("2 users", outcome.err)

    def test_not_while_a_daemon_serves(self) -> None:
        self.backup()
        connection = psycopg2.connect(make_dsn(**parameters_of(server().url(self.name), query_timeout=5)))
        outcome = self.restore("--yes")
        self.assertEqual((outcome.code, outcome.out), (2, ""))
        self.assertIn("in use by 1 connections of the daemon", outcome.err)
        connection.close()
        self.assertEqual(self.restore("--yes").code, 0)

    def test_not_while_a_server_prepares_the_database(self) -> None:
        self.backup()
        connection = psycopg2.connect(server().url(self.name))
        self.addCleanup(connection.close)
        connection.cursor().execute("select pg_advisory_lock(%s)", (migrate.LOCK_KEY,))
        outcome = self.restore("--yes")
        self.assertEqual(outcome.code, 2)
        self.assertIn("preparing", outcome.err)

    def test_a_file_that_was_cut_short_changes_nothing(self) -> None:
        self.sql("insert into audit_log (actor_name, actor_kind, action) select 'x', 'session', md5(n::text)"
                 " from generate_series(1, 20000) n")  # fmt: skip
        self.backup()
        self.sql("insert into users (username, password) values ('ann', '!')")
        whole = self.file.read_bytes()
        shape = self.sql(_SHAPE)
        for length in (len(whole) - 1, len(whole) * 2 // 3, len(whole) // 2):
            self.file.write_bytes(whole[:length])
            outcome = self.restore("--yes")
            self.assertEqual((outcome.code, outcome.out), (2, ""), (length, outcome.err))
            self.assertEqual(self.users(), ["admin", "ann"], length)
        self.assertEqual(self.sql(_SHAPE), shape)

    def test_a_command_that_is_killed_changes_nothing(self) -> None:
        slow = private_directory(parent="/tmp")
        self.addCleanup(shutil.rmtree, slow)
        (slow / "pg_restore").write_text(f"#!/bin/sh\necho $$ >'{slow}/pid'\nexec sleep 1000\n")
        (slow / "pg_restore").chmod(0o755)
        (slow / "psql").symlink_to(find_client_programs(13)[-1].path("psql"))
        code = (
            "from pathlib import Path; from qisd.store import dump;"
            "from qisd.store.client_programs import ClientPrograms;"
            f"programs = ClientPrograms(folder=Path({str(slow)!r}), major=1);"
            f"dump.restore({server().url(self.name)!r}, dump.Archive(descriptor=0, programs=programs), read=print)"
        )
        with Path(__file__).open() as seekable:
            command = subprocess.Popen([sys.executable, "-c", code], stdin=seekable, cwd=REPOSITORY)
        look = "select state from pg_stat_activity where datname = current_database() and application_name = 'qis'"
        until(lambda: self.sql(look) == [("idle in transaction",)], "psql, which has removed everything")
        command.kill()
        command.wait()
        os.kill(int((slow / "pid").read_text()), signal.SIGKILL)
        until(lambda: self.sql(look) == [], "the end of psql")
        self.assertEqual(self.users(), ["admin"])

    def test_files_that_are_none_of_ours_are_refused(self) -> None:
        for content in (b"", b"PGDMP", os.urandom(5000), b"select 1;\n"):
            self.file.write_bytes(content)
            outcome = self.restore("--yes")
            self.assertEqual((outcome.code, outcome.out), (2, ""), outcome.err)
            self.assertIn("the file holds no backup", outcome.err)
        name = self.empty_database()
        server().run_sql(name, "create table strangers (id int)")
        programs = find_client_programs(psycopg2.connect(server().url(name)).server_version // 10000)[0]
        subprocess.run([programs.path("pg_dump"), "-Fc", "-f", self.file, server().url(name)], check=True)
        outcome = self.restore("--yes")
        self.assertEqual((outcome.code, self.users()), (2, ["admin"]))
        self.assertIn("some other database", outcome.err)

    def test_one_of_a_newer_program_is_refused(self) -> None:
        self.sql("insert into _yoyo_migration select 'x', '9999_future', applied_at_utc from _yoyo_migration limit 1")
        self.backup()
        self.sql("delete from _yoyo_migration where migration_id = '9999_future'")
        outcome = self.restore("--yes")
        self.assertEqual(outcome.code, 2)
        self.assertIn("newer version of this program: it has had 9999_future", outcome.err)

    def test_it_is_the_way_back_from_a_newer_schema(self) -> None:
        self.backup()
        self.sql("insert into _yoyo_migration select 'x', '9999_future', applied_at_utc from _yoyo_migration limit 1")
        self.sql("create table future (id int references images (id))")
        self.assertEqual(self.restore("--yes").code, 0)
        self.assertEqual(self.done("database", "status", "--json").json()["unknown"], [])

    def test_one_of_an_older_program_is_brought_up_to_date(self) -> None:
        old = self.empty_database()
        older = Path(self.mktemp()).absolute()
        older.mkdir()
        source = Path(migrate.__file__).parent / "migrations"
        for name in ("0001_schema.sql", "0002_changes.sql"):
            shutil.copy(source / name, older / name)
        connection = psycopg2.connect(server().url(old))
        connection.autocommit = True
        migrate._migrate(connection, str(older), lambda line: None)
        connection.close()
        self.environ["QIS_MGMT_DATABASE_CONNECTION"] = server().url(old)
        self.backup()
        outcome = self.restore("--yes", into=self.name)
        self.assertEqual(outcome.code, 0, outcome.err)
        self.assertEqual(self.done("database", "status", "--json").json()["pending"], [])

    def test_the_first_password_is_forgotten_unless_it_is_the_right_one(self) -> None:
        self.backup()
        file = self.state / "initial-admin-password"
        self.restore("--yes")
        self.assertTrue(file.exists())
        file.write_text("of some other installation\n")
        self.restore("--yes")
        self.assertFalse(file.exists())


class VersionTests(DatabaseCase):
    """Servers of all versions that are at hand."""

    def _round_trip(self, one: PostgresServer) -> None:
        self.environ["QIS_MGMT_DATABASE_CONNECTION"] = one.url("postgres")
        self.done("user", "list")  # which makes the schema
        self.file.unlink(missing_ok=True)
        self.backup()
        one.run_sql("postgres", "delete from usergroups; update users set status = 0")
        outcome = self.restore("--yes")
        self.assertEqual(outcome.code, 0, outcome.err)
        self.assertEqual(one.run_sql("postgres", "select status from users"), [(1,)])

    def servers(self, folders: Iterable[Path]) -> list[PostgresServer]:
        started = [PostgresServer(folder) for folder in folders]
        for one in started:
            self.addCleanup(one.remove)
        return started

    def test_each_has_programs_of_its_own_version_or_a_newer_one(self) -> None:
        for one in self.servers(places().values()):
            self._round_trip(one)

    def test_newer_programs_do_for_an_older_server(self) -> None:
        newest = find_client_programs(13)[-1]
        self.patch(dump, "find_client_programs", lambda server: [newest])
        oldest = min(places().values(), key=lambda folder: find_major(folder))
        self.assertLess(find_major(oldest), newest.major)
        self._round_trip(self.servers([oldest])[0])


def find_major(folder: Path) -> int:
    answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    return int(answer.split()[2].partition(".")[0])
