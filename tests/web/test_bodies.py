"""Bodies of requests, from the wire to the handler."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import Forbidden, NotAuthenticated, Unsupported
from qisd.web.bodies import BodyGone, BodyRules
from qisd.web.intake import IGNORED_MAX
from tests.web.posting import (
    BOUNDARY,
    HeldFiles,
    MemorySink,
    Office,
    chunks,
    field,
    file,
    head,
    multipart,
    post,
    splits,
)
from tests.web.support import Wire, request

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"

UPLOAD = multipart(file("files", "a.png", b"\r\n--picture\r\n"), field("path", b"/samples"))


class OfficeCase(SynchronousTestCase):
    office: Office

    def setUp(self) -> None:
        self.office = Office()

    def statuses(self, wire: Wire) -> list[int]:
        return [answer.status for answer in wire.answers()]

    def refused(self, wire: Wire, status: int) -> None:
        """The request is answered once, politely, and nothing is left of it."""
        (answer,) = wire.answers()
        self.assertEqual(answer.status, status)
        self.assertEqual(answer.headers["Connection"], "close")
        self.assertEqual(self.office.desk.bodies, [])
        wire.send(request("/up"))
        self.office.clock.advance(2)
        self.assertTrue(wire.closing)
        self.assertEqual(len(wire.answers()), 1)
        self.gone(wire)

    def gone(self, wire: Wire) -> None:
        """Once the connection is lost nothing is left of its requests."""
        wire.leave()
        self.assertEqual(self.office.sink.left, [])
        self.assertEqual(self.office.clock.getDelayedCalls(), [])


class KindTests(OfficeCase):
    def test_a_form_comes_as_its_fields(self) -> None:
        self.office.post(b"b=1&a=%C3%A9&b=2", FORM)
        self.assertEqual(self.office.body.kind, "form")
        self.assertEqual(self.office.body.pairs, (("b", "1"), ("a", "é"), ("b", "2")))

    def test_json_comes_as_an_object(self) -> None:
        for content_type in (JSON, "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"'):
            self.setUp()
            self.office.post(b'{"a": [1]}', content_type)
            self.assertEqual((self.office.body.kind, self.office.body.json), ("json", {"a": [1]}))

    def test_a_long_one_is_read_in_a_thread(self) -> None:
        long = b'{"a": "' + b"x" * 100_000 + b'"}'
        for data, status in ((long, 200), (long[:-1], 400)):
            files = HeldFiles()
            self.office = Office(files=files)
            wire = self.office.post(data, JSON)
            self.assertEqual(wire.received(), b"")
            files.work()
            self.assertEqual(self.statuses(wire), [status])

    def test_a_multipart_form_comes_with_its_files_on_disk(self) -> None:
        self.office.post(UPLOAD)
        body = self.office.body
        self.assertEqual((body.kind, body.pairs), ("multipart", (("path", "/samples"),)))
        (uploaded,) = body.files
        self.assertEqual((uploaded.field, uploaded.filename, uploaded.size), ("files", "a.png", 13))
        self.assertEqual(self.office.desk.taken, self.office.sink.files)
        self.assertEqual(self.office.sink.files[0].data, b"\r\n--picture\r\n")

    def test_a_raw_body_comes_as_one_file(self) -> None:
        self.office = Office(raw=True)
        self.office.wire().send(post(b"picture", "image/png", method="PUT"))
        (uploaded,) = self.office.body.files
        self.assertEqual((self.office.body.kind, uploaded.content_type, uploaded.size), ("raw", "image/png", 7))
        self.assertEqual([one.data for one in self.office.sink.left], [b"picture"])

    def test_a_raw_body_may_be_of_any_type(self) -> None:
        for content_type in (None, FORM, "multipart/form-data", "application/offset+octet-stream"):
            self.office = Office(raw=True)
            self.office.wire().send(post(b"%%", content_type, method="PATCH"))
            self.assertEqual(self.office.body.kind, "raw")

    def test_no_bytes_are_no_body(self) -> None:
        for raw in (False, True):
            for content_type in (FORM, JSON, "image/png", None):
                for length in (0, None):
                    self.office = Office(raw=raw)
                    wire = self.office.wire().send(
                        head(length, content_type) + (b"0\r\n\r\n" if length is None else b"")
                    )
                    self.assertEqual(self.statuses(wire), [200])
                    self.assertEqual(self.office.body.kind, "none")
                    self.assertEqual(self.office.sink.files, [])

    def test_other_types_are_refused_before_they_are_sent(self) -> None:
        for content_type in (None, "text/plain", "image/png", "application/xml", "multipart/mixed; boundary=a", ";"):
            for length in (1000, None):
                self.setUp()
                wire = self.office.wire().send(head(length, content_type, Accept=JSON))
                if length is None:
                    self.assertEqual(self.statuses(wire), [])
                    wire.send(b"1\r\nx\r\n")
                (answer,) = wire.answers()
                self.assertIn(b"The body must be a form or a JSON object", answer.body)
                self.refused(wire, 400)

    def test_other_encodings_are_refused(self) -> None:
        for content_type in (f"{FORM}; charset=latin-1", f"{JSON}; charset=utf-16", f"{MULTIPART}; charset=big5"):
            self.setUp()
            self.refused(self.office.wire().send(head(10, content_type)), 400)
        self.setUp()
        self.refused(self.office.wire().send(head(10, FORM, Content_Encoding="gzip")), 400)
        self.setUp()
        self.assertEqual(self.statuses(self.office.wire().send(post(b"a=1", FORM, Content_Encoding="identity"))), [200])

    def test_what_can_not_be_read_is_400_and_the_connection_goes_on(self) -> None:
        for body, content_type in (
            (b"a=%zz", FORM),
            (b"a=\xff", FORM),
            (b"&" * 1001, FORM),
            (b"{", JSON),
            (b"[1]", JSON),
            (b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", JSON),
            (b'{"a":1,"a":2}', JSON),
            (b'{"a":NaN}', JSON),
            (UPLOAD[:-5], MULTIPART),
            (b"--" + BOUNDARY.encode() + b"\r\n", MULTIPART),
        ):
            self.setUp()
            wire = self.office.post(body, content_type)
            wire.send(post(b"a=1", FORM))
            self.assertEqual(self.statuses(wire), [400, 200], body[:40])
            self.gone(wire)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_a_multipart_body_without_proper_boundary_is_refused(self) -> None:
        for boundary in ("", "; boundary=", "; boundary=" + "x" * 71, "; boundary=a@b"):
            self.setUp()
            self.refused(self.office.wire().send(head(1000, "multipart/form-data" + boundary)), 400)

    def test_a_malformed_multipart_body_is_refused_where_it_is_found(self) -> None:
        for body in (
            b"nonsense",
            file("files", "a.png", b"data") + f"--{BOUNDARY}\r\nnonsense\r\n\r\n".encode(),
            multipart(*[file("files", "a", b"")] * 10_000),
        ):
            self.setUp()
            wire = self.office.wire().send(head(10_000_000, MULTIPART) + body[:1_000_000])
            self.refused(wire, 400)
        self.assertEqual(self.flushLoggedErrors(), [])


class SplitTests(OfficeCase):
    def came(self, pieces: Iterable[bytes]) -> None:
        """The bytes are :data:`UPLOAD`, then another request."""
        office = Office()
        wire = office.wire()
        for piece in pieces:
            wire.send(piece)
        self.assertEqual([answer.status for answer in wire.answers()], [200, 200])
        first, second = office.desk.bodies
        self.assertEqual((first.pairs, second.pairs), ((("path", "/samples"),), (("a", "1"),)))
        self.assertEqual([one.data for one in office.sink.left], [b"\r\n--picture\r\n"])
        wire.leave()
        self.assertEqual(office.clock.getDelayedCalls(), [])

    def test_requests_may_come_in_two_pieces_wherever_they_meet(self) -> None:
        for data in (post(UPLOAD, MULTIPART), head(None, MULTIPART) + chunks(UPLOAD, 7)):
            data += post(b"a=1", FORM)
            for place in range(len(data)):
                self.came(splits(data, [place]))

    def test_or_byte_by_byte(self) -> None:
        data = head(None, MULTIPART) + chunks(UPLOAD, 50) + post(b"a=1", FORM)
        self.came(bytes([byte]) for byte in data)

    @settings(deadline=None, max_examples=100, derandomize=True)
    @given(st.integers(1, 60), st.lists(st.integers(0, 2000), max_size=10))
    def test_or_in_any_pieces_and_chunks(self, size: int, places: list[int]) -> None:
        data = head(None, MULTIPART) + chunks(UPLOAD, size) + post(b"a=1", FORM)
        self.came(splits(data, [place % len(data) for place in places]))

    def test_a_request_cut_anywhere_leaves_nothing(self) -> None:
        for data in (post(UPLOAD, MULTIPART), head(None, MULTIPART) + chunks(UPLOAD, 7)):
            for end in range(len(data)):
                self.setUp()
                wire = self.office.wire().send(data[:end])
                self.gone(wire)
                self.assertEqual(wire.received(), b"")
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_a_length_that_is_too_small_is_a_form_cut_off(self) -> None:
        wire = self.office.wire().send(head(len(UPLOAD) - 20, MULTIPART) + UPLOAD)
        self.assertEqual(self.statuses(wire)[0], 400)
        self.office.clock.advance(60)
        self.gone(wire)


class LimitTests(OfficeCase):
    def test_what_is_announced_too_large_is_413_before_it_is_sent(self) -> None:
        self.office = Office(limit=1000)
        for content_type in (FORM, JSON, MULTIPART):
            self.office.desk.bodies.clear()
            wire = self.office.wire().send(head(1001, content_type, Accept=JSON))
            self.assertIn(b"exceeds the capacity limit", wire.answers()[0].body)
            self.refused(wire, 413)

    def test_what_turns_out_too_large_is_413_at_once(self) -> None:
        for raw in (False, True):
            self.office = Office(limit=1000, raw=raw)
            data = multipart(file("files", "a.png", b"x" * 5000))
            wire = self.office.wire().send(head(None, MULTIPART, Accept=JSON) + chunks(data, 300)[:1300])
            self.assertIn(b"exceeds the capacity limit", wire.answers()[0].body)
            self.refused(wire, 413)

    def test_the_limit_itself_is_allowed(self) -> None:
        self.office = Office(limit=len(UPLOAD))
        for data in (post(UPLOAD, MULTIPART), head(None, MULTIPART) + chunks(UPLOAD, 9)):
            self.assertEqual(self.statuses(self.office.wire().send(data)), [200])

    def test_forms_and_json_are_limited_to_what_memory_may_hold(self) -> None:
        self.office = Office(fields_limit=1000)
        for content_type in (FORM, JSON):
            self.refused(self.office.wire().send(head(1001, content_type)), 413)
            self.refused(self.office.wire().send(head(None, content_type) + chunks(b"a" * 1001, 500)), 413)
        self.refused(self.office.post(multipart(file("f", "a", b"x" * 5000), field("a", b"x" * 1000))), 413)
        self.assertEqual(self.statuses(self.office.post(multipart(file("f", "a", b"x" * 5000)))), [200])

    def test_nothing_is_read_in_that_nobody_may_send(self) -> None:
        self.office.policy.rules = None
        wire = self.office.post(b"x" * IGNORED_MAX, "text/plain")
        self.assertEqual((self.statuses(wire), self.office.body.kind), ([200], "none"))
        self.gone(wire)
        self.office.desk.bodies.clear()
        self.refused(self.office.wire().send(head(IGNORED_MAX + 1, FORM)), 413)
        self.refused(self.office.wire().send(head(None, FORM) + chunks(b"x" * (IGNORED_MAX + 1), 60_000)), 413)

    def test_raw_rules_need_a_place_for_the_file(self) -> None:
        self.assertRaises(ValueError, BodyRules, limit=1, raw=True)


class MethodTests(OfficeCase):
    def test_only_methods_that_may_have_a_body_are_asked_about(self) -> None:
        for method in ("GET", "DELETE", "OPTIONS", "PROPFIND"):
            self.setUp()
            wire = self.office.wire().send(post(b"a=1", FORM, method=method))
            self.assertEqual((self.statuses(wire), self.office.body.kind), ([200], "none"))
            self.assertEqual(self.office.policy.asked, [])
        for method in ("POST", "PUT", "PATCH"):
            self.setUp()
            self.office.wire().send(post(b"a=1", FORM, method=method))
            self.assertEqual(self.office.body.pairs, (("a", "1"),))

    def test_a_request_without_body_is_not_asked_about(self) -> None:
        self.office.wire().send(request("/up", method="POST"))
        self.assertEqual((self.office.body.kind, self.office.policy.asked), ("none", []))

    def test_a_field_that_came_with_delete_can_be_had(self) -> None:
        self.office.wire().send(post(b"a=1&_csrf_token=x%2By&_csrf_token=z", FORM, method="DELETE"))
        body = self.office.body
        self.assertEqual((body.kind, body.pairs, body.ignored_field("_csrf_token")), ("none", (), "x+y"))
        self.assertIsNone(body.ignored_field("b"))

    def test_whatever_else_comes_with_delete_is_ignored(self) -> None:
        for data in (b"%zz", b"\xff", b'{"_csrf_token": 1}', b"&" * 2000):
            self.setUp()
            self.office.wire().send(post(data, JSON, method="DELETE"))
            self.assertIsNone(self.office.body.ignored_field("_csrf_token"))

    def test_the_policy_sees_the_whole_head(self) -> None:
        self.office.wire().send(post(b"a=1", FORM, target="http://x/a%20b/c?d=e", Cookie="session=x"))
        (asked,) = self.office.policy.asked
        self.assertEqual((asked.method, asked.path, asked.raw_query), (b"POST", b"/a%20b/c", b"d=e"))
        self.assertEqual((asked.place(), asked.getCookie(b"session")), ([b"a b", b"c"], b"x"))


class AdmissionTests(OfficeCase):
    def setUp(self) -> None:
        super().setUp()
        self.waiting = self.office.policy.waiting = Deferred()

    def test_nothing_is_read_while_it_is_decided(self) -> None:
        wire = self.office.wire().send(head(len(UPLOAD), MULTIPART) + UPLOAD[:100])
        self.assertEqual(wire.transport.producerState, "paused")
        wire.send(UPLOAD[100:])
        self.assertEqual(self.office.sink.files, [])
        self.waiting.callback(None)
        self.assertEqual(wire.transport.producerState, "producing")
        self.assertEqual(self.statuses(wire), [200])
        self.assertEqual(len(self.office.sink.left), 1)

    def test_the_time_that_it_takes_is_not_the_clients(self) -> None:
        wire = self.office.wire().send(head(3, FORM))
        self.office.clock.advance(1000)
        self.assertEqual(wire.received(), b"")
        self.waiting.callback(None)
        self.office.clock.advance(59)
        self.assertEqual(self.statuses(wire.send(b"a=1")), [200])

    def test_a_refusal_is_answered_in_its_own_form(self) -> None:
        for error in (NotAuthenticated(), Forbidden("X permission is required"), Unsupported("not this")):
            self.setUp()
            wire = self.office.wire().send(head(10**9, MULTIPART, Accept=JSON) + UPLOAD)
            self.office.policy.error = error
            self.waiting.callback(None)
            (answer,) = wire.answers()
            self.assertIn(error.message.encode(), answer.body)
            self.assertEqual(wire.transport.producerState, "producing")
            self.refused(wire, error.status)

    def test_so_is_one_that_comes_at_once(self) -> None:
        self.office.policy.waiting = None
        self.office.policy.error = NotAuthenticated()
        self.refused(self.office.post(UPLOAD), 401)

    def test_a_fault_of_the_policy_is_500(self) -> None:
        self.office.policy.error = ZeroDivisionError()
        wire = self.office.post(UPLOAD)
        self.waiting.callback(None)
        self.refused(wire, 500)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_a_client_that_goes_meanwhile_ends_it(self) -> None:
        cancelled: list[object] = []
        self.office.policy.waiting = Deferred(cancelled.append)
        wire = self.office.post(UPLOAD)
        self.gone(wire)
        self.assertEqual(cancelled, [self.office.policy.waiting])
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_a_body_that_nobody_takes_is_dropped_within_the_usual_time(self) -> None:
        self.office.policy.rules = None
        wire = self.office.wire().send(head(100, FORM) + b"x" * 50)
        self.waiting.callback(None)
        self.office.clock.advance(59)
        wire.send(b"x")
        self.office.clock.advance(1)
        self.refused(wire, 408)

    def test_a_pipelined_request_waits_for_its_turn(self) -> None:
        wire = self.office.wire().send(post(b"a=1", FORM) + post(b"b=2", FORM))
        self.waiting.callback(None)
        self.assertEqual(self.statuses(wire), [200, 200])
        self.assertEqual([body.pairs for body in self.office.desk.bodies], [(("a", "1"),), (("b", "2"),)])

    def test_an_answer_that_is_not_taken_does_not_start_reading(self) -> None:
        wire = self.office.wire(room=10)
        self.office.policy.waiting = None
        wire.send(post(b"a=1", FORM))
        self.office.policy.waiting = self.waiting
        wire.take()
        wire.send(head(3, FORM))
        self.assertEqual(wire.transport.producerState, "paused")
        wire.channel.pauseProducing()
        wire.channel.resumeProducing()
        self.assertEqual(wire.transport.producerState, "paused")
        self.waiting.callback(None)
        self.assertEqual(wire.transport.producerState, "producing")


class ExpectTests(OfficeCase):
    GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"

    def expecting(self, length: int | None = 3, content_type: str = FORM) -> Wire:
        return self.office.wire().send(head(length, content_type, Expect="100-continue"))

    def test_the_word_is_given_once_the_body_is_admitted(self) -> None:
        waiting = self.office.policy.waiting = Deferred()
        wire = self.expecting()
        self.assertEqual(wire.received(), b"")
        waiting.callback(None)
        self.assertEqual(wire.received(), self.GO_ON)
        wire.transport.clear()
        self.assertEqual(self.statuses(wire.send(b"a=1")), [200])

    def test_it_is_not_given_to_what_is_refused(self) -> None:
        for refuse in (
            lambda: setattr(self.office.policy, "error", NotAuthenticated()),
            lambda: setattr(self.office.policy, "rules", BodyRules(limit=2)),
            lambda: setattr(self.office.policy, "rules", None),
        ):
            for waiting in (None, Deferred()):
                self.setUp()
                self.office.policy.waiting = waiting
                refuse()
                wire = self.expecting(IGNORED_MAX + 1)
                if waiting is not None:
                    waiting.callback(None)
                self.assertEqual(len(wire.answers()), 1)
                self.assertNotIn(b"100 Continue", wire.received())
        self.setUp()
        self.assertNotIn(b"100 Continue", self.expecting(content_type="text/plain").received())

    def test_it_is_given_for_each_request_that_asks(self) -> None:
        wire = self.expecting().send(b"a=1")
        wire.transport.clear()
        wire.send(post(b"a=1", FORM))
        self.assertNotIn(b"100 Continue", wire.received())

    def test_nobody_is_asked_to_send_nothing(self) -> None:
        self.assertEqual(self.statuses(self.expecting(0)), [200])


class BackpressureTests(OfficeCase):
    def setUp(self) -> None:
        self.files = HeldFiles()
        self.office = Office(files=self.files)

    def send_megabytes(self, wire: Wire, *, until: str, most: int = 100) -> int:
        for count in range(most):
            if wire.transport.producerState == until:
                return count
            wire.send(b"x" * 65536)
        raise AssertionError("never " + until)

    def test_the_client_waits_for_the_disk(self) -> None:
        wire = self.office.wire().send(head(5_000_000, MULTIPART) + file("files", "a.png", b"")[:-2])
        count = self.send_megabytes(wire, until="paused")
        self.assertLess(abs(count * 65536 - 2**20), 100_000)
        for _ in range(3):
            self.assertEqual(wire.transport.producerState, "paused")
            self.files.work()
        self.assertEqual(wire.transport.producerState, "producing")
        self.send_megabytes(wire, until="paused")

    def test_the_time_that_the_disk_takes_is_not_the_clients(self) -> None:
        wire = self.office.wire().send(head(5_000_000, MULTIPART) + file("files", "a.png", b"")[:-2])
        self.send_megabytes(wire, until="paused")
        self.office.clock.advance(1000)
        self.files.work_off()
        self.office.clock.advance(59)
        self.assertEqual(wire.received(), b"")
        self.office.clock.advance(1)
        self.assertEqual(self.statuses(wire), [408])
        self.files.work_off()
        self.assertEqual(self.office.sink.left, [])

    def test_the_handler_waits_for_the_disk(self) -> None:
        wire = self.office.post(UPLOAD)
        wire.send(post(b"a=1", FORM))
        self.assertEqual(wire.received(), b"")
        self.files.work_off()
        self.assertEqual(self.statuses(wire), [200, 200])
        self.assertTrue(self.office.sink.files[0].finished)

    def test_the_end_of_a_body_that_is_held_up_is_taken(self) -> None:
        data = multipart(file("files", "a.png", b"x" * 1_200_000))
        wire = self.office.wire().send(post(data, MULTIPART) + post(b"a=1", FORM))
        self.assertEqual(wire.transport.producerState, "paused")
        self.files.work_off()
        self.assertEqual(wire.transport.producerState, "producing")
        self.assertEqual(self.statuses(wire), [200, 200])

    def test_a_disk_that_fails_ends_the_upload_at_once(self) -> None:
        for number, status in ((errno.ENOSPC, 507), (errno.EIO, 503)):
            self.setUp()
            self.office.sink.write_error = OSError(number, "no")
            wire = self.office.wire().send(head(5_000_000, MULTIPART) + file("files", "a.png", b"x" * 300_000))
            self.files.work_off()
            self.refused(wire, status)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_a_disk_that_fails_while_it_is_held_up_does_too(self) -> None:
        self.office.sink.write_error = OSError(errno.ENOSPC, "no")
        wire = self.office.wire().send(head(5_000_000, MULTIPART) + file("files", "a.png", b"")[:-2])
        self.send_megabytes(wire, until="paused")
        self.files.work_off()
        self.assertEqual(wire.transport.producerState, "producing")
        self.refused(wire, 507)

    def test_one_that_fails_at_the_end_leaves_the_connection(self) -> None:
        wire = self.office.post(UPLOAD)
        self.office.sink.write_error = OSError(errno.ENOSPC, "no")
        self.files.work_off()
        self.office.sink.write_error = None
        wire.send(post(b"a=1", FORM))
        self.assertEqual(self.statuses(wire), [507, 200])
        self.assertEqual(self.office.sink.left, [])

    def test_a_client_that_goes_while_the_disk_works_leaves_nothing(self) -> None:
        large = multipart(file("files", "a.png", b"x" * 300_000))
        for data, opened in (
            (post(large, MULTIPART), 1),
            (post(large, MULTIPART)[:-100], 1),
            (post(UPLOAD, MULTIPART), 0),
        ):
            self.setUp()
            wire = self.office.wire().send(data)
            for _ in range(opened):
                self.files.work()
            wire.leave()
            self.files.work_off()
            self.assertEqual(len(self.office.sink.files), opened)
            self.assertEqual((self.office.sink.left, self.office.desk.bodies), ([], []))
            self.assertEqual([entry.status for entry in self.office.door.entries], [499])
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_memory_holds_no_more_than_the_disk_is_behind(self) -> None:
        self.office.policy.rules = BodyRules(limit=50_000_000, files=self.office.sink)
        wire = self.office.wire().send(head(50_000_000, MULTIPART) + file("files", "a.png", b"")[:-2])
        sent = 0
        while sent < 40_000_000:
            if wire.transport.producerState == "paused":
                self.files.work()
            else:
                wire.send(b"x" * 65536)
                sent += 65536
            written = sum(len(one.written) for one in self.office.sink.files)
            self.assertLess(sent - written, 1_200_000)


class EndTests(OfficeCase):
    def setUp(self) -> None:
        self.office = Office(take=False)
        self.office.desk.at_once = False

    def test_what_a_handler_does_not_take_is_removed_with_the_answer(self) -> None:
        wire = self.office.post(UPLOAD)
        self.assertEqual(len(self.office.sink.left), 1)
        (asked,) = self.office.desk.requests
        asked.answer(200, [], b"")
        asked.finish()
        self.assertEqual(self.office.sink.left, [])
        self.assertEqual(self.statuses(wire), [200])

    def test_or_when_the_client_goes(self) -> None:
        wire = self.office.post(UPLOAD)
        wire.leave()
        self.assertEqual(self.office.sink.left, [])
        self.assertRaises(BodyGone, self.office.body.files[0].take)

    def test_or_when_the_handler_fails(self) -> None:
        def fail(asked: object) -> int:
            raise ZeroDivisionError

        self.office.desk.render = fail  # type: ignore[method-assign,assignment]
        wire = self.office.post(UPLOAD)
        self.assertEqual(self.statuses(wire), [500])
        self.assertEqual(self.office.sink.left, [])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_or_when_the_handler_says_so(self) -> None:
        self.office.post(UPLOAD)
        self.office.body.discard()
        self.assertEqual(self.office.sink.left, [])

    def test_what_it_takes_stays(self) -> None:
        wire = self.office.post(UPLOAD)
        taken = self.office.body.files[0].take()
        wire.leave()
        self.assertEqual(self.office.sink.left, [taken])

    def test_bodies_without_files_end_without_ado(self) -> None:
        self.office.post(b"a=1", FORM)
        self.office.body.discard()
        self.office.desk.requests[0].finish()


class PaceTests(OfficeCase):
    def sending(self) -> Wire:
        return self.office.wire().send(head(10_000_000, MULTIPART) + file("files", "a.png", b"")[:-2])

    def test_an_upload_may_take_longer_than_a_request(self) -> None:
        wire = self.sending()
        for _ in range(100):
            self.office.clock.pump([10] * 5)
            wire.send(b"x" * 65536)
        self.assertEqual(wire.received(), b"")

    def test_one_that_stands_still_is_408(self) -> None:
        wire = self.sending().send(b"x" * 1_000_000)
        self.office.clock.advance(59)
        wire.send(b"x" * 100_000)
        self.office.clock.advance(59)
        self.assertEqual(wire.received(), b"")
        self.office.clock.advance(1)
        self.refused(wire, 408)

    def test_so_is_one_that_trickles(self) -> None:
        wire = self.sending()
        for _ in range(60):
            self.assertEqual(wire.received(), b"")
            self.office.clock.advance(1)
            wire.send(b"x" * 900)
        self.refused(wire, 408)

    def test_so_is_a_form_that_trickles(self) -> None:
        wire = self.office.wire().send(head(1000, FORM))
        for _ in range(60):
            self.assertEqual(wire.received(), b"")
            self.office.clock.advance(1)
            wire.send(b"x")
        self.refused(wire, 408)

    def test_the_next_request_has_its_own_time(self) -> None:
        wire = self.office.wire().send(post(UPLOAD, MULTIPART))
        self.office.clock.advance(14)
        wire.send(head(3, FORM))
        self.office.clock.advance(59)
        wire.send(b"a=1")
        self.assertEqual(self.statuses(wire), [200, 200])
        self.office.clock.advance(15)
        self.assertTrue(wire.closing)


class ConnectionTests(OfficeCase):
    def test_uploads_and_other_requests_may_follow_each_other(self) -> None:
        wire = self.office.wire()
        wire.send((post(UPLOAD, MULTIPART) + request("/up") + post(b"a=1", FORM)) * 20)
        self.assertEqual(self.statuses(wire), [200] * 60)
        self.assertEqual([body.kind for body in self.office.desk.bodies], ["multipart", "none", "form"] * 20)

    def test_a_server_that_stops_still_takes_what_is_on_its_way(self) -> None:
        wire = self.office.wire().send(post(UPLOAD, MULTIPART)[:-30])
        self.office.door.site.drain()
        self.office.clock.advance(30)
        wire.send(UPLOAD[-30:])
        (answer,) = wire.answers()
        self.assertEqual((answer.status, answer.headers["Connection"]), (200, "close"))
        self.assertTrue(wire.closing)

    def test_a_refused_client_may_go_on_sending_for_a_moment(self) -> None:
        self.office.policy.error = NotAuthenticated()
        wire = self.office.wire().send(head(10**8, MULTIPART))
        for _ in range(60):
            self.assertFalse(wire.closing)
            wire.send(b"x" * 65536)
        wire.send(b"x" * 1_000_000)
        self.assertTrue(wire.closing)
        self.assertEqual(self.office.sink.files, [])

    def test_real_addresses_take_no_bodies(self) -> None:
        door = Office().door
        door.site.resource = type(door)().site.resource
        door.site.bodies = None
        wire = door.wire().send(post(b"a=1", FORM, target="/image") + request("/health"))
        self.assertEqual([answer.status for answer in wire.answers()], [405, 200])


class SinkTests(SynchronousTestCase):
    def test_the_names_of_the_sinks_methods_are_all_that_is_asked_of_it(self) -> None:
        class Bare:
            def open(self, filename: str) -> object:
                return self

            write: Callable[[bytes], None] = staticmethod(lambda data: None)
            finish: Callable[[], None] = staticmethod(lambda: None)
            discard: Callable[[], None] = staticmethod(lambda: None)

        office = Office(take=False)
        office.policy.rules = BodyRules(limit=1000, files=Bare())  # type: ignore[arg-type]
        wire = office.post(UPLOAD)
        self.assertEqual([answer.status for answer in wire.answers()], [200])
        self.assertIsInstance(office.sink, MemorySink)
