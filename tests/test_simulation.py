"""The simulation of a cluster: no recording is lost or done twice, no batch ends sooner than it can, deaths cost."""

import json
import subprocess
import sys
import tomllib
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
simulated = pytest.importorskip("simulate_cluster")

COSTS = simulated.Costs(
    decode_s=10,
    segment_s=60,
    recognise_s=600,
    diarise_s=300,
    listen_s=60,
    text_s=20,
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


@pytest.mark.parametrize("stage", ["segment_s", "recognise_s", "diarise_s"])
def test_a_recording_that_lacks_one_stage_is_set_aside_and_costs_the_client_nothing(stage: str) -> None:
    """Only that stage takes longer than any worker lives."""
    stages = {"decode_s": 0, "segment_s": 0.1, "recognise_s": 0.1, "diarise_s": 0.1}
    outcome = batch((1.0,), replace(FREE, **{**stages, stage: 1e6}), mtbf_h=0.01)
    assert (outcome.set_aside, outcome.done, outcome.repeated) == (1, 0, simulated.TRIES - 1)
    assert outcome.busy["client"] == 0


def test_one_recording_takes_the_sum_of_its_steps() -> None:
    sent_s = 100 * 8 / 1000 + 0.01 + 100 * 0.001
    steps_s = 15 - sent_s + sent_s + 70 + sent_s + 610 + 90  # the worker starts while the first job is on its way
    assert batch((1.0,), workers=1).hours * 3600 == pytest.approx(steps_s)


@pytest.mark.parametrize("count", [2, 7, 40])
def test_one_worker_recognises_one_recording_after_the_other(count: int) -> None:
    """Its lane waits for the first segmentation alone, and the client's last stages come after the last recognition."""
    hours = sorted(HOURS[:count], reverse=True)
    expected_s = hours[0] * 70 + sum(hours) * 610 + hours[-1] * 90
    outcome = batch(tuple(hours), FREE, workers=1)
    assert outcome.hours * 3600 == pytest.approx(expected_s)
    assert outcome.busy["diarise"] * outcome.hours * 3600 == pytest.approx(sum(hours) * (70 + 310))


@pytest.mark.parametrize("workers", [1, 3, 20, 200])
@pytest.mark.parametrize("setting", [{}, {"client_processes": 1}, {"mbit_per_s": 10}, {"faster": 50}, {"mtbf_h": 5}])
def test_no_batch_ends_sooner_than_its_scarcest_resource_lets_it(workers: int, setting: dict[str, float]) -> None:
    outcome = batch(workers=workers, **setting)
    least = simulated.least_s(HOURS, COSTS, cluster(workers=workers, **setting))
    assert outcome.hours * 3600 >= max(least.values()) - 1e-6
    assert outcome.binds == max(least, key=lambda name: least[name])
    assert set(outcome.busy) == set(RESOURCES)
    assert all(0 < share <= 1 + 1e-9 for share in outcome.busy.values())


def test_the_least_times_are_those_of_a_count_by_hand() -> None:
    least = simulated.least_s((1.0, 3.0), COSTS, cluster(workers=2, client_processes=4, faster=10))
    assert least == pytest.approx(
        {
            "recognise": 4 * 70 / 2,
            "diarise": 4 * (20 + 36) / 2,
            "link": 4 * 3 * 100 * 8 / 1000,
            "scheduler": 6 * 0.01 + 4 * 3 * 100 * 0.001,
            "client": 4 * 90 / 4,
            "longest": 3 * (90 + 20 + 66),
        }
    )


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
    bound = batch(workers=10, **narrow)
    assert bound.binds == name
    assert batch(workers=10, **wide).hours < bound.hours / 1.5


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


def run(*options: str) -> subprocess.CompletedProcess[str]:
    """The script, in a process of its own."""
    command = [sys.executable, str(ROOT / "scripts" / "simulate_cluster.py"), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_script_simulates_all_sizes_from_the_costs_that_were_measured() -> None:
    done = run("--quick", "--json", "--client-processes", "4")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    measured = tomllib.loads((ROOT / "scripts" / "simulate_cluster.toml").read_text(encoding="utf-8"))
    assert told["costs"] == measured["costs"]
    assert set(measured["costs"]) == {field.name for field in fields(simulated.Costs)}
    assert {"date", "processor"} <= set(measured["made"])
    assert told["setting"]["client_processes"] == 4
    assert [one["workers"] for one in told["outcomes"]] == list(simulated.WORKERS)
    assert {one["done"] + one["set_aside"] for one in told["outcomes"]} == {simulated.QUICK}


@pytest.mark.parametrize("option", ["--client-processes", "--mbit-per-s", "--mtbf-h", "--faster"])
def test_a_cluster_of_nothing_is_refused(option: str) -> None:
    done = run(option, "0")
    assert done.returncode == 2
    assert "has to be above 0" in done.stderr
    assert "Traceback" not in done.stderr
