"""Files with private keys."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

_OWNER_ONLY = 0o700


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all, in a directory that only its owner can enter.

    :raises OSError: it can't be written.
    """
    path.parent.mkdir(mode=_OWNER_ONLY, exist_ok=True)
    path.parent.chmod(_OWNER_ONLY)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
