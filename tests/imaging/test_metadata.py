import io

from PIL import Image, JpegImagePlugin
from twisted.trial.unittest import SynchronousTestCase

from qisd.imaging.geometry import Size
from qisd.imaging.metadata import Metadata
from tests.imaging import pictures
from tests.imaging.test_decode import SRGB, decoded
from tests.imaging.test_encode import encoded

MAKE, ORIENTATION, ARTIST = 0x010F, 0x0112, 0x013B
EXPOSURE, WIDTH, HEIGHT = 0x829A, 0xA002, 0xA003
EXIF_IFD, THUMBNAIL_IFD = 0x8769, -1
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:Description tiff:Orientation="6" exif:PixelXDimension="4000"/></x:xmpmeta>'
)
IPTC = b"\x1c\x02\x78\x00\x05Hello"
EXIF = pictures.exif(
    6,
    thumbnail=pictures.saved(pictures.quarters(), "JPEG"),
    tags=((MAKE, "Camera"), (ARTIST, "Painter")),
    details=((EXPOSURE, 0.01), (WIDTH, 4000), (HEIGHT, 3000)),
)
SIZE = Size(48, 32)


def tags(exif):
    structure = Image.Exif()
    structure.load(exif)
    return structure


class CorrectionTests(SynchronousTestCase):
    suppress = pictures.PILLOW_WARNINGS

    def corrected(self, exif=EXIF[6:], **options):
        return Metadata(exif=exif, xmp=XMP, **options).for_output(SIZE, dpi=(300.0, 300.0))

    def test_orientation_is_reset_when_it_was_applied(self):
        self.assertEqual(tags(self.corrected().exif)[ORIENTATION], 1)
        self.assertIn(b'tiff:Orientation="1"', self.corrected().xmp)

    def test_and_kept_when_it_was_not(self):
        self.assertEqual(tags(self.corrected(upright=False).exif)[ORIENTATION], 6)
        self.assertIn(b'tiff:Orientation="6"', self.corrected(upright=False).xmp)

    def test_sizes_are_those_of_the_new_picture(self):
        details = tags(self.corrected().exif).get_ifd(EXIF_IFD)
        self.assertEqual((details[WIDTH], details[HEIGHT]), (48, 32))
        self.assertIn(b'exif:PixelXDimension="48"', self.corrected().xmp)

    def test_the_old_thumbnail_is_dropped(self):
        self.assertIn(0x0201, tags(EXIF).get_ifd(THUMBNAIL_IFD))
        self.assertEqual(tags(self.corrected().exif).get_ifd(THUMBNAIL_IFD), {})
        self.assertNotIn(b"\xff\xd8\xff", self.corrected().exif)

    def test_density_follows_that_of_the_file(self):
        self.assertEqual(tags(self.corrected().exif)[0x011A], 300)

    def test_the_rest_stays(self):
        exif = tags(self.corrected().exif)
        self.assertEqual((exif[MAKE], exif[ARTIST]), ("Camera", "Painter"))
        self.assertEqual(float(exif.get_ifd(EXIF_IFD)[EXPOSURE]), 0.01)

    def test_what_describes_the_old_file_goes(self):
        exif = pictures.exif(tags=((MAKE, "Camera"), (0x0100, 4000), (0x0101, 3000), (0x0103, 6)))[6:]
        self.assertEqual(set(tags(self.corrected(exif).exif)) & {0x0100, 0x0101, 0x0103}, set())

    def test_broken_exif_is_dropped(self):
        for cut in range(1, len(EXIF) - 6, 7):
            self.corrected(EXIF[6 : 6 + cut])
        for exif in (b"x", b"II*\0", b"\0" * 100):
            self.assertIsNone(self.corrected(exif).exif, exif)


class CarriedTests(SynchronousTestCase):
    FULL = Metadata(exif=EXIF[6:], xmp=XMP, iptc=IPTC, comment=b"A comment", texts=(("Title", "A title"),))

    def carried(self, name, **options):
        return decoded(encoded(pictures.quarters(), name, metadata=self.FULL, **options), name).metadata

    def test_exif(self):
        for name in ("jpg", "png", "tif", "webp", "avif"):
            exif = tags(self.carried(name).exif)
            self.assertEqual((exif[MAKE], exif.get(ORIENTATION, 1)), ("Camera", 1), name)
            self.assertEqual(float(exif.get_ifd(EXIF_IFD)[EXPOSURE]), 0.01, name)

    def test_xmp(self):
        for name in ("jpg", "png", "tif", "webp", "avif"):
            self.assertIn(b'tiff:Orientation="1"', self.carried(name).xmp, name)

    def test_iptc(self):
        for name in ("jpg", "png", "tif"):
            self.assertEqual(self.carried(name).iptc, IPTC, name)

    def test_comments(self):
        for name in ("jpg", "png", "gif", "jp2"):
            self.assertEqual(self.carried(name).comment, b"A comment", name)

    def test_texts_of_a_png(self):
        self.assertEqual(self.carried("png").texts, (("Title", "A title"),))

    def test_the_picture_is_as_before(self):
        for name in ("jpg", "png", "tif", "webp", "avif", "gif", "jp2"):
            plain = decoded(encoded(pictures.quarters(), name), name).image
            full = decoded(encoded(pictures.quarters(), name, metadata=self.FULL), name).image
            self.assertEqual(plain.tobytes(), full.tobytes(), name)

    def test_strip_leaves_nothing(self):
        for name in ("jpg", "png", "tif", "webp", "avif", "gif", "jp2"):
            data = encoded(pictures.quarters(), name, metadata=self.FULL, icc=SRGB, strip=True)
            for secret in (b"Camera", b"Painter", b"xmpmeta", b"Hello", b"A comment", b"A title"):
                self.assertNotIn(secret, data, name)
            self.assertIsNone(decoded(data, name).icc, name)

    def test_a_tiff_carries_on_what_a_tiff_had(self):
        blocks = {MAKE: "Camera", 700: XMP, 33723: IPTC}
        for options in ({}, {"compression": "tiff_lzw"}, {"big_tiff": True}):
            source = decoded(pictures.tiff_with_tags(pictures.ramp(), blocks, **options), "tif")
            result = decoded(encoded(source.image, "tif", metadata=source.metadata), "tif")
            self.assertEqual(tags(result.metadata.exif)[MAKE], "Camera")
            self.assertEqual(result.metadata.iptc, IPTC)
            self.assertIn(b"xmpmeta", result.metadata.xmp)
            self.assertEqual(result.image.tobytes(), pictures.ramp().tobytes())
            jpeg = decoded(encoded(source.image, "jpg", metadata=source.metadata), "jpg").metadata
            self.assertEqual((tags(jpeg.exif)[MAKE], jpeg.iptc), ("Camera", IPTC))

    def test_what_does_not_fit_a_jpeg_segment_is_dropped(self):
        large = Metadata(
            exif=pictures.exif(tags=((ARTIST, "x" * 70_000),))[6:], xmp=b"x" * 70_000, iptc=b"x" * 70_000,
            comment=b"x" * 70_000,
        )  # fmt: skip
        data = encoded(pictures.quarters(), "jpg", metadata=large)
        self.assertEqual(decoded(data).metadata, Metadata())
        self.assertIsNotNone(decoded(encoded(pictures.quarters(), "png", metadata=large), "png").metadata.exif)

    def test_the_largest_that_fits_is_kept(self):
        for field in ("xmp", "iptc", "comment"):
            for length in range(65_450, 65_536):
                data = encoded(pictures.quarters(), "jpg", metadata=Metadata(**{field: b"x" * length}))
                self.assertIn(getattr(decoded(data).metadata, field), (b"x" * length, None))


class SourceTests(SynchronousTestCase):
    suppress = pictures.PILLOW_WARNINGS

    def test_iptc_of_a_tiff_may_be_called_numbers_and_turned_round(self):
        padded = IPTC + bytes(2)
        turned = b"".join(padded[start : start + 4][::-1] for start in range(0, len(padded), 4))
        for data, kind in ((padded, 4), (turned, 4), (padded, 7), (padded, 1)):
            file = pictures.tiff_with_tags(pictures.quarters(), {33723: data}, types={33723: 7})
            entry = file.index((33723).to_bytes(2, "little") + b"\x07\0")
            count = len(padded) // 4 if kind == 4 else len(padded)
            file = file[: entry + 2] + kind.to_bytes(2, "little") + count.to_bytes(4, "little") + file[entry + 8 :]
            self.assertEqual(decoded(file, "tif").metadata.iptc, padded, kind)

    def test_photoshop_files_tell_theirs(self):
        resources = b"".join(
            b"8BIM"
            + number.to_bytes(2, "big")
            + b"\0\0"
            + len(data).to_bytes(4, "big")
            + data
            + b"\0" * (len(data) & 1)
            for number, data in ((0x0404, IPTC), (0x0424, XMP), (0x0422, EXIF[6:]), (0x03ED, b"\0\x96\0\0\0\1\0\1" * 2))
        )
        plain = pictures.psd(2, 2, bytes(12))
        data = plain[:30] + len(resources).to_bytes(4, "big") + resources + plain[34:]
        picture = decoded(data, "psd")
        self.assertEqual((picture.metadata.iptc, picture.metadata.xmp), (IPTC, XMP))
        self.assertEqual(tags(picture.metadata.exif)[MAKE], "Camera")
        self.assertEqual(picture.dpi, (150.0, 150.0))

    def test_a_broken_photoshop_block_is_ignored(self):
        data = pictures.saved(pictures.quarters(), "JPEG", extra=b"\xff\xed\x00\x17Photoshop 3.0\x008BIM\x04\x04\xff")
        self.assertIsNone(decoded(data).metadata.iptc)

    def test_density_is_no_metadata(self):
        data = encoded(pictures.quarters(), "jpg", source_dpi=(300, 300))
        self.assertEqual(decoded(data).metadata, Metadata())
        self.assertEqual(JpegImagePlugin.JpegImageFile(io.BytesIO(data)).info["dpi"], (300, 300))
