"""The image templates: their list, and the form of one."""

from __future__ import annotations

from qisd.access.levels import Flag
from qisd.accounts.templates import Templates
from qisd.errors import Forbidden
from qisd.web.console.page import Page, PageCall, Who, address

_AREA = "templates"


class TemplatePages:
    """Administrators of any kind see them; those with all permissions change them."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates

    @address("/admin/templates/", who=Who.ANY_ADMIN)
    async def listed(self, call: PageCall) -> Page:
        return Page(template="templates.html", title="Templates", area=_AREA, data={"id": None})

    @address("/admin/templates/<int:template_id>/", who=Who.ANY_ADMIN)
    async def form(self, call: PageCall, template_id: int) -> Page:
        """One of them; number 0 is a new one.

        :raises NotFound: there is none of that number.
        """
        title = ""
        if template_id:
            title = (await self._templates.get(call.visitor, template_id)).name
        elif not call.visitor.may(Flag.ADMIN_ALL):
            raise Forbidden("Only super users make templates.")
        return Page(
            template="template.html",
            title=title or "New template",
            area=_AREA,
            values={"name": title},
            data={
                "id": template_id,
                "from": call.query.get("from", ""),
                "onClose": call.query.get("onClose", ""),
                "embed": call.embed,
            },
        )
