"""Why an image is what it is: which right lets it through, what is in force, where it comes from, what it costs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import attrs

from qisd.access.clients import client_of
from qisd.access.levels import Flag, Level
from qisd.access.snapshot import Decision
from qisd.access.visitor import Visitor
from qisd.cache.interfaces import IRenditionCache
from qisd.errors import QisError
from qisd.images import ImageBytes, ImageFile, Images, MadeOf, PreparedImage
from qisd.imaging.negotiation import MODERN
from qisd.imaging.spec import MIDDLE, Focus, ImageOptions, ImageSpec
from qisd.imaging.template import TemplateSnapshot, TemplateValues
from qisd.imaging.urls import parameter_of
from qisd.library.places import require_login
from qisd.pools.stages import Stage
from qisd.store.first_run import PUBLIC

Origin = Literal["request", "template", "default"]


@attrs.frozen(kw_only=True)
class Right:
    """What lets somebody see the image.

    :param group: the name of the group whose row it is; None: no row does.
    :param folder: of the row, without slashes around it.
    :param bypass: system permissions that open every folder.
    """

    level: int
    group: str | None
    folder: str | None
    bypass: frozenset[Flag] = frozenset()


@attrs.frozen(kw_only=True)
class Option:
    """One option that somebody has given.

    :param name: of the URL, and ``value`` as it would stand there.
    :param origin: who has given it: the request, the template that it names, or the default template.
    :param effective: whether it makes any difference here.
    """

    name: str
    value: str
    origin: Origin
    effective: bool


@attrs.frozen(kw_only=True)
class InFormat:
    """What the image takes in a format; or why there is none.

    :param seconds: until it was there, if it wasn't yet.
    """

    format: str
    bytes: int = 0
    seconds: float = 0.0
    error: str = ""


@attrs.frozen(kw_only=True)
class CutAround:
    """The place around which the picture is cut, and whose word that is."""

    place: Focus
    source: Literal["request", "person", "proposal", "centre"]


@attrs.frozen(kw_only=True)
class Explanation:
    """All that is to be said of one image.

    :param right: of the visitor; ``public`` that of everybody else, None if they don't get it.
    :param template: that applies; ``template_asked`` as the request names it.
    :param focus: where the picture is cut around, if it is.
    :param has: for each floor of the cache, whether it has the image.
    :param made_seconds: that making it took, if the cache knows.
    :param made_of: what it would be made of, were it not in the cache; ``is_there`` whether that is there.
    :param stages: of making it just now, if that was asked for; and ``bytes`` of it.
    """

    prepared: PreparedImage
    right: Right
    public: Right | None
    template: str | None
    template_asked: str | None
    options: Sequence[Option]
    focus: CutAround | None
    has: Mapping[str, bool]
    made_seconds: float
    made_of: MadeOf
    is_there: bool
    stages: Sequence[Stage] = ()
    bytes: int | None = None
    formats: Sequence[InFormat] = ()


class Explaining:
    """Explains images to those who may edit them.

    :param floors: of the cache, by name, the quickest first.
    :param templates: as they are now.
    :param chosen: the focal points that people have set, by path.
    """

    def __init__(
        self,
        images: Images,
        *,
        floors: Mapping[str, IRenditionCache],
        templates: Callable[[], TemplateSnapshot],
        chosen: Callable[[], Mapping[str, Focus]],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._images = images
        self._floors = floors
        self._templates = templates
        self._chosen = chosen
        self._clock = clock

    async def explain(
        self, visitor: Visitor, query: Mapping[str, str], *, measure: bool = False, formats: Sequence[str] = ()
    ) -> Explanation:
        """Explain the image that ``query`` asks for; needs the edit level.

        :param measure: make it, although it may be there, to see what takes how long.
        :param formats: in which it is to be made as well.
        :raises QisError: what the request for the image would be answered with.
        """
        require_login(visitor)
        prepared = await self._images.prepare(query, visitor, accepts=MODERN)
        folder = _folder_of(prepared)
        visitor.require(Level.EDIT, folder)
        request, templates = self._images.request_of(query, visitor), self._templates()
        applied = templates.default if request.template is None else templates.templates[request.template]
        named = [name for name in templates.names if name.lower() == request.template]
        cached = {name: await floor.get(prepared.etag) for name, floor in self._floors.items()}
        made_of, is_there = await self._images.made_of(prepared)
        found = Explanation(
            prepared=prepared,
            right=_right(visitor, folder),
            public=_right(Visitor(snapshot=visitor.snapshot), folder) if prepared.public else None,
            template=templates.default_name if request.template is None else next(iter(named), request.template),
            template_asked=request.template,
            options=_options(request.options, applied, prepared.spec, named=request.template is not None),
            focus=self._cut_around(prepared, request.options.focus or applied.options.focus),
            has={name: one is not None for name, one in cached.items()},
            made_seconds=max((one.seconds for one in cached.values() if one is not None), default=0.0),
            made_of=made_of,
            is_there=is_there,
        )
        if measure and prepared.spec.changes_image():
            made = await self._images.make_anew(prepared, client=client_of(visitor.address))
            found = attrs.evolve(found, stages=made.stages, bytes=len(made.data))
        return attrs.evolve(found, formats=[await self._in_format(visitor, query, one) for one in formats])

    def _cut_around(self, prepared: PreparedImage, given: Focus | None) -> CutAround | None:
        place = prepared.spec.focus
        if place is None:
            return None
        if place.x is None:
            return CutAround(place=Focus(x=MIDDLE, y=MIDDLE), source="centre")
        at = Focus(x=place.x, y=place.y)
        if given == at:
            return CutAround(place=at, source="request")
        chosen = self._chosen().get(os.fsdecode(prepared.source.name)) == at
        return CutAround(place=at, source="person" if chosen else "proposal")

    async def _in_format(self, visitor: Visitor, query: Mapping[str, str], wanted: str) -> InFormat:
        began = self._clock()
        try:
            prepared = await self._images.prepare({**query, "format": wanted}, visitor)
            made = await self._images.fetch(prepared, client=client_of(visitor.address))
        except QisError as error:
            return InFormat(format=wanted, error=error.message)
        size = _size(made)
        new = isinstance(made, ImageBytes) and not made.from_cache
        return InFormat(format=wanted, bytes=size, seconds=self._clock() - began if new else 0.0)


def _size(made: ImageBytes | ImageFile) -> int:
    if isinstance(made, ImageBytes):
        return len(made.data)
    made.stream.close()
    return made.size


def _folder_of(prepared: PreparedImage) -> str:
    return prepared.path.rpartition("/")[0]


def _right(visitor: Visitor, folder: str) -> Right:
    """What lets ``visitor`` see what is in ``folder``: everybody's right, if that is enough; else their own highest."""
    snapshot = visitor.snapshot
    decisions = [one for one in snapshot.decisions(visitor.groups | {PUBLIC}, folder) if (one.level or 0) >= Level.VIEW]
    if decisions:
        best = max(decisions, key=lambda one: (one.group == PUBLIC, one.level or 0))
        return _of_row(best, visitor)
    return Right(level=visitor.level(folder), group=None, folder=None, bypass=_bypass(visitor))


def _of_row(decision: Decision, visitor: Visitor) -> Right:
    group = visitor.snapshot.groups.get(decision.group)
    return Right(
        level=decision.level or 0,
        group=None if group is None else group.name,
        folder=decision.folder,
        bypass=_bypass(visitor),
    )


def _bypass(visitor: Visitor) -> frozenset[Flag]:
    return visitor.flags & {Flag.ADMIN_FILES, Flag.ADMIN_ALL}


def _options(own: ImageOptions, template: TemplateValues, spec: ImageSpec, *, named: bool) -> list[Option]:
    """What was given, in the order of the program; a template's only where the request is silent."""
    nothing = ImageSpec()
    found = []
    for field in attrs.fields(ImageOptions):
        asked, said = getattr(own, field.name), getattr(template.options, field.name)
        value = said if asked is None else asked
        if value is None:
            continue
        name, text = parameter_of(field.name, value)
        origin: Origin = "request" if asked is not None else "template" if named else "default"
        effective = getattr(spec, field.name) != getattr(nothing, field.name)
        found.append(Option(name=name, value=text, origin=origin, effective=effective))
    return found
