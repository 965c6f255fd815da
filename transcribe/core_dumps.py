"""No core dumps: one would lay the process's memory on the disk, its keys and the interviews in it, readable."""

import ctypes
import resource
import sys

_PR_SET_DUMPABLE = 4  # linux/prctl.h


def forbid() -> None:
    """Switch them off for this process, and by the inherited limit for its children.

    A kernel that pipes dumps to a program (`|` in core_pattern, as with apport) does not heed the limit, hence the flag
    as well. It ends with an exec, so that ffmpeg can read its `/dev/fd/N`; our own descriptors stay ours to open. It
    also keeps other processes of this user from our memory and from /proc/PID/environ, where a scrubbed passphrase
    would still stand.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, *(ctypes.c_ulong(0) for _ in range(4)))
