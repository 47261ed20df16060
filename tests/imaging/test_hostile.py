"""Broken and hostile files: refused with one of our errors, soon, and without much memory."""

import io
import os
import random
import struct
import subprocess
import sys
import tempfile
import zlib

from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import BadParameter, QisError, SourceTooLarge, Unsupported
from qisd.imaging.decode import decode
from qisd.imaging.source import DecodeLimits, probe
from tests.imaging import pictures

LIMITS = DecodeLimits()


def opened(data, extension="jpg", **options):
    return decode(io.BytesIO(data), extension=extension, page=options.pop("page", None), limits=LIMITS, **options)


class HostileTestCase(SynchronousTestCase):
    suppress = pictures.PILLOW_WARNINGS

    def assert_refused(self, data, extension, *, by=Unsupported, saying="", at_the_header=True, page=None):
        """Decoding refuses it, and so does looking at the header, unless only the pixels are bad."""
        with self.assertRaises(by) as caught:
            opened(data, extension, page=page)
        self.assertIn(saying, caught.exception.message)
        if at_the_header:
            self.assertRaises(by, probe, io.BytesIO(data), extension=extension, page=page, limits=LIMITS)


class NotAPictureTests(HostileTestCase):
    def test_nothing(self):
        for extension in ("jpg", "png", "tga", "pcx", "tif"):
            self.assert_refused(b"", extension, saying="Invalid or unsupported image format")

    def test_texts(self):
        for text in (b"Hello, world!\n" * 20, b"BMW is a car.\n" * 20, b"P1 and P2 are names.\n" * 9, b"\n\5\1 " * 50):
            for extension in ("jpg", "bmp", "ppm", "pcx", "tga", "ico", "tif"):
                self.assert_refused(text, extension, saying="Invalid or unsupported image format")

    def test_formats_that_pillow_reads_and_we_do_not(self):
        for kind in ("EPS", "PDF", "DDS", "SGI", "XBM", "IM", "ICNS", "MSP", "QOI", "SPIDER"):
            image = pictures.quarters("1" if kind in ("XBM", "MSP") else "F" if kind == "SPIDER" else "RGB")
            for extension in ("jpg", kind.lower()):
                self.assert_refused(pictures.saved(image, kind), extension, saying="Invalid or unsupported")

    def test_no_pixels(self):
        for data, extension in (
            (pictures.bmp(0, 5), "bmp"),
            (pictures.png(0, 5), "png"),
            (b"P6 0 5 255\n", "ppm"),
            (pictures.psd(0, 5), "psd"),
            (b"GIF89a" + bytes(7) + b"\x2c" + bytes(9) + b"\x02\0;", "gif"),
            (pictures.icon(), "ico"),
        ):
            self.assert_refused(data, extension)

    def test_random_bytes_behind_a_good_beginning(self):
        rng = random.Random(3)
        for extension, data in pictures.one_of_each().items():
            for length in (4, 8, 12, 16, 32, 64):
                for _ in range(5):
                    with_noise = data[:length] + rng.randbytes(300)
                    try:
                        opened(with_noise, extension)
                    except QisError as error:
                        self.assertIsInstance(error, Unsupported)


class DamagedTests(HostileTestCase):
    def test_truncated_files_are_refused(self):
        for extension, data in pictures.one_of_each().items():
            for part in (0.01, 0.1, 0.3, 0.5, 0.7, 0.9):
                cut = data[: int(len(data) * part)]
                self.assert_refused(cut, extension, saying="Invalid or unsupported", at_the_header=False)

    def test_the_common_ones_at_every_point(self):
        for extension in ("jpg", "png", "gif", "tif", "webp"):
            data = pictures.one_of_each()[extension]
            last = {"jpg": 2, "png": 24, "gif": 3}.get(extension, 1)
            for length in range(16, len(data) - last, max(1, len(data) // 150)):
                self.assert_refused(data[:length], extension, saying="truncated or damaged", at_the_header=False)

    def test_flipped_bits_give_a_picture_or_our_error(self):
        rng = random.Random(20)
        for extension, sound in pictures.one_of_each().items():
            for _ in range(60):
                data = bytearray(sound)
                for _ in range(rng.choice((1, 1, 2, 8))):
                    data[rng.randrange(len(data) if rng.random() < 0.5 else min(len(data), 200))] ^= 1 << rng.randrange(
                        8
                    )
                try:
                    opened(bytes(data), extension)
                except QisError as error:
                    self.assertIsInstance(error, Unsupported)

    @settings(deadline=None, max_examples=100, derandomize=True)
    @given(st.sampled_from(sorted(pictures.one_of_each().items())), st.integers(0, 400), st.binary(max_size=12))
    def test_foreign_bytes_give_a_picture_or_our_error(self, file, place, patch):
        extension, data = file
        try:
            opened(data[:place] + patch + data[place + len(patch) :], extension)
        except QisError as error:
            self.assertIsInstance(error, Unsupported)

    def test_nothing_of_the_decoder_is_told(self):
        for data in (pictures.one_of_each()["png"][:60], pictures.bmp(100, 100)):
            with self.assertRaises(Unsupported) as caught:
                opened(data)
            self.assertNotIn("Error", caught.exception.message)
            self.assertTrue(caught.exception.detail)


class ImmenseTests(HostileTestCase):
    def test_a_png_of_2500_million_pixels(self):
        data = pictures.png(50_000, 50_000, bits=1, colour=0, pixels=pictures.blank_rows(50_000, 6250))
        self.assertLess(len(data), 400_000)
        self.assert_refused(data, "png", by=SourceTooLarge, saying="50000 × 50000")

    def test_a_bmp_of_54_bytes(self):
        data = pictures.bmp(6_356_992, 12)
        self.assertEqual(len(data), 54)
        self.assert_refused(data, "bmp")

    def test_uncompressed_files_that_are_shorter_than_they_say(self):
        for data, extension in (
            (pictures.bmp(15_000, 15_000), "bmp"),
            (pictures.psd(15_000, 15_000, bytes(1000)), "psd"),
            (b"P6 15000 15000 255\n" + bytes(100), "ppm"),
            (struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, 15_000, 15_000, 24, 0) + bytes(100), "tga"),
        ):
            self.assert_refused(data, extension, saying="truncated or damaged")

    def test_claims_beyond_the_limit_in_any_format(self):
        jpeg = bytearray(pictures.saved(Image.new("L", (8, 8)), "JPEG"))
        at = jpeg.index(b"\xff\xc0")
        jpeg[at + 5 : at + 9] = struct.pack(">HH", 65_000, 65_000)
        webp = bytearray(pictures.saved(Image.new("RGBA", (8, 8), (1, 2, 3, 4)), "WEBP", exif=b"x"))
        webp[24:30] = b"\xff\x3f\0\xff\x3f\x01"
        tiff = pictures.tiff(1).replace(struct.pack("<HHII", 256, 4, 1, 1), struct.pack("<HHII", 256, 4, 1, 2**30))
        jp2 = bytearray(pictures.saved(Image.new("L", (8, 8)), "JPEG2000", no_jp2=True))
        jp2[8:16] = jp2[24:32] = struct.pack(">II", 2**20, 2**20)
        gif = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0) + b"!\xf9\4\x08\0\0\0\0,"
        gif += struct.pack("<4HB", 0, 0, 65535, 65535, 0) + b"\2\2\x44\1\0;"
        for data, extension in (
            (jpeg, "jpg"), (webp, "webp"), (tiff, "tif"), (jp2, "j2k"), (gif, "gif"),
            (pictures.psd(30_000, 30_000), "psd"), (pictures.bmp(2**30, 2**30), "bmp"),
            (b"P5 99999 99999 255\n", "pgm"),
        ):  # fmt: skip
            self.assert_refused(bytes(data), extension, by=SourceTooLarge, saying="too large")

    def test_jpeg_2000_with_millions_of_tiles(self):
        data = bytearray(pictures.saved(Image.new("L", (8, 8)), "JPEG2000", no_jp2=True))
        data[8:16] = struct.pack(">II", 10_000, 10_000)
        data[24:32] = struct.pack(">II", 1, 1)
        self.assert_refused(bytes(data), "j2k", by=SourceTooLarge, saying="tiles")
        data[24:32] = bytes(8)
        self.assert_refused(bytes(data), "j2k")

    def test_a_tiff_with_an_immense_tile(self):
        image = pictures.saved(Image.new("L", (64, 64)), "TIFF", compression="tiff_lzw", tiffinfo={})
        data = image.replace(struct.pack("<HHI", 278, 3, 1), struct.pack("<HHI", 322, 4, 1), 1)
        self.assertNotEqual(data, image)
        wide = data.replace(struct.pack("<HHI", 322, 4, 1) + data[data.index(struct.pack("<HHI", 322, 4, 1)) + 8 :][:4],
                            struct.pack("<HHII", 322, 4, 1, 2**31))  # fmt: skip
        self.assert_refused(wide, "tif", by=SourceTooLarge)

    def test_progressive_jpeg_with_thousands_of_scans(self):
        data = pictures.saved(Image.new("L", (64, 64)), "JPEG", progressive=True)
        last = data.rindex(b"\xff\xda")
        scan = data[last:-2]
        self.assert_refused(data[:-2] + scan * 5000 + b"\xff\xd9", "jpg", by=SourceTooLarge, saying="scans",
                            at_the_header=False)  # fmt: skip

    def test_deflated_texts_and_profiles_of_a_png(self):
        bomb = zlib.compress(bytes(100_000_000), 9)
        for name, head in ((b"iCCP", b"x\0\0"), (b"zTXt", b"x\0\0"), (b"iTXt", b"x\0\1\0\0\0")):
            data = pictures.png(1, 1, chunks=[(name, head + bomb)], pixels=b"\0\1\2\3")
            self.assert_refused(data, "png")

    def test_headers_without_an_end(self):
        png = pictures.png(1, 1, chunks=[(b"teXt", b"")] * 300_000, pixels=b"\0\1\2\3")
        segment = b"\xff\xe1" + struct.pack(">H", 65_535) + b"Exif\0\0" + bytes(65_527)
        jpeg = b"\xff\xd8" + segment * 600 + pictures.saved(pictures.quarters(), "JPEG")[2:]
        for data, extension in ((png, "png"), (jpeg, "jpg"), (b"P6" + b"#\n" * 300_000 + b"1 1 255\n123", "ppm")):
            self.assert_refused(data, extension)

    def test_text_encodings_are_not_read_at_any_length(self):
        self.assert_refused(b"P3 3000 3000 255\n" + b"1 " * 10, "ppm", by=SourceTooLarge)
        # Each colour of a pixel is work of its own.
        self.assert_refused(b"P6 2000 2000 1000\n" + bytes(24_000_000), "ppm", by=SourceTooLarge)
        self.assertEqual(opened(b"P3 1 1 255\n1 2 3\n", "ppm").image.getpixel((0, 0)), (1, 2, 3))


class ManyTests(HostileTestCase):
    def test_a_gif_of_10000_frames_gives_the_first(self):
        data = pictures.gif_frames(10_000)
        picture = opened(data, "gif", page=5)
        self.assertEqual((picture.image.size, picture.image.convert("RGB").getpixel((0, 0))), ((1, 1), (255, 0, 0)))

    def test_an_animated_webp_gives_the_first(self):
        frames = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in range(250, 0, -1)]
        data = pictures.saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
        self.assertEqual(opened(data, "webp").image.getpixel((0, 0)), (250, 0, 0))

    def test_a_tiff_whose_pages_run_in_a_circle(self):
        for back_to in (0, 1, 2):
            data = pictures.tiff(3, next_of_last=back_to)
            info = probe(io.BytesIO(data), extension="tif", page=3, limits=LIMITS)
            self.assertEqual((info.pages, info.width), (3, 1))
            self.assertRaises(BadParameter, opened, data, "tif", page=4)

    def test_a_tiff_of_more_pages_than_anybody_reads(self):
        data = pictures.tiff(12_000)
        self.assertEqual(probe(io.BytesIO(data), extension="tif", page=None, limits=LIMITS).pages, 10_000)
        self.assertRaises(BadParameter, opened, data, "tif", page=10_001)
        self.assertEqual(opened(data, "tif", page=2_000).image.size, (1, 1))

    def test_an_icon_that_lists_65535_pictures(self):
        for data in (
            struct.pack("<HHH", 0, 1, 65_535),
            pictures.icon(*[(256, 256, 32, 2**31, 22)] * 65_535),
            pictures.icon(*[(16, 16, 32, 40, 6)] * 65_535),
        ):
            self.assert_refused(data, "ico")


class MemoryTests(HostileTestCase):
    SCRIPT = """
import sys, io, resource
from qisd.errors import Unsupported
from qisd.imaging.decode import decode
from qisd.imaging.source import DecodeLimits
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name in sys.argv[1:]:
    try:
        decode(open(name, "rb"), extension=name.rsplit(".")[-1], page=None, limits=DecodeLimits())
    except Unsupported:
        pass
    else:
        raise SystemExit("not refused: " + name)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""

    def test_hostile_files_take_no_memory(self):
        hostile = {
            "claims.png": pictures.png(50_000, 50_000, bits=1, colour=0, pixels=pictures.blank_rows(50_000, 6250)),
            "claims.bmp": pictures.bmp(6_356_992, 12),
            "claims.psd": pictures.psd(15_000, 15_000, bytes(1000)),
            "text.png": pictures.png(1, 1, chunks=[(b"zTXt", b"x\0\0" + zlib.compress(bytes(100_000_000), 9))]),
            "inner.ico": pictures.icon((1, 1, 32, 40, 22), data=struct.pack("<IiiHHIIiiII", 40, 15_000, 30_000, 1, 32,
                                                                          *(0,) * 6)),
        }  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            names = []
            for name, data in hostile.items():
                names.append(f"{folder}/{name}")
                with open(names[-1], "wb") as stream:
                    stream.write(data)
            result = subprocess.run(
                [sys.executable, "-c", self.SCRIPT, *names],
                capture_output=True,
                text=True,
                check=False,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            )
        self.assertEqual(result.stderr, "")
        kilobytes = int(result.stdout) // (1 if sys.platform != "darwin" else 1024)
        self.assertLess(kilobytes, 30_000)
