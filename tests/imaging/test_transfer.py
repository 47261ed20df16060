"""Transfer curves and the tables made of them."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.imaging.transfer import TransferCurve, decode_table, encode_table_8, encode_table_16

QUIET = settings(deadline=None, max_examples=100, derandomize=True)

REC709 = (1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081)
CURVES = (
    TransferCurve.srgb(),
    TransferCurve.identity(),
    TransferCurve.gamma(1.8),
    TransferCurve.gamma(2.2),
    TransferCurve.gamma(2.6),
    TransferCurve.table([(n / 1023) ** 2.2 for n in range(1024)]),
    TransferCurve.parametric(3, REC709),
)


def entry_8(light: float) -> int:
    """Index into the 8-bit table, computed otherwise than in the code: 2048 linear steps in each octave."""
    if light >= 1.0:
        return 65_535
    if light < 2.0**-32:
        return 0
    mantissa, exponent = math.frexp(light)
    return (exponent + 31) * 2048 + int((mantissa * 2 - 1) * 2048)


class CurveTests(SynchronousTestCase):
    def test_srgb_has_the_values_of_the_standard(self) -> None:
        curve = TransferCurve.srgb()
        self.assertAlmostEqual(curve.linear(0.5), 0.21404114, places=8)
        self.assertAlmostEqual(curve.linear(0.04), 0.04 / 12.92, places=12)
        self.assertEqual((curve.linear(0.0), curve.linear(1.0)), (0.0, 1.0))

    def test_each_icc_function_type_follows_its_formula(self) -> None:
        x = 0.6
        for kind, parameters, expected in (
            (0, (2.2,), x**2.2),
            (1, (2.0, 1.25, -0.25), (1.25 * x - 0.25) ** 2),
            (2, (2.0, 1.0, -0.1, 0.05), (x - 0.1) ** 2 + 0.05),
            (3, (2.4, 0.9, 0.1, 0.3, 0.5), (0.9 * x + 0.1) ** 2.4),
            (3, (2.4, 0.9, 0.1, 0.3, 0.7), 0.3 * x),
            (4, (2.4, 0.9, 0.1, 0.3, 0.5, 0.01, 0.02), (0.9 * x + 0.1) ** 2.4 + 0.01),
            (4, (2.4, 0.9, 0.1, 0.3, 0.7, 0.01, 0.02), 0.3 * x + 0.02),
        ):
            self.assertAlmostEqual(TransferCurve.parametric(kind, parameters).linear(x), expected, places=12)

    def test_below_its_foot_a_shifted_power_is_flat(self) -> None:
        self.assertEqual(TransferCurve.parametric(1, (2.0, 1.25, -0.25)).linear(0.1), 0.0)
        self.assertEqual(TransferCurve.parametric(2, (2.0, 1.0, -0.5, 0.05)).linear(0.1), 0.05)

    def test_a_table_is_linear_between_its_points_and_never_falls(self) -> None:
        curve = TransferCurve.table([0.0, 0.5, 0.4, 1.0])
        self.assertAlmostEqual(curve.linear(1 / 6), 0.25)
        self.assertAlmostEqual(curve.linear(0.5), 0.5)
        self.assertEqual(curve.linear(1.0), 1.0)

    def test_curves_are_equal_and_hash_by_value(self) -> None:
        self.assertEqual(len({TransferCurve.gamma(2.2), TransferCurve.gamma(2.2), TransferCurve.gamma(1.8)}), 2)
        self.assertIs(decode_table(TransferCurve.gamma(2.2), 256), decode_table(TransferCurve.gamma(2.2), 256))

    def test_what_leaves_coded_values_alone_is_known_as_identity(self) -> None:
        for curve in (TransferCurve.identity(), TransferCurve.gamma(1.0), TransferCurve.table([0, 1])):
            self.assertTrue(curve.is_identity)
        self.assertFalse(TransferCurve.srgb().is_identity)

    def test_curves_that_mean_nothing_are_refused(self) -> None:
        nan = float("nan")
        for make in (
            lambda: TransferCurve.gamma(0.0),
            lambda: TransferCurve.gamma(nan),
            lambda: TransferCurve.gamma(5.0),
            lambda: TransferCurve.table([0.5]),
            lambda: TransferCurve.table([0.0, nan]),
            lambda: TransferCurve.table([0.0, 1.5]),
            lambda: TransferCurve.table([1.0, 0.0]),
            lambda: TransferCurve.table([0.0] * 65_537),
            lambda: TransferCurve.parametric(5, (1.0,)),
            lambda: TransferCurve.parametric(-1, (1.0,)),
            lambda: TransferCurve.parametric(3, (2.4,)),
            lambda: TransferCurve.parametric(0, (math.inf,)),
            lambda: TransferCurve.parametric(1, (2.0, 0.0, 0.5)),
            lambda: TransferCurve.parametric(0, (-1.0,)),
            lambda: TransferCurve.parametric(3, (9e9, 9e9, 9e9, 1.0, 0.5)),
        ):
            with self.assertRaises(ValueError):
                make()

    @QUIET
    @given(st.integers(0, 4), st.lists(st.floats(-10, 10), min_size=7, max_size=7))
    def test_any_parameters_give_a_curve_with_good_tables_or_are_refused(
        self, kind: int, parameters: list[float]
    ) -> None:
        try:
            curve = TransferCurve.parametric(kind, parameters[: (1, 3, 4, 5, 7)[kind]])
        except ValueError:
            return
        light = decode_table(curve, 256)
        self.assertEqual(list(light), sorted(light))
        self.assertTrue(light[0] >= 0.0 and light[255] <= 1.0)
        self.assertEqual(len(encode_table_8(curve)), 65_536)


class TableTests(SynchronousTestCase):
    def test_every_8_bit_code_comes_back_from_its_light(self) -> None:
        for curve in CURVES:
            codes = encode_table_8(curve)
            for code, light in enumerate(decode_table(curve, 256)):
                self.assertEqual(codes[entry_8(light)], code, curve.name)

    def test_8_bit_codes_never_fall_and_reach_both_ends(self) -> None:
        for curve in CURVES:
            codes = encode_table_8(curve)
            self.assertEqual(codes, bytes(sorted(codes)))
            self.assertEqual((codes[0], codes[-1]), (0, 255))

    @QUIET
    @given(st.sampled_from(CURVES), st.floats(0, 1))
    def test_8_bit_codes_are_those_nearest_to_the_light(self, curve: TransferCurve, light: float) -> None:
        code = encode_table_8(curve)[entry_8(light)]
        slack = 0.1  # of a code: the width of a table entry
        self.assertLessEqual(curve.linear(max(code - 0.5 - slack, 0) / 255), max(light, 2**-32))
        self.assertGreaterEqual(curve.linear(min(code + 0.5 + slack, 255) / 255), light * (1 - 1e-9))

    def test_black_and_full_stay_what_they_are_on_a_curve_with_flat_ends(self) -> None:
        curve = TransferCurve.table([0.0, 0.0, 0.1, 0.4, 1.0, 1.0])
        codes = encode_table_8(curve)
        self.assertEqual(codes[0], 0)
        self.assertEqual(codes[-1], 255)

    def test_16_bit_codes_never_fall_and_every_one_comes_back(self) -> None:
        for curve in (TransferCurve.srgb(), TransferCurve.gamma(2.2)):
            codes = encode_table_16(curve)
            self.assertEqual(list(codes), sorted(codes))
            light = decode_table(curve, 65_536)
            for code in [*range(0, 65_535, 251), 1, 2, 3, 65_534]:
                mantissa, exponent = math.frexp(light[code])
                place = (exponent + 63 + mantissa * 2 - 1) * 1024 if light[code] >= 2**-64 else 0.0
                entry = int(place)
                back = codes[entry] + (codes[entry + 1] - codes[entry]) * (place - entry)
                self.assertEqual(round(back), code)
