"""Real Memcached servers for tests, each on a port of loopback."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time

from pymemcache.client.base import Client
from twisted.trial.unittest import SynchronousTestCase


class Memcached:
    """A server of its own; without one on this machine the test fails."""

    def __init__(self) -> None:
        program = shutil.which("memcached")
        if program is None:
            raise AssertionError("memcached is missing: run `make setup-dev`")
        self._program = program
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [self._program, "-l", "127.0.0.1", "-p", str(self.port), "-U", "0", "-m", "64", "-u", "nobody"]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.01)
            else:
                return
        raise AssertionError("memcached does not start")

    def items(self) -> int:
        """How many values it has."""
        client = Client(("127.0.0.1", self.port))
        count: int = client.stats()[b"curr_items"]
        client.close()
        return count

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def started(case: SynchronousTestCase) -> Memcached:
    """A server that ends with the test."""
    server = Memcached()
    server.start()
    case.addCleanup(server.stop)
    return server
