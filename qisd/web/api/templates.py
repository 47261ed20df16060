"""Image templates."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from qisd.access.levels import Flag
from qisd.accounts.templates import DOCUMENT_MAX, Templates
from qisd.store.image_templates import SORTS, Template
from qisd.web.api.endpoint import Call, Page, Versioned, endpoint
from qisd.web.api.models import TemplateObject
from qisd.web.api.paging import sort_by
from qisd.web.api.reading import Form

TAG = "Templates"


class TemplateListForm(Form):
    """Which templates."""

    q: Annotated[str, Meta(max_length=120, description="a part of name or description")] = ""
    sort: Annotated[str, sort_by(SORTS)] = ""


class TemplateForm(Form):
    """A template."""

    name: Annotated[str, Meta(min_length=1, max_length=120, description="unique in any case", extra={"trim": True})]
    description: Annotated[str, Meta(max_length=5120)]
    template: Annotated[
        Any,
        Meta(
            description='{"<field>": {"value": …}, …}; as JSON text in forms',
            extra={"json_text": (2, DOCUMENT_MAX)},
            extra_json_schema={"type": "object"},
        ),
    ]


class TemplateEndpoints:
    """The endpoints of templates."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates

    @endpoint(
        "GET",
        "/admin/templates/",
        summary="Templates by name",
        tag=TAG,
        login=True,
        form=TemplateListForm,
        listing=True,
        answer=list[TemplateObject],
    )
    async def listed(self, call: Call) -> Page:
        form = call.read(TemplateListForm)
        part = await self._templates.listed(call.visitor, q=form.q, sort=form.sort, start=call.start, limit=call.limit)
        return Page(items=[_object(template) for template in part.items], total=part.total)

    @endpoint(
        "POST",
        "/admin/templates/",
        summary="Make a template",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_ALL,
        form=TemplateForm,
        answer=TemplateObject,
        errors=(400, 409),
        example={
            "name": "Teaser",
            "description": "",
            "template": {"width": {"value": 320}, "format": {"value": "jpg"}},
        },
    )
    async def create(self, call: Call) -> TemplateObject:
        form = call.read(TemplateForm)
        return _object(
            await self._templates.create(
                call.visitor, name=form.name, description=form.description, document=form.template
            )
        )

    @endpoint(
        "GET",
        "/admin/templates/<int:id>/",
        summary="A template",
        tag=TAG,
        login=True,
        answer=TemplateObject,
        errors=(404,),
    )
    async def get(self, call: Call) -> Versioned:
        template = await self._templates.get(call.visitor, call.id())
        return Versioned(data=_object(template), version=template.version)

    @endpoint(
        "PUT",
        "/admin/templates/<int:id>/",
        summary="Replace a template; nothing of the old one is merged in",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_ALL,
        form=TemplateForm,
        answer=TemplateObject,
        errors=(400, 404, 409),
        example={"name": "Teaser", "description": "", "template": {"width": {"value": 360}}},
    )
    async def change(self, call: Call) -> TemplateObject:
        form = call.read(TemplateForm)
        return _object(
            await self._templates.update(
                call.visitor,
                call.id(),
                name=form.name,
                description=form.description,
                document=form.template,
                expected_version=call.version,
            )
        )

    @endpoint(
        "DELETE",
        "/admin/templates/<int:id>/",
        summary="Delete a template",
        tag=TAG,
        login=True,
        flag=Flag.ADMIN_ALL,
        errors=(400, 404),
    )
    async def delete(self, call: Call) -> None:
        await self._templates.delete(call.visitor, call.id(), expected_version=call.version)


def _object(template: Template) -> TemplateObject:
    return TemplateObject(
        id=template.id,
        name=template.name,
        description=template.description,
        template={name: entry for name, entry in template.document.items() if name not in ("filename", "template")},
    )
