"""Pseudonyms: stable, nobody's real name, and drawn by the key."""

import hashlib
import time
from dataclasses import replace

import jellyfish
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import JaroWinkler

from tests.builders import person
from transcribe import pseudonyms
from transcribe.config import Action, Policy
from transcribe.pseudonyms import ALIKE, action, assign, clashes, pool, refusals, written
from transcribe.schema import Kind, Person
from transcribe.wordforms import folded, sealed, search_forms


def draw(text: str, key: str = "key") -> str:
    return hashlib.sha256(f"{key}:{text}".encode()).hexdigest()


def named(people: tuple[Person, ...], policy: Policy | None = None) -> dict[str, str]:
    return {p.id: p.pseudonym for p in assign(people, policy or Policy(), draw)}


MOTHER = person("P1", "Karen Okonkwo", relation="mother")
INFANT = person("I1", "Rose", role="infant", relation="daughter", of="P1")
THERAPIST = person("T1", "Moira", role="therapist", of="P1")
PARTNER = person("X1", "Dave", role="partner", relation="husband", of="P1")
CLINIC = person("S1", "Willow Tree Clinic", kind=Kind.SERVICE, role="service", of="P1")


def test_by_default_participants_infants_and_therapists_get_names_and_others_tags() -> None:
    given_names = named((MOTHER, INFANT, THERAPIST, PARTNER, CLINIC))
    assert all(given_names[p] in pool("female") + pool("either") for p in ("P1", "I1"))
    assert "[" not in given_names["T1"]
    assert (given_names["X1"], given_names["S1"]) == ("[husband]", "[service]")


def test_brackets_tag_infants_and_therapists() -> None:
    given_names = named((MOTHER, INFANT, THERAPIST, PARTNER), Policy(convention="brackets"))
    assert given_names["P1"] in pool("female")
    assert (given_names["I1"], given_names["T1"], given_names["X1"]) == ("[daughter]", "[therapist]", "[husband]")


@pytest.mark.parametrize(
    ("someone", "policy", "expected"),
    [
        (MOTHER, Policy(), Action.PSEUDONYM),
        (PARTNER, Policy(), Action.TAG),
        (PARTNER, Policy(roles={"partner": Action.PSEUDONYM}), Action.PSEUDONYM),
        (INFANT, Policy(convention="brackets"), Action.TAG),
        (CLINIC, Policy(kinds={Kind.SERVICE: Action.KEEP}), Action.KEEP),
        (CLINIC, Policy(roles={"service": Action.TAG}, kinds={Kind.SERVICE: Action.KEEP}), Action.TAG),
        (replace(CLINIC, role="infant"), Policy(), Action.TAG),
        (
            replace(CLINIC, kind=Kind.ID_NUMBER, role="NHS number"),  # as our own rules call it
            Policy(roles={"nhs number": Action.TAG}, kinds={Kind.ID_NUMBER: Action.KEEP}),
            Action.TAG,
        ),
        (
            replace(CLINIC, pseudonym="the Hub", chosen=True),
            Policy(kinds={Kind.SERVICE: Action.KEEP}),
            Action.PSEUDONYM,
        ),
        (replace(CLINIC, pseudonym="[service]"), Policy(kinds={Kind.SERVICE: Action.KEEP}), Action.KEEP),
    ],
)
def test_role_comes_before_kind_and_that_before_the_convention(
    someone: Person, policy: Policy, expected: Action
) -> None:
    assert action(someone, policy) is expected


def test_several_of_a_kind_are_numbered_for_each_participant() -> None:
    sisters = tuple(person(f"K{n}", f"Name{n}", role="relative", relation="sister", of="P1") for n in "12")
    other = person("K3", "Nameless", role="relative", relation="sister", of="P2")
    assert named((*sisters, other)) == {"K1": "[sister 1]", "K2": "[sister 2]", "K3": "[sister]"}


def test_a_number_once_given_never_changes() -> None:
    first = person("K1", "Anna", role="relative", relation="sister", of="P1", pseudonym="[sister]")
    late = (
        person("K2", "Berta", role="relative", relation="sister", of="P1"),
        person("K3", "Clara", role="relative", relation="sister", of="P1"),
    )
    assert named((first, *late)) == {"K1": "[sister]", "K2": "[sister 2]", "K3": "[sister 3]"}
    gap = replace(first, id="K9", pseudonym="[sister 7]")
    assert named((gap, late[0])) == {"K9": "[sister 7]", "K2": "[sister 8]"}


HOME = person("L1", "New Jersey", kind=Kind.PLACE, role="place", of="P1")
TOWN = person("R001-F01", "Quillby", kind=Kind.PLACE, role="place", found=True)


def test_what_may_be_met_in_any_recording_shares_its_tag_with_nothing() -> None:
    assert named((MOTHER, HOME, TOWN)) | {"P1": ""} == {"P1": "", "L1": "[place 1]", "R001-F01": "[place 2]"}
    second = replace(HOME, id="L2", forms=("Garthby",), of="P2")
    given_names = named((MOTHER, HOME, second, TOWN))
    assert [given_names[i] for i in ("L1", "L2", "R001-F01")] == ["[place 1]", "[place 1]", "[place 2]"]
    found = person("R009-F01", "Osgood", role="partner", relation="husband", found=True)
    assert {named((PARTNER, found))[i] for i in ("X1", "R009-F01")} == {"[husband 1]", "[husband 2]"}


def test_beside_tags_that_are_assigned_what_is_of_nobody_gets_a_further_number() -> None:
    assigned = (replace(HOME, pseudonym="[place]"), replace(TOWN, pseudonym="[place]"))
    third, fourth = replace(TOWN, id="R002-F01", forms=("Garthby",)), replace(HOME, id="L3", forms=("Marl",), of="P3")
    assert named((*assigned, third))["R002-F01"] == "[place 2]"
    assert named((*assigned, fourth))["L3"] == "[place 2]"
    assert named((assigned[0], fourth))["L3"] == "[place]"


@pytest.mark.parametrize(
    "other",
    [
        person("R001-F01", "Amelia", found=True, position_only=True),
        person("R001-F01", "Amelia Kellerman", found=True, bound=("Amelia",)),
        person("L1", "Amelia", kind=Kind.PLACE, role="place", found=True, position_only=True),
        Person(id="forgotten-1", kind=Kind.PERSON, role="person", forms=("[withheld]",), position_only=True,
               sealed=sealed(person("P9", "Amelia Quill"))),
    ],
)  # fmt: skip
def test_no_pseudonym_is_the_name_of_somebody_not_yet_accepted_or_forgotten(
    monkeypatch: pytest.MonkeyPatch, other: Person
) -> None:
    monkeypatch.setattr(pseudonyms, "pool", lambda _: ("Amelia", "Walter"))
    for key in map(str, range(4)):
        done = assign((MOTHER, other), Policy(), lambda text, key=key: draw(text, key))
        assert done[0].pseudonym == "Walter"


def test_whose_name_is_a_pseudonym_gets_none_before_she_is_accepted_either() -> None:
    taken = replace(MOTHER, pseudonym="Walter")
    assert named((taken, replace(INFANT, forms=("Walter",), found=True, position_only=True)))["I1"] == "[daughter]"


@pytest.mark.parametrize(
    ("someone", "expected"),
    [
        (person("D1", "3 May 2019", kind=Kind.DATE, role="date"), "[date in 2019]"),
        (person("D2", "the third", kind=Kind.DATE, role="date"), "[a date]"),
        (person("D3", "from May 2018 to March 2019", kind=Kind.DATE, role="date"), "[a date]"),
        (person("L1", "Leeds", kind=Kind.PLACE, role="home_town"), "[a home town]"),
    ],
)
def test_generalised_things_get_a_vaguer_word(someone: Person, expected: str) -> None:
    policy = Policy(kinds={Kind.DATE: Action.GENERALISE, Kind.PLACE: Action.GENERALISE})
    assert named((someone,), policy) == {someone.id: expected}


@pytest.mark.parametrize("role", ["karen's friend", "[Karen]", "friend_of_karen", "Rose!",
                                  "willow_tree_clinic nurse", "willow-tree/clinic"])  # fmt: skip
def test_a_role_that_names_somebody_makes_no_tag(role: str) -> None:
    someone = person("X9", "Bertha", role=role)
    assert named((MOTHER, INFANT, CLINIC, someone))["X9"] == "[person]"


def test_chosen_pseudonyms_stand_as_written() -> None:
    chosen = replace(PARTNER, pseudonym="Tom", chosen=True)
    assert named((MOTHER, chosen))["X1"] == "Tom"


REAL = st.lists(
    st.sampled_from([*pool("female"), *pool("male"), *pool("either"), "Zsófia", "Ann", "Jo", "Mary-Ann", "O'Brien"]),
    min_size=1,
    max_size=15,
    unique=True,
)


@settings(max_examples=10, deadline=None)
@given(REAL, st.integers())
def test_no_pseudonym_is_holds_or_sounds_like_a_real_name_or_another(names: list[str], key: int) -> None:
    people = tuple(person(f"P{n}", name) for n, name in enumerate(names))
    done = assign(people, Policy(), lambda text: draw(text, str(key)))
    assert [p.id for p in done] == [p.id for p in people]
    drawn = [folded(p.pseudonym) for p in done if "[" not in p.pseudonym]
    assert len(set(drawn)) == len(drawn)
    for real in {folded(part) for p in people for form in search_forms(p) for part in form.split()}:
        for name in drawn:
            assert name not in real
            assert len(real) < 3 or real not in name
            assert jellyfish.metaphone(name) != jellyfish.metaphone(real)
            assert JaroWinkler.similarity(name, real) < ALIKE
    assert assign(done, Policy(), lambda text: draw(text, "another key")) == done
    assert clashes(done) == ()


def test_the_draw_depends_on_the_key_and_the_id_alone() -> None:
    people = (MOTHER, INFANT, THERAPIST, PARTNER, CLINIC)
    once = assign(people, Policy(), draw)
    assert once == assign(people, Policy(), draw)
    told = {n: assign((MOTHER,), Policy(), lambda t, n=n: draw(t, n))[0].pseudonym for n in "abcdefghij"}
    assert len(set(told.values())) > 4
    assert named((MOTHER,))["P1"] == named((MOTHER, PARTNER, CLINIC))["P1"] == named((CLINIC, PARTNER, MOTHER))["P1"]


@pytest.mark.parametrize(
    ("name", "other_form"),
    [("Bob", "Robert"), ("Kate Lund", "Catherine"), ("Peggy", "Margaret"), ("Charles", "Charlie")],
)
def test_no_pseudonym_is_a_short_or_full_form_of_anybody_s_name(
    monkeypatch: pytest.MonkeyPatch, name: str, other_form: str
) -> None:
    monkeypatch.setattr(pseudonyms, "pool", lambda _: (other_form, "Ingrid"))
    for everybody in ((person("P9", name),), (person("P9", "Moira"), person("X1", name, role="friend"))):
        for key in map(str, range(4)):
            done = assign(everybody, Policy(), lambda text, key=key: draw(text, key))
            assert done[0].pseudonym == "Ingrid"


def test_when_the_pools_are_used_up_people_are_tagged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pseudonyms, "pool", lambda name: ("Amelia", "Walter"))
    everybody = tuple(person(f"P{n}", name) for n, name in enumerate(("Karen", "Moira", "Zsófia", "Dave")))
    assert sorted(named(everybody).values()) == ["Amelia", "Walter", "[participant 1]", "[participant 2]"]


def test_a_real_person_with_an_assigned_name_is_tagged_and_the_clash_is_told() -> None:
    (mother,) = assign((MOTHER,), Policy(), draw)
    late = person("P5", f"{mother.pseudonym} Smith")
    both = assign((mother, late), Policy(), draw)
    assert both[0] == mother
    assert both[1].pseudonym == "[participant]"
    assert clashes(both) == (mother,)


def test_a_clash_of_one_word_of_a_chosen_pseudonym_is_told_too() -> None:
    chosen = replace(MOTHER, pseudonym="Mary Jones", chosen=True)
    late = person("P5", "Jones")
    assert clashes((chosen, late)) == (chosen,)
    assert named((chosen, late))["P5"] == "[participant]"


@pytest.mark.parametrize("pseudonym", ["Mary Milton Keynes", "Milton-Keynes", "MILTON KEYNES"])
def test_a_clash_with_a_name_of_several_words_is_told_too(pseudonym: str) -> None:
    chosen = replace(MOTHER, pseudonym=pseudonym, chosen=True)
    late = person("L1", "Milton Keynes", kind=Kind.PLACE, role="place")
    assert clashes((chosen, late)) == (chosen,)
    assert clashes((chosen, replace(late, forms=("Keynes Milton",)))) == ()


def test_a_clash_with_a_chosen_tag_is_told_too() -> None:
    chosen = replace(PARTNER, pseudonym="[from Milton Keynes]", chosen=True)
    late = person("L1", "Milton Keynes", kind=Kind.PLACE, role="place")
    assert clashes((chosen, late)) == (chosen,)
    assert clashes((replace(chosen, pseudonym="[from Keynes]"), late)) == ()


def test_tags_are_no_clash() -> None:
    tagged = replace(PARTNER, pseudonym="[husband]")
    assert clashes((tagged, person("P5", "Husband"))) == ()


def test_a_pseudonym_that_turns_out_to_be_her_own_name_is_a_clash() -> None:
    (drawn,) = assign((MOTHER,), Policy(), draw)
    mother = replace(drawn, forms=(*drawn.forms, f"Karen {drawn.pseudonym} Okonkwo"))
    assert clashes((mother,)) == (mother,)
    assert clashes((replace(drawn, heard=(drawn.pseudonym,)),)) == ()


def test_what_another_is_called_at_a_level_or_somebody_was_called_once_is_drawn_for_nobody_else() -> None:
    (first,) = assign((MOTHER,), Policy(), draw)
    for whose in ("X1", ""):
        (second,) = assign((MOTHER,), Policy(), draw, {first.pseudonym: whose})
        assert second.pseudonym not in ("", first.pseudonym)
    assert assign((MOTHER,), Policy(), draw, {first.pseudonym: MOTHER.id, "[mother]": ""}) == (first,)


def test_forms_bound_to_a_position_clash_with_nobody() -> None:
    mother = replace(MOTHER, pseudonym="Will")
    assert clashes((mother, person("X5", "will", position_only=True))) == ()


def test_refusals_name_ids_and_no_names() -> None:
    wrong = replace(MOTHER, pseudonym="Rose", chosen=True)
    assert refusals((wrong, INFANT)) == {"P1": "is a real name of this study (of I1)"}
    assert refusals((MOTHER, INFANT)) == {}


def test_thousands_of_found_people_are_named_in_seconds() -> None:
    people = tuple(person(f"R{n // 50:03d}-F{n % 50:02d}", f"Name{n}", role="person", found=True) for n in range(5_000))
    started = time.process_time()
    done = assign((MOTHER, INFANT, *people), Policy(), draw)
    assert clashes(done) == ()
    assert time.process_time() - started < 15


@pytest.mark.parametrize(
    ("kind", "role", "said", "expected"),
    [
        (Kind.AGE, "exact age", "seven", "[aged 5 to 9]"),
        (Kind.AGE, "exact age", "3 and 5", "[aged 1 to 9]"),
        (Kind.AGE, "exact age", "eleven weeks old", "[under one year old]"),
        (Kind.AGE, "exact age", "eighteen months", "[aged 1 to 4]"),
        (Kind.AGE, "exact age", "Eighteen Months", "[aged 1 to 4]"),
        (Kind.AGE, "exact age", "18mths", "[aged 1 to 4]"),
        (Kind.AGE, "exact age", "sixty weeks", "[aged 1 to 4]"),
        (Kind.AGE, "exact age", "400 days", "[aged 1 to 4]"),
        (Kind.AGE, "exact age", "three days old", "[under one year old]"),
        (Kind.AGE, "exact age", "a 5-year-old", "[aged 5 to 9]"),
        (Kind.AGE, "exact age", "ten minutes old", "[under one year old]"),
        (Kind.AGE, "exact age", "forty in 2019", "[an exact age]"),
        (Kind.AGE, "exact age", "ninety", "[aged 80 or more]"),
        (Kind.AGE, "birthday", "second", "[nth]"),
        (Kind.OTHER, "rare diagnosis", "Quillon syndrome", "[a rare condition]"),
        (Kind.DATE, "date of birth", "3 June 2021", "[date in 2021]"),
    ],
)
def test_a_vaguer_word(kind: Kind, role: str, said: str, expected: str) -> None:
    policy = Policy(kinds={kind: Action.GENERALISE})
    assert written(Person(id="", kind=kind, role=role, forms=(said,)), policy) == expected


@pytest.mark.parametrize(
    ("kind", "role", "expected"),
    [
        (Kind.AGE, "exact age", None),
        (Kind.OTHER, "birth weight", None),
        (Kind.OTHER, "gestation", None),
        (Kind.OTHER, "multiple birth", None),
        (Kind.OTHER, "rare diagnosis", "[a rare condition]"),
        (Kind.DATE, "date of birth", "[date of birth]"),
        (Kind.CONTACT, "phone number", "[phone number]"),
        (Kind.AGE, "age", "[age]"),  # what a reviewer marked is replaced
        (Kind.OTHER, "other", "[other]"),
    ],
)
def test_what_is_kept_unless_the_study_says_otherwise(kind: Kind, role: str, expected: str | None) -> None:
    person = Person(id="", kind=kind, role=role, forms=("said",))
    assert written(person, Policy()) == expected
    tag = {"multiple birth": "children", "rare diagnosis": "condition"}.get(role, role)  # a role may tell too much
    assert written(person, Policy(kinds={kind: Action.TAG})) == f"[{tag}]"
