"""What the modules of the aggregates speak to: the pool, or one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

Row = tuple[Any, ...]


class Queries(Protocol):
    """Runs statements; parameters are written ``%s``.

    :class:`~qisd.store.pool.Database` runs each by itself, :class:`~qisd.store.pool.Transaction` all of them or none.
    """

    async def query(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """The rows of a statement. On a pool it must only read: it may be run twice."""
        ...

    async def execute(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Run a statement that has no rows to return."""
        ...

    def afterwards(self, tell: Callable[[], None]) -> None:
        """Call ``tell`` once what was done up to now is committed; never when it is rolled back."""
        ...
