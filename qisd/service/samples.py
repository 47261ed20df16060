"""The sample images of the first run."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from qisd.repository.samples import FOLDER
from qisd.settings import Settings


def provide_samples(settings: Settings) -> bool:
    """Copy the sample images into an image library that is empty. Blocks; returns whether that was done.

    They appear as a whole, under their final name: of several servers that start together, one is first.

    :raises OSError: the library can't be written.
    """
    source, library = settings.install_dir / FOLDER, settings.images_base_dir
    if not source.is_dir() or any(not entry.name.startswith(".") for entry in library.iterdir()):
        return False
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
