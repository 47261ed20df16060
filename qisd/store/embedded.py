"""The private PostgreSQL that serves where no database is configured.

It listens on a Unix socket alone, in a directory that only its user may enter. That directory is what keeps others out,
so inside of it nobody is asked for a password (``trust``).
"""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg2
from twisted.logger import Logger

from qisd.errors import StartupError
from qisd.store.binaries import Binaries, find_binaries
from qisd.store.processes import Postmaster, is_running, read_postmaster, servers_of, titles_of
from qisd.store.state_lock import StateLock

_log = Logger()

DATABASE = "qis-mgmt"
_USER = "qis"
_PORT = "5432"

# A socket's path may have 107 bytes; PostgreSQL adds this name to the directory.
_LONGEST_SOCKET_DIR = 107 - len(f"/.s.PGSQL.{_PORT}")

# Where the socket goes when ``STATE_DIR`` is too deep for it: the one short path that there always is.
_SHORT_PARENT = Path("/tmp")  # noqa: S108 - made by mkdtemp, mode 0700
_SHORT_PREFIX = "qisd-"

_START_LIMIT = 300.0
"""Seconds until a start counts as failed; after a crash the server first replays its log."""

_POLL = 0.05

_IDLE_LOOKS = 3
"""At how many looks in a row a server may neither recover nor serve."""

_IDLE_SECONDS = 3.0
"""For how long one that is to be taken over may do neither."""

_LAST_LINES = 12
"""Lines of PostgreSQL's log that may be about one start."""


class EmbeddedPostgres:
    """A PostgreSQL server that lives and dies with the daemon, and whose data lie below ``STATE_DIR``.

    Every method blocks: call them in a thread. ``stop`` may be called while another thread is in ``start``, which it
    ends; there is no start after it.

    :param directory: ``STATE_DIR/postgres``; the lock against a second daemon is in the directory above it.
    :param memory_mb: ``shared_buffers`` in MiB.
    :param log_file: where the server writes its log.
    :param find: finds the programs, given the major version that an existing cluster needs.
    """

    def __init__(
        self,
        directory: Path,
        *,
        memory_mb: int,
        log_file: Path,
        find: Callable[..., Binaries] = find_binaries,
    ) -> None:
        self._directory = directory.absolute()
        self._data = self._directory / "data"
        self._memory_mb = memory_mb
        self._log_file = log_file
        self._log_begin = 0  # where the words of the server that was started last begin
        self._find = find
        self._lock = StateLock(self._directory.parent)
        self._busy = threading.Lock()
        self._stopping = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._pid: int | None = None
        self._idle = 0
        self._socket_dir: Path | None = None

    @property
    def pid(self) -> int | None:
        """The process id of the server, once it has been started or taken over."""
        return self._pid

    def start(self) -> str:
        """Start the server, or take over the one that a killed daemon left behind; make the database if need be.

        Calling it again is a check, made every few seconds: nothing happens while the server is well; one that is dead,
        or has neither served nor recovered for some checks, is started anew.

        :returns: the URL to connect to.
        :raises StartupError: it can't be started; the text says why.
        """
        if os.geteuid() == 0:
            raise StartupError(
                "the embedded PostgreSQL can't run as root: set RUN_USER to an unprivileged user,"
                " or MGMT_DATABASE_CONNECTION to a database"
            )
        with self._busy:
            self._refuse_when_stopping()
            if self._pid is not None and self._stuck():
                _log.error("The embedded PostgreSQL (process {pid}) has given up and is started anew", pid=self._pid)
                self._end(self._pid, 1.0)
            if self._pid is None or not self._alive(self._pid):
                self._pid, self._idle = None, 0
                self._make_private(self._directory)
                self._lock.acquire()
                self._take_over_or_launch()
            return self._url(DATABASE)

    def stop(self, *, timeout: float = 30.0) -> None:
        """End the server and release the lock.

        :param timeout: seconds for an orderly end; afterwards it is cut off, and recovers at its next start.
        """
        self._stopping.set()
        with self._busy:
            if self._pid is not None:
                self._end(self._pid, timeout)
                self._pid = None
            self._remove_short(self._socket_dir)
            self._lock.release()

    def _take_over_or_launch(self) -> None:
        version_file = self._data / "PG_VERSION"
        cluster = int(version_file.read_text().strip()) if version_file.exists() else None
        left = self._left_behind() if cluster is not None else None
        if left is not None:
            _log.info("Took over the running embedded PostgreSQL (process {pid})", pid=left.pid)
            self._pid, self._socket_dir, self._child = left.pid, left.socket_dir, None
        else:
            binaries = self._find(major=cluster)
            if cluster is None:
                self._create(binaries)
            self._launch(binaries)
            _log.info(
                "Started the embedded PostgreSQL {major} (process {pid}) in {data}",
                major=binaries.major,
                pid=self._pid,
                data=str(self._data),
            )
        try:
            self._wait_until_ready()
            self._create_database()
        except BaseException:
            if self._child is not None and self._pid is not None:
                self._end(self._pid, 10.0)
                self._pid = None
            raise

    def _left_behind(self) -> Postmaster | None:
        """The living server of a daemon that was killed; None when there is none and everything is cleared away."""
        deadline, idle_since = time.monotonic() + _START_LIMIT, 0.0
        while running := servers_of(self._data):
            postmaster = read_postmaster(self._data)
            if postmaster is not None and postmaster.pid in running and postmaster.can_be_taken_over:
                if _at_work(running):
                    return postmaster
                idle_since = idle_since or time.monotonic()
                if time.monotonic() - idle_since > _IDLE_SECONDS:
                    self._end(postmaster.pid, 1.0)
            # It is on its way out, or its children are after it was killed; a new one must not start beside them.
            self._pause(deadline, f"PostgreSQL processes {sorted(running)} in {self._data} don't end")
        # What a killed server left is stale for certain now. PostgreSQL itself would refuse to start if some other
        # process had got the same id meanwhile, as it often happens in containers.
        if (stale := read_postmaster(self._data)) is not None:
            self._remove_short(stale.socket_dir)
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        shutil.rmtree(self._directory / "run", ignore_errors=True)
        return None

    def _create(self, binaries: Binaries) -> None:
        """Make the cluster beside its place and rename it, so that it's there as a whole or not at all."""
        for remains in self._directory.glob("new-*"):
            shutil.rmtree(remains, ignore_errors=True)
        if self._data.is_dir() and any(self._data.iterdir()):
            raise StartupError(f"{self._data} holds something that isn't a PostgreSQL cluster")
        fresh = Path(tempfile.mkdtemp(prefix="new-", dir=self._directory))
        command = [binaries.path("initdb"), "-D", str(fresh), "-U", _USER, "--auth=trust"]
        command += ["--encoding=UTF8", "--locale=C.UTF-8"]
        done = subprocess.run(  # noqa: S603 - a program that we found, without a shell
            command,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            check=False,
        )
        if done.returncode:
            shutil.rmtree(fresh, ignore_errors=True)
            reason = " ".join(done.stdout.decode("utf-8", "replace").strip().splitlines()[-3:])
            raise StartupError(f"the embedded database can't be made: {reason}")
        if self._data.is_dir():
            self._data.rmdir()
        fresh.rename(self._data)
        _sync(self._directory)

    def _launch(self, binaries: Binaries) -> None:
        self._refuse_when_stopping()
        self._socket_dir = self._choose_socket_dir()
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._socket_dir),
            "unix_socket_permissions": "0700",
            "port": _PORT,
            "shared_buffers": f"{self._memory_mb}MB",
            "max_connections": "100",
            "fsync": "on",
            "logging_collector": "off",
            "log_destination": "stderr",
        }
        command = [binaries.path("postgres"), "-D", str(self._data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        try:
            descriptor = os.open(self._log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        except OSError as error:
            raise StartupError(f"{self._log_file} can't be written: {error.strerror}") from error
        self._log_begin = os.fstat(descriptor).st_size
        try:
            # A session of its own keeps a Ctrl-C in the terminal away from it: it must outlive the daemon's last query.
            self._child = subprocess.Popen(  # noqa: S603 - a program that we found, without a shell
                command,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                start_new_session=True,
                close_fds=True,
                umask=0o077,
            )
        except OSError as error:
            raise StartupError(f"{command[0]} can't be run: {error.strerror}") from error
        finally:
            os.close(descriptor)
        self._pid = self._child.pid

    def _choose_socket_dir(self) -> Path:
        near = self._directory / "run"
        # A comma separates several places, for PostgreSQL as for its clients.
        if len(os.fsencode(near)) <= _LONGEST_SOCKET_DIR and not {",", '"'} & set(str(near)):
            self._make_private(near)
            return near
        return Path(tempfile.mkdtemp(prefix=_SHORT_PREFIX, dir=_SHORT_PARENT))

    def _remove_short(self, socket_dir: Path | None) -> None:
        if socket_dir is not None and socket_dir.parent == _SHORT_PARENT and socket_dir.name.startswith(_SHORT_PREFIX):
            shutil.rmtree(socket_dir, ignore_errors=True)

    def _make_private(self, directory: Path) -> None:
        try:
            directory.mkdir(mode=0o700, exist_ok=True)
            if stat.S_IMODE(directory.stat().st_mode) != 0o700:
                directory.chmod(0o700)
        except OSError as error:
            raise StartupError(f"{directory} can't be used for the embedded database: {error.strerror}") from error

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_LIMIT
        while True:
            try:
                psycopg2.connect(self._url("postgres"), connect_timeout=5).close()
                return
            except psycopg2.OperationalError as error:
                if self._pid is None or not self._alive(self._pid):
                    raise StartupError(f"the embedded PostgreSQL didn't start: {self._last_words()}") from error
                self._pause(deadline, f"the embedded PostgreSQL isn't ready after {_START_LIMIT:.0f} s: {error}")

    def _create_database(self) -> None:
        connection = psycopg2.connect(self._url("postgres"), connect_timeout=5)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("select from pg_database where datname = %s", (DATABASE,))
                if not cursor.rowcount:
                    cursor.execute(f'create database "{DATABASE}"')
        except psycopg2.Error as error:
            raise StartupError(f"the embedded database can't be made: {error}") from error
        finally:
            connection.close()

    def _end(self, pid: int, timeout: float) -> None:
        for number, limit in ((signal.SIGINT, timeout), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            if not self._alive(pid):
                return
            os.kill(pid, number)
            deadline = time.monotonic() + limit
            while self._alive(pid) and time.monotonic() < deadline:
                time.sleep(_POLL)
        if self._alive(pid):
            _log.error("the embedded PostgreSQL (process {pid}) doesn't end", pid=pid)

    def _alive(self, pid: int) -> bool:
        if self._child is not None and self._child.pid == pid:
            return self._child.poll() is None
        return is_running(pid) and pid in servers_of(self._data)

    def _stuck(self) -> bool:
        """Whether the server lives, and will never serve again.

        When its disk is full as it recovers from a crash, it may lose the process that recovers, and then waits for it
        for ever. For moments between two states there is none of the processes looked for in an ordinary life as well.
        """
        servers = servers_of(self._data)
        self._idle = 0 if _at_work(servers) or self._pid not in servers else self._idle + 1
        return self._idle >= _IDLE_LOOKS

    def _last_words(self) -> str:
        try:
            log = self._log_file.read_bytes()
        except OSError:
            return f"see {self._log_file}"
        return why_stopped(log[self._log_begin :].decode("utf-8", "replace").splitlines())

    def _url(self, database: str) -> str:
        return _url(self._socket_dir, database)

    def _pause(self, deadline: float, complaint: str) -> None:
        if time.monotonic() > deadline:
            raise StartupError(complaint)
        self._stopping.wait(_POLL)
        self._refuse_when_stopping()

    def _refuse_when_stopping(self) -> None:
        if self._stopping.is_set():
            raise StartupError("stopped while the embedded PostgreSQL was starting")


def url_of_running(directory: Path) -> str | None:
    """The URL of the database that some daemon of this user serves in ``directory``; None when none does.

    :param directory: ``STATE_DIR/postgres``.
    """
    data = directory.absolute() / "data"
    postmaster = read_postmaster(data)
    if postmaster is None or not postmaster.can_be_taken_over:
        return None
    url = _url(postmaster.socket_dir, DATABASE)
    return url if postmaster.pid in servers_of(data) or _serves(url, data) else None


def _serves(url: str, data: Path) -> bool:
    """Whether the server at ``url`` works in ``data``. A daemon that may open low ports has a server that may as well,
    and a process of the same user without that right isn't told by the kernel what that one is.
    """
    try:
        connection = psycopg2.connect(url, connect_timeout=5)
    except psycopg2.Error:
        return False
    try:
        with connection.cursor() as cursor:
            cursor.execute("select current_setting('data_directory')")
            found: tuple[str] = cursor.fetchone() or ("",)
            return Path(found[0]).resolve() == data.resolve()
    except psycopg2.Error:
        return False
    finally:
        connection.close()


def _at_work(servers: set[int]) -> bool:
    """Whether of these processes of one server there is one that it has while it serves, or recovers."""
    return any(one in title for title in titles_of(servers) for one in ("walwriter", "startup"))


def why_stopped(lines: list[str]) -> str:
    """The line of the server's log that says why it didn't start; where there is none, its last ones."""
    for line in reversed(lines[-_LAST_LINES:]):
        told = "FATAL:  " in line or "PANIC:  " in line
        if told and "FATAL:  the database system is " not in line:  # which is what it says to whoever asks too early
            return line
    return " ".join(lines[-3:])


def _url(socket_dir: Path | None, database: str) -> str:
    where = {"host": str(socket_dir), "port": _PORT, "user": _USER}
    return f"postgresql:///{database}?{urlencode(where, quote_via=quote)}"


def _environment() -> Mapping[str, str]:
    """What the server needs to know of ours: neither our secrets, nor settings meant for other clusters (PG…)."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "TZ") if name in os.environ}
    return {**kept, "LC_ALL": "C.UTF-8"}


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
