"""The roster rule: tables of right and wrong cases, and what must always hold. All names are invented."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.detect.helpers import person, surfaces, utterances
from transcribe.detect import roster
from transcribe.detect.fake import FakeRule
from transcribe.schema import Kind, Person
from transcribe.wordforms import FormIndex

PEOPLE = (
    person("P1", "Żaneta Quillby"),
    person("I1", "Hope", role="infant"),
    person("T1", "Rose Tamblyn", "Rose", role="therapist"),
    person("X1", "Will Quillby", "Will", role="partner"),
    person("X2", "May"),
    person("X3", "June"),
    person("X4", "Mark"),
    person("X5", "Dr Frank", "Helen Frank"),
    person("X6", "Do Thi", "Do"),
    person("L1", "Reading", kind=Kind.PLACE, role="place"),
    person("L2", "Quillby", kind=Kind.PLACE, role="place"),
    person("X7", "Don"),
    person("X8", "Priya Das"),
    person("X9", "Di Harris"),
    person("Y1", "Van Nguyen"),
    person("Y2", "Jon Lord"),
    person("Y3", "Karen Doctor"),
)
TAGS = {"Will": "AUX", "Hope": "VERB", "Reading": "VERB", "Mark": "VERB", "Do": "AUX", "Rose": "PROPN", "May": "AUX"}

FOUND = [
    ("Then ZANETA came", ["ZANETA"]),
    ("it was Zaneta's idea", ["Zaneta"]),
    ("it was zaneta, Yes", ["zaneta"]),
    ("Rose Tamblyn came", ["Rose Tamblyn"]),
    ("I asked Rose's sister", ["Rose"]),
    ("Then Hope cried", ["Hope"]),
    ("Yes. Hope.", ["Hope"]),
    ("Yes. Hope was asleep.", ["Hope"]),
    ("And Will left. Will said so.", ["Will", "Will"]),
    ("Will, come here", ["Will"]),
    ("Okay. Will's mother came", ["Will"]),
    ("Yes. Rose wanted it", ["Rose"]),
    ("Yes, so Mrs rose came", ["rose"]),
    ("Then Dr Frank came. Frank and I talked", ["Dr Frank", "Frank"]),
    ("He lives in Reading now", ["Reading"]),
    ("It was by May that he sat", ["May"]),
    ("I rang June twice", ["June"]),
    ("Then Quillby, Will Quillby, came", ["Quillby", "Will Quillby"]),
    ("my husband mark came home and my daughter rose cried", ["mark", "rose"]),
    ("the baby is called hope", ["hope"]),
    ("So we asked Di about it, and then Das rang", ["Di", "Das"]),
    ("Well, we love Van so much", ["Van"]),
    ("Lord rang us", ["Lord"]),
    ("Yes. And then Mrs Doctor came", ["Doctor"]),
    ("So I said, come in, June, sit down", ["June"]),
    ("In 2019, June moved out", ["June"]),
    ("I told June, 3 of us went", ["June"]),
    ("Hope. They laid her on me", ["Hope"]),
    ("Yes. Hope, to be honest, slept", ["Hope"]),
    ("Yes. Will, not him", ["Will"]),
]


@pytest.mark.parametrize(("text", "expected"), FOUND)
def test_found(text: str, expected: list[str]) -> None:
    found, _ = roster.find(utterances(text), PEOPLE, FakeRule(tags=TAGS))
    assert surfaces((text,), found) == expected


KEPT = [
    ("Well, Anna, I hope you will", ["hope", "will"]),
    ("Yes. Will you come? May I? Do you see?", ["Will", "May", "Do"]),
    ("She said, Will you come", ["Will"]),
    ("Right. Hope she sleeps", ["Hope"]),
    ("Mark my words, Anna", ["Mark"]),
    ("Reading a book helps Anna", ["Reading"]),
    ("On the 4th of May 2022", ["May"]),
    ("In June, and the end of June, and next May", ["June", "June", "May"]),
    ("I don't. I said Don't", ["don", "Don"]),
    ("In June, 2019 it was, on June 3rd", ["June", "June"]),
    ("It was mid-June, early-May", ["June", "May"]),
    ("i will the may", ["will", "may"]),
]


@pytest.mark.parametrize(("text", "expected"), KEPT)
def test_kept(text: str, expected: list[str]) -> None:
    found, kept = roster.find(utterances(text), PEOPLE, FakeRule(tags=TAGS))
    assert surfaces((text,), found) == []
    assert surfaces((text,), kept) == expected
    assert all(k.reason.detail for k in kept)


DOUBTFUL = [
    ("Well, I rose and I hope you will mark it", {"rose", "mark"}),
    ("i hope he will be frank about reading", {"hope", "frank", "reading"}),
    ("She said that, because hope was on the mat", {"hope"}),
    ("So Anna, erm, will left then", {"will"}),
    ("I asked if will had been there", {"will"}),
    ("We told the doctor, Anna, that the van was old, good lord", {"doctor", "van", "lord"}),
]


@pytest.mark.parametrize(("text", "asked"), DOUBTFUL)
def test_a_lower_case_word_that_may_be_a_name_is_doubtful(text: str, asked: set[str]) -> None:
    found, kept = roster.find(utterances(text), PEOPLE)
    assert set(surfaces((text,), found)) <= asked
    assert all(0.1 <= f.score < 1.0 for f in found)
    assert all(k.score > 0.5 for k in kept)


@pytest.mark.parametrize(
    "text",
    [
        "So Anna's partner, Will's, Will's a chef",
        "to where the second will came in the door, Anna",
        "And did will notice, Anna",
        "So I said hold will, please, Anna",
    ],
)
def test_where_an_auxiliary_cannot_stand_it_is_a_name(text: str) -> None:
    found, _ = roster.find(utterances(text), PEOPLE)
    assert [f for f in found if f.person_id and text[f.start : f.end].lower() == "will" and f.score >= 0.5]


@pytest.mark.parametrize("text", ["the will was read, Anna", "we have will power, Anna", "did may come, Anna"])
def test_where_it_is_a_noun_or_a_month_it_is_none(text: str) -> None:
    found, _ = roster.find(utterances(text), PEOPLE)
    assert not [f for f in found if text[f.start : f.end] in ("will", "may") and f.score >= 0.5]


BRENNOCK = replace(person("R001-F01", "Brennock"), found=True)
KAREN = replace(person("R001-F02", "Karen"), found=True)
NUMBER = replace(person("R001-F03", "Number"), found=True)


@pytest.mark.parametrize(
    ("text", "tags", "expected"),
    [
        ("Well, we asked brennock twice", {"brennock": "NOUN"}, [("brennock", 0.5)]),
        ("Well, we asked brennock twice", {"brennock": "PROPN"}, [("brennock", 1.0)]),
        ("Well, we asked Brennock twice", {"Brennock": "NOUN"}, [("Brennock", 1.0)]),
        ("Well, we asked karen twice", {"karen": "NOUN"}, [("karen", 0.3)]),  # a usual name is a question
        ("Well, we asked a number twice", {"number": "NOUN"}, []),
        ("Well, Anna, I hope you will", {"hope": "VERB", "will": "AUX"}, []),
    ],
)
def test_a_found_name_in_lower_case_is_found_or_asked_about_unless_it_is_a_usual_word(
    text: str, tags: dict[str, str], expected: list[tuple[str, float]]
) -> None:
    words = tuple(replace(one, found=True) for one in PEOPLE if one.id in ("I1", "X1"))
    known = (BRENNOCK, KAREN, NUMBER, *words)
    found, kept = roster.find(utterances(text), known, FakeRule(tags=tags))
    assert list(zip(surfaces((text,), found), (f.score for f in found), strict=True)) == expected
    assert expected or kept


DERIVED = (
    person("A", "Aoife O'Dell"),
    person("B", "Katherine Quillby"),
    person("C", "Sebastian"),
    person("D", "Siobhan Bartle"),
    person("E", "Hope Marsh"),
    person("F", "Anne-Marie Featherstone-Okafor"),
    person("G", "Jo Kettering-Stone"),
    person("H", "Mary Ann de Souza"),
    person("I", "Ingrid van der Berg"),
    person("J", "JJ"),
    person("K", "Auntie Margaret Whitcombe"),
    person("L", "Mrs Norris", "Elizabeth Pell"),
)
VARIANTS = [
    ("So Anna, that's A-O-I-F-E", "A-O-I-F-E", "A", "spelt out"),
    ("it is a, o, i, f, e I think", "a, o, i, f, e", "A", "spelt out"),
    ("A. O. I. F. E. Yes", "A. O. I. F. E", "A", "spelt out"),
    ("Q, U, I, double L, B, Y", "Q, U, I, double L, B, Y", "B", "spelt out"),
    ("S for sugar, E for egg, B for bee, A for apple, S for sea, T, Anna", "", "", ""),
    ("then the Quillbys came", "Quillbys", "B", "plural"),
    ("so Kate came", "Kate", "B", "short name"),
    ("I saw Seba- Sebastian there", "Seba", "C", "broken off"),
    ("I saw Sio- and left", "Sio", "D", "broken off"),
    ("and S.B. said so", "S.B.", "D", "initials"),
    ("and KatherineQuillby came", "KatherineQuillby", "B", "names run together"),
    ("we have hopes, a b c d", "", "", ""),
    ("so, Sebastian came", "", "", ""),
    ("the S.A. of it", "", "", ""),
    ("it's O-D-E-L-L, Anna", "O-D-E-L-L", "A", "spelt out"),
    ("with O, D, E, double L", "O, D, E, double L", "A", "spelt out"),
    ("A, N, N, E, M, A, R, I, E. Yes", "A, N, N, E, M, A, R, I, E", "F", "spelt out"),
    ("It's J-O, Anna", "J-O", "G", "spelt out"),
    ("Jay, j, o, I said", "j, o", "G", "spelt out"),
    ("J for Jack, O for orange", "J for Jack, O for orange", "G", "spelt out"),
    ("not J-O-E, Anna", "", "", ""),
    ("so j o, or I, I, a, and J-A", "", "", ""),
    ("then the O'Dells came", "O'Dells", "A", "plural"),
    ("then the ODells came", "ODells", "A", "plural"),
    ("then the Featherstone-Okafors came", "Featherstone-Okafors", "F", "plural"),
    ("so Mrs Okafor rang the nurse", "Okafor", "F", "half of a name"),
    ("then Mr Featherstone's mother came", "Featherstone", "F", "half of a name"),
    ("so Anne said no", "Anne", "F", "half of a name"),
    ("then the Okafors came", "Okafors", "F", "half of a name"),
    ("Mrs Stone rang", "Stone", "G", "half of a name"),
    ("we threw a stone, stones even", "", "", ""),
    ("O- O'Dell, Anna", "O", "A", "broken off"),
    ("so Annie came", "Annie", "F", "short name"),
    ("so Maryann and I", "Maryann", "H", "names run together"),
    ("then Mrs Desouza came", "Desouza", "H", "names run together"),
    ("then Mrs Vanderberg came", "Vanderberg", "I", "names run together"),
    ("then Mrs van der Berg's son came", "van der Berg", "I", "particle and name"),
    ("then Mrs de Souza came", "de Souza", "H", "particle and name"),
    ("then Quil-lby came", "Quil-lby", "B", "hyphen in a name"),
    ("a note from S. Bartle, yes", "S. Bartle", "D", "initial and name"),
    ("it was Siobhan B. again", "Siobhan B.", "D", "initial and name"),
    ("it was Siobhan B again", "Siobhan B", "D", "initial and name"),
    ("so I Bartle, and a Bartle", "", "", ""),
    ("then SB came", "SB", "D", "initials"),
    ("we saw J.J. there, on the TV", "J.J.", "J", "spelt out"),
    ("so Peggy came", "Peggy", "K", "short name"),
    ("then my auntie, Auntie Jean, came", "", "", ""),
    ("so Beth Pell came", "Beth", "L", "short name"),
]


@pytest.mark.parametrize(("text", "surface", "person_id", "why"), VARIANTS)
def test_derived_forms(text: str, surface: str, person_id: str, why: str) -> None:
    found, _ = roster.find(utterances(text, "And Anna told Peter"), DERIVED)
    beyond = [f for f in found if f.reason.detail != "form"]
    assert surfaces((text,), tuple(beyond)) == ([surface] if surface else [])
    assert [(f.person_id, f.reason.detail) for f in beyond] == ([(person_id, why)] if surface else [])


def test_an_initial_tells_who_is_meant_and_two_of_one_initial_are_shared() -> None:
    people = (person("A", "Katherine Quillby"), person("B", "Marcus Quillby"), person("C", "Maud Quillby"))
    found, _ = roster.find(utterances("so K. Quillby rang", "and M. Quillby"), people)
    assert [(f.person_id, f.reason.detail) for f in found] == [
        ("A", "initial and name"),
        ("B", "initial and name, shared form"),
    ]


def test_a_short_name_of_two_people_is_shared() -> None:
    people = (person("A", "Katherine Quillby"), person("B", "Kathryn Marsh"))
    found, _ = roster.find(utterances("so Kath came"), people)
    assert [(f.score <= 0.6, f.reason.detail) for f in found] == [(True, "short name, shared form")]


def test_an_auxiliary_before_a_verb_is_doubtful() -> None:
    text = "Well, Anna. May rang me."
    found, _ = roster.find(utterances(text), PEOPLE, FakeRule(tags={"May": "AUX", "rang": "VERB"}))
    assert surfaces((text,), found) == ["May"]
    assert found[0].score == 0.5


def test_without_a_tagger_doubt_is_found() -> None:
    text = "Well, Anna. Hope she sleeps. Will you?"
    found, kept = roster.find(utterances(text), PEOPLE)
    assert surfaces((text,), found) == ["Hope"]
    assert found[0].score == 0.5
    assert "doubtful" in found[0].reason.detail
    assert surfaces((text,), kept) == ["Will"]


@pytest.mark.parametrize(
    ("text", "person_id", "shared"),
    [
        ("we moved to Quillby then", "L2", False),
        ("Then Mrs Quillby rang", "P1", True),
        ("it was Quillby again", "P1", True),
        ("and Tilda Quillby rang", "P1", True),
    ],
)
def test_shared_form(text: str, person_id: str, shared: bool) -> None:
    found, _ = roster.find(utterances(text), PEOPLE)
    assert [f.person_id for f in found] == [person_id]
    assert ("shared form" in found[0].reason.detail) is shared


def test_partly_overlapping_forms_become_one_span() -> None:
    people = (person("A", "Tilda Quill"), person("B", "Quill Garth", kind=Kind.PLACE))
    text = "so Tilda Quill Garth it was"
    found, _ = roster.find(utterances(text), people)
    assert surfaces((text,), found) == ["Tilda Quill Garth"]


def test_reasons_hold_no_word() -> None:
    text = "Then Żaneta and Rose Tamblyn came. I hope you will."
    found, kept = roster.find(utterances(text), PEOPLE)
    shown = " ".join(f.reason.detail for f in found + kept)
    assert not FormIndex(PEOPLE[:3]).find(shown)


_WORDS = "W i l l Mar- Kate rose Rose Will will Tamblyn may May Quillby in and said. Dr Frank Hope's you don't".split()


@given(st.lists(st.sampled_from(_WORDS), max_size=14).map(" ".join))
def test_every_match_is_found_or_kept(text: str) -> None:
    _covered(text, PEOPLE)


def _covered(text: str, people: tuple[Person, ...]) -> None:
    found, kept = roster.find(utterances(text), people)
    spans = sorted((f.start, f.end) for f in found + kept)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    for match in FormIndex(people).find(text):
        assert any(start <= match.start and match.end <= end for start, end in spans)


def test_a_part_of_the_name_of_a_place_is_weighed_where_it_is_written_as_a_word() -> None:
    ward = Person(id="L1", kind=Kind.PLACE, role="ward", forms=("Neonatal, Bay Three", "Neonatal", "Bay Three"))
    service = Person(id="S1", kind=Kind.SERVICE, role="service", forms=("Elm House (EH)", "Elm House", "EH"))
    text = "Then she lay in Neonatal, at the neonatal unit. We went to EH and, eh, it was in Bay Three."
    found, kept = roster.find(utterances(text), (ward, service), FakeRule(tags={"neonatal": "ADJ", "eh": "INTJ"}))
    assert surfaces((text,), found) == ["Neonatal", "neonatal", "EH", "Bay Three"]
    assert [f.reason.detail.startswith("doubtful") for f in found] == [False, True, False, False]
    assert surfaces((text,), kept) == ["eh"]
