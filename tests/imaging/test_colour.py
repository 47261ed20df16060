"""Colour conversion, held against LittleCMS' own."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

from PIL import Image, ImageCms, ImageStat
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import Unsupported
from qisd.imaging.colour import Intent, converted
from qisd.imaging.profiles import BUILT_IN
from tests.imaging.pipelines import STORE, in_mode, photo, picture, process, rms, same

PERCEPTUAL, RELATIVE, ABSOLUTE = 0, 1, 3


def opened(name: str) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO((BUILT_IN / f"{name}.icc").read_bytes()))


def data(name: str) -> bytes:
    return STORE.get(name).data


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def reference(
    image: Image.Image,
    source: ImageCms.ImageCmsProfile,
    target: ImageCms.ImageCmsProfile,
    mode: str,
    intent: int = PERCEPTUAL,
    *,
    bpc: bool = False,
) -> Image.Image:
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION if bpc else ImageCms.Flags.NONE
    result = ImageCms.profileToProfile(image, source, target, ImageCms.Intent(intent), mode, flags=flags)
    assert result is not None
    return result


def cmyk_photo() -> Image.Image:
    return reference(photo(), SRGB, opened("coatedfogra39"), "CMYK")


class NamedProfileTests(SynchronousTestCase):
    def test_rgb_without_profile_counts_as_srgb(self) -> None:
        result = process(photo(), icc_profile="uncoatedfogra29", icc_intent="relative", icc_bpc=True, to="tif")
        expected = reference(photo(), SRGB, opened("uncoatedfogra29"), "CMYK", RELATIVE, bpc=True)
        self.assertLess(rms(result.image, expected), 1)
        self.assertEqual(result.profile, STORE.get("uncoatedfogra29"))

    def test_greyscale(self) -> None:
        result = process(photo(), icc_profile="greyscale", icc_intent="perceptual")
        self.assertLess(rms(result.image, reference(photo(), SRGB, opened("greyscale"), "L")), 1)

    def test_the_embedded_profile_is_where_colours_come_from(self) -> None:
        result = process(photo(), icc=data("adobergb1998"), icc_profile="srgb", icc_intent="relative")
        expected = reference(photo(), opened("adobergb1998"), SRGB, "RGB", RELATIVE)
        self.assertLess(rms(result.image, expected), 1)
        self.assertGreater(rms(result.image, photo()), 3)

    def test_every_intent(self) -> None:
        for name, intent in (("perceptual", 0), ("relative", 1), ("saturation", 2), ("absolute", 3)):
            result = process(photo(), icc_profile="coatedgracol2006", icc_intent=name, to="tif")
            expected = reference(photo(), SRGB, opened("coatedgracol2006"), "CMYK", intent)
            self.assertLess(rms(result.image, expected), 1, name)

    def test_without_intent_it_is_perceptual(self) -> None:
        one = process(photo(), icc_profile="coatedfogra39", to="tif")
        other = process(photo(), icc_profile="coatedfogra39", icc_intent="perceptual", to="tif")
        self.assertTrue(same(one.image, other.image))

    def test_black_point_compensation_is_for_the_relative_intent_alone(self) -> None:
        def made(intent: str, bpc: bool) -> Image.Image:
            options = {"icc_profile": "uncoatedfogra29", "icc_intent": intent, "icc_bpc": bpc}
            return process(photo(), to="tif", **options).image

        for intent in ("perceptual", "saturation", "absolute"):
            self.assertTrue(same(made(intent, True), made(intent, False)), intent)
        self.assertFalse(same(made("relative", True), made("relative", False)))

    def test_then_colorspace_as_a_second_conversion(self) -> None:
        source = cmyk_photo()
        result = process(
            source, icc=data("coatedfogra39"), icc_profile="coatedgracol2006", icc_intent="relative", icc_bpc=True,
            colorspace="rgb",
        )  # fmt: skip
        middle = reference(source, opened("coatedfogra39"), opened("coatedgracol2006"), "CMYK", RELATIVE, bpc=True)
        expected = reference(middle, opened("coatedgracol2006"), SRGB, "RGB")
        self.assertLess(rms(result.image, expected), 1.5)
        self.assertTrue(result.profile is not None and result.profile.srgb)

    def test_abstract_profiles_keep_mode_and_profile(self) -> None:
        result = process(photo(mode="RGBA"), icc=data("adobergb1998"), icc_profile="fx-sepia")
        assert result.profile is not None
        self.assertEqual((result.image.mode, result.profile.data), ("RGBA", data("adobergb1998")))
        self.assertTrue(same(result.image.getchannel("A"), photo(mode="RGBA").getchannel("A")))

    def test_sepia_is_brown_and_keeps_white_and_black(self) -> None:
        for value, low, high in ((0, 0, 2), (255, 252, 255)):
            pixel = process(Image.new("RGB", (4, 4), (value,) * 3), icc_profile="fx-sepia").image.getpixel((0, 0))
            self.assertTrue(all(low <= channel <= high for channel in pixel), pixel)
        blue_image = Image.new("RGB", (4, 4), (90, 130, 200))
        red, green, blue = process(blue_image, icc_profile="fx-sepia").image.getpixel((0, 0))
        self.assertTrue(red > green > blue)

    def test_cmyk_without_profile_is_taken_for_swop(self) -> None:
        result = process(cmyk_photo(), icc_profile="srgb")
        self.assertLess(rms(result.image, reference(cmyk_photo(), opened("uswebcoatedswop"), SRGB, "RGB")), 1)

    def test_alpha_survives_between_rgb_and_grey(self) -> None:
        alpha = photo(mode="RGBA").getchannel("A")
        for name, mode in (("adobergb1998", "RGBA"), ("greyscale", "LA")):
            result = process(photo(mode="RGBA"), icc_profile=name).image
            self.assertEqual(result.mode, mode)
            self.assertTrue(same(result.getchannel("A"), alpha))

    def test_into_cmyk_alpha_is_flattened_onto_white(self) -> None:
        clear = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
        self.assertEqual(process(clear, icc_profile="coatedfogra39", to="tif").image.getpixel((0, 0)), (0, 0, 0, 0))

    def test_16_bit_grey_stays_16_bit(self) -> None:
        result = process(photo(mode="I;16"), icc=data("coatedgrey"), icc_profile="greyscale", to="tif").image
        self.assertEqual(result.mode, "I;16")
        expected = reference(photo(mode="L"), opened("coatedgrey"), opened("greyscale"), "L")
        self.assertLess(rms(result.point(lambda value: value / 257 + 0.5).convert("L"), expected), 1.5)

    def test_an_unknown_profile_is_refused(self) -> None:
        self.assertRaises(Unsupported, process, photo(), icc_profile="nonesuch")


class ColorspaceTests(SynchronousTestCase):
    def test_cmyk_to_rgb_is_the_embedded_profile_to_srgb_perceptual(self) -> None:
        result = process(cmyk_photo(), icc=data("coatedfogra39"), colorspace="rgb")
        self.assertLess(rms(result.image, reference(cmyk_photo(), opened("coatedfogra39"), SRGB, "RGB")), 1)
        self.assertTrue(result.profile is not None and result.profile.srgb)

    def test_rgb_without_profile_or_with_srgb_is_left_alone(self) -> None:
        for icc in (None, data("srgb"), SRGB.tobytes()):
            result = process(photo(), icc=icc, colorspace="rgb")
            self.assertTrue(same(result.image, photo()))
            self.assertEqual(result.profile and result.profile.data, icc)

    def test_rgb_with_another_profile_becomes_srgb(self) -> None:
        result = process(photo(), icc=data("adobergb1998"), colorspace="rgb")
        self.assertLess(rms(result.image, reference(photo(), opened("adobergb1998"), SRGB, "RGB")), 1)
        self.assertTrue(result.profile is not None and result.profile.srgb)

    def test_grey_without_profile_keeps_its_values_as_rgb(self) -> None:
        grey = Image.linear_gradient("L")
        self.assertTrue(same(process(grey, colorspace="rgb").image, grey.convert("RGB")))
        result = process(photo(mode="LA"), colorspace="rgb").image
        self.assertTrue(same(result, photo(mode="LA").convert("RGBA")))

    def test_grey_with_a_profile_is_converted_by_it(self) -> None:
        grey = photo(mode="L")
        result = process(grey, icc=data("coatedgrey"), colorspace="rgb").image
        self.assertLess(rms(result, reference(grey, opened("coatedgrey"), SRGB, "RGB")), 1)

    def test_gray_is_one_channel_and_alpha(self) -> None:
        for mode, expected in (("RGB", "L"), ("RGBA", "LA"), ("CMYK", "L"), ("P", "L"), ("L", "L"), ("LA", "LA")):
            result = process(photo(mode=mode), colorspace="gray")
            self.assertEqual(result.image.mode, expected, mode)
            self.assertIsNone(result.profile)

    def test_gray_is_the_luma_of_the_srgb_colours(self) -> None:
        wide = process(photo(), icc=data("adobergb1998"), colorspace="gray").image
        expected = reference(photo(), opened("adobergb1998"), SRGB, "RGB").convert("L")
        self.assertLess(rms(wide, expected), 1)

    def test_cmyk_is_by_swop_perceptual(self) -> None:
        result = process(photo(), colorspace="cmyk", to="jpg")
        self.assertLess(rms(result.image, reference(photo(), SRGB, opened("uswebcoatedswop"), "CMYK")), 1)
        self.assertEqual(result.profile, STORE.get("uswebcoatedswop"))

    def test_cmyk_stays_as_it_is(self) -> None:
        result = process(cmyk_photo(), icc=data("coatedfogra39"), colorspace="cmyk", to="jpg")
        self.assertTrue(same(result.image, cmyk_photo()))
        self.assertEqual(result.profile, STORE.get("coatedfogra39"))

    def test_formats_without_cmyk_get_srgb(self) -> None:
        for to in ("png", "gif", "bmp", "webp"):
            result = process(cmyk_photo(), icc=data("coatedfogra39"), to=to)
            self.assertLess(rms(result.image, reference(cmyk_photo(), opened("coatedfogra39"), SRGB, "RGB")), 1, to)
        for to in ("jpg", "tif"):
            self.assertEqual(process(cmyk_photo(), to=to).image.mode, "CMYK", to)

    def test_formats_that_hold_no_profile_get_srgb(self) -> None:
        result = process(photo(), icc=data("adobergb1998"), to="gif").image
        self.assertLess(rms(result, reference(photo(), opened("adobergb1998"), SRGB, "RGB")), 1)


class StripTests(SynchronousTestCase):
    def test_rgb_becomes_srgb_before_its_profile_goes(self) -> None:
        for mode in ("RGB", "RGBA"):
            result = process(photo(mode=mode), icc=data("adobergb1998"), strip=True)
            expected = reference(photo(), opened("adobergb1998"), SRGB, "RGB")
            self.assertLess(rms(result.image.convert("RGB"), expected), 1)
            self.assertIsNone(result.profile)

    def test_srgb_is_not_touched(self) -> None:
        result = process(photo(), icc=SRGB.tobytes(), strip=True)
        self.assertTrue(same(result.image, photo()))
        self.assertIsNone(result.profile)

    def test_cmyk_is_not_converted(self) -> None:
        result = process(cmyk_photo(), icc=data("coatedfogra39"), strip=True, to="jpg")
        self.assertTrue(same(result.image, cmyk_photo()))
        self.assertIsNone(result.profile)

    def test_without_strip_the_profile_stays(self) -> None:
        result = process(photo(), icc=data("adobergb1998"), width=40)
        self.assertEqual(result.profile and result.profile.data, data("adobergb1998"))


class BrokenProfileTests(SynchronousTestCase):
    def test_a_profile_that_turns_out_useless_is_taken_for_none(self) -> None:
        # LittleCMS opens it, but finds nothing in it to convert with.
        hollow = bytearray(data("coatedfogra39"))
        for entry in range(int.from_bytes(hollow[128:132])):
            hollow[132 + 12 * entry : 136 + 12 * entry] = b"xxxx"
        for options in ({"colorspace": "rgb"}, {"icc_profile": "coatedgracol2006"}):
            result = process(cmyk_photo(), icc=bytes(hollow), to="tif", **options)
            self.assertTrue(same(result.image, process(cmyk_photo(), to="tif", **options).image))

    def test_a_profile_of_another_space_is_taken_for_none(self) -> None:
        result = process(cmyk_photo(), icc=data("srgb"), colorspace="rgb").image
        self.assertTrue(same(result, process(cmyk_photo(), colorspace="rgb").image))


class ThreadTests(SynchronousTestCase):
    def test_one_transform_serves_many_threads(self) -> None:
        source, target = STORE.get("srgb"), STORE.get("coatedfogra39")
        images = [Image.effect_noise((300, 200), 100 + number).convert("RGB") for number in range(6)]
        expected = [converted(image, source, target, intent=Intent.PERCEPTUAL) for image in images]
        with ThreadPoolExecutor(6) as pool:
            for _ in range(3):
                results = list(pool.map(lambda image: converted(image, source, target), images))
                self.assertTrue(all(map(same, results, expected)))


class OverlayColourTests(SynchronousTestCase):
    """The overlay is converted to the colours of the main image."""

    def placed(self, main: Image.Image, overlay: Image.Image, *, main_icc: bytes | None = None,
               overlay_icc: bytes | None = None, to: str = "tif") -> tuple[float, ...]:  # fmt: skip
        result = process(main, icc=main_icc, overlay=picture(overlay, overlay_icc), overlay_src="x", to=to).image
        return tuple(ImageStat.Stat(result.crop((40, 24, 56, 40))).mean)

    def test_rgb_on_cmyk_by_the_main_images_profile(self) -> None:
        red = Image.new("RGB", (16, 16), (200, 30, 40))
        for icc, name in ((data("coatedfogra39"), "coatedfogra39"), (None, "uswebcoatedswop")):
            expected = reference(red, SRGB, opened(name), "CMYK").getpixel((0, 0))
            for channel, value in zip(self.placed(cmyk_photo(), red, main_icc=icc), expected, strict=True):
                self.assertApproximates(channel, value, 1)

    def test_cmyk_on_rgb_becomes_srgb(self) -> None:
        ink = Image.new("CMYK", (16, 16), (20, 200, 180, 10))
        expected = reference(ink, opened("coatedfogra39"), SRGB, "RGB").getpixel((0, 0))
        for channel, value in zip(self.placed(photo(), ink, overlay_icc=data("coatedfogra39")), expected, strict=True):
            self.assertApproximates(channel, value, 1)

    def test_adobe_rgb_on_srgb_and_back(self) -> None:
        green = Image.new("RGB", (16, 16), (100, 180, 90))
        there = reference(green, opened("adobergb1998"), SRGB, "RGB").getpixel((0, 0))
        back = reference(green, SRGB, opened("adobergb1998"), "RGB").getpixel((0, 0))
        for channel, value in zip(self.placed(photo(), green, overlay_icc=data("adobergb1998")), there, strict=True):
            self.assertApproximates(channel, value, 1)
        for channel, value in zip(self.placed(photo(), green, main_icc=data("adobergb1998")), back, strict=True):
            self.assertApproximates(channel, value, 1)

    def test_colour_on_grey_is_grey(self) -> None:
        self.assertEqual(self.placed(photo(mode="L"), Image.new("RGB", (16, 16), (255, 0, 0))), (76.0,))

    def test_alpha_survives_on_the_way_to_cmyk(self) -> None:
        clear = Image.new("RGBA", (16, 16), (200, 30, 40, 0))
        result = process(cmyk_photo(), overlay=picture(clear), overlay_src="x", to="tif").image
        self.assertTrue(same(result, cmyk_photo()))

    def test_every_mode_on_every_mode(self) -> None:
        for main in ("1", "L", "LA", "RGB", "RGBA", "CMYK", "I;16", "P"):
            for over in ("1", "L", "LA", "P", "P+transparency", "PA", "RGB", "RGBA", "CMYK", "I;16"):
                overlay = picture(in_mode(photo(30, 30), over))
                result = process(photo(mode=main), overlay=overlay, overlay_src="x", overlay_opacity=50000, to="tif")
                self.assertEqual(result.image.size, (96, 64), (main, over))
