"""Parts of renditions, made of parts of sources: the same as those parts of the whole."""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops
from twisted.trial.unittest import SynchronousTestCase

from qisd.imaging.geometry import Box, Size, plan
from qisd.imaging.picture import Picture
from qisd.imaging.pipeline import Job, begin, run
from qisd.imaging.resample import HAVE_EXTENSION
from qisd.imaging.spec import UNIT, ImageSpec, Position, Tile
from qisd.imaging.window import needed, part_of
from tests.imaging.pipelines import FORMATS, STORE, degrees, photo, picture

FULL = Size(1301, 907)
REDUCED = Size(326, 227)
LEVEL = photo(REDUCED.width, REDUCED.height)


def finished(source: Picture, spec: ImageSpec, *, in_part: bool, quality: int = 3) -> Image.Image:
    sizes = plan(spec, source.full_size)
    row = FORMATS.by_extension("png")
    assert row is not None
    part = None
    if in_part:
        part = part_of(spec, sizes)
        assert part is not None
        box = needed(sizes, part, source.reduced or source.full_size)
        source = attrs.evolve(source, image=source.image.crop(edges(box)), origin=(box.left, box.top))
    job = Job(spec=spec, plan=sizes, format=row, profiles=STORE, quality=quality, gamma_correct=True, part=part)
    return run(begin(source), job, checkpoint=lambda: None).image


def edges(box: Box) -> tuple[int, int, int, int]:
    return box.left, box.top, box.right, box.bottom


def reduced(image: Image.Image = LEVEL) -> Picture:
    return attrs.evolve(picture(image, full_size=FULL), reduced=REDUCED)


def difference(a: Image.Image, b: Image.Image) -> int:
    assert (a.mode, a.size) == (b.mode, b.size), (a, b)
    extrema = ImageChops.difference(a, b).getextrema()
    return max(most for _, most in (extrema if isinstance(extrema[0], tuple) else (extrema,)))


MOST = 0 if HAVE_EXTENSION else 2
"""By how much a part may differ from that of the whole; Pillow alone takes places as floats of 24 bits."""


class WindowTests(SynchronousTestCase):
    def same(self, source: Picture, *, quality: int = 3, **options: Any) -> None:
        spec = ImageSpec(**options)
        parts = finished(source, spec, in_part=True, quality=quality)
        self.assertLessEqual(difference(parts, finished(source, spec, in_part=False, quality=quality)), MOST)

    def test_tiles_put_together_are_the_whole(self) -> None:
        spec = ImageSpec(width=150)
        whole = finished(reduced(), spec, in_part=False)
        together = Image.new("RGB", whole.size)
        for number in range(1, 17):
            spec = ImageSpec(width=150, tile=Tile(number=number, grid=16))
            box = plan(spec, FULL).tile
            assert box is not None
            together.paste(finished(reduced(), spec, in_part=True), edges(box))
        self.assertLessEqual(difference(together, whole), MOST)

    def test_a_tile_takes_a_part_of_the_source(self) -> None:
        spec = ImageSpec(width=160, tile=Tile(number=6, grid=16))
        sizes = plan(spec, FULL)
        part = part_of(spec, sizes)
        assert part is not None
        box = needed(sizes, part, REDUCED)
        self.assertLess(box.width * box.height, REDUCED.width * REDUCED.height / 4)

    def test_at_full_size_a_tile_is_a_piece_of_the_source(self) -> None:
        source = attrs.evolve(picture(photo(300, 200)), reduced=Size(300, 200))
        tile = finished(source, ImageSpec(tile=Tile(number=5, grid=9)), in_part=True)
        self.assertEqual(difference(tile, source.image.crop((100, 66, 200, 132))), 0)

    def test_nothing_beyond_a_crop_bleeds_in(self) -> None:
        image = Image.new("RGB", (REDUCED.width, REDUCED.height), "white")
        image.paste("black", (0, 0, REDUCED.width // 2, REDUCED.height))
        self.same(reduced(image), left=50_500, width=60, tile=Tile(number=1, grid=4))
        white = finished(reduced(image), ImageSpec(left=50_500, width=60, tile=Tile(number=1, grid=4)), in_part=True)
        self.assertEqual(white.getextrema(), ((255, 255),) * 3)

    def test_a_crop_alone_takes_what_is_in_it(self) -> None:
        spec = ImageSpec(left=20_000, right=40_000, top=10_000, bottom=50_000, width=50)
        sizes = plan(spec, FULL)
        part = part_of(spec, sizes)
        assert part is not None
        self.assertEqual(needed(sizes, part, REDUCED), Box(65, 22, 131, 114))
        self.same(reduced(), left=20_000, right=40_000, top=10_000, bottom=50_000, width=50)

    def test_a_tile_of_nothing_but_padding(self) -> None:
        self.same(reduced(), width=60, height=300, tile=Tile(number=1, grid=64), fill="#336699")

    def test_padding_alpha_and_alignment(self) -> None:
        place = Position(edge="c", fraction=20_000)
        for number in range(1, 10):
            tile = Tile(number=number, grid=9)
            self.same(reduced(), width=100, height=200, align_v=place, fill="none", tile=tile)
            self.same(reduced(photo(REDUCED.width, REDUCED.height, "RGBA")), width=200, height=60, tile=tile)

    def test_other_modes(self) -> None:
        for mode in ("L", "LA", "CMYK", "RGBA", "P"):
            self.same(reduced(photo(REDUCED.width, REDUCED.height, mode)), width=100, tile=Tile(number=7, grid=9))

    def test_what_looks_at_the_whole_is_not_made_in_parts(self) -> None:
        for options in ({"rotation": degrees(90)}, {"flip": "h"}, {"overlay_src": "a"}, {"fill": "auto"}):
            spec = ImageSpec(width=100, height=100, tile=Tile(number=1, grid=4), **options)  # type: ignore[arg-type]
            self.assertIsNone(part_of(spec, plan(spec, FULL)))

    @given(
        st.integers(20, 160), st.sampled_from([None, 40, 90, 140]), st.sampled_from([4, 9, 16]), st.integers(0, 15),
        st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(6, 10), st.integers(6, 10)),
        st.sampled_from([0, 0, 150, -60, -500]), st.sampled_from([1, 2, 3]), st.booleans(),
    )  # fmt: skip
    @settings(deadline=None, max_examples=150, derandomize=True)
    def test_a_part_is_the_same_as_that_of_the_whole(
        self, width: int, height: int | None, grid: int, number: int, crop: tuple[int, ...], sharpen: int, quality: int,
        fit: bool,
    ) -> None:  # fmt: skip
        left, top, right, bottom = (edge * UNIT // 10 for edge in crop)
        self.same(
            reduced(),
            quality=quality,
            width=width,
            height=height,
            size_fit=fit,
            left=left,
            top=top,
            right=right,
            bottom=bottom,
            sharpen=sharpen,
            tile=Tile(number=number % grid + 1, grid=grid),
        )
