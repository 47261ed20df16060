"""A database seen from outside: its server, its size, the migrations it has had. Changes nothing; blocks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import attrs
import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.extensions import make_dsn
from yoyo import read_migrations

from qisd.errors import StartupError, StoreUnavailable
from qisd.store.dsn import parameters_of
from qisd.store.link import one_line
from qisd.store.migrate import MIGRATIONS, check_server, compatible_since

BOOKED = "_yoyo_migration"
"""The table of the migrations that a database has had."""

_LIMIT = 30.0


@attrs.frozen(kw_only=True)
class DatabaseStatus:
    """One look at a database.

    :param server: the version of PostgreSQL, as it calls itself.
    :param host: as the connection was made: a name, or the folder of a socket.
    :param size: bytes on disk.
    :param tables: how many there are, whoever made them.
    :param users: how many rows that table has; None without it. ``images`` likewise.
    :param applied: the migrations that it has had and we know, in their order; ``pending`` are those that it lacks,
        ``unknown`` those of a newer program.
    :param usable: we can work with it, in spite of those.
    :param daemons: connections of other processes of ours.
    :param refusal: why a start would refuse it; empty: it would not.
    """

    server: str
    host: str
    database: str
    size: int
    tables: int
    users: int | None
    images: int | None
    applied: list[str]
    pending: list[str]
    unknown: list[str]
    usable: bool
    daemons: int
    refusal: str


def database_status(url: str) -> DatabaseStatus:
    """:raises StoreUnavailable: it can't be reached."""
    with connected(url) as connection:
        booked = booked_in(connection)
        known = known_migrations()
        pending = [name for name in known if name not in booked]
        with connection.cursor() as cursor:
            cursor.execute(
                "select current_database(), pg_database_size(current_database()), (select count(*) from pg_tables"
                " where schemaname not in ('pg_catalog', 'information_schema')),"
                " to_regclass('users') is not null, to_regclass('images') is not null"
            )
            database, size, tables, has_users, has_images = cursor.fetchall()[0]
        return DatabaseStatus(
            server=connection.info.parameter_status("server_version") or "",
            host=connection.info.host or "",
            database=database,
            size=size,
            tables=tables,
            users=_count(connection, "users") if has_users else None,
            images=_count(connection, "images") if has_images else None,
            applied=[name for name in known if name in booked],
            pending=pending,
            unknown=sorted(booked.difference(known)),
            usable=booked.issubset(known) or compatible_since(connection) in known,
            daemons=daemons_of(connection),
            refusal=_refusal(connection, migrates=bool(pending)),
        )


def known_migrations() -> list[str]:
    """The names of all migrations of this program, in their order."""
    return sorted(migration.id for migration in read_migrations(MIGRATIONS))


def booked_in(connection: Connection) -> set[str]:
    """The names of the migrations that a database has had."""
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass(%s) is not null", (BOOKED,))
        if cursor.fetchone() != (True,):
            return set()
        cursor.execute(f"select migration_id from {BOOKED}")  # noqa: S608
        return {name for (name,) in cursor.fetchall()}


def daemons_of(connection: Connection) -> int:
    """How many connections of daemons and commands there are besides ``connection``, as far as we are told."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            " and application_name = current_setting('application_name')"
        )
        return int(cursor.fetchall()[0][0])


def _refusal(connection: Connection, *, migrates: bool) -> str:
    """Why a start would refuse the database; nothing if it would not.

    :param migrates: whether it would have to change the schema.
    """
    try:
        check_server(connection)
    except StartupError as error:
        return str(error)
    with connection.cursor() as cursor:
        cursor.execute(
            "select current_user, current_schema(), coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)"
        )
        user, schema, may_create = cursor.fetchall()[0]
    if migrates and not may_create:
        return f"the user {user} may make no tables in the schema {schema or 'public'}: let it own the database"
    return ""


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """A connection for a few statements.

    :raises StoreUnavailable: the server can't be reached, goes away, or has tables that are closed to us.
    """
    connection: Connection | None = None
    try:
        connection = psycopg2.connect(make_dsn(**parameters_of(url, query_timeout=_LIMIT)))
        connection.autocommit = True
        yield connection
    except (psycopg2.OperationalError, psycopg2.errors.InsufficientPrivilege) as error:
        raise StoreUnavailable(detail=one_line(error)) from error
    finally:
        if connection is not None:
            connection.close()


def _count(connection: Connection, table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"select count(*) from {table}")  # noqa: S608
        return int(cursor.fetchall()[0][0])
