"""The image library: plain files below one root. Every function here blocks and belongs into a thread."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

import attrs

from qisd.errors import StoreUnavailable
from qisd.repository import paths
from qisd.repository.faults import ABSENT
from qisd.repository.mounted import check_there


@attrs.frozen(kw_only=True)
class FileVersion:
    """What tells one state of a file from another: a file replaced by any means gets another version."""

    size: int
    mtime_ns: int
    inode: int

    @property
    def mtime(self) -> float:
        """Time of the last change, in seconds since 1970."""
        return self.mtime_ns / 1e9

    def __str__(self) -> str:
        return f"{self.size}-{self.mtime_ns}-{self.inode}"


@attrs.frozen(kw_only=True)
class OpenSource:
    """A source file that is open for reading.

    :param name: its path below the root, as the bytes on disk spell it.
    """

    stream: BinaryIO
    name: bytes
    version: FileVersion


class Repository:
    """The files below ``root``.

    :param check_file: a file below the root that is there whenever the library is; if it is missing, the library
        counts as not mounted, and a missing file is no longer taken for deleted.
    """

    def __init__(self, root: Path, *, check_file: str = "") -> None:
        self._root = os.fsencode(root)
        self._check_file = os.fsencode(check_file)

    def open(self, path: str) -> OpenSource:
        """Open the regular file at ``path``, which :func:`qisd.repository.paths.normalise` made.

        Symbolic links are followed as long as they stay inside the root. Hidden files are not there.

        :raises NotFound: there is no such file, or it is hidden, no regular file, or outside the root.
        :raises StoreUnavailable: the library can't be read.
        """
        if path and not paths.is_hidden(path):
            for name in paths.spellings(path):
                stream = self._open(name)
                if stream is not None:
                    return self._source(stream, name)
        check_there(self._root, self._check_file)
        raise paths.not_found(path)

    def version(self, name: bytes) -> FileVersion | None:
        """The version of the file that :meth:`open` called ``name``, or None when it is gone."""
        try:
            return version_of(os.stat(os.path.join(self._root, name)))
        except OSError as error:
            if error.errno in ABSENT:
                return None
            raise StoreUnavailable(detail=f"stat: {error}") from error

    def _open(self, name: bytes) -> BinaryIO | None:
        root = os.path.realpath(self._root)
        real = os.path.realpath(os.path.join(root, name))
        if not is_visible(root, real):
            return None
        try:
            # O_NOFOLLOW: the last component was resolved above; should it have become a link since, it is not opened.
            # O_NONBLOCK: opening a FIFO must not wait for a writer.
            descriptor = os.open(real, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            if error.errno in ABSENT:
                return None
            raise StoreUnavailable(detail=f"open: {error}") from error
        # What was opened decides, not what was looked up: a folder swapped for a link in between does not get through.
        opened = os.readlink(b"/proc/self/fd/%d" % descriptor)
        if not is_visible(root, opened) or not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return None
        return os.fdopen(descriptor, "rb")

    def _source(self, stream: BinaryIO, name: bytes) -> OpenSource:
        return OpenSource(stream=stream, name=name, version=version_of(os.fstat(stream.fileno())))


def is_visible(root: bytes, real: bytes) -> bool:
    """Whether the resolved path ``real`` lies below ``root`` with no hidden component in between; the root does not."""
    if os.path.commonpath((root, real)) != root:
        return False
    return not any(part.startswith(b".") for part in os.path.relpath(real, root).split(b"/"))


def version_of(status: os.stat_result) -> FileVersion:
    """The version of the file that was looked at."""
    return FileVersion(size=status.st_size, mtime_ns=status.st_mtime_ns, inode=status.st_ino)
