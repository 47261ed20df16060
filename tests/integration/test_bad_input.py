"""Whatever is sent to the daemon: a clear refusal and nothing else comes back, and it stays as it was.

After each test :class:`~tests.integration.live.LiveCase` looks whether the daemon lives, answers, and has logged no
traceback.
"""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar
from urllib.parse import quote

from tests.integration import library
from tests.integration.leaks import LEAKS
from tests.integration.live import Answer, Daemon, LiveCase, Parameter, read_all

SMALL = 64 * 2**20
MUCH = 150 * 2**20


class BadCase(LiveCase):
    """Requests that must be refused, and well."""

    settings: ClassVar = {"REQUEST_TIMEOUT": "3", "KEEP_ALIVE_TIMEOUT": "3"}

    def bad(self, answer: Answer, status: int, *, parameter: str | None = None, sent: str = "") -> None:
        """An error of ``status`` that tells nothing it should not, and names the ``parameter`` at fault."""
        self.assertEqual(answer.status, status, f"{sent} {answer.body[:300]!r}")
        self.assertLess(len(answer.body), 8000)
        self.assert_tight(answer, sent)
        if parameter is not None:
            self.assertEqual(json.loads(answer.body)["parameter"], parameter)
            self.assertTrue(answer.message.startswith(f"{parameter}: "), answer.message)

    def assert_tight(self, answer: Answer, sent: str) -> None:
        text = answer.body.decode("utf-8").replace(sent, "") if sent else answer.body.decode("utf-8")
        self.assertNotIn(str(self.daemon.folder), text)
        for name, value in [("body", text), *answer.headers.items()]:
            found = LEAKS.search(value)
            self.assertIsNone(found, f"{name}: {value[:300]}")

    def bad_src(self, src: str, status: int) -> None:
        for route in ("/image", "/original"):
            parameter = "src" if status == 400 else None
            self.bad(self.ask(route, src=src), status, parameter=parameter, sent=src)

    def bad_target(self, target: str, status: int, *, parameter: str | None = None) -> None:
        self.bad(self.daemon.get(target, {"Accept": "application/json"}), status, parameter=parameter)


class SourceNames(BadCase):
    def test_no_source(self) -> None:
        for route in ("/image", "/original"):
            self.bad_target(route, 400, parameter="src")

    def test_an_empty_source(self) -> None:
        self.bad_src("", 400)

    def test_a_source_of_1025_characters(self) -> None:
        self.bad_src("x" * 1025, 400)
        self.bad_src("ß" * 1025, 400)

    def test_a_source_of_1024_characters(self) -> None:
        self.bad_src("x/" * 512, 404)
        self.bad_src("桜" * 1024, 404)

    def test_the_folder_above(self) -> None:
        self.bad_src("..", 403)
        self.bad_src("../..", 403)

    def test_a_way_out_and_in_again(self) -> None:
        self.bad_src("../images/tiny.png", 403)

    def test_a_neighbour_whose_name_begins_alike(self) -> None:
        self.bad_src("../images-old/secret.png", 403)

    def test_nothing_but_slashes(self) -> None:
        for src in ("/", "//", "///", "/./", "/."):
            self.bad_src(src, 404)

    def test_a_nul(self) -> None:
        self.bad_src("\x00", 400)
        self.bad_src("tiny.png\x00.jpg", 400)

    def test_control_characters(self) -> None:
        for character in ("\n", "\r", "\t", "\x1b", "\x7f", "\x85"):
            self.bad_src(f"tiny{character}.png", 400)
        self.bad_src("line\nbreak.png", 400)

    def test_encoded_dots_and_slashes(self) -> None:
        for raw in ("%2e%2e%2f%2e%2e%2fetc%2fpasswd", "%2E%2E/tiny.png", "..%2f..%2fetc%2fpasswd"):
            for route in ("/image", "/original"):
                self.bad_target(f"{route}?src={raw}", 403)

    def test_dots_and_slashes_encoded_twice_are_a_name_like_any(self) -> None:
        self.bad_target("/image?src=%252e%252e%252f%252e%252e%252fetc%252fpasswd", 404)

    def test_overlong_utf8_is_no_dot_or_slash(self) -> None:
        for raw in ("%c0%ae%c0%ae/tiny.png", "..%c0%afimages", "%c0%80"):
            self.bad_target(f"/image?src={raw}", 404)

    def test_backslashes(self) -> None:
        for src in ("\\tiny.png", "..\\..\\etc\\passwd", "a\\b.jpg", "C:\\windows\\win.ini"):
            self.bad_src(src, 404)

    def test_an_absolute_path(self) -> None:
        for src in ("/etc/passwd", "//etc/passwd", "/proc/self/environ", "file:///etc/passwd"):
            self.bad_src(src, 404)

    def test_a_link_that_leads_out(self) -> None:
        self.bad_src("link-out.png", 404)
        self.bad_src("link-old.png", 404)
        self.bad_src("exit/secret.png", 404)

    def test_a_link_that_leads_nowhere_or_round_and_round(self) -> None:
        self.bad_src("link-nowhere.png", 404)
        self.bad_src("link-loop.png", 404)

    def test_hidden_files(self) -> None:
        for src in (".hidden.png", ".folder/tiny.png", "link-hidden.png", "a/../.hidden.png"):
            self.bad_src(src, 404)

    def test_a_folder(self) -> None:
        self.bad_src("folder.png", 404)
        self.bad_src("a", 404)

    def test_a_pipe(self) -> None:
        self.bad_src("pipe.png", 404)

    def test_a_name_longer_than_file_systems_take(self) -> None:
        self.bad_src("x" * 256 + ".png", 404)

    def test_bad_utf8(self) -> None:
        for raw in ("%ff%fe.png", "latin-%e9.png", "%ed%a0%80.png", "%f4%90%80%80.png", "%e9"):
            for route in ("/image", "/original"):
                self.bad_target(f"{route}?src={raw}", 404)

    def test_bytes_that_belong_into_no_address(self) -> None:
        for raw in (b"latin-\xe9.png", b"\xff\xfe.png", "dørset.png".encode()):
            answer = self.daemon.raw(b"GET /image?src=" + raw + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            self.assertRegex(answer, rb"^HTTP/1.1 (400|404) ")
            self.assertNotIn(b"Traceback", answer)


class SourceFiles(BadCase):
    """Files that are no good pictures; see the loop below for the truncated ones."""

    def start_of_peak(self) -> int:
        self.daemon.forget_peak()
        return self.daemon.peak()

    def bad_file(self, src: str) -> str:
        for parameters in ({}, {"width": 8}, {"format": "gif"}, {"angle": 45, "fill": "none", "format": "png"}):
            answer = self.ask(src=src, **parameters)
            self.bad(answer, 415, sent=src)
            self.assertGreater(len(answer.message), 10)
        return answer.message

    def test_a_picture_of_2500_million_pixels(self) -> None:
        before = self.start_of_peak()
        self.bad_file("bomb.png")
        self.assertLess(self.daemon.peak() - before, SMALL)

    def test_a_sliver_that_would_fill_terabytes_when_turned(self) -> None:
        before = self.start_of_peak()
        for parameters in ({"angle": 30, "width": 50}, {}, {"angle": 45}, {"width": 50}, {"fill": "auto", "angle": 1}):
            self.bad(self.ask(src="sliver.bmp", **parameters), 415)
        self.assertLess(self.daemon.peak() - before, SMALL)

    def test_bombs_as_overlays(self) -> None:
        for overlay in ("bomb.png", "sliver.bmp", "cut.png", "text.jpg", "empty.png", "php.ini"):
            self.bad(self.ask(src="chart.png", overlay=overlay), 415)

    def test_an_animation_of_ten_thousand_frames_is_its_first_frame(self) -> None:
        before = self.start_of_peak()
        for parameters in ({"format": "png"}, {}, {"format": "webp"}, {"page": 9999}):
            image = self.image("frames.gif", **parameters)
            self.assertEqual((image.size, getattr(image, "n_frames", 1)), ((1, 1), 1))
        self.assertLess(self.daemon.peak() - before, SMALL)

    def test_an_animated_webp_is_its_first_frame(self) -> None:
        for parameters in ({}, {"format": "gif"}, {"width": 8}, {"page": 2}):
            image = self.image("animated.webp", **parameters)
            self.assertEqual(getattr(image, "n_frames", 1), 1)

    def test_an_unknown_format(self) -> None:
        for src in ("picture.xyz", "picture", "php.ini", "document.pdf"):
            self.bad(self.ask(src=src), 415)
            self.bad(self.ask("/original", src=src), 415)

    def test_the_original_of_a_broken_picture_can_be_had(self) -> None:
        answer = self.ask("/original", src="cut.jpg")
        self.assertEqual(answer.body, (self.daemon.images / "cut.jpg").read_bytes())

    def test_nothing_is_rendered_twice_for_a_broken_picture(self) -> None:
        first = self.ask(src="cut.png", width=33)
        self.assertEqual({self.ask(src="cut.png", width=33).body for _ in range(5)}, {first.body})


def _file_test(src: str) -> Callable[[SourceFiles], None]:
    def test(self: SourceFiles) -> None:
        self.bad_file(src)

    return test


for _kind in ("cut", "stub", "empty", "text"):
    for _extension in library.CUT:
        setattr(SourceFiles, f"test_{_kind}_{_extension}", _file_test(f"{_kind}.{_extension}"))


class Values(BadCase):
    """Values of parameters; see the loops below for those out of range and those that are no numbers."""

    def refuse(self, name: str, value: Parameter) -> None:
        answer = self.ask(**{"src": "tiny.png", name: value})
        self.bad(answer, 400, parameter=name, sent=str(value))

    def test_unknown_choices(self) -> None:
        for name in ("format", "flip", "ovpos", "icc", "intent", "colorspace", "tmp"):
            for value in ("eggs", "x" * 1000, "../../etc/passwd", "'; drop table users; --", "<script>", "\x00", "é"):
                self.refuse(name, value)

    def test_a_fill_colour_that_does_not_exist(self) -> None:
        for value in ("spam", "#12345", "rgb(1,2,3,4)", "rgb(999,0,0)", "\x00\x00\x00", "%s%s%s", "ﬀ0000", "١٢٣"):
            answer = self.ask(src="chart.png", width=60, height=60, fill=value)
            self.bad(answer, 415, sent=value)

    def test_fill_colours_too_short_and_too_long(self) -> None:
        self.refuse("fill", "ab")
        self.refuse("fill", "a" * 33)
        self.refuse("fill", "a" * 5000)

    def test_tiles(self) -> None:
        for value in ("0:4", "5:4", "1:5", "1:99999", "1", ":", "1:", "1:0", "-1:4", "1:-4", "9" * 99 + ":4", "1:4:9"):
            self.refuse("tile", value)

    def test_tiles_finer_than_the_picture(self) -> None:
        self.refuse("tile", "1:256")

    def test_alignments(self) -> None:
        for name in ("halign", "valign"):
            for value in ("x0", "c", "c2", "c0.5.5", "cnan", "c1e0", "١", "c-0.1", "🐧"):
                self.refuse(name, value)

    def test_crop_edges_that_overlap(self) -> None:
        self.bad(self.ask(src="tiny.png", left=0.6, right=0.4), 400, parameter="left")
        self.bad(self.ask(src="tiny.png", top=0.6, bottom=0.4), 400, parameter="top")

    def test_xref_of_1025_characters(self) -> None:
        self.refuse("xref", "x" * 1025)

    def test_duplicate_parameters(self) -> None:
        answer = self.daemon.get("/image?src=tiny.png&width=8&width=-1&src=../x")
        self.assertEqual(answer.status, 200)
        self.bad_target("/image?src=tiny.png&width=-1&width=8", 400, parameter="width")

    def test_strange_query_strings(self) -> None:
        for raw in ("&&&", "=&=", "%", "%zz=%zz", "a" * 5000, "?" * 100, "&".join(["width=8"] * 1000), ";", "#"):
            self.assertEqual(self.daemon.get(f"/image?src=tiny.png&{raw}").status, 200, raw[:40])

    def test_broken_percents_in_the_source(self) -> None:
        for raw in ("%", "%z", "%2", "%%", "%u0041", "tiny%.png"):
            self.bad_target(f"/image?src={raw}", 404)

    def test_bad_utf8_in_other_parameters(self) -> None:
        for name in ("format", "flip", "width", "tmp", "icc", "tile", "angle"):
            self.bad_target(f"/image?src=tiny.png&{name}=%ff%fe", 400, parameter=name)


NUMBERS = {
    "page": (-1, 1_000_000), "width": (-1, 15_001), "height": (-1, 15_001), "quality": (0, 101),
    "sharpen": (-501, 501), "dpi": (-1, 32_001), "angle": (-360.1, 360.1), "top": (-0.1, 1.1), "left": (-0.1, 1.1),
    "bottom": (-0.1, 1.1), "right": (-0.1, 1.1), "ovsize": (-0.1, 1.1), "ovopacity": (-0.1, 1.1),
}  # fmt: skip

NO_NUMBERS = (
    "nan", "NaN", "inf", "-Infinity", "1e400", "-1e400", "1e999999999999", "١٢", "१२", "１２", "1_000", "0x10", "1,5",
    "1.2.3", "--1", "1-", "twelve", "½", "²", "9" * 5000, "1" + " " * 3000 + "1", "\x00", "1\x00", "1\n2", "'", "🐧",
)  # fmt: skip


def _range_test(name: str, values: tuple[Parameter, ...]) -> Callable[[Values], None]:
    def test(self: Values) -> None:
        for value in values:
            self.refuse(name, value)

    return test


for _name, _ends in NUMBERS.items():
    setattr(Values, f"test_{_name}_out_of_range", _range_test(_name, _ends))
    setattr(Values, f"test_{_name}_that_is_no_number", _range_test(_name, NO_NUMBERS))


class Injection(BadCase):
    def test_line_breaks_do_not_get_into_headers(self) -> None:
        for evil in ("a\r\nSet-Cookie: x=1.png", "a\nX-Evil: 1.png", "a\r\n\r\n<html>.png", "a%0d%0aX-Evil: 1.png"):
            for route in ("/image", "/original"):
                answer = self.ask(route, src=evil, attach=1)
                self.assertIn(answer.status, (400, 404))
                self.assertIsNone(answer.headers["X-Evil"])
                self.assertIsNone(answer.headers["Set-Cookie"])

    def test_quotes_do_not_end_the_name_of_a_file(self) -> None:
        evil = 'x"; filename=evil.exe; y=".png'
        place = self.daemon.images / evil
        place.write_bytes((self.daemon.images / "tiny.png").read_bytes())
        self.addCleanup(place.unlink)
        for route in ("/image", "/original"):
            disposition = self.ask(route, src=evil, attach=1).headers["Content-Disposition"]
            self.assertRegex(disposition, r'^attachment; filename="(?:[^"\\]|\\.)*"; filename\*=UTF-8\'\'[\w.%-]+$')
            self.assertTrue(disposition.endswith(quote(evil, safe="")), disposition)

    def test_markup_in_an_error_is_text(self) -> None:
        for name in ("src", "format", "tmp", "overlay", "page", "halign"):
            target = {"src": "tiny.png", name: "<img src=x onerror=alert(1)>"}
            page = self.daemon.get("/image?" + "&".join(f"{key}={quote(value)}" for key, value in target.items()))
            self.assertGreaterEqual(page.status, 400, name)
            self.assertNotIn(b"<img", page.body, name)

    def test_an_address_that_does_not_exist_is_not_repeated_raw(self) -> None:
        page = self.daemon.get("/<script>alert(1)</script>".replace("<", "%3c").replace(">", "%3e"))
        self.assertEqual(page.status, 404)
        self.assertNotIn(b"<script>", page.body)

    def test_the_log_stays_one_line_for_one_request(self) -> None:
        self.ask(src="a\r\n2019-03-27 11:49:08,982 qis_31     INFO     forged.png")
        self.ask("/image", src="../x\n2019-03-27 forged.png")
        self.daemon.get("/image?src=tiny.png", {"User-Agent": 'x" "forged', "Referer": "\x1b[31m"})
        for line in self.daemon.log().splitlines():
            self.assertNotRegex(line, r"^2019-")
        access = (self.daemon.logs / "access.log").read_bytes()
        self.assertNotIn(b"\x1b", access)
        self.assertNotIn(b'" "forged"', access)


GET = b"GET /image?src=tiny.png HTTP/1.1\r\nHost: localhost\r\n"
LAST = GET + b"Connection: close\r\n\r\n"


class Protocol(BadCase):
    """What is odd below the level of parameters, on bare connections."""

    def statuses(self, data: bytes) -> list[int]:
        """The status of each answer to ``data``, after which the daemon has closed the connection."""
        received = self.daemon.raw(data)
        self.assertNotIn(b"Traceback", received)
        found = [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) [A-Z]", received)]
        self.assertTrue(found, received[:300])
        self.assertLess(max(found), 500, received[:300])
        return found

    def refused(self, data: bytes, *statuses: int) -> None:
        """The first answer to ``data`` has one of the ``statuses``. Does not wait for the connection's end."""
        answer = self.daemon.first_answer(data)
        self.assertIn(answer.status, statuses, data[:100])
        self.assertEqual(answer.headers["Connection"], "close", data[:100])
        self.assert_tight(answer, "")

    def test_http_1_0(self) -> None:
        for head in (b"", b"Host: localhost\r\n", b"Connection: keep-alive\r\n"):
            received = self.daemon.raw(b"GET /image?src=tiny.png HTTP/1.0\r\n" + head + b"\r\n")
            self.assertRegex(received, rb"^HTTP/1\.[01] 200 OK\r\n")
            self.assertNotIn(b"Transfer-Encoding", received)
            self.assertIn(b"IEND", received)

    def test_other_versions(self) -> None:
        for version in (b"HTTP/2.0", b"HTTP/9.9", b"http/1.1", b"HTTP/1", b"HTTP/1.1.1", b"x", b"HTTP/1.2"):
            self.refused(b"GET /image?src=tiny.png " + version + b"\r\nHost: a\r\n\r\n", 400, 505)

    def test_the_preface_of_http_2(self) -> None:
        self.refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, 505)

    def test_a_tls_greeting_on_the_plain_port(self) -> None:
        self.refused(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200) + b"\r\n\r\n", 400)

    def test_the_absolute_form_of_an_address(self) -> None:
        for address in (b"http://localhost", b"HTTP://EXAMPLE.org:99", b"https://a"):
            head = b"GET " + address + b"/image?src=tiny.png HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            self.assertEqual(self.statuses(head), [200])

    def test_other_forms_of_an_address(self) -> None:
        for target in (b"*", b"localhost:80", b"image?src=tiny.png", b"ftp://a/image", b"..", b"\\image"):
            self.refused(b"GET " + target + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 400, 404)
        self.refused(b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 400, 404, 405)

    def test_paths_with_bad_characters(self) -> None:
        for path in (b"/image%00", b"/%ff", b"/%2e%2e/image", b"/image%2f", b"/image%0a", b"/../image", b"/\xff"):
            self.refused(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 400, 404)

    def test_a_query_of_100_kilobytes(self) -> None:
        self.refused(b"GET /image?src=tiny.png&x=" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, 400, 431)

    def test_too_many_and_too_long_headers(self) -> None:
        self.refused(GET + b"X: y\r\n" * 1000 + b"\r\n", 431, 400)
        self.refused(GET + b"X: " + b"y" * 100_000 + b"\r\n\r\n", 431, 400)
        self.refused(GET + b"".join(b"X%d: %s\r\n" % (n, b"y" * 400) for n in range(90)) + b"\r\n", 431, 400)

    def test_malformed_headers(self) -> None:
        for head in (
            b"NoColon\r\n", b"Space : x\r\n", b": x\r\n", b" Folded: x\r\n", b"A: b\r\n folded\r\n", b"A\x00: b\r\n",
            b"A: b\x00c\r\n", b"Content-Length: x\r\n", b"Content-Length: -1\r\n", b"Content-Length: +1\r\n",
            b"Content-Length: 1\r\nContent-Length: 2\r\n", b"Transfer-Encoding: gzip\r\n", b"Host: b\r\n",
            b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"Transfer-Encoding: chunked, chunked\r\n",
        ):  # fmt: skip
            self.refused(GET + head + b"\r\n", 400, 501)

    def test_no_host_and_bad_hosts(self) -> None:
        self.refused(b"GET /image?src=tiny.png HTTP/1.1\r\n\r\n", 400)
        for host in (b"a b", b"a/b", b"<script>", b"a:b:c", b"\xff", b"a@b"):
            self.refused(b"GET /image?src=tiny.png HTTP/1.1\r\nHost: " + host + b"\r\n\r\n", 400)

    def test_request_lines_that_are_none(self) -> None:
        tail = b" / HTTP/1.1"
        for line in (
            b"GET",
            b"GET /",
            b"GET " + tail,
            b"GET / x" + tail,
            b"\x00" * 50,
            b"/ GET HTTP/1.1",
            b"G\x00" + tail,
        ):
            self.refused(line + b"\r\nHost: a\r\n\r\n", 400, 404, 405)

    def test_a_get_with_a_chunked_body(self) -> None:
        body = b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        self.assertEqual(self.statuses(GET + body + LAST), [200, 200])

    def test_a_get_with_a_body_of_known_length(self) -> None:
        self.assertEqual(self.statuses(GET + b"Content-Length: 5\r\n\r\nhello" + LAST), [200, 200])

    def test_broken_chunks(self) -> None:
        for chunk in (b"zz\r\nhello", b"-5\r\nhello", b"5\r\nhelloworld", b"0x5\r\nhello", b"\r\nhello"):
            self.refused(GET + b"Transfer-Encoding: chunked\r\n\r\n" + chunk + b"\r\n0\r\n\r\n", 400)

    def test_bodies_that_are_too_large(self) -> None:
        self.refused(GET + b"Content-Length: 999999999999\r\n\r\n", 413)
        many = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        self.refused(GET + b"Transfer-Encoding: chunked\r\n\r\n" + many * 4, 413)

    def test_bodies_sent_to_be_kept(self) -> None:
        for method in (b"POST", b"PUT"):
            head = method + b" /image HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: close\r\n"
            self.refused(head + b"Content-Length: 2\r\n\r\n{}", 405)

    def test_pipelined_requests_are_answered_in_order(self) -> None:
        targets = [b"src=photo.jpg&width=400", b"src=tiny.png", b"src=no.png", b"src=../x", b"src=tiny.png&width=-1"]
        head = b" HTTP/1.1\r\nHost: a\r\n"
        requests = [b"GET /image?" + target + head for target in targets]
        data = b"\r\n".join(requests[:-1]) + b"\r\n" + requests[-1] + b"Connection: close\r\n\r\n"
        self.assertEqual(self.statuses(data), [200, 200, 404, 403, 400])

    def test_a_hundred_pipelined_requests(self) -> None:
        self.assertEqual(self.statuses((GET + b"\r\n") * 99 + LAST), [200] * 100)

    def test_nothing_after_a_refusal_is_taken_for_a_request(self) -> None:
        self.assertEqual(self.statuses(GET + b"NoColon\r\n\r\n" + LAST), [400])

    def test_the_connection_goes_on_after_an_error(self) -> None:
        for bad in (b"/image", b"/image?src=..", b"/image?src=nothing.png", b"/image?src=cut.png", b"/nowhere"):
            first = b"GET " + bad + b" HTTP/1.1\r\nHost: a\r\n\r\n"
            self.assertEqual(self.statuses(first + LAST)[1], 200, bad)

    def test_a_request_cut_anywhere(self) -> None:
        for end in (1, 3, 10, len(GET) - 2, len(GET), len(LAST) - 2, len(LAST) - 1):
            with self.daemon.connect() as connection:
                connection.sendall(LAST[:end])
                connection.shutdown(socket.SHUT_WR)
                received = read_all(connection)
            self.assertNotIn(b"HTTP/1.1 5", received)
            self.assertNotIn(b"HTTP/1.1 200", received)

    def test_clients_that_go_away_while_they_are_served(self) -> None:
        for number in range(20):
            with self.daemon.connect() as connection:
                target = f"/image?src=photo.jpg&angle={number + 1}&format=png"
                connection.sendall(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        with self.daemon.connect() as connection:
            connection.sendall(b"GET /original?src=photo.tif HTTP/1.1\r\nHost: a\r\n\r\n")
            connection.recv(10)

    def test_a_request_that_trickles_is_cut(self) -> None:
        with self.daemon.connect() as connection:
            connection.sendall(GET)
            received = b""
            connection.settimeout(0.2)
            deadline = time.monotonic() + 30
            while not received and time.monotonic() < deadline:
                try:
                    connection.sendall(b"X: y\r\n")
                    received = connection.recv(65536)
                except TimeoutError:
                    continue
            self.assertTrue(received.startswith(b"HTTP/1.1 408 "), received[:100])

    def test_a_connection_that_says_nothing_is_closed(self) -> None:
        with self.daemon.connect() as silent, self.daemon.connect() as idle:
            idle.sendall(GET + b"\r\n")
            for connection in (silent, idle):
                connection.settimeout(30)
                read_all(connection)

    def test_absurd_ranges(self) -> None:
        size = (self.daemon.images / "photo.jpg").stat().st_size
        for ranges in (
            ",".join(f"{n}-{n}" for n in range(1000)),
            ",".join(["0-"] * 500),
            "0-" + "9" * 2000,
            "-" + "9" * 2000,
            ",".join(["5-0"] * 500),
            "," * 5000,
            "\uff11-\uff12".encode().decode("latin-1"),
        ):
            answer = self.daemon.get("/original?src=photo.jpg", {"Range": f"bytes={ranges}"})
            self.assertIn(answer.status, (200, 206, 416), ranges[:40])
            self.assertLessEqual(len(answer.body), size + 4000)

    def test_absurd_conditions(self) -> None:
        for name in ("If-None-Match", "If-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range", "Accept"):
            for value in ('"' * 3000, "W/" * 2000, "," * 5000, "Thu, 99 Foo 99999 99:99:99 GMT", "-1", "*" * 500):
                for route in ("/image", "/original"):
                    answer = self.ask(route, src="tiny.png", headers={name: value})
                    self.assertIn(answer.status, (200, 304, 412), f"{name}: {value[:40]}")

    def test_headers_that_are_no_utf8(self) -> None:
        names = ("If-None-Match", "If-Modified-Since", "If-Range", "Range", "Accept", "Origin", "User-Agent", "Cookie")
        for name in (*names, "Referer", "X-Forwarded-For", "Authorization", "Connection", "X-\xe9"):
            for target in ("/image?src=tiny.png", "/original?src=tiny.png", "/image?src=nothing.png", "/", "/nowhere"):
                head = f"GET {target} HTTP/1.1\r\nHost: a\r\n{name}: \xff\xfe\r\n\r\n"
                answer = self.daemon.first_answer(head.encode("latin-1"))
                self.assertLess(answer.status, 500, f"{name} {target}")


def everything_bad() -> Iterator[Mapping[str, Parameter]]:
    """A request of each bad kind that gets as far as the pictures."""
    for kind in ("cut", "stub", "empty", "text"):
        for extension in library.CUT:
            yield {"src": f"{kind}.{extension}", "width": 20}
    for src in ("bomb.png", "frames.gif", "animated.webp", "picture.xyz", "pipe.png", "folder.png", "link-loop.png"):
        yield {"src": src, "width": 20, "format": "png"}
        yield {"src": "photo.jpg", "width": 300, "overlay": src}
    for parameters in ({"angle": 30, "width": 50}, {"angle": 45}, {}, {"width": 15_000, "height": 15_000}):
        yield {"src": "sliver.bmp", **parameters}
    yield {"src": "photo.jpg", "angle": 45, "fill": "spam"}
    yield {"src": "photo.jpg", "width": 300, "format": "tif"}
    yield {"src": "nothing.png"}
    yield {"src": "../x"}
    for name in NUMBERS:
        yield {"src": "photo.jpg", name: "nan"}


class Afterwards(BadCase):
    def test_memory_and_open_files_are_as_before(self) -> None:
        bad = list(everything_bad())
        self.round(bad, 0)
        memory, files = self.daemon.resident(), settled(self.daemon)
        for number in range(1, 4):
            self.round(bad, number)
        self.assertLessEqual(settled(self.daemon) - files, 5)
        self.assertLess(self.daemon.resident() - memory, MUCH)

    def round(self, bad: list[Mapping[str, Parameter]], number: int) -> None:
        for parameters in bad:
            # Another quality each time, so that nothing comes out of a memory of failures.
            answer = self.ask(**{"quality": 50 + number, **parameters})
            self.assertLess(answer.status, 500, f"{parameters} {answer.body[:200]!r}")
            if answer.status >= 400:
                self.assert_tight(answer, str(parameters["src"]))
        for cut in (1, 20, len(GET)):
            with self.daemon.connect() as connection:
                connection.sendall(LAST[:cut])

    def test_the_log_has_no_traceback_and_the_daemon_is_ready(self) -> None:
        for parameters in everything_bad():
            self.ask(**parameters)
        self.assertNotIn("Traceback", self.daemon.log())
        self.assertEqual(self.daemon.get("/health").status, 200)
        self.assertEqual(self.daemon.get("/ready").status, 200)
        self.assertEqual(self.image("photo.jpg", width=400).size, (400, 300))


def settled(daemon: Daemon) -> int:
    """The number of open files once it has stopped falling."""
    least, since = daemon.open_files(), time.monotonic()
    while time.monotonic() - since < 1:
        now = daemon.open_files()
        if now < least:
            least, since = now, time.monotonic()
        time.sleep(0.05)
    return least
