"""The life of the daemon: start, reload, signals, stop, and starting again after the worst."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import ssl
import stat
import subprocess
import sys
from pathlib import Path

from PIL import Image
from twisted.trial.unittest import SynchronousTestCase

from tests.integration.postgres import REPOSITORY, PostgresServer, places, private_directory
from tests.integration.process import Home, Run, answer, until
from tests.tls.certificate_files import Issued, issue

SAMPLE = "/image?src=/samples/penguin.jpg&width=400"
CROP = SAMPLE + "&left=0.2&top=0.3&right=0.8&bottom=0.8"

# A database that is configured and never there: the daemon comes up and waits.
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"

FIRST_RUN = (
    "Created Public group",
    "Created Normal users group",
    "Created Administrators group",
    "Created default admin user with password ",
    "Created root folder",
    "Created default folder permissions",
    "Created default image templates",
)


class DaemonCase(SynchronousTestCase):
    def home(self, **settings: str) -> Home:
        home = Home(**settings)
        self.addCleanup(home.remove)
        return home

    def refused(self, home: Home, *texts: str, flags: tuple[str, ...] = (), status: int = 2) -> Run:
        """A start that fails at once, with ``texts`` on the terminal and without a traceback."""
        run = home.start(*flags)
        self.assertEqual(run.ended(), status, run.console)
        for text in texts:
            self.assertIn(text, run.console)
        self.assertNotIn("Traceback", run.console)
        return run

    def certificate_of(self, run: Run) -> bytes:
        pem = ssl.get_server_certificate(("127.0.0.1", run.port("https")), timeout=20)
        return ssl.PEM_cert_to_DER_cert(pem)

    def der(self, issued: Issued) -> bytes:
        return ssl.PEM_cert_to_DER_cert(issued.pem.decode())


class FirstRun(DaemonCase):
    """Everything that one fresh start shows."""

    def test_a_fresh_start_serves_the_samples_and_ends_in_order(self) -> None:
        home = self.home()
        run = home.start().ready()
        self._images_are_served(run)
        self._the_log_tells_what_was_made(run)
        self._secrets_are_only_for_their_owner(home)
        self._rights_are_given_up(run)
        self.assertEqual(run.stop(), 0)
        self._the_access_log_has_every_request(home)
        self.assertEqual(home.servers(), set())
        self.assertNotIn("Traceback", home.log() + run.console)

    def _images_are_served(self, run: Run) -> None:
        pictures = []
        for connection in (run.connect(), run.connect_tls()):
            for target in (SAMPLE, CROP):
                status, body = answer(connection, target)
                self.assertEqual(status, 200, body[:200])
                pictures.append(body)
                self.assertEqual(Image.open(io.BytesIO(body)).size[0], 400)
            self.assertEqual(answer(connection, "/ready")[0], 200)
            connection.close()
        self.assertEqual(pictures[:2], pictures[2:])
        self.assertNotEqual(pictures[0], pictures[1])

    def _the_log_tells_what_was_made(self, run: Run) -> None:
        lines = run.log.splitlines()
        for line in lines:
            self.assertRegex(line, rf"^\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d,\d{{3}} qis_{run.process.pid} +INFO     \S")
        made = [line.split(" INFO     ")[1] for line in lines if "Created" in line and "sample" not in line]
        self.assertEqual([text.startswith(begin) for text, begin in zip(made, FIRST_RUN, strict=True)], [True] * 7)
        self.assertRegex(made[3], r"^Created default admin user with password [A-Za-z0-9]{10}$")
        self.assertIn("Started the embedded PostgreSQL", run.log)
        self.assertIn("Finished images are kept in this process", run.log)
        self.assertEqual(run.console.splitlines(), [lines[-1].split(" INFO     ")[1]])

    def _secrets_are_only_for_their_owner(self, home: Home) -> None:
        state = home.path / "state"
        for name in ("secret_key", "initial-admin-password", "tls/self-signed.pem"):
            self.assertEqual(stat.S_IMODE((state / name).stat().st_mode), 0o600, name)
        for name in ("qis.log", "access.log"):
            self.assertEqual(stat.S_IMODE((home.path / "logs" / name).stat().st_mode), 0o640, name)

    def _rights_are_given_up(self, run: Run) -> None:
        status = Path(f"/proc/{run.process.pid}/status").read_text()
        users = re.search(r"^Uid:\s+(.*)$", status, re.MULTILINE)
        assert users is not None
        self.assertNotIn("0", users[1].split())

    def _the_access_log_has_every_request(self, home: Home) -> None:
        lines = home.log("access.log").splitlines()
        self.assertEqual(len(lines), 6)
        pattern = r'^127\.0\.0\.1 - \[.*\] "GET /image\S+ HTTP/1\.1" 200 \d+ \d+ \d+ False "-" "-" [0-9a-f]+ http$'
        self.assertRegex(lines[0], pattern)
        self.assertEqual([line.split()[-1] for line in lines], ["http"] * 3 + ["https"] * 3)


class Refusals(DaemonCase):
    """What stops a start: one clear line and the right exit status."""

    def test_a_busy_port_is_named(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as busy:
            address = f"127.0.0.1:{busy.getsockname()[1]}"
            home = self.home(HTTP_LISTEN=address)
            run = self.refused(home, f"HTTP_LISTEN: can't listen on {address}: the port is in use already")
        self.assertIn(address, run.log)

    def test_bad_settings_are_all_named_with_their_lines(self) -> None:
        home = self.home()
        home.settings_file.write_text('HTTP_THREADZ = 3\nHTTP_THREADS = "many"\n')
        run = self.refused(home, "local_settings.toml:1: HTTP_THREADZ", "local_settings.toml:2: HTTP_THREADS")
        self.assertEqual(run.log, "")

    def test_a_key_that_does_not_fit_is_named(self) -> None:
        home = self.home()
        certificate, _ = issue("a.example").write(home.path, "own")
        _, key = issue("a.example").write(home.path, "other")
        home.environ |= {"QIS_TLS_CERTIFICATE_FILE": str(certificate), "QIS_TLS_PRIVATE_KEY_FILE": str(key)}
        self.refused(home, f"{key}: does not fit the certificate")

    def test_a_state_directory_that_cannot_be_used_is_named(self) -> None:
        home = self.home()
        (home.path / "state").touch()
        self.refused(home, f"STATE_DIR: {home.path / 'state'}")

    def test_a_database_that_cannot_be_made_ends_with_its_own_status(self) -> None:
        home = self.home()
        run = home.start().ready()
        self.assertEqual(run.stop(), 0)
        version = home.path / "state" / "postgres" / "data" / "PG_VERSION"
        version.write_text("9\n")
        self.refused(home, "CRITICAL", "PostgreSQL 9", status=3)

    def test_settings_can_be_checked_without_a_start(self) -> None:
        home = self.home()
        run = home.start("--check")
        self.assertEqual(run.ended(), 0, run.console)
        self.assertEqual(run.console.splitlines()[-1], "Syntax OK")
        home.settings_file.write_text("HTTP_THREADS = 0\n")
        self.refused(home, "HTTP_THREADS", flags=("--check",))


class ExternalDatabase(DaemonCase):
    """A daemon whose PostgreSQL somebody else runs."""

    def test_images_go_on_while_it_is_away_and_templates_follow_it_again(self) -> None:
        system = next(folder for name, folder in places().items() if name.startswith("System"))
        server = PostgresServer(system)
        self.addCleanup(server.remove)
        name = server.new_database()
        home = self.home(MGMT_DATABASE_CONNECTION=server.url(name), HTTPS_LISTEN="[]")
        run = home.start().ready()
        connection = run.connect()
        self.assertEqual(home.servers(), set())
        self.assertNotIn("Started the embedded PostgreSQL", run.log)
        self.assertEqual(answer(connection, f"{SAMPLE}&tmp=smalljpeg")[0], 200)
        self.assertEqual(answer(connection, f"{SAMPLE}&tmp=mine")[0], 400)

        server.stop(signal.SIGQUIT)
        self.assertEqual(answer(connection, f"{SAMPLE}&angle=1")[0], 200)
        self.assertEqual(answer(connection, "/ready")[0], 200)
        server.start()
        server.run_sql(name, "insert into imagetemplates (name, description, template) values ('Mine', '', '{}')")
        until(lambda: answer(connection, f"{SAMPLE}&tmp=mine")[0] == 200, "the new template")
        connection.close()
        self.assertEqual(run.stop(), 0)


class BehindBalancers(DaemonCase):
    def test_at_the_stop_it_first_says_that_it_is_not_ready_and_serves_everything_until_a_second_signal(self) -> None:
        home = self.home(HTTPS_LISTEN="[]", SHUTDOWN_DELAY="600")
        run = home.start().ready()
        connection = run.connect()
        self.assertEqual(answer(connection, "/ready")[0], 200)
        run.send(signal.SIGTERM)
        until(lambda: answer(connection, "/ready")[0] == 503, "an answer that it is not ready")
        fresh = run.connect()
        self.assertEqual(answer(fresh, SAMPLE)[0], 200)
        run.send(signal.SIGTERM)
        self.assertEqual(run.ended(), 0)
        connection.close()
        fresh.close()
        again = home.start().ready()
        again.send(signal.SIGINT)  # at a terminal: nobody is waited for
        self.assertEqual(again.ended(), 0)


class WithoutDatabase(DaemonCase):
    """A daemon that waits for its database."""

    def start(self, **settings: str) -> Run:
        home = self.home(MGMT_DATABASE_CONNECTION=NOWHERE, HTTPS_LISTEN="[]", **settings)
        return home.start().listening()

    def test_it_answers_but_is_not_ready_and_ends_when_told(self) -> None:
        run = self.start(LOG_TARGET="stdout", LOG_FORMAT="json", ACCESS_LOG="json")
        connection = run.connect()
        self.assertEqual(answer(connection, "/health"), (200, b"ok"))
        for target in ("/ready", SAMPLE):
            self.assertEqual(answer(connection, target)[0], 503)
        connection.close()
        until(lambda: "waiting for the database" in run.console, "a line that it waits")
        self.assertEqual(run.stop(), 0)
        lines = [json.loads(line) for line in run.console.splitlines()]
        waiting = next(line for line in lines if "waiting for the database" in line.get("msg", ""))
        self.assertEqual((waiting["level"], waiting["pid"]), ("warn", run.process.pid))

    def test_a_request_that_is_under_way_is_finished_at_the_stop(self) -> None:
        run = self.start()
        with socket.create_connection(("127.0.0.1", run.port()), 20) as client:
            client.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\n")
            until(lambda: established(run), "an accepted connection")
            run.send(signal.SIGTERM)
            run.says("Stopping")
            client.sendall(b"\r\n")
            received = b"".join(iter(lambda: client.recv(4096), b""))
        self.assertTrue(received.startswith(b"HTTP/1.1 200"), received)
        self.assertIn(b"connection: close", received.lower())
        self.assertEqual(run.ended(), 0)
        self.assertIn('"GET /health HTTP/1.1" 200', run.home.log("access.log"))

    def test_a_second_signal_ends_it_at_once(self) -> None:
        run = self.start(SHUTDOWN_GRACE="3600", REQUEST_TIMEOUT="3600")
        with socket.create_connection(("127.0.0.1", run.port()), 20) as client:
            client.sendall(b"GET /health HTTP/1.1\r\n")
            until(lambda: established(run), "an accepted connection")
            run.send(signal.SIGINT)
            run.says("Stopping")
            self.assertIsNone(run.process.poll())
            run.send(signal.SIGINT)
            self.assertEqual(run.ended(), 0)

    def test_the_grace_ends(self) -> None:
        run = self.start(SHUTDOWN_GRACE="1", REQUEST_TIMEOUT="3600")
        with socket.create_connection(("127.0.0.1", run.port()), 20) as client:
            client.sendall(b"GET /health HTTP/1.1\r\n")
            until(lambda: established(run), "an accepted connection")
            self.assertEqual(run.stop(), 0)

    def test_usr1_reopens_both_logs(self) -> None:
        run = self.start()
        logs = run.home.path / "logs"
        connection = run.connect()
        answer(connection, "/health")
        until(lambda: run.home.log("access.log"), "a line in the access log")
        for name in ("qis.log", "access.log"):
            (logs / name).rename(logs / f"{name}.1")
        run.send(signal.SIGUSR1)
        until(lambda: "Reopened the log files" in run.home.log(), "a line in the new file")
        answer(connection, "/health")
        until(lambda: run.home.log("access.log"), "a line in the new access log")
        connection.close()
        self.assertEqual(run.home.log("access.log.1").count("\n"), 1)
        self.assertNotIn("Reopened", run.home.log("qis.log.1"))

    def test_usr2_tells_what_it_is_doing(self) -> None:
        run = self.start()
        connection = run.connect()
        answer(connection, "/health")
        run.send(signal.SIGUSR2)
        run.says("thread PoolThread-render")
        connection.close()
        for text in ("What this process is doing:", "connections: 1", "requests: 0", "renders: 0", "thread MainThread"):
            self.assertIn(text, run.log)

    def test_a_reload_changes_what_can_be_changed(self) -> None:
        run = self.start()
        connection = run.connect()
        answer(connection, "/health")
        run.home.settings_file.write_text('LOG_LEVEL = "debug"\nSTORE_CHECK_FILE = "a"\nCORS_ALLOW_ORIGIN = []\n')
        run.send(signal.SIGHUP)
        run.says("Settings reloaded, changed: STORE_CHECK_FILE, LOG_LEVEL, CORS_ALLOW_ORIGIN")
        run.says("Only a restart brings into effect: STORE_CHECK_FILE")
        before = connection.sock
        self.assertEqual(answer(connection, "/health")[0], 200)
        self.assertIs(connection.sock, before)
        connection.close()

    def test_a_reload_moves_to_other_addresses(self) -> None:
        home = self.home(MGMT_DATABASE_CONNECTION=NOWHERE, HTTPS_LISTEN="[]")
        del home.environ["QIS_HTTP_LISTEN"]
        old, new, busy = (socket.create_server(("127.0.0.1", 0)) for _ in range(3))
        ports = [one.getsockname()[1] for one in (old, new, busy)]
        old.close()
        new.close()
        self.addCleanup(busy.close)
        home.settings_file.write_text(f'HTTP_LISTEN = ["127.0.0.1:{ports[0]}"]\n')
        run = home.start().listening()
        connection = run.connect()
        answer(connection, "/health")

        home.settings_file.write_text(f'HTTP_LISTEN = ["127.0.0.1:{ports[2]}"]\n')
        run.send(signal.SIGHUP)
        run.says("the port is in use already; the addresses in use stay")
        self.assertEqual(run.listening_ports(), [ports[0]])

        home.settings_file.write_text(f'HTTP_LISTEN = ["127.0.0.1:{ports[1]}"]\n')
        run.send(signal.SIGHUP)
        until(lambda: run.listening_ports() == [ports[1]], "the new address")
        before = connection.sock
        self.assertEqual(answer(connection, "/health")[0], 200)
        self.assertIs(connection.sock, before)
        connection.close()

    def test_a_reload_with_a_fault_changes_nothing(self) -> None:
        run = self.start()
        connection = run.connect()
        answer(connection, "/health")
        run.home.settings_file.write_text('LOG_LEVEL = "debug"\nHTTP_THREADS = 1000\n')
        run.send(signal.SIGHUP)
        run.says("The new settings are refused, the old ones stay")
        self.assertIn("local_settings.toml:2: HTTP_THREADS", run.log)
        self.assertNotIn("DEBUG", run.log)
        self.assertEqual(answer(connection, "/health")[0], 200)
        connection.close()

    def test_the_command_line_goes_before_the_environment(self) -> None:
        home = self.home(MGMT_DATABASE_CONNECTION=NOWHERE, HTTPS_LISTEN="[]")
        with socket.create_server(("127.0.0.1", 0)) as probe:
            wanted = probe.getsockname()[1]
        run = home.start("--http", f"127.0.0.1:{wanted}", "--state-dir", str(home.path / "other")).listening()
        self.assertEqual(run.port(), wanted)
        self.assertTrue((home.path / "other" / "secret_key").exists())


def established(run: Run) -> bool:
    """Whether the daemon has an open connection from a client: a socket of its own that isn't listening."""
    here = f":{run.port():04X}"  # which is no row's business to find out: others have thousands of connections
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    sockets = {f"socket:[{row[9]}]" for row in rows if row[3] == "01" and row[1].endswith(here)}
    own = set()
    for descriptor in Path(f"/proc/{run.process.pid}/fd").iterdir():
        try:
            own.add(str(descriptor.readlink()))
        except OSError:
            continue
    return bool(own & sockets)


class Certificates(DaemonCase):
    def test_a_renewed_certificate_is_taken_over_and_connections_go_on(self) -> None:
        first, second = issue("a.example"), issue("a.example")
        home = self.home()
        certificate, key = first.write(home.path, "own")
        if os.geteuid() == 0:
            # It is read again by the user that the daemon has become.
            key.chmod(0o644)
        home.environ |= {"QIS_TLS_CERTIFICATE_FILE": str(certificate), "QIS_TLS_PRIVATE_KEY_FILE": str(key)}
        run = home.start().ready()
        connection = run.connect_tls()
        self.assertEqual(answer(connection, "/health")[0], 200)
        self.assertEqual(self.certificate_of(run), self.der(first))

        second.write(home.path, "own")
        run.send(signal.SIGHUP)
        until(lambda: self.certificate_of(run) == self.der(second), "the new certificate")
        before = connection.sock
        self.assertEqual(answer(connection, "/health")[0], 200)
        self.assertIs(connection.sock, before)

        issue("a.example", days=-1, age=9).write(home.path, "own")
        run.send(signal.SIGHUP)
        run.says("own.crt: expired")
        self.assertEqual(self.certificate_of(run), self.der(second))
        self.assertEqual(answer(connection, "/health")[0], 200)
        self.assertIs(connection.sock, before)
        connection.close()
        self.assertEqual(run.stop(), 0)


class AfterTheWorst(DaemonCase):
    def test_a_killed_daemon_can_be_started_again_on_its_data(self) -> None:
        home = self.home()
        run = home.start().ready()
        run.send(signal.SIGKILL)
        run.ended()
        again = home.start().ready()
        connection = again.connect()
        self.assertEqual(answer(connection, SAMPLE)[0], 200)
        connection.close()
        self.assertNotIn("Created", again.log)
        self.assertEqual(again.stop(), 0)
        self.assertEqual(home.servers(), set())

    def test_two_daemons_do_not_share_their_data(self) -> None:
        home = self.home()
        first = home.start().ready()
        self.refused(home, "another daemon", status=3)
        connection = first.connect()
        self.assertEqual(answer(connection, SAMPLE)[0], 200)
        connection.close()


class MakeRun(DaemonCase):
    def test_the_script_tells_addresses_and_password_and_ends_with_a_ctrl_c(self) -> None:
        directory = private_directory()
        self.addCleanup(subprocess.run, ["rm", "-rf", str(directory)], check=True)
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("QIS_", "PG", "PYTHON"))}
        environ |= {
            "VENV": sys.prefix,
            "DATA": str(directory / "data"),
            "HTTP": "127.0.0.1:0",
            "HTTPS": "127.0.0.1:0",
            "QIS_EMBEDDED_DATABASE_MEMORY_MB": "16",
        }
        console = directory / "console"
        with console.open("wb") as output:
            process = subprocess.Popen([REPOSITORY / "scripts" / "run"], env=environ, stdout=output, stderr=output)
        self.addCleanup(process.kill)
        try:
            until(lambda: "Ctrl-C" in console.read_text() or process.poll() is not None, "the addresses")
            text = console.read_text()
            for scheme in ("http", "https"):
                for target in (SAMPLE, CROP):
                    self.assertRegex(text, rf"(?m)^  {scheme}://127\.0\.0\.1:\d+{re.escape(target)}$")
            self.assertRegex(text, r"(?m)^Created default admin user with password [A-Za-z0-9]{10}$")
            self.assertIn(f"Logs are in {directory}/data/logs", text)
        finally:
            process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(30), 0)
        self.assertNotIn("Traceback", console.read_text())
