"""The image page's facts as its template and its script want them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from qisd.access.levels import Flag, Level
from qisd.access.visitor import Visitor
from qisd.library.focal_points import focal_point_of
from qisd.repository.catalogue import extension_of
from qisd.store.image_metadata import ImageMetadata
from qisd.store.stats_reports import DayCounts
from qisd.web.api.presenting import focal_object
from qisd.web.console.image_facts import ImageView, Publicity
from qisd.web.console.image_tables import tables
from qisd.web.urls import Urls, encoded

CHART_WIDTH, CHART_HEIGHT = 300, 40

_RIGHTS = (
    ("download", Level.DOWNLOAD),
    ("edit", Level.EDIT),
    ("upload", Level.UPLOAD),
    ("delete", Level.DELETE),
)

_PLAIN = {
    "width": "1200",
    "height": "900",
    "autosizefit": "1",
    "format": "jpg",
    "colorspace": "srgb",
    "strip": "1",
    "stats": "0",
}

_MAP = "https://www.openstreetmap.org/"
_MAP_ZOOM = 12


def place(page: str, **query: str) -> str:
    """An address below the root: ``place("list/", path="/x")`` is ``list/?path=/x``."""
    return f"{page}?{encoded(query.items())}"


def picture(src: str) -> str:
    """The address of the picture that the page shows before its viewer is there, below the root."""
    return place("image", src=f"/{src}", **_PLAIN)


def details(src: str) -> str:
    """The address of the page of the image at ``src``, a path without leading slash."""
    return place("details/", src=f"/{src}")


def rights(visitor: Visitor, folder: str) -> dict[str, bool]:
    """What the visitor may do with images of a folder, and whether the permissions themselves can be looked into."""
    may = {name: visitor.can(level, folder) for name, level in _RIGHTS}
    return {**may, "reports": visitor.may(Flag.REPORTS), "trace": visitor.may(Flag.ADMIN_PERMISSIONS)}


def values_of(view: ImageView, visitor: Visitor, urls: Urls, *, now: datetime) -> dict[str, Any]:
    """For the template."""
    image, beside = view.image, view.neighbours
    latitude, longitude = view.metadata.file.latitude, view.metadata.file.longitude
    return {
        "view": view,
        "image": image,
        "src": f"/{image.src}",
        "folder": f"/{image.folder}",
        "back": f"{place('list/', path=f'/{image.folder}')}#{encoded([('', image.filename)])[1:]}",
        "previous": details(beside.previous) if beside.previous else None,
        "following": details(beside.following) if beside.following else None,
        "picture": picture(image.src),
        "focal": focal_object(focal_point_of(image)),
        "format": extension_of(image.src).upper(),
        "modified": _modified(view),
        "summary": _summary(view.metadata),
        "begins_later": _begins_later(view.publicity, now),
        "may": rights(visitor, image.folder),
        "links": links(view, urls),
        "tables": tables(view.metadata),
        "map": _map(latitude, longitude),
        "chart": chart(view.statistics.days),
        "chart_size": (CHART_WIDTH, CHART_HEIGHT),
        "most": max((one.served for one in view.statistics.days), default=0),
    }


def data_of(view: ImageView, visitor: Visitor, urls: Urls, *, trash: bool) -> dict[str, Any]:
    """For the script.

    :param trash: what is deleted can be had back.
    """
    image, beside = view.image, view.neighbours
    return {
        "id": image.id,
        "src": f"/{image.src}",
        "filename": image.filename,
        "folder": f"/{image.folder}",
        "title": image.title,
        "description": image.description,
        "width": image.width,
        "height": image.height,
        "state": view.state,
        "trash": trash,
        "may": rights(visitor, image.folder),
        "neighbours": [picture(src) for src in (beside.following, beside.previous) if src],
        "previous": beside.previous and f"/{beside.previous}",
        "following": beside.following and f"/{beside.following}",
        "links": links(view, urls),
        "days": msgspec.to_builtins([{"day": one.day, "served": one.served} for one in view.statistics.days]),
    }


def links(view: ImageView, urls: Urls) -> dict[str, str]:
    """Absolute addresses: of the picture, the file, and this page."""
    src = f"/{view.image.src}"
    return {
        "image": urls.image(view.image.src),
        "original": f"{urls.origin}{urls.root}{place('original', src=src)}",
        "page": f"{urls.origin}{urls.root}{details(view.image.src)}",
    }


def _modified(view: ImageView) -> datetime | None:
    """When the file was changed last."""
    mtime = view.image.file_mtime_ns
    return None if mtime is None else datetime.fromtimestamp(mtime // 1_000_000_000, UTC)


def _summary(metadata: ImageMetadata) -> list[tuple[str, str]]:
    """What is asked for most, as keys of texts and values: out of whatever standard, and what people say."""
    file, users = metadata.file, metadata.users
    found = [
        ("camera", file.camera),
        ("taken", f"{file.taken:%Y-%m-%d %H:%M}" if file.taken else ""),
        ("space", file.colour_space.upper()),
        ("profile", file.profile),
        ("keywords", ", ".join(file.keywords)),
        ("copyright", file.copyright),
        ("tags", ", ".join(users.tags)),
        ("owner", users.owner),
        ("licence", users.licence),
    ]
    return [(key, value) for key, value in found if value]


def _begins_later(publicity: Publicity, now: datetime) -> bool:
    return publicity.begins is not None and publicity.begins > now


def chart(days: Sequence[DayCounts]) -> str:
    """What was served on each day as the points of a line, in a box of :data:`CHART_WIDTH` by :data:`CHART_HEIGHT`."""
    most = max((one.served for one in days), default=0) or 1
    step = CHART_WIDTH / max(len(days) - 1, 1)
    room = CHART_HEIGHT - 2
    return " ".join(f"{index * step:.1f},{1 + room * (1 - one.served / most):.1f}" for index, one in enumerate(days))


def _map(latitude: float | None, longitude: float | None) -> str | None:
    """Where the world shows the place; nothing is asked for from there unless somebody goes there."""
    if latitude is None or longitude is None:
        return None
    return f"{_MAP}?mlat={latitude:.6f}&mlon={longitude:.6f}#map={_MAP_ZOOM}/{latitude:.5f}/{longitude:.5f}"
