"""Where an image is used."""

from __future__ import annotations

from qisd.portfolios.usage import Usage
from qisd.web.api.endpoint import Call, endpoint
from qisd.web.api.models import ImageUsage, PortfolioUse, TemplateUse


class ImageUsageEndpoints:
    """The endpoint of one image's uses."""

    def __init__(self, usage: Usage) -> None:
        self._usage = usage

    @endpoint(
        "GET",
        "/admin/images/<int:id>/usage/",
        summary="Where an image is used",
        tag="Images",
        login=True,
        answer=ImageUsage,
        errors=(403,),
        description="The portfolios that it is in, and the templates that lay it over other images.",
    )
    async def usage(self, call: Call) -> ImageUsage:
        found = await self._usage.of(call.visitor, call.id())
        return ImageUsage(
            image_id=found.image.id,
            portfolios=[PortfolioUse(id=one.id, human_id=one.human_id, name=one.name) for one in found.portfolios],
            portfolios_hidden=found.hidden,
            templates=[TemplateUse(id=one.id, name=one.name) for one in found.templates],
        )
