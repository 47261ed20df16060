"""Real Memcached servers for tests, each on a port of loopback."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from pymemcache.client.base import Client
from twisted.trial.unittest import SynchronousTestCase


class Memcached:
    """A server of its own; without one on this machine the test fails.

    :param path: of a socket to listen at; None: at a port.
    """

    def __init__(self, path: str | None = None) -> None:
        program = shutil.which("memcached")
        if program is None:
            raise AssertionError("memcached is missing: run `make setup-dev`")
        self._program = program
        self._path = path
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return self._path or f"127.0.0.1:{self.port}"

    def start(self) -> None:
        where = ["-l", "127.0.0.1", "-p", str(self.port), "-U", "0"] if self._path is None else ["-s", self._path]
        self.process = subprocess.Popen([self._program, *where, "-m", "64", "-u", "nobody"], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                self._try()
            except OSError:
                time.sleep(0.01)
            else:
                return
        raise AssertionError("memcached does not start")

    def _try(self) -> None:
        if self._path is None:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        else:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(self._path)

    def items(self) -> int:
        """How many values it has."""
        client = Client(("127.0.0.1", self.port))
        count: int = client.stats()[b"curr_items"]
        client.close()
        return count

    def stand_still(self) -> None:
        """Stop all its threads; afterwards it answers nothing more."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        deadline = time.monotonic() + 20
        while any(_state(thread) != "T" for thread in Path(f"/proc/{self.process.pid}/task").iterdir()):
            assert time.monotonic() < deadline, "memcached goes on"
            time.sleep(0.001)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def _state(thread: Path) -> str:
    """A letter, see proc(5)."""
    return (thread / "stat").read_text().rpartition(")")[2].split()[0]


def started(case: SynchronousTestCase, path: str | None = None) -> Memcached:
    """A server that ends with the test."""
    server = Memcached(path)
    server.start()
    case.addCleanup(server.stop)
    return server
