"""What operators see of a real daemon with workers: each figure moves by what has really happened."""

from __future__ import annotations

import atexit
import functools
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys

from prometheus_client.parser import text_string_to_metric_families
from twisted.trial.unittest import SynchronousTestCase

from qisd.service.metrics import METRICS
from tests.integration import library
from tests.integration.postgres import REPOSITORY, UNPRIVILEGED
from tests.integration.process import Home, Run, as_someone_who_reaches_it, until

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]

_PEOPLE_S = {"path", "user", "address", "client", "src", "username"}


@functools.cache
def observed() -> tuple[Home, Run, int]:
    """The daemon of this module, and the port of its metrics."""
    account = {"RUN_USER": UNPRIVILEGED} if os.geteuid() == 0 else {}
    home = Home(**account, METRICS_LISTEN="127.0.0.1:0", HTTP_PROCESSES="2", HTTPS_PROCESSES="1")
    atexit.register(home.remove)
    images = home.path / "images"
    images.mkdir()
    library.make(images)
    if account:
        subprocess.run(["chown", "-hR", UNPRIVILEGED, str(home.path)], check=True)
    run = home.start(workers=True).ready()
    found = until(lambda: re.search(r"Metrics can be read at 127.0.0.1:(\d+)", home.log()), "metrics")
    until(lambda: "Image server started" in home.log(), "the start")
    return home, run, int(found[1])


class ObservedCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.home, self.process, self.port = observed()
        until(lambda: self.look("/ready")[0] == 200, "the server to be ready")

    def look(self, path: str, *, method: str = "GET") -> tuple[int, str, str]:
        """Status, media type and body of an answer at METRICS_LISTEN."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
        finally:
            connection.close()

    def samples(self) -> Samples:
        status, media_type, text = self.look("/metrics")
        self.assertEqual((status, media_type.partition(";")[0]), (200, "text/plain"))
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float:
        return self.samples().get((name, frozenset(labels.items())), 0.0)

    def ask(self, path: str, *, https: bool = False, **headers: str) -> int:
        return self.answer(path, https=https, **headers).status

    def answer(self, path: str, *, https: bool = False, **headers: str) -> http.client.HTTPResponse:
        """An answer whose body was read already."""
        port = self.process.port("https" if https else "http")
        connection = (
            http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=ssl._create_unverified_context())
            if https
            else http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        )
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            return answer
        finally:
            connection.close()


class MetricsTests(ObservedCase):
    def test_images_and_requests_are_counted_over_all_workers(self) -> None:
        before = self.samples()
        path = "/image?src=tiny.png&width=7"
        for _ in range(6):  # spread over two workers, with new connections
            self.assertEqual(self.ask(path), 200)
        self.assertEqual(self.ask("/image?src=nothing.png"), 404)
        after = self.samples()

        def more(name: str, **labels: str) -> float:
            key = (name, frozenset(labels.items()))
            return after.get(key, 0.0) - before.get(key, 0.0)

        self.assertEqual(more("qis_http_requests_total", route="image", method="GET", code="200"), 6)
        self.assertEqual(more("qis_http_requests_total", route="image", method="GET", code="404"), 1)
        made = more("qis_images_total", source="rendered")
        self.assertTrue(1 <= made <= 2, made)
        self.assertEqual(made + more("qis_images_total", source="memory") + more("qis_images_total", source="disk"), 6)
        took = sum(more("qis_http_request_seconds_count", route="image", cached=how) for how in ("hit", "miss", "none"))
        self.assertEqual(took, 7)
        self.assertEqual(more("qis_render_seconds_count", source_format="png"), made)
        self.assertGreater(more("qis_http_response_bytes_total", route="image", cached="hit"), 0)
        self.assertGreater(more("qis_store_operation_seconds_count", op="files"), 0)

    def test_an_answer_that_nothing_has_changed_is_a_source_of_its_own(self) -> None:
        before = self.value("qis_images_total", source="not_modified")
        self.assertEqual(self.ask("/image?src=tiny.png&width=9", **{"If-None-Match": "*"}), 304)
        self.assertEqual(self.value("qis_images_total", source="not_modified"), before + 1)

    def test_handshakes_are_counted_by_version_and_result(self) -> None:
        done = self.value("qis_tls_handshakes_total", version="TLSv1.3", result="done")
        self.assertEqual(self.ask("/health", https=True), 200)
        self.assertEqual(self.value("qis_tls_handshakes_total", version="TLSv1.3", result="done"), done + 1)
        failed = self.value("qis_tls_handshakes_total", version="none", result="failed")
        with socket.create_connection(("127.0.0.1", self.process.port("https"))) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
            connection.settimeout(10)
            while connection.recv(1000):
                pass
        until(
            lambda: self.value("qis_tls_handshakes_total", version="none", result="failed") == failed + 1,
            "the handshake that failed",
        )

    def test_open_connections_are_seen(self) -> None:
        before = self.value("qis_http_connections", protocol="http")
        with socket.create_connection(("127.0.0.1", self.process.port("http"))):
            until(lambda: self.value("qis_http_connections", protocol="http") > before, "the connection")

    def test_the_state_of_the_whole_is_told(self) -> None:
        samples = self.samples()
        for kind, number in (("http", 2), ("https", 1), ("task", 1)):
            self.assertEqual(samples["qis_workers", frozenset({("kind", kind)})], number, kind)
        nothing: frozenset[tuple[str, str]] = frozenset()
        for name in ("qis_ready", "qis_store_up", "qis_database_up", "qis_initial_password_unchanged"):
            self.assertEqual(samples[name, nothing], 1, name)
        self.assertEqual(samples["qis_settings_reload_success", nothing], 1)
        self.assertGreater(samples["qis_store_free_bytes", nothing], 0)
        for name in ("qis_disk_free_bytes", "qis_disk_total_bytes"):
            self.assertGreater(samples[name, frozenset({("of", "state")})], 0)
        self.assertGreater(samples["qis_tls_certificate_expiry_seconds", frozenset({("name", "default")})], 1.7e9)
        self.assertGreater(samples["process_resident_memory_bytes", nothing], 50_000_000)

    def test_what_a_killed_worker_has_counted_stays_counted_and_its_restart_is_told(self) -> None:
        self.assertEqual(self.ask("/image?src=tiny.png&width=11"), 200)
        labels = {"route": "image", "method": "GET", "code": "200"}
        before = self.value("qis_http_requests_total", **labels)
        restarts = self.value("qis_worker_restarts_total", kind="http")
        workers = json.loads(self.look("/status")[2])["processes"]
        os.kill(next(one["pid"] for one in workers if one["name"] == "http worker 1"), signal.SIGKILL)
        until(lambda: self.value("qis_worker_restarts_total", kind="http") == restarts + 1, "the restart")
        until(lambda: self.value("qis_workers", kind="http") == 2, "two workers again")
        self.assertEqual(self.value("qis_http_requests_total", **labels), before)

    def test_a_reload_loses_no_counts_and_one_that_is_refused_is_told(self) -> None:
        labels = {"route": "image", "method": "GET", "code": "200"}
        self.assertEqual(self.ask("/image?src=tiny.png&width=13"), 200)
        before = self.value("qis_http_requests_total", **labels)
        self.home.settings_file.write_text("NO_SUCH_SETTING = 1\n")
        self.process.process.send_signal(signal.SIGHUP)
        until(lambda: self.value("qis_settings_reload_success") == 0, "the refusal")
        self.assertIn('"settings": false', self.look("/ready")[2])
        self.home.settings_file.write_text("")
        self.process.process.send_signal(signal.SIGHUP)
        until(lambda: self.value("qis_settings_reload_success") == 1, "the reload")
        self.assertEqual(self.value("qis_http_requests_total", **labels), before)

    def test_log_ins_are_counted(self) -> None:
        before = self.value("qis_logins_total", result="failed")
        connection = http.client.HTTPSConnection(
            "127.0.0.1",
            self.process.port("https"),
            context=ssl._create_unverified_context(),
        )
        self.addCleanup(connection.close)
        connection.request(
            "POST", "/api/token/", headers={"Authorization": "Basic YWRtaW46d3Jvbmc=", "Content-Length": "0"}
        )
        self.assertIn(connection.getresponse().status, (400, 401, 403))
        self.assertEqual(self.value("qis_logins_total", result="failed"), before + 1)

    def test_ready_has_details_here_and_only_here(self) -> None:
        status, media_type, text = self.look("/ready")
        self.assertEqual((status, media_type), (200, "application/json"))
        checks = json.loads(text)["checks"]
        self.assertEqual(set(checks), {"settings", "store", "database", "cache", "render"})
        self.assertTrue(checks["database"])

    def test_status_is_what_qis_status_prints(self) -> None:
        status, media_type, text = self.look("/status")
        self.assertEqual((status, media_type), (200, "application/json"))
        self.assertEqual(json.loads(text)["processes"][0]["name"], "http worker 1")

    def test_nothing_else_is_there(self) -> None:
        self.assertEqual(self.look("/health")[::2], (200, "ok"))
        self.assertEqual(self.look("/image?src=tiny.png")[0], 404)
        self.assertEqual(self.look("/metrics", method="POST")[0], 405)
        self.assertEqual(self.look("/metrics", method="HEAD")[::2], (200, ""))

    def test_no_label_tells_of_people(self) -> None:
        for name, definition in METRICS.items():
            self.assertFalse(_PEOPLE_S & set(definition.labels), name)
        for _, labels in self.samples():
            for label, value in labels:
                self.assertTrue(label == "node" or "/" not in value, value)


class LogTests(ObservedCase):
    def text(self, name: str) -> str:
        return (self.home.path / "logs" / f"{name}.log").read_text()

    def qis(self, *arguments: str) -> str:
        """What the command has printed, as whoever looks after this server would give it."""
        environ = {name: text for name, text in os.environ.items() if not name.startswith(("QIS_", "PG"))}
        done = subprocess.run(
            [*as_someone_who_reaches_it(), sys.executable, "-m", "qisd.cli.main", *arguments],
            cwd=REPOSITORY,
            env={
                **environ,
                **self.home.environ,
                "QIS_HTTP_LISTEN": f"127.0.0.1:{self.process.port()}",
                "QIS_HTTPS_LISTEN": f"127.0.0.1:{self.process.port('https')}",
                "QIS_METRICS_LISTEN": f"127.0.0.1:{self.port}",
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_the_number_of_an_answer_is_in_both_logs(self) -> None:
        answer = self.answer("/original?src=tiny.png")
        self.assertEqual(answer.status, 403)
        number = answer.headers["X-Request-Id"]
        until(lambda: number in self.text("access"), "the line of the access log")
        (line,) = [line for line in self.text("qis").splitlines() if number in line]
        self.assertIn("refused", line)

    def test_what_is_audited_is_in_a_file_with_the_number_of_its_request(self) -> None:
        self.answer("/api/token/", https=True)  # which is refused, and no more than that
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.process.port("https"), context=ssl._create_unverified_context()
        )
        self.addCleanup(connection.close)
        connection.request(
            "POST", "/api/token/", headers={"Authorization": "Basic YWRtaW46YmFk", "Content-Length": "0"}
        )
        number = connection.getresponse().headers["X-Request-Id"]
        told = [json.loads(line) for line in self.text("audit").splitlines()]
        (failed,) = [one for one in told if one["request_id"] == number]
        self.assertEqual((failed["action"], failed["actor_kind"]), ("login.failed", "anonymous"))

    def test_more_can_be_logged_for_a_while_by_all_workers(self) -> None:
        self.qis("log", "level", "debug", "--for", "1h")
        self.addCleanup(self.qis, "log", "level", "info", "--for", "1s")
        self.assertIn("DEBUG", until(lambda: self.debugged(), "a line for debugging"))

    def debugged(self) -> str:
        self.ask("/image?src=nothing.png")
        self.look("/metrics")
        return next((line for line in self.text("qis").splitlines() if " DEBUG " in line), "")

    def test_check_finds_all_in_order_that_the_settings_name(self) -> None:
        out = self.qis("check", "--network", "--tls", "--store", "--database")
        self.assertEqual(out.splitlines()[-1], "Syntax OK", out)
        self.assertEqual(out.count(" answers\n"), 3)
        self.assertIn("image library: ", out)
        self.assertIn("embedded, PostgreSQL", out)
        self.assertIn("a certificate that the server has made itself", out)
