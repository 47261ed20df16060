"""``qis bench``."""

from __future__ import annotations

import socket
import threading
from itertools import pairwise
from pathlib import Path

from qisd.cli import bench_urls
from tests.cli.runner import CommandCase
from tests.cli.test_load import asked

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-From-Cache: %s\r\n\r\nabc"


class MixtureTests(CommandCase):
    def test_there_are_41_samples_and_all_are_different(self) -> None:
        self.assertEqual(len(set(bench_urls.SAMPLES)), 41)

    def test_the_share_is_kept_and_spread_evenly(self) -> None:
        targets = ["/image?src=a", "/image?src=b", "/api/v1/list/"]
        self.assertEqual(bench_urls.mixed(targets, 100), targets)
        self.assertEqual(bench_urls.mixed(targets, 0)[::2], ["/image?src=a&cache=0&recache=1", "/api/v1/list/"])
        ninety = bench_urls.mixed(list(bench_urls.SAMPLES), 90)
        anew = [number for number, target in enumerate(ninety) if "recache=1" in target]
        self.assertEqual((len(ninety), len(anew)), (4100, 410))
        self.assertEqual({later - former for former, later in pairwise(anew)}, {10})

    def test_addresses_come_from_lists_and_logs(self) -> None:
        file = self.directory / "access.log"
        file.write_text(
            "# a list\n\n/image?src=a.jpg\nhttps://a.example/image?src=b%20c.jpg\n/image?src=ü.jpg\n"
            '1.2.3.4 - [01/Jan/2026:00:00:00 +0000] "GET /image?src=d HTTP/1.1" 200 5 1 1 True "x" "-" id http\n'
            '{"request": "GET /e HTTP/1.1"}\n"POST /login/ HTTP/1.1"\n'
        )
        self.assertEqual(
            bench_urls.read(file),
            (["/image?src=a.jpg", "/image?src=b%20c.jpg", "/image?src=%C3%BC.jpg", "/image?src=d", "/e"], 1),
        )


class BenchTests(CommandCase):
    def serve(self, *, bad: bytes = b"/bad") -> str:
        """A server that has everything in its cache but what is to be made anew, and nothing with ``bad`` in it."""
        self.seen: list[bytes] = []
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)

        def one(connection: socket.socket) -> None:
            with connection:
                while head := asked(connection):
                    self.seen.append(head)
                    if bad in head:
                        connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                    else:
                        connection.sendall(ANSWER % (b"False" if b"recache" in head else b"True"))

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=one, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}"

    def test_it_warms_up_and_then_asks_for_what_it_was_told(self) -> None:
        outcome = self.qis("bench", self.serve(), "200", "90", "3", "--keep-alive", "--json")
        self.assertEqual(outcome.code, 0, outcome.err)
        result = outcome.json()["result"]
        self.assertEqual((result["requests"], result["errors"], result["hits_percent"]), (200, {}, 90.0))
        self.assertEqual(outcome.json()["warm_up"]["requests"], 41)
        self.assertEqual(len(self.seen), 241)
        self.assertTrue(all(b"\r\nReferer: qis/benchmark\r\n" in head for head in self.seen))
        self.assertEqual(set(result["milliseconds"]["hits"]), {"count", "mean", "p50", "p90", "p99", "p99.9", "worst"})
        self.assertEqual(sum(one["count"] for one in result["by_second"]), 200)

    def test_without_json_there_are_tables(self) -> None:
        outcome = self.qis("bench", self.serve(), "50", "--skip-warm")
        self.assertEqual((outcome.code, len(self.seen)), (0, 50))
        self.assertIn("errors: 0\n", outcome.out)
        self.assertIn("90.0 % from the cache", outcome.out)

    def test_an_error_is_4(self) -> None:
        file = self.directory / "urls"
        file.write_text("/image?src=a\n/bad\n")
        outcome = self.qis("bench", self.serve(), "--urls", str(file))
        self.assertEqual(outcome.code, 4)
        self.assertIn("1 x status 404\n", outcome.out)

    def test_nobody_there_is_3_and_a_server_without_samples_is_4(self) -> None:
        self.assertEqual(self.qis("bench", "http://127.0.0.1:1").code, 3)
        outcome = self.qis("bench", self.serve(bad=b"/samples/"))
        self.assertEqual((outcome.code, outcome.out), (4, ""))
        self.assertIn("answers none of the requests: status 404", outcome.err)

    def test_a_server_that_gives_everything_from_its_cache_is_told_of(self) -> None:
        file = self.directory / "urls"
        file.write_text("/image?src=a&xrecache\n/api\n")
        outcome = self.qis("bench", self.serve(), "100", "0", "--urls", str(file), "--skip-warm")
        self.assertIn("is BENCHMARKING on at the server?", outcome.err)

    def test_only_warm_ends_after_the_warm_up(self) -> None:
        outcome = self.qis("bench", self.serve(), "--only-warm")
        self.assertEqual((outcome.code, len(self.seen)), (0, 41))

    def test_a_plot_is_drawn(self) -> None:
        for name in ("a.svg", "a.PNG"):
            file = Path(self.directory / name)
            self.assertEqual(self.qis("bench", self.serve(), "10", "100", "--skip-warm", "--plot", str(file)).code, 0)
            self.assertGreater(file.stat().st_size, 1000)
        self.assertEqual(self.qis("bench", "http://x", "--plot", "a.pdf").code, 2)

    def test_arguments_have_bounds(self) -> None:
        for arguments in (("ftp://x",), ("http://x", "0"), ("http://x", "1", "101"), ("http://x", "1", "1", "2000")):
            self.assertEqual(self.qis("bench", *arguments).code, 2)
