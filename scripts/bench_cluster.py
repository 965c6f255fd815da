"""What workers bring and what Dask costs. Called by scripts/bench cluster [--recordings 600].

workers: eight pieces of half a minute through one worker of one thread and through two, models loaded and workers warm,
with the same artefacts in the end; beside them the machine's own limit, two commands that know nothing of each other.

overhead: many recordings whose engines are faked: they sleep, as long as one thread takes for half a minute of speech
(scripts/simulate_cluster.toml, measured). So what is left is Dask's and ours: processor time of the one process that
schedules, with Dask and (a tenth of the recordings) without, and that process's memory after a tenth, a half and all of
them. Dask's share is that time of a recording beside the time that its engines slept.
"""

import shutil
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import soundfile

from transcribe import store, study, vault
from transcribe.asr import AsrOptions
from transcribe.asr.fake import FakeTranscriber
from transcribe.batch import dask_cluster, plan, run
from transcribe.config import StudyConfig
from transcribe.diarise import Segmented
from transcribe.diarise.fake import FakeDiariser
from transcribe.engines import Engines
from transcribe.pipeline import Event
from transcribe.schema import Audio, Recording, SpeakerBounds, Turns, Words
from transcribe.study import Study
from transcribe.vault import RecordingEntry, Unlocked

DATA = Path(__file__).parent.parent.parent / "shared" / "data"
PIECE_S, PIECES, WARM_S = 30, 8, 10
ROUNDS = 1
COSTS = tomllib.loads((Path(__file__).parent / "simulate_cluster.toml").read_text())["costs"]
SLEEPS_S = {stage: COSTS[f"{stage}_s"] * PIECE_S / 3600 for stage in ("segment", "recognise", "diarise")}
WORKERS = 16
REAL = StudyConfig.model_validate({"device": "cpu", "threads": 1, "detection": {"rules": {}}})
FAKED = StudyConfig.model_validate(
    {
        "device": "cpu",
        "recognition": {"engine": "sleeping", "model": "whisper-base"},
        "diarisation": {"engine": "sleeping"},
        "detection": {"rules": {}},
    }
)


class RosterAlone(Engines):
    """Engines without a model-backed rule."""

    rules = ()  # type: ignore[assignment]


# --- a study --------------------------------------------------------------------------------------------------------


def made_study(root: Path, sounds: list[bytes], seconds: float) -> Unlocked:
    """Recordings as `add` leaves them."""
    identity = store.new_identity()
    opened = study.create(root, identity, "a passphrase that nobody types")
    unlocked = vault.create(opened, identity)
    for number, sound in enumerate(sounds):
        recording_id = f"R{number:04d}"
        key = store.new_identity()
        entry = RecordingEntry(
            id=recording_id,
            secret=str(key),
            sha256=store.hashlib.sha256(sound).hexdigest(),
            original_name="x.wav",
            source_path="/nowhere/x.wav",
            who=(),
            bounds=SpeakerBounds(),
            added_on="2026-01-02",
        )
        opened.save(recording_id, "note", entry, opened.recipient)
        store.write_bytes(opened.sound_path(recording_id), store.pyrage.encrypt(sound, [key.to_public()]))
        facts = Recording(id=recording_id, sha256=entry.sha256, duration_s=seconds, sample_rate_hz=16_000, channels=1)
        opened.save(recording_id, "recording", facts, key.to_public())
    unlocked.change(lambda known: known)
    return unlocked


def wav(samples: np.ndarray, folder: Path) -> bytes:
    path = folder / "piece.wav"
    soundfile.write(path, samples, 16_000)
    return path.read_bytes()


def pieces(folder: Path, seconds: int, count: int) -> list[bytes]:
    """Stretches of the development interviews, from their beginnings on."""
    made = []
    for name in ("d1_oluwaseun", "d2_siobhan", "d2_siobhan_noisy", "d3_zsofia"):
        samples, _ = soundfile.read(DATA / "interviews" / f"{name}.flac", dtype="int16")
        made += [samples[first * 16_000 : (first + seconds) * 16_000] for first in (0, PIECE_S)]
    return [wav(samples, folder) for samples in made[:count]]


def all_of(unlocked: Unlocked, config: StudyConfig, force: run.Workforce | None, report: run.Report) -> float:
    """Seconds that a run of all recordings takes."""
    began = time.monotonic()
    outcomes = run.run(unlocked, plan.tasks(unlocked), RosterAlone(config), report, workforce=force)
    assert {outcome.error for outcome in outcomes} == {""}
    return time.monotonic() - began


def nobody(event: run.Told) -> None:
    """Is told."""


# --- two workers ----------------------------------------------------------------------------------------------------


def warmed(force: run.Workforce, folder: Path, name: str) -> None:
    """Every worker has loaded its models: short recordings until all have had some."""
    for turn in range(2):
        all_of(made_study(folder / f"warm{name}{turn}", pieces(folder, WARM_S, 4), WARM_S), REAL, force, nobody)


def timed(folder: Path, prepared: Unlocked, workers: int, name: str) -> tuple[float, dict[str, str]]:
    """Seconds of a run by so many workers, and the checksums of what they made."""
    root = shutil.copytree(prepared.study.root, folder / name)
    unlocked = Unlocked(Study(root), prepared.identity)
    with dask_cluster.local(plan.Crew(workers=workers, threads=1), Engines(REAL)) as force:
        warmed(force, folder, name)
        seconds = all_of(unlocked, REAL, force, nobody)
    sums = {}
    for recording_id in unlocked.study.recordings():
        for artefact, cls in (("words", Words), ("turns", Turns)):
            stored = unlocked.load(recording_id, artefact, cls)
            assert stored
            sums[f"{recording_id} {artefact}"] = stored.body_sha256
    return seconds, sums


def apart(folder: Path) -> float:
    """Seconds until two commands, each with one worker and half of the recordings, are both done."""
    begun = [
        subprocess.Popen(
            [sys.executable, __file__, str(folder), str(half)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for half in (0, 1)
    ]
    for one in begun:
        assert one.stdout
        assert one.stdout.readline() == b"ready\n"
    began = time.monotonic()
    for one in begun:
        assert one.stdin
        one.stdin.write(b"go\n")
        one.stdin.flush()
    assert [one.wait() for one in begun] == [0, 0]
    return time.monotonic() - began


def half(folder: Path, number: int) -> None:
    """One of those commands."""
    made = pieces(folder / str(number), PIECE_S, PIECES)[number::2]
    unlocked = made_study(folder / f"half{number}", made, PIECE_S)
    with dask_cluster.local(plan.Crew(workers=1, threads=1), Engines(REAL)) as force:
        warmed(force, folder / str(number), "half")
        print("ready", flush=True)
        sys.stdin.readline()
        all_of(unlocked, REAL, force, nobody)


def workers_table() -> dict[str, Any]:
    """Times of one and two workers, alternating, and the machine's own limit."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepared = made_study(folder / "study", pieces(folder, PIECE_S, PIECES), PIECE_S)
        took: dict[int, list[float]] = {1: [], 2: []}
        made = []
        for turn in range(ROUNDS):
            for workers in (1, 2):
                seconds, sums = timed(folder, prepared, workers, f"{workers}-{turn}")
                took[workers].append(seconds)
                made.append(sums)
        limits = []
        for turn in range(ROUNDS):
            place = folder / f"apart{turn}"
            for number in (0, 1):
                (place / str(number)).mkdir(parents=True)
            limits.append(apart(place))
    one, two, limit = min(took[1]), min(took[2]), min(limits)
    return {
        "recordings": f"{PIECES} of {PIECE_S} s, development interviews",
        "one_worker_s": round(one, 1),
        "two_workers_s": round(two, 1),
        "two_commands_s": round(limit, 1),
        "ratio": round(one / two, 2),
        "machine_limit": round(one / limit, 2),
        "equal_artefacts": all(sums == made[0] for sums in made),
    }


# --- what Dask costs ------------------------------------------------------------------------------------------------


class SleepingTranscriber(FakeTranscriber):
    def transcribe(self, audio: Audio, options: AsrOptions) -> Words:
        time.sleep(SLEEPS_S["recognise"])
        return super().transcribe(audio, options)


class SleepingDiariser(FakeDiariser):
    def segment(self, audio: Audio) -> Segmented:
        time.sleep(SLEEPS_S["segment"])
        return super().segment(audio)

    def diarise(self, audio: Audio, bounds: SpeakerBounds, segmented: Segmented) -> Turns:
        time.sleep(SLEEPS_S["diarise"])
        return super().diarise(audio, bounds, segmented)


def load_transcriber(model: str, weights: Path, device: str = "cpu", threads: int = 0) -> SleepingTranscriber:
    return SleepingTranscriber("Well, that was a long day.")


def load_diariser(weights: tuple[Path, ...], device: str = "cpu", threads: int = 0) -> SleepingDiariser:
    return SleepingDiariser()


def _open_doors(folder: Path) -> None:
    """The sleeping engines, at the door of this process and of its workers."""
    info = folder / "sleeping-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sleeping\nVersion: 1.0\n")
    doors = "[transcribe.asr]\nsleeping = bench_cluster:load_transcriber\n"
    (info / "entry_points.txt").write_text(f"{doors}[transcribe.diarise]\nsleeping = bench_cluster:load_diariser\n")
    sys.path.insert(0, str(folder))


def _cpu_s() -> float:
    own = psutil.Process().cpu_times()
    return float(own.user + own.system)


def overhead_table(recordings: int) -> dict[str, Any]:
    """Time and memory of the process that schedules so many recordings."""
    slept = sum(SLEEPS_S.values())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _open_doors(folder / "doors")
        chance = np.random.default_rng(1)
        sounds = [wav(chance.integers(-900, 900, 16_000).astype(np.int16), folder) for _ in range(recordings)]
        prepared = made_study(folder / "study", sounds, PIECE_S)
        few, first = (made_study(folder / part, sounds[: recordings // 10], PIECE_S) for part in ("few", "first"))
        memory: dict[int, int] = {}
        ended, counting = 0, threading.Lock()

        def report(event: run.Told) -> None:
            nonlocal ended
            if isinstance(event, Event) and event.stage == "detect":
                with counting:
                    ended += event.state == "finished"
                    memory[ended] = psutil.Process().memory_info().rss

        engines = RosterAlone(FAKED)
        with dask_cluster.local(plan.Crew(workers=WORKERS, threads=2), Engines(FAKED)) as force:
            all_of(first, FAKED, force, nobody)  # what is loaded once is loaded by then
            before = _cpu_s()
            wall = all_of(prepared, FAKED, force, report)
            with_dask = (_cpu_s() - before) / recordings
        for sleep in SLEEPS_S:
            SLEEPS_S[sleep] = 0.0  # nobody waits for them here
        before = _cpu_s()
        run.run(few, plan.tasks(few), engines, nobody)
        alone = (_cpu_s() - before) / len(few.study.recordings())
    marks = {share: memory[max(1, int(recordings * share))] // 1_000_000 for share in (0.1, 0.5, 1.0)}
    return {
        "recordings": f"{recordings}, engines faked: {slept:.1f} s asleep each",
        "workers": WORKERS,
        "wall_s": round(wall, 1),
        "engines_asleep_s": round(recordings * slept, 1),
        "dask_cpu_ms_a_recording": round(1000 * (with_dask - alone), 1),
        "dask_share": round((with_dask - alone) / slept, 4),
        "ours_cpu_ms_a_recording": round(1000 * alone, 1),
        "client_mb": marks,
    }


def tables(recordings: int) -> dict[str, Any]:
    return {"workers": workers_table(), "overhead": overhead_table(recordings)}


if __name__ == "__main__":
    half(Path(sys.argv[1]), int(sys.argv[2]))
