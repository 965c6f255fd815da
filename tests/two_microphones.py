"""A real call as two microphones hear it, each near one of the two speakers."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from transcribe.evaluate.der import read_rttm
from transcribe.schema import SAMPLE_RATE_HZ, Audio, Turn

Samples = npt.NDArray[np.float32]
QUIET = 10 ** (-60 / 20)


def reference(sample_dir: Path) -> tuple[Turn, ...]:
    """Who speaks when in the call, S1 first."""
    turns = read_rttm((sample_dir / "sample.rttm").read_text())
    names = list(dict.fromkeys(turn.speaker for turn in sorted(turns, key=lambda turn: turn.start_s)))
    return tuple(Turn(start_s=t.start_s, end_s=t.end_s, speaker=f"S{1 + names.index(t.speaker)}") for t in turns)


def heard(
    call: Audio, said: tuple[Turn, ...], bleed_db: float, late_ms: float = 5, second_db: float = 0, noise: float = QUIET
) -> Samples:
    """(samples, 2); the other speaker's sound comes softer and later."""
    own = []
    for speaker in ("S1", "S2"):
        mask = np.zeros_like(call.samples)
        for turn in said:
            if turn.speaker == speaker:
                mask[round(turn.start_s * SAMPLE_RATE_HZ) : round(turn.end_s * SAMPLE_RATE_HZ)] = 1
        own.append(call.samples * mask)
    late, softer = round(late_ms * SAMPLE_RATE_HZ / 1000), 10 ** (-bleed_db / 20)
    first, second = own[0] + softer * np.roll(own[1], late), own[1] + softer * np.roll(own[0], late)
    both = np.stack([first, second * 10 ** (second_db / 20)], axis=1)
    return (both + np.random.default_rng(1).normal(0, noise, both.shape)).astype(np.float32)
