"""A study watched while another process works on it: with and without the key, without a lock, from its journal."""

import io
import json
import time
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from tests.builders import add_detected, add_recording, new_unlocked, study_of, transcript
from transcribe import console, looks, overview
from transcribe.cli import app, batches
from transcribe.schema import Transcript
from transcribe.study import Study
from transcribe.vault import Unlocked


@pytest.fixture
def unlocked(tmp_path: Path) -> Unlocked:
    return study_of(tmp_path / "study", "R001", "R002", "R003")


def log(study: Study, *events: str) -> None:
    """Words as `started R001 segment`."""
    for event in events:
        what, recording_id, *stage = event.split(" ")
        of = {"recording": recording_id} if recording_id else {}
        study.log(what.replace("-", " "), **of, **({"stage": stage[0]} if stage else {}))


def row(study: Study, recording_id: str) -> tuple[str, tuple[str, ...], str]:
    found = next(one for one in overview.overview(study, None).rows if one.id == recording_id)
    return found.state, found.stages, found.group


def test_the_journal_tells_what_is_under_way(unlocked: Unlocked) -> None:
    study = unlocked.study
    assert row(study, "R001") == ("added", (), "waiting")
    log(study, "run-begun ", "started R001 segment", "started R002 segment")
    assert row(study, "R001") == ("added", ("segment",), "running")
    log(study, "finished R001 segment", "started R001 recognise", "started R001 diarise")
    assert row(study, "R001") == ("added", ("recognise", "diarise"), "running")
    log(study, "finished R001 recognise", "set-aside R002", "refused R003")
    assert row(study, "R001") == ("added", ("diarise",), "running")
    assert row(study, "R002") == ("set aside", (), "set aside")
    assert row(study, "R003") == ("added", (), "refused")
    log(study, "run-begun ", "started R002 recognise")  # the first run was killed; it is tried again
    assert row(study, "R001") == ("added", (), "waiting")
    assert row(study, "R002") == ("added", ("recognise",), "running")
    log(study, "no-speech R002", "failed R001", "run-ended ")
    assert row(study, "R002") == ("no speech", (), "done")
    assert row(study, "R001") == ("failed", (), "failed")
    assert "Next: transcribe run study" in overview.overview(study, None).advice("study")


def test_one_that_was_set_aside_is_to_be_run_again(tmp_path: Path) -> None:
    opened = new_unlocked(tmp_path / "study")
    add_detected(opened, transcript(("S1", "Yes.")))
    log(opened.study, "set-aside R001")
    assert overview.overview(opened.study, None).advice("study") == ("Next: transcribe run study",)


def by_steps(monkeypatch: pytest.MonkeyPatch, *steps: object) -> None:
    """Between two looks one of these happens; after the last, Ctrl-C."""
    left = list(steps)

    def sleep(seconds: float) -> None:
        assert seconds == looks.EVERY_S
        if not left:
            raise KeyboardInterrupt
        left.pop(0)()  # type: ignore[operator]

    monkeypatch.setattr(looks.time, "sleep", sleep)


def watched(study: Study, unlocked: Unlocked | None, *options: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(batches, "unlock_if_possible", lambda *_, **__: (study, unlocked))
    with study.lock("work"):  # as the process has it that is watched
        done = CliRunner().invoke(app, ["status", str(study.root), "--watch", *options])
    assert done.exit_code == 0
    return done.stdout


def test_watching_ends_when_all_is_run(unlocked: Unlocked, monkeypatch: pytest.MonkeyPatch) -> None:
    study = unlocked.study
    add_recording(unlocked, "R004")
    by_steps(
        monkeypatch,
        lambda: log(study, "run-begun ", "started R001 segment", "failed R003"),
        lambda: log(study, "no-speech R001", "set-aside R002", "refused R004", "run-ended "),
    )
    said = watched(study, None, "--json", monkeypatch=monkeypatch)
    first, second, third = map(json.loads, said.splitlines())
    assert first["totals"] == {"running": 0, "failed": 0, "set aside": 0, "refused": 0, "waiting": 4, "done": 0}
    assert second["totals"] == {"running": 1, "failed": 1, "set aside": 0, "refused": 0, "waiting": 2, "done": 0}
    assert third["totals"] == {"running": 0, "failed": 1, "set aside": 1, "refused": 1, "waiting": 0, "done": 1}
    assert second["recordings"][0] == {"recording": "R001", "state": "added", "stages": ["segment"], "duration_s": None}


def test_ctrl_c_ends_it_well_and_a_table_is_printed_where_something_changed(
    unlocked: Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = unlocked.study
    by_steps(monkeypatch, lambda: None, lambda: log(study, "no-speech R001"), lambda: add_recording(unlocked, "R004"))
    said = watched(study, unlocked, monkeypatch=monkeypatch)
    assert said.count("keep until") == 3
    assert "3 recordings, 3 waiting, 0.00 of 0.05 h done" in said
    assert "3 recordings, 2 waiting, 1 done, 0.02 of 0.05 h done" in said
    assert "4 recordings, 3 waiting, 1 done, 0.02 of 0.07 h done" in said
    assert "R001       no speech  0:01:00" in said


def test_a_screen_shows_first_what_is_under_way(unlocked: Unlocked, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(console, "OUT", Console(file=out, force_terminal=True, width=100, height=looks.ROOM + 2))
    log(unlocked.study, "no-speech R001", "started R003 recognise")
    by_steps(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        looks.watch(unlocked.study, None, as_json=False)
    said = out.getvalue()
    assert said.index("running: recognise") < said.index("R002")
    assert "R001" not in said
    assert "and 1 more" in said
    assert "3 recordings, 1 running, 1 waiting, 1 done" in said


def test_status_has_the_same_totals(unlocked: Unlocked, monkeypatch: pytest.MonkeyPatch) -> None:
    log(unlocked.study, "set-aside R002", "started R003 recognise")
    monkeypatch.setattr(batches, "unlock_if_possible", lambda *_, **__: (unlocked.study, unlocked))
    said = CliRunner().invoke(app, ["status", "study"]).stdout
    assert "R002       set aside" in said
    assert "R003       running: recognise" in said
    assert "3 recordings, 1 running, 1 set aside, 1 waiting, 0.00 of 0.05 h done" in said
    told = json.loads(CliRunner().invoke(app, ["status", "study", "--json"]).stdout)
    assert told["totals"]["set aside"] == 1
    assert told["recordings"][2]["stages"] == ["recognise"]


def test_a_look_reads_the_journal_some_times_and_no_transcript(
    unlocked: Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    journal, load = Study.journal, Unlocked.load
    monkeypatch.setattr(Study, "journal", lambda study: read.append(1) or journal(study))
    loaded: list[str] = []
    monkeypatch.setattr(Unlocked, "load", lambda self, of, name, cls: loaded.append(name) or load(self, of, name, cls))
    lengths: dict[str, float] = {}
    for _ in range(3):
        looks._rows(unlocked.study, unlocked, lengths)
    assert loaded == ["recording"] * 3
    one_look, read[:] = len(read) // 3, []
    for number in range(4, 12):
        add_recording(unlocked, f"R{number:03d}")
    read.clear()
    looks._rows(unlocked.study, None, lengths)
    assert len(read) <= one_look
    assert unlocked.load("R001", "transcript", Transcript) is None


def test_six_hundred_recordings_are_looked_at_in_no_time(tmp_path: Path) -> None:
    study = new_unlocked(tmp_path / "study").study
    ids = [f"R{number:03d}" for number in range(600)]
    lines = []
    for one in ids:
        study.artefact_path(one, "recording").parent.mkdir()
        study.artefact_path(one, "recording").touch()
        for stage in ("segment", "recognise", "diarise", "assemble", "listen", "detect"):
            lines += [{"event": what, "recording": one, "stage": stage} for what in ("started", "finished")]
        lines.append({"event": "done", "recording": one})
    with study.journal_path.open("a") as journal:
        journal.writelines(json.dumps({"at": "2026-01-02T03:04:05Z", **line}) + "\n" for line in lines)
    began = time.process_time()
    assert len(looks._rows(study, None, {})) == 600
    assert time.process_time() - began < 2.0
