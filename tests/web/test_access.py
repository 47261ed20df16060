from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.web.access import printable


class PrintableTests(SynchronousTestCase):
    def test_ordinary_text_stays_as_it_is(self) -> None:
        self.assertEqual(printable("GET /image?src=søren.jpg".encode()), "GET /image?src=søren.jpg")

    def test_what_could_end_a_field_or_a_line_is_escaped(self) -> None:
        self.assertEqual(printable(b'a"b\\c\r\nd\x1b[0m\xff'), 'a\\"b\\\\c\\r\\nd\\x1b[0m\\xff')
        self.assertEqual(printable("a\u2028b\u202ec".encode()), "a\\u2028b\\u202ec")

    def test_a_token_in_an_address_is_left_out(self) -> None:
        self.assertEqual(
            printable(b"GET /api/tokenlogin/?next=/a&token=s3cr%65t&x=1 HTTP/1.1"),
            "GET /api/tokenlogin/?next=/a&token=***&x=1 HTTP/1.1",
        )
        self.assertEqual(
            printable(b"https://example.com/api/tokenlogin/?token=s3cret"),
            "https://example.com/api/tokenlogin/?token=***",
        )
        self.assertEqual(printable(b"/image?src=a&mytoken=b"), "/image?src=a&mytoken=b")

    def test_very_long_texts_are_cut(self) -> None:
        self.assertEqual(len(printable(b"x" * 100_000)), 4097)

    @settings(deadline=None, max_examples=100, derandomize=True)
    @given(st.binary(max_size=200))
    def test_anything_becomes_one_printable_text_that_quotes_can_hold(self, raw: bytes) -> None:
        text = printable(raw)
        self.assertTrue(text.isprintable())
        self.assertNotIn('"', text.replace("\\\\", "").replace('\\"', ""))
