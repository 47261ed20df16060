"""What this server is and can do: ``/about/`` and ``/overview/``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import PIL
from PIL import features

from qisd import __version__
from qisd.access.levels import Flag
from qisd.images import ImageRules
from qisd.imaging.formats import Format, FormatTable
from qisd.imaging.template import TemplateSnapshot
from qisd.web.console.page import Page, PageCall, address


class ProductPages:
    """The pages about the server itself.

    :param server: its id.
    """

    def __init__(
        self, *, rules: Callable[[], ImageRules], templates: Callable[[], TemplateSnapshot], server: str
    ) -> None:
        self._rules = rules
        self._templates = templates
        self._server = server

    @address("/about/")
    async def about(self, call: PageCall) -> Page:
        """Version, formats, profiles, templates."""
        rendering, templates = self._rules().rendering, self._templates()
        values = {
            "version": __version__,
            "server": self._server if call.visitor.may(Flag.ADMIN_ALL) else "",
            "library": f"Pillow {PIL.__version__}, LittleCMS {features.version('littlecms2') or '–'}",
            "templates": sorted(templates.names, key=str.casefold),
            "profiles": _by_space(rendering.profiles.spaces),
            "formats": _formats(rendering.formats),
            "unsupported": sorted(rendering.formats.unsupported),
        }
        return Page(template="about.html", title="About", area="about", values=values)

    @address("/overview/")
    async def overview(self, call: PageCall) -> Page:
        """What the server is for, and where to begin."""
        return Page(template="overview.html", title="Overview", area="overview")


def _by_space(spaces: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for name, space in sorted(spaces.items()):
        found.setdefault(space, []).append(name)
    return sorted(found.items())


def _formats(table: FormatTable) -> Sequence[Format]:
    """Each format once."""
    return sorted({row.name: row for row in table.rows.values()}.values(), key=lambda row: row.title.casefold())
