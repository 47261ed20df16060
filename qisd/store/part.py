"""A piece of a list."""

from __future__ import annotations

from typing import Generic, TypeVar

import attrs

T = TypeVar("T")


@attrs.frozen
class Part(Generic[T]):
    """Some of the records that were asked for, in order; ``total`` is how many there are."""

    items: list[T]
    total: int
