"""Which jobs there are, and who does them: the recordings of a study, and what this machine can carry."""

import os

from transcribe import weights
from transcribe.config import StudyConfig
from transcribe.engines import Engines
from transcribe.errors import ConfigError, StudyError, typed
from transcribe.schema import SAMPLE_RATE_HZ, Quiet, Recording, record
from transcribe.vault import Unlocked

CORES_EACH = 2
"""Of a worker, by default: recognition on the one, diarisation on the other."""
FIXED_BYTES, TIMES_WEIGHTS = 1_300_000_000, 5
"""Memory of a worker beside the sound: the libraries and the speaker network; Whisper's float16 file in float32 with
what decoding it takes (measured: see README, "What was measured")."""
SPARE_BYTES = 2_500_000_000
"""Left to the researcher's own process, which has the rules, and to the system."""


@record
class Task(Quiet):
    """One recording to take through all stages; seconds of sound, for the time left."""

    recording_id: str
    duration_s: float


@record
class Crew(Quiet):
    """Workers on this machine: how many, with how many threads each; on a GPU each where there are `gpus`."""

    workers: int
    threads: int
    gpus: int = 0

    @property
    def slots(self) -> int:
        """Orders that a worker does at the same time: on one core recognition and diarisation take turns."""
        return 1 if self.threads == 1 and not self.gpus else 2


def tasks(unlocked: Unlocked, wanted: tuple[str, ...] = ()) -> tuple[Task, ...]:
    """The recordings named, or all, in order of id. Raises StudyError for one that is not known."""
    known = unlocked.study.recordings()
    for recording_id in wanted:
        if recording_id not in known:
            raise StudyError(f"no recording has the id {typed(recording_id)}", advice="see `transcribe status STUDY`")
    planned = []
    for recording_id in dict.fromkeys(wanted or known):
        planned.append(Task(recording_id=recording_id, duration_s=_duration_s(unlocked, recording_id)))
    return tuple(planned)


def _duration_s(unlocked: Unlocked, recording_id: str) -> float:
    """Nothing where the file that tells it is damaged or cannot be read: it is asked for the time left alone."""
    try:
        facts = unlocked.standing(recording_id, "recording", Recording)
    except OSError:
        return 0.0
    return facts.value.duration_s if facts else 0.0


def crew(engines: Engines, tasks: tuple[Task, ...], wanted: int = 0) -> Crew:
    """A worker a GPU, or as many as the cores and the memory carry, and no more than there are recordings.

    `wanted` workers, where a number is given: never more than there are cores. Raises ConfigError.
    """
    import psutil

    gpus = _gpus(engines)
    cores = engines.config.threads or len(os.sched_getaffinity(0))
    if gpus:
        workers = min(wanted or gpus, gpus)
        return Crew(workers=workers, threads=max(1, cores // workers), gpus=gpus)
    if wanted > cores:
        raise ConfigError(f"this machine has {cores} cores for {wanted} workers", advice=f"ask for {cores} at most")
    longest_s = max((task.duration_s for task in tasks), default=0.0)
    room = (int(psutil.virtual_memory().available) - SPARE_BYTES) // needed_bytes(engines.config, longest_s)
    workers = wanted or max(1, min(cores // CORES_EACH, room, len(tasks)))
    return Crew(workers=workers, threads=max(1, cores // workers))


def needed_bytes(config: StudyConfig, longest_s: float) -> int:
    """Memory of a worker on a CPU while it hears a recording of that many seconds."""
    folder = weights.path(config.recognition.model)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return int(FIXED_BYTES + TIMES_WEIGHTS * size + 4 * SAMPLE_RATE_HZ * longest_s)


def _gpus(engines: Engines) -> int:
    if not engines.device.startswith("cuda"):
        return 0
    import torch

    return int(torch.cuda.device_count())
