from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import BadParameter
from qisd.portfolios.human_ids import base58, checked, generate


class HumanIdTests(SynchronousTestCase):
    def refused(self, text: str) -> str:
        with self.assertRaises(BadParameter, msg=repr(text)) as raised:
            checked(text)
        self.assertEqual(raised.exception.parameter, "human_id")
        return raised.exception.reason

    def test_generated_ids_are_128_random_bits_in_base_58(self) -> None:
        made = {generate() for _ in range(200)}
        self.assertEqual(len(made), 200)
        self.assertLessEqual(max(map(len, made)), 22)
        self.assertGreater(max(map(len, made)), 20)
        for each in made:
            self.assertEqual(checked(each), each)
            self.assertNotRegex(each, "[0OIl]")

    def test_base_58_writes_numbers_with_the_fewest_digits(self) -> None:
        self.assertEqual([base58(n) for n in (0, 1, 57, 58, 58**2)], ["1", "2", "Z", "21", "211"])

    def test_blanks_around_it_do_not_count_and_nothing_but_blanks_is_none(self) -> None:
        self.assertEqual(checked("  spring 2026 "), "spring 2026")
        self.assertEqual(checked(" \t "), "")

    def test_it_has_64_characters_at_most(self) -> None:
        self.assertEqual(checked("é" * 64), "é" * 64)
        self.assertIn("too long (max 64)", self.refused("é" * 65))

    def test_marks_that_mean_something_in_addresses_are_refused(self) -> None:
        for character in "%<>&.?:/":
            self.refused(f"a{character}b")
        for character in "@*!()+#\\ ":
            checked(f"a{character}b")

    def test_control_characters_and_halves_of_surrogates_are_refused(self) -> None:
        for character in "\0\n\x7f\x85\u2028\ud800":
            self.refused(f"a{character}b")

    def test_it_must_be_composed(self) -> None:
        self.assertEqual(checked("caf\u00e9"), "caf\u00e9")
        self.assertIn("normalisation form C", self.refused("cafe\u0301"))

    @given(st.text(max_size=80))
    def test_whatever_is_given_is_an_id_or_refused(self, text: str) -> None:
        try:
            chosen = checked(text)
        except BadParameter:
            return
        self.assertEqual(checked(chosen), chosen)
        self.assertLessEqual(len(chosen), 64)
