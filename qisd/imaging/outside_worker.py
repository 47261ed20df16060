"""The process in which one JPEG 2000 picture is decoded or encoded; :mod:`qisd.imaging.outside` starts it.

It gets its work as arguments, pixels and files through descriptors. Before it looks at any of them it gives up all that
it has no need of: once its limits are set, it can neither open a file nor a socket, nor start anything else. Its last
word on standard error is :data:`DONE`, or else the number of an error of the system (0: none) and a text.

Nothing may be imported here that is not needed: it all counts for every picture.
"""

from __future__ import annotations

import ctypes
import errno
import io
import os
import resource
import signal
import sys
from typing import BinaryIO, cast

from PIL import Image, Jpeg2KImagePlugin

DONE = b"done"

PIXEL_BYTES = {"L": 1, "P": 1, "LA": 2, "PA": 2, "I;16": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}
"""Bytes per pixel on the way between the processes."""

_STRIP_BYTES = 1 << 20

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 1, 38, 47, 4


def write_pixels(file: BinaryIO, image: Image.Image) -> None:
    """Strip by strip, so that there is never a second copy of the picture."""
    for top, bottom in _strips(image.mode, image.size):
        file.write(image.crop((0, top, image.width, bottom)).tobytes())


def read_pixels(file: BinaryIO, mode: str, size: tuple[int, int]) -> Image.Image:
    """What :func:`write_pixels` wrote.

    :raises ValueError: there are fewer pixels than that.
    """
    image = Image.new(mode, size)
    for top, bottom in _strips(mode, size):
        part = size[0], bottom - top
        data = file.read(part[0] * part[1] * PIXEL_BYTES[mode])
        image.paste(Image.frombytes(mode, part, data), (0, top))
    return image


def _strips(mode: str, size: tuple[int, int]) -> list[tuple[int, int]]:
    rows = max(1, _STRIP_BYTES // (size[0] * PIXEL_BYTES[mode]))
    return [(top, min(top + rows, size[1])) for top in range(0, size[1], rows)]


def decode(source: int, result: int, mode: str, width: str, height: str, halvings: str) -> None:
    """Write the pixels of the file ``source`` to the file ``result``.

    :param mode: what the picture has to be, likewise ``width`` and ``height``, after the ``halvings``.
    """
    image = Jpeg2KImagePlugin.Jpeg2KImageFile(cast("BinaryIO", _Positioned(source)))
    image.reduce = int(halvings)
    image.load()
    if (image.mode, *image.size) != (mode, int(width), int(height)):
        raise ValueError(f"it has become {image.mode} {image.size}")
    with os.fdopen(result, "wb") as file:
        write_pixels(file, image)


def encode(source: int, result: int, mode: str, width: str, height: str, bare: str, comment: str) -> None:
    """Write a file of the pixels in the file ``source`` to the file ``result``.

    :param bare: "1" for a code stream without the boxes of JP2 round it.
    :param comment: the number of bytes of comment that come before the pixels.
    """
    with os.fdopen(source, "rb") as file:
        text = file.read(int(comment))
        image = read_pixels(file, mode, (int(width), int(height)))
    # As Image.save() does it, which would load other plugins before.
    image.encoderinfo = {"no_jp2": bare == "1", "comment": text or None}
    with os.fdopen(result, "wb") as file:
        Jpeg2KImagePlugin._save(image, file, "")


class _Positioned(io.RawIOBase):
    """A file with a position of its own: that of the descriptor belongs to the other process as well."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._at = 0

    def read(self, size: int = -1, /) -> bytes:
        data = os.pread(self._descriptor, size, self._at)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._at = offset + (0, self._at, os.fstat(self._descriptor).st_size)[whence]
        return self._at

    def tell(self) -> int:
        return self._at


def _give_up_rights(memory: int, seconds: int, size: int) -> None:
    """:param size: of the largest file that may be written."""
    prctl = ctypes.CDLL(None).prctl
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, size),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_NOFILE, 0),
    ):
        _, hard = resource.getrlimit(limit)
        least = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (least, least))


def main() -> None:
    """The arguments: memory, seconds, size of the result; the two files; the task and its own."""
    memory, seconds, size, source, result = map(int, sys.argv[1:6])
    task, *arguments = sys.argv[6:]
    try:
        _give_up_rights(memory, seconds, size)
        if task == "decode":
            decode(source, result, *arguments)
        else:
            encode(source, result, *arguments)
        words = DONE
    except MemoryError:
        words = b"%d out of memory" % errno.ENOMEM
    except Exception as error:
        words = f"{getattr(error, 'errno', None) or 0} {error!r}".encode(errors="replace")
    os.write(2, words[:1000])
    # Without clearing up, which takes time and does nothing for anybody.
    os._exit(0)
