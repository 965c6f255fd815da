"""Whom a recording's recognition knows of, and to whom people found in it belong. All names are invented."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.builders import (
    MADE_BY,
    Cut,
    NoEngines,
    add_detected,
    add_recording,
    cut_at,
    finding,
    new_unlocked,
    person,
    transcript,
    turns,
)
from transcribe import history, intake, pipeline, weights
from transcribe.asr.fake import FakeTranscriber
from transcribe.asr.scoring import Passage
from transcribe.config import StudyConfig
from transcribe.detect.look import Seen
from transcribe.diarise.fake import FakeDiariser
from transcribe.errors import StudyError
from transcribe.hearing import Here, Listened
from transcribe.overview import overview
from transcribe.pipeline import DIARISE, RECOGNISE, Event, Job, linked, refresh_findings, scope_of
from transcribe.ready import held
from transcribe.review import corrections, settling
from transcribe.review.decisions import Review
from transcribe.review.desk import Change, Desk, Reviewer
from transcribe.schema import Audio, By, Finding, Kind, Recording, Speaker, Transcript, Turns, Words
from transcribe.speakers import SpeakerFixes, with_speakers
from transcribe.vault import Unlocked, with_people

PEOPLE = (
    person("P1", "Karen Okonkwo"),
    person("I1", "Teodor", role="infant", of="P1"),
    person("P2", "Orla Venn"),
    person("I2", "Sibley", role="infant", of="P2"),
    person("R1", "Tamsin", role="interviewer"),
    person("L1", "Abercwmboi", kind=Kind.PLACE, role="place", of="P2"),
    person("R001-F01", "Osgood", role="friend", of="P1", found=True),
)


@pytest.mark.parametrize(
    ("people", "who", "expected"),
    [
        (PEOPLE, ("P1", "R1"), ["P1", "I1", "R1"]),
        (PEOPLE, ("P2",), ["P2", "I2", "L1"]),
        (PEOPLE, (), []),  # two families: nobody said whose recording it is
        ((PEOPLE[0], PEOPLE[1], PEOPLE[4]), (), ["P1", "I1", "R1"]),  # one family: it can be no other
    ],
)
def test_recognition_knows_those_linked_to_the_recording(
    people: tuple[object, ...], who: tuple[str, ...], expected: list[str]
) -> None:
    assert [p.id for p in linked(people, who)] == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(("who", "of"), [(("P1", "R1"), "P1"), (("P1", "P2"), ""), ((), "")])
def test_people_found_belong_to_the_one_participant_of_the_recording(
    tmp_path: Path, who: tuple[str, ...], of: str
) -> None:
    unlocked = new_unlocked(tmp_path / "study", PEOPLE)
    add_recording(unlocked, "R001", who=who)
    assert (scope_of(unlocked, "R001").who, scope_of(unlocked, "R001").of) == (who, of)


class Hears:
    """A recogniser that can tell how well a text fits: names always fit better."""

    def __init__(self) -> None:
        self.asked: list[Passage] = []

    def transcribe(self, audio: Audio, options: object) -> None:
        raise AssertionError("recognised again")

    def score(self, audio: Audio, passage: Passage) -> tuple[float, ...]:
        self.asked.append(passage)
        return (-20.0, *([-5.0] * (len(passage.readings) - 1)))


class Deaf:
    """A recogniser that cannot."""


def listened(tmp_path: Path, transcriber: object) -> tuple[Listened, list[Event]]:
    unlocked = new_unlocked(tmp_path / "study", PEOPLE)
    said = transcript(("S1", "And then my Theodore laughed, every day."))
    add_detected(unlocked, said, who=("P1", "R1"), sound=b"x")
    engines = NoEngines(StudyConfig())
    engines.__dict__["transcriber"] = transcriber
    events: list[Event] = []
    here = Here(engines, decode=lambda order: Audio(samples=np.zeros(40 * 16_000, dtype=np.float32)))
    job = Job(unlocked, "R001", engines, events.append, here)
    stored = unlocked.load("R001", "transcript", Transcript)
    assert stored
    made = job._listened(stored).value
    assert job._listened(stored).value == made
    return made, events


def test_the_sound_is_heard_again_once_where_a_known_name_may_have_been_said(tmp_path: Path) -> None:
    hears = Hears()
    made, events = listened(tmp_path, hears)
    assert {f.person_id for f in made.found} <= {"I1"}
    assert hears.asked
    assert [e.state for e in events] == ["started", "finished", "skipped"]


def test_an_engine_that_cannot_tell_leaves_it_at_the_text(tmp_path: Path) -> None:
    assert listened(tmp_path, Deaf())[0].found == ()


READ = Review(decisions=(), source="", seen=(), reviewer="AB", settled_on="2026-11-01")


def recognised(unlocked: Unlocked, transcriber: object, model: str = "", *, again: bool = False) -> list[str]:
    """What a run with this engine, and this model, says of recognition."""
    engines = NoEngines(StudyConfig().with_recognition("", model))
    engines.__dict__ |= {"transcriber": transcriber, "diariser": FakeDiariser()}
    events: list[Event] = []
    here = Here(engines, decode=lambda order: Audio(samples=np.zeros(16_000, dtype=np.float32)))
    Job(unlocked, "R001", engines, events.append, here)._words(again)
    return [event.state for event in events if event.stage == "recognise"]


@pytest.fixture
def heard_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Unlocked:
    monkeypatch.setattr(weights, "sha256", lambda name: name)
    unlocked = new_unlocked(tmp_path / "study")
    add_recording(unlocked, "R001", sound=b"x")
    recognised(unlocked, FakeTranscriber("Well, yes."), "whisper-small")
    return unlocked


class Stops:
    """A recogniser that is stopped at its work."""

    def transcribe(self, audio: Audio, options: object) -> None:
        raise KeyboardInterrupt


def test_a_run_that_was_stopped_before_there_were_words_settles_no_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "sha256", lambda name: name)
    unlocked = new_unlocked(tmp_path / "study")
    add_recording(unlocked, "R001", sound=b"x")
    with pytest.raises(KeyboardInterrupt):
        recognised(unlocked, Stops())
    unlocked.change(lambda known: with_people(known, (PEOPLE[0], PEOPLE[4])))
    transcriber = FakeTranscriber("Well, yes.")
    recognised(unlocked, transcriber)
    assert [options.names for options in transcriber.asked] == [("Karen Okonkwo", "Tamsin")]
    unlocked.change(lambda known: with_people(known, (PEOPLE[1],)))
    assert recognised(unlocked, transcriber) == ["skipped"]  # a later change repeats nothing, and is told
    seen = overview(unlocked.study, unlocked)
    assert "transcribe run STUDY R001 --again recognise" in "".join(seen.advice("STUDY"))
    recognised(unlocked, transcriber, again=True)
    assert overview(unlocked.study, unlocked).unprimed == ()


def test_a_stage_is_finished_once_what_it_made_can_be_read(
    heard_once: Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(heard_once.study), "put", lambda *given: None)
    with pytest.raises(StudyError, match="vanished"):
        recognised(heard_once, FakeTranscriber("Well, no."))
    finished = [e for e in heard_once.study.journal() if (e["event"], e.get("stage")) == ("finished", RECOGNISE)]
    assert len(finished) == 1  # the first time's


def test_words_that_nobody_read_are_made_anew_by_another_model(heard_once: Unlocked) -> None:
    assert recognised(heard_once, FakeTranscriber("Well, no."), "whisper-small") == ["skipped"]
    assert recognised(heard_once, FakeTranscriber("Well, no.")) == ["started", "finished"]


def test_words_that_a_person_read_are_not_but_for_another_language_or_where_she_says_so(heard_once: Unlocked) -> None:
    heard_once.save("R001", "review", READ)
    before = heard_once.load("R001", "words", Words)
    assert recognised(heard_once, FakeTranscriber("Well, no.")) == ["kept"]
    assert heard_once.load("R001", "words", Words) == before
    assert before
    asked = replace(before.value.made_by, options=(("language", "en"),))
    heard_once.save("R001", "words", replace(before.value, made_by=asked), before.key)
    assert recognised(heard_once, FakeTranscriber("Well, no.")) == ["kept"]
    intake.set_language(heard_once, "R001", "cy")
    assert recognised(heard_once, FakeTranscriber("Wel, ie.")) == ["started", "finished"]
    assert recognised(heard_once, FakeTranscriber("Wel, na."), again=True) == ["started", "finished"]


def heard_anew(unlocked: Unlocked, *spans: tuple[float, float, str]) -> Transcript:
    """The words of `SAID` put together with other turns, as a run does; each stored first."""
    spoken = tuple(replace(w, text=f" {w.text.strip()}") for u in SAID.utterances for w in u.words)
    unlocked.save("R001", "words", Words(words=spoken, language="en", language_probability=1.0, made_by=MADE_BY), "k2")
    unlocked.save("R001", "turns", turns(*spans), "k2")
    words, made = unlocked.load("R001", "words", Words), unlocked.load("R001", "turns", Turns)
    assert words
    assert made
    return Job(unlocked, "R001", NoEngines(StudyConfig()), lambda event: None)._transcript(words, made).value


def test_what_an_earlier_version_put_together_and_a_person_read_stays(tmp_path: Path) -> None:
    unlocked = new_unlocked(tmp_path / "study", PEOPLE)
    add_detected(unlocked, SAID, sound=b"x", who=("P1", "R1"))
    words, made = unlocked.load("R001", "words", Words), unlocked.load("R001", "turns", Turns)
    assert words
    assert made
    sha256 = unlocked.vault.entry("R001").sha256
    former = unlocked.vault.digest("assemble", "1", sha256, words.body_sha256, made.body_sha256)
    unlocked.save("R001", "transcript", SAID, former)
    job = Job(unlocked, "R001", NoEngines(StudyConfig()), lambda event: None)
    unlocked.save("R001", "review", READ)
    assert job._transcript(words, made).value == SAID
    other = replace(made, body_sha256="0" * 64)  # voices told apart anew
    assert job._transcript(words, other).value != SAID
    unlocked.save("R001", "transcript", SAID, former)
    unlocked.study.artefact_path("R001", "review").unlink()
    assert job._transcript(words, made).value != SAID


def test_in_a_study_of_one_family_voices_are_dealt_out_though_nobody_said_who_took_part(tmp_path: Path) -> None:
    unlocked = new_unlocked(tmp_path / "study", (PEOPLE[0], PEOPLE[4]))
    said = transcript(("S1", "And how was that for you?"), ("S2", "Fine, and then my husband and I went home again."))
    add_detected(unlocked, said, sound=b"x")
    assert [s.person_id for s in with_speakers(unlocked, said).speakers] == ["R1", "P1"]
    settling.fix_speakers(unlocked, "R001", ("S1=participant",))
    assert [s.person_id for s in with_speakers(unlocked, said).speakers] == ["P1", "R1"]


def at(said: Transcript, word: str) -> tuple[Finding, ...]:
    """What a rule finds that looks for this word alone."""
    places = [(u.id, u.text.index(word)) for u in said.utterances if word in u.text]
    return tuple(finding(turn, start, start + len(word), None, kind=Kind.PERSON) for turn, start in places)


def test_other_rules_read_corrected_words_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What they found after a correction counts while they are the same rules."""
    monkeypatch.setattr(weights, "sha256", lambda name: name)
    unlocked = new_unlocked(tmp_path / "study", PEOPLE)
    said = transcript(("S1", "We saw Bramble then."))
    add_detected(unlocked, said, who=("P1",))
    unlocked.save("R001", "transcript", said, "imported")
    tables, rules = ["first"], ["Bramble"]
    monkeypatch.setattr(pipeline.defaults, "tables_sha256", lambda: tables[0])
    monkeypatch.setattr(pipeline.looking, "look", lambda text, _: Seen(found=at(text, rules[0]), foreign=()))

    def found() -> list[str]:
        job = Job(unlocked, "R001", NoEngines(StudyConfig()), lambda event: None)
        job.run()
        pipeline.refresh_findings(unlocked, job._engines)
        here = history.need_current(unlocked, "R001")
        stored = held(unlocked, "R001")
        assert stored
        seen = pipeline.candidates_now(here, stored.candidates, stored.amended)
        assert seen
        texts = {u.id: u.text for u in here.transcript.value.utterances}
        return [texts[f.utterance_id][f.start : f.end] for f in seen.found]

    assert found() == ["Bramble"]
    desk = Desk(unlocked, "R001", Reviewer(alias="AB", second=False))
    corrected = corrections.words(said, "U0001", 2, 2, "Bracken")
    desk.do(Change(name="words", stood=desk.stood, corrections=(corrected,)), "g1")
    rules[0] = "Bracken"
    pipeline.look_again(unlocked, "R001", NoEngines(StudyConfig()))
    assert found() == ["Bracken"]
    rules[0], tables[0] = "then", "second"
    assert found() == ["then"]


def who_speaks(unlocked: Unlocked, said: Transcript) -> list[tuple[str, str | None, bool]]:
    """Role and id of who says each turn, and whether a person said so."""
    known = {s.label: (s.role, s.person_id, s.by is By.CORRECTED) for s in with_speakers(unlocked, said).speakers}
    return [known[u.speaker] for u in said.utterances]


SAID = transcript(
    ("S1", "How is she?"), ("S2", "She is fine, thank you, as you see."), ("S1", "Good."), ("S3", "Tea, anyone?")
)
FIXES = SpeakerFixes(
    speakers=(
        Speaker(label="S1", role="interviewer", person_id="R1", confidence=1.0),
        Speaker(label="S2", role="participant", person_id="P1", confidence=1.0),
        Speaker(label="S3", role="husband", person_id=None, confidence=1.0),
    )
)
TAMSIN, KAREN, HUSBAND = ("interviewer", "R1", True), ("participant", "P1", True), ("husband", None, True)


@pytest.fixture
def named(tmp_path: Path) -> Unlocked:
    """A recording of which a person said who speaks."""
    unlocked = new_unlocked(tmp_path / "study", PEOPLE)
    add_detected(unlocked, SAID, sound=b"x", who=("P1", "R1"))
    unlocked.save("R001", "speakers", FIXES)
    return unlocked


OTHER = ((10.0, 19.0, "S2"), (20.0, 29.0, "S1"), (30.0, 39.0, "S2"), (40.0, 49.0, "S4"))


def test_who_somebody_is_follows_her_voice_where_turns_are_made_anew(named: Unlocked) -> None:
    assert who_speaks(named, heard_anew(named, *OTHER)) == [TAMSIN, KAREN, TAMSIN, HUSBAND]
    again = heard_anew(named, *((start, end, f"S{9 - int(label[1])}") for start, end, label in OTHER))
    assert who_speaks(named, again) == [TAMSIN, KAREN, TAMSIN, HUSBAND]


def test_of_two_voices_that_are_one_now_it_is_whose_it_is_most_and_the_other_is_told(named: Unlocked) -> None:
    said = heard_anew(named, (10.0, 19.0, "S2"), (20.0, 29.0, "S1"), (30.0, 49.0, "S2"))
    assert [u.speaker for u in said.utterances] == ["S2", "S1", "S2"] + ["S2"] * (len(said.utterances) - 3)
    assert {*who_speaks(named, said)} == {TAMSIN, KAREN}
    past = history.need_current(named, "R001").history
    assert past.carried is not None
    assert [(one.what, one.text) for one in past.carried.lost] == [("speaker", "S3, husband")]


def test_a_label_that_a_person_gave_names_no_voice_of_new_turns(named: Unlocked) -> None:
    """What she gave it for is gone with the former turns; the like of it may be anybody's now."""
    stranger = Speaker(label="S4", role="neighbour", person_id=None, confidence=1.0)
    named.save("R001", "speakers", SpeakerFixes(speakers=(*FIXES.speakers, stranger)))
    said = heard_anew(named, *OTHER)
    assert who_speaks(named, said)[-1] == HUSBAND
    past = history.need_current(named, "R001").history
    assert past.carried is not None
    assert [(one.what, one.text) for one in past.carried.lost] == [("speaker", "S4, neighbour")]


def test_words_recognised_anew_leave_who_speaks_as_it_is(named: Unlocked) -> None:
    less = replace(SAID.utterances[1], words=SAID.utterances[1].words[:-1])
    spans = ((10.0, 19.0, "S1"), (20.0, 29.0, "S2"), (30.0, 39.0, "S1"), (40.0, 49.0, "S3"))
    named.save("R001", "transcript", replace(SAID, utterances=(SAID.utterances[0], less, *SAID.utterances[2:])), "k")
    assert who_speaks(named, heard_anew(named, *spans)) == [TAMSIN, KAREN, TAMSIN, HUSBAND]
    stored = named.load("R001", "speakers", SpeakerFixes)
    assert stored is not None
    assert stored.value == FIXES


@pytest.mark.parametrize("number", range(1, 8))
def test_killed_while_turns_are_made_anew_a_voice_is_still_hers_at_the_next_run(named: Unlocked, number: int) -> None:
    with suppress(Cut), cut_at(number):
        heard_anew(named, *OTHER)
    assert who_speaks(named, heard_anew(named, *OTHER)) == [TAMSIN, KAREN, TAMSIN, HUSBAND]


class Idle:
    """A workshop that is asked for nothing."""

    def do(self, order: object) -> bytes:
        raise Cut

    def let_go(self) -> None:
        pass


@pytest.mark.parametrize(("channels", "settled", "stands"), [(2, False, True), (4, False, False), (4, True, True)])
def test_what_was_heard_without_a_channel_is_heard_again_unless_a_person_read_it(
    named: Unlocked, channels: int, settled: bool, stands: bool
) -> None:
    facts = named.load("R001", "recording", Recording)
    assert facts
    named.save("R001", "recording", replace(facts.value, channels=channels))
    job = Job(named, "R001", NoEngines(StudyConfig()), lambda event: None, Idle())
    names = job._names(False)
    words = named.load("R001", "words", Words)
    assert words
    named.save("R001", "words", words.value, job._key(RECOGNISE, *job._recognised_as(names)))
    named.save("R001", "turns", turns(*OTHER), job._key(DIARISE, *job._segmented_by, "None", "None"))
    if settled:
        refresh_findings(named, NoEngines(StudyConfig()))
        settling.settle(named, "R001", "AB")
    if stands:
        assert job._words(False).value == words.value
        assert job._turns(False).value == turns(*OTHER)
    else:
        for heard in (job._words, job._turns):
            with pytest.raises(Cut):
                heard(False)
