"""Memory grows with a recording by little more than its samples: a two-hour interview fits a laptop."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

BENCH = Path(__file__).parent.parent / "scripts" / "bench.py"
SAMPLES_MB = 16_000 * 4 * 60 / 1e6  # one minute of mono 16 kHz float32


def peak_mb(minutes: int) -> int:
    """Peak resident memory of `transcribe run` and its children."""
    done = subprocess.run(
        [sys.executable, str(BENCH), "memory", "--minutes", str(minutes), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(json.loads(done.stdout)["memory"]["peak_resident_mb"])


@pytest.mark.weights
@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_ten_minutes_take_little_more_memory_than_two_and_two_hours_stay_under_three_gigabytes(
    model_path: Callable[[str], Path],
) -> None:
    for name in ("whisper-base", "segmentation-3.0", "campplus", "en_core_web_md"):
        model_path(name)
    short, long = peak_mb(2), peak_mb(10)
    slope = (long - short) / 8
    # ten minutes fill one section of recognition; what comes after it reuses that memory, so only the rest grows
    assert slope < 8 * SAMPLES_MB
    assert long < 2500
