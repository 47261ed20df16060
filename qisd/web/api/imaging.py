"""What images the server can make, and what would become of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from qisd.access.clients import client_of
from qisd.access.visitor import Visitor
from qisd.errors import QisError
from qisd.images import ImageBytes, ImageRules, Images, PreparedImage
from qisd.imaging.advice import Advice, Wanted, advice
from qisd.imaging.encode import DEFAULT_PNG_QUALITY, DEFAULT_QUALITY
from qisd.imaging.formats import Format
from qisd.imaging.geometry import Box
from qisd.imaging.negotiation import MODERN
from qisd.imaging.template import TemplateSnapshot
from qisd.web.api.endpoint import Call, endpoint
from qisd.web.api.models import Model
from qisd.web.api.reading import Form

TAG = "Imaging"

_OWN = frozenset({"measure", "token"})
"""Parameters of the check that say nothing about the image."""


class FormatObject(Model):
    """A file format."""

    name: str
    title: Annotated[str, Meta(description="for people")]
    extensions: Annotated[list[str], Meta(description="values of `format`; the usual one first")]
    mime: str
    read: bool
    write: bool
    pages: Annotated[bool, Meta(description="its files can hold several pages")]
    alpha: Annotated[bool, Meta(description="can be written with transparency")]
    icc: Annotated[bool, Meta(description="can be written with a colour profile")]
    cmyk: Annotated[bool, Meta(description="can be written in CMYK")]
    max_side: Annotated[int, Meta(description="largest width and height, in pixels")]
    quality: Annotated[int, Meta(description="used where neither address nor template says one")]


class ProfileObject(Model):
    """A colour profile that can be asked for."""

    name: str
    space: Annotated[str, Meta(description="RGB, CMYK, GRAY, LAB, …")]


class ImagingLimits(Model):
    """What may be asked for at most; 0 is no limit."""

    size: Annotated[int, Meta(description="width and height")]
    grid_tiles: int
    public_width: Annotated[int, Meta(description="for those who have not logged in")]
    public_height: int


class ImagingFacts(Model):
    """What images can be made."""

    formats: list[FormatObject]
    profiles: list[ProfileObject]
    limits: ImagingLimits
    templates: Annotated[list[str], Meta(description="only for those who have logged in")] | UnsetType = UNSET
    default_template: (
        Annotated[str | None, Meta(description="the one that applies without `tmp`; likewise")] | UnsetType
    ) = UNSET


class CheckForm(Form):
    """How closely to look. All other parameters are those of the image."""

    measure: Annotated[bool, Meta(description="make the image, if need be, to tell its bytes")] = False


class SizeObject(Model):
    """In pixels."""

    width: int
    height: int


class BoxObject(Model):
    """A rectangle, in pixels."""

    left: int
    top: int
    width: int
    height: int


class CheckedSource(SizeObject):
    """What the image is made from."""

    format: str
    mode: Annotated[str, Meta(description="how its pixels are stored: L, RGB, RGBA, CMYK, …")]
    pages: int
    alpha: bool
    bytes: int


class AdviceObject(Model):
    """Something to think about."""

    parameter: str
    code: str
    text: str
    values: dict[str, Any]


class CheckObject(SizeObject):
    """What would become of an image; ``bytes`` and what follows only if it was measured."""

    format: str
    content_type: str
    changed: Annotated[bool, Meta(description="false: the file itself is the answer")]
    source: CheckedSource
    rotated: Annotated[SizeObject, Meta(description="the source after rotation: nothing gets larger")]
    crop: Annotated[BoxObject | None, Meta(description="what is cut out of that")]
    picture: Annotated[BoxObject, Meta(description="where the picture lies; around it is padding")]
    public: Annotated[bool, Meta(description="strangers get it, too")]
    public_reason: Annotated[str, Meta(description="why they don't")]
    warnings: list[AdviceObject]
    bytes: int | UnsetType = UNSET
    seconds: Annotated[float, Meta(description="until it was there")] | UnsetType = UNSET
    from_cache: bool | UnsetType = UNSET


class ImagingEndpoints:
    """The endpoints about images that are not made yet.

    :param rules: what the operator has set, as it is now.
    :param seconds: a clock.
    """

    def __init__(
        self,
        images: Images,
        *,
        rules: Callable[[], ImageRules],
        templates: Callable[[], TemplateSnapshot],
        seconds: Callable[[], float],
    ) -> None:
        self._images = images
        self._rules = rules
        self._templates = templates
        self._seconds = seconds

    @endpoint(
        "GET",
        "/imaging/",
        summary="What images can be made: formats, profiles, limits",
        tag=TAG,
        answer=ImagingFacts,
        internal=False,
    )
    async def facts(self, call: Call) -> ImagingFacts:
        rules = self._rules()
        made = ImagingFacts(
            formats=_formats(rules.rendering.formats.rows),
            profiles=[
                ProfileObject(name=name, space=space)
                for space, names in rules.rendering.profiles.by_space().items()
                for name in names
            ],
            limits=ImagingLimits(
                size=rules.max_dimension,
                grid_tiles=rules.max_grid_tiles,
                public_width=rules.public_limits.max_width,
                public_height=rules.public_limits.max_height,
            ),
        )
        if not call.visitor.anonymous:
            templates = self._templates()
            made.templates = sorted(templates.names, key=str.lower)
            made.default_template = templates.default_name
        return made

    @endpoint(
        "GET",
        "/imaging/check/",
        summary="What would become of an image",
        tag=TAG,
        form=CheckForm,
        answer=CheckObject,
        internal=False,
        reason_alone=True,
        errors=(400, 403, 404, 415, 503),
        description="Takes the parameters of `/image`, and is refused where that would be. Nothing is made, unless"
        " `measure` asks for it, and nothing is counted. With `format=auto` it tells of the image that browsers of"
        " today get.",
        example={"measure": True},
    )
    async def check(self, call: Call) -> CheckObject:
        form = call.read(CheckForm)
        query = _image_query(call)
        prepared = await self._images.prepare(query, call.visitor, accepts=MODERN)
        reason = await self._refusal(query, call.visitor)
        made = _checked(prepared, public_reason=reason)
        if form.measure:
            began = self._seconds()
            made.bytes, made.from_cache = await self._measured(prepared, call.visitor)
            made.seconds = round(self._seconds() - began, 6)
        return made

    async def _refusal(self, query: Mapping[str, str], visitor: Visitor) -> str:
        """Why a stranger does not get an image; empty if they do."""
        stranger = Visitor(snapshot=visitor.snapshot)
        try:
            await self._images.prepare(query, stranger)
        except QisError as error:
            return error.message
        return ""

    async def _measured(self, prepared: PreparedImage, visitor: Visitor) -> tuple[int, bool]:
        """The bytes of an image, and whether it was made already."""
        made = await self._images.fetch(prepared, client=client_of(visitor.address))
        if isinstance(made, ImageBytes):
            return len(made.data), made.from_cache
        made.stream.close()
        return made.size, True


def _image_query(call: Call) -> dict[str, str]:
    query: dict[str, str] = {}
    for name, value in call.parameters.texts:
        if name not in _OWN:
            query.setdefault(name, value)
    return query


def _formats(rows: Mapping[str, Format]) -> list[FormatObject]:
    extensions: dict[str, list[str]] = {}
    for extension, row in rows.items():
        extensions.setdefault(row.name, []).append(extension)
    known = {row.name: row for row in rows.values()}
    return [
        FormatObject(
            name=row.name,
            title=row.title,
            extensions=extensions[row.name],
            mime=row.mime,
            read=row.read,
            write=row.write,
            pages=row.pages,
            alpha=row.alpha,
            icc=row.icc,
            cmyk="CMYK" in row.modes,
            max_side=row.max_side,
            quality=DEFAULT_PNG_QUALITY if row.name == "png" else DEFAULT_QUALITY,
        )
        for row in known.values()
    ]


def _checked(prepared: PreparedImage, *, public_reason: str) -> CheckObject:
    info, plan, rendering = prepared.source.info, prepared.plan, prepared.rules.rendering
    output = rendering.formats.rows[prepared.output]
    wanted = Wanted(spec=prepared.spec, plan=plan, source=info, output=output, spaces=rendering.profiles.spaces)
    left, top = plan.offset
    return CheckObject(
        width=plan.output.width,
        height=plan.output.height,
        format=output.name,
        content_type=prepared.content_type,
        changed=prepared.spec.changes_image(),
        source=CheckedSource(
            width=info.width,
            height=info.height,
            format=info.format,
            mode=info.mode,
            pages=info.pages,
            alpha=info.has_alpha,
            bytes=prepared.source.version.size,
        ),
        rotated=SizeObject(width=plan.rotated.width, height=plan.rotated.height),
        crop=None if plan.crop is None else _box(plan.crop),
        picture=BoxObject(left=left, top=top, width=plan.inner.width, height=plan.inner.height),
        public=not public_reason,
        public_reason=public_reason,
        warnings=[_advice_object(one) for one in advice(wanted)],
    )


def _box(box: Box) -> BoxObject:
    return BoxObject(left=box.left, top=box.top, width=box.width, height=box.height)


def _advice_object(one: Advice) -> AdviceObject:
    return AdviceObject(parameter=one.parameter, code=one.code, text=one.text, values=dict(one.values))
