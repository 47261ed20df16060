"""What the main process knows of the server as a whole: its own measures, and the pages of ``METRICS_LISTEN``."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from qisd import __version__
from qisd.errors import StoreUnavailable
from qisd.repository.mounted import check_there
from qisd.repository.stores import bucket_of
from qisd.service.measuring import Samples
from qisd.service.metrics import Measures, Sums
from qisd.service.monitor import Page
from qisd.settings import Settings
from qisd.store.first_run import PASSWORD_FILE

if TYPE_CHECKING:
    from qisd.service.daemon import Daemon

_log = Logger()

_WITHIN = 2.0
"""Seconds that workers, and the file system of the library, have to answer."""

_TEXT, _JSON = "text/plain; charset=utf-8", "application/json"

_SERVING = ("database", "render")


@attrs.frozen(kw_only=True)
class Library:
    """The image library, as it was when it was looked at.

    :param free: bytes; ``total`` all of its file system. None: nobody knows.
    """

    up: bool
    free: int | None = None
    total: int | None = None


@attrs.frozen(kw_only=True)
class Room:
    """What a file system has, in bytes."""

    free: int
    total: int


class LibraryWatch:
    """Looks at the library in a thread: a file server that hangs holds up nothing but that one look."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._looking: Deferred[Library] | None = None
        self.last = Library(up=True)

    async def look(self, settings: Settings) -> Library:
        """How it is now; if there is no answer in time, it counts as gone."""
        if self._looking is None:
            self._looking = deferToThread(_look, settings)
            self._looking.addBoth(self._seen)
        waited: Deferred[None] = Deferred()
        self._looking.addCallback(lambda found: _fire(waited, found))
        waited.addTimeout(_WITHIN, self._reactor, onTimeoutCancel=self._too_late)
        await waited
        return self.last

    def _seen(self, found: object) -> object:
        self._looking = None
        self.last = found if isinstance(found, Library) else Library(up=False)
        return self.last

    def _too_late(self, result: object, timeout: float) -> None:
        self.last = Library(up=False)


def _fire(waited: Deferred[None], found: Library) -> Library:
    if not waited.called:
        waited.callback(None)
    return found


def _look(settings: Settings) -> Library:
    """Blocks."""
    root = os.fsencode(settings.images_base_dir)
    bucket = bucket_of(settings)
    try:
        if bucket is not None:
            bucket.check_there()
        else:
            check_there(root, os.fsencode(settings.store_check_file))
        space = os.statvfs(root)
    except (StoreUnavailable, OSError):
        return Library(up=False)
    return Library(up=True, free=space.f_bavail * space.f_frsize, total=space.f_blocks * space.f_frsize)


def _room(path: Path) -> Room | None:
    try:
        usage = shutil.disk_usage(path)
    except OSError:
        return None
    return Room(free=usage.free, total=usage.total)


class Overseer:
    """Answers for the whole server.

    :ivar reload_succeeded: whether the last reload did what was asked for.
    """

    def __init__(self, daemon: Daemon, *, reactor: Any, since: float) -> None:
        self._daemon = daemon
        self._since = since
        self._library = LibraryWatch(reactor)
        self.reload_succeeded = True

    def pages(self) -> dict[str, Page]:
        """What is to be seen at ``METRICS_LISTEN``."""
        return {"/metrics": self._metrics, "/status": self._status, "/ready": self._ready, "/health": self._health}

    async def _health(self, _: str) -> tuple[int, str, bytes]:
        return 200, _TEXT, b"ok"

    async def _status(self, _: str) -> tuple[int, str, bytes]:
        return 200, _JSON, json.dumps(await self._daemon.status(), indent=2).encode("ascii")

    async def _ready(self, _: str) -> tuple[int, str, bytes]:
        """Whether the server should be sent requests, and how each of its parts fares."""
        reports = await self._daemon.body.reports(_WITHIN)
        ready = any(one.get("ready") for one in _serving(reports))
        checks = await self.checks(reports)
        fields = {"status": "ready" if ready else "not ready", "version": __version__, "checks": checks}
        return 200 if ready else 503, _JSON, json.dumps(fields).encode("ascii")

    async def checks(self, reports: Sequence[Mapping[str, Any]]) -> dict[str, bool]:
        """How each part of the server fares, by what its processes tell.

        ``store`` and ``database`` are what all servers of a site share: that they are gone empties no balancer.
        """
        library = await self._library.look(self._daemon.settings)
        told = [one.get("checks", {}) for one in _serving(reports)]
        return {
            "settings": self.reload_succeeded,
            "store": library.up,
            **{name: bool(told) and all(one.get(name, False) for one in told) for name in _SERVING},
            "cache": all(one.get("memcached", True) for one in told),
        }

    def free_bytes(self) -> dict[str, int | None]:
        """Room for images as it was at the last look, and on the local disks now; None: nobody knows."""
        local = {name: None if room is None else room.free for name, room in self._local().items()}
        return {"images": self._library.last.free, **local}

    def _local(self) -> dict[str, Room | None]:
        """The disks of what is this server's own. Unlike the library they are not those of a file server."""
        settings = self._daemon.settings
        places = {"state": settings.state_dir}
        if settings.log_target == "file":
            places["log"] = settings.logging_base_dir
        return {name: _room(path) for name, path in places.items()}

    async def _metrics(self, accept: str) -> tuple[int, str, bytes]:
        sums = Sums()
        for measures in await self._daemon.body.measures(_WITHIN):
            sums.add(measures)
        sums.add(await self._measured())
        text, media_type = sums.text(accept)
        return 200, media_type, text

    async def _measured(self) -> Measures:
        daemon = self._daemon
        library = await self._library.look(daemon.settings)
        reports = await daemon.body.reports(0)
        unchanged = (daemon.settings.state_dir / PASSWORD_FILE).exists()
        found: Samples = {
            "qis_build_info": [([__version__], 1)],
            "qis_start_time_seconds": [([], self._since)],
            "process_start_time_seconds": [([], self._since)],
            "qis_ready": [([], int(any(one.get("ready") for one in reports)))],
            "qis_workers": _workers(reports),
            "qis_store_up": [([], int(library.up))],
            "qis_initial_password_unchanged": [([], int(unchanged))],
            "qis_settings_reload_success": [([], int(self.reload_succeeded))],
        }
        if library.free is not None:
            found["qis_store_free_bytes"] = [([], library.free)]
            found["qis_store_total_bytes"] = [([], library.total)]
        rooms = [(name, room) for name, room in self._local().items() if room is not None]
        found["qis_disk_free_bytes"] = [([name], room.free) for name, room in rooms]
        found["qis_disk_total_bytes"] = [([name], room.total) for name, room in rooms]
        if daemon.certificates is not None:
            pairs = {"default": daemon.certificates.default, **daemon.certificates.sites}
            found["qis_tls_certificate_expiry_seconds"] = [
                ([name], pair.facts.not_after.timestamp()) for name, pair in pairs.items()
            ]
        return found


def _serving(reports: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of processes that answer requests."""
    return [one for one in reports if one["name"] != "task worker"]


def _workers(reports: list[dict[str, Any]]) -> list[tuple[list[str], Any]]:
    kinds: dict[str, int] = {}
    for one in reports:
        kind = str(one["name"]).split()[0]
        kinds[kind] = kinds.get(kind, 0) + (one["state"] == "ready")
    return [([kind], number) for kind, number in kinds.items()]
