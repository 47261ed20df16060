"""A site as in ``deploy/ha/``: three servers behind haproxy, PostgreSQL with a standby, three Memcached servers."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.integration.postgres import REPOSITORY, UNPRIVILEGED, PostgresServer, places, private_directory
from tests.integration.process import Home, Run, until

_PASSWORD = "wide-awake-penguin"
_DELAY = 6
"""``SHUTDOWN_DELAY``: twice what two checks of haproxy.cfg take to fail, at their quicker pace."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


class Standby(PostgresServer):
    """Follows ``primary`` until it is promoted."""

    def __init__(self, binaries: Path, primary: PostgresServer) -> None:
        self.home = private_directory()
        self.port = 5432
        self._binaries = binaries
        self._process = None
        self._run(
            *("pg_basebackup", "-h", str(primary.home), "-U", "qis", "-D", f"{self.home}/data", "-R", "-c", "fast")
        )
        self.start()

    def promote(self) -> None:
        self.run_sql("postgres", "select pg_promote()")


class Server:
    """One of the web tier."""

    def __init__(self, port: int, **settings: str) -> None:
        self.port = port
        self.home = Home(HTTP_LISTEN=f"127.0.0.1:{port}", HTTPS_LISTEN="[]", **settings)
        self.run: Run

    def start(self) -> None:
        self.run = self.home.start()

    def kill(self) -> None:
        self.run.process.kill()
        self.run.process.wait()

    def cache_hits(self) -> Counter[str]:
        """Images by where they were found, and misses."""
        status = json.loads(self.home.qis("--json", "status").stdout)
        return sum((Counter(one["cache"]) for one in status["processes"]), Counter())


class Site:
    """All of it. ``servers[0]`` is up from the start, and the others are as well."""

    def __init__(self) -> None:
        self._ends = contextlib.ExitStack()
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self) -> None:
        binaries = next(folder for name, folder in places().items() if name.startswith("System"))
        self.primary = PostgresServer(binaries)
        self._ends.callback(self.primary.remove)
        database = self.primary.new_database()
        self.standby = Standby(binaries, self.primary)
        self._ends.callback(self.standby.remove)
        self.caches = [free_port() for _ in range(3)]
        self._memcached = {port: self._start_memcached(port) for port in self.caches}
        self._ends.callback(self._stop_all_memcached)
        hosts = f"{self.primary.home},{self.standby.home}"
        shared = {
            "MGMT_DATABASE_CONNECTION": f"postgresql:///{database}?host={hosts}&port=5432,5432&user=qis",
            "MEMCACHED_SERVERS": json.dumps([f"127.0.0.1:{port}" for port in self.caches]),
            "SECRET_KEY": secrets.token_hex(16),
            "ADMIN_PASSWORD": _PASSWORD,
            "MEMORY_CACHE_MB": "0",
            "PROXY_SERVERS": "1",
            "SHUTDOWN_DELAY": str(_DELAY),
        }
        first = Server(free_port(), **shared)
        self.servers = [first]
        images = first.home.environ["QIS_IMAGES_BASE_DIR"]
        self.servers += [Server(free_port(), IMAGES_BASE_DIR=images, **shared) for _ in range(2)]
        for server in self.servers:
            self._ends.callback(server.home.remove)
        first.start()
        first.run.ready()
        for server in self.servers[1:]:
            server.start()
        for server in self.servers[1:]:
            server.run.ready()
        self.front = self._start_haproxy()
        until(lambda: self.up() == {"web1", "web2", "web3"}, "three servers that the balancer finds ready")

    def close(self) -> None:
        self._ends.close()

    def _start_haproxy(self) -> int:
        port = free_port()
        folder = private_directory()
        self._ends.callback(shutil.rmtree, folder, ignore_errors=True)
        self._socket = folder / "haproxy.sock"
        environ = {
            "QIS_FRONT": f"127.0.0.1:{port}",
            "QIS_SOCKET": str(self._socket),
            **{f"QIS_WEB{number}": f"127.0.0.1:{one.port}" for number, one in enumerate(self.servers, start=1)},
        }
        program = shutil.which("haproxy") or "/usr/sbin/haproxy"
        command = [program, "-db", "-q", "-f", str(REPOSITORY / "deploy" / "ha" / "haproxy.cfg")]
        process = subprocess.Popen(command, env={**os.environ, **environ})
        self._ends.callback(process.wait)
        self._ends.callback(process.kill)
        until(self._socket.exists, "haproxy")
        return port

    def up(self) -> set[str]:
        """The servers that the balancer sends requests to."""
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self._socket))
            client.sendall(b"show stat\n")
            rows = b"".join(iter(lambda: client.recv(65536), b"")).decode().splitlines()
        found = [row.split(",") for row in rows]
        return {row[1] for row in found if row[0] == "servers" and row[1] != "BACKEND" and row[17:18] == ["UP"]}

    # Memcached

    def _start_memcached(self, port: int) -> subprocess.Popen[bytes]:
        user = ["-u", UNPRIVILEGED] if os.geteuid() == 0 else []
        return subprocess.Popen(["memcached", "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-m", "32", *user])

    def start_memcached(self, port: int) -> None:
        self._memcached[port] = self._start_memcached(port)

    def stop_memcached(self, port: int) -> None:
        process = self._memcached.pop(port)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def _stop_all_memcached(self) -> None:
        for port in list(self._memcached):
            self.stop_memcached(port)

    # Requests

    def ask(self, method: str, path: str, *, port: int | None = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON of an answer of the server at ``port``, or of the first; as by a balancer that ends TLS."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.servers[0].port, timeout=30)
        headers |= {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}
        with contextlib.closing(connection):
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
        return answer.status, json.loads(body) if body[:1] == b"{" else None

    def log_in(self) -> tuple[int, str]:
        """Status and token of a log-in, which writes a row into the database."""
        who = b64encode(f"admin:{_PASSWORD}".encode()).decode("ascii")
        status, answer = self.ask("POST", "/api/v1/token/", Authorization=f"Basic {who}")
        return status, answer["data"]["token"] if status == 200 else ""

    def writes_again(self) -> float:
        """Seconds until a log-in succeeds."""
        began = time.monotonic()
        until(lambda: self.log_in()[0] == 200, "a log-in")
        return time.monotonic() - began

    def hit_ratio(self) -> Iterator[float]:
        """Each time: of the images since the last time, the share that Memcached had."""
        before = self._hits()
        while True:
            now = self._hits()
            new = now - before
            yield new["memcached"] / max(1, sum(new.values()))
            before = now

    def _hits(self) -> Counter[str]:
        return sum((server.cache_hits() for server in self.servers), Counter())
