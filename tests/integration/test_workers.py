"""The daemon with its workers, as it runs by default."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.memcached import started
from tests.integration.postgres import REPOSITORY
from tests.integration.process import Home, Run, answer, as_someone_who_reaches_it, until

SAMPLE = "/image?src=/samples/penguin.jpg&width=40"
_WORKER = re.compile(r"qis: (\w+) worker(?: (\d+))?")


def workers(run: Run) -> dict[str, int]:
    """The processes of the workers by their stations."""
    found = {}
    for place in Path("/proc").iterdir():
        try:
            command, state = (place / "cmdline").read_text(), (place / "stat").read_text()
        except (OSError, UnicodeDecodeError):
            continue
        station = _WORKER.search(command)
        if station and int(state.rpartition(")")[2].split()[1]) == run.process.pid:
            role, number = station.groups(default="1")
            found[f"{'tasks' if role == 'task' else role}:{number}"] = int(place.name)
    return found


_PAUSE = 0.02
"""Seconds that a client leaves to others: without a pause four of them would take the processors from the workers that
are starting, for longer than anybody waits on a slow machine.
"""


class Asking(threading.Thread):
    """A client that asks again and again, each time in a new connection or all in one; counts what it gets."""

    def __init__(self, run: Run, *, keep: bool) -> None:
        super().__init__(daemon=True)
        self.got: Counter[object] = Counter()
        self._port = run.port()
        self._keep = keep
        self._over = threading.Event()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        while not self._over.wait(_PAUSE):
            try:
                self.got[answer(connection, SAMPLE)[0]] += 1
            except (OSError, http.client.HTTPException) as error:
                self.got[repr(error)] += 1
                connection.close()
            if not self._keep:
                connection.close()
        connection.close()

    def end(self) -> Counter[object]:
        self._over.set()
        self.join(30)
        return self.got


class WorkersCase(SynchronousTestCase):
    def start(self, **settings: str) -> Run:
        self.home = Home(HTTPS_PROCESSES="1", **settings)
        self.addCleanup(self.home.remove)
        self.home.install()
        return self.home.start(workers=True).ready()

    def exchanged(self, run: Run, old: dict[str, int]) -> bool:
        new = workers(run)
        return new.keys() == old.keys() and all(new[station] != old[station] for station in old)


class WorkerTests(WorkersCase):
    def test_the_work_is_done_by_workers_that_end_with_the_main_process(self) -> None:
        run = self.start()
        found = workers(run)
        self.assertEqual(sorted(found), ["http:1", "http:2", "https:1", "tasks:1"])
        for connection in (run.connect(), run.connect_tls()):
            status, body = answer(connection, SAMPLE)
            self.assertEqual((status, body[:2]), (200, b"\xff\xd8"))
            connection.close()
        self.assertEqual(run.listening_ports().count(run.port()), 1)
        self.assertIn(f"tasks_{found['tasks:1']} ", run.log)
        self.assertEqual(run.stop(), 0)
        self.assertEqual(workers(run), {})
        self.assertEqual(self.home.servers(), set())
        self.assertEqual(os.listdir(self.home.path / "state" / "processes"), [])
        self.assertNotIn("ERROR", run.log)

    def test_status_tells_of_each(self) -> None:
        run = self.start()
        connection = run.connect()
        for _ in range(3):
            answer(connection, "/health")
        found = json.loads(self.qis("status", "--json"))
        connection.close()
        self.assertEqual(found["pid"], run.process.pid)
        self.assertEqual(sorted(one["pid"] for one in found["processes"]), sorted(workers(run).values()))
        self.assertEqual({one["state"] for one in found["processes"]}, {"ready"})
        self.assertEqual(sum(one["requests"] for one in found["processes"]), 3)
        self.assertEqual(sum(one["connections"] for one in found["processes"]), 1)
        self.assertTrue(all(10e6 < one["memory"] < 500e6 for one in found["processes"]))

    def test_one_that_is_killed_is_replaced_and_nobody_else_notices(self) -> None:
        run = self.start()
        before = workers(run)
        connections = [run.connect() for _ in range(8)]
        for connection in connections:
            answer(connection, "/health")
        os.kill(before["http:1"], signal.SIGKILL)
        run.says("The http worker 1 (process")
        until(lambda: workers(run).get("http:1") not in (None, before["http:1"]), "another worker")
        alive = 0
        for connection in connections:
            with contextlib.suppress(OSError, http.client.HTTPException):
                alive += answer(connection, "/health")[0] == 200
            connection.close()
        self.assertEqual({name: pid for name, pid in workers(run).items() if before[name] == pid}.keys(),
                         {"http:2", "https:1", "tasks:1"})  # fmt: skip
        self.assertGreater(alive, 0, "the connections of the other worker go on")
        until(lambda: run.log.count("The http worker 1 is at work") == 2, "that it is at work")
        self.assertEqual(run.stop(), 0)

    def test_a_reload_exchanges_all_without_one_failed_request(self) -> None:
        run = self.start()
        clients = [Asking(run, keep=keep) for keep in (True, True, False, False)]
        for client in clients:
            client.start()
        old = workers(run)
        for number, processes in ((1, 3), (2, 1)):
            self.home.settings_file.write_text(f"HTTP_PROCESSES = {processes}\nLOG_MAX_MB = {number}\n")
            run.send(signal.SIGHUP)
            until(lambda number=number: run.log.count("Settings reloaded") == number, "the end of the reload")
            now = workers(run)
            self.assertEqual(sum(name.startswith("http:") for name in now), processes)
            self.assertEqual(set(old.values()) & set(now.values()), set())
            old = now
        for client in clients:
            got = client.end()
            self.assertEqual(set(got), {200}, got)
            self.assertGreater(got[200], 10)
        self.assertEqual(run.stop(), 0)

    def test_an_image_that_many_ask_all_workers_for_is_made_once(self) -> None:
        memcached = started(self)
        run = self.start(MEMCACHED_SERVERS=memcached.address)
        for width in range(100, 110):
            target = f"/image?src=/samples/mountains.jpg&width={width}"
            connections = [run.connect() for _ in range(40)]
            for connection in connections:
                connection.request("GET", target)
            made = []
            for connection in connections:
                response = connection.getresponse()
                response.read()
                self.assertEqual(response.status, 200)
                made.append(response.headers["X-From-Cache"] == "False")
                connection.close()
            self.assertEqual(sum(made), 1, target)
        self.assertIn("They are shared by Memcached", run.log)
        told = json.loads(self.qis("cache", "status", "--json"))
        self.assertEqual([node["server"] for node in told["nodes"]], [memcached.address])
        self.assertEqual(told["nodes"][0]["items"], 10)
        self.assertGreater(sum(worker["cache"].get("memcached", 0) for worker in told["workers"]), 0)
        self.qis("cache", "flush", "--yes")
        run.says("The caches were emptied")
        until(lambda: run.log.count("The caches were emptied") == 4, "that all workers have done so")
        connection = run.connect()
        connection.request("GET", target)
        response = connection.getresponse()
        response.read()
        self.assertEqual(response.headers["X-From-Cache"], "False")
        connection.close()

    def qis(self, *arguments: str) -> str:
        program = [*as_someone_who_reaches_it(), Path(sys.executable).parent / "qis", *arguments]
        environ = os.environ | self.home.environ
        return subprocess.run(program, env=environ, capture_output=True, check=True, cwd=REPOSITORY, text=True).stdout

    def test_without_the_main_process_they_end_even_one_that_is_stopped(self) -> None:
        run = self.start()
        found = workers(run)
        os.kill(found["http:1"], signal.SIGSTOP)
        os.kill(run.process.pid, signal.SIGKILL)
        run.process.wait()
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in found.values()), "the workers' end")
        again = self.home.start(workers=True).ready()
        connection = again.connect()
        self.assertEqual(answer(connection, SAMPLE)[0], 200)
        connection.close()
        self.assertEqual(again.stop(), 0)

    def test_a_connection_that_waits_while_no_worker_is_there_is_answered_by_the_next_one(self) -> None:
        run = self.start(HTTP_PROCESSES="1")
        os.kill(workers(run)["http:1"], signal.SIGKILL)
        with socket.create_connection(("127.0.0.1", run.port()), 30) as client:
            client.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            self.assertTrue(client.recv(100).startswith(b"HTTP/1.1 200"))

    def test_one_that_dies_again_and_again_is_given_pauses(self) -> None:
        run = self.start(HTTP_PROCESSES="1")
        for _ in range(6):
            pid = until(lambda: workers(run).get("http:1"), "a worker")
            os.kill(pid, signal.SIGKILL)
            until(lambda pid=pid: not Path(f"/proc/{pid}").exists(), "its end")
        run.says("another one takes its place in 1 s, since this happens again and again")
        self.assertEqual(run.stop(), 0)

    def test_usr1_and_usr2_reach_all(self) -> None:
        run = self.start()
        run.send(signal.SIGUSR2)
        for name in ("http worker 1", "http worker 2", "https worker 1", "task worker"):
            run.says(f"What the {name} is doing:")
        (self.home.path / "logs" / "access.log").rename(self.home.path / "logs" / "old.log")
        run.send(signal.SIGUSR1)
        run.says("Reopened the log files")

        def noted() -> bool:
            connection = run.connect()
            answer(connection, "/health")
            connection.close()
            return bool(self.home.log("access.log"))

        until(noted, "a line in the new file")
