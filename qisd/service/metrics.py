"""What operators can measure: every metric by its name, adding up those of all processes, and the text of all together.

The counts themselves are plain numbers of the parts that they tell of. Here they are only put side by side, and given
to ``prometheus_client`` for its text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, Literal

import attrs
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

from qisd.tallies import LAG_SECONDS, REQUEST_SECONDS, TASK_SECONDS, Histogram

Measures = Mapping[str, Sequence[Sequence[Any]]]
"""By the name of a metric: pairs of its labels' values and a number; of a histogram the seconds of all together and the
number in each cell. JSON values.
"""

_SUMMED: Mapping[str, Any] = {"sum": lambda one, other: one + other, "max": max, "min": min}


@attrs.frozen
class Definition:
    """One metric.

    :param bounds: of a histogram's cells.
    :param together: what the values of several processes come to.
    """

    kind: Literal["gauge", "counter", "histogram"]
    text: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = REQUEST_SECONDS
    together: Literal["sum", "max", "min"] = "sum"


METRICS: Mapping[str, Definition] = {
    "qis_build_info": Definition("gauge", "1, with the version of the server.", ("version",)),
    "qis_start_time_seconds": Definition("gauge", "When the server started, in seconds since 1970."),
    "qis_workers": Definition("gauge", "Workers that do their work.", ("kind",)),
    "qis_worker_restarts_total": Definition("counter", "Workers that took the place of one that had died.", ("kind",)),
    "qis_ready": Definition("gauge", "1 when the server should be sent requests."),
    "qis_http_requests_total": Definition("counter", "Answers.", ("route", "method", "code")),
    "qis_http_request_seconds": Definition(
        "histogram", "From the whole request to the head of its answer.", ("route", "cached")
    ),
    "qis_http_response_bytes_total": Definition("counter", "Bytes of bodies sent.", ("route", "cached")),
    "qis_http_connections": Definition("gauge", "Open connections.", ("protocol",)),
    "qis_tls_handshakes_total": Definition("counter", "Ends of TLS handshakes.", ("version", "result")),
    "qis_tls_certificate_expiry_seconds": Definition(
        "gauge", "When a certificate expires, in seconds since 1970.", ("name",)
    ),
    "qis_images_total": Definition("counter", "Images by where they came from.", ("source",)),
    "qis_render_seconds": Definition("histogram", "Renders, from their start.", ("source_format",)),
    "qis_render_queue": Definition("gauge", "Renders that wait."),
    "qis_render_active": Definition("gauge", "Renders that have a thread."),
    "qis_render_failures_total": Definition("counter", "Renders that came to nothing.", ("reason",)),
    "qis_cache_operations_total": Definition("counter", "What caches were asked.", ("node", "op", "result")),
    "qis_cache_bytes": Definition("gauge", "Bytes in use.", ("level",)),
    "qis_cache_node_up": Definition("gauge", "1 when all workers reach a Memcached server.", ("node",), together="min"),
    "qis_database_up": Definition("gauge", "1 when all workers reach the database.", together="min"),
    "qis_database_query_seconds": Definition(
        "histogram", "Statements and transactions, the wait for a connection included.", ("name",)
    ),
    "qis_database_pool_in_use": Definition("gauge", "Connections in use.", ("name",)),
    "qis_snapshot_age_seconds": Definition(
        "gauge", "How long changes of the permissions can't be heard of; 0 normally.", ("name",), together="max"
    ),
    "qis_servers": Definition("gauge", "Servers of the site, as a worker heard of them last.", together="max"),
    "qis_setting_differs": Definition(
        "gauge", "1 while servers of the site don't agree about a setting.", ("setting",), together="max"
    ),
    "qis_clock_off_seconds": Definition(
        "gauge", "By how much the clock of this server and the database's differ.", together="max"
    ),
    "qis_tasks": Definition("gauge", "Tasks of the site, as a task worker saw them last.", ("status",), together="max"),
    "qis_task_seconds": Definition("histogram", "Tasks done here.", ("name",), bounds=TASK_SECONDS),
    "qis_task_failures_total": Definition("counter", "Tasks that failed here.", ("name",)),
    "qis_store_free_bytes": Definition("gauge", "Free space for images."),
    "qis_store_total_bytes": Definition("gauge", "All space of that file system."),
    "qis_disk_free_bytes": Definition("gauge", "Free space on the disks of state and log.", ("of",)),
    "qis_disk_total_bytes": Definition("gauge", "All space of those file systems.", ("of",)),
    "qis_store_up": Definition("gauge", "1 when the image library is there."),
    "qis_store_operation_seconds": Definition("histogram", "Work on files, by what it is for.", ("op",)),
    "qis_logins_total": Definition("counter", "Attempts to log in by a password.", ("result",)),
    "qis_permission_refusals_total": Definition("counter", "Requests that were refused for want of a permission."),
    "qis_initial_password_unchanged": Definition("gauge", "1 while the first password of admin holds."),
    "qis_settings_reload_success": Definition("gauge", "0 when the last reload was refused."),
    "qis_reactor_lag_seconds": Definition(
        "histogram", "By how much timers were late.", ("process",), bounds=LAG_SECONDS
    ),
    "process_cpu_seconds_total": Definition("counter", "Processor time of all processes."),
    "process_resident_memory_bytes": Definition("gauge", "Resident memory of all processes; shared pages count twice."),
    "process_open_fds": Definition("gauge", "Open file descriptors of all processes."),
    "process_max_fds": Definition("gauge", "How many one process may have.", together="min"),
    "process_start_time_seconds": Definition("gauge", "When the main process started, in seconds since 1970."),
}
"""All of them, in the order in which they are told."""


def cells(histogram: Histogram) -> list[float]:
    """A histogram as a value of :data:`Measures`."""
    return [histogram.total, *histogram.cells]


class Sums:
    """Adds up what several processes have measured."""

    def __init__(self) -> None:
        self._values: dict[str, dict[tuple[str, ...], Any]] = {}

    def add(self, measures: Measures, *, lasting: bool = False) -> None:
        """Take in what one process has.

        :param lasting: only what stays true when it has ended: what it has counted.
        """
        for name, samples in measures.items():
            definition = METRICS.get(name)
            if definition is None or (lasting and definition.kind == "gauge"):
                continue
            known = self._values.setdefault(name, {})
            for labels, value in samples:
                key = tuple(labels)
                before = known.get(key)
                known[key] = value if before is None else _together(definition, before, value)

    def measures(self) -> Measures:
        """All together, as those of one."""
        return {
            name: [(list(labels), value) for labels, value in values.items()] for name, values in self._values.items()
        }

    def collect(self) -> Iterator[Metric]:
        """What ``prometheus_client`` wants of a registry."""
        for name, definition in METRICS.items():
            values = self._values.get(name)
            if values:
                yield _family(name, definition, values)

    def text(self, accept: str) -> tuple[bytes, str]:
        """Everything as text, in the form that the header ``Accept`` asks for, and that form's media type."""
        encode, media_type = choose_encoder(accept)
        return encode(self), media_type


def _together(definition: Definition, one: Any, other: Any) -> Any:
    if definition.kind == "histogram":
        return [a + b for a, b in zip(one, other, strict=True)]
    return _SUMMED[definition.together](one, other)


def _family(name: str, definition: Definition, values: Mapping[tuple[str, ...], Any]) -> Metric:
    if definition.kind == "histogram":
        histogram = HistogramMetricFamily(name, definition.text, labels=definition.labels)
        for labels, (total, *numbers) in sorted(values.items()):
            histogram.add_metric(labels, list(_buckets(definition.bounds, numbers)), total)
        return histogram
    family: GaugeMetricFamily | CounterMetricFamily
    if definition.kind == "counter":
        family = CounterMetricFamily(name, definition.text, labels=definition.labels)
    else:
        family = GaugeMetricFamily(name, definition.text, labels=definition.labels)
    for labels, value in sorted(values.items()):
        family.add_metric(labels, value)
    return family


def _buckets(bounds: Sequence[float], numbers: Iterable[int]) -> Iterator[tuple[str, float]]:
    ends = (*(repr(bound) for bound in bounds), "+Inf")
    yield from zip(ends, accumulate(numbers), strict=True)
