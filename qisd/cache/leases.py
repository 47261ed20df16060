"""Who makes an image, of all processes of all servers: one of them, and the others wait for what it makes.

The processes of one server tell each other by locks on the bytes of a file, which the kernel lets go when one of them
dies. Servers tell each other through Memcached, by a value that only one of them can add, and that expires when its
owner does not renew it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from qisd.cache.disk import Threads
from qisd.cache.memcached.cluster import Cluster

_log = Logger()

C = TypeVar("C")
M = TypeVar("M")

_EXPIRES = 10
"""Seconds after which the lease of a server that is gone is over."""

_RENEWED = 3.0

_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.2
"""Seconds between two looks at what another process makes."""

_BYTES = 2**40
"""Bytes of the file that may be locked, each for the keys that fall on it. The file itself is empty."""


class StillHeld(Exception):
    """Somebody else has had the lease for all the time that there was."""


class Lease:
    """That this process makes something. :meth:`end` it."""

    def __init__(self, end: Callable[[], Deferred[None]]) -> None:
        self._end = end

    def end(self) -> Deferred[None]:
        """Let others have it."""
        return self._end()


class Leases:
    """Gives out leases, one a key.

    :param file: for the locks of this server, on a local disk; made if it is not there.
    :param cluster: None: there are no other servers that the results could be shared with.
    :param shared: whether what one process makes can be had by another one now.
    :param owner: names this process.
    """

    def __init__(
        self,
        file: Path,
        *,
        threads: Threads,
        cluster: Cluster | None,
        shared: Callable[[], bool],
        owner: str,
        reactor: Any,
    ) -> None:
        self._file = file
        self._threads = threads
        self._cluster = cluster
        self._shared = shared
        self._owner = owner.encode("ascii")
        self._reactor = reactor
        self._descriptor: int | None = None

    @property
    def of_use(self) -> bool:
        """Whether there is a point in waiting for others."""
        return self._shared()

    async def once(
        self,
        key: str,
        *,
        look: Callable[[], Awaitable[C | None]],
        make: Callable[[], Awaitable[M]],
        patience: float,
    ) -> C | M:
        """What ``make`` gives, which is called while no other process makes the same; or what one of them has made.

        :param look: whether it is there already.
        :param patience: seconds to wait for another process.
        :raises StillHeld: that was not enough.
        """
        deadline, pause = self._reactor.seconds() + patience, _FIRST_PAUSE
        while (lease := await self.take(key)) is None:
            if self._reactor.seconds() >= deadline:
                raise StillHeld(f"another process has been making it for {patience} s")
            await deferLater(self._reactor, pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            found = await look()
            if found is not None:
                return found
        try:
            # Whoever had the lease before may have come to an end since anybody looked.
            return await look() or await make()
        finally:
            await lease.end()

    async def take(self, key: str) -> Lease | None:
        """The lease of ``key``; None if somebody else has it. Where it can't be told, it is given."""
        place = int.from_bytes(hashlib.blake2b(key.encode("ascii"), digest_size=8).digest()) % _BYTES
        if not await self._threads.run(lambda: self._lock(place)):
            return None
        if self._cluster is not None and await self._cluster.add(f"L{key}", self._owner, seconds=_EXPIRES) is False:
            await self._threads.run(lambda: self._unlock(place))
            return None
        renewal = LoopingCall(self._renew, key)
        renewal.clock = self._reactor
        if self._cluster is not None:
            renewal.start(_RENEWED, now=False)
        return Lease(lambda: Deferred.fromCoroutine(self._end(key, place, renewal)))

    async def _renew(self, key: str) -> None:
        if self._cluster is not None:
            await self._cluster.set(f"L{key}", self._owner, seconds=_EXPIRES)

    async def _end(self, key: str, place: int, renewal: LoopingCall) -> None:
        if renewal.running:
            renewal.stop()
            if self._cluster is not None:
                await self._cluster.delete(f"L{key}")
        await self._threads.run(lambda: self._unlock(place))

    # In threads. The locks belong to the process, and closing any descriptor of the file would end them all.

    def _lock(self, place: int) -> bool:
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except (BlockingIOError, PermissionError):
            return False
        except OSError as error:
            _log.warn("renders are not told to the other processes: {reason}", reason=error.strerror)
        return True

    def _unlock(self, place: int) -> None:
        if self._descriptor is not None:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, place)
