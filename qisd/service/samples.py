"""The sample images of the first run."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path

from qisd.errors import StoreUnavailable
from qisd.repository.bucket import Bucket
from qisd.repository.mounted import LOST_AND_FOUND
from qisd.repository.samples import FOLDER
from qisd.repository.stores import bucket_of
from qisd.settings import Settings

_SEEN = "library-seen"
"""A file in STATE_DIR: there has been something in the library, so that an empty one is a mount point."""


def provide_samples(settings: Settings) -> bool:
    """Copy the sample images into an image library that is empty. Blocks; returns whether that was done.

    That is for the first run only. A library that was not empty before is not mounted, nor is one without the file that
    STORE_CHECK_FILE names: what was written there would be taken for it.

    They appear as a whole, under their final name: of several servers that start together, one is first.

    :raises OSError: the library can't be written.
    """
    bucket = bucket_of(settings)
    if bucket is not None:
        return _into_bucket(settings.install_dir / FOLDER, bucket)
    source, library, seen = settings.install_dir / FOLDER, settings.images_base_dir, settings.state_dir / _SEEN
    if any(not entry.name.startswith(".") and entry.name != os.fsdecode(LOST_AND_FOUND) for entry in library.iterdir()):
        seen.touch(0o600)
        return False
    check_file = settings.store_check_file
    if not source.is_dir() or seen.exists() or (check_file and not (library / check_file).exists()):
        return False
    copied = _copy(source, library, settings)
    seen.touch(0o600)
    return copied


def _into_bucket(source: Path, bucket: Bucket) -> bool:
    """One file after another; of servers that start together, several may do the same."""
    try:
        if not source.is_dir() or any(not name.startswith(".") for name, _ in bucket.entries("")):
            return False
        for file in sorted(source.iterdir()):
            if file.is_file():
                bucket.put_file(os.fsencode(file), f"{FOLDER}/{file.name}", token="")
    except StoreUnavailable as error:
        raise OSError(errno.EIO, error.detail) from error
    return True


def _copy(source: Path, library: Path, settings: Settings) -> bool:
    fresh = Path(tempfile.mkdtemp(prefix=f".{FOLDER}-", dir=library))
    try:
        for file in sorted(source.iterdir()):
            if file.is_file():
                copy = fresh / file.name
                shutil.copyfile(file, copy)
                copy.chmod(settings.images_file_mode)
        fresh.chmod(settings.images_dir_mode)
        try:
            fresh.rename(library / FOLDER)
        except OSError:
            if not (library / FOLDER).is_dir():
                raise
            return False  # another server was first
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return True
