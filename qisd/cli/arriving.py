"""Files that commands write for others: whole or not at all, and for nobody's eyes but their owner's."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qisd.cli.console import CommandError


@contextmanager
def arriving(target: Path) -> Iterator[int]:
    """An open file, mode 0600, that gets the name ``target`` when all is well, and is gone otherwise.

    :raises CommandError: it can't be written.
    """
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
        try:
            yield descriptor
            os.fsync(descriptor)
            Path(name).replace(target)
            _sync(target.parent)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
    except OSError as error:
        raise CommandError(f"{target} can't be written: {error.strerror}") from error


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
