"""Where log lines go: files that can be reopened and begun anew, the standard output, the journal."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from pathlib import Path
from typing import Protocol

from qisd.errors import StartupError

_MODE = 0o640
_JOURNAL = Path("/run/systemd/journal/socket")
_LONGEST_DATAGRAM = 180_000


class Outlet(Protocol):
    """Takes whole lines, from any thread. Never fails: a full disk must not end a request."""

    def write(self, text: str) -> None: ...
    def reopen(self) -> None: ...
    def close(self) -> None: ...


class LogFile:
    """A file that lines are added to.

    :param max_bytes: begin a new file when this one gets larger; 0 leaves that to others.
    :param keep: how many old files to keep then: ``name.1`` is the youngest.
    """

    def __init__(self, path: Path, *, max_bytes: int, keep: int) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._size = 0
        self.configure(max_bytes=max_bytes, keep=keep)

    def configure(self, *, max_bytes: int, keep: int) -> None:
        self._max_bytes = max_bytes
        self._keep = keep

    def open(self) -> None:
        """:raises StartupError: the file can't be written."""
        try:
            self._open()
        except OSError as error:
            raise StartupError(f"LOGGING_BASE_DIR: {self._path} can't be written: {error.strerror}") from error

    def write(self, text: str) -> None:
        data = text.encode("utf-8", "replace")
        with self._lock, contextlib.suppress(OSError):
            if self._max_bytes and self._size and self._size + len(data) > self._max_bytes:
                self._begin_anew()
            self._size += len(data)
            while data and self._descriptor is not None:
                data = data[os.write(self._descriptor, data) :]

    def begin_anew_if_large(self) -> bool:
        """Begin a new file if this one is too large, whoever has written to it."""
        with self._lock:
            try:
                large = bool(self._max_bytes) and self._path.stat().st_size > self._max_bytes
                if large:
                    self._begin_anew()
            except OSError:
                return False
            return large

    def reopen(self) -> None:
        """Open the file by its name again, as logrotate wants it; when that fails, go on with the old one.

        :raises OSError: it failed.
        """
        with self._lock:
            self._open()

    def close(self) -> None:
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, _MODE)
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size

    def _begin_anew(self) -> None:
        if self._keep:
            for number in range(self._keep - 1, 0, -1):
                with contextlib.suppress(FileNotFoundError):
                    self._numbered(number).replace(self._numbered(number + 1))
            self._path.replace(self._numbered(1))
        else:
            self._path.unlink(missing_ok=True)
        self._open()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


class StandardOutput:
    """The standard output that the process was started with; Twisted puts another in its place."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def write(self, text: str) -> None:
        stream = sys.__stdout__
        with self._lock, contextlib.suppress(OSError, ValueError):
            if stream is not None:
                stream.buffer.write(text.encode("utf-8", "replace"))
                stream.flush()

    def reopen(self) -> None:
        """There is nothing to reopen."""

    def close(self) -> None:
        """It is not ours to close."""


class Journal:
    """The systemd journal, through its own socket."""

    def __init__(self, path: Path = _JOURNAL) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        # A journal that hangs costs log lines, not requests.
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1024 * 1024)

    def open(self) -> None:
        """:raises StartupError: there is no journal."""
        if not self._path.is_socket():
            raise StartupError(f"LOG_TARGET: there is no journal at {self._path}")

    def send(self, datagram: bytes) -> None:
        with contextlib.suppress(OSError):
            self._socket.sendto(datagram[:_LONGEST_DATAGRAM], str(self._path))

    def close(self) -> None:
        self._socket.close()
