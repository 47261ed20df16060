"""Removes what earlier runs of the daemon have left behind in the directory for temporary files.

That directory may be everybody's, such as ``/tmp``: only what belongs to this user is touched, no link is followed, and
nothing that is still used for something.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from pathlib import Path

PREFIX = "qis"


def remove_leftovers(directory: Path, *, older_than: float) -> int:
    """Remove files and directories whose names begin with :data:`PREFIX`; blocks.

    :param older_than: seconds since anything in it was last changed.
    :returns: how many were removed.
    """
    border = time.time() - older_than
    removed = 0
    with os.scandir(directory) as entries:
        found = [Path(entry.path) for entry in entries if entry.name.startswith(PREFIX)]
    for path in found:
        try:
            if _is_left_over(path, border):
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()
                removed += 1
        except OSError:  # gone meanwhile, or not ours to remove
            continue
    return removed


def _is_left_over(path: Path, border: float) -> bool:
    """Whether ``path``, with all below it, is plain, ours and old. Sockets and links say that it is in use."""
    status = path.lstat()
    if status.st_uid != os.geteuid() or status.st_mtime >= border:
        return False
    if stat.S_ISREG(status.st_mode):
        return True
    if not stat.S_ISDIR(status.st_mode):
        return False
    with os.scandir(path) as entries:
        return all(_is_left_over(Path(entry.path), border) for entry in entries)
