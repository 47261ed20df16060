"""The first page, and how a browser's user likes to see all of them. Both need no database."""

from __future__ import annotations

from qisd import __version__
from qisd.web.console.page import Page, PageCall, Redirect, Who, address
from qisd.web.console.preferences import LANGUAGE, THEME, THEMES, remember
from qisd.web.console.targets import safe_target
from qisd.web.headers import Header

SAMPLE = "/samples/penguin.jpg"

_PART = (("left", "0.2"), ("top", "0.3"), ("right", "0.8"), ("bottom", "0.8"))


class WelcomePages:
    """What there is from the start."""

    @address("/", who=Who.ANYBODY, public=True, first_steps=True)
    async def welcome(self, call: PageCall) -> Page:
        """The name of the product and the way in; to those who have logged in also its version."""
        urls = call.urls()
        whole = urls.image(SAMPLE, [("width", "400")]).removeprefix(urls.origin)
        part = urls.image(SAMPLE, [("width", "400"), *_PART]).removeprefix(urls.origin)
        values = {"whole": whole, "part": part, "original": f"{urls.root}original?src={SAMPLE}", "version": __version__}
        return Page(template="welcome.html", title="qisd", area="welcome", values=values)

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
