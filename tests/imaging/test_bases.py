"""Reduced copies of sources, and renditions that are made from them: :mod:`qisd.imaging.bases`."""

from __future__ import annotations

import io
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageStat, JpegImagePlugin
from twisted.trial.unittest import SynchronousTestCase

from qisd.imaging import bases
from qisd.imaging.geometry import Size, plan
from qisd.imaging.picture import DecodeLimits, SourceInfo
from qisd.imaging.pipeline import begin
from qisd.imaging.reduction import sufficient_size
from qisd.imaging.render import RenderSettings, Rendition, render
from qisd.imaging.source import open_source
from qisd.imaging.spec import ImageSpec, Tile
from tests.imaging.pipelines import info_of

SIDES = st.integers(300, 12_000)


def level(info: SourceInfo, *, least_area: int = 1_000_000, **spec: Any) -> int:
    wanted = ImageSpec(**spec)
    return bases.level_for(info, wanted, plan(wanted, Size(info.width, info.height)), least_area=least_area)


class LadderTests(SynchronousTestCase):
    def test_each_second_step_is_half_of_the_size_rounded_up(self) -> None:
        natural = Size(3001, 2000)
        self.assertEqual(
            [bases.level_size(natural, level) for level in (1, 2, 4)],
            [Size(2123, 1415), Size(1501, 1000), Size(751, 500)],
        )

    def test_it_is_the_smallest_step_that_is_twice_the_size(self) -> None:
        for width, expected in ((400, 3), (530, 3), (531, 2), (750, 2), (751, 1)):
            self.assertEqual(level(info_of(3000, 2000), width=width), expected, width)
        self.assertEqual(level(info_of(12_000, 8000), width=400), 7)

    def test_a_turned_or_cut_rendition_needs_its_own_size_of_it(self) -> None:
        self.assertEqual(level(info_of(3000, 2000), width=400, rotation=9_000_000), 2)
        self.assertEqual(level(info_of(3000, 2000), width=400, left=25_000, right=75_000), 1)
        self.assertEqual(level(info_of(3000, 2000), width=400, left=40_000, right=60_000), 0)

    def test_small_sources_and_large_renditions_have_none(self) -> None:
        self.assertEqual(level(info_of(1000, 800), width=100), 0)
        self.assertEqual(level(info_of(3000, 2000), width=400, least_area=6_000_001), 0)
        self.assertEqual(level(info_of(3000, 2000), width=400, least_area=0), 0)
        self.assertEqual(level(info_of(3000, 2000)), 0)
        self.assertEqual(level(info_of(3000, 2000), width=1500), 0)

    def test_pixels_of_other_kinds_have_none(self) -> None:
        for mode in ("1", "P", "I;16", "RGBX"):
            self.assertEqual(level(info_of(3000, 2000, mode=mode, format="png"), width=400), 0, mode)
        self.assertEqual(level(info_of(3000, 2000, mode="CMYK"), width=400), 3)
        self.assertEqual(level(info_of(3000, 2000, mode="RGBA", format="png", has_alpha=True), width=400), 3)

    @given(width=SIDES, height=SIDES, wanted=st.integers(1, 3000), turned=st.booleans())
    def test_it_is_large_enough_and_the_next_one_is_not(
        self, width: int, height: int, wanted: int, turned: bool
    ) -> None:
        info = info_of(width, height)
        spec = ImageSpec(width=wanted, rotation=9_000_000 if turned else 0)
        planned = plan(spec, Size(width, height))
        found = bases.level_for(info, spec, planned, least_area=1)
        needed = sufficient_size(spec, planned)
        if not found:
            return
        assert needed is not None
        size = bases.level_size(Size(width, height), found)
        self.assertTrue(size.width >= needed.width and size.height >= needed.height)
        self.assertTrue(size.width < width and size.height < height)
        below = bases.level_size(Size(width, height), found + 1)
        small = max(below.width, below.height) < bases.SMALLEST
        self.assertTrue(small or below.width < needed.width or below.height < needed.height)


class BaseCase(SynchronousTestCase):
    SETTINGS = RenderSettings()

    def photo(self, mode: str = "RGB", size: tuple[int, int] = (1600, 1200), **save: Any) -> bytes:
        """Something with shades and edges in it."""
        image = Image.effect_mandelbrot(size, (-2.0, -1.3, 0.8, 1.3), 60)
        count = len(Image.new(mode, (1, 1)).getbands())
        bands = [image.point(lambda value, n=n: (value * (n + 2)) % 256) for n in range(count)]
        out = io.BytesIO()
        picture = Image.merge(mode, bands) if len(bands) > 1 else bands[0]
        picture.resize(size, Image.Resampling.BOX).save(out, **({"format": "JPEG", "quality": 92} | save))
        return out.getvalue()

    def make(self, data: bytes, level: int, *, extension: str = "jpg") -> bytes:
        opened = open_source(io.BytesIO(data), extension=extension, page=None, limits=DecodeLimits(), auto_orient=True)
        made = bases.make(opened.load(None, lambda: None), opened.info, level, gamma_correct=True)
        assert made is not None
        return made

    def render(
        self, data: bytes, base: bytes | None = None, *, level: int = 0, extension: str = "jpg", **spec: Any
    ) -> Rendition:
        return render(
            io.BytesIO(data), extension=extension, spec=ImageSpec(format="png", **spec), settings=self.SETTINGS,
            level=level, base=base, checkpoint=lambda: None,
        )  # fmt: skip

    def differ(self, one: Rendition, other: Rendition) -> float:
        """The mean difference of a channel, 0 … 255."""
        pictures = [Image.open(io.BytesIO(each.data)) for each in (one, other)]
        self.assertEqual((pictures[0].size, pictures[0].mode), (pictures[1].size, pictures[1].mode))
        return max(ImageStat.Stat(ImageChops.difference(*pictures)).mean)


class MakingTests(BaseCase):
    def test_a_base_has_the_size_of_its_step(self) -> None:
        picture = bases.pixels(self.make(self.photo(), 2))
        assert picture is not None
        self.assertEqual((picture.size, picture.mode, picture.info), ((800, 600), "RGB", {}))

    def test_what_comes_from_photographs_is_a_jpeg_with_its_chroma_in_full(self) -> None:
        image = Image.open(io.BytesIO(self.make(self.photo(), 2)))
        assert isinstance(image, JpegImagePlugin.JpegImageFile)
        self.assertEqual(JpegImagePlugin.get_sampling(image), 0)

    def test_places_are_those_of_the_source_where_halves_are_rounded_up(self) -> None:
        data = self.photo(size=(1999, 1501))
        opened = open_source(io.BytesIO(data), extension="jpg", page=None, limits=DecodeLimits(), auto_orient=True)
        picture = bases.picture(opened, self.make(data, 2))
        assert picture is not None
        self.assertEqual(begin(picture).scale, (1999 / 1000, 1501 / 751))

    def test_what_is_lossless_or_transparent_stays_so(self) -> None:
        for mode, format_ in (("RGB", "PNG"), ("RGBA", "PNG"), ("LA", "PNG"), ("RGBA", "WEBP")):
            data = self.photo(mode, format=format_, quality=90)
            self.assertTrue(self.make(data, 2, extension=format_.lower()).startswith(b"\x89PNG"), mode)

    def test_a_damaged_one_is_none(self) -> None:
        base = self.make(self.photo(), 3)
        for data in (b"", b"x", base[:100], base[: len(base) // 2], b"\0" * 500):
            self.assertIsNone(bases.pixels(data))

    def test_a_picture_upright_by_its_header_is_upright_in_the_base(self) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        picture = bases.pixels(self.make(self.photo(exif=exif.tobytes()), 2))
        assert picture is not None
        self.assertEqual(picture.size, (600, 800))


class RenderingTests(BaseCase):
    def check(self, data: bytes, *, level: int = 2, limit: float = 2.5, extension: str = "jpg", **spec: Any) -> None:
        """It is the same whether the base was there, and hardly another than without bases."""
        first = self.render(data, level=level, extension=extension, **spec)
        assert first.base is not None
        later = self.render(data, first.base, level=level, extension=extension, **spec)
        self.assertEqual((later.data, later.base), (first.data, None), spec)
        without = self.render(data, extension=extension, **spec)
        self.assertLess(self.differ(first, without), limit, spec)

    def test_sizes_turns_and_crops(self) -> None:
        data = self.photo()
        for spec in (
            {"width": 300}, {"height": 201}, {"width": 200, "height": 200}, {"width": 300, "rotation": 9_000_000},
            {"width": 200, "height": 200, "size_fit": True}, {"width": 200, "rotation": 3_000_000},
            {"width": 150, "left": 25_000, "right": 75_000, "top": 10_000}, {"width": 333, "flip": "v", "sharpen": 100},
            {"width": 200, "left": 40_000, "right": 93_300, "crop_fit": True, "height": 100},
            {"width": 300, "colorspace": "gray"}, {"width": 300, "flip": "h"},
        ):  # fmt: skip
            self.check(data, **spec)

    def test_other_modes(self) -> None:
        self.check(self.photo("L"), width=300)
        self.check(self.photo("CMYK"), width=300, limit=3)
        self.check(self.photo("RGBA", format="PNG"), width=300, extension="png")

    def test_tiles_join_to_the_whole(self) -> None:
        data = self.photo()
        whole = Image.open(io.BytesIO(self.render(data, level=2, width=300).data))
        joined = Image.new(whole.mode, whole.size)
        for number in range(1, 5):
            spec = ImageSpec(width=300, tile=Tile(number=number, grid=4))
            box = plan(spec, Size(1600, 1200)).tile
            assert box is not None
            part = self.render(data, level=2, width=300, tile=Tile(number=number, grid=4)).data
            joined.paste(Image.open(io.BytesIO(part)), (box.left, box.top))
        self.assertIsNone(ImageChops.difference(whole, joined).getbbox())

    def test_a_damaged_base_is_made_anew(self) -> None:
        data = self.photo()
        self.assertEqual(self.render(data, b"damaged", level=2, width=300), self.render(data, level=2, width=300))

    def test_pixels_that_turn_out_to_have_none_are_used_as_they_are(self) -> None:
        data = self.photo("RGB", format="PNG")
        palette = io.BytesIO()
        Image.open(io.BytesIO(data)).quantize(16).save(palette, "PNG")
        made = self.render(palette.getvalue(), level=2, width=300, extension="png")
        self.assertIsNone(made.base)
        self.assertEqual(made.data, self.render(palette.getvalue(), width=300, extension="png").data)

    def test_metadata_and_density_are_those_of_the_source(self) -> None:
        exif = Image.Exif()
        exif[0x010E] = "a mandelbrot"
        data = self.photo(exif=exif.tobytes(), dpi=(240, 240))
        made = Image.open(io.BytesIO(self.render(data, level=2, width=300).data))
        self.assertEqual(made.getexif()[0x010E], "a mandelbrot")
        self.assertEqual(round(made.info["dpi"][0]), 240)

    def test_the_size_never_depends_on_it(self) -> None:
        data = self.photo(size=(2000, 1501))
        base = self.make(data, 1)
        for width in range(301, 340):
            for rotation in (0, 9_000_000):
                with_base = self.render(data, base, level=1, width=width, rotation=rotation)
                without = self.render(data, width=width, rotation=rotation)
                self.assertEqual((with_base.width, with_base.height), (without.width, without.height))
