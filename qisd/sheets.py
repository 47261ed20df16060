"""Large sources in pieces in the cache: getting those that a rendition takes, and having them made once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from qisd.cache.interfaces import CachedRendition, IRenditionCache
from qisd.cache.leases import Leases, StillHeld
from qisd.cache.singleflight import SingleFlight
from qisd.errors import Busy, RenderTimeout, SourceTooLarge
from qisd.imaging import pieces
from qisd.imaging.pieces import Extract
from qisd.imaging.render import RenderSettings
from qisd.pools.render import Checkpoint, RenderPool
from qisd.repository.catalogue import SourceFacts, extension_of
from qisd.repository.files import Repository

_FORMAT = "sheet"
"""What sheets are called in the cache, where renditions have the name of their format."""

_AGAIN = 60.0
"""Seconds for which a source is not cut up once more when its pieces are gone: there is no room for them."""

_GIVEN_UP = 3600.0
"""The same when it takes too long, or too much memory."""

_REMEMBERED = 1000

_WORTH = 1.0
"""Seconds that a sheet counts as having taken at least, so that the disk keeps all of a source and not only those that
were made last: each that is missing costs as much as all together."""


@attrs.frozen(kw_only=True)
class Sliced:
    """A source that is to be cut up.

    :param page: of it, from 1 on.
    :param key: names for ever what is made of it: of the exact file, of that page, in this version.
    """

    path: str
    source: SourceFacts
    page: int
    rendering: RenderSettings
    key: Callable[[str], str]


class _Making:
    """A source that is being cut up. Those who wait for it get what they ask for, even if no cache keeps it."""

    def __init__(self) -> None:
        self.made: dict[str, bytes] = {}
        self._asked: set[str] = set()
        self._waiters: list[tuple[set[str], Deferred[None]]] = []

    def wait(self, keys: set[str], end: Deferred[None]) -> Deferred[None]:
        """Fires as soon as all of ``keys`` are made, or with ``end``. Cancelling it cancels that."""
        ready: Deferred[None] = Deferred(lambda _: end.cancel())
        missing = keys - self.made.keys()
        self._asked |= missing
        self._waiters.append((missing, ready))
        if not missing:
            ready.callback(None)
        end.addBoth(lambda outcome: None if ready.called else ready.callback(outcome))
        return ready

    def keep(self, key: str, sheet: bytes) -> None:
        if key not in self._asked:
            return
        self.made[key] = sheet
        for missing, ready in self._waiters:
            missing.discard(key)
            if not missing and not ready.called:
                ready.callback(None)


class Sheets:
    """Keeps the sheets of large sources. For use on the reactor thread.

    :param leases: who cuts a source up, of all processes; None: this is the only one.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        *,
        cache: IRenditionCache,
        renders: RenderPool,
        repository: Repository,
        leases: Leases | None,
    ) -> None:
        self._reactor = reactor
        self._cache = cache
        self._renders = renders
        self._repository = repository
        self._leases = leases
        self._flight: SingleFlight[None] = SingleFlight()
        self._making: dict[str, _Making] = {}
        self._not_before: dict[str, float] = {}

    async def get(
        self, wanted: Sliced, extract: Extract, *, patience: float, client: str, background: bool
    ) -> dict[int, bytes] | None:
        """The sheets that ``extract`` takes, by number; None: they can't be had, take the source.

        :param patience: seconds to wait for another process that makes them.
        :raises QisError: the source can't be decoded, or not now.
        """
        keys = {number: wanted.key(f"sheet {extract.level} {number}") for number in extract.sheets()}
        found = await self._look(keys)
        missing = {key for number, key in keys.items() if number not in found}
        if missing:
            made = await self._have_made(wanted, missing, patience=patience, client=client, background=background)
            found |= {number: made[key] for number, key in keys.items() if key in made}
            found |= await self._look({number: key for number, key in keys.items() if number not in found})
        return found if len(found) == len(keys) else None

    async def there(self, wanted: Sliced, extract: Extract) -> bool:
        """Whether the cache has all sheets that ``extract`` takes."""
        keys = {wanted.key(f"sheet {extract.level} {number}") for number in extract.sheets()}
        return bool(await self._all_there(keys))

    async def _look(self, keys: dict[int, str]) -> dict[int, bytes]:
        found = {}
        for number, key in keys.items():
            sheet = await self._cache.get(key)
            if sheet is not None:
                found[number] = sheet.data
        return found

    async def _have_made(
        self, wanted: Sliced, missing: set[str], *, patience: float, client: str, background: bool
    ) -> dict[str, bytes]:
        """Those of ``missing`` that were made now, here."""
        name = wanted.key("sheets")
        making = self._making.get(name)
        if making is None or name not in self._flight:  # that one is being given up
            if self._reactor.seconds() < self._not_before.get(name, float("-inf")):
                return {}
            making = self._making[name] = _Making()

        async def make() -> bool:
            await self._make(wanted, making, client=client, background=background)
            return True

        async def work() -> None:
            pause = _AGAIN
            try:
                if self._leases is None or not self._leases.of_use:
                    await make()
                else:
                    await self._leases.once(name, look=lambda: self._all_there(missing), make=make, patience=patience)
            except StillHeld:
                pass
            except (SourceTooLarge, RenderTimeout) as error:
                pause = _GIVEN_UP
                self.log.info("{source} can't be cut up: {reason}", source=wanted.path, reason=error.message)
            except (Busy, CancelledError):
                pause = 0.0  # nobody knows what would have come of it
                raise
            finally:
                if self._making.get(name) is making:
                    del self._making[name]
                if pause:
                    self._rest(name, pause)

        await making.wait(missing, self._flight.join(name, lambda: Deferred.fromCoroutine(work())))
        return making.made

    async def _all_there(self, keys: set[str]) -> bool | None:
        for key in keys:
            if await self._cache.get(key) is None:
                return None
        return True

    async def _make(self, wanted: Sliced, making: _Making, *, client: str, background: bool) -> None:
        await self._renders.run(
            lambda checkpoint: self._cut(wanted, making, checkpoint),
            memory=pieces.making_memory(wanted.source.info),
            label=f"{wanted.path} [pieces]",
            kind=wanted.source.info.format,
            client=client,
            background=background,
        )

    def _rest(self, name: str, pause: float) -> None:
        while len(self._not_before) >= _REMEMBERED:
            del self._not_before[next(iter(self._not_before))]
        self._not_before[name] = self._reactor.seconds() + pause

    def _cut(self, wanted: Sliced, making: _Making, checkpoint: Checkpoint) -> None:
        """In a thread. Each sheet goes to the cache as soon as it is made: together they may be larger than memory."""
        began = time.perf_counter()

        def keep(level: int, number: int, sheet: bytes) -> None:
            kept = CachedRendition(data=sheet, format=_FORMAT, seconds=max(time.perf_counter() - began, _WORTH))
            self._renders.tell(self._keep, making, wanted.key(f"sheet {level} {number}"), kept)

        source, rendering = self._repository.open(wanted.path), wanted.rendering
        with source.stream:
            if source.version != wanted.source.version:
                return
            pieces.make(
                source.stream,
                extension=extension_of(wanted.path),
                page=wanted.page,
                limits=rendering.limits,
                auto_orient=rendering.auto_orient,
                quality=rendering.resize_quality,
                gamma_correct=rendering.gamma_correct,
                keep=keep,
                checkpoint=checkpoint,
            )

    def _keep(self, making: _Making, key: str, sheet: CachedRendition) -> None:
        making.keep(key, sheet.data)
        Deferred.fromCoroutine(self._cache.put(key, sheet))
