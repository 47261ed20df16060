"""Work that is done by the daemon's account in a process of its own, while this one keeps the rights of root.

What root names as a file may lie where only root may write; the database is only there for the daemon's account.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Set
from typing import NoReturn

from qisd.cli.console import CommandError, Exit

_ENDING: Set[int] = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}

_ASK_EVERY = 5.0
"""Seconds: what has been started is ended within."""


def apart(work: Callable[[], None]) -> None:
    """Do ``work``, which may become another account. Only as root in a process of its own. Blocks.

    :raises CommandError: as ``work`` does.
    """
    if os.geteuid() != 0:
        work()
        return
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    reading, writing = os.pipe()
    # One that came during the fork would be lost in what Python does then, or leave the child to itself.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    child = os.fork()
    if child == 0:
        os.close(reading)
        _in_child(work, writing, before)
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(writing)
        with os.fdopen(reading, encoding="utf-8") as told:
            message = told.read()
        _, status = os.waitpid(child, 0)
    except KeyboardInterrupt:
        _end(child)
        raise
    code = os.waitstatus_to_exitcode(status)
    if code == Exit.INTERRUPTED or -code in _ENDING:
        raise KeyboardInterrupt
    if code < 0:
        raise CommandError(f"it was ended by signal {-code}", exit_code=Exit.BUG)
    if code:
        raise CommandError(message, exit_code=Exit(code))


def _end(child: int) -> None:
    """Ask ``child`` to end until it does: a request that comes just before it waits for something is slept through."""
    while True:
        os.kill(child, signal.SIGTERM)
        asked = time.monotonic()
        while time.monotonic() < asked + _ASK_EVERY:
            if os.waitpid(child, os.WNOHANG) != (0, 0):
                return
            time.sleep(0.02)


def _in_child(work: Callable[[], None], writing: int, mask: Set[int]) -> NoReturn:
    code = Exit.BUG
    message = "it failed by the error above"
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        work()
        code = Exit.DONE
    except CommandError as error:
        code, message = error.exit_code, str(error)
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    except BaseException:
        traceback.print_exc()
    finally:
        # Whatever happens now: this process must never go on as if it were its parent.
        try:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            os.write(writing, message.encode("utf-8", "replace"))
        finally:
            os._exit(code)
