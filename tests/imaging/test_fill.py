from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import Unsupported
from qisd.imaging.fill import normalise_colour, parse_colour

NO_COLOURS = (
    "spam",
    "f00",
    "#ff00",
    "#ff000000",
    "#ggg",
    "ff00000",
    "hsl(0,100%,50%)",
    "rgb(100%,0%,0%)",
    "rgb(256,0,0)",
    "rgb(1,2)",
    "rgb(1,2,3,4)",
    "rgba(1,2,3,4)",
    "rgb(-1,0,0)",
    "rgb(٢,0,0)",
    "gray101",
    "gray-1",
    "gray050",
    "",
    "none",
    "transparent",
    "auto",
    "hsv(0,100%,50%)",
    "#",
    "rgb()",
    "rgb(1e1,0,0)",
    "ff_000",
)


class ParseTests(SynchronousTestCase):
    def test_every_accepted_spelling_gives_its_colour(self):
        red = (
            "red",
            "RED",
            "ff0000",
            "FF0000",
            "#f00",
            "#F00",
            "#ff0000",
            "rgb(255,0,0)",
            "rgb( 255, 0 ,0 )",
            "RGB(255,0,0)",
        )
        for text in red:
            self.assertEqual(parse_colour(text), (255, 0, 0), text)
        self.assertEqual(parse_colour("#1a2"), (0x11, 0xAA, 0x22))
        self.assertEqual(parse_colour("rebeccapurple"), (0x66, 0x33, 0x99))
        self.assertEqual(parse_colour("dark slate gray"), parse_colour("darkslategrey"))

    def test_numbered_greys_are_those_of_x11(self):
        for name, level in (
            ("gray0", 0),
            ("grey1", 3),
            ("gray10", 26),
            ("grey50", 127),
            ("gray90", 229),
            ("grey100", 255),
        ):
            self.assertEqual(parse_colour(name), (level, level, level), name)

    def test_the_unnumbered_grey_is_that_of_css(self):
        self.assertEqual(parse_colour("gray"), (128, 128, 128))
        self.assertEqual(parse_colour("grey"), (128, 128, 128))

    def test_everything_else_is_an_unsupported_fill_colour(self):
        for text in NO_COLOURS:
            error = self.assertRaises(Unsupported, parse_colour, text)
            self.assertEqual((error.status, error.message), (415, "unsupported fill colour"))

    @settings(deadline=None, max_examples=100, derandomize=True)
    @given(st.text(max_size=32))
    def test_no_text_raises_anything_else(self, text):
        try:
            colour = parse_colour(text)
        except Unsupported:
            return
        self.assertTrue(all(0 <= channel <= 255 for channel in colour))


class NormaliseTests(SynchronousTestCase):
    def test_equal_colours_get_one_spelling(self):
        for text in ("red", "ff0000", "#f00", "#FF0000", "rgb(255, 0, 0)"):
            self.assertEqual(normalise_colour(text), "#ff0000", text)
        self.assertEqual(normalise_colour("#FFF"), "#ffffff")

    def test_transparent_is_none_and_auto_stays(self):
        self.assertEqual(normalise_colour("Transparent"), "none")
        self.assertEqual(normalise_colour("NONE"), "none")
        self.assertEqual(normalise_colour("auto"), "auto")

    def test_an_unknown_colour_stays_as_it_is(self):
        self.assertEqual(normalise_colour("spam"), "spam")
        self.assertEqual(normalise_colour("f00"), "f00")

    @settings(deadline=None, max_examples=100, derandomize=True)
    @given(st.tuples(*[st.integers(0, 255)] * 3))
    def test_every_colour_is_read_back_from_its_one_spelling(self, colour):
        text = normalise_colour("rgb({},{},{})".format(*colour))
        self.assertEqual(parse_colour(text), colour)
        self.assertEqual(normalise_colour(text), text)
