"""Writing PNG with a choice of level and filter.

The quality of a PNG has two digits. Tens are zlib's level, 1 … 9 (100 is 9; below 10 is 0, stored). Ones are the
filter: 0 none, 1 sub, 2 up, 3 average, 4 Paeth; 5, 6 and 7 the best of these for each row, by the least sum of absolute
differences; 8 the same with zlib's run-length strategy; 9 none with run-length strategy.

Pillow only knows the choice per row. The other filters are the same for all rows, so they are differences of the
picture with itself moved by a pixel (PNG, ISO/IEC 15948, section 9), which Pillow can calculate.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from PIL import Image, ImageChops

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_NONE, _SUB, _UP, _AVERAGE, _PAETH = range(5)
_RUN_LENGTH_NONE = 9
_FIRST_ADAPTIVE, _RUN_LENGTH_ADAPTIVE = 5, 8

_PIXEL_BYTES = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "I;16": 2}
_STRIP_BYTES = 1 << 22


def write(image: Image.Image, *, quality: int, options: Mapping[str, Any]) -> bytes:
    """The file.

    :param image: ``1``, ``L``, ``LA``, ``RGB``, ``RGBA`` or ``I;16``.
    :param quality: 1 … 100, two digits as above. One-bit images are never filtered.
    :param options: of Pillow's encoder: profile, density, metadata.
    """
    level, digit = (min(quality // 10, 9), quality % 10)
    adaptive = _FIRST_ADAPTIVE <= digit <= _RUN_LENGTH_ADAPTIVE or image.mode == "1"
    run_length = digit in (_RUN_LENGTH_ADAPTIVE, _RUN_LENGTH_NONE)
    strategy = zlib.Z_RLE if run_length else None
    if adaptive:
        return _save(image, options, level, strategy)
    # One row tells everything but the height and the pixels.
    head = _chunks(_save(image.crop((0, 0, image.width, 1)), options, level, strategy))
    filtering = _NONE if digit == _RUN_LENGTH_NONE else digit
    parts = [_SIGNATURE]
    for name, data in head:
        if name == b"IHDR":
            data = data[:4] + struct.pack(">I", image.height) + data[8:]
        elif name == b"IDAT":
            data = _pixels(image, filtering, level, strategy or zlib.Z_DEFAULT_STRATEGY)
        parts.append(struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)))
    return b"".join(parts)


def _save(image: Image.Image, options: Mapping[str, Any], level: int, strategy: int | None) -> bytes:
    buffer = io.BytesIO()
    extra = {} if strategy is None else {"compress_type": strategy}
    image.save(buffer, "PNG", compress_level=level, **extra, **options)
    return buffer.getvalue()


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents; of several IDAT only the first."""
    position, seen = len(_SIGNATURE), False
    while position < len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        if name != b"IDAT" or not seen:
            yield name, data[position + 8 : position + 8 + length]
        seen = seen or name == b"IDAT"
        position += length + 12


def _pixels(image: Image.Image, filtering: int, level: int, strategy: int) -> bytes:
    """The compressed pixels, filtered strip by strip."""
    compressor = zlib.compressobj(level, zlib.DEFLATED, zlib.MAX_WBITS, 9, strategy)
    step = _PIXEL_BYTES[image.mode]
    row_bytes = image.width * step
    rows = max(1, _STRIP_BYTES // row_bytes)
    mark = bytes([filtering])
    parts = []
    above = bytes(row_bytes)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        raw = strip.tobytes("raw", "I;16B" if image.mode == "I;16" else image.mode)
        plane = Image.frombuffer("L", (row_bytes, strip.height + 1), above + raw, "raw", "L", 0, 1)
        filtered = _FILTERS[filtering](plane, step).tobytes()
        above = raw[-row_bytes:]
        lines = (mark + filtered[start : start + row_bytes] for start in range(row_bytes, len(filtered), row_bytes))
        parts.append(compressor.compress(b"".join(lines)))
    return b"".join((*parts, compressor.flush()))


# In all of these the first row is the one above the strip, and what becomes of it does not matter.


def _moved(plane: Image.Image, right: int, down: int) -> Image.Image:
    """The plane moved; zeros come in."""
    return plane.crop((-right, -down, plane.width - right, plane.height - down))


def _sub(plane: Image.Image, step: int) -> Image.Image:
    return ImageChops.subtract_modulo(plane, _moved(plane, step, 0))


def _up(plane: Image.Image, step: int) -> Image.Image:
    return ImageChops.subtract_modulo(plane, _moved(plane, 0, 1))


def _average(plane: Image.Image, step: int) -> Image.Image:
    mean = ImageChops.add(_moved(plane, step, 0), _moved(plane, 0, 1), scale=2)
    return ImageChops.subtract_modulo(plane, mean)


def _paeth(plane: Image.Image, step: int) -> Image.Image:
    """Predicts the nearest of left, above and upper left to ``left + above − upper left``; the first, if equal."""
    left, above, corner = _moved(plane, step, 0), _moved(plane, 0, 1), _moved(plane, step, 1)
    to_left = ImageChops.difference(above, corner)
    to_above = ImageChops.difference(left, corner)
    # |left + above − 2·corner|: the two differences added if they have the same sign, else subtracted.
    # Where that exceeds a byte, it is the largest anyway.
    same_sign = ImageChops.add(
        _both(_at_least(left, corner), _at_least(above, corner)),
        _both(_at_least(corner, left), _at_least(corner, above)),
    )
    to_corner = Image.composite(ImageChops.add(to_left, to_above), ImageChops.difference(to_left, to_above), same_sign)
    take_left = _both(_at_least(to_above, to_left), _at_least(to_corner, to_left))
    take_above = _at_least(to_corner, to_above)
    predicted = Image.composite(left, Image.composite(above, corner, take_above), take_left)
    return ImageChops.subtract_modulo(plane, predicted)


def _at_least(first: Image.Image, second: Image.Image) -> Image.Image:
    """255 where ``first >= second``, else 0."""
    return ImageChops.subtract(second, first).point(_IS_ZERO)


def _both(first: Image.Image, second: Image.Image) -> Image.Image:
    return ImageChops.darker(first, second)


_IS_ZERO = [255] + [0] * 255

_FILTERS: Mapping[int, Callable[[Image.Image, int], Image.Image]] = {
    _NONE: lambda plane, step: plane,
    _SUB: _sub,
    _UP: _up,
    _AVERAGE: _average,
    _PAETH: _paeth,
}
