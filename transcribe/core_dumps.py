"""No core dumps: one would lay the process's memory on the disk, its keys and the interviews in it, readable."""

import resource


def forbid(pid: int = 0) -> None:
    """Switch them off for this process, or another of ours, and whatever it starts. Raises ProcessLookupError.

    The limit is one byte, not none: a kernel that pipes dumps to a program (`|` in core_pattern, as for apport) dumps
    under a limit of 0 all the same, and under one of 1 never (fs/coredump.c); a file would be shorter than any dump.

    The flag PR_SET_DUMPABLE is left as it is. Without it ffmpeg reads its `/dev/fd/N` still, but a tracer that has no
    privileges sees the addresses of connections no more, and the test that nothing leaves the machine would be blind.
    """
    hard = resource.prlimit(pid, resource.RLIMIT_CORE)[1]
    most = min(1, hard) if hard != resource.RLIM_INFINITY else 1
    resource.prlimit(pid, resource.RLIMIT_CORE, (most, most))
