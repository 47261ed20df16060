from fractions import Fraction

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import BadParameter
from qisd.imaging import values
from qisd.imaging.spec import UNIT, Position, Tile

QUICK = settings(deadline=None, max_examples=100, derandomize=True)
LONG = 100_000


class IntegerTests(SynchronousTestCase):
    def test_signs_blanks_and_leading_zeros_are_allowed(self):
        for text, value in (("12", 12), ("+12", 12), ("-12", -12), (" 12\t", 12), ("0012", 12), ("-0", 0), ("0", 0)):
            self.assertEqual(values.integer("width", text), value, text)

    def test_the_empty_text_is_zero(self):
        self.assertEqual(values.integer("width", ""), 0)

    def test_anything_else_is_refused_with_the_name_of_the_parameter(self):
        wrong = (
            "12.5",
            "abc",
            "1_000",
            "١٢",
            "１２",
            "nan",
            "inf",
            "0x10",
            "1e3",
            "--1",
            "+",
            "1 2",
            " ",
            "1\x00",
            "\u00a01",
        )
        for text in wrong:
            error = self.assertRaises(BadParameter, values.integer, "width", text)
            self.assertEqual(error.parameter, "width")
            self.assertTrue(error.message.startswith("width: "), text)

    def test_a_million_digits_are_one_huge_number(self):
        self.assertEqual(values.integer("width", "9" * 10**6), values.HUGE)
        self.assertEqual(values.integer("width", "-" + "9" * 10**6), -values.HUGE)
        self.assertEqual(values.integer("width", "0" * 10**6 + "7"), 7)

    @QUICK
    @given(st.integers(-values.HUGE, values.HUGE))
    def test_every_integer_is_read_as_itself(self, number):
        self.assertEqual(values.integer("page", str(number)), number)

    @QUICK
    @given(st.text(max_size=30))
    @example("9" * LONG + "x")
    def test_no_text_raises_anything_but_a_bad_parameter(self, text):
        for parse in (values.integer, values.units, values.tile):
            try:
                parse("p", text)
            except BadParameter as error:
                self.assertEqual(error.parameter, "p")


class UnitsTests(SynchronousTestCase):
    def test_decimals_and_exponents_are_read_exactly(self):
        cases = (
            ("0.25", 25_000),
            (".5", 50_000),
            ("5.", 500_000),
            ("1e-1", 10_000),
            ("2.5E+1", 2_500_000),
            ("-45", -4_500_000),
        )
        for text, value in (*cases, (" 1 ", UNIT), ("+1", UNIT), ("-0.0", 0), ("0.07", 7000), ("", 0)):
            self.assertEqual(values.units("top", text), value, text)

    def test_they_are_rounded_to_the_nearest_of_a_hundred_thousand_parts(self):
        cases = ("0.123456789", 12_346), ("0.0000001", 0), ("0.000006", 1), ("1.000001", UNIT), ("0.999999", UNIT)
        for text, value in cases:
            self.assertEqual(values.units("top", text), value, text)

    def test_halves_are_rounded_to_the_even_part_whatever_a_binary_fraction_would_say(self):
        self.assertEqual(values.units("top", "0.000015"), 2)
        self.assertEqual(values.units("top", "0.000025"), 2)
        self.assertEqual(values.units("top", "0.000025" + "0" * 60 + "1"), 3)

    def test_what_is_no_finite_decimal_number_is_refused(self):
        for text in (
            "nan",
            "NaN",
            "inf",
            "-Infinity",
            "1_0",
            "1e",
            "e1",
            ".",
            "1.2.3",
            "0x1p3",
            "٠.٥",
            "1,5",
            "abc",
            " ",
        ):
            error = self.assertRaises(BadParameter, values.units, "angle", text)
            self.assertTrue(error.message.startswith("angle: "), text)

    def test_far_too_large_numbers_are_huge_and_far_too_small_ones_zero(self):
        self.assertEqual(values.units("top", "1e400"), values.HUGE * UNIT)
        self.assertEqual(values.units("top", "-1e999999999"), -values.HUGE * UNIT)
        self.assertEqual(values.units("top", "1e-400"), 0)
        self.assertEqual(values.units("top", "9" * LONG), values.HUGE * UNIT)
        self.assertEqual(values.units("top", "0." + "3" * LONG), 33_333)

    def test_an_exponent_beyond_all_sense_is_refused(self):
        self.assertRaises(BadParameter, values.units, "top", "1e" + "9" * LONG)
        self.assertRaises(BadParameter, values.units, "top", "1e-" + "9" * LONG)

    @QUICK
    @given(st.decimals(-400, 400, places=9))
    def test_the_result_is_never_more_than_half_a_part_off(self, number):
        exact = Fraction(number) * UNIT
        self.assertLessEqual(abs(values.units("top", f"{number:f}") - exact), Fraction(1, 2))


class BooleanTests(SynchronousTestCase):
    def test_five_words_in_any_case_are_true(self):
        for text in ("1", "t", "y", "true", "yes", "T", "Y", "TRUE", "Yes"):
            self.assertTrue(values.boolean(text), text)

    def test_every_other_text_is_false(self):
        for text in ("", "0", "false", "no", "on", "2", " 1", "ja", "nonsense", "1" * LONG):
            self.assertFalse(values.boolean(text), text[:10])


class TileTests(SynchronousTestCase):
    def test_two_integers_with_a_colon_are_a_tile(self):
        self.assertEqual(values.tile("tile", "3:9"), Tile(number=3, grid=9))
        self.assertEqual(values.tile("tile", " 3 : 9 "), Tile(number=3, grid=9))
        self.assertEqual(values.tile("tile", "-3:0"), Tile(number=-3, grid=0))

    def test_everything_else_is_an_invalid_format(self):
        for text in ("5", "1:", ":4", ":", "1:4:9", "a:b", "1.0:4", "1;4", "1_0:16", "", "1" * LONG):
            error = self.assertRaises(BadParameter, values.tile, "tile", text)
            self.assertIn("tile: invalid format", error.message)


class PositionTests(SynchronousTestCase):
    def test_an_edge_and_a_fraction_are_a_position(self):
        cases = (
            ("l0", "l", 0),
            ("c0.5", "c", 50_000),
            ("r1", "r", UNIT),
            ("r1.00", "r", UNIT),
            ("l0.12345", "l", 12_345),
        )
        for text, edge, fraction in cases:
            self.assertEqual(values.position("halign", text, edges="lcr"), Position(edge=edge, fraction=fraction))

    def test_everything_else_is_refused(self):
        for text in ("l1.1", "0", "t0", "lr0", "l", "l0.", "l.5", "l-0.5", "l1e0", "l0.٥", "c 0.5", "l00", "", "L0"):
            error = self.assertRaises(BadParameter, values.position, "halign", text, edges="lcr")
            self.assertIn("halign: invalid format, must be one of l, c, r", error.message)
        for text in ("b1.01", "t0.1.2", "l0"):
            self.assertRaises(BadParameter, values.position, "valign", text, edges="tcb")


class ShownTests(SynchronousTestCase):
    def test_long_texts_are_cut_and_unprintable_characters_replaced(self):
        self.assertEqual(values.shown("eggs"), "'eggs'")
        self.assertEqual(values.shown("a\r\nb\x00\ud800"), "'a??b??'")
        self.assertEqual(len(values.shown("x" * LONG)), 42)
