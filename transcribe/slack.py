"""Memory that is free again inside this process goes back to the system.

glibc keeps what was freed, and of each thread apart: half a gigabyte after ten minutes of recognition.
"""

import ctypes
from collections.abc import Callable
from functools import cache


def give_back() -> None:
    """Some milliseconds; nothing where the C library has no such call."""
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
