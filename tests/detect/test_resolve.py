"""Settling between rules: overlaps, identities, repeats, idempotence. All names are invented."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.detect.helpers import person, surfaces, transcript
from transcribe.detect import resolve
from transcribe.detect.fake import FakeRule
from transcribe.schema import Finding, Kind, Person, Reason
from transcribe.wordforms import FormIndex

PEOPLE = (person("T1", "Rose Tamblyn", role="therapist"), person("I1", "Hope", role="infant"))


def _resolve(texts: tuple[str, ...], names: dict[str, Kind], people: tuple[Person, ...] = PEOPLE) -> resolve.Resolution:
    made = transcript(*texts)
    return resolve.resolve(made, FakeRule(names).find(made.utterances), people)


def _owners(texts: tuple[str, ...], resolution: resolve.Resolution) -> list[tuple[str, str | None]]:
    found = resolution.findings.found
    return list(zip(surfaces(texts, found), (f.person_id for f in found), strict=True))


def test_roster_wins_on_the_same_span_and_findings_follow_position() -> None:
    texts = ("Then Rose Tamblyn came.", "And Orla Venn, with Rose.")
    resolution = _resolve(texts, {"Orla Venn": Kind.PERSON, "Rose Tamblyn": Kind.ORGANISATION})
    assert _owners(texts, resolution) == [("Rose Tamblyn", "T1"), ("Orla Venn", "R001-F01"), ("Rose", "T1")]
    assert [(p.id, p.forms, p.role, p.found) for p in resolution.new_people] == [
        ("R001-F01", ("Orla Venn",), "person", True)
    ]


def test_repeats_of_a_new_name_are_found() -> None:
    texts = ("Orla Venn rang.", "Then Orla and Venn's mother.")
    resolution = _resolve(texts, {"Orla Venn": Kind.PERSON})
    assert [owner for _, owner in _owners(texts, resolution)] == ["R001-F01"] * 3


def test_who_is_named_in_full_after_her_first_name_is_one_person() -> None:
    texts = ("So Orla rang.", "That's Orla Venn.", "And Venn and Orla laughed.")
    resolution = _resolve(texts, {"Orla Venn": Kind.PERSON, "Orla": Kind.PERSON})
    assert [owner for _, owner in _owners(texts, resolution)] == ["R001-F01"] * 4
    assert [p.forms for p in resolution.new_people] == [("Orla Venn", "Orla")]
    assert "shared" not in "".join(f.reason.detail for f in resolution.findings.found)


def test_two_who_share_a_first_name_stay_two() -> None:
    texts = ("So Orla rang.", "That's Orla Venn.", "And Orla Quill came.")
    resolution = _resolve(texts, {"Orla Venn": Kind.PERSON, "Orla Quill": Kind.PERSON, "Orla": Kind.PERSON})
    assert [p.forms for p in resolution.new_people] == [("Orla Venn", "Orla"), ("Orla Quill",)]
    assert resolution.findings.found[0].reason.detail.endswith("shared form")


def test_a_model_extends_a_roster_name() -> None:
    texts = ("Then Hope Venn slept.", "And Venn woke.")
    resolution = _resolve(texts, {"Hope Venn": Kind.PERSON})
    assert _owners(texts, resolution) == [("Hope Venn", "I1"), ("Venn", "R001-F01")]


def test_another_surname_is_somebody_else() -> None:
    texts = ("Then Rose Venn rang.",)
    resolution = _resolve(texts, {"Rose Venn": Kind.PERSON})
    assert _owners(texts, resolution) == [("Rose Venn", "R001-F01")]


@pytest.mark.parametrize("full", ["Rose Ann Tamblyn", "Rose Ann-Marie Dell Tamblyn", "Dr Rose Ann Tamblyn"])
def test_with_her_middle_names_she_is_the_same(full: str) -> None:
    texts = (f"Then {full} rang.", "And Rose laughed.")
    resolution = _resolve(texts, {full: Kind.PERSON})
    assert _owners(texts, resolution) == [(full, "T1"), ("Rose", "T1")]
    assert resolution.new_people == ()


@pytest.mark.parametrize("full", ["Rose and Ann Tamblyn", "Ann Mae Tamblyn", "Rose Mae Venn"])
def test_with_another_name_at_an_end_or_with_and_she_may_be_somebody_else(full: str) -> None:
    assert [owner for _, owner in _owners((full,), _resolve((full,), {full: Kind.PERSON}))] == ["R001-F01"]


def test_of_two_with_one_first_name_the_surname_tells_whose_middle_name_it_is() -> None:
    people = (person("P1", "Tilda Quillby"), person("P7", "Tilda Garth"))
    texts = ("Then Tilda Mae Garth rang.",)
    assert _owners(texts, _resolve(texts, {"Tilda Mae Garth": Kind.PERSON}, people)) == [("Tilda Mae Garth", "P7")]


def test_an_address_or_institution_around_a_name_is_one_span() -> None:
    texts = ("Write to rose.tamblyn@example.org or the Hope Clinic.",)
    resolution = _resolve(texts, {"rose.tamblyn@example.org": Kind.CONTACT, "Hope Clinic": Kind.ORGANISATION})
    assert surfaces(texts, resolution.findings.found) == ["rose.tamblyn@example.org", "Hope Clinic"]
    assert [p.kind for p in resolution.new_people] == [Kind.CONTACT, Kind.ORGANISATION]
    assert [p.position_only for p in resolution.new_people] == [False, False]


def test_a_model_overrules_a_kept_word() -> None:
    texts = ("I hope so, Anna.",)
    assert surfaces(texts, _resolve(texts, {}).findings.kept) == ["hope"]
    resolution = _resolve(texts, {"hope": Kind.PERSON})
    assert _owners(texts, resolution) == [("hope", "I1")]
    assert resolution.findings.kept == ()


def test_a_model_does_not_overrule_a_fixed_phrase() -> None:
    texts = ("Mark my words, Anna.",)
    resolution = _resolve(texts, {"Mark": Kind.PERSON}, (person("X", "Mark"),))
    assert surfaces(texts, resolution.findings.found) == []
    assert surfaces(texts, resolution.findings.kept) == ["Mark"]


def test_a_date_around_a_kept_month() -> None:
    people = (person("X", "May"),)
    texts = ("Born on the 4th of May, and in May.",)
    resolution = _resolve(texts, {"4th of May": Kind.DATE}, people)
    assert surfaces(texts, resolution.findings.found) == ["4th of May"]
    assert surfaces(texts, resolution.findings.kept) == ["May"]
    assert [(f.kind, f.person_id) for f in resolution.findings.found] == [(Kind.DATE, None)]  # bound to its place
    assert resolution.new_people == ()


@pytest.mark.parametrize(
    ("name", "text"), [("Bo", "Then Bo came."), ("Sky", "Then Sky came."), ("Badger", "Badger, badger")]
)
def test_ordinary_or_short_forms_are_bound_to_their_position(name: str, text: str) -> None:
    assert [p.position_only for p in _resolve((text,), {name: Kind.PERSON}).new_people] == [True]


def test_ordinary_found_name_repeats_where_it_has_a_capital() -> None:
    texts = ("Then Sky came.", "I saw Sky in the sky.", "Sky was blue.")
    made = transcript(*texts)
    first = FakeRule({"Sky": Kind.PERSON}).find(made.utterances)[:1]
    found = resolve.resolve(made, first, ()).findings.found
    assert [(f.utterance_id, f.start) for f in found] == [("U0001", 5), ("U0002", 6)]


def test_a_number_keeps_its_digits_as_a_form() -> None:
    texts = ("It's 07700 900123.",)
    resolution = _resolve(texts, {"07700 900123": Kind.CONTACT})
    assert resolution.new_people[0].forms == ("07700 900123", "07700900123")


def test_known_found_people_keep_their_id_in_another_recording() -> None:
    known = replace(person("R001-F07", "Orla Venn"), found=True)
    made = transcript("Orla Venn rang.", recording_id="R002")
    resolution = resolve.resolve(made, FakeRule({"Orla Venn": Kind.PERSON}).find(made.utterances), (known,))
    assert [f.person_id for f in resolution.findings.found] == ["R001-F07"]
    assert resolution.new_people == ()


_WORDS = "Rose rose Tamblyn Hope hope Venn Orla orla Sky sky and said. the 4th May Bo will Will".split()
_KINDS = [Kind.PERSON, Kind.PLACE, Kind.DATE, Kind.CONTACT]
_TEXTS = st.lists(st.lists(st.sampled_from(_WORDS), max_size=8).map(" ".join), min_size=1, max_size=4)
_PATTERN = st.tuples(st.integers(1, 4), st.integers(0, 40), st.integers(1, 15), st.sampled_from(_KINDS))


def _candidates(raw: list[tuple[int, int, int, Kind]], texts: list[str]) -> tuple[Finding, ...]:
    made = []
    for number, start, length, kind in raw:
        if number <= len(texts) and texts[number - 1][start : start + length].strip():
            end = min(start + length, len(texts[number - 1]))
            made.append(
                Finding(
                    id="",
                    utterance_id=f"U{number:04d}",
                    start=start,
                    end=end,
                    kind=kind,
                    person_id=None,
                    score=0.5,
                    reason=Reason(rule="fake"),
                )
            )
    return tuple(made)


@given(_TEXTS, st.lists(_PATTERN, max_size=6))
def test_invariants(texts: list[str], raw: list[tuple[int, int, int, Kind]]) -> None:
    made = transcript(*texts)
    candidates = _candidates(raw, texts)
    once = resolve.resolve(made, candidates, PEOPLE)
    everybody = PEOPLE + once.new_people
    again = resolve.resolve(made, candidates, everybody)
    assert again.new_people == ()
    assert again.findings == once.findings
    assert len({p.id for p in everybody}) == len(everybody)
    index = FormIndex(everybody)
    for utterance in made.utterances:
        spans = sorted(
            (f.start, f.end) for f in once.findings.found + once.findings.kept if f.utterance_id == utterance.id
        )
        assert all(0 <= start < end <= len(utterance.text) for start, end in spans)
        assert all(a[1] <= b[0] for a, b in pairwise(spans))
        for match in index.find(utterance.text):
            assert any(start <= match.start and match.end <= end for start, end in spans)
    assert {f.person_id for f in once.findings.found} <= {p.id for p in everybody} | {None}
    for candidate in candidates:
        covered = [f for f in once.findings.found if f.utterance_id == candidate.utterance_id]
        assert any(f.start <= candidate.start and candidate.end <= f.end for f in covered)
