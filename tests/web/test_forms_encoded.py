"""Urlencoded forms."""

from __future__ import annotations

import contextlib
from urllib.parse import urlencode

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import BadParameter
from qisd.web.forms_encoded import FIELDS_MAX, parse_form


class ParseTests(SynchronousTestCase):
    def refused(self, data: bytes, parameter: str | None) -> None:
        error = self.assertRaises(BadParameter, parse_form, data)
        self.assertEqual(error.parameter, parameter, data)

    def test_fields_keep_their_order_and_their_doubles(self) -> None:
        self.assertEqual(parse_form(b"b=1&a=2&b=3"), [("b", "1"), ("a", "2"), ("b", "3")])

    def test_blanks_and_escapes_are_decoded(self) -> None:
        self.assertEqual(parse_form(b"a+b=c+d%20e%2Bf%26%3D&%C3%A9=\xc3\xa9"), [("a b", "c d e+f&="), ("é", "é")])

    def test_only_the_first_equals_sign_divides(self) -> None:
        self.assertEqual(parse_form(b"a=b=c"), [("a", "b=c")])

    def test_missing_values_are_blank(self) -> None:
        self.assertEqual(parse_form(b"a&b=&=c"), [("a", ""), ("b", ""), ("", "c")])

    def test_empty_places_are_no_fields(self) -> None:
        self.assertEqual(parse_form(b"&&a=1&&"), [("a", "1")])
        self.assertEqual(parse_form(b""), [])

    def test_semicolons_do_not_divide(self) -> None:
        self.assertEqual(parse_form(b"a=1;b=2"), [("a", "1;b=2")])

    def test_broken_escapes_are_refused(self) -> None:
        for value in (b"%", b"%4", b"%zz", b"100%25%", b"%u0041"):
            self.refused(b"a=" + value, "a")
        self.refused(b"%zz=1", "form")

    def test_what_is_no_utf8_is_refused(self) -> None:
        for value in (b"\xff", b"%ff", b"%C3", b"%ED%A0%80", b"%C0%80"):
            self.refused(b"a=" + value, "a")
        self.refused(b"%ff=1", "form")

    def test_a_thousand_fields_are_taken_and_no_more(self) -> None:
        self.assertEqual(len(parse_form(b"&".join([b"a=1"] * FIELDS_MAX))), FIELDS_MAX)
        self.refused(b"&".join([b"a=1"] * (FIELDS_MAX + 1)), None)
        self.refused(b"&" * 4_000_000, None)

    @settings(deadline=None, max_examples=100, derandomize=True)
    @given(st.lists(st.tuples(st.text(min_size=1, max_size=5), st.text(max_size=5)), max_size=10))
    def test_what_clients_encode_comes_out_again(self, pairs: list[tuple[str, str]]) -> None:
        self.assertEqual(parse_form(urlencode(pairs).encode("ascii")), pairs)

    @settings(deadline=None, max_examples=200, derandomize=True)
    @given(st.binary(max_size=40))
    def test_any_bytes_are_a_form_or_refused(self, data: bytes) -> None:
        with contextlib.suppress(BadParameter):
            parse_form(data)
