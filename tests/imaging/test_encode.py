import io
import random
import struct
import zlib

from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, JpegImagePlugin
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import Unsupported
from qisd.imaging.encode import Encoding, encode, fit_mode
from qisd.imaging.formats import FormatTable
from qisd.imaging.metadata import Metadata
from tests.imaging import pictures
from tests.imaging.test_decode import SRGB, decoded, difference

TABLE = FormatTable()
WHITE, RED = (255, 255, 255), (255, 0, 0)
MODES = ("1", "L", "LA", "RGB", "RGBA", "CMYK", "I;16")


def encoded(image, name, *, icc=None, metadata=None, source_dpi=None, fill=WHITE, **options):
    encoding = Encoding(format=TABLE.by_extension(name), **options)
    return encode(
        image, encoding=encoding, icc=icc, metadata=metadata or Metadata(), source_dpi=source_dpi, fill_rgb=fill
    )


def again(data, name):
    return decoded(data, name).image


def noise(mode, size):
    bands = len(Image.new(mode, (1, 1)).getbands())
    return Image.frombytes(mode, size, random.Random(1).randbytes(size[0] * size[1] * bands))


def png_chunks(data):
    position, chunks = 8, {}
    while position < len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        chunks[name] = chunks.get(name, b"") + data[position + 8 : position + 8 + length]
        position += length + 12
    return chunks


class FormatTests(SynchronousTestCase):
    def test_every_mode_can_be_written_in_every_format(self):
        for name in TABLE.write_names():
            for mode in MODES:
                image = pictures.quarters().convert("L").convert(mode) if mode == "I;16" else pictures.quarters(mode)
                self.assertEqual(again(encoded(image, name), name).size, (48, 32), (name, mode))

    def test_equal_pictures_give_equal_bytes(self):
        for name in sorted(TABLE.write_names()):
            self.assertEqual(encoded(pictures.ramp(), name), encoded(pictures.ramp(), name), name)

    def test_lossless_formats_lose_nothing(self):
        for name in ("png", "tif", "bmp", "ppm", "tga", "pcx", "jp2", "j2k"):
            self.assertEqual(difference(again(encoded(pictures.ramp(), name), name), pictures.ramp()), 0, name)

    def test_modes_are_kept_where_the_format_has_them(self):
        for name, modes in {
            "jpg": ("L", "RGB", "CMYK"),
            "png": ("1", "L", "LA", "RGB", "RGBA", "I;16"),
            "tif": MODES,
            "webp": ("RGB", "RGBA"),
            "avif": ("RGB", "RGBA"),
            "tga": ("L", "LA", "RGB", "RGBA"),
            "jp2": ("L", "LA", "RGB", "RGBA", "I;16"),
        }.items():
            for mode in modes:
                self.assertEqual(again(encoded(Image.new(mode, (8, 8)), name), name).mode, mode, name)

    def test_sixteen_bits_are_kept_exactly(self):
        image = Image.frombytes("I;16", (3, 1), struct.pack("<3H", 1, 32769, 65535))
        for name in ("png", "tif", "jp2"):
            self.assertEqual(again(encoded(image, name), name).tobytes(), image.tobytes(), name)

    def test_sixteen_bits_are_scaled_where_there_are_only_eight(self):
        image = Image.new("I;16", (16, 16), 32768)
        for name in ("jpg", "gif", "bmp", "webp"):
            self.assertApproximates(again(encoded(image, name), name).convert("L").getpixel((8, 8)), 128, 2)

    def test_a_graymap_is_grey_and_a_bitmap_has_two_colours(self):
        self.assertEqual(encoded(pictures.quarters(), "pgm")[:2], b"P5")
        self.assertEqual(encoded(pictures.quarters(), "pbm")[:2], b"P4")
        self.assertEqual(encoded(pictures.quarters("L"), "ppm")[:2], b"P6")
        self.assertEqual(encoded(pictures.quarters("L"), "pnm")[:2], b"P5")

    def test_a_code_stream_has_no_boxes_around_it(self):
        self.assertEqual(encoded(pictures.quarters(), "j2k")[:4], b"\xff\x4f\xff\x51")
        self.assertEqual(encoded(pictures.quarters(), "jp2")[4:8], b"jP  ")

    def test_sides_beyond_the_format_are_refused_with_its_limit(self):
        for name, side in (("webp", 16384), ("jpg", 65501), ("pjpg", 65501), ("gif", 65536), ("avif", 32769)):
            for size in ((side, 1), (1, side)):
                with self.assertRaises(Unsupported) as caught:
                    encoded(Image.new("L", size), name)
                self.assertIn(f"limits images to {side - 1} pixels", caught.exception.message)

    def test_the_largest_side_is_not_refused(self):
        for name in ("webp", "jpg", "gif"):
            side = TABLE.by_extension(name).max_side
            self.assertEqual(again(encoded(Image.new("L", (side, 1)), name), name).size, (side, 1), name)


class AlphaTests(SynchronousTestCase):
    def half(self, mode="RGBA"):
        """Opaque blue on the left, nothing on the right."""
        image = Image.new("RGBA", (16, 8), (0, 0, 255, 255))
        image.paste((0, 255, 0, 0), (8, 0, 16, 8))
        return image.convert(mode)

    def test_is_kept_where_the_format_has_it(self):
        for name in ("png", "tif", "webp", "avif", "tga", "jp2"):
            image = again(encoded(self.half(), name), name)
            self.assertEqual((image.getpixel((2, 2))[3], image.getpixel((13, 2))[3]), (255, 0), name)

    def test_is_flattened_onto_the_fill_elsewhere(self):
        for name in ("jpg", "bmp", "ppm", "pcx"):
            image = again(encoded(self.half(), name, quality=100, fill=RED), name)
            for channel, wanted in zip(image.getpixel((13, 2)), RED, strict=True):
                self.assertApproximates(channel, wanted, 3, name)

    def test_grey_stays_grey_on_a_grey_ground(self):
        for fill, mode in ((WHITE, "L"), (RED, "RGB")):
            self.assertEqual(again(encoded(self.half("LA"), "jpg", fill=fill), "jpg").mode, mode)

    def test_half_transparent_pixels_are_mixed_with_the_fill(self):
        image = Image.new("RGBA", (8, 8), (0, 0, 255, 128))
        self.assertEqual(again(encoded(image, "bmp", fill=RED), "bmp").getpixel((0, 0)), (127, 0, 128))

    def test_gif_pixels_are_transparent_up_to_half(self):
        for alpha, expected in ((0, 0), (128, 0), (129, 255), (255, 255)):
            image = again(encoded(Image.new("RGBA", (4, 4), (9, 99, 200, alpha)), "gif"), "gif").convert("RGBA")
            self.assertEqual(image.getpixel((1, 1))[3], expected, alpha)

    def test_gif_keeps_the_colour_of_opaque_pixels(self):
        image = again(encoded(self.half(), "gif"), "gif").convert("RGBA")
        self.assertEqual((image.getpixel((2, 2)), image.getpixel((13, 2))[3]), ((0, 0, 255, 255), 0))

    def test_gif_has_room_for_transparency_in_a_picture_of_many_colours(self):
        image = pictures.ramp((200, 100))
        image.putalpha(Image.linear_gradient("L").resize((200, 100)))
        result = again(encoded(image, "gif"), "gif").convert("RGBA")
        opaque = image.getchannel("A").point(lambda alpha: 255 * (alpha > 128))
        self.assertEqual(result.getchannel("A").tobytes(), opaque.tobytes())


class PaletteTests(SynchronousTestCase):
    def test_few_colours_are_exact(self):
        for picture in (pictures.quarters(), noise("L", (40, 40)), noise("RGB", (16, 16))):
            self.assertEqual(again(encoded(picture, "gif"), "gif").convert(picture.mode).tobytes(), picture.tobytes())

    def test_many_colours_are_diffused(self):
        result = again(encoded(pictures.ramp((200, 150)), "gif"), "gif")
        self.assertLess(difference(result.convert("RGB"), pictures.ramp((200, 150))), 15)
        self.assertLessEqual(len(result.getcolors()), 256)


class JpegTests(SynchronousTestCase):
    def parsed(self, data):
        return JpegImagePlugin.JpegImageFile(io.BytesIO(data))

    def test_default_quality(self):
        self.assertEqual(encoded(pictures.ramp(), "jpg"), encoded(pictures.ramp(), "jpg", quality=80))

    def test_chroma_is_full_from_quality_90(self):
        for quality, expected in ((1, 2), (89, 2), (90, 0), (100, 0)):
            data = encoded(pictures.ramp(), "jpg", quality=quality)
            self.assertEqual(JpegImagePlugin.get_sampling(self.parsed(data)), expected, quality)

    def test_progressive_only_if_wanted(self):
        for progressive in (False, True):
            data = encoded(pictures.ramp(), "jpg", progressive=progressive)
            self.assertEqual("progressive" in self.parsed(data).info, progressive)

    def test_progressive_files_of_fine_grain_are_written(self):
        picture = noise("RGB", (400, 400))
        for quality in (80, 94, 100):
            data = encoded(
                picture, "pjpg", quality=quality, progressive=True, icc=SRGB, metadata=Metadata(comment=b"x")
            )
            info = self.parsed(data).info
            self.assertEqual((info["icc_profile"], info["comment"], "progressive" in info), (SRGB, b"x", True))
        self.assertLess(difference(again(data, "jpg"), picture), 3)

    def test_ink_keeps_its_polarity(self):
        ink = Image.new("CMYK", (16, 16), (200, 10, 20, 5))
        self.assertLess(difference(again(encoded(ink, "jpg", quality=95), "jpg"), ink), 3)


class PngTests(SynchronousTestCase):
    PICTURES = ("L", "LA", "RGB", "RGBA")

    def filters(self, data):
        chunks = png_chunks(data)
        width, _, bits, colour = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
        row = width * bits // 8 * {0: 1, 2: 3, 4: 2, 6: 4}[colour] + 1
        return list(zlib.decompress(chunks[b"IDAT"])[::row])

    def test_the_second_digit_is_the_filter(self):
        for mode in self.PICTURES:
            for digit in range(5):
                data = encoded(noise(mode, (7, 5)), "png", quality=60 + digit)
                self.assertEqual(self.filters(data), [digit] * 5, mode)
            self.assertEqual(self.filters(encoded(noise(mode, (7, 5)), "png", quality=69)), [0] * 5)

    def test_adaptive_filters_choose_row_by_row(self):
        for quality in (65, 66, 67, 68):
            self.assertGreater(len(set(self.filters(encoded(pictures.ramp((64, 64)), "png", quality=quality)))), 1)

    def test_the_first_digit_is_the_level(self):
        def level(quality):
            return png_chunks(encoded(pictures.ramp(), "png", quality=quality))[b"IDAT"][1] >> 6

        self.assertEqual([level(quality) for quality in (10, 60, 90, 100, 95, 15)], [0, 2, 3, 3, 3, 0])

    def test_below_ten_nothing_is_compressed(self):
        for quality in (1, 5, 9):
            self.assertGreater(len(encoded(Image.new("RGB", (100, 100)), "png", quality=quality)), 30_000)

    def test_100_is_the_highest_level_without_a_filter(self):
        self.assertEqual(encoded(pictures.ramp(), "png", quality=100), encoded(pictures.ramp(), "png", quality=90))

    def test_default_is_79(self):
        self.assertEqual(encoded(pictures.ramp(), "png"), encoded(pictures.ramp(), "png", quality=79))

    @settings(deadline=None, max_examples=60, derandomize=True)
    @given(
        st.sampled_from(PICTURES),
        st.tuples(st.integers(1, 9), st.integers(1, 9)),
        st.sampled_from((0, 1, 2, 3, 4, 9)),
        st.data(),
    )
    def test_every_filter_gives_the_picture_back(self, mode, size, digit, data):
        length = size[0] * size[1] * len(mode)
        pixels = data.draw(st.binary(min_size=length, max_size=length))
        image = Image.frombytes(mode, size, pixels)
        self.assertEqual(again(encoded(image, "png", quality=50 + digit), "png").tobytes(), pixels)

    def test_sixteen_bits_are_filtered_too(self):
        image = Image.frombytes("I;16", (30, 20), random.Random(2).randbytes(1200))
        for digit in range(10):
            self.assertEqual(again(encoded(image, "png", quality=30 + digit), "png").tobytes(), image.tobytes())

    def test_pictures_of_many_strips_are_whole(self):
        image = noise("RGB", (1500, 2000))
        for digit in (1, 2, 4):
            self.assertEqual(again(encoded(image, "png", quality=10 + digit), "png").tobytes(), image.tobytes())


class DensityTests(SynchronousTestCase):
    def density(self, name, **options):
        return decoded(encoded(pictures.quarters(), name, **options), name).dpi

    def test_a_given_density_is_written(self):
        for name in ("jpg", "png", "tif", "bmp"):
            for value in self.density(name, dpi=300, source_dpi=(72, 72)):
                self.assertApproximates(value, 300, 0.05, name)

    def test_png_rounds_to_pixels_per_metre(self):
        self.assertAlmostEqual(self.density("png", dpi=300)[0], 299.9994, places=6)

    def test_without_one_that_of_the_source_stays(self):
        for dpi in (None, 0):
            self.assertEqual(self.density("jpg", dpi=dpi, source_dpi=(120, 90)), (120, 90))

    def test_strip_keeps_it(self):
        self.assertEqual(self.density("jpg", strip=True, source_dpi=(120, 90)), (120, 90))

    def test_without_any_there_is_none(self):
        for name in ("jpg", "png"):
            self.assertIsNone(self.density(name))


class ProfileTests(SynchronousTestCase):
    def test_a_profile_is_embedded_where_the_format_can(self):
        for name in ("jpg", "png", "tif", "webp", "avif"):
            self.assertTrue(TABLE.by_extension(name).icc)
            self.assertEqual(decoded(encoded(pictures.quarters(), name, icc=SRGB), name).icc, SRGB, name)

    def test_and_left_out_elsewhere(self):
        for name in ("gif", "bmp", "jp2", "tga", "ppm", "pcx"):
            self.assertFalse(TABLE.by_extension(name).icc)
            self.assertIsNone(decoded(encoded(pictures.quarters(), name, icc=SRGB), name).icc, name)

    def test_strip_leaves_it_out(self):
        self.assertIsNone(decoded(encoded(pictures.quarters(), "jpg", icc=SRGB, strip=True), "jpg").icc)

    def test_a_profile_of_other_colours_is_left_out(self):
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
        for image, icc in ((pictures.quarters("L"), SRGB), (pictures.quarters(), lab), (pictures.quarters(), b"x")):
            self.assertIsNone(decoded(encoded(image, "jpg", icc=icc), "jpg").icc)


class TiffTests(SynchronousTestCase):
    def compression(self, image, source):
        data = encoded(image, "tif", metadata=Metadata(compression=source))
        return decoded(data, "tif").metadata.compression

    def test_lossless_compression_of_the_source_is_kept(self):
        for source in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd", "lzma"):
            self.assertEqual(self.compression(pictures.quarters(), source), source)

    def test_lossy_compression_is_not(self):
        for source in ("jpeg", "tiff_jpeg", "webp", "group4", None):
            self.assertEqual(self.compression(pictures.quarters(), source), "tiff_adobe_deflate")

    def test_fax_compression_is_kept_for_one_bit(self):
        self.assertEqual(self.compression(pictures.quarters("1"), "group4"), "group4")

    def test_ink_is_lzw(self):
        self.assertEqual(self.compression(pictures.quarters("CMYK"), None), "tiff_lzw")
        self.assertEqual(self.compression(pictures.quarters("CMYK"), "jpeg"), "tiff_lzw")

    def test_pictures_of_many_strips_are_whole(self):
        for mode in ("1", "L", "LA", "RGB", "RGBA", "CMYK"):
            image = noise("RGBA", (700, 901)).convert(mode)
            for source in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd"):
                data = encoded(image, "tif", metadata=Metadata(compression=source), source_dpi=(90, 90), icc=SRGB)
                picture = decoded(data, "tif")
                self.assertEqual(picture.image.tobytes(), image.tobytes(), (mode, source))
                self.assertEqual(picture.icc, SRGB if mode in ("RGB", "RGBA") else None)
                self.assertEqual(picture.dpi, (90, 90))
        fax = noise("L", (2000, 3000)).convert("1")
        data = encoded(fax, "tif", metadata=Metadata(compression="group4"))
        self.assertEqual(again(data, "tif").tobytes(), fax.tobytes())

    def test_sixteen_bits_of_many_strips_are_whole(self):
        image = Image.frombytes("I;16", (500, 600), random.Random(4).randbytes(600_000))
        self.assertEqual(again(encoded(image, "tif"), "tif").tobytes(), image.tobytes())


class FitTests(SynchronousTestCase):
    def test_a_picture_that_fits_is_not_copied(self):
        for mode in ("L", "RGB", "CMYK"):
            image = Image.new(mode, (4, 4))
            self.assertIs(fit_mode(image, TABLE.by_extension("jpg"), WHITE), image)

    def test_nothing_is_written_that_pillow_keeps_with_an_image(self):
        image = again(pictures.one_of_each()["png"], "png")
        image.info.update(comment=b"secret", icc_profile=SRGB, exif=b"secret", xmp=b"secret")
        for name in ("jpg", "png", "gif", "webp", "tif", "avif"):
            self.assertNotIn(b"secret", encoded(image, name, strip=True), name)
            self.assertIsNone(decoded(encoded(image, name, strip=True), name).icc, name)
