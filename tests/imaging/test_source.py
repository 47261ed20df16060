import io
import struct

import attrs
from PIL import Image
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import BadParameter, SourceTooLarge, StoreUnavailable, Unsupported
from qisd.imaging.source import DecodeLimits, probe
from tests.imaging import pictures

LIMITS = DecodeLimits()


def probed(data, extension="jpg", *, page=None, limits=LIMITS, auto_orient=True):
    return probe(io.BytesIO(data), extension=extension, page=page, limits=limits, auto_orient=auto_orient)


class ProbeTests(SynchronousTestCase):
    def test_every_readable_format_tells_its_size(self):
        for extension, data in pictures.one_of_each().items():
            info = probed(data, extension)
            expected = (32, 32) if extension == "ico" else (64, 48)
            self.assertEqual((info.width, info.height, info.pages), (*expected, 1), extension)

    def test_the_bytes_decide_and_not_the_name(self):
        files = pictures.one_of_each()
        for extension, format in (("png", "png"), ("gif", "gif"), ("webp", "webp"), ("tif", "tif"), ("j2k", "j2k")):
            self.assertEqual(probed(files[extension], "jpg").format, format)

    def test_a_name_that_fits_the_bytes_is_kept(self):
        self.assertEqual(probed(pictures.saved(pictures.quarters("L"), "PPM"), "pgm").format, "pgm")

    def test_targa_has_no_mark_and_is_known_by_its_name_only(self):
        data = pictures.one_of_each()["tga"]
        self.assertEqual(probed(data, "tga").format, "tga")
        self.assertRaises(Unsupported, probed, data, "jpg")

    def test_transparency_is_told(self):
        for mode, has_alpha in (("RGBA", True), ("LA", True), ("RGB", False), ("P", False), ("1", False)):
            self.assertEqual(probed(pictures.saved(pictures.quarters(mode), "PNG"), "png").has_alpha, has_alpha, mode)
        palette = pictures.saved(pictures.quarters("P"), "PNG", transparency=0)
        self.assertTrue(probed(palette, "png").has_alpha)

    def test_decoded_size_counts_what_pillow_allocates(self):
        for image, per_pixel in (
            (pictures.quarters(), 4),
            (pictures.quarters("L"), 1),
            (Image.new("I;16", (48, 32)), 2),
        ):
            self.assertEqual(probed(pictures.saved(image, "PNG"), "png").decoded_bytes, 48 * 32 * per_pixel)

    def test_a_progressive_jpeg_needs_memory_for_all_its_coefficients(self):
        baseline, progressive = (
            probed(pictures.saved(pictures.quarters(), "JPEG", progressive=progressive))
            for progressive in (False, True)
        )
        self.assertEqual(baseline.decoder_bytes, 0)
        self.assertEqual(progressive.decoder_bytes, 48 * 32 * 3 * 2)

    def test_the_stream_stays_open(self):
        stream = io.BytesIO(pictures.saved(pictures.quarters(), "TIFF"))
        probe(stream, extension="tif", page=None, limits=LIMITS)
        self.assertFalse(stream.closed)

    def test_nothing_is_decoded(self):
        data = pictures.saved(pictures.ramp((600, 400)), "PNG")
        self.assertEqual(probed(data[:200], "png").width, 600)

    def test_the_first_of_an_animation_counts_alone(self):
        frames = [pictures.quarters(), pictures.ramp(pictures.SIZE)]
        for kind in ("GIF", "WEBP", "PNG", "AVIF"):
            data = pictures.saved(frames[0], kind, save_all=True, append_images=frames[1:])
            self.assertEqual(probed(data, page=2).pages, 1, kind)


class OrientationTests(SynchronousTestCase):
    def files(self, orientation):
        picture, exif = pictures.quarters(), pictures.exif(orientation)
        yield "jpg", pictures.saved(picture, "JPEG", exif=exif)
        yield "png", pictures.saved(picture, "PNG", exif=exif)
        yield "webp", pictures.saved(picture, "WEBP", exif=exif)
        yield "avif", pictures.saved(picture, "AVIF", exif=exif)
        yield "tif", pictures.tiff_with_tags(picture, {274: orientation})
        yield "tif", pictures.tiff_with_tags(picture, {274: orientation}, compression="tiff_lzw")

    def test_the_size_is_that_of_the_upright_picture(self):
        for orientation in range(1, 9):
            for extension, data in self.files(orientation):
                info = probed(data, extension)
                expected = (32, 48) if orientation >= 5 else (48, 32)
                self.assertEqual((info.width, info.height, info.orientation), (*expected, orientation), extension)

    def test_or_of_the_stored_one_if_wanted(self):
        for extension, data in self.files(6):
            info = probed(data, extension, auto_orient=False)
            self.assertEqual((info.width, info.height), (48, 32), extension)

    def test_nonsense_is_upright(self):
        for orientation in (0, 9, 65535):
            self.assertEqual(
                probed(pictures.saved(pictures.quarters(), "JPEG", exif=pictures.exif(orientation))).orientation, 1
            )
        self.assertEqual(probed(pictures.saved(pictures.quarters(), "JPEG", exif=b"Exif\0\0II*\0\xff")).orientation, 1)


class PageTests(SynchronousTestCase):
    def setUp(self):
        self.data = pictures.tiff_pages(*(Image.new("L", (10 + page, 5)) for page in range(3)))

    def test_pages_of_a_tiff_are_counted(self):
        self.assertEqual(probed(self.data, "tif").pages, 3)

    def test_each_page_has_its_size(self):
        self.assertEqual([probed(self.data, "tif", page=page).width for page in (None, 1, 2, 3)], [10, 10, 11, 12])

    def test_a_page_beyond_the_last_is_refused(self):
        with self.assertRaises(BadParameter) as caught:
            probed(self.data, "tif", page=4)
        self.assertEqual(caught.exception.parameter, "page")
        self.assertIn("4 is out of range", caught.exception.message)

    def test_a_page_of_a_single_picture_is_ignored(self):
        self.assertEqual(probed(pictures.saved(pictures.quarters(), "JPEG"), page=2).width, 48)
        self.assertEqual(probed(pictures.saved(pictures.quarters(), "TIFF"), "tif", page=7).width, 48)

    def test_pages_of_a_big_tiff_are_counted_too(self):
        self.assertEqual(probed(pictures.saved(pictures.quarters(), "TIFF", big_tiff=True), "tif").pages, 1)


class LimitTests(SynchronousTestCase):
    def test_too_many_bytes(self):
        data = pictures.saved(pictures.quarters(), "PNG")
        limits = attrs.evolve(LIMITS, max_bytes=len(data) - 1)
        self.assertRaises(SourceTooLarge, probed, data, "png", limits=limits)
        self.assertEqual(probed(data, "png", limits=attrs.evolve(LIMITS, max_bytes=len(data))).width, 48)

    def test_too_many_pixels_in_any_format(self):
        for extension, data in pictures.one_of_each().items():
            pixels = 32 * 32 if extension == "ico" else 64 * 48
            self.assertRaises(
                SourceTooLarge, probed, data, extension, limits=attrs.evolve(LIMITS, max_pixels=pixels - 1)
            )
            probed(data, extension, limits=attrs.evolve(LIMITS, max_pixels=pixels))

    def test_the_largest_picture_of_an_icon_counts(self):
        small, large = (pictures.saved(Image.new("RGB", size), "PNG") for size in ((16, 16), (40, 40)))
        start = 6 + 2 * 16
        data = pictures.icon(
            (16, 16, 32, len(small), start), (40, 40, 32, len(large), start + len(small)), data=small + large
        )
        info = probed(data, "ico")
        self.assertEqual((info.format, info.width), ("ico", 40))

    def test_a_disk_that_fails_is_not_the_fault_of_the_file(self):
        class Broken(io.BytesIO):
            def read(self, size=-1):
                raise OSError(5, "Input/output error")

        self.assertRaises(StoreUnavailable, probe, Broken(b"x"), extension="jpg", page=None, limits=LIMITS)

    def test_an_icon_may_not_hide_a_large_picture(self):
        inner = pictures.png(50_000, 50_000)
        data = pictures.icon((16, 16, 32, len(inner), 22), data=inner)
        self.assertRaises(SourceTooLarge, probed, data, "ico")
        bitmap = struct.pack("<IiiHHIIiiII", 40, 40_000, 80_000, 1, 32, 0, 0, 0, 0, 0, 0)
        data = pictures.icon((16, 16, 32, len(bitmap), 22), data=bitmap)
        self.assertRaises(SourceTooLarge, probed, data, "ico")
