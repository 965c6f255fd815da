"""Replacing: the text says the pseudonym exactly where the spans say so."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import all_findings, finding, person, transcript
from transcribe.anonymise import anonymise, label_of, speaker_names
from transcribe.config import Action, Policy
from transcribe.review.decisions import Settled
from transcribe.schema import AnonymisedTranscript, Finding, Kind, Person, ReviewState, Speaker, Transcript

KAREN = person("P1", "Karen Okonkwo", pseudonym="Amelia")
ROSE = person("I1", "Rose", role="infant", pseudonym="[infant]")
ACORN = person("S1", "Acorn Service", kind=Kind.SERVICE, role="service", pseudonym="the service")
PEOPLE = {p.id: p for p in (KAREN, ROSE, ACORN)}


def write(
    said: Transcript,
    found: tuple[Finding, ...],
    kept: tuple[Finding, ...] = (),
    people: dict[str, Person] = PEOPLE,
    policy: Policy | None = None,
) -> AnonymisedTranscript:
    settled = Settled(replaced=found, kept=kept, review=ReviewState.UNREVIEWED, settled_on="2026-01-02")
    return anonymise(said, settled, people, policy or Policy(), "digest")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("so Karen came", "so Amelia came"),
        ("Karen Okonkwo came", "Amelia came"),
        ("Karen's baby, Rose.", "Amelia's baby, [infant]."),
        ("Karen\u2019s.", "Amelia\u2019s."),
        ('"Karen!" she said', '"Amelia!" she said'),
        ("the Acorn Service is", "the service is"),
        ("Acorn Service is", "the service is"),
        ("at their Acorn Service.", "at their service."),
        ("at the, Acorn Service.", "at the, the service."),
        ("of the (Acorn Service)", "of the (the service)"),
        ("Karen Rose Karen", "Amelia [infant] Amelia"),
        ("anti-Karen", "anti-Amelia"),
        ("nobody", "nobody"),
    ],
)
def test_names_give_way_and_possessives_and_punctuation_stay(text: str, expected: str) -> None:
    said = transcript(("S1", text))
    (line,) = write(said, all_findings(said, PEOPLE.values())).lines
    assert line.text == expected
    assert "".join(word.text for word in line.words) == expected
    allowed = {"Amelia", "[infant]", "the service", "service"}
    assert {line.text[s.start : s.end] for s in line.replaced} <= allowed


def test_a_name_of_several_words_takes_their_whole_time() -> None:
    said = transcript(("S1", "so Karen Okonkwo came"))
    before = said.utterances[0].words
    (line,) = write(said, all_findings(said, PEOPLE.values())).lines
    assert [w.text for w in line.words] == ["so", " Amelia", " came"]
    assert (line.words[1].start_s, line.words[1].end_s) == (before[1].start_s, before[2].end_s)
    assert (line.words[2].start_s, line.words[2].end_s) == (before[3].start_s, before[3].end_s)


def test_a_kept_word_stays_and_its_span_says_where_it_is_read() -> None:
    said = transcript(("S1", "Karen Okonkwo rose early"))
    found = (finding("U0001", 0, 13, KAREN),)
    (line,) = write(said, found, (finding("U0001", 14, 18, ROSE, person_id=None),)).lines
    assert line.text == "Amelia rose early"
    assert [line.text[s.start : s.end] for s in line.kept] == ["rose"]
    assert [s.kind for s in line.kept] == [None]


def test_who_is_kept_by_policy_is_read_by_her_name() -> None:
    said = transcript(("S1", "so Karen came"))
    policy = Policy(roles={"participant": Action.KEEP})
    (line,) = write(said, all_findings(said, PEOPLE.values()), policy=policy).lines
    assert line.text == "so Karen came"
    assert line.replaced == ()
    assert [line.text[s.start : s.end] for s in line.kept] == ["Karen"]


@pytest.mark.parametrize(
    ("kind", "expected"), [(Kind.DATE, "[date]"), (Kind.ID_NUMBER, "[number]"), (Kind.OTHER, "[other]")]
)
def test_what_belongs_to_nobody_is_written_as_its_kind(kind: Kind, expected: str) -> None:
    (line,) = write(transcript(("S1", "on 3 May then")), (finding("U0001", 3, 8, None, kind=kind),)).lines
    assert line.text == f"on {expected} then"


def test_replacements_are_counted_by_kind() -> None:
    said = transcript(("S1", "Karen and Rose"), ("S2", "Karen at Acorn Service"))
    counts = write(said, all_findings(said, PEOPLE.values())).counts
    assert dict(counts) == {Kind.PERSON: 3, Kind.SERVICE: 1}


@pytest.mark.parametrize(
    ("speaker", "expected"),
    [
        (("interviewer", None), "Interviewer"),
        (("speaker", None), "Speaker 1"),
        (("health_visitor", None), "Health visitor"),
        (("participant", "P1"), "Amelia"),
        (("interviewer", "R1"), "Interviewer"),
        (("participant", "R1"), "Interviewer"),  # the roster was corrected since the voice was given to her
        (("interviewer", "P1"), "Amelia"),
        (("infant", "I1"), "Infant"),
        (("participant", "P7"), "Participant"),
    ],
)
def test_a_speaker_is_called_by_pseudonym_or_role(speaker: tuple[str, str | None], expected: str) -> None:
    known = {**PEOPLE, "R1": person("R1", "Tamsin", role="interviewer", pseudonym="[interviewer]")}
    said = transcript(("S1", "Yes."))
    named = Speaker(label="S1", role=speaker[0], person_id=speaker[1], confidence=1.0)
    said = transcript(("S1", "Yes."), speakers=(named,))
    assert speaker_names(said, known, Policy()) == {"S1": expected}


def test_no_label_tells_of_twins_where_they_are_withheld() -> None:
    said = transcript(("S1", "Yes."), speakers=(Speaker(label="S1", role="twin", person_id=None, confidence=1.0),))
    for policy, label in ((Policy(), "Twin"), (Policy(roles={"multiple birth": Action.TAG}), "Child")):
        assert speaker_names(said, {}, policy) == {"S1": label}


def test_no_two_speakers_have_the_same_name() -> None:
    roles = ["interviewer", "interviewer", "participant", "speaker", "interviewer"]
    speakers = tuple(
        Speaker(label=f"S{n}", role=role, person_id=None, confidence=0.5) for n, role in enumerate(roles, 1)
    )
    names = speaker_names(transcript(("S1", "Yes."), speakers=speakers), {}, Policy())
    assert list(names.values()) == ["Interviewer", "Interviewer 2", "Participant", "Speaker 4", "Interviewer 3"]


def test_a_tag_makes_a_label_without_brackets() -> None:
    assert [label_of(p) for p in ("Amelia", "[older daughter]", "the service")] == [
        "Amelia",
        "Older daughter",
        "the service",
    ]


TEXTS = st.lists(
    st.lists(st.sampled_from([*"so Karen Rose Karen's the Acorn Service. Okonkwo, we -".split()]), max_size=10)
    .map(" ".join)
    .filter(bool),
    max_size=4,
)


@settings(deadline=None)
@given(TEXTS)
def test_words_join_to_lines_and_all_outside_the_spans_is_as_it_was_said(texts: list[str]) -> None:
    said = transcript(*(("S1", text) for text in texts))
    found = all_findings(said, PEOPLE.values())
    written = write(said, found)
    assert [line.number for line in written.lines] == list(range(1, len(texts) + 1))
    for utterance, line in zip(said.utterances, written.lines, strict=True):
        here = [f for f in found if f.utterance_id == utterance.id]
        assert "".join(w.text for w in line.words) == line.text
        assert len(here) == len(line.replaced)
        assert all(a.end_s <= b.start_s for a, b in zip(line.words, line.words[1:], strict=False))
        before, after, place, read = "", "", 0, 0
        for old, new in zip(here, line.replaced, strict=True):
            before += utterance.text[place : old.start]
            after += line.text[read : new.start]
            place, read = old.end, new.end
        assert before + utterance.text[place:] == after + line.text[read:]
