"""What an accepted decision teaches, and what it must not. All names are invented."""

from dataclasses import replace

import pytest

from tests.builders import finding, person, transcript
from transcribe.review.learning import learnt
from transcribe.schema import Kind, Person, Sealed
from transcribe.wordforms import search_forms

PEOPLE = (
    person("P1", "Siobhra Quillby", "Siobhra"),
    person("X1", "Will", role="partner"),
    person("L1", "Abercwmboi", kind=Kind.PLACE, role="place"),
)
TEXT = "Then Shavorna rang from Aberkumboy, and we'll see Evva's Quillby again."


def heard_of(surface: str, whom: Person) -> dict[str, tuple[str, ...]]:
    start = TEXT.index(surface)
    said = transcript(("S1", TEXT))
    return {p.id: p.heard for p in learnt(said, [finding("U0001", start, start + len(surface), whom)], PEOPLE)}


@pytest.mark.parametrize(
    ("surface", "whom", "expected"),
    [
        ("Shavorna", PEOPLE[0], {"P1": ("Shavorna",)}),
        ("Aberkumboy", PEOPLE[2], {"L1": ("Aberkumboy",)}),
        ("Evva's", PEOPLE[0], {"P1": ("Evva",)}),
    ],
)
def test_a_rare_form_is_learnt(surface: str, whom: Person, expected: dict[str, tuple[str, ...]]) -> None:
    assert heard_of(surface, whom) == expected


@pytest.mark.parametrize(
    ("surface", "whom"),
    [
        ("we'll", PEOPLE[1]),  # an ordinary word
        ("Then Shavorna", PEOPLE[0]),  # a common word in it
        ("Quillby", PEOPLE[1]),  # somebody else's name
        ("see", PEOPLE[1]),
    ],
)
def test_an_ordinary_word_or_anybodys_name_is_not(surface: str, whom: Person) -> None:
    assert heard_of(surface, whom) == {}


def test_a_learnt_form_is_searched_for_everywhere() -> None:
    from transcribe.wordforms import FormIndex

    said = transcript(("S1", TEXT))
    (taught,) = learnt(said, [finding("U0001", 5, 13, PEOPLE[0])], PEOPLE)
    assert [m.person_id for m in FormIndex([taught]).find("and shavorna said")] == ["P1"]


def found(surface: str, kind: Kind = Kind.PERSON, **fields: object) -> Person:
    """Somebody whom a rule was not sure of."""
    return replace(person("R001-F01", surface, kind=kind), found=True, position_only=True, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "surface", "expected"),
    [
        ("Then Brennock rang.", "Brennock", {"Brennock"}),
        ("Then Tilda Brennock rang.", "Tilda Brennock", {"Tilda Brennock", "Tilda", "Brennock"}),
        ("Then Will rang.", "Will", set()),
        ("Then Badger rang about a badger.", "Badger", set()),
        ("Then Number rang.", "Number", set()),
    ],
)
def test_who_was_only_likely_is_searched_for_once_accepted_unless_she_is_an_ordinary_word(
    text: str, surface: str, expected: set[str]
) -> None:
    whom, start = found(surface), text.index(surface)
    taught = learnt(transcript(("S1", text)), [finding("U0001", start, start + len(surface), whom)], [whom])
    assert {form for one in taught for form in search_forms(one)} == expected


def test_a_date_and_somebody_forgotten_stay_bound_to_their_places() -> None:
    said = transcript(("S1", "Then Brennock rang."))
    gone = found("[withheld]", sealed=Sealed(key="", longest=1, digests=("x",)))
    for whom in (found("Brennock", Kind.DATE), gone):
        assert learnt(said, [finding("U0001", 5, 13, whom)], [whom]) == ()


def test_a_rare_form_of_somebody_called_by_an_ordinary_word_is_learnt_and_the_word_is_not() -> None:
    said, hope = transcript(("S1", "Then Brennock rang. Hope did.")), found("Hope")
    taught = learnt(said, [finding("U0001", 20, 24, hope), finding("U0001", 5, 13, hope)], [hope])
    assert [search_forms(one) for one in taught] == [("Brennock",)]
