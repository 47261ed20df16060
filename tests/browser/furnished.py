"""A daemon as it looks after some weeks of work, and every page of the console there: for pictures of all of them, and
for what must hold on each.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import attrs
from PIL import Image

from tests.browser.case import people
from tests.integration.live import Daemon
from tests.integration.postgres import REPOSITORY
from tests.integration.process import until

_SAMPLES = REPOSITORY / "qisd/share/samples"

_PHOTOS: Mapping[str, tuple[tuple[str, str, tuple[float, float, float, float]], ...]] = {
    "campaigns/winter": (
        ("antarctica", "penguin", (0, 0, 1, 1)),
        ("emperor, portrait", "penguin", (0.2, 0.3, 0.85, 0.65)),
        ("ice and sea", "penguin", (0, 0.4, 1, 0.8)),
        ("blue hour", "mountains", (0, 0.25, 1, 0.6)),
        ("first light", "mountains", (0, 0, 1, 1)),
        ("ridges", "mountains", (0.3, 0.3, 0.9, 0.8)),
        ("skyline", "cityscape", (0, 0, 1, 1)),
        ("moon over the city", "cityscape", (0.55, 0, 1, 0.55)),
        ("windows at night", "cityscape", (0.1, 0.35, 0.6, 0.7)),
    ),
    "campaigns/coast": (
        ("coast road", "mercedes", (0, 0, 1, 1)),
        ("classic car", "mercedes", (0.1, 0.45, 0.92, 0.95)),
        ("front wheel", "mercedes", (0.12, 0.6, 0.45, 0.95)),
        ("summer sky", "mercedes", (0, 0, 1, 0.5)),
    ),
    "shop/coffee": (
        ("flat white", "coffee", (0, 0, 1, 1)),
        ("latte art", "coffee", (0.3, 0.1, 0.75, 0.9)),
        ("beans", "coffee", (0, 0.5, 0.35, 1)),
        ("table", "coffee", (0.6, 0, 1, 0.4)),
    ),
    "shop/prints": (
        ("acrylic no 1", "acrylic", (0, 0, 1, 1)),
        ("acrylic no 2", "acrylic", (0.1, 0.1, 0.6, 0.6)),
        ("acrylic no 3", "acrylic", (0.5, 0.3, 1, 1)),
    ),
    "press": (("logo wall", "acrylic", (0, 0, 0.5, 1)), ("head office", "cityscape", (0, 0.2, 0.7, 1))),
    "archive/2024": (("old car", "mercedes", (0, 0.3, 1, 1)), ("old cup", "coffee", (0.2, 0, 0.9, 1))),
}
"""By folder: name, sample and the part of it, as fractions left, top, right, bottom."""

_TITLES = {
    "campaigns/winter/antarctica.jpg": (
        "King penguin",
        "On South Georgia, in the last light. For the winter campaign.",
    ),
    "campaigns/winter/skyline.jpg": ("Skyline", "Seen from the harbour."),
    "shop/coffee/flat white.jpg": ("Flat white", "Top view, on oak."),
}

STORY = "/campaigns/winter/antarctica.jpg"
"""The image whose pages are looked at."""


SETTINGS = {"DEMO_IMAGE_PATH": "/samples/coffee.jpg"}
"""Beside those of all daemons that are looked at."""


@attrs.frozen
class Sight:
    """A page to look at, which is there when ``css`` can be seen. ``user`` is None for strangers."""

    name: str
    address: str
    css: str = "h1"
    user: str | None = "admin"


_FOLDER = quote("/campaigns/winter")
_STORY = quote(STORY)

PAGES: tuple[Sight, ...] = (
    Sight("welcome-out", "/", user=None),
    Sight("sign-in", "/login/?next=/list/", user=None),
    Sight("welcome", "/"),
    Sight("folder-grid", f"/list/?path={_FOLDER}&view=grid", "#entries .entry"),
    Sight("folder-list", f"/list/?path={_FOLDER}&view=list", "#entries .entry"),
    Sight("folder-root", "/list/?path=/&view=grid", "#entries .entry"),
    Sight("folder-new-user", f"/list/?path={_FOLDER}&view=grid", "#entries .entry", user="newcomer"),
    Sight("folder-empty", "/list/?path=/empty&view=grid", "#note:not([hidden])"),
    Sight("folder-closed", "/list/?path=/press&view=grid", user="newcomer"),
    Sight("folder-forms", f"/list/folder/?path={_FOLDER}"),
    Sight("search", "/search/?q=city", "#entries .entry"),
    Sight("search-nothing", "/search/?q=zebra"),
    Sight("image", f"/details/?src={_STORY}", ".image-zoom canvas"),
    Sight("image-reader", f"/details/?src={_STORY}", ".image-zoom canvas", user="newcomer"),
    Sight("image-rename", f"/details/rename/?src={_STORY}"),
    Sight("image-delete", f"/details/delete/?src={_STORY}"),
    Sight("edit", f"/edit/?src={_STORY}"),
    Sight("explain", f"/details/explain/?src={_STORY}&width=400"),
    Sight("publisher", f"/publish/?src={_STORY}", "img.pub-picture"),
    Sight(
        "compare",
        f"/compare/?a={quote(f'/image?src={STORY}&width=600', safe='')}"
        f"&b={quote(f'/image?src={STORY}&width=600&quality=20', safe='')}",
        css=".compare-stage, canvas, table",
    ),
    Sight("upload", f"/upload/?path={_FOLDER}"),
    Sight("upload-complete", "/uploadcomplete/"),
    Sight("folder-picker", "/folder_list/?path=/"),
    Sight("trash", "/trash/"),
    Sight("portfolios", "/portfolios/", ".folio-row"),
    Sight("portfolio-edit", "/portfolios/winter/edit/", ".folio-tile-text"),
    Sight("portfolio-publish", "/portfolios/winter/publish/"),
    Sight("portfolio", "/portfolios/winter/", user=None),
    Sight("all-portfolios", "/admin/portfolios/", ".folio-row"),
    Sight("tasks", "/tasks/", ".tasks tbody tr"),
    Sight("dashboard", "/dashboard/", ".boards .chart-stage svg"),
    Sight("reports", "/reports/"),
    Sight("report-top", "/reports/top10/?days=30", "table tbody tr, .top li"),
    Sight("report-system", "/reports/systemstats/", "#chart svg"),
    Sight("administration", "/admin/"),
    Sight("templates", "/admin/templates/", ".tpl-list"),
    Sight("template", "/admin/templates/{template}/", "img.pub-picture"),
    Sight("users", "/admin/users/", "table tbody tr"),
    Sight("user", "/admin/users/{user}/"),
    Sight("user-new", "/admin/users/0/"),
    Sight("groups", "/admin/groups/", "table tbody tr"),
    Sight("group", "/admin/groups/{group}/"),
    Sight("permissions", "/admin/permissions/", "button.cell"),
    Sight("trace", "/admin/trace_permissions/?path=/press"),
    Sight("maintenance", "/admin/maintenance/"),
    Sight("account", "/account/"),
    Sight("tokens", "/account/tokens/"),
    Sight("sessions", "/account/sessions/"),
    Sight("about", "/about/"),
    Sight("overview", "/overview/"),
    Sight("help", "/help/"),
    Sight("api-help", "/api/help/"),
    Sight("playground", "/demo/", user=None),
    Sight("zoom-demo", "/canvasview/"),
    Sight("zoom-guide", "/canvasview/help/"),
    Sight("gallery-demo", "/gallery/"),
    Sight("slideshow-demo", "/slideshow/"),
    Sight("simple-demo", "/simpleview/"),
    Sight("sign-out", "/logout/"),
    Sight("not-found", "/nothing/of/the/kind/"),
)


class Furnished:
    """A new daemon with :data:`SETTINGS` that has got all this, and what its pages are called. What comes of it is the
    same each time, but for times of day.
    """

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self._ids: dict[str, int] = {}
        self._empty()
        self._library()
        self._people()
        self._permissions()
        self._templates()
        self._portfolios()
        self._trash()
        statistics(self.daemon, hours=24 * 40)
        self._tasks()
        self._statistics_of_images()

    def address(self, sight: Sight) -> str:
        """Where ``sight`` is, below the root."""
        return sight.address.format(**self._ids)

    def call(self, method: str, path: str, form: Mapping[str, object] | None = None) -> Any:
        """See :meth:`tests.browser.case.BrowserCase.api`."""
        return people(self.daemon).call(method, path, form or {})

    def _empty(self) -> None:
        for one in self.daemon.images.iterdir():
            shutil.rmtree(one) if one.is_dir() and not one.is_symlink() else one.unlink()
        self.daemon.sql("delete from images")

    def _library(self) -> None:
        shutil.copytree(_SAMPLES, self.daemon.images / "samples")
        (self.daemon.images / "empty").mkdir()
        for folder, photos in _PHOTOS.items():
            place = self.daemon.images / folder
            place.mkdir(parents=True)
            for name, sample, (left, top, right, bottom) in photos:
                with Image.open(_SAMPLES / f"{sample}.jpg") as picture:
                    picture.draft("RGB", (1200, 1200))
                    wide, high = picture.size
                    part = picture.crop(
                        (round(left * wide), round(top * high), round(right * wide), round(bottom * high))
                    )
                    part.save(place / f"{name}.jpg", "JPEG", quality=85)
        self._hand_over()
        for folder, photos in _PHOTOS.items():
            for name, *_ in photos:
                self.daemon.ask(src=f"/{folder}/{name}.jpg", width=200, height=200, autosizefit=1, format="jpg")
        for src, (title, description) in _TITLES.items():
            number = self._image(f"/{src}")
            self.call("PUT", f"admin/images/{number}/", {"title": title, "description": description})

    def _hand_over(self) -> None:
        owner = self.daemon.images.stat()
        for folder, _, files in os.walk(self.daemon.images):
            for one in (folder, *(os.path.join(folder, name) for name in files)):
                os.chown(one, owner.st_uid, owner.st_gid)

    def _image(self, src: str) -> int:
        return int(until(lambda: self.call("GET", f"details/?src={quote(src)}")["id"], f"{src} to be known"))

    def _people(self) -> None:
        everybody = (
            ("maria", "Maria", "Vega", "maria@example.com"),
            ("jonas", "Jonas", "Lind", "jonas@example.com"),
            ("aiko", "Aiko", "Mori", "aiko@example.com"),
            ("newcomer", "Sam", "Okafor", "sam@example.com"),
        )
        for username, first, last, email in everybody:
            people(self.daemon).make(username, ())
            found = next(one for one in self.call("GET", "admin/users/") if one["username"] == username)
            self._ids[username] = found["id"]
            form = {"username": username, "first_name": first, "last_name": last, "email": email}
            self.call("PUT", f"admin/users/{found['id']}/", {**form, "auth_type": 1, "allow_api": True})
        self._ids["user"] = self._ids["maria"]
        flags = {f"access_{name}": False for name in ("reports", "admin_users", "admin_files", "admin_folios")}
        flags |= {f"access_{name}": False for name in ("admin_permissions", "admin_all")}
        for name, description, members in (
            ("Editors", "Who prepares images for the sites", ("maria", "jonas")),
            ("Press", "Who works for the press", ("aiko",)),
        ):
            form = {"name": name, "description": description, "group_type": 2, "access_folios": True, **flags}
            group = int(self.call("POST", "admin/groups/", form)["id"])
            for member in members:
                self.call("POST", f"admin/groups/{group}/members/", {"user_id": self._ids[member]})
            self._ids[name] = group
        self._ids["group"] = self._ids["Editors"]

    def _permissions(self) -> None:
        changes = [
            {"path": "/", "group_id": 1, "access": 10},
            {"path": "/press", "group_id": 1, "access": 0},
            {"path": "/press", "group_id": 2, "access": 0},
            {"path": "/press", "group_id": self._ids["Press"], "access": 50},
            {"path": "/campaigns", "group_id": self._ids["Editors"], "access": 60},
            {"path": "/archive", "group_id": 1, "access": 0},
        ]
        self.call("POST", "admin/permissions/changes/", {"changes": json.dumps(changes)})

    def _templates(self) -> None:
        for name, description, values in (
            ("Teaser", "Front page, two columns", {"width": 600, "height": 400, "format": "webp", "quality": 80}),
            ("Product", "On white, square", {"width": 800, "height": 800, "fill": "white", "format": "jpg"}),
            ("Newsletter", "", {"width": 560, "format": "jpg", "quality": 75, "strip": True}),
        ):
            document = json.dumps({field: {"value": value} for field, value in values.items()})
            form = {"name": name, "description": description, "template": document}
            self._ids["template"] = int(self.call("POST", "admin/templates/", form)["id"])

    def _portfolios(self) -> None:
        for human_id, name, description, public, folder in (
            ("winter", "Winter campaign", "The final choice, for print and web.", 20, "campaigns/winter"),
            ("coffee", "Coffee bar", "", 10, "shop/coffee"),
            ("office", "Press kit", "For journalists who ask.", 0, "press"),
        ):
            form = {"name": name, "human_id": human_id, "description": description, "internal_access": 20}
            made = self.call("POST", "portfolios/", {**form, "public_access": public})
            for index, (photo, *_) in enumerate(_PHOTOS[folder]):
                image = {"image_src": f"/{folder}/{photo}.jpg", "index": index}
                self.call("POST", f"portfolios/{made['id']}/images/", image)
            if human_id == "winter":
                form = {
                    "description": "For the web",
                    "originals": False,
                    "expiry_time": "2099-01-01T00:00:00Z",
                    "image_parameters": '{"width": {"value": 1200}}',
                }
                self.call("POST", f"portfolios/{made['id']}/exports/", form)

    def _trash(self) -> None:
        for src in ("/archive/2024/old cup.jpg", "/archive/2024/old car.jpg"):
            self.call("DELETE", f"admin/filesystem/images/{self._image(src)}/")

    def _tasks(self) -> None:
        later = "now() + interval '2 days'"
        for name, status, progress, text in (
            ("Prepare /campaigns", 1, 64, "64 of 100 images"),
            ("Move folder /shop/old", 0, 0, ""),
            ("Verify the library", 2, 100, ""),
        ):
            self.daemon.sql(
                "insert into tasks (name, funcname, dedup_key, status, user_id, locked_by, progress, progress_text,"
                " keep_until, heartbeat, started, run_after) values (%s, 'of_a_test', %s, %s, 1, %s, %s, %s,"
                f" {later}, {later}, now() - interval '3 minutes', {later})",
                *(name, name, status, "nobody" if status == 1 else None, progress, text),
            )

    def _statistics_of_images(self) -> None:
        hour = _hour()
        everything = [(folder, name) for folder, photos in _PHOTOS.items() for name, *_ in photos]
        for number, (folder, name) in enumerate(everything[:20]):
            image, views = self._image(f"/{folder}/{name}.jpg"), 4200 // (number + 2)
            self.daemon.sql(
                "insert into imagestats (image_id, from_time, to_time, requests, views, total_bytes)"
                " select %s, at, at + interval '1 hour', %s, %s, %s"
                " from generate_series(1, 24) as back, lateral (select %s - back * interval '1 hour' as at) as one",
                *(image, views, views, views * 30_000, hour),
            )


def statistics(daemon: Daemon, hours: int) -> None:
    """As if the server had been asked for images in the last ``hours``, by day more often than at night."""
    for table in ("systemstats", "statsbreakdown", "imagestats"):
        daemon.sql(f"delete from {table}")
    hour = _hour()
    daemon.sql(
        "insert into systemstats (from_time, to_time, requests, views, cached_views, downloads, total_bytes,"
        " request_seconds, max_request_seconds, cpu_pc, samples, server_errors, latency)"
        " select at - interval '1 hour', at, views + 12 + number %% 5, views, views * 9 / 10 - number %% 7 * 3, 5,"
        " views * 30000, views * 0.01, 1.5, 20 + views / 20, 10, number %% 50 / 49,"
        " array_fill(0, array[12]) || array[150, 20, 5 + number %% 7, 2]"
        " from generate_series(0, %s) as number, lateral (select %s - number * interval '1 hour' as at) as one, lateral"
        " (select (420 + 260 * sin(number / 12.0 * pi()) + number * 37 %% 90 - number * 0.2)::int as views) as two",
        *(hours - 1, hour),
    )
    for kind, name in (("template", "Teaser"), ("format", "webp")):
        daemon.sql(
            "insert into statsbreakdown (kind, name, from_time, to_time, requests, views, total_bytes)"
            " values (%s, %s, %s - interval '2 hours', %s - interval '1 hour', 40, 30, 2000000)",
            *(kind, name, hour, hour),
        )


def _hour() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
