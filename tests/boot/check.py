#!/usr/bin/python3
"""Runs within the machine of ``tests/boot/run``: what an operator would look at, and what goes wrong with servers.

Prints a line for each check, ``ok`` or ``FAIL``, with figures. Needs nothing but Python and systemd. Arguments are the
names of checks, if not all are wanted.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

WHOLE = "/image?src=/samples/penguin.jpg&width=400"
CROP = f"{WHOLE}&left=0.2&top=0.3&right=0.8&bottom=0.8"
PATIENCE = 900.0
"""Seconds for anything: emulated processors on a busy machine are fifty times slower than others."""

HELD = 30.0
"""Seconds for which clients are left waiting by a server that starts anew; then they are told to come back."""

EXPOSURE = 2.0
LOG = Path("/var/log/qis/qis.log")
LATER = Path("/root/later.deb")
"""The package that is installed, under a later version."""

CLIENTS = 4
PAUSE = float(os.environ.get("PAUSE", "0.5"))
"""Seconds between the requests of a client: the emulated processors have to do the work of the workers, too."""


def call(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def shown(name: str, unit: str = "qis") -> str:
    return call("systemctl", "show", unit, "--property", name, "--value")


def until(condition: Callable[[], Any], what: str) -> float:
    """Wait for something; gives the seconds that it took."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > PATIENCE:
            raise AssertionError(f"waited in vain for {what}")
        time.sleep(0.1)
    return time.monotonic() - began


def fetch(target: str, port: int = 80) -> tuple[int, bytes]:
    unchecked = ssl.create_default_context()
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    if port == 443:
        connection: Any = http.client.HTTPSConnection("127.0.0.1", port, timeout=PATIENCE, context=unchecked)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", target, headers={"Connection": "close"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def answers(target: str = "/ready", port: int = 80) -> bool:
    try:
        return fetch(target, port)[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def database_is_up() -> bool:
    try:
        return bool(json.loads(fetch("/ready", 9009)[1])["checks"]["database"])
    except (OSError, http.client.HTTPException):
        return False


def size_of_jpeg(data: bytes) -> tuple[int, int]:
    """Width and height, from the first frame header."""
    at = 2
    while data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xC2:
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        at += 2 + length
    raise AssertionError("no frame in the JPEG")


def processes(title: str) -> list[int]:
    """Those of the unit whose command line begins with ``title``."""
    group = Path("/sys/fs/cgroup") / shown("ControlGroup").strip("/") / "cgroup.procs"
    found = []
    for pid in group.read_text().split():
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if line.startswith(title):
            found.append(int(pid))
    return found


def main_pid() -> int:
    return int(shown("MainPID"))


def log_count(text: str) -> int:
    return LOG.read_text().count(text)


class Load:
    """Clients that ask for a cached image, each time in a new connection, while something happens."""

    def __init__(self) -> None:
        self.got: Counter[object] = Counter()
        self.longest = 0.0
        self._over = threading.Event()
        self._clients = [threading.Thread(target=self._ask) for _ in range(CLIENTS)]

    def __enter__(self) -> Load:
        for client in self._clients:
            client.start()
        until(lambda: self.got[200] >= CLIENTS, "the first answers")
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for client in self._clients:
            client.join()

    def _ask(self) -> None:
        while not self._over.wait(PAUSE):
            began = time.monotonic()
            try:
                self.got[fetch(WHOLE)[0]] += 1
            except (OSError, http.client.HTTPException) as error:
                self.got[type(error).__name__] += 1
            self.longest = max(self.longest, time.monotonic() - began)

    def __str__(self) -> str:
        told = ", ".join(f"{count} × {what}" for what, count in self.got.items())
        return f"{told}; the longest took {self.longest:.1f} s"

    @property
    def failed(self) -> dict[object, int]:
        return {what: count for what, count in self.got.items() if what != 200}

    def lost(self, took: float) -> dict[object, int]:
        """Those that got no answer, or one that they should not have got while a start took so many seconds."""
        return {what: count for what, count in self.failed.items() if what != 503 or took < HELD}


# The checks, in their order. Each gives what is to be told.


def starts() -> str:
    until(lambda: shown("ActiveState") in ("active", "failed"), "the start")
    assert shown("ActiveState") == "active", call("systemctl", "status", "--no-pager", "qis")
    at = {name: int(shown(f"{name}Monotonic")) / 1e6 for name in ("ExecMainStartTimestamp", "ActiveEnterTimestamp")}
    assert answers("/ready"), "ready, and /ready says no"
    took = at["ActiveEnterTimestamp"] - at["ExecMainStartTimestamp"]
    return f"ready {took:.1f} s after its start, {at['ActiveEnterTimestamp']:.1f} s after power on"


def says_where_it_serves() -> str:
    text = shown("StatusText")
    assert text.startswith("Serving http://"), text
    return text


def serves_the_seeds_addresses() -> str:
    sizes = []
    for port in (80, 443):
        for target in (WHOLE, CROP):
            status, body = fetch(target, port)
            assert status == 200, (port, target, status)
            sizes.append(size_of_jpeg(body))
    assert {width for width, _ in sizes} == {400}, sizes
    assert sizes[0] != sizes[1], sizes
    return f"HTTP and HTTPS, {sizes[0]} and {sizes[1]}"


def runs_without_rights() -> str:
    for line in Path(f"/proc/{main_pid()}/status").read_text().splitlines():
        if line.startswith(("Uid:", "CapEff:", "NoNewPrivs:")):
            name, value = line.split(":")
            assert {"Uid": value.split()[0] != "0", "CapEff": int(value.split()[0], 16) == 1 << 10,
                    "NoNewPrivs": value.split()[0] == "1"}[name], line  # fmt: skip
    return "no root, one capability"


def is_hardened() -> str:
    last = call("systemd-analyze", "security", "--no-pager", "qis").splitlines()[-1]
    exposure = last.partition(":")[2].split()[0]
    assert float(exposure) <= EXPOSURE, last
    return f"systemd-analyze security: {exposure}"


def reloads_under_load() -> str:
    before, old = log_count("Settings reloaded"), set(processes("qis: http"))
    with Load() as load:
        began = time.monotonic()
        call("systemctl", "reload", "qis")
        until(lambda: log_count("Settings reloaded") > before, "the end of the reload")
        took = time.monotonic() - began
    assert not load.failed, load
    assert not old & set(processes("qis: http")), "workers have not been exchanged"
    until(lambda: shown("StatusText").startswith("Serving"), "its being told")
    return f"{took:.1f} s; {load}"


def restarts_under_load() -> str:
    old = main_pid()
    with Load() as load:
        began = time.monotonic()
        call("systemctl", "restart", "qis")
        took = time.monotonic() - began
        until(answers, "answers")
    assert not load.lost(took), load
    assert main_pid() != old
    return f"{took:.1f} s; {load}"


def upgrades_under_load() -> str:
    old = main_pid()
    with Load() as load:
        began = time.monotonic()
        call("dpkg", "--install", str(LATER))
        took = time.monotonic() - began
        until(answers, "answers")
    assert not load.lost(took), load
    assert main_pid() != old
    version = call("dpkg-query", "--show", "--showformat", "${Version}", "qis")
    assert version.endswith("+later"), version
    return f"{took:.1f} s; {load}"


def refuses_bad_settings() -> str:
    file = Path("/etc/qis/local_settings.toml")
    good = file.read_text()
    main = main_pid()
    try:
        file.write_text(f"{good}\nNO_SUCH_SETTING = 1\n")
        call("systemctl", "reload", "qis")
        until(lambda: shown("StatusText").startswith("Reload refused"), "the refusal")
        text = shown("StatusText")
        assert "NO_SUCH_SETTING" in text, text
    finally:
        file.write_text(good)
    assert main_pid() == main
    return text


def replaces_a_killed_worker() -> str:
    main, old = main_pid(), processes("qis: http worker")
    starts = log_count("http worker 1 is at work")
    (victim,) = processes("qis: http worker 1")
    with Load() as load:
        os.kill(victim, signal.SIGKILL)
        took = until(lambda: log_count("http worker 1 is at work") > starts, "another worker")
    assert (main_pid(), len(processes("qis: http worker"))) == (main, len(old))
    assert sum(load.failed.values()) <= CLIENTS, load
    return f"{took:.1f} s; {load}"


def outlives_its_database() -> str:
    main = main_pid()
    pid_file = Path("/var/lib/qis/postgres/data/postmaster.pid")
    old = int(pid_file.read_text().split()[0])
    with Load() as load:
        os.kill(old, signal.SIGKILL)

        def another() -> bool:
            try:
                return int(pid_file.read_text().split()[0]) != old
            except (OSError, ValueError, IndexError):
                return False

        took = until(another, "another database server")
        took += until(database_is_up, "the database")
    assert not load.failed, load
    assert main_pid() == main
    return f"{took:.1f} s until the database was there again; images meanwhile: {load}"


def _starts_anew(what: Callable[[int], None], *, result: str) -> str:
    old, before = main_pid(), int(shown("NRestarts"))
    with Load() as load:
        what(old)
        took = until(lambda: int(shown("NRestarts")) > before, "systemd")
        took += until(lambda: shown("ActiveState") == "active" and main_pid() != old, "the next start")
    journal = call("journalctl", "-u", "qis", "-b", "--no-pager")
    assert f"Failed with result '{result}'" in journal, journal[-1000:]
    assert "ConnectionRefusedError" not in load.failed, load
    assert sum(load.lost(took).values()) <= 2 * CLIENTS, load  # those that were under way
    return f"{took:.1f} s until it was ready again; nobody refused: {load}"


def outlives_its_main_process() -> str:
    return _starts_anew(lambda main: os.kill(main, signal.SIGKILL), result="signal")


def is_started_anew_when_it_hangs() -> str:
    return _starts_anew(lambda main: os.kill(main, signal.SIGSTOP), result="watchdog")


def writes_fields_into_the_journal() -> str:
    Path("/etc/default/qis").write_text('QIS_LOG_TARGET="journal"\n')
    call("systemctl", "restart", "qis")
    until(answers, "answers")
    call("journalctl", "--sync")
    areas = set(call("journalctl", "-u", "qis", "-b", "-F", "QIS_AREA").split())
    assert {"service.daemon", "service.worker"} <= areas, areas
    fetch(WHOLE)
    line = "Image server started"
    found = call("journalctl", "-u", "qis", "-b", "QIS_AREA=service.daemon", "PRIORITY=6", "-o", "cat", "--no-pager")
    assert found.count(line) == 1, found
    return f"areas {' '.join(sorted(areas))}"


def serves_a_second_site() -> str:
    Path("/etc/qis/other.toml").write_text('HTTP_LISTEN = ["[::]:8080"]\nHTTPS_LISTEN = []\nMETRICS_LISTEN = []\n'
                                           "HTTP_PROCESSES = 1\nHTTPS_PROCESSES = 0\n")  # fmt: skip
    call("systemctl", "start", "qis@other")
    status, body = fetch(WHOLE, 8080)
    assert (status, size_of_jpeg(body)[0]) == (200, 400)
    assert fetch(WHOLE)[0] == 200
    call("systemctl", "stop", "qis@other")
    assert Path("/var/lib/qis-other/images/samples").is_dir()
    return "on port 8080, with a library of its own"


def stops_in_order() -> str:
    began = time.monotonic()
    call("systemctl", "stop", "qis")
    took = time.monotonic() - began
    assert (shown("Result"), shown("ExecMainStatus")) == ("success", "0")
    listening = call("ss", "-Hltnp")  # and who has it
    assert not re.search(r":(80|443)\s", listening), listening
    return f"{took:.1f} s"


CHECKS = (
    starts,
    says_where_it_serves,
    serves_the_seeds_addresses,
    runs_without_rights,
    is_hardened,
    refuses_bad_settings,
    restarts_under_load,
    upgrades_under_load,
    outlives_its_main_process,
    is_started_anew_when_it_hangs,
    replaces_a_killed_worker,
    outlives_its_database,
    reloads_under_load,
    writes_fields_into_the_journal,
    serves_a_second_site,
    stops_in_order,
)


def tell(text: str) -> None:
    # A line of its own, whatever else is written to the console.
    sys.stdout.write(f"\n{text}\n")
    sys.stdout.flush()


def main() -> int:
    failed = 0
    chosen = [check for check in CHECKS if not sys.argv[1:] or check.__name__ in sys.argv]
    for check in chosen:
        name = check.__name__.replace("_", " ")
        try:
            tell(f"ok   {name}: {check()}")
        except Exception as error:
            failed += 1
            tell(f"FAIL {name}: {type(error).__name__}: {error}")
    if failed:
        tell("    The end of the journal:")
        for line in call("journalctl", "-u", "qis", "-b", "--no-pager", "-n", "60").splitlines():
            tell(f"    {line}")
    else:
        tell(f"ok   all {len(chosen)} checks")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
