import attrs
from hypothesis import given, settings
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import BadParameter
from qisd.imaging.normalise import Handling, handling, merge, normalise
from qisd.imaging.request import Vocabulary, parse_image_request
from qisd.imaging.spec import ANYWHERE, NOWHERE, UNIT, Focus, ImageOptions, ImageRequest, ImageSpec, Position, Tile
from qisd.imaging.template import TemplateValues
from tests import strategies
from tests.strategies import canonical_format

QUICK = settings(deadline=None, max_examples=100, derandomize=True)


def vocabulary(default=None, **templates):
    return Vocabulary(
        write_formats=frozenset({"gif", "png", "jpg", "jpeg", "jpe", "jfif", "jif", "pjpg", "pjpeg", "tif", "tiff"}),
        profiles=frozenset({"srgb"}),
        templates=templates,
        default_template=default or TemplateValues(),
    )


def template(**options):
    return TemplateValues(options=ImageOptions(**options))


def spec_of(query, words=None, *, extension="png", single_page=False):
    words = words or vocabulary()
    pairs = (pair.partition("=")[::2] for pair in query.split("&") if pair)
    request = parse_image_request({"src": "a", **dict(pairs)}, words, public=None)
    return merge(request, words, source_extension=extension, single_page=single_page, canonical=canonical_format)


class RuleTests(SynchronousTestCase):
    def same(self, spec, *queries, **where):
        for query in queries:
            self.assertEqual(spec_of(query, **where), spec, query)

    def test_the_first_page_is_none(self):
        self.same(ImageSpec(), "page=0", "page=1", "page=")
        self.same(ImageSpec(page=2), "page=2")

    def test_a_format_without_pages_has_no_page(self):
        self.same(ImageSpec(), "page=2", extension="jpg", single_page=True)

    def test_the_format_of_the_source_is_none(self):
        self.same(ImageSpec(), "format=png", "format=PNG")
        self.same(ImageSpec(), "format=png", extension="PNG")
        self.same(ImageSpec(format="gif"), "format=gif")

    def test_formats_with_several_extensions_are_one(self):
        self.same(ImageSpec(format="jpg"), "format=jpg", "format=jpeg", "format=jpe", "format=jfif", "format=jif")
        self.same(ImageSpec(), "format=jpg", "format=jpeg", extension="jpeg")
        self.same(ImageSpec(), "format=tif", "format=tiff", extension="tiff")

    def test_progressive_jpeg_is_a_format_of_its_own(self):
        self.same(ImageSpec(format="pjpg"), "format=pjpg", "format=pjpeg")
        self.same(ImageSpec(format="pjpg"), "format=pjpg", extension="jpg")

    def test_the_format_that_goes_by_the_viewer_is_what_it_stands_for(self):
        self.same(ImageSpec(format="auto"), "format=auto", "format=Auto")
        default = TemplateValues(options=ImageOptions(quality=80))
        for stands_for, extension, expected in (
            ("webp", "png", ImageSpec(format="webp", quality=80)),
            ("jpg", "png", ImageSpec(format="jpg", quality=80)),
            ("jpg", "jpeg", ImageSpec()),  # sent as it is: nobody has asked for that quality
        ):
            words = vocabulary(default)
            request = parse_image_request({"src": "a", "format": "auto"}, words, public=None)
            spec = merge(
                request,
                words,
                source_extension=extension,
                single_page=True,
                canonical=canonical_format,
                auto=stands_for,
            )
            self.assertEqual(spec, expected)

    def test_zero_sizes_are_none(self):
        self.same(ImageSpec(), "width=0&height=0", "width=&height=")

    def test_centred_is_no_alignment(self):
        self.same(ImageSpec(width=9, height=8), "width=9&height=8&halign=c0.5&valign=C0.50")
        aligned = ImageSpec(
            width=9, height=8, align_h=Position(edge="l", fraction=0), align_v=Position(edge="b", fraction=UNIT)
        )
        self.same(aligned, "width=9&height=8&halign=L0&valign=b1", "width=9&height=8&halign=l0.0&valign=b1.0")

    def test_without_padding_there_is_nothing_to_align_or_fill(self):
        details = "&halign=l0&valign=t0&fill=red"
        self.same(ImageSpec(width=9), "width=9" + details)
        self.same(ImageSpec(height=8), "height=8" + details)
        self.same(ImageSpec(), details)
        self.same(ImageSpec(width=9, height=8, size_fit=True), "width=9&height=8&autosizefit=1" + details)

    def test_a_rotation_needs_the_fill_but_no_alignment(self):
        self.same(ImageSpec(rotation=45 * UNIT, fill="#ff0000"), "angle=45&fill=red&halign=l0")

    def test_whole_turns_are_none(self):
        self.same(
            ImageSpec(), "angle=0", "angle=360", "angle=-360", "angle=-0.0", "angle=0.0000001", "angle=359.999999"
        )

    def test_turns_to_the_left_are_turns_to_the_right(self):
        self.same(ImageSpec(rotation=270 * UNIT), "angle=-90", "angle=270")
        self.same(ImageSpec(rotation=180 * UNIT), "angle=-180", "angle=180")

    def test_half_a_turn_with_a_flip_is_the_other_flip(self):
        self.same(ImageSpec(flip="h"), "angle=180&flip=v", "angle=-180&flip=v", "angle=-180&flip=v&fill=red")
        self.same(ImageSpec(flip="v"), "angle=180&flip=h", "angle=-180&flip=H")
        self.same(ImageSpec(flip="v", rotation=90 * UNIT), "angle=90&flip=v")

    def test_edges_of_0_and_1_are_not_set(self):
        self.same(ImageSpec(), "top=0&left=0&bottom=1&right=1", "top=1&left=1&bottom=0&right=0", "top=&right=")
        self.same(ImageSpec(left=25_000), "left=0.25&right=1", "left=0.25&right=0")

    def test_fits_without_anything_to_fit_are_none(self):
        self.same(ImageSpec(width=9), "width=9&autosizefit=1", "width=9&autosizefit=1&autocropfit=1&height=0")
        self.same(
            ImageSpec(width=9, height=8), "width=9&height=8&autocropfit=1&top=0", "width=9&height=8&autosizefit=0"
        )
        self.same(ImageSpec(width=9, top=10_000), "width=9&top=0.1&autocropfit=1")
        self.same(ImageSpec(width=9, height=8, top=10_000, crop_fit=True), "width=9&height=8&top=0.1&autocropfit=1")

    def test_a_focus_without_a_shape_to_be_cut_to_is_none(self):
        for focus in ("auto", "0.1,0.2"):
            self.same(ImageSpec(width=9), f"width=9&focus={focus}")
            self.same(ImageSpec(width=9, height=8, size_fit=True), f"width=9&height=8&autosizefit=1&focus={focus}")
        self.same(ImageSpec(width=9, height=8), "width=9&height=8&focus=none", "width=9&height=8&focus=")
        self.same(ImageSpec(width=9, height=8, focus=ANYWHERE), "width=9&height=8&focus=auto")
        self.same(ImageSpec(width=9, height=8, focus=Focus(x=10_000, y=UNIT)), "width=9&height=8&focus=0.1,1")

    def test_what_is_cut_to_the_shape_has_nothing_to_align_or_fill(self):
        self.same(
            ImageSpec(width=9, height=8, focus=ANYWHERE), "width=9&height=8&focus=auto&halign=l0&valign=t0&fill=red"
        )
        turned = ImageSpec(width=9, height=8, rotation=45 * UNIT, fill="#ff0000", focus=ANYWHERE)
        self.same(turned, "width=9&height=8&angle=45&focus=auto&halign=l0&fill=red")

    def test_no_focus_is_said_only_where_a_crop_is_widened(self):
        widened = "width=9&height=8&top=0.1&autocropfit=1"
        self.same(ImageSpec(width=9, height=8, top=10_000, crop_fit=True), widened)
        self.same(ImageSpec(width=9, height=8, top=10_000, crop_fit=True, focus=NOWHERE), f"{widened}&focus=none")
        self.same(ImageSpec(width=9, height=8, top=10_000), "width=9&height=8&top=0.1&focus=none")

    def test_white_is_no_fill(self):
        for white in ("white", "ffffff", "#fff", "#FFFFFF", "rgb(255,255,255)", "rgb(255, 255, 255)", "gray100"):
            self.same(ImageSpec(width=9, height=8), f"width=9&height=8&fill={white}")

    def test_each_colour_has_one_spelling(self):
        for red in ("red", "ff0000", "#f00", "#FF0000", "rgb(255,0,0)"):
            self.same(ImageSpec(width=9, height=8, fill="#ff0000"), f"width=9&height=8&fill={red}")
        self.same(
            ImageSpec(width=9, height=8, fill="none"), "width=9&height=8&fill=none", "width=9&height=8&fill=transparent"
        )
        self.same(ImageSpec(width=9, height=8, fill="auto"), "width=9&height=8&fill=AUTO")

    def test_an_unknown_colour_is_kept_where_it_is_needed(self):
        self.same(ImageSpec(width=9, height=8, fill="spam"), "width=9&height=8&fill=SPAM")
        self.same(ImageSpec(width=9), "width=9&fill=spam")

    def test_zeros_are_none(self):
        self.same(ImageSpec(), "sharpen=0&dpi=0&strip=0", "sharpen=&dpi=&strip=", "tile=1:1")
        self.same(ImageSpec(sharpen=-5, dpi=72, strip=True), "sharpen=-5&dpi=72&strip=1")
        self.same(ImageSpec(tile=Tile(number=1, grid=4)), "tile=1:4")

    def test_the_details_of_an_overlay_are_dropped_where_they_are_neutral(self):
        self.same(ImageSpec(overlay_src="O"), "overlay=O&ovpos=c&ovsize=1&ovopacity=1")
        self.same(
            ImageSpec(overlay_src="O", overlay_pos="n", overlay_size=50_000, overlay_opacity=1000),
            "overlay=O&ovpos=N&ovsize=0.5&ovopacity=0.01",
        )

    def test_an_overlay_that_is_not_there_has_no_details(self):
        details = "&ovpos=n&ovsize=0.5"
        self.same(ImageSpec(), details, "overlay=o.png&ovopacity=0" + details, "overlay=o.png&ovopacity=" + details)
        self.same(ImageSpec(), "overlay=o.png&ovpos=n&ovsize=0", "overlay=o.png&ovsize=", "overlay=&ovpos=n")

    def test_without_a_profile_there_is_no_intent(self):
        self.same(ImageSpec(), "icc=&intent=relative&bpc=1", "intent=relative&bpc=1")

    def test_black_points_are_compensated_only_with_the_relative_intent(self):
        self.same(ImageSpec(icc_profile="srgb", icc_intent="relative", icc_bpc=True), "icc=srgb&intent=relative&bpc=1")
        self.same(ImageSpec(icc_profile="srgb", icc_intent="absolute"), "icc=srgb&intent=absolute&bpc=1")
        self.same(ImageSpec(icc_profile="srgb"), "icc=SRGB&bpc=1")

    def test_colour_spaces_have_one_name_each(self):
        self.same(ImageSpec(colorspace="rgb"), "colorspace=srgb", "colorspace=RGB")
        self.same(ImageSpec(colorspace="gray"), "colorspace=grey", "colorspace=gray")
        self.same(ImageSpec(colorspace="cmyk"), "colorspace=cmyk")


class ExampleTests(SynchronousTestCase):
    def test_equal_images_have_one_key(self):
        for query, text in (
            ("width=800&angle=360&format=png&left=0&right=1", "width=800"),
            ("width=200&fill=0000ff", "width=200"),
            ("width=200&height=200&fill=0000ff", "width=200,height=200,fill=#0000ff"),
            ("top=0.0000001&angle=0.0000001", ""),
            ("overlay=o.png&ovopacity=0", ""),
            ("icc=&intent=relative&bpc=1", ""),
            (
                "top=0.123456789&left=0.123456789&bottom=0.223456789&right=0.223456789&angle=0.123456789",
                "rotation=12346,top=12346,left=12346,bottom=22346,right=22346",
            ),
        ):
            self.assertEqual(spec_of(query).canonical(), text, query)

    @QUICK
    @given(strategies.options)
    def test_what_is_normal_stays_as_it_is(self, options):
        where = {"source_extension": "gif", "single_page": False, "canonical": canonical_format}
        spec = normalise(options, **where)
        again = ImageOptions(**{field.name: getattr(spec, field.name) for field in attrs.fields(ImageSpec)})
        self.assertEqual(normalise(again, **where), spec)

    @QUICK
    @given(strategies.specs)
    def test_nothing_without_effect_survives(self, spec):
        self.assertTrue(0 <= spec.rotation < 360 * UNIT)
        for name in ("page", "width", "height", "quality", "dpi", "top", "left", "bottom", "right"):
            self.assertNotEqual(getattr(spec, name), 0, name)
        for name in ("top", "left", "bottom", "right", "overlay_size", "overlay_opacity"):
            self.assertNotIn(getattr(spec, name), (0, UNIT), name)
        if spec.size_fit or spec.crop_fit or spec.align_h or spec.align_v:
            self.assertTrue(spec.width and spec.height)
        if spec.focus is not None:
            self.assertTrue(spec.width and spec.height)
            self.assertTrue(spec.crop_fit or spec.focus.cover)
        self.assertNotIn(spec.fill, ("#ffffff", "white", "transparent", "red"))


class MergeTests(SynchronousTestCase):
    def test_the_url_beats_the_named_template_and_that_replaces_the_default(self):
        words = vocabulary(template(format="jpg"), custom=template(format="png"))
        for query, format_ in (
            ("tmp=custom&format=gif", "gif"),
            ("tmp=Custom", "png"),
            ("format=gif", "gif"),
            ("", "jpg"),
        ):
            self.assertEqual(spec_of(query, words, extension="tif").format, format_)

    def test_there_is_no_way_back_from_a_named_template_to_the_default(self):
        words = vocabulary(template(width=100, strip=True), custom=template(height=50))
        self.assertEqual(spec_of("tmp=custom", words), ImageSpec(height=50))

    def test_zero_and_false_cancel_what_the_template_says(self):
        words = vocabulary(
            template(width=100, height=90, rotation=UNIT, strip=True, overlay_src="o", quality=80, size_fit=True)
        )
        spec = spec_of("width=&angle=0&strip=&ovsize=&autosizefit=0", words)
        self.assertEqual(spec, ImageSpec(height=90, quality=80))

    def test_a_focus_of_none_cancels_that_of_the_template(self):
        words = vocabulary(template(width=9, height=8, focus=ANYWHERE))
        self.assertEqual(spec_of("", words).focus, ANYWHERE)
        self.assertEqual(spec_of("focus=", words).focus, ANYWHERE)
        self.assertEqual(spec_of("focus=none", words), ImageSpec(width=9, height=8))
        self.assertEqual(spec_of("focus=0.2,0.3", words).focus, Focus(x=20_000, y=30_000))

    def test_blank_texts_do_not(self):
        words = vocabulary(
            template(
                flip="h",
                format="gif",
                icc_profile="srgb",
                colorspace="rgb",
                fill="#ff0000",
                overlay_src="o",
                width=9,
                height=8,
                align_h=Position(edge="l", fraction=0),
                tile=Tile(number=1, grid=4),
            )
        )
        blank = "flip=&format=&icc=&colorspace=&fill=&overlay=&halign=&tile="
        self.assertEqual(spec_of(blank, words), spec_of("", words))
        self.assertEqual(spec_of(blank, words).flip, "h")

    def test_edges_of_url_and_template_must_not_overlap_either(self):
        words = vocabulary(template(left=60_000))
        error = self.assertRaises(BadParameter, spec_of, "right=0.5", words)
        self.assertEqual(error.parameter, "left")
        self.assertEqual(spec_of("right=0.5&left=0", words), ImageSpec(right=50_000))

    def test_the_default_templates_quality_alone_does_not_change_an_image(self):
        words = vocabulary(template(quality=80))
        self.assertEqual(spec_of("", words), ImageSpec())
        self.assertEqual(spec_of("halign=l0&angle=360", words), ImageSpec())
        self.assertEqual(spec_of("width=5", words), ImageSpec(width=5, quality=80))
        self.assertEqual(spec_of("", vocabulary(template(quality=80, strip=True))), ImageSpec(quality=80, strip=True))

    def test_the_quality_of_the_url_or_of_a_named_template_does(self):
        words = vocabulary(template(quality=80), custom=template(quality=80))
        self.assertEqual(spec_of("quality=80", words), ImageSpec(quality=80))
        self.assertEqual(spec_of("tmp=custom", words), ImageSpec(quality=80))

    def test_none_takes_away_what_the_template_chooses(self):
        words = vocabulary(template(flip="h", icc_profile="srgb", icc_intent="relative", colorspace="gray", width=5))
        self.assertEqual(spec_of("flip=none&icc=none&colorspace=none", words), ImageSpec(width=5))
        self.assertEqual(spec_of("flip=&icc=&colorspace=", words), spec_of("", words))
        self.assertEqual(spec_of("flip=none&icc=NONE&colorspace=none"), ImageSpec())

    def test_a_template_that_is_gone_is_a_bad_choice(self):
        request = ImageRequest(src="a", template="gone")
        error = self.assertRaises(
            BadParameter,
            merge,
            request,
            vocabulary(),
            source_extension="",
            single_page=True,
            canonical=canonical_format,
        )
        self.assertIn("not a valid choice", error.message)


class HandlingTests(SynchronousTestCase):
    def test_defaults_apply_when_nothing_is_said(self):
        self.assertEqual(
            handling(ImageRequest(src="a"), vocabulary()),
            Handling(attachment=False, record_stats=True, expiry_secs=604_800, xref=None),
        )

    def test_the_template_that_applies_beats_the_defaults(self):
        told = TemplateValues(attachment=True, record_stats=False, expiry_secs=0)
        expected = Handling(attachment=True, record_stats=False, expiry_secs=0, xref="x")
        self.assertEqual(handling(ImageRequest(src="a", xref="x"), vocabulary(told)), expected)
        self.assertEqual(handling(ImageRequest(src="a", xref="x", template="t"), vocabulary(t=told)), expected)
        self.assertEqual(
            handling(ImageRequest(src="a", template="t"), vocabulary(told, t=TemplateValues())).expiry_secs, 604_800
        )

    def test_the_url_beats_the_template(self):
        told = TemplateValues(attachment=True, record_stats=False)
        handled = handling(ImageRequest(src="a", attach=False, record_stats=True), vocabulary(told))
        self.assertEqual((handled.attachment, handled.record_stats), (False, True))
