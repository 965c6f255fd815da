"""Words that nobody may have said, through a study: listed, written as [unclear], restored by a person, counted."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.builders import NoEngines, add_detected, finding, new_unlocked, person, says_nothing_of, transcript, turns
from tests.export.builders import conversation, line
from tests.export.builders import transcript as anonymised
from transcribe import cli, explain, export, invented, release, show
from transcribe.config import StudyConfig
from transcribe.errors import StudyError
from transcribe.export.layout import header_lines
from transcribe.pipeline import Job, refresh_findings
from transcribe.ready import need, preview, settled
from transcribe.review import corrections, decisions, settling
from transcribe.review.corrections import Correction
from transcribe.review.decisions import Review
from transcribe.review.log import Deed, Entry
from transcribe.schema import (
    Cause,
    Findings,
    Kind,
    ReviewState,
    Span,
    Transcript,
    Turns,
    Unclear,
    Verdict,
)
from transcribe.vault import Unlocked

ENGINES = NoEngines(StudyConfig())
KAREN = person("P1", "Karen Okonkwo")
TALK = (
    ("S1", "How was it, Karen?"),
    ("S1", "Thank you for watching. Karen sells the teapots."),  # nobody speaks here
    ("S2", "It was fine and then they came."),
)
SPEECH = turns((10.0, 13.0, "S1"), (30.0, 31.0, "S2"))  # the last words of U0003 stand alone, too
FORMATS = ("txt", "json", "docx", "vtt")


@pytest.fixture
def unlocked(tmp_path: Path) -> Unlocked:
    opened = new_unlocked(tmp_path / "study", (KAREN, person("R1", "Tamsin", role="interviewer")))
    said = transcript(*TALK)
    add_detected(opened, said, who=("P1", "R1"), sound=b"x")
    flag(opened, said)
    refresh_findings(opened, ENGINES)
    return opened


def flag(unlocked: Unlocked, said: Transcript) -> None:
    """What `run` leaves beside the transcript."""
    stored = unlocked.load("R001", "transcript", Transcript)
    assert stored
    stretches = invented.flag(said, SPEECH)
    unlocked.save("R001", "invented", invented.Flagged(source=stored.body_sha256, stretches=stretches), "k")


def text(unlocked: Unlocked) -> list[str]:
    return [line.text for line in preview(unlocked, need(unlocked, "R001", proposed=True)).lines]


def state(unlocked: Unlocked) -> ReviewState:
    now = settled(unlocked, "R001")
    assert now
    return now.settled.review


def test_until_settled_the_release_shows_unclear_there_and_counts_it(unlocked: Unlocked) -> None:
    assert text(unlocked)[1:] == ["[unclear]", "It was fine and [unclear]"]
    written = release.write(unlocked, (), FORMATS, ENGINES, unreviewed=True)
    for name in written.files:
        exporter = export.load(name.rpartition(".")[2])
        strings = exporter.read_text((Path(written.folder) / name).read_bytes())
        says_nothing_of(" ".join(strings), "watching", "teapots", "came", "Karen")
        assert any("[unclear]" in string for string in strings)
        if not name.endswith(".json"):
            assert "Unclear - 2 stretches, 4.4 s" in strings
    document = json.loads((Path(written.folder) / "R001_pseudonymised.json").read_text())
    assert document["unclear"] == {"stretches": 2, "seconds": 4.4}
    turn = document["turns"][2]
    assert [turn["text"][s["start"] : s["end"]] for s in turn["unclear"]] == ["[unclear]"]
    assert (turn["words"][-1]["text"], turn["words"][-1]["start_s"]) == (" [unclear]", 31.6)
    manifest = json.loads((Path(written.folder) / "manifest.json").read_text())
    assert manifest["recordings"][0]["unclear"] == {"stretches": 2, "seconds": 4.4}


def test_run_flags_beside_the_transcript_and_only_when_something_changed(
    unlocked: Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = unlocked.load("R001", "transcript", Transcript)
    unlocked.save("R001", "turns", SPEECH, "k")
    heard = unlocked.load("R001", "turns", Turns)
    assert said
    assert heard
    job = Job(unlocked, "R001", ENGINES, lambda event: None)
    job._flag(said, heard)
    made = unlocked.load("R001", "invented", invented.Flagged)
    assert made
    assert [s.id for s in made.value.stretches] == ["X0001", "X0002"]
    monkeypatch.setattr(invented, "flag", lambda *_: pytest.fail("flagged again"))
    job._flag(said, heard)
    monkeypatch.setattr(invented, "table_sha256", lambda: "another table")
    monkeypatch.setattr(invented, "flag", lambda *_: ())
    job._flag(said, heard)
    again = unlocked.load("R001", "invented", invented.Flagged)
    assert again
    assert again.value.stretches == ()
    assert unlocked.load("R001", "transcript", Transcript) == said  # its checksum stands, and so do decisions


def test_the_command_line_restores_several(unlocked: Unlocked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli.studies, "unlock", lambda root, file: unlocked)
    monkeypatch.setattr(cli.studies, "Engines", lambda config: ENGINES)
    root = str(unlocked.study.root)
    done = CliRunner().invoke(cli.app, ["settle", root, "R001", "--reviewer", "AB", "--restore", "X0001, X0002"])
    assert done.exit_code == 0, done.exception
    assert preview(unlocked, need(unlocked, "R001", proposed=True)).unclear == 0


def test_settling_alone_restores_nothing(unlocked: Unlocked) -> None:
    before = text(unlocked)
    settling.settle(unlocked, "R001", "AB")
    settling.check(unlocked, "R001", ENGINES)
    assert state(unlocked) is ReviewState.REVIEWED
    assert text(unlocked) == before


def test_restored_words_come_back_and_names_among_them_are_withheld(unlocked: Unlocked) -> None:
    review = settling.settle(unlocked, "R001", "AB", restore=("X0001",))
    settling.check(unlocked, "R001", ENGINES)
    lines = text(unlocked)
    assert lines[1].startswith("Thank you for watching.")
    assert lines[1].endswith("sells the teapots.")
    says_nothing_of(" ".join(lines), "Karen")
    assert lines[2] == "It was fine and [unclear]"
    assert [d.verdict for d in review.decisions] == [Verdict.RESTORE]
    assert preview(unlocked, need(unlocked, "R001", proposed=True)).unclear == 1
    again = settling.settle(unlocked, "R001", "CD", restore=("X0002",))  # decisions are added to, never taken out
    assert [(d.verdict, d.reviewer) for d in again.decisions] == [(Verdict.RESTORE, "AB"), (Verdict.RESTORE, "CD")]
    assert text(unlocked)[2] == "It was fine and then they came."
    assert (
        preview(unlocked, need(unlocked, "R001", proposed=True)).unclear,
        preview(unlocked, need(unlocked, "R001", proposed=True)).unclear_s,
    ) == (0, 0)
    assert state(unlocked) is ReviewState.REVIEWED
    logs = unlocked.study.audit_path.read_text() + unlocked.study.journal_path.read_text()
    says_nothing_of(logs, "Karen", "teapots", "watching")
    assert '"restored": 1' in logs or '"restored":1' in logs


@pytest.mark.parametrize(
    ("act", "written"),
    [
        (lambda said: corrections.split(said, "U0002", 3), ["[unclear]", "[unclear]"]),
        (lambda said: corrections.words(said, "U0002", 7, 7, "kettles."), ["[unclear] kettles."]),
        (lambda said: corrections.words(said, "U0002", 4, 4, "Tamsin"), ["[unclear] [interviewer] [unclear]"]),
    ],
)
def test_words_stay_unclear_where_others_beside_them_are_corrected(
    unlocked: Unlocked, act: Callable[[Transcript], Correction], written: list[str]
) -> None:
    ready = need(unlocked, "R001")
    made = act(ready.transcript.value)
    entry = Entry(
        at="2026-01-02T00:00:00Z", reviewer="AB", deed=Deed.ACT, base=ready.history.base, group="g", corrections=(made,)
    )  # fmt: skip
    unlocked.append("R001", entry)
    refresh_findings(unlocked, ENGINES)
    assert text(unlocked)[1 : 1 + len(written)] == written
    settling.settle(unlocked, "R001", "AB")
    assert state(unlocked) is ReviewState.REVIEWED
    assert text(unlocked)[1 : 1 + len(written)] == written
    ids = [stretch.id for stretch in need(unlocked, "R001").flagged]
    assert len(set(ids)) == len(ids)


def test_an_unknown_stretch_is_refused(unlocked: Unlocked) -> None:
    with pytest.raises(StudyError) as refused:
        settling.settle(unlocked, "R001", "AB", restore=("X0099",))
    says_nothing_of(refused.value, "Karen", "teapots")
    assert unlocked.load("R001", "review", Review) is None


def test_what_is_flagged_later_makes_a_reviewed_transcript_unreviewed_again(unlocked: Unlocked) -> None:
    unlocked.study.artefact_path("R001", "invented").unlink()  # a study of an older version
    refresh_findings(unlocked, ENGINES)
    settling.settle(unlocked, "R001", "AB")
    assert state(unlocked) is ReviewState.REVIEWED
    assert "teapots" in text(unlocked)[1]
    assert preview(unlocked, need(unlocked, "R001", proposed=True)).unclear == 0
    flag(unlocked, transcript(*TALK))
    assert state(unlocked) is ReviewState.UNREVIEWED
    settling.settle(unlocked, "R001", "AB", restore=("X0001", "X0002"))
    assert state(unlocked) is ReviewState.REVIEWED


def test_flags_of_another_transcript_are_waited_for(unlocked: Unlocked) -> None:
    unlocked.save("R001", "invented", invented.Flagged(source="0", stretches=()), "k")
    assert settled(unlocked, "R001") is None


def test_the_stretches_are_listed_with_reason_and_time(unlocked: Unlocked) -> None:
    shown = show.pseudonymised(unlocked, "R001", "txt")
    listing = shown.split("Perhaps said by nobody")[1]
    reasons = "a sentence that recognisers write in silence; nobody speaks here"
    assert f"X0001 [00:00:20] 3.2 s, unclear: {reasons}\nX0002 [00:00:31] 1.2 s, unclear: nobody speaks here" in listing
    says_nothing_of(shown, "teapots", "came", "Karen")
    document = json.loads(show.pseudonymised(unlocked, "R001", "json"))
    assert [one["id"] for one in document["flagged"]] == ["X0001", "X0002"]
    assert document["flagged"][1]["reasons"] == ["nobody speaks here"]
    assert "text" not in document["flagged"][1]


def test_the_key_holder_sees_their_words_too(unlocked: Unlocked) -> None:
    settling.settle(unlocked, "R001", "AB", restore=("X0002",))
    shown = show.identified(unlocked, "R001", "txt")
    assert "X0002 [00:00:31] 1.2 s, restored: nobody speaks here ...then they came...." in shown
    document = json.loads(show.identified(unlocked, "R001", "json"))
    first, second = document["flagged"]
    assert (first["state"], second["state"]) == ("unclear", "restored")
    assert first["text"] == TALK[1][1]
    assert (second["turn"], second["first_word"], second["last_word"]) == ("U0003", 4, 6)


def test_a_finding_inside_waits_and_is_told_so(unlocked: Unlocked) -> None:
    ready = settled(unlocked, "R001")
    assert ready
    states = {f.utterance_id: explain.state_of(ready, f) for f in ready.findings.found}
    assert states == {"U0001": explain.WITHHELD, "U0002": explain.UNCLEAR}


def test_a_question_inside_is_asked_with_the_others_in_case_the_words_were_said(unlocked: Unlocked) -> None:
    stored = unlocked.load("R001", "findings", Findings)
    assert stored
    start = TALK[1][1].index("teapots")
    asked = finding("U0002", start, start + 7, None, score=0.3)
    unlocked.save("R001", "findings", replace(stored.value, found=(*stored.value.found, asked)), stored.key)
    assert f"F0002:{start}-{start + 7} [00:00:20] a name? (30%)" in show.identified(unlocked, "R001", "txt")
    settling.settle(unlocked, "R001", "AB", accept=(f"F0002:{start}-{start + 7}",), restore=("X0001",))
    assert text(unlocked)[1].startswith("Thank you for watching.")
    says_nothing_of(text(unlocked)[1], "teapots", "Karen")


def stretch(start: int, end: int, utterance_id: str = "U0001", number: int = 1) -> Unclear:
    return Unclear(
        id=f"X{number:04d}", utterance_id=utterance_id, first_word=0, last_word=0, start=start, end=end,
        start_s=0.0, end_s=1.0, causes=(Cause.NOBODY,),
    )  # fmt: skip


def covered(found: tuple[tuple[int, int], ...], *flagged: Unclear) -> tuple[list[tuple[int, int]], ...]:
    listed = tuple(finding("U0001", start, end, KAREN) for start, end in found)
    made = decisions.settle(Findings(found=listed, kept=(), made_by=()), None, "s", "2026-01-01", flagged=flagged)
    return [(f.start, f.end) for f in made.replaced], [(s.start, s.end) for s in made.unclear]


def test_a_name_that_a_stretch_cuts_is_unclear_as_a_whole() -> None:
    assert covered(((0, 5), (10, 20)), stretch(12, 30)) == ([(0, 5)], [(10, 30)])
    assert covered(((0, 5), (10, 20)), stretch(12, 14)) == ([(0, 5)], [(10, 20)])
    assert covered(((0, 5),), stretch(5, 9)) == ([(0, 5)], [(5, 9)])
    assert covered(((0, 5),), stretch(0, 9, "U0002")) == ([(0, 5)], [(0, 9)])
    assert covered(((8, 16),), stretch(2, 10), stretch(14, 20, number=2)) == ([], [(2, 20)])  # one name cut by two


def test_a_restored_place_is_restored_only_where_all_of_it_was() -> None:
    findings = Findings(found=(), kept=(), made_by=())
    one = stretch(3, 10)
    seen = decisions.unchanged(findings, "s", "2026-01-01", (one, stretch(3, 14)))
    review = replace(seen, decisions=(decisions.restore(one, "AB", "2026-01-01T00:00:00Z"),))
    assert decisions.settle(findings, review, "s", "", flagged=(one,)).unclear == ()
    assert decisions.settle(findings, review, "s", "", flagged=(stretch(3, 14),)).unclear
    stale = decisions.settle(findings, review, "another", "", flagged=(one,))
    assert stale.unclear == (one,)


@pytest.mark.parametrize(
    ("count", "seconds", "header"),
    [(0, 0.0, None), (1, 0.44, "Unclear - 1 stretch, 0.4 s"), (3, 7.2, "Unclear - 3 stretches, 7.2 s")],
)
def test_the_header_counts_stretches_and_seconds(count: int, seconds: float, header: str | None) -> None:
    lines = header_lines(conversation(unclear=count, unclear_s=seconds))
    assert [one for one in lines if one.startswith("Unclear")] == ([header] if header else [])


def test_a_form_that_is_our_own_mark_does_not_stop_a_release() -> None:
    from transcribe.gate import Gate

    gate = Gate((person("X1", "Unclear", kind=Kind.SERVICE, role="service"),), StudyConfig().policy)
    marked = line(0, "Amelia", "So [unclear] then", unclear=(Span(start=3, end=12, kind=None),))
    assert gate.check_lines(anonymised(marked)) == ()
    assert gate.check_lines(anonymised(line(0, "Amelia", "So unclear then")))
