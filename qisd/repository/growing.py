"""Files that arrive in several pieces, each in a request of its own, and perhaps at different servers.

Whoever writes to one, or puts it in its place, holds a lock on it: the file system's, which other servers see too.
Everything here blocks and belongs into a thread.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from collections.abc import Callable
from typing import Any

import attrs

from qisd.errors import NotFound, QisError, StoreUnavailable, TooLarge
from qisd.repository.faults import changing
from qisd.repository.files import FileVersion, version_of
from qisd.repository.tree import Tree

_CHECK_EVERY = 16 * 1024 * 1024

CHECKSUMS = ("sha1", "sha256")
"""What the checksum of a piece may be made with."""


class WrongOffset(QisError):
    """A piece does not follow those that are there."""

    status = 409
    code = "upload_offset"

    def __init__(self, offset: int) -> None:
        super().__init__(f"The upload is at byte {offset}")
        self.offset = offset


class UploadBusy(QisError):
    """Somebody else is at this upload."""

    status = 423
    code = "upload_busy"
    retry_after = 1

    def __init__(self) -> None:
        super().__init__("Another request is at this upload")


class ChecksumMismatch(QisError):
    """A piece is not what its checksum says; it is dropped."""

    status = 460
    code = "upload_checksum"

    def __init__(self) -> None:
        super().__init__("The content is not what its checksum says")


@attrs.frozen
class Checksum:
    """:param kind: one of :data:`CHECKSUMS`."""

    kind: str
    digest: bytes


def begin(tree: Tree, path: str) -> None:
    """Make a file without content."""
    with changing(path):
        os.close(os.open(_location(tree, path), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def size_of(tree: Tree, path: str) -> int:
    """How many bytes have come.

    :raises NotFound: the file is gone.
    """
    try:
        return os.stat(_location(tree, path), follow_symlinks=False).st_size
    except OSError as error:
        raise _fault(tree, error) from error


def is_free(tree: Tree, path: str) -> bool:
    """Whether nobody is at it at the moment."""
    try:
        os.close(_held(tree, path))
    except UploadBusy:
        return False
    except (NotFound, StoreUnavailable):  # nor can anybody be
        return True
    return True


class Piece:
    """The bytes of one request on their way to the end of a file. Fits :class:`qisd.web.bodies.StagedFile`.

    :ivar path: of the file.
    """

    def __init__(
        self,
        tree: Tree,
        path: str,
        *,
        offset: int,
        length: int,
        check_space: Callable[[], None],
        checksum: Checksum | None = None,
        closed: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin to write.

        :param offset: where the piece begins; so long must the file be.
        :param length: what the whole file must not exceed.
        :param check_space: raises :class:`~qisd.errors.NoSpace` when the disk is nearly full; asked now and then.
        :param closed: called when nothing more is written.
        """
        self._closed = closed
        check_space()
        self._check_space = check_space
        self._unchecked = 0
        self.path = path
        self._offset = self._end = offset
        self._length = length
        self._checksum = checksum
        self._hash: Any = hashlib.new(checksum.kind, usedforsecurity=False) if checksum is not None else None
        self._descriptor: int | None = _held(tree, path)
        size = os.fstat(self._descriptor).st_size
        if size != offset:
            self._close()
            raise WrongOffset(size)

    def write(self, data: bytes) -> None:
        assert self._descriptor is not None  # noqa: S101 - neither finished nor discarded
        if self._end + len(data) > self._length:
            raise TooLarge(f"The upload exceeds the capacity limit of {self._length} bytes.")
        self._unchecked += len(data)
        if self._unchecked >= _CHECK_EVERY:
            self._check_space()
            self._unchecked = 0
        view = memoryview(data)
        while view:
            count = os.pwrite(self._descriptor, view, self._end)
            self._end += count
            view = view[count:]
        if self._hash is not None:
            self._hash.update(data)

    def finish(self) -> None:
        """All has come: bring it to the disk.

        :raises ChecksumMismatch: it is something else.
        """
        assert self._descriptor is not None  # noqa: S101 - neither finished nor discarded
        if self._checksum is not None and self._hash.digest() != self._checksum.digest:
            self.discard()
            raise ChecksumMismatch
        os.fsync(self._descriptor)
        self._close()

    def discard(self) -> None:
        """What has come stays, for the next piece to follow; but not if it is not known whether it is right."""
        if self._descriptor is None:
            return
        try:
            if self._checksum is not None:
                os.ftruncate(self._descriptor, self._offset)
        finally:
            self._close()

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
            self._closed()


class WholeFile:
    """A file that has come whole, and to which nobody can write while it is open. Can be put in place like
    :class:`~qisd.repository.staging.IncomingFile`.

    :ivar filename: the name that it is to have.
    :ivar digest: its SHA-256, once :meth:`read` has returned false.
    """

    _STEP = 8 * 1024 * 1024
    _PIECE = 1024 * 1024

    def __init__(self, tree: Tree, path: str, *, filename: str, length: int) -> None:
        self.path = path
        self.filename = filename
        self.digest = b""
        self._tree = tree
        self._hash = hashlib.sha256()
        self._descriptor = _held(tree, path)
        self._read = 0
        self.version: FileVersion = version_of(os.fstat(self._descriptor))
        if self.version.size != length:
            self.close()
            raise WrongOffset(self.version.size)

    @property
    def location(self) -> bytes:
        """Its absolute path."""
        return _location(self._tree, self.path)

    def read(self) -> bool:
        """Read some of it, for the digest; whether there is more."""
        with changing(self.path):
            for _ in range(self._STEP // self._PIECE):
                data = os.pread(self._descriptor, self._PIECE, self._read)
                if not data:
                    self._finish()
                    return False
                self._hash.update(data)
                self._read += len(data)
        return True

    def _finish(self) -> None:
        os.fchmod(self._descriptor, self._tree.file_mode)
        os.fsync(self._descriptor)
        self.version = version_of(os.fstat(self._descriptor))
        self.digest = self._hash.digest()

    def close(self) -> None:
        os.close(self._descriptor)


def _location(tree: Tree, path: str) -> bytes:
    return os.path.join(tree.root, os.fsencode(path))


def _held(tree: Tree, path: str) -> int:
    """Open a file that nobody else is at, and keep others off.

    :raises NotFound: it is gone. :raises UploadBusy: somebody else is.
    """
    location = _location(tree, path)
    try:
        descriptor = os.open(location, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        raise _fault(tree, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # It may have been put in its place before it was locked.
        if not os.path.samestat(os.fstat(descriptor), os.stat(location, follow_symlinks=False)):
            raise _gone()
    except BlockingIOError as error:
        os.close(descriptor)
        raise UploadBusy from error
    except OSError as error:
        os.close(descriptor)
        raise _fault(tree, error) from error
    except QisError:
        os.close(descriptor)
        raise
    return descriptor


def _fault(tree: Tree, error: OSError) -> QisError:
    """What it means for an upload that its file can't be got at: only when it is gone the client has to begin anew.

    :raises StoreUnavailable: the library is not there.
    """
    if error.errno not in (errno.ENOENT, errno.ENOTDIR):
        return StoreUnavailable(detail=f"an upload in several pieces: {error}")
    tree.check_there()
    return _gone()


def _gone() -> NotFound:
    return NotFound("There is no such upload.")
