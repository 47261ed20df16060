"""What is said about an image before it is made."""

import attrs
from twisted.trial.unittest import SynchronousTestCase

from qisd.imaging.advice import Wanted, advice
from qisd.imaging.formats import FormatTable
from qisd.imaging.geometry import Size, plan
from qisd.imaging.picture import SourceInfo
from qisd.imaging.spec import UNIT, ImageSpec

PHOTO = SourceInfo(
    format="jpg",
    width=400,
    height=300,
    mode="RGB",
    pages=1,
    has_alpha=False,
    orientation=1,
    decoded_bytes=360_000,
    decoder_bytes=0,
)
SPACES = {"srgb": "RGB", "fogra": "CMYK", "greyscale": "GRAY", "fx": "LAB"}


def codes(output="jpg", source=PHOTO, **spec):
    """The advice on an image, as pairs of parameter and code."""
    made = ImageSpec(**spec)
    wanted = Wanted(
        spec=made,
        plan=plan(made, Size(source.width, source.height)),
        source=source,
        output=FormatTable().rows[output],
        spaces=SPACES,
    )
    return [(one.parameter, one.code) for one in advice(wanted)]


class AdviceTests(SynchronousTestCase):
    def test_an_ordinary_image_needs_none(self):
        self.assertEqual(codes(), [])
        self.assertEqual(codes("webp", width=400, height=300, strip=True, colorspace="rgb", quality=80), [])

    def test_sizes_beyond_the_original_are_never_reached(self):
        self.assertEqual(
            codes(width=401, height=301), [("width", "larger_than_original"), ("height", "larger_than_original")]
        )
        self.assertEqual(codes(width=300, height=400, rotation=90 * UNIT), [])

    def test_a_crop_can_be_enlarged(self):
        self.assertEqual(codes(width=300, left=UNIT // 2), [("left", "crop_enlarged")])
        self.assertEqual(codes(width=200, left=UNIT // 2), [])

    def test_a_profile_needs_a_format_that_holds_it_and_no_stripping(self):
        self.assertEqual(codes("gif", icc_profile="srgb"), [("icc", "profile_not_kept")])
        self.assertEqual(codes(icc_profile="srgb", strip=True), [("strip", "strip_removes_profile")])

    def test_profile_and_colour_model_have_to_agree(self):
        self.assertEqual(codes(icc_profile="greyscale", colorspace="rgb"), [("colorspace", "profile_and_model_differ")])
        self.assertEqual(codes(icc_profile="greyscale", colorspace="gray"), [])
        self.assertEqual(codes(icc_profile="fx", colorspace="rgb"), [])

    def test_cmyk_needs_a_format_that_holds_it_and_a_profile(self):
        self.assertEqual(codes(colorspace="cmyk"), [("colorspace", "cmyk_without_profile")])
        self.assertEqual(codes(icc_profile="fogra"), [])
        self.assertEqual(codes("png", icc_profile="fogra"), [("colorspace", "model_not_kept")])
        self.assertEqual(codes(source=attrs.evolve(PHOTO, mode="CMYK")), [("colorspace", "cmyk_without_profile")])
        self.assertEqual(codes(source=attrs.evolve(PHOTO, mode="CMYK"), colorspace="rgb"), [])

    def test_transparency_is_lost_where_the_format_has_none(self):
        self.assertEqual(codes(width=100, height=100, fill="none"), [("fill", "transparency_not_kept")])
        self.assertEqual(codes("png", width=100, height=100, fill="none"), [])
        self.assertEqual(codes(source=attrs.evolve(PHOTO, has_alpha=True)), [("format", "transparency_lost")])

    def test_browsers_know_some_formats_only(self):
        self.assertEqual(codes("tif"), [("format", "not_for_browsers")])
        self.assertEqual(codes("avif"), [])

    def test_formats_have_a_largest_size(self):
        wide = attrs.evolve(PHOTO, width=20_000)
        self.assertEqual(codes("webp", wide), [("format", "too_large_for_format")])
        self.assertEqual(codes("webp", wide, width=1000), [])

    def test_texts_name_what_they_are_about(self):
        made = ImageSpec(width=500)
        wanted = Wanted(
            spec=made, plan=plan(made, Size(400, 300)), source=PHOTO, output=FormatTable().rows["jpg"], spaces=SPACES
        )
        (one,) = advice(wanted)
        self.assertIn("400 pixels", one.text)
        self.assertEqual(one.values, {"size": 400})
