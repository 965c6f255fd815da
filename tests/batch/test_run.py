"""A batch: one recording that fails stops no other, and says nothing of what was heard."""

import errno
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.builders import (
    NoEngines,
    add_detected,
    add_recording,
    new_unlocked,
    person,
    says_nothing_of,
    study_of,
    transcript,
)
from transcribe import pipeline, pulse
from transcribe.asr import AsrOptions
from transcribe.asr.fake import FakeTranscriber
from transcribe.batch import plan, run, seats
from transcribe.batch.seats import Seats, Workers
from transcribe.config import StudyConfig
from transcribe.diarise import Segmented
from transcribe.diarise.fake import FakeDiariser
from transcribe.errors import ClusterLost, EngineError, StudyError
from transcribe.hearing import Here, Order
from transcribe.schema import Audio, Findings, SpeakerBounds, Transcript, Turns, Words
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


def test_a_file_of_facts_that_is_damaged_stops_no_run(unlocked: Unlocked) -> None:
    unlocked.study.artefact_path("R002", "recording").write_bytes(b"damaged")
    assert [t.duration_s for t in plan.tasks(unlocked)] == [60.0, 0.0, 60.0]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ValueError("Karen said so"), 1),
        (EngineError("the engine stopped"), 7),
        (MemoryError("Karen"), 1),
        (OSError(errno.EIO, "Karen.wav"), 2),
        (PermissionError(errno.EACCES, "Karen.wav"), 2),
    ],
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


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_full_disk_stops_all(unlocked: Unlocked, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    tried = []

    def do(job: pipeline.Job, again: str) -> object:
        tried.append(job._id)
        raise OSError(number, "Karen")

    monkeypatch.setattr(pipeline.Job, "run", do)
    with pytest.raises(OSError, match="Karen"):
        run.run(unlocked, plan.tasks(unlocked), ENGINES, lambda event: None)
    assert tried == ["R001"]


def test_a_recording_whose_decisions_are_damaged_is_told_and_the_others_get_their_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlocked = new_unlocked(tmp_path / "study", (person("P1", "Karen Okonkwo"),))
    for name in ("R001", "R002", "R003"):
        add_detected(unlocked, transcript(("S1", "Karen laughed."), recording_id=name))
    said = transcript(("S1", "Yes."))
    monkeypatch.setattr(pipeline.Job, "run", lambda job, again: said)
    (unlocked.study.log_path("R001") / "000001.age").parent.mkdir(exist_ok=True)
    (unlocked.study.log_path("R001") / "000001.age").write_bytes(b"damaged")
    for wanted in ((), ("R003",)):  # one that is not run, too
        outcomes = run.run(unlocked, plan.tasks(unlocked, wanted), ENGINES, lambda event: None)
        assert {o.recording_id: o.state for o in outcomes}["R001"] == "failed"
        assert {o.recording_id for o in outcomes if o.error} == {"R001"}
    found = unlocked.load("R003", "findings", Findings)
    assert found
    assert found.value.found


def test_the_longest_is_begun_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unlocked = new_unlocked(tmp_path / "study", ())
    lengths = {"R001": 60.0, "R002": 3600.0, "R003": 600.0}
    for name in lengths:
        add_detected(unlocked, transcript(("S1", "Yes."), recording_id=name))
    tasks = tuple(replace(task, duration_s=lengths[task.recording_id]) for task in plan.tasks(unlocked))
    begun: list[str] = []

    def do(job: pipeline.Job, again: str) -> Transcript:
        begun.append(job._id)
        return transcript(("S1", "Yes."))

    monkeypatch.setattr(pipeline.Job, "run", do)
    monkeypatch.setattr(run, "SPARE", 0)
    crew = Crew({"here": 1})
    crew.slots = 1
    assert [o.recording_id for o in run.run(unlocked, tasks, ENGINES, lambda event: None, "", crew)] == [*lengths]
    assert begun == ["R002", "R003", "R001"]


def test_a_recording_that_fails_twice_is_told_once() -> None:
    failed = run.Outcome(recording_id="R001", state="failed", error="R001: it cannot be read", exit_code=3)
    assert run._with((failed,), {"R001": PermissionError(13, "Permission denied")}) == (failed,)


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


class Endless(FakeDiariser):
    """Takes half a minute to tell who speaks, and says so all the while."""

    began = threading.Event()

    def diarise(self, audio: Audio, bounds: SpeakerBounds, segmented: Segmented) -> Turns:
        end = time.monotonic() + 30.0
        while time.monotonic() < end:
            pulse.beat(pulse.DIARISATION)
            self.began.set()
            time.sleep(0.01)
        return super().diarise(audio, bounds, segmented)


class Stopping(FakeTranscriber):
    """Ctrl-C comes while it listens."""

    def transcribe(self, audio: Audio, options: AsrOptions) -> Words:
        assert Endless.began.wait(10.0)
        raise KeyboardInterrupt


def test_a_stop_by_hand_waits_for_no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline.weights, "sha256", lambda name: name)
    unlocked = new_unlocked(tmp_path / "study")
    add_recording(unlocked, "R001", sound=b"x")
    engines = NoEngines(StudyConfig(device="cpu"))
    engines.__dict__ |= {"transcriber": Stopping(""), "diariser": Endless()}
    here = Here(engines, decode=lambda order: Audio(samples=np.zeros(16_000, dtype=np.float32)))
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        pipeline.Job(unlocked, "R001", engines, lambda event: None, here).run()
    assert time.monotonic() - began < 10.0
    assert unlocked.load("R001", "turns", Turns) is None
    pulse.beat(pulse.DIARISATION)  # the next run is not stopped


def test_a_stop_by_hand_stops_all(unlocked: Unlocked, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(job: pipeline.Job, again: str) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline.Job, "run", stop)
    with pytest.raises(KeyboardInterrupt):
        run.run(unlocked, plan.tasks(unlocked), ENGINES, lambda event: None)
    with unlocked.study.lock("work"):  # and lets the study go
        pass
