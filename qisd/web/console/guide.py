"""The imaging guide: every parameter explained, with a picture to try it on, and how this server is set."""

from __future__ import annotations

from collections.abc import Callable

from qisd.errors import QisError
from qisd.images import ImageRules
from qisd.imaging.template import TemplateSnapshot
from qisd.library.files import Files
from qisd.web.console.page import Page, PageCall, Who, address

SAMPLE = "samples/penguin.jpg"
OVERLAY = "samples/qisd110.png"

_KEPT = (("Cache-Control", "private, max-age=3600"), ("Vary", "Cookie"))
"""It holds the name of whoever looks: no cache between may keep it, and not for the next user of the same browser."""


class GuidePages:
    """The page of the guide."""

    def __init__(
        self, *, files: Files, rules: Callable[[], ImageRules], templates: Callable[[], TemplateSnapshot]
    ) -> None:
        self._files = files
        self._rules = rules
        self._templates = templates

    @address("/help/", who=Who.LOGGED_IN)
    async def guide(self, call: PageCall) -> Page:
        rules = self._rules()
        urls = call.urls()
        return Page(
            template="help.html",
            title="Imaging guide",
            area="help",
            values={
                "rules": rules,
                "formats": sorted(
                    {row.name: row for row in rules.rendering.formats.rows.values()}.values(), key=lambda row: row.title
                ),
                "profiles": rules.rendering.profiles.by_space(),
                "templates": sorted(self._templates().names, key=str.lower),
                "expiry": self._templates().default.expiry_secs,
                "server": f"{urls.origin}{urls.root}",
                "sample": f"/{SAMPLE}",
            },
            data={
                "sample": await self._there(call, SAMPLE),
                "overlay": await self._there(call, OVERLAY),
                "server": f"{urls.origin}{urls.root}",
            },
            headers=_KEPT,
        )

    async def _there(self, call: PageCall, src: str) -> str | None:
        """The address of a sample, if it is still in the library and may be seen."""
        try:
            image = await self._files.details(call.visitor, src)
        except QisError:
            return None
        return f"/{image.src}"
