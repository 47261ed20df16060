"""``qis check --store``: is the image library there, does it answer, and is there room?"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import attrs

from qisd.cli.health import Report
from qisd.cli.probe_bucket import disk_of, probe_bucket
from qisd.cli.progress import size_text
from qisd.errors import StartupError, StoreUnavailable
from qisd.repository.mounted import MARKER, check_there
from qisd.repository.stores import bucket_of
from qisd.settings import Settings

_WITHIN = 10.0
_MIB = 1024 * 1024
_ATTRIBUTES_MAX = 3
"""Seconds for which a network file system may believe what it knows of files."""


@attrs.frozen(kw_only=True)
class _Seen:
    missing: bool = False
    denied: bool = False
    fault: str | None = None
    free: int = 0
    seconds: float = 0.0


def probe_library(settings: Settings, report: Report) -> None:
    """Add to ``report`` how the library fares. One that hangs holds it up for ten seconds, a bucket for longer."""
    if settings.s3_bucket:
        _in_bucket(settings, report)
    else:
        _in_folder(settings, report)


def _in_bucket(settings: Settings, report: Report) -> None:
    """The folder is for what arrives, then."""
    try:
        bucket = bucket_of(settings)
    except StartupError:  # what is missing has been told
        return
    if bucket is not None:
        probe_bucket(bucket, settings, report)
    root = settings.images_base_dir
    _, free = disk_of(root)
    report.facts.append(f"IMAGES_BASE_DIR: {root}, {size_text(free)} free for what arrives")
    _room(settings, report, free)


def _in_folder(settings: Settings, report: Report) -> None:
    root = settings.images_base_dir
    seen = _looked_at(settings)
    if seen is None:
        report.problems.append(
            f"IMAGES_BASE_DIR: {root} has not answered within {_WITHIN:.0f} s: its file server hangs;"
            f" `findmnt -T {root}` names it"
        )
    elif seen.missing:
        report.facts.append(f"IMAGES_BASE_DIR: {root} is made at the first start")
    elif seen.denied:
        report.problems.append(f"IMAGES_BASE_DIR: whoever gives this command may not look at {root}: give it as root")
    elif seen.fault is not None and _never_used(settings):
        report.warnings.append(f"IMAGES_BASE_DIR: {root} is empty: as it should be before the very first start only")
    elif seen.fault is not None:
        report.problems.append(
            f"IMAGES_BASE_DIR: {seen.fault}: mount it; `findmnt -T {root}` tells what is there; no restart is needed"
        )
    else:
        report.facts.append(
            f"image library: {root}, {size_text(seen.free)} free, has answered in {seen.seconds * 1000:.1f} ms"
        )
        _room(settings, report, seen.free)
        _network(root, report)


def _looked_at(settings: Settings) -> _Seen | None:
    seen: list[_Seen] = []
    # A thread that hangs in a file system can't be ended, and must not hold up the end of the command.
    thread = threading.Thread(target=lambda: seen.append(_look(settings)), daemon=True)
    thread.start()
    thread.join(_WITHIN)
    return seen[0] if seen else None


def _look(settings: Settings) -> _Seen:
    root, began = os.fsencode(settings.images_base_dir), time.monotonic()
    try:
        settings.images_base_dir.stat()
        check_there(root, os.fsencode(settings.store_check_file))
        space = os.statvfs(root)
    except StoreUnavailable as error:
        return _Seen(fault=error.detail or error.message)
    except FileNotFoundError:
        return _Seen(missing=True)
    except PermissionError:
        return _Seen(denied=True)
    except OSError as error:
        return _Seen(fault=f"{settings.images_base_dir}: {error.strerror}")
    return _Seen(free=space.f_bavail * space.f_frsize, seconds=time.monotonic() - began)


def _never_used(settings: Settings) -> bool:
    """Whether no server has had its state here yet."""
    state = settings.state_dir
    used = (state / "secret_key").exists() or (state / "postgres").exists()
    return not settings.store_check_file and not used and not (settings.images_base_dir / MARKER).exists()


def _room(settings: Settings, report: Report, free: int) -> None:
    if free < settings.min_free_space_mb * _MIB:
        report.problems.append(
            f"MIN_FREE_SPACE_MB: only {size_text(free)} are free for images, so that uploads are refused:"
            " make room, or set a smaller number"
        )


def _network(root: Path, report: Report) -> None:
    kind, options = _mount(root)
    if not kind.startswith("nfs"):
        return
    longest = max(
        (int(text) for name, text in options.items() if name.startswith("ac") and text.isdecimal()), default=0
    )
    if "noac" not in options and not 0 < longest <= _ATTRIBUTES_MAX:
        report.warnings.append(
            f"IMAGES_BASE_DIR: {root} is on {kind}, which may believe old facts of files for a minute:"
            f" mount it with actimeo={_ATTRIBUTES_MAX}"
        )


def _mount(path: Path) -> tuple[str, dict[str, str]]:
    """The type of the file system that ``path`` is on, and its options."""
    found = ("", dict[str, str]())
    longest = 0
    real = str(path.resolve())
    for line in Path("/proc/self/mounts").read_text("utf-8", "surrogateescape").splitlines():
        _, point, kind, options, *_ = line.split(" ")
        point = point.replace("\\040", " ")
        inside = real == point or real.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= longest:
            longest = len(point)
            found = (kind, {name: text for name, _, text in (one.partition("=") for one in options.split(","))})
    return found
