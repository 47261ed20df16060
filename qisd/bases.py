"""Bases of sources in the cache: finding one for a rendition, and having one made when it pays."""

from __future__ import annotations

import hashlib
from typing import Any

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from qisd.cache.interfaces import CachedRendition, IRenditionCache
from qisd.errors import QisError
from qisd.imaging import bases
from qisd.imaging.geometry import Plan
from qisd.imaging.render import RenderSettings
from qisd.imaging.spec import ImageSpec
from qisd.pools.render import Checkpoint, RenderPool
from qisd.repository.catalogue import SourceFacts, extension_of
from qisd.repository.files import Repository

_FORMAT = "base"
"""What bases are called in the cache, where renditions have the name of their format."""

_SEEN = 20_000
"""Bases that are remembered for having been missed once."""


@attrs.frozen(kw_only=True)
class Wanted:
    """A rendition, as far as bases go.

    :param path: of the source; ``source`` is what is known of it.
    :param version: of ``rendering``, for keys.
    :param pyramid_from: pixels of a source from which on all its bases are made at once; 0: never.
    """

    path: str
    source: SourceFacts
    spec: ImageSpec
    plan: Plan
    rendering: RenderSettings
    version: str
    pyramid_from: int

    def levels(self) -> list[int]:
        """The steps of the ladder that will do, the best first."""
        return bases.levels_for(self.source.info, self.spec, self.plan)

    def key(self, level: int) -> str:
        """Names one base for ever: of the exact file, in this version, reduced this way."""
        page = str(self.spec.page or 1)
        parts = (
            self.source.name,
            str(self.source.version).encode(),
            b"%d" % level,
            page.encode(),
            self.version.encode(),
        )
        digest = hashlib.sha256(b"base")
        for part in parts:
            digest.update(b"%d:" % len(part) + part)
        return digest.hexdigest()[:40]

    @property
    def pyramid(self) -> bool:
        info = self.source.info
        return 0 < self.pyramid_from <= info.width * info.height


class Bases:
    """Keeps bases of what is rendered more than once. For use on the reactor thread."""

    log = Logger()

    def __init__(self, reactor: Any, *, cache: IRenditionCache, renders: RenderPool, repository: Repository) -> None:
        self._reactor = reactor
        self._cache = cache
        self._renders = renders
        self._repository = repository
        self._seen: dict[str, None] = {}
        self._making: set[str] = set()

    async def find(self, wanted: Wanted) -> bytes | None:
        """A base from which the rendition can be made."""
        for level in wanted.levels():
            found = await self._cache.get(wanted.key(level))
            if found is not None:
                return found.data
        return None

    def missed(self, wanted: Wanted) -> None:
        """The rendition was made without one. Make one, when nothing else is to be done, if another may need it.

        That is so when one was missed before; and always of a source that is large.
        """
        levels = wanted.levels()
        if not levels:
            return
        level = 1 if wanted.pyramid else levels[0]
        key = wanted.key(level)
        if not wanted.pyramid and key not in self._seen:
            while len(self._seen) >= _SEEN:
                del self._seen[next(iter(self._seen))]
            self._seen[key] = None
        elif key not in self._making:
            self._making.add(key)
            made = Deferred.fromCoroutine(self._make(wanted, level))
            made.addErrback(self._failed, wanted.path)
            made.addBoth(lambda _: self._making.discard(key))

    async def _make(self, wanted: Wanted, level: int) -> None:
        began = self._reactor.seconds()
        made = await self._renders.run(
            lambda checkpoint: self._render(wanted, level, checkpoint),
            memory=bases.memory(wanted.source.info),
            label=f"{wanted.path} [bases]",
            background=True,
        )
        for base in made:
            kept = CachedRendition(data=base.data, format=_FORMAT, seconds=self._reactor.seconds() - began)
            await self._cache.put(wanted.key(base.level), kept)

    def _render(self, wanted: Wanted, level: int, checkpoint: Checkpoint) -> list[bases.Base]:
        """In a thread."""
        source = self._repository.open(wanted.path)
        with source.stream:
            if source.version != wanted.source.version:
                return []
            return bases.make(
                source.stream,
                wanted.source.info,
                extension=extension_of(wanted.path),
                page=wanted.spec.page,
                level=level,
                all_below=wanted.pyramid,
                limits=wanted.rendering.limits,
                auto_orient=wanted.rendering.auto_orient,
                gamma_correct=wanted.rendering.gamma_correct,
                checkpoint=checkpoint,
            )

    def _failed(self, failure: Failure, path: str) -> None:
        if not failure.check(CancelledError, QisError):
            self.log.failure("no base of {path}", failure, path=path)
