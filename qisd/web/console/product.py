"""What this server is and can do: ``/about/`` and ``/overview/``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import PIL
from PIL import features

from qisd import __version__
from qisd.access.levels import Flag
from qisd.agreement import differences, titles_of, wrong_clocks
from qisd.images import ImageRules
from qisd.imaging.formats import Format, FormatTable
from qisd.imaging.negotiation import MODERN
from qisd.imaging.resample import HAVE_EXTENSION
from qisd.imaging.template import TemplateSnapshot
from qisd.store.server_status import ServerStatus
from qisd.web.console.page import Page, PageCall, address


class ProductPages:
    """The pages about the server itself.

    :param server: its id.
    :param servers: all of the site.
    """

    def __init__(
        self,
        *,
        rules: Callable[[], ImageRules],
        templates: Callable[[], TemplateSnapshot],
        server: str,
        servers: Callable[[], Sequence[ServerStatus]],
    ) -> None:
        self._rules = rules
        self._templates = templates
        self._server = server
        self._servers = servers

    @address("/about/")
    async def about(self, call: PageCall) -> Page:
        """Version, formats, profiles, templates."""
        rendering, templates = self._rules().rendering, self._templates()
        operator = call.visitor.may(Flag.ADMIN_ALL)
        servers = self._servers() if operator else ()
        values = {
            "version": __version__,
            "server": self._server if operator else "",
            "servers": [(titles_of(servers)[one.server_id], one) for one in servers],
            "differences": differences(servers),
            "wrong_clocks": {one.server_id for one in wrong_clocks(servers)},
            "library": f"Pillow {PIL.__version__}, LittleCMS {features.version('littlecms2') or '–'}",
            "templates": sorted(templates.names, key=str.casefold),
            "default_template": templates.default_name,
            "operations": _operations(rendering.formats),
            "profiles": _by_space(rendering.profiles.spaces),
            "formats": _formats(rendering.formats),
            "unsupported": sorted(rendering.formats.unsupported),
        }
        return Page(template="about.html", title="About", area="about", values=values)

    @address("/overview/")
    async def overview(self, call: PageCall) -> Page:
        """What the server is for, and where to begin."""
        return Page(template="overview.html", title="Overview", area="overview")


def _operations(table: FormatTable) -> list[tuple[str, bool]]:
    """What can be done to images, and whether it is there: parts of the libraries may be missing."""
    colours = bool(features.check("littlecms2"))
    return [
        *(
            (name, True)
            for name in ("crop", "resize", "rotate", "flip", "sharpen", "overlay", "tile", "focus", "strip")
        ),
        ("profile", colours),
        ("colorspace", colours),
        ("auto", any(table.by_extension(name) is not None for name in MODERN)),
        ("pages", any(row.pages for row in table.readable())),
        ("fast", HAVE_EXTENSION),
        ("vectors", table.by_extension("svg") is not None),
        ("documents", table.by_extension("pdf") is not None),
        ("raw", table.by_extension("nef") is not None),
        ("animation", False),
    ]


def _by_space(spaces: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for name, space in sorted(spaces.items()):
        found.setdefault(space, []).append(name)
    return sorted(found.items())


def _formats(table: FormatTable) -> Sequence[Format]:
    """Each format once."""
    return sorted({row.name: row for row in table.rows.values()}.values(), key=lambda row: row.title.casefold())
