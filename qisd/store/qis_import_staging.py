"""The way of rows into our tables: by COPY into a temporary table, there put right as a whole, then upserted by id.

A temporary table ``stage_<table>`` goes with the transaction, and so does everything else if it is rolled back.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from qisd.store.queries import Row

Progress = Callable[[str, int, int], None]
"""Gets what is being done, how many are done, and how many there are (0: not known)."""

EVERYTHING = 2**62
"""A mark behind every id."""

_COPIED_AT_ONCE = 1 << 20
_UPSERTED_AT_ONCE = 20_000
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


@attrs.frozen(kw_only=True)
class Table:
    """One of our tables, as the import fills it.

    :param columns: those that are filled, with the types that they are staged in; ``timestamp`` is a time in UTC.
    :param key: what rows are upserted by.
    :param unique: another key that is unique, as SQL; ``{t}`` stands for the table.
    :param first_only: columns that a later import leaves alone.
    :param also: what is set besides when a row changes; ``t`` is the row that was there, ``excluded`` the new one.
    :param whole: the rows refer to each other, so that they have to come in one statement.
    """

    name: str
    columns: Mapping[str, str]
    key: tuple[str, ...] = ("id",)
    unique: str = ""
    first_only: frozenset[str] = frozenset()
    also: str = ""
    whole: bool = False

    @property
    def stage(self) -> str:
        return f"stage_{self.name}"

    def unique_of(self, alias: str) -> str:
        return self.unique.format(t=alias)


_COUNTS = dict.fromkeys(("requests", "views", "cached_views", "downloads", "total_bytes"), "bigint")
_SECONDS = dict.fromkeys(("request_seconds", "max_request_seconds"), "double precision")
_PERIOD = {"from_time": "timestamp", "to_time": "timestamp"}
_AUDIT = {"user_id": "integer", "action": "integer", "action_info": "text", "action_time": "timestamp"}
_FLAGS = ("folios", "reports", "admin_users", "admin_files", "admin_folios", "admin_permissions", "admin_all")

_ALL = (
    Table(
        name="users",
        columns={
            "id": "integer",
            **dict.fromkeys(("first_name", "last_name", "email", "username", "password"), "text"),
            "auth_type": "integer",
            "allow_api": "boolean",
            "status": "integer",
        },
        unique="lower({t}.username)",
        also="stamp = t.stamp + (t.password <> excluded.password or t.status <> excluded.status)::integer,"
        " password_state = case when t.password = excluded.password then t.password_state else 0 end,"
        " deleted = case when excluded.status = 0 then t.deleted end",
    ),
    Table(
        name="groups",
        columns={"id": "integer", "name": "text", "description": "text", "group_type": "integer"},
        unique="{t}.name",
    ),
    Table(
        name="usergroups",
        columns={"user_id": "integer", "group_id": "integer"},
        key=("user_id", "group_id"),
        whole=True,
    ),
    Table(
        name="syspermissions",
        columns={"group_id": "integer", **dict.fromkeys(_FLAGS, "boolean")},
        key=("group_id",),
        whole=True,
    ),
    Table(
        name="folders",
        columns={"id": "bigint", "name": "text", "path": "text", "parent_id": "bigint", "status": "integer"},
        unique="{t}.path",
        whole=True,
    ),
    Table(
        name="folderpermissions",
        columns={"id": "bigint", "folder_id": "bigint", "group_id": "integer", "access": "integer"},
        unique="({t}.folder_id, {t}.group_id)",
    ),
    Table(
        name="images",
        columns={
            "id": "bigint",
            "src": "text",
            "folder_id": "bigint",
            "title": "text",
            "description": "text",
            "width": "integer",
            "height": "integer",
            "status": "integer",
            "created": "timestamp",
        },
        unique="{t}.src",
        first_only=frozenset({"created"}),
        # Another file is another version: to be looked at anew.
        also=", ".join(
            f"{name} = case when t.src = excluded.src then t.{name} end"
            for name in ("file_size", "file_mtime_ns", "file_inode", "content_hash", "phash")
        ),
    ),
    Table(name="imagesaudit", columns={"id": "bigint", "image_id": "bigint", **_AUDIT}),
    Table(
        name="imagetemplates",
        columns={"id": "integer", "name": "text", "description": "text", "template": "jsonb", "disabled": "boolean"},
        unique="lower({t}.name)",
    ),
    Table(
        name="imagestats",
        columns={"id": "bigint", "image_id": "bigint", **_COUNTS, **_SECONDS, **_PERIOD},
        unique="({t}.image_id, {t}.from_time)",
    ),
    Table(
        name="systemstats",
        columns={
            "id": "bigint",
            **_COUNTS,
            **_SECONDS,
            **dict.fromkeys(("cpu_pc", "memory_pc", "cache_pc"), "double precision"),
            "samples": "integer",
            **_PERIOD,
        },
        unique="({t}.from_time)",
    ),
    Table(
        name="folios",
        columns={
            "id": "bigint",
            "human_id": "text",
            "name": "text",
            "description": "text",
            "owner_id": "integer",
            "last_updated": "timestamp",
        },
        unique="{t}.human_id",
    ),
    Table(
        name="folioimages",
        columns={
            "id": "bigint",
            "folio_id": "bigint",
            "image_id": "bigint",
            "parameters": "jsonb",
            "filename": "text",
            "order_num": "integer",
        },
        unique="({t}.folio_id, {t}.image_id)",
    ),
    Table(
        name="foliopermissions",
        columns={"id": "bigint", "folio_id": "bigint", "group_id": "integer", "access": "integer"},
        unique="({t}.folio_id, {t}.group_id)",
    ),
    Table(name="foliosaudit", columns={"id": "bigint", "folio_id": "bigint", **_AUDIT}),
    Table(
        name="folioexports",
        columns={
            "id": "bigint",
            "folio_id": "bigint",
            "description": "text",
            "originals": "boolean",
            "parameters": "jsonb",
            "state": "text",
            "error": "text",
            "filename": "text",
            "filesize": "bigint",
            "created": "timestamp",
            "keep_until": "timestamp",
        },
        unique="nullif({t}.filename, '')",
        also="task_id = null",
    ),
    Table(name="properties", columns={"key": "text", "value": "text"}, key=("key",), whole=True),
)

TABLES: Mapping[str, Table] = {table.name: table for table in _ALL}
"""All tables that are imported, those that others refer to before them."""


class Staging:
    """The temporary tables of one transaction."""

    def __init__(self, cursor: Cursor, progress: Progress) -> None:
        self._cursor = cursor
        self._progress = progress

    def query(self, sql: str, parameters: Sequence[object] | None = None) -> list[Row]:
        """Run a statement; returns its rows, if it has any."""
        self._cursor.execute(sql, parameters)
        return self._cursor.fetchall() if self._cursor.description else []

    def changed(self, sql: str, parameters: Sequence[object] | None = None) -> int:
        """Run a statement; returns how many rows it was about."""
        self._cursor.execute(sql, parameters)
        return self._cursor.rowcount

    def fill(self, name: str, rows: Iterable[Row], *, total: int = 0) -> None:
        """Make the temporary table of ``name`` and copy ``rows`` into it, whose values are in the order of its columns.

        :param total: how many rows are expected, for the progress.
        """
        table = TABLES[name]
        columns = ", ".join(f"{column} {kind}" for column, kind in table.columns.items())
        self._cursor.execute(f"create temporary table {table.stage} ({columns}) on commit drop")
        done, lines, size = 0, list[str](), 0
        for row in rows:
            line = "\t".join(map(_copied, row))
            lines.append(line)
            size += len(line)
            if size > _COPIED_AT_ONCE:
                done += self._copy(table, lines)
                lines, size = [], 0
                self._progress(f"reading {name}", done, total)
        done += self._copy(table, lines)
        self._progress(f"reading {name}", done, max(done, total))
        self._cursor.execute(f"create unique index on {table.stage} ({', '.join(table.key)})")
        self._cursor.execute(f"analyze {table.stage}")

    def _copy(self, table: Table, lines: list[str]) -> int:
        text = "".join(f"{line}\n" for line in lines)
        self._cursor.copy_expert(f"copy {table.stage} ({', '.join(table.columns)}) from stdin", io.StringIO(text))
        return len(lines)

    def count(self, name: str) -> int:
        """How many rows are staged."""
        count: int = self.query(f"select count(*) from {TABLES[name].stage}")[0][0]  # noqa: S608 - a name of ours
        return count

    def remove(self, name: str, condition: str) -> tuple[int, list[object]]:
        """Take rows out again for which ``condition`` is true of ``s``; returns how many, and some of their keys."""
        table = TABLES[name]
        key = " || ' in ' || ".join(f"{column}::text" for column in table.key)
        (count, some), *_ = self.query(
            f"with gone as (delete from {table.stage} s where {condition} returning {key} as key)"  # noqa: S608
            " select count(*), (array_agg(key))[1:10] from gone"
        )
        return count, some or []

    def make_unique(self, name: str, column: str, *, order: str = "id", longest: int = 120) -> list[object]:
        """Give those names another end that are empty, or that a row before has; returns ``id: old → new`` of each."""
        table = TABLES[name]
        changed: list[object] = []
        for attempt in itertools.count():
            # Should the new name be taken as well, the next one is another.
            end = "d.id::text" if attempt < 2 else f"d.id || '-{attempt}'"
            rows = self.query(
                f"update {table.stage} s set {column} = left(d.{column}, {longest} - 1 - length({end}))"  # noqa: S608
                f" || case d.{column} when '' then '' else '-' end || {end}"
                f" from (select *, row_number() over (partition by {table.unique_of('x')} order by {order}) as n"
                f" from {table.stage} x) d where d.id = s.id and (d.n > 1 or d.{column} = '')"
                f" returning s.id, d.{column}, s.{column}"
            )
            changed += [f"{number}: {old} → {new}" for number, old, new in rows]
            if not rows:
                break
        return changed

    # Into our tables

    def upsert(self, name: str) -> None:
        """Put the staged rows into the table: new ones, and those that are there with other values."""
        table = TABLES[name]
        statement = _upsert(table)
        if table.whole:
            self.query(statement.format(part="true"))
            return
        total, done, last = self.count(name), 0, -EVERYTHING
        while True:
            (end,) = self.query(
                f"select max(id) from (select id from {table.stage} where id > %s order by id limit %s) part",  # noqa: S608
                (last, _UPSERTED_AT_ONCE),
            )[0]
            if end is None:
                return
            self._cursor.execute(statement.format(part="s.id > %s and s.id <= %s"), (last, end))
            last, done = end, min(done + _UPSERTED_AT_ONCE, total)
            self._progress(f"writing {name}", done, total)

    def park(self, name: str, columns: str) -> None:
        """Free the unique keys that staged rows claim from rows of another id, which are to get another key, or to go.

        :param columns: what is set, as SQL.
        """
        table = TABLES[name]
        self.query(
            f"update {name} t set {columns} from {table.stage} s"  # noqa: S608 - names of ours
            f" where {table.unique_of('s')} = {table.unique_of('t')} and s.id <> t.id"
        )

    def remove_rivals(self, name: str) -> None:
        """Remove the rows that have the unique key of a staged row of another id."""
        table = TABLES[name]
        ours = _in_our_types(table, table.unique_of("s"))
        self.query(f"delete from {name} t using {table.stage} s where {ours} = {table.unique_of('t')} and s.id <> t.id")  # noqa: S608

    def remove_gone(self, name: str, mark: int, *, unless: str = "false") -> None:
        """Remove the rows ``t`` that are not staged, up to the id ``mark``."""
        self.query(
            f"with gone as materialized (select id from {name} t where t.id <= %s"  # noqa: S608 - names of ours
            f" and not exists (select from {TABLES[name].stage} s where s.id = t.id))"
            f" delete from {name} t using gone where t.id = gone.id and not ({unless})",
            (mark,),
        )

    def renumber(self, name: str, mark: int) -> None:
        """Give new ids to the rows behind ``mark`` whose ids are those of staged rows. Nothing may refer to them."""
        stage = TABLES[name].stage
        self.query(
            f"update {name} t set id = new.id from ("  # noqa: S608 - names of ours
            f" select c.id as old, row_number() over (order by c.id)"
            f" + greatest((select max(id) from {name}), (select max(id) from {stage})) as id"
            f" from {name} c join {stage} s using (id) where c.id > %s) new where new.old = t.id",
            (mark,),
        )

    def continue_ids(self, name: str) -> None:
        """Let the ids that the database gives out begin behind all that are there; undone by a rollback, too."""
        sequence, last = self.query(
            f"select pg_get_serial_sequence('{name}', 'id'), coalesce(max(id), 0) from {name}"  # noqa: S608
        )[0]
        ((next_one,),) = self.query(f"select last_value + is_called::integer from {sequence}")  # noqa: S608
        if next_one <= last:
            self.query(f"alter sequence {sequence} restart with {last + 1}")


def _upsert(table: Table) -> str:
    """The statement that upserts the staged rows ``s`` for which ``{part}`` is true."""
    values = ", ".join(_as_ours(table, column, f"s.{column}") for column in table.columns)
    columns = ", ".join(table.columns)
    head = f"insert into {table.name} as t ({columns}) select {values} from {table.stage} s where {{part}}"  # noqa: S608
    settable = [name for name in table.columns if name not in table.key and name not in table.first_only]
    conflict = f" on conflict ({', '.join(table.key)}) do"
    if not settable:
        return f"{head}{conflict} nothing"
    set_these = ", ".join([*(f"{name} = excluded.{name}" for name in settable), *filter(None, [table.also])])
    old, new = (", ".join(f"{side}.{name}" for name in settable) for side in ("t", "excluded"))
    return f"{head}{conflict} update set {set_these} where ({old}) is distinct from ({new})"


def _as_ours(table: Table, column: str, expression: str) -> str:
    """A staged value in the type of our table. A time that isn't known is now."""
    if table.columns[column] == "timestamp":
        return f"coalesce({expression} at time zone 'UTC', now())"
    return expression


def _in_our_types(table: Table, unique: str) -> str:
    for column in table.columns:
        if f"s.{column}" in unique:
            unique = unique.replace(f"s.{column}", _as_ours(table, column, f"s.{column}"))
    return unique


def _copied(value: object) -> str:
    """A value as a field of COPY's text format."""
    if value is None:
        return r"\N"
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    return str(value)
