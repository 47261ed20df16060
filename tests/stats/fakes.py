"""A database that takes batches of counts, and can be away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.defer import Deferred

from qisd.errors import StoreUnavailable
from qisd.store import stats
from qisd.store.stats import Batch, Known


class FakeStore:
    """In place of the database and of :mod:`qisd.store.stats`; see :meth:`install`.

    :ivar images: the records there are.
    :ivar batches: what was written.
    """

    def __init__(self, **images: int) -> None:
        self.images = {src.replace("_", "."): Known(number, True) for src, number in images.items()}
        self.batches: list[Batch] = []
        self.seen: set[tuple[object, int]] = set()
        self.away = False
        self.loses_answers = False
        self.fault: Exception | None = None
        self.gate: Deferred[None] | None = None

    def install(self, case: Any) -> None:
        case.patch(stats, "images_of", self.images_of)
        case.patch(stats, "add", self.add)

    async def images_of(self, db: object, paths: list[str]) -> dict[str, Known]:
        if self.away:
            raise StoreUnavailable(detail="away")
        return {src: self.images[src] for src in paths if src in self.images}

    async def add(self, db: object, batch: Batch, *, writer: object, number: int) -> bool:
        if (writer, number) in self.seen:
            return False
        self.seen.add((writer, number))
        self.batches.append(batch)
        return True

    async def transaction(self, work: Callable[[object], Awaitable[Any]]) -> Any:
        if self.gate is not None:
            await self.gate
        if self.away:
            raise StoreUnavailable(detail="away")
        if self.fault is not None:
            raise self.fault
        result = await work(self)
        if self.loses_answers:
            raise StoreUnavailable(detail="the answer was lost")
        return result

    def views(self, number: int) -> int:
        """Of one image, in all periods."""
        return sum(totals.views for batch in self.batches for image, totals in batch.images if image == number)

    def system(self, field: str) -> Any:
        """A sum over all periods."""
        return sum(
            getattr(batch.system.totals, field, None) or getattr(batch.system, field, 0)
            for batch in self.batches
            if batch.system is not None
        )
