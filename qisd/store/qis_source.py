"""Reads the database of a QIS, in one snapshot, and never writes to it.

Its tables have grown over the years: a column that an older one doesn't have reads as what QIS itself would have put
into it, a table that it doesn't have is empty.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.extensions import make_dsn

from qisd.errors import Refused, SettingsError, StoreUnavailable
from qisd.store.cancelling import cancelled_by_signals
from qisd.store.dsn import given_parameters
from qisd.store.queries import Row

DEFAULT_URL = "postgresql:///qis-mgmt"
"""Where the database of a QIS is that says nothing of it."""

_BATCH = 5000
"""How many rows are held in memory at once."""

_CONNECTION = {
    "application_name": "qis import",
    "connect_timeout": "10",
    "gssencmode": "disable",
    "keepalives": "1",
    "keepalives_idle": "10",
}

_MUST = None
_NO, _NONE, _TEXT, _ZERO = "false", "null", "''", "0"
_AUDIT = {"user_id": _NONE, "action": _MUST, "action_info": _TEXT, "action_time": _MUST}

COLUMNS: Mapping[str, Mapping[str, str | None]] = {
    "users": {
        "id": _MUST,
        "first_name": _TEXT,
        "last_name": _TEXT,
        "email": _TEXT,
        "username": _MUST,
        "password": _MUST,
        "auth_type": "1",
        "allow_api": _NO,
        "status": "1",
    },
    "groups": {
        "id": _MUST,
        "name": _MUST,
        "description": _TEXT,
        "group_type": "case when t.id in (1, 2, 3) then 1 else 2 end",
    },
    "usergroups": {"user_id": _MUST, "group_id": _MUST},
    "syspermissions": {
        "group_id": _MUST,
        "folios": _NO,
        "reports": _NO,
        "admin_users": _NO,
        "admin_files": _NO,
        "admin_folios": _NO,
        "admin_permissions": _NO,
        "admin_all": _NO,
    },
    "folders": {"id": _MUST, "path": _MUST, "parent_id": _NONE, "status": "1"},
    "folderpermissions": {"id": _MUST, "folder_id": _MUST, "group_id": _MUST, "access": _MUST},
    "images": {
        "id": _MUST,
        "src": _MUST,
        "folder_id": _MUST,
        "title": _TEXT,
        "description": _TEXT,
        "width": _ZERO,
        "height": _ZERO,
        "status": "1",
    },
    "imagesaudit": {"id": _MUST, "image_id": _MUST, **_AUDIT},
    "imagetemplates": {"id": _MUST, "name": _MUST, "description": _TEXT, "template": _MUST},
    "properties": {"key": _MUST, "value": _NONE},
    "folios": {
        "id": _MUST,
        "human_id": _MUST,
        "name": _TEXT,
        "description": _TEXT,
        "owner_id": _MUST,
        "last_updated": "'1970-01-01'",
    },
    "folioimages": {
        "id": _MUST,
        "folio_id": _MUST,
        "image_id": _MUST,
        "parameters": "'{}'",
        "filename": _TEXT,
        "order_num": _ZERO,
    },
    "foliopermissions": {"id": _MUST, "folio_id": _MUST, "group_id": _MUST, "access": _MUST},
    "foliosaudit": {"id": _MUST, "folio_id": _MUST, **_AUDIT},
    "folioexports": {
        "id": _MUST,
        "folio_id": _MUST,
        "description": _TEXT,
        "originals": _NO,
        "parameters": "'{}'",
        "filename": _TEXT,
        "filesize": _ZERO,
        "created": "'1970-01-01'",
        "keep_until": "'2099-12-31'",
    },
}
"""What is read of each table, and what stands for a column that isn't there, or for a null in it.

Times and JSON are read as text.
"""

_COUNTS = ("requests", "views", "cached_views", "downloads", "total_bytes")
_SECONDS = ("request_seconds", "max_request_seconds")
_PERIOD = "hour::text, (hour + interval '1 hour')::text"
_HARDWARE = ("cpu_pc", "memory_pc", "cache_pc")

_REQUIRED = ("users", "groups", "usergroups", "syspermissions", "folders", "folderpermissions", "images")
OPTIONAL = (*(table for table in COLUMNS if table not in _REQUIRED), "imagestats", "systemstats")
"""Tables that older databases don't have."""


class QisSource:
    """The database of a QIS. All methods block; what they return is as at one moment."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        self._counted: dict[str, int] = {}
        self._columns = self._look()
        self._check_shape()

    def has(self, table: str) -> bool:
        """Whether the database has the table."""
        return table in self._columns

    def count(self, table: str) -> int:
        """How many rows a table has; 0 when there is no such table."""
        if not self.has(table):
            return 0
        if table not in self._counted:
            self._counted[table] = self._query(f"select count(*) from {table}")[0][0]  # noqa: S608 - a name of ours
        return self._counted[table]

    def identity(self) -> Row:
        """What tells this database from any other that could be reached at this moment."""
        return self._query(IDENTITY)[0]

    def rows(self, table: str) -> Iterator[Row]:
        """The rows of a table, with the columns that :data:`COLUMNS` names; a few thousand at a time."""
        if self.has(table):
            columns = ", ".join(self._expression(table, name) for name in COLUMNS[table])
            yield from self._stream(f"select {columns} from {table} t")  # noqa: S608 - names of ours

    def images(self) -> Iterator[Row]:
        """The rows of ``images``: the columns of :data:`COLUMNS`, and when it was first seen, if that is known."""
        columns = ", ".join(self._expression("images", name) for name in COLUMNS["images"])
        if self.has("imagesaudit"):
            seen = "select image_id, min(action_time)::text as seen from imagesaudit where action = 1 group by image_id"
            query = f"select {columns}, first.seen from images t left join ({seen}) first on first.image_id = t.id"  # noqa: S608
        else:
            query = f"select {columns}, null from images t"  # noqa: S608
        yield from self._stream(query)

    def image_stats(self) -> Iterator[Row]:
        """The statistics of images by hour: id, image, the five counts, seconds, longest seconds, from, to."""
        if self.has("imagestats"):
            sums = ", ".join(f"sum({name})::bigint" for name in _COUNTS)
            yield from self._stream(
                f"select min(id), image_id, {sums}, sum(request_seconds), max(max_request_seconds), {_PERIOD}"  # noqa: S608
                f" from ({self._stats('imagestats', ('image_id', *_COUNTS, *_SECONDS))}) t group by image_id, hour"
            )

    def system_stats(self) -> Iterator[Row]:
        """The statistics of the system by hour: id, the five counts, seconds, longest seconds, averages of processor
        and memory, last fill of the cache, minutes, from, to.
        """
        if self.has("systemstats"):
            sums = ", ".join(f"sum({name})::bigint" for name in _COUNTS)
            yield from self._stream(
                f"select min(id), {sums}, sum(request_seconds), max(max_request_seconds),"  # noqa: S608
                " sum(cpu_pc * minutes) / sum(minutes), sum(memory_pc * minutes) / sum(minutes),"
                f" (array_agg(cache_pc order by from_time desc))[1], sum(minutes)::integer, {_PERIOD}"
                f" from ({self._stats('systemstats', (*_COUNTS, *_SECONDS, *_HARDWARE))}) t group by hour"
            )

    def _stats(self, table: str, names: tuple[str, ...]) -> str:
        """A query of single rows, each with the hour that it began in and the minutes that it spans, at least one."""
        columns = ", ".join(f"{self._number(table, name)} as {name}" for name in names)
        minutes = "least(greatest(extract(epoch from t.to_time - t.from_time) / 60, 1), 1440)"
        return (
            f"select t.id, {columns}, t.from_time, {minutes} as minutes, date_trunc('hour', t.from_time) as hour"  # noqa: S608
            f" from {table} t"
        )

    def _number(self, table: str, name: str) -> str:
        return f"coalesce(t.{name}, 0)" if name in self._columns[table] else "0"

    def _expression(self, table: str, name: str) -> str:
        instead = COLUMNS[table][name]
        kind = self._columns[table].get(name)
        if kind is None:
            return instead or _NONE
        column = f"t.{name}::text" if kind.startswith(("timestamp", "json")) else f"t.{name}"
        return f"coalesce({column}, {instead})" if instead else column

    def _look(self) -> dict[str, dict[str, str]]:
        """The columns of each table with their types."""
        tables: dict[str, dict[str, str]] = {}
        for table, column, kind in self._query(
            "select table_name::text, column_name::text, data_type::text from information_schema.columns"
            " where table_schema = any (current_schemas(false)) order by table_name, ordinal_position"
        ):
            tables.setdefault(table, {})[column] = kind
        return tables

    def _check_shape(self) -> None:
        if "_yoyo_migration" in self._columns:
            raise Refused("This is not the database of a QIS, but one of this program.")
        for table in _REQUIRED:
            if not self.has(table):
                raise Refused(f"This is not the database of a QIS: it has no table {table}.")
        for table, columns in COLUMNS.items():
            missing = [name for name, instead in columns.items() if instead is _MUST and name not in self._of(table)]
            if missing and self.has(table):
                raise Refused(f"This is not the database of a QIS: its table {table} has no column {missing[0]}.")

    def _of(self, table: str) -> Mapping[str, str]:
        return self._columns.get(table, {})

    def _query(self, sql: str) -> list[Row]:
        with _reading(), self._connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    def _stream(self, sql: str) -> Iterator[Row]:
        with self._connection.cursor(f"qis_import_{next(self._numbers)}") as cursor:
            cursor.itersize = _BATCH
            with _reading():
                cursor.execute(sql)
            while True:
                with _reading():
                    rows = cursor.fetchmany(_BATCH)
                if not rows:
                    return
                yield from rows


IDENTITY = (
    "select pg_postmaster_start_time()::text, (select oid::bigint from pg_database where datname = current_database())"
)
"""A query whose answer is the same for two connections only if they lead to the same database."""


@contextmanager
def open_source(url: str) -> Iterator[QisSource]:
    """The database of a QIS at ``url``, as it is now, for as long as it is open.

    :raises Refused: it can't be used; the text says why.
    :raises StoreUnavailable: it can't be reached.
    """
    connection = _connect(url)
    try:
        with _reading():
            connection.set_client_encoding("UTF8")
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with cancelled_by_signals(connection.cancel):
            yield QisSource(connection)
    finally:
        connection.close()


def _connect(url: str) -> Connection:
    try:
        given: Mapping[str, Any] = given_parameters(url)
    except SettingsError as error:
        raise Refused(f"The database of the QIS {error.faults[0].partition(': ')[2]}.") from None
    limits = "-c DateStyle=ISO -c TimeZone=UTC -c statement_timeout=0"
    options = f"{given.get('options', '')} {limits}".strip()
    try:
        return psycopg2.connect(make_dsn(**{**_CONNECTION, **given, "options": options}))
    except psycopg2.Error as error:
        raise StoreUnavailable(detail=f"the database of the QIS: {_text(error)}") from None


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
        raise StoreUnavailable(detail=f"the database of the QIS: {_text(error)}") from error
    except psycopg2.Error as error:
        raise Refused(f"The database of the QIS can't be read: {_text(error)}") from error


def _text(error: psycopg2.Error) -> str:
    return " ".join(str(error).split())
