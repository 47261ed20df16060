"""SHA-256 of files of the library, read in pieces so that no thread is held for long."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import BinaryIO

import attrs

from qisd.errors import StoreUnavailable
from qisd.pools.files import FilePool
from qisd.repository.files import FileVersion, Repository

_CHUNK = 1024 * 1024
_PIECE = 8 * _CHUNK
"""Bytes that are read at once: few enough that slow file servers give them in time."""


@attrs.frozen
class Content:
    """What a file held, and which version of it that was."""

    digest: bytes
    version: FileVersion


@attrs.define
class _Hashing:
    """A file that is being read."""

    version: FileVersion | None = None
    position: int = 0
    done: bool = False
    changed: bool = False
    digest: hashlib._Hash = attrs.field(factory=hashlib.sha256)


async def _nothing(count: int) -> None:
    pass


async def content_of(
    files: FilePool,
    repository: Repository,
    src: str,
    *,
    read: Callable[[int], Awaitable[None]] = _nothing,
) -> Content | None:
    """The hash of a file; None if it was written to meanwhile.

    :param read: told how many bytes each piece had; it may take its time.
    :raises NotFound: there is no such file. :raises StoreUnavailable: it can't be read.
    """
    hashing = _Hashing()
    while True:
        before = hashing.position
        await files.run(partial(_go_on, repository, src, hashing))
        if hashing.changed or hashing.version is None:
            return None
        await read(hashing.position - before)
        if hashing.done:
            return Content(hashing.digest.digest(), hashing.version)


def _go_on(repository: Repository, src: str, hashing: _Hashing) -> None:
    """In a thread."""
    source = repository.open(src)
    with source.stream as stream:
        hashing.version = hashing.version or source.version
        if source.version != hashing.version:
            hashing.changed = True
            return
        try:
            _read(stream, hashing)
        except OSError as error:
            raise StoreUnavailable(detail=f"read: {error}") from error
        # Only now: it may have been written to while it was read.
        hashing.changed = repository.version(source.name) != hashing.version


def _read(stream: BinaryIO, hashing: _Hashing) -> None:
    stream.seek(hashing.position)
    end = hashing.position + _PIECE
    while hashing.position < end:
        data = stream.read(min(_CHUNK, end - hashing.position))
        if not data:
            hashing.done = True
            return
        hashing.digest.update(data)
        hashing.position += len(data)
