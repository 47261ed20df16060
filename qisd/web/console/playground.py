"""The playground: the publisher for everybody, on images that the operator has chosen for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from qisd.access.visitor import Visitor
from qisd.errors import NotFound, QisError
from qisd.imaging.template import TemplateSnapshot, document_of
from qisd.library.files import Files
from qisd.library.listing import Listing
from qisd.settings import Settings
from qisd.web.console.page import Page, PageCall, Who, address

_MOST = 100


@attrs.frozen(kw_only=True)
class Offer:
    """What can be played with.

    :param wrong: the name of the setting that leads to nothing, or to what strangers may not see; else empty.
    """

    images: Sequence[str] = ()
    overlay: str = ""
    wrong: str = ""


class PlaygroundPages:
    """The page of the playground."""

    def __init__(
        self,
        *,
        files: Files,
        listing: Listing,
        settings: Callable[[], Settings],
        templates: Callable[[], TemplateSnapshot],
    ) -> None:
        self._files = files
        self._listing = listing
        self._settings = settings
        self._templates = templates

    @address("/demo/", who=Who.ANYBODY, public=True)
    async def demo(self, call: PageCall) -> Page:
        """:raises NotFound: there is no playground."""
        settings = self._settings()
        if not settings.demo_image_path:
            raise NotFound("There is no playground at this server.")
        # Whoever looks: what is shown is what everybody sees.
        offer = await self._offer(Visitor(snapshot=call.visitor.snapshot), settings)
        urls = call.urls()
        return Page(
            template="demo.html",
            title="Playground",
            area="demo",
            values={"offer": offer},
            data={
                "images": [f"/{src}" for src in offer.images],
                "overlay": f"/{offer.overlay}" if offer.overlay else "",
                "standard": document_of(self._templates().default),
                "server": f"{urls.origin}{urls.root}",
            },
        )

    async def _offer(self, stranger: Visitor, settings: Settings) -> Offer:
        images = await self._images(stranger, settings.demo_image_path)
        if not images:
            return Offer(wrong="DEMO_IMAGE_PATH")
        if not settings.demo_overlay_image_path:
            return Offer(images=images)
        overlay = await self._image(stranger, settings.demo_overlay_image_path)
        return Offer(images=images, overlay=overlay, wrong="" if overlay else "DEMO_OVERLAY_IMAGE_PATH")

    async def _images(self, stranger: Visitor, path: str) -> list[str]:
        """The image at ``path``, or the first ones of the folder."""
        try:
            found = await self._listing.files(stranger, path, limit=_MOST)
        except QisError:
            image = await self._image(stranger, path)
            return [image] if image else []
        return [one.src for one in found.entries if one.supported]

    async def _image(self, stranger: Visitor, path: str) -> str:
        """The path of an image as it is in the library; empty if strangers don't see one there."""
        try:
            return (await self._files.details(stranger, path)).src
        except QisError:
            return ""
