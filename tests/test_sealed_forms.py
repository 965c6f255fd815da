"""Sealed spellings find what their forms would find, and nobody can read them."""

import json
import re
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import person
from transcribe.schema import Kind, Person
from transcribe.wordforms import FormIndex, sealed

NAMES = ("Karen Okonkwo", "Zsófia", "Seán O'Brien", "Anne-Marie de Souza", "Dr Ng")


def hidden(whom: Person) -> Person:
    """The same person with nothing but sealed spellings."""
    return person(whom.id, "[withheld]", position_only=True, sealed=sealed(whom))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "said",
    [
        "Then {} came.", "then {} came", "{}'s baby", "({})", "I told “{}”, and then", "{}", "{}. And", "_{}_",
        "Then xx{} came.", "{}son", "",
    ],
)  # fmt: skip
def test_a_sealed_name_is_found_where_the_name_would_be(name: str, said: str) -> None:
    whom = person("P1", name)
    open_index, sealed_index = FormIndex([whom]), FormIndex([hidden(whom)])
    for spelling in (
        name,
        name.upper(),
        name.split()[0],
        name.replace("-", " "),
        name.replace("'", ""),
        re.sub(r"\W", "_", name),
    ):
        text = said.format(spelling)
        found = {(m.start, m.end) for m in open_index.find(text)}
        assert {(m.start, m.end) for m in sealed_index.find(text)} == found


PIECES = st.sampled_from(
    ["Karen", "okonkwo", "Kar", "en", "O", "Brien", "O'Brien", "obrien", "Seán", " ", ", ", "-", "_", "\n", "é", "the"]
)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_whatever_is_said_a_sealed_index_finds_no_less(text: str) -> None:
    people = (person("P1", "Karen Okonkwo"), person("P2", "Seán O'Brien"))
    found = {(m.start, m.end, m.person_id) for m in FormIndex(people).find(text)}
    assert found <= {(m.start, m.end, m.person_id) for m in FormIndex(map(hidden, people)).find(text)}


def test_across_lines_and_full_stops_as_the_gate_reads() -> None:
    index = FormIndex([hidden(person("P1", "Karen Okonkwo"))])
    assert next((m.start, m.end) for m in index.find("Mrs Karen\nOkonkwo")) == (4, 17)
    assert (0, 13) in [(m.start, m.end) for m in index.find("Karen Okonkwo.")]
    assert {(0, 5), (7, 14)} <= {(m.start, m.end) for m in index.find("Karen; Okonkwo")}
    assert [(m.start, m.end) for m in index.find("Karen told Okonkwo")] == [(0, 5), (11, 18)]  # each name alone


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("anna@example.org", Kind.CONTACT),
        ("(020) 7946 0000", Kind.CONTACT),
        ("+44 7700/900123", Kind.CONTACT),
        ("Smith & Sons Ltd", Kind.ORGANISATION),
        ("Mother/Baby Unit", Kind.SERVICE),
        ("Siobhan/Shiv", Kind.PERSON),
    ],
)
def test_a_sealed_form_with_marks_in_it_is_found_as_the_form_is(form: str, kind: Kind) -> None:
    whom = person("X1", form, kind=kind)
    for text in (f"to {form} now", f"to\n{form.upper()}.", f"to {form}x now", "to Smith and Sons, mother or baby"):
        found = {(m.start, m.end) for m in FormIndex([whom]).find(text)}
        assert {(m.start, m.end) for m in FormIndex([hidden(whom)]).find(text)} == found


def test_of_a_place_the_whole_name_alone_counts() -> None:
    index = FormIndex([hidden(person("L1", "Market Weighton", kind=Kind.PLACE))])
    assert not index.find("the market")
    assert index.find("to Market Weighton")


def test_what_is_kept_holds_no_name_and_differs_from_study_to_study() -> None:
    whom = person("P1", "Karen Okonkwo")
    kept = json.dumps(asdict(hidden(whom)), default=str).casefold()
    assert "karen" not in kept
    assert "okonkwo" not in kept
    assert not set(sealed(whom).digests) & set(sealed(whom).digests)
