"""Memory that is free goes back to the system."""

from pathlib import Path

import pytest

from transcribe import slack


def resident_mb() -> float:
    (line,) = [one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmRSS")]
    return int(line.split()[1]) / 1e3


def test_what_was_freed_under_what_is_still_held_goes_back() -> None:
    if slack._trim() is None:
        pytest.skip("this C library keeps nothing back, or has no call for it")
    held = [bytes(64_000) for _ in range(4_000)]  # small enough for the heap, where the last one pins the others down
    last = held[-1]
    del held
    before = resident_mb()
    slack.give_back()
    assert before - resident_mb() > 150
    assert len(last) == 64_000
