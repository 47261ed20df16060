"""``qis check --store`` where the library is in object storage: may we do there what the server does?"""

from __future__ import annotations

import contextlib
import shutil
import time
from pathlib import Path

from qisd.cli.health import BUCKET_REMEDY, Report
from qisd.cli.progress import size_text
from qisd.errors import StoreUnavailable
from qisd.repository.bucket import Bucket
from qisd.repository.stores import copies_folder
from qisd.settings import Settings

_TRIED = ".qis-check"
"""The object that is put and deleted again: hidden, as all names that begin with a dot are."""

_MIB = 1024 * 1024


def probe_bucket(bucket: Bucket, settings: Settings, report: Report) -> None:
    """Add to ``report`` how the bucket fares, and the local disk in front of it.

    Puts a small object there and deletes it. Blocks as long as the bucket takes: half a minute where nobody answers.
    One of which the report tells already is not asked again.
    """
    if not any(problem.startswith("S3_BUCKET:") for problem in report.problems):
        try:
            seconds = _tried(bucket)
        except StoreUnavailable as error:
            report.problems.append(f"S3_BUCKET: {error.detail}: {BUCKET_REMEDY}")
        else:
            place = "/".join(filter(None, (settings.s3_bucket, settings.s3_prefix.strip("/"))))
            at = f" at {settings.s3_endpoint}" if settings.s3_endpoint else ""
            report.facts.append(
                f"image library: bucket {place}{at}, can be listed, read and written,"
                f" has answered in {seconds * 1000:.0f} ms"
            )
    _copies(settings, report)


def _tried(bucket: Bucket) -> float:
    """Do what the server does; gives the seconds until the first answer.

    :raises StoreUnavailable: that can't be done.
    """
    began = time.monotonic()
    bucket.has_below("")
    seconds = time.monotonic() - began
    bucket.put_text(_TRIED, "")
    bucket.read(_TRIED)
    bucket.delete(_TRIED)
    return seconds


def _copies(settings: Settings, report: Report) -> None:
    """The copies of sources on the local disk: they go when they take more than they may, not when it is full."""
    folder = copies_folder(settings)
    whole, _ = disk_of(folder)
    if whole < settings.s3_cache_mb * _MIB:
        report.warnings.append(
            f"S3_CACHE_MB: copies of sources may take {size_text(settings.s3_cache_mb * _MIB)},"
            f" while the whole disk of {folder} has {size_text(whole)}: set less, or S3_CACHE_DIR to a larger disk"
        )


def disk_of(path: Path) -> tuple[int, int]:
    """Bytes that the file system has which ``path`` is on, or will be; and how many of them are free."""
    for one in (path, *path.parents):
        with contextlib.suppress(OSError):
            found = shutil.disk_usage(one)
            return found.total, found.free
    raise AssertionError("the root of all is always there")
