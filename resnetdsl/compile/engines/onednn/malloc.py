"""Keeping memory that was freed, where tensors are so large that the C library gives each back to the system."""

from __future__ import annotations

import ctypes
import sys

LARGE = 16 * 2**20
"""Bytes of a tensor from which it matters: glibc gives blocks of 32 MiB and more back at once, whatever it learns."""

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
"""The parameters of mallopt(3)."""


def keep_freed() -> bool:
    """Have glibc keep large blocks for the next time: to fill fresh pages takes as long as some convolutions.

    This holds for the whole process, whose memory then stays at its peak, as with the arenas of other runtimes.
    Elsewhere than with glibc it does nothing and returns False.
    """
    if not sys.platform.startswith("linux"):
        return False
    set = getattr(ctypes.CDLL(None), "mallopt", None)
    if set is None:
        return False
    return all(set(what, value) for what, value in ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, 2**31 - 1), (_TOP_PAD, 2**26)))
