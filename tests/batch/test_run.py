"""A batch: one recording that fails stops no other, and says nothing of what was heard."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.builders import NoEngines, add_recording, new_unlocked, says_nothing_of, study_of, transcript
from transcribe import pipeline
from transcribe.asr.fake import FakeTranscriber
from transcribe.batch import plan, run, seats
from transcribe.batch.seats import Seats, Workers
from transcribe.config import StudyConfig
from transcribe.diarise.fake import FakeDiariser
from transcribe.errors import ClusterLost, EngineError, StudyError
from transcribe.hearing import Here, Order
from transcribe.schema import Audio
from transcribe.vault import Unlocked

ENGINES = NoEngines(StudyConfig())


@pytest.fixture
def unlocked(tmp_path: Path) -> Unlocked:
    return study_of(tmp_path / "study", "R002", "R001", "R003")


def test_a_plan_is_all_or_those_named_once_each(unlocked: Unlocked) -> None:
    assert [t.recording_id for t in plan.tasks(unlocked)] == ["R001", "R002", "R003"]
    assert [t.recording_id for t in plan.tasks(unlocked, ("R003", "R001", "R003"))] == ["R003", "R001"]
    assert plan.tasks(unlocked)[0].duration_s == 60.0
    with pytest.raises(StudyError, match="R009"):
        plan.tasks(unlocked, ("R001", "R009"))


@pytest.mark.parametrize(
    ("error", "code"),
    [(ValueError("Karen said so"), 1), (EngineError("the engine stopped"), 7), (MemoryError("Karen"), 1)],
)
def test_one_that_fails_stops_no_other(
    unlocked: Unlocked, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    said = {"R001": transcript(("S1", "Yes.")), "R003": transcript(recording_id="R003")}

    def do(job: pipeline.Job, again: str) -> object:
        if job._id not in said:
            raise error
        return said[job._id]

    monkeypatch.setattr(pipeline.Job, "run", do)
    outcomes = run.run(unlocked, plan.tasks(unlocked), ENGINES, lambda event: None)
    assert [(o.recording_id, o.state) for o in outcomes] == [
        ("R001", "done"),
        ("R002", "failed"),
        ("R003", "no speech"),
    ]
    assert outcomes[1].exit_code == code
    assert "R002" in outcomes[1].error
    says_nothing_of(outcomes[1].error + unlocked.study.journal_path.read_text(), "Karen")


class Crew:
    """Workers that are there, or not any more: then nobody waits for them longer than a moment."""

    slots, dashboard = 2, ""

    def __init__(self, room: dict[str, int]) -> None:
        self._seats = Seats(lambda: room, patience_s=0.1)
        engines = NoEngines(StudyConfig(device="cpu"))
        engines.__dict__ |= {"transcriber": FakeTranscriber("Well, yes."), "diariser": FakeDiariser()}
        self._here = Here(engines, decode=lambda order: Audio(samples=np.zeros(16_000, dtype=np.float32)))

    def watched(self, tell: Callable[[Workers], None]) -> None:
        self._seats.tell = tell

    def do(self, order: Order) -> bytes:
        with self._seats.taken(order.engine, order.sound):
            return self._here.do(order)

    def let_go(self) -> None:
        self._here.let_go()

    def stop(self) -> None:
        self._seats.close()


def test_a_run_whose_workers_are_gone_says_so_ends_and_goes_on_when_it_is_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seats, "LOOKS_S", 0.02)
    monkeypatch.setattr(pipeline.weights, "sha256", lambda name: name)
    unlocked = new_unlocked(tmp_path / "study")
    for number in range(4):
        add_recording(unlocked, f"R{number:03d}", sound=b"x")
    events: list[run.Told] = []
    with pytest.raises(ClusterLost, match="no worker is left"):
        run.run(unlocked, plan.tasks(unlocked), ENGINES, events.append, workforce=Crew({}))
    assert [one.state for one in events if isinstance(one, Workers)] == ["none"]
    assert not [one for one in events if isinstance(one, run.Outcome)]  # nothing is wrong with a recording
    outcomes = run.run(unlocked, plan.tasks(unlocked), ENGINES, events.append, workforce=Crew({"a": 2}))
    assert {outcome.state for outcome in outcomes} == {"done"}


def test_a_stop_by_hand_stops_all(unlocked: Unlocked, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(job: pipeline.Job, again: str) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline.Job, "run", stop)
    with pytest.raises(KeyboardInterrupt):
        run.run(unlocked, plan.tasks(unlocked), ENGINES, lambda event: None)
    with unlocked.study.lock("work"):  # and lets the study go
        pass
