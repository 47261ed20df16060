"""A database of any earlier version becomes that of today at the next start, with all that is in it."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from qisd.access.passwords import first_password
from qisd.errors import StartupError
from qisd.store.migrate import migrate_and_seed
from tests.integration.database import TEMPLATE, server
from tests.integration.postgres import REPOSITORY

MIGRATIONS = sorted((REPOSITORY / "qisd" / "store" / "migrations").glob("*.sql"))

_SCHEMA = (
    "select table_name, column_name, data_type, is_nullable, column_default from information_schema.columns"
    " where table_schema = 'public' order by 1, 2",
    "select tablename, indexname, indexdef from pg_indexes where schemaname = 'public' order by 1, 2",
    "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint"
    " where connamespace = 'public'::regnamespace order by 1, 2",
    "select event_object_table, trigger_name, event_manipulation, action_statement from information_schema.triggers"
    " where trigger_schema = 'public' order by 1, 2, 3",
    "select proname, prosrc from pg_proc where pronamespace = 'public'::regnamespace order by 1",
)

_ROWS = (
    "insert into users (id, first_name, last_name, email, username, password, auth_type, allow_api, status)"
    " values (7, 'Maria', 'Vega', 'm@example.org', 'maria', '!', 1, false, 1)",
    "insert into folders (id, name, path, parent_id, status) values (1, '', '/', null, 1) on conflict do nothing",
    "insert into folders (id, name, path, parent_id, status) values (5, 'old', '/old', 1, 1)",
    "insert into images (id, src, folder_id, title, description, width, height, status)"
    " values (9, 'old/a.jpg', 5, 'A title', '', 30, 20, 1)",
)


class UpgradeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.state = Path(tempfile.mkdtemp(prefix="qt-state-"))
        self.addCleanup(shutil.rmtree, self.state)

    def prepare(self, name: str, migrations: Path | None = None) -> None:
        """What a start does, of a version that has these migrations; else of this one."""
        migrate_and_seed(
            server().url(name),
            first_password=lambda: first_password(""),
            state_dir=self.state,
            log=lambda line: None,
            **({"migrations": str(migrations)} if migrations is not None else {}),
        )

    def schema(self, name: str) -> list[list[tuple[object, ...]]]:
        return [server().run_sql(name, sql) for sql in _SCHEMA]

    def test_from_every_earlier_version(self) -> None:
        wanted = self.schema(TEMPLATE)
        self.assertGreater(len(MIGRATIONS), 5)
        for level in range(1, len(MIGRATIONS)):
            old = self.state / f"level{level}"
            old.mkdir()
            for file in MIGRATIONS[:level]:
                shutil.copy(file, old)
            name = server().new_database()
            with contextlib.suppress(StartupError):  # what today's first run fills in does not fit the oldest
                self.prepare(name, old)
            self.assertNotEqual(self.schema(name), wanted, level)
            for row in _ROWS:
                server().run_sql(name, row)
            self.prepare(name)
            for had, want in zip(self.schema(name), wanted, strict=True):
                self.assertEqual(had, want, f"from {MIGRATIONS[level - 1].name}")
            self.assertEqual(
                server().run_sql(
                    name,
                    "select u.username, f.path, i.src, i.title from users u, folders f join images i"
                    " on i.folder_id = f.id where u.id = 7",
                ),
                [("maria", "/old", "old/a.jpg", "A title")],
            )
