"""The page of one image, and the forms that do without script what its menus do with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from qisd.access.levels import Level
from qisd.errors import NotFound, QisError, StoreUnavailable
from qisd.imaging.values import boolean
from qisd.library.files import Files
from qisd.library.rules import LibraryRules
from qisd.store.images import Image
from qisd.web.console.image_facts import ImageFacts
from qisd.web.console.image_values import data_of, details, place, rights, values_of
from qisd.web.console.page import Page, PageCall, Redirect, Who, address

_AREA = "image"
_NOT_FOUND = 404


class ImagePages:
    """The pages of single images."""

    def __init__(
        self, *, facts: ImageFacts, files: Files, rules: Callable[[], LibraryRules], now: Callable[[], datetime]
    ) -> None:
        self._facts = facts
        self._files = files
        self._rules = rules
        self._now = now

    @address("/details/", who=Who.LOGGED_IN)
    async def details(self, call: PageCall) -> Page | Redirect:
        """An image with all that is known of it, be it deleted."""
        src = call.query.get("src", "")
        if boolean(call.query.get("reset", "")):  # old links, which must change nothing by themselves
            return Redirect(target=place("details/reset/", src=src))
        view = await self._facts.view(call.visitor, src)
        return Page(
            template="image.html",
            title=view.image.title or view.image.filename,
            area=_AREA,
            values=values_of(view, call.visitor, call.urls(), now=self._now()),
            data=data_of(view, call.visitor, call.urls(), trash=self._rules().trash_days > 0),
            status=200 if view.state == "there" else _NOT_FOUND,
        )

    # Title and description

    @address("/edit/", who=Who.LOGGED_IN)
    async def edit(self, call: PageCall) -> Page:
        image = await self._image(call, call.query.get("src", ""), Level.EDIT)
        return self._edit_page(call, image, image.title, image.description)

    @address("/edit/", who=Who.LOGGED_IN, post=True)
    async def edited(self, call: PageCall) -> Page | Redirect:
        image = await self._image(call, call.form.get("src", ""), Level.EDIT)
        title, description = call.form.get("title", ""), call.form.get("description", "")
        try:
            image = await self._files.edit(call.visitor, image.id, title=title, description=description)
        except StoreUnavailable:
            raise
        except QisError as error:
            return self._edit_page(call, image, title, description, error=error)
        if call.embed:
            return self._edit_page(call, image, image.title, image.description, saved=True)
        return Redirect(target=details(image.src), status=303)

    def _edit_page(
        self,
        call: PageCall,
        image: Image,
        title: str,
        description: str,
        *,
        error: QisError | None = None,
        saved: bool = False,
    ) -> Page:
        return Page(
            template="edit.html",
            title=image.filename,
            area="edit",
            values={
                "src": f"/{image.src}",
                "back": details(image.src),
                "given": {"title": title, "description": description},
                "error": error,
                "saved": saved,
                "embedded": call.embed,
            },
            data={"id": image.id, "src": f"/{image.src}", "title": image.title, "description": image.description},
            status=error.status if error else 200,
        )

    # What can be done with the file

    @address("/details/rename/", who=Who.LOGGED_IN)
    async def rename(self, call: PageCall) -> Page:
        """Asks for the new path."""
        image = await self._image(call, call.query.get("src", ""), Level.UPLOAD)
        return _deed_page("rename", image, rights(call.visitor, image.folder), given=f"/{image.src}")

    @address("/details/rename/", who=Who.LOGGED_IN, post=True)
    async def renamed(self, call: PageCall) -> Page | Redirect:
        path = call.form.get("path", "")
        return await self._do(
            call, "rename", Level.UPLOAD, lambda image: self._files.move(call.visitor, image.id, path), given=path
        )

    @address("/details/delete/", who=Who.LOGGED_IN)
    async def delete(self, call: PageCall) -> Page:
        """Asks whether it shall be deleted."""
        image = await self._image(call, call.query.get("src", ""), Level.DELETE)
        return _deed_page("delete", image, rights(call.visitor, image.folder))

    @address("/details/delete/", who=Who.LOGGED_IN, post=True)
    async def deleted(self, call: PageCall) -> Page | Redirect:
        done = await self._do(call, "delete", Level.DELETE, lambda image: self._files.delete(call.visitor, image.id))
        if isinstance(done, Page):
            return done
        folder = call.form.get("src", "").strip("/").rpartition("/")[0]
        return Redirect(target=place("list/", path=f"/{folder}"), status=303)

    @address("/details/reset/", who=Who.LOGGED_IN)
    async def reset(self, call: PageCall) -> Page:
        """Asks whether the file shall be looked at anew."""
        image = await self._image(call, call.query.get("src", ""), Level.EDIT)
        return _deed_page("reset", image, rights(call.visitor, image.folder))

    @address("/details/reset/", who=Who.LOGGED_IN, post=True)
    async def was_reset(self, call: PageCall) -> Page | Redirect:
        return await self._do(call, "reset", Level.EDIT, lambda image: self._files.reset(call.visitor, image.id))

    async def _do(
        self,
        call: PageCall,
        deed: str,
        level: Level,
        work: Callable[[Image], Awaitable[Image]],
        *,
        given: str = "",
    ) -> Page | Redirect:
        """Do it and go to the image; or show the form again with what was wrong."""
        image = await self._image(call, call.form.get("src", ""), level)
        try:
            after = await work(image)
        except (NotFound, StoreUnavailable):
            raise
        except QisError as error:
            return _deed_page(deed, image, rights(call.visitor, image.folder), given=given, error=error)
        return Redirect(target=details(after.src), status=303)

    async def _image(self, call: PageCall, src: str, level: Level) -> Image:
        """The image whose path is given, for somebody who has this level in its folder.

        :raises NotFound: there is none.
        """
        image, _ = await self._facts.image(call.visitor, src)
        call.visitor.require_there(level, image.folder)
        return image

    # Pages whose script does the work

    @address("/compare/", who=Who.LOGGED_IN)
    async def compare(self, call: PageCall) -> Page:
        """Two pictures side by side."""
        pair = {name: call.query.get(name, "") for name in ("a", "b")}
        return Page(template="compare.html", title="", area="compare", values=pair, data=pair)

    @address("/details/explain/", who=Who.LOGGED_IN)
    async def explain(self, call: PageCall) -> Page:
        """Why an image request is answered as it is; the query is that of the image."""
        image = await self._image(call, call.query.get("src", ""), Level.EDIT)
        query = call.request.raw_query.decode("utf-8", "replace")
        return Page(
            template="explain.html",
            title=image.filename,
            area="explain",
            values={"image": image, "back": details(image.src)},
            data={"query": query, "src": f"/{image.src}"},
        )


def _deed_page(
    deed: str, image: Image, may: dict[str, bool], *, given: str = "", error: QisError | None = None
) -> Page:
    return Page(
        template="image_deed.html",
        title=image.filename,
        area=_AREA,
        values={
            "deed": deed,
            "src": f"/{image.src}",
            "image": image,
            "back": details(image.src),
            "given": given,
            "may": may,
            "error": error,
        },
        status=error.status if error else 200,
    )
