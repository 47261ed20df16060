"""JSON bodies."""

from __future__ import annotations

import json
import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import BadParameter
from qisd.web.bad_body import BadBody
from qisd.web.json_text import DEPTH_MAX, VALUES_MAX, parse_object, parse_value

_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=20,
)


class ParseTests(SynchronousTestCase):
    def refused(self, data: bytes) -> BadParameter:
        return self.assertRaises(BadParameter, parse_object, data)

    def test_an_object_comes_out_as_it_is(self) -> None:
        self.assertEqual(
            parse_object('{"a": [1, -2.5, true, null, "é\\u00e9\\ud83d\\ude00"], "b": {}}'.encode()),
            {"a": [1, -2.5, True, None, "éé😀"], "b": {}},
        )

    def test_other_values_are_refused(self) -> None:
        for data in (b"[]", b"1", b'"a"', b"null", b"true"):
            self.refused(data)

    def test_what_is_no_json_is_refused(self) -> None:
        for data in (
            b"", b" ", b"{", b"{}x", b"{}{}", b"{'a':1}", b'{"a":1,}', b"{a:1}", b'{"a":01}', b'{"a":"\n"}',
            b'{"a":.5}', b'{"a":+1}', b'\xef\xbb\xbf{"a":1}', b'{"a":1}\x00', b'{"a"', b'{"a":"\\u12"}', b'{"a":"\\x"}',
        ):  # fmt: skip
            self.refused(data)

    def test_a_fault_is_told_with_its_place(self) -> None:
        self.assertIn("line 2, column 7", self.refused(b'{"a": 1,\n "b": x}').message)

    def test_the_text_must_be_utf8(self) -> None:
        for data in (
            b'{"a":"\xff"}',
            b'{"a":"\xed\xa0\x80"}',
            '{"a":1}'.encode("utf-16"),
            '{"a":"é"}'.encode("latin-1"),
        ):
            self.refused(data)

    def test_what_no_text_of_the_database_can_hold_is_refused_wherever_it_is(self) -> None:
        for data in (
            rb'{"a":"\u0000"}',
            rb'{"\u0000":1}',
            rb'{"a":[{"b":"x\u0000"}]}',
            rb'{"a":"\ud800"}',
            rb'{"\udc00":1}',
            rb'{"a":[["\ud800x"]]}',
            rb'{"a":"\ude00\ud83d"}',
        ):
            self.assertIsInstance(self.refused(data), BadBody)

    def test_a_name_twice_is_refused_and_told(self) -> None:
        for data in (b'{"a":1,"a":1}', b'{"x":[{"b":1,"a":2,"c":3,"a":4}]}', rb'{"a":1,"\u0061":2}'):
            self.assertEqual(self.refused(data).parameter, "a")
        self.assertLess(len(self.refused(b'{"%s":1,"%s":2}' % (b"x" * 5000, b"x" * 5000)).message), 200)
        self.refused(rb'{"\ud800":1,"\ud800":2}').message.encode("utf-8")

    def test_infinite_numbers_are_refused(self) -> None:
        for number in (b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999"):
            self.refused(b'{"a":[' + number + b"]}")

    def test_whole_numbers_stay_whole_however_large(self) -> None:
        for number in (2**63, -(2**63) - 1, 10**30, 10**4000):
            self.assertEqual(parse_object(b'{"a":%d}' % number), {"a": number})
        self.refused(b'{"a":' + b"9" * 5000 + b"}")

    def test_nesting_ends_at_64(self) -> None:
        def nested(depth: int) -> list[bytes]:
            return [
                b'{"a":' * depth + b"1" + b"}" * depth,
                b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}",
            ]

        for data in nested(DEPTH_MAX):
            parse_object(data)
        for depth in (DEPTH_MAX + 1, 500, 10_000, 100_000):
            for data in nested(depth):
                self.assertIsInstance(self.refused(data), BadBody)
        self.refused(b'{"a":' + b"[" * 1_000_000)

    def test_very_many_values_are_refused(self) -> None:
        many = b'{"a":[' + b"1," * (VALUES_MAX - 2) + b"1]}"
        self.assertEqual(len(parse_object(many)["a"]), VALUES_MAX - 1)
        self.refused(many.replace(b"]", b",1]"))
        self.refused(b'{"a":[' + b"[]," * 1_000_000 + b"1]}")

    @settings(deadline=None, max_examples=100, derandomize=True)
    @given(st.dictionaries(_TEXTS, _VALUES, max_size=5))
    def test_what_programs_write_comes_out_again(self, value: dict[str, Any]) -> None:
        self.assertEqual(parse_object(json.dumps(value).encode()), value)
        self.assertEqual(parse_object(json.dumps(value, ensure_ascii=False).encode()), value)

    @settings(deadline=None, max_examples=300, derandomize=True)
    @given(st.text(alphabet='{}[]",:\\u0e1dD8+-.NaInfinity tr', max_size=30))
    def test_any_text_is_an_object_or_refused(self, text: str) -> None:
        try:
            value = parse_object(text.encode())
        except BadParameter:
            return
        self.assertTrue(all(not isinstance(one, float) or math.isfinite(one) for one in value.values()))


class FieldTests(SynchronousTestCase):
    """JSON in a field of a form is as strict."""

    def refused(self, text: str) -> BadParameter:
        return self.assertRaises(BadParameter, parse_value, text, parameter="template")

    def test_every_kind_of_value_is_read(self) -> None:
        for text, value in (("{}", {}), ("[1, null]", [1, None]), ('"a"', "a"), ("1.5", 1.5), (" true ", True)):
            self.assertEqual(parse_value(text, parameter="template"), value)

    def test_faults_name_the_field(self) -> None:
        for text, reason in (
            ("", "is not proper JSON: line 1, column 1"),
            ("{", "is not proper JSON: line 1, column 2"),
            ("NaN", "is not proper JSON"),
            ("9" * 5000, "is not proper JSON"),
            ('{"a":1,"a":2}', "has the name a twice"),
            ('["\\u0000"]', "has a text with a NUL character or half of a surrogate pair in it"),
            ('["\ud800"]', "has a text with a NUL character or half of a surrogate pair in it"),
            ("[" * 10_000 + "]" * 10_000, "is nested more than 64 deep"),
            ("[" + "1," * VALUES_MAX + "1]", "has too many values"),
        ):
            fault = self.refused(text)
            self.assertEqual((fault.parameter, fault.reason), ("template", reason))
