"""Who makes an image, of all processes of all servers: one of them, and the others wait for what it makes.

The processes of one server tell each other by locks on the bytes of a file, which the kernel lets go when one of them
dies. Servers tell each other through Memcached, by a value that only one of them can add, and that expires when its
owner does not renew it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import itertools
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from qisd.cache.disk import Threads
from qisd.cache.memcached.cluster import Cluster
from qisd.errors import StoreUnavailable

_log = Logger()

C = TypeVar("C")
M = TypeVar("M")

_EXPIRES = 5
"""Seconds after which the lease of a server that is gone is over; by Memcached's clock, which counts whole ones."""

_RENEWED = 1.0
"""Seconds from one renewal to the next. Who is held up for three loses the lease, and an image is made twice."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.2
"""Seconds between two looks at what another process makes."""

_BYTES = 2**40
"""Bytes of the file that may be locked, each for the keys that fall on it. The file itself is empty."""

_REST = 30.0
"""Seconds for which the file is left alone when its disk does not answer."""


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
    """Gives out leases, one a key. Where nobody can tell whether another process has it, it is given.

    :param file: for the locks of this server, on a local disk; made if it is not there.
    :param threads: one thread, in which all that is asked for is done in its order.
    :param cluster: by which other servers are told.
    :param shared: whether what one process makes can be had by another one now.
    :param owner: names this process.
    """

    def __init__(
        self,
        file: Path,
        *,
        threads: Threads,
        cluster: Cluster,
        shared: Callable[[], bool],
        owner: str,
        reactor: Any,
    ) -> None:
        self._file = _LockedFile(file)
        self._threads = threads
        self._cluster = cluster
        self._shared = shared
        self._owner = owner
        self._numbers = itertools.count()
        self._reactor = reactor
        self._rests_until = float("-inf")

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
        """The lease of ``key``; None if somebody else has it."""
        place = int.from_bytes(hashlib.blake2b(key.encode("ascii"), digest_size=8).digest()) % _BYTES
        if not await self._locked(place):
            return None
        word = f"{self._owner} {next(self._numbers)}".encode("ascii")
        since = self._reactor.seconds()
        try:
            added = await self._cluster.add(f"L{key}", word, seconds=_EXPIRES)
        except BaseException:
            self._unlock(place)
            raise
        if added is False:
            await self._unlock(place)
            return None
        renewal = LoopingCall(lambda: Deferred.fromCoroutine(self._renew(key, word)))
        renewal.clock = self._reactor
        if added:
            renewal.start(_RENEWED, now=False)

        async def end() -> None:
            if renewal.running:
                renewal.stop()
            try:
                # It has not expired yet, so nobody else can have it.
                sure = added and self._reactor.seconds() - since < _EXPIRES / 2
                if sure or await self._cluster.get(f"L{key}") == word:
                    await self._cluster.delete(f"L{key}")
            finally:
                await self._unlock(place)

        return Lease(lambda: Deferred.fromCoroutine(end()))

    async def _renew(self, key: str, word: bytes) -> None:
        """Have it for longer, unless another server has it by now, because this one was held up for too long."""
        holder = await self._cluster.get(f"L{key}")
        if holder is None:
            await self._cluster.add(f"L{key}", word, seconds=_EXPIRES)
        elif holder == word:
            await self._cluster.set(f"L{key}", word, seconds=_EXPIRES)

    async def _locked(self, place: int) -> bool:
        """Whether no other process of this server has it, as far as can be told."""
        if self._reactor.seconds() < self._rests_until:
            return True
        try:
            return await self._threads.run(lambda: self._file.lock(place))
        except StoreUnavailable:
            _log.warn("renders are not told to the other processes: {file} can't be locked in time", file=self._file)
            self._rests_until = self._reactor.seconds() + _REST
            self._unlock(place)
            return True
        except BaseException:
            self._unlock(place)  # the thread may be at it still, and then does that next
            raise

    def _unlock(self, place: int) -> Deferred[None]:
        return Deferred.fromCoroutine(self._unlocked(place))

    async def _unlocked(self, place: int) -> None:
        with contextlib.suppress(StoreUnavailable):  # not now
            await self._threads.run(lambda: self._file.unlock(place))


class _LockedFile:
    """Blocks: to be used in one thread. The locks belong to the process: to close the file would end them all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._told = False

    def __str__(self) -> str:
        return str(self._path)

    def lock(self, place: int) -> bool:
        """Whether no other process has it locked; True as well where there can be no locks."""
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            self._tell(error)
            return True
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                return False
            self._tell(error)
        return True

    def unlock(self, place: int) -> None:
        if self._descriptor is not None:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, place)

    def _tell(self, error: OSError) -> None:
        if not self._told:
            self._told = True
            _log.warn(
                "renders are not told to the other processes, by {file}: {reason}", file=self, reason=error.strerror
            )
