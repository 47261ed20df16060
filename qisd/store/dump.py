"""Backups: the whole database in one file of ``pg_dump``'s own format, and back. Everything here blocks."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, cast

import attrs
from psycopg2.extensions import connection as Connection  # noqa: N812 - it is a class
from psycopg2.extensions import make_dsn

from qisd.errors import Refused, StartupError
from qisd.store.client_programs import ClientPrograms, find_client_programs
from qisd.store.dsn import given_parameters, parameters_of
from qisd.store.migrate import LOCK_KEY, check_server
from qisd.store.schema_status import BOOKED, connected, daemons_of, known_migrations

if TYPE_CHECKING:
    from io import BufferedReader

STATISTICS = ("imagestats", "systemstats", "statsbreakdown", "stats_writers")
"""The tables whose rows a backup can do without."""

_OF_THE_MOMENT = ("server_status",)
"""What servers say of themselves as long as they run: after a restoration, elsewhere perhaps, none of it is so."""

_PIECE = 64 * 1024
_POLL = 0.05
_LEAVING = 2.0
"""Seconds within which the server has noticed that a connection was closed, one of our own for instance."""

# What newer versions of pg_restore set and older servers don't know, by the version that brought it.
_NEW_SETTINGS = ((170000, b"SET transaction_timeout = 0;\n"),)

# Everything in the schemas where our tables can be, except what belongs to extensions. Put together before the first
# one goes, since some take others along.
_CLEAR = """
do $clear$
declare command text;
begin
    set local client_min_messages = warning;
    foreach command in array array(
        select format('drop %s if exists %I.%I cascade', case c.relkind when 'v' then 'view'
            when 'm' then 'materialized view' when 'S' then 'sequence' when 'f' then 'foreign table' else 'table' end,
            n.nspname, c.relname)
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = any(current_schemas(false)) and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and not exists
            (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
            and d.deptype in ('e', 'i'))
        union all
        select format('drop routine if exists %s cascade', p.oid::regprocedure)
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = any(current_schemas(false)) and not exists
            (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
        union all
        select format('drop type if exists %I.%I cascade', n.nspname, t.typname)
        from pg_type t join pg_namespace n on n.oid = t.typnamespace
        where n.nspname = any(current_schemas(false)) and t.typtype in ('e', 'd') and not exists
            (select from pg_depend d where d.classid = 'pg_type'::regclass and d.objid = t.oid and d.deptype = 'e')
    ) loop
        execute command;
    end loop;
end
$clear$
"""

Report = Callable[[int], None]
"""Is told from time to time how many bytes are through."""


@attrs.frozen(kw_only=True)
class Client:
    """How PostgreSQL's programs reach a database: an argument that all may see, and variables for what they may not."""

    conninfo: str
    environ: Mapping[str, str] = attrs.field(repr=False)


def client_of(url: str) -> Client:
    """The same connection as ours, with the limits on time that the URL itself gives."""
    parameters = dict(parameters_of(url, query_timeout=0)) | {"application_name": "qis"}
    parameters.pop("options")
    if options := given_parameters(url).get("options"):
        parameters["options"] = options
    password = parameters.pop("password", None)
    parameters.pop("sslpassword", None)
    environ = dict(os.environ)
    if password is not None:
        environ["PGPASSWORD"] = password
    return Client(conninfo=make_dsn(**parameters), environ=environ)


def server_major(connection: Connection) -> int:
    """The major version of the server, if we can work with it.

    :raises StartupError: we can't.
    """
    check_server(connection)
    return connection.server_version // 10000


def backup(url: str, descriptor: int, *, statistics: bool, wrote: Report) -> None:
    """Write the database, as it is at this moment, to an open file. Whoever uses it isn't held up.

    :param statistics: whether the rows of :data:`STATISTICS` are among it.
    :raises StoreUnavailable: the database can't be reached.
    :raises StartupError: there is no ``pg_dump`` for it, or it failed.
    """
    with connected(url) as connection:
        programs = find_client_programs(server_major(connection))[0]
    client = client_of(url)
    # Large objects, which we have none of, would be restored in transactions of their own.
    command = [programs.path("pg_dump"), "--format=custom", "--no-blobs", "--dbname", client.conninfo]
    left_out = _OF_THE_MOMENT if statistics else (*_OF_THE_MOMENT, *STATISTICS)
    command += [f"--exclude-table-data={table}" for table in left_out]
    with (
        tempfile.TemporaryFile() as errors,
        _running(command, client, stdout=subprocess.PIPE, stderr=errors) as program,
    ):
        # Through a pipe: on a file it would write its table of contents twice.
        _store(cast("BufferedReader", program.stdout), descriptor, wrote)
        if program.wait() != 0:
            raise StartupError(f"pg_dump failed: {_last_words(errors)}")


def _store(source: BufferedReader, descriptor: int, wrote: Report) -> None:
    count = 0
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as target:
            # One system call at a time: between several, a request to end would not be noticed.
            while piece := source.read1(_PIECE):
                target.write(piece)
                count += len(piece)
                wrote(count)
    except OSError as error:
        raise StartupError(f"the file can't be written: {error.strerror}") from error


@attrs.frozen(kw_only=True)
class Archive:
    """A file that holds a backup of ours, and the programs that can read it."""

    descriptor: int
    programs: ClientPrograms


def examine(url: str, descriptor: int) -> Archive:
    """Look into a file.

    :raises Refused: it's no backup of ours, or one of a newer program.
    :raises StoreUnavailable: the database can't be reached.
    :raises StartupError: there are no programs for it.
    """
    with connected(url) as connection:
        candidates = find_client_programs(server_major(connection))
    reason = ""
    for programs in candidates:
        listing = _read_archive(programs, descriptor, "--list")
        if listing.returncode == 0:
            break
        reason = listing.stderr.decode("utf-8", "replace").strip()
    else:
        raise Refused(f"the file holds no backup: {' '.join(reason.split())}")
    if f" {BOOKED} ".encode() not in listing.stdout:
        raise Refused("the file holds a backup of some other database")
    booked = _booked_in(_read_archive(programs, descriptor, "--data-only", f"--table={BOOKED}", "--file=-").stdout)
    if newer := sorted(booked - set(known_migrations())):
        raise Refused(f"the backup is of a newer version of this program: it has had {newer[-1]}, not known here")
    return Archive(descriptor=descriptor, programs=programs)


def check_unused(url: str) -> None:
    """:raises Refused: daemons or commands use the database, as far as that can be seen.
    :raises StoreUnavailable: it can't be reached.
    """
    with connected(url) as connection:
        _refuse_in_use(connection)


def restore(url: str, archive: Archive, *, read: Report) -> None:
    """Put a backup in the place of all that the database holds: as a whole, or not at all.

    :raises Refused: daemons or commands use the database.
    :raises StoreUnavailable: it can't be reached.
    :raises StartupError: it failed; everything is as it was.
    """
    with connected(url) as connection:
        with connection.cursor() as cursor:  # whoever starts now waits for us before it looks at the schema
            cursor.execute("select pg_try_advisory_lock(%s)", (LOCK_KEY,))
            if cursor.fetchone() != (True,):
                raise Refused("some server is just preparing the database")
        _refuse_in_use(connection)
        _replace(client_of(url), archive, server=connection.server_version, read=read)
        with connection.cursor() as cursor:
            cursor.execute("set statement_timeout = 0")
            cursor.execute("analyze")


def _refuse_in_use(connection: Connection) -> None:
    deadline = time.monotonic() + _LEAVING
    while count := daemons_of(connection):
        if time.monotonic() > deadline:
            raise Refused(f"the database is in use by {count} connections of the daemon: stop it first")
        time.sleep(_POLL)


def _replace(client: Client, archive: Archive, *, server: int, read: Report) -> None:
    script = [archive.programs.path("pg_restore"), "--no-owner", "--no-privileges", "--no-comments", "--file=-"]
    # The commit comes from us, at the very end: if this process dies, psql ends without it, and all is as it was.
    psql = [archive.programs.path("psql"), "--no-psqlrc", "--quiet", "--output=/dev/null", "--set=ON_ERROR_STOP=1"]
    psql += ["--dbname", client.conninfo, "--command", "begin", "--command", _CLEAR, "--file=-"]
    os.lseek(archive.descriptor, 0, os.SEEK_SET)
    with (
        tempfile.TemporaryFile() as script_errors,
        tempfile.TemporaryFile() as errors,
        _running(script, client, stdin=archive.descriptor, stdout=subprocess.PIPE, stderr=script_errors) as source,
        _running(psql, client, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors) as target,
    ):
        assert source.stdout is not None  # noqa: S101 - it is a pipe
        assert target.stdin is not None  # noqa: S101
        complete = _pump(source.stdout, target.stdin, server, lambda: read(_position(archive.descriptor)))
        if complete and source.wait() != 0:
            raise StartupError(f"the backup can't be read: {_last_words(script_errors)}")
        with contextlib.suppress(BrokenPipeError):
            target.stdin.write(b"\ncommit;\n")
            target.stdin.close()
        if target.wait() != 0:
            raise StartupError(f"the backup can't be restored: {_last_words(errors)}")


def _pump(source: IO[bytes], target: IO[bytes], server: int, told: Callable[[], None]) -> bool:
    """Copy everything; False when the other side didn't want it all."""
    piece = source.read(_PIECE)
    for version, setting in _NEW_SETTINGS:
        if server < version:
            piece = piece.replace(setting, b"", 1)
    try:
        while piece:
            target.write(piece)
            told()
            piece = source.read(_PIECE)
        target.flush()
    except BrokenPipeError:
        return False
    return True


def _position(descriptor: int) -> int:
    """How far the program has come that reads the same open file."""
    return os.lseek(descriptor, 0, os.SEEK_CUR)


def _read_archive(programs: ClientPrograms, descriptor: int, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    os.lseek(descriptor, 0, os.SEEK_SET)
    return subprocess.run(  # noqa: S603 - a program that we found, without a shell
        [programs.path("pg_restore"), *arguments], stdin=descriptor, capture_output=True, check=False
    )


def _booked_in(script: bytes) -> set[str]:
    """The names in the rows of the table of migrations, as ``pg_restore`` writes them."""
    names: set[str] = set()
    column: int | None = None
    for line in script.decode("utf-8", "replace").splitlines():
        if line.startswith("COPY "):
            column = line.partition("(")[2].partition(")")[0].replace('"', "").split(", ").index("migration_id")
        elif line == "\\.":
            column = None
        elif column is not None:
            names.add(line.split("\t")[column])
    return names


@contextlib.contextmanager
def _running(
    command: Sequence[str],
    client: Client,
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int,
    stderr: IO[bytes],
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that has ended when this has."""
    process = subprocess.Popen(  # noqa: S603 - a program that we found, without a shell
        command, env=client.environ, stdin=stdin, stdout=stdout, stderr=stderr
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):  # what was not yet written to a program that has ended
                    stream.close()
        process.wait()


def _last_words(errors: IO[bytes]) -> str:
    errors.seek(0)
    lines = errors.read().decode("utf-8", "replace").strip().splitlines()
    return " ".join(lines[-3:]) or "it doesn't say why"
