"""A batch: one recording that fails stops no other, and says nothing of what was heard."""

from pathlib import Path

import pytest

from tests.builders import NoEngines, says_nothing_of, study_of, transcript
from transcribe import pipeline
from transcribe.batch import plan, run
from transcribe.config import StudyConfig
from transcribe.errors import EngineError, StudyError
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


def test_a_stop_by_hand_stops_all(unlocked: Unlocked, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(job: pipeline.Job, again: str) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline.Job, "run", stop)
    with pytest.raises(KeyboardInterrupt):
        run.run(unlocked, plan.tasks(unlocked), ENGINES, lambda event: None)
    with unlocked.study.lock("work"):  # and lets the study go
        pass
