"""Who a finding names: namesakes in one interview, families apart, questions that are nobody yet. Invented names."""

from dataclasses import replace

import pytest

from tests.detect.helpers import person, surfaces, transcript
from transcribe.detect import kinship, resolve
from transcribe.detect.identity import acknowledged, position_only
from transcribe.detect.namesakes import SHARED, Scope
from transcribe.schema import Finding, Kind, Person, Reason, Speaker
from transcribe.wordforms import search_forms


def said(text: str, surface: str, nth: int = 0, score: float = 0.9, **fields: str) -> Finding:
    start = -1
    for _ in range(nth + 1):
        start = text.index(surface, start + 1)
    return Finding(
        id="", utterance_id="U0001", start=start, end=start + len(surface), kind=Kind.PERSON, person_id=None,
        score=score, reason=Reason(rule="kinship"), **fields,
    )  # fmt: skip


def owners(
    text: str, candidates: list[Finding], people: tuple[Person, ...] = (), scope: Scope | None = None
) -> list[tuple[str, str | None, bool]]:
    resolution = resolve.resolve(transcript(text), tuple(candidates), people, scope=scope)
    found = resolution.findings.found
    again = resolve.resolve(transcript(text), tuple(candidates), people + resolution.new_people, scope=scope)
    assert again.findings == resolution.findings
    return [
        (surface, f.person_id, f.reason.detail.endswith(SHARED))
        for surface, f in zip(surfaces((text,), found), found, strict=True)
    ]


def test_two_of_one_name_stay_two_where_the_speaker_says_so() -> None:
    text = "my sister Emmeline came, my friend Emmeline too, so Emmeline laughed"
    candidates = [said(text, "Emmeline", 0, relation="sister"), said(text, "Emmeline", 1, relation="friend")]
    assert owners(text, candidates) == [
        ("Emmeline", "R001-F01", False),
        ("Emmeline", "R001-F02", False),
        ("Emmeline", "R001-F02", True),  # the one who was mentioned last; a question
    ]


def test_somebody_of_the_roster_with_another_relation_is_somebody_else() -> None:
    text = "my friend Emmeline came, and Emmeline laughed"
    known = (replace(person("K1", "Emmeline", role="relative"), relation="participant's sister"),)
    found = owners(text, [said(text, "Emmeline", relation="friend")], known)
    assert [(one[1], one[2]) for one in found] == [("R001-F01", False), ("R001-F01", True)]
    same = owners(text, [said(text, "Emmeline", relation="sister")], known)
    assert [one[1] for one in same] == ["K1", "K1"]


def test_the_midwife_who_is_quoted_is_not_the_participant() -> None:
    text = "And she said, hi, I'm Zzyra, and Zzyra stayed"
    speakers = (Speaker(label="S1", role="participant", person_id=None, confidence=1.0),)
    candidates = list(kinship.find(transcript(text).utterances, speakers))
    scope = Scope(recording_id="R001", who=("P1",))
    found = owners(text, candidates, (person("P1", "Diane"),), scope)
    assert [one[1] for one in found] == ["R001-F01", "R001-F01"]


def test_a_surname_with_particles_of_two_is_a_question() -> None:
    people = (person("K1", "Anna van der Berg"), person("K2", "Tom van der Berg"))
    assert [(one[0], one[2]) for one in owners("so van der Berg came", [], people)] == [("van der Berg", True)]
    ((surface, person_id, shared),) = owners(
        "so T. Berg came", [], (person("K1", "Ann Berg"), person("K2", "Tom Berg"))
    )
    assert (surface, person_id, shared) == ("T. Berg", "K2", False)


def test_who_is_on_the_roster_from_the_babys_side_is_nobody_new() -> None:
    text = "my daughter Mila cried, and Mila slept"
    known = (replace(person("I1", "Mila", role="infant"), relation="infant"),)
    found = owners(text, [said(text, "Mila", role="infant", relation="daughter")], known)
    assert found == [("Mila", "I1", False), ("Mila", "I1", False)]


def test_a_question_is_nobody_yet() -> None:
    text = "then Emmeline came"
    assert owners(text, [said(text, "Emmeline", score=0.3)]) == [("Emmeline", None, False)]


def test_somebody_found_in_another_family_is_somebody_else_here() -> None:
    text = "then Emmeline came"
    found = replace(person("R001-F01", "Emmeline"), found=True, of="P1")
    mine = Scope(recording_id="R002", who=("P2",), of="P2")
    resolution = resolve.resolve(transcript(text, recording_id="R002"), (), (found,), scope=mine)
    assert [f.person_id for f in resolution.findings.found] == ["R002-F01"]
    assert [(p.of, p.forms) for p in resolution.new_people] == [("P2", ("Emmeline",))]
    hers = Scope(recording_id="R003", who=("P1",), of="P1")
    resolution = resolve.resolve(transcript(text, recording_id="R003"), (), (found,), scope=hers)
    assert [f.person_id for f in resolution.findings.found] == ["R001-F01"]


def test_what_kin_words_say_becomes_role_and_relation_of_who_was_found() -> None:
    text = "my husband Osgood came"
    candidates = (said(text, "Osgood", role="partner", relation="husband"),)
    (new,) = resolve.resolve(transcript(text), candidates, (), scope=Scope(recording_id="R001", of="P1")).new_people
    assert (new.role, new.relation, new.of) == ("partner", "husband", "P1")


def test_who_introduces_herself_by_a_name_nobody_has_is_the_participant_heard_wrongly() -> None:
    text = "I'm Shavorna and my name is fine"
    known = (person("P1", "Siobhra"), person("R1", "Tamsin", role="interviewer"))
    scope = Scope(recording_id="R001", who=("P1", "R1"), of="P1")
    assert [o[:2] for o in owners(text, [said(text, "Shavorna", role="participant")], known, scope)] == [
        ("Shavorna", "P1")
    ]


@pytest.mark.parametrize(
    "surface", ["07700 900461", "M1 1AA", "tilda@example.org", "oh double seven", "tilda at gmail"]
)
def test_a_number_or_address_is_searched_for(surface: str) -> None:
    assert not position_only(Kind.CONTACT, surface)


@pytest.mark.parametrize("surface", ["six", "seven", "twenty one", "twenty-one", "461", "4 6 1", "tilda"])
def test_a_piece_of_a_number_is_not(surface: str) -> None:
    assert position_only(Kind.CONTACT, surface)


def test_a_name_whose_accent_stands_alone_is_searched_for() -> None:
    assert not position_only(Kind.PERSON, "Sia\u0302n")


@pytest.mark.parametrize("surface", ["Number", "General", "Justice", "Student"])
def test_a_usual_word_that_a_model_took_for_a_name_is_not_searched_for(surface: str) -> None:
    assert position_only(Kind.ORGANISATION, surface)
    assert position_only(Kind.PERSON, surface)


@pytest.mark.parametrize("surface", ["Mary", "John", "Karen", "Quillby"])
def test_a_usual_name_is(surface: str) -> None:
    assert not position_only(Kind.PERSON, surface)


@pytest.mark.parametrize(
    ("surface", "searched"),
    [
        ("Grace Kellerman", ("Grace Kellerman", "Kellerman")),
        ("Will Brennock", ("Will Brennock", "Brennock")),
        ("Brennock Kellerman", ("Brennock Kellerman", "Brennock", "Kellerman")),
        ("Nana Rose", ()),
        ("Dr Hope", ()),
        ("Grace Will", ()),
        ("Priya Das", ("Priya Das", "Priya", "Das")),
        ("Dr Das", ("Dr Das", "Das")),
        ("Van Brennock", ("Van Brennock", "Brennock")),
        ("De Brennock", ("De Brennock", "Brennock")),
        ("Tilda de Brennock", ("Tilda de Brennock", "Tilda", "Brennock")),
    ],
)
def test_of_a_full_name_all_but_ordinary_words_are_searched_for(surface: str, searched: tuple[str, ...]) -> None:
    """Kellerman is found in other recordings, and no grace is taken for her."""
    text = f"so {surface} came round"
    (found,) = resolve.resolve(transcript(text), (said(text, surface, score=0.95),), ()).new_people
    assert search_forms(found) == searched
    likely = resolve.resolve(transcript(text), (said(text, surface, score=0.8),), ()).new_people
    assert search_forms(likely[0]) == ()
    assert search_forms(acknowledged(likely[0])) == searched


def test_half_of_a_double_barrelled_name_is_hers() -> None:
    text = "so Okafor rang and Lovelace rang"
    known = (person("P1", "Anne-Marie Featherstone-Okafor"), person("P2", "Tilda Lovelace-Okafor"))
    assert [one[1] for one in owners(text, [said(text, "Okafor")], known[:1])] == ["P1"]
    assert [one[1] for one in owners(text, [said(text, "Lovelace")], known)][-1] == "P2"


def test_a_name_that_is_only_likely_is_not_searched_for_elsewhere() -> None:
    text = "then Emmeline came, and Emmeline left"
    resolution = resolve.resolve(transcript(text), (said(text, "Emmeline", score=0.7),), ())
    assert [p.position_only for p in resolution.new_people] == [True]
    assert [f.score for f in resolution.findings.found] == [0.7, 0.3]  # its repeat is a question


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Brennock", ["Brennock", "brennock", "brennock"]),
        ("Aoife", ["Aoife", "aoife", "aoife"]),
        ("Badger", ["Badger"]),  # a word
        ("Teddy", ["Teddy"]),
    ],
)
def test_a_rare_name_that_slips_into_lower_case_is_searched_for_all_the_same(name: str, found: list[str]) -> None:
    text = f"then {name} came, and we asked {name.lower()} and {name.lower()}"
    assert [one[0] for one in owners(text, [said(text, name)])] == found


def kin(id: str, name: str, relation: str, of: str, role: str = "relative") -> Person:
    return replace(person(id, name, role=role), relation=relation, of=of)


FAMILIES = (
    kin("P1", "Emmeline Voss", "self", "P1", role="participant"),
    kin("X1", "Osgood Voss", "husband", "P1", role="partner"),
    kin("I1", "Tarquin", "son", "P1", role="infant"),
    kin("P7", "Emmeline Quill", "self", "P7", role="participant"),
    kin("X7", "Osgood Quill", "husband", "P7", role="partner"),
    kin("I7", "Tarquin", "son", "P7", role="infant"),
)
SEVENTH, UNKNOWN = Scope(recording_id="R001", who=("P7",), of="P7"), Scope(recording_id="R001")


@pytest.mark.parametrize(
    ("text", "hers", "guessed"),
    [
        ("then Emmeline came", "P7", "P1"),
        ("and Osgood came home", "X7", "X1"),
        ("then Tarquin slept", "I7", "I1"),
        ("it is E-M-M-E-L-I-N-E", "P7", "P1"),
        ("so Emm- and left", "P7", "P1"),
    ],
)
def test_of_namesakes_in_two_families_the_recordings_own_is_meant(text: str, hers: str, guessed: str) -> None:
    assert [one[1:] for one in owners(text, [], FAMILIES, SEVENTH)] == [(hers, False)]
    assert [one[1:] for one in owners(text, [], FAMILIES, UNKNOWN)] == [(guessed, True)]


@pytest.mark.parametrize(
    ("text", "person_id", "asked"),
    [
        ("then Mr Quill came", "X7", True),  # nobody says whether the participant is a man
        ("then Mrs Quill came", "P7", False),
        ("so the Quills came", "P7", True),
        ("then Emmeline Voss rang", "P1", False),  # the full name is hers alone
        ("then Mrs Voss rang", "P1", True),  # of another family, or somebody whom the roster does not know
    ],
)
def test_a_name_is_a_question_where_nothing_says_who_is_meant(text: str, person_id: str, asked: bool) -> None:
    assert [one[1:] for one in owners(text, [], FAMILIES, SEVENTH)] == [(person_id, asked)]


def test_a_title_tells_husband_and_wife_apart() -> None:
    people = (
        kin("P1", "Kate Brennock", "mother", "P1", role="participant"),
        kin("X1", "Dave Brennock", "husband", "P1"),
    )
    text = "Mr Brennock can go home, and Mrs Brennock rests"
    assert [one[1:] for one in owners(text, [], people)] == [("X1", False), ("P1", False)]


def test_of_two_in_one_family_the_relation_tells_who_is_meant() -> None:
    people = (*FAMILIES, kin("S7", "Emmeline Garth", "participant's sister", "P7"))
    text = "my sister Emmeline said so, I'm Emmeline, then Emmeline came"
    candidates = [said(text, "Emmeline", relation="sister"), said(text, "Emmeline", 1, role="participant")]
    assert [one[1:] for one in owners(text, candidates, people, SEVENTH)] == [
        ("S7", False),
        ("P7", False),
        ("S7", True),
    ]


def test_my_sister_is_not_the_sister_of_another_participant() -> None:
    people = (*FAMILIES[3:], kin("S1", "Sibley", "sister", "P1"))
    text = "my sister Sibley came"
    assert [one[1] for one in owners(text, [said(text, "Sibley", relation="sister")], people, SEVENTH)] == ["R001-F01"]


@pytest.mark.parametrize(
    ("other", "asked"),
    [
        (person("T1", "Emmeline Garth", role="therapist"), True),  # of nobody: she may be met in any recording
        (replace(person("T1", "Emmeline Garth", role="therapist"), of="P1"), False),
        (person("L1", "Emmeline", kind=Kind.PLACE, role="place"), True),
        (replace(person("R009-F01", "Emmeline Garth"), found=True, role="clinician"), False),
        (replace(person("R001-F01", "Emmeline Garth"), found=True, of="P7"), True),
    ],
)
def test_who_may_be_met_in_any_recording_makes_a_name_a_question(other: Person, asked: bool) -> None:
    people = (*FAMILIES[3:], other)
    assert [one[1:] for one in owners("then Emmeline came", [], people, SEVENTH)] == [("P7", asked)]


def test_a_short_name_goes_to_the_recordings_own_and_the_name_itself_before_it() -> None:
    people = (
        kin("P1", "Katherine Voss", "self", "P1", "participant"),
        kin("P7", "Kathryn Quill", "self", "P7", "participant"),
    )
    assert [one[1:] for one in owners("well, Kath, of course", [], people, SEVENTH)] == [("P7", False)]
    assert [one[1:] for one in owners("well, Kath, of course", [], people, UNKNOWN)] == [("P1", True)]
    called = (*people, kin("X7", "Kath Garth", "friend", "P7"))
    assert [one[1:] for one in owners("well, Kath, of course", [], called, SEVENTH)] == [("X7", False)]


def test_whom_a_reviewer_found_to_be_of_another_family_is_of_this_recording() -> None:
    people = (*FAMILIES[:3], replace(person("R001-F01", "Osgood"), found=True, of="P7", same_as="X1"))
    assert [one[1:] for one in owners("then Osgood came", [], people, SEVENTH)] == [("X1", False)]
