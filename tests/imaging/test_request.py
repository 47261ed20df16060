from urllib.parse import quote

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import BadParameter
from qisd.imaging.limits import PublicLimits
from qisd.imaging.request import (
    ImageRequest,
    OriginalRequest,
    Vocabulary,
    parse_image_request,
    parse_original_request,
    parse_query_string,
)
from qisd.imaging.spec import ANYWHERE, NOWHERE, UNIT, Focus, ImageOptions, Position, Tile
from qisd.imaging.template import TemplateValues

VOCABULARY = Vocabulary(
    write_formats=frozenset({"jpg", "jpeg", "pjpg", "pjpeg", "png", "gif"}),
    profiles=frozenset({"srgb", "coatedgrey"}),
    templates={"secret": TemplateValues()},
    default_template=TemplateValues(),
)

NUMBERS = (
    ("page", 0, 999_999, -1, 1_024_768),
    ("width", 0, 15_000, -1, 99_999),
    ("height", 0, 15_000, -10, 15_001),
    ("quality", 1, 100, 0, 101),
    ("sharpen", -500, 500, -501, 501),
    ("dpi", 0, 32_000, -1, 32_001),
)

FRACTIONS = (
    ("angle", "-360", "360", "-360.1", "360.00001"),
    ("top", "0", "1", "-0.5", "1.1"),
    ("left", "0", "1", "-0.00001", "1.00001"),
    ("bottom", "0", "1", "-0.5", "2"),
    ("right", "0", "1", "-0.5", "1e400"),
    ("ovsize", "0", "1", "-0.5", "1.1"),
    ("ovopacity", "0", "1", "-0.5", "1.1"),
)

PARAMETERS = (
    *("src", "page", "format", "width", "height", "autosizefit", "halign", "valign", "angle", "flip", "top", "left"),
    *(
        "bottom",
        "right",
        "autocropfit",
        "focus",
        "fill",
        "quality",
        "sharpen",
        "overlay",
        "ovpos",
        "ovsize",
        "ovopacity",
        "icc",
    ),
    *("intent", "bpc", "colorspace", "strip", "dpi", "tile", "tmp", "attach", "stats", "xref", "cache", "recache"),
)


def parse(public=None, **query):
    return parse_image_request({"src": "a.jpg", **query}, VOCABULARY, public=public)


def options(**query):
    return parse(**query).options


class QueryStringTests(SynchronousTestCase):
    def test_names_and_values_are_decoded(self):
        self.assertEqual(
            parse_query_string(b"src=a%2Fb.jpg&%77idth=1+0&x=&y&fill=%23f00"),
            {"src": "a/b.jpg", "width": "1 0", "x": "", "y": "", "fill": "#f00"},
        )

    def test_an_escaped_ampersand_separates_too(self):
        self.assertEqual(
            parse_query_string(b"&amp;width=1&amp;height=2&src=a"), {"width": "1", "height": "2", "src": "a"}
        )

    def test_the_first_of_several_values_counts(self):
        self.assertEqual(parse_query_string(b"width=&width=2&%77idth=3"), {"width": ""})

    def test_names_are_case_sensitive(self):
        self.assertEqual(parse_query_string(b"Width=1&width=2"), {"Width": "1", "width": "2"})

    def test_bytes_that_are_no_text_are_replaced(self):
        self.assertEqual(
            parse_query_string(b"src=%ff%fe.jpg&a=\xff&b=%e2%82"),
            {"src": "\ufffd\ufffd.jpg", "a": "\ufffd", "b": "\ufffd"},
        )
        self.assertEqual(parse_query_string(b"a=%zz%4&b=%00"), {"a": "%zz%4", "b": "\x00"})

    def test_a_value_may_hold_equal_signs_and_semicolons(self):
        self.assertEqual(parse_query_string(b"src=a=b;c=d"), {"src": "a=b;c=d"})

    def test_nothing_is_no_parameter(self):
        self.assertEqual(parse_query_string(b""), {})
        self.assertEqual(parse_query_string(b"&&=5&"), {})

    @settings(deadline=None, max_examples=100, derandomize=True)
    @given(st.binary(max_size=50))
    @example(b"a" * 100_000)
    @example(b"%41" * 30_000)
    @example(b"a&" * 50_000)
    def test_any_bytes_can_be_read(self, raw):
        self.assertIsInstance(parse_query_string(raw), dict)

    @settings(deadline=None, max_examples=100, derandomize=True)
    @given(st.text(max_size=20))
    def test_every_text_comes_back(self, text):
        self.assertEqual(parse_query_string(b"src=" + quote(text, safe="").encode()), {"src": text})


class ValuesTests(SynchronousTestCase):
    def test_a_source_alone_gives_nothing_else(self):
        self.assertEqual(parse(), ImageRequest(src="a.jpg"))

    def test_every_parameter_is_read(self):
        request = parse(
            src="Dir/A.jpg",
            page="2",
            format="PJPEG",
            width="400",
            height="300",
            autosizefit="1",
            halign="L0.1",
            valign="B1",
            angle="-90.5",
            flip="H",
            top="0.1",
            left="0.2",
            bottom="0.8",
            right="0.9",
            autocropfit="yes",
            focus=" 0.25 , 1.0",
            fill="RGB(1, 2, 3)",
            quality="80",
            sharpen="-50",
            overlay="Logos/O.png",
            ovpos="NE",
            ovsize="0.5",
            ovopacity="0.25",
            icc="SRGB",
            intent="Relative",
            bpc="t",
            colorspace="Grey",
            strip="0",
            dpi="300",
            tile="3:9",
            tmp="SECRET",
            attach="true",
            stats="no",
            xref="Id 5",
            cache="0",
            recache="1",
        )
        self.assertEqual(
            request,
            ImageRequest(
                src="Dir/A.jpg",
                template="secret",
                options=ImageOptions(
                    page=2,
                    format="pjpeg",
                    width=400,
                    height=300,
                    size_fit=True,
                    align_h=Position(edge="l", fraction=10_000),
                    align_v=Position(edge="b", fraction=UNIT),
                    rotation=-9_050_000,
                    flip="h",
                    top=10_000,
                    left=20_000,
                    bottom=80_000,
                    right=90_000,
                    crop_fit=True,
                    focus=Focus(x=25_000, y=UNIT),
                    fill="rgb(1,2,3)",
                    quality=80,
                    sharpen=-50,
                    overlay_src="Logos/O.png",
                    overlay_pos="ne",
                    overlay_size=50_000,
                    overlay_opacity=25_000,
                    icc_profile="srgb",
                    icc_intent="relative",
                    icc_bpc=True,
                    colorspace="grey",
                    strip=False,
                    dpi=300,
                    tile=Tile(number=3, grid=9),
                ),
                attach=True,
                record_stats=False,
                xref="Id 5",
                cache=False,
                recache=True,
            ),
        )

    def test_a_blank_number_or_boolean_is_zero_or_false(self):
        for name, field in (
            ("page", "page"),
            ("width", "width"),
            ("height", "height"),
            ("angle", "rotation"),
            ("top", "top"),
            ("left", "left"),
            ("bottom", "bottom"),
            ("right", "right"),
            ("sharpen", "sharpen"),
            ("dpi", "dpi"),
            ("ovsize", "overlay_size"),
            ("ovopacity", "overlay_opacity"),
            ("autosizefit", "size_fit"),
            ("autocropfit", "crop_fit"),
            ("bpc", "icc_bpc"),
            ("strip", "strip"),
        ):
            self.assertEqual(options(**{name: ""}), ImageOptions(**{field: 0}), name)
        blank = parse(attach="", stats="", cache="", recache="")
        self.assertEqual(blank, ImageRequest(src="a.jpg", attach=False, record_stats=False, cache=False))

    def test_a_blank_text_is_not_given(self):
        texts = (
            "format",
            "flip",
            "halign",
            "valign",
            "focus",
            "fill",
            "overlay",
            "ovpos",
            "icc",
            "intent",
            "colorspace",
            "tile",
        )
        for name in (*texts, "tmp", "xref"):
            self.assertEqual(parse(**{name: ""}), ImageRequest(src="a.jpg"), name)

    def test_a_focus_is_a_word_or_a_place(self):
        self.assertEqual(options(focus="AUTO").focus, ANYWHERE)
        self.assertEqual(options(focus="none").focus, NOWHERE)
        self.assertEqual(options(focus="0,.5").focus, Focus(x=0, y=50_000))
        for wrong in ("centre", "0.5", "0.5,", ",0.5", "0.5,0.5,0.5", "a,b", "0,5,0,5", "nan,0", "0.5;0.5"):
            error = self.assertRaises(BadParameter, parse, focus=wrong)
            self.assertEqual(error.message, "focus: invalid format, must be auto, none, or x,y such as 0.5,0.33", wrong)
        for beyond in ("1.1,0", "0,-0.1", "1e400,0"):
            error = self.assertRaises(BadParameter, parse, focus=beyond)
            self.assertEqual(error.message, "focus: out of range (0 to 1)", beyond)

    def test_unknown_names_are_ignored(self):
        self.assertEqual(parse(expires="nonsense", WIDTH="x", size_fit="1", dpi_x="x"), ImageRequest(src="a.jpg"))

    def test_any_nonsense_is_a_false_boolean(self):
        self.assertFalse(options(strip="maybe").strip)

    def test_alignments_are_cut_to_eight_characters(self):
        self.assertEqual(options(halign="l0.123456789").align_h, Position(edge="l", fraction=12_345))

    def test_the_neutral_and_extreme_values_are_accepted(self):
        for name, low, high, _, _ in (*NUMBERS, *FRACTIONS):
            parse(**{name: str(low)})
            parse(**{name: str(high)})
        parse(angle="45", width="", height="", fill="", left="", right="", bottom="", top="")

    def test_a_value_that_rounds_into_its_range_is_accepted(self):
        self.assertEqual(options(top="1.000001").top, UNIT)


class RefusalTests(SynchronousTestCase):
    def refused(self, *, text, parameter=None, **query):
        error = self.assertRaises(BadParameter, parse, **query)
        self.assertEqual(error.parameter, parameter or next(iter(query)), query)
        self.assertIn(text, error.message)
        self.assertTrue(error.message.startswith(f"{error.parameter}: "), error.message)
        return error.message

    def test_a_source_must_be_given(self):
        for query in ({}, {"src": ""}):
            error = self.assertRaises(BadParameter, parse_image_request, query, VOCABULARY, public=None)
            self.assertEqual(error.message, "src: length is out of range (1 to 1024 characters)")

    def test_paths_have_at_most_1024_characters(self):
        for letter in ("a", "ø", "€"):
            for name in ("src", "overlay"):
                parse(**{name: letter * 1024})
                self.refused(text="out of range", **{name: letter * 1025})
        self.refused(src="a" * 100_000, text="out of range")

    def test_paths_have_no_control_characters(self):
        for path in ("a\x00.jpg", "a\nb.jpg", "a\r\nb", "\x1f", "a\x7fb", "a\x85b"):
            self.refused(src=path, text="control characters")
            self.refused(overlay=path, text="control characters")

    def test_numbers_out_of_range_are_refused_and_the_range_told(self):
        for name, low, high, below, above in NUMBERS:
            for value in (below, above, "9" * 100_000, "-" + "9" * 30):
                message = self.refused(text="out of range", **{name: str(value)})
                self.assertIn(f"({low} to {high})", message)

    def test_fractions_out_of_range_are_refused_and_the_range_told(self):
        for name, low, high, below, above in FRACTIONS:
            for value in (below, above, "1e400", "-1e400", "9" * 100_000):
                message = self.refused(text="out of range", **{name: value})
                self.assertIn(f"({low} to {high})", message)

    def test_what_is_no_number_is_refused(self):
        for name, *_ in NUMBERS:
            for value in ("nan", "inf", "1e3", "12.5", "abc", "1_0", "١٢", "x" * 100_000):
                self.refused(text="not a whole number", **{name: value})
        for name, *_ in FRACTIONS:
            for value in ("nan", "inf", "-inf", "abc", "0_1", "٠", "0,5", "x" * 100_000):
                self.refused(text="not a number", **{name: value})

    def test_a_blank_quality_is_out_of_range(self):
        self.refused(quality="", text="out of range")

    def test_unknown_choices_are_refused(self):
        for name in ("format", "flip", "ovpos", "icc", "colorspace", "tmp"):
            self.refused(text="'eggs' is not a valid choice", **{name: "eggs"})
        self.refused(intent="perceptive", icc="srgb", text="not a valid choice")

    def test_the_choices_are_told_unless_they_are_the_operators_own(self):
        self.assertIn("(h, v, none)", self.refused(flip="x", text="not a valid choice"))
        for name in ("format", "icc", "tmp"):
            message = self.refused(text="not a valid choice", **{name: "x"})
            self.assertNotIn("(", message)
            self.assertNotIn("secret", message)

    def test_long_and_strange_choices_are_shown_short_and_harmless(self):
        message = self.refused(flip="<\r\n" + "x" * 100_000, text="not a valid choice")
        self.assertLess(len(message), 100)
        self.assertTrue(message.isprintable())

    def test_alignments_outside_the_grammar_are_refused(self):
        for value in ("L1.1", "0", "T0", "LR0", "l", "l0.", "c2"):
            self.refused(halign=value, text="invalid format")
        for value in ("B1.01", "T0.1.2", "l0", "t-1"):
            self.refused(valign=value, text="invalid format")

    def test_tiles_that_are_none_are_refused(self):
        for value, text in (
            ("5", "invalid format"),
            ("a:4", "invalid format"),
            ("1:2:3", "invalid format"),
            ("1:", "invalid format"),
            ("1:400", "Tile grid size is out of range"),
            ("1:99999", "Tile grid size is out of range"),
            ("1:0", "Tile grid size is out of range"),
            ("1:-4", "Tile grid size is out of range"),
            ("1:12", "Tile grid size is not square"),
            ("1:5", "Tile grid size is not square"),
            ("0:9", "Tile number is out of range"),
            ("10:9", "Tile number is out of range"),
            ("0:4", "Tile number is out of range"),
            ("5:4", "Tile number is out of range"),
            ("2:1", "Tile number is out of range"),
            ("-1:4", "Tile number is out of range"),
            ("1:" + "9" * 100_000, "out of range"),
        ):
            self.refused(tile=value, text=text)
        for value in ("1:1", "4:4", "256:256"):
            parse(tile=value)

    def test_the_limits_of_the_installation_apply(self):
        vocabulary = Vocabulary(
            write_formats=frozenset(),
            profiles=frozenset(),
            templates={},
            default_template=TemplateValues(),
            max_dimension=500,
            max_grid_tiles=9,
        )
        for query, text in (({"width": "501"}, "(0 to 500)"), ({"tile": "1:16"}, "(1 to 9)")):
            error = self.assertRaises(BadParameter, parse_image_request, {"src": "a", **query}, vocabulary, public=None)
            self.assertIn(text, error.message)

    def test_a_fill_colour_has_3_to_32_characters_without_its_blanks(self):
        for value in ("ab", "x" * 33, " ", "a  b"):
            self.refused(fill=value, text="out of range")
        parse(fill="r e d")
        parse(fill="x" * 32)

    def test_a_cross_reference_has_at_most_1024_characters(self):
        parse(xref="é" * 1024)
        self.refused(xref="é" * 1025, text="out of range")

    def test_overlapping_crop_edges_are_refused(self):
        self.refused(left="0.6", right="0.4", text="out of range (must be less than right)")
        self.refused(left="0.5", right="0.5", text="must be less than right")
        self.refused(top="0.9", bottom="0.1", text="must be less than bottom")
        self.refused(left="0.1", right="0.9", top="0.5", bottom="0.5", parameter="top", text="must be less than bottom")

    def test_edges_of_0_and_1_are_not_set_and_overlap_nothing(self):
        for query in (
            {"left": "1", "right": "0"},
            {"left": "1", "right": "1"},
            {"left": "0", "right": "0"},
            {"left": "1", "right": "0.5"},
            {"left": "0.5", "right": "0"},
            {"top": "1", "bottom": "0.5"},
            {"top": "0.5", "bottom": ""},
            {"left": "0.5", "right": "1.0"},
        ):
            parse(**query)


class OrderTests(SynchronousTestCase):
    def first_fault(self, public=None, **query):
        return self.assertRaises(BadParameter, parse, public, **query).parameter

    def test_texts_are_read_before_ranges_are_checked(self):
        first = ["page", "width", "height", "angle", "top", "left", "bottom", "right", "quality", "sharpen"]
        typed = [*first, "ovsize", "ovopacity", "dpi", "tile"]
        wrong = dict.fromkeys(typed, "x")
        for name in typed:
            self.assertEqual(self.first_fault(src="", format="eggs", **wrong), name)
            del wrong[name]
        self.assertEqual(self.first_fault(src="", xref="x" * 1025), "xref")

    def test_ranges_are_checked_in_a_fixed_order(self):
        wrong = {
            "src": "",
            "page": "-1",
            "format": "eggs",
            "tmp": "eggs",
            "width": "-1",
            "height": "-1",
            "halign": "x",
            "valign": "x",
            "angle": "400",
            "flip": "x",
            "top": "2",
            "left": "2",
            "bottom": "2",
            "right": "2",
            "fill": "x",
            "quality": "0",
            "sharpen": "999",
            "overlay": "x" * 1025,
            "ovpos": "x",
            "ovsize": "2",
            "ovopacity": "2",
            "icc": "x",
            "intent": "x",
            "colorspace": "x",
            "dpi": "-1",
            "tile": "1:5",
        }
        for name in list(wrong):
            self.assertEqual(self.first_fault(**wrong), name)
            del wrong[name]
        self.assertEqual(wrong, {})

    def test_public_limits_come_in_between(self):
        limits = PublicLimits(max_width=800)
        self.assertEqual(self.first_fault(limits, src="", width="900", page="x"), "page")
        self.assertEqual(self.first_fault(limits, src="", width="900", page="-1"), "width")
        self.assertEqual(self.first_fault(limits, src="", width="700", page="-1"), "src")

    def test_public_limits_fill_in_the_size(self):
        limited = parse(PublicLimits(max_width=800, max_height=600)).options
        self.assertEqual(limited, ImageOptions(width=800, height=600, size_fit=True))

    @settings(deadline=None, max_examples=100, derandomize=True)
    @given(st.dictionaries(st.sampled_from(PARAMETERS), st.text(max_size=10)), st.randoms(use_true_random=False))
    def test_the_order_of_the_parameters_makes_no_difference(self, query, random):
        def outcome(given_query):
            try:
                return parse_image_request(given_query, VOCABULARY, public=None)
            except BadParameter as error:
                return error.message

        names = list(query)
        random.shuffle(names)
        self.assertEqual(outcome({name: query[name] for name in names}), outcome(query))


class OriginalTests(SynchronousTestCase):
    def test_four_parameters_are_read_and_all_else_ignored(self):
        query = {"src": "/a.jpg", "attach": "1", "stats": "0", "xref": "X", "width": "nonsense", "tmp": "eggs"}
        self.assertEqual(
            parse_original_request(query), OriginalRequest(src="/a.jpg", attach=True, record_stats=False, xref="X")
        )
        self.assertEqual(parse_original_request({"src": "a"}), OriginalRequest(src="a"))

    def test_source_and_cross_reference_are_checked(self):
        for query, parameter in (
            ({}, "src"),
            ({"src": ""}, "src"),
            ({"src": "x" * 1025}, "src"),
            ({"src": "a\x00"}, "src"),
            ({"src": "a", "xref": "x" * 1025}, "xref"),
        ):
            error = self.assertRaises(BadParameter, parse_original_request, query)
            self.assertEqual(error.parameter, parameter)
