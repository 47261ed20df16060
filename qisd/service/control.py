"""The socket by which ``qis`` speaks to the main process: a line of JSON for a line of JSON."""

from __future__ import annotations

import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import Factory
from twisted.logger import Logger

from qisd import __version__
from qisd.access.control_path import control_path
from qisd.service.lines import Line
from qisd.service.listeners import Listeners
from qisd.settings import Settings
from qisd.tls.certificates import Certificates

_log = Logger()

_MODE = 0o660
_ANSWERS_WITHIN = 2.0

Command = Callable[[Mapping[str, Any]], Awaitable[Any]]


class Control(Factory):
    """Answers commands. Whoever may open the socket, in ``STATE_DIR``, may give them."""

    noisy = False

    def __init__(self, settings: Settings, *, reactor: Any, commands: Mapping[str, Command]) -> None:
        self._path = control_path(settings)
        self._reactor = reactor
        self._commands = commands
        self._port: IListeningPort | None = None

    def start(self) -> None:
        """Begin to listen. Where that is not possible, the server does without."""
        try:
            if _answers(self._path):
                _log.warn("qis status is answered by another server, at {path}", path=str(self._path))
                return
            self._path.unlink(missing_ok=True)  # what a process that was killed has left
            self._port = self._reactor.listenUNIX(str(self._path), self, mode=_MODE)
        except (CannotListenError, OSError) as error:
            _log.warn("qis status can't be answered: {reason}", reason=str(error))

    async def stop(self) -> None:
        if self._port is not None:
            await _done(self._port.stopListening())

    def buildProtocol(self, addr: object) -> Line:  # noqa: N802
        line = Line(lambda message: self._heard(line, message), lambda: None)
        return line

    def _heard(self, line: Line, message: Mapping[str, Any]) -> None:
        Deferred.fromCoroutine(self._answer(line, message)).addErrback(
            lambda failure: _log.failure("a command could not be answered", failure)
        )

    async def _answer(self, line: Line, message: Mapping[str, Any]) -> None:
        command = self._commands.get(str(message.get("command")))
        if command is None:
            line.tell({"error": "there is no such command"})
        else:
            line.tell({"result": await command(message)})


async def status(
    *,
    since: float,
    pid: int,
    listeners: Listeners,
    certificates: Certificates | None,
    reports: Callable[[float], Awaitable[list[dict[str, Any]]]],
    checks: Callable[[list[dict[str, Any]]], Awaitable[dict[str, bool]]],
    free: Callable[[], Mapping[str, int | None]],
) -> dict[str, Any]:
    """How the server fares, as JSON values.

    :param checks: tells by the reports how its parts fare.
    :param free: tells how many bytes are free in each place, as the checks have found; None: nobody knows.
    :param since: when it has started, in seconds since 1970.
    """
    processes = await reports(_ANSWERS_WITHIN)
    return {
        "version": __version__,
        "pid": pid,
        "uptime": round(time.time() - since, 1),
        "addresses": [*(f"http://{one}" for one in listeners.http), *(f"https://{one}" for one in listeners.https)],
        "checks": await checks(processes),
        "processes": processes,
        "certificates": [] if certificates is None else _expiries(certificates),
        "free_bytes": dict(free()),
    }


def _expiries(certificates: Certificates) -> list[dict[str, Any]]:
    pairs = {"default": certificates.default, **certificates.sites}
    return [
        {
            "name": name,
            "hosts": list(pair.facts.names),
            "not_after": pair.facts.not_after.isoformat(),
            "days_left": int((pair.facts.not_after.timestamp() - time.time()) // 86_400),
        }
        for name, pair in pairs.items()
    ]


def _answers(path: Path) -> bool:
    """Whether somebody listens there."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except BlockingIOError:
            return True  # so many wait already
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        return True


async def _done(maybe: object) -> None:
    if isinstance(maybe, Deferred):
        await maybe
