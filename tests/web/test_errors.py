from __future__ import annotations

import json

from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import (
    BadParameter,
    Busy,
    Forbidden,
    NoSpace,
    NotFound,
    RenderCancelled,
    RenderTimeout,
    StoreUnavailable,
)
from qisd.repeated import Repeated
from qisd.web import errors
from qisd.web.errors import ErrorAnswer, status_name, translate


def _answer(error: Exception) -> ErrorAnswer:
    return translate(Failure(error), request_id="f00", where="GET /image")


class TranslationTests(SynchronousTestCase):
    def test_a_bad_parameter_names_it(self) -> None:
        answer = _answer(BadParameter("width", "out of range"))
        self.assertEqual((answer.status, answer.message, answer.parameter), (400, "width: out of range", "width"))

    def test_what_is_only_for_the_log_stays_there(self) -> None:
        for error in (
            Forbidden(detail="/srv/secret"),
            NotFound("gone", detail="/srv/secret"),
            StoreUnavailable(detail="/srv/secret"),
        ):
            answer = _answer(error)
            self.assertNotIn(b"secret", answer.page() + answer.json())

    def test_a_refusal_is_logged_with_who_and_what(self) -> None:
        with capturedLogs() as events:
            _answer(Forbidden(detail="outside the library"))
        (event,) = events
        self.assertEqual(event["reason"], "outside the library")
        self.assertEqual(event["where"], "GET /image")

    def test_what_every_request_meets_is_logged_once_in_a_while(self) -> None:
        clock = Clock()
        self.patch(errors, "_repeated", Repeated(now=clock.seconds))
        with capturedLogs() as events:
            for seconds in (0, 1, 1, 10):
                clock.advance(seconds)
                _answer(StoreUnavailable(detail="there is no connection to the database"))
            _answer(NoSpace(detail="the disk is full"))
        loud = [event for event in events if event["log_level"] is LogLevel.warn]
        self.assertEqual([event["more"] for event in loud], ["", "; 2 more like it before", ""])
        self.assertEqual(len(events), 5)

    def test_whoever_is_to_come_back_is_told_when(self) -> None:
        for error, seconds in ((Busy(), "5"), (RenderTimeout(), "30"), (StoreUnavailable(retry_after=7), "7")):
            answer = _answer(error)
            self.assertEqual(answer.status, 503)
            self.assertIn(("Retry-After", seconds), answer.headers)

    def test_a_render_given_up_while_the_client_is_there_is_not_its_fault(self) -> None:
        for error in (CancelledError(), RenderCancelled()):
            self.assertEqual(_answer(error).status, 503)

    def test_the_unexpected_is_a_number_for_the_client_and_one_traceback_for_the_log(self) -> None:
        with capturedLogs() as events:
            answer = _answer(ValueError("/srv/images is broken"))
        self.assertEqual(answer.status, 500)
        self.assertIn("f00", answer.message)
        self.assertNotIn("srv", answer.message)
        (event,) = [event for event in events if event["log_level"] is LogLevel.critical]
        self.assertEqual(event["request_id"], "f00")
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)


class BodyTests(SynchronousTestCase):
    def test_the_page_has_title_heading_and_escaped_text(self) -> None:
        page = ErrorAnswer(status=404, message="'<b>&' was not found").page().decode()
        self.assertIn("<title>404 Not Found</title>", page)
        self.assertIn("<h1>Not Found</h1>", page)
        self.assertIn("<p>&#x27;&lt;b&gt;&amp;&#x27; was not found</p>", page)

    def test_json_has_the_same_facts(self) -> None:
        fields = json.loads(ErrorAnswer(status=400, message="width: bad", parameter="width").json())
        self.assertEqual(fields, {"status": 400, "message": "width: bad", "parameter": "width"})

    def test_names_of_files_that_are_no_unicode_do_not_break_the_page(self) -> None:
        answer = ErrorAnswer(status=404, message="a\udcff.jpg")
        self.assertIn(b"a?.jpg", answer.page())
        json.loads(answer.json())

    def test_statuses_are_named_as_the_standard_does(self) -> None:
        names = {413: "Content Too Large", 414: "URI Too Long", 416: "Range Not Satisfiable",
                 431: "Request Header Fields Too Large"}  # fmt: skip
        for status, name in names.items():
            self.assertEqual(status_name(status), name)
