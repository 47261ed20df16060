"""The main job: from the parameters of a request to the bytes of an image.

Every image request goes the same way: :meth:`Images.prepare` finds out, without rendering, which image is meant and
under which key it is kept; :meth:`Images.fetch` gets its bytes from the cache, from another request's render under way,
or by rendering.
"""

from __future__ import annotations

import hashlib
import os
import time
import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import BinaryIO, Literal, Protocol

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from qisd.access.levels import Level
from qisd.access.visitor import Visitor
from qisd.cache.interfaces import CachedRendition, IRenditionCache
from qisd.cache.leases import Leases, StillHeld
from qisd.cache.singleflight import SingleFlight
from qisd.errors import Busy, Forbidden, NotFound, QisError, SourceTooLarge, Unavailable, Unsupported
from qisd.imaging import bases
from qisd.imaging.cost import estimate_memory, estimate_memory_from_pieces
from qisd.imaging.formats import Format, canonical_name
from qisd.imaging.geometry import Plan, Size, plan
from qisd.imaging.limits import PublicLimits, check_public_limits
from qisd.imaging.negotiation import best_format, goes_by_viewer
from qisd.imaging.normalise import handling, merge
from qisd.imaging.pieces import Extract, Pieces, extract_for
from qisd.imaging.render import RenderSettings, Rendition, render
from qisd.imaging.request import ImageRequest, Vocabulary, parse_image_request, parse_original_request
from qisd.imaging.rules import AUTO_FORMAT
from qisd.imaging.source import SourceInfo
from qisd.imaging.spec import Focus, ImageSpec
from qisd.imaging.template import TemplateSnapshot
from qisd.pools.files import FilePool
from qisd.pools.render import Checkpoint, RenderPool
from qisd.pools.stages import Stage, Stages
from qisd.repository import paths
from qisd.repository.catalogue import Catalogue, SourceFacts, extension_of
from qisd.repository.files import OpenSource, Repository
from qisd.sheets import Sheets, Sliced
from qisd.store.focal_points import Guess

_FAILURES_BELIEVED = 30.0
"""Seconds for which a render that failed for good is not tried again."""

_QUERIES_KEPT = 4_000
"""Queries whose meaning is remembered; one takes about 3 kB."""

_FAILURES_KEPT = 1000

_BASE = "base"
"""What bases are called in the cache, where renditions have the name of their format."""

_UNSETTLED_EXPIRY = 60
"""Seconds for which clients may keep an image whose focal point is yet to be guessed."""

_UNWRITABLE_BECOMES = "png"
"""What a source becomes that no format is asked for and whose own format can't be written: nothing is lost in it."""


MadeOf = Literal["file", "pieces", "base", "source"]


@attrs.frozen(kw_only=True)
class ImageRules:
    """What the operator has set for images; replaced as a whole when settings change.

    :param wait_timeout: seconds to wait for another request's render of the same image.
    :param raise_too_busy: answer 503 after that time instead of waiting on.
    :param benchmarking: anonymous visitors may use ``cache`` and ``recache``, and are never refused for waiting.
    :param bases_from: pixels of a source from which on its renditions are made from bases; 0: never.
    :param sheets_room: bytes of the cache that keeps the pieces of large sources.
    :ivar rendering_version: stands in every key, so that other settings make other images.
    """

    rendering: RenderSettings
    public_limits: PublicLimits
    max_dimension: int
    max_grid_tiles: int
    wait_timeout: float
    raise_too_busy: bool
    benchmarking: bool
    bases_from: int = 0
    sheets_room: int = 0
    rendering_version: str = attrs.field(init=False)

    @rendering_version.default
    def _digest_once(self) -> str:
        return self.rendering.version()


@attrs.frozen(kw_only=True)
class PreparedImage:
    """One image that was asked for, known down to its key, but not made yet.

    :param etag: its entity tag, without quotes.
    :param last_modified: time of the source's last change, in seconds since 1970.
    :param expiry_secs: how long clients may keep it: 0 nothing is said, −1 not at all.
    :param filename: name to save it under, when it is to be saved and not shown; else None.
    :param public: whether anybody may have it, so that caches between may keep it.
    :param lasting: whether that holds until somebody changes it; false where there are dates for it.
    :param record: whether it counts for the statistics of its own; ``template`` is what was asked for by name.
    :param accepts: the formats by which its own was chosen, where that goes by the viewer; else None.
    """

    etag: str
    last_modified: float
    expiry_secs: int
    filename: str | None
    content_type: str
    xref: str | None
    path: str
    public: bool
    lasting: bool
    record: bool
    template: str | None
    output: str
    accepts: tuple[str, ...] | None = None
    source: SourceFacts
    spec: ImageSpec
    plan: Plan
    extract: Extract | None
    overlay: SourceFacts | None
    store: bool
    anew: bool
    rules: ImageRules


@attrs.define(kw_only=True, eq=False)
class _Known:
    """What a query has led to, and what that depends on besides the files and the visitor's level.

    :param asked: the path that the query names; ``overlay_asked`` that of the overlay, empty if it names none.
    :param focus: what people have set for the image.
    :param settled: whether its focal point was known, if it needs one.
    """

    vocabulary: Vocabulary
    asked: str
    overlay_asked: str
    focus: Focus | None
    settled: bool
    prepared: PreparedImage


@attrs.frozen(kw_only=True)
class ImageBytes:
    """A finished image. ``from_cache`` is false for the one request that had it rendered.

    :param origin: the floor of the cache that had it; ``shared``, made for another request; ``made``, for this one.
    :param stages: of making it, for the one request that had it made.
    """

    data: bytes
    content_type: str
    from_cache: bool
    origin: str = "made"
    stages: tuple[Stage, ...] = ()


@attrs.frozen(kw_only=True)
class MadeImage:
    """What was made just now; fields as in :class:`ImageBytes`."""

    data: bytes = attrs.field(repr=False)
    stages: tuple[Stage, ...]


@attrs.frozen(kw_only=True)
class ImageFile:
    """A source file that is the answer as it is; whoever gets it closes ``stream``."""

    stream: BinaryIO
    size: int
    content_type: str


@attrs.frozen(kw_only=True)
class PreparedOriginal:
    """An original file, open for reading; whoever gets it closes ``stream``. Fields as in :class:`PreparedImage`."""

    etag: str
    last_modified: float
    expiry_secs: int
    filename: str
    attachment: bool
    content_type: str
    xref: str | None
    path: str
    public: bool
    record: bool
    size: int
    stream: BinaryIO


class FocalPoints(Protocol):
    """What is to stay in view of the images of the library. See :class:`qisd.store.focal_points.FocalPoints`."""

    def chosen(self) -> Mapping[str, Focus]:
        """What people have set, by path. Another object after each change, the same one in between."""

    async def guess(self, src: str, *, size: int, mtime_ns: int, inode: int) -> Guess:
        """What was guessed of this version of a file."""


class _NoFocalPoints:
    """Of files that nobody keeps records of."""

    def chosen(self) -> Mapping[str, Focus]:
        return _NONE_CHOSEN

    async def guess(self, src: str, *, size: int, mtime_ns: int, inode: int) -> Guess:
        return Guess(focus=None, final=True)


_NONE_CHOSEN: Mapping[str, Focus] = MappingProxyType({})


class Witness(Protocol):
    """Keeps account of what is in the library. Neither fails nor waits."""

    def saw(self, path: str, facts: SourceFacts) -> None:
        """The file at ``path`` is there."""

    def missed(self, path: str) -> None:
        """There is no file at ``path``."""


class Images:
    """Ties the image library, the templates, the renderer and the cache into one capability.

    :param templates: gives the templates as they are now.
    :param track: told the ``xref`` of each image that was handed out.
    :param witness: told which files there are, and which not any more.
    :param focal_points: of the files; None: nobody keeps any.
    :param now: seconds since 1970.
    """

    log = Logger()

    def __init__(
        self,
        reactor: IReactorTime,
        *,
        rules: ImageRules,
        repository: Repository,
        files: FilePool,
        renders: RenderPool,
        cache: IRenditionCache,
        leases: Leases | None = None,
        templates: Callable[[], TemplateSnapshot],
        track: Callable[[str], None],
        witness: Witness,
        focal_points: FocalPoints | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._witness = witness
        self._focal_points = focal_points or _NoFocalPoints()
        self._now = now
        self._reactor = reactor
        self._rules = rules
        self._repository = repository
        self._files = files
        self._renders = renders
        self._cache = cache
        self._leases = leases
        self._templates = templates
        self._track = track
        self._catalogue = Catalogue(reactor, repository=repository, files=files)
        self._flight: SingleFlight[MadeImage | CachedRendition] = SingleFlight()
        self._sheets = Sheets(reactor, cache=cache, renders=renders, repository=repository, leases=leases)
        self._changes = 0
        self._standing: tuple[ImageRules, TemplateSnapshot, Mapping[str, Focus], int] | None = None
        self._failures: dict[str, tuple[float, Unsupported]] = {}
        self._known: dict[tuple[object, ...], _Known] = {}
        self._vocabulary: tuple[ImageRules, TemplateSnapshot, Vocabulary] | None = None

    def configure(self, rules: ImageRules) -> None:
        """Use other rules for requests from now on."""
        self._rules = rules
        self._catalogue.forget()

    def changed(self, path: str) -> None:
        """A file has come, gone or changed: look at it when it is next asked for."""
        self._catalogue.forget(path)
        self._changes += 1

    def known_until(self, prepared: PreparedImage) -> float:
        """When the files that ``prepared`` is of have to be looked at again, in the reactor's seconds."""
        until = prepared.source.until
        return until if prepared.overlay is None else min(until, prepared.overlay.until)

    def standing(self) -> object:
        """Stands for what decides, besides the visitor, what a query means: the same object until that changes."""
        now = (self._rules, self._templates(), self._focal_points.chosen(), self._changes)
        last = self._standing
        if (
            last is None
            or last[3] != now[3]
            or any(one is not other for one, other in zip(last[:3], now, strict=False))
        ):
            self._standing = now
            return now
        return last

    async def prepare(
        self, query: Mapping[str, str], visitor: Visitor, *, accepts: tuple[str, ...] = (), erez: bool = False
    ) -> PreparedImage:
        """Find out which image ``query`` asks for.

        :param accepts: names of newer formats that may be sent where the format is left to us, best first.
        :param erez: the request came by an eRez address, where ``photo.jpg.tif`` may mean ``photo.jpg``.
        :raises QisError: bad parameters, no such source, a source that can't be read.
        """
        rules = self._rules
        vocabulary = self._vocabulary_of(rules)
        key: tuple[object, ...] = (tuple(query.items()), erez, visitor.anonymous)
        known = self._known.get(key)
        if known is not None and known.prepared.accepts is not None and known.prepared.accepts != accepts:
            known = self._known.get((*key, accepts))
        if known is not None and known.vocabulary is vocabulary and known.prepared.rules is rules:
            again = await self._prepare_again(known, visitor)
            if again is not None:
                return again
        made = await self._prepare(query, visitor, vocabulary, rules, accepts=accepts, erez=erez)
        self._remember(key, made)
        if made.prepared.accepts is not None:
            self._remember((*key, accepts), made)
        return made.prepared

    def _remember(self, key: tuple[object, ...], made: _Known) -> None:
        while len(self._known) >= _QUERIES_KEPT:
            del self._known[next(iter(self._known))]
        self._known[key] = made

    def request_of(self, query: Mapping[str, str], visitor: Visitor) -> ImageRequest:
        """What ``query`` says, before anything is looked up.

        :raises BadParameter: something is wrong with it.
        """
        rules = self._rules
        limits = rules.public_limits if visitor.anonymous else None
        return parse_image_request(query, self._vocabulary_of(rules), public=limits)

    async def _prepare(
        self,
        query: Mapping[str, str],
        visitor: Visitor,
        vocabulary: Vocabulary,
        rules: ImageRules,
        *,
        accepts: tuple[str, ...],
        erez: bool,
    ) -> _Known:
        limits = rules.public_limits if visitor.anonymous else None
        request = parse_image_request(query, vocabulary, public=limits)
        asked = path = paths.normalise(request.src)
        self._check_permission(visitor, path, Level.VIEW)
        overlay_path = ""
        if request.options.overlay_src is not None:  # one that a template names is shown to everybody
            overlay_path = paths.normalise(request.options.overlay_src, parameter="overlay")
            self._check_permission(visitor, overlay_path, Level.VIEW)
        path, source, spec = await self._source(path, request, vocabulary, rules, erez=erez)
        negotiated = goes_by_viewer(request.options, vocabulary.applied(request.template))
        if negotiated:
            auto = best_format(accepts, spec=spec, source=source.info, table=rules.rendering.formats)
            spec = _spec(path, request, vocabulary, rules, auto=auto)
        self._check_spelling(visitor, path, source.name, Level.VIEW)
        natural = Size(source.info.width, source.info.height)
        chosen = self._chosen(source)
        spec, settled = await self._focused(spec, source, chosen)
        planned = plan(spec, natural)
        spec = _without_idle_focus(spec, planned)
        if limits is not None:
            check_public_limits(planned, request=request, vocabulary=vocabulary, limits=limits)
        overlay = await self._overlay(spec, rules)
        if overlay is not None and request.options.overlay_src is not None:
            self._check_spelling(visitor, overlay_path, overlay.name, Level.VIEW)
        handled = handling(request, vocabulary)
        output = _output_format(spec, path, rules)
        trusted = rules.benchmarking or not visitor.anonymous
        extract = extract_for(source.info, spec, planned, large=rules.bases_from, room=rules.sheets_room)
        prepared = PreparedImage(
            etag=_key(source, _how(spec, planned), output, overlay, extract, rules),
            last_modified=source.version.mtime,
            expiry_secs=handled.expiry_secs if settled else min(handled.expiry_secs, _UNSETTLED_EXPIRY),
            filename=download_name(path, output, asked=request.options.format) if handled.attachment else None,
            content_type=output.mime,
            xref=handled.xref,
            path=path,
            public=self._public(visitor, os.fsdecode(source.name), Level.VIEW),
            lasting=_lasting(visitor, path, source, overlay_path),
            record=handled.record_stats,
            template=request.template,
            output=output.name,
            accepts=accepts if negotiated else None,
            source=source,
            spec=spec,
            plan=planned,
            extract=extract,
            overlay=overlay,
            store=request.cache or not trusted,
            anew=request.recache and rules.benchmarking,
            rules=rules,
        )
        return _Known(
            vocabulary=vocabulary,
            asked=asked,
            overlay_asked=overlay_path,
            focus=chosen,
            settled=settled,
            prepared=prepared,
        )

    async def _prepare_again(self, known: _Known, visitor: Visitor) -> PreparedImage | None:
        """What :meth:`_prepare` would find out, if the files are the same as last time; else None."""
        before = known.prepared
        path, overlay_path = before.path, known.overlay_asked
        if path != known.asked or not known.settled:
            return None
        self._check_permission(visitor, path, Level.VIEW)
        if overlay_path:
            self._check_permission(visitor, overlay_path, Level.VIEW)
        try:
            source = await self._catalogue.look(path, page=before.spec.page, settings=before.rules.rendering)
            overlay = await self._overlay(before.spec, before.rules)
        except QisError:
            return None
        if source.version != before.source.version or source.name != before.source.name:
            return None
        if self._chosen(source) != known.focus:
            return None
        if overlay is not None and (before.overlay is None or overlay.version != before.overlay.version):
            return None
        self._witness.saw(path, source)
        self._check_spelling(visitor, path, source.name, Level.VIEW)
        if overlay is not None and overlay_path:
            self._check_spelling(visitor, overlay_path, overlay.name, Level.VIEW)
        public = self._public(visitor, os.fsdecode(source.name), Level.VIEW)
        lasting = _lasting(visitor, path, source, overlay_path)
        same = source is before.source and overlay is before.overlay
        if not same or public != before.public or lasting != before.lasting:
            known.prepared = attrs.evolve(before, source=source, overlay=overlay, public=public, lasting=lasting)
        return known.prepared

    async def fetch(
        self, prepared: PreparedImage, *, client: str = "", background: bool = False
    ) -> ImageBytes | ImageFile:
        """The bytes of ``prepared``: from the cache, from a render under way, or rendered now.

        Cancelling means that the client went away: the last one to leave takes the render off the queue.

        :param client: who wants it, and takes turns with others.
        :param background: whether nobody waits for it.
        :raises QisError: the image can't be made, or not now.
        """
        if not prepared.spec.changes_image():
            opened = await self._files.run(lambda: self._repository.open(prepared.path))
            return ImageFile(stream=opened.stream, size=opened.version.size, content_type=prepared.content_type)
        key = prepared.etag
        if not prepared.anew:
            cached = await self._cache.get(key)
            if cached is not None:
                return _from_cache(cached, prepared)
            self._raise_known_failure(key)
        joins = key in self._flight
        rendition = self._flight.join(
            key, lambda: Deferred.fromCoroutine(self._make_once(prepared, client, background=background))
        )
        if joins and prepared.rules.raise_too_busy and not prepared.rules.benchmarking:
            rendition.addTimeout(prepared.rules.wait_timeout, self._reactor, onTimeoutCancel=_too_busy)
        made = await rendition
        if isinstance(made, CachedRendition):  # another process has made it meanwhile
            return _from_cache(made, prepared)
        return ImageBytes(
            data=made.data,
            content_type=prepared.content_type,
            from_cache=joins,
            origin="shared" if joins else "made",
            stages=() if joins else made.stages,
        )

    async def make_anew(self, prepared: PreparedImage, *, client: str) -> MadeImage:
        """Make an image although it may be there, as somebody wants to know how long that takes.

        :raises QisError: it can't be made, or not now.
        """
        return await self._make(prepared, client, background=False)

    async def made_of(self, prepared: PreparedImage) -> tuple[MadeOf, bool]:
        """What an image would be made of: ``file``, which is sent as it is, ``pieces``, ``base`` or ``source``; and
        whether that is there."""
        if not prepared.spec.changes_image():
            return "file", True
        if prepared.extract is not None:
            return "pieces", await self._sheets.there(_sliced(prepared), prepared.extract)
        level = _base_level(prepared)
        if not level:
            return "source", True
        return "base", await self._cache.get(_base_key(prepared, level)) is not None

    async def original(self, query: Mapping[str, str], visitor: Visitor) -> PreparedOriginal:
        """Open the original file that ``query`` names.

        :raises QisError: bad parameters, no such file, or one that is no supported image by its name.
        """
        request = parse_original_request(query)
        path = paths.normalise(request.src)
        self._check_permission(visitor, path, Level.DOWNLOAD)
        opened = await self._open(path)
        try:
            self._check_spelling(visitor, path, opened.name, Level.DOWNLOAD)
        except Forbidden:
            opened.stream.close()
            raise
        output = self._rules.rendering.formats.by_extension(extension_of(path))
        if output is None or not output.read:
            opened.stream.close()
            raise _unsupported_name(path)
        expiry = self._templates().default.expiry_secs
        return PreparedOriginal(
            etag=_digest(opened.name, str(opened.version)),
            last_modified=opened.version.mtime,
            expiry_secs=604800 if expiry is None else expiry,
            filename=path.rpartition("/")[2],
            attachment=bool(request.attach),
            content_type=output.mime,
            xref=request.xref,
            path=path,
            public=self._public(visitor, os.fsdecode(opened.name), Level.DOWNLOAD),
            record=request.record_stats is not False,
            size=opened.version.size,
            stream=opened.stream,
        )

    def handed_out(self, answered: PreparedImage | PreparedOriginal) -> None:
        """To be called for each answer that carries the image (200, 206), from the cache or not."""
        if answered.xref:
            self._track(answered.xref)

    async def _source(
        self, path: str, request: ImageRequest, vocabulary: Vocabulary, rules: ImageRules, *, erez: bool
    ) -> tuple[str, SourceFacts, ImageSpec]:
        spec = _spec(path, request, vocabulary, rules)
        try:
            facts = await self._catalogue.look(path, page=spec.page, settings=rules.rendering)
        except (NotFound, Unsupported) as error:
            meant = _without_erez_suffix(path) if erez else None
            if meant is None:
                if isinstance(error, NotFound):
                    self._witness.missed(path)
                raise
            return await self._source(meant, request, vocabulary, rules, erez=False)
        if rules.rendering.formats.by_extension(extension_of(path)) is None:
            raise _unsupported_name(path)
        self._witness.saw(path, facts)
        return path, facts, spec

    def _chosen(self, source: SourceFacts) -> Focus | None:
        return self._focal_points.chosen().get(os.fsdecode(source.name))

    async def _focused(self, spec: ImageSpec, source: SourceFacts, chosen: Focus | None) -> tuple[ImageSpec, bool]:
        """The spec with the place that its focus means, and whether that will stay so.

        :param chosen: what people have set for the image. It is of the first page.
        """
        wanted = spec.focus
        chosen = chosen if spec.page is None else None
        if wanted is None:
            led = attrs.evolve(chosen, cover=False) if chosen is not None and spec.crop_fit else None
            return attrs.evolve(spec, focus=led), True
        if not wanted.cover:
            return attrs.evolve(spec, focus=None), True
        if wanted.x is not None or chosen is not None or spec.page is not None:
            return attrs.evolve(spec, focus=wanted if wanted.x is not None else chosen or wanted), True
        version = source.version
        guess = await self._focal_points.guess(
            os.fsdecode(source.name), size=version.size, mtime_ns=version.mtime_ns, inode=version.inode
        )
        return attrs.evolve(spec, focus=guess.focus or wanted), guess.final

    async def _open(self, path: str) -> OpenSource:
        try:
            return await self._files.run(lambda: self._repository.open(path))
        except NotFound:
            self._witness.missed(path)
            raise

    def _check_permission(self, visitor: Visitor, path: str, level: Level) -> None:
        """:raises Forbidden: the visitor has a lower level there, or is a stranger and comes too early or too late."""
        visitor.require(level, _folder_of(path))
        visitor.require_valid(path, now=self._now())

    def _check_spelling(self, visitor: Visitor, path: str, name: bytes, level: Level) -> None:
        """Permissions go by the folder's name as the disk spells it, where letters have more than one form.

        :raises Forbidden: the visitor has a lower level there.
        """
        spelled = os.fsdecode(name)
        if spelled != path:
            self._check_permission(visitor, spelled, level)

    def _public(self, visitor: Visitor, path: str, level: Level) -> bool:
        return visitor.snapshot.level(frozenset(), _folder_of(path)) >= level and self._valid(visitor, path)

    def _valid(self, visitor: Visitor, path: str) -> bool:
        validity = visitor.snapshot.validity.get(path)
        return validity is None or validity.holds(self._now())

    async def _overlay(self, spec: ImageSpec, rules: ImageRules) -> SourceFacts | None:
        if spec.overlay_src is None:
            return None
        path = paths.normalise(spec.overlay_src, parameter="overlay")
        try:
            return await self._catalogue.look(path, page=None, settings=rules.rendering)
        except NotFound as error:
            raise NotFound(f"Overlay file '{spec.overlay_src}' was not found.") from error
        except Unsupported as error:
            raise Unsupported(f"overlay: this file is not supported ({error.message})", detail=error.detail) from error

    async def _make_once(
        self, prepared: PreparedImage, client: str, *, background: bool
    ) -> MadeImage | CachedRendition:
        """Make the image, unless another process is at it: then wait for what it makes."""

        async def make() -> MadeImage | CachedRendition:
            return await self._make(prepared, client, background=background)

        if not prepared.store or prepared.anew or self._leases is None or not self._leases.of_use:
            return await make()
        key, rules = prepared.etag, prepared.rules
        try:
            return await self._leases.once(
                key, look=lambda: self._cache.get(key), make=make, patience=rules.wait_timeout
            )
        except StillHeld as held:
            if rules.raise_too_busy and not rules.benchmarking:
                raise Busy(detail=str(held)) from held
            return await make()

    async def _make(self, prepared: PreparedImage, client: str, *, background: bool) -> MadeImage:
        key = prepared.etag
        stages = Stages()
        stages.begin("wait")
        try:
            pieces = await self._pieces(prepared, client, background=background)
            level = 0 if pieces else _base_level(prepared)
            base = await self._cache.get(_base_key(prepared, level)) if level and not prepared.anew else None
            memory = _memory(prepared, pieces)
            if level and base is None:
                memory = max(memory, bases.memory(prepared.source.info, level))
            made, current, seconds = await self._renders.run(
                lambda checkpoint: self._render(
                    prepared, level, base.data if base else None, pieces, checkpoint, stages
                ),
                memory=memory,
                label=f"{prepared.path} [{prepared.spec.canonical()}]",
                kind=prepared.source.info.format,
                client=client,
                background=background,
            )
        except (Unsupported, Unavailable) as error:
            self._note_failure(prepared, error)
            raise
        stages.begin("keep")
        if made.base is not None and current:
            kept = CachedRendition(data=made.base, format=_BASE, seconds=seconds)
            await self._cache.put(_base_key(prepared, level), kept)
        if prepared.store and current:
            await self._cache.put(key, CachedRendition(data=made.data, format=made.format.name, seconds=seconds))
        return MadeImage(data=made.data, stages=stages.ended())

    async def _pieces(self, prepared: PreparedImage, client: str, *, background: bool) -> Pieces | None:
        if prepared.extract is None:
            return None
        patience = prepared.rules.wait_timeout
        sheets = await self._sheets.get(
            _sliced(prepared), prepared.extract, patience=patience, client=client, background=background
        )
        return None if sheets is None else Pieces(extract=prepared.extract, sheets=sheets)

    def _render(
        self,
        prepared: PreparedImage,
        level: int,
        base: bytes | None,
        pieces: Pieces | None,
        checkpoint: Checkpoint,
        stages: Stages,
    ) -> tuple[Rendition, bool, float]:
        """In a thread: the rendition, whether it is of the very files that its key names, and the seconds it took."""
        began = time.perf_counter()
        stages.begin("open")
        source = self._repository.open(prepared.path)
        current = source.version == prepared.source.version
        with source.stream:
            overlay = _open_overlay(self._repository, prepared)
            try:
                rendition = render(
                    source.stream,
                    extension=extension_of(prepared.path),
                    spec=prepared.spec,
                    settings=prepared.rules.rendering,
                    overlay=overlay.stream if overlay else None,
                    overlay_extension=extension_of(prepared.spec.overlay_src or ""),
                    level=level,
                    base=base if current else None,
                    pieces=pieces if current else None,
                    checkpoint=checkpoint,
                    stage=stages.begin,
                )
            except MemoryError as error:
                raise SourceTooLarge("There is not enough memory to make this image.") from error
            finally:
                if overlay is not None:
                    overlay.stream.close()
        if overlay is not None and prepared.overlay is not None:
            current = current and overlay.version == prepared.overlay.version
        return rendition, current, time.perf_counter() - began

    def _note_failure(self, prepared: PreparedImage, error: QisError) -> None:
        self.log.warn(
            "could not render {source} [{spec}]: {reason}",
            source=prepared.path,
            spec=prepared.spec.canonical(),
            reason=f"{error.message} {error.detail}".rstrip(),
        )
        if isinstance(error, Unsupported):
            while len(self._failures) >= _FAILURES_KEPT:
                del self._failures[next(iter(self._failures))]
            self._failures[prepared.etag] = (self._reactor.seconds() + _FAILURES_BELIEVED, error.bare())

    def _raise_known_failure(self, key: str) -> None:
        until, error = self._failures.get(key, (0.0, None))
        if error is None:
            return
        if until > self._reactor.seconds():
            raise error.bare()
        del self._failures[key]

    def _vocabulary_of(self, rules: ImageRules) -> Vocabulary:
        snapshot = self._templates()
        if self._vocabulary is not None:
            known_rules, known_snapshot, vocabulary = self._vocabulary
            if known_rules is rules and known_snapshot is snapshot:
                return vocabulary
        vocabulary = Vocabulary(
            write_formats=rules.rendering.formats.write_names(),
            templates=snapshot.templates,
            default_template=snapshot.default,
            profiles=rules.rendering.profiles.names,
            max_dimension=rules.max_dimension,
            max_grid_tiles=rules.max_grid_tiles,
        )
        self._vocabulary = (rules, snapshot, vocabulary)
        return vocabulary


def download_name(path: str, output: Format, *, asked: str | None) -> str:
    """The name under which an image is saved: that of its source, with the extension of the format it now has.

    ``photo.tif`` as PNG is ``photo.png``; ``a.jpeg`` as (progressive) JPEG stays ``a.jpeg``.
    """
    name = unicodedata.normalize("NFC", path.rpartition("/")[2])
    extension = extension_of(path)
    if extension in output.file_extensions:
        return name
    wanted = asked if asked in output.file_extensions else output.file_extensions[0]
    stem = name[: -len(extension) - 1] if extension else name
    return f"{stem}.{wanted}"


def _lasting(visitor: Visitor, path: str, source: SourceFacts, overlay_path: str) -> bool:
    return visitor.snapshot.validity.keys().isdisjoint({path, os.fsdecode(source.name), overlay_path})


def _spec(
    path: str, request: ImageRequest, vocabulary: Vocabulary, rules: ImageRules, *, auto: str = AUTO_FORMAT
) -> ImageSpec:
    extension = extension_of(path)
    source_format = rules.rendering.formats.by_extension(extension)
    spec = merge(
        request,
        vocabulary,
        source_extension=extension,
        single_page=source_format is None or not source_format.pages,
        canonical=canonical_name,
        auto=auto,
    )
    if spec.format is None and spec.changes_image() and source_format is not None and not source_format.write:
        return attrs.evolve(spec, format=_UNWRITABLE_BECOMES)
    return spec


def _without_idle_focus(spec: ImageSpec, planned: Plan) -> ImageSpec:
    """The spec without a focus that makes no difference: then it is the same image as one without it."""
    if spec.focus is None:
        return spec
    without = attrs.evolve(spec, focus=None)
    return without if plan(without, planned.natural) == planned else spec


def _how(spec: ImageSpec, planned: Plan) -> str:
    """What is made, for keys. Of a focus, what is cut out by it: places that come to the same make one image."""
    if spec.focus is None:
        return spec.canonical()
    cut = attrs.astuple(planned.crop) if planned.crop is not None else ()
    shape = (*cut, planned.canvas.width, planned.canvas.height, spec.focus.cover)
    return f"{attrs.evolve(spec, focus=None).canonical()},{':'.join(map(str, shape))}"


def _output_format(spec: ImageSpec, path: str, rules: ImageRules) -> Format:
    output = rules.rendering.formats.by_extension(spec.format or extension_of(path))
    if output is None:
        raise _unsupported_name(path)
    return output


def _folder_of(path: str) -> str:
    return path.rpartition("/")[0]


def _unsupported_name(path: str) -> Unsupported:
    return Unsupported(f"The file '{path}' is not a supported image.")


def _without_erez_suffix(path: str) -> str | None:
    """What an eRez address means by a ``.tif`` that hangs on another extension: ``foo.jpg.tif`` is ``foo.jpg``."""
    for suffix in (".tif", ".tiff"):
        if path.lower().endswith(suffix):
            stem = path[: -len(suffix)]
            return stem if "." in stem[-6:] else None
    return None


def _key(
    source: SourceFacts,
    how: str,
    output: Format,
    overlay: SourceFacts | None,
    extract: Extract | None,
    rules: ImageRules,
) -> str:
    """Names one image for ever: the exact file, in this version, rendered this way. Also its entity tag."""
    watermark = (overlay.name, str(overlay.version)) if overlay else (b"", "")
    version = str(source.version)
    bases_used = "bases" if 0 < rules.bases_from <= source.info.width * source.info.height else ""
    pieces_used = "" if extract is None else "pieces"
    parts = (how, output.name, *watermark, rules.rendering_version, bases_used, pieces_used)
    return _digest(source.name, version, *parts)


def _from_cache(cached: CachedRendition, prepared: PreparedImage) -> ImageBytes:
    return ImageBytes(
        data=cached.data, content_type=prepared.content_type, from_cache=True, origin=cached.floor or "shared"
    )


def _sliced(prepared: PreparedImage) -> Sliced:
    return Sliced(
        path=prepared.path,
        source=prepared.source,
        page=prepared.spec.page or 1,
        rendering=prepared.rules.rendering,
        key=lambda what: _made_of(prepared, what),
    )


def _base_level(prepared: PreparedImage) -> int:
    return bases.level_for(prepared.source.info, prepared.spec, prepared.plan, least_area=prepared.rules.bases_from)


def _base_key(prepared: PreparedImage, level: int) -> str:
    """Names one base for ever: of the exact file, in this version, reduced this way."""
    return _made_of(prepared, f"base {level}")


def _made_of(prepared: PreparedImage, what: str) -> str:
    """Names for ever what is made of the exact file, in this version, whatever was asked for."""
    source, page = prepared.source, prepared.spec.page or 1
    return _digest(source.name, str(source.version), f"{what} {page}", prepared.rules.rendering_version)


def _digest(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        encoded = part if isinstance(part, bytes) else part.encode("utf-8", "surrogateescape")
        digest.update(b"%d:" % len(encoded) + encoded)
    return digest.hexdigest()[:40]


def _memory(prepared: PreparedImage, pieces: Pieces | None) -> int:
    overlay: SourceInfo | None = prepared.overlay.info if prepared.overlay else None
    if pieces is not None:
        return estimate_memory_from_pieces(prepared.source.info, prepared.spec, prepared.plan, overlay, pieces.extract)
    return estimate_memory(prepared.source.info, prepared.spec, prepared.plan, overlay)


def _open_overlay(repository: Repository, prepared: PreparedImage) -> OpenSource | None:
    if prepared.spec.overlay_src is None:
        return None
    return repository.open(paths.normalise(prepared.spec.overlay_src, parameter="overlay"))


def _too_busy(_: object, timeout: float) -> MadeImage:
    raise Busy(detail=f"waited {timeout} s for another request's render")
