"""How far a cluster carries: 10 000 interviews on 1 to 500 workers, some of which die, simulated event by event.

For each recording, the longest first, a job finds where anybody speaks; then one job recognises and one diarises; then
one listens a second time. Every worker has one lane for recognition (and the second listen) and one for diarisation
(which finds speech as well), of one thread each. A job takes a moment of the Dask scheduler, then the lane of whatever
worker is free, which decodes the sound. Where workers do not see the study's folder a job first goes without the sound,
and a worker answers at once that it lacks it; then the job goes again, with the sealed recording, over the client's
link and through the scheduler. What needs the key - assembly, detection - takes turns in one process of the client,
after the programs that make the copy to listen to, which have cores of their own. A worker dies now and then and comes
back; what it was doing is tried again, four times in all, and then the recording is set aside. No more recordings are
under way than there are lanes, and two.

What every step costs is not assumed but measured: --measure writes simulate_cluster.toml on this machine, with the
engines of a study as it comes. Not simulated: the sound that a worker may still hold from a recording's job before,
Dask's own choice among the workers, results on their way back (text), the search of the whole study for people that
were found (after the last recording), a scheduler in the process with the key, a network and a file system that others
use.
"""

import argparse
import json
import math
import random
import tomllib
from collections import Counter
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import simpy
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
COSTS = HERE / "simulate_cluster.toml"
WORKERS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
RECORDINGS, QUICK = 10_000, 200
TRIES = 4
SPARE = 2  # recordings under way beyond the lanes
JOBS = 4  # of a recording: segment, recognise, diarise, listen
RECOGNISE, DIARISE, LINK, CLIENT, SCHEDULER, LONGEST = (
    "recognise", "diarise", "link", "client", "scheduler", "longest",
)  # fmt: skip
Steps = Generator[simpy.Event, Any, Any]


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Measured: CPU seconds of one thread for an hour of sound, unless the name says otherwise."""

    decode_s: float  # decrypt and decode the recording, which every job does for itself
    segment_s: float
    recognise_s: float
    diarise_s: float  # from the segmentation on
    listen_s: float
    client_s: float  # of the process with the key: assemble, detect, keep artefacts, feed the copy to listen to
    copy_s: float  # of the programs that decode and encode for that copy
    sealed_mb: float  # megabytes of the recording as it lies in the study
    startup_s: float  # of a worker, from its process to its loaded models
    dask_s_per_job: float  # client and scheduler
    dask_s_per_mb: float


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """What the jobs run on; `faster` divides what engines cost a worker, as a GPU might. Built is one client process.

    `shared`: workers see the study's folder, so that the sound is not sent.
    """

    workers: int
    client_processes: int = 1
    shared: bool = False
    mbit_per_s: float = 1000.0
    mtbf_h: float = 24.0  # hours that a worker lives, in the mean; its life is exponential
    faster: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of the batch. `busy`: the share of its time that each resource worked, lost work included."""

    workers: int
    hours: float
    busy: dict[str, float]
    binds: str
    done: int
    set_aside: int
    repeated: int  # jobs given to another worker, since theirs died
    lost_h: float  # hours of work that died with workers


@dataclass(frozen=True)
class Job:
    """Seconds of a lane, and the event that says whether the worker lived to its end."""

    seconds: float
    ended: simpy.Event


class Batch:
    """One simulation; times in seconds."""

    def __init__(self, hours: tuple[float, ...], costs: Costs, cluster: Cluster, seed: int) -> None:
        """`hours` of sound of each recording."""
        self._hours, self._costs, self._cluster = sorted(hours, reverse=True), costs, cluster
        self._dice = random.Random(seed)  # noqa: S311
        self._env = env = simpy.Environment()
        self._serving = {
            LINK: simpy.Resource(env),
            SCHEDULER: simpy.Resource(env),
            CLIENT: simpy.Resource(env, cluster.client_processes),
        }
        self._lanes = {RECOGNISE: simpy.Store(env), DIARISE: simpy.Store(env)}
        self._places = simpy.Resource(env, len(self._lanes) * cluster.workers + SPARE)
        self._busy_s = dict.fromkeys((*self._lanes, *self._serving), 0.0)
        self._ended: Counter[bool] = Counter()
        self._repeated, self._lost_s = 0, 0.0

    def run(self) -> Outcome:
        """From the first recording to the last."""
        for _ in range(self._cluster.workers):
            self._env.process(self._worker())
        self._env.run(until=self._env.all_of([self._env.process(self._recording(hours)) for hours in self._hours]))
        took_s, least = self._env.now, least_s(tuple(self._hours), self._costs, self._cluster)
        capacity = dict.fromkeys(self._lanes, self._cluster.workers) | {CLIENT: self._cluster.client_processes}
        return Outcome(
            workers=self._cluster.workers,
            hours=took_s / 3600,
            busy={name: busy_s / took_s / capacity.get(name, 1) for name, busy_s in self._busy_s.items()},
            binds=max(least, key=lambda name: least[name]),
            done=self._ended[True],
            set_aside=self._ended[False],
            repeated=self._repeated,
            lost_h=self._lost_s / 3600,
        )

    def _recording(self, hours: float) -> Steps:
        costs, process = self._costs, self._env.process
        with self._places.request() as place:
            yield place
            whole = yield from self._job(DIARISE, hours, costs.segment_s)
            if whole:
                words = process(self._job(RECOGNISE, hours, costs.recognise_s))
                turns = process(self._job(DIARISE, hours, costs.diarise_s))
                yield words & turns
                whole = words.value and turns.value
            whole = whole and (yield from self._job(RECOGNISE, hours, costs.listen_s))
            if whole:
                yield self._env.timeout(hours * costs.copy_s)
                yield from self._serve(CLIENT, hours * costs.client_s)
        self._ended[whole] += 1

    def _job(self, lane: str, hours: float, seconds_per_h: float) -> Steps:
        """Whether some worker did it."""
        for number in range(TRIES):
            self._repeated += number > 0
            if (yield from self._tried(lane, hours, seconds_per_h / self._cluster.faster)):
                return True
        return False

    def _tried(self, lane: str, hours: float, seconds_per_h: float) -> Steps:
        """Whether the worker that it was given to did it. One that lacks the sound says so, and it is sent."""
        megabytes, costs = hours * self._costs.sealed_mb, self._costs
        yield from self._serve(SCHEDULER, costs.dask_s_per_job)
        if not self._cluster.shared:
            if not (yield from self._given(lane, 0.0)):
                return False
            yield from self._serve(LINK, megabytes * 8 / self._cluster.mbit_per_s)
            yield from self._serve(SCHEDULER, costs.dask_s_per_job + megabytes * costs.dask_s_per_mb)
        return (yield from self._given(lane, hours * (costs.decode_s + seconds_per_h)))

    def _given(self, lane: str, seconds: float) -> Steps:
        """Whether the worker lived to its end."""
        job = Job(seconds, self._env.event())
        self._lanes[lane].put(job)
        return (yield job.ended)

    def _serve(self, name: str, seconds: float) -> Steps:
        with self._serving[name].request() as turn:
            yield turn
            yield self._env.timeout(seconds)
            self._busy_s[name] += seconds

    def _worker(self) -> Steps:
        while True:
            yield self._env.timeout(self._costs.startup_s)
            lanes = [self._env.process(self._lane(name)) for name in self._lanes]
            yield self._env.timeout(self._dice.expovariate(1 / (self._cluster.mtbf_h * 3600)))
            for lane in lanes:
                lane.interrupt()

    def _lane(self, name: str) -> Steps:
        """Job after job, until the worker dies."""
        try:
            while True:
                began_s, asked = math.inf, self._lanes[name].get()
                job = yield asked
                began_s = self._env.now
                yield self._env.timeout(job.seconds)
                self._busy_s[name] += job.seconds
                job.ended.succeed(True)
        except simpy.Interrupt:
            asked.cancel()
            if asked.triggered:  # even if it was given in the very moment in which the worker died
                worked_s = max(0.0, self._env.now - began_s)
                self._busy_s[name] += worked_s
                self._lost_s += worked_s
                asked.value.ended.succeed(False)


def least_s(hours: tuple[float, ...], costs: Costs, cluster: Cluster) -> dict[str, float]:
    """Seconds below which the batch cannot end, by what would make it so; deaths can only add to them."""
    sound_h, sent_mb = sum(hours), 0.0 if cluster.shared else JOBS * sum(hours) * costs.sealed_mb
    messages = JOBS * len(hours) * (1 if cluster.shared else 2)
    words_s = 2 * costs.decode_s + (costs.recognise_s + costs.listen_s) / cluster.faster
    turns_s = 2 * costs.decode_s + (costs.segment_s + costs.diarise_s) / cluster.faster
    heard_s = costs.segment_s + max(costs.recognise_s, costs.diarise_s) + costs.listen_s
    way_s = 3 * costs.decode_s + heard_s / cluster.faster + costs.copy_s + costs.client_s
    return {
        RECOGNISE: sound_h * words_s / cluster.workers,
        DIARISE: sound_h * turns_s / cluster.workers,
        LINK: sent_mb * 8 / cluster.mbit_per_s,
        CLIENT: sound_h * costs.client_s / cluster.client_processes,
        SCHEDULER: messages * costs.dask_s_per_job + sent_mb * costs.dask_s_per_mb,
        LONGEST: max(hours) * way_s,
    }


def interviews(count: int, seed: int) -> tuple[float, ...]:
    """Hours of sound: lognormal around one hour, none shorter than ten minutes or longer than three hours."""
    dice = random.Random(seed)  # noqa: S311
    drawn: list[float] = []
    while len(drawn) < count:
        hours = dice.lognormvariate(0.0, 0.5)
        if 1 / 6 <= hours <= 3:
            drawn.append(hours)
    return tuple(drawn)


def costs_of(file: Path = COSTS) -> Costs:
    """As they were measured."""
    return Costs(**tomllib.loads(file.read_text(encoding="utf-8"))["costs"])


def printed(outcomes: list[Outcome]) -> Table:
    """A row for each size of the cluster, in 80 columns."""
    table = Table(box=None, padding=(0, 1, 0, 0))
    for title in ("workers", "hours", *outcomes[0].busy, "again", "aside"):
        table.add_column(title, justify="right", vertical="bottom")
    table.add_column("binds", vertical="bottom")
    for one in outcomes:
        shares = (f"{share:.0%}" for share in one.busy.values())
        table.add_row(str(one.workers), f"{one.hours:.1f}", *shares, str(one.repeated), str(one.set_aside), one.binds)
    return table


def main() -> None:
    """Measure, or simulate all sizes and print."""
    parser = argparse.ArgumentParser(prog="scripts/simulate-cluster", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--measure", action="store_true", help=f"measure the costs here, into {COSTS.name}")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} interviews rather than {RECORDINGS}")
    parser.add_argument("--json", action="store_true", help="say it in JSON")
    parser.add_argument(
        "--client-processes", type=int, default=Cluster.client_processes, help="what if more held the key?"
    )
    parser.add_argument("--shared", action="store_true", help="workers see the study's folder: no sound is sent")
    parser.add_argument("--mbit-per-s", type=float, default=Cluster.mbit_per_s, help="of the client's link")
    parser.add_argument("--mtbf-h", type=float, default=Cluster.mtbf_h, help="hours that a worker lives, in the mean")
    parser.add_argument("--faster", type=float, default=Cluster.faster, help="what if workers were so much faster?")
    parser.add_argument("--seed", type=int, default=1)
    asked = vars(parser.parse_args())
    measure, quick, as_json, seed = (asked.pop(name) for name in ("measure", "quick", "json", "seed"))
    if min(value for name, value in asked.items() if name != "shared") <= 0:
        parser.error("every number has to be above 0")
    if measure:
        import measure_stages

        measure_stages.write(COSTS)
        return
    hours, costs = interviews(QUICK if quick else RECORDINGS, seed), costs_of()
    outcomes = [Batch(hours, costs, Cluster(workers=workers, **asked), seed).run() for workers in WORKERS]
    if as_json:
        setting = {"recordings": len(hours), "sound_h": sum(hours), "seed": seed, **asked}
        print(json.dumps({"setting": setting, "costs": asdict(costs), "outcomes": [asdict(one) for one in outcomes]}))
        return
    what_if = f", what if workers were {asked['faster']:g} times faster" if asked["faster"] != 1 else ""
    Console().print(f"{len(hours)} interviews, {sum(hours):.0f} hours of sound{what_if}", printed(outcomes))


if __name__ == "__main__":
    main()
