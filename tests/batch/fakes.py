"""Engines for workers in processes of their own: found at the door like anybody's, they do what a file tells them.

A recording is told by its length. In the folder that TRANSCRIBE_ACTS names, `1.500` holds what befalls recognition of a
recording of 1.5 s: "die", "hang" or "no memory" for so many tries, "wrong" for an error of the engine's own, "meet" to
wait until another worker tries as well. Where `sick` names a GPU the worker that has it fails with every recording.
Each try leaves a line in `tries`.
"""

import os
import signal
import time
from pathlib import Path

from transcribe import pulse
from transcribe.asr import AsrOptions
from transcribe.asr.fake import FakeTranscriber
from transcribe.schema import Audio, Words

ACTS = "TRANSCRIBE_ACTS"
SCRIPT = "Well, Karen laughed, every day."


class Acting(FakeTranscriber):
    """Says one sentence in all recordings, if it lives to say it."""

    def transcribe(self, audio: Audio, options: AsrOptions) -> Words:
        acts = Path(os.environ[ACTS])
        name = f"{audio.duration_s:.3f}"
        with (acts / "tries").open("a") as tries:
            tries.write(f"{name} {options.lean} {os.getpid()} {os.environ.get('CUDA_VISIBLE_DEVICES', '-')}\n")
        sick = acts / "sick"
        if sick.exists() and sick.read_text() == os.environ.get("CUDA_VISIBLE_DEVICES"):
            raise ValueError("Karen said so")
        told = acts / name
        what, _, times = told.read_text().partition(":") if told.exists() else ("", "", "0")
        if int(times) > options.lean:
            if what == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            if what == "hang":
                time.sleep(600)
            if what == "no memory":
                raise MemoryError("Karen")
            if what == "wrong":
                raise ValueError("Karen said so")
            if what == "meet":
                _await_another(acts / "tries")
        return super().transcribe(audio, options)


def _await_another(tries: Path) -> None:
    while len({line.split()[2] for line in tries.read_text().splitlines()}) < 2:
        pulse.beat(pulse.RECOGNITION)
        time.sleep(0.05)


def load(model: str, weights: Path, device: str = "cpu", threads: int = 0) -> Acting:
    return Acting(SCRIPT)


def install(folder: Path) -> None:
    """A distribution of its own, for a folder on the path."""
    info = folder / "acting-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acting\nVersion: 1.0\n")
    doors = (
        "[transcribe.asr]\nacting = tests.batch.fakes:load\n[transcribe.diarise]\nfake = transcribe.diarise.fake:load\n"
    )
    (info / "entry_points.txt").write_text(doors)
