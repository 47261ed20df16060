"""How much a template is used."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from msgspec import Meta

from qisd.portfolios.usage import Usage
from qisd.web.api.endpoint import Call, endpoint
from qisd.web.api.models import Model, PortfolioUse


class TemplateUsage(Model):
    """How much a template is used."""

    template_id: int
    default: Annotated[bool, Meta(description="it applies where an address names none, which is not counted here")]
    requests: Annotated[int, Meta(description="in the last 30 days, of addresses that name it")]
    views: Annotated[int, Meta(description="pictures sent for these")]
    total_bytes: int
    portfolios: Annotated[list[PortfolioUse], Meta(description="in which an image or a zip goes by it")]
    portfolios_hidden: Annotated[int, Meta(description="others, which the caller may not see; told to super-users")]


class TemplateUsageEndpoints:
    """The endpoint of one template's uses."""

    def __init__(self, usage: Usage, *, now: Callable[[], datetime]) -> None:
        self._usage = usage
        self._now = now

    @endpoint(
        "GET",
        "/admin/templates/<int:id>/usage/",
        summary="How much a template is used",
        tag="Templates",
        login=True,
        answer=TemplateUsage,
        errors=(404,),
    )
    async def usage(self, call: Call) -> TemplateUsage:
        found = await self._usage.of_template(call.visitor, call.id(), now=self._now())
        return TemplateUsage(
            template_id=found.template.id,
            default=found.default,
            requests=found.counts.requests,
            views=found.counts.views,
            total_bytes=found.counts.total_bytes,
            portfolios=[PortfolioUse(id=one.id, human_id=one.human_id, name=one.name) for one in found.portfolios],
            portfolios_hidden=found.hidden,
        )
