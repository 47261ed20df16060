"""Keeps two daemons from using one state directory."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from qisd.errors import StartupError


class DirectoryInUse(StartupError):
    """Another process has the lock."""


class StateLock:
    """An exclusive lock on a directory, held by this process until it releases it or ends, in whatever way.

    The lock belongs to an open file that no child process inherits. It is the kernel's, so ``kill -9`` leaves none
    behind, and it works across containers that share the directory.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / "lock"
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock, unless this object has it already.

        :raises DirectoryInUse: another process has it.
        :raises StartupError: the file can't be opened.
        """
        if self._descriptor is not None:
            return
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StartupError(f"{self._path} can't be opened: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise DirectoryInUse(
                f"another daemon (process {holder}) uses {self._path.parent} and holds {self._path}"
            ) from None
        os.truncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
