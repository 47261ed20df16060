"""How large everything should be on a machine: workers, memory, connections. The one place for these rules."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import attrs

from qisd.settings.model import Settings

THREADS = 15
LEAST_WORKERS = 2

_MEGABYTE = 2**20
_LOCAL_NAMES = ("", "localhost", "[::1]")

# Megabytes.
_SYSTEM = 1024
_WORKER_IDLE = 150
_RENDERS_EACH = 128
"""What the renders of one processor take at a time, as a rule: several photos of 24 megapixels."""
_RENDER_LEAST, _RENDER_MOST = 128, 1024
_CACHE_LEAST, _CACHE_MOST = 16, 64
_BUFFERS_LEAST, _BUFFERS_MOST = 128, 1024
_CONNECTION = 8
_MEMCACHED_LEAST = 64

_SYSTEM_SHARE = 0.1
_SYSTEM_MOST_SHARE = 0.25
_RESERVE_SHARE = 0.07
_RENDER_SHARE = 0.25
_CACHE_SHARE = 1 / 64
_BUFFERS_SHARE = 1 / 16

_LISTENERS = 2
_SPARE_CONNECTIONS = 5
_MEMCACHED_SPARE = 100

_CGROUP, _OWN_GROUPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


@attrs.frozen(kw_only=True)
class Machine:
    """What there is to be shared out.

    :param memory_mb: all of it, in MiB.
    :param postgres_here: whether the database runs on it as well; ``memcached_here`` likewise.
    """

    processors: int
    memory_mb: int
    postgres_here: bool
    memcached_here: bool


@attrs.frozen(kw_only=True)
class Plan:
    """What suits a machine. Sizes are in MiB.

    :param workers: of the main scheme; ``others`` those of the other one.
    :param render_mb: what the renders of one worker may take together, at most.
    :param memory_cache_mb: finished images kept by each worker.
    :param connections: to the database, of all processes.
    :param shared_buffers_mb: of PostgreSQL, if it is here; else 0.
    :param memcached_mb: for Memcached, if it is here; else 0. ``memcached_connections`` for one of any place.
    :param shares: what the memory is meant for, by name; in the order of the rule.
    """

    machine: Machine
    workers: int
    others: int
    threads: int
    render_mb: int
    memory_cache_mb: int
    connections: int
    shared_buffers_mb: int
    memcached_mb: int
    memcached_connections: int
    shares: dict[str, int]

    @property
    def short_of(self) -> int:
        """MiB that are missing for all of this."""
        return max(0, sum(self.shares.values()) - self.machine.memory_mb)


def workers(processors: int, *, postgres_here: bool, memcached_here: bool) -> int:
    """How many workers suit: one a processor, but for those that database and cache need here."""
    return max(LEAST_WORKERS, processors - postgres_here - memcached_here)


def served(settings: Settings) -> tuple[str, ...]:
    """The schemes, ``http`` and ``https``, that workers are wanted for."""
    schemes = {
        "http": settings.http_listen and settings.http_processes != 0,
        "https": settings.https_listen and settings.https_processes != 0,
    }
    return tuple(scheme for scheme, wanted in schemes.items() if wanted)


def main_scheme(settings: Settings) -> str:
    """The scheme that most requests come by: the preferred one. Behind a proxy that ends TLS it is the only one."""
    schemes = served(settings)
    return schemes[0] if len(schemes) == 1 else settings.preferred_url_scheme


def this_machine(settings: Settings) -> Machine:
    """The machine, or the container, that we run on, with what the settings place on it."""
    return Machine(
        processors=processors(),
        memory_mb=memory_mb(),
        postgres_here=postgres_here(settings),
        memcached_here=memcached_here(settings),
    )


def plan(settings: Settings, machine: Machine) -> Plan:
    """Share ``machine`` out."""
    total = machine.memory_mb
    count = workers(machine.processors, postgres_here=machine.postgres_here, memcached_here=machine.memcached_here)
    serving = sum(_by_scheme(settings, count).values())
    processes = serving + settings.tasks_enabled
    cache = _within(total * _CACHE_SHARE, _CACHE_LEAST, _CACHE_MOST)
    render = _within(total * _RENDER_SHARE, _RENDER_LEAST, _RENDER_MOST)
    pool = settings.mgmt_database_pool_size
    connections = (pool + _LISTENERS) * serving + pool * settings.tasks_enabled + _SPARE_CONNECTIONS
    buffers = _buffers(settings, total) if machine.postgres_here else 0
    shares = {
        "system": round(min(max(_SYSTEM, total * _SYSTEM_SHARE), total * _SYSTEM_MOST_SHARE)),
        "postgresql": buffers + _CONNECTION * connections if machine.postgres_here else 0,
        "workers": processes * (_WORKER_IDLE + cache),
        "renders": min(render * processes, _RENDERS_EACH * machine.processors),
        "reserve": round(total * _RESERVE_SHARE),
    }
    memcached = max(_MEMCACHED_LEAST, total - sum(shares.values())) if machine.memcached_here else 0
    return Plan(
        machine=machine,
        workers=count,
        others=LEAST_WORKERS,
        threads=THREADS,
        render_mb=render,
        memory_cache_mb=cache,
        connections=connections,
        shared_buffers_mb=buffers,
        memcached_mb=memcached,
        memcached_connections=2 * processes + _MEMCACHED_SPARE,
        shares={**shares, "memcached": memcached},
    )


def by_setting(settings: Settings, plan: Plan) -> dict[str, int]:
    """The settings that ``plan`` comes to. Of a scheme that isn't served there are none."""
    by_scheme = _by_scheme(settings, plan.workers)
    return {
        **{f"{scheme.upper()}_PROCESSES": count for scheme, count in by_scheme.items()},
        **{f"{scheme.upper()}_THREADS": plan.threads for scheme in by_scheme},
        "RENDER_MEMORY_MB": plan.render_mb,
        "MEMORY_CACHE_MB": plan.memory_cache_mb,
    }


def postgres_here(settings: Settings) -> bool:
    """Whether the database runs on this machine."""
    return not settings.mgmt_database_connection or _is_local(settings.mgmt_database_connection)


def memcached_here(settings: Settings) -> bool:
    """Whether one of the Memcached servers runs on this machine."""
    return any(server.startswith("/") or _is_local(f"//{server}") for server in settings.memcached_servers)


def processors(*, cgroup: Path = _CGROUP, own: Path = _OWN_GROUPS) -> int:
    """How many of them this process may use, by its affinity and by the quotas of its container or service.

    :param own: tells the groups that the process is in.
    """
    count = len(os.sched_getaffinity(0))
    for group in _groups(cgroup, own, "cpu"):
        words = (_read(group / "cpu.max") or _read_quota_v1(group)).split()
        if len(words) == 2 and words[0].isdecimal() and words[1].isdecimal() and int(words[1]):
            count = min(count, max(1, math.ceil(int(words[0]) / int(words[1]))))
    return count


def memory_mb(*, cgroup: Path = _CGROUP, own: Path = _OWN_GROUPS) -> int:
    """The memory of this machine, or what its container or service may have of it, in MiB."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for group in _groups(cgroup, own, "memory"):
        limit = _read(group / "memory.max") or _read(group / "memory.limit_in_bytes")
        if limit.isdecimal():
            total = min(total, int(limit))
    return total // _MEGABYTE


def _groups(cgroup: Path, own: Path, controller: str) -> Iterator[Path]:
    """The group that this process is in and all above it, for one controller: each of them may have a limit.

    Within a container the root is the container's group; below systemd a service has one of its own.
    """
    for line in _read(own).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        root = cgroup / controller if controllers else cgroup
        place = PurePosixPath(path.lstrip("/"))
        if ".." not in place.parts:  # a group that can't be seen from within the container
            yield from (root / above for above in (place, *place.parents))
    yield from (cgroup, cgroup / controller)


def _read_quota_v1(group: Path) -> str:
    return f"{_read(group / 'cpu.cfs_quota_us')} {_read(group / 'cpu.cfs_period_us')}"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _by_scheme(settings: Settings, count: int) -> dict[str, int]:
    """How many workers each scheme has that is served."""
    main = main_scheme(settings)
    return {scheme: count if scheme == main else LEAST_WORKERS for scheme in served(settings)}


def _buffers(settings: Settings, total: int) -> int:
    if not settings.mgmt_database_connection:
        return settings.embedded_database_memory_mb
    return _within(total * _BUFFERS_SHARE, _BUFFERS_LEAST, _BUFFERS_MOST)


def _within(size: float, least: int, most: int) -> int:
    return min(max(round(size), least), most)


def _is_local(url: str) -> bool:
    host = url.partition("//")[2].partition("/")[0].rpartition("@")[2]
    name = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
    return name in _LOCAL_NAMES or name.startswith("127.")
