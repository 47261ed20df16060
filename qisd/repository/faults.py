"""What the operating system says about files, turned into our errors at one place."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from qisd.errors import AlreadyExists, NoSpace, NotFound, StoreUnavailable

ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EACCES, errno.ENXIO, errno.EINVAL)
"""What says that there is nothing to be had at a path."""

_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.EISDIR)
_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def changing(source: str, target: str = "") -> Iterator[None]:
    """Turn what goes wrong while ``source`` is changed, or brought to ``target``, into our errors.

    :raises NotFound: there is no such thing. :raises AlreadyExists: the target is taken.
    :raises NoSpace: the disk is full. :raises StoreUnavailable: anything else.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _TAKEN:
            raise taken(target or source) from error
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            raise NotFound(f"'{source}' was not found.") from error
        if error.errno in _FULL:
            raise NoSpace(detail=str(error)) from error
        raise StoreUnavailable(detail=f"changing {source!r} {target!r}: {error}") from error


def taken(path: str) -> AlreadyExists:
    """Something is at ``path`` already."""
    return AlreadyExists(f"'/{path}' already exists.")
