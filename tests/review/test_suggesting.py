"""Whom a reviewer may mean by words that she selects."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import builders
from tests.builders import person
from transcribe.errors import StudyError
from transcribe.review import suggesting
from transcribe.review.suggesting import MOST, Suggestion, suggestions
from transcribe.schema import Kind, Person, Speaker, Transcript

ANNA = person("P1", "Anna Penhaligon", relation="self")
DAVE = person("P2", "David Penhaligon", role="partner", relation="husband", of="P1")
OTHER_ANNA = person("P8", "Anna Whitmore", role="participant")
SIOBHAN = person("P9", "Siobhan Kelly", role="therapist", relation="therapist")
COURT = person("L1", "Thistle Court", kind=Kind.PLACE, role="place")
PEOPLE = (OTHER_ANNA, SIOBHAN, COURT, ANNA, DAVE)
LINKED = ("P1", "P2")


def said(text: str, role: str = "participant") -> Transcript:
    speaker = Speaker(label="S1", role=role, person_id="P1", confidence=1.0)
    return builders.transcript(("S1", text), speakers=(speaker,))


def suggested(
    text: str,
    words: str,
    people: tuple[Person, ...] = PEOPLE,
    linked: tuple[str, ...] = LINKED,
    role: str = "participant",
) -> tuple[Suggestion, ...]:
    start = text.index(words)
    return suggestions(said(text, role), "U0001", start, start + len(words), people, linked)


FIRST = [  # said, selected, who comes first, why
    ("I am Anna here", "Anna", "P1", suggesting.SAME),
    ("I am Anna's friend", "Anna's", "P1", suggesting.SAME),
    ("I am “anna” here", "“anna” ", "P1", suggesting.SAME),
    ("that was ANNA WHITMORE", "ANNA WHITMORE", "P8", suggesting.SAME),
    ("to see Siobhan", "Siobhan", "P9", suggesting.SAME),
    ("so Dave came", "Dave", "P2", suggesting.SHORT),
    ("so Shevonne came", "Shevonne", "P9", suggesting.SOUNDS),
    ("so She vawn came", "She vawn", "P9", suggesting.SOUNDS),
    ("with Pen her ligand", "Pen her ligand", "P1", suggesting.SOUNDS),
    ("at Thistle Caught", "Thistle Caught", "L1", suggesting.SOUNDS),
    ("my husband Grigor came", "Grigor", "P2", suggesting.SAID),
    ("so Grigor came", "Grigor", "P1", suggesting.HERE),
]


@pytest.mark.parametrize(("text", "words", "who", "why"), FIRST)
def test_the_likeliest_comes_first(text: str, words: str, who: str, why: str) -> None:
    best = suggested(text, words)[0]
    assert (best.person_id, best.why) == (who, why)


def test_who_is_linked_comes_before_others_of_the_name() -> None:
    assert [one.person_id for one in suggested("I am Anna", "Anna")][:2] == ["P1", "P8"]
    assert [one.person_id for one in suggested("I am Anna", "Anna", linked=("P8",))][:2] == ["P8", "P1"]
    assert [one.person_id for one in suggested("so Hanna came", "Hanna")][:2] == ["P1", "P8"]


SOMEBODY_NEW = [  # said, selected, who speaks, role and relation of the first who is new
    ("my sister Grigora came", "Grigora", "participant", ("relative", "participant's sister")),
    ("my husband Grigor came", "Grigor", "participant", ("partner", "husband")),
    ("the midwife, Grigora, came", "Grigora", "interviewer", ("clinician", "midwife")),
    ("so Grigora came", "Grigora", "participant", ("infant", "")),
]


@pytest.mark.parametrize(("text", "words", "speaker", "new"), SOMEBODY_NEW)
def test_the_words_around_it_say_who_is_new(text: str, words: str, speaker: str, new: tuple[str, str]) -> None:
    listed = [one for one in suggested(text, words, role=speaker) if one.person_id is None]
    assert listed[0].kind is Kind.PERSON
    assert (listed[0].role, listed[0].relation) == new


def test_one_infant_and_partner_are_enough() -> None:
    baby = person("P3", "Rory", role="infant")
    roles = [one.role for one in suggested("so Grigor came", "Grigor", (*PEOPLE, baby), (*LINKED, "P3"))]
    assert roles.count("partner") == roles.count("infant") == 1  # those who are known
    roles = [one.role for one in suggested("so Grigor came", "Grigor", (), ())]
    assert roles[:4] == ["partner", "infant", "child", "relative"]


NUMBERS = [  # said, selected, the kinds that come first
    ("ring me on 020 7946 0018 then", "020 7946 0018", [Kind.CONTACT]),
    ("reference AB 48577734 it was", "48577734", [Kind.ID_NUMBER, Kind.CONTACT]),
    (
        "it is oh two oh seven nine four six oh oh one eight",
        "oh two oh seven nine four six oh oh one eight",
        [Kind.CONTACT],
    ),
    ("write to anna at example dot com", "anna at example dot com", [Kind.CONTACT]),
    ("born on the 3rd of March 2021", "3rd of March 2021", [Kind.DATE]),
    ("it was on Tuesday", "Tuesday", [Kind.DATE]),
    ("she is 34 years old", "34 years old", [Kind.AGE]),
    ("she was 34 then", "34", [Kind.AGE, Kind.DATE]),
    ("she was thirty four then", "thirty four", [Kind.AGE, Kind.DATE]),
    ("back in 2019", "2019", [Kind.DATE]),
]


@pytest.mark.parametrize(("text", "words", "kinds"), NUMBERS)
def test_what_looks_like_a_number_or_a_date_is_one_first(text: str, words: str, kinds: list[Kind]) -> None:
    listed = suggested(text, words)
    assert [one.kind for one in listed[: len(kinds)]] == kinds
    assert all(
        one.person_id is None and one.role == "" and one.why == suggesting.NUMBER for one in listed[: len(kinds)]
    )
    assert {one.kind for one in listed} == set(Kind)


def test_a_month_that_is_somebodys_name_is_hers_first() -> None:
    june = person("P3", "June Bell", role="friend")
    assert suggested("so June came", "June", (*PEOPLE, june))[0].person_id == "P3"
    listed = suggested("so June came", "June")
    assert listed[0].kind is Kind.DATE
    assert any(one.kind is Kind.PERSON for one in listed)


def test_forms_that_nobody_searches_for_and_merged_people_count() -> None:
    hope = person("P4", "Hope", role="friend", position_only=True)
    assert suggested("so Hope came", "Hope", (*PEOPLE, hope))[0].person_id == "P4"
    double = person("P5", "Shivers", role="friend", same_as="P9")
    listed = suggested("so Shivers came", "Shivers", (*PEOPLE, double))
    assert (listed[0].person_id, listed[0].why) == ("P9", suggesting.SAME)
    assert "P5" not in {one.person_id for one in listed}


def test_kinds_are_offered_to_whatever_is_selected() -> None:
    for words in ("came", " ", "—"):
        kinds = [one.kind for one in suggested("she — came", words) if one.kind is not Kind.PERSON]
        assert kinds[:4] == [Kind.PLACE, Kind.ORGANISATION, Kind.SERVICE, Kind.DATE]


def test_an_unknown_turn_is_refused() -> None:
    with pytest.raises(StudyError, match="no such turn"):
        suggestions(said("so"), "U0002", 0, 2, PEOPLE, LINKED)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from("my husband Dave Anna's 34 May, Shevonne the nurse O'Neill 020 7946".split()), min_size=1),
    st.integers(0, 60),
    st.integers(0, 60),
    st.sets(st.sampled_from([p.id for p in PEOPLE])),
)
def test_no_more_than_twelve_each_once(words: list[str], start: int, end: int, linked: set[str]) -> None:
    listed = suggestions(said(" ".join(words)), "U0001", start, end, PEOPLE, sorted(linked))
    assert 4 <= len(listed) <= MOST
    keys = [(one.person_id, one.kind, one.role, one.relation) for one in listed]
    assert len(set(keys)) == len(keys)
    whys = {value for name, value in vars(suggesting).items() if name.isupper() and isinstance(value, str)}
    assert {one.why for one in listed} <= whys


def test_a_study_of_a_thousand_people_is_not_felt() -> None:
    syllables = "ba ne si lo mu ra te vi ko da".split()
    names = [f"{a}{b}{c}".title() for a in syllables for b in syllables for c in syllables]
    people = tuple(person(f"P{n}", f"{name} {names[-n]}") for n, name in enumerate(names, 1))
    suggested("so Banesi came", "Banesi", people)
    began = time.perf_counter()
    suggested("so Benasee came", "Benasee", people)
    assert time.perf_counter() - began < 0.5
