"""Two sites on one machine: the image server, whose requests are noted, and one that embeds its viewers.

The image host hands everything on to the daemon, and can be told to fail. The page host has the pages of a test. They
have different names and ports, so that for the browser they are as far from each other as can be.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import attrs

from tests.integration.live import Daemon

_HOP = {"connection", "transfer-encoding", "keep-alive", "content-length", "date", "server"}


@attrs.frozen(kw_only=True)
class Asked:
    """One request that came to the image host."""

    method: str
    path: str
    values: Mapping[str, str]
    headers: Mapping[str, str]


class _Host:
    """A server in a thread."""

    def __init__(self) -> None:
        host = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                host.answer(self)

            do_OPTIONS = do_GET  # noqa: N815 - the name that http.server looks for

            def log_message(self, *arguments: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _send(handler: BaseHTTPRequestHandler, status: int, headers: Mapping[str, str], body: bytes) -> None:
    try:
        handler.send_response_only(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)
    except OSError:
        handler.close_connection = True  # the browser did not want it any more


class ImageHost(_Host):
    """The image server at an address of its own.

    :ivar refuses: whether a request is answered with 503.
    """

    def __init__(self, daemon: Daemon, *, prefix: str = "") -> None:
        super().__init__()
        self._daemon = daemon
        self._prefix = prefix
        self._asked: list[Asked] = []
        self.refuses: Callable[[Asked], bool] = lambda asked: False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self._prefix}"

    def forget(self) -> None:
        """Begin anew: nothing was asked, nothing fails."""
        self._asked.clear()
        self.refuses = lambda asked: False

    def asked(self, path: str) -> list[Asked]:
        """The requests so far for a path, in their order."""
        return [asked for asked in list(self._asked) if asked.path == path]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        path = parts.path.removeprefix(self._prefix)
        values = dict(parse_qsl(parts.query, keep_blank_values=True))
        asked = Asked(method=handler.command, path=path, values=values, headers=dict(handler.headers.items()))
        self._asked.append(asked)
        if self.refuses(asked):
            _send(handler, 503, {"Access-Control-Allow-Origin": "*"}, b"")
        elif self._prefix and not parts.path.startswith(self._prefix):
            _send(handler, 404, {}, b"")
        else:
            _send(handler, *self._fetched(handler, handler.path.removeprefix(self._prefix)))

    def _fetched(self, handler: BaseHTTPRequestHandler, target: str) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._daemon.port, timeout=30)
        try:
            connection.request(handler.command, target, headers=dict(handler.headers.items()))
            response = connection.getresponse()
            headers = {name: value for name, value in response.getheaders() if name.lower() not in _HOP}
            return response.status, headers, response.read()
        finally:
            connection.close()


class PageHost(_Host):
    """A site with the pages of a test, and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self._pages: dict[str, tuple[str, Mapping[str, str]]] = {}

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def put(self, path: str, text: str, **headers: str) -> str:
        """A page; its address."""
        self._pages[path] = text, {name.replace("_", "-"): value for name, value in headers.items()}
        return self.url + path

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        page = self._pages.get(urlsplit(handler.path).path)
        if page is None:
            _send(handler, 404, {}, b"")
            return
        text, headers = page
        kind = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
        _send(handler, 200, {**kind, **headers}, text.encode())
