from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import BadParameter
from qisd.imaging.rules import Choices
from qisd.imaging.spec import UNIT, Focus, ImageOptions, Position, Tile
from qisd.imaging.template import TemplateValues, Vocabulary, document_of, parse_template

CHOICES = Choices(write_formats=frozenset({"jpg", "png"}), profiles=frozenset({"srgb", "coatedgrey"}))

EVERYTHING = {
    "page": 2,
    "format": "PNG",
    "quality": 80,
    "width": 200,
    "height": 100,
    "size_fit": True,
    "align_h": "L0.1",
    "align_v": "c0.5",
    "rotation": -45.5,
    "flip": "V",
    "top": 0.1,
    "left": 0.123456789,
    "bottom": 1,
    "right": 0.9,
    "crop_fit": False,
    "focus": "0.62, 0.4",
    "fill": "RGB(1, 2, 3)",
    "sharpen": -50,
    "overlay_src": "Logos/A.png",
    "overlay_size": 0.5,
    "overlay_pos": "NE",
    "overlay_opacity": 0,
    "icc_profile": "sRGB",
    "icc_intent": "Relative",
    "icc_bpc": True,
    "colorspace": "sRGB",
    "strip": False,
    "dpi_x": 300,
    "dpi_y": 72,
    "tile": [3, 9],
    "expiry_secs": -1,
    "attachment": True,
    "record_stats": False,
}


def document(**fields):
    return {name: {"value": value} for name, value in fields.items()}


class ParseTests(SynchronousTestCase):
    def parse(self, **fields):
        return parse_template(document(**fields), CHOICES)

    def refused(self, name, value):
        error = self.assertRaises(BadParameter, parse_template, document(**{name: value}), CHOICES)
        self.assertEqual(error.parameter, name, value)
        return error.reason

    def test_every_field_is_read(self):
        self.assertEqual(
            self.parse(**EVERYTHING),
            TemplateValues(
                options=ImageOptions(
                    page=2,
                    format="png",
                    quality=80,
                    width=200,
                    height=100,
                    size_fit=True,
                    align_h=Position(edge="l", fraction=10_000),
                    align_v=Position(edge="c", fraction=50_000),
                    rotation=-4_550_000,
                    flip="v",
                    top=10_000,
                    left=12_346,
                    bottom=UNIT,
                    right=90_000,
                    crop_fit=False,
                    focus=Focus(x=62_000, y=40_000),
                    fill="rgb(1,2,3)",
                    sharpen=-50,
                    overlay_src="Logos/A.png",
                    overlay_size=50_000,
                    overlay_pos="ne",
                    overlay_opacity=0,
                    icc_profile="srgb",
                    icc_intent="relative",
                    icc_bpc=True,
                    colorspace="srgb",
                    strip=False,
                    dpi=300,
                    tile=Tile(number=3, grid=9),
                ),
                expiry_secs=-1,
                attachment=True,
                record_stats=False,
            ),
        )

    def test_missing_null_and_empty_values_say_nothing(self):
        self.assertEqual(parse_template({}, CHOICES), TemplateValues())
        for value in (None, ""):
            self.assertEqual(self.parse(**dict.fromkeys(EVERYTHING, value)), TemplateValues())

    def test_zero_and_false_are_values(self):
        read = self.parse(width=0, strip=False, rotation=0.0, expiry_secs=0)
        self.assertEqual(read, TemplateValues(options=ImageOptions(width=0, strip=False, rotation=0), expiry_secs=0))

    def test_further_members_of_an_entry_are_ignored(self):
        read = parse_template({"width": {"value": 5, "comment": "five"}}, CHOICES)
        self.assertEqual(read.options.width, 5)

    def test_filename_and_template_are_dropped_whatever_they_hold(self):
        self.assertEqual(parse_template({"filename": {"value": 7}, "template": "x"}, CHOICES), TemplateValues())

    def test_unknown_fields_are_refused_by_name(self):
        for name in ("src", "xref", "eggs", "WIDTH", "dpi", "autosizefit", ""):
            error = self.assertRaises(BadParameter, parse_template, document(**{name: "a"}), CHOICES)
            self.assertIn(f"'{name}'", error.message)

    def test_another_structure_is_a_bad_format(self):
        for wrong in (
            [],
            "x",
            5,
            None,
            {"width": 5},
            {"width": None},
            {"width": {}},
            {"width": {"Value": 5}},
            {"width": []},
        ):
            error = self.assertRaises(BadParameter, parse_template, wrong, CHOICES)
            self.assertIn("Bad template dictionary format", error.message)

    def test_integers_must_be_whole_numbers(self):
        for name in ("page", "quality", "width", "height", "sharpen", "dpi_x", "dpi_y", "expiry_secs"):
            for value in ("5", 5.5, True, [5], {"a": 1}, float("nan"), float("inf")):
                self.assertEqual(self.refused(name, value), "must be a whole number")
        self.assertEqual(self.parse(width=200.0).options.width, 200)
        self.assertIs(type(self.parse(width=200.0).options.width), int)

    def test_fractions_must_be_numbers(self):
        for name in ("rotation", "top", "left", "bottom", "right", "overlay_size", "overlay_opacity"):
            for value in ("0.5", True, False, [], float("nan")):
                self.assertEqual(self.refused(name, value), "must be a number")
            for value in (float("inf"), -float("inf"), 1e300, 10**400, 361):
                self.assertIn("out of range", self.refused(name, value))

    def test_booleans_must_be_booleans(self):
        for name in ("size_fit", "crop_fit", "icc_bpc", "strip", "attachment", "record_stats"):
            for value in (1, 0, "true", 1.0, []):
                self.assertEqual(self.refused(name, value), "must be true or false")

    def test_texts_must_be_texts(self):
        texts = "format", "flip", "fill", "overlay_src", "overlay_pos", "icc_profile", "icc_intent", "colorspace"
        for name in (*texts, "focus", "align_h", "align_v"):
            for value in (5, True, 0.5, ["a"], {"a": "b"}):
                self.assertEqual(self.refused(name, value), "must be a text")

    def test_tiles_must_be_pairs_of_whole_numbers(self):
        for value in ("1:4", [1], [1, 4, 9], 5, {"n": 1}):
            self.assertIn("invalid format", self.refused("tile", value))
        for value in ([1.5, 4], ["1", 4], [True, 4]):
            self.assertEqual(self.refused("tile", value), "must be a whole number")
        self.assertIn("not square", self.refused("tile", [1, 5]))

    def test_ranges_and_choices_are_those_of_a_url(self):
        for name, low, high in (
            ("page", -1, 1_000_000),
            ("quality", 0, 101),
            ("width", -1, 15_001),
            ("height", -1, 15_001),
            ("rotation", -360.1, 360.1),
            ("top", -0.1, 1.1),
            ("right", -0.1, 1.1),
            ("sharpen", -501, 501),
            ("overlay_size", -0.1, 1.1),
            ("overlay_opacity", -0.1, 1.1),
            ("dpi_x", -1, 32_001),
            ("dpi_y", -1, 32_001),
            ("expiry_secs", -2, 31_536_001),
            ("fill", "ab", "x" * 33),
        ):
            self.assertIn("out of range", self.refused(name, low))
            self.assertIn("out of range", self.refused(name, high))
        self.assertIn("out of range", self.refused("overlay_src", "x" * 1025))
        for name in ("format", "flip", "overlay_pos", "icc_profile", "icc_intent", "colorspace"):
            self.assertIn("not a valid choice", self.refused(name, "eggs"))
        for name in ("align_h", "align_v"):
            self.assertIn("invalid format", self.refused(name, "x0.5"))

    def test_an_overlay_with_control_characters_or_half_a_surrogate_is_refused(self):
        for value in ("a\x00b", "a\nb", "a\x7f", "a\x85", "a\ud800"):
            self.assertIn("control characters", self.refused("overlay_src", value))

    def test_overlapping_crop_edges_are_refused(self):
        error = self.assertRaises(BadParameter, self.parse, left=0.5, right=0.5)
        self.assertEqual(error.parameter, "left")

    def test_of_the_two_densities_the_first_one_counts(self):
        self.assertIsNone(self.parse(dpi_y=300).options.dpi)

    json = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=5,
    )

    @settings(deadline=None, max_examples=100, derandomize=True)
    @given(st.dictionaries(st.sampled_from(sorted(EVERYTHING)), st.fixed_dictionaries({"value": json}), max_size=2))
    def test_no_json_raises_anything_but_a_bad_parameter(self, given_document):
        try:
            parse_template(given_document, CHOICES)
        except BadParameter as error:
            self.assertEqual(error.status, 400)


class DocumentTests(SynchronousTestCase):
    def test_what_was_read_can_be_written_and_read_again(self):
        read = parse_template(document(**EVERYTHING), CHOICES)
        self.assertEqual(parse_template(document_of(read), CHOICES), read)

    def test_what_a_template_is_silent_about_is_not_written(self):
        self.assertEqual(document_of(TemplateValues()), {})
        made = TemplateValues(options=ImageOptions(width=0, strip=False, dpi=72))
        self.assertEqual(document_of(made), document(width=0, strip=False, dpi_x=72))


class VocabularyTests(SynchronousTestCase):
    small = TemplateValues(options=ImageOptions(width=200))
    vocabulary = Vocabulary(
        write_formats=frozenset(), profiles=frozenset(), templates={"small": small}, default_template=TemplateValues()
    )

    def test_a_template_is_found_in_any_case(self):
        self.assertIs(self.vocabulary.applied("Small"), self.small)

    def test_without_a_name_the_default_template_applies(self):
        self.assertIs(self.vocabulary.applied(None), self.vocabulary.default_template)

    def test_an_unknown_name_is_refused_without_telling_the_known_ones(self):
        error = self.assertRaises(BadParameter, self.vocabulary.applied, "eggs")
        self.assertEqual(error.message, "tmp: 'eggs' is not a valid choice")
