"""From the bytes of a file to the bytes of a rendition."""

from __future__ import annotations

import io
from typing import Any

import attrs
from PIL import Image
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import BadParameter, RenderTimeout, SourceTooLarge, Unsupported
from qisd.imaging.geometry import Size, plan
from qisd.imaging.picture import DecodeLimits
from qisd.imaging.profiles import ProfileStore
from qisd.imaging.reduction import sufficient_overlay_size, sufficient_size
from qisd.imaging.render import RenderSettings, Rendition, output_format, render
from qisd.imaging.resample import Filter, TransferCurve, resize
from qisd.imaging.spec import ImageSpec, Tile
from tests.imaging.pipelines import FORMATS, STORE, degrees, photo, rms, same

SETTINGS = RenderSettings(profiles=STORE)


def file_of(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def rendered(
    data: bytes,
    extension: str = "png",
    *,
    settings: RenderSettings = SETTINGS,
    overlay: bytes | None = None,
    **options: Any,
) -> Rendition:
    return render(
        io.BytesIO(data),
        extension=extension,
        spec=ImageSpec(**options),
        settings=settings,
        overlay=None if overlay is None else io.BytesIO(overlay),
        overlay_extension="png",
        checkpoint=lambda: None,
    )


def opened(rendition: Rendition) -> Image.Image:
    image = Image.open(io.BytesIO(rendition.data))
    image.load()
    return image


class RenderTests(SynchronousTestCase):
    def test_size_and_format_are_told(self) -> None:
        result = rendered(file_of(photo()), width=50, format="jpg")
        self.assertEqual((result.width, result.height, result.format.name), (50, 34, "jpg"))
        self.assertEqual((opened(result).size, opened(result).format), ((50, 34), "JPEG"))

    def test_equal_requests_give_equal_bytes(self) -> None:
        for name in ("jpg", "png", "gif", "tif", "webp"):
            one, other = (rendered(file_of(photo()), format=name, width=40, rotation=degrees(3)) for _ in range(2))
            self.assertEqual(one.data, other.data, name)

    def test_without_a_format_it_is_that_of_the_extension(self) -> None:
        data = file_of(photo(), "TIFF")
        self.assertEqual(opened(rendered(data, "tif", width=20)).format, "TIFF")
        self.assertEqual(rendered(file_of(photo(), "JPEG"), "JPEG", width=20).format.name, "jpg")

    def test_progressive_jpeg(self) -> None:
        self.assertTrue(opened(rendered(file_of(photo()), format="pjpg")).info.get("progressive"))
        self.assertFalse(opened(rendered(file_of(photo()), format="jpg")).info.get("progressive"))

    def test_a_source_type_that_is_not_written_needs_a_format(self) -> None:
        for extension in ("psd", "xyz", ""):
            self.assertRaises(Unsupported, output_format, ImageSpec(), extension, FORMATS)
        self.assertEqual(output_format(ImageSpec(format="png"), "psd", FORMATS).name, "png")

    def test_overlay_opacity_and_quality_reach_their_steps(self) -> None:
        mark = file_of(Image.new("RGB", (20, 20), (255, 0, 0)))
        plain = rendered(file_of(photo()), width=48)
        covered = rendered(file_of(photo()), width=48, overlay=mark, overlay_src="x", overlay_opacity=50000)
        self.assertFalse(same(opened(plain), opened(covered)))
        rough = attrs.evolve(SETTINGS, resize_quality=1)
        self.assertFalse(same(opened(plain), opened(rendered(file_of(photo()), width=48, settings=rough))))

    def test_an_overlay_that_the_spec_does_not_have_is_not_looked_at(self) -> None:
        plain = rendered(file_of(photo()), width=48)
        self.assertEqual(rendered(file_of(photo()), width=48, overlay=b"nonsense").data, plain.data)

    def test_a_damaged_overlay_is_refused(self) -> None:
        for bad in (b"", b"nonsense", b"%PDF-1.7 ...", file_of(photo())[:300]):
            error = self.assertRaises(Unsupported, rendered, file_of(photo()), overlay=bad, overlay_src="x")
            self.assertIn("overlay: this file is not supported", error.message)

    def test_damaged_sources_are_refused(self) -> None:
        for bad in (b"", b"nonsense", file_of(photo())[:300]):
            self.assertRaises(Unsupported, rendered, bad, width=20)

    def test_sources_beyond_the_limits_are_refused(self) -> None:
        settings = attrs.evolve(SETTINGS, limits=DecodeLimits(max_pixels=1000))
        self.assertRaises(SourceTooLarge, rendered, file_of(photo()), settings=settings, width=20)

    def test_more_tiles_than_pixels_are_refused(self) -> None:
        tile = Tile(number=1, grid=100)
        self.assertRaises(BadParameter, rendered, file_of(photo()), width=5, tile=tile)

    def test_a_checkpoint_ends_the_render(self) -> None:
        def late() -> None:
            raise RenderTimeout

        self.assertRaises(
            RenderTimeout,
            render,
            io.BytesIO(file_of(photo())),
            extension="png",
            spec=ImageSpec(width=10),
            settings=SETTINGS,
            checkpoint=late,
        )

    def test_the_profile_is_written_unless_stripped(self) -> None:
        data = file_of(photo(), icc_profile=STORE.get("adobergb1998").data)
        self.assertEqual(opened(rendered(data, width=20)).info["icc_profile"], STORE.get("adobergb1998").data)
        self.assertNotIn("icc_profile", opened(rendered(data, width=20, strip=True)).info)
        self.assertNotIn("icc_profile", opened(rendered(file_of(photo()), width=20)).info)

    def test_alpha_is_flattened_onto_the_fill_colour(self) -> None:
        clear = file_of(Image.new("RGBA", (40, 40)))
        flat = opened(rendered(clear, format="jpg", quality=100, width=40, height=20, fill="#ff0000"))
        red, green, blue = flat.getpixel((20, 10))
        self.assertTrue(red > 250 and green < 5 and blue < 5)
        white = opened(rendered(clear, format="jpg", quality=100))
        self.assertEqual(white.getpixel((20, 10)), (255, 255, 255))

    def test_upright_or_as_stored(self) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        data = file_of(photo(), "JPEG", exif=exif, quality=95)
        self.assertEqual(rendered(data, "jpg", width=32).height, 48)
        settings = attrs.evolve(SETTINGS, auto_orient=False)
        self.assertEqual(rendered(data, "jpg", width=48, settings=settings).height, 32)

    def test_tiles_of_a_reduced_source_are_parts_of_the_whole(self) -> None:
        data = file_of(photo(800, 600), "JPEG")
        whole = opened(rendered(data, "jpg", width=101, format="png"))
        part = opened(rendered(data, "jpg", width=101, format="png", tile=Tile(number=4, grid=4)))
        self.assertTrue(same(part, whole.crop((50, 38, 101, 76))))


class ReductionTests(SynchronousTestCase):
    def wanted(self, natural: tuple[int, int], **options: Any) -> Size | None:
        spec = ImageSpec(**options)
        return sufficient_size(spec, plan(spec, Size(*natural)))

    def test_twice_the_wanted_size_is_enough(self) -> None:
        self.assertEqual(self.wanted((3000, 2000), width=300), Size(600, 400))

    def test_without_resizing_or_near_the_full_size_it_is_not_reduced(self) -> None:
        for options in ({}, {"width": 1500}, {"width": 2999}, {"flip": "h"}, {"rotation": degrees(10)}):
            self.assertIsNone(self.wanted((3000, 2000), **options), options)

    def test_a_crop_needs_more(self) -> None:
        self.assertEqual(self.wanted((3000, 2000), width=300, left=50000), Size(1200, 800))

    def test_a_quarter_turn_changes_the_sides(self) -> None:
        self.assertEqual(self.wanted((3000, 2000), width=200, rotation=degrees(90)), Size(600, 400))

    def test_other_angles_need_as_much_as_the_canvas(self) -> None:
        size = self.wanted((3000, 2000), width=400, rotation=degrees(45))
        assert size is not None
        self.assertTrue(600 < size.width < 800 and 400 < size.height < 500)

    def test_slivers_keep_a_pixel(self) -> None:
        self.assertEqual(self.wanted((10000, 3), width=100), Size(200, 2))

    def test_overlays_likewise(self) -> None:
        self.assertEqual(sufficient_overlay_size(Size(1000, 800), Size(100, 80)), Size(200, 160))
        self.assertIsNone(sufficient_overlay_size(Size(1000, 800), Size(600, 480)))

    def test_a_reduced_jpeg_looks_like_one_that_was_not(self) -> None:
        image = photo(300, 200).resize((1500, 1000), Image.Resampling.BICUBIC)
        data = file_of(image, "JPEG", quality=95)
        full = Image.open(io.BytesIO(data)).convert("RGB")
        for options in ({"width": 150}, {"width": 100, "left": 25000, "bottom": 70000}):
            result = opened(rendered(data, "jpg", format="png", **options))
            box = (375, 0, 1500, 700) if "left" in options else (0, 0, 1500, 1000)
            expected = resize(full.crop(box), result.size, filter=Filter.LANCZOS, curve=TransferCurve.srgb())
            self.assertLess(rms(result, expected), 2.5, options)


class VersionTests(SynchronousTestCase):
    def test_it_is_stable_and_follows_what_changes_pictures(self) -> None:
        first = SETTINGS.version()
        self.assertEqual(RenderSettings(profiles=STORE).version(), first)
        changed = [
            attrs.evolve(SETTINGS, resize_quality=2),
            attrs.evolve(SETTINGS, gamma_correct=False),
            attrs.evolve(SETTINGS, auto_orient=False),
            attrs.evolve(SETTINGS, profiles=ProfileStore()),
        ]
        self.assertEqual(len({first, *(settings.version() for settings in changed)}), 5)

    def test_limits_do_not_change_pictures(self) -> None:
        self.assertEqual(attrs.evolve(SETTINGS, limits=DecodeLimits(max_pixels=5)).version(), SETTINGS.version())
