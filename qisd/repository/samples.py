"""The sample images that come with the program, once more."""

from __future__ import annotations

import contextlib
import filecmp
import os
import shutil
import tempfile
from pathlib import Path

import attrs

FOLDER = "samples"


@attrs.frozen(kw_only=True)
class SampleFiles:
    """The names of the samples, by how they lie in the library: not there, the same, or something else."""

    missing: list[str]
    same: list[str]
    other: list[str]


def compare_samples(source: Path, library: Path) -> SampleFiles:
    """Look at what is there. Blocks.

    :raises OSError: it can't be read.
    """
    found = SampleFiles(missing=[], same=[], other=[])
    for file in sorted(source.iterdir()):
        copy = library / FOLDER / file.name
        if not file.is_file():
            continue
        if not copy.exists():
            found.missing.append(file.name)
        elif copy.is_file() and filecmp.cmp(file, copy, shallow=False):
            found.same.append(file.name)
        else:
            found.other.append(file.name)
    return found


def put_sample(source: Path, library: Path, name: str, *, file_mode: int, dir_mode: int, replace: bool) -> None:
    """Put one sample into the library, as a whole. Blocks.

    :param replace: whether what is there under its name may go; else that stays.
    :raises OSError: it can't be written.
    """
    folder = library / FOLDER
    if not folder.is_dir():
        folder.mkdir()
        folder.chmod(dir_mode)
    descriptor, fresh = tempfile.mkstemp(prefix=f".{name}-", dir=folder)
    os.close(descriptor)
    try:
        shutil.copyfile(source / name, fresh)
        Path(fresh).chmod(file_mode)
        if replace:
            Path(fresh).replace(folder / name)
        else:
            with contextlib.suppress(FileExistsError):  # somebody was faster
                os.link(fresh, folder / name)
    finally:
        Path(fresh).unlink(missing_ok=True)
