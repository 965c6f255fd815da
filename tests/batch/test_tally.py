"""How far a run is: no sum exceeds its total, and nothing is left at the end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe.batch.plan import Task
from transcribe.batch.run import Outcome, Told
from transcribe.batch.seats import Workers
from transcribe.batch.tally import Progress, Tally
from transcribe.pipeline import SHARE, Event

ENDS = ("done", "no speech", "failed", "refused", "set aside")


def task(number: int, duration_s: float) -> Task:
    return Task(recording_id=f"R{number:03d}", duration_s=duration_s)


def event(recording_id: str, stage: str, state: str) -> Event:
    return Event(recording_id=recording_id, stage=stage, state=state, seconds=1.0)


def end(recording_id: str, state: str = "done") -> Outcome:
    return Outcome(recording_id=recording_id, state=state)


@st.composite
def runs(draw: st.DrawFn) -> tuple[tuple[Task, ...], list[Told]]:
    """Tasks, and what a run of them tells: the stages of each in their order, recordings mixed, some stages twice."""
    durations = draw(st.lists(st.sampled_from([0.0, 0.1, 59.7, 3600.0, 10_801.3]), max_size=6))
    tasks = tuple(task(number, duration_s) for number, duration_s in enumerate(durations))
    told: dict[str, list[Told]] = {}
    for one in tasks:
        lines: list[Told] = []
        for stage in draw(st.lists(st.sampled_from(list(SHARE)), max_size=8)):
            done = [event(one.recording_id, stage, "started"), event(one.recording_id, stage, "finished")]
            lines += done if draw(st.booleans()) else [event(one.recording_id, stage, "skipped")]
        told[one.recording_id] = [*lines, end(one.recording_id, draw(st.sampled_from(ENDS)))]
    order = draw(st.permutations([one for one, lines in told.items() for _ in lines]))
    return tasks, [told[one].pop(0) for one in order]


@given(runs())
def test_no_sum_exceeds_its_total_and_at_the_end_nothing_is_left(
    run: tuple[tuple[Task, ...], list[Told]],
) -> None:
    tasks, told = run
    seconds = iter(range(10_000))
    tally = Tally(tasks, lambda: float(next(seconds)))
    shares = [tally.now().share_left]
    for one in told:
        tally.take(one)
        now = tally.now()
        assert min(now.done, now.failed, now.set_aside, now.waiting) >= 0
        assert now.done + now.failed + now.set_aside + now.waiting + len(now.running) == now.of == len(tasks)
        assert 0 <= now.sound_done_s <= now.sound_s
        assert now.left_s is None or now.left_s >= 0
        shares.append(now.share_left)
    assert shares == sorted(shares, reverse=True)
    last = tally.now()
    assert (last.left_s, last.share_left, last.running, last.waiting) == (0.0, 0.0, (), 0)


def halfway() -> Progress:
    """Of two hours the first was recognised and diarised at ten times the speed of speech; a third failed."""
    now = [0.0]
    tally = Tally((task(1, 3600.0), task(2, 3600.0), task(3, 1800.0)), lambda: now[0])
    for stage in SHARE:
        tally.take(event("R001", stage, "started"))
        now[0] += 360.0 * SHARE[stage]
        tally.take(event("R001", stage, "finished"))
    tally.take(end("R001"))
    tally.take(event("R002", "segment", "started"))
    tally.take(end("R003", "failed"))
    return tally.now()


def test_speed_and_time_left_are_those_of_the_stages_done() -> None:
    now = halfway()
    assert now.speed == pytest.approx(10.0)
    assert now.left_s == pytest.approx(360.0)
    assert (now.done, now.failed, now.sound_done_s, now.sound_s) == (1, 1, 3600.0, 9000.0)
    assert [(one.recording_id, one.stages) for one in now.running] == [("R002", ("segment",))]


def test_a_stage_told_twice_counts_once_and_one_that_was_skipped_says_nothing_of_the_speed() -> None:
    now = [0.0]
    tally = Tally((task(1, 1000.0),), lambda: now[0])
    tally.take(event("R001", "segment", "skipped"))
    tally.take(event("R001", "segment", "skipped"))
    assert tally.now().share_left == pytest.approx(1 - SHARE["segment"])
    assert (tally.now().speed, tally.now().left_s) == (None, None)
    now[0] = 100.0
    tally.take(event("R001", "recognise", "finished"))
    assert tally.now().speed == pytest.approx(1000.0 * SHARE["recognise"] / 100.0)


def test_that_no_worker_is_left_holds_until_there_is_one_again() -> None:
    tally = Tally((task(1, 1000.0),))
    assert tally.now().workers.state == "some"
    none = Workers(state="none", waits_s=600.0)
    for told in (none, event("R001", "detect", "finished")):
        tally.take(told)
        assert tally.now().workers == none
    tally.take(Workers(state="some"))
    assert tally.now().workers.state == "some"
