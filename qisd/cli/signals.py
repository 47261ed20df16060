"""Requests to end, as commands take them."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn


@contextmanager
def handling(numbers: Sequence[signal.Signals], handler: Callable[[int, object], None]) -> Iterator[None]:
    """Have ``handler`` called for signals; not for SIGHUP where nohup has it ignored: the work shall go on then."""
    stays = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    wanted = [number for number in numbers if number != signal.SIGHUP or not stays]
    before = {number: signal.signal(number, handler) for number in wanted}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Have a request to end reach us as an exception, so that what we have started doesn't stay behind."""

    def end(number: int, frame: object) -> NoReturn:
        raise KeyboardInterrupt

    with handling((signal.SIGTERM, signal.SIGHUP), end):
        yield
