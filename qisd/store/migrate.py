"""Brings the schema up to date before anything is served.

The numbered files of ``migrations/`` are read, split and booked by yoyo-migrations. Its own ways of locking and of
committing are replaced: it locks by a row with a process id, which stays behind after a crash and says nothing in a
container, and it books a migration after the commit, so that a crash in between would run it twice. Here one advisory
lock, which ends with its connection, is held throughout, and a migration and its booking are one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.extensions import make_dsn
from yoyo import read_migrations
from yoyo.backends.core.postgresql import PostgresqlBackend
from yoyo.connections import parse_uri
from yoyo.migrations import default_migration_table

from qisd.errors import StartupError, StoreUnavailable
from qisd.store.dsn import parameters_of
from qisd.store.first_run import FirstPassword, seed

Log = Callable[[str], None]

MIGRATIONS = "package:qisd.store:migrations"

OLDEST_SERVER = 130000
"""The oldest PostgreSQL we work with, as ``server_version_num`` (13.0)."""

LOCK_KEY = 0x71697364  # "qisd"
"""The advisory lock that is held while the database is being prepared or filled."""

HARMLESS = "-- Programs without it can go on."
"""The line in a migration by which servers of the version before may stay, and start, beside those of the next one."""

_EXIT_CODE = 3
_LOCK_WAIT = "10min"

_COMPATIBLE = "compatible since "


def migrate_and_seed(
    dsn: str,
    *,
    first_password: Callable[[], FirstPassword],
    state_dir: Path,
    log: Log,
    migrations: str = MIGRATIONS,
) -> None:
    """Run the migrations that are missing, and fill an empty database with what the first run needs. Blocks.

    Servers that start together do this one after the other, so that only the first finds something to do.

    :param dsn: the database's URL.
    :param first_password: makes the first password of ``admin``; called only when that account is made.
    :param state_dir: where a generated first password is left for the operator.
    :param log: gets each line for the log, after what it tells has been committed.
    :raises StartupError: with exit code 3, when the server is too old, the schema is newer than this program, or a
        migration fails. Nothing of a failed migration stays.
    :raises StoreUnavailable: the server can't be reached, or went away meanwhile.
    """
    try:
        connection = psycopg2.connect(make_dsn(**parameters_of(dsn, query_timeout=0)))
    except psycopg2.Error as error:
        raise StoreUnavailable(detail=_text(error)) from error
    try:
        connection.autocommit = True
        check_server(connection)
        with _advisory_lock(connection):
            _migrate(connection, migrations, log)
            seed(connection, first_password=first_password, state_dir=state_dir, log=log)
    except psycopg2.Error as error:
        if connection.closed:
            raise StoreUnavailable(detail=f"the database went away during the start: {error}") from error
        raise StartupError(f"the database can't be prepared: {_text(error)}", exit_code=_EXIT_CODE) from error
    finally:
        connection.close()


def check_server(connection: Connection) -> None:
    """:raises StartupError: with exit code 3, when the server is too old, or the database has another encoding."""
    if connection.server_version < OLDEST_SERVER:
        version = connection.info.parameter_status("server_version")
        raise StartupError(
            f"the database server is PostgreSQL {version}; it must be {OLDEST_SERVER // 10000} or newer",
            exit_code=_EXIT_CODE,
        )
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise StartupError(f"the database's encoding is {encoding}; it must be UTF8", exit_code=_EXIT_CODE)


@contextmanager
def _advisory_lock(connection: Connection) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("set statement_timeout = 0")
        cursor.execute("set lock_timeout = %s", (_LOCK_WAIT,))
        try:
            cursor.execute("select pg_advisory_lock(%s)", (LOCK_KEY,))
        except psycopg2.errors.LockNotAvailable as error:
            raise StartupError(
                f"another server has been preparing the database for {_LOCK_WAIT}", exit_code=_EXIT_CODE
            ) from error
        yield
        # Not in a ``finally``: after an error the connection is closed, which ends the lock as well.
        cursor.execute("select pg_advisory_unlock(%s)", (LOCK_KEY,))


def _migrate(connection: Connection, source: str, log: Log) -> None:
    backend = _Backend(connection)
    migrations = {migration.id: migration for migration in read_migrations(source)}
    booked = backend.booked()
    unknown = sorted(booked - migrations.keys())
    if unknown:
        if compatible_since(connection) in migrations:
            log(f"The database's schema is newer than this program, which can go on with it: it has had {unknown[-1]}")
            return
        raise StartupError(
            f"the database's schema is newer than this program: it has had {unknown[-1]}, which is not known here",
            exit_code=_EXIT_CODE,
        )
    # Before them: of a schema that is being changed programs of before must not think that they know it.
    backend.note_compatible_since(max(name for name, one in migrations.items() if not _is_harmless(one)))
    for name in sorted(migrations.keys() - booked):
        try:
            backend.apply(migrations[name])
        except psycopg2.Error as error:
            if connection.closed:
                raise
            raise StartupError(f"migration {name} failed: {_text(error)}", exit_code=_EXIT_CODE) from error
        log(f"Applied schema migration {name}")


def compatible_since(connection: Connection) -> str:
    """The newest migration that a program has to know to work with this database; empty: nobody has noted it."""
    with connection.cursor() as cursor:
        cursor.execute("select obj_description(to_regclass(%s), 'pg_class')", (default_migration_table,))
        return str(cursor.fetchall()[0][0] or "").removeprefix(_COMPATIBLE)


def _is_harmless(migration: Any) -> bool:
    """Whether programs that don't know it can go on, as it says itself."""
    return HARMLESS in Path(migration.path).read_text("utf-8").splitlines()


def _text(error: psycopg2.Error) -> str:
    """The server's message on one line."""
    return " ".join(str(error).split())


class _Backend(PostgresqlBackend):  # type: ignore[misc]  # yoyo has no types
    """yoyo's way to PostgreSQL, over a connection that is there already and under a lock that is held already."""

    def __init__(self, connection: Connection) -> None:
        self._given = connection
        super().__init__(parse_uri("postgresql:///"), default_migration_table)

    def connect(self, _: object) -> Connection:
        return self._given

    @contextmanager
    def lock(self, timeout: float = 0) -> Iterator[None]:
        """No lock of its own."""
        yield

    def booked(self) -> set[str]:
        """The names of the migrations that this database has had."""
        self.ensure_internal_schema_updated()
        return {name for (name,) in self.execute(f"select migration_id from {self.migration_table}").fetchall()}  # noqa: S608

    def apply(self, migration: Any) -> None:
        """Run one migration and book it, in one transaction."""
        with self.transaction():
            migration.process_steps(self, "apply")
            self.mark_one(migration, log=False)

    def note_compatible_since(self, name: str) -> None:
        # Beside the list of migrations, since it belongs to that; a table of ours may not be there yet.
        if compatible_since(self._given) != name:
            with self.transaction():
                self.execute(f"comment on table {self.migration_table} is %s", (_COMPATIBLE + name,))
