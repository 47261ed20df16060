"""What every process of the server does for itself first."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from setproctitle import setproctitle

from qisd.service.allocator import give_memory_back
from qisd.settings import sizing

_UMASK = 0o027

# Seconds for which a thread may keep the interpreter while another one wants it. Python's own 5 ms would be felt in
# every cached answer while images are rendered.
_SWITCH_INTERVAL = 0.001


# From <linux/prctl.h>.
_PR_SET_PDEATHSIG = 1


def settle_in(title: str) -> None:
    """Set what holds for the process as a whole.

    :param title: what it is, for lists of processes.
    """
    setproctitle(f"qis: {title}")
    os.umask(_UMASK)
    sys.setswitchinterval(_SWITCH_INTERVAL)
    give_memory_back(sizing.memory_mb())


def go_on_without_parent() -> bool:
    """Have the system wake this process when its parent dies, should it be stopped then; false where that can't be set.

    A stopped process notices nothing by itself, and would keep its sockets. To one that runs the signal means nothing.
    """
    try:
        prctl = ctypes.CDLL(None).prctl
    except AttributeError:  # another system than Linux
        return False
    return bool(prctl(_PR_SET_PDEATHSIG, int(signal.SIGCONT)) == 0)
