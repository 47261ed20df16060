"""The server that the rows are tried on: as after an installation, with two workers of each kind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import attrs

from tests.integration.postgres import REPOSITORY, UNPRIVILEGED
from tests.integration.process import Home, as_someone_who_reaches_it, connect, connect_tls

_LIMIT = 180.0


@attrs.frozen(kw_only=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


class Site:
    """A server that runs, and what people do with it."""

    def __init__(self, **settings: str) -> None:
        account = {"RUN_USER": UNPRIVILEGED} if os.geteuid() == 0 else {}
        self.home = Home(**account, METRICS_LISTEN="127.0.0.1:0", BENCHMARKING="true", **settings)
        try:
            self.run = self.home.start(workers=True)
            self.logged("Image server started")
        except BaseException:
            self.home.remove()
            raise
        found = re.search(r"Metrics can be read at 127.0.0.1:(\d+)", self.home.log())
        metrics = int(found[1]) if found else 0
        self.ports = {"http": self.run.port(), "https": self.run.port("https"), "metrics": metrics}

    def close(self) -> None:
        self.home.remove()

    def get(self, path: str, *, scheme: str = "http", method: str = "GET", **headers: str) -> Answer:
        """An answer; ``metrics`` is a scheme here, too."""
        connection = (connect_tls if scheme == "https" else connect)(self.ports[scheme])
        try:
            connection.request(method, path, headers={name.replace("_", "-"): text for name, text in headers.items()})
            answer = connection.getresponse()
            return Answer(status=answer.status, headers=dict(answer.getheaders()), body=answer.read())
        finally:
            connection.close()

    def image(self, path: str, *, scheme: str = "http") -> Answer:
        answer = self.get(path, scheme=scheme)
        expect(answer.status == 200, f"{path}: {answer.status} {answer.text[:200]}")
        return answer

    def json(self, path: str, **more: Any) -> Any:
        return json.loads(self.get(path, **more).text)

    def metric(self, line: str) -> float:
        """The value of a series, given as it stands in the text."""
        text = self.get("/metrics", scheme="metrics").text
        found = re.search(rf"^{re.escape(line)} (.+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    def command(self, *arguments: str) -> list[str]:
        flags = ["--settings", str(self.home.settings_file)]
        return [*as_someone_who_reaches_it(), sys.executable, "-m", "qisd.cli.main", *flags, *arguments]

    @property
    def environ(self) -> Mapping[str, str]:
        others = {name: text for name, text in os.environ.items() if not name.startswith(("QIS_", "PG"))}
        ports = {f"QIS_{name.upper()}_LISTEN": f"127.0.0.1:{port}" for name, port in self.ports.items()}
        return {**others, **self.home.environ, **ports}

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            cwd=REPOSITORY, env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def qis(self, *arguments: str, code: int = 0) -> str:
        """What a command prints."""
        process = self.begin(*arguments)
        out, err = process.communicate(timeout=300)
        expect(process.returncode == code, f"qis {' '.join(arguments)} has ended with {process.returncode}: {out}{err}")
        return out

    def reload(self, settings: str) -> None:
        """Have it go by these settings; waits until all workers do."""
        with self.reloading():
            self.home.settings_file.write_text(settings)
            self.run.send(signal.SIGHUP)

    @contextmanager
    def reloading(self) -> Iterator[None]:
        """What is done within makes it go by other settings."""
        before = self.home.log().count("Settings reloaded")
        yield
        self.logged("Settings reloaded", before + 1)

    def logged(self, text: str, times: int = 1) -> None:
        """Wait until the log has said it so often: for minutes, on a machine that has other things to do."""
        end = time.monotonic() + _LIMIT
        while self.home.log().count(text) < times:
            expect(time.monotonic() < end and self.run.process.poll() is None, f"waited in vain: {text}")
            time.sleep(0.1)


def expect(holds: object, otherwise: str) -> None:
    """:raises AssertionError: it does not hold."""
    if not holds:
        raise AssertionError(otherwise)
