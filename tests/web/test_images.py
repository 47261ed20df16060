from __future__ import annotations

import inspect
import io
import re

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import BadParameter, Busy, Forbidden, NotFound, Unsupported
from qisd.images import ImageBytes, Images
from tests.web.support import ETAG, MODIFIED_TEXT, NOW_TEXT, Answer, Door, FakeImages, prepared_image, request

CACHING = ("Cache-Control", "Expires", "ETag", "Last-Modified")


class FakeTests(SynchronousTestCase):
    def test_the_stand_in_has_the_methods_of_the_original(self) -> None:
        for name in ("prepare", "fetch", "original", "handed_out"):
            fake, original = (inspect.signature(getattr(owner, name)) for owner in (FakeImages, Images))
            self.assertEqual(list(fake.parameters), list(original.parameters), name)
            self.assertEqual(
                [parameter.kind for parameter in fake.parameters.values()],
                [parameter.kind for parameter in original.parameters.values()],
                name,
            )


class ImageTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.door = Door()
        self.images = self.door.images

    def test_an_image_comes_with_all_that_a_client_needs_to_keep_it(self) -> None:
        answer = self.door.ask("/image?src=a.jpg&width=10")
        self.assertEqual((answer.status, answer.body), (200, b"a picture"))
        expected = {
            "Content-Type": "image/jpeg",
            "Content-Length": "9",
            "Date": NOW_TEXT,
            "Cache-Control": "public, max-age=600",
            "Expires": "Fri, 15 Jan 2027 08:10:00 GMT",
            "ETag": f'"{ETAG}"',
            "Last-Modified": MODIFIED_TEXT,
            "Accept-Ranges": "bytes",
            "X-From-Cache": "False",
            "X-Content-Type-Options": "nosniff",
            "Server": "qisd",
        }
        self.assertEqual({name: answer.headers.get(name) for name in expected}, expected)
        self.assertRegex(answer.headers["X-Time-Taken"], r"^\d+$")
        self.assertRegex(answer.headers["X-Request-Id"], r"^[0-9a-f]{16}$")
        self.assertNotIn("Content-Disposition", answer.headers)
        self.assertNotIn("Cross-Origin-Resource-Policy", answer.headers)

    def test_what_is_handed_out_is_counted_and_errors_are_too(self) -> None:
        self.door.ask("/image?src=a.jpg")
        self.images.from_cache = True
        self.door.ask("/image?src=a.jpg", method="HEAD")
        self.door.ask("/image?src=a.jpg", If_None_Match=f'"{ETAG}"')
        self.door.ask("/original?src=a.jpg")
        self.images.error = NotFound("no")
        self.door.ask("/image?src=a.jpg")
        self.images.error = ValueError("a fault")
        self.door.ask("/original?src=a.jpg")
        self.flushLoggedErrors(ValueError)
        told = [(one.get("kind"), one.get("body_bytes"), one.get("status")) for one in self.door.counted]
        expected = [
            ("rendered", 9, None),
            ("cached", 0, None),
            ("not_modified", 0, None),
            ("original", 9, None),
            (None, None, 404),
            (None, None, 500),
        ]
        self.assertEqual(told, expected)

    def test_the_query_reaches_the_domain_decoded(self) -> None:
        self.door.ask("/image?src=a%20b%C3%A9.jpg&amp;width=10&width=20")
        self.assertEqual(dict(self.images.queries[0]), {"src": "a bé.jpg", "width": "10"})

    def test_an_image_from_the_cache_says_so(self) -> None:
        self.images.from_cache = True
        self.assertEqual(self.door.ask("/image?src=a").headers["X-From-Cache"], "True")
        self.assertIs(self.door.entries[0].from_cache, True)

    def test_expiry_zero_and_minus_one(self) -> None:
        self.images.prepared = prepared_image(expiry_secs=0)
        headers = self.door.ask("/image?src=a").headers
        self.assertNotIn("Cache-Control", headers)
        self.assertNotIn("Expires", headers)
        self.assertIn("ETag", headers)
        self.images.prepared = prepared_image(expiry_secs=-1)
        headers = self.door.ask("/image?src=a").headers
        self.assertEqual(headers["Cache-Control"], "public, no-cache")
        self.assertEqual(headers["Expires"], "Thu, 01 Jan 1970 00:00:00 GMT")
        self.assertNotIn("ETag", headers)

    def test_an_attachment_is_named(self) -> None:
        self.images.prepared = prepared_image(filename="dorset.jpg")
        headers = self.door.ask("/image?src=dorset.jpg&format=pjpg&attach=1").headers
        self.assertEqual(headers["Content-Disposition"], 'attachment; filename="dorset.jpg"')

    def test_a_file_name_can_not_add_headers(self) -> None:
        self.images.prepared = prepared_image(filename='x\r\nSet-Cookie: a=b\r\n\r\n<script>"\\ü.jpg')
        answer = self.door.ask("/image?src=a&attach=1")
        self.assertNotIn("Set-Cookie", answer.headers)
        self.assertEqual(answer.body, b"a picture")
        self.assertIn('filename="xSet-Cookie: a=b<script>\\"\\\\u.jpg"', answer.headers["Content-Disposition"])

    def test_all_six_erez_addresses_are_the_same_and_told_apart_from_image(self) -> None:
        for number in ("", "1", "2", "3", "4", "5"):
            self.assertEqual(self.door.ask(f"/erez{number}/erez?src=a").status, 200, number)
        self.assertEqual(self.images.erez, [True] * 6)
        self.door.ask("/image?src=a")
        self.assertFalse(self.images.erez[-1])
        for wrong in ("/erez6/erez", "/erez1/erez/", "/erez1", "/erez"):
            self.assertEqual(self.door.ask(wrong).status, 404, wrong)

    def test_head_is_answered_as_get_but_for_the_body(self) -> None:
        get = self.door.ask("/image?src=a")
        head = self.door.ask("/image?src=a", method="HEAD")
        self.assertEqual(self.images.fetched, 2)
        changing = ("X-Time-Taken", "X-Request-Id", "Server-Timing")
        self.assertEqual(
            {name: value for name, value in head.headers.items() if name not in changing},
            {name: value for name, value in get.headers.items() if name not in changing},
        )
        self.assertEqual([entry.body_bytes for entry in self.door.entries], [9, 0])

    def test_an_unchanged_source_is_sent_from_its_file_and_the_file_closed(self) -> None:
        self.images.file = io.BytesIO(b"the very file")
        answer = self.door.ask("/image?src=a")
        self.assertEqual((answer.body, answer.headers["X-From-Cache"]), (b"the very file", "False"))
        self.assertTrue(self.images.file.closed)

    def test_an_svg_gets_no_rights(self) -> None:
        self.images.prepared = prepared_image(content_type="image/svg+xml")
        headers = self.door.ask("/image?src=a.svg").headers
        self.assertIn("sandbox", headers["Content-Security-Policy"])
        self.assertEqual(headers["Content-Type"], "image/svg+xml; charset=utf-8")

    def test_the_domain_is_told_of_images_handed_out_and_of_nothing_else(self) -> None:
        self.door.ask("/image?src=a")
        self.door.ask("/image?src=a", Range="bytes=0-1")
        self.assertEqual(self.images.told, [self.images.prepared] * 2)
        self.door.ask("/image?src=a", If_None_Match=f'"{ETAG}"')
        self.door.ask("/image?src=a", Range="bytes=100-")
        self.images.fetch_error = Unsupported("no")
        self.door.ask("/image?src=a")
        self.assertEqual(len(self.images.told), 2)


class ConditionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.door = Door()
        self.images = self.door.images

    def test_a_good_copy_gets_304_without_rendering(self) -> None:
        for held in (f'"{ETAG}"', f'W/"{ETAG}"', ETAG, f'"x", "{ETAG}"', "*"):
            answer = self.door.ask("/image?src=a", If_None_Match=held)
            self.assertEqual((answer.status, answer.body), (304, b""), held)
        self.assertEqual(self.images.fetched, 0)

    def test_a_304_has_what_refreshes_the_copy_and_nothing_about_a_body(self) -> None:
        headers = self.door.ask("/image?src=a", If_None_Match=ETAG).headers
        for name in ("Date", "ETag", "Cache-Control", "Expires", "X-Time-Taken"):
            self.assertIn(name, headers)
        for name in ("Content-Length", "Content-Type", "X-From-Cache", "Content-Disposition", "Transfer-Encoding"):
            self.assertNotIn(name, headers)

    def test_a_304_leaves_the_connection_usable(self) -> None:
        wire = self.door.wire()
        wire.send(request("/image?src=a", If_None_Match=ETAG) + request("/image?src=a"))
        self.assertEqual([answer.status for answer in wire.answers()], [304, 200])

    def test_the_date_of_the_copy_counts_when_there_is_no_tag(self) -> None:
        self.assertEqual(self.door.ask("/image?src=a", If_Modified_Since=MODIFIED_TEXT).status, 304)
        older = "Tue, 14 Nov 2023 22:13:19 GMT"
        self.assertEqual(self.door.ask("/image?src=a", If_Modified_Since=older).status, 200)

    def test_another_version_than_meant_is_412_without_caching_headers(self) -> None:
        for wish in ({"If_Match": '"x"'}, {"If_Unmodified_Since": "Tue, 14 Nov 2023 22:13:19 GMT"}):
            answer = self.door.ask("/image?src=a", **wish)
            self.assertEqual(answer.status, 412)
            for name in CACHING:
                self.assertNotIn(name, answer.headers)
        self.assertEqual(self.images.fetched, 0)

    def test_a_fresh_render_asked_for_skips_conditions(self) -> None:
        self.images.prepared = prepared_image(anew=True)
        self.assertEqual(self.door.ask("/image?src=a&recache=1", If_None_Match=ETAG).status, 200)

    def test_errors_come_before_conditions(self) -> None:
        self.images.error = Forbidden()
        self.assertEqual(self.door.ask("/image?src=a", If_None_Match=ETAG).status, 403)


class RangeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.door = Door()
        self.door.images.data = b"0123456789"

    def test_one_range_on_both_routes(self) -> None:
        for route in ("/image", "/original"):
            answer = self.door.ask(route + "?src=a", Range="bytes=2-4")
            self.assertEqual((answer.status, answer.body), (206, b"234"), route)
            self.assertEqual(answer.headers["Content-Range"], "bytes 2-4/10")
            self.assertEqual(answer.headers["Content-Length"], "3")
            self.assertEqual(answer.headers["ETag"], f'"{ETAG}"')

    def test_several_ranges_come_as_parts(self) -> None:
        answer = self.door.ask("/original?src=a", Range="bytes=7-,0-1")
        self.assertEqual(answer.status, 206)
        self.assertNotIn("Content-Range", answer.headers)
        found = re.fullmatch("multipart/byteranges; boundary=([0-9a-f]{32})", answer.headers["Content-Type"])
        assert found is not None
        first, second, third, end = answer.body.split(b"\r\n--" + found[1].encode())
        self.assertEqual(first, b"")
        self.assertEqual(second, b"\r\nContent-Type: image/jpeg\r\nContent-Range: bytes 7-9/10\r\n\r\n789")
        self.assertEqual(third, b"\r\nContent-Type: image/jpeg\r\nContent-Range: bytes 0-1/10\r\n\r\n01")
        self.assertEqual(end, b"--\r\n")

    def test_a_range_beyond_the_end_is_416_and_says_how_much_there_is(self) -> None:
        for route in ("/image", "/original"):
            answer = self.door.ask(route + "?src=a", Range="bytes=10-")
            self.assertEqual((answer.status, answer.reason), (416, "Range Not Satisfiable"))
            self.assertEqual(answer.headers["Content-Range"], "bytes */10")
            for name in CACHING:
                self.assertNotIn(name, answer.headers)
        opened = self.door.images.opened
        assert opened is not None
        self.assertTrue(opened.closed)

    def test_what_is_no_range_gets_everything(self) -> None:
        for header in ("items=0-1", "bytes=4-2", "bytes=0-5,2-7", "bytes=" + ",".join(["0-0"] * 11)):
            self.assertEqual(self.door.ask("/image?src=a", Range=header).status, 200, header)

    def test_if_range_names_the_version_that_the_range_is_of(self) -> None:
        for validator, status in ((f'"{ETAG}"', 206), ('"x"', 200), (f'W/"{ETAG}"', 200), (MODIFIED_TEXT, 206)):
            answer = self.door.ask("/original?src=a", Range="bytes=0-1", If_Range=validator)
            self.assertEqual(answer.status, status, validator)

    def test_head_knows_no_ranges(self) -> None:
        answer = self.door.ask("/image?src=a", method="HEAD", Range="bytes=0-1")
        self.assertEqual((answer.status, answer.headers["Content-Length"]), (200, "10"))


class OriginalTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.door = Door()

    def test_the_file_comes_inline_and_is_closed(self) -> None:
        answer = self.door.ask("/original?src=penguin.jpg")
        self.assertEqual((answer.status, answer.body), (200, b"a picture"))
        self.assertEqual(answer.headers["Content-Disposition"], 'inline; filename="penguin.jpg"')
        self.assertEqual(answer.headers["X-From-Cache"], "False")
        opened = self.door.images.opened
        assert opened is not None
        self.assertTrue(opened.closed)

    def test_it_can_be_an_attachment(self) -> None:
        self.door.images.original_fields = {"attachment": True, "filename": "ü.jpg"}
        headers = self.door.ask("/original?src=a&attach=1").headers
        self.assertEqual(headers["Content-Disposition"], "attachment; filename=\"u.jpg\"; filename*=UTF-8''%C3%BC.jpg")

    def test_conditions_count_and_the_file_is_closed(self) -> None:
        self.assertEqual(self.door.ask("/original?src=a", If_None_Match=ETAG).status, 304)
        self.assertEqual(self.door.ask("/original?src=a", If_Match="x").status, 412)
        opened = self.door.images.opened
        assert opened is not None
        self.assertTrue(opened.closed)

    def test_an_empty_file_is_an_empty_answer(self) -> None:
        self.door.images.data = b""
        answer = self.door.ask("/original?src=a")
        self.assertEqual((answer.status, answer.headers["Content-Length"]), (200, "0"))


class ErrorTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.door = Door()

    def _ask(self, error: Exception, **headers: str) -> Answer:
        self.door.images.error = error
        return self.door.ask("/image?src=a", **headers)

    def test_each_error_has_its_status_and_no_caching_headers(self) -> None:
        for error, status in (
            (BadParameter("width", "out of range"), 400),
            (Forbidden(), 403),
            (NotFound("'a/dørset.jpg' was not found"), 404),
            (Unsupported("unsupported fill colour"), 415),
        ):
            answer = self._ask(error)
            self.assertEqual(answer.status, status)
            self.assertEqual(answer.headers["Content-Type"], "text/html; charset=utf-8")
            self.assertEqual(answer.headers["Access-Control-Allow-Origin"], "*")
            self.assertIn("X-Time-Taken", answer.headers)
            for name in (*CACHING, "X-From-Cache", "Accept-Ranges"):
                self.assertNotIn(name, answer.headers)
        self.assertIn("a/dørset.jpg", self._ask(NotFound("'a/dørset.jpg' was not found")).body.decode())

    def test_a_busy_server_says_when_to_come_back(self) -> None:
        self.door.images.fetch_error = Busy()
        answer = self.door.ask("/image?src=a")
        self.assertEqual((answer.status, answer.headers["Retry-After"]), (503, "5"))
        self.assertEqual(answer.headers["Cache-Control"], "no-store")

    def test_json_when_that_is_preferred(self) -> None:
        answer = self._ask(BadParameter("width", "out of range"), Accept="application/json")
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        self.assertEqual(answer.body, b'{"status": 400, "message": "width: out of range", "parameter": "width"}')
        self.assertEqual(answer.headers["Vary"], "Accept")

    def test_texts_are_escaped(self) -> None:
        self.assertIn(b"&lt;script&gt;", self._ask(NotFound("<script>")).body)

    def test_a_bug_shows_a_number_only(self) -> None:
        answer = self._ask(RuntimeError("/srv/images/secret.jpg"))
        self.assertEqual(answer.status, 500)
        self.assertNotIn(b"secret", answer.body)
        self.assertIn(answer.headers["X-Request-Id"].encode(), answer.body)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_after_an_error_the_connection_goes_on(self) -> None:
        self.door.images.error = NotFound("gone")
        wire = self.door.wire()
        wire.send(request("/image?src=a") + request("/health"))
        self.assertEqual([answer.status for answer in wire.answers()], [404, 200])


class DisconnectTests(SynchronousTestCase):
    def test_a_client_that_leaves_takes_its_render_off_the_queue_quietly(self) -> None:
        door = Door()
        given_up = []
        waiting: Deferred[ImageBytes] = Deferred(given_up.append)
        door.images.fetching = lambda: waiting
        wire = door.wire()
        wire.send(request("/image?src=a", User_Agent="impatient"))
        self.assertEqual(len(door.site.pending_requests()), 1)
        self.assertIn("/image?src=a", door.site.pending_requests()[0])
        wire.leave()
        self.assertEqual(given_up, [waiting])
        self.assertEqual(wire.received(), b"")
        (entry,) = door.entries
        self.assertEqual((entry.status, entry.body_bytes, entry.agent), (499, 0, "impatient"))
        self.assertEqual(door.site.pending_requests(), [])
        self.assertEqual(door.site.connection_count, 0)
        self.assertEqual(door.clock.getDelayedCalls(), [])
        self.assertEqual(self.flushLoggedErrors(), [])
