from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.web.conditional import Conditions, EntityTag, Validators, parse_tags, precondition_status, range_applies
from qisd.web.dates import format_date

CHANGED = 1_700_000_000
IS = Validators(etag="abc", last_modified=CHANGED + 0.7)
UNTAGGED = Validators(etag=None, last_modified=CHANGED + 0.7)
BEFORE, THEN, AFTER = (format_date(CHANGED + offset) for offset in (-10, 0, 10))


class TagTests(SynchronousTestCase):
    def test_lists_weak_bare_and_star_tags_are_read(self) -> None:
        self.assertEqual(
            parse_tags('"a", W/"b" ,c,"d,e", *, ""'),
            [
                EntityTag("a"),
                EntityTag("b", weak=True),
                EntityTag("c"),
                EntityTag("d,e"),
                EntityTag("", any=True),
                EntityTag(""),
            ],
        )

    def test_a_quoted_star_is_no_star(self) -> None:
        self.assertEqual(parse_tags('"*"'), [EntityTag("*")])

    @settings(deadline=None, max_examples=100, derandomize=True)
    @given(st.text(alphabet='W/"*, abc\\é') | st.text())
    def test_no_header_makes_it_fail(self, header: str) -> None:
        self.assertLessEqual(len(parse_tags(header)), 100)


class PreconditionTests(SynchronousTestCase):
    def _status(self, validators: Validators = IS, **conditions: str) -> int | None:
        return precondition_status(Conditions(**conditions), validators)

    def test_without_conditions_the_answer_is_the_image(self) -> None:
        self.assertIsNone(self._status())

    def test_a_copy_that_is_still_good_is_not_sent_again(self) -> None:
        for held in ('"abc"', 'W/"abc"', '"x", "abc"', "abc", "*"):
            self.assertEqual(self._status(if_none_match=held), 304, held)

    def test_another_version_is_sent(self) -> None:
        for held in ('"abd"', "ab", '"ABC"', ""):
            self.assertIsNone(self._status(if_none_match=held), held)

    def test_the_date_decides_only_without_tags(self) -> None:
        self.assertEqual(self._status(if_modified_since=THEN), 304)
        self.assertEqual(self._status(if_modified_since=AFTER), 304)
        self.assertIsNone(self._status(if_modified_since=BEFORE))
        self.assertIsNone(self._status(if_none_match='"x"', if_modified_since=AFTER))
        self.assertIsNone(self._status(if_modified_since="nonsense"))

    def test_if_match_wants_the_very_version(self) -> None:
        self.assertIsNone(self._status(if_match='"abc"'))
        self.assertIsNone(self._status(if_match="*"))
        self.assertEqual(self._status(if_match='W/"abc"'), 412)
        self.assertEqual(self._status(if_match='"x"'), 412)

    def test_if_unmodified_since_counts_only_without_if_match(self) -> None:
        self.assertEqual(self._status(if_unmodified_since=BEFORE), 412)
        self.assertIsNone(self._status(if_unmodified_since=THEN))
        self.assertIsNone(self._status(if_unmodified_since="nonsense"))
        self.assertIsNone(self._status(if_match='"abc"', if_unmodified_since=BEFORE))

    def test_a_failed_condition_comes_before_a_good_copy(self) -> None:
        self.assertEqual(self._status(if_match='"x"', if_none_match='"abc"'), 412)
        self.assertEqual(self._status(if_match='"abc"', if_none_match='"abc"'), 304)

    def test_without_a_tag_only_a_star_matches(self) -> None:
        self.assertIsNone(self._status(UNTAGGED, if_none_match='"abc"'))
        self.assertEqual(self._status(UNTAGGED, if_none_match="*"), 304)


class IfRangeTests(SynchronousTestCase):
    def _applies(self, if_range: str | None, now: float = CHANGED + 100) -> bool:
        return range_applies(Conditions(if_range=if_range), IS, now=now)

    def test_without_if_range_a_range_always_counts(self) -> None:
        self.assertTrue(self._applies(None))

    def test_only_the_strong_tag_of_this_version_lets_a_range_count(self) -> None:
        self.assertTrue(self._applies('"abc"'))
        self.assertTrue(self._applies("abc"))
        for other in ('W/"abc"', '"x"', "*", '"abc", "x"', ""):
            self.assertFalse(self._applies(other), other)

    def test_a_date_must_be_exact_and_its_second_over(self) -> None:
        self.assertTrue(self._applies(THEN))
        self.assertFalse(self._applies(AFTER))
        self.assertFalse(self._applies(BEFORE))
        self.assertFalse(self._applies(THEN, now=CHANGED + 0.9))
