"""The id of this server: the same after each start, and another for each server that shares the library."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

from qisd.errors import StartupError

FILE_NAME = "server_id"

_FORM = re.compile(r"[0-9a-f]{32}")


def server_id(state_dir: Path) -> str:
    """The id that is kept in ``state_dir``, made if there is none yet. Blocks.

    :raises StartupError: it can't be read or kept.
    """
    path = state_dir / FILE_NAME
    try:
        known = path.read_text("ascii").strip() if path.exists() else ""
        if _FORM.fullmatch(known):
            return known
        made = uuid.uuid4().hex
        temporary = path.with_name(f".{FILE_NAME}.{made}")
        temporary.write_text(f"{made}\n", "ascii")
        temporary.replace(path)
    except (OSError, UnicodeDecodeError) as error:
        raise StartupError(f"{path}: {error}") from error
    return made
