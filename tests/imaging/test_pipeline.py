"""The steps between decoder and encoder: what each does, and in which order."""

from __future__ import annotations

import itertools
import math
import struct
from typing import Any

from PIL import Image, ImageChops, ImageFilter, ImageStat
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import RenderCancelled, Unsupported
from qisd.imaging import pipeline
from qisd.imaging.geometry import Size, plan
from qisd.imaging.pipeline import STEPS, begin, run
from qisd.imaging.profiles import BUILT_IN
from qisd.imaging.resample import Filter, TransferCurve, resize
from qisd.imaging.spec import ImageSpec, Position, Tile
from tests.imaging.pipelines import MODES, STORE, degrees, photo, picture, process, rms, same

RED = (255, 0, 0)
WHITE = (255, 255, 255)
FLIP_H, FLIP_V = Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM


def half_and_half(width: int = 80, height: int = 60) -> Image.Image:
    """Black on the left, white on the right."""
    image = Image.new("RGB", (width, height), WHITE)
    image.paste((0, 0, 0), (0, 0, width // 2, height))
    return image


class OrderTests(SynchronousTestCase):
    def test_the_list_of_steps(self) -> None:
        names = [step.__name__ for step in STEPS]
        self.assertEqual(
            names,
            [
                *("choose_ground", "flip", "rotate", "crop", "resize_and_pad", "sharpen", "overlay", "tile"),
                *("apply_profile", "convert_colorspace", "fit_colours", "strip"),
            ],
        )

    def test_flip_before_rotation(self) -> None:
        result = process(photo(), flip="h", rotation=degrees(90)).image
        self.assertTrue(same(result, photo().transpose(FLIP_H).transpose(Image.Transpose.ROTATE_270)))

    def test_rotation_before_crop(self) -> None:
        result = process(photo(), rotation=degrees(90), bottom=25000).image
        turned = photo().transpose(Image.Transpose.ROTATE_270)
        self.assertTrue(same(result, turned.crop((0, 0, 64, 24))))

    def test_crop_before_resize_so_that_nothing_bleeds_in(self) -> None:
        result = process(half_and_half(), left=50000, width=20).image
        self.assertEqual(result.getextrema(), ((255, 255),) * 3)

    def test_resize_before_sharpening(self) -> None:
        small = process(photo(), width=48).image
        result = process(photo(), width=48, sharpen=-300).image
        self.assertTrue(same(result, small.filter(ImageFilter.GaussianBlur(3))))

    def test_padding_before_sharpening(self) -> None:
        result = process(photo(60, 20), width=60, height=20 * 2, sharpen=-500, fill="#ff0000").image
        self.assertEqual(result.size, (60, 20))
        result = process(photo(60, 60), width=60, height=30, sharpen=-500, fill="#ff0000").image
        # The border between picture and padding is blurred too.
        self.assertNotEqual(result.getpixel((14, 15)), RED)

    def test_sharpening_before_the_overlay(self) -> None:
        mark = Image.new("RGB", (10, 10), RED)
        result = process(photo(), sharpen=-500, overlay=picture(mark), overlay_src="x").image
        self.assertEqual(result.crop((43, 27, 53, 37)).getcolors(), [(100, RED)])

    def test_the_overlay_before_the_tile(self) -> None:
        mark = picture(Image.new("RGB", (96, 64), RED))
        result = process(photo(), overlay=mark, overlay_src="x", tile=Tile(number=2, grid=4)).image
        self.assertEqual((result.size, result.getcolors()), ((48, 32), [(48 * 32, RED)]))

    def test_checkpoints_come_between_the_steps(self) -> None:
        calls = itertools.count(1)

        def give_up() -> None:
            if next(calls) == 5:
                raise RenderCancelled

        spec = ImageSpec(width=10)
        source = picture(photo())
        row = source.format
        job = pipeline.Job(
            spec=spec, plan=plan(spec, source.full_size), format=row, profiles=STORE, quality=3, gamma_correct=True
        )
        self.assertRaises(RenderCancelled, run, begin(source), job, checkpoint=give_up)
        self.assertEqual(next(calls), 6)


class EveryModeTests(SynchronousTestCase):
    OPTIONS: tuple[dict[str, Any], ...] = (
        {},
        {"width": 50},
        {"width": 60, "height": 60, "fill": "#ff8000"},
        {"width": 60, "height": 60, "fill": "none"},
        {"width": 60, "height": 60, "fill": "auto"},
        {"width": 60, "height": 60, "size_fit": True},
        {"rotation": degrees(30)},
        {"rotation": degrees(-30) % degrees(360), "fill": "none", "width": 40},
        {"rotation": degrees(270), "flip": "v"},
        {"top": 20000, "left": 10000, "right": 70000, "width": 40, "height": 50},
        {"top": 20000, "left": 10000, "right": 70000, "width": 40, "height": 50, "crop_fit": True},
        {"sharpen": 200},
        {"sharpen": -200},
        {"tile": Tile(number=9, grid=9), "width": 77},
        {"colorspace": "rgb"},
        {"colorspace": "gray", "width": 30},
        {"colorspace": "cmyk"},
        {"strip": True},
        {"icc_profile": "adobergb1998"},
        {"icc_profile": "greyscale"},
        {"icc_profile": "coatedfogra39", "icc_intent": "relative", "icc_bpc": True},
        {"icc_profile": "fx-rotatehue"},
    )

    def test_every_operation_on_every_mode_has_the_planned_size(self) -> None:
        for mode in MODES:
            source = photo(mode=mode)
            for options, to in itertools.product(self.OPTIONS, ("png", "jpg", "tif")):
                work = process(source, to=to, **options)
                size = plan(ImageSpec(**options), Size(96, 64)).output
                self.assertEqual(work.image.size, (size.width, size.height), (mode, options))

    def test_every_quality_of_rotation_on_every_mode_looks_alike(self) -> None:
        for mode in MODES:
            source = photo(mode=mode)
            options = {"rotation": degrees(17), "sharpen": -300, "colorspace": "gray"}
            best = process(source, **options).image
            for quality in (1, 2):
                self.assertLess(rms(best, process(source, quality=quality, **options).image), 8, (mode, quality))

    def test_nothing_to_do_leaves_the_pixels_alone(self) -> None:
        for mode in ("1", "L", "LA", "RGB", "RGBA", "I;16"):
            self.assertTrue(same(process(photo(mode=mode)).image, photo(mode=mode)), mode)

    def test_palettes_are_expanded(self) -> None:
        self.assertTrue(same(process(photo(mode="P")).image, photo(mode="P").convert("RGB")))
        self.assertTrue(same(process(photo(mode="P+transparency")).image, photo(mode="P+transparency").convert("RGBA")))


class GroundTests(SynchronousTestCase):
    def padded(self, image: Image.Image, fill: str | None, **options: Any) -> Image.Image:
        return process(image, width=image.width, height=image.height // 2, fill=fill, **options).image

    def test_the_padding_has_exactly_the_fill_colour(self) -> None:
        for text, colour in ((None, WHITE), ("#ff0000", RED), ("#12345f", (0x12, 0x34, 0x5F))):
            self.assertEqual(self.padded(photo(), text).getpixel((0, 0)), colour)

    def test_padding_in_every_mode(self) -> None:
        for mode, expected in (
            ("1", 54),
            ("L", 54),
            ("LA", (54, 255)),
            ("RGB", (18, 52, 200)),
            ("RGBA", (18, 52, 200, 255)),
            ("I;16", 54 * 257),
            ("P", (18, 52, 200)),
        ):
            # 0.299 · 18 + 0.587 · 52 + 0.114 · 200 is 58.7
            pixel = self.padded(photo(mode=mode), "#1234c8").getpixel((0, 0))
            grey = {54: 59, (54, 255): (59, 255), 54 * 257: 59 * 257}.get(expected, expected)
            self.assertEqual(pixel, grey, mode)

    def test_white_and_red_ink(self) -> None:
        self.assertEqual(self.padded(photo(mode="CMYK"), None, to="jpg").getpixel((0, 0)), (0, 0, 0, 0))
        cyan, magenta, yellow, black = self.padded(photo(mode="CMYK"), "#ff0000", to="jpg").getpixel((0, 0))
        self.assertTrue(cyan < 20 and magenta > 220 and yellow > 220 and black < 20)

    def test_a_colour_is_converted_into_the_images_profile(self) -> None:
        icc = (BUILT_IN / "adobergb1998.icc").read_bytes()
        result = self.padded(photo(), "#336699", icc=icc, strip=True)
        for channel, expected in zip(result.getpixel((0, 0)), (0x33, 0x66, 0x99), strict=True):
            self.assertApproximates(channel, expected, 1)

    def test_none_is_transparent_where_the_format_has_alpha(self) -> None:
        for mode, clear in (("RGB", (0,) * 4), ("L", (0, 0)), ("LA", (0, 0)), ("1", (0, 0)), ("CMYK", (0,) * 4)):
            image = self.padded(photo(mode=mode), "none", to="png")
            self.assertEqual(image.getpixel((0, 0)), clear, mode)
            middle = image.getpixel((48, 16))
            self.assertGreater(middle[-1], 0)

    def test_none_is_white_where_it_has_none(self) -> None:
        self.assertEqual(self.padded(photo(), "none", to="jpg").getpixel((0, 0)), WHITE)
        self.assertEqual(self.padded(photo(mode="CMYK"), "none", to="tif").getpixel((0, 0)), (0, 0, 0, 0))

    def test_none_adds_no_alpha_when_nothing_is_filled(self) -> None:
        self.assertEqual(process(photo(), width=48, height=32, fill="none").image.mode, "RGB")

    def test_auto_is_the_median_of_the_outermost_frame(self) -> None:
        image = photo()
        frame = [
            image.getpixel((x, y)) for y in range(64) for x in range(96) if x in (0, 95) or y in (0, 63)
        ]  # fmt: skip
        expected = tuple(sorted(channel)[(len(frame) - 1) // 2] for channel in zip(*frame, strict=True))
        self.assertEqual(self.padded(image, "auto").getpixel((0, 0)), expected)

    def test_auto_leaves_transparent_pixels_out(self) -> None:
        image = Image.new("RGBA", (20, 20), (9, 9, 9, 0))
        self.assertEqual(self.padded(image, "auto").getpixel((0, 0)), (255, 255, 255, 255))
        image.paste((200, 100, 50, 128), (0, 0, 20, 2))
        self.assertEqual(self.padded(image, "auto").getpixel((0, 0)), (200, 100, 50, 255))

    def test_auto_is_measured_after_the_crop_unless_there_is_rotation(self) -> None:
        image = Image.new("RGB", (60, 60), RED)
        image.paste((0, 0, 255), (10, 10, 50, 50))
        edges = {"left": 30000, "right": 70000, "top": 30000, "bottom": 70000}
        cropped = process(image, width=40, height=20, fill="auto", **edges).image
        self.assertEqual(cropped.getpixel((0, 0)), (0, 0, 255))
        turned = process(image, width=40, height=20, fill="auto", rotation=degrees(90), **edges).image
        self.assertEqual(turned.getpixel((0, 0)), RED)

    def test_auto_on_every_mode(self) -> None:
        for mode in MODES:
            plain = Image.new("RGB", (40, 40), (120, 120, 120)).convert("L")
            source = plain.convert("I").point(lambda value: value * 257).convert("I;16") if mode == "I;16" else (
                plain.quantize(4) if mode in ("P", "P+transparency", "PA") else plain.convert(mode)
            )  # fmt: skip
            self.assertEqual(self.padded(source, "auto", colorspace="gray").size, (40, 20), mode)

    def test_an_unknown_colour_is_refused_only_when_it_is_needed(self) -> None:
        for options in ({"width": 96, "height": 32}, {"rotation": degrees(10)}):
            error = self.assertRaises(Unsupported, process, photo(), fill="spam", **options)
            self.assertIn("unsupported fill colour", error.message)
        for options in ({"width": 50}, {"width": 48, "height": 32}, {"rotation": degrees(90)}, {"flip": "h"}):
            process(photo(), fill="spam", **options)

    def test_the_alignment_is_the_plans(self) -> None:
        options = {"width": 96, "height": 32, "fill": "#ff0000"}
        left = process(photo(), align_h=Position(edge="l", fraction=0), **options).image
        self.assertNotEqual(left.getpixel((0, 0)), RED)
        self.assertEqual(left.getpixel((95, 0)), RED)
        small = process(photo(), width=48).image
        self.assertTrue(same(left.crop((0, 0, 48, 32)), small))


class RotationTests(SynchronousTestCase):
    def test_quarter_turns_are_exact(self) -> None:
        for angle, turn in ((90, Image.Transpose.ROTATE_270), (180, Image.Transpose.ROTATE_180),
                            (270, Image.Transpose.ROTATE_90)):  # fmt: skip
            for mode in ("L", "RGBA", "CMYK", "I;16"):
                result = process(photo(mode=mode), rotation=degrees(angle), to="tif").image
                self.assertTrue(same(result, photo(mode=mode).transpose(turn)), (angle, mode))

    def test_it_is_clockwise(self) -> None:
        image = Image.new("RGB", (40, 40), WHITE)
        image.paste(RED, (0, 0, 40, 10))  # red at the top
        result = process(image, rotation=degrees(80)).image
        width, height = result.size
        self.assertEqual(result.getpixel((width - 8, height // 2)), RED)
        self.assertEqual(result.getpixel((8, height // 2)), WHITE)

    def test_the_corners_are_filled_in_every_mode(self) -> None:
        for mode, colour in (("L", 0), ("LA", (0, 255)), ("RGB", (0, 0, 0)), ("RGBA", (0, 0, 0, 255)), ("I;16", 0)):
            white = photo(40, 40, mode=mode)
            result = process(white, rotation=degrees(45), fill="#000000").image
            self.assertEqual(result.getpixel((0, 0)), colour, mode)
        result = process(photo(40, 40, mode="CMYK"), rotation=degrees(45), to="jpg").image
        self.assertEqual(result.getpixel((0, 0)), (0, 0, 0, 0))

    def test_the_picture_stays_in_the_middle(self) -> None:
        image = Image.new("L", (81, 61), 0)
        image.paste(255, (36, 26, 45, 35))
        result = process(image, rotation=degrees(33), fill="#000000").image
        left, top, right, bottom = result.point(lambda value: 255 * (value > 127)).getbbox()
        self.assertApproximates((left + right) / 2, result.width / 2, 0.51)
        self.assertApproximates((top + bottom) / 2, result.height / 2, 0.51)

    def test_there_and_back_is_nearly_the_same(self) -> None:
        for mode in ("L", "RGB", "CMYK", "I;16"):
            image = photo(96, 64, mode).resize((384, 256), Image.Resampling.BICUBIC) if mode != "I;16" else None
            if image is None:
                image = resize(photo(96, 64, mode), (384, 256), filter=Filter.BICUBIC, curve=None)
            there = process(image, rotation=degrees(30), to="tif").image
            back = process(there, rotation=degrees(330), to="tif").image
            x, y = (back.width - 384) // 2, (back.height - 256) // 2
            one = back.crop((x + 20, y + 20, x + 364, y + 236))
            other = image.crop((20, 20, 364, 236))
            if mode == "I;16":
                one, other = (part.point(lambda value: value / 257 + 0.5).convert("L") for part in (one, other))
            self.assertLess(rms(one, other), 6, mode)

    def test_transparent_colours_do_not_bleed(self) -> None:
        image = Image.new("RGBA", (40, 40), (0, 255, 0, 0))
        image.paste((255, 0, 0, 255), (10, 10, 30, 30))
        result = process(image, rotation=degrees(20), fill="none").image
        # Hidden green must not show in what is visible at all.
        for red, green, _, alpha in zip(*(band.tobytes() for band in result.split()), strict=True):
            if alpha > 20:
                self.assertLess(green, 40)
                self.assertGreater(red, 200)

    def test_edges_are_smooth_but_for_nearest_neighbour(self) -> None:
        black = Image.new("L", (40, 40), 0)
        smooth = process(black, rotation=degrees(10)).image.getcolors()
        hard = process(black, rotation=degrees(10), quality=1).image.getcolors()
        self.assertGreater(len(smooth), 20)
        self.assertEqual(len(hard), 2)


class ResizeTests(SynchronousTestCase):
    def test_it_is_done_in_the_light_of_the_profile(self) -> None:
        for name, curves in (
            (None, TransferCurve.srgb()),
            ("srgb", TransferCurve.srgb()),
            ("adobergb1998", TransferCurve.gamma(563 / 256)),
        ):
            icc = name and (BUILT_IN / f"{name}.icc").read_bytes()
            result = process(photo(), icc=icc, width=33).image
            expected = resize(photo(), (33, 22), filter=Filter.LANCZOS, curve=curves)
            self.assertTrue(same(result, expected), name)

    def test_without_gamma_correction_the_values_themselves_are_scaled(self) -> None:
        result = process(photo(), width=33, gamma_correct=False).image
        self.assertTrue(same(result, resize(photo(), (33, 22), filter=Filter.LANCZOS, curve=None)))

    def test_a_checkerboard_becomes_its_light(self) -> None:
        field = Image.new("1", (512, 512))
        field.putdata([255 * ((x + y) % 2) for y in range(512) for x in range(512)])
        for mode in ("1", "L", "LA", "RGB", "RGBA", "P", "I;16"):
            source = field.convert("L").convert("I").point(lambda value: value * 257).convert("I;16")
            image = process(source if mode == "I;16" else field.convert(mode), width=32, colorspace="gray").image
            if mode == "I;16":
                image = image.point(lambda value: value / 257 + 0.5).convert("L")
            self.assertApproximates(ImageStat.Stat(image.getchannel(0)).mean[0], 188, 1)

    def test_a_photo_hidden_in_fine_lines_comes_out(self) -> None:
        # Each line is followed by its negative: scaled as coded values all is one grey, in light it is a picture.
        hidden = Image.radial_gradient("L").resize((258, 222))
        lines = Image.new("L", hidden.size)
        for y in range(hidden.height):
            row = hidden.crop((0, y // 2 * 2, hidden.width, y // 2 * 2 + 1))
            lines.paste(ImageChops.invert(row) if y % 2 else row, (0, y))
        light = lines.point([(value / 255) ** 2.2 for value in range(256)], "F")
        light = light.resize((150, 130), Image.Resampling.LANCZOS)
        values = struct.unpack(f"{150 * 130}f", light.tobytes("raw", "F;32NF"))
        coded = bytes(round(255 * min(max(value, 0.0), 1.0) ** (1 / 2.2)) for value in values)
        expected = Image.frombytes("L", (150, 130), coded)
        source = Image.merge("RGB", [lines] * 3)
        self.assertLess(rms(process(source, width=150).image.convert("L"), expected), 5)
        self.assertGreater(rms(process(source, width=150, gamma_correct=False).image.convert("L"), expected), 10)

    def test_the_three_filters(self) -> None:
        for quality, filter in ((1, Filter.BILINEAR), (2, Filter.BICUBIC), (3, Filter.LANCZOS)):
            result = process(photo(), width=33, quality=quality).image
            expected = resize(photo(), (33, 22), filter=filter, curve=TransferCurve.srgb())
            self.assertTrue(same(result, expected), quality)

    def test_a_picture_of_the_right_size_is_pasted_unscaled(self) -> None:
        result = process(photo(), left=50000, right=100000 - 1, width=96, height=64).image
        self.assertEqual(result.size, (96, 64))
        exact = process(photo(48, 64), width=96, height=64).image
        self.assertTrue(same(exact, process(photo(48, 64), width=48, height=64).image))

    def test_reduced_sources_give_nearly_the_same(self) -> None:
        # As if a decoder had halved it: sizes are rounded up, places are fractions of pixels.
        full = photo(97, 65).resize((485, 325), Image.Resampling.BICUBIC)
        half = full.reduce(2)
        self.assertEqual(half.size, (243, 163))
        for options in (
            {"width": 60},
            {"width": 60, "left": 33333, "top": 12345, "right": 87654, "bottom": 77777},
            {"width": 60, "rotation": degrees(90), "flip": "v"},
            {"width": 60, "rotation": degrees(25)},
            {"width": 60, "height": 60, "rotation": degrees(25), "left": 20000},
        ):
            whole = process(full, **options).image
            reduced = process(half, full_size=Size(485, 325), **options).image
            self.assertEqual(whole.size, reduced.size)
            self.assertLess(rms(whole, reduced), 5, options)


class SharpenTests(SynchronousTestCase):
    def test_sharpening_is_an_unsharp_mask(self) -> None:
        result = process(photo(), sharpen=150).image
        self.assertTrue(same(result, photo().filter(ImageFilter.UnsharpMask(1, 150, 2))))

    def test_blurring_is_gaussian(self) -> None:
        result = process(photo(), sharpen=-250).image
        self.assertTrue(same(result, photo().filter(ImageFilter.GaussianBlur(2.5))))

    def test_more_is_more(self) -> None:
        edges = [
            ImageStat.Stat(process(photo(), sharpen=amount).image.filter(ImageFilter.FIND_EDGES)).mean[0]
            for amount in (-500, -100, 0, 100, 500)
        ]
        self.assertEqual(edges, sorted(edges))

    def test_alpha_stays(self) -> None:
        for mode in ("RGBA", "LA"):
            for amount in (-300, 300):
                result = process(photo(mode=mode), sharpen=amount).image
                self.assertTrue(same(result.getchannel("A"), photo(mode=mode).getchannel("A")))

    def test_hidden_colours_do_not_show(self) -> None:
        image = Image.new("RGBA", (40, 40), (0, 255, 0, 0))
        image.paste((200, 0, 0, 255), (10, 10, 30, 30))
        for amount in (-200, 300):
            result = process(image, sharpen=amount).image
            red, green, _, _ = result.getpixel((10, 20))
            self.assertTrue(green < 10 and red > 180, (amount, result.getpixel((10, 20))))


class OverlayTests(SynchronousTestCase):
    def test_it_is_placed_and_scaled_as_planned(self) -> None:
        mark = picture(Image.new("RGB", (100, 50), RED))
        blue = Image.new("RGB", (80, 60), (0, 0, 255))
        result = process(blue, overlay=mark, overlay_src="x", overlay_size=50000, overlay_pos="se").image
        self.assertEqual(result.getpixel((79, 59)), RED)
        box = result.getchannel("R").point(lambda value: 255 * (value > 127)).getbbox()
        self.assertEqual(box, (40, 40, 80, 60))

    def test_opacity_mixes(self) -> None:
        mark = picture(Image.new("RGB", (20, 20), (200, 100, 0)))
        blue = Image.new("RGB", (20, 20), (0, 0, 200))
        pixel = process(blue, overlay=mark, overlay_src="x", overlay_opacity=25000).image.getpixel((5, 5))
        for channel, expected in zip(pixel, (50, 25, 150), strict=True):
            self.assertApproximates(channel, expected, 1)

    def test_onto_transparent_ground_it_shows_itself(self) -> None:
        mark = Image.new("RGBA", (20, 20), (200, 100, 0, 128))
        for mode, expected in (("RGBA", (200, 100, 0, 128)), ("LA", (118, 128))):
            clear = Image.new(mode, (20, 20))
            result = process(clear, overlay=picture(mark), overlay_src="x").image.getpixel((5, 5))
            for channel, value in zip(result, expected, strict=True):
                self.assertApproximates(channel, value, 1)

    def test_a_transparent_overlay_changes_nothing(self) -> None:
        clear = picture(Image.new("RGBA", (500, 20), (1, 2, 3, 0)))
        for mode in ("L", "LA", "RGB", "RGBA", "CMYK"):
            with_it = process(photo(mode=mode), overlay=clear, overlay_src="x", to="tif").image
            without = process(photo(mode=mode), to="tif").image
            if mode in ("LA", "RGBA"):
                self.assertTrue(same(with_it.getchannel("A"), without.getchannel("A")), mode)
            else:
                self.assertTrue(same(with_it, without), mode)

    def test_the_decoded_picture_itself_is_not_painted_on(self) -> None:
        main = photo()
        process(main, overlay=picture(Image.new("RGB", (9, 9), RED)), overlay_src="x")
        self.assertTrue(same(main, photo()))

    def test_a_reduced_overlay_has_the_same_place(self) -> None:
        large = Image.new("RGB", (801, 401), RED)
        for size in ((801, 401), (201, 101)):
            overlay = picture(large.resize(size), full_size=Size(801, 401))
            result = process(Image.new("RGB", (80, 60)), overlay=overlay, overlay_src="x").image
            self.assertEqual(result.getbbox(), (0, 10, 80, 50), size)


class TileTests(SynchronousTestCase):
    def test_tiles_put_together_are_the_whole_image(self) -> None:
        mark = picture(photo(50, 50, "RGBA"))
        for options in (
            {"width": 77},
            {"width": 90, "height": 90, "fill": "#123456"},
            {"rotation": degrees(12), "width": 75, "sharpen": 120},
            {"width": 80, "overlay_src": "x", "colorspace": "gray"},
            {"icc_profile": "adobergb1998", "strip": True},
            {"icc_profile": "coatedfogra39"},
        ):
            overlay = mark if "overlay_src" in options else None
            whole = process(photo(), overlay=overlay, **options).image
            for grid in (4, 9, 25, 49):
                joined = Image.new(whole.mode, whole.size)
                side = math.isqrt(grid)
                y = 0
                for row in range(side):
                    x = 0
                    for column in range(side):
                        tile = Tile(number=row * side + column + 1, grid=grid)
                        piece = process(photo(), overlay=overlay, tile=tile, **options).image
                        joined.paste(piece, (x, y))
                        x += piece.width
                    y += piece.height
                self.assertTrue(same(joined, whole), (options, grid))
