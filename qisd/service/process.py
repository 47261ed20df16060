"""What every process of the server does for itself first."""

from __future__ import annotations

import os
import sys

from setproctitle import setproctitle

from qisd.service.allocator import give_memory_back

_UMASK = 0o027

# Seconds for which a thread may keep the interpreter while another one wants it. Python's own 5 ms would be felt in
# every cached answer while images are rendered.
_SWITCH_INTERVAL = 0.001


def settle_in(title: str) -> None:
    """Set what holds for the process as a whole.

    :param title: what it is, for lists of processes.
    """
    setproctitle(f"qis: {title}")
    os.umask(_UMASK)
    sys.setswitchinterval(_SWITCH_INTERVAL)
    give_memory_back()
