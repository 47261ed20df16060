"""Large sources in pieces, and renditions that are made of them: :mod:`qisd.imaging.pieces`."""

from __future__ import annotations

import io
from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageStat
from twisted.trial.unittest import SynchronousTestCase

from qisd.imaging import pieces
from qisd.imaging.cost import estimate_memory, estimate_memory_from_pieces
from qisd.imaging.geometry import Box, Size, plan
from qisd.imaging.picture import DecodeLimits, SourceInfo
from qisd.imaging.pieces import Extract, Pieces
from qisd.imaging.reduction import sufficient_size
from qisd.imaging.render import RenderSettings, render
from qisd.imaging.resample import HAVE_EXTENSION
from qisd.imaging.source import probe
from qisd.imaging.spec import ImageSpec, Tile
from tests.imaging.pictures import PILLOW_WARNINGS, saved
from tests.imaging.pipelines import in_mode, info_of

MEGA = 1024 * 1024
SIZE = (1900, 1301)
MOST = 0 if HAVE_EXTENSION else 2


def extract(info: SourceInfo, *, large: int = 10**7, room: int = 10**10, **options: Any) -> Extract | None:
    spec = ImageSpec(**options)
    return pieces.extract_for(info, spec, plan(spec, Size(info.width, info.height)), large=large, room=room)


def photo(mode: str = "RGB") -> Image.Image:
    """Something with shades and edges in it."""
    image = Image.effect_mandelbrot((475, 325), (-2.0, -1.3, 0.8, 1.3), 60).resize(SIZE, Image.Resampling.BICUBIC)
    bands = [image.point(lambda value, n=n: (value * (n + 2)) % 256) for n in range(3)]
    return in_mode(Image.merge("RGB", bands), mode)


PHOTO = photo()


class ExtractTests(SynchronousTestCase):
    def test_levels_are_halves_rounded_up_down_to_the_smallest(self) -> None:
        self.assertEqual(
            pieces.levels(Size(3001, 2000)), [Size(3001, 2000), Size(1501, 1000), Size(751, 500), Size(376, 250)]
        )

    def test_tiles_are_made_of_pieces_whatever_the_size(self) -> None:
        tile = Tile(number=1, grid=16)
        self.assertIsNotNone(extract(info_of(2000, 1500), tile=tile))
        self.assertIsNone(extract(info_of(1200, 900), tile=tile))  # is decoded as quickly
        self.assertIsNone(extract(info_of(2000, 1500), tile=tile, large=0))  # switched off
        self.assertIsNone(extract(info_of(2000, 1500, mode="1"), tile=tile))

    def test_all_else_is_so_of_what_is_very_large(self) -> None:
        self.assertIsNone(extract(info_of(8000, 4000), width=400))
        self.assertIsNotNone(extract(info_of(10_000, 4000), width=400))
        self.assertIsNone(extract(info_of(10_000, 4000), width=4000))  # it takes nearly everything
        self.assertIsNotNone(extract(info_of(10_000, 4000), width=4000, tile=Tile(number=1, grid=16)))

    def test_where_there_is_no_room_to_keep_them_there_are_none(self) -> None:
        tile = Tile(number=1, grid=16)
        self.assertIsNotNone(extract(info_of(3000, 2000), tile=tile, room=64 * MEGA))
        self.assertIsNone(extract(info_of(10_000, 10_000), tile=tile, room=64 * MEGA))
        self.assertIsNone(extract(info_of(3000, 2000, format="png"), tile=tile, room=64 * MEGA))

    def test_a_tile_takes_few_sheets_however_large_the_source(self) -> None:
        for width, grid in ((1000, 16), (2000, 64), (5000, 400), (10_000, 1600)):
            found = extract(info_of(10_000, 10_000), width=width, tile=Tile(number=grid // 2, grid=grid))
            assert found is not None
            self.assertLessEqual(len(found.sheets()), 4, width)
            self.assertLessEqual(found.region.width * found.region.height, 1100**2, width)

    def test_what_looks_at_the_whole_takes_the_whole(self) -> None:
        found = extract(info_of(4000, 3000), width=1000, flip="h", tile=Tile(number=1, grid=16))
        assert found is not None
        self.assertEqual((found.level, found.region, found.part), (1, Box(0, 0, 2000, 1500), None))
        self.assertEqual(found.sheets(), (0, 1, 2, 3))

    @given(st.integers(1500, 20_000), st.integers(1500, 20_000), st.integers(64, 5000), st.integers(1, 16))
    @settings(max_examples=100, deadline=None, derandomize=True)
    def test_the_level_is_large_enough_and_the_one_below_is_not(
        self, width: int, height: int, wanted: int, number: int
    ) -> None:
        spec = ImageSpec(width=wanted, tile=Tile(number=number, grid=16))
        planned = plan(spec, Size(width, height))
        found = extract(info_of(width, height), width=wanted, tile=spec.tile)
        assert found is not None
        least = sufficient_size(spec, planned) or planned.natural
        self.assertTrue(found.size.width >= least.width and found.size.height >= least.height)
        below = pieces.levels(planned.natural)[found.level + 1 : found.level + 2]
        self.assertTrue(all(size.width < least.width or size.height < least.height for size in below))
        box = found.region
        self.assertTrue(
            0 <= box.left < box.right <= found.size.width and 0 <= box.top < box.bottom <= found.size.height
        )

    def test_a_tile_of_pieces_costs_little_memory(self) -> None:
        info = info_of(10_000, 10_000, format="png")
        for options in ({"width": 5000}, {}, {"width": 300}):
            spec = ImageSpec(tile=Tile(number=7, grid=400), format="jpg", **options)  # type: ignore[arg-type]
            sizes = plan(spec, Size(info.width, info.height))
            found = extract(info, tile=spec.tile, format="jpg", **options)
            assert found is not None
            self.assertLess(estimate_memory_from_pieces(info, spec, sizes, None, found), 64 * MEGA)
            self.assertGreater(estimate_memory(info, spec, sizes, None), 400 * MEGA)
        spec = ImageSpec(width=8000, rotation=9_000_000, tile=Tile(number=7, grid=400))
        found = extract(info, width=8000, rotation=9_000_000, tile=spec.tile)
        assert found is not None
        whole = estimate_memory_from_pieces(info, spec, plan(spec, Size(info.width, info.height)), None, found)
        self.assertGreater(whole, 400 * MEGA)


class RenderTests(SynchronousTestCase):
    suppress = PILLOW_WARNINGS
    SETTINGS = RenderSettings()

    def cut_up(self, data: bytes, extension: str) -> dict[tuple[int, int], bytes]:
        kept: dict[tuple[int, int], bytes] = {}

        def keep(level: int, number: int, sheet: bytes) -> None:
            kept[level, number] = sheet

        pieces.make(
            io.BytesIO(data), extension=extension, page=None, limits=DecodeLimits(), auto_orient=True, quality=3,
            gamma_correct=True, keep=keep, checkpoint=lambda: None,
        )  # fmt: skip
        return kept

    def rendered(
        self,
        data: bytes,
        sheets: dict[tuple[int, int], bytes] | None,
        extension: str = "jpg",
        *,
        whole: bool = False,
        **options: Any,
    ) -> Image.Image:
        """``whole``: made as if something looked at the whole."""
        spec = ImageSpec(**{"format": "png", **options})
        info = probe(io.BytesIO(data), extension=extension, page=None, limits=DecodeLimits())
        made = None
        if sheets is not None:
            planned = plan(spec, Size(info.width, info.height))
            found = pieces.extract_for(info, spec, planned, large=500_000, room=10**9)
            assert found is not None
            if whole:
                found = attrs.evolve(found, region=Box(0, 0, found.size.width, found.size.height), part=None)
            made = Pieces(extract=found, sheets={number: sheets[found.level, number] for number in found.sheets()})
        rendition = render(
            io.BytesIO(data), extension=extension, spec=spec, settings=self.SETTINGS, pieces=made,
            checkpoint=lambda: None,
        )  # fmt: skip
        image = Image.open(io.BytesIO(rendition.data))
        image.load()
        return image

    def most(self, one: Image.Image, other: Image.Image) -> int:
        self.assertEqual((one.mode, one.size), (other.mode, other.size))
        extrema = ImageChops.difference(one, other).getextrema()
        return max(high for _, high in (extrema if isinstance(extrema[0], tuple) else (extrema,)))

    def test_lossless_sources_in_full_are_the_very_pixels(self) -> None:
        tile = Tile(number=6, grid=16)
        for mode, extension, kind in (
            *(("RGB", "png", "PNG"), ("RGBA", "png", "PNG"), ("L", "png", "PNG"), ("LA", "png", "PNG")),
            *(("P", "png", "PNG"), ("I;16", "png", "PNG"), ("CMYK", "tif", "TIFF")),
        ):
            data = saved(in_mode(PHOTO, mode), kind)
            sheets = self.cut_up(data, extension)
            to = "tif" if mode == "CMYK" else "png"
            parts, direct = (self.rendered(data, each, extension, tile=tile, format=to) for each in (sheets, None))
            self.assertEqual((parts.mode, parts.tobytes()), (direct.mode, direct.tobytes()), mode)

    def test_tiles_join_and_are_the_untiled_image_of_the_same_level(self) -> None:
        for extension, kind in (("jpg", "JPEG"), ("png", "PNG")):
            data = saved(PHOTO, kind, quality=90)
            sheets = self.cut_up(data, extension)
            for width in (211, 640, 1200):
                whole = self.rendered(data, sheets, extension, whole=True, width=width, tile=Tile(number=1, grid=4))
                tiles = [
                    self.rendered(data, sheets, extension, width=width, tile=Tile(number=number, grid=9))
                    for number in range(1, 10)
                ]
                together = Image.new("RGB", (width, sum(tile.height for tile in tiles[::3])))
                y = 0
                for row in (tiles[:3], tiles[3:6], tiles[6:]):
                    x = 0
                    for tile in row:
                        together.paste(tile, (x, y))
                        x += tile.width
                    y += row[0].height
                corner = together.crop((0, 0, *whole.size))
                self.assertLessEqual(self.most(corner, whole), MOST, (extension, width))

    def test_they_look_like_the_source_itself(self) -> None:
        data = saved(PHOTO, "JPEG", quality=90, subsampling="4:2:0")
        sheets = self.cut_up(data, "jpg")
        for options in (
            {}, {"width": 1500}, {"width": 400}, {"width": 300, "sharpen": 150}, {"width": 400, "rotation": 9_000_000},
            {"width": 200, "left": 20_000, "right": 60_000}, {"flip": "v"}, {"width": 300, "height": 300},
        ):  # fmt: skip
            tile = Tile(number=7, grid=9)
            parts, direct = (self.rendered(data, each, tile=tile, **options) for each in (sheets, None))
            self.assertEqual((parts.mode, parts.size), (direct.mode, direct.size), options)
            mean = max(ImageStat.Stat(ImageChops.difference(parts, direct)).mean)
            self.assertLess(mean, 2.0, options)

    def test_pictures_that_lie_on_their_side_are_cut_up_upright(self) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        data = saved(PHOTO, "JPEG", quality=92, exif=exif.tobytes())
        sheets = self.cut_up(data, "jpg")
        parts, direct = (self.rendered(data, each, width=400, tile=Tile(number=3, grid=4)) for each in (sheets, None))
        self.assertEqual(parts.size, (200, 293))
        self.assertLess(max(ImageStat.Stat(ImageChops.difference(parts, direct)).mean), 2.0)

    def test_profile_and_density_come_from_the_source(self) -> None:
        data = saved(PHOTO, "JPEG", quality=92, dpi=(300, 300), comment="hello")
        made = self.rendered(data, self.cut_up(data, "jpg"), width=400, tile=Tile(number=3, grid=4))
        self.assertEqual(round(made.info["dpi"][0]), 300)
        self.assertEqual(made.info["Comment"], "hello")

    def test_damaged_sheets_do_no_harm(self) -> None:
        data = saved(PHOTO, "PNG")
        sheets = self.cut_up(data, "png")
        direct = self.rendered(data, None, "png", tile=Tile(number=1, grid=9))
        other = dict(sheets)
        for bad in (b"", b"x" * 500, sheets[0, 0][:200], sheets[0, 0][:-9999], sheets[0, 1]):
            other[0, 0] = bad
            self.assertEqual(self.rendered(data, other, "png", tile=Tile(number=1, grid=9)).tobytes(), direct.tobytes())

    def test_a_jpeg_is_kept_with_its_own_tables_and_takes_no_more_room(self) -> None:
        data = saved(PHOTO, "JPEG", quality=80, subsampling="4:2:0")
        full = [sheet for (level, _), sheet in self.cut_up(data, "jpg").items() if level == 0]
        cells = SIZE[0] * SIZE[1] / pieces.CELL**2
        self.assertLess(sum(map(len, full)), len(data) * 1.1 + cells * 900)
