"""Starts a real daemon on free ports with a library of its own, for the benchmarks, and stops it again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

ROOT = Path(__file__).resolve().parent.parent


@attrs.frozen(kw_only=True)
class Daemon:
    """A running daemon: its process id and addresses.

    :param https: the port for HTTPS; 0: none.
    :param state: its ``STATE_DIR``.
    """

    pid: int
    port: int
    https: int = 0
    state: Path = Path()

    def url(self, target: str, *, tls: bool = False) -> str:
        return f"https://127.0.0.1:{self.https}{target}" if tls else f"http://127.0.0.1:{self.port}{target}"

    def get(self, target: str) -> bytes:
        with urllib.request.urlopen(self.url(target), timeout=120) as answer:
            body: bytes = answer.read()
        return body

    def cpu(self) -> float:
        """Seconds of processor time, user and system, that the process has used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def status(self) -> dict[str, Any]:
        """What ``qis status`` shows."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(30)
            connection.connect(str(self.state / "control.sock"))
            connection.sendall(b'{"command": "status"}\n')
            with connection.makefile("rb") as answers:
                found: dict[str, Any] = json.loads(answers.readline())["result"]
        return found

    def workers(self, role: str = "http") -> list[int]:
        """The process ids of the workers of one kind; in a single process, that one."""
        found = self.status()["processes"]
        pids = [one["pid"] for one in found if one["name"].startswith(f"{role} worker")]
        return pids or [self.pid]

    def memory(self, role: str = "http") -> list[int]:
        """Bytes of each worker."""
        return [pss(pid) for pid in self.workers(role)]

    def peak_memory(self) -> int:
        """Largest resident size so far, in bytes."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
        raise LookupError("VmHWM")


def pss(pid: int) -> int:
    """Bytes of a process, with its share of what it has in common with others."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise LookupError("Pss")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def running(
    photos: list[Path], *, workers: int = 0, tls: bool = False, copies: int = 1, **settings: str
) -> Iterator[Daemon]:
    """A daemon whose library holds ``photos`` under ``/photos``; ``settings`` are given as ``QIS_*`` variables.

    :param workers: of each protocol; 0: all in a single process.
    :param tls: serve HTTPS as well, with a certificate of its own.
    :param copies: how often each photo is there: ``a.jpg``, then ``1/a.jpg`` and so on.
    """
    data = Path(tempfile.mkdtemp(prefix="qisd-bench-"))
    data.chmod(0o755)
    library = data / "images" / "photos"
    library.mkdir(parents=True)
    for photo in photos:
        shutil.copy(photo, library)
        for number in range(1, copies):
            (library / str(number)).mkdir(exist_ok=True)
            os.link(library / photo.name, library / str(number) / photo.name)
    port, https = free_port(), free_port() if tls else 0
    environ = os.environ | {
        "QIS_STATE_DIR": str(data / "state"),
        "QIS_IMAGES_BASE_DIR": str(data / "images"),
        "QIS_LOGGING_BASE_DIR": str(data / "logs"),
        "QIS_HTTP_LISTEN": f"127.0.0.1:{port}",
        "QIS_HTTPS_LISTEN": f"127.0.0.1:{https}" if tls else "[]",
        "QIS_HTTP_PROCESSES": str(workers or 1),
        "QIS_HTTPS_PROCESSES": str(workers or 1),
        **{f"QIS_{name}": value for name, value in settings.items()},
    }
    command = [str(Path(sys.executable).with_name("twistd")), "-n", "--pidfile=", "qis"]
    if not workers:
        command.append("--single-process")
    with (data / "console").open("wb") as console:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=console, stderr=console)
    try:
        _wait_until_ready(process, port, data)
        yield Daemon(pid=process.pid, port=port, https=https, state=data / "state")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        shutil.rmtree(data)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, data: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit(f"the daemon did not start:\n{(data / 'console').read_text()}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the daemon did not get ready within a minute")
