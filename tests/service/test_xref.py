"""Tracking calls."""

from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import Response
from twisted.web.http_headers import Headers

from qisd.service.xref import XrefTracker


class Tracking(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.calls: list[tuple[str, Deferred[Any]]] = []
        self.tracker = XrefTracker("http://stats.example/hit?id=", reactor=self.clock, get=self.get)
        self.warnings: list[str] = []

    def get(self, url: str) -> Deferred[Any]:
        answer: Deferred[Any] = Deferred()
        self.calls.append((url, answer))
        return answer

    def test_the_value_is_appended_with_everything_special_in_it_encoded(self) -> None:
        self.tracker.track("a b&c=d/e#ü\r\nX: 1")
        self.assertEqual(self.calls[0][0], "http://stats.example/hit?id=a%20b%26c%3Dd%2Fe%23%C3%BC%0D%0AX%3A%201")

    def test_without_address_there_are_no_calls(self) -> None:
        self.tracker.configure("")
        self.tracker.track("a")
        self.assertEqual(self.calls, [])

    def test_four_run_at_once_and_the_others_wait(self) -> None:
        for number in range(6):
            self.tracker.track(str(number))
        self.assertEqual(len(self.calls), 4)
        self.calls[0][1].errback(OSError("gone"))
        self.assertEqual(len(self.calls), 5)
        self.assertEqual(self.calls[4][0][-1], "4")

    def test_a_call_that_hangs_is_given_up(self) -> None:
        for number in range(5):
            self.tracker.track(str(number))
        self.clock.advance(10)
        self.assertEqual(len(self.calls), 5)

    def test_too_many_that_wait_are_dropped(self) -> None:
        for number in range(2000):
            self.tracker.track(str(number))
        for index in range(2000):
            if index < len(self.calls):
                self.calls[index][1].errback(OSError("gone"))
        self.assertEqual(len(self.calls), 1004)

    def test_a_call_that_cannot_even_begin_is_only_logged(self) -> None:
        tracker = XrefTracker("http://stats.example/", reactor=self.clock, get=lambda url: fail(ValueError("bad url")))
        tracker.track("a")
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_an_end_takes_all_calls_back(self) -> None:
        for number in range(6):
            self.tracker.track(str(number))
        self.tracker.stop()
        self.assertEqual(len(self.calls), 4)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_good_answer_ends_the_call(self) -> None:
        self.tracker.track("a")
        response = Response((b"HTTP", 1, 1), 204, b"No Content", Headers(), None)
        response.length = 0
        self.calls[0][1].callback(response)
        self.tracker.stop()


class Address(SynchronousTestCase):
    def test_what_is_encoded_reaches_the_other_site_as_it_is(self) -> None:
        from hyperlink import EncodedURL

        url = "http://stats.example/hit?id=a%20b%26c%2Fe"
        self.assertEqual(EncodedURL.from_text(url).to_uri().to_text(), url)
