"""JPEG 2000 pixels, decoded and encoded outside: each picture in a process of its own, which ends with it.

Pillow's codec for JPEG 2000 lets no other thread work as long as it does, which is seconds for a large picture, and the
library below it has often been found to trip over hostile files. Outside, neither matters: other threads go on; and a
process that crashes, grows or hangs is one file that can't be read.

A process takes some 30 ms to start. It is given memory, processor time and a size of its result that fit the picture.
"""

from __future__ import annotations

import errno
import io
import os
import re
import select
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NoReturn

import PIL
from PIL import Image

import qisd
from qisd.errors import Busy
from qisd.imaging.outside_worker import DONE, PIXEL_BYTES, read_pixels, write_pixels

Checkpoint = Callable[[], None]

PROCESS_BYTES = 16 * 1024 * 1024
"""What the process takes for itself."""

# Both packages by the folders that they were found in: that holds for any way to install them, while what ``site``
# would add takes time to look through, and what the environment would add is nobody's business. Ours comes first: the
# other may hold an older qisd.
_FOLDERS = [str(Path(str(package.__file__)).resolve().parent.parent) for package in (qisd, PIL)]
_PROGRAM = f"import sys; sys.path += {_FOLDERS!r}; from qisd.imaging.outside_worker import main; main()"
_ENVIRONMENT = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}

_ADDRESSES = 64 * 1024 * 1024
"""Address space of the program, libraries and all; twice what it is."""
_ENCODER_BYTES = 24
"""Bytes that encoding takes per byte of pixels; measured, rounded up."""
_RESULT_SLACK = 1 << 20
_SECONDS, _PIXELS_PER_SECOND = 10, 250_000
"""Processor time: at least, and what else by the size of the picture; ten times what it takes an ordinary machine."""
_PATIENCE = 4
"""How much longer it may take where processors are short."""
_TICK = 0.05
_GRACE = 5

_LAST_WORDS = 4096


def decode(
    stream: BinaryIO,
    *,
    mode: str,
    size: tuple[int, int],
    halvings: int,
    memory: int,
    checkpoint: Checkpoint,
) -> Image.Image:
    """The pixels of a JPEG 2000 file, without palette.

    :param mode: the picture's, as its header tells.
    :param size: likewise, in pixels, before the halvings.
    :param memory: bytes that decoding may take.
    :param checkpoint: called all the while; what it raises ends decoding.
    :raises OSError: the file can't be decoded, or not in time; or it could not be read.
    :raises MemoryError: it takes too much memory.
    :raises Busy: the system has no process to spare.
    """
    half = (1 << halvings) >> 1
    width, height = ((side + half) >> halvings for side in size)
    with _with_descriptor(stream) as source, _memory_file() as result:
        _run(
            source, result.fileno(), "decode", mode, width, height, halvings,
            memory=memory, pixels=size[0] * size[1], written=width * height * PIXEL_BYTES[mode], checkpoint=checkpoint,
        )  # fmt: skip
        result.seek(0)
        try:
            return read_pixels(result, mode, (width, height))
        except ValueError as error:
            raise OSError("there are too few pixels") from error


def encode(image: Image.Image, *, bare: bool, comment: bytes | None, checkpoint: Checkpoint) -> bytes:
    """A JPEG 2000 file, reversibly encoded. Errors and the other parameters are those of :func:`decode`.

    :param bare: the code stream alone, without the boxes of JP2 round it.
    """
    comment = comment or b""
    with _memory_file() as source, _memory_file() as result:
        source.write(comment)
        write_pixels(source, image)
        source.seek(0)
        pixels = image.width * image.height
        size = pixels * PIXEL_BYTES[image.mode]
        _run(
            source.fileno(), result.fileno(), "encode", image.mode, *image.size, int(bare), len(comment),
            memory=_ENCODER_BYTES * size, pixels=pixels, written=2 * size + len(comment) + _RESULT_SLACK,
            checkpoint=checkpoint,
        )  # fmt: skip
        result.seek(0)
        return result.read()


def _memory_file() -> io.FileIO:
    try:
        return io.FileIO(os.memfd_create("picture"), "w+b")
    except OSError as error:
        raise Busy(detail=f"no memory file for a picture: {error!r}") from error


@contextmanager
def _with_descriptor(stream: BinaryIO) -> Iterator[int]:
    """The descriptor of a file, or that of a copy of what is none."""
    try:
        descriptor = stream.fileno()
    except io.UnsupportedOperation:
        with _memory_file() as copy:
            stream.seek(0)
            shutil.copyfileobj(stream, copy)
            yield copy.fileno()
    else:
        yield descriptor


def _run(
    source: int, result: int, task: str, *arguments: str | int,
    memory: int, pixels: int, written: int, checkpoint: Checkpoint,
) -> None:  # fmt: skip
    seconds = _SECONDS + pixels // _PIXELS_PER_SECOND
    words = (_ADDRESSES + memory * 3 // 2, seconds, written, source, result, task, *arguments)
    # Neither the environment nor the working directory decides what it loads, nor does it write what it compiled.
    command = [sys.executable, "-I", "-S", "-B", "-c", _PROGRAM, *map(str, words)]
    try:
        child = subprocess.Popen(  # noqa: S603 - ourselves, without a shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=(source, result),
            cwd="/",
            env=_ENVIRONMENT,
        )
    except OSError as error:
        raise Busy(detail=f"no process for a picture: {error!r}") from error
    with child:
        try:
            last = _last_words(child, _PATIENCE * seconds, checkpoint)
            child.wait(_GRACE)
        except subprocess.TimeoutExpired:
            raise OSError(f"{task} does not end") from None
        finally:
            child.kill()  # if it is still there; leaving the block waits for its end
    if child.returncode != 0 or last != DONE:
        _blame(f"{task} ended with {child.returncode}", last)


def _last_words(child: subprocess.Popen[bytes], seconds: float, checkpoint: Checkpoint) -> bytes:
    """The end of what it says until it closes its standard error, as it does by ending in whatever way.

    :raises OSError: it does not, in time.
    """
    assert child.stderr is not None  # noqa: S101 - it is a pipe
    poll = select.poll()
    poll.register(child.stderr, select.POLLIN)
    words = b""
    for _ in range(int(seconds / _TICK)):
        checkpoint()
        if poll.poll(_TICK * 1000):
            more = os.read(child.stderr.fileno(), _LAST_WORDS)
            if not more:
                return words
            words = (words + more)[-_LAST_WORDS:]
    raise OSError(f"no end after {seconds} s")


def _blame(what: str, words: bytes) -> NoReturn:
    told = re.fullmatch(rb"(\d{1,3}) (.*)", words, re.DOTALL)
    number = int(told[1]) if told else 0
    if number == errno.ENOMEM:
        raise MemoryError(what)
    text = f"{what}: {words[-300:].decode(errors='replace')}"
    raise OSError(number, text) if number else OSError(text)
