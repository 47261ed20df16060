"""Which PostgreSQL processes use a data directory, as the kernel tells."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import attrs


@attrs.frozen(kw_only=True)
class Postmaster:
    """What ``postmaster.pid`` says of the server that wrote it; it may be long dead."""

    pid: int
    socket_dir: Path | None
    status: str
    """``starting``, ``ready``, ``stopping`` or ``standby``; empty before the first of them."""

    @property
    def can_be_taken_over(self) -> bool:
        """Whether it serves, or will soon, on a socket that is known."""
        return self.socket_dir is not None and self.status in ("starting", "ready")


def read_postmaster(data: Path) -> Postmaster | None:
    """The contents of a cluster's ``postmaster.pid``; None without one, or when it makes no sense."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        pid = int(lines[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None
    line = dict(enumerate(lines))
    # 0 process id, 1 data directory, 2 start time, 3 port, 4 socket directory, 5 address, 6 shared memory, 7 status
    socket_dir = line.get(4, "").strip()
    return Postmaster(pid=pid, socket_dir=Path(socket_dir) if socket_dir else None, status=line.get(7, "").strip())


def servers_of(data: Path) -> set[int]:
    """The ids of all living PostgreSQL processes of this user that work in ``data``.

    PostgreSQL changes into its data directory, so the working directory tells its processes apart from everything that
    happens to have a process id out of an old file.
    """
    wanted = data.resolve()
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "cwd").readlink() == wanted and (entry / "exe").readlink().name.startswith("postgres"):
                    found.add(int(entry.name))
            except OSError:  # gone meanwhile, a zombie, or another user's
                continue
    return found


def titles_of(pids: Iterable[int]) -> list[str]:
    """What processes are called in ``ps``; those that are gone have no title."""
    found = []
    for pid in pids:
        try:
            found.append(Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace").rstrip("\0"))
        except OSError:
            continue
    return found


def is_running(pid: int) -> bool:
    """Whether a process lives; one that only waits to be reaped doesn't."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"
