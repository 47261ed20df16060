"""The number of the request that is being worked at: whatever is said meanwhile can name it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_current: ContextVar[str] = ContextVar("request_id", default="")


def current_request_id() -> str:
    """That of the request which this code runs for; empty where it runs for none."""
    return _current.get()


@contextmanager
def working_at(request_id: str) -> Iterator[None]:
    """All that is begun within is for this request: coroutines that are begun here keep it."""
    token = _current.set(request_id)
    try:
        yield
    finally:
        _current.reset(token)
