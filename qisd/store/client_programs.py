"""Finds PostgreSQL's programs for clients (``pg_dump``, ``pg_restore``, ``psql``) in a version that suits a server."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import attrs

from qisd.errors import StartupError
from qisd.store.binaries import major_of, system_folders, wheel_folders

_PROGRAMS = ("pg_dump", "pg_restore", "psql")

# Debian's programs on the PATH are one script that chooses a version by rules of its own.
_WRAPPER = "pg_wrapper"


@attrs.frozen(kw_only=True)
class ClientPrograms:
    """A folder with all three programs, and the major version they are of."""

    folder: Path
    major: int

    def path(self, program: str) -> str:
        return str(self.folder / program)


def find_client_programs(server: int, *, folders: Iterable[Path] | None = None) -> list[ClientPrograms]:
    """Those that can speak to a server of major version ``server``: the same version first, then newer ones.

    What an older ``pg_dump`` writes of a newer server would lack something, and it refuses to.

    :param folders: where to look instead of in the wheel and on the system.
    :raises StartupError: there are none; the text says what to install.
    """
    found: dict[int, ClientPrograms] = {}
    for folder in folders if folders is not None else _folders():
        if all(os.access(folder / program, os.X_OK, effective_ids=True) for program in _PROGRAMS):
            major = major_of(folder / "pg_dump")
            if major is not None and major not in found:
                found[major] = ClientPrograms(folder=folder, major=major)
    suitable = [found[major] for major in sorted(found) if major >= server]
    if not suitable:
        present = ", ".join(map(str, sorted(found))) or "none"
        raise StartupError(
            f"the database server is PostgreSQL {server}, and there is no pg_dump for it (versions found: {present}):"
            f" install postgresql-client-{server}"
        )
    return suitable


def _folders() -> list[Path]:
    folders = [*wheel_folders(), *system_folders()]
    if (found := shutil.which("pg_dump")) and (program := Path(found).resolve()).name != _WRAPPER:
        folders.append(program.parent)
    return folders
