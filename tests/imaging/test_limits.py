from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import BadParameter
from qisd.imaging.geometry import Size, plan
from qisd.imaging.limits import PublicLimits, check_public_limits, limit_options
from qisd.imaging.normalise import merge
from qisd.imaging.request import Vocabulary, parse_image_request
from qisd.imaging.spec import ImageOptions, Tile
from qisd.imaging.template import TemplateValues
from tests.strategies import sizes

PHOTO = Size(1600, 1200)

VOCABULARY = Vocabulary(
    write_formats=frozenset({"jpg", "png"}),
    profiles=frozenset(),
    templates={
        "smalljpeg": TemplateValues(options=ImageOptions(format="jpg", quality=80, width=200, height=200, strip=True)),
        "wide": TemplateValues(options=ImageOptions(width=200)),
        "empty": TemplateValues(),
        "crop": TemplateValues(options=ImageOptions(left=10_000)),
    },
    default_template=TemplateValues(options=ImageOptions(quality=80, strip=True)),
)


def answer(limits, natural=PHOTO, *, vocabulary=VOCABULARY, **query):
    """The plan that an anonymous request is rendered by; raises where it is refused."""
    public = PublicLimits(max_width=limits[0], max_height=limits[1])
    request = parse_image_request({"src": "a.jpg", **query}, vocabulary, public=public)
    spec = merge(request, vocabulary, source_extension="jpg", single_page=True, canonical=str)
    planned = plan(spec, natural)
    check_public_limits(planned, request=request, vocabulary=vocabulary, limits=public)
    return planned


class TableTests(SynchronousTestCase):
    def refused(self, parameter, limits, natural=PHOTO, **query):
        error = self.assertRaises(BadParameter, answer, limits, natural, **query)
        self.assertEqual(error.parameter, parameter)
        self.assertIn(f"{parameter}: exceeds public image limit", error.message)

    def test_a_request_without_size_gets_the_limit(self):
        self.assertEqual(answer((800, 0)).output, Size(800, 600))
        self.assertEqual(answer((0, 600)).output, Size(800, 600))
        self.assertEqual(answer((800, 400)).output, Size(534, 400))

    def test_a_width_beyond_the_limit_is_refused(self):
        self.refused("width", (800, 0), width="900")
        self.assertEqual(answer((800, 0), width="800").output, Size(800, 600))

    def test_a_height_that_makes_the_image_too_wide_is_refused(self):
        self.refused("width", (800, 0), height="680")
        self.assertEqual(answer((800, 0), height="680", angle="90").output, Size(510, 680))

    def test_each_side_has_its_own_limit(self):
        self.assertEqual(answer((800, 400), width="800", height="400").output, Size(800, 400))
        self.refused("width", (800, 400), width="810", height="400")
        self.refused("height", (800, 400), width="800", height="410")

    def test_the_image_is_fitted_unless_padding_was_asked_for(self):
        self.assertEqual(answer((800, 800)).output, Size(800, 600))
        self.assertEqual(answer((800, 800), autosizefit="0").output, Size(800, 800))

    def test_a_small_source_is_not_enlarged(self):
        self.assertEqual(answer((800, 800), Size(470, 300)).output, Size(470, 300))

    def test_a_template_that_is_named_may_exceed_the_limit(self):
        self.assertEqual(answer((100, 100), tmp="SmallJpeg").output, Size(200, 200))
        self.assertEqual(answer((100, 100), tmp="smalljpeg", width="150").output, Size(150, 200))
        self.refused("width", (100, 100), tmp="SmallJpeg", width="250")

    def test_a_template_that_gives_one_side_decides_the_other_one_too(self):
        self.assertEqual(answer((100, 100), tmp="wide").output, Size(200, 150))
        self.refused("height", (100, 100), tmp="wide", width="150")

    def test_a_template_below_the_limit_does_not_lower_it(self):
        self.assertEqual(answer((500, 500), tmp="SmallJpeg", width="400").output, Size(400, 200))
        self.refused("width", (500, 500), tmp="SmallJpeg", width="600")

    def test_a_template_sets_no_limit_where_there_is_none(self):
        self.assertEqual(answer((800, 0), tmp="SmallJpeg", height="1000").output, Size(200, 1000))
        self.assertEqual(answer((0, 800), tmp="SmallJpeg", width="1000").output, Size(1000, 200))

    def test_a_template_without_size_leaves_the_limit_as_size(self):
        self.assertEqual(answer((800, 800), tmp="empty").output, Size(800, 600))
        self.assertEqual(answer((800, 800), tmp="crop").output, Size(800, 667))


class HolesTests(SynchronousTestCase):
    refused = TableTests.refused

    def test_a_tile_counts_as_the_whole_image(self):
        self.refused("width", (800, 800), tile="1:4")
        self.refused("width", (800, 800), tile="1:4", width="1600", height="1200")
        self.refused("width", (800, 800), tile="1:256", width="900")
        self.assertEqual(answer((800, 800), tile="1:4", width="800", height="600").output, Size(400, 300))

    def test_a_tile_that_is_the_whole_image_is_none(self):
        self.assertEqual(answer((800, 800), tile="1:1").output, Size(800, 600))
        self.refused("width", (800, 800), tile="1:1", width="900")

    def test_the_other_side_is_checked_too(self):
        self.refused("height", (800, 800), Size(1000, 5000), width="700")
        self.refused("width", (800, 800), Size(5000, 1000), height="700")

    def test_a_named_template_does_not_hide_the_size(self):
        self.refused("height", (800, 800), Size(1000, 5000), tmp="crop", width="700")

    def test_a_crop_that_is_scaled_up_is_checked(self):
        self.refused("height", (800, 800), left="0.4", right="0.5", width="300")

    def test_the_default_template_may_not_exceed_the_limit(self):
        large = Vocabulary(
            write_formats=frozenset(),
            profiles=frozenset(),
            templates={},
            default_template=TemplateValues(options=ImageOptions(height=1000)),
        )
        self.refused("height", (800, 800), vocabulary=large, width="300")
        self.assertEqual(answer((800, 800), vocabulary=large).output, Size(800, 600))

    def test_a_size_of_zero_is_none(self):
        self.assertEqual(answer((800, 0), width="0", height="").output, Size(800, 600))


class FirstHalfTests(SynchronousTestCase):
    def test_without_limits_nothing_changes(self):
        given_options = ImageOptions(width=9000)
        self.assertIs(limit_options(given_options, template=None, limits=PublicLimits()), given_options)

    def test_tiles_are_left_to_the_second_half(self):
        tiled = ImageOptions(tile=Tile(number=1, grid=4), width=9000)
        self.assertIs(limit_options(tiled, template=None, limits=PublicLimits(max_width=800)), tiled)

    def test_one_limit_alone_does_not_fit(self):
        limited = limit_options(ImageOptions(), template=None, limits=PublicLimits(max_width=800))
        self.assertEqual((limited.width, limited.height, limited.size_fit), (800, 0, None))


number = st.none() | st.integers(0, 1200).map(str)
fraction = st.none() | st.sampled_from(["0.1", "0.3", "0.45"])


class InvariantTests(SynchronousTestCase):
    @settings(deadline=None, max_examples=100, derandomize=True)
    @given(
        sizes,
        st.tuples(st.sampled_from([0, 300, 800]), st.sampled_from([0, 300, 800])),
        st.fixed_dictionaries(
            {"width": number, "height": number, "left": fraction, "top": fraction},
            optional={
                "tmp": st.sampled_from(["empty", "crop"]),
                "tile": st.sampled_from(["1:1", "1:4", "4:4"]),
                "angle": st.sampled_from(["90", "45", "10"]),
                "autosizefit": st.sampled_from(["0", "1"]),
            },
        ),
    )
    def test_whatever_is_asked_for_no_answer_is_beyond_the_limits(self, natural, limits, query):
        try:
            planned = answer(limits, natural, **{name: value for name, value in query.items() if value is not None})
        except BadParameter:
            return
        self.assertTrue(not limits[0] or planned.canvas.width <= limits[0])
        self.assertTrue(not limits[1] or planned.canvas.height <= limits[1])
