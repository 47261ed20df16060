"""What SIGUSR2 writes into the log: where every thread is, and what the daemon is busy with."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path

_PROC = Path("/proc/self")


def thread_stacks() -> list[str]:
    """The stacks of all threads, innermost call last, one line each."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    lines: list[str] = []
    for ident, frame in sys._current_frames().items():
        lines.append(f"thread {names.get(ident, ident)}")
        for entry in traceback.extract_stack(frame):
            lines.append(f"  {entry.filename}:{entry.lineno} {entry.name}")
    return lines


def memory_in_use() -> int:
    """Bytes of memory that this process has for itself; shared pages count in part where the kernel tells."""
    for name, field in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        try:
            lines = (_PROC / name).read_text("ascii").splitlines()
            return next(int(line.split()[1]) for line in lines if line.startswith(field)) * 1024
        except (OSError, ValueError, StopIteration):
            continue
    return 0


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
