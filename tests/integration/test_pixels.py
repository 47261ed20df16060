"""What the daemon draws: sizes, places and colours of its answers, measured on the answers themselves."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import ClassVar

from PIL import Image, ImageChops, ImageCms, ImageStat, JpegImagePlugin

from tests.integration import library
from tests.integration.live import Answer, LiveCase, Parameter

MAGENTA = (255, 0, 255)
GREEN = (0, 255, 0)
WHITE = (255, 255, 255)
GROUND = (100, 110, 120)
"""The colour of the flat pictures that overlays are put on."""

PLAIN = {"tmp": "precache", "width": 0, "height": 0}
"""A template that says nothing once its size is cancelled: no strip, no colour space, no quality."""

TENTHS = {"left": 0.1, "top": 0.1, "right": 0.9, "bottom": 0.9}


class PixelCase(LiveCase):
    """Adds what it takes to look at pictures."""

    def png(self, src: str, **parameters: Parameter) -> Image.Image:
        """The picture, lossless and quickly packed."""
        return self.image(src, **{"format": "png", "quality": 10, **parameters})

    def assert_sizes(self, *rows: tuple[str, dict[str, Parameter], tuple[int, int]]) -> None:
        for src, parameters, size in rows:
            self.assertEqual(self.png(src, **parameters).size, size, f"{src} {parameters}")

    def assert_same(self, first: Image.Image, second: Image.Image, *, within: int = 0, hint: str = "") -> None:
        """No channel of any pixel differs by more than ``within``."""
        self.assertEqual((first.size, first.mode), (second.size, second.mode), hint)
        difference = ImageChops.difference(first, second)
        extrema = difference.getextrema()
        bands = extrema if isinstance(extrema[0], tuple) else (extrema,)
        self.assertLessEqual(max(high for _, high in bands), within, f"{hint} in {difference.getbbox()}")

    def assert_near(self, image: Image.Image, place: tuple[int, int], colour: Sequence[int], *, within: int) -> None:
        found = image.getpixel(place)
        self.assertEqual(len(found), len(colour), f"{image.mode} {found}")
        far = max(abs(a - b) for a, b in zip(found, colour, strict=True))
        self.assertLessEqual(far, within, f"{found} at {place}, not {tuple(colour)}")


def box_on(ground: Sequence[int], image: Image.Image) -> tuple[int, int, int, int] | None:
    """Left, top, width and height of all that has not the colour ``ground``."""
    found = ImageChops.difference(image.convert("RGB"), Image.new("RGB", image.size, tuple(ground))).getbbox()
    return found and (found[0], found[1], found[2] - found[0], found[3] - found[1])


def mean(image: Image.Image) -> float:
    return ImageStat.Stat(image.convert("L")).mean[0]


class Sizes(PixelCase):
    def test_resizing_keeps_the_shape_and_rounds_up(self) -> None:
        self.assert_sizes(
            ("photo.jpg", {"width": 500}, (500, 375)),
            ("photo.jpg", {"height": 500}, (667, 500)),
            ("stamp.png", {"width": 150}, (150, 130)),
            ("ribbon.png", {"width": 100}, (100, 1)),
            ("portrait.jpg", {"width": 800, "height": 800, "autosizefit": 1}, (600, 800)),
            ("photo.jpg", {"width": 500, "height": 500, "autosizefit": 1}, (500, 375)),
        )

    def test_nothing_is_enlarged(self) -> None:
        self.assert_sizes(
            ("photo.jpg", {"width": 3000}, (1600, 1200)),
            ("photo.jpg", {"width": 3000, "height": 3000}, (1600, 1200)),
            ("photo.jpg", {"width": 0, "height": 0}, (1600, 1200)),
            ("rgba.png", {"width": 200, "height": 1000}, (200, 300)),
            ("photo.jpg", {"angle": 90, "width": 1300}, (1200, 1600)),
            ("photo.jpg", {"angle": 45, "width": 5000}, (1980, 1980)),
        )

    def test_a_crop_may_be_scaled_up_to_the_size_of_the_whole(self) -> None:
        self.assert_sizes(("photo.jpg", {"left": 0.25, "right": 0.75, "width": 1200}, (1200, 1800)))

    def test_rotation_makes_room_for_the_corners(self) -> None:
        self.assert_sizes(
            ("photo.jpg", {"angle": -90}, (1200, 1600)),
            ("photo.jpg", {"angle": -90, "width": 500}, (500, 667)),
            ("logo.png", {"angle": 10}, (120, 78)),
            ("logo.png", {"angle": 10, "height": 78}, (120, 78)),
            ("logo.png", {"angle": 10, "height": 110}, (120, 78)),
            ("logo.png", {"angle": 45}, (120, 120)),
            ("logo.png", {"angle": 45, "width": 120}, (120, 120)),
            ("logo.png", {"angle": 45, "width": 180}, (120, 120)),
            ("portrait.jpg", {"angle": 45}, (1980, 1980)),
            ("photo.jpg", {"angle": 9.95}, (1784, 1460)),
            ("photo.jpg", {"angle": 0.1}, (1604, 1204)),
        )

    def test_a_rotated_picture_is_cropped_and_padded_after_rotation(self) -> None:
        turned = {"angle": 45, "top": 0.2, "bottom": 0.8, "fill": "ff00ff"}
        self.assert_sizes(("portrait.jpg", turned, (1980, 1188)))
        padded = self.png("portrait.jpg", **turned, width=450, height=450)
        self.assertEqual(padded.size, (450, 450))
        self.assertEqual(box_on(MAGENTA, padded), (0, 90, 450, 270))

    def test_crop_edges_are_rounded_up_without_binary_fractions(self) -> None:
        self.assert_sizes(
            ("photo.jpg", {"left": 0.07}, (1488, 1200)),
            ("photo.jpg", {"left": 0.24, "right": 0.8, "width": 600}, (600, 804)),
        )

    def test_a_crop_that_rounding_makes_empty_is_ignored(self) -> None:
        self.assert_sizes(("tiny.png", {"left": 0.501, "right": 0.502}, (16, 12)))


class Padding(PixelCase):
    def assert_inner(self, src: str, box: tuple[int, int, int, int], **parameters: Parameter) -> None:
        image = self.png(src, fill="ff00ff", **parameters)
        self.assertEqual(image.size, (parameters["width"], parameters["height"]))
        self.assertEqual(box_on(MAGENTA, image), box, f"{src} {parameters}")

    def test_the_picture_lies_in_the_middle_of_its_canvas(self) -> None:
        self.assert_inner("photo.jpg", (0, 62, 500, 375), width=500, height=500)
        self.assert_inner("stamp.png", (0, 10, 150, 130), width=150, height=150)

    def test_a_hairline_of_one_pixel_is_stretched_over(self) -> None:
        self.assert_inner("photo.jpg", (0, 0, 500, 376), width=500, height=376)

    def test_a_picture_that_fits_without_scaling_is_padded_too(self) -> None:
        self.assert_inner("photo.jpg", (260, 0, 480, 1200), left=0.2, right=0.5, width=1000, height=1200)

    def test_autocropfit_widens_the_crop_to_the_shape_of_the_canvas(self) -> None:
        self.assert_inner("photo.jpg", (0, 62, 500, 375), width=500, height=500, **TENTHS)
        self.assert_inner("photo.jpg", (0, 15, 500, 469), width=500, height=500, autocropfit=1, **TENTHS)
        edges = {"left": 0.32, "top": 0.15, "right": 0.72, "bottom": 0.9}
        self.assert_inner("photo.jpg", (0, 0, 200, 200), width=200, height=200, autocropfit=1, **edges)
        uneven = {"top": 0.1, "bottom": 0.5, "right": 0.2}
        self.assert_inner("photo.jpg", (0, 0, 400, 200), width=400, height=200, autocropfit=1, **uneven)

    def test_halign_places_the_picture(self) -> None:
        places = {
            "L0": 0, "L0.1": 60, "L0.25": 150, "L1": 280, "C0.25": 0, "C0.5": 140, "C0.75": 280,
            "R0.5": 0, "R0.75": 130, "R1": 280,
        }  # fmt: skip
        for halign, x in places.items():
            self.assert_inner("portrait.jpg", (x, 0, 320, 426), width=600, height=426, halign=halign)

    def test_valign_places_the_picture(self) -> None:
        for valign, y in {"T0": 0, "t0.1": 60, "C0.25": 0, "C0.75": 280, "B0.75": 130, "b1": 280}.items():
            self.assert_inner("photo.jpg", (0, y, 426, 320), width=426, height=600, valign=valign)


class Fill(PixelCase):
    square: ClassVar = {"width": 60, "height": 60}

    def corner(self, src: str, **parameters: Parameter) -> object:
        return self.png(src, **{**self.square, **parameters}).getpixel((1, 1))

    def test_padding_is_white_unless_something_else_is_said(self) -> None:
        self.assertEqual(self.corner("chart.png"), WHITE)

    def test_colours_can_be_spelt_in_many_ways(self) -> None:
        for fill in ("red", "RED", "ff0000", "#f00", "#ff0000", "rgb(255,0,0)", "rgb( 255, 0, 0 )"):
            self.assertEqual(self.corner("chart.png", fill=fill), (255, 0, 0), fill)
        self.assertEqual(self.corner("chart.png", fill="rgb(1,2,3)"), (1, 2, 3))
        self.assertEqual(self.corner("chart.png", fill="cornflowerblue"), (100, 149, 237))

    def test_rotation_fills_the_corners(self) -> None:
        image = self.png("chart.png", angle=45, fill="00ff00")
        for place in ((0, 0), (image.width - 1, 0), (0, image.height - 1), (image.width - 1, image.height - 1)):
            self.assertEqual(image.getpixel(place), GREEN)
        self.assert_near(image, (image.width // 2, image.height // 2), (80, 60, 128), within=2)

    def test_none_is_transparent_where_the_format_can(self) -> None:
        for fill in ("none", "transparent"):
            image = self.png("chart.png", fill=fill, **self.square)
            self.assertEqual(image.mode, "RGBA")
            self.assertEqual(image.getchannel("A").getpixel((1, 1)), 0)
            self.assertEqual(image.getchannel("A").getpixel((30, 30)), 255)
        gif = self.image("chart.png", format="gif", fill="none", **self.square).convert("RGBA")
        self.assertEqual((gif.getpixel((1, 1))[3], gif.getpixel((30, 30))[3]), (0, 255))

    def test_none_is_white_where_the_format_can_not(self) -> None:
        image = self.image("chart.png", format="jpg", quality=95, fill="none", **self.square)
        self.assert_near(image, (1, 1), WHITE, within=1)

    def test_auto_takes_the_colour_of_the_frame(self) -> None:
        self.assertEqual(self.corner("framed.png", fill="auto"), (10, 200, 90))

    def test_auto_takes_the_colour_of_what_was_cut_out(self) -> None:
        self.assertEqual(self.corner("framed.png", fill="auto", **TENTHS), (250, 20, 20))

    def test_gray_pictures_get_the_luminance_of_the_fill(self) -> None:
        for fill, low, high in (("000000", 0, 0), ("ffffff", 255, 255), ("00ff00", 130, 235)):
            image = self.png("gray.png", colorspace="gray", fill=fill, **self.square)
            self.assertEqual(image.mode, "L")
            self.assertTrue(low <= image.getpixel((1, 1)) <= high, f"{fill} {image.getpixel((1, 1))}")

    def test_cmyk_pictures_are_padded_with_paper(self) -> None:
        image = self.image("cmyk.tif", format="tif", colorspace="cmyk", **self.square)
        self.assertEqual(image.mode, "CMYK")
        self.assertEqual(image.getpixel((1, 1)), (0, 0, 0, 0))

    def test_gray_with_alpha_can_be_padded_and_rotated(self) -> None:
        for parameters in (self.square, {"angle": 30}):
            image = self.png("la.png", colorspace="gray", fill="none", **parameters).convert("RGBA")
            self.assertEqual(image.getpixel((0, 0))[3], 0, str(parameters))


class Turns(PixelCase):
    def test_quarter_turns_and_flips_move_every_pixel_exactly(self) -> None:
        chart = library.chart(160, 120)
        turns = {
            ("angle", 90): Image.Transpose.ROTATE_270,
            ("angle", 180): Image.Transpose.ROTATE_180,
            ("angle", 270): Image.Transpose.ROTATE_90,
            ("angle", -90): Image.Transpose.ROTATE_90,
            ("flip", "h"): Image.Transpose.FLIP_LEFT_RIGHT,
            ("flip", "v"): Image.Transpose.FLIP_TOP_BOTTOM,
        }
        for (name, value), transpose in turns.items():
            self.assert_same(self.png("chart.png", **{name: value}), chart.transpose(transpose), hint=f"{name}={value}")

    def test_a_picture_is_flipped_before_it_is_turned(self) -> None:
        chart = library.chart(160, 120)
        wanted = chart.transpose(Image.Transpose.FLIP_LEFT_RIGHT).transpose(Image.Transpose.ROTATE_270)
        self.assert_same(self.png("chart.png", flip="h", angle=90), wanted)

    def test_a_crop_takes_its_pixels_after_flip_and_turn(self) -> None:
        chart = library.chart(160, 120)
        edges = {"left": 0.25, "top": 0.25, "right": 0.5, "bottom": 0.75}
        self.assert_same(self.png("chart.png", **edges), chart.crop((40, 30, 80, 90)))
        flipped = chart.transpose(Image.Transpose.FLIP_LEFT_RIGHT).crop((40, 30, 80, 90))
        self.assert_same(self.png("chart.png", flip="h", **edges), flipped)
        turned = chart.transpose(Image.Transpose.ROTATE_270).crop((30, 40, 60, 120))
        self.assert_same(self.png("chart.png", angle=90, **edges), turned)

    def test_angles_are_clockwise(self) -> None:
        image = self.png("quarters.png", angle=30, fill="ffffff")
        # Red, above left before, has come to lie above the middle.
        self.assert_near(image, (image.width // 2 - 10, image.height // 2 - 35), (200, 40, 40), within=3)

    def test_pictures_of_every_orientation_come_out_upright(self) -> None:
        upright = library.quarters(160, 96)
        for parameters in ({}, PLAIN, {"strip": 0}):
            for orientation in range(1, 9):
                image = self.png(f"oriented-{orientation}.jpg", **parameters).convert("RGB")
                self.assertEqual(image.size, (160, 96), f"{orientation} {parameters}")
                self.assertNotIn(image.getexif().get(library.ORIENTATION_TAG), range(2, 9))
                difference = mean(ImageChops.difference(image, upright))
                self.assertLess(difference, 2, f"orientation {orientation} {parameters}")

    def test_sizes_and_crops_are_those_of_the_upright_picture(self) -> None:
        for orientation in range(1, 9):
            image = self.png(f"oriented-{orientation}.jpg", right=0.5, bottom=0.5, width=40)
            self.assertEqual(image.size, (40, 24))
            self.assert_near(image, (20, 12), (200, 40, 40), within=4)


class Tiles(PixelCase):
    def assert_rejoins(self, src: str, grid: int, **parameters: Parameter) -> None:
        whole = self.png(src, **parameters)
        columns = round(grid**0.5)
        joined = Image.new(whole.mode, whole.size)
        y = 0
        for row in range(columns):
            x = height = 0
            for column in range(columns):
                tile = self.png(src, tile=f"{row * columns + column + 1}:{grid}", **parameters)
                joined.paste(tile, (x, y))
                x, height = x + tile.width, tile.height
            self.assertEqual(x, whole.width)
            y += height
        self.assertEqual(y, whole.height)
        self.assert_same(joined, whole, hint=f"{src} {grid} {parameters}")

    def test_tiles_rejoin_to_the_very_picture(self) -> None:
        for grid in (4, 9, 16):
            self.assert_rejoins("photo.jpg", grid, width=500)
            self.assert_rejoins("odd.png", grid)

    def test_tiles_rejoin_whatever_else_is_done_to_the_picture(self) -> None:
        everything = {"angle": 30, "flip": "h", "width": 100, "height": 90, "fill": "ff00ff", "sharpen": 200}
        self.assert_rejoins("chart.png", 9, overlay="logo.png", ovsize=0.5, ovpos="se", ovopacity=0.5, **everything)

    def test_the_remainder_goes_to_the_last_column_and_row(self) -> None:
        self.assert_sizes(
            ("square.png", {"width": 100, "tile": "1:9"}, (33, 33)),
            ("square.png", {"width": 100, "tile": "9:9"}, (34, 34)),
            ("photo.jpg", {"width": 500, "tile": "3:9"}, (168, 125)),
            ("photo.jpg", {"width": 500, "tile": "5:16"}, (125, 93)),
            ("photo.jpg", {"width": 500, "tile": "16:16"}, (125, 96)),
            ("photo.jpg", {"tile": "18:36"}, (270, 200)),
        )

    def test_a_tile_of_a_picture_smaller_than_the_grid_is_refused(self) -> None:
        self.assert_refused(self.ask(src="tiny.png", tile="1:256"), 400, "tile: grid too fine")


class Overlays(PixelCase):
    def assert_overlay(self, main: str, overlay: str, box: tuple[int, int, int, int], **parameters: Parameter) -> None:
        image = self.png(main, overlay=overlay, **parameters)
        self.assertEqual(box_on(GROUND, image), box, f"{overlay} on {main} {parameters}")

    def test_overlays_are_fitted_and_placed(self) -> None:
        self.assert_overlay("tall.png", "logo.png", (545, 771, 110, 58))
        self.assert_overlay("tall.png", "logo.png", (545, 1542, 110, 58), ovpos="s")
        self.assert_overlay("wide.png", "square.png", (440, 0, 720, 720))
        self.assert_overlay("medium.png", "oblong.png", (120, 227, 560, 373), ovsize=0.7, ovpos="s")
        self.assert_overlay("medium.png", "square.png", (0, 0, 150, 150), ovsize=0.25, ovpos="nw")
        self.assert_overlay("medium.png", "square.png", (650, 450, 150, 150), ovsize=0.25, ovpos="SE")

    def test_overlays_go_to_all_eight_sides_and_the_centre(self) -> None:
        xs, ys = {"w": 0, "": 345, "e": 690}, {"n": 0, "": 271, "s": 542}
        for ovpos in ("c", "n", "ne", "e", "se", "s", "sw", "w", "nw"):
            x = xs["w" if "w" in ovpos else "e" if "e" in ovpos else ""]
            y = ys["n" if "n" in ovpos else "s" if "s" in ovpos else ""]
            self.assert_overlay("medium.png", "logo.png", (x, y, 110, 58), ovpos=ovpos)

    def test_opacity_mixes(self) -> None:
        image = self.png("medium.png", overlay="logo.png", ovopacity=0.5)
        self.assert_near(image, (400, 300), (50, 55, 187), within=2)

    def test_the_overlays_own_transparency_counts(self) -> None:
        image = self.png("medium.png", overlay="rgba.png")
        self.assertEqual(image.getpixel((400, 300)), (200, 60, 30))
        self.assertEqual(box_on(GROUND, image), (265, 200, 270, 200))

    def test_an_overlay_of_no_size_or_opacity_leaves_the_bytes_as_they_are(self) -> None:
        without = self.ask(src="medium.png")
        for nothing in ({"ovopacity": 0}, {"ovsize": 0}, {"ovopacity": ""}, {"ovsize": ""}):
            answer = self.ask(src="medium.png", overlay="logo.png", **nothing)
            self.assertEqual(answer.body, without.body, str(nothing))
            self.assertEqual(answer.headers["ETag"], without.headers["ETag"])

    def test_an_overlay_lies_on_the_finished_canvas(self) -> None:
        image = self.png("medium.png", overlay="logo.png", ovpos="n", width=400, height=600, fill="00ff00")
        self.assertEqual(image.size, (400, 600))
        self.assertEqual(image.getpixel((200, 5)), library.LOGO)
        self.assertEqual(image.getpixel((5, 5)), GREEN)

    def test_an_overlay_on_a_cmyk_picture_keeps_its_colour(self) -> None:
        image = self.png("cmyk.jpg", overlay="square.png", ovsize=0.25, ovpos="nw").convert("RGB")
        red, green, blue = image.getpixel((5, 5))
        self.assertTrue(red > 180 and green < 90 and blue < 90, str((red, green, blue)))


class Pages(PixelCase):
    def test_each_page_can_be_had(self) -> None:
        for page, colour in enumerate(library.PAGES, start=1):
            image = self.png("pages.tif", page=page)
            self.assertEqual((image.size, image.getpixel((400, 300))), ((800, 600), colour), f"page {page}")

    def test_the_first_page_is_the_one_without_number(self) -> None:
        tags = {self.ask(src="pages.tif", **page).headers["ETag"] for page in ({}, {"page": 0}, {"page": 1})}
        self.assertEqual(len(tags), 1)
        self.assertEqual(self.png("pages.tif").getpixel((0, 0)), library.PAGES[0])

    def test_a_page_beyond_the_last_one_is_refused(self) -> None:
        self.assert_refused(self.ask(src="pages.tif", page=11), 400, "page:", "out of range")

    def test_pictures_without_pages_take_any_number(self) -> None:
        self.assertEqual(self.png("chart.png", page=2).size, (160, 120))

    def test_a_single_page_comes_out(self) -> None:
        image = self.image("pages.tif", page=3)
        self.assertEqual((image.format, image.n_frames), ("TIFF", 1))
        self.assertEqual(image.convert("RGB").getpixel((0, 0)), library.PAGES[2])

    def test_animations_give_their_first_frame(self) -> None:
        for src, size in (("animated.webp", (64, 48)), ("animated.gif", (64, 48)), ("frames.gif", (1, 1))):
            image = self.png(src)
            self.assertEqual((image.size, getattr(image, "n_frames", 1)), (size, 1))
            self.assert_near(image.convert("RGB"), (0, 0), library.SQUARE, within=1)
            self.assertEqual(getattr(self.image(src, width=8), "n_frames", 1), 1)


class Modes(PixelCase):
    def test_gray_stays_exactly_gray(self) -> None:
        image = self.png("gray.png", colorspace="gray")
        self.assert_same(image, library.chart(160, 120).getchannel("R"))

    def test_gray_becomes_an_equal_gray_in_rgb(self) -> None:
        image = self.png("gray.png")
        self.assertEqual(image.mode, "RGB")
        for column in (60, 100, 150):
            self.assert_near(image, (column, 60), (column,) * 3, within=4)

    def test_cmyk_and_ycck_become_the_colours_of_their_inks(self) -> None:
        for src in ("cmyk.jpg", "ycck.jpg", "cmyk.tif"):
            image = self.png(src)
            self.assertEqual(image.mode, "RGB", src)
            white, cyan, yellow, black = (image.getpixel((20 + 40 * patch, 40)) for patch in range(4))
            self.assertGreater(min(white), 245, src)
            self.assertTrue(cyan[0] < 90 and min(cyan[1:]) > 120, f"{src} {cyan}")
            self.assertTrue(min(yellow[:2]) > 200 and yellow[2] < 90, f"{src} {yellow}")
            self.assertLess(max(black), 70, src)

    def test_cmyk_keeps_its_inks_where_the_format_can(self) -> None:
        for output, within in (("tif", 0), ("jpg", 6)):
            image = self.image("cmyk.tif", colorspace="cmyk", format=output, quality=95, width=80)
            self.assertEqual(image.mode, "CMYK")
            self.assert_near(image, (50, 20), library.CMYK_PATCHES["yellow"], within=within)

    def test_sixteen_bits_are_scaled_not_clipped(self) -> None:
        for src in ("gray16.png", "gray16.tif"):
            for output in ("jpg", "gif", "webp"):
                image = self.image(src, format=output, quality=95, colorspace="gray").convert("L")
                for column in (40, 90, 150):
                    self.assertLessEqual(abs(image.getpixel((column, 40)) - column * 400 // 257), 8, f"{src} {output}")

    def test_sixteen_bits_are_kept_where_the_format_can(self) -> None:
        image = self.image("gray16.png", tmp="precache", width=80, height=0)
        self.assertTrue(image.mode.startswith("I"), image.mode)
        for column in (20, 50, 70):
            self.assertLessEqual(abs(image.getpixel((column, 20)) - (2 * column * 400 + 200)), 300)

    def test_sixteen_bit_colours_come_out_right(self) -> None:
        image = self.png("rgb16.png")
        for patch, colour in enumerate(((255, 0, 0), (128, 128, 128), (0, 0, 200), (100, 150, 50))):
            self.assert_near(image.convert("RGB"), (20 + 40 * patch, 40), colour, within=1)

    def test_palettes_become_true_colours(self) -> None:
        for src in ("palette.png", "palette.gif"):
            self.assert_same(self.png(src).convert("RGB"), library.quarters(160, 96), hint=src)

    def test_a_scaled_palette_picture_gets_colours_in_between(self) -> None:
        image = self.png("palette.png", width=40)
        self.assertEqual(image.mode, "RGB")
        self.assert_near(image, (5, 5), (200, 40, 40), within=1)

    def test_transparent_palette_entries_stay_transparent(self) -> None:
        image = self.png("palette-clear.png", width=60).convert("RGBA")
        self.assertEqual(image.getpixel((10, 20)), (0, 90, 180, 255))
        self.assertEqual(image.getpixel((50, 20))[3], 0)
        flat = self.image("palette-clear.png", format="jpg", quality=95)
        self.assert_near(flat, (100, 40), WHITE, within=2)

    def test_one_bit_pictures_come_out_black_and_white(self) -> None:
        for src in ("bit.png", "bit.tif"):
            for parameters in ({"format": "png"}, {"format": "jpg", "width": 60, "quality": 95}):
                image = self.image(src, **parameters).convert("L")
                place = image.width // 4, image.width * 3 // 4
                light, dark = (image.getpixel((x, image.height // 2)) for x in place)
                self.assertTrue(light > 250 and dark < 5, f"{src} {parameters} {light} {dark}")

    def test_scaled_one_bit_pictures_get_grays_in_between(self) -> None:
        image = self.png("bit.png", width=37).convert("L")
        self.assertGreater(len(set(image.get_flattened_data())), 2)

    def test_gray_with_alpha_keeps_its_alpha_or_is_laid_on_white(self) -> None:
        image = self.png("la.png", colorspace="gray").convert("LA")
        self.assertEqual(image.getpixel((20, 40)), (170, 255))
        self.assertEqual(image.getpixel((100, 40))[1], 0)
        flat = self.image("la.png", format="jpg", quality=95).convert("L")
        self.assertGreater(flat.getpixel((100, 40)), 252)
        self.assertLess(abs(flat.getpixel((20, 40)) - 170), 5)

    def test_alpha_is_laid_on_white_for_formats_without(self) -> None:
        image = self.image("rgba.png", format="jpg", quality=95)
        self.assertEqual((image.mode, image.size), ("RGB", (470, 300)))
        self.assert_near(image, (10, 10), WHITE, within=2)
        self.assert_near(image, (235, 150), (200, 60, 30), within=4)
        self.assertEqual(self.image("rgba.png", format="jpg", width=300, height=300).size, (300, 300))

    def test_alpha_is_kept_by_formats_with(self) -> None:
        for output in ("png", "tif", "webp"):
            image = self.image("rgba.png", format=output, quality=95).convert("RGBA")
            self.assertEqual((image.getpixel((10, 10))[3], image.getpixel((235, 150))[3]), (0, 255), output)

    def test_colours_under_transparency_do_not_bleed_in(self) -> None:
        image = self.png("rgba.png", width=90)
        half = [pixel for pixel in image.get_flattened_data() if 40 < pixel[3] < 215]
        self.assertTrue(half)
        for red, green, blue, _ in half:
            self.assertTrue(abs(red - 200) < 12 and abs(green - 60) < 12 and abs(blue - 30) < 12, (red, green, blue))

    def test_what_the_bytes_are_counts_not_the_name(self) -> None:
        answer = self.ask(src="wrong.jpg")
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "image/jpeg"))
        self.assertEqual((answer.image.format, answer.image.size), ("JPEG", (16, 12)))


class Light(PixelCase):
    def test_pictures_are_scaled_in_linear_light(self) -> None:
        for parameters in ({"src": "checker.png"}, {"src": "checker-gray.png", "colorspace": "gray"}):
            image = self.png(**parameters, width=32)
            self.assertEqual(image.size, (32, 32))
            self.assertLessEqual(abs(mean(image) - 188), 1, f"{parameters} {mean(image)}")

    def test_a_flat_colour_survives_scaling(self) -> None:
        for parameters in ({"width": 333}, {"width": 333, "angle": 90}, {"height": 77}):
            self.assertEqual(self.png("medium.png", **parameters).getextrema(), tuple((each, each) for each in GROUND))

    def test_sharpening_steepens_and_blurring_flattens(self) -> None:
        spread = {
            sharpen: ImageStat.Stat(self.png("checker-gray.png", width=200, sharpen=sharpen).convert("L")).stddev[0]
            for sharpen in (-200, 0, 100, 300)
        }
        edges = {sharpen: self.png("quarters.png", sharpen=sharpen).getpixel((79, 20))[1] for sharpen in (-200, 0, 200)}
        self.assertLess(spread[-200], spread[0])
        self.assertLess(edges[200], edges[0])
        self.assertLess(edges[0], edges[-200])
        self.assertEqual(self.png("quarters.png", sharpen=500).size, (160, 96))


class Colour(PixelCase):
    def profile(self, name: str) -> ImageCms.ImageCmsProfile:
        return ImageCms.ImageCmsProfile(io.BytesIO((library.PROFILES / f"{name}.icc").read_bytes()))

    def converted(self, image: Image.Image, source: str, target: str, mode: str, intent: int = 0) -> Image.Image:
        """What LittleCMS itself makes of it."""
        srgb = ImageCms.createProfile("sRGB")
        profiles = [srgb if name == "srgb" else self.profile(name) for name in (source, target)]
        return ImageCms.profileToProfile(image, *profiles, renderingIntent=intent, outputMode=mode)

    def test_stripping_a_wide_gamut_picture_keeps_its_colours(self) -> None:
        answer = self.ask(src="wide-gamut.png", **PLAIN, strip=1)
        wanted = self.converted(Image.new("RGB", (160, 120), (100, 200, 60)), "adobergb1998", "srgb", "RGB")
        self.assertNotIn("icc_profile", answer.image.info)
        self.assert_same(answer.image, wanted, within=2)

    def test_a_profile_that_is_kept_keeps_its_numbers(self) -> None:
        image = self.image("wide-gamut.png", tmp="precache", width=80, height=0)
        self.assertEqual(image.info["icc_profile"], (library.PROFILES / "adobergb1998.icc").read_bytes())
        self.assert_near(image, (40, 30), (100, 200, 60), within=1)

    def test_icc_converts_and_embeds(self) -> None:
        image = self.png("chart.png", **PLAIN, icc="AdobeRGB1998", intent="relative")
        wanted = self.converted(library.chart(160, 120), "srgb", "adobergb1998", "RGB", intent=1)
        self.assertEqual(image.info["icc_profile"], (library.PROFILES / "adobergb1998.icc").read_bytes())
        self.assert_same(image, wanted, within=2)

    def test_icc_changes_the_kind_of_pixels(self) -> None:
        for icc, mode in (("coatedfogra39", "CMYK"), ("greyscale", "L")):
            image = self.image("chart.png", **PLAIN, icc=icc, format="tif")
            wanted = self.converted(library.chart(160, 120), "srgb", icc, mode)
            self.assertEqual(image.mode, mode)
            self.assertIn("icc_profile", image.info)
            self.assert_same(image, wanted, within=4, hint=icc)

    def test_intents_and_black_points_differ(self) -> None:
        seen = set()
        for parameters in (
            {"intent": "perceptual"},
            {"intent": "saturation"},
            {"intent": "absolute"},
            {"intent": "relative"},
            {"intent": "relative", "bpc": 1},
        ):
            answer = self.ask(src="chart.png", **PLAIN, icc="coatedfogra39", format="tif", **parameters)
            self.assertEqual(answer.status, 200)
            seen.add(answer.body)
        self.assertGreaterEqual(len(seen), 3)

    def test_colorspace_makes_gray_and_cmyk(self) -> None:
        for name, mode in (("gray", "L"), ("grey", "L"), ("cmyk", "CMYK"), ("rgb", "RGB"), ("srgb", "RGB")):
            self.assertEqual(self.image("chart.png", colorspace=name, format="tif").mode, mode, name)
        self.assertEqual(self.image("chart.png", colorspace="cmyk", format="jpg").mode, "CMYK")

    def test_formats_without_cmyk_get_rgb(self) -> None:
        for output in ("png", "gif", "bmp", "webp"):
            for src, parameters in (("cmyk.jpg", PLAIN), ("quarters.png", {"colorspace": "cmyk"})):
                image = self.image(src, format=output, **parameters).convert("RGB")
                self.assertEqual(image.size, (160, 80) if src == "cmyk.jpg" else (160, 96), f"{src} {output}")
        image = self.png("quarters.png", colorspace="cmyk")
        self.assert_near(image, (20, 20), (200, 40, 40), within=30)

    def test_effect_profiles_change_colours_only(self) -> None:
        image = self.png("quarters.png", icc="fx-sepia")
        self.assertEqual((image.mode, image.size), ("RGB", (160, 96)))
        self.assertGreater(mean(ImageChops.difference(image, library.quarters(160, 96))), 5)


class Encoding(PixelCase):
    def saved(self, src: str, **parameters: Parameter) -> Answer:
        answer = self.ask(src=src, **parameters)
        self.assertEqual(answer.status, 200, f"{parameters} {answer.body[:200]!r}")
        return answer

    def test_every_output_format_is_what_it_says(self) -> None:
        formats = {
            "jpg": ("JPEG", "image/jpeg"), "jpeg": ("JPEG", "image/jpeg"), "pjpg": ("JPEG", "image/jpeg"),
            "pjpeg": ("JPEG", "image/jpeg"), "png": ("PNG", "image/png"), "gif": ("GIF", "image/gif"),
            "tif": ("TIFF", "image/tiff"), "tiff": ("TIFF", "image/tiff"), "webp": ("WEBP", "image/webp"),
            "avif": ("AVIF", "image/avif"), "bmp": ("BMP", "image/bmp"), "ppm": ("PPM", "image/x-portable-pixmap"),
            "tga": ("TGA", "image/tga"), "jp2": ("JPEG2000", "image/jp2"), "pcx": ("PCX", "image/x-pcx"),
        }  # fmt: skip
        for name, (kind, mime) in formats.items():
            for src in ("photo.jpg", "rgba.png", "gray.png", "cmyk.jpg", "palette.png", "bit.png"):
                answer = self.saved(src, format=name, width=64)
                self.assertEqual((answer.image.format, answer.headers["Content-Type"]), (kind, mime), f"{src} {name}")
                self.assertEqual(answer.image.width, 64)

    def test_quality_makes_smaller_files(self) -> None:
        for name in ("jpg", "webp", "avif"):
            sizes = [len(self.saved("photo.jpg", format=name, quality=q, width=300).body) for q in (20, 60, 95)]
            self.assertEqual(sizes, sorted(set(sizes)), name)

    def test_png_quality_is_the_level_of_compression(self) -> None:
        stored, fast, best = (
            len(self.saved("photo.jpg", format="png", quality=quality, width=300).body) for quality in (5, 15, 95)
        )
        self.assertGreater(stored, 300 * 225 * 3)
        self.assertLess(fast, stored)
        self.assertLessEqual(best, fast)

    def test_png_quality_changes_no_pixel(self) -> None:
        chart = library.chart(160, 120)
        for quality in (1, 9, 10, 31, 42, 53, 64, 75, 86, 97, 98, 99, 100):
            self.assert_same(self.image("chart.png", format="png", quality=quality), chart, hint=str(quality))

    def test_progressive_only_when_asked_for(self) -> None:
        for src in ("photo.jpg", "progressive.jpg"):
            self.assertNotIn("progressive", self.saved(src, width=200).image.info, src)
            self.assertNotIn("progressive", self.saved(src, width=200, format="jpg").image.info, src)
            for name in ("pjpg", "pjpeg"):
                self.assertIn("progressive", self.saved(src, width=200, format=name).image.info, f"{src} {name}")

    def test_progressive_files_are_smaller_and_look_the_same(self) -> None:
        plain, progressive = (self.saved("photo.jpg", width=800, quality=100, format=f) for f in ("jpg", "pjpg"))
        self.assertLess(len(progressive.body), len(plain.body))
        self.assert_same(plain.image, progressive.image, within=2)

    def test_chroma_is_kept_whole_from_quality_ninety_up(self) -> None:
        for quality, sampling in ((100, 0), (90, 0), (89, 2), (50, 2)):
            image = Image.open(io.BytesIO(self.saved("photo.jpg", width=200, quality=quality).body))
            self.assertEqual(JpegImagePlugin.get_sampling(image), sampling, str(quality))

    def test_dpi_is_written_into_the_file(self) -> None:
        for name in ("jpg", "png", "tif"):
            found = self.saved("chart.png", format=name, dpi=300).image.info["dpi"]
            self.assertEqual([round(float(each)) for each in found], [300, 300], name)

    def test_the_sources_dpi_is_kept(self) -> None:
        for parameters in ({}, {"strip": 1}, {"strip": 0}, {"dpi": 0}, {"format": "png"}, {"width": 100}):
            found = self.saved("meta.jpg", **parameters).image.info["dpi"]
            self.assertEqual([round(float(each)) for each in found], [240, 240], str(parameters))

    def test_strip_removes_all_metadata(self) -> None:
        answer = self.saved("meta.jpg", strip=1)
        for name in ("exif", "icc_profile", "comment", "xmp", "photoshop"):
            self.assertNotIn(name, answer.image.info)
        self.assertNotIn(b"a test picture", answer.body)

    def test_without_strip_metadata_stay_and_are_true(self) -> None:
        for output in ("jpg", "png", "webp", "tif"):
            image = self.image("meta.jpg", strip=0, width=160, format=output)
            self.assertEqual(image.size, (160, 214))
            exif = image.getexif()
            self.assertEqual(exif.get(0x010E), "a test picture", output)
            self.assertIn(exif.get(library.ORIENTATION_TAG, 1), (1,), output)
            details = exif.get_ifd(0x8769)
            self.assertIn((details.get(0xA002), details.get(0xA003)), ((160, 214), (None, None)), output)

    def test_equal_requests_give_equal_bytes_however_they_are_made(self) -> None:
        first = self.saved("photo.jpg", width=321, format="png")
        others = [self.saved("photo.jpg", width=321, format="png", attach=each).body for each in (0, 1)]
        self.assertEqual({first.body}, set(others))

    def test_nothing_to_do_gives_the_very_file(self) -> None:
        for src in ("meta.jpg", "animated.gif", "pages.tif", "cmyk.jpg", "gray16.png"):
            answer = self.saved(src, **PLAIN)
            self.assertEqual(answer.body, (self.daemon.images / src).read_bytes(), src)
