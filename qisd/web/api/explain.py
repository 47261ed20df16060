"""Why an image is what it is, for those who may edit it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from qisd.explaining import CutAround, Explaining, Explanation, InFormat, Option, Right
from qisd.imaging.geometry import Box, Plan, Size
from qisd.imaging.request import parse_query_string
from qisd.web.api.endpoint import Call, endpoint
from qisd.web.api.models import Model, Place
from qisd.web.api.presenting import place
from qisd.web.api.reading import Form

TAG = "Imaging"

_FORMATS_MAX = 8
_QUERY_MAX = 8192


class ExplainForm(Form):
    """Which image."""

    query: Annotated[
        str, Meta(min_length=1, max_length=_QUERY_MAX, description="that of its address, or the whole address")
    ]
    measure: Annotated[bool, Meta(description="make it, although it may be there, to see what takes how long")] = False
    formats: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=10)]],
        Meta(max_length=_FORMATS_MAX, extra={"json_text": (2, 200)}, description="to be made in these as well"),
    ] = msgspec.field(default_factory=list)


class ExplainedRight(Model):
    """What lets somebody see the image: the row of a group for a folder, or system permissions."""

    level: int
    folder: Annotated[str | None, Meta(description="whose row counts; null: none does")]
    group: str | None
    bypass: Annotated[list[str], Meta(description="system permissions that open every folder")]


class ExplainedAccess(ExplainedRight):
    """That of the caller, and of everybody else."""

    public: Annotated[bool, Meta(description="strangers get it at this moment")]
    public_right: ExplainedRight | None


class ExplainedTemplate(Model):
    """The template that applies."""

    asked: Annotated[str | None, Meta(description="as `tmp` names it")]
    name: Annotated[str | None, Meta(description="null: the last good values of the default template")]


class ExplainedOption(Model):
    """An option that was given."""

    name: Annotated[str, Meta(description="as in an address")]
    value: str
    origin: Annotated[Literal["request", "template", "default"], Meta(description="who has given it")]
    effective: Annotated[bool, Meta(description="it makes a difference here")]


class ExplainedSize(Model):
    """In pixels."""

    width: int
    height: int


class ExplainedBox(ExplainedSize):
    """A rectangle, in pixels."""

    left: int
    top: int


class ExplainedGeometry(Model):
    """The sizes on the way."""

    source: Annotated[ExplainedSize, Meta(description="upright")]
    rotated: ExplainedSize
    crop: Annotated[ExplainedBox | None, Meta(description="what is cut out of that; null: all of it stays")]
    picture: Annotated[ExplainedBox, Meta(description="where it lies on the canvas, and how large it is there")]
    canvas: ExplainedSize
    tile: Annotated[ExplainedBox | None, Meta(description="what is cut out of the canvas")]
    output: ExplainedSize


class ExplainedFocus(Place):
    """The place around which the picture is cut."""

    source: Literal["request", "person", "proposal", "centre"]


class ExplainedTier(Model):
    """A floor of the cache."""

    name: Annotated[str, Meta(description="memory, memcached or disk")]
    has: bool


class ExplainedCache(Model):
    """Where the image would come from."""

    tier: Annotated[str, Meta(description="the floor that would answer; or file, pieces, base, source")]
    already: Annotated[bool, Meta(description="it is made already, or needs not to be")]
    tiers: list[ExplainedTier]
    made_of: Annotated[
        Literal["file", "pieces", "base", "source"], Meta(description="what it would be made of, were it in no cache")
    ]
    ready: Annotated[bool, Meta(description="that is there; if not, it is made first")]


class ExplainedStage(Model):
    """A stage of making it."""

    name: str
    ms: float


class ExplainedFormat(Model):
    """What the image takes in another format."""

    format: str
    bytes: int
    ms: Annotated[float, Meta(description="until it was there; 0: it was there already")]
    error: Annotated[str, Meta(description="why there is none")]


class ExplainObject(Model):
    """All that is to be said of one image."""

    src: str
    width: int
    height: int
    format: str
    content_type: str
    key: Annotated[str, Meta(description="also its ETag")]
    expiry_secs: Annotated[int, Meta(description="how long clients may keep it; 0 nothing is said, -1 not at all")]
    access: ExplainedAccess
    template: ExplainedTemplate
    parameters: list[ExplainedOption]
    geometry: ExplainedGeometry
    focal: ExplainedFocus | None
    cache: ExplainedCache
    made_ms: Annotated[float | None, Meta(description="what making it took, if the cache knows")]
    steps: Annotated[list[ExplainedStage], Meta(description="empty unless it was measured")]
    total_ms: float | UnsetType = UNSET
    bytes: int | UnsetType = UNSET
    formats: list[ExplainedFormat] = msgspec.field(default_factory=list)


class ExplainEndpoints:
    """The endpoint."""

    def __init__(self, explaining: Explaining) -> None:
        self._explaining = explaining

    @endpoint(
        "GET",
        "/admin/explain/",
        summary="Why an image is what it is",
        tag=TAG,
        login=True,
        form=ExplainForm,
        answer=ExplainObject,
        errors=(400, 403, 404, 415, 503),
        description="Needs the edit level in the folder of the image, and is refused where the image would be. Nothing"
        " is counted.",
        example={"query": "src=samples/penguin.jpg&width=400"},
    )
    async def explain(self, call: Call) -> ExplainObject:
        form = call.read(ExplainForm)
        query = parse_query_string(_query_of(form.query).encode("utf-8", "replace"))
        found = await self._explaining.explain(call.visitor, query, measure=form.measure, formats=form.formats)
        return _object(found)


def _query_of(text: str) -> str:
    before, mark, query = text.partition("?")
    return query if mark and "=" not in before else text


def _object(found: Explanation) -> ExplainObject:
    prepared, measured = found.prepared, found.bytes is not None
    tiers = [ExplainedTier(name=name, has=has) for name, has in found.has.items()]
    cached = next((tier.name for tier in tiers if tier.has), None)
    focus = found.focus
    made = ExplainObject(
        src=prepared.path,
        width=prepared.plan.output.width,
        height=prepared.plan.output.height,
        format=prepared.output,
        content_type=prepared.content_type,
        key=prepared.etag,
        expiry_secs=prepared.expiry_secs,
        access=_access(found),
        template=ExplainedTemplate(asked=found.template_asked, name=found.template),
        parameters=[_option(one) for one in found.options],
        geometry=_geometry(prepared.plan),
        focal=None if focus is None else _focus(focus),
        cache=ExplainedCache(
            tier=cached or found.made_of,
            already=cached is not None or found.made_of == "file",
            tiers=tiers,
            made_of=found.made_of,
            ready=found.is_there,
        ),
        made_ms=_ms(found.made_seconds) if found.made_seconds else None,
        steps=[ExplainedStage(name=name, ms=_ms(seconds)) for name, seconds in found.stages],
        formats=[_format(one) for one in found.formats],
    )
    if measured:
        made.total_ms = _ms(sum(seconds for _, seconds in found.stages))
        made.bytes = found.bytes if found.bytes is not None else UNSET
    return made


def _access(found: Explanation) -> ExplainedAccess:
    right = _right(found.right)
    return ExplainedAccess(
        level=right.level,
        folder=right.folder,
        group=right.group,
        bypass=right.bypass,
        public=found.public is not None,
        public_right=None if found.public is None else _right(found.public),
    )


def _right(right: Right) -> ExplainedRight:
    return ExplainedRight(
        level=right.level,
        folder=None if right.folder is None else f"/{right.folder}",
        group=right.group,
        bypass=sorted(right.bypass),
    )


def _focus(focus: CutAround) -> ExplainedFocus:
    at = place(focus.place)
    return ExplainedFocus(x=at.x, y=at.y, source=focus.source)


def _option(option: Option) -> ExplainedOption:
    return ExplainedOption(name=option.name, value=option.value, origin=option.origin, effective=option.effective)


def _geometry(plan: Plan) -> ExplainedGeometry:
    left, top = plan.offset
    return ExplainedGeometry(
        source=_size(plan.natural),
        rotated=_size(plan.rotated),
        crop=None if plan.crop is None else _box(plan.crop),
        picture=ExplainedBox(left=left, top=top, width=plan.inner.width, height=plan.inner.height),
        canvas=_size(plan.canvas),
        tile=None if plan.tile is None else _box(plan.tile),
        output=_size(plan.output),
    )


def _size(size: Size) -> ExplainedSize:
    return ExplainedSize(width=size.width, height=size.height)


def _box(box: Box) -> ExplainedBox:
    return ExplainedBox(left=box.left, top=box.top, width=box.width, height=box.height)


def _format(one: InFormat) -> ExplainedFormat:
    return ExplainedFormat(format=one.format, bytes=one.bytes, ms=_ms(one.seconds), error=one.error)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
