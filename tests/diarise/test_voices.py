"""Who is who: what is said names the interviewer; corrections outweigh it."""

import json
from pathlib import Path

import pytest

from tests.builders import person, transcript
from transcribe import people
from transcribe.diarise import voices
from transcribe.schema import Speaker, Transcript

MOTHER = person("P1", "Karen Okonkwo")
ASKER = person("R1", "Tamsin Hartley", role="interviewer")
INFANT = person("I1", "Rose", role="infant")
TALK = (
    ("S1", "How did you feel then?"),
    ("S2", "Well it was hard at first, and then we went home and it was all right, I think, for a while."),
    ("S1", "Can you tell me more? What happened?"),
    ("S2", "He cried and cried and nobody came to see us, so I rang my mother and she came over."),
)


def roles(said: Transcript, who: tuple[people.Person, ...] = (), fixed: tuple[Speaker, ...] = ()) -> dict[str, str]:
    return {s.label: s.role for s in voices.who_is_who(said, who, {f.label: f for f in fixed})}


def ids(said: Transcript, who: tuple[people.Person, ...], fixed: tuple[Speaker, ...] = ()) -> dict[str, str | None]:
    return {s.label: s.person_id for s in voices.who_is_who(said, who, {f.label: f for f in fixed})}


def interview(shared_data: Path, name: str) -> Transcript:
    document = json.loads((shared_data / "interviews" / f"{name}.json").read_text())
    labels = {speaker: f"S{n}" for n, speaker in enumerate(dict.fromkeys(t["speaker"] for t in document["turns"]), 1)}
    said = transcript(*((labels[t["speaker"]], t["text"]) for t in document["turns"]), recording_id=name)
    assert labels["R"] == "S1"
    return said


@pytest.mark.parametrize("name", ["d1_oluwaseun", "d2_siobhan", "d3_zsofia"])
@pytest.mark.parametrize("knows_who", [True, False])
def test_the_interviewer_of_the_development_interviews_is_named(shared_data: Path, name: str, knows_who: bool) -> None:
    said = interview(shared_data, name)
    roster = people.read((shared_data / "interviews" / f"{name}.roster.csv").read_bytes())
    who = tuple(p for p in roster if p.role in ("participant", "interviewer")) if knows_who else ()
    found = voices.who_is_who(said, who, {})
    assert [s.label for s in found if s.role == "interviewer"] == ["S1"]
    assert found[0].confidence >= 0.5
    if knows_who:
        assert {s.label: s.person_id for s in found}["S1"] == "R1"
        assert {s.label: s.person_id for s in found}["S2"] == "P1"


def test_the_voice_that_asks_is_the_interviewer_and_the_other_the_participant() -> None:
    assert ids(transcript(*TALK), (MOTHER, ASKER)) == {"S1": "R1", "S2": "P1"}
    assert roles(transcript(*TALK)) == {"S1": "interviewer", "S2": "speaker"}


@pytest.mark.parametrize("text", ["My name is Tamsin.", "I'm Tamsin Hartley", "so, call me tamsin", "I am TAMSIN"])
def test_who_says_her_own_name_is_she(text: str) -> None:
    said = transcript(("S1", "Yes."), ("S2", text), *(("S1", t) for _, t in TALK))
    assert ids(said, (MOTHER, ASKER)) == {"S2": "R1", "S1": "P1"}


@pytest.mark.parametrize(
    "text",
    [
        "I'm Tamsinette.",
        "is it Tamsin?",
        "I'm with Tamsin.",
        "I'm Tamsin's husband.",
        "I’m Tamsin’s mum.",
        "I am Tamsin-Ann.",
    ],
)
def test_a_name_that_is_only_mentioned_introduces_nobody(text: str) -> None:
    assert voices.introduced(transcript(("S2", text)), (ASKER,)) == {}


def test_a_name_that_two_voices_say_is_nobodys() -> None:
    assert voices.introduced(transcript(("S1", "I'm Tamsin"), ("S2", "I'm Tamsin")), (ASKER,)) == {}


def test_corrected_labels_are_respected_and_the_others_guessed_around_them() -> None:
    fixed = Speaker(label="S2", role="interviewer", person_id="R1", confidence=1.0)
    found = voices.who_is_who(transcript(*TALK), (MOTHER,), {"S2": fixed})
    assert found[1] == fixed
    assert (found[0].role, found[0].person_id) == ("participant", "P1")
    assert roles(transcript(*TALK), (), (fixed,)) == {"S1": "speaker", "S2": "interviewer"}


def test_a_correction_of_a_label_that_does_not_speak_changes_nothing() -> None:
    fixed = Speaker(label="S7", role="interviewer", person_id="R1", confidence=1.0)
    assert list(roles(transcript(*TALK), (), (fixed,))) == ["S1", "S2"]


def test_an_infant_is_never_a_voice_that_is_dealt_out() -> None:
    assert set(ids(transcript(*TALK), (INFANT, MOTHER)).values()) == {None, "P1"}


def test_an_infant_never_introduces_herself() -> None:
    name = INFANT.forms[0]
    assert voices.introduced(transcript(("S1", f"My name is {name}.")), (INFANT,)) == {}


def test_more_people_than_voices_and_more_voices_than_people() -> None:
    assert ids(transcript(TALK[0]), (MOTHER, ASKER)) == {"S1": "R1"}
    three = transcript(*TALK, ("S3", "Mm."))
    assert ids(three, (MOTHER, ASKER)) == {"S1": "R1", "S2": "P1", "S3": None}


@pytest.mark.parametrize("said", [transcript(), transcript(("S1", "")), transcript(("S1", "Yes."))])
def test_with_nothing_to_go_by_nobody_is_the_interviewer(said: Transcript) -> None:
    assert set(roles(said).values()) <= {"speaker"}


def test_confidence_is_a_share_and_scores_add_up_to_one() -> None:
    scores = voices.interviewing(transcript(*TALK, ("S3", "Is it?")))
    assert sum(scores.values()) == pytest.approx(1)
    found = voices.who_is_who(transcript(*TALK), (MOTHER, ASKER), {})
    assert all(0 <= s.confidence <= 1 for s in found)


def test_labels_are_listed_in_order_of_number() -> None:
    said = transcript(*((f"S{n}", "Yes.") for n in (10, 2, 1)))
    assert list(roles(said)) == ["S1", "S2", "S10"]
