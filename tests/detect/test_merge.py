"""Uniting candidates: the sure never widens by a doubt, and doubts that agree make a likelihood. Invented names."""

import pytest

from tests.detect.helpers import person
from transcribe.detect import merge
from transcribe.schema import Finding, Kind, Reason

ROSE = person("P1", "Rose")
TEXT = "Then Rose Venn and Orla came to tea"


def seen(surface: str, score: float, rule: str = "names", **fields: object) -> Finding:
    start = TEXT.index(surface)
    given = {"kind": Kind.PERSON, "person_id": None, **fields}
    return Finding(
        id="", utterance_id="U0001", start=start, end=start + len(surface), score=score,
        reason=Reason(rule=rule), **given,  # type: ignore[arg-type]
    )  # fmt: skip


def merged(*candidates: Finding, known: tuple[Finding, ...] = ()) -> list[tuple[str, float]]:
    out, _ = merge.merge(TEXT, list(known), [], list(candidates), {"P1": ROSE})
    return [(TEXT[m.finding.start : m.finding.end], m.finding.score) for m in out]


def test_a_doubt_beside_a_certainty_is_a_question_of_its_own() -> None:
    assert merged(seen("Rose", 0.95), seen("Rose Venn", 0.2, "kinship")) == [("Rose", 0.95), ("Venn", 0.2)]
    assert merged(seen("Orla", 0.95), seen("Orla came to", 0.2)) == [("Orla", 0.95), ("came to", 0.2)]
    assert merged(seen("Orla", 0.95), seen("and Orla", 0.2)) == [("Orla", 0.95)]  # what remains is no word for a name


def test_two_likely_ones_are_united() -> None:
    assert merged(seen("Rose", 0.9), seen("Rose Venn", 0.6, "kinship")) == [("Rose Venn", 0.96)]


def test_doubts_that_agree_add_up() -> None:
    assert merged(seen("Orla", 0.4), seen("Orla", 0.4, "kinship")) == [("Orla", 0.64)]
    assert merged(seen("Orla", 0.4), seen("Orla", 0.4)) == [("Orla", 0.4)]  # the same rule twice is one opinion


def test_a_doubtful_roster_form_is_not_taken_apart() -> None:
    form = seen("Rose Venn", 0.3, "roster", person_id="P1")
    assert merged(seen("Rose", 0.9), known=(form,)) == [("Rose Venn", pytest.approx(0.93))]


def test_all_that_spoke_for_it_is_kept_as_evidence() -> None:
    (out,), _ = merge.merge(TEXT, [], [], [seen("Orla", 0.4), seen("Orla", 0.3, "kinship", relation="friend")], {})
    assert {(r.rule, r.score) for r in out.finding.evidence} == {("names", 0.4), ("kinship", 0.3)}
    assert out.finding.relation == "friend"
