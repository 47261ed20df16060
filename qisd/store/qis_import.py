"""Takes over the database of a QIS: read in one snapshot, written in one transaction, by id, again and again.

What was imported is afterwards as it is in QIS, whatever was done to it here since an earlier import. What was made
here since then stays, where it isn't in the way. The mark between the two are the highest ids of the earlier import:
what is made here has higher ones.

A trial does everything as well, schema included, and takes it back at the end: so it finds what a real run would.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import attrs
import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.extensions import make_dsn
from psycopg2.extras import Json
from yoyo import read_migrations

from qisd.errors import Refused, StoreUnavailable
from qisd.imaging.rules import Choices
from qisd.store import qis_import_rows as rows
from qisd.store.cancelling import cancelled_by_signals
from qisd.store.dsn import parameters_of
from qisd.store.first_run import ADMIN, DEFAULT_TEMPLATE
from qisd.store.migrate import LOCK_KEY, MIGRATIONS, check_server
from qisd.store.qis_import_findings import Findings
from qisd.store.qis_import_staging import EVERYTHING, TABLES, Progress, Staging
from qisd.store.qis_source import IDENTITY, OPTIONAL, QisSource
from qisd.store.queries import Row

MARKER = "import_source"
"""The property that says where a database was imported from, and up to which ids."""

NOT_TAKEN = ("tasks",)
"""Tables of a QIS that stay behind: what is in them is bound to its program."""

_LOCK_WAIT = "30s"
_IMAGE_ACTIONS = range(5)
_FOLIO_ACTIONS = range(1, 7)
_NAMED = {"users": "username", "groups": "name", "imagetemplates": "name", "folios": "human_id"}
"""Tables whose rows people make, and what they call them."""

_RECORDS = ("images", "folders")
"""Tables whose rows make themselves."""

_LEAVES = (
    "imagesaudit",
    "imagestats",
    "systemstats",
    "folderpermissions",
    "folioimages",
    "foliopermissions",
    "foliosaudit",
    "folioexports",
)
"""Tables that no other table refers to."""


@attrs.frozen(kw_only=True)
class Count:
    """Rows of one table: what QIS has, and how many of ours they have become."""

    source: int
    taken: int


@attrs.frozen(kw_only=True)
class Imported:
    """What an import did, or would do.

    :param again: there has been an earlier import.
    :param counts: by table.
    :param missing: tables that this QIS doesn't have.
    :param not_taken: rows by table that were left behind on purpose.
    :param cluster_id: the id of the installation.
    """

    again: bool
    counts: Mapping[str, Count]
    missing: tuple[str, ...]
    not_taken: Mapping[str, int]
    cluster_id: str
    findings: Findings


def import_qis(
    source: QisSource, url: str, *, choices: Choices, trial: bool, replace: bool, progress: Progress
) -> Imported:
    """Take over everything from ``source``. Blocks, for as long as it takes.

    :param url: of our database, prepared, unless this is a trial; see :func:`check_not_source`.
    :param choices: what templates may choose from.
    :param trial: take everything back at the end.
    :param replace: remove what people made here since the last import, where it is in the way.
    :raises Refused: our database is in use by others than an import, or something that people made is in the way.
    :raises StoreUnavailable: one of the databases can't be reached, or is busy.
    """
    with _connected(url) as connection:
        run = _Import(source, connection, choices, replace=replace or trial, progress=progress)
        done = run.run(trial=trial)
        if trial:
            connection.rollback()
        else:
            connection.commit()
    return done


def check_not_source(source: QisSource, url: str) -> None:
    """:raises Refused: our database at ``url`` is the very one that is to be imported."""
    with _connected(url) as connection, connection.cursor() as cursor:
        cursor.execute(IDENTITY)
        if cursor.fetchone() == source.identity():
            raise Refused("MGMT_DATABASE_CONNECTION leads to the database of the QIS itself; it must be another one.")


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    try:
        connection = psycopg2.connect(make_dsn(**parameters_of(url, query_timeout=0)))
    except psycopg2.Error as error:
        raise StoreUnavailable(detail=_text(error)) from error
    try:
        with cancelled_by_signals(connection.cancel):
            yield connection
    except psycopg2.errors.LockNotAvailable as error:
        raise StoreUnavailable(detail=f"others have been using the tables for {_LOCK_WAIT}") from error
    except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
        raise StoreUnavailable(detail=_text(error)) from error
    finally:
        connection.close()


class _Import:
    """One import, from its first statement to its last but the commit."""

    def __init__(
        self, source: QisSource, connection: Connection, choices: Choices, *, replace: bool, progress: Progress
    ) -> None:
        self._source = source
        self._connection = connection
        self._staging = Staging(connection.cursor(), progress)
        self._choices = choices
        self._replace = replace
        self._findings = Findings()
        self._marks: Mapping[str, int] = {}

    def run(self, *, trial: bool) -> Imported:
        """:param trial: it will be rolled back, and has the schema brought up to date first."""
        check_server(self._connection)
        self._begin()
        if trial:
            self._bring_up()
        self._examine()
        self._stage()
        self._check_staged()
        # From here on nobody else may write to these tables, which everybody may read; so look again.
        self._staging.query(f"lock table {', '.join(TABLES)} in share row exclusive mode")
        earlier = self._examine()
        if earlier is not None:
            self._make_way()
        self._write()
        self._finish()
        if not trial:  # the ids of the log would not be rolled back
            self._record()
        return self._done(again=earlier is not None)

    # Whether it may be done

    def _begin(self) -> None:
        sql = self._staging.query
        sql("set local statement_timeout = 0")
        sql("set local idle_in_transaction_session_timeout = 0")
        sql(f"set local lock_timeout = '{_LOCK_WAIT}'")
        sql("select pg_advisory_xact_lock(%s)", (LOCK_KEY,))

    def _bring_up(self) -> None:
        """What the start does to the schema, as a part of this transaction."""
        known = {migration.id: migration for migration in read_migrations(MIGRATIONS)}
        booked = set()
        if self._staging.query("select to_regclass('_yoyo_migration')") != [(None,)]:
            booked = {name for (name,) in self._staging.query("select migration_id from _yoyo_migration")}
        if booked - known.keys():
            raise Refused("The database's schema is newer than this program.")
        try:
            for name in sorted(known.keys() - booked):
                self._staging.query(Path(known[name].path).read_text(encoding="utf-8"))
        except psycopg2.ProgrammingError as error:
            raise Refused(f"The database can't be prepared: {_text(error)}") from error

    def _examine(self) -> Mapping[str, int] | None:
        """Make sure that our database may be filled; returns the marks of the earlier import, if there was one."""
        earlier = self._earlier()
        if earlier is None:
            self._check_new()
        self._marks = earlier or {}
        return earlier

    def _earlier(self) -> Mapping[str, int] | None:
        """The marks of the earlier import; None without one."""
        found = self._staging.query("select value from properties where key = %s", (MARKER,))
        if not found:
            return None
        marker = json.loads(found[0][0])
        if marker["cluster_id"] != self._cluster_id():
            raise Refused("This installation has been imported from another QIS; start with a new one.")
        marks: Mapping[str, int] = marker["last_ids"]
        return marks

    def _check_new(self) -> None:
        """An installation that nobody has used yet may be filled. Records that made themselves don't count."""
        used = {
            "users": "select count(*) from users where id > 1",
            "groups": "select count(*) from groups where id > 3",
            "templates": "select count(*) from imagetemplates where id > 3",
            "folder permissions": "select count(*) from folderpermissions where id > 2",
            "images with a title or description": "select count(*) from images where title <> '' or description <> ''",
            "portfolios": "select count(*) from folios",
        }
        found = {what: self._staging.query(query)[0][0] for what, query in used.items()}
        if any(found.values()):
            what = ", ".join(f"{count} {name}" for name, count in found.items() if count)
            raise Refused(f"The database is neither new nor from an earlier import of this QIS: it has {what}.")

    def _cluster_id(self) -> str:
        return next((value or "" for key, value in self._source.rows("properties") if key == "cluster_id"), "")

    # From QIS

    def _stage(self) -> None:
        findings, read, fill = self._findings, self._source.rows, self._fill
        users, groups, tree = self._stage_accounts()
        fill("imagetemplates", rows.templates(read("imagetemplates"), self._choices, findings))
        self._unique("imagetemplates", "name", "template_renamed")
        fill("images", rows.images(self._source.images(), tree, findings))
        self._drop_doubles()
        fill("folders", tree.rows())
        fill("imagesaudit", rows.history(read("imagesaudit"), _IMAGE_ACTIONS, users, findings, name="imagesaudit"))
        self._drop_orphans("imagesaudit", "images")
        fill("imagestats", self._source.image_stats())
        self._drop_orphans("imagestats", "images")
        fill("systemstats", self._source.system_stats())
        self._stage_portfolios(users, groups)
        fill("foliosaudit", rows.history(read("foliosaudit"), _FOLIO_ACTIONS, users, findings, name="foliosaudit"))
        self._drop_orphans("foliosaudit", "folios")
        fill("properties", rows.properties(read("properties")))

    def _stage_accounts(self) -> tuple[frozenset[int], frozenset[int], rows.FolderTree]:
        findings, read = self._findings, self._source.rows
        users = rows.users(read("users"), findings)
        groups = rows.groups(read("groups"), findings)
        user_ids, group_ids = (frozenset(row[0] for row in some) for some in (users, groups))
        admin_made = any(finding.code == "missing_admin" for finding in findings)
        members = rows.memberships(read("usergroups"), user_ids, group_ids, findings, admin_made=admin_made)
        self._fill("users", users)
        self._unique("users", "username", "user_renamed", order="status desc, id")
        self._fill("groups", groups)
        self._unique("groups", "name", "group_renamed")
        self._fill("usergroups", members)
        self._fill("syspermissions", rows.flags(read("syspermissions"), group_ids, findings))
        tree = rows.FolderTree(read("folders"), findings)
        self._fill("folderpermissions", rows.folder_permissions(read("folderpermissions"), tree, group_ids, findings))
        return user_ids, group_ids, tree

    def _stage_portfolios(self, users: frozenset[int], groups: frozenset[int]) -> None:
        findings, read, choices = self._findings, self._source.rows, self._choices
        self._fill("folios", rows.portfolios(read("folios"), users, findings))
        self._unique("folios", "human_id", "folio_renamed", longest=64)
        self._fill("folioimages", rows.portfolio_images(read("folioimages"), choices, findings))
        self._drop_orphans("folioimages", "folios", "images")
        self._fill("foliopermissions", rows.portfolio_permissions(read("foliopermissions"), groups, findings))
        self._drop_orphans("foliopermissions", "folios")
        self._fill("folioexports", rows.exports(read("folioexports"), choices, findings))
        self._drop_orphans("folioexports", "folios")

    def _fill(self, name: str, made: Iterable[Row]) -> None:
        self._staging.fill(name, made, total=self._source.count(name))

    def _unique(self, name: str, column: str, code: str, *, order: str = "id", longest: int = 120) -> None:
        changed = self._staging.make_unique(name, column, order=order, longest=longest)
        self._findings.add_many(code, len(changed), changed)

    def _drop_orphans(self, name: str, *parents: str) -> None:
        gone = " or ".join(
            f"not exists (select from {TABLES[parent].stage} p where p.id = s.{_REFERENCE[parent]})"
            for parent in parents
        )
        self._findings.add_many(f"orphan_{name}", *self._staging.remove(name, gone))

    def _drop_doubles(self) -> None:
        """Of images with the same path one is kept: an active one, the oldest."""
        stage = TABLES["images"].stage
        self._staging.query(f"create index on {stage} (src)")
        better = "(b.status, -b.id) > (s.status, -s.id)"
        double = f"exists (select from {stage} b where b.src = s.src and {better})"
        self._findings.add_many("image_double", *self._staging.remove("images", double))

    def _check_staged(self) -> None:
        found = self._staging.query(
            "select string_agg(id::text, ', ' order by id) || ': ' || min(src) from stage_images"
            " where octet_length(src) > length(src) group by normalize(src, nfc) having count(*) > 1"
        )
        self._findings.add_many("image_similar", len(found), [text for (text,) in found])
        self._check_default_template()

    def _check_default_template(self) -> None:
        wanted = self._staging.query(
            "select coalesce((select value from stage_properties where key = 'pubimage_default_template'), %s)",
            (DEFAULT_TEMPLATE,),
        )[0][0]
        usable = self._staging.query(
            "select exists (select from stage_imagetemplates where lower(name) = lower(trim(%s)) and not disabled)",
            (wanted,),
        )
        if usable == [(False,)] and self._source.has("imagetemplates"):
            self._findings.add("default_template", wanted)

    # Into our tables

    def _mark(self, name: str) -> int:
        """Rows up to this id came from QIS, or with a new installation."""
        return self._marks.get(name, 0) if self._marks else EVERYTHING

    def _make_way(self) -> None:
        """Remove what was made here since the last import and has an id or a name that something in QIS has."""
        found = {name: self._in_the_way(name, label) for name, label in _NAMED.items()}
        names = [f"{name} {label}" for name, some in found.items() for _, label in some]
        if names and not self._replace:
            shown = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
            raise Refused(
                f"Made here since the last import, and in the way of what is to be imported: {shown}."
                " Give --yes to have it removed."
            )
        self._findings.add_many("made_here", len(names), names)
        for name, some in found.items():
            ids = [number for number, _ in some]
            if name == "users" and ids:
                self._staging.query("update folios set owner_id = %s where owner_id = any (%s)", (ADMIN, ids))
            if ids:
                self._staging.query(f"delete from {name} where id = any (%s)", (ids,))  # noqa: S608 - names of ours
        if any(self._in_the_way(name, "id") for name in _RECORDS):
            self._remove_records()
        for name in _LEAVES:
            self._staging.renumber(name, self._mark(name))

    def _in_the_way(self, name: str, label: str) -> list[Row]:
        table = TABLES[name]
        return self._staging.query(
            f"select t.id, t.{label} from {name} t where t.id > %s and (t.id in (select id from {table.stage})"  # noqa: S608
            f" or {table.unique_of('t')} in (select {table.unique_of('s')} from {table.stage} s)) order by t.id",
            (self._mark(name),),
        )

    def _remove_records(self) -> None:
        """Records of what is on disk that made themselves here."""
        count = self._staging.changed("delete from images where id > %s", (self._mark("images"),))
        count += self._remove_empty_folders("t.id > %s", self._mark("folders"))
        self._findings.add_many("records_here", count, [])

    def _remove_empty_folders(self, which: str, mark: int) -> int:
        """Remove folders that nothing is in, from below."""
        removed = 0
        while count := self._staging.changed(
            f"delete from folders t where {which} and t.parent_id is not null"  # noqa: S608 - a condition of ours
            " and not exists (select from folders f where f.parent_id = t.id)"
            " and not exists (select from images i where i.folder_id = t.id)",
            (mark,),
        ):
            removed += count
        return removed

    def _write(self) -> None:
        self._put("users", "username = chr(1) || t.id")
        self._put("groups", "name = chr(1) || t.id")
        self._put(
            "folders", "path = '/' || chr(1) || t.id, name = chr(1) || t.id, parent_id = coalesce(t.parent_id, t.id)"
        )
        self._put("images", "src = chr(1) || t.id")
        if self._source.has("imagetemplates"):
            self._put("imagetemplates", "name = chr(1) || t.id")
            self._gone("imagetemplates")
        for name in (*_LEAVES, "images"):
            self._gone(name)
        self._settle_records()
        self._put("folios", "human_id = chr(1) || t.id")
        self._gone("folios")
        self._put_memberships()
        self._gone("groups")
        self._gone("users", unless="exists (select from folios where owner_id = t.id)")
        for name in _LEAVES:
            if TABLES[name].unique:
                self._staging.remove_rivals(name)
            self._staging.upsert(name)
        self._staging.upsert("properties")

    def _settle_records(self) -> None:
        """What was made here goes into the folders that its paths name; then folders go that QIS hasn't any more."""
        above = "coalesce(nullif(regexp_replace({path}, '/[^/]*$', ''), ''), '/')"
        of_image, of_folder = above.format(path="'/' || t.src"), above.format(path="t.path")
        if self._marks:
            self._staging.query(
                "update images t set folder_id = f.id from folders f"  # noqa: S608 - names of ours
                f" where t.id > %s and f.path = {of_image} and t.folder_id <> f.id",
                (self._mark("images"),),
            )
            self._staging.query(
                "update folders t set parent_id = f.id from folders f"  # noqa: S608 - names of ours
                f" where t.id > %s and t.path <> '/' and f.path = {of_folder} and t.parent_id <> f.id",
                (self._mark("folders"),),
            )
        gone = "t.id <= %s and not exists (select from stage_folders s where s.id = t.id)"
        self._remove_empty_folders(f"({gone} or t.path like '/' || chr(1) || '%%')", self._mark("folders"))

    def _put(self, name: str, parked: str) -> None:
        self._staging.park(name, parked)
        self._staging.upsert(name)

    def _put_memberships(self) -> None:
        """Memberships and flags; those that are not in QIS any more must not stay."""
        self._staging.query(
            "delete from usergroups t where user_id <= %s and group_id <= %s and not exists"
            " (select from stage_usergroups s where (s.user_id, s.group_id) = (t.user_id, t.group_id))",
            (self._mark("users"), self._mark("groups")),
        )
        self._staging.upsert("usergroups")
        self._staging.upsert("syspermissions")

    def _gone(self, name: str, *, unless: str = "false") -> None:
        self._staging.remove_gone(name, self._mark(name), unless=unless)

    def _finish(self) -> None:
        sql = self._staging.query
        # Whatever triggers have made of it meanwhile: what was published is as old as it was in QIS.
        sql(
            "update folios t set last_updated = s.last_updated at time zone 'UTC' from stage_folios s"
            " where s.id = t.id and t.last_updated <> s.last_updated at time zone 'UTC'"
        )
        numbered = [name for name, table in TABLES.items() if table.key == ("id",)]
        last_ids = {
            name: max(
                sql(f"select coalesce(max(id), 0) from {TABLES[name].stage}")[0][0],  # noqa: S608 - names of ours
                self._marks.get(name, 0),
            )
            for name in numbered
        }
        marker = {"cluster_id": self._cluster_id(), "last_ids": last_ids}
        sql(
            "insert into properties (key, value) values (%s, %s)"
            " on conflict (key) do update set value = excluded.value where properties.value <> excluded.value",
            (MARKER, json.dumps(marker)),
        )
        for name in numbered:
            self._staging.continue_ids(name)
        sql(f"analyze {', '.join(TABLES)}")

    def _record(self) -> None:
        taken = {name: self._staging.count(name) for name in TABLES}
        self._staging.query(
            "insert into audit_log (actor_kind, action, object_type, object_id, after)"
            " values ('command', 'import.done', 'import', left(%s, 64), %s)",
            (self._cluster_id(), Json(taken)),
        )

    def _done(self, *, again: bool) -> Imported:
        return Imported(
            again=again,
            counts={
                name: Count(source=self._source.count(name), taken=self._staging.count(name))
                for name in TABLES
                if self._source.has(name)
            },
            missing=tuple(name for name in OPTIONAL if not self._source.has(name)),
            not_taken={name: self._source.count(name) for name in NOT_TAKEN if self._source.has(name)},
            cluster_id=self._cluster_id(),
            findings=self._findings,
        )


_REFERENCE = {"images": "image_id", "folios": "folio_id"}


def _text(error: psycopg2.Error) -> str:
    return " ".join(str(error).split())
