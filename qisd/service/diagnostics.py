"""What SIGUSR2 writes into the log: where every thread is, and what the daemon is busy with."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Sequence


def thread_stacks() -> list[str]:
    """The stacks of all threads, innermost call last, one line each."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    lines: list[str] = []
    for ident, frame in sys._current_frames().items():
        lines.append(f"thread {names.get(ident, ident)}")
        for entry in traceback.extract_stack(frame):
            lines.append(f"  {entry.filename}:{entry.lineno} {entry.name}")
    return lines


def overview(*, requests: Sequence[str], renders: Sequence[str], connections: int) -> list[str]:
    """Everything, as lines for the log."""
    return [
        f"connections: {connections}",
        f"requests: {len(requests)}",
        *(f"  {line}" for line in requests),
        f"renders: {len(renders)}",
        *(f"  {line}" for line in renders),
        *thread_stacks(),
    ]
