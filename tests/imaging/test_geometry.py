import math

import attrs
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import BadParameter
from qisd.imaging.geometry import Box, Size, focal_point, overlay_box, plan, rotated_size, tile_box
from qisd.imaging.spec import ANYWHERE, FULL_TURN, NOWHERE, UNIT, Focus, ImageSpec, Position, Tile
from tests.strategies import geometry_specs, grids, places, sizes

QUICK = settings(deadline=None, max_examples=100, derandomize=True)

TENTH = {"top": 0.1, "left": 0.1, "bottom": 0.9, "right": 0.9}


def units(number):
    return round(number * UNIT)


def planned(natural_width, natural_height, **options):
    for name in ("top", "left", "bottom", "right", "rotation"):
        if name in options:
            options[name] = units(options[name])
    return plan(ImageSpec(**options), Size(natural_width, natural_height))


class RotationTests(SynchronousTestCase):
    def test_the_canvas_grows_to_hold_the_turned_picture(self):
        for width, height, angle, expected in (
            (1600, 1200, -90, Size(1200, 1600)),
            (110, 58, 10, Size(120, 78)),
            (110, 58, 45, Size(120, 120)),
            (1200, 1600, 45, Size(1980, 1980)),
            (1600, 1200, 9.95, Size(1784, 1460)),
            (1600, 1200, 0.1, Size(1604, 1204)),
        ):
            self.assertEqual(
                rotated_size(Size(width, height), units(angle) % FULL_TURN), expected, (width, height, angle)
            )

    def test_a_size_beyond_the_turned_picture_does_not_enlarge_it(self):
        for options in ({"height": 78}, {"height": 110}):
            self.assertEqual(planned(110, 58, rotation=10, **options).output, Size(120, 78), options)
        for options in ({"width": 120}, {"width": 180}):
            self.assertEqual(planned(110, 58, rotation=45, **options).output, Size(120, 120), options)
        self.assertEqual(planned(1600, 1200, rotation=45, width=5000).output, Size(1980, 1980))
        self.assertEqual(planned(1600, 1200, rotation=90, width=1300).output, Size(1200, 1600))

    def test_quarter_turns_are_exact(self):
        size = Size(163, 309)
        for quarters in range(-4, 5):
            expected = size if quarters % 2 == 0 else Size(309, 163)
            self.assertEqual(rotated_size(size, quarters * 90 * UNIT), expected)

    def test_sizes_beyond_all_memory_are_still_told(self):
        self.assertEqual(rotated_size(Size(6_356_992, 12), units(30)), Size(5_505_324, 3_178_508))

    @QUICK
    @given(sizes, st.integers(1, FULL_TURN - 1))
    def test_the_canvas_holds_all_corners_and_little_more(self, size, rotation):
        assume(rotation % (90 * UNIT) != 0)
        turned = rotated_size(size, rotation)
        t = math.radians(rotation / UNIT)
        width = abs(size.width * math.cos(t)) + abs(size.height * math.sin(t))
        height = abs(size.height * math.cos(t)) + abs(size.width * math.sin(t))
        self.assertGreaterEqual(turned.width, width - 1e-6)
        self.assertGreaterEqual(turned.height, height - 1e-6)
        self.assertLess(turned.width, width + 2 + 1e-6)
        self.assertLess(turned.height, height + 2 + 1e-6)

    @QUICK
    @given(sizes, st.integers(1, FULL_TURN - 1))
    def test_turning_left_or_right_or_half_a_turn_more_needs_the_same_canvas(self, size, rotation):
        turned = rotated_size(size, rotation)
        self.assertEqual(rotated_size(size, FULL_TURN - rotation), turned)
        self.assertEqual(rotated_size(size, (rotation + FULL_TURN // 2) % FULL_TURN), turned)


class CropTests(SynchronousTestCase):
    def test_edges_are_rounded_up(self):
        self.assertEqual(planned(1600, 1200, **TENTH).crop, Box(160, 120, 1440, 1080))
        self.assertEqual(planned(10, 10, left=0.11, right=0.91).crop, Box(2, 0, 10, 10))

    def test_no_binary_fraction_makes_it_one_pixel_more(self):
        self.assertEqual(planned(1600, 1200, left=0.07).crop, Box(112, 0, 1600, 1200))

    def test_a_crop_of_everything_is_none(self):
        self.assertIsNone(planned(1600, 1200).crop)
        self.assertIsNone(planned(10, 10, right=0.99).crop)

    def test_a_crop_that_rounding_leaves_empty_is_ignored_on_both_axes(self):
        result = planned(100, 100, left=0.50001, right=0.50002, top=0.5)
        self.assertIsNone(result.crop)
        self.assertEqual(result.output, Size(100, 100))

    def test_with_padding_it_keeps_its_shape(self):
        result = planned(1600, 1200, width=500, height=500, **TENTH)
        self.assertEqual((result.inner, result.offset, result.canvas), (Size(500, 375), (0, 62), Size(500, 500)))

    def test_cropfit_takes_all_the_height_there_is(self):
        result = planned(1600, 1200, width=500, height=500, crop_fit=True, **TENTH)
        self.assertEqual(result.crop, Box(160, 0, 1440, 1200))
        self.assertEqual((result.inner, result.offset, result.canvas), (Size(500, 469), (0, 15), Size(500, 500)))

    def test_cropfit_grows_on_both_sides(self):
        result = planned(1600, 1200, left=0.32, top=0.15, right=0.72, bottom=0.9, width=200, height=200, crop_fit=True)
        self.assertEqual(result.crop, Box(382, 180, 1282, 1080))
        self.assertEqual((result.inner, result.canvas), (Size(200, 200), Size(200, 200)))
        unfitted = planned(1600, 1200, left=0.32, top=0.15, right=0.72, bottom=0.9, width=200, height=200)
        self.assertEqual(unfitted.crop, Box(512, 180, 1152, 1080))

    def test_cropfit_grows_unevenly_where_one_side_has_no_room(self):
        result = planned(1600, 1200, top=0.1, bottom=0.5, right=0.2, width=400, height=200, crop_fit=True)
        self.assertEqual(result.crop, Box(0, 120, 960, 600))
        self.assertEqual((result.inner, result.canvas), (Size(400, 200), Size(400, 200)))
        mirrored = planned(1600, 1200, top=0.1, bottom=0.5, left=0.8, width=400, height=200, crop_fit=True)
        self.assertEqual(mirrored.crop, Box(640, 120, 1600, 600))
        upright = planned(1200, 1600, left=0.1, right=0.5, bottom=0.2, width=200, height=400, crop_fit=True)
        self.assertEqual(upright.crop, Box(120, 0, 600, 960))
        hanging = planned(1200, 1600, left=0.1, right=0.5, top=0.8, width=200, height=400, crop_fit=True)
        self.assertEqual(hanging.crop, Box(120, 640, 600, 1600))

    def test_cropfit_that_grows_to_the_whole_image_is_no_crop(self):
        self.assertIsNone(planned(100, 100, left=0.25, right=0.75, width=50, height=50, crop_fit=True).crop)

    def test_a_crop_may_be_scaled_up_to_the_uncropped_size(self):
        result = planned(1600, 1200, left=0.24, right=0.8, width=600)
        self.assertEqual((result.crop, result.output), (Box(384, 0, 1280, 1200), Size(600, 804)))
        self.assertEqual(planned(1600, 1200, left=0.25, right=0.75, width=1200).output, Size(1200, 1800))

    def test_a_turned_image_is_cropped_after_it_was_turned(self):
        turned = {"rotation": 45, "top": 0.2, "bottom": 0.8}
        self.assertEqual(planned(1200, 1600, **turned).output, Size(1980, 1188))
        result = planned(1200, 1600, width=450, height=450, **turned)
        self.assertEqual((result.inner, result.offset, result.canvas), (Size(450, 270), (0, 90), Size(450, 450)))


def at(x, y, *, cover=True):
    return Focus(x=units(x), y=units(y), cover=cover)


class FocusTests(SynchronousTestCase):
    def test_the_picture_is_cut_to_the_shape_around_the_place(self):
        for place, box in (
            (ANYWHERE, Box(200, 0, 1400, 1200)),
            (at(0.5, 0.1), Box(200, 0, 1400, 1200)),
            (at(0.4, 0.5), Box(40, 0, 1240, 1200)),
            (at(0.1, 0.5), Box(0, 0, 1200, 1200)),
            (at(1, 1), Box(400, 0, 1600, 1200)),
        ):
            result = planned(1600, 1200, width=300, height=300, focus=place)
            self.assertEqual((result.crop, result.inner, result.canvas), (box, Size(300, 300), Size(300, 300)), place)
        self.assertEqual(planned(1600, 1200, width=800, height=200, focus=at(0, 0.75)).crop, Box(0, 700, 1600, 1100))

    def test_a_picture_of_the_shape_is_not_cut(self):
        self.assertIsNone(planned(1600, 1200, width=400, height=300, focus=at(0.1, 0.9)).crop)

    def test_what_is_asked_for_is_cut_out_first(self):
        result = planned(1000, 1000, left=0.5, width=100, height=100, focus=at(0.7, 0.2))
        self.assertEqual(result.crop, Box(500, 0, 1000, 500))
        widened = planned(
            1000, 1000, left=0.5, top=0.5, right=0.7, width=100, height=100, focus=at(1, 1), crop_fit=True
        )
        self.assertEqual(widened.crop, Box(500, 500, 1000, 1000))

    def test_a_picture_that_is_too_small_gives_a_smaller_one_of_the_same_shape(self):
        for width, height, size in (
            (1200, 600, Size(1000, 500)),
            (600, 1600, Size(300, 800)),
            (9000, 1, Size(1000, 1)),
        ):
            self.assertEqual(planned(1000, 800, width=width, height=height, focus=ANYWHERE).output, size)

    def test_it_follows_flips_and_turns(self):
        size = {"width": 100, "height": 100}
        place = at(0.9, 0.2)  # of 1000 × 400: at 900, 80
        for options, box in (
            ({}, Box(600, 0, 1000, 400)),
            ({"flip": "h"}, Box(0, 0, 400, 400)),
            ({"flip": "v"}, Box(600, 0, 1000, 400)),
            ({"rotation": 90}, Box(0, 600, 400, 1000)),
            ({"rotation": 180}, Box(0, 0, 400, 400)),
            ({"rotation": 270}, Box(0, 0, 400, 400)),
            ({"rotation": 90, "flip": "h"}, Box(0, 0, 400, 400)),
        ):
            self.assertEqual(planned(1000, 400, focus=place, **size, **options).crop, box, options)

    def test_a_crop_that_is_widened_grows_towards_a_place_and_keeps_what_it_had(self):
        edges = {"left": 0.4, "right": 0.6, "top": 0, "bottom": 0.5, "crop_fit": True}
        for place, box in (
            (None, Box(250, 0, 750, 500)),
            (NOWHERE, Box(250, 0, 750, 500)),
            (at(0.5, 0.9, cover=False), Box(250, 0, 750, 500)),
            (at(0.6, 0, cover=False), Box(350, 0, 850, 500)),
            (at(1, 0, cover=False), Box(400, 0, 900, 500)),
            (at(0, 0, cover=False), Box(100, 0, 600, 500)),
        ):
            self.assertEqual(planned(1000, 1000, width=100, height=100, focus=place, **edges).crop, box, place)

    def test_without_a_crop_a_place_alone_leads_nothing(self):
        size = {"width": 100, "height": 100}
        self.assertEqual(planned(1600, 1200, focus=at(0.1, 0.1, cover=False), **size), planned(1600, 1200, **size))

    @QUICK
    @given(geometry_specs, sizes, places, st.integers(1, 3000), st.integers(1, 3000))
    def test_the_cut_is_inside_and_as_near_the_place_as_the_edges_allow(self, spec, natural, place, width, height):
        spec = attrs.evolve(spec, width=width, height=height, size_fit=False, focus=place, crop_fit=False)
        result = plan(spec, natural)
        plain = plan(attrs.evolve(spec, width=None, height=None, focus=None), natural)
        within = plain.crop or Box(0, 0, plain.rotated.width, plain.rotated.height)
        cut = result.crop or Box(0, 0, result.rotated.width, result.rotated.height)
        self.assertTrue(within.left <= cut.left < cut.right <= within.right)
        self.assertTrue(within.top <= cut.top < cut.bottom <= within.bottom)
        self.assertTrue(cut.width == within.width or cut.height == within.height)
        point = focal_point(spec, natural, result.rotated)

        def off(left, top):  # twice the way from the middle of a cut to the place, on both axes
            return (
                abs((2 * left + cut.width) * point.scale - 2 * point.x),
                abs((2 * top + cut.height) * point.scale - 2 * point.y),
            )

        here = off(cut.left, cut.top)
        if cut.left > within.left:
            self.assertLessEqual(here[0], off(cut.left - 1, cut.top)[0])
        if cut.right < within.right:
            self.assertLessEqual(here[0], off(cut.left + 1, cut.top)[0])
        if cut.top > within.top:
            self.assertLessEqual(here[1], off(cut.left, cut.top - 1)[1])
        if cut.bottom < within.bottom:
            self.assertLessEqual(here[1], off(cut.left, cut.top + 1)[1])

    @QUICK
    @given(geometry_specs, sizes, places, st.integers(1, 3000), st.integers(1, 3000))
    def test_the_size_is_the_one_asked_for_or_the_largest_of_its_shape(self, spec, natural, place, width, height):
        result = plan(attrs.evolve(spec, width=width, height=height, size_fit=False, focus=place), natural)
        rotated, canvas = result.rotated, result.canvas
        self.assertEqual((result.inner, result.offset), (canvas, (0, 0)))
        if width <= rotated.width and height <= rotated.height:
            self.assertEqual(canvas, Size(width, height))
        else:
            self.assertTrue(canvas.width == rotated.width or canvas.height == rotated.height)
            self.assertTrue(canvas.width <= rotated.width and canvas.height <= rotated.height)
            off = abs(canvas.width * height - canvas.height * width)
            self.assertTrue(2 * off <= max(width, height) or 1 in (canvas.width, canvas.height))

    @QUICK
    @given(sizes, places, st.integers(1, 3000), st.integers(1, 3000))
    def test_a_mirrored_picture_is_cut_at_the_mirrored_place(self, natural, place, width, height):
        spec = ImageSpec(width=width, height=height, focus=place)
        mirrored = attrs.evolve(spec, flip="h", focus=attrs.evolve(place, x=UNIT - place.x))
        straight, other = plan(spec, natural).crop, plan(mirrored, natural).crop
        self.assertEqual(straight, other)

    @QUICK
    @given(geometry_specs, sizes, places)
    def test_widening_towards_a_place_gives_the_size_of_any_widening(self, spec, natural, place):
        plain = plan(attrs.evolve(spec, focus=None), natural)
        led = plan(attrs.evolve(spec, focus=attrs.evolve(place, cover=False)), natural)
        self.assertEqual((led.inner, led.canvas, led.offset), (plain.inner, plain.canvas, plain.offset))
        unwidened = plan(attrs.evolve(spec, focus=None, crop_fit=False), natural).crop
        if spec.crop_fit and unwidened and led.crop:
            self.assertTrue(led.crop.left <= unwidened.left and unwidened.right <= led.crop.right)
            self.assertTrue(led.crop.top <= unwidened.top and unwidened.bottom <= led.crop.bottom)


class ResizeTests(SynchronousTestCase):
    def test_one_side_alone_gives_the_other(self):
        for width, height, options, expected in (
            (1600, 1200, {"width": 500}, Size(500, 375)),
            (1600, 1200, {"height": 500}, Size(667, 500)),
            (1600, 1200, {"width": 3000}, Size(1600, 1200)),
            (1600, 1200, {}, Size(1600, 1200)),
            (258, 222, {"width": 150}, Size(150, 130)),
            (10000, 3, {"width": 100}, Size(100, 1)),
            (10000, 1, {"width": 1}, Size(1, 1)),
            (1600, 1200, {"rotation": -90 % 360, "width": 500}, Size(500, 667)),
            (163, 309, {"width": 163}, Size(163, 309)),
        ):
            result = planned(width, height, **options)
            self.assertEqual((result.output, result.inner), (expected, expected), (width, height, options))

    def test_both_sides_give_exactly_this_canvas(self):
        for width, height, w, h, inner, offset in (
            (1600, 1200, 500, 500, Size(500, 375), (0, 62)),
            (1600, 1200, 500, 376, Size(500, 376), (0, 0)),
            (470, 300, 300, 300, Size(300, 192), (0, 54)),
        ):
            result = planned(width, height, width=w, height=h)
            self.assertEqual((result.canvas, result.inner, result.offset), (Size(w, h), inner, offset))

    def test_a_line_of_one_pixel_is_stretched_over_sideways_too(self):
        self.assertEqual(planned(1200, 1600, width=376, height=500).inner, Size(376, 500))

    def test_the_canvas_is_no_larger_than_the_image_on_either_axis(self):
        self.assertEqual(planned(470, 300, width=200, height=1000).canvas, Size(200, 300))
        self.assertEqual(planned(1600, 1200, width=3000, height=3000).output, Size(1600, 1200))

    def test_with_size_fit_there_is_no_padding(self):
        self.assertEqual(planned(1600, 1200, width=500, height=500, size_fit=True).output, Size(500, 375))
        self.assertEqual(planned(1200, 1600, width=800, height=800, size_fit=True).output, Size(600, 800))

    def test_a_picture_that_fits_the_canvas_is_not_scaled(self):
        result = planned(1600, 1200, left=0.35, right=0.65, width=1000, height=1200)
        self.assertEqual(
            (result.crop, result.inner, result.canvas), (Box(560, 0, 1040, 1200), Size(480, 1200), Size(1000, 1200))
        )


class AlignmentTests(SynchronousTestCase):
    table = (
        ("l", 0, 0),
        ("l", 0.1, 60),
        ("l", 0.25, 150),
        ("l", 1, 280),
        ("c", 0.25, 0),
        ("c", 0.5, 140),
        ("c", 0.75, 280),
        ("r", 0.5, 0),
        ("r", 0.75, 130),
        ("r", 1, 280),
    )

    def test_horizontally(self):
        for edge, fraction, x in self.table:
            result = planned(640, 1200, width=600, height=600, align_h=Position(edge=edge, fraction=units(fraction)))
            self.assertEqual((result.inner, result.offset), (Size(320, 600), (x, 0)), (edge, fraction))

    def test_vertically(self):
        for edge, fraction, y in self.table:
            position = Position(edge={"l": "t", "c": "c", "r": "b"}[edge], fraction=units(fraction))
            result = planned(1200, 640, width=600, height=600, align_v=position)
            self.assertEqual((result.inner, result.offset), (Size(600, 320), (0, y)), (edge, fraction))

    def test_the_middle_of_an_odd_picture_is_rounded_down(self):
        result = planned(642, 1200, width=600, height=600, align_h=Position(edge="c", fraction=units(0.5)))
        self.assertEqual((result.inner.width, result.offset[0]), (321, 139))
        self.assertEqual(planned(642, 1200, width=600, height=600).offset[0], 139)


class TileTests(SynchronousTestCase):
    def test_the_remainder_goes_to_the_last_column_and_row(self):
        for width, height, number, grid, (x, y, w, h) in (
            (100, 100, 1, 9, (0, 0, 33, 33)),
            (100, 100, 9, 9, (66, 66, 34, 34)),
            (500, 375, 3, 9, (332, 0, 168, 125)),
            (500, 375, 5, 16, (0, 93, 125, 93)),
            (500, 375, 16, 16, (375, 279, 125, 96)),
            (1600, 1200, 18, 36, (1330, 400, 270, 200)),
        ):
            box = tile_box(Size(width, height), Tile(number=number, grid=grid))
            self.assertEqual(box, Box(x, y, x + w, y + h), (width, height, number, grid))

    def test_a_grid_finer_than_the_pixels_is_refused(self):
        error = self.assertRaises(BadParameter, planned, 10, 3, tile=Tile(number=1, grid=16))
        self.assertEqual(error.message, "tile: grid too fine for this image")

    def test_it_is_cut_out_of_the_padded_canvas(self):
        result = planned(1600, 1200, width=500, height=500, tile=Tile(number=4, grid=4))
        self.assertEqual(
            (result.canvas, result.tile, result.output), (Size(500, 500), Box(250, 250, 500, 500), Size(250, 250))
        )

    @QUICK
    @given(sizes, grids)
    def test_all_tiles_together_are_the_whole_without_gap_or_overlap(self, size, grid):
        side = math.isqrt(grid)
        assume(size.width >= side and size.height >= side)
        boxes = [tile_box(size, Tile(number=number, grid=grid)) for number in range(1, grid + 1)]
        rows = [boxes[start : start + side] for start in range(0, grid, side)]
        for row in rows:
            self.assertEqual([row[0].left, *(box.right for box in row)], [*(box.left for box in row), size.width])
            self.assertEqual({(box.top, box.bottom) for box in row}, {(row[0].top, row[0].bottom)})
        self.assertEqual(
            [rows[0][0].top, *(row[0].bottom for row in rows)], [*(row[0].top for row in rows), size.height]
        )
        self.assertEqual(boxes[0].left, 0)
        self.assertEqual(boxes[0].top, 0)
        self.assertEqual(sum(box.width * box.height for box in boxes), size.width * size.height)


class OverlayTests(SynchronousTestCase):
    def test_it_is_fitted_and_placed(self):
        for canvas, overlay, size, pos, (x, y, w, h) in (
            (Size(1200, 1600), Size(110, 58), None, None, (545, 771, 110, 58)),
            (Size(1200, 1600), Size(110, 58), None, "s", (545, 1542, 110, 58)),
            (Size(1600, 720), Size(1000, 1000), None, None, (440, 0, 720, 720)),
            (Size(800, 600), Size(900, 600), 0.7, "s", (120, 227, 560, 373)),
            (Size(800, 600), Size(1000, 1000), 0.25, "nw", (0, 0, 150, 150)),
            (Size(800, 600), Size(1000, 1000), 0.25, "se", (650, 450, 150, 150)),
            (Size(800, 600), Size(100, 100), None, "c", (350, 250, 100, 100)),
            (Size(800, 600), Size(100, 100), None, "n", (350, 0, 100, 100)),
            (Size(800, 600), Size(100, 100), None, "ne", (700, 0, 100, 100)),
            (Size(800, 600), Size(100, 100), None, "e", (700, 250, 100, 100)),
            (Size(800, 600), Size(100, 100), None, "sw", (0, 500, 100, 100)),
            (Size(800, 600), Size(100, 100), None, "w", (0, 250, 100, 100)),
        ):
            part = None if size is None else units(size)
            box = overlay_box(canvas, overlay, size=part, pos=pos)
            self.assertEqual(box, Box(x, y, x + w, y + h), (canvas, overlay, size, pos))

    def test_halves_are_rounded_up(self):
        self.assertEqual(overlay_box(Size(50, 50), Size(100, 5), size=None, pos="nw"), Box(0, 0, 50, 3))

    @QUICK
    @given(sizes, sizes, st.integers(1, UNIT), st.sampled_from([None, "c", "n", "ne", "e", "se", "s", "sw", "w", "nw"]))
    def test_it_lies_on_the_canvas_and_is_never_enlarged(self, canvas, overlay, size, pos):
        box = overlay_box(canvas, overlay, size=size, pos=pos)
        self.assertTrue(0 <= box.left < box.right <= canvas.width)
        self.assertTrue(0 <= box.top < box.bottom <= canvas.height)
        self.assertTrue(box.width <= overlay.width and box.height <= overlay.height)


class PlanTests(SynchronousTestCase):
    @QUICK
    @given(geometry_specs, sizes)
    def test_all_sizes_are_whole_and_lie_within_each_other(self, spec, natural):
        result = plan(spec, natural)
        for size in (result.rotated, result.inner, result.canvas, result.output):
            self.assertIs(type(size.width), int)
            self.assertIs(type(size.height), int)
            self.assertTrue(size.width >= 1 and size.height >= 1)
        x, y = result.offset
        self.assertTrue(0 <= x <= result.canvas.width - result.inner.width)
        self.assertTrue(0 <= y <= result.canvas.height - result.inner.height)
        if result.crop:
            self.assertTrue(0 <= result.crop.left < result.crop.right <= result.rotated.width)
            self.assertTrue(0 <= result.crop.top < result.crop.bottom <= result.rotated.height)

    @QUICK
    @given(geometry_specs, sizes)
    def test_nothing_is_enlarged_unless_it_was_cropped(self, spec, natural):
        uncropped = attrs.evolve(spec, top=None, left=None, bottom=None, right=None, crop_fit=False)
        result = plan(uncropped, natural)
        self.assertTrue(result.canvas.width <= result.rotated.width and result.canvas.height <= result.rotated.height)

    @QUICK
    @given(geometry_specs, sizes)
    def test_a_wanted_canvas_is_given_up_to_the_natural_size(self, spec, natural):
        assume(spec.focus is None or not spec.focus.cover)
        result = plan(spec, natural)
        width = spec.width and min(spec.width, result.rotated.width)
        height = spec.height and min(spec.height, result.rotated.height)
        if width and height and not spec.size_fit:
            self.assertEqual(result.canvas, Size(width, height))
        elif spec.size_fit:
            self.assertTrue(result.canvas.width <= width and result.canvas.height <= height)
            self.assertTrue(result.canvas.width == width or result.canvas.height == height)
        elif width:
            self.assertEqual(result.canvas.width, width)
        elif height:
            self.assertEqual(result.canvas.height, height)
        else:
            self.assertEqual(result.canvas, result.crop.size if result.crop else result.rotated)

    @QUICK
    @given(geometry_specs, sizes, st.integers(2, 5))
    def test_a_tile_changes_nothing_but_the_output(self, spec, natural, side):
        whole = plan(spec, natural)
        assume(whole.canvas.width >= side and whole.canvas.height >= side)
        tiled = plan(attrs.evolve(spec, tile=Tile(number=1, grid=side * side)), natural)
        self.assertEqual(attrs.evolve(tiled, tile=None, output=whole.output), whole)
        self.assertEqual(tiled.output, tiled.tile.size)

    @QUICK
    @given(geometry_specs, sizes)
    def test_the_picture_keeps_its_shape_up_to_the_rounding(self, spec, natural):
        result = plan(spec, natural)
        current = result.crop.size if result.crop else result.rotated
        across = abs(result.inner.width * current.height - result.inner.height * current.width)
        # One pixel is what rounding up costs, a second one what the padding of a single pixel is stretched over.
        self.assertLessEqual(across, 2 * max(current.width, current.height))
