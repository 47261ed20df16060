"""The first page, and how a browser's user likes to see all of them. Both do without a database."""

from __future__ import annotations

from qisd import __version__
from qisd.errors import QisError
from qisd.library.files import Files
from qisd.web.console.page import Page, PageCall, Redirect, Who, address
from qisd.web.console.preferences import LANGUAGE, THEME, THEMES, remember
from qisd.web.console.targets import safe_target
from qisd.web.headers import Header

SAMPLE = "/samples/penguin.jpg"

_PART = (("left", "0.2"), ("top", "0.3"), ("right", "0.8"), ("bottom", "0.8"))


class WelcomePages:
    """What there is from the start.

    :param files: tell whether the sample can be shown; before there are any it is taken for granted.
    """

    def __init__(self, *, files: Files | None = None) -> None:
        self._files = files

    @address("/", who=Who.ANYBODY, public=True, first_steps=True)
    async def welcome(self, call: PageCall) -> Page:
        """The name of the product and the way in; to those who have logged in also its version."""
        urls = call.urls()
        whole = urls.image(SAMPLE, [("width", "400")]).removeprefix(urls.origin)
        part = urls.image(SAMPLE, [("width", "400"), *_PART]).removeprefix(urls.origin)
        values = {
            "shown": await self._has_sample(call),
            "whole": whole,
            "part": part,
            "original": f"{urls.root}original?src={SAMPLE}",
            "version": __version__,
        }
        return Page(template="welcome.html", title="qisd", area="welcome", values=values)

    async def _has_sample(self, call: PageCall) -> bool:
        """Whether the visitor would see it: operators delete or close the samples."""
        if self._files is None:
            return True
        try:
            return bool(await self._files.at(call.visitor, [SAMPLE]))
        except QisError:
            return True  # nobody can tell at present, and this page is there always

    @address("/appearance/", who=Who.ANYBODY, public=True, first_steps=True, post=True)
    async def appearance(self, call: PageCall) -> Redirect:
        """Remember theme and language, and go back to where they were chosen."""
        headers: list[Header] = []
        if call.form.get("theme") in THEMES:
            headers.append(remember(call.request, THEME, call.form["theme"]))
        language = call.form.get("lang", "")
        if language.isalpha() and language.isascii() and len(language) <= 3:
            headers.append(remember(call.request, LANGUAGE, language))
        return Redirect(target=safe_target(call.request, call.form.get("next")), status=303, headers=headers)
