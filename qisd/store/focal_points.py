"""The focal points of images, as every process holds them, so that no request for an image has to ask for one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Generator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import attrs

from qisd.errors import StoreUnavailable
from qisd.imaging.spec import Focus
from qisd.pools.gentle import in_pieces
from qisd.store.held import Held
from qisd.store.images import focus_at
from qisd.store.pool import Database
from qisd.store.queries import Row

_TABLES = frozenset({"images"})

_PAUSE = 0.2
"""Seconds between two readings: somebody who goes through a folder sets many."""

_STEPS = 1000

_GUESSES = 20_000
_BELIEVED = 5.0
"""Seconds for which it counts as known that there is no guess yet."""

_Key = tuple[str, int, int, int]


@attrs.frozen(kw_only=True)
class Guess:
    """The focal point that a picture was guessed to have; None: no place is better than another, or nobody knows yet.

    :param final: whether nothing else will be known of this file.
    """

    focus: Focus | None
    final: bool


_NOT_YET = Guess(focus=None, final=False)


class FocalPoints:
    """Holds those that people have set, all of them; and of the guesses those that were asked for lately.

    What people have set is a few, and every request may need it. A guess is there for each image of the library, but is
    needed only where an image is asked for by it; of one version of a file it never changes.
    """

    def __init__(self, database: Database, *, reactor: Any) -> None:
        self._database = database
        self._reactor = reactor
        self._guesses: OrderedDict[_Key, tuple[float, Guess]] = OrderedDict()
        self._held = Held(database, what="focal points", read=self._read, tables=_TABLES, reactor=reactor, pause=_PAUSE)

    async def start(self) -> None:
        """Begin to listen, and read all once; waits until that worked."""
        await self._held.start()

    async def stop(self) -> None:
        await self._held.stop()

    async def catch_up(self) -> None:
        """Wait until all is known that has changed up to now.

        :raises StoreUnavailable: it can't be read.
        """
        await self._held.catch_up()

    def chosen(self) -> Mapping[str, Focus]:
        """Those that people have set, by path. Another object after each change, the same one in between."""
        return self._held.value

    async def guess(self, src: str, *, size: int, mtime_ns: int, inode: int) -> Guess:
        """What was guessed of this version of a file."""
        if not _storable(src):
            return Guess(focus=None, final=True)
        key = (src, size, mtime_ns, inode)
        now = self._reactor.seconds()
        until, known = self._guesses.get(key, (float("-inf"), _NOT_YET))
        if now < until:
            self._guesses.move_to_end(key)
            return known
        try:
            rows = await self._database.query(
                "select guess_x, guess_y, guessed from images where src = %s and file_size = %s"
                " and file_mtime_ns = %s and file_inode = %s",
                key,
            )
        except StoreUnavailable:
            return _NOT_YET
        x, y, guessed = rows[0] if rows else (None, None, 0)
        found = Guess(focus=focus_at(x, y), final=guessed > 0)
        self._guesses[key] = (float("inf") if found.final else now + _BELIEVED, found)
        self._guesses.move_to_end(key)
        if len(self._guesses) > _GUESSES:
            self._guesses.popitem(last=False)
        return found

    async def _read(self) -> Mapping[str, Focus]:
        rows = await self._database.query("select src, focus_x, focus_y from images where focus_x is not null")
        return await in_pieces(self._reactor, _making(rows))


def _making(rows: Sequence[Row]) -> Generator[None, None, Mapping[str, Focus]]:
    found: dict[str, Focus] = {}
    for count, (src, x, y) in enumerate(rows, 1):
        found[src] = Focus(x=x, y=y)
        if count % _STEPS == 0:
            yield
    return MappingProxyType(found)


def _storable(src: str) -> bool:
    """Whether there can be a record of it: some names on disk are no text."""
    try:
        src.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
