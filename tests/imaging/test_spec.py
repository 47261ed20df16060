import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.imaging.spec import ANYWHERE, UNIT, Focus, ImageOptions, ImageSpec, Position, Tile
from tests.strategies import focuses, positions_h, specs, texts, tiles

QUICK = settings(deadline=None, max_examples=100, derandomize=True)

CHANGING = {
    "format": "png",
    "page": 2,
    "rotation": UNIT,
    "flip": "h",
    "width": 1,
    "height": 1,
    "top": 1,
    "left": 1,
    "bottom": 1,
    "right": 1,
    "quality": 80,
    "sharpen": -1,
    "overlay_src": "o.png",
    "icc_profile": "srgb",
    "colorspace": "rgb",
    "dpi": 72,
    "strip": True,
    "tile": Tile(number=1, grid=4),
}

UNCHANGING = {
    "size_fit": True,
    "align_h": Position(edge="l", fraction=0),
    "align_v": Position(edge="t", fraction=0),
    "crop_fit": True,
    "focus": ANYWHERE,
    "fill": "#ff0000",
    "overlay_size": 5,
    "overlay_pos": "n",
    "overlay_opacity": 5,
    "icc_intent": "absolute",
    "icc_bpc": True,
}


class ChangesImageTests(SynchronousTestCase):
    def test_a_spec_of_nothing_changes_nothing(self):
        self.assertFalse(ImageSpec().changes_image())

    def test_each_of_these_options_changes_the_image(self):
        for field, value in CHANGING.items():
            self.assertTrue(ImageSpec(**{field: value}).changes_image(), field)

    def test_details_alone_change_nothing(self):
        for field, value in UNCHANGING.items():
            self.assertFalse(ImageSpec(**{field: value}).changes_image(), field)

    def test_every_field_is_one_or_the_other(self):
        self.assertEqual({field.name for field in attrs.fields(ImageSpec)}, CHANGING.keys() | UNCHANGING.keys())


class CanonicalTests(SynchronousTestCase):
    def test_only_what_is_set_is_written_in_a_fixed_order(self):
        self.assertEqual(ImageSpec().canonical(), "")
        self.assertEqual(ImageSpec(top=20_000, width=400).canonical(), "width=400,top=20000")
        spec = ImageSpec(
            tile=Tile(number=3, grid=9),
            align_h=Position(edge="l", fraction=10_000),
            strip=True,
            fill="#ff0000",
            overlay_src="logos/a b.png",
        )
        self.assertEqual(spec.canonical(), "align_h=l10000,fill=#ff0000,overlay_src=logos/a%20b.png,strip=1,tile=3:9")

    def test_texts_can_not_look_like_further_options_or_break_a_line(self):
        forged = ImageSpec(fill="x,quality=80").canonical()
        self.assertNotEqual(forged, ImageSpec(fill="x", quality=80).canonical())
        self.assertTrue(ImageSpec(overlay_src="a\nb\u2028\x00é\ud800").canonical().isprintable())

    @QUICK
    @given(specs, specs)
    def test_two_specs_have_the_same_text_only_if_they_are_equal(self, one, other):
        self.assertEqual(one.canonical() == other.canonical(), one == other)
        self.assertEqual(hash(one), hash(attrs.evolve(one)))

    @QUICK
    @given(specs, st.data())
    def test_changing_any_field_changes_the_text(self, spec, data):
        name = data.draw(st.sampled_from([field.name for field in attrs.fields(ImageSpec)]))
        old = getattr(spec, name)
        if name in ("align_h", "align_v"):
            values = positions_h
        elif name == "tile":
            values = tiles
        elif name == "focus":
            values = focuses | st.builds(Focus, x=st.just(1), y=st.just(2), cover=st.just(False))
        elif name in ("size_fit", "crop_fit", "icc_bpc", "strip"):
            values = st.booleans()
        elif name in ("format", "flip", "fill", "icc_profile", "icc_intent", "colorspace") or name.endswith(
            ("src", "pos")
        ):
            values = texts
        else:
            values = st.integers(0, 10**6)
        new = data.draw(values.filter(lambda value: value != old))
        changed = attrs.evolve(spec, **{name: new})
        self.assertNotEqual(changed.canonical(), spec.canonical())

    @QUICK
    @given(specs)
    def test_it_is_one_line_of_printable_ascii_without_blanks(self, spec):
        text = spec.canonical()
        self.assertTrue(text.isascii() and text.isprintable() and " " not in text, text)


class OptionsTests(SynchronousTestCase):
    def test_what_is_given_beats_the_template_even_if_it_is_zero_or_false(self):
        url = ImageOptions(width=0, strip=False, quality=50)
        template = ImageOptions(width=200, height=100, strip=True, quality=80)
        self.assertEqual(url.over(template), ImageOptions(width=0, height=100, strip=False, quality=50))
