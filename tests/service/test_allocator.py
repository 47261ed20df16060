"""What the C library is told: :mod:`qisd.service.allocator`."""

from __future__ import annotations

import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

_MEASURED = """
import ctypes, os
from qisd.service.allocator import give_memory_back, trim
assert give_memory_back(MEMORY)

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
before = resident()
"""

_LARGE = """
for _ in range(3):  # glibc learns from the first block that is freed, if it is let
    blocks = [libc.malloc(16 << 20) for _ in range(20)]
    for block in blocks:
        ctypes.memset(block, 1, 16 << 20)
    for block in blocks[:-1]:
        libc.free(block)
print((resident() - before) >> 20)
"""

_SMALL = """
blocks = [libc.malloc(1 << 16) for _ in range(800)]
for block in blocks:
    ctypes.memset(block, 1, 1 << 16)
for block in blocks[:-1]:
    libc.free(block)
kept = (resident() - before) >> 20
trim()
print(kept, (resident() - before) >> 20)
"""

_LAST_FIRST = """
blocks = [None] * 800  # made now, so that nothing of it lies behind what is freed
for number in range(800):
    blocks[number] = libc.malloc(1 << 16)
    ctypes.memset(blocks[number], 1, 1 << 16)
for number in range(799, 0, -1):
    libc.free(blocks[number])
print((resident() - before) >> 20)
"""


class AllocatorTests(SynchronousTestCase):
    def measured(self, work: str, *, memory: int = 16_384) -> list[int]:
        """What a process of its own prints, megabytes, where there are ``memory`` MiB for the server."""
        script = _MEASURED.replace("MEMORY", str(memory)) + work
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        return [int(each) for each in done.stdout.split()]

    def test_large_blocks_that_are_freed_are_given_back(self) -> None:
        (kept,) = self.measured(_LARGE)
        self.assertLess(kept, 3 * 16 + 16)

    def test_what_small_ones_leave_is_given_back_when_it_is_said(self) -> None:
        before, after = self.measured(_SMALL)
        self.assertGreater(before, 40)
        self.assertLess(after, 10)

    def test_where_there_is_little_memory_they_leave_little(self) -> None:
        (kept,) = self.measured(_LAST_FIRST, memory=1024)
        self.assertLess(kept, 10)
        (kept,) = self.measured(_LAST_FIRST)
        self.assertGreater(kept, 40)
