"""The form of answers and of errors."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from qisd import errors
from qisd.web.api import envelope
from qisd.web.api.dispatch import CsrfFailed
from qisd.web.api.idempotency import KeyInUse
from qisd.web.errors import ErrorAnswer, not_allowed, not_found, translate


def told(error: Exception) -> ErrorAnswer:
    return translate(Failure(error), request_id="feed", where="here")


class SuccessTests(SynchronousTestCase):
    def test_an_answer_has_three_keys_in_their_order_and_one_line_end(self) -> None:
        self.assertEqual(envelope.success(b"null"), b'{"data":null,"message":"OK","status":200}\n')
        self.assertEqual(
            envelope.success(envelope.encoded({"b": 1, "a": "é"}), status=202, message="OK task accepted"),
            '{"data":{"a":"é","b":1},"message":"OK task accepted","status":202}\n'.encode(),
        )

    @settings(deadline=None, max_examples=100, derandomize=True)
    @given(st.text(st.characters(exclude_categories=["Cs"])))
    def test_any_message_stays_json(self, message: str) -> None:
        body = envelope.success(b"[1]", status=400, message=message)
        self.assertEqual(json.loads(body), {"data": [1], "message": message, "status": 400})


class ErrorTests(SynchronousTestCase):
    def test_messages_begin_as_old_clients_expect(self) -> None:
        for error, message in (
            (errors.BadParameter("q", "0 is no number"), "Invalid parameter (Invalid value: q: 0 is no number)"),
            (errors.MissingParameter("path"), "Invalid parameter (Missing parameter: path)"),
            (errors.Refused("This would lock you out"), "Invalid parameter (This would lock you out)"),
            (CsrfFailed(), "Bad Request (missing CSRF token or one of another session)"),
            (errors.NotAuthenticated(), "Not authenticated (You must be logged in to access this function)"),
            (errors.Forbidden("View permission is required"), "Unauthorised request (View permission is required)"),
            (errors.NotFound("17"), "The requested item was not found (17)"),
            (errors.AlreadyExists("a.png already exists"), "The specified item already exists (a.png already exists)"),
            (KeyInUse("A request with this key is under way"), "Conflict (A request with this key is under way)"),
            (errors.OutOfDate("Changed meanwhile"), "Precondition Failed (Changed meanwhile)"),
            (errors.TooLarge("Exceeds the capacity limit"), "Request Entity Too Large (Exceeds the capacity limit)"),
            (errors.Unsupported("No picture"), "Invalid or unsupported image file (No picture)"),
            (errors.Busy(), "The server is too busy to make this image now."),
            (errors.RenderTimeout(), "The server is too busy (Making this image took too long.)"),
            (ValueError("secret"), "Internal error (Something unexpected happened. It is in the log as feed.)"),
        ):  # fmt: skip
            self.assertEqual(envelope.error_message(told(error)), message)
        self.flushLoggedErrors(ValueError)
        self.assertEqual(envelope.error_message(not_found()), "Not Found")
        self.assertTrue(envelope.error_message(not_allowed("GET")).startswith("Method Not Allowed"))
        self.assertEqual(
            envelope.error_message(ErrorAnswer(status=404, message="")), "The requested item was not found"
        )

    def test_an_error_is_an_envelope_and_a_problem_at_once(self) -> None:
        fault = errors.BadParameter("limit", "0 is out of range")
        fault.faults = (("limit", "0 is out of range"), ("start", "must be a whole number"))
        headers, body = envelope.error_answer(told(fault), "*/*")
        self.assertEqual(headers, [("Content-Type", "application/json")])
        self.assertEqual(
            json.loads(body),
            {
                "status": 400,
                "message": "Invalid parameter (Invalid value: limit: 0 is out of range)",
                "data": None,
                "type": "urn:qisd:error:bad_parameter",
                "title": "Bad Request",
                "detail": "limit: 0 is out of range",
                "parameter": "limit",
                "errors": [
                    {"parameter": "limit", "reason": "0 is out of range"},
                    {"parameter": "start", "reason": "must be a whole number"},
                ],
            },
        )

    def test_who_accepts_only_problems_gets_one(self) -> None:
        for accept in ("application/problem+json", "Application/Problem+JSON; q=1"):
            headers, body = envelope.error_answer(told(errors.NotFound("17")), accept)
            self.assertEqual(headers, [("Content-Type", "application/problem+json")])
            self.assertEqual(json.loads(body).keys(), {"type", "title", "status", "detail"})
        for accept in (None, "", "application/json", "application/json, application/problem+json"):
            self.assertIn("message", json.loads(envelope.error_answer(told(errors.NotFound("17")), accept)[1]))

    def test_the_unexpected_shows_nothing_but_its_number(self) -> None:
        _, body = envelope.error_answer(told(RuntimeError("/etc/passwd")), None)
        self.flushLoggedErrors(RuntimeError)
        self.assertNotIn(b"passwd", body)
        self.assertEqual(json.loads(body)["incident"], "feed")

    def test_data_may_come_with_an_error(self) -> None:
        _, body = envelope.error_answer(told(errors.OutOfDate("x")), None, data={"id": 1})
        self.assertEqual(json.loads(body)["data"], {"id": 1})
