"""The frame around each page: Jinja2 templates of ``admin/pages`` with what all of them show, and the headers that keep
a page to itself.
"""

from __future__ import annotations

import functools
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import attrs
from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup, escape

from qisd.access.levels import Flag
from qisd.access.visitor import ANONYMOUS, Visitor
from qisd.store.users import GENERATED
from qisd.web.console.assets import FOLDER, Assets, shipped
from qisd.web.console.menus import is_admin, menus_for
from qisd.web.console.page import Page
from qisd.web.console.preferences import THEMES, Preferences, preferences_of
from qisd.web.console.texts import COMMON, Catalogues, Texts
from qisd.web.headers import Header
from qisd.web.identity import must_change_password
from qisd.web.urls import Urls

if TYPE_CHECKING:
    from qisd.web.errors import ErrorAnswer
    from qisd.web.request import QisRequest

POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'self';"
    " form-action 'self'"
)
"""Where a form may lead comes last, so that a page can say one place more."""

SECURITY: tuple[Header, ...] = (
    ("Content-Security-Policy", POLICY),
    ("X-Frame-Options", "SAMEORIGIN"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
    ("Cache-Control", "no-store"),
)
"""What goes with a page of the console that doesn't say otherwise."""

_HTML = ("Content-Type", "text/html; charset=utf-8")

_OF_USERS = ("js/core/counters.js", "js/upload/resume.js")
"""Scripts that run on all pages of those who have logged in."""

_READABLE = "/:,@!*()'~-._"
_UNSAFE_IN_SCRIPTS = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


@attrs.frozen(kw_only=True)
class Looker:
    """For whom a page is made.

    :param name: what the page calls them.
    :param csrf: what proves to us that a form was sent from a page of theirs; empty for those without a session.
    :param embed: the page is shown within another one, without header and menus.
    """

    visitor: Visitor = ANONYMOUS
    name: str = ""
    csrf: str = ""
    embed: bool = False


NOBODY = Looker()


class Frame:
    """Makes pages."""

    def __init__(self, assets: Assets, folder: Path = FOLDER) -> None:
        self.assets = assets
        self.catalogues = Catalogues(folder / "texts")
        pages = folder / "pages"
        templates = {path.relative_to(pages).as_posix(): path.read_text("utf-8") for path in pages.rglob("*.html")}
        self._environment = Environment(
            loader=DictLoader(templates),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            cache_size=-1,
            auto_reload=False,
        )

    def prepare(self) -> None:
        """Compress files and compile templates, which would hold up the first who ask. Blocks for some tenths of a
        second: for a thread.
        """
        self.assets.pack()
        for name in self._environment.list_templates():
            self._environment.get_template(name)

    def answer(self, request: QisRequest, page: Page, looker: Looker = NOBODY) -> None:
        """Send ``page``."""
        said = {name for name, _ in page.headers}
        headers = [_HTML, *(header for header in SECURITY if header[0] not in said), *page.headers]
        request.answer(page.status, headers, self.html(request, page, looker))

    def html(self, request: QisRequest, page: Page, looker: Looker) -> bytes:
        preferences = preferences_of(request, self.catalogues.languages)
        texts = self.catalogues.of(preferences.language, page.area)
        context = {
            **_helpers(request.site.root, self.assets, texts, looker),
            **self._of_all_pages(request, page, looker, preferences),
            **page.values,
        }
        return self._environment.get_template(page.template).render(context).encode("utf-8", "replace")

    def error(self, request: QisRequest, error: ErrorAnswer, looker: Looker = NOBODY) -> None:
        """Tell a browser what went wrong."""
        values = {"error": error, "address": request.uri.decode("latin-1")}
        texts = self.catalogues.of(preferences_of(request, self.catalogues.languages).language, "")
        page = Page(
            template="error.html",
            title=texts(f"error_{error.status}") if f"error_{error.status}" in texts.catalogue else error.name,
            area="error",
            values=values,
            status=error.status,
            headers=(*error.headers, ("Vary", "Accept")),
        )
        self.answer(request, page, looker)

    def _of_all_pages(
        self, request: QisRequest, page: Page, looker: Looker, preferences: Preferences
    ) -> dict[str, object]:
        """What ``frame.html`` shows."""
        visitor, area = looker.visitor, page.area
        account = visitor.account
        styles = [name for name in ("css/base.css", f"css/{area}.css") if self.assets.has(name)]
        scripts = [name for name in ("js/core/frame.js", f"js/pages/{area}.js") if self.assets.has(name)]
        if account is not None:
            scripts += [name for name in _OF_USERS if self.assets.has(name)]
        language = preferences.language
        catalogues = [f"texts/{language}/{name}.json" for name in (COMMON, area)]
        return {
            "page": page,
            "looker": looker,
            "visitor": visitor,
            "embed": looker.embed,
            "here": request.uri.decode("latin-1"),
            "frame": {
                "page": page,
                "language": language,
                "languages": self.catalogues.languages,
                "theme": preferences.theme,
                "themes": THEMES,
                "logo": _logo(request),
                "folder": preferences.folder if preferences.folder != "/" else None,
                "menus": [] if account is None or must_change_password(visitor) else menus_for(visitor),
                "styles": styles,
                "scripts": scripts,
                "texts": [name for name in catalogues if self.assets.has(name)],
                "data": _json(page.data),
                "own_password_wanted": account is not None and account.password_state == GENERATED,
                "dismissed": lambda note: account is not None and f"{account.id}-{note}" in preferences.dismissed,
                "modules": self.assets.imported(scripts),
                "about": _json(self._about(request, page, looker, language)),
            },
        }

    def _about(self, request: QisRequest, page: Page, looker: Looker, language: str) -> dict[str, object]:
        """What scripts know of the page, and of those who see it."""
        account = looker.visitor.account
        user = None
        if account is not None:
            user = {
                "id": account.id,
                "username": account.username,
                "name": looker.name,
                "flags": sorted(flag.value for flag in looker.visitor.flags),
                "admin": is_admin(looker.visitor),
            }
        return {
            "root": request.site.root,
            "static": f"{request.site.root}static/{self.assets.version}/",
            "lang": language,
            "area": page.area,
            "texts": sorted(self.catalogues.areas(language)),
            "drawer": self.assets.has("js/portfolios/drawer.js"),
            "user": user,
        }


@functools.cache
def frame() -> Frame:
    """The frame that comes with the program."""
    return Frame(shipped())


def _helpers(root: str, assets: Assets, texts: Texts, looker: Looker) -> dict[str, Any]:
    """What templates call."""

    def url(path: str, /, **query: object) -> str:
        """Of a page, ``path`` below the root."""
        given = [(name.rstrip("_"), str(value)) for name, value in query.items() if value is not None]
        return f"{root}{path}{'?' if given else ''}{urlencode(given, safe=_READABLE)}"

    def static(name: str) -> str:
        return f"{root}static/{assets.version}/{name}"

    def icon(name: str, label: str = "") -> Markup:
        role = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
        sprite = escape(static("icons.svg"))
        return Markup(f'<svg class="icon" {role}><use href="{sprite}#{escape(name)}"></use></svg>')  # noqa: S704

    def csrf_field() -> Markup:
        return Markup('<input type="hidden" name="_csrf_token" value="{}">').format(looker.csrf)

    def may(flag: str) -> bool:
        return looker.visitor.may(Flag(flag))

    def time(moment: datetime) -> Markup:
        """A moment; scripts put it into the zone of whoever looks."""
        utc = moment.astimezone(UTC)
        return Markup('<time datetime="{}">{} UTC</time>').format(f"{utc:%Y-%m-%dT%H:%M:%SZ}", f"{utc:%Y-%m-%d %H:%M}")

    return {
        "root": root,
        "t": texts,
        "url": url,
        "static": static,
        "icon": icon,
        "csrf_field": csrf_field,
        "may": may,
        "time": time,
    }


def _logo(request: QisRequest) -> str:
    """The address of the picture at the top of each page; empty for the program's own sign."""
    path = request.site.settings.logo_image_path
    if not path:
        return ""
    parameters = [("format", "png"), ("height", "50"), ("stats", "0")]
    return Urls(origin="", root=request.site.root).image(f"/{path.lstrip('/')}", parameters)


def _json(value: object) -> Markup:
    """JSON that can stand in a script element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=dict)
    return Markup(text.translate(_UNSAFE_IN_SCRIPTS))  # noqa: S704 - nothing is left that HTML would look at
