"""The publisher: making up an image, and the code that shows it elsewhere."""

from __future__ import annotations

from qisd.access.levels import Level
from qisd.library.files import Files
from qisd.web.console.page import Page, PageCall, Who, address

_MORE_MAX = 100_000


class PublishPages:
    """The page of the publisher."""

    def __init__(self, *, files: Files) -> None:
        self._files = files

    @address("/publish/", who=Who.LOGGED_IN)
    async def publish(self, call: PageCall) -> Page:
        """For those who may download the image: what is published is open to everybody who has the address."""
        image = await self._files.details(call.visitor, call.query.get("src", ""))
        call.visitor.require(Level.DOWNLOAD, image.folder)
        urls = call.urls()
        return Page(
            template="publish.html",
            title=image.filename,
            area="publish",
            values={"src": f"/{image.src}"},
            data={
                "src": f"/{image.src}",
                "title": image.title,
                "more": call.query.get("more", "")[:_MORE_MAX],
                "server": f"{urls.origin}{urls.root}",
                "embed": call.embed,
            },
        )
