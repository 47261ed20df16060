"""Pictures for tests, made in memory: sound ones through Pillow, odd ones byte by byte."""

import io
import struct
import zlib

from PIL import Image, ImageDraw, TiffImagePlugin

PILLOW_WARNINGS = [(("ignore",), {"module": r"PIL\."})]
"""To be given as ``suppress`` of a test case: at work they are filtered, but trial sets its own filters."""

SIZE = (48, 32)
CORNERS = {"red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255), "yellow": (255, 255, 0)}
"""Colours of the quarters of :func:`quarters`: upper left and right, lower left and right."""


def quarters(mode="RGB", size=SIZE):
    """Four plain quarters, by which turning and mirroring can be told."""
    image = Image.new("RGB", size)
    draw = ImageDraw.Draw(image)
    width, height = size
    places = ((0, 0), (width // 2, 0), (0, height // 2), (width // 2, height // 2))
    for (left, top), colour in zip(places, CORNERS.values(), strict=True):
        draw.rectangle((left, top, left + width // 2, top + height // 2), colour)
    return image if mode == "RGB" else image.convert(mode)


def ramp(size=(64, 48)):
    """Smooth, with many colours."""
    return Image.merge(
        "RGB",
        (
            Image.linear_gradient("L").resize(size),
            Image.linear_gradient("L").rotate(90).resize(size),
            Image.radial_gradient("L").resize(size),
        ),
    )


def saved(image, kind, **options):
    """The bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def one_of_each():
    """Small sound files of all readable formats, by extension."""
    picture = ramp()
    return {
        "jpg": saved(picture, "JPEG", quality=90),
        "jpeg": saved(picture, "JPEG", progressive=True),
        "png": saved(picture, "PNG"),
        "gif": saved(picture.convert("P", palette=Image.Palette.ADAPTIVE), "GIF"),
        "tif": saved(picture, "TIFF", compression="tiff_adobe_deflate"),
        "tiff": saved(picture, "TIFF"),
        "webp": saved(picture, "WEBP"),
        "avif": saved(picture, "AVIF", speed=10),
        "jp2": saved(picture, "JPEG2000"),
        "j2k": saved(picture, "JPEG2000", no_jp2=True),
        "bmp": saved(picture, "BMP"),
        "ico": saved(picture.resize((32, 32)), "ICO", bitmap_format="bmp", sizes=[(16, 16), (32, 32)]),
        "ppm": saved(picture, "PPM"),
        "tga": saved(picture, "TGA"),
        "pcx": saved(picture, "PCX"),
        "psd": psd(*picture.size, b"".join(band.tobytes() for band in picture.split())),
    }


def chunk(name, data):
    """Of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width, height, *, bits=8, colour=2, chunks=(), pixels=b""):
    """A PNG of any claims. ``pixels`` are the filtered rows, compressed or not."""
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", head),
            *(chunk(name, data) for name, data in chunks),
            chunk(b"IDAT", pixels if pixels[:1] == b"\x78" else zlib.compress(pixels)),
            chunk(b"IEND", b""),
        )
    )


def blank_rows(height, row_bytes):
    """Compressed rows of zeros, made without ever holding them."""
    compressor = zlib.compressobj(9)
    row = bytes(row_bytes + 1)
    return b"".join([*(compressor.compress(row) for _ in range(height)), compressor.flush()])


def bmp(width, height, pixels=b""):
    """A 24-bit BMP that may claim more than it has; 54 bytes without pixels."""
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return struct.pack("<2sIHHI", b"BM", 54 + len(pixels), 0, 0, 54) + info + pixels


def psd(width, height, planes=b"", *, channels=3, mode=3):
    """A Photoshop file of the merged picture alone."""
    return (
        b"8BPS"
        + struct.pack(">H6xHIIHH", 1, channels, height, width, 8, mode)
        + bytes(4)  # colour mode data
        + bytes(4)  # resources
        + bytes(4)  # layers
        + struct.pack(">H", 0)
        + planes
    )


def tiff(pages, *, next_of_last=None):
    """Pages of one grey pixel each, uncompressed; ``next_of_last`` is the page to which the last one points back."""
    entries = ((256, 1), (257, 1), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 1), (279, 1))
    length = 2 + 12 * len(entries) + 4
    start = 10
    parts = [b"II*\0", struct.pack("<I", start), b"\x80\0"]
    for page in range(pages):
        parts.append(struct.pack("<H", len(entries)))
        parts.extend(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
        following = page + 1 if page + 1 < pages else next_of_last
        parts.append(struct.pack("<I", 0 if following is None else start + following * length))
    return b"".join(parts)


def tiff_pages(*images):
    """A TIFF of several pages."""
    return saved(images[0], "TIFF", save_all=True, append_images=images[1:])


def gif_frames(count):
    """An animation whose frames are one pixel each."""
    frame = b"\x21\xf9\x04\x04\x01\x00\x00\x00" + b"\x2c" + struct.pack("<4HB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\xff\0\0\0\0\xff" + frame * count + b";"


def icon(*entries, data=b""):
    """An icon directory of ``(width, height, bits, length, offset)``."""
    table = (struct.pack("<BBBBHHII", w & 255, h & 255, 0, 0, 1, bits, size, at) for w, h, bits, size, at in entries)
    return struct.pack("<HHH", 0, 1, len(entries)) + b"".join(table) + data


def exif(orientation=None, *, thumbnail=b"", tags=(), details=()):
    """An EXIF block as it stands in a JPEG: ``Exif``, two zeros, a TIFF structure, and a thumbnail if there is one."""
    structure = Image.Exif()
    if orientation is not None:
        structure[0x0112] = orientation
    for tag, value in tags:
        structure[tag] = value
    if details:
        structure._ifds[0x8769] = dict(details)
    data = structure.tobytes()
    if not thumbnail:
        return data
    body = bytearray(data[6:])
    order = "<" if body.startswith(b"II") else ">"
    (count,) = struct.unpack_from(order + "H", body, 8)
    struct.pack_into(order + "I", body, 10 + 12 * count, len(body))
    second = struct.pack(order + "HHHIIHHIII", 2, 0x0201, 4, 1, len(body) + 30, 0x0202, 4, 1, len(thumbnail), 0)
    return b"Exif\0\0" + bytes(body) + second + thumbnail


def tiff_with_tags(image, tags, *, types=None, **options):
    """A TIFF with more tags than Pillow gives it."""
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in tags.items():
        if types and tag in types:
            directory.tagtype[tag] = types[tag]
        directory[tag] = value
    return saved(image, "TIFF", tiffinfo=directory, **options)
