"""What the C library is told: :mod:`qisd.service.allocator`."""

from __future__ import annotations

import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

_FREED = """
import ctypes, os
from qisd.service.allocator import give_memory_back
assert give_memory_back()

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
before = resident()
for _ in range(3):  # glibc learns from the first block that is freed, if it is let
    blocks = [libc.malloc(16 << 20) for _ in range(20)]
    for block in blocks:
        ctypes.memset(block, 1, 16 << 20)
    for block in blocks[:-1]:
        libc.free(block)
print((resident() - before) >> 20)
"""


class AllocatorTests(SynchronousTestCase):
    def test_large_blocks_that_are_freed_are_given_back(self) -> None:
        done = subprocess.run([sys.executable, "-c", _FREED], capture_output=True, text=True, check=True)
        self.assertLess(int(done.stdout), 3 * 16 + 16)
