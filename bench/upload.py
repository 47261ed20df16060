"""A large upload through the web floor alone: megabytes per second, processor time, peak memory of the server.

    python bench/upload.py [MEGABYTES]      # default 2048

Each way of sending is measured with a fresh server; ``slow disk`` takes 100 MB/s. The server may allocate 300 MB.
"""

from __future__ import annotations

import os
import resource
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BOUNDARY = b"----bench"
PIECE = os.urandom(1024 * 1024)
MEMORY_MAX = 300 * 1024 * 1024
SLOW_SECONDS_PER_MB = 0.01

WAYS = ("multipart", "multipart chunked", "raw", "multipart tls", "multipart slow disk")


def main() -> None:
    if sys.argv[1:2] == ["serve"]:
        serve(Path(sys.argv[2]), raw=sys.argv[3] == "raw", tls="tls" in sys.argv[3], slow="slow" in sys.argv[3])
        return
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 2048
    print(f"{'way':20} {'MB/s':>6} {'user s/GB':>9} {'sys s/GB':>9} {'idle MB':>8} {'peak MB':>8}")
    for way in WAYS:
        with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
            measure(way, megabytes, Path(folder))


def measure(way: str, megabytes: int, folder: Path) -> None:
    if "tls" in way:
        certificate(folder)
    command = [sys.executable, __file__, "serve", str(folder), way]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port, idle = server.stdout.readline().split()
        began = time.monotonic()
        answer = send(int(port), way, megabytes)
        seconds = time.monotonic() - began
        assert answer == b"%d" % (megabytes * len(PIECE)), answer
        status = Path(f"/proc/{server.pid}/stat").read_text(encoding="ascii").split()
        user, kernel = (int(ticks) / os.sysconf("SC_CLK_TCK") / megabytes * 1024 for ticks in status[13:15])
        peak = peak_memory(server.pid)
        server.terminate()
    speed = megabytes / seconds
    print(f"{way:20} {speed:6.0f} {user:9.2f} {kernel:9.2f} {int(idle) / 1e6:8.0f} {peak / 1e6:8.0f}")


def send(port: int, way: str, megabytes: int) -> bytes:
    wire = socket.create_connection(("127.0.0.1", port))
    if "tls" in way:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        wire = context.wrap_socket(wire)
    first = b"--%s\r\nContent-Disposition: form-data; name=files; filename=a.png\r\n\r\n" % BOUNDARY
    last = b"\r\n--%s--\r\n" % BOUNDARY
    if way == "raw":
        first = last = b""
    length = len(first) + megabytes * len(PIECE) + len(last)
    chunked = "chunked" in way
    wire.sendall(
        b"POST /up HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=%s\r\n%s\r\n\r\n"
        % (BOUNDARY, b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % length)
    )
    for piece in pieces(first, megabytes, last):
        if chunked:
            wire.sendall(b"%x\r\n" % len(piece))
        wire.sendall(piece)
        if chunked:
            wire.sendall(b"\r\n")
    if chunked:
        wire.sendall(b"0\r\n\r\n")
    answer = b""
    while b"\r\n\r\n" not in answer or answer.endswith(b"\r\n\r\n"):
        answer += wire.recv(65536)
    return answer.partition(b"\r\n\r\n")[2]


def pieces(first: bytes, megabytes: int, last: bytes) -> Iterator[bytes]:
    if first:
        yield first
    for _ in range(megabytes):
        yield PIECE
    if last:
        yield last


def peak_memory(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise LookupError("VmHWM")


def certificate(folder: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    subprocess.run([*command, "-keyout", "key.pem", "-out", "cert.pem"], cwd=folder, check=True, capture_output=True)


# The server


def serve(folder: Path, *, raw: bool, tls: bool, slow: bool) -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from klein import Klein
    from twisted.internet import reactor, ssl

    from qisd.pools.files import FilePool
    from qisd.web.bodies import BodyRules
    from qisd.web.site import QisSite
    from tests.web.support import FakeSettings

    class File:
        def __init__(self, path: Path) -> None:
            self.path = path
            self.stream = path.open("wb", buffering=0)

        def write(self, data: bytes) -> None:
            if slow:
                time.sleep(len(data) / 2**20 * SLOW_SECONDS_PER_MB)
            self.stream.write(data)

        def finish(self) -> None:
            os.fsync(self.stream.fileno())
            self.stream.close()

        def discard(self) -> None:
            self.stream.close()
            self.path.unlink()

    class Sink:
        def open(self, filename: str) -> File:
            return File(folder / "incoming")

    class Policy:
        async def admit(self, request: object) -> BodyRules:
            return BodyRules(limit=2**40, files=Sink(), raw=raw)

    class Desk:
        app = Klein()

        @app.route("/up", methods=["POST"])
        def take(self, request: Any) -> None:
            request.answer(200, [], b"%d" % request.body.files[0].size)

    loop: Any = reactor
    files = FilePool(loop, timeout=600)
    settings: Any = FakeSettings()
    desk: Any = Desk()
    site = QisSite(desk, settings=settings, access_log=None, reactor=loop, bodies=Policy(), body_files=files)
    if tls:
        options = ssl.DefaultOpenSSLContextFactory(str(folder / "key.pem"), str(folder / "cert.pem"))
        port = loop.listenSSL(0, site, options, interface="127.0.0.1")
    else:
        port = loop.listenTCP(0, site, interface="127.0.0.1")
    files.start()
    loop.addSystemEventTrigger("after", "shutdown", files.stop)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_MAX, MEMORY_MAX))
    # The peak starts anew here.
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    print(port.getHost().port, peak_memory(os.getpid()), flush=True)
    loop.run()


if __name__ == "__main__":
    main()
