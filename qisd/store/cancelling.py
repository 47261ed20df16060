"""Lets a signal end a statement of psycopg2 that is waited for.

While the main thread waits inside of libpq, Python's own handlers of signals wait with it. What gets through is the
byte that the interpreter writes to a descriptor; a thread of ours reads it, and asks the server to cancel the
statement.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg2

_ENDING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})


@contextmanager
def cancelled_by_signals(cancel: Callable[[], None]) -> Iterator[None]:
    """Have ``cancel``, of a connection, called when a signal comes that is to end this process. May be nested.

    The handler of the signal is run as ever, once the statement has failed. Outside of the main thread, to which
    signals come, this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)

    def watch() -> None:
        while numbers := ours.recv(64):
            if before >= 0:
                with contextlib.suppress(OSError):
                    os.write(before, numbers)
            if _ENDING.intersection(numbers):
                with contextlib.suppress(psycopg2.Error):
                    cancel()

    thread = threading.Thread(target=watch, name="cancel-statements", daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        theirs.close()
        thread.join()
        ours.close()
