"""What the stages of an interview cost here, for scripts/simulate-cluster: called by it with --measure, some minutes.

CPU seconds of all threads and children, not seconds of the clock, so that others' work on the machine counts little.
Cores that are shared with others are slower all the same: the load is written beside the costs. Each of two synthetic
development interviews goes through `pipeline.Job` in a study of its own as it comes, one thread an engine, linked to
its roster as `--who P1,R1` does. What it orders of a workshop is a worker's, all else the client's. Costs are summed
over the interviews, and divided by their sound last.
"""

import os
import sys
import time
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transcribe.engines import Engines
    from transcribe.hearing import Order
    from transcribe.schema import Audio
    from transcribe.vault import Unlocked

Spent = defaultdict[str, float]
INTERVIEWS = Path(__file__).parent.parent.parent / "shared" / "data" / "interviews"
IDS = ("d1_oluwaseun", "d3_zsofia")  # two voices, and three
WARM_S = 20
WHO = ("P1", "R1")
EMPTY_JOBS, LOADED_JOBS, LOAD_MB = 2000, 20, 20


def cpu_s() -> float:
    """CPU seconds of this process since it began, and of children that ended."""
    return sum(os.times()[:4])


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
    from transcribe.engines import Engines

    engines = Engines(StudyConfig(threads=1))
    _ = engines.diariser, engines.transcriber
    took_s = cpu_s()
    _ = engines.rules
    return took_s, engines


class Counting:
    """A workshop in this process that counts what each order costs. One at a time: the seconds are the process's."""

    def __init__(self, engines: "Engines", spent: Spent) -> None:
        from transcribe.hearing import Here

        self._here, self._spent, self._alone = Here(engines, self._decoded), spent, Lock()
        self.took_s = self.children_s = 0.0

    def do(self, order: "Order") -> bytes:
        """As `hearing.Here`; decoding is counted apart, since the next order of a recording finds it done."""
        with self._alone:
            began, decoded_s = os.times(), self._spent["decode_s"]
            made = self._here.do(order)
            took_s = cpu_s() - sum(began[:4])
            self._spent[f"{order.task.stage}_s"] += took_s - (self._spent["decode_s"] - decoded_s)
            self.took_s += took_s
            self.children_s += sum(os.times()[2:4]) - sum(began[2:4])
        return made

    def let_go(self) -> None:
        self._here.let_go()

    def _decoded(self, order: "Order") -> "Audio":
        from transcribe.hearing import decoded

        began = cpu_s()
        sound = decoded(order)
        self._spent["decode_s"] += cpu_s() - began
        return sound


def interview(name: str, engines: "Engines", spent: Spent, until_s: int = 3600) -> None:
    """One interview, or its beginning, through all stages; the programs that the client starts make the copy."""
    from transcribe import pipeline

    with TemporaryDirectory() as folder:
        unlocked, sound_s = made_study(Path(folder), name, until_s)
        workshop, began = Counting(engines, spent), os.times()
        pipeline.Job(unlocked, "R001", engines, lambda event: None, workshop).run()
        children_s = sum(os.times()[2:4]) - sum(began[2:4]) - workshop.children_s
        spent["client_s"] += cpu_s() - sum(began[:4]) - workshop.took_s - children_s
        spent["copy_s"] += children_s
        spent["sealed_mb"] += unlocked.study.sound_path("R001").stat().st_size / 1e6
        spent["sound_h"] += sound_s / 3600


def made_study(folder: Path, name: str, until_s: int) -> tuple["Unlocked", float]:
    """A study of one interview and its roster, and the seconds of sound."""
    import soundfile

    from transcribe import intake, people, store, study, vault
    from transcribe.vault import with_people

    identity = store.new_identity()
    opened = study.create(folder / "study", identity, "a passphrase that nobody types")
    unlocked = vault.create(opened, identity)
    roster = people.read((INTERVIEWS / f"{name}.roster.csv").read_bytes())
    unlocked.change(lambda known: with_people(known, roster))
    source = INTERVIEWS / f"{name}.flac"
    rate = soundfile.info(source).samplerate
    samples, _ = soundfile.read(source, until_s * rate, dtype="int16")
    beginning = folder / source.name
    soundfile.write(beginning, samples, rate)
    added = intake.add(opened, beginning, intake.Request(id="R001", who=WHO), unlocked)
    return unlocked, added.duration_s


def empty(_: Any) -> None:
    """A job that does nothing."""


def dask_costs() -> dict[str, float]:
    """CPU seconds that Dask's client and scheduler, one process here, spend on a job, and a megabyte with it (TLS)."""
    from distributed import Client, LocalCluster, Security

    from transcribe.batch import dask_settings

    sealed = {"protocol": "tls://", "security": Security.temporary()}
    with (
        dask_settings.in_force(),
        LocalCluster(processes=True, n_workers=2, threads_per_worker=1, dashboard_address=None, **sealed) as cluster,
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
