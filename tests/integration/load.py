"""Clients that keep a daemon busy while something happens to it, and count what they get."""

from __future__ import annotations

import http.client
import itertools
import threading
from collections import Counter
from collections.abc import Sequence
from types import TracebackType

from tests.integration.process import answer, connect, connect_tls, until

_PAUSE = 0.02
"""Seconds from an answer to the next request: they are to be many, not to take the machine from what they look at."""


class Load:
    """Clients that ask again and again, each for all targets in turn, from ``with`` on until its end.

    :param port: of 127.0.0.1.
    :param tls: whether they speak HTTPS, with whatever certificate.
    :param keep: whether each asks in one connection for as long as that lasts; None: half of them do.
    :ivar got: answers by status, and by the name of the exception where there was none.
    :ivar other: what was answered instead of 200, for messages.
    """

    def __init__(self, port: int, *targets: str, clients: int = 6, keep: bool | None = None, tls: bool = False) -> None:
        self.got: Counter[int | str] = Counter()
        self.other: Counter[str] = Counter()
        self.clients = clients
        self._port = port
        self._targets = targets
        self._tls = tls
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(number % 2 == 0 if keep is None else keep, number), daemon=True)
            for number in range(clients)
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()

    def end(self) -> Counter[int | str]:
        """Let each finish its request; all that they got."""
        self._over.set()
        for thread in self._threads:
            thread.join(30)
        return self.got

    @property
    def failures(self) -> int:
        """Requests without an answer."""
        return sum(number for name, number in self.got.items() if isinstance(name, str))

    def goes_on(self, more: int = 50, *, status: int = 200) -> None:
        """Wait until so many more are answered with ``status``."""
        enough = self.got[status] + more
        until(lambda: self.got[status] >= enough, f"{more} more answers with {status}: {self.got} {self.other}")

    def _ask(self, keep: bool, number: int) -> None:
        connection = connect_tls(self._port) if self._tls else connect(self._port)
        for target in _from(self._targets, number):
            if self._over.is_set():
                break
            try:
                status, body = answer(connection, target)
            except (OSError, http.client.HTTPException) as error:
                self.got[type(error).__name__] += 1
                self.other[repr(error)] += 1
                connection.close()
                self._over.wait(_PAUSE)
                continue
            self.got[status] += 1
            if status != http.client.OK:
                self.other[f"{status} {target} {body[:100]!r}"] += 1
            if not keep:
                connection.close()
            self._over.wait(_PAUSE)
        connection.close()


def _from(targets: Sequence[str], number: int) -> itertools.cycle[str]:
    return itertools.cycle([*targets[number % len(targets) :], *targets[: number % len(targets)]])
