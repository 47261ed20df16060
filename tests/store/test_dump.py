"""How PostgreSQL's own programs are found and told where the database is."""

from __future__ import annotations

import io
import os
from pathlib import Path

from psycopg2.extensions import parse_dsn
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import StartupError
from qisd.store.client_programs import find_client_programs
from qisd.store.dump import _booked_in, _store, client_of


class FindClientProgramsTests(SynchronousTestCase):
    def folder(self, version: str, *programs: str) -> Path:
        folder = Path(self.mktemp())
        folder.mkdir()
        for program in programs or ("pg_dump", "pg_restore", "psql"):
            (folder / program).write_text(f"#!/bin/sh\necho '{program} (PostgreSQL) {version} (Debian)'\n")
            (folder / program).chmod(0o755)
        return folder

    def test_the_same_version_comes_first_then_newer_ones(self) -> None:
        folders = [self.folder(version) for version in ("18.1", "15.4", "14.9", "17.0")]
        self.assertEqual([one.major for one in find_client_programs(15, folders=folders)], [15, 17, 18])
        self.assertEqual([one.major for one in find_client_programs(16, folders=folders)], [17, 18])

    def test_older_and_incomplete_ones_do_not_count_and_the_text_says_what_to_install(self) -> None:
        folders = [self.folder("15.4"), self.folder("18.1", "pg_dump", "psql")]
        with self.assertRaises(StartupError) as caught:
            find_client_programs(18, folders=folders)
        self.assertIn("versions found: 15): install postgresql-client-18", str(caught.exception))


class ClientTests(SynchronousTestCase):
    def test_the_password_is_where_others_cannot_see_it(self) -> None:
        client = client_of("postgresql://qis:se%20cret'x@db1:5433,db2:5434/qis-mgmt?sslmode=require&sslpassword=other")
        self.assertNotIn("cret", client.conninfo)
        self.assertNotIn("other", client.conninfo)
        self.assertNotIn("cret", repr(client))
        self.assertEqual(client.environ["PGPASSWORD"], "se cret'x")
        told = parse_dsn(client.conninfo)
        self.assertEqual((told["host"], told["port"], told["dbname"]), ("db1,db2", "5433,5434", "qis-mgmt"))
        self.assertEqual((told["user"], told["sslmode"], told["application_name"]), ("qis", "require", "qis"))

    def test_limits_on_time_are_those_of_the_url_alone(self) -> None:
        self.assertNotIn("options", parse_dsn(client_of("postgresql://db/qis-mgmt").conninfo))
        told = parse_dsn(client_of("postgresql://db/qis-mgmt?options=-c%20search_path%3Dx").conninfo)
        self.assertEqual(told["options"], "-c search_path=x")


class StoreTests(SynchronousTestCase):
    def test_a_disk_that_is_full_is_said_to_be(self) -> None:
        descriptor = os.open("/dev/full", os.O_WRONLY)
        self.addCleanup(os.close, descriptor)
        with self.assertRaisesRegex(StartupError, "the file can't be written: No space left on device"):
            _store(io.BytesIO(bytes(200_000)), descriptor, lambda count: None)


class BookedTests(SynchronousTestCase):
    def test_migrations_are_read_from_the_rows_of_their_table_alone(self) -> None:
        script = (
            "SET x = 1;\n"
            "COPY public._yoyo_migration (migration_hash, migration_id, applied_at_utc) FROM stdin;\n"
            "ab\t0001_schema\t2026-01-01 00:00:00\ncd\t0002_changes\t2026-01-01 00:00:00\n\\.\n\nab\tnothing\tx\n"
        )
        self.assertEqual(_booked_in(script.encode()), {"0001_schema", "0002_changes"})
        self.assertEqual(_booked_in(b""), set())
