"""What is known of a source before and after it was decoded."""

from __future__ import annotations

import attrs
from PIL import Image

from qisd.imaging.formats import Format
from qisd.imaging.geometry import Size
from qisd.imaging.metadata import Metadata


@attrs.frozen(kw_only=True)
class DecodeLimits:
    """What a source may have at most; checked before any pixel is decoded.

    :param max_pixels: width × height of one page.
    :param max_bytes: size of the file.
    """

    max_pixels: int = 250_000_000
    max_bytes: int = 2**31


@attrs.frozen(kw_only=True)
class SourceInfo:
    """What the header of a source says.

    :param format: canonical name of the format that the bytes have, whatever the file is called.
    :param width: of the wanted page, in pixels; upright if orientation is to be applied.
    :param height: likewise.
    :param mode: Pillow's name of the pixel layout, as stored.
    :param pages: 1 for everything but documents of several pages; the frames of an animation are no pages.
    :param has_alpha: some pixels may be transparent.
    :param orientation: EXIF orientation, 1 … 8; 1 is upright.
    :param decoded_bytes: memory of the decoded picture at full size.
    :param decoder_bytes: memory that the decoder needs besides, at its height and whatever size it decodes to.
    """

    format: str
    width: int
    height: int
    mode: str
    pages: int
    has_alpha: bool
    orientation: int
    decoded_bytes: int
    decoder_bytes: int


@attrs.frozen(kw_only=True)
class Header:
    """All that comes with a picture, without its pixels.

    :param icc: embedded colour profile, as found, unchecked.
    """

    info: SourceInfo
    metadata: Metadata
    icc: bytes | None


@attrs.frozen(kw_only=True)
class Picture:
    """A decoded source.

    :param image: the pixels, upright if that was asked for; palette and mode are those of the source (its
        ``info`` holds nothing but the transparent colour, where there is one).
    :param icc: embedded colour profile, as found, unchecked.
    :param metadata: all else that came with it.
    :param dpi: horizontal and vertical density in pixels per inch.
    :param full_size: size of the whole picture; that of ``image`` may be smaller if a reduced size was asked for.
    :param format: what the source really is.
    :param reduced: the size to which the whole picture was reduced, exactly from edge to edge; None: ``image`` is what
        a decoder has made, which may have rounded that size up.
    :param origin: x and y in the reduced picture of the upper left pixel of ``image``, if that is only a part of it.
    """

    image: Image.Image
    icc: bytes | None
    metadata: Metadata
    dpi: tuple[float, float] | None
    full_size: Size
    format: Format
    reduced: Size | None = None
    origin: tuple[int, int] = (0, 0)
