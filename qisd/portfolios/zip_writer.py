"""Writing a zip, one file after the other. Everything here blocks and belongs into a thread."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO

from qisd.errors import NoSpace, StoreUnavailable

_STEP = 4 * 1024 * 1024
"""Bytes that are copied in one job of the file pool: few enough that the job's time-out is never met."""

_BUFFER = 256 * 1024

_SYNC_EVERY = 32 * 1024 * 1024
"""Bytes after which they are forced to disk, so that the last such wait is short too."""

LARGE = 2**30
"""From this size on a file gets 64-bit sizes, whatever becomes of it while it is copied."""

_OLDEST, _NEWEST = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 23, 59, 58)
"""The times that a zip can tell."""


class ZipWriter:
    """A zip in the making: a hidden file, which gets its name when it is complete.

    Files in it are stored as they are. Use it from one thread at a time; should a call be given up before it ended, the
    next one waits for it.

    :param path: of the hidden file; there must be none yet.
    :param mode: the permissions of the file.
    :param min_free: bytes that must stay free on the disk.
    """

    def __init__(self, path: Path, *, mode: int, min_free: int) -> None:
        self._path = path
        self._min_free = min_free
        self._lock = threading.Lock()
        self._unsynced = 0
        check_space(path.parent, min_free)
        with _disk_errors():
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            self._file: BinaryIO = os.fdopen(descriptor, "w+b")
            os.fchmod(descriptor, mode)
        self._zip = zipfile.ZipFile(self._file, "w", compression=zipfile.ZIP_STORED, allowZip64=True)
        self._entry: IO[bytes] | None = None

    def add(self, name: str, data: bytes, *, modified: float) -> None:
        """A whole file.

        :param modified: its time, in seconds since 1970.
        :raises NoSpace: the disk is full, or nearly.
        """
        with self._lock, _disk_errors():
            check_space(self._path.parent, self._min_free)
            self._zip.writestr(entry_info(name, modified=modified, mode=0o644), data)
            self._written(len(data))

    def begin(self, name: str, *, modified: float, size: int) -> None:
        """A file that :meth:`copy` will fill, about ``size`` bytes; then :meth:`end` it."""
        with self._lock, _disk_errors():
            info = entry_info(name, modified=modified, mode=0o644)
            self._entry = self._zip.open(info, "w", force_zip64=size >= LARGE)

    def copy(self, stream: BinaryIO) -> bool:
        """Take some more of ``stream``; true as long as there may be more.

        :raises NoSpace: the disk is full, or nearly.
        """
        with self._lock, _disk_errors():
            if self._entry is None:
                raise ValueError("no file has been begun")
            check_space(self._path.parent, self._min_free)
            copied = 0
            while copied < _STEP:
                chunk = stream.read(min(_BUFFER, _STEP - copied))
                if not chunk:
                    break
                self._entry.write(chunk)
                copied += len(chunk)
            self._written(copied)
            return copied == _STEP

    def end(self) -> None:
        """The file that was begun is complete."""
        with self._lock, _disk_errors():
            if self._entry is not None:
                self._entry.close()
                self._entry = None

    def finish(self, name: str) -> int:
        """The zip is complete: it gets its name, safe from a crash. Returns its size in bytes."""
        with self._lock, _disk_errors():
            self._zip.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            size = os.fstat(self._file.fileno()).st_size
            self._file.close()
            self._path.rename(self._path.with_name(name))
            sync_folder(self._path.parent)
            return size

    def discard(self) -> None:
        """Remove what there is of it; does nothing when it has been finished."""
        with self._lock:
            # Closing the zip properly would write its directory, perhaps onto a full disk: only the file is closed.
            self._zip.fp = None
            with contextlib.suppress(OSError):
                self._file.close()
            with contextlib.suppress(OSError):
                self._path.unlink()

    def _written(self, count: int) -> None:
        self._unsynced += count
        if self._unsynced >= _SYNC_EVERY:
            self._file.flush()
            os.fdatasync(self._file.fileno())
            self._unsynced = 0


def check_space(folder: Path, min_free: int) -> None:
    """:raises NoSpace: less than ``min_free`` bytes are free where ``folder`` is."""
    with _disk_errors():
        free = shutil.disk_usage(folder).free
    if free < min_free:
        raise NoSpace(detail=f"{free} bytes are free, {min_free} must stay so")


def sync_folder(folder: Path) -> None:
    """Make what was last done in ``folder`` safe from a crash."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoSpace(detail=str(error)) from error
        raise StoreUnavailable(detail=f"writing a zip: {error}") from error


def entry_info(name: str, *, modified: float, mode: int) -> zipfile.ZipInfo:
    try:
        moment = time.gmtime(modified)[:6]
    except (OverflowError, ValueError, OSError):
        moment = _OLDEST
    info = zipfile.ZipInfo(name, date_time=min(max(moment, _OLDEST), _NEWEST))
    info.external_attr = (stat.S_IFREG | mode) << 16
    return info
