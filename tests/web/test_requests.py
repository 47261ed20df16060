"""What counts as a request, and what is said to those that do not: on the level of bytes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from qisd.images import ImageBytes
from tests.web.support import Answer, Door, request


class RequestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.door = Door()

    def raw(self, data: bytes) -> Answer:
        """The one answer to ``data``."""
        wire = self.door.wire()
        wire.send(data)
        (answer,) = wire.answers()
        return answer

    def refused(self, data: bytes, status: int) -> None:
        """``data`` is answered once with ``status``, properly, and is the last of its connection."""
        wire = self.door.wire()
        wire.send(data)
        (answer,) = wire.answers()
        self.assertEqual(answer.status, status, data[:80])
        self.assertEqual(answer.headers["Connection"], "close")
        self.assertIn("X-Time-Taken", answer.headers)
        wire.send(request("/health"))
        self.door.clock.advance(2)
        self.assertEqual(len(wire.answers()), 1, data[:80])
        self.assertTrue(wire.closing)
        wire.leave()
        self.assertEqual(self.door.clock.getDelayedCalls(), [])
        self.assertEqual(self.door.entries[-1].status, status)


class RequestLineTests(RequestCase):
    def test_malformed_lines_are_refused(self) -> None:
        for line in (
            b"GET /health",
            b"GET  /health HTTP/1.1",
            b"GET /health HTTP/2.0",
            b"GET /health HTTP/0.9",
            b"GET /health http/1.1",
            b"G\x00T /health HTTP/1.1",
            b"GET /he\x00alth HTTP/1.1",
            b"\x16\x03\x01\x02\x00\x01\x00",
            b"nonsense",
        ):
            self.refused(line + b"\r\nHost: a\r\n\r\n", 400)

    def test_a_very_long_address_is_414_however_it_arrives(self) -> None:
        query = b"GET /image?src=" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"
        self.refused(query, 414)
        wire = self.door.wire()
        for start in range(0, len(query), 1000):
            wire.send(query[start : start + 1000])
        self.assertEqual([answer.status for answer in wire.answers()], [414])

    def test_an_address_within_the_limit_is_taken(self) -> None:
        self.assertEqual(self.door.ask("/image?src=" + "x" * 15_000).status, 200)

    def test_the_answer_to_a_refusal_is_not_lost_to_a_reset(self) -> None:
        wire = self.door.wire()
        wire.send(b"GET /" + b"x" * 20_000)
        self.assertFalse(wire.closing)
        wire.send(b"x" * 5_000_000)
        self.assertTrue(wire.closing)

    def test_the_absolute_form_is_routed_by_its_path(self) -> None:
        for target in ("http://example.com/health", "HTTPS://example.com:81/health?x=http://y/", "http:///health"):
            self.assertEqual(self.door.ask(target).body, b"ok", target)
        self.assertEqual(self.door.ask("http://example.com").headers["Content-Type"], "text/html; charset=utf-8")
        self.door.ask("http://example.com?src=a")
        self.assertEqual(self.door.ask("http://example.com/image?src=a").status, 200)
        self.assertEqual(dict(self.door.images.queries[0]), {"src": "a"})

    def test_other_forms_of_target_are_no_address(self) -> None:
        self.assertEqual(self.door.ask("images.example.com:443", method="CONNECT").status, 400)
        for target in ("*", "image?src=a", "ftp://example.com/image"):
            self.assertEqual(self.door.ask(target).status, 400, target)

    def test_options_for_the_whole_server(self) -> None:
        answer = self.door.ask("*", method="OPTIONS")
        self.assertEqual((answer.status, answer.headers["Allow"]), (200, "OPTIONS, HEAD, GET"))
        self.assertEqual(answer.headers["Content-Length"], "0")

    def test_http_1_0_needs_no_host_and_ends_the_connection(self) -> None:
        wire = self.door.wire()
        wire.send(b"GET /image?src=a HTTP/1.0\r\n\r\n")
        (answer,) = wire.answers()
        self.assertEqual((answer.status, answer.body), (200, b"a picture"))
        self.assertEqual(answer.headers["Connection"], "close")
        self.assertTrue(wire.closing)


class HeaderTests(RequestCase):
    def test_exactly_one_sane_host(self) -> None:
        for hosts in ("", "Host: a\r\nHost: a\r\n", "Host: a b\r\n", "Host: a/b\r\n", "Host: a:b\r\n", "Host: <b>\r\n"):
            self.refused(f"GET /health HTTP/1.1\r\n{hosts}\r\n".encode(), 400)
        for host in ("a", "a:8080", "[::1]", "[::1]:80", "a..b", "x" * 200, "127.0.0.1", "b_c.example", ""):
            self.assertEqual(self.raw(f"GET /health HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()).status, 200, host)

    def test_a_host_is_never_repeated_to_anyone(self) -> None:
        for path in ("/image/", "//image", "/nowhere", "/a//b", ""):
            answer = self.raw(f"GET {path or '/'} HTTP/1.1\r\nHost: evil.example\r\n\r\n".encode())
            self.assertNotIn("Location", answer.headers)
            self.assertNotIn(b"evil", answer.body)

    def test_folded_headers_are_refused(self) -> None:
        self.refused(b"GET /health HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n", 400)
        self.refused(b"GET /health HTTP/1.1\r\n Host: a\r\n\r\n", 400)

    def test_malformed_headers_are_refused(self) -> None:
        for header in (b"no colon", b"X Y: z", b"X-A : b", b": c", b"X-A: a\x00b", b"X-A: a\rb"):
            self.refused(b"GET /health HTTP/1.1\r\nHost: a\r\n" + header + b"\r\n\r\n", 400)
            self.refused(b"GET /health HTTP/1.1\r\n" + header + b"\r\nHost: a\r\n\r\n", 400)

    def test_headers_that_are_no_utf8_are_read_all_the_same(self) -> None:
        for name in (b"Accept", b"If-None-Match", b"If-Match", b"If-Modified-Since", b"If-Range", b"Range", b"Origin"):
            for target in (b"/image?src=a.jpg", b"/nowhere"):
                answer = self.raw(b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n" + name + b": \xff\xfe\r\n\r\n")
                self.assertLess(answer.status, 500, name)

    def test_too_many_or_too_large_headers_are_431(self) -> None:
        many = b"".join(b"X-%d: a\r\n" % number for number in range(100))
        self.refused(b"GET /health HTTP/1.1\r\nHost: a\r\n" + many + b"\r\n", 431)
        self.refused(b"GET /health HTTP/1.1\r\nHost: a\r\n" + (b"X: " + b"a" * 8000 + b"\r\n") * 3 + b"\r\n", 431)
        self.refused(b"GET /health HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 40_000, 431)

    def test_ninety_nine_headers_are_taken(self) -> None:
        many = b"".join(b"X-%d: a\r\n" % number for number in range(99))
        self.assertEqual(self.raw(b"GET /health HTTP/1.1\r\nHost: a\r\n" + many + b"\r\n").status, 200)

    def test_lengths_that_can_be_read_in_two_ways_are_refused(self) -> None:
        for headers in (
            b"Content-Length: 3\r\nTransfer-Encoding: chunked",
            b"Content-Length: 3\r\nContent-Length: 3",
            b"Content-Length: +3",
            b"Content-Length: 3, 3",
            b"Content-Length: " + b"9" * 5000,
            b"Transfer-Encoding: gzip, chunked",
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            b"Transfer-Encoding: identity",
            b"Transfer-Encoding: xchunked",
        ):
            self.refused(b"GET /health HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n\r\n", 400)
        self.refused(b"GET /health HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400)


class PathTests(RequestCase):
    def test_addresses_are_exact(self) -> None:
        for path in (
            "/image/", "/original/", "//image", "/image//", "/Image", "/image;x", "/./image", "/x/../image",
            "/image%2f", "/erez%2Ferez", "/%2fimage", "/image%00", "/image%0a", "/%5cimage", "/health/", "/index.html",
            "/" + "a/" * 3000,
        ):  # fmt: skip
            self.assertEqual(self.door.ask(path).status, 404, path)

    def test_an_escaped_address_is_the_same_address(self) -> None:
        self.assertEqual(self.door.ask("/%68ealth").body, b"ok")

    def test_addresses_that_are_no_utf8_are_400(self) -> None:
        for path in ("/%ff", "/image%c3", "/%ed%a0%80", "/a\xa0b"):
            self.assertEqual(self.door.ask(path).status, 400, path)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_broken_escapes_in_a_query_are_the_domains_business(self) -> None:
        for query in ("src=%", "src=%zz", "src=%ff%fe", "&&&", "=", "src", "?src=a", "src=a;b"):
            self.assertEqual(self.door.ask("/image?" + query).status, 200, query)

    def test_a_path_prefix_is_respected(self) -> None:
        self.door = Door(application_root="/qis")
        for path in ("/qis/image?src=a", "/qis/", "/qis/health"):
            self.assertEqual(self.door.ask(path).status, 200, path)
        self.assertEqual(self.door.ask("/qis").headers["Location"], "/qis/")
        for path in ("/image?src=a", "/", "/health", "/qis//health", "/qisd/health", "/qi"):
            self.assertEqual(self.door.ask(path).status, 404, path)

    @settings(deadline=None, max_examples=100, derandomize=True)
    @given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), max_size=60))
    def test_no_target_is_an_error_of_ours(self, target: str) -> None:
        self.assertLess(Door().ask("/" + target).status, 500)


class MethodTests(RequestCase):
    def test_others_than_get_head_and_options_are_405(self) -> None:
        for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "get", "Get"):
            answer = self.door.ask("/image?src=a", method=method)
            self.assertEqual((answer.status, answer.headers["Allow"]), (405, "OPTIONS, HEAD, GET"), method)
        self.assertEqual(self.door.images.queries, [])

    def test_options_names_the_methods(self) -> None:
        for path in ("/image", "/original?src=a", "/erez2/erez", "/"):
            answer = self.door.ask(path, method="OPTIONS")
            self.assertEqual((answer.status, answer.headers["Allow"], answer.body), (200, "OPTIONS, HEAD, GET", b""))
        self.assertEqual(self.door.ask("/nowhere", method="OPTIONS").status, 404)

    def test_a_preflight_is_answered(self) -> None:
        self.door = Door(cors_allow_origin=("https://shop.example",))
        headers = self.door.ask(
            "/image", method="OPTIONS", Origin="https://shop.example", Access_Control_Request_Method="GET"
        ).headers
        self.assertEqual(headers["Access-Control-Allow-Origin"], "https://shop.example")
        self.assertEqual(headers["Access-Control-Allow-Methods"], "OPTIONS, HEAD, GET")
        self.assertEqual(headers["Access-Control-Allow-Headers"], "Origin, Authorization")
        self.assertEqual(headers["Vary"], "Origin")

    def test_errors_are_readable_for_other_sites_too(self) -> None:
        self.door = Door(cors_allow_origin=("https://shop.example",))
        headers = self.door.ask("/nowhere", Origin="https://shop.example").headers
        self.assertEqual(headers["Access-Control-Allow-Origin"], "https://shop.example")
        self.assertEqual(headers["Vary"], "Accept, Origin")


class BodyTests(RequestCase):
    def test_a_small_body_is_read_and_dropped(self) -> None:
        for body in (
            b"Content-Length: 5\r\n\r\nhello",
            b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            b"Transfer-Encoding: CHUNKED\r\n\r\n5;x=y\r\nhello\r\n0\r\nTrailer: x\r\n\r\n",
        ):
            wire = self.door.wire()
            wire.send(b"GET /image?src=a HTTP/1.1\r\nHost: a\r\n" + body + request("/health"))
            self.assertEqual([answer.body for answer in wire.answers()], [b"a picture", b"ok"])

    def test_a_large_body_is_413_before_it_is_sent(self) -> None:
        self.refused(b"GET /image?src=a HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n", 413)
        self.assertEqual(self.door.images.queries, [])

    def test_nobody_is_asked_to_go_on_with_what_is_refused(self) -> None:
        wire = self.door.wire()
        wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n")
        self.assertEqual([answer.status for answer in wire.answers()], [413])
        self.assertNotIn(b"100 Continue", wire.received())

    def test_a_small_body_that_waits_for_a_word_gets_it(self) -> None:
        wire = self.door.wire()
        wire.send(b"GET /health HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        self.assertEqual(wire.received(), b"HTTP/1.1 100 Continue\r\n\r\n")
        wire.transport.clear()
        wire.send(b"xy")
        self.assertEqual([answer.body for answer in wire.answers()], [b"ok"])

    def test_a_chunked_body_is_413_once_it_is_too_large(self) -> None:
        chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
        head = b"GET /health HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        self.refused(head + chunk * 5 + b"0\r\n\r\n", 413)
        self.assertEqual(self.raw(head + chunk * 4 + b"0\r\n\r\n").status, 200)

    def test_broken_chunks_are_400(self) -> None:
        for body in (b"x\r\n", b"-1\r\n", b"5\r\nhelloXY", b"5" * 2000):
            self.refused(b"GET /health HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body, 400)


class PipelineTests(RequestCase):
    def test_answers_come_in_the_order_of_requests(self) -> None:
        self.door.images.data = b"first"
        wire = self.door.wire()
        wire.send(request("/image?src=a") + request("/health") + request("/nowhere") + request("/image?src=b"))
        answers = wire.answers()
        self.assertEqual([answer.status for answer in answers], [200, 200, 404, 200])
        self.assertEqual(answers[1].body, b"ok")

    def test_a_quick_answer_waits_for_the_slow_one_before_it(self) -> None:
        slow: Deferred[ImageBytes] = Deferred()
        self.door.images.fetching = lambda: slow
        wire = self.door.wire()
        wire.send(request("/image?src=a") + request("/health"))
        wire.send(b"GET /nonsense\r\n\r\n")
        self.assertEqual(wire.received(), b"")
        slow.callback(ImageBytes(data=b"slow", content_type="image/png", from_cache=False))
        self.assertEqual([answer.status for answer in wire.answers()], [200, 200, 400])

    def test_bytes_may_arrive_one_by_one(self) -> None:
        wire = self.door.wire()
        for byte in request("/image?src=a", If_None_Match="x") + request("/health"):
            wire.send(bytes([byte]))
        self.assertEqual([answer.body for answer in wire.answers()], [b"a picture", b"ok"])

    def test_a_thousand_requests_at_once_are_answered(self) -> None:
        wire = self.door.wire()
        wire.send(request("/health") * 1000)
        self.assertEqual(len(wire.answers()), 1000)

    def test_after_close_nothing_more_is_answered(self) -> None:
        wire = self.door.wire()
        wire.send(request("/health", Connection="keep-alive, Close") + request("/health"))
        self.assertEqual([answer.headers["Connection"] for answer in wire.answers()], ["close"])
        self.assertTrue(wire.closing)


class AccessLogTests(RequestCase):
    def test_an_entry_has_everything(self) -> None:
        self.door.ask(
            "http://images.example.com/image?src=a",
            User_Agent='cu"rl\x1b',
            Referer="https://shop.example/",
            X_Forwarded_For="198.51.100.1, 10.0.0.1",
        )
        (entry,) = self.door.entries
        self.assertEqual(entry.client, "192.0.2.7")
        self.assertEqual(entry.forwarded_for, "198.51.100.1, 10.0.0.1")
        self.assertEqual(entry.request_line, "GET http://images.example.com/image?src=a HTTP/1.1")
        self.assertEqual((entry.status, entry.body_bytes, entry.from_cache), (200, 9, False))
        self.assertEqual(entry.agent, 'cu\\"rl\\x1b')
        self.assertEqual(entry.referer, "https://shop.example/")
        self.assertEqual((entry.protocol, entry.time), ("http", self.door.clock.seconds()))
        self.assertGreaterEqual(entry.total_us, entry.app_us)

    def test_refusals_are_entered_too(self) -> None:
        self.raw(b"nonsense\r\n\r\n")
        self.raw(b"POST /x HTTP/1.1\r\nHost: a b\r\n\r\n")
        self.assertEqual(
            [(entry.request_line, entry.status) for entry in self.door.entries],
            [("-", 400), ("POST /x HTTP/1.1", 400)],
        )

    def test_a_request_cut_in_the_middle_leaves_nothing_behind(self) -> None:
        whole = request("/image?src=a", X_A="b")
        body = b"GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"
        for cut in (b"", whole[:3], whole[:30], whole[:-2], body):
            wire = self.door.wire()
            wire.send(cut)
            wire.leave()
            self.assertEqual(wire.received(), b"")
        self.assertEqual(self.door.entries, [])
        self.assertEqual(self.door.site.connection_count, 0)
        self.assertEqual(self.door.clock.getDelayedCalls(), [])
        self.assertEqual(self.door.images.queries, [])
