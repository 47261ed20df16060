"""Parameters: of every kind, as texts and in JSON."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Meta
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import BadParameter, MissingParameter
from qisd.web.api.endpoint import Parameters
from qisd.web.api.reading import LARGEST, TEXT_MAX, Form, read_json, read_texts, truth

_often = settings(deadline=None, max_examples=300, derandomize=True)


class Part(Form):
    x: Annotated[int, Meta(ge=0, le=9)] = 0


class Everything(Form):
    text: Annotated[str, Meta(min_length=2, max_length=5)] = "none"
    trimmed: Annotated[str, Meta(min_length=1, max_length=5, extra={"trim": True})] = "none"
    word: Annotated[str, Meta(pattern="^[a-z]*$")] = ""
    number: int = 0
    ranged: Annotated[int, Meta(ge=1, le=1000)] = 1
    least: Annotated[int, Meta(ge=-5)] = 0
    most: Annotated[int, Meta(le=5)] = 0
    maybe: Annotated[int | None, Meta(extra={"blank_absent": True})] = None
    share: Annotated[float, Meta(ge=0, le=1)] = 0.0
    flag: bool = False
    choice: Literal["a", "b"] = "a"
    level: Literal[0, 10, 20] = 0
    day: date | None = None
    time: datetime | None = None
    document: Annotated[dict[str, Any], Meta(extra={"json_text": (2, 40)})] = msgspec.field(default_factory=dict)
    anything: Any = None
    words: Annotated[list[Annotated[str, Meta(max_length=3)]], Meta(min_length=1, max_length=3)] = msgspec.field(
        default_factory=lambda: ["x"]
    )
    parts: list[Part] = msgspec.field(default_factory=list)
    part: Part | None = None


class Mandatory(Form):
    name: str
    count: int
    on: bool
    note: str | None


def texts(**given: str) -> Everything:
    return read_texts(Everything, given)


def in_json(**given: Any) -> Everything:
    return read_json(Everything, given)


class ReadingCase(SynchronousTestCase):
    def refused(self, read: Any, reason: str = "", **given: Any) -> None:
        """Each of ``given``, alone, is refused, and named."""
        for name, value in given.items():
            fault = self.assertRaises(BadParameter, read, **{name: value})
            self.assertEqual(fault.parameter, name)
            self.assertIn(reason, fault.reason)
            self.assertTrue(fault.message.startswith(f"{name}: "))


class TextTests(ReadingCase):
    """What a query string or a form has."""

    def test_texts_are_measured_in_characters_after_trimming(self) -> None:
        self.assertEqual(texts(text="ééééé").text, "ééééé")
        self.assertEqual(texts(text="🐧🐧🐧🐧🐧").text, "🐧🐧🐧🐧🐧")
        self.assertEqual(texts(text="  ").text, "  ")
        self.assertEqual(texts(trimmed="  \t a b  \n").trimmed, "a b")
        self.refused(texts, "Value is too short (min 2)", text="a")
        self.refused(texts, "Value is too long (max 5)", text="aaaaaa", trimmed="  aaaaaa")
        self.refused(texts, "Value is too short (min 1)", trimmed=" \u3000 ")

    def test_a_text_whose_length_is_not_said_has_one_nevertheless(self) -> None:
        self.assertEqual(len(texts(word="a" * TEXT_MAX).word), TEXT_MAX)
        for read in (texts, in_json):
            self.refused(read, f"Value is too long (max {TEXT_MAX})", word="a" * (TEXT_MAX + 1))

    def test_a_text_keeps_to_its_pattern(self) -> None:
        self.assertEqual(texts(word="abc").word, "abc")
        self.refused(texts, "characters", word="aBc")

    def test_no_text_holds_what_the_database_cannot(self) -> None:
        for bad in ("a\0b", "\0\0", "a\ud800", "\udfff\udfff"):
            self.refused(texts, "not allowed", text=bad, trimmed=bad)

    def test_whole_numbers_may_have_signs_and_blanks_around(self) -> None:
        for text, number in (("5", 5), ("+5", 5), (" -5\t", -5), ("007", 7), (str(LARGEST), LARGEST)):
            self.assertEqual(texts(number=text).number, number)

    def test_a_blank_number_is_0(self) -> None:
        for text in ("", " ", "\r\n"):
            self.assertEqual(texts(number=text, least=text).number, 0)
            self.refused(texts, "0 is out of range (1 to 1000)", ranged=text)

    def test_a_blank_number_is_none_at_all_where_that_is_said(self) -> None:
        self.assertIsNone(texts(maybe="").maybe)
        self.assertIsNone(texts(maybe="  ").maybe)
        self.assertEqual(texts(maybe="0").maybe, 0)

    def test_what_is_no_whole_number_is_refused(self) -> None:
        for text in ("1.0", "1e3", "0x10", "1_000", "٣", "½", "1 2", "--1", "+", "abc", "\u00a01", "9" * 31, "NaN"):
            self.refused(texts, number=text)

    def test_whole_numbers_end_at_63_bits_or_at_their_range(self) -> None:
        self.refused(texts, "is out of range", number=str(LARGEST + 1))
        self.refused(texts, "is out of range", number=str(-LARGEST - 1))
        self.refused(texts, "1001 is out of range (1 to 1000)", ranged="1001")
        self.refused(texts, "-6 is out of range (min -5)", least="-6")
        self.refused(texts, "6 is out of range (max 5)", most="6")

    def test_numbers_are_finite_and_plain(self) -> None:
        for text, number in (("0.5", 0.5), (" 1 ", 1.0), ("1e-1", 0.1), ("-0", 0.0)):
            self.assertEqual(texts(share=text).share, number)
        for text in ("nan", "inf", "-Infinity", "1_0", "", "١", "0,5", "1.1", "-0.1"):
            self.refused(texts, share=text)

    def test_yes_is_said_in_five_ways_and_all_else_is_no(self) -> None:
        for text in ("1", "t", "y", "true", "yes", "TRUE", " Yes "):
            self.assertIs(texts(flag=text).flag, True)
        for text in ("", "0", "no", "false", "on", "2", "ja", "tru", "\0"):
            self.assertIs(texts(flag=text).flag, False)

    @_often
    @given(st.text(max_size=6))
    def test_a_yes_or_no_is_never_an_error(self, text: str) -> None:
        self.assertIs(texts(flag=text).flag, truth(text))

    def test_choices_are_exact(self) -> None:
        self.assertEqual(texts(choice="b").choice, "b")
        self.refused(texts, "Value is not one of: a, b", choice="c")
        self.refused(texts, "Value is not one of", choice="A")
        self.assertEqual([texts(level=text).level for text in ("", "10", " +20 ")], [0, 10, 20])
        self.refused(texts, "Value is not one of: 0, 10, 20", level="15")
        self.refused(texts, "must be a whole number", level="ten")

    def test_a_day_is_cut_out_of_longer_texts(self) -> None:
        for text in ("2026-03-09", "2026-03-09T23:59:59-05:00", " 2026-03-09 "):
            self.assertEqual(texts(day=text).day, date(2026, 3, 9))
        for text in ("", "2026-3-9", "2026-02-30", "09.03.2026", "0000-01-01", "tomorrow"):
            self.refused(texts, "must be a date", day=text)

    def test_a_time_is_in_utc_unless_it_says_otherwise(self) -> None:
        noon = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
        for text in (
            "2026-03-09T12:00:00",
            "2026-03-09T12:00:00Z",
            "2026-03-09T14:00:00+02:00",
            "2026-03-09T07:00:00-05:00",
            " 2026-03-09 12:00:00 ",
            "2026-03-09T12:00:00 and more",
        ):
            self.assertEqual(texts(time=text).time, noon)
        self.assertEqual(texts(time="2026-03-09").time, datetime(2026, 3, 9, tzinfo=UTC))
        for text in ("", "12:00", "2026-13-01T00:00:00", "2026-03-09T25:00:00", "0001-01-01T00:00:00+01:00"):
            self.refused(texts, time=text)

    def test_what_has_parts_is_json_text(self) -> None:
        self.assertEqual(texts(document='{"a": [1]}').document, {"a": [1]})
        self.assertEqual(texts(document="[]").document, {})
        self.assertEqual(texts(words='["a", "b"]').words, ["a", "b"])
        self.assertEqual(texts(parts='[{"x": 1}, {}]').parts, [Part(x=1), Part()])
        self.assertEqual(texts(anything="null").anything, None)
        self.refused(texts, "Value is too short (min 2)", document="1")
        self.refused(texts, "Value is too long (max 40)", document='{"a": "%s"}' % ("x" * 40))
        self.refused(texts, "must be an object", document="[1]")
        self.refused(texts, "is not proper JSON", document="{a: 1}")
        self.refused(texts, "the name a twice", document='{"a":1,"a":2}')
        self.refused(texts, "nested more than 64 deep", anything="[" * 10_000 + "]" * 10_000)
        self.refused(texts, "NUL", document='{"a": "\\u0000"}')

    def test_the_first_of_a_name_counts_and_unknown_names_do_not(self) -> None:
        read = Parameters(texts=[("number", "1"), ("number", "2"), ("unknown", "x"), ("NUMBER", "3")]).read(Everything)
        self.assertEqual(read.number, 1)

    @_often
    @given(st.dictionaries(st.sampled_from(Everything.__struct_fields__), st.text(max_size=20)))
    def test_any_texts_are_read_or_refused(self, given: dict[str, str]) -> None:
        try:
            read = read_texts(Everything, given)
        except BadParameter as fault:
            self.assertTrue({name for name, _ in fault.faults} <= given.keys())
        else:
            msgspec.json.encode(read)


class JsonTests(ReadingCase):
    """What a JSON object has."""

    def test_every_kind_is_read(self) -> None:
        read = in_json(
            text="ab", trimmed=" a ", number=-3, maybe=7, share=1, flag=True, choice="b", level=20, day="2026-03-09",
            time="2026-03-09T12:00:00+01:00", document={"a": None}, anything=[1], words=["abc"], parts=[{"x": 3}],
            part={"x": 4},
        )  # fmt: skip
        self.assertEqual((read.trimmed, read.number, read.share, read.level), ("a", -3, 1.0, 20))
        self.assertEqual(read.time, datetime(2026, 3, 9, 11, tzinfo=UTC))
        self.assertEqual((read.parts, read.part), ([Part(x=3)], Part(x=4)))

    def test_types_must_be_right(self) -> None:
        wrong: dict[str, list[Any]] = {
            "text": [1, None, True, ["ab"], {}],
            "number": ["1", "", None, True, 1.5, [], {}, math.inf],
            "share": ["0.5", True, None, []],
            "flag": ["true", 1, 0, None, ""],
            "choice": [None, 1, ["a"], "c"],
            "level": ["10", 10.5, True, None, 15],
            "day": [20260309, None.__class__, "x"],
            "time": [1.5, True, "x"],
            "document": ["{}", None, 1, [1]],
            "words": ["x", None, [1], [None], ["long"], [], ["a"] * 4, {}],
            "parts": [{}, [1], [{"x": 10}], [{"x": "1"}]],
            "part": [[], 1, "{}"],
        }
        for name, values in wrong.items():
            for value in values:
                with self.subTest(f"{name} {value!r}"):
                    self.assertRaises(BadParameter, in_json, **{name: value})

    def test_a_whole_number_may_be_written_as_a_fraction(self) -> None:
        self.assertEqual(in_json(number=3.0).number, 3)
        self.assertIsInstance(in_json(number=3.0).number, int)

    def test_numbers_that_are_too_large_are_refused(self) -> None:
        for value in (2**63, -(2**63), 10**400, 1e300):
            self.refused(in_json, "is out of range", number=value)
            self.assertLess(len(self.assertRaises(BadParameter, in_json, number=value).message), 120)
        self.refused(in_json, "is out of range", share=10**400)

    def test_null_is_for_what_may_be_absent(self) -> None:
        read = in_json(maybe=None, day=None, time=None, part=None, anything=None)
        self.assertEqual((read.maybe, read.day, read.part), (None, None, None))

    def test_a_blank_text_is_no_number(self) -> None:
        self.refused(in_json, "must be a whole number", maybe="", number="")

    def test_an_empty_list_is_as_good_as_an_empty_object(self) -> None:
        self.assertEqual(in_json(document=[]).document, {})

    @_often
    @given(
        st.dictionaries(
            st.sampled_from(Everything.__struct_fields__),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
                lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
                max_leaves=8,
            ),
        )
    )
    def test_any_object_is_read_or_refused(self, given: dict[str, Any]) -> None:
        try:
            read_json(Everything, given)
        except BadParameter as fault:
            self.assertTrue(fault.reason)


class MissingTests(SynchronousTestCase):
    def test_what_is_mandatory_is_named_when_it_is_missing(self) -> None:
        fault = self.assertRaises(MissingParameter, read_json, Mandatory, {"name": "", "count": 0, "note": None})
        self.assertEqual((fault.parameter, fault.code), ("on", "missing_parameter"))

    def test_a_box_that_is_not_ticked_is_not_sent_by_a_form(self) -> None:
        self.assertIs(read_texts(Mandatory, {"name": "", "count": "", "note": ""}).on, False)

    def test_all_faults_are_told_at_once_and_the_first_is_the_answer(self) -> None:
        fault = self.assertRaises(BadParameter, read_texts, Mandatory, {"count": "x", "note": "\0"})
        self.assertEqual(fault.parameter, "name")
        self.assertEqual(
            fault.faults,
            (
                ("name", "must be given"),
                ("count", "must be a whole number"),
                ("note", "NUL characters and lone surrogates are not allowed"),
            ),
        )

    def test_what_is_not_given_stays_as_it_was(self) -> None:
        base = {"name": "old", "count": 3, "on": True, "note": "n"}
        for read, change in ((read_texts, {"count": "4"}), (read_json, {"count": 4})):
            self.assertEqual(read(Mandatory, change, base=base), Mandatory(name="old", count=4, on=True, note="n"))
        self.assertRaises(BadParameter, read_texts, Mandatory, {"count": "x"}, base=base)
        self.assertRaises(MissingParameter, read_json, Mandatory, {}, base={"name": "old"})
