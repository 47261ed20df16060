"""What one process measures of itself, read from the counts of its parts."""

from __future__ import annotations

import os
import resource
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IDelayedCall

from qisd.agreement import COMPARED, SECRET_KEY, differences
from qisd.service.metrics import Measures, cells
from qisd.tallies import LAG_SECONDS, Histogram
from qisd.web.traffic import Traffic

if TYPE_CHECKING:
    from qisd.service.domain import Domain
    from qisd.service.house import House
    from qisd.service.membership import Membership

_LOOK_EVERY = 0.5

_NOT_MODIFIED = 304
_IMAGES = ("image", "original")

Samples = dict[str, list[tuple[list[str], Any]]]


class Lag:
    """By how much the reactor is late: what everything waits for that it does."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._next: IDelayedCall | None = None
        self.histogram = Histogram(LAG_SECONDS)

    def start(self) -> None:
        """Begin to look."""
        due = self._reactor.seconds() + _LOOK_EVERY
        self._next = self._reactor.callLater(_LOOK_EVERY, self._look, due)

    def stop(self) -> None:
        if self._next is not None and self._next.active():
            self._next.cancel()

    def _look(self, due: float) -> None:
        self.histogram.note(max(0.0, self._reactor.seconds() - due))
        self.start()


def own_process(name: str, lag: Lag) -> Samples:
    """What every process has.

    :param name: of a kind of process.
    """
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return {
        "qis_reactor_lag_seconds": [([name], cells(lag.histogram))],
        "process_cpu_seconds_total": [([], time.process_time())],
        "process_resident_memory_bytes": [([], pages * resource.getpagesize())],
        "process_open_fds": [([], sum(1 for _ in os.scandir("/proc/self/fd")))],
        "process_max_fds": [([], resource.getrlimit(resource.RLIMIT_NOFILE)[0])],
    }


def measured(house: House) -> Measures:
    """All that a process measures that does the work."""
    pools = house.pools
    found: Samples = {
        **own_process(house.role or "server", house.lag),
        **_traffic(house.site.traffic),
        "qis_http_connections": _counts(Counter(house.site.connections()), ("http", "https")),
        "qis_render_seconds": [([kind], cells(one)) for kind, one in pools.renders.seconds.items()],
        "qis_render_queue": [([], pools.renders.waiting)],
        "qis_render_active": [([], pools.renders.active)],
        "qis_render_failures_total": _counts(pools.renders.failures, ("too_busy", "timeout", "invalid", "memory")),
        "qis_store_operation_seconds": [([pool.name], cells(pool.seconds)) for pool in (pools.files, pools.uploads)],
        **_caches(house),
        **_database(house),
    }
    if house.domain is not None:
        found |= _domain(house.domain)
    return found


def _counts(counter: Counter[str], known: tuple[str, ...]) -> list[tuple[list[str], Any]]:
    """With those at zero that nothing was counted of yet, so that the first one is seen as an increase."""
    return [([name], counter[name]) for name in dict.fromkeys((*known, *counter))]


def _traffic(traffic: Traffic) -> Samples:
    requests: Counter[tuple[str, str, str]] = Counter()
    sizes: Counter[tuple[str, str]] = Counter()
    seconds: dict[tuple[str, str], list[float]] = {}
    for (route, method, status, cached), cell in traffic.kinds.items():
        requests[route, method, str(status)] += cell.count
        sizes[route, cached] += cell.size
        value = [cell.micros / 1e6, *cell.cells]
        before = seconds.get((route, cached))
        seconds[route, cached] = value if before is None else [a + b for a, b in zip(before, value, strict=True)]
    return {
        "qis_http_requests_total": [(list(labels), number) for labels, number in requests.items()],
        "qis_http_response_bytes_total": [(list(labels), number) for labels, number in sizes.items()],
        "qis_http_request_seconds": [(list(labels), value) for labels, value in seconds.items()],
        "qis_tls_handshakes_total": [(list(labels), number) for labels, number in traffic.handshakes.items()],
    }


def _caches(house: House) -> Samples:
    floors, traffic, hot = house.floors, house.site.traffic, house.site.hot
    sources = Counter(traffic.sources)
    sources["memory"] += 0 if hot is None else hot.answered
    sources["not_modified"] = sum(
        cell.count
        for (route, _, status, _), cell in traffic.kinds.items()
        if status == _NOT_MODIFIED and route in _IMAGES
    )
    operations = [(list(labels), number) for labels, number in floors.cluster.operations.items()]
    for name, asked, hits in zip(floors.named, floors.cache.asked, floors.cache.hits, strict=True):
        if name != "memcached":  # whose servers are told of one by one
            operations += [([name, "get", "hit"], hits), ([name, "get", "miss"], asked - hits)]
    return {
        "qis_images_total": _counts(sources, ("memory", "memcached", "disk", "rendered", "not_modified", "original")),
        "qis_cache_operations_total": operations,
        "qis_cache_bytes": [(["memory"], floors.memory.used)],
        "qis_cache_node_up": [([node], int(up)) for node, up in floors.cluster.states().items()],
    }


def _database(house: House) -> Samples:
    store = house.store
    found: Samples = {"qis_database_up": [([], int(store.available))]}
    if house.domain is not None:
        pools = (("short", store.database), ("patient", store.patient))
        found["qis_database_query_seconds"] = [([name], cells(pool.seconds)) for name, pool in pools]
        found["qis_database_pool_in_use"] = [([name], pool.in_use) for name, pool in pools]
    return found


def _site(membership: Membership) -> Samples:
    servers = membership.servers
    disputed = {one.setting for one in differences(servers)}
    return {
        "qis_servers": [([], len(servers))],
        "qis_setting_differs": [([name], int(name in disputed)) for name in (SECRET_KEY, *COMPARED)],
        "qis_clock_off_seconds": [
            ([], abs(one.clock_ahead)) for one in servers if one.server_id == membership.server_id
        ],
    }


def _domain(domain: Domain) -> Samples:
    found: Samples = {
        "qis_snapshot_age_seconds": [(["permissions"], domain.permissions.age)],
        "qis_logins_total": _counts(domain.login.results, ("success", "failed", "throttled")),
        "qis_permission_refusals_total": [([], domain.denials.count)],
        **_site(domain.membership),
    }
    worker = domain.background.worker
    if worker is not None:
        found["qis_tasks"] = [([status], number) for status, number in worker.counts.items()]
        found["qis_task_seconds"] = [([name], cells(one)) for name, one in worker.seconds.items()]
        found["qis_task_failures_total"] = [([name], worker.failures[name]) for name in worker.seconds]
    return found
