"""From events to lines."""

import json
import os
import time
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from qisd.request_ids import working_at
from qisd.service.log_records import Record, journal_datagram, json_line, one_line, record_of, text_lines


def event(**fields: Any) -> dict[str, Any]:
    """An event as twisted.logger makes it."""
    return {
        "log_namespace": "qisd.images",
        "log_level": LogLevel.info,
        "log_time": 1553687348.982,
        "log_format": "text",
        **fields,
    }


class Records(SynchronousTestCase):
    def test_the_area_is_the_module_below_the_package(self) -> None:
        self.assertEqual(record_of(event(log_namespace="qisd.web.site")).area, "web.site")

    def test_fields_are_filled_into_the_text(self) -> None:
        self.assertEqual(record_of(event(log_format="{a} of {b}", a=1, b="x")).text, "1 of x")

    def test_what_twisted_says_of_its_daily_work_is_for_debugging(self) -> None:
        record = record_of(event(log_namespace="twisted.internet.protocol", log_format="Starting factory"))
        self.assertEqual((record.level, record.area), (LogLevel.debug, "twisted"))

    def test_what_twisted_complains_of_keeps_its_level(self) -> None:
        record = record_of(event(log_namespace="twisted.web", log_level=LogLevel.warn))
        self.assertIs(record.level, LogLevel.warn)

    def test_a_failure_brings_its_traceback_along(self) -> None:
        try:
            raise ValueError("the reason")
        except ValueError:
            record = record_of(event(log_failure=Failure()))
        self.assertIn("ValueError: the reason", record.following[-1])

    def test_an_event_that_cannot_be_formatted_still_makes_a_record(self) -> None:
        self.assertTrue(record_of(event(log_format="{missing}")).text)


class Lines(SynchronousTestCase):
    def setUp(self) -> None:
        zone = os.environ.get("TZ")
        os.environ["TZ"] = "UTC"
        time.tzset()
        self.addCleanup(time.tzset)
        self.addCleanup(os.environ.pop, "TZ") if zone is None else self.addCleanup(os.environ.__setitem__, "TZ", zone)

    def test_a_text_line_has_time_process_level_and_text(self) -> None:
        line = text_lines(record_of(event()), process="qis_31")
        self.assertEqual(line, "2019-03-27 11:49:08,982 qis_31     INFO     text\n")

    def test_what_is_said_while_a_request_is_worked_at_names_it_once(self) -> None:
        with working_at("ab12"):
            plain, named = record_of(event()), record_of(event(log_format="refused (ab12)"))
        self.assertTrue(text_lines(plain, process="qis_31").endswith(" text [ab12]\n"))
        self.assertTrue(text_lines(named, process="qis_31").endswith(" refused (ab12)\n"))
        self.assertIn(b"QIS_REQUEST_ID=ab12\n", journal_datagram(plain, identifier="qis"))

    def test_a_coroutine_keeps_the_request_that_it_was_begun_for(self) -> None:
        pause: Deferred[None] = Deferred()

        async def work() -> str | None:
            await pause
            return record_of(event()).request_id

        with working_at("ab12"):
            done = Deferred.fromCoroutine(work())
        pause.callback(None)
        self.assertEqual(self.successResultOf(done), "ab12")
        self.assertIsNone(record_of(event()).request_id)

    def test_what_follows_is_set_in(self) -> None:
        line = text_lines(record_of(event(lines=["one", "two"])), process="qis_31")
        self.assertEqual(line.splitlines()[1:], ["    one", "    two"])

    def test_a_json_line_has_the_time_in_utc(self) -> None:
        fields = json.loads(json_line(record_of(event(request_id="abc")), process="qis", pid=31))
        self.assertEqual(
            fields,
            {
                "ts": "2019-03-27T11:49:08.982Z",
                "level": "info",
                "process": "qis",
                "pid": 31,
                "area": "images",
                "request_id": "abc",
                "msg": "text",
            },
        )

    def test_the_journal_gets_priority_and_area(self) -> None:
        datagram = journal_datagram(record_of(event(log_level=LogLevel.error)), identifier="qis")
        self.assertEqual(datagram, b"MESSAGE=text\nPRIORITY=3\nSYSLOG_IDENTIFIER=qis\nQIS_AREA=images\n")

    def test_the_journal_gets_several_lines_with_their_length(self) -> None:
        datagram = journal_datagram(record_of(event(lines=["more"])), identifier="qis")
        self.assertTrue(datagram.startswith(b"MESSAGE\n\x09\0\0\0\0\0\0\0text\nmore\nPRIORITY=6\n"))


class Forgery(SynchronousTestCase):
    def test_a_line_break_in_a_text_does_not_begin_a_line(self) -> None:
        record = record_of(event(log_format="{src}", src="a\n2019-03-27 11:49:08,982 qis_31     INFO     forged"))
        self.assertEqual(text_lines(record, process="qis_31").count("\n"), 1)

    def test_a_line_break_in_an_exception_does_not_begin_an_entry(self) -> None:
        try:
            raise ValueError("a\n2019-03-27 11:49:08,982 qis_31     INFO     forged")
        except ValueError:
            record = record_of(event(log_failure=Failure()))
        for line in text_lines(record, process="qis_31").splitlines()[1:]:
            self.assertTrue(line.startswith("    "))

    @settings(deadline=None, max_examples=100, derandomize=True)
    @given(st.text(st.characters()))
    def test_any_text_becomes_one_printable_line(self, text: str) -> None:
        self.assertTrue(one_line(text).isprintable())
        one_line(text).encode("utf-8")

    @settings(deadline=None, max_examples=100, derandomize=True)
    @given(st.text(), st.lists(st.text(), max_size=3))
    def test_an_entry_of_json_is_one_line_whatever_it_says(self, text: str, following: list[str]) -> None:
        record = record_of(event(log_format="{text}", text=text, lines=following))
        line = json_line(record, process="qis", pid=1)
        self.assertEqual(len(line.splitlines()), 1)
        self.assertEqual(json.loads(line)["msg"], one_line(text))


class Order(SynchronousTestCase):
    def test_levels_have_the_names_of_the_python_world(self) -> None:
        names = [
            Record(time=0, level=level, area="", text="").level_name
            for level in (LogLevel.debug, LogLevel.info, LogLevel.warn, LogLevel.error, LogLevel.critical)
        ]
        self.assertEqual(names, ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])
