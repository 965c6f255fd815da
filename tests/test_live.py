"""A run on the screen: a table on a terminal, lines without one, events with --json."""

import io
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from tests.batch.test_tally import end, event, halfway, task
from tests.builders import NoEngines, add_recording, new_unlocked, transcript
from transcribe import console, enrolment, live, pipeline
from transcribe.batch import workforces
from transcribe.batch.seats import Workers
from transcribe.batch.tally import Progress, Running
from transcribe.cli import app, batches
from transcribe.config import StudyConfig
from transcribe.diarise import Segmented
from transcribe.diarise.fake import FakeDiariser
from transcribe.errors import ClusterLost, SetAside
from transcribe.hearing import Here
from transcribe.schema import Audio, Transcript

TASKS = (task(1, 3600.0), task(2, 1800.0))


def drawn(progress: Progress) -> str:
    out = io.StringIO()
    Console(file=out, width=100).print(live.drawn(progress))
    return out.getvalue()


def test_the_table_shows_what_is_under_way_and_says_how_many_more_are() -> None:
    said = drawn(halfway())
    assert "done: 1 of 3, 1.0 of 2.5 h, 10 times as fast as speech, about 6 min left" in said
    assert "1 running, 1 failed\n" in said
    assert "R002       1:00:00  segment" in said
    assert "more" not in said
    many = [Running(recording_id=f"R{n:03d}", duration_s=60.0, stages=("recognise", "diarise")) for n in range(11)]
    crowded = Progress(of=600, done=0, failed=0, set_aside=2, running=tuple(many), sound_s=36_000.0,
                       sound_done_s=0.0, share_left=1.0, speed=None, left_s=None)  # fmt: skip
    said = drawn(crowded)
    assert "done: 0 of 600, 0.00 of 10.0 h\n" in said
    assert "11 running, 2 set aside, 587 waiting" in said
    assert said.count("recognise, diarise") == live.LINES
    assert "and 3 more" in said


def test_without_a_terminal_there_is_a_line_a_stage_and_one_a_recording(capsys: pytest.CaptureFixture[str]) -> None:
    with live.stages(TASKS, as_json=False) as report:
        for told in (event("R001", "segment", "started"), event("R001", "segment", "finished"), end("R001")):
            report(told)
        report(end("R002", "set aside"))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "R001 segment: 1.0 s, 3600.0 times as fast as speech"
    assert lines[1].startswith("R001 done; 1 of 2, 1.0 of 1.5 h, ")
    assert lines[1].endswith(" times as fast as speech, about a minute left")
    assert lines[2].startswith("R002 set aside; 1 of 2, 1.0 of 1.5 h, ")
    assert lines[2].endswith("nothing left")
    assert len(lines) == 3


def test_that_words_stay_as_another_model_heard_them_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with live.stages(TASKS, as_json=False) as report:
        report(event("R001", "recognise", "kept"))
    said = "R001 was read by a person, so its words stay as another model heard them; --again recognise makes them anew"
    assert capsys.readouterr().err.splitlines() == [said]
    out = io.StringIO()
    monkeypatch.setattr(console, "ERR", Console(file=out, force_terminal=True, width=200))
    with live.stages(TASKS, as_json=False) as report:
        report(event("R001", "recognise", "kept"))
    assert said in out.getvalue()


def test_with_json_each_is_an_event(capsys: pytest.CaptureFixture[str]) -> None:
    with live.stages(TASKS, as_json=True) as report:
        report(event("R001", "segment", "finished"))
        report(end("R002", "failed"))
        report(end("R001", "no speech"))
    first, second, third = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == {"recording": "R001", "stage": "segment", "state": "finished", "seconds": 1.0, "sound_s": 3600.0}
    assert second.pop("left_s") >= 0.0  # a stage of no time at all
    counts = {"of": 2, "sound_s": 5400.0}
    assert second == {"recording": "R002", "state": "failed", "done": 0, "sound_done_s": 0.0, **counts}
    assert third == {"recording": "R001", "state": "no speech", "done": 1, "sound_done_s": 3600.0, "left_s": 0.0,
                     **counts}  # fmt: skip


def test_on_a_terminal_the_table_is_drawn_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(console, "ERR", Console(file=out, force_terminal=True, width=100))
    with live.stages(TASKS, as_json=False) as report:
        report(event("R001", "segment", "started"))
        time.sleep(0.4)
    assert "segment" in out.getvalue()
    assert "R001 segment:" not in out.getvalue()
    assert out.getvalue().endswith("\x1b[2K")


NONE, QUEUED = Workers(state="none", waits_s=600.0), Workers(state="none")
SOME = Workers(state="some")


def test_that_no_worker_is_left_is_told_in_a_line_and_as_an_event(capsys: pytest.CaptureFixture[str]) -> None:
    for as_json in (False, True):
        with live.stages(TASKS, as_json) as report:
            for told in (NONE, QUEUED, SOME):
                report(told)
    said = capsys.readouterr()
    assert said.err.splitlines() == [
        "no worker is left: the run waits for one, about 10 min at most",
        "no worker is left: the run waits for the queue to begin a job",
        "there are workers again",
    ]
    assert [json.loads(line) for line in said.out.splitlines()] == [
        {"workers": "none", "waits_s": 600.0},
        {"workers": "none", "waits_s": None},
        {"workers": "some"},
    ]


def test_that_no_worker_is_left_stands_in_the_table_for_as_long_as_it_is_so() -> None:
    assert "no worker is left: the run waits for one, about 10 min at most" in drawn(replace(halfway(), workers=NONE))
    assert "worker" not in drawn(halfway())


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "nothing"), (20.0, "about a minute"), (600.0, "about 10 min"), (68_400.0, "about 19 h")],
)
def test_time_left_is_told_roughly(seconds: float, words: str) -> None:
    assert live.span(seconds) == words


class Slow(FakeDiariser):
    """Takes half a second to say where speech is."""

    def segment(self, audio: Audio) -> Segmented:
        time.sleep(0.5)
        return super().segment(audio)


def test_no_stage_counts_the_seconds_of_segmentation_as_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transcribe.asr.fake import FakeTranscriber

    unlocked = new_unlocked(tmp_path / "study")
    add_recording(unlocked, "R001", sound=b"x")
    engines = NoEngines(StudyConfig())
    engines.__dict__ |= {"transcriber": FakeTranscriber("Well, yes."), "diariser": Slow()}
    monkeypatch.setattr(pipeline.weights, "sha256", lambda name: name)
    events: list[pipeline.Event] = []
    here = Here(engines, decode=lambda order: Audio(samples=np.zeros(16_000, dtype=np.float32)))
    pipeline.Job(unlocked, "R001", engines, events.append, here)._heard("")
    seconds = {one.stage: one.seconds for one in events if one.state == "finished"}
    assert seconds["segment"] >= 0.5
    assert max(seconds["recognise"], seconds["diarise"]) < 0.4
    assert next(one.stage for one in events if one.state == "started") == "segment"
    begun = [one["stage"] for one in unlocked.study.journal() if one["event"] == "started"]
    assert sorted(map(str, begun)) == ["diarise", "recognise", "segment"]


class Crew:
    """A workforce with a page, whose work somebody else does."""

    slots = 2
    dashboard = "http://127.0.0.1:8787/status"

    def watched(self, tell: object) -> None:
        """They never leave."""

    def stop(self) -> None:
        """Nobody waits."""


@pytest.fixture
def lost() -> str:
    """The recording at which the cluster is."""
    return ""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str) -> Path:
    """A study of three recordings, of which the second will be set aside."""
    unlocked = new_unlocked(tmp_path / "study")
    for number in (1, 2, 3):
        add_recording(unlocked, f"R{number:03d}")

    def run(job: pipeline.Job, again: str) -> Transcript:
        if job._id == lost:
            raise ClusterLost("no worker is left", advice="run again, what is done is kept")
        if job._id == "R002":
            raise SetAside("set aside: in 4 tries its worker died", recording_id="R002", advice="run it again")
        return transcript(("S1", "Yes."))

    @contextmanager
    def found(*_: object) -> Iterator[Crew]:
        yield Crew()

    monkeypatch.setattr(batches, "unlock", lambda root, file: unlocked)
    monkeypatch.setattr(batches, "Engines", NoEngines)
    monkeypatch.setattr(NoEngines, "check", lambda self: None)
    monkeypatch.setattr(enrolment, "check", lambda unlocked: None)
    monkeypatch.setattr(workforces, "found", found)
    monkeypatch.setattr(pipeline.Job, "run", run)
    return tmp_path / "study"


def test_run_tells_where_its_page_is_and_each_end_and_ends_as_the_first_that_failed(program: Path) -> None:
    done = CliRunner().invoke(app, ["run", str(program), "--dashboard", "--json"])
    first, *ends, last = map(json.loads, done.stdout.splitlines())
    assert first == {"dashboard": Crew.dashboard}
    assert {one["recording"]: one["state"] for one in ends} == {"R001": "done", "R002": "set aside", "R003": "done"}
    assert (ends[-1]["done"], ends[-1]["of"], ends[-1]["left_s"]) == (2, 3, 0.0)
    assert [one["state"] for one in last["recordings"]] == ["done", "set aside", "done"]
    assert done.exit_code == SetAside.exit_code
    events = [json.loads(line)["event"] for line in (program / "journal.jsonl").read_text().splitlines()]
    assert (events[1], events[-1]) == ("run begun", "run ended")


def test_the_page_is_told_in_one_line_and_only_to_who_asked(program: Path) -> None:
    assert (
        f"Dask's page of this run: {Crew.dashboard}\n"
        in CliRunner().invoke(app, ["run", str(program), "--dashboard"]).stderr
    )
    assert "page" not in CliRunner().invoke(app, ["run", str(program)]).stderr


@pytest.mark.parametrize("lost", ["R003"])
def test_a_lost_cluster_ends_the_command(program: Path) -> None:
    ended = CliRunner().invoke(app, ["run", str(program), "--cluster", "tls://127.0.0.1:1"])
    assert isinstance(ended.exception, ClusterLost)
    assert str(ended.exception) == "no worker is left; run again, what is done is kept."
    assert "Next:" not in ended.output
