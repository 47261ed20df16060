"""Where an image or a template is used: what whoever moves, replaces or deletes it should know before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import attrs

from qisd.access.levels import Flag, Level
from qisd.access.visitor import Visitor
from qisd.errors import NotFound
from qisd.library.files import Files
from qisd.library.places import require_login
from qisd.portfolios.permissions import readers
from qisd.store import image_templates, portfolios, properties, stats_reports
from qisd.store.image_templates import Template
from qisd.store.images import Image
from qisd.store.pool import Database
from qisd.store.portfolios import Portfolio
from qisd.store.stats import BreakdownCounts

_LATELY = timedelta(days=30)


@attrs.frozen(kw_only=True)
class ImageUses:
    """Where an image is used.

    :param portfolios: those that the visitor may see; ``hidden`` is how many others there are, which only those are
        told who may delete the image.
    :param templates: those that lay it over other images.
    """

    image: Image
    portfolios: Sequence[Portfolio]
    hidden: int
    templates: Sequence[Template]


@attrs.frozen(kw_only=True)
class TemplateUses:
    """How much a template is used.

    :param default: whether it applies where an address names none.
    :param counts: what addresses that name it were answered with in the last 30 days.
    :param portfolios: those that the visitor may see; ``hidden`` is how many others there are, which only super-users
        are told.
    """

    template: Template
    default: bool
    counts: BreakdownCounts
    portfolios: Sequence[Portfolio]
    hidden: int


class Usage:
    """Finds out where images and templates are used."""

    def __init__(self, database: Database, *, files: Files) -> None:
        self._database = database
        self._files = files

    async def of(self, visitor: Visitor, image_id: int) -> ImageUses:
        """Where an image is used; needs the view level.

        :raises NotFound: there is none.
        """
        require_login(visitor)
        image = await self._files.by_id(visitor, image_id)
        seen = await portfolios.with_image(self._database, readers(visitor), image_id)
        hidden = 0
        if visitor.can(Level.DELETE, image.folder):
            hidden = await portfolios.count_with_image(self._database, image_id) - len(seen)
        templates = await image_templates.with_overlay(self._database, image.src)
        return ImageUses(image=image, portfolios=seen, hidden=max(hidden, 0), templates=templates)

    async def of_template(self, visitor: Visitor, template_id: int, *, now: datetime) -> TemplateUses:
        """How much a template is used.

        :raises NotFound: there is none.
        """
        require_login(visitor)
        template = await image_templates.by_id(self._database, template_id)
        if template is None:
            raise NotFound(str(template_id))
        seen = await portfolios.with_template(self._database, readers(visitor), template.name)
        hidden = 0
        if visitor.may(Flag.ADMIN_ALL):
            hidden = await portfolios.count_with_template(self._database, template.name) - len(seen)
        return TemplateUses(
            template=template,
            default=await properties.is_default_template(self._database, template.name),
            counts=await stats_reports.of_template(self._database, template.name, since=now - _LATELY),
            portfolios=seen,
            hidden=max(hidden, 0),
        )
