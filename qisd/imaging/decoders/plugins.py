"""Pillow's plugins, the few that may see a file, and the marks by which a file is told to be theirs.

Pillow knows far more formats than we want to be exposed to, some of them by running other programs. So its automatism
is not used: this table of first bytes names the one plugin that opens a file.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable, Mapping
from typing import IO

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    IcoImagePlugin,
    Image,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PcxImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    PsdImagePlugin,
    TgaImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

Image.MAX_IMAGE_PIXELS = None  # our own limits are tighter, and are checked before anything is allocated
AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # many renders run side by side
warnings.filterwarnings("ignore", module=r"PIL\.")  # broken tags are no news …
logging.getLogger("PIL").addHandler(logging.NullHandler())  # … for standard error

_MARKS: tuple[tuple[str, re.Pattern[bytes]], ...] = tuple(
    (kind, re.compile(pattern, re.DOTALL))
    for kind, pattern in (
        ("JPEG", rb"\xff\xd8\xff"),
        ("PNG", rb"\x89PNG\r\n\x1a\n"),
        ("GIF", rb"GIF8[79]a"),
        ("TIFF", rb"II[\x2a\x2b]\0|MM\0[\x2a\x2b]"),
        ("WEBP", rb"RIFF....WEBPVP8[ LX]"),
        ("AVIF", rb"....ftyp(?:avif|avis|mif1|msf1)"),
        ("JPEG2000", rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  \r\n\x87\n"),
        ("PSD", rb"8BPS\0\x01"),
        ("ICO", rb"\0\0\x01\0"),
        ("BMP", rb"BM"),
        ("PPM", rb"P[1-6][ \t-\r#]|Pf[ \t-\r#]"),
        ("PCX", rb"\x0a[\0\x02\x03\x05]\x01"),
    )
)
_UNMARKED = {"tga": "TGA"}
WEAK_MARKS = frozenset({"ICO", "BMP", "PPM", "PCX", "TGA"})
"""Marks so short that other files begin like that too."""

OPENERS: Mapping[str, Callable[[IO[bytes]], ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "JPEG2000": Jpeg2KImagePlugin.Jpeg2KImageFile,
    "PSD": PsdImagePlugin.PsdImageFile,
    "ICO": IcoImagePlugin.IcoImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "PPM": PpmImagePlugin.PpmImageFile,
    "PCX": PcxImagePlugin.PcxImageFile,
    "TGA": TgaImagePlugin.TgaImageFile,
}


def kind_of(start: bytes, extension: str) -> str | None:
    """The structure of a file.

    :param start: its first 16 bytes.
    :param extension: lower case; counts only for formats that have no mark.
    """
    return next((kind for kind, mark in _MARKS if mark.match(start)), _UNMARKED.get(extension))
