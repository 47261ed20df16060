"""The daemon under a manager of services as systemd is one, and what its clients notice of a restart: nothing."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading

from twisted.trial.unittest import SynchronousTestCase

from tests.integration.process import LIMIT, Home, Run, answer, connect

SAMPLE = "/image?src=/samples/penguin.jpg&width=40"

# Hands a socket over as systemd does, and becomes the daemon.
HAND_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_FDNAMES="kept", LISTEN_PID=str(os.getpid()))
os.execvp(sys.argv[2], sys.argv[2:])
"""


class ManagerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.home = Home(HTTP_PROCESSES="1", HTTPS_PROCESSES="0", TASKS_ENABLED="false")
        self.addCleanup(self.home.remove)
        self.wire = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.wire.close)
        address = self.home.path / "notify"
        self.wire.bind(str(address))
        address.chmod(0o666)
        self.wire.settimeout(LIMIT)
        self.home.environ |= {"NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "1500000"}
        self.kept: list[socket.socket] = []
        self.before: list[str] = []

    def hears(self, wanted: str) -> list[str]:
        """Wait for the message that begins with ``wanted``; :attr:`before` has the first lines of those before it."""
        self.before = []
        while True:
            text, descriptors, _, _ = socket.recv_fds(self.wire, 4096, 4)
            for descriptor in descriptors:
                self.kept.append(socket.socket(fileno=descriptor))
                self.addCleanup(self.kept[-1].close)
            lines = text.decode().splitlines()
            if lines[0] == wanted:
                return lines[1:]
            self.before.append(lines[0])

    def start_at(self, kept: socket.socket) -> Run:
        spare = os.dup(kept.fileno())
        self.addCleanup(os.close, spare)
        self.home.descriptors = (spare,)
        self.home.wrapper = [sys.executable, "-c", HAND_OVER, str(spare)]
        return self.home.start(workers=True, HTTP_LISTEN=f"127.0.0.1:{kept.getsockname()[1]}")

    def test_it_hears_of_everything_and_a_restart_lets_clients_wait(self) -> None:
        first = self.home.start(workers=True)
        (status,) = self.hears("READY=1")
        port = first.port()
        self.assertEqual(status, f"STATUS=Serving http://127.0.0.1:{port}")
        self.assertIn("FDSTORE=1", self.before)
        self.assertIn("EXTEND_TIMEOUT_USEC=60000000", self.before)
        self.assertEqual(answer(connect(port), SAMPLE)[0], 200)
        self.hears("WATCHDOG=1")
        self._a_refused_reload_is_told(first)
        self._clients_wait_for_the_next(first, port)

    def _a_refused_reload_is_told(self, run: Run) -> None:
        self.home.settings_file.write_text("NO_SUCH_SETTING = 1\n")
        run.send(signal.SIGHUP)
        self.hears("RELOADING=1")
        (status,) = self.hears("READY=1")
        self.assertRegex(status, r"^STATUS=Reload refused: .*local_settings\.toml:1: NO_SUCH_SETTING: ")
        self.home.settings_file.write_text("")
        run.send(signal.SIGHUP)
        self.hears("RELOADING=1")
        (status,) = self.hears("READY=1")
        self.assertRegex(status, "^STATUS=Serving ")

    def _clients_wait_for_the_next(self, first: Run, port: int) -> None:
        first.send(signal.SIGTERM)
        self.hears("STOPPING=1")
        self.assertEqual(first.ended(), 0)
        answers: list[int] = []
        clients = [threading.Thread(target=lambda: answers.append(answer(connect(port), SAMPLE)[0])) for _ in range(5)]
        for client in clients:
            client.start()
        second = self.start_at(self.kept[-1])
        for client in clients:
            client.join(LIMIT)
        self.assertEqual(answers, [200] * 5)
        self.hears("READY=1")
        self.assertEqual(self.before[0], "FDSTOREREMOVE=1")  # the name of another
        self.assertEqual(second.stop(), 0)
