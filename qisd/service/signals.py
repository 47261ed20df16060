"""What the daemon does on signals."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping

from twisted.internet.interfaces import IReactorFromThreads


def install(reactor: IReactorFromThreads, handlers: Mapping[signal.Signals, Callable[[], object]]) -> None:
    """Call each handler from the reactor's loop when its signal arrives.

    To be called when the reactor runs, since it installs handlers of its own before that; theirs are replaced.
    """
    for number, handler in handlers.items():
        signal.signal(number, _in_turn(reactor, handler))
        signal.siginterrupt(number, False)


def _in_turn(reactor: IReactorFromThreads, handler: Callable[[], object]) -> Callable[[int, object], None]:
    return lambda *_: reactor.callFromThread(handler)
