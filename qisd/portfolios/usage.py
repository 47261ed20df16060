"""Where an image is used: what whoever moves, replaces or deletes it should know before."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from qisd.access.levels import Level
from qisd.access.visitor import Visitor
from qisd.library.files import Files
from qisd.library.places import require_login
from qisd.portfolios.permissions import readers
from qisd.store import image_templates, portfolios
from qisd.store.image_templates import Template
from qisd.store.images import Image
from qisd.store.pool import Database
from qisd.store.portfolios import Portfolio


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


class Usage:
    """Finds out where images are used."""

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
