"""Which processes of this server are alive: each holds a lock on a file for as long as it lives.

Several processes of one server work on the same library. What one of them leaves unfinished when it is killed must be
seen to by another, and nothing else may be; only the kernel knows for certain, and gives its lock back.
"""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from qisd.errors import StartupError

FOLDER = "processes"


class Presence:
    """That this process is alive, for the others of this server to see. Blocks on files of this machine.

    :param server: the id of this server.
    :ivar id: names this process among all of all servers.
    :raises StartupError: the files can't be made.
    """

    def __init__(self, state_dir: Path, server: str) -> None:
        self._folder = state_dir / FOLDER
        self._server = server
        self._buried: dict[str, int] = {}
        own = uuid.uuid4().hex[:16]  # with the server's id it has to fit into a column of 64 characters
        self.id = f"{server}.{own}"
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._lock = self._announced(own)
        except OSError as error:
            raise StartupError(f"{self._folder}: {error.strerror}") from error

    def gone(self) -> list[str]:
        """The ids of processes of this server that have ended without having been seen to; no one else gets them now.

        One of them is the server's own, by which processes of earlier versions went.
        """
        for name in self._others():
            lock = _locked(self._folder / name)
            if lock is not None:
                self._buried[name] = lock
        return [self._server, *(f"{self._server}.{name}" for name in self._buried)]

    def forget(self) -> None:
        """Those that :meth:`gone` told of have been seen to."""
        for name, lock in self._buried.items():
            (self._folder / name).unlink(missing_ok=True)
            os.close(lock)
        self._buried.clear()

    def end(self) -> None:
        """This process has left nothing unfinished."""
        (self._folder / self.id.rpartition(".")[2]).unlink(missing_ok=True)
        os.close(self._lock)

    def _announced(self, name: str) -> int:
        # Locked before it has its name, so that nobody finds it without.
        unnamed = self._folder / f".{name}"
        descriptor = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        unnamed.rename(self._folder / name)
        return descriptor

    def _others(self) -> Iterator[str]:
        own = self.id.rpartition(".")[2]
        for entry in os.scandir(self._folder):
            if not entry.name.startswith(".") and entry.name != own and entry.name not in self._buried:
                yield entry.name


def anybody_lives(state_dir: Path) -> bool:
    """Whether there are processes of this server, be it that their main process has gone."""
    try:
        names = [entry.name for entry in os.scandir(state_dir / FOLDER) if not entry.name.startswith(".")]
    except OSError:
        return False
    for name in names:
        try:
            lock = _locked(state_dir / FOLDER / name)
        except OSError:
            continue
        if lock is not None:
            os.close(lock)
        elif (state_dir / FOLDER / name).exists():
            return True
    return False


def _locked(path: Path) -> int | None:
    """A descriptor of the file, if nobody holds it."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    if not path.exists():  # somebody else has seen to it meanwhile
        os.close(descriptor)
        return None
    return descriptor
