"""How the C library gives memory back: without this, much of what renders have freed would stay with the process."""

from __future__ import annotations

import ctypes
from contextlib import suppress

# From <malloc.h> of glibc.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

# Pillow keeps large pictures in blocks of 16 MiB. By itself glibc would begin, after the first one, to take such blocks
# from the heap of the thread that asks, where they stay when they are freed: with fifteen threads that is a gigabyte.
# Smaller pictures are better off in the heap, since pages fresh from the kernel have to be cleared first.
_LARGE = 8 * 1024 * 1024

# What each heap may keep for the next picture, in MiB. Giving back every few megabytes, only to get them from the
# kernel anew, took a fifth of all the renders per second; but a worker that has rendered for a while has 250 MB more by
# 64 than by 4, which is too much for a machine of 1 GB.
_LEAST_KEPT, _MOST_KEPT = 4, 64
_SHARE = 256
"""The part of the machine's memory that a heap may keep, as a divisor."""

# As many heaps as threads compute at once: each keeps some of what was freed in it, however seldom its thread works.
_HEAPS = 4


def give_memory_back(memory_mb: int) -> bool:
    """Have the C library return to the system what was freed, all of a large block, and of the rest what goes beyond a
    part of ``memory_mb``, the MiB that there are for the server; false where that can't be set.
    """
    kept = max(_LEAST_KEPT, min(memory_mb // _SHARE, _MOST_KEPT)) * 1024 * 1024
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # another C library than glibc
        return False
    wishes = ((_M_MMAP_THRESHOLD, _LARGE), (_M_TRIM_THRESHOLD, kept), (_M_ARENA_MAX, _HEAPS))
    return bool(min(mallopt(name, value) for name, value in wishes) == 1)


def trim() -> None:
    """Return to the system what is free within the heaps: a start leaves some megabytes that nothing needs again."""
    with suppress(AttributeError):  # another C library than glibc
        ctypes.CDLL(None).malloc_trim(0)
