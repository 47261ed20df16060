"""Where files arrive before they have a place in the library: on its file system, under names that nobody looks at.

Everything here blocks and belongs into a thread.
"""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections.abc import Callable, Sequence

from qisd.errors import NoSpace
from qisd.repository.faults import changing
from qisd.repository.files import FileVersion, version_of
from qisd.repository.tree import STAGING, Tree

_ABANDONED = 86_400.0
"""Seconds after which what another server has left is removed."""

_MEGABYTE = 1024 * 1024

RESUMABLE = f"{STAGING}/resumable"
"""Where files grow that arrive in several pieces, at whichever server: they outlive every process."""

# So much of a file is written between two looks at how much room there is.
_CHECK_EVERY = 16 * _MEGABYTE


class IncomingFile:
    """A file that is being received.

    :ivar filename: as the client sent it; never to be trusted.
    :ivar path: where it is, as :class:`~qisd.repository.tree.Tree` has it.
    :ivar size: bytes written so far.
    :ivar digest: their SHA-256, once it is finished; ``version`` tells the file then, wherever it goes.
    """

    def __init__(self, tree: Tree, path: str, *, filename: str, check_space: Callable[[], None]) -> None:
        self.filename = filename
        self._check_space = check_space
        self._unchecked = 0
        self.path = path
        self.size = 0
        self.digest = b""
        self.version = FileVersion(size=0, mtime_ns=0, inode=0)
        self._tree = tree
        self._hash = hashlib.sha256()
        with changing(path):
            descriptor = os.open(
                self.location, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
            )
        self._stream = os.fdopen(descriptor, "wb", buffering=0)

    @property
    def location(self) -> bytes:
        """Its absolute path."""
        return os.path.join(self._tree.root, os.fsencode(self.path))

    def write(self, data: bytes) -> None:
        """:raises NoSpace: the disk is nearly full."""
        self._unchecked += len(data)
        if self._unchecked >= _CHECK_EVERY:
            self._check_space()
            self._unchecked = 0
        view = memoryview(data)
        while view:
            view = view[self._stream.write(view) :]
        self._hash.update(data)
        self.size += len(data)

    def finish(self) -> None:
        """All is written: bring it to the disk, with the mode that files of the library have."""
        os.fchmod(self._stream.fileno(), self._tree.file_mode)
        os.fsync(self._stream.fileno())
        self.version = version_of(os.fstat(self._stream.fileno()))
        self._stream.close()
        self.digest = self._hash.digest()

    def discard(self) -> None:
        """Close and remove it. What has found its place in the library stays there."""
        self._stream.close()
        self._tree.remove(self.path)


class Staging:
    """Receives the files of one process. Fits :class:`qisd.web.bodies.FileSink`.

    :param server: the id of this process among all that work on the library.
    :param min_free_mb: below that much room nothing is received.
    """

    def __init__(self, tree: Tree, *, server: str, min_free_mb: int = 0) -> None:
        self._tree = tree
        self._server = f"{STAGING}/{server}"
        self._own = f"{self._server}/{uuid.uuid4().hex}"
        self.min_free_mb = min_free_mb

    def open(self, filename: str) -> IncomingFile:
        """Begin a file.

        :raises NoSpace: the disk is nearly full.
        """
        self.check_space()
        return IncomingFile(self._tree, self.place(), filename=filename, check_space=self.check_space)

    def place(self) -> str:
        """A new path for something of our own; its folder is there."""
        self._tree.make_own(self._own)
        return f"{self._own}/{uuid.uuid4().hex}"

    def place_to_grow(self, name: str) -> str:
        """The path of a file that arrives in several pieces; its folder is there."""
        self._tree.make_own(RESUMABLE)
        return f"{RESUMABLE}/{name}"

    def abandoned(self) -> list[str]:
        """The paths of such files to which nothing has come for long."""
        found = self._tree.own_entries(RESUMABLE)
        return [f"{RESUMABLE}/{name}" for name, changed in found if changed < time.time() - 2 * _ABANDONED]

    def check_space(self, wanted: int = 0) -> None:
        """:raises NoSpace: the disk is nearly full, or would be with ``wanted`` bytes more."""
        free = self._tree.free_bytes()
        if free - wanted < self.min_free_mb * _MEGABYTE:
            more = f", {wanted // _MEGABYTE} are wanted" if wanted else ""
            raise NoSpace(detail=f"{free // _MEGABYTE} MiB are free{more}, {self.min_free_mb} must stay so")

    def sweep(self, gone: Sequence[str]) -> None:
        """Remove what processes left that are not alive, and others that seem to be gone for good.

        To be called at the start, when the journal has been gone through and before anything arrives.

        :param gone: the ids of those that are certainly not.
        """
        for server in gone:
            self._tree.remove(f"{STAGING}/{server}")
        for server, _ in self._tree.own_entries(STAGING):
            if f"{STAGING}/{server}" == RESUMABLE:
                continue
            for process, changed in self._tree.own_entries(f"{STAGING}/{server}"):
                if changed < time.time() - _ABANDONED:
                    self._tree.remove(f"{STAGING}/{server}/{process}")
