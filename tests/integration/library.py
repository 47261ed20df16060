"""Test pictures of every kind, good and bad, made anew for each run and always the same.

Two kinds of good pictures: *photos*, whose pixels are all between :data:`DARKEST` and :data:`BRIGHTEST`, so that a pure
colour around or upon them is found exactly; and *charts*, lossless, in which every pixel tells its own place.
"""

from __future__ import annotations

import io
import os
import random
import struct
import zlib
from pathlib import Path

from PIL import Image, ImageChops, ImageCms, ImageDraw

DARKEST, BRIGHTEST = 40, 215
ORIENTATION_TAG = 0x0112
PROFILES = Path(__file__).parents[2] / "qisd/share/icc"

LOGO = (0, 0, 255)
SQUARE = (255, 0, 0)
PAGES = [(20 * page, 250 - 20 * page, 128) for page in range(1, 11)]
"""The colour of each page of ``pages.tif``."""

CMYK_PATCHES = {"white": (0, 0, 0, 0), "cyan": (255, 0, 0, 0), "yellow": (0, 0, 255, 0), "black": (0, 0, 0, 255)}
"""From left to right in the CMYK pictures, 40 × 80 pixels each."""

_TO_STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How a camera that writes this EXIF orientation stores an upright picture."""

NAMES = {
    "blank": "with blank.png",
    "plus": "a+b.png",
    "percent": "100%41.png",
    "ampersand": "this&that.png",
    "quote": 'say "hello".png',
    "semicolon": "a;b=c.png",
    "apostrophe": "it's.png",
    "backslash": "back\\slash.png",
    "umlaut": "Ünïcode/dørset.png",
    "japanese": "日本/桜.png",
    "emoji": "penguin🐧.png",
    "reversed": "gnp.\u202egpj.png",
    "capitals": "LOUD.PNG",
    "long": "n" * 251 + ".png",
}
"""File names that have broken servers before; each is a copy of ``tiny.png``."""

CUT = ("jpg", "png", "gif", "webp", "tif")
"""Extensions of the files ``cut.…`` that end in the middle, ``stub.…`` that end in the header, and ``empty.…``."""


def photo(width: int, height: int) -> Image.Image:
    """A smooth picture with some noise on it, RGB."""
    across = Image.linear_gradient("L").rotate(90).resize((width, height))
    down = Image.linear_gradient("L").resize((width, height))
    round_ = Image.radial_gradient("L").resize((width, height))
    smooth = Image.merge("RGB", (across, down, round_)).point(lambda value: 60 + value * 130 // 255)
    grain = random.Random(width * height).randbytes((width // 4) * (height // 4))
    noise = Image.frombytes("L", (width // 4, height // 4), grain).point(lambda value: value * 24 // 255)
    noise = noise.resize((width, height), Image.Resampling.BILINEAR)
    return ImageChops.add(smooth, Image.merge("RGB", (noise, noise, noise)), offset=-8)


def chart(width: int, height: int) -> Image.Image:
    """RGB; red counts columns, green rows, blue is 128. At most 256 × 256."""
    return Image.merge(
        "RGB",
        (
            Image.frombytes("L", (width, height), bytes(range(width)) * height),
            Image.frombytes("L", (width, height), b"".join(bytes([row]) * width for row in range(height))),
            Image.new("L", (width, height), 128),
        ),
    )


def quarters(width: int, height: int) -> Image.Image:
    """RGB; red and green above, blue and gray below."""
    image = Image.new("RGB", (width, height), (200, 40, 40))
    draw = ImageDraw.Draw(image)
    draw.rectangle((width // 2, 0, width, height // 2 - 1), (40, 180, 40))
    draw.rectangle((0, height // 2, width // 2 - 1, height), (40, 40, 200))
    draw.rectangle((width // 2, height // 2, width, height), (120, 120, 120))
    return image


def make(root: Path) -> None:
    """Fill ``root``, and a folder ``outside`` and one ``images-old`` beside it."""
    _photos(root)
    _flat_pictures(root)
    _modes(root)
    _sequences(root)
    _metadata(root)
    _claims(root)
    _broken(root)
    _names(root)
    _hidden_and_outside(root)


def _photos(root: Path) -> None:
    photo(1600, 1200).save(root / "photo.jpg", quality=90)
    photo(1200, 1600).save(root / "portrait.jpg", quality=90)
    photo(800, 600).save(root / "progressive.jpg", quality=90, progressive=True)
    photo(800, 600).save(root / "photo.webp", quality=90, method=0)
    photo(800, 600).save(root / "photo.tif", compression="tiff_lzw")
    photo(160, 120).save(root / "photo.bmp")
    (root / "a").mkdir()
    photo(320, 240).save(root / "a/b.jpg", quality=90)
    photo(320, 240).save(root / "foo.jpg", quality=90)
    photo(320, 240).save(root / "v1.2.tif")


def _flat_pictures(root: Path) -> None:
    chart(160, 120).save(root / "chart.png")
    chart(101, 67).save(root / "odd.png")
    chart(16, 12).save(root / "tiny.png")
    quarters(160, 96).save(root / "quarters.png")
    Image.new("RGB", (110, 58), LOGO).save(root / "logo.png")
    Image.new("RGB", (1000, 1000), SQUARE).save(root / "square.png")
    Image.new("RGB", (900, 600), SQUARE).save(root / "oblong.png")
    Image.new("RGB", (1600, 720), (100, 110, 120)).save(root / "wide.png")
    Image.new("RGB", (800, 600), (100, 110, 120)).save(root / "medium.png")
    Image.new("RGB", (1200, 1600), (100, 110, 120)).save(root / "tall.png")
    Image.new("RGB", (10000, 3), (100, 110, 120)).save(root / "ribbon.png")
    Image.new("RGB", (258, 222), (100, 110, 120)).save(root / "stamp.png")
    square = Image.frombytes("L", (512, 512), (b"\x00\xff" * 256 + b"\xff\x00" * 256) * 256)
    square.convert("RGB").save(root / "checker.png")
    square.save(root / "checker-gray.png")
    framed = Image.new("RGB", (120, 80), (10, 200, 90))
    framed.paste((250, 20, 20), (1, 1, 119, 79))
    framed.save(root / "framed.png")


def _modes(root: Path) -> None:
    rgba = Image.new("RGBA", (470, 300), (0, 0, 0, 0))
    ImageDraw.Draw(rgba).rectangle((100, 50, 369, 249), (200, 60, 30, 255))
    rgba.save(root / "rgba.png")
    rgba.resize((94, 60)).save(root / "rgba.webp", lossless=True)
    chart(160, 120).getchannel("R").save(root / "gray.png")
    photo(320, 240).convert("L").save(root / "gray.jpg", quality=95)
    gray_alpha = Image.new("LA", (120, 80), (0, 0))
    gray_alpha.paste((170, 255), (0, 0, 60, 80))
    gray_alpha.save(root / "la.png")
    quarters(160, 96).quantize(8).save(root / "palette.png")
    quarters(160, 96).quantize(8).save(root / "palette.gif")
    clear = Image.new("P", (120, 80), 0)
    clear.putpalette([255, 255, 0, 0, 90, 180])
    clear.paste(1, (0, 0, 60, 80))
    clear.save(root / "palette-clear.png", transparency=0)
    bit = Image.new("1", (120, 80), 0)
    bit.paste(1, (0, 0, 60, 80))
    bit.save(root / "bit.png")
    bit.save(root / "bit.tif", compression="group4")
    rows = b"".join(struct.pack("<H", column * 400) for column in range(160)) * 80
    gray16 = Image.frombytes("I;16", (160, 80), rows)
    gray16.save(root / "gray16.png")
    gray16.save(root / "gray16.tif")
    row = b"".join(struct.pack(">HHH", *colour) for colour in _DEEP_PATCHES for _ in range(40))
    (root / "rgb16.png").write_bytes(_png(160, 80, depth=16, kind=2, data=zlib.compress((b"\x00" + row) * 80)))
    _cmyk(root)


_DEEP_PATCHES = ((65535, 0, 0), (32896, 32896, 32896), (0, 0, 51400), (25700, 38550, 12850))
"""16-bit colours of ``rgb16.png``, 40 columns each; in 8 bits they are 257 times smaller."""


def _cmyk(root: Path) -> None:
    image = Image.new("CMYK", (160, 80))
    for number, ink in enumerate(CMYK_PATCHES.values()):
        image.paste(ink, (40 * number, 0, 40 * number + 40, 80))
    image.save(root / "cmyk.jpg", quality=95, subsampling=0)
    image.save(root / "cmyk.tif", compression="tiff_lzw")
    # Pillow writes no YCCK. It writes CMYK samples inverted under a mark that says "not transformed"; so we transform
    # them ourselves and change the mark.
    cyan, magenta, yellow, black = image.split()
    transformed = Image.merge("RGB", (cyan, magenta, yellow)).convert("YCbCr")
    planes = [ImageChops.invert(plane) for plane in transformed.split()]
    stream = io.BytesIO()
    Image.merge("CMYK", (*planes, black)).save(stream, "JPEG", quality=95, subsampling=0)
    data = bytearray(stream.getvalue())
    data[data.index(b"Adobe") + 11] = 2
    (root / "ycck.jpg").write_bytes(data)


def _sequences(root: Path) -> None:
    pages = [Image.new("RGB", (800, 600), colour) for colour in PAGES]
    pages[0].save(root / "pages.tif", save_all=True, append_images=pages[1:], compression="tiff_lzw")
    frames = [Image.new("RGB", (64, 48), colour) for colour in (SQUARE, LOGO, (0, 255, 0))]
    frames[0].save(root / "animated.webp", save_all=True, append_images=frames[1:], duration=50, lossless=True)
    frames[0].save(root / "animated.gif", save_all=True, append_images=frames[1:], duration=50)
    (root / "frames.gif").write_bytes(_gif_of_frames(10_000))


def _metadata(root: Path) -> None:
    upright = quarters(160, 96)
    for orientation, transpose in _TO_STORED.items():
        stored = upright if transpose is None else upright.transpose(transpose)
        exif = Image.Exif()
        exif[ORIENTATION_TAG] = orientation
        stored.save(root / f"oriented-{orientation}.jpg", quality=95, subsampling=0, exif=exif)
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = 6
    exif[0x010E] = "a test picture"
    exif[0x8298] = "nobody's"
    exif.get_ifd(0x8769)[0xA002] = 320
    exif.get_ifd(0x8769)[0xA003] = 240
    profile = (PROFILES / "adobergb1998.icc").read_bytes()
    photo(320, 240).save(
        root / "meta.jpg", quality=92, exif=exif, icc_profile=profile, dpi=(240, 240), comment=b"a comment"
    )
    Image.new("RGB", (160, 120), (100, 200, 60)).save(root / "wide-gamut.png", icc_profile=profile, dpi=(240, 240))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.new("RGB", (160, 120), (100, 200, 60)).save(root / "srgb.png", icc_profile=srgb)


def _claims(root: Path) -> None:
    """Small files that say they are very large."""
    pump = zlib.compressobj(9)
    zeros = b"".join(pump.compress(bytes(2**20)) for _ in range(100)) + pump.flush()
    (root / "bomb.png").write_bytes(_png(50_000, 50_000, depth=8, kind=2, data=zeros))
    header = struct.pack("<IiiHHIIiiII", 40, 6_356_992, 12, 1, 24, 0, 0, 2835, 2835, 0, 0)
    (root / "sliver.bmp").write_bytes(b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header)


def _broken(root: Path) -> None:
    for extension in CUT:
        whole = io.BytesIO()
        photo(320, 240).save(whole, {"jpg": "JPEG", "tif": "TIFF"}.get(extension, extension.upper()))
        data = whole.getvalue()
        (root / f"cut.{extension}").write_bytes(data[: len(data) // 2])
        (root / f"stub.{extension}").write_bytes(data[:20])
        (root / f"empty.{extension}").touch()
        (root / f"text.{extension}").write_text("This is not a picture at all.\n" * 20)
    (root / "picture.xyz").write_bytes((root / "tiny.png").read_bytes())
    (root / "picture").write_bytes((root / "tiny.png").read_bytes())
    (root / "php.ini").write_text("[PHP]\n")
    (root / "document.pdf").write_bytes(b"%PDF-1.4\n%%EOF\n")
    (root / "wrong.jpg").write_bytes((root / "tiny.png").read_bytes())


def _names(root: Path) -> None:
    data = (root / "tiny.png").read_bytes()
    for name in [*NAMES.values(), "composed-\u00e9.png", "decomposed-e\u0301.png", "line\nbreak.png", "bell\x07.png"]:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(data)
    with open(os.fsencode(root) + b"/latin-\xe9.png", "wb") as stream:
        stream.write(data)


def _hidden_and_outside(root: Path) -> None:
    data = (root / "tiny.png").read_bytes()
    (root / ".hidden.png").write_bytes(data)
    (root / ".folder").mkdir()
    (root / ".folder/tiny.png").write_bytes(data)
    (root / "folder.png").mkdir()
    os.mkfifo(root / "pipe.png")
    for folder in ("outside", "images-old"):
        (root.parent / folder).mkdir()
        (root.parent / folder / "secret.png").write_bytes(data)
    (root / "link.png").symlink_to("tiny.png")
    (root / "link-out.png").symlink_to("../outside/secret.png")
    (root / "link-old.png").symlink_to("../images-old/secret.png")
    (root / "link-hidden.png").symlink_to(".hidden.png")
    (root / "link-nowhere.png").symlink_to("nothing.png")
    (root / "link-loop.png").symlink_to("link-loop.png")
    (root / "exit").symlink_to("../outside")


def _png(width: int, height: int, *, depth: int, kind: int, data: bytes) -> bytes:
    """A PNG; ``data`` are its compressed rows, ``kind`` 2 is RGB."""
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def _gif_of_frames(count: int) -> bytes:
    """An animation of one pixel, first red, then blue."""
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes((255, 0, 0, 0, 0, 255))
    frame = b"\x21\xf9\x04\x00\x05\x00\x00\x00" + b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02"
    red, blue = b"\x44\x01\x00", b"\x4c\x01\x00"
    return head + frame + red + (frame + blue) * (count - 1) + b"\x3b"
