"""What is known of source files: their version and what their header tells, looked up again about once a second."""

from __future__ import annotations

import zlib
from collections import OrderedDict

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from qisd.cache.singleflight import SingleFlight
from qisd.errors import QisError, StoreUnavailable
from qisd.imaging.render import RenderSettings
from qisd.imaging.source import SourceInfo, probe
from qisd.pools.files import FilePool
from qisd.repository.files import FileVersion, Repository

_BELIEVED = 1.0
"""Seconds for which a file is not looked at again, at most."""

_SPREAD = 0.2
"""The part of them by which files differ. Without it all that became known together would be looked at together again,
every second: whoever asks then would wait behind the rest.
"""

_PATIENCE = 1.0
"""Seconds that those wait who ask for a file that is known: with a library that hangs they would wait for ever."""

_BLIND = 5.0
"""Seconds for which, after the library could not be read, it is not tried for what is known already."""

_KEPT = 20_000
"""Entries kept; one takes about a kilobyte."""


@attrs.frozen(kw_only=True)
class SourceFacts:
    """A source file as it was when last looked at.

    :param name: its path below the root, as the bytes on disk spell it.
    :param info: what its header tells.
    :param until: in the reactor's seconds: this long it counts as known.
    """

    name: bytes
    version: FileVersion
    info: SourceInfo
    until: float = 0.0


@attrs.frozen(kw_only=True)
class _Entry:
    until: float
    name: bytes
    version: FileVersion
    outcome: SourceFacts | QisError


class Catalogue:
    """Looks at source files in threads, merging those who ask at the same time. For use on the reactor thread.

    While the library can't be read what is known is believed, so that images that are made already can be sent.
    """

    def __init__(self, reactor: IReactorTime, *, repository: Repository, files: FilePool) -> None:
        self._reactor = reactor
        self._repository = repository
        self._files = files
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._flight: SingleFlight[_Entry] = SingleFlight()
        self._blind_until = float("-inf")

    async def look(self, path: str, *, page: int | None, settings: RenderSettings) -> SourceFacts:
        """The facts about the file at ``path`` (normalised) and its ``page``.

        :raises NotFound: there is no such file.
        :raises Unsupported: it can't be read as an image, or is too large.
        :raises BadParameter: it has no such page.
        :raises StoreUnavailable: the library can't be read.
        """
        key = f"{page or 1}:{path}"
        entry = self._entries.get(key)
        if entry is None or self._reactor.seconds() > entry.until:
            entry = await self._flight.join(
                key, lambda: Deferred.fromCoroutine(self._look(key, path, page=page, settings=settings))
            )
        if isinstance(entry.outcome, QisError):
            raise entry.outcome.bare()
        return entry.outcome

    def forget(self, path: str | None = None) -> None:
        """Look anew at the file at ``path``, and at all below it, when it is next asked for; None means every file."""
        # Another one instead of one with gaps: what is being looked at now is not to be remembered either.
        kept = self._entries if path else {}
        self._entries = OrderedDict(
            (key, entry) for key, entry in kept.items() if not f"{key.partition(':')[2]}/".startswith(f"{path}/")
        )

    async def _look(self, key: str, path: str, *, page: int | None, settings: RenderSettings) -> _Entry:
        known = self._entries.get(key)
        if known is not None and self._reactor.seconds() < self._blind_until:
            return known
        looking = Deferred.fromCoroutine(self._seen(key, path, page=page, settings=settings, known=known))
        return await (looking if known is None else self._or_known(looking, known))

    async def _seen(
        self, key: str, path: str, *, page: int | None, settings: RenderSettings, known: _Entry | None
    ) -> _Entry:
        """The file as it is now, which is remembered."""
        entries = self._entries
        try:
            entry = await self._files.run(lambda: self._read(path, page=page, settings=settings, known=known))
        except StoreUnavailable:
            self._turn_blind()
            raise
        except QisError:
            self._blind_until = float("-inf")
            raise
        self._blind_until = float("-inf")
        entries[key] = entry
        entries.move_to_end(key)
        if len(entries) > _KEPT:
            entries.popitem(last=False)
        return entry

    def _or_known(self, looking: Deferred[_Entry], known: _Entry) -> Deferred[_Entry]:
        """What ``looking`` finds; ``known`` if it can't, or not soon: then it goes on for those who come later."""
        answer: Deferred[_Entry] = Deferred()

        def be_content() -> None:
            self._turn_blind()
            answer.callback(known)

        late = self._reactor.callLater(_PATIENCE, be_content)

        def found(outcome: _Entry | Failure) -> None:
            if isinstance(outcome, Failure) and outcome.check(StoreUnavailable):
                outcome = known
            if late.active():
                late.cancel()
                answer.callback(outcome)

        looking.addBoth(found)
        return answer

    def _turn_blind(self) -> None:
        self._blind_until = self._reactor.seconds() + _BLIND

    def _read(self, path: str, *, page: int | None, settings: RenderSettings, known: _Entry | None) -> _Entry:
        """In a thread: open and stat the file; read its header only when it is another than the one known."""
        until = self._reactor.seconds() + _believed(path)
        source = self._repository.open(path)
        with source.stream as stream:
            if known is not None and known.version == source.version:
                known_outcome = known.outcome
                if isinstance(known_outcome, SourceFacts):
                    known_outcome = attrs.evolve(known_outcome, until=until)
                return attrs.evolve(known, until=until, outcome=known_outcome)
            outcome: SourceFacts | QisError
            try:
                info = probe(
                    stream,
                    extension=extension_of(path),
                    page=page,
                    limits=settings.limits,
                    auto_orient=settings.auto_orient,
                )
                outcome = SourceFacts(name=source.name, version=source.version, info=info, until=until)
            except QisError as error:
                outcome = error.bare()
        return _Entry(until=until, name=source.name, version=source.version, outcome=outcome)


def _believed(path: str) -> float:
    """Seconds for which the file at ``path`` is not looked at again."""
    return _BELIEVED * (1.0 - _SPREAD * zlib.crc32(path.encode("utf-8", "surrogateescape")) / 2**32)


def extension_of(path: str) -> str:
    """The extension of the last component, lower-case and without the dot; empty when there is none."""
    name = path.rpartition("/")[2]
    stem, dot, extension = name.rpartition(".")
    return extension.lower() if dot and stem else ""
