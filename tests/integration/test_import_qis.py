"""``qis import-qis`` on databases in the shape of the original."""

from __future__ import annotations

import contextlib
import itertools
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Any

import psycopg2
from twisted.trial.unittest import SynchronousTestCase

from qisd.access.legacy_passwords import verify
from qisd.errors import Refused, StoreUnavailable
from qisd.imaging.rules import Choices
from qisd.store import qis_import
from qisd.store.qis_import import Imported, check_not_source, import_qis
from qisd.store.qis_import_staging import TABLES
from qisd.store.qis_source import open_source
from tests.integration import qis_original as original
from tests.integration.database import TEMPLATE, server
from tests.integration.postgres import require_services

CHOICES = Choices(write_formats=frozenset({"jpg", "png"}), profiles=frozenset())
DAY = original.DAY.replace(tzinfo=UTC)

_ORIGINAL = "qis_original"
_numbers = itertools.count(1)
_made: set[str] = set()


def _template() -> str:
    """The name of a database that holds all of :mod:`tests.integration.qis_original`."""
    if not _made:
        server().run_sql("postgres", f"create database {_ORIGINAL}")
        original.create(server().url(_ORIGINAL))
        _made.add(_ORIGINAL)
    return _ORIGINAL


class ImportCase(SynchronousTestCase):
    """A QIS of its own, and a new installation, for each test."""

    def setUp(self) -> None:
        require_services()
        number = next(_numbers)
        self.source = self.database(f"source{number}", template=_template())
        self.target = self.database(f"target{number}", template=TEMPLATE)

    def database(self, name: str, *, template: str = "template0") -> str:
        server().run_sql("postgres", f"create database {name} template {template}")
        self.addCleanup(server().run_sql, "postgres", f"drop database {name} with (force)")
        return name

    def take_over(self, *, trial: bool = False, replace: bool = False, target: str = "") -> Imported:
        with open_source(server().url(self.source)) as source:
            return import_qis(
                source,
                server().url(target or self.target),
                choices=CHOICES,
                trial=trial,
                replace=replace,
                progress=lambda *_: None,
            )

    def there(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Rows of the QIS."""
        return server().run_sql(self.source, sql, parameters)

    def here(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Rows of ours."""
        return server().run_sql(self.target, sql, parameters)

    def damage(self, sql: str) -> None:
        """Change the QIS as its program never would."""
        original.without_constraints(server().url(self.source), sql)

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all tables of ours, and where the sequences are."""
        tables = self.here("select tablename from pg_tables where schemaname = 'public' order by 1")
        rows = {name: self.here(f"select * from {name} order by 1, 2") for (name,) in tables if name != "audit_log"}
        rows["sequences"] = self.here(
            "select sequencename, last_value from pg_sequences where sequencename not like 'audit_log%%' order by 1"
        )
        return rows


def found(imported: Imported) -> dict[str, int]:
    return {finding.code: finding.count for finding in imported.findings}


class FirstImport(ImportCase):
    def test_accounts_are_the_same_with_their_ids_and_hashes(self) -> None:
        self.take_over()
        for columns, table in (
            ("id, first_name, last_name, email, username, password, auth_type, allow_api, status", "users"),
            ("*", "usergroups"),
            ("*", "syspermissions"),
            ("id, name, description, group_type", "groups"),
        ):
            query = f"select {columns} from {table} order by 1, 2"
            self.assertEqual(self.here(query), self.there(query))
        ((stored,),) = self.here("select password from users where username = 'fred'")
        self.assertTrue(verify(stored, original.PASSWORD))
        self.assertEqual(self.here("select username, password_state from users where id = 1"), [("admin", 0)])

    def test_sessions_of_the_first_administrator_have_ended(self) -> None:
        ((before,),) = self.here("select stamp from users where id = 1")
        self.take_over()
        self.assertEqual(self.here("select stamp > %s from users where id = 1", before), [(True,)])

    def test_folders_have_names_and_parents_of_their_paths(self) -> None:
        self.take_over()
        self.assertEqual(
            self.here("select id, path, status from folders order by 1"),
            self.there("select id, path, status from folders order by 1"),
        )
        self.assertEqual(
            self.here("select name, parent_id from folders where id in (1, 8, 20) order by id"),
            [("", None), ("it's 100% \\ [a] _b", 9), ("moved", 1)],
        )

    def test_levels_are_rounded_down_to_those_that_there_are(self) -> None:
        imported = self.take_over()
        self.assertEqual(
            self.here("select id, folder_id, group_id, access from folderpermissions order by 1"),
            [(n, folder, group, level // 10 * 10) for n, folder, group, level in original.PERMISSIONS],
        )
        self.assertEqual(found(imported)["odd_level"], 3)

    def test_images_are_the_same_in_the_folder_that_their_path_names(self) -> None:
        self.take_over()
        columns = "id, src, title, description, width, height, status"
        query = f"select {columns} from images order by id"
        self.assertEqual(self.here(query), self.there(query))
        self.assertEqual(
            self.here("select folder_id from images where id in (24, 17, 100) order by id"), [(2,), (2,), (30,)]
        )
        self.assertEqual(
            self.here("select id from images where search @@ to_tsquery('simple', 'king & penguin')"), [(17,)]
        )
        self.assertEqual(
            self.here("select created from images where id = 17"), [(DAY + timedelta(minutes=1, microseconds=123456),)]
        )

    def test_times_are_taken_as_utc_whatever_zones_the_servers_are_in(self) -> None:
        for name, zone in ((self.source, "Asia/Kathmandu"), (self.target, "America/St_Johns")):
            server().run_sql("postgres", f"alter database {name} set timezone to '{zone}'")
            server().run_sql("postgres", f"alter database {name} set datestyle to 'German, DMY'")
        self.take_over()
        for table in ("imagesaudit", "foliosaudit"):
            columns = "id, user_id, action, action_info"
            self.assertEqual(
                self.here(f"select {columns}, action_time at time zone 'UTC' from {table} order by 1"),
                self.there(f"select {columns}, action_time from {table} order by 1"),
            )
        self.assertEqual(self.here("select min(from_time) at time zone 'UTC' from systemstats"), [(original.DAY,)])
        self.assertEqual(
            self.here("select keep_until from folioexports where id = 4"), [(DAY + timedelta(days=30, microseconds=5),)]
        )

    def test_statistics_are_by_the_hour_with_the_same_sums_and_greatest_values(self) -> None:
        imported = self.take_over()
        sums = "sum(requests), sum(views), sum(cached_views), sum(downloads), sum(total_bytes), sum(request_seconds)"
        for table, group in (("imagestats", "group by image_id order by image_id"), ("systemstats", "")):
            query = f"select {sums}, max(max_request_seconds) from {table} {group}"
            self.assertEqual(self.here(query), self.there(query))
            self.assertEqual(
                self.here(
                    f"select * from {table} where from_time <> date_trunc('hour', from_time)"
                    " or to_time <> from_time + interval '1 hour'"
                ),
                [],
            )
        self.assertEqual(
            self.here(
                "select id, requests, max_request_seconds, from_time from imagestats where image_id = 17 order by 1"
            ),
            [
                (1, 30, 0.25, DAY),
                (3, 30, 0.375, DAY + timedelta(hours=1)),
                (4, 40, 0.5, DAY + timedelta(hours=2)),
                (5, 50, 0.625, DAY + timedelta(hours=23)),
            ],
        )
        # 30 minutes at 10 %, 60 minutes at 20 %; of the cache the last value counts.
        self.assertEqual(
            self.here("select round(cpu_pc::numeric, 3)::float, cache_pc, samples from systemstats where id = 1"),
            [(16.667, 62.0, 90)],
        )
        self.assertEqual((imported.counts["imagestats"].source, imported.counts["imagestats"].taken), (15, 12))

    def test_templates_are_checked_and_bad_ones_disabled(self) -> None:
        imported = self.take_over()
        templates = {row[0]: row[1:] for row in self.here("select id, name, template, disabled from imagetemplates")}
        self.assertEqual(sorted(templates), [1, 2, 3, 5, 6, 8])
        self.assertEqual(templates[1], ("Default", original.STANDARD, False))
        self.assertEqual(templates[5], ("Überall", original.STANDARD, False))
        self.assertEqual(templates[6], ("Broken", original.value(width=-5, format="jpg"), True))
        codes = found(imported)
        self.assertEqual((codes["template_invalid"], codes["template_field"]), (1, 2))
        self.assertTrue(imported.findings.left_out)

    def test_properties_are_taken_but_for_the_number_of_the_schema(self) -> None:
        self.there("update properties set value = '77' where key = 'db_migration_version'")
        self.take_over()
        properties = dict(self.here("select key, value from properties"))
        self.assertEqual(properties["cluster_id"], original.CLUSTER_ID)
        self.assertEqual(properties["pubimage_default_template"], "DEFAULT")
        self.assertEqual((properties["fp_version"], properties["db_migration_version"]), ("37", "1"))

    def test_portfolios_come_with_all_their_parts(self) -> None:
        self.take_over()
        self.assertEqual(
            self.here(
                "select id, human_id, name, description, owner_id, last_updated at time zone 'UTC' from folios"
                " order by id"
            ),
            original.FOLIOS,
        )
        self.assertEqual(
            self.here("select id, image_id, parameters, filename, order_num from folioimages order by 1"),
            [
                (1, 17, original.value(width=500, template="SmallJpeg"), "king.jpg", 0),
                (2, 18, {}, "", 1),
                (3, 21, {}, "", -5),
                (7, 17, {}, "", -5),
            ],
        )
        self.assertEqual(
            self.here("select folio_id, group_id, access from foliopermissions order by id"),
            [(1, 1, 10), (1, 2, 20), (5, 4, 20)],
        )
        self.assertEqual(
            self.here("select id, state, error <> '', filename, filesize, task_id from folioexports order by id"),
            [
                (1, "ready", False, f"{1:032x}.zip", 4711, None),
                (2, "failed", True, "", 0, None),
                (4, "failed", True, "", 0, None),
            ],
        )

    def test_tasks_stay_behind(self) -> None:
        self.assertEqual(self.take_over().not_taken, {"tasks": 1})
        self.assertEqual(self.here("select count(*) from tasks"), [(0,)])

    def test_new_rows_get_ids_behind_all_that_were_imported(self) -> None:
        self.take_over()
        for table, columns, values in (
            ("users", "username, password", "'new', 'x'"),
            ("groups", "name", "'new'"),
            ("images", "src, folder_id", "'new.jpg', 1"),
            ("imagestats", "image_id, from_time, to_time", "17, now(), now() + interval '1 hour'"),
            ("folioexports", "folio_id", "1"),
        ):
            ((highest,),) = self.here(f"select max(id) from {table}")
            ((number,),) = self.here(f"insert into {table} ({columns}) values ({values}) returning id")
            self.assertEqual(number, highest + 1)

    def test_the_report_counts_every_table(self) -> None:
        imported = self.take_over()
        self.assertEqual(set(imported.counts), set(TABLES))
        for name, count in imported.counts.items():
            self.assertEqual([(count.source,)], self.there(f"select count(*) from {name}"))
            ours = self.here(f"select count(*) from {name}")[0][0]
            self.assertEqual(count.taken, ours - 2 if name == "properties" else ours)
        self.assertFalse(imported.again)

    def test_it_is_in_the_audit_log(self) -> None:
        self.take_over()
        self.assertEqual(
            self.here("select actor_kind, action, object_id, after ->> 'images' from audit_log"),
            [("command", "import.done", original.CLUSTER_ID, "308")],
        )

    def test_records_that_made_themselves_here_make_way(self) -> None:
        self.here("insert into folders (name, path, parent_id) values ('samples', '/samples', 1)")
        self.here("insert into images (src, folder_id) values ('samples/penguin.jpg', 2), ('samples/new.jpg', 2)")
        self.here("insert into imagestats (image_id, from_time, to_time) values (1, '2024-03-01', '2024-03-02')")
        self.here("insert into systemstats (from_time, to_time) values ('2024-03-01', '2024-03-02')")
        self.take_over()
        found = self.here("select id from images where src in ('samples/penguin.jpg', 'samples/new.jpg')")
        self.assertEqual(found, [(17,)])
        self.assertEqual(self.here("select count(*) from imagestats"), [(12,)])

    def test_nothing_is_written_there(self) -> None:
        server().run_sql("postgres", "drop role if exists reader")
        server().run_sql("postgres", "create role reader login")
        self.addCleanup(server().run_sql, "postgres", "drop role reader")
        self.there("grant select on all tables in schema public to reader")
        self.addCleanup(self.there, "drop owned by reader")
        with open_source(server().url(self.source).replace("user=qis", "user=reader")) as source:
            import_qis(
                source,
                server().url(self.target),
                choices=CHOICES,
                trial=False,
                replace=False,
                progress=lambda *_: None,
            )
        self.assertEqual(self.here("select count(*) from images"), [(308,)])

    def test_all_is_as_at_one_moment(self) -> None:
        with open_source(server().url(self.source)) as source:
            self.there("insert into users values (13, '', '', '', 'late', 'x', 1, false, 1)")
            self.there("insert into usergroups values (13, 2)")
            import_qis(
                source,
                server().url(self.target),
                choices=CHOICES,
                trial=False,
                replace=False,
                progress=lambda *_: None,
            )
        self.assertEqual(self.here("select id from users where id > 12"), [])

    def test_long_tables_are_never_whole_in_memory(self) -> None:
        original.many_statistics(server().url(self.source), images=20, hours=5000)
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        imported = self.take_over()
        _, peak = tracemalloc.get_traced_memory()
        self.assertEqual(imported.counts["imagestats"].taken, 100_012)
        self.assertLess(peak, 30_000_000)  # as lists of rows they would take four times as much


class Trial(ImportCase):
    def test_it_reports_the_same_and_changes_nothing(self) -> None:
        before = self.everything()
        trial = self.take_over(trial=True)
        self.assertEqual(self.everything(), before)
        real = self.take_over()
        self.assertEqual(trial.counts, real.counts)
        self.assertEqual(list(trial.findings), list(real.findings))

    def test_an_empty_database_stays_empty(self) -> None:
        empty = self.database("empty_target")
        trial = self.take_over(trial=True, target=empty)
        self.assertEqual(trial.counts["images"].taken, 308)
        self.assertEqual(server().run_sql(empty, "select count(*) from pg_tables where schemaname = 'public'"), [(0,)])

    def test_not_even_the_audit_log_knows_of_it(self) -> None:
        self.take_over(trial=True)
        self.assertEqual(self.here("select last_value, is_called from audit_log_id_seq"), [(1, False)])

    def test_a_second_trial_after_an_import_changes_nothing_either(self) -> None:
        self.take_over()
        before = self.everything()
        self.assertTrue(self.take_over(trial=True).again)
        self.assertEqual(self.everything(), before)

    def test_a_database_with_other_tables_is_refused(self) -> None:
        other = self.database("other_target")
        server().run_sql(other, "create table users (x int)")
        with self.assertRaisesRegex(Refused, "can't be prepared"):
            self.take_over(trial=True, target=other)


class Again(ImportCase):
    def setUp(self) -> None:
        super().setUp()
        self.take_over()

    def test_the_same_once_more_changes_nothing(self) -> None:
        before = self.everything()
        self.assertTrue(self.take_over().again)
        self.assertEqual(self.everything(), before)

    def test_what_changed_there_changes_here(self) -> None:
        self.there("update users set username = 'frederick', password = 'sha1$y$z', status = 0 where id = 12")
        self.there("update images set title = 'Emperor' where id = 17")
        self.there("update folderpermissions set access = 0 where id = 5")
        self.there("insert into users values (13, '', '', '', 'fred', 'x', 1, false, 1)")
        stamps = dict(self.here("select id, stamp from users"))
        self.take_over()
        self.assertEqual(
            self.here("select id, username, status, stamp from users where id >= 12 order by id"),
            [(12, "frederick", 0, stamps[12] + 1), (13, "fred", 1, 1)],
        )
        self.assertEqual(self.here("select title, version from images where id = 17"), [("Emperor", 2)])
        self.assertEqual(self.here("select access from folderpermissions where id = 5"), [(0,)])
        self.assertEqual(self.here("select stamp from users where id = 2"), [(stamps[2],)])

    def test_names_and_paths_can_have_changed_places(self) -> None:
        self.there("update users set username = 'x' where id = 2")
        self.there("update users set username = 'Zoë' where id = 12")
        self.there("update users set username = 'fred' where id = 2")
        self.there("update images set src = 'x' where id = 17")
        self.there("update images set src = 'samples/penguin.jpg' where id = 24")
        self.there("update images set src = 'samples/wrong folder.jpg' where id = 17")
        self.there("update folders set path = 'x' where id = 9")
        self.there("update folders set path = '/with blank' where id = 10")
        self.there("update folders set path = '/penguin🐧' where id = 9")
        self.there("update groups set name = 'x' where id = 4")
        self.there("update groups set name = 'Editors' where id = 6")
        self.there("update folios set human_id = 'x' where id = 1")
        self.there("update folios set human_id = 'spring' where id = 5")
        self.there("update imagetemplates set name = 'x' where id = 2")
        self.there("update imagetemplates set name = 'smallJPEG' where id = 8")
        self.take_over()
        self.assertEqual(self.here("select username from users where id in (2, 12) order by id"), [("fred",), ("Zoë",)])
        self.assertEqual(
            self.here("select src from images where id in (17, 24) order by id"),
            [("samples/wrong folder.jpg",), ("samples/penguin.jpg",)],
        )
        self.assertEqual(
            self.here("select path from folders where id in (9, 10) order by id"), [("/penguin🐧",), ("/with blank",)]
        )
        self.assertEqual(self.here("select name from groups where id in (4, 6) order by id"), [("x",), ("Editors",)])
        self.assertEqual(self.here("select human_id from folios where id in (1, 5) order by id"), [("x",), ("spring",)])
        self.assertEqual(
            self.here("select name from imagetemplates where id in (2, 8) order by id"), [("x",), ("smallJPEG",)]
        )
        self.assertEqual(self.here("select count(*) from images where src like '%%' || chr(1) || '%%'"), [(0,)])

    def test_what_is_gone_there_goes_here(self) -> None:
        self.there("delete from usergroups where user_id = 12 and group_id = 6")
        self.there("delete from folderpermissions where group_id = 5")
        self.there("delete from usergroups where group_id = 5")
        self.there("delete from syspermissions where group_id = 5")
        self.there("delete from groups where id = 5")
        self.there("delete from imagetemplates where id = 3")
        for table in ("imagestats", "imagesaudit", "folioimages", "images"):
            self.there(f"delete from {table} where {'id' if table == 'images' else 'image_id'} = 21")
        self.there("delete from folders where id in (6, 7)")
        self.there("delete from folioexports where folio_id = 2")
        self.there("delete from folioimages where folio_id = 2")
        self.there("delete from folios where id = 2")
        self.there("delete from systemstats where id = 5")
        self.take_over()
        self.assertEqual(self.here("select group_id from usergroups where user_id = 12"), [(2,)])
        for table, gone in (
            ("groups", 5),
            ("imagetemplates", 3),
            ("images", 21),
            ("folders", 6),
            ("folders", 7),
            ("folios", 2),
            ("systemstats", 5),
            ("folderpermissions", 6),
        ):
            self.assertEqual(self.here(f"select id from {table} where id = {gone}"), [], table)
        self.assertEqual(self.here("select count(*) from imagesaudit where image_id = 21"), [(0,)])

    def test_a_folder_made_anew_there_has_its_new_id_here(self) -> None:
        for table in ("imagestats", "imagesaudit", "folioimages"):
            self.there(f"delete from {table} where image_id = 21")
        self.there("delete from images where id = 21")
        self.there("delete from folderpermissions where folder_id = 6")
        self.there("delete from folders where id in (6, 7)")
        self.there(
            "insert into folders values (41, '/gone/deeper', '/gone/deeper', 1, 1), (40, '/gone', '/gone', 1, 1)"
        )
        self.there("update images set src = 'gone/deeper/moved.jpg', folder_id = 41 where id = 24")
        self.take_over()
        self.assertEqual(
            self.here("select id, path, parent_id from folders where path like '/gone%%' order by path"),
            [(40, "/gone", 1), (41, "/gone/deeper", 40)],
        )
        self.assertEqual(self.here("select folder_id from images where id = 24"), [(41,)])

    def test_what_was_published_is_as_old_as_it_was_there(self) -> None:
        self.there("delete from folioimages where id = 2")
        self.here("update images set file_size = 5, file_mtime_ns = 5 where id = 17")
        self.there("update images set src = 'samples/renamed.jpg' where id = 17")
        self.take_over()
        self.assertEqual(self.here("select file_size from images where id = 17"), [(None,)])
        self.assertEqual(
            self.here("select last_updated at time zone 'UTC' from folios order by id"),
            [(row[5],) for row in original.FOLIOS],
        )

    def test_what_was_changed_here_is_as_it_is_there_again(self) -> None:
        self.here("update users set username = 'frida', status = 0, deleted = now() where id = 12")
        self.here("update folderpermissions set access = 70 where id = 1")
        self.here("insert into usergroups values (12, 3)")
        self.here("delete from images where id = 18")
        self.here("update images set title = 'changed' where id = 17")
        self.take_over()
        self.assertEqual(self.here("select username, status, deleted from users where id = 12"), [("fred", 1, None)])
        self.assertEqual(self.here("select access from folderpermissions where id = 1"), [(10,)])
        self.assertEqual(self.here("select group_id from usergroups where user_id = 12 order by 1"), [(2,), (6,)])
        self.assertEqual(
            self.here("select title from images where id in (17, 18) order by id"), [("King penguin",), ("",)]
        )

    def make_here(self) -> None:
        """What a trial of a few days may leave behind."""
        self.here("insert into groups (name) values ('Trial')")
        self.here("insert into users (username, password) values ('tester', 'x')")
        self.here("insert into usergroups values (13, 2), (13, 10), (12, 10)")
        self.here("insert into folders (name, path, parent_id) values ('trial', '/trial', 1)")
        self.here("insert into images (src, folder_id) values ('trial/a.jpg', 31), ('samples/b.jpg', 2)")
        self.here("insert into imagesaudit (image_id, user_id, action) values (17, 13, 3)")
        self.here("insert into folderpermissions (folder_id, group_id, access) values (31, 10, 40), (2, 10, 40)")
        self.here(
            "insert into imagestats (image_id, requests, from_time, to_time) values (17, 1, '2025-01-01', '2025-01-02')"
        )
        self.here("insert into folios (human_id, owner_id) values ('trial', 13)")
        self.here("insert into folioimages (folio_id, image_id) values (6, 17)")

    def test_what_was_made_here_stays_where_it_is_not_in_the_way(self) -> None:
        self.make_here()
        before = self.everything()
        imported = self.take_over()
        self.assertEqual(self.everything(), before)
        self.assertNotIn("made_here", found(imported))

    def test_what_made_itself_here_gives_way_to_other_things_with_its_ids(self) -> None:
        self.make_here()
        self.there("insert into folders values (31, '/new', '/new', 1, 1)")
        self.there("insert into images values (400, 'new/one.jpg', 31, '', '', 1, 1, 1)")
        self.there("insert into imagesaudit values (318, 400, null, 1, 'there', '2024-05-05')")
        imported = self.take_over()
        self.assertEqual(self.here("select id, src, folder_id from images where id >= 400"), [(400, "new/one.jpg", 31)])
        self.assertEqual(self.here("select path from folders where id >= 31"), [("/new",)])
        self.assertEqual(self.here("select action_info from imagesaudit where id = 318"), [("there",)])
        self.assertEqual(self.here("select count(*) from imagesaudit where image_id = 17 and user_id = 13"), [(1,)])
        self.assertEqual(found(imported)["records_here"], 3)

    def test_what_people_made_here_gives_way_only_if_that_is_said(self) -> None:
        self.make_here()
        self.there("insert into users values (13, '', '', '', 'other', 'x', 1, false, 1)")
        self.there("insert into folios values (9, 'trial', '', '', 2, '2024-01-01')")
        before = self.everything()
        with self.assertRaisesRegex(Refused, "users tester, folios trial. Give --yes"):
            self.take_over()
        self.assertEqual(self.everything(), before)
        imported = self.take_over(replace=True)
        self.assertEqual(self.here("select id, username from users where id > 12"), [(13, "other")])
        self.assertEqual(self.here("select id, owner_id from folios where human_id = 'trial'"), [(9, 2)])
        self.assertEqual(self.here("select name from groups where id = 10"), [("Trial",)])
        self.assertEqual(found(imported)["made_here"], 2)

    def test_both_have_counted_the_same_hour(self) -> None:
        self.here("insert into systemstats (requests, from_time, to_time) values (1, '2024-06-01', '2024-06-01 01:00')")
        self.there(
            "insert into systemstats values"
            " (6, 500, 0, 0, 0, 0, 0, 0, 0, 0, 0, '2024-06-01 00:30', '2024-06-01 01:00'),"
            " (7, 600, 0, 0, 0, 0, 0, 0, 0, 0, 0, '2024-06-01 02:30', '2024-06-01 03:00')"
        )
        self.take_over()
        self.assertEqual(
            self.here("select requests from systemstats where from_time >= '2024-06-01' order by from_time"),
            [(500,), (600,)],
        )


class Refusals(ImportCase):
    def test_an_installation_in_use_is_refused_and_stays(self) -> None:
        self.here("insert into users (username, password) values ('somebody', 'x')")
        before = self.everything()
        for trial in (True, False):
            with self.assertRaisesRegex(Refused, "neither new nor from an earlier import of this QIS: it has 1 users"):
                self.take_over(trial=trial, replace=True)
        self.assertEqual(self.everything(), before)

    def test_another_qis_is_refused(self) -> None:
        self.take_over()
        self.there("update properties set value = 'another' where key = 'cluster_id'")
        with self.assertRaisesRegex(Refused, "another QIS"):
            self.take_over(replace=True)

    def test_its_own_database_is_no_target(self) -> None:
        with open_source(server().url(self.source)) as source:
            check_not_source(source, server().url(self.target))
            with self.assertRaisesRegex(Refused, "the database of the QIS itself"):
                check_not_source(source, server().url(self.source))

    def test_what_is_no_qis_is_refused_with_the_reason(self) -> None:
        empty = self.database("no_qis")
        for name, reason in ((self.target, "one of this program"), (empty, "it has no table users")):
            with self.assertRaisesRegex(Refused, reason), open_source(server().url(name)):
                pass
        self.there("alter table images drop column src")
        with (
            self.assertRaisesRegex(Refused, "its table images has no column src"),
            open_source(server().url(self.source)),
        ):
            pass

    def test_tables_that_may_not_be_read_are_told(self) -> None:
        server().run_sql("postgres", "drop role if exists stranger")
        server().run_sql("postgres", "create role stranger login")
        self.addCleanup(server().run_sql, "postgres", "drop role stranger")
        url = server().url(self.source).replace("user=qis", "user=stranger")
        with self.assertRaisesRegex(Refused, "."), open_source(url) as source:
            source.count("users")

    def test_a_server_that_is_not_there_is_unavailable(self) -> None:
        with self.assertRaises(StoreUnavailable), open_source("postgresql:///x?host=/nowhere"):
            pass
        for url in ("mysql://x", "postgresql://u:geheim@@/x?a"):
            with self.assertRaises(Refused) as raised, open_source(url):
                pass
            self.assertNotIn("geheim", raised.exception.message)

    def test_a_target_that_others_use_is_unavailable(self) -> None:
        self.patch(qis_import, "_LOCK_WAIT", "20ms")
        before = self.everything()
        with self.holding("lock table images in row exclusive mode"), self.assertRaises(StoreUnavailable):
            self.take_over()
        self.assertEqual(self.everything(), before)

    def test_a_failure_on_the_way_leaves_everything_as_it_was(self) -> None:
        before = self.everything()

        def progress(what: str, done: int, total: int) -> None:
            if what == "writing folioexports":
                raise KeyboardInterrupt

        with open_source(server().url(self.source)) as source, self.assertRaises(KeyboardInterrupt):
            import_qis(
                source, server().url(self.target), choices=CHOICES, trial=False, replace=False, progress=progress
            )
        self.assertEqual(self.everything(), before)

    @contextlib.contextmanager
    def holding(self, statement: str) -> Iterator[None]:
        connection = psycopg2.connect(server().url(self.target))
        try:
            connection.cursor().execute(statement)
            yield
        finally:
            connection.close()


class Damaged(ImportCase):
    def test_what_has_lost_its_parent_is_left_out_and_told(self) -> None:
        self.damage(
            "insert into usergroups values (99, 2), (2, 99);"
            "insert into syspermissions values (99, false, false, false, false, false, false, false);"
            "insert into folderpermissions values (90, 999, 2, 10), (91, 1, 99, 10);"
            "insert into images values (900, 'new/deep/x.jpg', 999, '', '', 1, 1, 1);"
            "insert into imagesaudit values (900, 999, null, 1, '', now()), (901, 17, 99, 1, '', now()),"
            " (902, 17, null, 7, '', now());"
            "insert into imagestats values (900, 999, 1, 1, 1, 1, 1, 1, 1, now(), now());"
            "insert into folios values (90, 'lost', '', '', 99, now());"
            "insert into folioimages values (90, 99, 17, '{}', '', 0), (91, 1, 999, '{}', '', 0);"
            "insert into foliopermissions values (90, 99, 2, 10), (91, 1, 99, 10);"
            "insert into foliosaudit values (90, 99, 1, 1, '', now()), (91, 1, 99, 2, '', now());"
            "insert into folioexports values (90, 99, '', true, '{}', 77, '', 0, now(), now())"
        )
        counted = found(self.take_over())
        for code, count in {
            "orphan_usergroups": 2,
            "orphan_syspermissions": 1,
            "orphan_folderpermissions": 2,
            "image_orphan": 1,
            "folder_made": 2,
            "orphan_imagesaudit": 1,
            "user_imagesaudit": 1,
            "odd_imagesaudit": 1,
            "orphan_imagestats": 1,
            "folio_owner": 1,
            "orphan_folioimages": 2,
            "orphan_foliopermissions": 2,
            "orphan_foliosaudit": 1,
            "user_foliosaudit": 1,
            "orphan_folioexports": 1,
        }.items():
            self.assertEqual(counted.get(code), count, code)
        self.assertEqual(
            self.here("select f.path, f.id > 30 from images i join folders f on f.id = folder_id where i.id = 900"),
            [("/new/deep", True)],
        )
        # The same ids again, since the folders are there now.
        before = self.everything()
        self.take_over()
        self.assertEqual(self.everything(), before)

    def test_system_rows_that_are_missing_are_made(self) -> None:
        self.damage(
            "delete from groups where id in (1, 3); delete from syspermissions where group_id in (1, 3, 4);"
            "delete from users where id = 1; delete from folderpermissions where folder_id = 1;"
            "delete from folders where id = 1; delete from properties"
        )
        imported = self.take_over()
        counted = found(imported)
        for code, count in (
            ("missing_group", 2),
            ("missing_flags", 3),
            ("missing_admin", 1),
            ("missing_root", 1),
            ("missing_root_level", 2),
        ):
            self.assertEqual(counted.get(code), count, code)
        self.assertEqual(self.here("select username, password from users where id = 1"), [("admin", "!")])
        self.assertEqual(self.here("select group_id from usergroups where user_id = 1 order by 1"), [(2,), (3,)])
        self.assertEqual(
            self.here("select admin_all from syspermissions where group_id in (1, 3, 4) order by group_id"),
            [(False,), (True,), (False,)],
        )
        self.assertEqual(
            self.here("select group_id, access from folderpermissions where folder_id = 1 order by 1"), [(1, 0), (2, 0)]
        )
        self.assertEqual(imported.cluster_id, "")
        self.assertNotEqual(self.here("select value from properties where key = 'cluster_id'"), [])

    def test_paths_that_are_the_same_are_one_folder_and_one_image(self) -> None:
        self.damage(
            "insert into folders values (50, 'x', '/samples/', 1, 1);"
            "insert into folderpermissions values (50, 50, 5, 20);"
            "insert into images values (900, '/samples/penguin.jpg', 50, 'double', '', 1, 1, 0),"
            " (901, 'samples//only.jpg', 50, '', '', 1, 1, 1), (902, '../x.jpg', 50, '', '', 1, 1, 1);"
            "insert into imagesaudit values (900, 900, null, 1, '', now())"
        )
        counted = found(self.take_over())
        for code, count in (
            ("folder_merged", 1),
            ("image_tidied", 2),
            ("image_double", 1),
            ("image_path", 1),
            ("orphan_imagesaudit", 1),
            ("image_similar", 1),
        ):
            self.assertEqual(counted.get(code), count, code)
        self.assertEqual(
            self.here("select id, src, folder_id from images where id in (17, 900, 901, 902) order by id"),
            [(17, "samples/penguin.jpg", 2), (901, "samples/only.jpg", 2)],
        )
        self.assertEqual(self.here("select folder_id from folderpermissions where id = 50"), [(2,)])

    def test_names_that_are_taken_here_get_another_end(self) -> None:
        self.there("drop index idx_us_username")
        self.there(
            "insert into users values"
            " (20, '', '', '', 'FRED', 'x', 1, false, 0), (21, '', '', '', '', 'x', 1, false, 1)"
        )
        self.there("drop index idx_folio_hid")
        self.there("insert into folios values (20, 'spring', '', '', 2, now()), (21, 'spring-20', '', '', 2, now())")
        counted = found(self.take_over())
        self.assertEqual(
            self.here("select id, username from users where id in (12, 20, 21) order by id"),
            [(12, "fred"), (20, "FRED-20"), (21, "21")],
        )
        self.assertEqual(
            self.here("select id, human_id from folios where id in (1, 20, 21) order by id"),
            [(1, "spring"), (20, "spring-20"), (21, "spring-20-21")],
        )
        self.assertEqual((counted["user_renamed"], counted["folio_renamed"]), (2, 2))

    def test_a_default_template_that_can_not_be_used_is_told(self) -> None:
        for value, told in (("BROKEN", True), ("nothing", True), (" smalljpeg ", False)):
            self.there("update properties set value = %s where key = 'pubimage_default_template'", value)
            self.assertEqual("default_template" in found(self.take_over(trial=True)), told)

    def test_an_older_database_reads_as_what_its_program_meant(self) -> None:
        self.there(original.OLDER)
        imported = self.take_over()
        self.assertEqual(imported.missing, original.PORTFOLIO_TABLES[::-1])
        self.assertEqual(self.here("select bool_or(allow_api) from users"), [(False,)])
        self.assertEqual(self.here("select bool_or(folios), bool_or(admin_users) from syspermissions"), [(False, True)])
        self.assertEqual(self.here("select sum(requests), sum(cached_views) from imagestats"), [(1200, 0)])
        self.assertEqual(self.here("select count(*) from folios"), [(0,)])

    def test_one_without_templates_keeps_ours(self) -> None:
        self.there("drop table imagetemplates")
        self.take_over()
        self.assertEqual(
            self.here("select name from imagetemplates order by id"), [("Default",), ("SmallJpeg",), ("Precache",)]
        )

    def test_text_that_is_not_utf_8_is_refused(self) -> None:
        ascii = self.database("ascii_source", template="template0 encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'")
        original.create(server().url(ascii))
        server().run_sql(ascii, "update images set title = convert_from('\\xe4'::bytea, 'SQL_ASCII') where id = 17")
        self.source = ascii
        with self.assertRaisesRegex(Refused, "can't be read: invalid byte sequence"):
            self.take_over()

    def test_odd_times_and_texts_are_taken(self) -> None:
        self.damage(
            "insert into imagesaudit values (900, 17, null, 1, repeat('ä', 5000), 'infinity'),"
            " (901, 17, null, 1, E'\\\\N\\t\\n\\r\\\\', '0044-03-15 BC')"
        )
        self.take_over()
        self.assertEqual(
            self.here("select action_info, action_time::text from imagesaudit where id >= 900 order by id"),
            [("ä" * 4093 + "...", "infinity"), ("\\N\t\n\r\\", "0044-03-15 00:00:00+00 BC")],
        )
