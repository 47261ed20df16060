"""Source files that are in object storage, with copies of those that were used last on the local disk."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from qisd.errors import StoreUnavailable
from qisd.repository import paths
from qisd.repository.bucket import Bucket, Entry
from qisd.repository.faults import changing
from qisd.repository.files import FileVersion, OpenSource, Repository

_LOCKS = 64
_TRIES = 3
_FILL_TO = 0.9
"""How much of the room is still taken after copies were removed."""


class SourceCopies:
    """Copies of objects in a folder that processes may share; those that were used longest ago go first.

    :param most: bytes that they may take. One that is being fetched comes on top.
    """

    def __init__(self, folder: Path, *, most: int) -> None:
        self._folder = folder
        self._most = most
        self._locks = [threading.Lock() for _ in range(_LOCKS)]

    def open(self, bucket: Bucket, path: str) -> tuple[Entry, BinaryIO] | None:
        """The object at ``path`` as it is now, and a copy of it; None: there is none.

        :raises StoreUnavailable: it can't be fetched. :raises NoSpace: there is no room on the local disk.
        """
        for _ in range(_TRIES):
            entry = bucket.head(path)
            if entry is None:
                return None
            stream = self._copy(bucket, path, entry)
            if stream is not None:
                return entry, stream
        raise StoreUnavailable(detail=f"object storage: {path!r} changes faster than it can be read")

    def _copy(self, bucket: Bucket, path: str, entry: Entry) -> BinaryIO | None:
        """None: it is not that one any more."""
        place = self._place(path, entry)
        # One of those who want the same fetches it; the others of this process wait.
        with self._locks[hash(place) % _LOCKS], changing(str(place)):
            with suppress(FileNotFoundError):
                stream = place.open("rb")
                os.utime(place)
                return stream
            return self._fetch(bucket, path, entry, place)

    def _place(self, path: str, entry: Entry) -> Path:
        return self._folder / hashlib.sha256(f"{entry.version} {path}".encode(errors="surrogateescape")).hexdigest()

    def _fetch(self, bucket: Bucket, path: str, entry: Entry, place: Path) -> BinaryIO | None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, fresh = tempfile.mkstemp(dir=self._folder)
        with os.fdopen(descriptor, "w+b") as stream:
            try:
                if not bucket.fetch(path, entry, stream):
                    return None
                if stream.tell() != entry.size:
                    raise StoreUnavailable(detail=f"object storage: {path!r} was cut short")
                stream.flush()
                reading = Path(fresh).open("rb")  # noqa: SIM115 - whoever asked closes it
                Path(fresh).rename(place)
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(fresh)
        self._trim()
        return reading

    def _trim(self) -> None:
        found = []
        with os.scandir(self._folder) as entries:
            for one in entries:
                with suppress(FileNotFoundError):
                    found.append((one.stat().st_mtime_ns, one.stat().st_size, one.path))
        taken = sum(size for _, size, _ in found)
        if taken <= self._most:
            return
        for _, size, path in sorted(found):
            if taken <= self._most * _FILL_TO:
                break
            with suppress(FileNotFoundError):
                os.unlink(path)
            taken -= size


class BucketRepository(Repository):
    """The files of the library in a bucket."""

    def __init__(self, root: Path, bucket: Bucket, copies: SourceCopies) -> None:
        super().__init__(root)
        self._bucket = bucket
        self._copies = copies

    def open(self, path: str) -> OpenSource:
        if path and not paths.is_hidden(path):
            for name in paths.spellings(path):
                source = self._opened(name)
                if source is not None:
                    return source
        self._bucket.check_there()
        raise paths.not_found(path)

    def version(self, name: bytes) -> FileVersion | None:
        entry = self._bucket.head(os.fsdecode(name))
        return None if entry is None else entry.version

    def _opened(self, name: bytes) -> OpenSource | None:
        found = self._copies.open(self._bucket, os.fsdecode(name))
        if found is None:
            return None
        entry, stream = found
        return OpenSource(stream=stream, name=name, version=entry.version)
