"""``qis replay``."""

from __future__ import annotations

import gzip
import io
import socket
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from PIL import Image

from qisd.cli.replay_log import Expected, Logged, read
from tests.cli.runner import CommandCase, Outcome

Answers = Mapping[str, tuple[int, str, bytes]]
"""Status, content type and body, by path and query."""


def picture(width: int, *, format: str = "PNG", padding: int = 0) -> bytes:
    stream = io.BytesIO()
    Image.new("L", (width, 2)).save(stream, format)
    return stream.getvalue() + bytes(padding)


def line(target: str, status: int, size: str = "-", *, method: str = "GET", host: str = "10.0.0.1") -> str:
    """One line of a log in the format *combined*."""
    return f'{host} - - [01/Jan/2026:00:00:00 +0000] "{method} {target} HTTP/1.1" {status} {size} "-" "Mozilla/5.0"\n'


class LogTests(CommandCase):
    def logged(self, text: str) -> dict[str, Expected | None]:
        file = self.directory / "access.log"
        file.write_text(text)
        return {one.target: one.expected for one in read([file])[0]}

    def test_the_last_line_that_tells_says_what_is_expected(self) -> None:
        text = line("/a", 200, "10") + line("/a", 403, "5") + line("/b", 403, "5") + line("/b", 200, "20")
        self.assertEqual(
            self.logged(text), {"/a": Expected(status=403, size=None), "/b": Expected(status=200, size=20)}
        )

    def test_what_is_not_whole_tells_no_size(self) -> None:
        text = line("/a", 304, "0") + line("/b", 206, "7") + line("/c", 200, "0", method="HEAD") + line("/d", 200)
        self.assertEqual(set(self.logged(text).values()), {Expected(status=200, size=None)})

    def test_a_size_that_is_known_is_not_forgotten_for_a_304(self) -> None:
        self.assertEqual(self.logged(line("/a", 200, "10") + line("/a", 304))["/a"], Expected(status=200, size=10))

    def test_faults_of_that_server_and_clients_that_hung_up_tell_nothing(self) -> None:
        text = line("/a", 500, "9") + line("/b", 503, "9") + line("/c", 499, "0") + "/d\n# a list, too\n"
        self.assertEqual(self.logged(text), dict.fromkeys(("/a", "/b", "/c", "/d")))

    def test_a_log_of_this_server_is_read(self) -> None:
        text = '1.2.3.4 - [01/Jan/2026:00:00:00 +0000] "GET /image?src=d HTTP/1.1" 200 55 1 1 True "x" "-" id http\n'
        self.assertEqual(self.logged(text), {"/image?src=d": Expected(status=200, size=55)})

    def test_several_logs_are_one_and_the_most_wanted_come_first(self) -> None:
        former, later = self.directory / "access.log.2.gz", self.directory / "access.log"
        former.write_bytes(gzip.compress((line("/b", 200, "5") + line("/c", 200, "6") * 3).encode()))
        later.write_text(line("/a", 404) + line("/b", 200, "7") + line("/login/", 302, method="POST") + "nothing\n")
        found, without = read([former, later])
        self.assertEqual([one.target for one in found], ["/c", "/b", "/a"])
        self.assertEqual(found[1], Logged(target="/b", times=2, expected=Expected(status=200, size=7)))
        self.assertEqual(without, 2)


class ReplayTests(CommandCase):
    def serve(self, answers: Answers) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, kind, body = answers.get(self.path, (404, "text/plain", b"no"))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *values: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        self.addCleanup(stop)
        return f"http://127.0.0.1:{server.server_port}"

    def replay(self, log: str, url: str, *more: str) -> Outcome:
        file = self.directory / "access.log"
        file.write_text(log)
        return self.qis("replay", url, str(file), *more)

    def differences(self, log: str, url: str, *more: str) -> dict[str, dict[str, str]]:
        outcome = self.replay(log, url, "--json", *more)
        found = {one["address"]: one["differences"] for one in outcome.json()["differing"]}
        self.assertEqual(outcome.code, 5 if found else 0, outcome.err)
        return found

    def test_nothing_is_told_where_all_is_as_in_the_log(self) -> None:
        url = self.serve(
            {
                "/image?src=a": (200, "image/png", picture(3)),
                "/login": (302, "text/html", b""),
                "/page": (200, "text/html", bytes(9000)),
            }
        )
        size = len(picture(3))
        log = line("/image?src=a", 200, str(size + 9)) * 2 + line("/login", 301, "7") + line("/page", 200, "10")
        outcome = self.replay(log + line("/gone", 404, "900"), url)
        self.assertEqual((outcome.code, outcome.out), (0, "4 addresses, 4 alike\n"), outcome.err)

    def test_other_statuses_and_images_of_quite_another_size_are_told(self) -> None:
        url = self.serve({"/large": (200, "image/png", picture(3, padding=9000))})
        log = line("/hidden", 200, "70") * 3 + line("/large", 200, "80")
        outcome = self.replay(log, url)
        self.assertEqual(outcome.code, 5)
        head, hidden, large, _, last = outcome.out.splitlines()
        self.assertEqual(head.split(), ["TIMES", "WHAT", "HERE", "ADDRESS"])
        self.assertRegex(hidden, r"^3 +status +404; in the log 200 +/hidden$")
        self.assertRegex(large, r"^1 +bytes +8\.9 KiB; in the log 80 bytes +/large$")
        self.assertEqual(last, "2 addresses, 0 alike; status: 1; bytes: 1")

    def test_another_server_is_compared_by_status_type_and_picture(self) -> None:
        old = self.serve(
            {
                "/same": (200, "image/png", picture(3)),
                "/wider": (200, "image/png", picture(4)),
                "/type": (200, "image/gif", picture(5, format="GIF")),
                "/page": (200, "text/html; charset=utf-8", b"old"),
                "/old": (200, "image/png", picture(6)),
            }
        )
        new = self.serve(
            {
                "/same": (200, "image/png", picture(3)),
                "/wider": (200, "image/png", picture(3)),
                "/type": (200, "image/png", picture(5)),
                "/page": (200, "text/html", b"new"),
            }
        )
        self.assertEqual(
            self.differences("/same\n/wider\n/type\n/page\n/old\n/nowhere\n", new, "--compare", old),
            {
                "/wider": {"picture": "3 × 2; there 4 × 2"},
                "/type": {"type": "image/png; there image/gif"},
                "/old": {"status": "404; there 200"},
            },
        )

    def test_a_missing_answer_is_never_alike(self) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unused.getsockname()[1]}"
            found = self.differences("/a\n/b\n", url, "--compare", url)
        self.assertEqual(found, {key: {"status": "no answer: Connection refused"} for key in ("/a", "/b")})

    def test_only_the_most_wanted_are_asked_for(self) -> None:
        url = self.serve({"/a": (200, "text/plain", b"")})
        outcome = self.replay(line("/b", 200) + line("/a", 200) * 2, url, "--most", "1")
        self.assertEqual((outcome.code, outcome.out), (0, "1 addresses, 1 alike\n"))
        self.assertIn("2 different addresses", outcome.err)

    def test_a_server_that_is_not_there_ends_it(self) -> None:
        with socket.socket() as unused:  # bound, and listening to nobody
            unused.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unused.getsockname()[1]}"
            outcome = self.replay("".join(line(f"/{number}", 200) for number in range(9)), url)
        self.assertEqual(outcome.code, 3)
        self.assertIn(f"{url}: no answer: Connection refused", outcome.err)

    def test_what_can_not_be_done_is_refused(self) -> None:
        for log, url, more, told in (
            ("/a\n", "http://127.0.0.1:1", (), "give --compare URL"),
            ("/a\n", "http://x:abc", (), "is no address"),
            ("/a\n", "http://[::1", (), "is no address"),
            ("/a\n", "http://127.0.0.1:1", ("--compare", "ftp://old"), "'ftp://old' is no address"),
            ("# nothing\n", "http://127.0.0.1:1", (), "there is no address"),
        ):
            outcome = self.replay(log, url, *more)
            self.assertEqual(outcome.code, 2, log)
            self.assertIn(told, outcome.err)
        self.assertEqual(self.qis("replay", "http://127.0.0.1:1", str(self.directory / "none")).code, 2)
