"""Resizing: the extension, the reference in Pillow, and a float reference in plain Python must agree."""

from __future__ import annotations

import math
import os
import random
from array import array
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from qisd.imaging import resample
from qisd.imaging.resample import HAVE_EXTENSION, MODES, Filter, TransferCurve, resize

Box = tuple[float, float, float, float]

SRGB = TransferCurve.srgb()
CURVES = (
    SRGB,
    TransferCurve.identity(),
    TransferCurve.gamma(2.2),
    TransferCurve.parametric(3, (1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081)),
    TransferCurve.table([(n / 63) ** 1.8 for n in range(64)]),
)
BANDS = {"L": 1, "LA": 2, "I;16": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}
"""Bytes per pixel of ``tobytes``."""
VALUES = range(256) if HAVE_EXTENSION else range(0, 256, 17)
"""Fewer where Pillow does it alone, which takes its time."""


def noise(mode: str, size: tuple[int, int], seed: int = 1) -> Image.Image:
    data = random.Random(seed).randbytes(size[0] * size[1] * BANDS[mode])
    return Image.frombytes(mode, size, data)


def whole(image: Image.Image) -> Box:
    return (0.0, 0.0, float(image.width), float(image.height))


def curves_for(mode: str, curve: TransferCurve) -> tuple[TransferCurve, ...]:
    return (curve,) * {"RGB": 3, "RGBA": 3, "CMYK": 4}.get(mode, 1)


def samples(image: Image.Image) -> list[tuple[int, ...]]:
    """Pixels as tuples."""
    data = image.tobytes()
    if image.mode == "I;16":
        return [(data[i] | data[i + 1] << 8,) for i in range(0, len(data), 2)]
    bands = BANDS[image.mode]
    return [tuple(data[i : i + bands]) for i in range(0, len(data), bands)]


def farthest(one: Image.Image, other: Image.Image) -> int:
    """The largest difference of a sample. Colours count only where both are visible."""
    worst = 0
    for a, b in zip(samples(one), samples(other), strict=True):
        if one.mode in ("LA", "RGBA") and not (a[-1] and b[-1]):
            a, b = a[-1:], b[-1:]
        worst = max(worst, *(abs(x - y) for x, y in zip(a, b, strict=True)))
    return worst


class Case:
    """One random resize."""

    def __init__(self, mode: str, source: tuple[int, int], size: tuple[int, int], box: Box, seed: int) -> None:
        self.image = noise(mode, source, seed)
        self.size = size
        self.box = box


@st.composite
def cases(draw: st.DrawFn, modes: Sequence[str] = MODES, largest: int = 40) -> Case:
    sides = st.integers(1, largest)
    width, height = draw(sides), draw(sides)
    edges = []
    for side in (width, height):
        low = draw(st.floats(0, side - 0.01))
        edges.append((low, draw(st.floats(low + 0.01, side))))
    (left, right), (top, bottom) = edges
    box = (left, top, right, bottom) if draw(st.booleans()) else (0.0, 0.0, float(width), float(height))
    return Case(
        draw(st.sampled_from(modes)), (width, height), (draw(sides), draw(sides)), box, draw(st.integers(0, 99))
    )


QUIET = settings(deadline=None, max_examples=100, derandomize=True)
filters = st.sampled_from(Filter)
curves = st.sampled_from(CURVES)


class ExtensionTests(SynchronousTestCase):
    def test_the_extension_is_there_where_it_was_to_be_built(self) -> None:
        if not os.environ.get("QISD_REQUIRE_EXTENSION"):
            raise SkipTest("QISD_REQUIRE_EXTENSION is not set")
        self.assertTrue(HAVE_EXTENSION)

    def test_without_the_extension_pillow_does_it(self) -> None:
        image = noise("RGBA", (30, 20))
        expected = resample._resize_reference(
            image, (7, 5), filter=Filter.LANCZOS, curves=curves_for("RGBA", SRGB), box=whole(image)
        )
        self.patch(resample, "_extension", None)
        self.assertEqual(resize(image, (7, 5), filter=Filter.LANCZOS, curve=SRGB).tobytes(), expected.tobytes())


class PairTests(SynchronousTestCase):
    """The extension against the reference in Pillow."""

    if not HAVE_EXTENSION:
        skip = "the extension is not built"

    def both(self, case: Case, filter: Filter, curve: TransferCurve) -> tuple[Image.Image, Image.Image]:
        curves = curves_for(case.image.mode, curve)
        one = resample._resize_native(case.image, case.size, filter=filter, curves=curves, box=case.box)
        other = resample._resize_reference(case.image, case.size, filter=filter, curves=curves, box=case.box)
        self.assertEqual((one.mode, one.size), (other.mode, other.size))
        return one, other

    @QUIET
    @given(cases([mode for mode in MODES if mode != "I;16"]), filters, curves)
    def test_both_give_the_same_8_bit_picture_within_1(self, case: Case, filter: Filter, curve: TransferCurve) -> None:
        self.assertLessEqual(farthest(*self.both(case, filter, curve)), 1)

    @QUIET
    @given(cases(["I;16"]), filters, curves)
    def test_both_give_the_same_16_bit_picture_within_1_of_255(
        self, case: Case, filter: Filter, curve: TransferCurve
    ) -> None:
        self.assertLessEqual(farthest(*self.both(case, filter, curve)), 257)

    @QUIET
    @given(cases(["I;16"]), filters)
    def test_both_give_the_same_16_bit_picture_within_2_of_65535_on_the_srgb_curve(
        self, case: Case, filter: Filter
    ) -> None:
        self.assertLessEqual(farthest(*self.both(case, filter, SRGB)), 2)

    @QUIET
    @given(cases([mode for mode in MODES if mode != "I;16"]), filters, curves)
    def test_the_portable_code_gives_the_same_picture_within_1(
        self, case: Case, filter: Filter, curve: TransferCurve
    ) -> None:
        curves = curves_for(case.image.mode, curve)
        one, other = (
            resample._resize_native(
                case.image, case.size, filter=filter, curves=curves, box=case.box, portable=portable
            )
            for portable in (False, True)
        )
        self.assertLessEqual(farthest(one, other), 1)


def reference_weights(length: int, low: float, high: float, result: int, filter: Filter) -> list[list[float]]:
    """Weights of every source sample for every result sample, straight from the definition."""

    def sinc(x: float) -> float:
        return 1.0 if x == 0 else math.sin(math.pi * x) / (math.pi * x)

    def kernel(x: float) -> float:
        x = abs(x)
        if filter is Filter.BILINEAR:
            return max(1 - x, 0.0)
        if filter is Filter.LANCZOS:
            return sinc(x) * sinc(x / 3) if x < 3 else 0.0
        if x < 1:
            return 1.5 * x**3 - 2.5 * x**2 + 1
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0

    scale = (high - low) / result
    stretch = max(scale, 1.0)
    rows = []
    for i in range(result):
        centre = low + (i + 0.5) * scale
        weights = [kernel((j + 0.5 - centre) / stretch) for j in range(length)]
        total = sum(weights)
        rows.append([weight / total for weight in weights])
    return rows


def srgb_decode(code: float) -> float:
    x = code / 255
    return x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4


def srgb_encode(light: float) -> float:
    light = min(max(light, 0.0), 1.0)
    return 255 * (light * 12.92 if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055)


class DefinitionTests(SynchronousTestCase):
    @QUIET
    @given(cases(["L", "RGBA"], largest=9), filters)
    def test_results_are_those_of_the_definition_in_floats_within_1(self, case: Case, filter: Filter) -> None:
        image, (width, height), (left, top, right, bottom) = case.image, case.size, case.box
        result = samples(resize(image, case.size, filter=filter, curve=SRGB, box=case.box))
        across = reference_weights(image.width, left, right, width, filter)
        down = reference_weights(image.height, top, bottom, height, filter)
        pixels = samples(image)
        for y in range(height):
            for x in range(width):
                if (width, height) == image.size and case.box == whole(image):
                    continue  # a plain copy, which keeps colours under no alpha
                sums = [0.0] * 4
                for j in range(image.height):
                    for i in range(image.width):
                        pixel = pixels[j * image.width + i]
                        alpha = pixel[3] / 255 if image.mode == "RGBA" else 1.0
                        weight = down[y][j] * across[x][i]
                        for band in range(min(len(pixel), 3)):
                            sums[band] += weight * alpha * srgb_decode(pixel[band])
                        sums[3] += weight * alpha
                got = result[y * width + x]
                if image.mode == "RGBA":
                    self.assertLessEqual(abs(got[3] - min(max(sums[3], 0), 1) * 255), 1)
                if sums[3] < 0.6 / 255:
                    continue
                for band in range(min(len(got), 3)):
                    self.assertLessEqual(abs(got[band] - srgb_encode(sums[band] / sums[3])), 1)

    @QUIET
    @given(cases(["L"]), filters)
    def test_a_box_means_what_it_means_to_pillow(self, case: Case, filter: Filter) -> None:
        result = resize(case.image, case.size, filter=filter, curve=None, box=case.box)
        # As floats: on bytes, Pillow clips in between the two passes.
        floats = case.image.convert("F").resize(case.size, Image.Resampling[filter.name], case.box)
        for got, expected in zip(result.tobytes(), array("f", floats.tobytes()), strict=True):
            self.assertLessEqual(abs(got - min(max(expected, 0), 255)), 1)


class LightTests(SynchronousTestCase):
    def test_a_checkerboard_becomes_the_grey_that_it_looks_like(self) -> None:
        row = bytes([0, 255] * 256)
        board = Image.frombytes("L", (512, 512), (row + row[::-1]) * 256)
        for mode in ("L", "RGB", "RGBA"):
            for filter in Filter:
                small = resize(board.convert(mode), (32, 32), filter=filter, curve=SRGB)
                grey = small.getchannel(0).tobytes()
                self.assertLessEqual(abs(sum(grey) / len(grey) - 188), 1)

    def test_coded_values_are_averaged_as_they_are_without_a_curve(self) -> None:
        row = bytes([0, 255] * 32)
        board = Image.frombytes("L", (64, 64), (row + row[::-1]) * 32)
        small = resize(board, (4, 4), filter=Filter.BILINEAR, curve=None)
        self.assertTrue(all(value in (127, 128) for value in small.tobytes()))

    def test_every_constant_stays_what_it_is(self) -> None:
        for curve in (*CURVES, None):
            for filter in Filter:
                for value in VALUES:
                    self.assert_constant(Image.new("L", (5, 4), value), filter, curve)
        for mode, colour in (
            ("RGB", lambda v: (v, 255 - v, v // 2)),
            ("RGBA", lambda v: (v, 255 - v, v // 2, max(v, 1))),
            ("LA", lambda v: (v, 256 - max(v, 1))),
            ("CMYK", lambda v: (v, 255 - v, v // 2, v // 3)),
        ):
            for curve in (SRGB, None):
                for value in VALUES:
                    self.assert_constant(Image.new(mode, (5, 4), colour(value)), Filter.LANCZOS, curve)

    def test_16_bit_constants_stay_what_they_are(self) -> None:
        for curve in (SRGB, TransferCurve.gamma(2.2), None):
            for value in (*VALUES, *range(300, 65_500, 509), *range(65_500, 65_536, VALUES.step)):
                self.assert_constant(Image.new("I;16", (5, 4), value), Filter.LANCZOS, curve)

    def assert_constant(self, image: Image.Image, filter: Filter, curve: TransferCurve | None) -> None:
        for size in ((3, 2), (7, 9)):
            result = resize(image, size, filter=filter, curve=curve)
            self.assertEqual(set(samples(result)), {samples(image)[0]}, (image.mode, filter, curve))

    def test_hidden_colour_does_not_bleed(self) -> None:
        image = Image.new("RGBA", (20, 20), (255, 0, 0, 0))
        image.paste((0, 255, 0, 255), (0, 0, 10, 20))
        for filter in Filter:
            for red, green, blue, alpha in samples(resize(image, (7, 7), filter=filter, curve=SRGB)):
                self.assertEqual((red, blue), (0, 0))
                self.assertEqual(green, 255 if alpha else 0)

    def test_each_colour_may_have_its_own_curve(self) -> None:
        image = noise("RGB", (30, 30))
        own = (SRGB, TransferCurve.gamma(1.8), TransferCurve.identity())
        together = resize(image, (9, 9), filter=Filter.LANCZOS, curve=own)
        for band, curve in enumerate(own):
            alone = resize(image.getchannel(band), (9, 9), filter=Filter.LANCZOS, curve=curve)
            self.assertLessEqual(farthest(together.getchannel(band), alone), 1)


class ShapeTests(SynchronousTestCase):
    def test_modes_sizes_and_info_come_out_as_asked(self) -> None:
        for mode in MODES:
            image = noise(mode, (13, 11))
            image.info["dpi"] = (72, 72)
            result = resize(image, (5, 3), filter=Filter.BICUBIC, curve=SRGB)
            self.assertEqual((result.mode, result.size, result.info), (mode, (5, 3), {"dpi": (72, 72)}))

    def test_the_result_is_an_ordinary_image_of_its_own(self) -> None:
        image = noise("RGB", (13, 11))
        before = image.tobytes()
        result = resize(image, (5, 3), filter=Filter.LANCZOS, curve=SRGB)
        result.paste((1, 2, 3), (0, 0, 2, 2))
        result.putpixel((4, 2), (9, 9, 9))
        self.assertEqual((result.getpixel((0, 0)), result.getpixel((4, 2))), ((1, 2, 3), (9, 9, 9)))
        self.assertEqual(image.tobytes(), before)

    def test_the_unused_fourth_byte_of_rgb_is_full(self) -> None:
        if not HAVE_EXTENSION:
            raise SkipTest("the extension is not built")
        result = resize(noise("RGB", (13, 11)), (5, 3), filter=Filter.LANCZOS, curve=SRGB)
        raw = Image.fromarrow(result, "RGBA", result.size)
        self.assertEqual(raw.getchannel("A").getextrema(), (255, 255))

    def test_a_result_can_be_resized_again_after_its_source_is_gone(self) -> None:
        result = resize(Image.new("RGB", (50, 40), (10, 20, 30)), (30, 20), filter=Filter.LANCZOS, curve=SRGB)
        again = resize(result, (3, 2), filter=Filter.LANCZOS, curve=SRGB)
        self.assertEqual(set(samples(again)), {(10, 20, 30)})

    def test_whole_pixels_at_the_same_size_are_a_plain_crop(self) -> None:
        image = noise("RGBA", (20, 20))
        result = resize(image, (7, 9), filter=Filter.LANCZOS, curve=SRGB, box=(3, 4, 10, 13))
        self.assertEqual(result.tobytes(), image.crop((3, 4, 10, 13)).tobytes())

    def test_huge_reductions_enlargements_and_slivers_work(self) -> None:
        for mode in MODES:
            for source, size in (
                ((50_000, 1), (1, 1)),
                ((1, 50_000), (1, 1)),
                ((50_000, 3), (2, 5)),
                ((3, 50_000), (5, 2)),
                ((1, 1), (300, 200)),
                ((1, 40), (90, 1)),
                ((2, 1), (1, 999)),
            ):
                result = resize(noise(mode, source), size, filter=Filter.LANCZOS, curve=SRGB)
                self.assertEqual(result.size, size)

    def test_an_average_over_50000_pixels_is_right(self) -> None:
        image = Image.frombytes("L", (1, 50_000), bytes([0, 255]) * 25_000)
        (value,) = resize(image, (1, 1), filter=Filter.BILINEAR, curve=SRGB).tobytes()
        self.assertEqual(value, 188)

    def test_images_of_several_memory_blocks_give_the_same(self) -> None:
        if not HAVE_EXTENSION:
            raise SkipTest("the extension is not built")
        column = noise("RGB", (64, 2200), seed=3)
        image = Image.new("RGB", (2200, 2200))
        for left in range(0, 2200, 64):
            image.paste(column, (left, 0))
        with self.assertRaises(ValueError):
            image.__arrow_c_array__()  # else this test would show nothing
        box = (100.5, 20.25, 350.5, 2100.75)
        part = image.crop((0, 0, 500, 2200))
        self.assertEqual(
            resize(image, (50, 300), filter=Filter.LANCZOS, curve=SRGB, box=box).tobytes(),
            resize(part, (50, 300), filter=Filter.LANCZOS, curve=SRGB, box=box).tobytes(),
        )

    def test_padded_rows_and_mapped_memory_give_the_same(self) -> None:
        data = random.Random(5).randbytes(37 * 29)
        expected = resize(Image.frombytes("L", (37, 29), data), (9, 8), filter=Filter.LANCZOS, curve=SRGB)
        mapped = [Image.frombuffer("L", (37, 29), data, "raw", "L", 0, 1)]
        mapped.append(
            Image.frombuffer("L", (37, 29), data, "raw", "L", 0, -1).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        )
        upside_down = Image.frombuffer("L", (37, 29), data, "raw", "L", 0, -1)
        self.addCleanup(Image.core.set_alignment, Image.core.get_alignment())
        Image.core.set_alignment(64)
        mapped.append(Image.frombytes("L", (37, 29), data))
        for image in mapped:
            result = resize(image, (9, 8), filter=Filter.LANCZOS, curve=SRGB)
            self.assertEqual(ImageChops.difference(result, expected).getextrema(), (0, 0))
        flipped = resize(upside_down, (9, 8), filter=Filter.LANCZOS, curve=SRGB)
        self.assertLessEqual(farthest(flipped.transpose(Image.Transpose.FLIP_TOP_BOTTOM), expected), 1)

    def test_many_threads_get_the_same_picture(self) -> None:
        image = noise("RGB", (300, 200))
        expected = resize(image, (80, 60), filter=Filter.LANCZOS, curve=SRGB).tobytes()
        with ThreadPoolExecutor(8) as pool:
            results = list(
                pool.map(lambda _: resize(image, (80, 60), filter=Filter.LANCZOS, curve=SRGB).tobytes(), range(64))
            )
        self.assertEqual(set(results), {expected})


class RefusalTests(SynchronousTestCase):
    def assert_refused(self, word: str, **changes: object) -> None:
        arguments: dict[str, object] = {"size": (3, 3), "filter": Filter.LANCZOS, "curve": SRGB, **changes}
        image = arguments.pop("image", Image.new("RGB", (10, 10)))
        with self.assertRaises(ValueError) as raised:
            resize(image, arguments.pop("size"), **arguments)  # type: ignore[arg-type]
        self.assertIn(word, str(raised.exception))

    def test_modes_that_mean_no_amounts_are_refused(self) -> None:
        for mode in ("P", "1", "PA", "F", "I", "HSV", "YCbCr", "LAB", "I;16B"):
            self.assert_refused("mode", image=Image.new(mode, (10, 10)))

    def test_sizes_below_1_are_refused(self) -> None:
        for size in ((0, 3), (3, 0), (-1, 3), (1.5, 3), (3,)):
            self.assert_refused("size", size=size)

    def test_empty_images_are_refused(self) -> None:
        for size in ((0, 5), (5, 0), (0, 0)):
            self.assert_refused("box", image=Image.new("RGB", size))

    def test_boxes_outside_empty_or_not_numbers_are_refused(self) -> None:
        nan, inf = math.nan, math.inf
        for box in (
            (-1, 0, 5, 5),
            (0, -0.001, 5, 5),
            (0, 0, 10.001, 5),
            (0, 0, 5, 11),
            (5, 0, 5, 5),
            (6, 0, 5, 5),
            (nan, 0, 5, 5),
            (0, 0, nan, 5),
            (0, 0, inf, 5),
            (-inf, 0, 5, 5),
            (0, 0, 5),
        ):
            self.assert_refused("box", box=box)

    def test_a_wrong_number_of_curves_is_refused(self) -> None:
        self.assert_refused("curve", curve=[SRGB])
        self.assert_refused("curve", curve=[SRGB] * 4)

    def test_a_result_beyond_all_memory_is_a_memory_error(self) -> None:
        with self.assertRaises(MemoryError):
            resize(Image.new("L", (1, 1)), (2**30, 2**30), filter=Filter.BILINEAR, curve=SRGB)


class ModuleTests(SynchronousTestCase):
    """What the extension does with arguments that ``resample.py`` never gives it."""

    if not HAVE_EXTENSION:
        skip = "the extension is not built"

    def call(self, **changes: object) -> object:
        from qisd.imaging import _resample
        from qisd.imaging.transfer import decode_table, encode_table_8

        image = Image.new("L", (8, 8), 100)
        arguments: dict[str, object] = {
            "strips": [(0, 8, *image.__arrow_c_array__())],
            "source_size": (8, 8),
            "box": (0.0, 0.0, 8.0, 8.0),
            "size": (3, 3),
            "filter": _resample.LANCZOS,
            "layout": _resample.GRAY8,
            "decode": (decode_table(SRGB, 256),),
            "encode": (encode_table_8(SRGB),),
            "portable": False,
        }
        return _resample.resample(*{**arguments, **changes}.values())

    def test_the_plain_call_works(self) -> None:
        self.assertEqual(len(self.call()), 2)  # type: ignore[arg-type]

    def test_strips_that_do_not_fit_are_refused(self) -> None:
        small, rgb = Image.new("L", (8, 3)), Image.new("RGB", (8, 8))
        first = (0, 3, *small.__arrow_c_array__())
        for strips in (
            [],
            [first],  # rows missing at the end
            [first, (4, 3, *small.__arrow_c_array__())],  # a gap
            [(5, 3, *small.__arrow_c_array__())],  # rows missing at the start
            [(6, 3, *small.__arrow_c_array__())],  # beyond the end
            [(0, 8, *small.__arrow_c_array__())],  # fewer pixels than said
            [(-1, 8, *small.__arrow_c_array__())],
            [(0, -8, *small.__arrow_c_array__())],
            [(0, 2**62, *small.__arrow_c_array__())],
            [(0, 8, *rgb.__arrow_c_array__())],  # another layout
            [(0, 8, *reversed(small.__arrow_c_array__()))],
            [(0, 8, None, None)],
        ):
            with self.assertRaises(ValueError):
                self.call(strips=strips)

    def test_strips_of_a_wrong_type_are_refused(self) -> None:
        for strips in (None, [None], [()], [(0, 8)], [("a", 8, None, None)]):
            with self.assertRaises(TypeError):
                self.call(strips=strips)

    def test_an_error_while_strips_are_made_goes_through(self) -> None:
        def broken() -> object:
            raise LookupError
            yield

        with self.assertRaises(LookupError):
            self.call(strips=broken())

    def test_tables_of_a_wrong_size_are_refused(self) -> None:
        for table in (
            (),
            (b"",),
            (bytes(1023),),
            (bytes(1024),) * 2,
            [bytes(1024)],
            (memoryview(bytes(1028))[1:1025],),
        ):
            with self.assertRaises(ValueError):
                self.call(decode=table)
        for table in ((), (b"",), (bytes(65_537),)):
            with self.assertRaises(ValueError):
                self.call(encode=table)

    def test_numbers_that_mean_nothing_are_refused(self) -> None:
        for changes in (
            {"layout": 9},
            {"layout": -1},
            {"filter": 3},
            {"filter": -1},
            {"size": (0, 3)},
            {"size": (3, -3)},
            {"source_size": (0, 8)},
            {"source_size": (-8, 8)},
            {"box": (0.0, 0.0, 9.0, 8.0)},
            {"box": (math.nan, 0.0, 8.0, 8.0)},
            {"box": (0.0, 0.0, 8.0, math.nan)},
        ):
            with self.assertRaises(ValueError):
                self.call(**changes)

    def test_tables_full_of_nonsense_do_no_harm(self) -> None:
        for value in (math.nan, math.inf, -math.inf, 1e30, -1e30):
            self.assertEqual(len(self.call(decode=(array("f", [value] * 256),))), 2)  # type: ignore[arg-type]
            self.assertEqual(len(self.call(decode=(array("f", [value] * 256),), encode=None)), 2)  # type: ignore[arg-type]
