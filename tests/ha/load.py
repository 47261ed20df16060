"""Requests at a steady rate over kept connections, and what became of each."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from types import TracebackType

import attrs

_CLIENTS = 24
_PATIENCE = 30.0


@attrs.frozen
class Outcome:
    """One request: when it began, how long it took, in seconds; its status, 0 when no answer came."""

    began: float
    took: float
    status: int


class Load:
    """Asks ``port`` for what ``target`` names, ``rate`` times a second, while its block runs.

    :param target: the path of the request of that number.
    """

    def __init__(self, port: int, target: Callable[[int], str], *, rate: float) -> None:
        self.outcomes: list[Outcome] = []
        self._port = port
        self._target = target
        self._rate = rate
        self._number = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._clients()))

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    @property
    def lost(self) -> list[Outcome]:
        return [one for one in self.outcomes if one.status != 200]

    def line(self) -> str:
        """What there is to say of it."""
        seconds = max(one.began + one.took for one in self.outcomes) - self.outcomes[0].began
        slowest = max(one.took for one in self.outcomes)
        number = len(self.outcomes)
        return f"{number} requests, {number / seconds:.0f}/s, {len(self.lost)} failed, slowest {slowest * 1000:.0f} ms"

    async def _clients(self) -> None:
        await asyncio.gather(*(self._client(number) for number in range(_CLIENTS)))

    async def _client(self, number: int) -> None:
        connection = None
        pause = _CLIENTS / self._rate
        due = time.monotonic() + pause * number / _CLIENTS
        while not self._over.is_set():
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            began = time.monotonic()
            # Who is held up makes up for a second at most: afterwards the rate is what it was, and not twice as high.
            due = max(due + pause, began - 1.0)
            try:
                connection = connection or await asyncio.open_connection("127.0.0.1", self._port)
                status, goes_on = await asyncio.wait_for(self._ask(*connection), _PATIENCE)
            except (OSError, EOFError, TimeoutError):
                status, goes_on = 0, False
            self.outcomes.append(Outcome(began, time.monotonic() - began, status))
            if not goes_on and connection is not None:
                connection[1].close()
                connection = None

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[int, bool]:
        """The status of an answer that came whole, and whether its connection stays."""
        self._number += 1
        writer.write(f"GET {self._target(self._number)} HTTP/1.1\r\nHost: site\r\n\r\n".encode("ascii"))
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        _, _, rest = head.partition(b"content-length:")
        await reader.readexactly(int(rest.partition(b"\r")[0]))
        return int(head[9:12]), b"connection: close" not in head
