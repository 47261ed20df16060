"""Renditions in a Memcached cluster.

A small one is one value. One that is larger than a Memcached server takes is cut into slots, each with a key of its own
and so at a server of its own; the value under its key says how many there are. Whatever comes back is checked for being
whole, of this form, and of this key: all else is a miss.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, gatherResults
from zope.interface import implementer

from qisd.cache.interfaces import CachedRendition, IRenditionCache
from qisd.cache.memcached.cluster import Cluster

T = TypeVar("T")

SLOT = 1_047_000
"""Bytes of one slot: a server takes a megabyte by default, with the key and its own bookkeeping."""

_AT_ONCE = 16
"""Slots that are on their way to the servers at the same time."""

_MARK = b"qis1"
_HEAD = struct.Struct(">4sIII16s")
"""Mark, checksum, bytes of the whole, number of slots, name of the format."""

_FORMAT_MAX = 16


@implementer(IRenditionCache)
class MemcachedFloor:
    """Keeps renditions of up to ``largest()`` bytes."""

    def __init__(self, cluster: Cluster, *, largest: Callable[[], int]) -> None:
        self._cluster = cluster
        self._largest = largest

    async def get(self, key: str) -> CachedRendition | None:
        found = await self._cluster.get(key)
        return None if found is None else await self._read(key, found)

    async def put(self, key: str, rendition: CachedRendition) -> None:
        data, name = rendition.data, rendition.format.encode("ascii")
        if len(data) > self._largest() or len(name) > _FORMAT_MAX:
            return
        slots = _slots(len(data))
        for first in range(0, slots, _AT_ONCE):
            numbers = range(first, min(first + _AT_ONCE, slots))
            if not all(await _all(self._put_slot(key, number, data) for number in numbers)):
                return
        head = _HEAD.pack(_MARK, _checksum(key, data), len(data), slots, name)
        await self._cluster.set(key, head if slots else head + data)

    def _put_slot(self, key: str, number: int, data: bytes) -> Coroutine[Any, Any, bool]:
        return self._cluster.set(_slot(key, number), data[number * SLOT : (number + 1) * SLOT], bulk=True)

    def fill(self) -> float:
        """Nobody knows: the servers may be those of others as well."""
        return 0.0

    async def clear(self) -> None:
        """Nothing: see :attr:`~qisd.cache.memcached.cluster.Cluster.epoch`."""

    async def _read(self, key: str, value: bytes) -> CachedRendition | None:
        if len(value) < _HEAD.size:
            return None
        mark, checksum, length, slots, name = _HEAD.unpack_from(value)
        if mark != _MARK or length > self._largest() or slots != _slots(length):
            return None
        data: bytes | None = value[_HEAD.size :] if not slots else await self._gathered(key, slots)
        if data is None or len(data) != length or _checksum(key, data) != checksum:
            return None
        name_of_format = name.rstrip(b"\0").decode("ascii", "replace")
        return CachedRendition(data=data, format=name_of_format, floor="memcached")

    async def _gathered(self, key: str, slots: int) -> bytes | None:
        found = await _all(self._cluster.get(_slot(key, number), bulk=True) for number in range(slots))
        parts = [one for one in found if one is not None]
        return b"".join(parts) if len(parts) == slots else None


def _slots(length: int) -> int:
    """Into how many slots a rendition of so many bytes is cut; 0: it fits behind the head."""
    return 0 if length + _HEAD.size <= SLOT else -(-length // SLOT)


def _slot(key: str, number: int) -> str:
    return f"{key}:{number}"


def _checksum(key: str, data: bytes) -> int:
    return zlib.crc32(data, zlib.crc32(key.encode("ascii")))


async def _all(asked: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """All answers, asked for at once."""
    answers: list[T] = await gatherResults([Deferred.fromCoroutine(one) for one in asked])
    return answers
