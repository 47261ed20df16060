"""Where commands do their work: with the code of the daemon, in a reactor that is there only for it."""

from __future__ import annotations

import os
import platform
import signal
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeoutError
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.threads import deferToThreadPool
from twisted.logger import ILogObserver, LogLevel, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from qisd.access.privileges import user_name
from qisd.access.visitor import Visitor
from qisd.cli.console import CommandError, Console, Exit
from qisd.cli.database_access import reach_database
from qisd.cli.signals import handling
from qisd.errors import Forbidden, QisError, StoreUnavailable, Unavailable
from qisd.settings import Settings
from qisd.store.pool import Database

T = TypeVar("T")

_CONNECTIONS = 2
_CONNECT_LIMIT = 15.0
"""Seconds until the first connection must be there; the database has answered just before."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@attrs.frozen(kw_only=True)
class Tools:
    """What a command works with.

    :param visitor: whom the domain sees in whoever gave the command: somebody who may do everything.
    """

    settings: Settings
    database: Database
    visitor: Visitor
    reactor: Any

    async def in_thread(self, work: Callable[[], T]) -> T:
        """The result of ``work()``, which may take its time."""
        deferred: Deferred[T] = deferToThreadPool(self.reactor, self.reactor.getThreadPool(), work)
        return await deferred


def run(console: Console, work: Callable[[Tools], Coroutine[Any, Any, T]]) -> T:
    """Reach the database, do ``work`` with it, and let go of everything again. Blocks.

    :raises CommandError: it can't be done; the text says why.
    :raises KeyboardInterrupt: whoever gave the command wants it to end.
    """
    settings = console.load().settings
    visitor = Visitor(by="command", address=_origin(os.environ))
    with reach_database(settings, log=console.message) as url:

        async def begin(reactor: Any) -> T:
            database = Database(url, reactor=reactor, size=_CONNECTIONS, query_timeout=settings.database_query_timeout)
            try:
                await _connected(database, reactor)
                return await work(Tools(settings=settings, database=database, visitor=visitor, reactor=reactor))
            finally:
                await database.stop()

        with _observing(_warnings(console)), _observing(_audit_file(settings)):
            try:
                return complete(begin)
            except QisError as error:
                raise as_command_error(error) from error


def complete(begin: Callable[[Any], Coroutine[Any, Any, T]]) -> T:
    """The result of ``begin(reactor)`` with a reactor of its own, which can be done any number of times.

    The first signal to end cancels what is awaited, the second one doesn't wait for that.

    :raises KeyboardInterrupt: there was such a signal, and the work wasn't finished.
    """
    reactor: Any = EPollReactor()
    outcome: list[Any] = []
    interrupted: list[int] = []
    work: list[Deferred[T]] = []

    def start() -> None:
        work.append(Deferred.fromCoroutine(begin(reactor)))
        work[0].addBoth(end)

    def end(result: object) -> None:
        outcome.append(result)
        reactor.stop()

    def interrupt(number: int, frame: object) -> None:
        interrupted.append(number)
        reactor.callFromThread(work[0].cancel if work and len(interrupted) == 1 else reactor.crash)

    reactor.callWhenRunning(start)
    with handling(_SIGNALS, interrupt):
        reactor.run(installSignalHandlers=False)
    if interrupted and (not outcome or isinstance(outcome[0], Failure)):
        raise KeyboardInterrupt
    if isinstance(outcome[0], Failure):
        outcome[0].raiseException()
    result: T = outcome[0]
    return result


def as_command_error(error: QisError) -> CommandError:
    """What the domain refuses, as whoever typed the command is told."""
    if isinstance(error, StoreUnavailable):
        return CommandError(
            f"the database can't be reached: {error.detail or error.message}", exit_code=Exit.UNREACHABLE
        )
    # Nobody is forbidden anything here: what is refused so is a path that leads out of the library.
    text = (isinstance(error, Forbidden) and error.detail) or error.message
    return CommandError(text, exit_code=Exit.UNREACHABLE if isinstance(error, Unavailable) else Exit.BAD_ARGUMENT)


async def _connected(database: Database, reactor: Any) -> None:
    connecting: Deferred[None] = Deferred.fromCoroutine(database.start())
    connecting.addTimeout(_CONNECT_LIMIT, reactor)
    try:
        await connecting
    except DeferredTimeoutError as error:
        raise StoreUnavailable(detail=f"no connection within {_CONNECT_LIMIT:.0f} s") from error


def _origin(environ: Mapping[str, str]) -> str:
    """Who gave the command, and on which machine, for the audit log."""
    user = os.getuid()
    name = environ.get("SUDO_USER", "") if user == 0 else ""
    return f"{name or user_name(user)}@{platform.node()}"


@contextmanager
def _observing(observer: Any) -> Iterator[None]:
    globalLogPublisher.addObserver(observer)
    try:
        yield
    finally:
        globalLogPublisher.removeObserver(observer)


def _warnings(console: Console) -> Any:
    """Has what the domain logs as a warning become a message."""

    @implementer(ILogObserver)
    def tell(event: Any) -> None:
        if event["log_namespace"].startswith("qisd.") and event["log_level"] in (LogLevel.warn, LogLevel.error):
            console.message(f"warning: {formatEvent(event)}")

    return tell


def _audit_file(settings: Settings) -> Any:
    """Adds what is audited to the file that the server writes of it. Where there is none yet, none is made."""

    @implementer(ILogObserver)
    def tell(event: Any) -> None:
        if "audit" in event and settings.log_target == "file":
            with suppress(OSError):
                descriptor = os.open(settings.logging_base_dir / "audit.log", os.O_WRONLY | os.O_APPEND)
                with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - it is no path
                    file.write(f"{formatEvent(event)}\n")

    return tell
