"""The embedded PostgreSQL with real programs, under daemons that end in every way."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import ClassVar

import psycopg2
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import StartupError
from qisd.store.binaries import find_binaries
from qisd.store.embedded import EmbeddedPostgres
from qisd.store.processes import is_running, servers_of, titles_of
from tests.integration.postgres import FakeDaemon, as_unprivileged, places, private_directory, require_services


def rows(url: str, sql: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def wait_until_gone(pid: int) -> None:
    for _ in range(500):
        if not is_running(pid):
            return
        time.sleep(0.02)
    raise AssertionError(f"process {pid} doesn't end")


@functools.cache
def template_of(binaries: Path) -> Path:
    """A state directory to copy, which saves each test an ``initdb``."""
    state = private_directory()
    atexit.register(shutil.rmtree, state, True)
    daemon = FakeDaemon(state, binaries)
    daemon.ask("start")
    daemon.ask("stop")
    daemon.close()
    return state


class DaemonsMixin:
    """Starts daemons on a state directory, and leaves nothing behind."""

    binaries: ClassVar[Path]

    def new_state(self) -> Path:
        require_services()
        state = private_directory()
        self.addCleanup(shutil.rmtree, state, True)  # type: ignore[attr-defined]
        return state

    def daemon(self, state: Path) -> FakeDaemon:
        daemon = FakeDaemon(state, self.binaries)
        self.addCleanup(self._end, daemon, state)  # type: ignore[attr-defined]
        return daemon

    def _end(self, daemon: FakeDaemon, state: Path) -> None:
        if daemon.process.poll() is None:
            daemon.kill()
        for pid in servers_of(state / "postgres/data"):  # seen by root, or by the same user
            with contextlib.suppress(ProcessLookupError):  # one of the server's children, gone with it
                os.kill(pid, signal.SIGQUIT)
            wait_until_gone(pid)


class LifeMixin(DaemonsMixin):
    """What must hold for every version of the programs."""

    def test_it_starts_outlives_a_killed_daemon_is_taken_over_and_stops(self) -> None:
        state = self.new_state()
        killed = self.daemon(state)
        first = killed.ask("start")
        assert "error" not in first, first
        url = str(first["url"])
        rows(url, "create table t as select 7 as n")
        assert rows(url, "show fsync") == [("on",)]
        assert rows(url, "show shared_buffers") == [("16MB",)]
        assert rows(url, "show listen_addresses") == [("",)]
        assert rows(
            url, "select lower('ÄÖ'), pg_encoding_to_char(encoding) from pg_database where datname = 'qis-mgmt'"
        ) == [("äö", "UTF8")]
        killed.kill()
        taken = self.daemon(state)
        second = taken.ask("start")
        assert (second["pid"], second["url"]) == (first["pid"], url)
        assert rows(url, "select n from t") == [(7,)]
        taken.ask("stop")
        assert not is_running(int(str(first["pid"])))
        third = taken.ask("start")
        assert "stopped" in str(third["error"])


for _name, _folder in places().items():
    globals()[f"{_name}LifeTests"] = type(
        f"{_name}LifeTests", (LifeMixin, SynchronousTestCase), {"binaries": _folder, "__module__": __name__}
    )


class EmbeddedPostgresTests(DaemonsMixin, SynchronousTestCase):
    """Accidents, with the newest programs."""

    binaries = places()["Wheel18"]

    def used_state(self, place: str = ".") -> Path:
        """A state directory with a cluster that has been stopped in order."""
        state = self.new_state() / place
        subprocess.run(["mkdir", "-p", state], check=True, **as_unprivileged())
        subprocess.run(["cp", "-a", f"{template_of(self.binaries)}/.", state], check=True, **as_unprivileged())
        return state

    def started(self, daemon: FakeDaemon) -> dict[str, object]:
        answer = daemon.ask("start")
        self.assertNotIn("error", answer)
        return answer

    def test_a_second_daemon_is_refused_while_the_first_lives(self) -> None:
        state = self.used_state()
        first = self.daemon(state)
        self.started(first)
        answer = self.daemon(state).ask("start")
        self.assertIn(f"another daemon (process {first.process.pid}) uses {state}", str(answer["error"]))

    def test_a_second_start_is_only_a_check(self) -> None:
        daemon = self.daemon(self.used_state())
        self.assertEqual(self.started(daemon), self.started(daemon))

    def test_a_server_that_died_is_started_again(self) -> None:
        daemon = self.daemon(self.used_state())
        first = self.started(daemon)
        os.kill(int(str(first["pid"])), signal.SIGKILL)
        wait_until_gone(int(str(first["pid"])))
        second = self.started(daemon)
        self.assertNotEqual(first["pid"], second["pid"])
        self.assertEqual(rows(str(second["url"]), "select 1"), [(1,)])

    def cripple(self, state: Path, pid: int) -> None:
        """Make of a server one that lives, but will neither serve nor recover."""
        os.kill(pid, signal.SIGSTOP)  # so that it does not replace what it loses
        servers = servers_of(state / "postgres/data")
        [writer] = [one for one in servers if "walwriter" in titles_of([one])[0]]
        os.kill(writer, signal.SIGKILL)
        wait_until_gone(writer)

    def test_a_server_that_neither_serves_nor_recovers_is_not_taken_over(self) -> None:
        state = self.new_state()
        killed = self.daemon(state)
        first = killed.ask("start")
        self.cripple(state, int(str(first["pid"])))
        killed.kill()
        again = self.daemon(state).ask("start")
        assert again["pid"] != first["pid"]
        assert rows(str(again["url"]), "select 1") == [(1,)]

    def test_a_server_that_neither_serves_nor_recovers_is_started_anew(self) -> None:
        state = self.new_state()
        daemon = self.daemon(state)
        first = daemon.ask("start")
        self.cripple(state, int(str(first["pid"])))
        assert daemon.ask("start")["pid"] == first["pid"]  # it may be about to
        assert daemon.ask("start")["pid"] == first["pid"]
        again = daemon.ask("start")
        assert again["pid"] != first["pid"]
        assert rows(str(again["url"]), "select 1") == [(1,)]

    def test_it_recovers_after_daemon_and_server_were_killed(self) -> None:
        state = self.used_state()
        killed = self.daemon(state)
        first = self.started(killed)
        rows(str(first["url"]), "create table t as select 7 as n")
        killed.kill()
        os.kill(int(str(first["pid"])), signal.SIGKILL)
        answer = self.started(self.daemon(state))
        self.assertNotEqual(answer["pid"], first["pid"])
        self.assertEqual(rows(str(answer["url"]), "select n from t"), [(7,)])

    def test_an_old_pid_file_whose_id_belongs_to_another_process_does_not_hinder(self) -> None:
        state = self.used_state()
        other = subprocess.Popen(["sleep", "300"], **as_unprivileged())
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        data = state / "postgres/data"
        text = f"{other.pid}\n{data}\n1700000000\n5432\n{state}/postgres/run\n\n 1 2\nready   \n"
        subprocess.run(
            ["tee", data / "postmaster.pid"],
            input=text.encode(),
            stdout=subprocess.DEVNULL,
            check=True,
            **as_unprivileged(),
        )
        answer = self.started(self.daemon(state))
        self.assertNotEqual(answer["pid"], other.pid)
        self.assertIsNone(other.poll())

    def test_remains_of_an_interrupted_initdb_are_cleared_away(self) -> None:
        state = self.new_state()
        remains = state / "postgres/new-abcd"
        subprocess.run(["mkdir", "-p", remains, state / "postgres/data"], check=True, **as_unprivileged())
        subprocess.run(["cp", "/etc/passwd", remains / "PG_VERSION"], check=True, **as_unprivileged())
        answer = self.started(self.daemon(state))
        self.assertEqual(rows(str(answer["url"]), "select 1"), [(1,)])
        self.assertEqual(sorted(path.name for path in (state / "postgres").iterdir()), ["data", "run"])

    def test_a_data_directory_that_is_something_else_is_left_alone(self) -> None:
        state = self.new_state()
        subprocess.run(["mkdir", "-p", state / "postgres/data/photos"], check=True, **as_unprivileged())
        answer = self.daemon(state).ask("start")
        self.assertIn("isn't a PostgreSQL cluster", str(answer["error"]))
        self.assertTrue((state / "postgres/data/photos").is_dir())

    def test_a_deep_state_directory_gets_its_socket_elsewhere_and_that_is_removed(self) -> None:
        state = self.used_state("/".join(["d" * 30] * 5))
        killed = self.daemon(state)
        first = self.started(killed)
        self.assertEqual(rows(str(first["url"]), "select 1"), [(1,)])
        socket_dir = Path(rows(str(first["url"]), "show unix_socket_directories")[0][0])  # type: ignore[arg-type]
        self.assertEqual((socket_dir.parent, socket_dir.stat().st_mode & 0o777), (Path("/tmp"), 0o700))
        killed.kill()
        taken = self.daemon(state)
        self.assertEqual(self.started(taken)["url"], first["url"])
        taken.ask("stop")
        self.assertFalse(socket_dir.exists())

    def test_a_state_directory_with_odd_characters_works(self) -> None:
        state = self.used_state("größe 50%, \"x\" & 'y' #1")
        killed = self.daemon(state)
        first = self.started(killed)
        self.assertEqual(rows(str(first["url"]), "select 1"), [(1,)])
        killed.kill()
        taken = self.daemon(state)
        self.assertEqual(self.started(taken)["pid"], first["pid"])
        taken.ask("stop")

    def test_a_server_on_its_way_out_is_awaited_and_not_taken_over(self) -> None:
        state = self.used_state()
        killed = self.daemon(state)
        first = self.started(killed)
        client = psycopg2.connect(str(first["url"]))
        killed.kill()
        os.kill(int(str(first["pid"])), signal.SIGTERM)  # an end that waits for its clients
        while "stopping" not in (state / "postgres/data/postmaster.pid").read_text():
            time.sleep(0.01)
        threading.Timer(0.3, client.close).start()
        answer = self.started(self.daemon(state))
        self.assertNotEqual(answer["pid"], first["pid"])
        self.assertEqual(rows(str(answer["url"]), "select 1"), [(1,)])

    def test_the_server_inherits_neither_the_lock_nor_listening_sockets_nor_secrets(self) -> None:
        state = self.used_state()
        os.environ["QIS_SECRET_KEY"] = "geheim"
        self.addCleanup(os.environ.pop, "QIS_SECRET_KEY")
        daemon = self.daemon(state)
        answer = self.started(daemon)
        environment = Path(f"/proc/{answer['pid']}/environ").read_text() if os.geteuid() == 0 else ""
        self.assertNotIn("geheim", environment)
        daemon.kill()
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(str(answer["port"]))), timeout=5)
        self.started(self.daemon(state))  # would be refused if the server still held the lock

    def test_a_ctrl_c_in_the_terminal_does_not_reach_the_server(self) -> None:
        state = self.used_state()
        daemon = self.daemon(state)
        answer = self.started(daemon)
        self.assertNotEqual(os.getpgid(int(str(answer["pid"]))), os.getpgid(daemon.process.pid))
        self.assertNotEqual(os.getsid(int(str(answer["pid"]))), os.getsid(daemon.process.pid))

    def test_stop_ends_it_even_with_clients_connected(self) -> None:
        daemon = self.daemon(self.used_state())
        answer = self.started(daemon)
        client = psycopg2.connect(str(answer["url"]))
        self.addCleanup(client.close)
        daemon.ask("stop")
        self.assertFalse(is_running(int(str(answer["pid"]))))

    def test_a_server_that_can_not_start_gives_its_own_reason(self) -> None:
        state = self.used_state()
        control = state / "postgres/data/global/pg_control"
        control.unlink()
        answer = self.daemon(state).ask("start")
        self.assertIn("the embedded PostgreSQL didn't start", str(answer["error"]))
        self.assertIn("pg_control", str(answer["error"]))

    def test_a_cluster_of_a_version_that_is_not_there_says_what_to_install(self) -> None:
        state = self.used_state()
        (state / "postgres/data/PG_VERSION").write_text("14\n")
        answer = self.daemon(state).ask("start")
        self.assertIn("install postgresql-14", str(answer["error"]))

    def test_the_version_of_an_existing_cluster_decides_which_programs_run_it(self) -> None:
        for folder in places().values():
            major = find_binaries(folders=[[folder]]).major
            with self.subTest(major=major):
                self.assertEqual(find_binaries(major=major).major, major)

    def test_root_is_refused(self) -> None:
        require_services()
        self.patch(os, "geteuid", lambda: 0)
        state = self.new_state()
        with self.assertRaisesRegex(StartupError, "can't run as root"):
            EmbeddedPostgres(state / "postgres", memory_mb=16, log_file=state / "log").start()
        self.assertEqual(list(state.iterdir()), [])
