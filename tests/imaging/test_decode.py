import io
import struct
import tempfile
from typing import ClassVar

from PIL import Image, ImageChops, ImageCms, ImageStat
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import BadParameter
from qisd.imaging.decode import decode
from qisd.imaging.geometry import Size
from qisd.imaging.modes import WORKING_MODES, to_eight_bits, to_working_mode
from qisd.imaging.source import DecodeLimits
from tests.imaging import pictures

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def decoded(data, extension="jpg", *, page=None, auto_orient=True, reduce_to=None):
    return decode(
        io.BytesIO(data),
        extension=extension,
        page=page,
        limits=DecodeLimits(),
        auto_orient=auto_orient,
        reduce_to=reduce_to,
    )


def difference(first, second):
    """Root mean square over all channels."""
    return max(ImageStat.Stat(ImageChops.difference(first, second)).rms)


class DecodeTests(SynchronousTestCase):
    def test_every_readable_format_shows_the_picture(self):
        expected = pictures.ramp()
        for extension, data in pictures.one_of_each().items():
            picture = decoded(data, extension)
            self.assertEqual(picture.full_size, Size(*picture.image.size), extension)
            against = expected.resize((32, 32)) if extension == "ico" else expected
            limit = {"gif": 12, "jpg": 8, "jpeg": 8, "webp": 8, "avif": 8}.get(extension, 0)
            self.assertLessEqual(difference(picture.image.convert("RGB"), against), limit, extension)

    def test_a_real_file_decodes_like_bytes_in_memory(self):
        for extension, data in pictures.one_of_each().items():
            with tempfile.TemporaryFile() as stream:
                stream.write(data)
                picture = decode(stream, extension=extension, page=None, limits=DecodeLimits())
                self.assertFalse(stream.closed)
            self.assertEqual(picture.image.tobytes(), decoded(data, extension).image.tobytes(), extension)

    def test_the_picture_is_free_of_its_file(self):
        for extension, data in pictures.one_of_each().items():
            picture = decoded(data, extension).image
            self.assertIs(type(picture), Image.Image, extension)
            self.assertLessEqual(set(picture.info), {"transparency"}, extension)

    def test_pages(self):
        data = pictures.tiff_pages(*(Image.new("L", (4, 4), 50 * page) for page in (1, 2, 3)))
        self.assertEqual([decoded(data, "tif", page=page).image.getpixel((0, 0)) for page in (1, 2, 3)], [50, 100, 150])
        self.assertRaises(BadParameter, decoded, data, "tif", page=4)

    def test_profile_and_density(self):
        for kind in ("JPEG", "PNG", "TIFF"):
            picture = decoded(pictures.saved(pictures.quarters(), kind, icc_profile=SRGB, dpi=(300, 150)), kind.lower())
            self.assertEqual(picture.icc, SRGB, kind)
            self.assertEqual([round(value) for value in picture.dpi], [300, 150], kind)

    def test_density_may_come_from_exif(self):
        exif = pictures.exif(tags=((282, 100.0), (283, 100.0), (296, 3)))
        for kind in ("JPEG", "WEBP", "PNG"):
            density = decoded(pictures.saved(pictures.quarters(), kind, exif=exif)).dpi
            self.assertEqual([round(value) for value in density], [254, 254], kind)

    def test_no_density_and_absurd_ones_are_none(self):
        self.assertIsNone(decoded(pictures.saved(pictures.quarters(), "PNG"), "png").dpi)
        self.assertIsNone(
            decoded(pictures.tiff_with_tags(pictures.quarters(), {282: 0.0, 283: 1e9, 296: 2}), "tif").dpi
        )


class OrientationTests(SynchronousTestCase):
    # What has to be stored so that the picture is upright after it was turned as EXIF says.
    STORED: ClassVar = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }

    def files(self, orientation):
        stored = pictures.quarters()
        if self.STORED[orientation] is not None:
            stored = stored.transpose(self.STORED[orientation])
        exif = pictures.exif(orientation)
        yield stored, pictures.saved(stored, "JPEG", exif=exif, quality=95, subsampling=0)
        yield stored, pictures.saved(stored, "PNG", exif=exif)
        yield stored, pictures.saved(stored, "WEBP", exif=exif, quality=95)
        yield stored, pictures.saved(stored, "AVIF", exif=exif, quality=95)
        yield stored, pictures.tiff_with_tags(stored, {274: orientation})
        yield stored, pictures.tiff_with_tags(stored, {274: orientation}, compression="tiff_lzw")

    def test_pictures_come_out_upright(self):
        for orientation in self.STORED:
            for _, data in self.files(orientation):
                picture = decoded(data)
                self.assertEqual(picture.full_size, Size(48, 32))
                self.assertLess(difference(picture.image, pictures.quarters()), 25, (orientation, data[:4]))

    def test_or_as_stored(self):
        for orientation in self.STORED:
            for stored, data in self.files(orientation):
                picture = decoded(data, auto_orient=False)
                self.assertEqual(picture.image.size, stored.size)
                self.assertLess(difference(picture.image, stored), 25, (orientation, data[:4]))

    def test_an_orientation_in_xmp_alone_does_not_count(self):
        xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
        for data in (
            pictures.tiff_with_tags(pictures.quarters(), {700: xmp}),
            pictures.tiff_with_tags(pictures.quarters(), {700: xmp}, compression="tiff_lzw"),
            pictures.saved(pictures.quarters(), "WEBP", xmp=xmp),
        ):
            self.assertEqual(decoded(data).image.size, (48, 32))


class ReductionTests(SynchronousTestCase):
    def test_a_jpeg_is_reduced_but_never_below_what_is_wanted(self):
        data = pictures.saved(pictures.ramp((1000, 600)), "JPEG")
        for wanted, expected in (
            ((1000, 600), (1000, 600)),
            ((501, 300), (1000, 600)),
            ((500, 300), (500, 300)),
            ((500, 301), (1000, 600)),
            ((250, 1), (250, 150)),
            ((120, 70), (125, 75)),
            ((1, 1), (125, 75)),
            ((5000, 5000), (1000, 600)),
        ):
            picture = decoded(data, reduce_to=Size(*wanted))
            self.assertEqual(picture.image.size, expected, wanted)
            self.assertEqual(picture.full_size, Size(1000, 600))

    def test_the_wanted_size_is_that_of_the_upright_picture(self):
        data = pictures.saved(pictures.ramp((1000, 600)), "JPEG", exif=pictures.exif(6))
        self.assertEqual(decoded(data, reduce_to=Size(300, 500)).image.size, (300, 500))
        self.assertEqual(decoded(data, reduce_to=Size(301, 500)).image.size, (600, 1000))
        self.assertEqual(decoded(data, reduce_to=Size(500, 300), auto_orient=False).image.size, (500, 300))

    def test_reduction_does_not_change_the_mode(self):
        for mode in ("L", "RGB", "CMYK"):
            data = pictures.saved(pictures.ramp((400, 300)).convert(mode), "JPEG")
            self.assertEqual(decoded(data, reduce_to=Size(100, 75)).image.mode, mode)

    def test_jpeg_2000_is_reduced_as_far_as_its_levels_go(self):
        picture = pictures.ramp((1000, 600))
        for options, wanted, expected in (
            ({"num_resolutions": 6}, (250, 150), (250, 150)),
            ({"num_resolutions": 6}, (251, 150), (500, 300)),
            ({"num_resolutions": 2}, (10, 10), (500, 300)),
            ({"num_resolutions": 1}, (10, 10), (1000, 600)),
            ({"num_resolutions": 6, "no_jp2": True}, (250, 150), (250, 150)),
        ):
            data = pictures.saved(picture, "JPEG2000", **options)
            self.assertEqual(decoded(data, "jp2", reduce_to=Size(*wanted)).image.size, expected, options)

    def test_others_are_decoded_as_they_are(self):
        data = pictures.saved(pictures.ramp(), "PNG")
        self.assertEqual(decoded(data, reduce_to=Size(1, 1)).image.size, (64, 48))


class ColourTests(SynchronousTestCase):
    def test_ink_is_not_inverted(self):
        image = Image.new("CMYK", (16, 16), (200, 10, 20, 5))
        for kind in ("JPEG", "TIFF"):
            picture = decoded(pictures.saved(image, kind))
            self.assertEqual(picture.image.mode, "CMYK")
            self.assertLess(difference(picture.image, image), 3, kind)

    def test_ink_without_adobes_mark_is_stored_as_it_is(self):
        data = pictures.saved(Image.new("CMYK", (16, 16), (200, 10, 20, 5)), "JPEG")
        at = data.index(b"\xff\xee")
        unmarked = data[:at] + data[at + 2 + struct.unpack_from(">H", data, at + 2)[0] :]
        self.assertLess(difference(decoded(unmarked).image, Image.new("CMYK", (16, 16), (55, 245, 235, 250))), 3)

    def test_the_first_frame_of_an_animation_is_complete(self):
        first = Image.new("RGB", (20, 20), "red")
        frames = [Image.new("RGB", (20, 20), "blue")]
        for kind in ("GIF", "WEBP", "PNG"):
            data = pictures.saved(first, kind, save_all=True, append_images=frames)
            self.assertLess(difference(decoded(data).image.convert("RGB"), first), 3, kind)

    def test_ways_to_store_a_tiff(self):
        picture = pictures.ramp()
        for compression in (
            "raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "lzma", "zstd", "jpeg",
        ):  # fmt: skip
            data = pictures.saved(picture, "TIFF", compression=compression, strip_size=1024)
            limit = 10 if compression == "jpeg" else 0
            self.assertLessEqual(difference(decoded(data).image, picture), limit, compression)
        fax = picture.convert("1")
        self.assertEqual(decoded(pictures.saved(fax, "TIFF", compression="group4")).image.tobytes(), fax.tobytes())

    def test_deep_pixmaps_are_not_decoded_one_by_one(self):
        rows = struct.pack(">6H", 0xFF00, 0x8000, 0, 0xFFFF, 0x1234, 0x00FF)
        picture = decoded(b"P6 2 1 65535\n" + rows, "ppm")
        self.assertEqual(picture.image.tobytes(), bytes((0xFF, 0x80, 0, 0xFF, 0x12, 0)))


class WorkingModeTests(SynchronousTestCase):
    def test_all_modes_become_working_modes(self):
        for mode in ("1", "L", "P", "LA", "PA", "La", "RGB", "RGBX", "RGBA", "RGBa", "CMYK", "YCbCr", "LAB", "HSV",
                     "I;16", "I;16B", "I;16L", "I", "F"):  # fmt: skip
            self.assertIn(to_working_mode(Image.new(mode, (3, 2))).mode, WORKING_MODES, mode)

    def test_working_modes_stay_as_they_are(self):
        for mode in WORKING_MODES:
            image = Image.new(mode, (3, 2))
            self.assertIs(to_working_mode(image), image)

    def test_a_palette_becomes_colours_with_alpha_only_if_it_has_any(self):
        image = pictures.quarters().convert("P", palette=Image.Palette.ADAPTIVE, colors=4)
        self.assertEqual(to_working_mode(image).tobytes(), pictures.quarters().tobytes())
        for transparency in (
            image.getpixel((0, 0)),
            bytes(0 if i == image.getpixel((0, 0)) else 255 for i in range(4)),
        ):
            image.info["transparency"] = transparency
            result = to_working_mode(decoded(pictures.saved(image, "PNG"), "png").image)
            self.assertEqual(result.mode, "RGBA")
            self.assertEqual((result.getpixel((0, 0))[3], result.getpixel((47, 31))[3]), (0, 255))

    def test_a_transparent_colour_becomes_alpha(self):
        for bits, colour, pixel, other, chunk in (
            (2, 0, b"\xc0", b"\x00", struct.pack(">H", 3)),
            (4, 0, b"\xf0", b"\x00", struct.pack(">H", 15)),
            (8, 0, b"\x07", b"\x06", struct.pack(">H", 7)),
            (16, 0, b"\x12\x34", b"\x12\x33", struct.pack(">H", 0x1234)),
            (8, 2, b"\1\2\3", b"\1\2\4", struct.pack(">3H", 1, 2, 3)),
            (16, 2, b"\1\1\2\2\3\3", b"\1\1\2\2\4\4", struct.pack(">3H", 0x101, 0x202, 0x303)),
        ):
            data = pictures.png(
                1, 2, bits=bits, colour=colour, chunks=[(b"tRNS", chunk)], pixels=b"\0" + pixel + b"\0" + other
            )
            image = to_working_mode(decoded(data, "png").image)
            self.assertEqual(list(image.getchannel("A").tobytes()), [0, 255], (bits, colour))

    def test_one_bit_is_black_and_white(self):
        self.assertEqual(set(to_working_mode(pictures.quarters("1")).tobytes()), {0, 255})

    def grey(self, mode, code, *values):
        image = Image.frombytes(mode, (len(values), 1), struct.pack(f"<{len(values)}{code}", *values))
        return list(struct.unpack(f"<{len(values)}H", to_working_mode(image).tobytes()))

    def test_integers_are_kept_if_they_fit_sixteen_bits(self):
        self.assertEqual(self.grey("I", "i", 0, 255, 40000, 65535), [0, 255, 40000, 65535])

    def test_other_integers_are_stretched(self):
        self.assertEqual(self.grey("I", "i", -100, 50, 100), [0, 49151, 65535])
        self.assertEqual(self.grey("I", "i", 0, 100_000), [0, 65535])

    def test_floating_point_from_zero_to_one_is_black_to_white(self):
        self.assertEqual(self.grey("F", "f", 0.0, 0.5, 1.0), [0, 32768, 65535])
        self.assertEqual(self.grey("F", "f", 0.25, 0.5), [16384, 32768])

    def test_other_floating_point_is_stretched(self):
        self.assertEqual(self.grey("F", "f", -1.0, 0.0, 1.0), [0, 32768, 65535])
        self.assertEqual(self.grey("F", "f", 300.0, 300.0), [0, 0])

    def test_what_is_not_a_number_is_black(self):
        self.assertEqual(self.grey("F", "f", float("nan"), 10.0, 20.0, 15.0), [0, 0, 65535, 32768])
        self.assertEqual(self.grey("F", "f", 10.0, 20.0, float("nan")), [0, 65535, 0])
        self.assertEqual(self.grey("F", "f", float("nan")), [0])
        self.assertEqual(self.grey("F", "f", float("inf"), 0.0)[1], 0)

    def test_sixteen_bits_are_scaled_to_eight_and_not_clipped(self):
        image = Image.frombytes("I;16", (4, 1), struct.pack("<4H", 0, 257, 32768, 65535))
        self.assertEqual(list(to_eight_bits(image).tobytes()), [0, 1, 128, 255])
