"""Everything that can go wrong in foreign decoders on foreign bytes, turned into our errors at one place."""

from __future__ import annotations

import errno
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from qisd.errors import SourceTooLarge, StoreUnavailable, Unsupported

UNKNOWN = "Invalid or unsupported image format"
DAMAGED = f"{UNKNOWN}: the image file is truncated or damaged"

_DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,  # recursion and NotImplementedError among them
    SyntaxError,  # Pillow's word for "not what I expected"
    TypeError,
    ValueError,
    Warning,  # where warnings are made errors
    struct.error,
    zlib.error,
)

_STORAGE = frozenset({errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN, errno.ECONNRESET, errno.EHOSTDOWN})
"""What a disk or network file system reports when it is to blame, not the file."""


@contextmanager
def decoding() -> Iterator[None]:
    """Turn what a decoder raises into :class:`Unsupported`; our own errors pass."""
    try:
        yield
    except (MemoryError, Image.DecompressionBombError) as error:
        raise SourceTooLarge("The image is too large to be decoded.", detail=repr(error)) from None
    except OSError as error:
        if error.errno in _STORAGE:
            raise StoreUnavailable(detail=repr(error)) from None
        raise Unsupported(DAMAGED, detail=repr(error)) from None
    except _DAMAGE as error:
        raise Unsupported(DAMAGED, detail=repr(error)) from None


def check_pixels(width: int, height: int, max_pixels: int) -> None:
    """:raises Unsupported: there is not one pixel. :raises SourceTooLarge: there are too many."""
    if width <= 0 or height <= 0:
        raise Unsupported(f"{UNKNOWN}: the image has no pixels")
    if width * height > max_pixels:
        raise SourceTooLarge(f"The image is too large ({width} × {height} pixels; {max_pixels} pixels are allowed).")
