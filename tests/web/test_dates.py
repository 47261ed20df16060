from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.web.dates import format_date, parse_date

_MOMENT = 784111777


class DatesTests(SynchronousTestCase):
    def test_all_three_forms_of_a_date_are_the_same_moment(self) -> None:
        for text in (
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ):
            self.assertEqual(parse_date(text), _MOMENT, text)

    def test_parts_of_a_second_are_cut_not_rounded(self) -> None:
        self.assertEqual(format_date(_MOMENT + 0.999), "Sun, 06 Nov 1994 08:49:37 GMT")

    def test_impossible_dates_are_none(self) -> None:
        for text in (
            "",
            "0",
            "yesterday",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 06 Xyz 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:60:37 GMT",
            "Sun, 06 Nov 0000 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, ٠٦ Nov 1994 08:49:37 GMT",
        ):
            self.assertIsNone(parse_date(text), text)

    @settings(deadline=None, max_examples=100, derandomize=True)
    @given(st.integers(0, 4_000_000_000))
    def test_what_is_written_is_read_again(self, seconds: int) -> None:
        self.assertEqual(parse_date(format_date(seconds)), seconds)

    @settings(deadline=None, max_examples=100, derandomize=True)
    @given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", fullmatch=True))
    def test_no_text_makes_it_fail(self, text: str) -> None:
        parsed = parse_date(text)
        self.assertTrue(parsed is None or isinstance(parsed, int))
