"""What ``format=auto`` stands for."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import BadParameter
from qisd.imaging.formats import FormatTable
from qisd.imaging.negotiation import MODERN, best_format, goes_by_viewer
from qisd.imaging.spec import ImageOptions, ImageSpec, Tile
from qisd.imaging.template import TemplateValues
from tests.imaging.pipelines import FORMATS, info_of


def best(*accepts: str, width: int = 400, height: int = 300, table: FormatTable = FORMATS, **given: object) -> str:
    source = info_of(width, height, has_alpha=bool(given.pop("has_alpha", False)))
    return best_format(accepts, spec=ImageSpec(**given), source=source, table=table)  # type: ignore[arg-type]


class BestFormatTests(SynchronousTestCase):
    def test_the_best_liked_that_there_is(self) -> None:
        self.assertEqual(best(*MODERN), "avif")
        self.assertEqual(best("webp", "avif"), "webp")
        self.assertEqual(best("webp", has_alpha=True), "webp")

    def test_whoever_can_show_none_of_them_gets_jpeg_or_where_something_is_transparent_png(self) -> None:
        self.assertEqual(best(), "jpg")
        self.assertEqual(best(has_alpha=True), "png")
        self.assertEqual(best(fill="none", width=300, height=300), "png")

    def test_what_is_too_large_for_a_format_gets_the_next(self) -> None:
        self.assertEqual(best("webp", width=16_384), "jpg")
        self.assertEqual(best("webp", "avif", width=16_384), "avif")
        self.assertEqual(best("webp", width=16_384, height=10), "jpg")

    def test_a_format_that_is_switched_off_is_none(self) -> None:
        self.assertEqual(best(*MODERN, table=FORMATS.merged({"avif": False})), "webp")

    def test_cmyk_stays_what_was_asked_for(self) -> None:
        self.assertEqual(best(*MODERN, colorspace="cmyk"), "jpg")

    def test_a_tile_that_is_none_is_refused(self) -> None:
        with self.assertRaises(BadParameter):
            best(*MODERN, width=2, height=2, tile=Tile(number=1, grid=9))


class AskedTests(SynchronousTestCase):
    def test_the_request_beats_the_template(self) -> None:
        auto, jpg = (TemplateValues(options=ImageOptions(format=one)) for one in ("auto", "jpg"))
        for options, template, expected in (
            (ImageOptions(), TemplateValues(), False),
            (ImageOptions(format="auto"), jpg, True),
            (ImageOptions(), auto, True),
            (ImageOptions(format="png"), auto, False),
        ):
            self.assertEqual(goes_by_viewer(options, template), expected)
