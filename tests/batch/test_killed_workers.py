"""Workers with real engines are killed, one after the other; what is released is what an undisturbed run releases.

Two workers and a few kills by default; TRANSCRIBE_WORKERS=4 TRANSCRIBE_KILLING_S=180 kills one of four every twenty
seconds for three minutes.
"""

import os
import random
import shutil
import signal
import threading
import time
import wave
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import psutil
import pytest

from tests.builders import NoEngines, add_recording, new_unlocked, person
from transcribe import release
from transcribe.batch import dask_cluster, plan, run
from transcribe.config import StudyConfig
from transcribe.study import Study
from transcribe.vault import Unlocked

pytestmark = [pytest.mark.weights, pytest.mark.slow]
WORKERS = int(os.environ.get("TRANSCRIBE_WORKERS", "2"))
KILLING_S = float(os.environ.get("TRANSCRIBE_KILLING_S", "30"))
EVERY_S = 20.0 if KILLING_S > 60 else 14.0
RECORDINGS = max(4, int(KILLING_S / 5))
CONFIG = StudyConfig.model_validate(
    {"device": "cpu", "threads": 1, "recognition": {"model": "whisper-tiny.en"}, "detection": {"rules": {}}}
)
PEOPLE = (person("P1", "Diane"),)


def pieces(sample: Path) -> list[bytes]:
    """Half a minute each, no two alike."""
    with wave.open(str(sample)) as source:
        settings, frames = source.getparams(), source.readframes(source.getnframes())
    made = []
    for number in range(RECORDINGS):
        data = BytesIO()
        with wave.open(data, "wb") as sink:
            sink.setparams(settings)
            sink.writeframes(frames[2 * 1600 * number :] + frames[: 2 * 1600 * number])
        made.append(data.getvalue())
    return made


def study(root: Path, sounds: list[bytes]) -> Unlocked:
    unlocked = new_unlocked(root, PEOPLE)
    for number, sound in enumerate(sounds):
        add_recording(unlocked, f"R{number:03d}", sound=sound, who=("P1",))
    return unlocked


class Killer(threading.Thread):
    """Kills one of the workers every so often."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.killed = 0
        self.over = threading.Event()

    def run(self) -> None:
        chance, began = random.Random(20261128), time.monotonic()
        while time.monotonic() - began < KILLING_S and not self.over.wait(EVERY_S):
            workers = [
                child for child in psutil.Process().children() if any("spawn_main" in word for word in child.cmdline())
            ]
            if workers:
                chance.choice(workers).send_signal(signal.SIGKILL)
                self.killed += 1


def done(unlocked: Unlocked, force: dask_cluster.Workforce | None) -> dict[str, bytes]:
    """A run of all, and what is released of it."""
    outcomes = run.run(unlocked, plan.tasks(unlocked), NoEngines(CONFIG), lambda event: None, workforce=force)
    assert {outcome.error for outcome in outcomes} == {""}
    release.write(unlocked, (), ("txt", "json"), NoEngines(CONFIG), unreviewed=True)
    folder = unlocked.study.release_path(1)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name.startswith("R")}


def test_workers_killed_again_and_again_change_nothing_in_what_is_released(
    tmp_path: Path, sample_dir: Path, model_path: Callable[[str], Path]
) -> None:
    for name in ("whisper-tiny.en", "segmentation-3.0", "campplus"):
        model_path(name)
    sounds = pieces(sample_dir / "sample.wav")
    unlocked, killer = study(tmp_path / "killed", sounds), Killer()
    beside = shutil.copytree(unlocked.study.root, tmp_path / "undisturbed")
    undisturbed = done(Unlocked(Study(beside), unlocked.identity), None)
    crew = plan.Crew(workers=WORKERS, threads=1)
    with dask_cluster.local(crew, NoEngines(CONFIG)) as force:
        killer.start()
        released = done(unlocked, force)
        killer.over.set()
        killer.join()
    assert killer.killed >= 2
    assert released == undisturbed
    finished = Counter((e["recording"], e["stage"]) for e in unlocked.study.journal() if e["event"] == "finished")
    assert set(finished.values()) == {1}
