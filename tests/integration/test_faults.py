"""What becomes of requests when parts of the server die, hang, fill up or come in thousands: each with load running."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import resource
import selectors
import signal
import socket
import struct
import time
from collections import Counter
from email.utils import parsedate_to_datetime
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.load import Load
from tests.integration.memcached import started
from tests.integration.postgres import PostgresServer, places
from tests.integration.process import Home, Run, answer, until
from tests.integration.test_workers import workers

PENGUIN = "/image?src=/samples/penguin.jpg&width=40"
OTHERS = [f"/image?src=/samples/{name}.jpg&width=60" for name in ("mountains", "penguin")]
DETAILS = "/api/details/?src=samples/penguin.jpg"
FIELDS = b"Host: a\r\n\r\n"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def memory(pids: list[int]) -> int:
    """Bytes that the processes hold for themselves, what they share counted by shares."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


class FaultsCase(SynchronousTestCase):
    def start(self, **settings: str) -> Run:
        self.home = Home(**{"HTTPS_PROCESSES": "0", "HTTP_PROCESSES": "2", **settings})
        self.addCleanup(self.home.remove)
        if not settings.keys() & {"MGMT_DATABASE_CONNECTION", "IMAGES_BASE_DIR"}:
            self.home.install()
        return self.home.start(workers=True).ready()

    def load(self, run: Run, *targets: str, clients: int = 6, keep: bool | None = None, tls: bool = False) -> Load:
        """Clients who have begun, and ask for what has been answered before."""
        targets = targets or (PENGUIN, *OTHERS)
        connection = run.connect_tls() if tls else run.connect()
        for target in targets:
            self.assertEqual(answer(connection, target)[0], 200, target)
        connection.close()
        load = Load(run.port("https" if tls else "http"), *targets, clients=clients, keep=keep, tls=tls)
        load.__enter__()
        self.addCleanup(load.end)
        load.goes_on()
        return load

    def replaced(self, run: Run, station: str, old: int) -> None:
        until(lambda: workers(run).get(station) not in (None, old), "another worker")
        title = "task worker" if station == "tasks:1" else station.replace(":", " worker ")
        until(lambda: run.log.count(f"The {title} is at work") == 2, "that it is at work")

    def database(self) -> PostgresServer:
        system = next(folder for name, folder in places().items() if name.startswith("System"))
        server = PostgresServer(system)
        self.addCleanup(server.remove)
        return server

    def status(self, target: str, run: Run) -> int:
        connection = run.connect()
        try:
            return answer(connection, target)[0]
        finally:
            connection.close()

    def assert_all_answered(self, load: Load) -> None:
        got = load.end()
        self.assertEqual(set(got), {200}, load.other)


class ProcessTests(FaultsCase):
    def test_a_worker_that_is_killed_costs_only_what_it_was_answering(self) -> None:
        run = self.start()
        self.kill_one(run, "http:1", self.load(run))

    def test_so_does_one_that_speaks_https(self) -> None:
        run = self.start(HTTP_PROCESSES="1", HTTPS_PROCESSES="2", HTTPS_LISTEN="127.0.0.1:0")
        self.kill_one(run, "https:2", self.load(run, tls=True))

    def kill_one(self, run: Run, station: str, load: Load) -> None:
        old = workers(run)[station]
        os.kill(old, signal.SIGKILL)
        self.replaced(run, station, old)
        load.goes_on()
        failed = load.failures
        self.assertLessEqual(failed, load.clients, load.other)
        load.goes_on()
        got = load.end()
        self.assertEqual((load.failures, got[200]), (failed, got.total() - failed), load.other)

    def test_the_task_worker_that_is_killed_costs_no_request(self) -> None:
        run = self.start()
        load = self.load(run)
        old = workers(run)["tasks:1"]
        os.kill(old, signal.SIGKILL)
        self.replaced(run, "tasks:1", old)
        load.goes_on()
        self.assert_all_answered(load)

    def test_when_the_main_process_is_killed_a_new_start_takes_over_at_once(self) -> None:
        port = free_port()
        run = self.start(HTTP_LISTEN=f"127.0.0.1:{port}")
        load = self.load(run)
        found = workers(run)
        os.kill(run.process.pid, signal.SIGKILL)
        again = self.home.start(workers=True).ready()
        run.process.wait()
        self.assertIn("Took over the running embedded PostgreSQL", again.log)
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in found.values()), "the old workers' end")
        load.goes_on()
        got = load.end()
        self.assertLessEqual({status for status in got if isinstance(status, int)}, {200, 503}, load.other)
        self.assertEqual(again.stop(), 0)
        self.assertEqual(self.home.servers(), set())
        self.assertEqual(os.listdir(self.home.path / "state" / "processes"), [])

    def test_one_that_stands_still_is_not_replaced_and_answers_when_it_goes_on(self) -> None:
        run = self.start()
        load = self.load(run)
        old = workers(run)
        os.kill(old["http:1"], signal.SIGSTOP)
        try:
            waiting = [run.connect() for _ in range(8)]
            for connection in waiting:
                connection.request("GET", PENGUIN)
            with Load(run.port(), PENGUIN, clients=2, keep=False) as others:
                others.goes_on()
        finally:
            os.kill(old["http:1"], signal.SIGCONT)
        self.assertEqual([connection.getresponse().status for connection in waiting], [200] * 8)
        for connection in waiting:
            connection.close()
        self.assertEqual(set(others.got), {200}, others.other)
        load.goes_on()
        self.assert_all_answered(load)
        self.assertEqual(workers(run), old)

    def test_a_stop_in_the_middle_of_a_reload_leaves_nobody_behind(self) -> None:
        run = self.start()
        load = self.load(run)
        old = workers(run)
        run.send(signal.SIGHUP)
        new = until(lambda: self.children(run) - set(old.values()), "a new worker")
        self.assertEqual(run.stop(), 0)
        load.end()
        self.assertEqual([pid for pid in {*old.values(), *new} if Path(f"/proc/{pid}").exists()], [])
        self.assertEqual(os.listdir(self.home.path / "state" / "processes"), [])
        for word in ("ERROR", "CRITICAL", "Traceback"):
            self.assertNotIn(word, run.log + run.console)

    def children(self, run: Run) -> set[int]:
        """Processes that the main one has started, the database's not among them."""
        listed = Path(f"/proc/{run.process.pid}/task/{run.process.pid}/children").read_text().split()
        return {int(pid) for pid in listed} - self.home.servers()

    def test_a_worker_that_dies_in_the_middle_of_a_reload_does_not_hinder_it(self) -> None:
        run = self.start()
        load = self.load(run)
        old = workers(run)
        run.send(signal.SIGHUP)
        until(lambda: self.children(run) - set(old.values()), "a new worker")
        os.kill(old["http:1"], signal.SIGKILL)
        run.says("Settings reloaded")
        now = workers(run)
        self.assertEqual(now.keys(), old.keys())
        self.assertEqual(set(now.values()), self.children(run))
        self.assertEqual(set(now.values()) & set(old.values()), set())
        load.goes_on()
        self.assertLessEqual(load.failures, load.clients, load.other)
        self.assertEqual(run.stop(), 0)

    def test_reloads_change_who_works_and_where(self) -> None:
        first, second = free_port(), free_port()
        self.home = Home(HTTPS_PROCESSES="0", HTTPS_LISTEN=f"127.0.0.1:{free_port()}")
        self.addCleanup(self.home.remove)
        del self.home.environ["QIS_HTTP_LISTEN"]
        self.settings([], tasks=True)
        run = self.home.start(workers=True).ready()
        self.assertEqual((sorted(workers(run)), run.listening_ports()), (["tasks:1"], []))
        for number, (addresses, tasks) in enumerate((([first], False), ([first, second], True), ([second], False)), 1):
            self.settings(addresses, tasks=tasks)
            run.send(signal.SIGHUP)
            until(lambda number=number: run.log.count("Settings reloaded") == number, "the end of the reload")
            self.assertEqual(sorted(run.listening_ports()), sorted(addresses))
            self.assertEqual(sorted(workers(run)), ["http:1", "http:2", *(["tasks:1"] if tasks else [])])
            for port in addresses:
                with Load(port, PENGUIN, clients=1) as load:
                    load.goes_on(1)
        self.assertEqual(run.stop(), 0)

    def settings(self, addresses: list[int], *, tasks: bool) -> None:
        listen = json.dumps([f"127.0.0.1:{port}" for port in addresses])
        self.home.settings_file.write_text(f"HTTP_LISTEN = {listen}\nTASKS_ENABLED = {str(tasks).lower()}\n")

    def test_a_second_server_on_the_same_data_does_not_take_the_way_to_the_first_one(self) -> None:
        run = self.start()
        second = self.home.start(workers=True)
        self.assertEqual(second.ended(), 3)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.home.path / "state" / "control.sock"))
            client.sendall(b'{"command": "status"}\n')
            with client.makefile() as lines:
                self.assertEqual(json.loads(lines.readline())["result"]["pid"], run.process.pid)


_CLOCK = """
import os, time

def time_that_can_be_set(real=time.time, size=os.path.getsize, file=os.environ["CLOCK"]):
    # The number of bytes of the file: one of them is an hour, and half of what there may be is now.
    return real() + (size(file) - 1000) * 3600

time.time = time_that_can_be_set
"""


class ClockTests(FaultsCase):
    def test_the_machine_s_clock_may_be_set_while_it_works(self) -> None:
        self.home = Home(HTTPS_PROCESSES="0", HTTP_PROCESSES="1", TASKS_ENABLED="false")
        self.addCleanup(self.home.remove)
        (self.home.path / "sitecustomize.py").write_text(_CLOCK)
        self.set_clock(0)
        self.home.environ["CLOCK"] = str(self.home.path / "clock")
        self.home.environ["PYTHONPATH"] += f":{self.home.path}"
        run = self.home.start(workers=True).ready()
        load = self.load(run)
        for number, hours in enumerate((3, -5), 2):
            old = workers(run)
            self.set_clock(hours)
            until(lambda number=number: run.log.count(" is at work") == number, "other workers")
            until(lambda old=old: not set(workers(run).values()) & set(old.values()), "the old ones' end")
            load.goes_on()
            connection = run.connect()
            connection.request("GET", "/health")
            said = parsedate_to_datetime(connection.getresponse().headers["Date"]).timestamp()
            connection.close()
            self.assertLess(abs(said - time.time() - hours * 3600), 60)
        self.assertIn("The clock of this machine was set +10800 s", run.log)
        self.assertIn("The clock of this machine was set -28800 s", run.log)
        self.assert_all_answered(load)
        self.assertEqual(run.stop(), 0)
        self.assertNotIn("ERROR", run.log)

    def set_clock(self, hours: int) -> None:
        new = self.home.path / "clock.new"
        new.write_bytes(b"." * (1000 + hours))
        new.rename(self.home.path / "clock")


class MemcachedTests(FaultsCase):
    def test_one_that_is_killed_costs_no_request_and_is_used_again_when_it_is_back(self) -> None:
        memcached = started(self)
        run = self.start(MEMCACHED_SERVERS=memcached.address)
        load = self.load(run)
        until(lambda: memcached.items() > 0, "that it is used")
        memcached.stop()
        for width in range(90, 95):
            self.assertEqual(self.status(f"/image?src=/samples/penguin.jpg&width={width}", run), 200)
        load.goes_on()
        memcached.start()
        made = itertools.count(100)
        until(
            lambda: (
                self.status(f"/image?src=/samples/penguin.jpg&width={next(made)}", run) == 200 and memcached.items() > 0
            ),
            "that it is used again",
        )
        self.assert_all_answered(load)
        self.assertEqual(run.stop(), 0)


class DatabaseTests(FaultsCase):
    def test_while_postgresql_is_away_images_go_on_and_all_else_says_so(self) -> None:
        server = self.database()
        run = self.start(MGMT_DATABASE_CONNECTION=server.url(server.new_database()))
        load = self.load(run)
        self.assertEqual(self.status(DETAILS, run), 200)
        server.stop(signal.SIGQUIT)
        until(lambda: self.status(DETAILS, run) == 503, "that it is missed")
        for width in range(70, 75):
            self.assertEqual(self.status(f"/image?src=/samples/penguin.jpg&width={width}", run), 200)
        load.goes_on()
        server.start()
        until(lambda: self.status(DETAILS, run) == 200, "that it is back")
        load.goes_on()
        self.assert_all_answered(load)
        self.assertEqual(run.stop(), 0)

    def test_the_embedded_one_that_is_killed_is_started_again(self) -> None:
        run = self.start()
        load = self.load(run)
        for pid in self.home.servers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until(lambda: run.log.count("Started the embedded PostgreSQL") == 2, "that it is started")
        until(lambda: self.status(DETAILS, run) == 200, "that it is used")
        load.goes_on()
        self.assert_all_answered(load)
        self.assertEqual(run.stop(), 0)
        self.assertEqual(self.home.servers(), set())

    def test_of_two_servers_that_share_all_one_goes_on_without_the_other(self) -> None:
        server = self.database()
        settings = {
            "MGMT_DATABASE_CONNECTION": server.url(server.new_database()),
            "MGMT_DATABASE_POOL_SIZE": "2",
            "HTTP_PROCESSES": "1",
            "SECRET_KEY": "hex:8f3c61b7d2a94e05f7186ac3b92d40e1c55a7e9306bd1f28",
        }
        one = self.start(**settings)
        library = str(self.home.path / "images")
        two = self.start(**settings, IMAGES_BASE_DIR=library)
        loads = [self.load(run, clients=3) for run in (one, two)]
        victims = [one.process.pid, *workers(one).values()]
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        one.process.wait()
        loads[0].end()
        self.assertEqual(set(loads[0].got) - {200} - _BROKEN, set(), loads[0].other)
        loads[1].goes_on(100)
        self.assertEqual(self.status(DETAILS, two), 200)
        again = one.home.start(workers=True).ready()
        self.assertEqual(self.status(PENGUIN, again), 200)
        loads[1].goes_on()
        self.assert_all_answered(loads[1])


_BROKEN = {"RemoteDisconnected", "ConnectionResetError", "ConnectionRefusedError", "IncompleteRead", "BrokenPipeError"}


class DiskTests(FaultsCase):
    def test_while_the_library_is_gone_what_is_cached_goes_on_and_the_rest_says_so(self) -> None:
        run = self.start(HTTP_PROCESSES="1")  # which has in its memory what has been asked for
        load = self.load(run)
        library = self.home.path / "images"
        library.rename(self.home.path / "elsewhere")
        for width in range(80, 84):
            self.assertEqual(self.status(f"/image?src=/samples/coffee.jpg&width={width}", run), 503)
        load.goes_on(200)
        (self.home.path / "elsewhere").rename(library)
        until(lambda: self.status("/image?src=/samples/coffee.jpg&width=80", run) == 200, "that it is back")
        load.goes_on()
        self.assert_all_answered(load)
        self.assertEqual(run.stop(), 0)

    def test_on_a_full_disk_images_go_on_without_their_cache_and_logs(self) -> None:
        server = self.database()
        self.home = Home(
            HTTPS_PROCESSES="0",
            DISK_CACHE_MB="50",
            DISK_CACHE_MIN_MS="0",
            MIN_FREE_SPACE_MB="0",
            MGMT_DATABASE_CONNECTION=server.url(server.new_database()),
        )
        self.addCleanup(self.home.remove)
        self.home.start(workers=True).ready().stop()  # samples and keys are made
        most = max((self.home.path / "logs" / name).stat().st_size for name in ("qis.log", "access.log")) + 6000
        # No file may grow beyond that: as on a disk without room, all that is written comes to an error.
        self.home.wrapper = ["prlimit", f"--fsize={most}"]
        run = self.home.start(workers=True).ready()
        large = [f"/image?src=/samples/mountains.jpg&width={width}&format=png" for width in (300, 310, 320)]
        load = self.load(run, *large)
        load.goes_on(100)
        cached = [path for path in (self.home.path / "state" / "cache").glob("??/*") if not path.name.startswith(".")]
        self.assertEqual(cached, [])
        self.assert_all_answered(load)
        self.assertLessEqual((self.home.path / "logs" / "access.log").stat().st_size, most)
        self.assertEqual(run.stop(), 0)


class ManyTests(FaultsCase):
    def test_ten_thousand_idle_connections_hinder_nobody(self) -> None:
        number = self.raise_file_limit(10_000)
        run = self.start()
        load = self.load(run, clients=2)
        held = list(workers(run).values())
        before = memory(held)
        idle = []
        self.addCleanup(lambda: [client.close() for client in idle])
        for count in range(number):
            # From several addresses: one may not have so many.
            client = socket.socket()
            idle.append(client)
            client.bind((f"127.0.0.{2 + count // 1000}", 0))
            client.connect(("127.0.0.1", run.port()))
        until(lambda: self.connections() >= number, f"{number} connections")
        load.goes_on(200)
        self.assertLess((memory(held) - before) / number, 20_000, "bytes a connection")
        for client in idle[:20]:
            client.sendall(b"GET /health HTTP/1.1\r\n" + FIELDS)
            self.assertTrue(client.recv(1000).startswith(b"HTTP/1.1 200"))
        for client in idle:
            client.close()
        until(lambda: self.connections() < 10, "their end")
        load.goes_on()
        self.assert_all_answered(load)

    def raise_file_limit(self, wanted: int) -> int:
        """As many connections as this process can have, ``wanted`` at most."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        number = min(wanted, hard - 500)
        if number < wanted:
            print(f"only {number} connections instead of {wanted}: no more than {hard} files may be open")
        return number

    def connections(self) -> int:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.home.path / "state" / "control.sock"))
            client.sendall(b'{"command": "status"}\n')
            with client.makefile() as lines:
                processes = json.loads(lines.readline())["result"]["processes"]
        return sum(process.get("connections", 0) for process in processes)

    def test_thousands_who_come_at_once_are_all_answered(self) -> None:
        run = self.start()
        load = self.load(run, clients=2)
        got: Counter[bytes] = Counter()
        for _ in range(20):
            got.update(self.wave(run.port(), 200))
        self.assertEqual(got, {b"HTTP/1.1 200": 4000})
        load.goes_on()
        self.assert_all_answered(load)

    def wave(self, port: int, clients: int) -> list[bytes]:
        """How the answers begin that so many clients get who all come at the same time."""
        begins = []
        with selectors.DefaultSelector() as selector:
            for _ in range(clients):
                client = socket.socket()
                client.setblocking(False)
                client.connect_ex(("127.0.0.1", port))
                selector.register(client, selectors.EVENT_WRITE)
            while selector.get_map():
                ready = selector.select(30)
                if not ready:
                    raise AssertionError(f"{len(selector.get_map())} of {clients} are not answered")
                for key, event in ready:
                    client = key.fileobj
                    if event & selectors.EVENT_WRITE:
                        client.send(f"GET {PENGUIN} HTTP/1.1\r\n".encode() + FIELDS)
                        selector.modify(client, selectors.EVENT_READ)
                    else:
                        begins.append(client.recv(100_000)[:12])
                        selector.unregister(client)
                        client.close()
        return begins

    def test_slow_readers_of_large_originals_cost_no_memory(self) -> None:
        server = self.database()
        name = server.new_database()
        run = self.start(MGMT_DATABASE_CONNECTION=server.url(name))
        server.run_sql(name, "update folderpermissions set access = 20")  # strangers may have originals
        big = self.home.path / "images" / "big.bmp"
        size = self.paint(big)
        target = "/original?src=/big.bmp"
        for _ in range(4):
            until(lambda: self.status(target, run) == 200, "that originals are given to all")
        load = self.load(run, clients=2)
        held = list(workers(run).values())
        before = memory(held)
        readers = []
        self.addCleanup(lambda: [reader.close() for reader in readers])
        for _ in range(40):
            reader = socket.socket()
            readers.append(reader)
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
            reader.settimeout(30)
            reader.connect(("127.0.0.1", run.port()))
            reader.sendall(f"GET {target} HTTP/1.1\r\n".encode() + FIELDS)
            self.assertTrue(reader.recv(4096).startswith(b"HTTP/1.1 200"))
        for _ in range(10):
            for reader in readers:
                self.assertTrue(reader.recv(4096))
        load.goes_on(200)
        self.assertLess(memory(held) - before, 40_000_000, "4 GB are on their way")
        connection = run.connect()
        status, body = answer(connection, target)
        connection.close()
        self.assertEqual((status, len(body)), (200, size))
        self.assert_all_answered(load)

    def paint(self, file: Path) -> int:
        """A picture of 100 MB that takes no room on the disk."""
        width, height = 6000, 5600
        size = 54 + 3 * width * height
        with file.open("wb") as output:
            output.write(struct.pack("<2sIII", b"BM", size, 0, 54))
            output.write(struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 3 * width * height, 0, 0, 0, 0))
            output.truncate(size)
        file.chmod(0o644)
        return size
