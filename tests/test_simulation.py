"""The simulation of a cluster: no recording is lost or done twice, no batch ends sooner than it can, deaths cost."""

import json
import subprocess
import sys
import tomllib
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.builders import NoEngines
from tests.study_session import ROSTER
from transcribe.asr.fake import FakeTranscriber
from transcribe.batch import dask_cluster, dask_settings
from transcribe.batch import run as batches
from transcribe.config import StudyConfig
from transcribe.diarise.fake import FakeDiariser

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
simulated = pytest.importorskip("simulate_cluster")
measured = pytest.importorskip("measure_stages")

COSTS = simulated.Costs(
    decode_s=10,
    segment_s=60,
    recognise_s=600,
    diarise_s=240,
    listen_s=50,
    client_s=80,
    copy_s=20,
    sealed_mb=100,
    startup_s=15,
    dask_s_per_job=0.01,
    dask_s_per_mb=0.001,
)
FREE = replace(COSTS, startup_s=0, dask_s_per_job=0, dask_s_per_mb=0, sealed_mb=0)  # workers and the client alone cost
NEVER_H = 1e12
HOURS = simulated.interviews(150, seed=3)
RESOURCES = ("recognise", "diarise", "link", "scheduler", "client")


def cluster(**setting: float) -> Any:
    """Five workers that live for ever, unless said otherwise."""
    return simulated.Cluster(**{"workers": 5, "mtbf_h": NEVER_H, **setting})


def batch(hours: tuple[float, ...] = HOURS, costs: Any = COSTS, seed: int = 1, **setting: float) -> Any:
    """What becomes of it."""
    return simulated.Batch(hours, costs, cluster(**setting), seed).run()


@pytest.mark.parametrize(("mtbf_h", "whole"), [(NEVER_H, True), (10.0, True), (0.3, False), (0.1, False)])
def test_every_recording_ends_once_done_or_set_aside(mtbf_h: float, whole: bool) -> None:
    outcome = batch(mtbf_h=mtbf_h)
    assert outcome.done + outcome.set_aside == len(HOURS)
    assert (outcome.set_aside == 0) is whole


def test_a_recording_is_set_aside_after_four_tries_and_the_others_are_done() -> None:
    """No worker lives for the two hours that one of them is recognised, and all for the seconds of the others."""
    outcome = batch((12.0, *[0.001] * 20), mtbf_h=0.1)
    assert (outcome.set_aside, outcome.done) == (1, 20)
    assert outcome.repeated >= simulated.TRIES - 1


@pytest.mark.parametrize("stage", ["segment_s", "recognise_s", "diarise_s", "listen_s"])
def test_a_recording_that_lacks_one_stage_is_set_aside_and_costs_the_client_nothing(stage: str) -> None:
    """Only that stage takes longer than any worker lives."""
    stages = {"decode_s": 0, "segment_s": 0.1, "recognise_s": 0.1, "diarise_s": 0.1, "listen_s": 0.1}
    outcome = batch((1.0,), replace(FREE, **{**stages, stage: 1e6}), mtbf_h=0.01)
    assert (outcome.set_aside, outcome.done, outcome.repeated) == (1, 0, simulated.TRIES - 1)
    assert outcome.busy["client"] == 0


def test_one_recording_takes_the_sum_of_its_steps() -> None:
    """A worker asks for the sound by the time that it has started; later questions are answered at once."""
    sent_s = 100 * 8 / 1000 + 0.01 + 100 * 0.001
    steps_s = 15 + sent_s + 70 + 0.01 + sent_s + 610 + 0.01 + sent_s + 60 + 20 + 80
    assert batch((1.0,), workers=1).hours * 3600 == pytest.approx(steps_s)


def test_where_workers_see_the_folder_one_recording_takes_the_same_steps_and_nothing_is_sent() -> None:
    outcome = batch((1.0,), workers=1, shared=True)
    assert outcome.hours * 3600 == pytest.approx(15 + 70 + 0.01 + 610 + 0.01 + 60 + 20 + 80)
    assert outcome.busy["link"] == 0
    assert outcome.busy["scheduler"] * outcome.hours * 3600 == pytest.approx(4 * 0.01)


def test_the_sound_goes_to_each_of_the_four_jobs_after_a_question() -> None:
    outcome = batch()
    took_s = outcome.hours * 3600
    assert outcome.busy["link"] * took_s == pytest.approx(4 * sum(HOURS) * 100 * 8 / 1000)
    assert outcome.busy["scheduler"] * took_s == pytest.approx(4 * (len(HOURS) * 2 * 0.01 + sum(HOURS) * 100 * 0.001))


def test_what_is_simulated_is_what_is_built() -> None:
    """As many tries, recordings under way and lanes as `transcribe run` has."""
    assert simulated.TRIES == dask_cluster.TRIES
    assert simulated.SPARE == batches.SPARE
    assert len(set(RESOURCES) - {"link", "scheduler", "client"}) == dask_settings.THREADS
    assert cluster().client_processes == 1


def test_no_more_recordings_are_under_way_than_lanes_and_two() -> None:
    """Four of ten, where the client takes longest by far and has a process for each: so they go in three rounds."""
    outcome = batch((1.0,) * 10, replace(FREE, client_s=1e6), workers=1, client_processes=10)
    assert outcome.hours * 3600 == pytest.approx(3e6, rel=0.01)


@pytest.mark.parametrize("count", [2, 7, 40])
def test_one_worker_recognises_one_recording_after_the_other(count: int) -> None:
    """Its lane waits for the first segmentation alone, and hears each recording twice."""
    hours = sorted(HOURS[:count], reverse=True)
    outcome = batch(tuple(hours), replace(FREE, client_s=0, copy_s=0), workers=1)
    assert outcome.hours * 3600 == pytest.approx(hours[0] * 70 + sum(hours) * (610 + 60))
    assert outcome.busy["diarise"] * outcome.hours * 3600 == pytest.approx(sum(hours) * (70 + 250))


@pytest.mark.parametrize("workers", [1, 3, 20, 200])
@pytest.mark.parametrize(
    "setting", [{}, {"client_processes": 8}, {"shared": True}, {"mbit_per_s": 10}, {"faster": 50}, {"mtbf_h": 5}]
)
def test_no_batch_ends_sooner_than_its_scarcest_resource_lets_it(workers: int, setting: dict[str, float]) -> None:
    outcome = batch(workers=workers, **setting)
    least = simulated.least_s(HOURS, COSTS, cluster(workers=workers, **setting))
    assert outcome.hours * 3600 >= max(least.values()) - 1e-6
    assert outcome.binds == max(least, key=lambda name: least[name])
    assert set(outcome.busy) == set(RESOURCES)
    assert all(share <= 1 + 1e-9 for share in outcome.busy.values())
    assert [name for name, share in outcome.busy.items() if not share] == (["link"] if setting.get("shared") else [])


def test_the_least_times_are_those_of_a_count_by_hand() -> None:
    least = simulated.least_s((1.0, 3.0), COSTS, cluster(workers=2, client_processes=4, faster=10))
    assert least == pytest.approx(
        {
            "recognise": 4 * (20 + 65) / 2,
            "diarise": 4 * (20 + 30) / 2,
            "link": 4 * 4 * 100 * 8 / 1000,
            "scheduler": 4 * 2 * 2 * 0.01 + 4 * 4 * 100 * 0.001,
            "client": 4 * 80 / 4,
            "longest": 3 * (30 + 71 + 20 + 80),
        }
    )
    seen = simulated.least_s((1.0, 3.0), COSTS, cluster(workers=2, client_processes=4, faster=10, shared=True))
    assert seen == pytest.approx(least | {"link": 0, "scheduler": 4 * 2 * 0.01})


def test_more_workers_are_never_slower_and_what_binds_goes_from_them_to_what_they_share() -> None:
    outcomes = [batch(workers=workers, client_processes=4) for workers in (1, 2, 5, 10, 20, 50, 100)]
    for fewer, more in pairwise(outcomes):
        assert more.hours <= fewer.hours * 1.001
    at_workers = [one.binds == "recognise" for one in outcomes]
    assert at_workers == sorted(at_workers, reverse=True)
    assert at_workers[0]
    assert outcomes[-1].binds == "client"


@pytest.mark.parametrize(
    ("narrow", "wide", "name"),
    [
        ({"client_processes": 1}, {"client_processes": 16}, "client"),
        ({"mbit_per_s": 20}, {"mbit_per_s": 1000}, "link"),
        ({"faster": 1}, {"faster": 4}, "recognise"),
    ],
)
def test_what_binds_is_what_helps(narrow: dict[str, float], wide: dict[str, float], name: str) -> None:
    bound = batch(**{"workers": 20, "client_processes": 16, **narrow})
    assert bound.binds == name
    assert batch(**{"workers": 20, "client_processes": 16, **wide}).hours < bound.hours / 1.5


def test_equal_seeds_give_equal_batches() -> None:
    assert simulated.interviews(50, seed=4) == simulated.interviews(50, seed=4) != simulated.interviews(50, seed=5)
    assert batch(mtbf_h=1.0, seed=4) == batch(mtbf_h=1.0, seed=4) != batch(mtbf_h=1.0, seed=5)


def test_deaths_cost_time_and_the_jobs_are_done_again() -> None:
    never, often = batch(), batch(mtbf_h=1.0)
    assert (never.repeated, never.lost_h) == (0, 0)
    assert often.repeated > 0
    assert often.lost_h > 0
    assert often.hours > never.hours


def test_interviews_are_an_hour_long_or_so() -> None:
    hours = simulated.interviews(2000, seed=1)
    assert min(hours) >= 1 / 6
    assert max(hours) <= 3
    assert sorted(hours)[1000] == pytest.approx(1.0, abs=0.05)


class Fakes(NoEngines):
    """Engines without weights."""

    transcriber = FakeTranscriber("Well, Karen laughed, every day.")  # type: ignore[assignment]
    diariser = FakeDiariser()  # type: ignore[assignment]


def test_an_interview_is_measured_by_the_pipeline_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cost of a stage is measured, in an interview and in its beginning, and none but those."""
    samples = np.random.default_rng(1).normal(0, 0.1, 3 * 16_000)
    soundfile.write(tmp_path / "one.flac", samples, 16_000)
    (tmp_path / "one.roster.csv").write_text(ROSTER, encoding="utf-8")
    monkeypatch.setattr(measured, "INTERVIEWS", tmp_path)
    spent = measured.Spent(float)
    measured.interview("one", Fakes(StudyConfig(device="cpu")), spent)
    of_dask_and_workers = {"startup_s", "dask_s_per_job", "dask_s_per_mb"}
    assert set(spent) == {field.name for field in fields(simulated.Costs)} - of_dask_and_workers | {"sound_h"}
    assert spent["sound_h"] * 3600 == pytest.approx(3)
    assert min(spent["copy_s"], spent["client_s"], spent["decode_s"], spent["sealed_mb"]) > 0
    measured.interview("one", Fakes(StudyConfig(device="cpu")), spent, until_s=1)
    assert spent["sound_h"] * 3600 == pytest.approx(4)


def run(*options: str) -> subprocess.CompletedProcess[str]:
    """The script, in a process of its own."""
    command = [sys.executable, str(ROOT / "scripts" / "simulate_cluster.py"), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_script_simulates_all_sizes_from_the_costs_that_were_measured() -> None:
    done = run("--quick", "--json", "--shared", "--client-processes", "4")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    costs = tomllib.loads((ROOT / "scripts" / "simulate_cluster.toml").read_text(encoding="utf-8"))
    assert told["costs"] == costs["costs"]
    assert set(costs["costs"]) == {field.name for field in fields(simulated.Costs)}
    assert {"date", "processor"} <= set(costs["made"])
    assert (told["setting"]["client_processes"], told["setting"]["shared"]) == (4, True)
    assert [one["workers"] for one in told["outcomes"]] == list(simulated.WORKERS)
    assert {one["done"] + one["set_aside"] for one in told["outcomes"]} == {simulated.QUICK}


@pytest.mark.parametrize("option", ["--client-processes", "--mbit-per-s", "--mtbf-h", "--faster"])
def test_a_cluster_of_nothing_is_refused(option: str) -> None:
    done = run(option, "0")
    assert done.returncode == 2
    assert "has to be above 0" in done.stderr
    assert "Traceback" not in done.stderr
