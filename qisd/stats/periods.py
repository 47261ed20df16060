"""What was counted in one period, in memory."""

from __future__ import annotations

from datetime import UTC, datetime

from qisd.stats.latency import CELLS
from qisd.store.stats import BreakdownCounts, SystemCounts, Totals

REQUESTS, VIEWS, CACHED, DOWNLOADS, BYTES, SECONDS, LONGEST = range(7)

Row = list[float]
"""The seven numbers, by the indexes above."""

Shares = dict[str, list[int]]
"""Requests, views and bytes by the name of a template or a format."""


class Period:
    """Sums of one period; times are seconds since 1970."""

    __slots__ = (
        "begin",
        "client_errors",
        "end",
        "folio_bytes",
        "folio_downloads",
        "formats",
        "images",
        "latency",
        "load",
        "samples",
        "server_errors",
        "system",
        "templates",
        "throttled",
    )

    def __init__(self, begin: int, end: int) -> None:
        self.begin = begin
        self.end = end
        self.system: Row = new_row()
        self.latency = [0] * CELLS
        self.images: dict[str, Row] = {}
        self.templates: Shares = {}
        self.formats: Shares = {}
        self.client_errors = self.server_errors = self.throttled = self.folio_downloads = self.folio_bytes = 0
        self.samples = 0
        self.load = [0.0, 0.0, 0.0]
        """Sums over the samples: processors, memory, cache."""

    @property
    def from_time(self) -> datetime:
        return datetime.fromtimestamp(self.begin, UTC)

    @property
    def to_time(self) -> datetime:
        return datetime.fromtimestamp(self.end, UTC)

    def merge(self, other: Period) -> None:
        """Add what another one of the same period has."""
        self.end = max(self.end, other.end)
        add_row(self.system, other.system)
        self.latency = [a + b for a, b in zip(self.latency, other.latency, strict=True)]
        for src, row in other.images.items():
            self.add_image(src, row)
        for ours, theirs in ((self.templates, other.templates), (self.formats, other.formats)):
            for name, numbers in theirs.items():
                ours[name] = [a + b for a, b in zip(ours.get(name, (0, 0, 0)), numbers, strict=True)]
        self.client_errors += other.client_errors
        self.server_errors += other.server_errors
        self.throttled += other.throttled
        self.folio_downloads += other.folio_downloads
        self.folio_bytes += other.folio_bytes
        self.samples += other.samples
        self.load = [a + b for a, b in zip(self.load, other.load, strict=True)]

    def add_image(self, src: str, row: Row) -> None:
        mine = self.images.get(src)
        if mine is None:
            self.images[src] = row
        else:
            add_row(mine, row)

    def system_counts(self) -> SystemCounts | None:
        """What the whole server's row gets; None if that is nothing."""
        rest = self.client_errors, self.server_errors, self.throttled, self.folio_downloads, self.samples
        if not self.system[REQUESTS] and not any(rest):
            return None
        cpu, memory, cache = (total / self.samples if self.samples else 0.0 for total in self.load)
        return SystemCounts(
            totals=totals_of(self.system),
            client_errors=self.client_errors,
            server_errors=self.server_errors,
            throttled=self.throttled,
            folio_downloads=self.folio_downloads,
            folio_bytes=self.folio_bytes,
            samples=self.samples,
            cpu_pc=cpu,
            memory_pc=memory,
            cache_pc=cache,
            latency=self.latency,
        )

    def breakdown(self) -> list[BreakdownCounts]:
        return [
            BreakdownCounts(kind=kind, name=name, requests=requests, views=views, total_bytes=size)
            for kind, names in (("format", self.formats), ("template", self.templates))
            for name, (requests, views, size) in sorted(names.items())
        ]


def new_row() -> Row:
    return [0, 0, 0, 0, 0, 0.0, 0.0]


def add_row(row: Row, other: Row) -> None:
    longest = max(row[LONGEST], other[LONGEST])
    for index in range(LONGEST):
        row[index] += other[index]
    row[LONGEST] = longest


def totals_of(row: Row) -> Totals:
    return Totals(*map(int, row[:SECONDS]), *row[SECONDS:])
