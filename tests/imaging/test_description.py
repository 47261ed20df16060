"""What files say of their pictures: :mod:`qisd.imaging.description`."""

from __future__ import annotations

import io
import struct
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms
from twisted.trial.unittest import SynchronousTestCase

from qisd.imaging.description import Description, describe
from qisd.imaging.fingerprint import fingerprint
from qisd.imaging.metadata import Metadata
from qisd.imaging.picture import DecodeLimits, Header
from qisd.imaging.source import open_source

XMP = """<?xpacket begin=""?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:odd="http://example.com/">
<rdf:Description rdf:about="" xmp:CreateDate="2024-01-31T23:59:58+02:00" odd:x="1">
 <dc:subject><rdf:Bag><rdf:li>pingüino</rdf:li><rdf:li>ice</rdf:li></rdf:Bag></dc:subject>
 <dc:rights><rdf:Alt><rdf:li xml:lang="x-default">© Somebody</rdf:li></rdf:Alt></dc:rights>
 <odd:thing><rdf:Bag><rdf:li>no</rdf:li></rdf:Bag></odd:thing>
 <xmp:Label>red</xmp:Label>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def iptc(*records: tuple[int, bytes]) -> bytes:
    return b"".join(struct.pack(">BBBH", 0x1C, 2, number, len(text)) + text for number, text in records)


def exif(**tags: Any) -> bytes:
    data = Image.Exif()
    for name, value in tags.items():
        data[ExifTags.Base[name]] = value
    return data.tobytes()


def header(mode: str = "RGB", icc: bytes | None = None, **parts: Any) -> Header:
    data = io.BytesIO()
    Image.new(mode, (4, 4)).save(data, "JPEG")
    plain = open_source(data, extension="jpg", page=None, limits=DecodeLimits(), auto_orient=True).header()
    return Header(info=plain.info, metadata=Metadata(**parts), icc=icc)


class DescriptionTests(SynchronousTestCase):
    def test_a_file_is_described_by_all_three(self) -> None:
        data = io.BytesIO()
        tags = Image.Exif()
        tags[ExifTags.Base.Make], tags[ExifTags.Base.Model] = "Canon", "Canon EOS 5D"
        tags.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2023:07:01 12:00:00"
        tags.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.OffsetTimeOriginal] = "-05:30"
        tags.get_ifd(ExifTags.IFD.GPSInfo).update({1: "S", 2: (33.0, 30.0, 0.0), 3: "E", 4: (151.0, 0.0, 36.0)})
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        Image.new("RGB", (4, 4)).save(data, "JPEG", exif=tags, icc_profile=profile, xmp=XMP.encode())
        source = open_source(data, extension="jpg", page=None, limits=DecodeLimits(), auto_orient=True)
        found = describe(source.header())
        self.assertEqual((found.format, found.colour_space, found.camera), ("jpg", "rgb", "Canon EOS 5D"))
        self.assertEqual(found.taken, datetime(2023, 7, 1, 17, 30, tzinfo=UTC))
        self.assertEqual((found.latitude, found.longitude), (-33.5, 151.01))
        self.assertIn("sRGB", found.profile)
        self.assertEqual(found.keywords, ("pingüino", "ice"))
        self.assertEqual(found.copyright, "© Somebody")
        self.assertEqual((found.xmp["xmp:Label"], found.exif["Make"]), ("red", "Canon"))
        self.assertFalse([name for name in found.xmp if "odd" in name or name.startswith("x:")])

    def test_news_agencies_have_words_of_their_own(self) -> None:
        records = iptc(
            (25, b"one"),
            (25, "zw\u00f6lf".encode()),
            (25, "dr\u00e9i".encode("latin-1")),
            (116, b"(c) me"),
            (55, b"20240229"),
            (60, b"101112+0100"),
        )
        found = describe(header(iptc=records))
        self.assertEqual(found.keywords, ("one", "zwölf", "dréi"))
        self.assertEqual((found.copyright, found.taken), ("(c) me", datetime(2024, 2, 29, 9, 11, 12, tzinfo=UTC)))

    def test_the_camera_goes_before_the_program_and_nonsense_is_no_time(self) -> None:
        for text, expected in {
            "2020:01:02 03:04:05": datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC),
            "0000:00:00 00:00:00": None,
            "    :  :     :  :  ": None,
            "2020:13:40 99:00:00": None,
            "1066:10:14 12:00:00": None,
        }.items():
            tags = Image.Exif()
            tags.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = text
            self.assertEqual(describe(header(exif=tags.tobytes())).taken, expected, text)
        self.assertIsNotNone(describe(header(xmp=XMP.encode())).taken)

    def test_colour_spaces_have_few_names(self) -> None:
        self.assertEqual(describe(header("L")).colour_space, "gray")
        self.assertEqual(describe(header("CMYK")).colour_space, "cmyk")

    def test_nothing_grows_and_nothing_that_cannot_be_stored_is_left(self) -> None:
        found = describe(
            header(
                exif=exif(Artist="a\0b\x07" + "x" * 9999),
                iptc=iptc(*((25, f"{number}".encode()) for number in range(1000))),
            )
        )
        self.assertLessEqual(len(found.exif["Artist"]), 2000)
        self.assertNotIn("\0", found.exif["Artist"])
        self.assertEqual(len(found.keywords), 200)

    def test_entities_and_depth_of_xmp_lead_nowhere(self) -> None:
        bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>' + XMP.partition("?>")[2]
        self.assertEqual(describe(header(xmp=bomb.encode())).xmp, {})
        self.assertEqual(describe(header(xmp=("<a>" * 100_000).encode())).xmp, {})
        cut = XMP.partition("<odd:thing>")[0]
        self.assertEqual(describe(header(xmp=cut.encode())).keywords, ("pingüino", "ice"))

    @given(st.binary(max_size=300), st.binary(max_size=300), st.binary(max_size=300), st.binary(max_size=300))
    def test_whatever_is_in_there_it_is_described(self, one: bytes, two: bytes, three: bytes, four: bytes) -> None:
        for parts in ({"exif": b"II*\0" + one, "iptc": b"\x1c\x02" + two, "xmp": three}, {"exif": one, "xmp": two}):
            self.assertIsInstance(describe(header(icc=four, **parts)), Description)


class FingerprintTests(SynchronousTestCase):
    def picture(self, seed: int) -> Image.Image:
        small = Image.effect_noise((16, 16), 100 + seed)
        return small.resize((400, 300), Image.Resampling.BICUBIC).convert("RGB")

    def distance(self, one: Image.Image, other: Image.Image) -> int:
        """Bits that differ."""
        return ((fingerprint(one) ^ fingerprint(other)) & (2**64 - 1)).bit_count()

    def test_copies_are_near_and_others_far(self) -> None:
        one, other = self.picture(1), self.picture(2)
        data = io.BytesIO()
        one.resize((100, 75)).save(data, "JPEG", quality=60)
        copy = Image.open(data)
        self.assertLess(self.distance(one, copy), 8)
        self.assertGreater(self.distance(one, other), 12)

    def test_it_fits_into_64_bits_with_a_sign(self) -> None:
        for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"):
            number = fingerprint(Image.new(mode, (3, 5)))
            self.assertTrue(-(2**63) <= number < 2**63)
        ramp = Image.linear_gradient("L").rotate(90)
        self.assertNotEqual(fingerprint(ramp), fingerprint(ramp.rotate(180)))
