"""Names heard wrongly: what is found, what stays, and what must always hold. All names are invented."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.detect.helpers import person, surfaces, utterances
from transcribe.detect import approximate, roster
from transcribe.schema import Kind

PEOPLE = (
    person("P1", "Siobhan Trevane"),
    person("B1", "Aoife"),
    person("T1", "Rose Penhaligon"),
    person("X1", "Oluwaseun Adeyemi", "Seun"),
    person("K1", "Niamh"),
    person("C1", "Dr Iqbal"),
    person("L1", "Whitchurch", kind=Kind.PLACE),
)
CONTEXT = "And Peter and Emma came over from Leeds and we talked, and that was that."

FOUND = [
    ("I said to Shavorn, sit down", "Shavorn", "P1"),
    ("and then she vawn came", "she vawn", "P1"),
    ("I went home and told Eifer", "Eifer", "B1"),
    ("My sister Neve came", "Neve", "K1"),
    ("and Rose pen her ligand said", "pen her ligand", "T1"),
    ("I'm here with Olawashayun today", "Olawashayun", "X1"),
    ("Everybody calls me Shayun.", "Shayun", "X1"),
    ("our session with Dr. Ikbal", "Ikbal", "C1"),
    ("over in Witchurch then", "Witchurch", "L1"),
]


@pytest.mark.parametrize(("text", "surface", "person_id"), FOUND)
def test_found(text: str, surface: str, person_id: str) -> None:
    found = [f for f in _find(text) if f.utterance_id == "U0001" and f.score >= 0.5]
    assert [(text[f.start : f.end], f.person_id) for f in found] == [(surface, person_id)]


LEFT = [
    "I never said so",
    "it was even better",
    "she went over there",
    "the shower was cold",
    "I am sorry about the session",
]


@pytest.mark.parametrize("text", LEFT)
def test_ordinary_words_are_no_names(text: str) -> None:
    assert not [f for f in _find(text) if f.score >= 0.5]


def _find(text: str) -> tuple[approximate.Finding, ...]:
    texts = utterances(text, CONTEXT)
    found, kept = roster.find(texts, PEOPLE)
    return approximate.find(texts, PEOPLE, found + kept)


def test_two_people_as_likely_are_shared() -> None:
    people = (person("A", "Aoife"), person("B", "Eefa"))
    texts = utterances("Then I told Eifer so", CONTEXT)
    (finding,) = approximate.find(texts, people)
    assert finding.score <= 0.6
    assert finding.reason.detail.endswith("shared")


def test_a_short_name_may_be_a_piece_of_a_longer_one() -> None:
    text = "and then Ash ling came"
    people = (person("A", "Aisling"),)
    texts = utterances(text, CONTEXT)
    found, kept = roster.find(texts, people)
    assert surfaces((text,), found) == ["Ash"]
    (finding,) = approximate.find(texts, people, found + kept)
    assert text[finding.start : finding.end] == "Ash ling"


def test_nothing_without_people_or_words() -> None:
    assert approximate.find(utterances("I told Eifer"), ()) == ()
    assert approximate.find((), PEOPLE) == ()
    assert approximate.find(utterances("", "7 . 8"), PEOPLE) == ()


def test_reasons_hold_no_word() -> None:
    assert {f.reason.detail for f in _find("I told Shavorn and Eifer")} == {"sounds like a known name"}


_WORDS = "she vawn Shavorn, Neve's told Rose pen her ligand. never Eva- I Dr Ikbal’s".split()


@given(st.lists(st.sampled_from(_WORDS), max_size=12).map(" ".join))
def test_findings_are_disjoint_and_clear_of_what_is_settled(text: str) -> None:
    texts = utterances(text)
    found, kept = roster.find(texts, PEOPLE)
    more = approximate.find(texts, PEOPLE, found + kept)
    spans = sorted((f.start, f.end) for f in found + kept + more)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    assert all(0.0 < f.score <= 1.0 and surfaces((text,), (f,))[0].strip() for f in more)
