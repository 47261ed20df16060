"""What is where a command was told that something is."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Literal

from qisd.cli.console import CommandError

Kind = Literal["nothing", "file", "directory", "else"]


def look(path: Path) -> Kind:
    """What ``path`` is; links count as what they lead to.

    :raises CommandError: that can't be seen.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "nothing"
    except OSError as error:
        raise CommandError(f"{path} can't be reached: {error.strerror}") from error
    return "file" if stat.S_ISREG(mode) else "directory" if stat.S_ISDIR(mode) else "else"


def ordinary(path: Path) -> bool:
    """Whether there is an ordinary file at ``path``; False when there is nothing.

    :raises CommandError: it is something else, or that can't be seen.
    """
    kind = look(path)
    if kind in ("directory", "else"):
        raise CommandError(f"{path} is {'a directory' if kind == 'directory' else 'no ordinary file'}")
    return kind == "file"
