"""What the stages of an interview cost here, for scripts/simulate-cluster: called by it with --measure, some minutes.

CPU seconds of all threads and children, not seconds of the clock, so that others' work on the machine counts little.
Cores that are shared with others are slower all the same: the load is written beside the costs. The engines of a study
as it comes, one thread each; two synthetic development interviews, each primed with its roster as `--who P1,R1` links
it. Costs are summed over the interviews, and divided by their sound last.
"""

import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transcribe.pipeline import Engines

Spent = defaultdict[str, float]
INTERVIEWS = Path(__file__).parent.parent.parent / "shared" / "data" / "interviews"
IDS = ("d1_oluwaseun", "d3_zsofia")  # two voices, and three
WARM_S = 20
WHO = ("P1", "R1")
EMPTY_JOBS, LOADED_JOBS, LOAD_MB = 2000, 20, 20


def cpu_s() -> float:
    """CPU seconds of this process since it began, and of children that ended."""
    return sum(os.times()[:4])


@contextmanager
def counted(into: Spent, name: str) -> Iterator[None]:
    """Add what is done within to a cost."""
    began = cpu_s()
    yield
    into[name] += cpu_s() - began


def write(file: Path) -> None:
    """Measure all and write it, with date and machine."""
    if not INTERVIEWS.is_dir():
        sys.exit("simulate-cluster: --measure needs the development sets in ../shared/data")
    os.environ["OMP_NUM_THREADS"] = "1"  # before numpy and torch are imported
    import tomlkit

    startup_s, engines = started()
    spent = Spent(float)
    interview(IDS[0], engines, Spent(float), WARM_S)
    for name in IDS:
        interview(name, engines, spent)
    sound_h = spent.pop("sound_h")
    costs = {name: spent[name] / sound_h for name in spent} | {"startup_s": startup_s} | dask_costs()
    from transcribe.evaluate.report import made_on

    where = made_on()
    made = {"date": time.strftime("%Y-%m-%d"), "commit": where["commit"], **where["machine"]}
    document = tomlkit.document()
    document.add(
        tomlkit.comment("Written by scripts/simulate-cluster --measure; scripts/simulate_cluster.py says what is what.")
    )
    document["costs"] = {name: float(f"{cost:.4g}") for name, cost in costs.items()}
    document["made"] = made | {"sound_h": round(sound_h, 3), "load": round(os.getloadavg()[0], 2)}
    file.write_text(tomlkit.dumps(document), encoding="utf-8")


def started() -> tuple[float, "Engines"]:
    """What a worker's start costs, from its process to its models; and these, and those of the client beside them."""
    import distributed  # noqa: F401 - a worker is Dask's

    from transcribe.config import StudyConfig
    from transcribe.pipeline import Engines

    engines = Engines(StudyConfig(threads=1))
    _ = engines.diariser, engines.transcriber
    took_s = cpu_s()
    _ = engines.rules
    return took_s, engines


def interview(name: str, engines: "Engines", spent: Spent, until_s: int = 3600) -> None:
    """One interview, or its beginning, through all stages, as the workers and the client of a cluster would take it."""
    import pyrage

    from transcribe import asr, audio, people, pipeline, store
    from transcribe.asr.scoring import Scorer
    from transcribe.detect import look, resolve, second_listen, tagger_of
    from transcribe.detect.identity import Scope
    from transcribe.schema import Audio, SpeakerBounds

    known = pipeline.linked(people.read((INTERVIEWS / f"{name}.roster.csv").read_bytes()), WHO)
    names, key = tuple(person.forms[0] for person in known), store.new_identity()
    sealed = pyrage.encrypt((INTERVIEWS / f"{name}.flac").read_bytes(), [key.to_public()])
    with counted(spent, "decode_s"), audio.in_memory(store.decrypt(sealed, key)) as descriptor:
        sound = Audio(samples=audio.decode(descriptor).samples[: until_s * 16_000])
    spent["sealed_mb"] += len(sealed) / 1e6
    spent["sound_h"] += sound.duration_s / 3600
    with counted(spent, "segment_s"):
        speech = engines.diariser.speech(sound)
    with counted(spent, "recognise_s"):
        options = asr.AsrOptions(
            language="en", names=names, beam_size=engines.config.recognition.beam_size, speech=speech
        )
        words = engines.transcriber.transcribe(sound, options)
    with counted(spent, "diarise_s"):  # of a copy, since what was segmented is kept for the very same samples
        turns = engines.diariser.diarise(Audio(samples=sound.samples.copy()), SpeakerBounds())
    tagger = tagger_of(engines.rules)
    with counted(spent, "text_s"):
        transcript = pipeline.build_transcript("R001", words, turns)
    assert isinstance(engines.transcriber, Scorer)
    with counted(spent, "listen_s"):
        by_roster = resolve.by_roster(transcript, known, tagger)
        heard = second_listen.listen(transcript, known, engines.transcriber, sound, by_roster)
    with counted(spent, "text_s"):
        seen = look.look(transcript, engines.rules)
        scope = Scope(recording_id="R001", who=WHO, of="P1")
        resolve.resolve(transcript, seen.found + heard, known, tagger=tagger, scope=scope)


def empty(_: Any) -> None:
    """A job that does nothing."""


def dask_costs() -> dict[str, float]:
    """CPU seconds that Dask's client and scheduler, one process here, spend on a job, and on a megabyte with it."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(processes=True, n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.gather(client.map(empty, range(100)))
        began = time.process_time()
        client.gather([client.submit(empty, number, pure=False) for number in range(EMPTY_JOBS)])
        per_job = (time.process_time() - began) / EMPTY_JOBS
        load, began = os.urandom(LOAD_MB * 1_000_000), time.process_time()
        for _ in range(LOADED_JOBS):
            client.submit(empty, load, pure=False).result()
        per_mb = (time.process_time() - began) / LOADED_JOBS / LOAD_MB
    return {"dask_s_per_job": per_job, "dask_s_per_mb": per_mb}
