"""Renditions as files in a directory that several processes of one server share. Blocks: to be called in a thread.

The files are the truth, there is no index that could disagree with them. Each holds all that is needed to believe it or
not: its key, its length and a checksum, so that one which a crash has cut, or which somebody else has put there, is
never handed out. The time of its last change is the time of its last use. The sum of their sizes is kept in a file of
its own, for all processes together; :mod:`qisd.cache.disk` puts it right whenever it walks through the files.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import secrets
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import attrs

from qisd.cache.interfaces import CachedRendition

SHARDS = tuple(f"{number:02x}" for number in range(256))
"""Names of the directories that the files are spread over."""

MINUTE = 60
"""Seconds. Last uses are told apart by the minute: so one that is hot is not written to all the time."""

_MAGIC = b"qisd-rd1"
_HEAD = struct.Struct(">8sIHHdQ")  # magic, checksum of all that follows it, lengths of key and format, seconds, length
_CHECKED_FROM = len(_MAGIC) + 4

_OURS = re.compile(r"[0-9a-f]{38}")
_UNFINISHED = re.compile(r"\.[0-9a-f]{16}\.part")
_UNFINISHED_FOR = 3600

_BLOCK = 4096
_LARGEST_DISK = 2**60

# By this mark, programs that make backups know that there is nothing to keep: https://bford.info/cachedir/
_TAG = b"Signature: 8a477f597d28d172789f06886806bc55\n# Finished images of an image server. All of it may be deleted.\n"


@attrs.frozen
class Place:
    """Where a key's rendition is."""

    key: bytes
    shard: str
    name: str

    @classmethod
    def of(cls, key: str) -> Place:
        encoded = key.encode()
        digest = hashlib.blake2b(encoded, digest_size=20).hexdigest()  # whatever is in a key, this is a file's name
        return cls(encoded, digest[:2], digest[2:])


@attrs.define
class _Count:
    """Bytes that all files take."""

    used: int


def size_on_disk(size: int) -> int:
    """Bytes that a file of ``size`` bytes takes."""
    return -(-size // _BLOCK) * _BLOCK


class DiskFiles:
    """The files below ``root``, which need not be there.

    :param now: seconds since 1970.
    """

    def __init__(self, root: Path, *, now: Callable[[], float]) -> None:
        self.root = root
        self._now = now

    def prepare(self) -> None:
        """Make the directory, with all those above it."""
        self.root.parent.mkdir(parents=True, exist_ok=True)
        self._make_root()

    def read(self, key: str) -> CachedRendition | None:
        """The rendition of ``key``, or None. A file that can't be believed is removed.

        :raises OSError: the disk can't be read.
        """
        place = Place.of(key)
        path = self.root / place.shard / place.name
        try:
            with open(path, "rb", buffering=0, opener=_private) as stream:
                status = os.fstat(stream.fileno())
                rendition = _parse(stream.read, status.st_size, place.key)
                if rendition is None:
                    self._remove(path, status.st_size)
                elif abs(self._now() - status.st_mtime) >= MINUTE:
                    self._touch(stream.fileno())
                return rendition
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno not in (errno.ELOOP, errno.EISDIR):  # no file at all
                raise
            self._remove(path, 0)
            return None

    def write(self, key: str, rendition: CachedRendition, *, capacity: int, min_free: int) -> int:
        """Keep ``rendition``. Returns the bytes that all files take with it; nothing is kept if that is too much.

        :param capacity: what they may take.
        :param min_free: bytes that must stay free on the disk.
        :raises OSError: the disk can't be written to, or is nearly full.
        """
        place = Place.of(key)
        path = self.root / place.shard / place.name
        pieces = _pieces(place.key, rendition)
        size = size_on_disk(sum(len(piece) for piece in pieces))
        self._make(path.parent)
        disk = os.statvfs(path.parent)
        if disk.f_bavail * disk.f_frsize < min_free + size:
            raise OSError(errno.ENOSPC, "the disk is nearly full")
        used = self.add(0)
        if path.exists():
            return used
        if used + size > capacity:
            return used + size
        unfinished = path.with_name(f".{secrets.token_hex(8)}.part")
        try:
            # Not synced: a file that a power failure cuts is recognised, and costs one render.
            with open(unfinished, "xb", opener=_private) as stream:
                for piece in pieces:
                    stream.write(piece)
            return self._finish(unfinished, path, size, capacity)
        finally:
            _unlink(unfinished)

    def _finish(self, unfinished: Path, path: Path, size: int, capacity: int) -> int:
        # Under the lock, so that no two processes take the same room, nor count the same file twice.
        with self._counting() as count:
            if path.exists():
                return count.used
            if count.used + size > capacity:
                return count.used + size
            unfinished.rename(path)
            count.used += size
            return count.used

    def add(self, size: int) -> int:
        """Count ``size`` more bytes (or fewer) as used; returns the sum."""
        with self._counting() as count:
            count.used = max(count.used + size, 0)
            return count.used

    @contextlib.contextmanager
    def _counting(self) -> Iterator[_Count]:
        """The sum, for one thread of one process at a time, which may change it."""
        descriptor = _private(str(self.root / "used"), os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # holds for this open file: threads exclude each other as well
            known = int.from_bytes(os.pread(descriptor, 8, 0), "big")
            count = _Count(known if known < _LARGEST_DISK else 0)
            yield count
            if count.used != known:
                os.pwrite(descriptor, count.used.to_bytes(8, "big"), 0)
        finally:
            os.close(descriptor)

    def free(self) -> int:
        """Bytes that are free on the disk."""
        disk = os.statvfs(self.root)
        return disk.f_bavail * disk.f_frsize

    def lock(self) -> BinaryIO | None:
        """A file that makes this process the one that clears up, until it is closed; None: another one is it."""
        file = open(self.root / "lock", "ab", opener=_private)  # noqa: SIM115 - closed by whoever gets it
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        return file

    def last_uses(self, shard: str) -> Counter[int]:
        """By the minute since 1970: bytes of the files that were used last then. What crashes have left is removed."""
        uses: Counter[int] = Counter()
        for entry, status in self._entries(shard):
            if _OURS.fullmatch(entry.name):
                uses[int(status.st_mtime // MINUTE)] += size_on_disk(status.st_size)
            elif _UNFINISHED.fullmatch(entry.name) and self._now() - status.st_mtime > _UNFINISHED_FOR:
                _unlink(entry.path)
        return uses

    def remove(self, shard: str, *, before: int, most: int = 0) -> int:
        """Remove files that were last used before the minute ``before``, and of those used in it as many as make up
        ``most`` bytes or just more. Returns the bytes that this gave, of the latter only.
        """
        given = 0
        for entry, status in self._entries(shard):
            minute = int(status.st_mtime // MINUTE)
            if not _OURS.fullmatch(entry.name) or minute > before or (minute == before and given >= most):
                continue
            if self._remove(Path(entry.path), status.st_size) and minute == before:
                given += size_on_disk(status.st_size)
        return given

    def _entries(self, shard: str) -> Iterator[tuple[os.DirEntry[str], os.stat_result]]:
        try:
            entries = os.scandir(self.root / shard)
        except FileNotFoundError:
            return
        with entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):  # another process was quicker
                    yield entry, entry.stat(follow_symlinks=False)

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except FileNotFoundError:
            self._make_root()  # only this one: what is missing above it may be a disk that is not mounted
            folder.mkdir(mode=0o700, exist_ok=True)

    def _make_root(self) -> None:
        self.root.mkdir(mode=0o700, exist_ok=True)
        tag = self.root / "CACHEDIR.TAG"
        if not tag.exists():
            tag.write_bytes(_TAG)

    def _remove(self, path: Path, size: int) -> bool:
        if not _unlink(path):
            return False
        self.add(-size_on_disk(size))
        return True

    def _touch(self, descriptor: int) -> None:
        with contextlib.suppress(OSError):  # a disk that is read-only now
            os.utime(descriptor, (self._now(), self._now()))


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _unlink(path: Path | str) -> bool:
    """Whether this was the call that removed it. What can't be removed stays: a directory, say."""
    try:
        os.unlink(path)  # noqa: PTH108 - also for what scandir gives
    except OSError:
        return False
    return True


def _pieces(key: bytes, rendition: CachedRendition) -> tuple[bytes, ...]:
    name = rendition.format.encode()

    def head(checksum: int) -> bytes:
        lengths = (len(key), len(name), rendition.seconds, len(rendition.data))
        return _HEAD.pack(_MAGIC, checksum, *lengths)

    checksum = _checksum(head(0)[_CHECKED_FROM:], key + name, rendition.data)
    return head(checksum), key + name, rendition.data


def _parse(read: Callable[[int], bytes | None], size: int, key: bytes) -> CachedRendition | None:
    """What a file of ``size`` bytes holds, if it is whole and the rendition of ``key``."""
    head = read(_HEAD.size) or b""
    if len(head) < _HEAD.size:
        return None
    magic, checksum, key_length, name_length, seconds, length = _HEAD.unpack(head)
    if magic != _MAGIC or size != _HEAD.size + key_length + name_length + length:
        return None
    names = read(key_length + name_length) or b""
    data = read(length) or b""
    if names[:key_length] != key or checksum != _checksum(head[_CHECKED_FROM:], names, data):
        return None
    return CachedRendition(data=data, format=names[key_length:].decode(), seconds=seconds, floor="disk")


def _checksum(*pieces: bytes) -> int:
    checksum = 0
    for piece in pieces:
        checksum = zlib.crc32(piece, checksum)
    return checksum
