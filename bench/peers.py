"""Other programs that serve the same bytes, to be measured beside ours: nginx from the disk, and out of Memcached."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
from daemon import free_port
from pymemcache.client.base import Client

_CONFIGURATION = """\
worker_processes 1;
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    sendfile on;
    tcp_nodelay on;
    open_file_cache max=1000 inactive=1h;
    types {{ image/jpeg jpg; }}
    upstream cache {{ server 127.0.0.1:{memcached}; keepalive 64; }}
    server {{
        listen 127.0.0.1:{http};
        listen 127.0.0.1:{https} ssl;
        ssl_certificate {folder}/certificate.pem;
        ssl_certificate_key {folder}/key.pem;
        ssl_protocols TLSv1.2 TLSv1.3;
        root {folder}/www;
        location /cache/ {{
            set $memcached_key $uri;
            memcached_pass cache;
            default_type image/jpeg;
        }}
    }}
}}
"""


@attrs.frozen(kw_only=True)
class Nginx:
    """One nginx with one process. Its addresses all give the same bytes."""

    static: str
    tls: str
    from_memcached: str


@contextmanager
def nginx(data: bytes) -> Iterator[Nginx]:
    """Serves ``data``."""
    folder = Path(tempfile.mkdtemp(prefix="qisd-bench-nginx-"))
    folder.chmod(0o755)
    (folder / "www").mkdir()
    (folder / "www/a.jpg").write_bytes(data)
    make_certificate(folder)
    http, https = free_port(), free_port()
    try:
        with memcached() as port:
            client = Client(("127.0.0.1", port))
            client.set("/cache/a", data)
            client.close()
            configuration = folder / "nginx.conf"
            configuration.write_text(_CONFIGURATION.format(folder=folder, memcached=port, http=http, https=https))
            program = shutil.which("nginx") or "/usr/sbin/nginx"
            process = subprocess.Popen([program, "-e", f"{folder}/error.log", "-c", str(configuration)])
            try:
                wait_for(http)
                yield Nginx(
                    static=f"http://127.0.0.1:{http}/a.jpg",
                    tls=f"https://127.0.0.1:{https}/a.jpg",
                    from_memcached=f"http://127.0.0.1:{http}/cache/a",
                )
            finally:
                process.terminate()
                process.wait(20)
    finally:
        shutil.rmtree(folder)


@contextmanager
def memcached(megabytes: int = 256) -> Iterator[int]:
    """The port of a Memcached with one thread."""
    port = free_port()
    program = shutil.which("memcached") or "/usr/bin/memcached"
    command = [program, "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-m", str(megabytes), "-t", "1", "-u", "nobody"]
    process = subprocess.Popen(command)
    try:
        wait_for(port)
        yield port
    finally:
        process.kill()
        process.wait()


def make_certificate(folder: Path) -> None:
    """``certificate.pem`` and ``key.pem``, of the kind that ours are: ECDSA, P-256."""
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "9",
    ]
    command += ["-subj", "/CN=localhost", "-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    subprocess.run(command, check=True, capture_output=True)
    (folder / "key.pem").chmod(0o644)


def wait_for(port: int) -> None:
    """Until somebody listens there."""
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"nobody listens at port {port}")
