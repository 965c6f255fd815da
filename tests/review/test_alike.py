"""Words that sound or look like a known name, which no mark touches: the likeliest first."""

import itertools
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import builders
from transcribe.review.alike import LEAST, MOST, alike
from transcribe.schema import Kind

SIOBHAN = builders.person("P1", "Siobhan Penhaligon")
NIAMH = builders.person("P2", "Niamh Whitmore", "Neevie")
MILL = builders.person("L1", "Thistle Court", kind=Kind.PLACE)
PEOPLE = (SIOBHAN, NIAMH, MILL)

CASES = [  # said, what is told of it with whose it may be, the likeliest first
    ("and Shevonne came", [("Shevonne", "P1")]),
    ("and She vawn came", [("She vawn", "P1")]),
    ("it was Shevonne's", [("Shevonne", "P1")]),
    ("to pen her ligand then", [("pen her ligand", "P1")]),
    ("to pen-her-ligand then", [("pen-her-ligand", "P1")]),
    ("she never came to Neave", [("Neave", "P2"), ("never", "P2")]),
    ("at Thistle Caught", [("Thistle Caught", "L1")]),
    ("at the thistel", [("thistel", "L1")]),
    ("Siobhan and Niamh and Neevie's, Penhaligon", []),
    ("and then we went home", []),
    ("to pen, her. ligand", [("ligand", "P1")]),
]


@pytest.mark.parametrize(("said", "told"), CASES)
def test_what_sounds_or_looks_like_a_name_is_told(said: str, told: list[tuple[str, str]]) -> None:
    found = alike(builders.transcript(("S1", said)), (), PEOPLE)
    assert [(said[one.start : one.end], one.person_id) for one in found] == told


def test_nothing_is_told_that_a_mark_touches() -> None:
    said = builders.transcript(("S1", "She vawn and Neave"), ("S2", "Shevonne"))
    marks = (builders.finding("U0001", 4, 8, SIOBHAN), builders.finding("U0002", 2, 4, None))
    assert [(one.utterance_id, one.start) for one in alike(said, marks, PEOPLE)] == [("U0001", 13)]


def test_a_usual_word_comes_after_a_rare_one_as_like() -> None:
    said = builders.transcript(("S1", "well never"), ("S1", "well knieve"))
    rare, usual = alike(said, (), PEOPLE)
    assert (rare.utterance_id, usual.utterance_id) == ("U0002", "U0001")
    assert 1 >= rare.score > usual.score >= LEAST


def test_who_is_not_searched_for_is_like_nobody() -> None:
    said = builders.transcript(("S1", "and Shevonne came"))
    for fields in ({"position_only": True}, {"kind": Kind.CONTACT}):
        assert alike(said, (), (builders.person("P1", "Siobhan", **fields),)) == ()
    assert alike(said, (), ()) == ()
    assert alike(builders.transcript(), (), PEOPLE) == ()


def test_at_most_so_many_are_told() -> None:
    said = builders.transcript(*(("S1", "Neave, Neave, never") for _ in range(MOST)))
    found = alike(said, (), PEOPLE)
    assert len(found) == MOST
    assert [(one.utterance_id, one.start) for one in found[:3]] == [("U0001", 0), ("U0001", 7), ("U0002", 0)]


@settings(deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from("She vawn Neave, Neave's never pen her ligand Siobhan, the".split()), min_size=1),
        max_size=5,
    ),
    st.lists(st.tuples(st.integers(1, 5), st.integers(0, 40), st.integers(1, 9)), max_size=4),
)
def test_what_is_told_stands_apart_and_in_order(said: list[list[str]], marks: list[tuple[int, int, int]]) -> None:
    transcript = builders.transcript(*(("S1", " ".join(words)) for words in said))
    texts = {utterance.id: utterance.text for utterance in transcript.utterances}
    taken = [builders.finding(f"U{number:04d}", start, start + size, None) for number, start, size in marks]
    found = alike(transcript, taken, PEOPLE)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    spans = sorted([(o.utterance_id, o.start, o.end) for o in (*found, *taken)])
    told = {(o.utterance_id, o.start, o.end) for o in found}
    for one, two in itertools.pairwise(spans):
        assert one[0] != two[0] or one[2] <= two[1] or not {one, two} & told
    assert all(
        texts[o.utterance_id][o.start : o.end].strip("., ") == texts[o.utterance_id][o.start : o.end] for o in found
    )


def test_three_hours_with_twenty_people_take_two_seconds() -> None:
    rng = random.Random(5)
    syllables = "ba ne si lo mu ra te vi ko da shan wen lee may ter son ing ly".split()
    vocabulary = ["".join(rng.choices(syllables, k=rng.choice((1, 2, 2, 3)))) for _ in range(4000)]
    usual = [1 / (n + 1) for n in range(4000)]
    said = builders.transcript(*(("S1", " ".join(rng.choices(vocabulary, usual, k=10))) for _ in range(3000)))
    people = [
        builders.person(f"P{n}", f"{rng.choice(vocabulary)}y {rng.choice(vocabulary)}e".title()) for n in range(20)
    ]
    began = time.perf_counter()
    alike(said, (), people)
    assert time.perf_counter() - began < 6  # 1 on a machine that does nothing else
