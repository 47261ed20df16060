"""The pages of portfolios: the list, the workshop of their owners, and what the public sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from qisd.access.levels import Flag
from qisd.pools.gentle import made_of
from qisd.portfolios.permissions import Access, access_of
from qisd.portfolios.portfolios import Portfolios
from qisd.portfolios.views import PortfolioView, ShownImage
from qisd.store.first_run import PUBLIC
from qisd.store.portfolio_exports import READY, Export
from qisd.store.portfolios import Portfolio
from qisd.web.api.portfolios import options_query
from qisd.web.console.page import Page, PageCall, Who, address
from qisd.web.headers import Header
from qisd.web.urls import Urls

_SIZES = frozenset({"width", "height"})
_DEFAULT_SIZE = (("width", "800"), ("height", "800"), ("autosizefit", "1"))
_SHOWN_AS = (("format", "jpg"), ("colorspace", "srgb"))
"""What every browser shows, whatever the file is."""

_NEVER_SHOWN_AS = frozenset({"attach", "format", "colorspace"})
"""Options of an image that are for its zip only."""

_VIEWS = ("page", "gallery", "slideshow")

_CHECKED: Sequence[Header] = (("Cache-Control", "no-cache"), ("Vary", "Authorization, Cookie"))
_PRIVATE: Sequence[Header] = (("Cache-Control", "no-store"), ("Vary", "Authorization, Cookie"))


@attrs.frozen(kw_only=True)
class Picture:
    """An image of a portfolio as its page shows it."""

    src: str
    url: str
    name: str
    alt: str


class PortfolioPages:
    """The pages of portfolios. Those of their owners work through the API; what the public sees needs no script."""

    def __init__(self, portfolios: Portfolios) -> None:
        self._portfolios = portfolios

    @address("/portfolios/", who=Who.LOGGED_IN)
    async def own(self, call: PageCall) -> Page:
        """One's own portfolios, and those of others that one may see."""
        return _list(call, everything=False)

    @address("/admin/portfolios/", who=Flag.ADMIN_FOLIOS)
    async def everybodys(self, call: PageCall) -> Page:
        """The portfolios of all users."""
        return _list(call, everything=True)

    @address("/portfolios/<human_id>/edit/", who=Who.LOGGED_IN)
    async def edit(self, call: PageCall, human_id: str) -> Page:
        """What is said about a portfolio, and its images."""
        return await self._workshop(call, human_id, "portfolio_edit")

    @address("/portfolios/<human_id>/publish/", who=Who.LOGGED_IN)
    async def publish(self, call: PageCall, human_id: str) -> Page:
        """Its zips, old and new."""
        return await self._workshop(call, human_id, "portfolio_publish")

    @address("/portfolios/<human_id>/", who=Who.ANYBODY, public=True)
    async def view(self, call: PageCall, human_id: str) -> Page:
        """The images, and the zips that the visitor may have."""
        view = await self._portfolios.by_human_id(call.visitor, human_id)
        kind = call.query.get("view", "")
        kind = kind if kind in _VIEWS else "page"
        pictures = await _pictures(call, view)
        return Page(
            template="portfolio_view.html",
            title=_title(view.portfolio),
            area="portfolio_view",
            values={
                "portfolio": view.portfolio,
                "title": _title(view.portfolio),
                "description": view.portfolio.description.strip(),
                "view": kind,
                "views": _VIEWS,
                "pictures": pictures,
                "hidden": view.images.hidden,
                "zips": _zips(call, view),
                "owned": view.owned,
                "embed_code": _embed_code(call.urls(), view.portfolio) if view.owned else {},
                "closed": _closed(view.portfolio),
            },
            data={} if kind == "page" else {"view": kind, "images": await _entries(call, view)},
            headers=_CHECKED if call.visitor.anonymous else _PRIVATE,
        )

    async def _workshop(self, call: PageCall, human_id: str, area: str) -> Page:
        """A page for those who may change the portfolio.

        :raises NotFound: there is no such portfolio. :raises Forbidden: they may not.
        """
        view = await self._portfolios.by_human_id(call.visitor, human_id)
        portfolio = view.portfolio
        await self._portfolios.check(call.visitor, portfolio.id, Access.EDIT)
        urls = call.urls()
        return Page(
            template=f"{area}.html",
            title=_title(portfolio),
            area=area,
            values={"portfolio": portfolio, "title": _title(portfolio)},
            data={
                "id": portfolio.id,
                "human_id": portfolio.human_id,
                "url": urls.at(f"portfolios/{portfolio.human_id}/"),
                "embed_code": _embed_code(urls, portfolio),
            },
        )


def _list(call: PageCall, *, everything: bool) -> Page:
    return Page(
        template="portfolios.html",
        title="Portfolios",
        area="portfolios",
        values={"everything": everything, "can_make": call.visitor.may(Flag.FOLIOS)},
        data={
            "everything": everything,
            "can_make": call.visitor.may(Flag.FOLIOS),
            "user_id": call.visitor.user_id,
            "basket": call.query.get("basket") == "1",
        },
    )


def _title(portfolio: Portfolio) -> str:
    return portfolio.name.strip() or portfolio.human_id


def _closed(portfolio: Portfolio) -> bool:
    """Whether strangers can't see it, so that embedding it in other sites is of no use."""
    return not any(row.group_id == PUBLIC and row.access >= Access.VIEW for row in portfolio.permissions)


async def _pictures(call: PageCall, view: PortfolioView) -> list[Picture]:
    shown = [one for one in view.images.images if one.entry.active]
    sized = any(_SIZES & one.entry.parameters.keys() for one in shown)
    urls = Urls(origin="", root=call.request.site.root)

    def picture(one: ShownImage) -> Picture:
        more = () if sized else _DEFAULT_SIZE
        name = one.entry.filename or one.image.filename
        return Picture(
            src=one.entry.src,
            url=urls.image(one.entry.src, [*_own_options(one), *_SHOWN_AS, *more]),
            name=name,
            alt=one.image.title or name,
        )

    return await made_of(call.request.site.reactor, shown, picture)


async def _entries(call: PageCall, view: PortfolioView) -> list[Mapping[str, Any]]:
    """The images as the viewers for web pages take them."""
    shown = [one for one in view.images.images if one.entry.active]

    def entry(one: ShownImage) -> Mapping[str, Any]:
        title = one.image.title or one.entry.filename or one.image.filename
        return {**dict(_own_options(one)), "src": one.entry.src, "title": title, "description": one.image.description}

    return await made_of(call.request.site.reactor, shown, entry)


def _own_options(one: ShownImage) -> list[tuple[str, str]]:
    return [pair for pair in options_query(one.entry.parameters) if pair[0] not in _NEVER_SHOWN_AS]


def _zips(call: PageCall, view: PortfolioView) -> list[dict[str, Any]]:
    """Those that the visitor may have, ready to be shown."""
    if access_of(call.visitor, view.portfolio) < Access.DOWNLOAD:
        return []
    urls = Urls(origin="", root=call.request.site.root)
    return [_zip(urls, view.portfolio, export) for export in view.exports if export.state == READY]


def _zip(urls: Urls, portfolio: Portfolio, export: Export) -> dict[str, Any]:
    return {
        "url": urls.at(f"portfolios/{portfolio.human_id}/downloads/{export.filename}"),
        "description": export.description.strip(),
        "size": _size_text(export.filesize),
        "until": f"{export.keep_until:%Y-%m-%d}",
        "outdated": export.created < portfolio.last_updated,
    }


def _size_text(count: int) -> str:
    """A number of bytes as people say it."""
    size, unit = float(count), "bytes"
    for larger in ("KB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.0f} {unit}" if unit == "bytes" or size >= 10 else f"{size:.1f} {unit}"


def _embed_code(urls: Urls, portfolio: Portfolio) -> dict[str, str]:
    """What one writes into a page of another site, for each way to show the portfolio."""
    script = f'<script type="module" src="{urls.at("static/js/qis-viewers.js")}"></script>'
    server = urls.at("")
    name = portfolio.human_id.replace('"', "&quot;")
    return {
        kind: f'{script}\n<qis-{kind} server="{server}" portfolio="{name}"></qis-{kind}>'
        for kind in ("gallery", "slideshow")
    }
