"""What is said to the manager of services, and what it hands over, by real sockets and descriptors."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from qisd.service.manager import Manager


class ManagerCase(SynchronousTestCase):
    """``self.wire`` is the manager's end."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.address = str(Path(folder.name) / "notify")
        self.wire = self.listening_at(self.address)

    def listening_at(self, address: str) -> socket.socket:
        wire = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(wire.close)
        wire.bind(address)
        wire.settimeout(5)
        return wire

    def heard(self) -> tuple[list[str], list[int]]:
        """The next message, in lines, and the descriptors that came along."""
        text, descriptors, _, _ = socket.recv_fds(self.wire, 4096, 4)
        for descriptor in descriptors:
            self.addCleanup(os.close, descriptor)
        return text.decode().splitlines(), descriptors

    def listening(self) -> socket.socket:
        bound = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(bound.close)
        return bound


class Telling(ManagerCase):
    def test_values_go_to_the_socket_that_the_environment_names(self) -> None:
        Manager.of({"NOTIFY_SOCKET": self.address}).tell(READY=1, STATUS="Serving")
        self.assertEqual(self.heard(), (["READY=1", "STATUS=Serving"], []))

    def test_the_socket_may_be_an_abstract_one(self) -> None:
        name = f"qisd-test-{os.getpid()}"
        self.wire = self.listening_at(f"\0{name}")
        Manager.of({"NOTIFY_SOCKET": f"@{name}"}).tell(READY=1)
        self.assertEqual(self.heard(), (["READY=1"], []))

    def test_no_text_becomes_a_second_value(self) -> None:
        Manager.of({"NOTIFY_SOCKET": self.address}).tell(STATUS="refused:\nREADY=1")
        self.assertEqual(self.heard(), (["STATUS=refused: READY=1"], []))

    def test_without_a_manager_nothing_happens(self) -> None:
        manager = Manager.of({})
        manager.tell(READY=1)
        manager.keep({"127.0.0.1:80": self.listening().fileno()})
        self.assertEqual((manager.watchdog, manager.sockets), (0.0, []))

    def test_one_that_is_gone_is_no_reason_to_fail(self) -> None:
        self.wire.close()
        Manager.of({"NOTIFY_SOCKET": self.address}).tell(READY=1)

    def test_what_we_start_has_another_manager(self) -> None:
        environ = {"NOTIFY_SOCKET": self.address, "WATCHDOG_USEC": "1", "LISTEN_FDS": "0", "HOME": "/"}
        Manager.of(environ)
        self.assertEqual(environ, {"HOME": "/"})

    def test_the_time_of_the_watchdog_is_for_the_process_that_it_names(self) -> None:
        for process, seconds in ((str(os.getpid()), 30.0), ("", 30.0), ("1", 0.0)):
            manager = Manager.of({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": process})
            self.assertEqual(manager.watchdog, seconds)


class Keeping(ManagerCase):
    def setUp(self) -> None:
        super().setUp()
        self.manager = Manager.of({"NOTIFY_SOCKET": self.address})

    def test_sockets_are_given_under_names_without_colons(self) -> None:
        bound = self.listening()
        self.manager.keep({"[::]:80": bound.fileno()})
        lines, (descriptor,) = self.heard()
        self.assertEqual(lines, ["FDSTORE=1", "FDNAME=%5B%3A%3A%5D%3A80"])
        with socket.socket(fileno=os.dup(descriptor)) as copy:
            self.assertEqual(copy.getsockname(), bound.getsockname())

    def test_only_what_changes_is_told(self) -> None:
        first, second = self.listening().fileno(), self.listening().fileno()
        self.manager.keep({"a": first})
        self.heard()
        self.manager.keep({"a": first, "b": second})
        self.assertEqual(self.heard()[0], ["FDSTORE=1", "FDNAME=b"])
        self.manager.keep({"b": second})
        self.assertEqual(self.heard()[0], ["FDSTOREREMOVE=1", "FDNAME=a"])


class TakingOver(SynchronousTestCase):
    def run_with(self, code: str, **environ: str) -> str:
        """What ``code`` prints in a process that has got a listening socket and a file as descriptors 3 and 4."""
        bound = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(bound.close)
        begin = (
            "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(os.open('/dev/null', os.O_RDONLY), 4);"
            "os.environ.setdefault('LISTEN_PID', str(os.getpid()));"
            "os.environ.update(LISTEN_FDS='2', LISTEN_FDNAMES='one:two');"
            "import twisted.internet.endpoints;"
            "from qisd.service.manager import Manager; manager = Manager.of(os.environ);"
        )
        spare = os.dup(bound.fileno())
        self.addCleanup(os.close, spare)
        # Out of the way of those that are to be handed over.
        high = 50
        os.dup2(spare, high)
        self.addCleanup(os.close, high)
        answer = subprocess.run(
            [sys.executable, "-c", begin + code, str(high)],
            pass_fds=[high],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | environ,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return answer.stdout.replace(str(bound.getsockname()[1]), "PORT")

    def test_listening_sockets_are_taken_and_anything_else_is_closed(self) -> None:
        code = "print(*(one.getsockname() for one in manager.sockets), os.path.exists('/proc/self/fd/4'))"
        self.assertEqual(self.run_with(code), "('127.0.0.1', PORT) False\n")

    def test_what_was_handed_to_another_process_is_not_ours(self) -> None:
        self.assertEqual(self.run_with("print(manager.sockets)", LISTEN_PID="1"), "[]\n")
